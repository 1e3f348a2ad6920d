/**
 * What a second thread gains: the same model in a page with one thread and in one with all cores, turn by turn, as whole calls and as the sum of its
 * kernels. Products first, which are made here, then models by name.
 *   node bench/run.mjs threads [MODEL.onnx[,NAME=N]…]   (symbolic dims: bert.onnx,batch=1,seq=128)
 */
import { cpus } from 'node:os';
import { launchChromium } from '../cli/browser.ts';
import { startServer } from '../cli/server.ts';
import { distUrl } from '../cli/session.ts';
import { productFile } from './products.ts';
import { median, record } from './results.ts';

const products = [[128, 768, 3072], [384, 384, 384], [1024, 1024, 1024]] as const;
/** Turns of each page, calls in each, milliseconds of tuning before the first. */
const [rounds, calls, tuneMs] = [10, 8, 4000];

interface Session {
  readonly inputs: readonly { readonly name: string; readonly dtype: string; readonly dims: readonly (number | string)[] }[];
  run(feeds: object): Promise<object>;
  tune(options: object): Promise<unknown>;
  report(): Promise<{ readonly kernels: readonly { readonly ms?: number; readonly calls: number }[] }>;
}

interface Case {
  readonly script: string;
  readonly model: string;
  readonly threads: number;
  readonly dims: Readonly<Record<string, number>>;
  readonly tuneMs: number;
}

declare global {
  // What a page keeps between its turns.
  var bench: { readonly session: Session; readonly feeds: object };
}

/** Runs in the page. */
async function prepare({ script, model, threads, dims, tuneMs: budgetMs }: Case): Promise<void> {
  const quern = (await import(script)) as { load(model: string, options: object): Promise<Session> };
  const session = await quern.load(model, { device: 'wasm', threads, dims, tune: 'off', cache: false });
  const feeds = Object.fromEntries(session.inputs.map(({ name, dtype, dims: shape }) => {
    const sizes = shape.map((d) => (typeof d === 'number' ? d : (dims[d] ?? 1)));
    const count = sizes.reduce((a, b) => a * b, 1);
    return [name, { data: dtype === 'int64' ? new BigInt64Array(count).fill(1n) : Float32Array.from({ length: count }, (_, i) => Math.sin(i)), dims: sizes }];
  }));
  await session.run(feeds);
  await session.tune({ budgetMs });
  globalThis.bench = { session, feeds };
}

/** Runs in the page: milliseconds of calls. */
async function turn(count: number): Promise<number[]> {
  const { session, feeds } = globalThis.bench;
  await session.run(feeds);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    await session.run(feeds);
    times.push(performance.now() - begun);
  }
  return times;
}

/** Runs in the page: milliseconds of all kernels of a run. */
const kernels = async (): Promise<number> =>
  (await globalThis.bench.session.report()).kernels.reduce((sum, k) => sum + (k.ms ?? 0) * k.calls, 0);

export async function main(models: readonly string[]): Promise<void> {
  const server = await startServer();
  const browser = await launchChromium();
  const made = products.map(([m, k, n]) => productFile(m, k, n));
  const all = cpus().length;
  const results: object[] = [];
  try {
    const script = `${await distUrl(server)}/quern.js`;
    for (const spec of [...made, ...models]) {
      const [file = '', ...words] = spec.split(',');
      const dims = Object.fromEntries(words.map((word) => [word.split('=')[0] ?? '', Number(word.split('=')[1])]));
      const pages = await Promise.all([1, all].map(async (threads) => {
        const page = await (await browser.newContext()).newPage();
        await page.goto(`${server.origin}/`);
        return { threads, page, times: [] as number[], kernels: [] as number[] };
      }));
      for (const { page, threads } of pages) await page.evaluate(prepare, { script, model: server.url(file), threads, dims, tuneMs });
      for (let r = 0; r < rounds; r++) {
        for (const p of r % 2 === 0 ? pages : pages.toReversed()) {
          p.times.push(...await p.page.evaluate(turn, calls));
          if (r % 2 === 0) p.kernels.push(await p.page.evaluate(kernels));
        }
      }
      for (const { page } of pages) await page.context().close();
      const [one, more] = pages.map((p) => ({ threads: p.threads, medianMs: median(p.times), kernelsMs: median(p.kernels) }));
      if (one === undefined || more === undefined) continue;
      const row = {
        model: file.split('/').at(-1), dims, one, more, calls: one.medianMs / more.medianMs, kernels: one.kernelsMs / more.kernelsMs,
      };
      results.push(row);
      console.log(`${String(row.model)}: ${String(all)} threads ${row.calls.toFixed(2)} x in whole calls (${one.medianMs.toFixed(2)} ms, ${more.medianMs.toFixed(2)}), ${row.kernels.toFixed(2)} x in kernels (${one.kernelsMs.toFixed(2)}, ${more.kernelsMs.toFixed(2)})`);
    }
  } finally {
    await browser.close();
    await server.close();
  }
  await record('threads', { what: `pages with 1 and ${String(all)} threads, turn by turn, ${String(rounds * calls)} calls each, after ${String(tuneMs)} ms of tuning`, results });
}
