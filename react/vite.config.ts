/** Builds dist/react.js. React is the page's own; the engine stays outside too: quern.js holds it, once for all entries. */
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

const engineOutside: Plugin = {
  name: 'quern-engine-outside',
  enforce: 'pre',
  resolveId: (source) => (source === '../engine/index.ts' ? { id: './quern.js', external: 'relative' } : undefined),
};

export default defineConfig({
  root: `${here}..`,
  publicDir: false,
  plugins: [engineOutside],
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2022',
    modulePreload: false,
    lib: { entry: `${here}entry.ts`, formats: ['es'], fileName: () => 'react.js' },
    // Frameworks with server components take the hooks for what they are.
    rolldownOptions: { external: ['react'], output: { postBanner: "'use client';\n/*! Quern (MIT) */" } },
  },
});
