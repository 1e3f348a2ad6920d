/**
 * Unit tests: `*.test.ts` in Node, `*.browser.test.ts` in a real Chromium with cross-origin isolation and WebGPU (SwiftShader where
 * there is no GPU). A browser without either fails the run (engine/runtime/environment.browser.test.ts).
 */
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { launchOptions } from './scripts/chromium.mjs';
import { isolationHeaders, quernPlugins } from './vite.config.ts';

/** A real Chromium, headless; one for each project, because Vitest writes the project's name into it. */
const chromium = () => ({
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({ launchOptions: launchOptions() }),
  instances: [{ browser: 'chromium' as const }],
});
/** A device on SwiftShader, a worker, a browser: seconds on a busy machine. What hangs is found all the same. */
const limits = { testTimeout: 120_000, hookTimeout: 120_000 };
const exclude = ['**/node_modules/**', 'dist/**', '.material/**', '.zoo/**', '.peers/**', 'e2e/**'];

export default defineConfig({
  test: {
    reporters: ['dot'],
    projects: [
      {
        plugins: quernPlugins({ worker: false }),
        test: { name: 'node', environment: 'node', ...limits, include: ['**/*.test.ts', '**/*.test.mjs'], exclude: [...exclude, '**/*.browser.test.ts', '**/*.engine.test.ts'] },
      },
      {
        plugins: quernPlugins(),
        server: { headers: isolationHeaders },
        optimizeDeps: { include: ['comlink', 'idb-keyval', 'pbf', 'react', 'react/jsx-dev-runtime', 'react-dom/client', 'react-dom/server'] },
        test: {
          name: 'browser',
          env: { REACT: '19' },
          include: ['**/*.browser.test.ts', '**/*.browser.test.tsx'],
          exclude,
          ...limits,
          browser: chromium(),
        },
      },
      {
        // The same tests of the hooks under React 18: two aliased packages take the names of the installed ones.
        plugins: quernPlugins(),
        server: { headers: isolationHeaders },
        resolve: { alias: [{ find: /^react(?=\/|$)/, replacement: 'react18' }, { find: /^react-dom(?=\/|$)/, replacement: 'react-dom18' }] },
        cacheDir: 'node_modules/.vite-react-18',
        optimizeDeps: { include: ['comlink', 'idb-keyval', 'pbf', 'react18', 'react18/jsx-dev-runtime', 'react-dom18/client', 'react-dom18/server'] },
        test: { name: 'react-18', env: { REACT: '18' }, include: ['react/**/*.browser.test.tsx'], exclude, ...limits, browser: chromium() },
      },
    ],
  },
});
