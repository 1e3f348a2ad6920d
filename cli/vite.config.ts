/**
 * Builds the command line into dist/cli: main.mjs and node-peer.mjs for Node (playwright and puppeteer-core stay outside: optional
 * peers of the package),
 * page.mjs for the browser it drives (the engine stays outside: the page loads the built bundle, as a visitor's does).
 *   vite build -c cli/vite.config.ts            the Node side
 *   vite build -c cli/vite.config.ts -m page    the page's side
 */
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { quernPlugins } from '../vite.config.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig(({ mode }) => {
  const page = mode === 'page';
  return {
    root: `${here}..`,
    publicDir: false as const,
    plugins: quernPlugins({ worker: false }),
    build: {
      outDir: 'dist/cli',
      emptyOutDir: false,
      minify: false,
      target: page ? 'es2022' : 'node20',
      modulePreload: false,
      lib: {
        entry: page ? { page: `${here}page/harness.ts` } : { main: `${here}main.ts`, 'node-peer': `${here}node-peer.ts` },
        formats: ['es' as const],
        fileName: (_: unknown, name: string) => `${name}.mjs`,
      },
      rolldownOptions: {
        external: page ? [] : ['playwright', 'puppeteer-core', ...builtinModules, ...builtinModules.map((name) => `node:${name}`)],
      },
    },
  };
});
