#!/usr/bin/env node
// The `quern` command: starts the built program (cli/main.ts, built by Vite into dist/cli/main.mjs).
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/cli/main.mjs', import.meta.url);
if (!existsSync(fileURLToPath(built))) {
  console.error("quern: the command line is not built. Run 'npm run build' first.");
  process.exit(2);
}
// `quern … | head` is no error.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
const { main } = await import(built.href);
process.exitCode = await main(process.argv.slice(2));
