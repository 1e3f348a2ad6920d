/**
 * Decoding, which is bound by memory: the bytes that one token's kernels touch over the time of a whole call, beside the rate of a loop that does
 * nothing but read, in a page of its own, turn by turn, one thread each. Takes the words of `quern bench`.
 *   node bench/run.mjs decode MODEL.onnx --dim seq=1 --dim past=128 --loop present=past
 */
import { launchChromium } from '../cli/browser.ts';
import { startEngine } from '../cli/engines.ts';
import { pairs, parseArguments } from '../cli/options.ts';
import { startServer } from '../cli/server.ts';
import { loadRequest } from '../cli/session.ts';
import { ModuleBuilder } from '../jit/backends/wasm/module-builder.ts';
import { median, record } from './results.ts';

const [rounds, tokens, reads] = [10, 8, 3];
/** More than any cache holds: this much is what models of 100 million parameters read for each token. */
const streamPages = 6400;

declare global {
  // What the page keeps between its turns.
  var stream: () => void;
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
async function prepareStream({ code, pages }: { readonly code: readonly number[]; readonly pages: number }): Promise<void> {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Float32Array(memory.buffer).fill(1);
  const { instance } = await WebAssembly.instantiate(new Uint8Array(code), { env: { memory } });
  const read = instance.exports['run'] as (end: number) => number;
  globalThis.stream = () => { read(pages * 65536); };
}

/** Runs in the page: milliseconds of reading the memory once. */
function streamTurn(count: number): number[] {
  return Array.from({ length: count }, () => {
    const begun = performance.now();
    globalThis.stream();
    return performance.now() - begun;
  });
}

export async function main(words: readonly string[]): Promise<void> {
  const args = parseArguments(['bench', ...words, '--device', 'wasm', '--threads', '1']);
  const [model] = args.operands;
  const [loop] = Object.entries(pairs(args, 'loop'));
  if (model === undefined) throw new Error('usage: node bench/run.mjs decode MODEL.onnx [--dim NAME=N]… [--loop OUT=IN]');
  const server = await startServer();
  const browser = await launchChromium();
  const [times, readTimes]: [number[], number[]] = [[], []];
  let bytes = 0;
  try {
    const request = { ...(await loadRequest(args, model, server)), loop: loop === undefined ? undefined : { from: loop[0], to: loop[1] } };
    const engine = await startEngine('quern', request, model, 'chromium', server, console.error);
    try {
      await engine.load();
      await engine.tune();
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${server.origin}/`);
      await page.evaluate(prepareStream, { code: [...streamModule()], pages: streamPages });
      for (let r = 0; r < rounds; r++) {
        // The first after a pause is not counted.
        times.push(...(await engine.run(tokens + 1)).slice(1));
        readTimes.push(...await page.evaluate(streamTurn, reads));
        // Halfway, because the cache grows with each token.
        if (r === rounds / 2) bytes = ((await engine.report())?.kernels ?? []).reduce((sum, k) => sum + k.bytes * k.calls, 0);
      }
      const rate = bytes / median(times) / 1e6;
      const memory = (streamPages * 65536) / median(readTimes) / 1e6;
      console.log(`${median(times).toFixed(1)} ms a token, ${(bytes / 1e6).toFixed(0)} MB: ${rate.toFixed(1)} GB/s, ${((100 * rate) / memory).toFixed(0)} % of ${memory.toFixed(1)} GB/s`);
      await record('decode', {
        model: model.split('/').at(-1), dims: request.dims, tokenMs: median(times), bytesPerToken: bytes, gbytesPerSecond: rate, memoryGbytesPerSecond: memory, share: rate / memory,
      });
    } finally {
      await engine.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
}
