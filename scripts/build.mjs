/**
 * `npm run build`: what the package ships, in dist/: quern.js and ort.js (ES modules; the second imports the first), quern.global.js (script
 * tag), quern.worker.js (the worker that the first and third carry inlined, for pages that must host it), types, the command line and, where
 * they exist, the React hooks and the demo.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { writeTypes } from './types.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

for (const part of ['worker', 'module', 'ort', 'global']) {
  await build({ configFile: 'vite.config.ts', mode: part, logLevel: 'warn' });
}
await writeTypes('dist');
licences();
for (const [config, modes] of [['cli/vite.config.ts', [undefined, 'page']], ['react/vite.config.ts', [undefined]], ['demo/vite.config.ts', [undefined]]]) {
  if (!existsSync(config)) continue;
  for (const mode of modes) await build({ configFile: config, logLevel: 'warn', ...(mode === undefined ? {} : { mode }) });
}
plainText();
console.log(readdirSync('dist').filter((name) => name.endsWith('.js')).map((name) => `dist/${name}  ${statSync(`dist/${name}`).size} bytes`).join('\n'));

/** A character beyond ASCII would have browsers hold the whole script in two bytes a character, and read it at half the speed. */
function plainText() {
  for (const name of ['quern.js', 'quern.worker.js', 'quern.global.js']) {
    const found = /[^\x00-\x7f]/.exec(readFileSync(`dist/${name}`, 'utf8'));
    if (found !== null) throw new Error(`dist/${name} has the character '${found[0]}': write it as an escape`);
  }
}

/** Texts of the licences of what the bundles contain. */
function licences() {
  const texts = ['comlink', 'idb-keyval', 'pbf'].map((name) => {
    const folder = join('node_modules', name);
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  writeFileSync('dist/THIRD-PARTY-LICENSES.txt', texts.join(`\n${'='.repeat(80)}\n\n`));
}
