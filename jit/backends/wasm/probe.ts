/**
 * What sort of CPU and engine this is: whether relaxed multiply-add rounds once, which decides on all results, and, from about 20 ms of measuring
 * that can wait until a first answer is out, what tiles cost here and the peaks of arithmetic and memory. What the caller knows (from an
 * earlier visit, or to force a class in tests) is not measured again. Right-hand sides are packed in panels of 8 everywhere: with V8's
 * revectorizer on, tiles of 2x32 and 6x16 on them are as fast as on panels of 16 (96 and 92 GFLOP/s for 128x768x3072), and two visits of
 * one engine never differ in their kernels.
 */
import type { DeviceProfile } from '../../device.ts';
import { QuernError } from '../../error.ts';
import { bareBytes, bareDepth, bareLoop } from './bare-loop.ts';
import type { LinearMemory } from './memory.ts';
import { ModuleBuilder } from './module-builder.ts';

export interface ProbeOptions {
  /** Forces the numeric class; by default the device decides. */
  readonly fma?: boolean;
  /** Forces the width of panels. */
  readonly panel?: number;
  /** Results of an earlier probe on this device. */
  readonly known?: (Pick<DeviceProfile, 'peakFlops' | 'peakBytes'> & Partial<Facts>) | undefined;
}

type Facts = Pick<DeviceProfile, 'vectorRegisters' | 'lanes' | 'splat'>;

/**
 * What exhaustive searches in each engine say, put as facts about its code. Pages cannot ask for registers, and 5 ms of measuring tell 6x8 from 5x8
 * no better than chance: JavaScriptCore's better compiler takes longer than that to arrive. x86-64 below AVX-512 has 16 registers.
 */
const engines: Readonly<Record<string, Partial<Facts>>> = {
  // With 12 accumulators it spills: 6x8 takes up to twice the time of 5x8.
  Firefox: { vectorRegisters: 14 },
  // A row of 32 columns runs at 1.5 times the speed of 5x8: fewer elements are spread over lanes.
  Safari: { splat: 4 },
};

/** Without what takes measuring, unless that is known. */
export function probe(options: ProbeOptions, threads: number): DeviceProfile {
  const relaxed = relaxedSimd();
  const fma = options.fma ?? relaxed === 'fused';
  if (fma && relaxed === 'missing') {
    throw new QuernError('invalid-option', 'the fused class needs relaxed SIMD', { got: 'a browser without it', hint: 'leave the class to the device' });
  }
  const features = ['simd', ...(relaxed === 'missing' ? [] : ['relaxed-simd']), ...(fma ? ['fma'] : [])];
  return {
    kind: 'wasm',
    fingerprint: ['wasm', engineName(), features.join('+'), `${threads} threads`].join(' '),
    threads, fma, features,
    panel: options.panel ?? 8,
    limits: {},
    // Without fused multiply-add each product takes a register.
    vectorRegisters: fma ? 16 : 14, lanes: 4, splat: 1, ...engines[engineName().split(' ')[0] ?? ''],
    peakFlops: 0, peakBytes: 0, ...options.known,
  };
}

/** Engine and major version; nothing finer, or no record would ever be found again. */
function engineName(): string {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } };
  const agent = navigator?.userAgent ?? '';
  for (const [pattern, name] of [[/Firefox\/(\d+)/, 'Firefox'], [/Chrom(?:e|ium)\/(\d+)/, 'Chromium'], [/Version\/(\d+).*Safari/, 'Safari']] as const) {
    const found = pattern.exec(agent);
    if (found !== null) return `${name} ${found[1]}`;
  }
  return /Node\.js\/(\d+)/.exec(agent)?.[0] ?? 'Node.js';
}

let relaxed: ReturnType<typeof fuses> | undefined;

/** What fused multiply-add does here, found once. Throws `no-wasm` without SIMD. */
export function relaxedSimd(): ReturnType<typeof fuses> {
  if (relaxed === undefined) requireSimd();
  return (relaxed ??= fuses());
}

/** One vector instruction. */
function requireSimd(): void {
  const m = new ModuleBuilder();
  m.func('f', {}, ['v128'], (f) => { f.i32(0); f.op('i8x16.splat'); });
  if (!WebAssembly.validate(m.encode())) {
    throw new QuernError('no-wasm', 'WebAssembly has no SIMD here', { expected: 'a browser with WebAssembly SIMD (2021 and later)' });
  }
}

/** (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24 if the product is not rounded, else 0. */
function fuses(): 'fused' | 'separate' | 'missing' {
  const m = new ModuleBuilder();
  m.func('f', { a: 'f32', c: 'f32' }, ['f32'], (f) => {
    for (const at of [0, 0, 1]) { f.get(f.param(at)); f.op('f32x4.splat'); }
    f.op('f32x4.relaxed_madd');
    f.laneOp('f32x4.extract_lane', 0);
  }, true);
  const bytes = m.encode();
  if (!WebAssembly.validate(bytes)) return 'missing';
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as { f: (a: number, c: number) => number };
  return f(1 + 2 ** -12, -(1 + 2 ** -11)) === 2 ** -24 ? 'fused' : 'separate';
}

/**
 * Rows and panels of 8 of the tiles that are tried: the best of 16 registers, the best without fused multiply-add, and one that only joined vectors
 * are fast in.
 */
const tiles = [[6, 1], [5, 1], [4, 2]] as const;

/**
 * The rest, some ms a turn. Loops of multiply-adds alone: in 24 of 24 pages, on a busy machine, they told joined vectors right, whole kernels in
 * 27 of 28.
 */
export function* measure(memory: LinearMemory, fma: boolean): Generator<void, Pick<DeviceProfile, 'lanes' | 'peakFlops' | 'peakBytes'>> {
  const region = memory.allocate(bareBytes);
  memory.bytes.fill(0, region.start, region.start + region.bytes);
  const times = 16;
  const runs: { readonly work: number; readonly run: () => void }[] = [];
  // All before any: the better compiler works elsewhere meanwhile, and what it has not got to yet runs at a seventh of the speed. So in rounds, until
  // one changes nothing; joined vectors, which decide about kernels for many visits, are seen in every round there is.
  for (const [rows, panels] of tiles) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bareLoop(rows, panels, 8, fma)), { env: { memory: memory.memory } });
    const loop = instance.exports['run'] as (base: number, times: number) => void;
    const run = (): void => { loop(region.start, times); };
    warm(run);
    runs.push({ work: rows * panels * 8 * bareDepth * times, run });
    yield;
  }
  let rates = runs.map(() => 0);
  const joined = (): boolean => engineName().startsWith('Chromium') && (rates[2] ?? 0) > Math.max(rates[0] ?? 0, rates[1] ?? 0);
  for (let round = 0, settled = false; round < 5 && (!settled || joined()); round++) {
    const now: number[] = [];
    for (const [i, { work, run }] of runs.entries()) {
      now.push(Math.max(rates[i] ?? 0, work / seconds(run, 2)));
      yield;
    }
    settled = now.every((rate, i) => rate < 1.2 * (rates[i] ?? 0));
    rates = now;
  }
  memory.release(region);
  return {
    // 4x16 loads too much for its arithmetic in vectors of 128 bits (0.6 of the best); V8's revectorizer runs it at 1.5 times what is best otherwise.
    // Nobody else joins vectors.
    lanes: joined() ? 8 : 4,
    peakFlops: Math.max(...rates), peakBytes: copyRate(memory),
  };
}

const clock = (): number => performance.now();

/** Calls for a millisecond. */
function warm(run: () => void): void {
  for (const start = clock(); clock() - start < 1;) run();
}

/** Seconds of one call: the least of some batches, which take so many milliseconds. */
function seconds(run: () => void, ms: number): number {
  let calls = 8;
  let least = Infinity;
  for (const start = clock(); clock() - start < ms;) {
    const from = clock();
    for (let i = 0; i < calls; i++) run();
    const taken = clock() - from;
    if (taken < 0.2) calls *= 2; // too short for coarse clocks
    else least = Math.min(least, taken / calls);
  }
  return (Number.isFinite(least) ? least : ms / calls) / 1000;
}

/** Bytes read or written per second when 2 MiB are copied. */
function copyRate(memory: LinearMemory): number {
  const bytes = 2 ** 21;
  const region = memory.allocate(2 * bytes);
  const copy = (): void => { memory.bytes.copyWithin(region.start, region.start + bytes, region.start + 2 * bytes); };
  warm(copy);
  const perCall = seconds(copy, 2);
  memory.release(region);
  return (2 * bytes) / perCall;
}
