/**
 * Differential fuzzing by hand (docs/fuzzing.md):
 *   node scripts/fuzz.mjs kernels|graphs|bytes [--seed N] [--count N] [--minutes N] [--device wasm|wasm-fma|webgpu] [--threads 2] [--replay 1,2,3]
 * Runs batches in processes of their own, so that a hang or a crash has a seed too. Exit status 1 if anything differs.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { bundle, bundlePrefix } from './bundle.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' }, count: { type: 'string', default: '1000' }, minutes: { type: 'string', default: '60' },
    device: { type: 'string', default: 'wasm' }, threads: { type: 'string', default: '1' }, replay: { type: 'string' },
    batch: { type: 'string', default: '100' }, tries: { type: 'string', default: '300' },
  },
});
const [what = 'kernels'] = positionals;
const folder = mkdtempSync(bundlePrefix('fuzz'));
/** A case takes milliseconds; a batch that says nothing for so long hangs. */
const patience = 120_000;

const totals = {};
let failures = 0;

function runBatch(script, options) {
  return new Promise((resolve) => {
    const run = `import(${JSON.stringify(pathToFileURL(script).href)}).then((m) => m.main(${JSON.stringify(options)})).then(() => process.exit(0))`;
    const child = spawn(process.execPath, ['--max-old-space-size=3000', '-e', run], { stdio: ['ignore', 'pipe', 'inherit'] });
    let at = options.first;
    let done = false;
    let timer = setTimeout(() => {}, 0);
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => { child.kill('SIGKILL'); }, patience);
    };
    watch();
    createInterface({ input: child.stdout }).on('line', (line) => {
      watch();
      if (!line.startsWith('{')) return console.log(line);
      const said = JSON.parse(line);
      if (said.at !== undefined) at = said.at;
      if (said.totals !== undefined) {
        done = true;
        for (const [name, n] of Object.entries(said.totals)) totals[name] = (totals[name] ?? 0) + n;
      }
      if (said.failure === undefined) return undefined;
      failures++;
      console.log(`\nseed ${said.failure} on ${said.device}: ${said.what}\n${said.text}\n  --replay ${said.choices}`);
      return undefined;
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (!done) {
        failures++;
        console.log(`\nseed ${at} on ${options.device}: the process ${code === null ? 'hung and was ended' : `ended with ${code}`}`);
      }
      resolve(done ? options.first + options.count : at + 1);
    });
  });
}

try {
  const script = await bundle('engine/fuzz/main.ts', folder, 'fuzz.mjs');
  const threads = values.threads === '1' ? {} : { threads: await bundle('jit/fuzz/node-thread.ts', folder, 'thread.cjs', 'cjs') };
  const shared = { what, device: values.device, tries: Number(values.tries), ...threads };
  if (values.replay !== undefined) await runBatch(script, { ...shared, first: 0, count: 1, replay: values.replay.split(',').map(Number) });
  else {
    const [start, end] = [Number(values.seed), Number(values.seed) + Number(values.count)];
    const deadline = Date.now() + Number(values.minutes) * 60_000;
    const began = Date.now();
    let next = start;
    while (next < end && Date.now() < deadline) {
      next = await runBatch(script, { ...shared, first: next, count: Math.min(Number(values.batch), end - next) });
    }
    console.log(`\nseeds ${start} to ${next - 1}, ${((Date.now() - began) / 1000).toFixed(0)} s: ${Object.entries(totals).map(([name, n]) => `${n} ${name}`).join(', ')}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;
