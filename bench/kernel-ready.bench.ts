/**
 * How long one WASM kernel takes to be ready: Module, Instance and the first call, on the very kernels the engine writes for real models. The call
 * has no units to work on, so that what is timed is the kernel's becoming callable, not its work.
 *   node bench/run.mjs kernel-ready [MODEL.onnx…]
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '../cli/browser.ts';
import { quantile } from '../cli/bench.ts';
import { packageRoot, startServer } from '../cli/server.ts';
import { distUrl } from '../cli/session.ts';
import type * as quern from '../engine/index.ts';
import { record } from './results.ts';

const rounds = 7;

interface Answer {
  readonly bytes: number;
  readonly times: readonly number[];
}

export async function main(models: readonly string[]): Promise<void> {
  const chosen = models.length > 0 ? models : [join(packageRoot(), 'demo/models/digits.onnx')];
  const folder = mkdtempSync(join(tmpdir(), 'quern-probe-'));
  const probe = join(folder, 'probe.worker.js');
  const here = join(packageRoot(), 'bench/kernel-ready-probe.js');
  writeFileSync(probe, `${readFileSync(here, 'utf8')}\n${readFileSync(join(packageRoot(), 'dist/quern.worker.js'), 'utf8')}`);
  const server = await startServer();
  const browser = await launchChromium();
  const rows = [];
  try {
    const script = `${await distUrl(server)}/quern.js`;
    for (const model of chosen) {
      const page = await browser.newPage();
      await page.goto(`${server.origin}/`);
      const answers = await page.evaluate(async ([scriptUrl, workerUrl, modelUrl, times]) => {
        const engine = (await import(scriptUrl)) as typeof quern;
        const session = await engine.load(modelUrl, { device: 'wasm', threads: 1, tune: 'off', workerUrl });
        // A run, so that also kernels of symbolic dims are there.
        await session.run(Object.fromEntries(session.inputs.map(({ name, dims }) => {
          const sizes = dims.map((d) => (typeof d === 'number' ? d : 1));
          return [name, { data: new Float32Array(sizes.reduce((a, b) => a * b, 1)), dims: sizes }];
        })));
        const channel = new BroadcastChannel('kernel-ready');
        const answered = new Promise<readonly Answer[]>((done) => {
          channel.onmessage = ({ data }: MessageEvent<{ answers: readonly Answer[] }>) => { done(data.answers); };
        });
        channel.postMessage(times);
        const result = await answered;
        await session.dispose();
        return result;
      }, [script, server.url(probe), server.url(model), rounds] as const);
      await page.close();
      const medians = answers.map((answer) => quantile(answer.times, 0.5));
      rows.push({
        model: model.split('/').slice(-2).join('/'), kernels: answers.length, medianMs: quantile(medians, 0.5), p95Ms: quantile(medians, 0.95),
        slowestMs: Math.max(...medians), medianBytes: quantile(answers.map((a) => a.bytes), 0.5),
      });
      console.log(rows.at(-1));
    }
  } finally {
    await browser.close();
    await server.close();
  }
  await record('kernel-ready', { what: 'Module + Instance + first call of each kernel, median of 7 times; then over the kernels of a model', budgetMs: 1, rows });
}
