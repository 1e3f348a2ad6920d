/**
 * Whether the page stays smooth while a model loads, is tuned and runs on the CPU: intervals of requestAnimationFrame and the main thread's long
 * tasks (50 ms and more, as the browser reports them) in each phase, beside those of the same page at rest. Budget: 58 frames a second, no
 * long task. The model comes by its address, as a File and as bytes in memory, since each way has its own road to the worker.
 *   node bench/run.mjs frames [MODEL.onnx]
 */
import type { Page } from 'playwright';
import { launchChromium } from '../cli/browser.ts';
import { startServer } from '../cli/server.ts';
import { distUrl } from '../cli/session.ts';
import { record } from './results.ts';

/** Milliseconds that the page rests, is tuned and runs the model. */
const phaseMs = 4000;

interface Phase {
  readonly phase: string;
  readonly ms: number;
  readonly framesPerSecond: number;
  /** The longest time between two frames, and the 99th percentile. */
  readonly worstMs: number;
  readonly p99Ms: number;
  readonly longTasksMs: readonly number[];
  /** Runs of the model in this phase. */
  readonly runs: number;
}

interface Session {
  readonly inputs: readonly { readonly name: string; readonly dtype: string; readonly dims: readonly (number | string)[] }[];
  run(feeds: object): Promise<object>;
  tune(options: object): Promise<unknown>;
  dispose(): Promise<void>;
}

interface Quern {
  load(model: unknown, options: object): Promise<Session>;
}

type Way = 'address' | 'File' | 'bytes';

interface Case {
  readonly script: string;
  readonly model: string;
  readonly way: Way;
  readonly threads: number;
  readonly ms: number;
}

/** Runs in the page. */
async function measure({ script, model, way, threads, ms }: Case): Promise<Phase[]> {
  const box = document.createElement('div');
  box.style.cssText = 'width:80px;height:80px;background:#a94c17';
  document.body.replaceChildren(box);
  const frames: number[] = [];
  const longTasks: { readonly at: number; readonly ms: number }[] = [];
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) longTasks.push({ at: startTime, ms: duration });
  }).observe({ type: 'longtask' });
  const frame = (): void => {
    const now = performance.now();
    frames.push(now);
    box.style.transform = `translateX(${String((now / 5) % 300)}px)`;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const rest = (time: number): Promise<void> => new Promise((done) => { setTimeout(done, time); });
  const phases: Phase[] = [];
  const phase = async <T>(name: string, work: () => Promise<{ value: T; runs: number }>): Promise<T> => {
    await rest(200);
    const begun = performance.now();
    const { value, runs } = await work();
    const ended = performance.now();
    // Observers are told of long tasks some frames later.
    await rest(200);
    const seen = frames.filter((at) => at >= begun && at <= ended);
    const intervals = [...seen, ended].map((at, i, all) => at - (i === 0 ? begun : (all[i - 1] ?? at))).sort((a, b) => a - b);
    phases.push({
      phase: name, ms: ended - begun, framesPerSecond: (seen.length * 1000) / (ended - begun), worstMs: intervals.at(-1) ?? 0,
      p99Ms: intervals[Math.floor(0.99 * (intervals.length - 1))] ?? 0,
      longTasksMs: longTasks.filter(({ at }) => at >= begun && at <= ended).map((task) => task.ms), runs,
    });
    return value;
  };
  const quern = (await import(script)) as Quern;
  const file = way === 'address' ? model : new File([await (await fetch(model)).blob()], 'model.onnx');
  const source = way === 'bytes' && file instanceof File ? new Uint8Array(await file.arrayBuffer()) : file;
  await rest(500);
  await phase('at rest', async () => ({ value: await rest(ms), runs: 0 }));
  const session = await phase('load', async () => ({ value: await quern.load(source, { device: 'wasm', threads, tune: 'off', cache: false }), runs: 0 }));
  const feeds = Object.fromEntries(session.inputs.map(({ name, dtype, dims }) => {
    const sizes = dims.map((d, i) => (typeof d === 'number' ? d : i === 0 ? 1 : 128));
    const count = sizes.reduce((a, b) => a * b, 1);
    return [name, { data: dtype === 'int64' ? new BigInt64Array(count).fill(1n) : new Float32Array(count).fill(0.5), dims: sizes }];
  }));
  await phase('first run', async () => ({ value: await session.run(feeds), runs: 1 }));
  await phase('tune', async () => ({ value: await session.tune({ budgetMs: ms }), runs: 0 }));
  await phase('runs', async () => {
    const end = performance.now() + ms;
    let runs = 0;
    for (; performance.now() < end; runs++) await session.run(feeds);
    return { value: undefined, runs };
  });
  await session.dispose();
  return phases;
}

const round = (value: number): number => Math.round(value * 10) / 10;

export async function main([model = '.zoo/resnet50.onnx']: readonly string[]): Promise<void> {
  const server = await startServer();
  const browser = await launchChromium();
  const results: object[] = [];
  try {
    const script = `${await distUrl(server)}/quern.js`;
    const url = server.url(model);
    for (const [way, threads] of [['address', 1], ['address', 2], ['File', 1], ['bytes', 1]] as const) {
      const page: Page = await browser.newPage();
      await page.goto(`${server.origin}/`);
      const phases = await page.evaluate(measure, { script, model: url, way, threads, ms: phaseMs });
      await page.close();
      for (const p of phases) {
        const row = {
          way, threads, ...p, ms: round(p.ms), framesPerSecond: round(p.framesPerSecond), worstMs: round(p.worstMs), p99Ms: round(p.p99Ms),
          longTasksMs: p.longTasksMs.map(round),
        };
        results.push(row);
        console.log(Object.entries(row).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join('  '));
      }
    }
  } finally {
    await browser.close();
    await server.close();
  }
  await record('frames', { model: model.split('/').at(-1), budget: { framesPerSecond: 58, longTaskMs: 50 }, results });
}
