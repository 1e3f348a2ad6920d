/**
 * The build: dist/quern.js (ESM) and dist/quern.global.js (script tag), each with the engine worker inlined as text, and
 * dist/quern.worker.js for pages whose policy forbids Blob workers.
 *
 * The worker is built first, into one classic script, and comes in as the module `virtual:quern-worker`: the page starts it from
 * a Blob, so one script file is enough and no bundler of a user has to know about workers.
 */
import { fileURLToPath } from 'node:url';
import { build, defineConfig, type Plugin } from 'vite';
import { shaderPlugin } from './shaders/plugin.ts';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Headers that make a page cross-origin isolated, which shared memory and so threads need. */
export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

/** The worker's entry and everything below it as one classic script. */
async function buildWorker(minify: boolean): Promise<string> {
  const result = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    plugins: [shaderPlugin()],
    build: {
      write: false,
      minify,
      target: 'es2022',
      modulePreload: false,
      lib: { entry: `${root}engine/runtime/worker.ts`, formats: ['iife'], name: 'quernWorker' },
    },
  });
  const output = Array.isArray(result) ? result[0] : result;
  if (output === undefined || !('output' in output)) throw new Error('the worker was not built');
  const [chunk, ...rest] = output.output;
  if (rest.length > 0) throw new Error(`the worker must be one script, but got ${rest.map((r) => r.fileName).join(', ')} as well`);
  return chunk.code;
}

/** Serves the built worker's text as `virtual:quern-worker`. */
function workerPlugin(): Plugin {
  const id = 'virtual:quern-worker';
  let minify = false;
  let script: Promise<string> | undefined;
  return {
    name: 'quern-worker',
    configResolved(config) {
      minify = config.command === 'build';
    },
    resolveId(source) {
      return source === id ? `\0${id}` : undefined;
    },
    async load(resolved) {
      if (resolved !== `\0${id}`) return undefined;
      script ??= buildWorker(minify);
      return `export default ${JSON.stringify(await script)};`;
    },
  };
}

/** Plugins that every entry of the project needs, tests included. */
export const quernPlugins = (): Plugin[] => [shaderPlugin(), workerPlugin()];

export default defineConfig({
  plugins: quernPlugins(),
});
