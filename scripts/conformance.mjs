/**
 * `npm run conformance [-- wasm|webgpu …]`: the ONNX project's operator tests through the built engine in one browser, on each backend.
 * The tests are those of the material beside the repository (../shared/material), else the ones that Debian's python3-onnx makes; without
 * either it says so and exits with 2. Fails on a wrong value or an error; `unsupported` counts against the share that must pass.
 * `scripts/test.mjs` runs the same with some models.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const packed = '../shared/material';
const made = 'test-results/onnx-tests';

/** Shares of the material's operator tests that must pass; the rest of the GPU's is mostly what the device has no type for. */
const bars = { wasm: 0.99, webgpu: 0.97 };

/** The unpacked material's folder, or undefined where there is none. */
export function findMaterial() {
  if (existsSync(`${packed}/unpack`)) {
    const { status } = spawnSync(`${packed}/unpack`, ['.material'], { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) throw new Error('the test material could not be unpacked');
  }
  return existsSync('.material/onnx-tests') ? '.material' : undefined;
}

/** Debian's onnx is older than its numpy: the names that went are put back. */
const generate = `
import sys, warnings
warnings.simplefilter('ignore')
import numpy
for name in ('float', 'bool', 'int', 'object'): setattr(numpy, name, __builtins__.__dict__[name])
from onnx.backend.test import cmd_tools
sys.argv = ['generate', 'generate-data', '-o', sys.argv[1]]
cmd_tools.main()
`;

function generated() {
  if (!existsSync(`${made}/node`)) {
    mkdirSync(made, { recursive: true });
    spawnSync('/usr/bin/python3', ['-c', generate, made], { stdio: ['ignore', 'ignore', 'ignore'] });
  }
  return existsSync(`${made}/node`) ? [`${made}/node`, `${made}/simple`] : undefined;
}

/** The script, and its words, that verifies folders on a device and leaves the results in a file. */
export const verifyCommand = (device, folders, path) => ['cli/quern.mjs', 'verify', ...folders, '--device', device, '--json', path];

/** Results of `quern verify` over folders on a device, as its JSON says them. */
export function verifyOn(device, folders, path) {
  spawnSync(process.execPath, verifyCommand(device, folders, path), { stdio: ['ignore', 'inherit', 'inherit'] });
  if (!existsSync(path)) throw new Error(`the run on ${device} wrote no report: it did not get that far`);
  return JSON.parse(readFileSync(path, 'utf8'));
}

const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;

/** The share of the tests that compute on float32, int32 or bool which must pass on the GPU with no fallback. */
const pureBar = 0.9;
const native = new Set(['float32', 'int32', 'bool']);

/**
 * Whether a test's computation is on float32, int32 or bool: its model's inputs and outputs have these types, or are int64 (shapes, axes,
 * indices) beside them. A model that did not load counts: what it computes on is not known, and it is a miss.
 */
const computesNatively = ({ dtypes }) => dtypes.length === 0 || (dtypes.some((t) => native.has(t)) && dtypes.every((t) => native.has(t) || t === 'int64'));

/** Prints what came out on a device; whether it meets the bar. */
function judge(device, { results, summary }, bar) {
  const { total, pass, fail, error, unsupported, ms } = summary;
  const reasons = new Map();
  for (const r of results) {
    if (r.status === 'unsupported') reasons.set(r.message, (reasons.get(r.message) ?? 0) + 1);
  }
  const counted = results.filter(computesNatively);
  const pure = counted.filter((r) => r.status === 'pass' && r.fallbacks === 0);
  console.log(
    `${device}: ${pass} of ${total} pass (${percent(pass, total)}), ${fail} wrong, ${error} errors, ${unsupported} unsupported; ${(ms / 1000).toFixed(0)} s`,
  );
  if (device === 'webgpu') {
    const missed = counted.filter((r) => !pure.includes(r)).map((r) => basename(dirname(r.path)));
    console.log(
      `  ${counted.length} compute on float32, int32 or bool: ${pure.length} of them (${percent(pure.length, counted.length)}) pass with no fallback` +
        (missed.length === 0 ? '' : `; not ${missed.join(', ')}`),
    );
  }
  for (const [why, count] of [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 5)) console.log(`  ${count} x ${why.split('\n')[0]}`);
  return fail === 0 && error === 0 && pass >= bar * total && (device !== 'webgpu' || pure.length >= pureBar * counted.length * Math.sign(bar));
}

function main() {
  process.chdir(fileURLToPath(new URL('..', import.meta.url)));
  const material = findMaterial();
  const folders = material === undefined ? generated() : [`${material}/onnx-tests`];
  if (folders === undefined) {
    console.error('there are no ONNX tests: neither ../shared/material nor python3-onnx (apt-get install python3-onnx) is here');
    process.exitCode = 2;
    return;
  }
  const devices = process.argv.length > 2 ? process.argv.slice(2) : ['wasm', 'webgpu'];
  const good = devices.map((device) => {
    if (bars[device] === undefined) throw new Error(`'${device}' is no backend: wasm or webgpu`);
    // What python3-onnx makes has training, strings and sequences in it: there only what is wrong counts.
    return judge(device, verifyOn(device, folders, `test-results/conformance-${device}.json`), material === undefined ? 0 : bars[device]);
  });
  process.exitCode = good.every(Boolean) ? 0 : 1;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
