/**
 * The WebGPU kernels in plain Node, on a GPU where there is one and on SwiftShader otherwise: checks them, then times every candidate.
 *   node bench/gpu.mjs [--first N] [--filter TEXT] [--all] [--json FILE]
 * --first: candidates per kernel that are checked (3; 0 checks none); --all: also times what only pays on hardware.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, loadConfigFromFile } from 'vite';

const { values } = parseArgs({
  options: {
    first: { type: 'string', default: '3' }, filter: { type: 'string', default: '' }, all: { type: 'boolean', default: false }, json: { type: 'string' },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
/** Below the root, so that the bundle finds the packages it leaves out. */
const folder = mkdtempSync(join(root, 'node_modules', '.gpu-'));
try {
  const loaded = await loadConfigFromFile({ command: 'serve', mode: 'development' }, join(root, 'vite.config.ts'));
  const plugins = loaded?.config.plugins?.flat().filter((p) => p && 'name' in p && p.name === 'quern-shaders') ?? [];
  await build({
    root, configFile: false, plugins, logLevel: 'error',
    build: {
      outDir: folder, emptyOutDir: false, target: 'es2022', minify: false, ssr: true,
      rollupOptions: { input: fileURLToPath(new URL('gpu-entry.ts', import.meta.url)), output: { format: 'es', entryFileNames: 'gpu.mjs' } },
    },
  });
  const { main } = await import(pathToFileURL(join(folder, 'gpu.mjs')).href);
  const report = await main({ first: Number(values.first), filter: values.filter, all: values.all }, console.log);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
  process.exitCode = report.checked.failures.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
// Dawn keeps threads that would hold the process open.
process.exit(process.exitCode);
