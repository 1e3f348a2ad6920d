/**
 * A first and a second visit to a page with a model: from before the engine's script is fetched to the first result. The second visit finds what
 * the first left in IndexedDB. Beside it the floor: fetching the model and copying its bytes, which no engine can do without.
 *   node bench/run.mjs visits [MODEL.onnx]
 */
import type { BrowserContext } from 'playwright';
import { launchChromium } from '../cli/browser.ts';
import { startServer } from '../cli/server.ts';
import { distUrl } from '../cli/session.ts';
import { median, record } from './results.ts';

const rounds = 5;

interface Visit {
  readonly scriptMs: number;
  readonly loadMs: number;
  readonly firstMs: number;
  readonly totalMs: number;
  /** Nothing of the visit: what the page did before it left. */
  readonly tuneMs: number;
  readonly measured: number;
  readonly fromCache: number;
  readonly finished: boolean;
}

interface Tensorish {
  readonly name: string;
  readonly dtype: string;
  readonly dims: readonly (number | string)[];
}

interface PageEngine {
  load(model: string, options: object): Promise<{
    readonly inputs: readonly Tensorish[];
    run(feeds: object): Promise<object>;
    tune(options: object): Promise<{ readonly measured: number; readonly fromCache: number; readonly finished: boolean }>;
    dispose(): Promise<void>;
  }>;
}

async function visit(context: BrowserContext, origin: string, script: string, model: string): Promise<Visit> {
  const page = await context.newPage();
  try {
    await page.goto(`${origin}/`);
    return await page.evaluate(async ([scriptUrl, modelUrl]) => {
      const begun = performance.now();
      const quern = (await import(scriptUrl)) as PageEngine;
      const script = performance.now();
      const session = await quern.load(modelUrl, { device: 'wasm', tune: 'off' });
      const loaded = performance.now();
      const feeds = Object.fromEntries(session.inputs.map(({ name, dims }) => {
        const sizes = dims.map((d) => (typeof d === 'number' ? d : 1));
        return [name, { data: new Float32Array(sizes.reduce((a, b) => a * b, 1)).fill(0.5), dims: sizes }];
      }));
      await session.run(feeds);
      const first = performance.now();
      const { measured, fromCache, finished } = await session.tune({ budgetMs: 60_000 });
      const tuned = performance.now();
      await session.dispose();
      return {
        scriptMs: script - begun, loadMs: loaded - script, firstMs: first - loaded, totalMs: first - begun,
        tuneMs: tuned - first, measured, fromCache, finished,
      };
    }, [script, model] as const);
  } finally {
    await page.close();
  }
}

async function floor(context: BrowserContext, origin: string, model: string): Promise<number> {
  const page = await context.newPage();
  try {
    await page.goto(`${origin}/`);
    return await page.evaluate(async (url) => {
      const begun = performance.now();
      const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
      const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes.length / 65536), maximum: 65536, shared: true });
      new Uint8Array(memory.buffer).set(bytes);
      return performance.now() - begun;
    }, model);
  } finally {
    await page.close();
  }
}

export async function main([model = '.material/models/vision/ultraface_rfb_320/model.onnx']: readonly string[]): Promise<void> {
  const server = await startServer();
  const browser = await launchChromium();
  const [first, second, floors]: [Visit[], Visit[], number[]] = [[], [], []];
  try {
    const script = `${await distUrl(server)}/quern.js`;
    const url = server.url(model);
    for (let round = 0; round < rounds; round++) {
      // A context is a browser profile of its own: empty at the first visit, kept for the second.
      const context = await browser.newContext();
      first.push(await visit(context, server.origin, script, url));
      second.push(await visit(context, server.origin, script, url));
      floors.push(await floor(context, server.origin, url));
      await context.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
  const of = (visits: readonly Visit[], key: Exclude<keyof Visit, 'finished'>): number => median(visits.map((v) => v[key]));
  const summary = {
    model: model.split('/').slice(-2).join('/'), rounds,
    firstVisitMs: of(first, 'totalMs'), secondVisitMs: of(second, 'totalMs'), floorMs: median(floors),
    budgetSecondMs: 1.2 * median(floors) + 100, firstMeasured: of(first, 'measured'), secondMeasured: of(second, 'measured'), secondFromCache: of(second, 'fromCache'),
  };
  console.log(summary);
  await record('visits', { ...summary, first, second, floors });
}
