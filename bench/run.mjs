// Runs benchmarks by name and writes bench/results/NAME.json: node bench/run.mjs NAME [arguments]
// They are TypeScript, which Node 20 does not run: Vite builds the one that is wanted into dist/bench.
import { existsSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
const known = readdirSync(here).filter((name) => name.endsWith('.bench.ts')).map((name) => name.slice(0, -'.bench.ts'.length));
const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !known.includes(name) || !existsSync(`${here}../dist/quern.js`)) {
  console.error(`usage: node bench/run.mjs NAME [arguments], after 'npm run build'; NAME is one of ${known.join(', ')}`);
  process.exit(2);
}
await build({
  configFile: false,
  root: `${here}..`,
  publicDir: false,
  logLevel: 'error',
  build: {
    outDir: 'dist/bench',
    emptyOutDir: false,
    minify: false,
    target: 'node20',
    modulePreload: false,
    lib: { entry: `${here}${name}.bench.ts`, formats: ['es'], fileName: () => `${name}.mjs` },
    rolldownOptions: { external: ['playwright', 'puppeteer-core', ...builtinModules, ...builtinModules.map((module) => `node:${module}`)] },
  },
});
const { main } = await import(new URL(`../dist/bench/${name}.mjs`, import.meta.url).href);
await main(rest);
