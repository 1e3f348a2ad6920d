/**
 * Decoding, which is bound by memory: the bytes that one token's kernels touch over the time of a whole call, beside the rate of a loop that does
 * nothing but read, on the same page, turn by turn, one thread each.
 *   node bench/run.mjs decode MODEL.onnx[,NAME=N]… [OUT=IN]   (llama.onnx,seq=1,past=128 present=past: outputs that begin with OUT become inputs)
 */
import { launchChromium } from '../cli/browser.ts';
import { startServer } from '../cli/server.ts';
import { distUrl } from '../cli/session.ts';
import { ModuleBuilder } from '../jit/backends/wasm/module-builder.ts';
import { median, record } from './results.ts';

const [rounds, tokens, tuneMs] = [10, 8, 10_000];
/** More than any cache holds: this much is what models of 100 million parameters read for each token. */
const streamPages = 6400;

interface Tensor { dispose(): void }
interface Session {
  readonly inputs: readonly { readonly name: string; readonly dtype: string; readonly dims: readonly (number | string)[] }[];
  run(feeds: object, options: object): Promise<Record<string, Tensor>>;
  tune(options: object): Promise<unknown>;
  report(): Promise<{ readonly kernels: readonly { readonly bytes: number; readonly calls: number }[] }>;
}

interface Case {
  readonly script: string;
  readonly model: string;
  readonly dims: Readonly<Record<string, number>>;
  readonly loop: readonly string[];
  readonly stream: readonly number[];
  readonly pages: number;
  readonly budgetMs: number;
}

declare global {
  // What the page keeps between its turns.
  var decode: { step(): Promise<void>; restart(): void; bytes(): Promise<number>; stream(): void };
}

/** Adds up so many bytes of its memory, 8 vectors at a time; several of everything, so that no chain of additions is what is measured. */
function streamModule(): Uint8Array {
  const module = new ModuleBuilder();
  module.importMemory('env', 'memory', { min: streamPages, max: streamPages, shared: true });
  module.func('run', { end: 'i32' }, ['f32'], (f) => {
    const sums = Array.from({ length: 8 }, (_, i) => f.local('v128', `sum${String(i)}`));
    const at = f.local('i32', 'at');
    f.loop((again) => {
      sums.forEach((sum, i) => {
        f.get(sum);
        f.get(at);
        f.mem('v128.load', { offset: 16 * i });
        f.op('f32x4.add');
        f.set(sum);
      });
      f.get(at);
      f.i32(16 * sums.length);
      f.op('i32.add');
      f.tee(at);
      f.get(f.param(0));
      f.op('i32.lt_u');
      f.brIf(again);
    });
    sums.forEach((sum, i) => {
      f.get(sum);
      if (i > 0) f.op('f32x4.add');
    });
    f.laneOp('f32x4.extract_lane', 0);
  }, true);
  return module.encode();
}

/** Runs in the page. */
async function prepare({ script, model, dims, loop: [from, to], stream, pages, budgetMs }: Case): Promise<void> {
  const quern = (await import(script)) as { load(model: string, options: object): Promise<Session> };
  // Sizes grow while decoding, so none is fixed.
  const session = await quern.load(model, { device: 'wasm', threads: 1, tune: 'off', cache: false });
  const first = (): Record<string, object> => Object.fromEntries(session.inputs.map(({ name, dtype, dims: shape }) => {
    const sizes = shape.map((d) => (typeof d === 'number' ? d : (dims[d] ?? 1)));
    const count = sizes.reduce((a, b) => a * b, 1);
    return [name, { data: dtype === 'int64' ? new BigInt64Array(count).fill(1n) : Float32Array.from({ length: count }, (_, i) => Math.sin(i)), dims: sizes }];
  }));
  let feeds = first();
  let held: Tensor[] = [];
  const step = async (): Promise<void> => {
    const outputs = await session.run(feeds, from === undefined ? {} : { keep: [`${from}*`] });
    held.forEach((tensor) => { tensor.dispose(); });
    held = [];
    for (const [name, tensor] of Object.entries(outputs)) {
      if (from === undefined || to === undefined || !name.startsWith(from)) continue;
      feeds = { ...feeds, [to + name.slice(from.length)]: tensor };
      held.push(tensor);
    }
  };
  await step();
  await session.tune({ budgetMs });
  const { length } = stream;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Float32Array(memory.buffer).fill(1);
  const { instance } = await WebAssembly.instantiate(Uint8Array.from({ length }, (_, i) => stream[i] ?? 0), { env: { memory } });
  const read = instance.exports['run'] as (end: number) => number;
  globalThis.decode = {
    step,
    restart: () => { feeds = first(); },
    bytes: async () => (await session.report()).kernels.reduce((sum, k) => sum + k.bytes * k.calls, 0),
    stream: () => { read(pages * 65536); },
  };
}

/** Runs in the page: milliseconds of calls, the first of which is not counted. */
async function decodeTurn(count: number): Promise<number[]> {
  globalThis.decode.restart();
  const times: number[] = [];
  for (let i = 0; i <= count; i++) {
    const begun = performance.now();
    await globalThis.decode.step();
    if (i > 0) times.push(performance.now() - begun);
  }
  return times;
}

/** Runs in the page: milliseconds of reading the memory once. */
function streamTurn(count: number): number[] {
  return Array.from({ length: count }, () => {
    const begun = performance.now();
    globalThis.decode.stream();
    return performance.now() - begun;
  });
}

export async function main([spec = '', link = '']: readonly string[]): Promise<void> {
  const [file = '', ...words] = spec.split(',');
  if (file === '') throw new Error('usage: node bench/run.mjs decode MODEL.onnx[,NAME=N]… [OUT=IN]');
  const dims = Object.fromEntries(words.map((word) => [word.split('=')[0] ?? '', Number(word.split('=')[1])]));
  const server = await startServer();
  const browser = await launchChromium();
  const [times, reads]: [number[], number[]] = [[], []];
  let bytes = 0;
  try {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${server.origin}/`);
    const script = `${await distUrl(server)}/quern.js`;
    const loop = link.split('=').filter((word) => word !== '');
    await page.evaluate(prepare, { script, model: server.url(file), dims, loop, stream: [...streamModule()], pages: streamPages, budgetMs: tuneMs });
    for (let r = 0; r < rounds; r++) {
      times.push(...await page.evaluate(decodeTurn, tokens));
      reads.push(...await page.evaluate(streamTurn, 3));
    }
    bytes = await page.evaluate(() => globalThis.decode.bytes());
  } finally {
    await browser.close();
    await server.close();
  }
  const rate = bytes / median(times) / 1e6;
  const memory = (streamPages * 65536) / median(reads) / 1e6;
  console.log(`${median(times).toFixed(1)} ms a token, ${(bytes / 1e6).toFixed(0)} MB: ${rate.toFixed(1)} GB/s, ${((100 * rate) / memory).toFixed(0)} % of ${memory.toFixed(1)} GB/s`);
  await record('decode', {
    model: file.split('/').at(-1), dims, tokenMs: median(times), bytesPerToken: bytes, gbytesPerSecond: rate, memoryGbytesPerSecond: memory, share: rate / memory,
  });
}
