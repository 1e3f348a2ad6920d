/** End-to-end tests: what a user touches, in a real Chromium, against the built bundle (run `npm run build` first). */
import { defineConfig } from '@playwright/test';
import { launchOptions } from '../scripts/chromium.mjs';

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.e2e.ts',
  outputDir: '../test-results/e2e',
  fullyParallel: true,
  workers: 2,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  forbidOnly: process.env['CI'] !== undefined,
  reporter: process.env['PLAYWRIGHT_JSON_OUTPUT_NAME'] === undefined ? [['dot']] : [['dot'], ['json']],
  use: { headless: true, launchOptions: launchOptions() },
});
