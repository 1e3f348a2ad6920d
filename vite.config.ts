/**
 * Builds the parts of the library, one per mode (scripts/build.mjs calls them): `worker` (dist/quern.worker.js), `module` (dist/quern.js),
 * `ort` (dist/ort.js), `global` (dist/quern.global.js, for script tags).
 *
 * The worker is built first, into one classic script, and comes in as the module `virtual:quern-worker`: the page starts it from
 * a Blob, so one script file is enough and no bundler of a user has to know about workers. The bundle for script tags, which nobody bundles again,
 * holds what page and worker share once (scripts/script-tag.ts).
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, defineConfig, type BuildEnvironmentOptions, type Plugin, type UserConfig } from 'vite';
import { plainVariables } from './scripts/plain-variables.ts';
import { scriptTag, textOf } from './scripts/script-tag.ts';
import { shaderPlugin } from './shaders/plugin.ts';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Headers that make a page cross-origin isolated, which shared memory and so threads need. */
export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

interface Part {
  readonly entry: string;
  readonly format: 'es' | 'iife';
  readonly file: string;
  /** The global of a script tag. */
  readonly name?: string;
}

const parts: Readonly<Record<string, Part>> = {
  worker: { entry: 'engine/runtime/worker.ts', format: 'iife', file: 'quern.worker.js', name: 'quernWorker' },
  thread: { entry: 'engine/runtime/thread.ts', format: 'iife', file: 'thread.js', name: 'quernThread' },
  module: { entry: 'engine/index.ts', format: 'es', file: 'quern.js' },
  ort: { entry: 'engine/ort.ts', format: 'es', file: 'ort.js' },
};

/** Minifying drops the comments of licences; dist/THIRD-PARTY-LICENSES.txt holds their texts. */
const banner = '/*! Quern (MIT), with comlink and idb-keyval (Apache-2.0); see THIRD-PARTY-LICENSES.txt */';

function library({ entry, format, file, name }: Part): BuildEnvironmentOptions {
  return {
    target: 'es2022',
    outDir: `${root}dist`,
    emptyOutDir: false,
    modulePreload: false,
    rolldownOptions: { output: { postBanner: banner } },
    lib: { entry: `${root}${entry}`, formats: [format], fileName: () => file, ...(name === undefined ? {} : { name }) },
  };
}

/** A part's entry and everything below it as one classic script. */
async function buildScript(name: 'worker' | 'thread', minify: boolean): Promise<string> {
  const part = parts[name];
  if (part === undefined) throw new Error(`there is no part '${name}'`);
  const result = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    plugins: quernPlugins({ worker: false }),
    build: { ...library(part), write: false, minify },
  });
  const output = Array.isArray(result) ? result[0] : result;
  if (output === undefined || !('output' in output)) throw new Error(`the ${name} was not built`);
  const [chunk, ...rest] = output.output;
  if (rest.length > 0) throw new Error(`the ${name} must be one script, but got ${rest.map((r) => r.fileName).join(', ')} as well`);
  return chunk.code;
}

/** Serves a built script's text as `virtual:quern-NAME`; nothing where it cannot be started. */
function scriptPlugin(name: 'worker' | 'thread', inlined: boolean): Plugin {
  const id = `virtual:quern-${name}`;
  let minify = false;
  let script: Promise<string> | undefined;
  return {
    name: `quern-${name}`,
    configResolved(config) {
      minify = config.command === 'build';
    },
    resolveId(source) {
      return source === id ? `\0${id}` : undefined;
    },
    async load(resolved) {
      if (resolved !== `\0${id}`) return undefined;
      script ??= inlined ? buildScript(name, minify) : Promise.resolve('');
      // A list: a text would be put where it is used, into a function, and so be read twice (12 ms of the page's thread).
      return `export default [${JSON.stringify(await script)}];`;
    },
  };
}

/** Serves a hash of all sources that decide what the engine stores as `virtual:quern-build`. */
const buildPlugin: Plugin = {
  name: 'quern-build',
  resolveId: (source) => (source === 'virtual:quern-build' ? `\0${source}` : undefined),
  load(resolved) {
    if (resolved !== '\0virtual:quern-build') return undefined;
    const hash = createHash('sha256');
    for (const folder of ['engine', 'jit', 'shaders']) {
      const files = readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).filter((f) => /\.(ts|wgsl)$/.test(f) && !f.includes('.test.'));
      for (const file of files.sort()) hash.update(file).update(readFileSync(`${root}${folder}/${file}`));
    }
    return `export default ${JSON.stringify(hash.digest('hex').slice(0, 16))};`;
  },
};

/** Plugins that every entry of the project needs, tests included; `worker: false` where no worker can be started. */
export const quernPlugins = ({ worker = true } = {}): Plugin[] => [
  shaderPlugin(), buildPlugin, scriptPlugin('worker', worker), scriptPlugin('thread', true), plainVariables,
];

/** ort.js leaves the engine to quern.js, so that a page which uses both has it once. */
const engineOutside: Plugin = {
  name: 'quern-engine-outside',
  enforce: 'pre',
  resolveId(source, importer) {
    return source === './index.ts' && importer?.endsWith('/engine/ort.ts') === true ? { id: './quern.js', external: 'relative' } : undefined;
  },
};

/** The bundle for script tags: three entries at once, and one script of what they share. */
const scriptTagBuild: UserConfig = {
  root,
  publicDir: false,
  plugins: [
    shaderPlugin(),
    buildPlugin,
    plainVariables,
    {
      name: 'quern-texts',
      resolveId: (source) => (/^virtual:quern-(worker|thread)$/.test(source) ? `\0${source}` : undefined),
      load(id) {
        const name = /^\0virtual:quern-(worker|thread)$/.exec(id)?.[1];
        return name === undefined ? undefined : `export default [${textOf(name === 'worker' ? name : 'thread')}];`;
      },
    },
    scriptTag('quern.global.js', 'quern', banner),
  ],
  build: {
    target: 'es2022',
    outDir: `${root}dist`,
    emptyOutDir: false,
    modulePreload: false,
    rolldownOptions: {
      input: { page: `${root}engine/script-tag.ts`, worker: `${root}engine/runtime/worker.ts`, thread: `${root}engine/runtime/thread.ts` },
      preserveEntrySignatures: 'allow-extension',
      // 0.3 KB gzipped.
      treeshake: { propertyReadSideEffects: false, unknownGlobalSideEffects: false },
      optimization: { inlineConst: { mode: 'all', pass: 3 } },
      output: { format: 'es', minify: true, entryFileNames: '[name].js', chunkFileNames: '[name].js' },
    },
  },
};

export default defineConfig(({ mode, command }) => {
  if (mode === 'global') return scriptTagBuild;
  const part = parts[mode];
  if (command === 'build' && part === undefined) throw new Error(`build with --mode ${Object.keys(parts).join(' or ')}; npm run build does all`);
  return {
    root,
    publicDir: false,
    plugins: [...quernPlugins(), ...(mode === 'ort' ? [engineOutside] : [])],
    ...(part === undefined ? {} : { build: library(part) }),
  };
});
