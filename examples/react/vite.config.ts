import { defineConfig } from 'vite';

/** Headers that make the page cross-origin isolated: without them all works, on one thread. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({ base: './', server: { headers }, preview: { headers } });
