/**
 * `npm run build`: what the package ships, in dist/: quern.js and ort.js (ES modules; the second imports the first), quern.global.js (script
 * tag), quern.worker.js (the worker that the first and third carry inlined, for pages that must host it), types, the command line and, where
 * they exist, the React hooks and the demo.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

for (const part of ['worker', 'module', 'ort', 'global']) {
  await build({ configFile: 'vite.config.ts', mode: part, logLevel: 'warn' });
}
types();
licences();
for (const [config, modes] of [['cli/vite.config.ts', [undefined, 'page']], ['react/vite.config.ts', [undefined]], ['demo/vite.config.ts', [undefined]]]) {
  if (!existsSync(config)) continue;
  for (const mode of modes) await build({ configFile: config, logLevel: 'warn', ...(mode === undefined ? {} : { mode }) });
}
console.log(readdirSync('dist').filter((name) => name.endsWith('.js')).map((name) => `dist/${name}  ${statSync(`dist/${name}`).size} bytes`).join('\n'));

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

/** Declarations from tsc, with the imports as published: the compiler leaves `.ts` in them. */
function types() {
  const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  for (const file of readdirSync('dist/types', { recursive: true })) {
    const path = join('dist/types', file);
    if (!path.endsWith('.d.ts')) continue;
    writeFileSync(path, readFileSync(path, 'utf8').replace(/(from |import\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2'));
  }
}
