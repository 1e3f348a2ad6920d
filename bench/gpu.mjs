/**
 * The WebGPU kernels in plain Node, on a GPU where there is one and on SwiftShader otherwise: checks them, then times every candidate.
 *   node bench/gpu.mjs [--first N] [--filter TEXT] [--all] [--json FILE]
 * --first: candidates per kernel that are checked (3; 0 checks none); --all: also times what only pays on hardware.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { bundle, bundlePrefix } from '../scripts/bundle.mjs';

const { values } = parseArgs({
  options: {
    first: { type: 'string', default: '3' }, filter: { type: 'string', default: '' }, all: { type: 'boolean', default: false }, json: { type: 'string' },
  },
});
const folder = mkdtempSync(bundlePrefix('gpu'));
try {
  const { main } = await import(pathToFileURL(await bundle('bench/gpu-entry.ts', folder, 'gpu.mjs')).href);
  const report = await main({ first: Number(values.first), filter: values.filter, all: values.all }, console.log);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
  process.exitCode = report.checked.failures.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
// Dawn keeps threads that would hold the process open.
process.exit(process.exitCode);
