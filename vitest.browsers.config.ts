/**
 * Tests in the browser that QUERN_BROWSER names, Firefox or WebKitGTK; `npm run test:browsers` calls this for each. Those of the CPU backend
 * and the engine are the ones that run in Chromium, without what needs WebGPU; pages with the script tag are driven from Node.
 */
import { defineBrowserProvider } from '@vitest/browser';
import { defineConfig } from 'vitest/config';
import type { BrowserProvider } from 'vitest/node';
import { type LaunchedBrowser, type OtherBrowser, launch, otherBrowsers } from './scripts/browsers.mjs';
import { isolationHeaders, quernPlugins } from './vite.config.ts';

const wanted = process.env['QUERN_BROWSER'] ?? '';
const browser = otherBrowsers.find((name) => name === wanted);
if (browser === undefined) throw new Error(`QUERN_BROWSER is one of ${otherBrowsers.join(', ')}, not '${wanted}'`);

/** What vitest asks of a browser: to open a page, and to end. */
class Provider implements BrowserProvider {
  readonly name = 'quern';
  readonly supportsParallelism = false;
  #launched: Promise<LaunchedBrowser> | undefined;

  getCommandsContext(): Record<string, unknown> {
    return {};
  }

  async openPage(_session: string, url: string): Promise<void> {
    this.#launched ??= launch(browser as OtherBrowser);
    await (await this.#launched).open(url);
  }

  async close(): Promise<void> {
    await (await this.#launched)?.close();
  }
}

export default defineConfig({
  test: {
    reporters: ['dot'],
    // There is none.
    testNamePattern: /^(?!.*webgpu)/,
    projects: [
      {
        plugins: quernPlugins({ worker: false }),
        // Again once: one load in some hundred hung in Firefox 153 for a reason not found.
        test: { name: 'pages', environment: 'node', retry: 1, testTimeout: 120_000, hookTimeout: 120_000, include: ['e2e/other-browsers.test.ts'] },
      },
      {
        plugins: quernPlugins(),
        server: { headers: isolationHeaders },
        optimizeDeps: { include: ['comlink', 'idb-keyval', 'pbf'] },
        test: {
          include: ['jit/backends/wasm/*.{browser,engine}.test.ts', 'engine/**/*.browser.test.ts'],
          exclude: ['engine/runtime/environment.browser.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          browser: {
            enabled: true,
            // Without vitest's own pages, on which MiniBrowser dies.
            headless: true,
            ui: false,
            screenshotFailures: false,
            provider: defineBrowserProvider({ name: 'quern', providerFactory: () => new Provider() }),
            instances: [{ browser }],
          },
        },
      },
    ],
  },
});
