/**
 * Unit tests: `*.test.ts` in Node, `*.browser.test.ts` in a real Chromium with cross-origin isolation and WebGPU (SwiftShader where
 * there is no GPU). A browser without either fails the run (engine/runtime/environment.browser.test.ts).
 */
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { launchOptions } from './scripts/chromium.mjs';
import { isolationHeaders, quernPlugins } from './vite.config.ts';

const exclude = ['**/node_modules/**', 'dist/**', '.material/**', '.zoo/**', '.peers/**', 'e2e/**'];

export default defineConfig({
  test: {
    reporters: ['dot'],
    projects: [
      {
        plugins: quernPlugins({ worker: false }),
        test: { name: 'node', environment: 'node', testTimeout: 60_000, include: ['**/*.test.ts', '**/*.test.mjs'], exclude: [...exclude, '**/*.browser.test.ts'] },
      },
      {
        plugins: quernPlugins(),
        server: { headers: isolationHeaders },
        optimizeDeps: { include: ['comlink', 'idb-keyval', 'pbf', 'react', 'react/jsx-dev-runtime', 'react-dom/client', 'react-dom/server'] },
        test: {
          name: 'browser',
          include: ['**/*.browser.test.ts', '**/*.browser.test.tsx'],
          exclude,
          testTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: launchOptions() }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
