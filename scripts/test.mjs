/**
 * `npm test`: lint, types, unit tests in Node and Chromium, the build, its size and its package (publint, types), end-to-end tests of what was
 * built and, where the test material lies beside the repository, the conformance run over it; then a short form of the tests in Firefox and
 * WebKitGTK. Every step runs even if one before it failed (save what needs the build); the last line adds up the runners' own reports.
 * `npm test -- unit e2e` runs only the steps named.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { ensureChromium } from './chromium.mjs';
import { findMaterial, verifyCommand } from './conformance.mjs';
import { otherBrowsers } from './browsers.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const results = 'test-results';
const only = process.argv.slice(2);
/**
 * Gzipped bytes. The design's budget for the script-tag bundle, everything in it, is 150 KB; it stands at 208. Until it is back there, this
 * check keeps it from growing further (docs/size.md says where the bytes are, what made it grow and what made it shrink).
 */
const budgets = { 'dist/quern.global.js': 208 * 1024, 'dist/react.js': 3 * 1024 };

// A log file is read as plain text, also where a runner takes CI for a terminal.
if (!process.stdout.isTTY) process.env.NO_COLOR = '1';

const totals = { passed: 0, failed: 0, skipped: 0 };
const broken = [];

const node = (script, ...args) => spawnSync(process.execPath, [script, ...args], { stdio: ['ignore', 'inherit', 'inherit'], env: process.env }).status === 0;

async function step(name, work) {
  if (only.length > 0 && !only.includes(name)) return true;
  console.log(`\n== ${name}`);
  const started = Date.now();
  let ok = false;
  try {
    ok = await work();
  } catch (error) {
    console.error(error);
  }
  if (!ok) broken.push(name);
  console.log(`== ${name}: ${ok ? 'ok' : 'FAILED'} after ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return ok;
}

function report(path) {
  if (!existsSync(path)) throw new Error(`the runner wrote no report (${path}): it did not get that far`);
  return JSON.parse(readFileSync(path, 'utf8'));
}

function unit() {
  const path = `${results}/unit.json`;
  const ok = node('node_modules/vitest/vitest.mjs', 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${path}`);
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = report(path);
  totals.passed += numPassedTests;
  totals.failed += numFailedTests;
  totals.skipped += numPendingTests;
  // A file that cannot even be loaded has no tests to fail.
  const unloadable = testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((a) => a.status === 'failed'));
  totals.failed += unloadable.length;
  return ok;
}

function e2e() {
  const path = `${results}/e2e.json`;
  process.env.PLAYWRIGHT_JSON_OUTPUT_NAME = resolve(path);
  const ok = node('node_modules/@playwright/test/cli.js', 'test', '-c', 'e2e/playwright.config.ts');
  const { stats, errors } = report(path);
  totals.passed += stats.expected + stats.flaky;
  totals.failed += stats.unexpected + errors.length;
  totals.skipped += stats.skipped;
  return ok;
}

function size() {
  return Object.entries(budgets).map(([file, budget]) => {
    const bytes = gzipSync(readFileSync(file), { level: 9 }).length;
    console.log(`${file}: ${(bytes / 1024).toFixed(1)} KB gzipped, at most ${budget / 1024} KB`);
    return bytes <= budget;
  }).every(Boolean);
}

/** A model that Quern says it cannot run is neither a pass nor a wrong answer; the runner above lists each with its reason. */
const verdicts = { pass: 'passed', unsupported: 'skipped' };

/** A script beside others: what it says is printed when it has ended. Answers with its output. */
const beside = (script, ...args) => new Promise((done) => {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: process.env });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => said.push(bytes));
  child.on('close', () => {
    const output = Buffer.concat(said).toString();
    console.log(output);
    done(output);
  });
});

/** All of it on the CPU, in some two minutes; on SwiftShader all operator tests, in some four, and the models that do not take long there. */
const materialOn = {
  wasm: ['onnx-tests', 'models'],
  webgpu: [
    'onnx-tests', 'models/random', 'models/vision/mnist_cntk_op8', 'models/vision/resnet20_cifar10_ts_op17',
    'models/vision/ultraface_rfb_320', 'models/vision/ultraface_rfb_320_nms_op13', 'models/text/stories260k_kv_ts_op16',
  ],
};

async function material() {
  if (!existsSync('.material/onnx-tests')) {
    console.log('skipped: there is no test material (../shared/material), so the ONNX backend tests and real models were not run');
    return true;
  }
  // Its own: other steps run beside it.
  const seen = [];
  await Promise.all(Object.entries(materialOn).map(async ([device, folders]) => {
    const here = folders.map((f) => `.material/${f}`).filter((f) => existsSync(f));
    const path = `${results}/material-${device}.json`;
    await beside(...verifyCommand(device, here, path));
    seen.push(...report(path).results.map(({ status }) => verdicts[status] ?? 'failed'));
  }));
  for (const verdict of seen) totals[verdict]++;
  return !seen.includes('failed');
}

/** The short form of `npm run test:browsers`. */
async function other(name) {
  const output = await beside('scripts/test-browsers.mjs', name, '--short');
  const [, passed, failed, , unsupported = '0'] = new RegExp(`^${name}: (\\d+) passed, (\\d+) failed(, (\\d+) unsupported)?$`, 'm').exec(output) ?? [undefined, '0', '1'];
  totals.passed += Number(passed);
  totals.failed += Number(failed);
  totals.skipped += Number(unsupported);
  return Number(failed) === 0;
}

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
const unpacked = findMaterial() !== undefined;
await step('lint', () => node('node_modules/eslint/bin/eslint.js', '.', '--max-warnings=0') && node('node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'));
await step('types', () => node('node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'));
await step('browser', async () => {
  await ensureChromium();
  return true;
});
await step('unit', unit);
if (await step('build', () => node('scripts/build.mjs'))) {
  await step('size', size);
  await step('package', () => node('node_modules/publint/src/cli.js', '--strict') && node('node_modules/@arethetypeswrong/cli/dist/index.js', '--pack', '.', '--profile', 'esm-only', '--format', 'ascii', '--quiet'));
  await step('e2e', e2e);
  // Side by side: each keeps one core busy most of the time.
  await Promise.all([
    step('material', material),
    (async () => {
      for (const name of otherBrowsers) await step(name, () => other(name));
    })(),
  ]);
} else {
  console.log('the build failed, so there was nothing to measure or to test end to end');
}
if (!unpacked) console.log('\nnote: tests that need the material were skipped, as it is not there');
if (broken.length > 0) console.log(`\nfailed: ${broken.join(', ')}`);
if (totals.skipped > 0) console.log(`${totals.skipped} skipped`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = broken.length > 0 || totals.failed > 0 ? 1 : 0;
