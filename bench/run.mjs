// Runs benchmarks by name and writes bench/results/NAME.json: node bench/run.mjs [size matmul kernel-ready visits models]
// They are TypeScript; Vite loads them, since Node 20 does not.
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
const known = readdirSync(here).filter((name) => name.endsWith('.bench.ts')).map((name) => name.slice(0, -'.bench.ts'.length));
const [first, ...rest] = process.argv.slice(2);
if (first === undefined || !known.includes(first) || !existsSync(`${here}../dist/quern.js`)) {
  console.error(`usage: node bench/run.mjs NAME [arguments], after 'npm run build'; NAME is one of ${known.join(', ')}`);
  process.exit(2);
}
const { module } = await runnerImport(`${here}${first}.bench.ts`, { configFile: false, logLevel: 'warn' });
await module.main(rest);
