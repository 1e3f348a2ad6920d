/** Builds the demo into dist/demo: static files with relative addresses, to be put under any path of any host. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { isolationHeaders, quernPlugins } from '../vite.config.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  root: here,
  base: './',
  plugins: quernPlugins(),
  server: { headers: isolationHeaders },
  preview: { headers: isolationHeaders },
  build: {
    outDir: `${here}../dist/demo`,
    emptyOutDir: true,
    target: 'es2022',
    // The model stays a file: as text inside the script it would be a third larger and block the page.
    assetsInlineLimit: 0,
  },
  assetsInclude: ['**/*.onnx'],
});
