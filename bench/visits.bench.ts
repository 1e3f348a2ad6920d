/**
 * A first and a second visit to a page with a model: from before the engine's script is fetched to the first result. The second visit finds what
 * the first left in IndexedDB and the private file system. Beside it the floor, fetching the model for the first time and copying its bytes, and
 * a visit with onnxruntime-web, its wasm fetched as our script is. Rounds alternate; a round is a browser of its own, with a profile on disk, as
 * visitors have. `--line`: over a line of so many Mbit/s and 20 ms for a round trip, scripts and wasm compressed; else the server is as near as
 * can be, and fetching costs next to nothing.
 *   node bench/run.mjs visits [--line MBITS] [MODEL.onnx…]
 */
import { existsSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright';
import { launchProfile } from '../cli/browser.ts';
import { peerFolder } from '../cli/peers.ts';
import { startServer } from '../cli/server.ts';
import { distUrl } from '../cli/session.ts';
import { startLine } from './line.ts';
import { median, record } from './results.ts';

const rounds = 5;
/** Opening a window makes Chromium load pages of its own, which keep a core busy for half a second; visitors' windows are open already. */
const settleMs = 1500;
/** A browser that has just started goes on doing so for a while. */
const startMs = 3000;

const usual = ['mnist_pytorch_original', 'ultraface_rfb_320', 'yolox_nano'].map((name) => `.material/models/vision/${name}/model.onnx`)
  .concat(['.zoo/mobilenet_v2.onnx', '.zoo/minilm.onnx']);

interface Visit {
  readonly scriptMs: number;
  readonly loadMs: number;
  readonly firstMs: number;
  readonly totalMs: number;
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
    tune(options: object): Promise<object>;
    dispose(): Promise<void>;
  }>;
}

interface PeerEngine {
  readonly env: { readonly wasm: { numThreads: number; wasmPaths: string } };
  readonly Tensor: new (type: string, data: ArrayBufferView, dims: readonly number[]) => object;
  readonly InferenceSession: {
    create(model: string, options: object): Promise<{
      readonly inputMetadata: readonly { readonly name: string; readonly type: string; readonly shape: readonly (number | string)[] }[];
      run(feeds: object): Promise<object>;
    }>;
  };
}

async function onPage<T>(context: BrowserContext, origin: string, act: (page: Page) => Promise<T>): Promise<T> {
  const page = await context.newPage();
  try {
    await page.goto(`${origin}/`);
    await page.waitForTimeout(settleMs);
    return await act(page);
  } finally {
    await page.close();
  }
}

/** Symbolic dims are 8. `tune`: tunes before it leaves, which is no part of the visit. */
const visit = (context: BrowserContext, origin: string, script: string, model: string, tune: boolean): Promise<Visit> =>
  onPage(context, origin, (page) => page.evaluate(async ([scriptUrl, modelUrl, tunes]) => {
    const begun = performance.now();
    const quern = (await import(scriptUrl)) as PageEngine;
    const script = performance.now();
    const session = await quern.load(modelUrl, { device: 'wasm', tune: 'off' });
    const loaded = performance.now();
    const feeds = Object.fromEntries(session.inputs.map(({ name, dtype, dims }) => {
      const sizes = dims.map((d) => (typeof d === 'number' ? d : 8));
      const size = sizes.reduce((a, b) => a * b, 1);
      return [name, { data: dtype === 'int64' ? new BigInt64Array(size).fill(1n) : new Float32Array(size).fill(0.5), dims: sizes }];
    }));
    await session.run(feeds);
    const first = performance.now();
    if (tunes) await session.tune({ budgetMs: 5_000 });
    await session.dispose();
    return { scriptMs: script - begun, loadMs: loaded - script, firstMs: first - loaded, totalMs: first - begun };
  }, [script, model, tune] as const));

const peerVisit = (context: BrowserContext, origin: string, folder: string, model: string): Promise<number> =>
  onPage(context, origin, (page) => page.evaluate(async ([folderUrl, modelUrl]) => {
    const begun = performance.now();
    const ort = (await import(`${folderUrl}/ort.wasm.min.mjs`)) as PeerEngine;
    ort.env.wasm.numThreads = navigator.hardwareConcurrency;
    ort.env.wasm.wasmPaths = new URL(`${folderUrl}/`, location.href).href;
    const session = await ort.InferenceSession.create(modelUrl, { executionProviders: ['wasm'] });
    await session.run(Object.fromEntries(session.inputMetadata.map(({ name, type, shape }) => {
      const sizes = shape.map((d) => (typeof d === 'number' ? d : 8));
      const size = sizes.reduce((a, b) => a * b, 1);
      const data = type === 'int64' ? new BigInt64Array(size).fill(1n) : new Float32Array(size).fill(0.5);
      return [name, new ort.Tensor(type, data, sizes)];
    })));
    return performance.now() - begun;
  }, [folder, model] as const));

const floor = (context: BrowserContext, origin: string, model: string): Promise<number> =>
  onPage(context, origin, (page) => page.evaluate(async (url) => {
    const begun = performance.now();
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes.length / 65536), maximum: 65536, shared: true });
    new Uint8Array(memory.buffer).set(bytes);
    return performance.now() - begun;
  }, model));

const rttMs = 20;

export async function main(given: readonly string[]): Promise<void> {
  const mbits = given[0] === '--line' ? Number(given[1]) : undefined;
  const named = mbits === undefined ? given : given.slice(2);
  const models = named.length > 0 ? named : usual.filter((model) => existsSync(model));
  const server = await startServer({ storable: true, compressed: mbits !== undefined });
  const line = mbits === undefined ? undefined : await startLine(server.origin, { mbits, rttMs });
  const origin = line?.origin ?? server.origin;
  const rows: object[] = [];
  try {
    const script = `${await distUrl(server)}/quern.js`;
    const peer = server.folder(`${await peerFolder('ort-web', (line) => { console.log(line); })}/dist`);
    for (const model of models) {
      const url = server.url(model);
      const [first, second, floors, peers]: [Visit[], Visit[], number[], number[]] = [[], [], [], []];
      for (let round = 0; round < rounds; round++) {
        const { context, close } = await launchProfile();
        try {
          await onPage(context, origin, (page) => page.waitForTimeout(startMs));
          // Addresses of their own, so that nobody finds what another one left in the browser's cache.
          first.push(await visit(context, origin, script, `${url}?quern`, true));
          second.push(await visit(context, origin, script, `${url}?quern`, false));
          peers.push(await peerVisit(context, origin, peer, `${url}?peer`));
          floors.push(await floor(context, origin, `${url}?floor`));
        } finally {
          await close();
        }
      }
      const of = (visits: readonly Visit[], key: keyof Visit): number => Math.round(median(visits.map((v) => v[key])));
      const floorMs = median(floors);
      const row = {
        model: model.split('/').slice(-2).join('/'), rounds, firstVisitMs: of(first, 'totalMs'), secondVisitMs: of(second, 'totalMs'),
        ortWebMs: Math.round(median(peers)), floorMs: Math.round(floorMs), budgetFirstMs: Math.round(0.5 * median(peers)),
        budgetSecondMs: Math.round(1.2 * floorMs + 100),
        first: { scriptMs: of(first, 'scriptMs'), loadMs: of(first, 'loadMs'), runMs: of(first, 'firstMs') },
        second: { scriptMs: of(second, 'scriptMs'), loadMs: of(second, 'loadMs'), runMs: of(second, 'firstMs') },
      };
      console.log(row);
      rows.push(row);
    }
  } finally {
    line?.close();
    await server.close();
  }
  if (mbits === undefined) await record('visits', { rows });
  else await record('visits-line', { mbits, rttMs, rows });
}
