/**
 * What sort of CPU this is, from about 20 ms of measuring: whether relaxed multiply-add rounds once, whether right-hand sides are better
 * packed 8 or 16 wide, and peaks of arithmetic and memory. Decided before weights are packed. What the caller knows (from an earlier
 * visit, or to force a class in tests) is not measured again.
 */
import type { DeviceProfile } from '../../device.ts';
import { packRhs } from '../../contraction.ts';
import { QuernError } from '../../error.ts';
import { int, load, ref, variable } from '../../expr/expr.ts';
import { evaluate } from '../../expr/visit.ts';
import { type Arg, type ContractionBody, makeKernel, stridesOf } from '../../kernel.ts';
import { emitContraction } from './emit-contraction.ts';
import type { LinearMemory } from './memory.ts';
import { ModuleBuilder } from './module-builder.ts';

export interface ProbeOptions {
  /** Forces the numeric class; by default the device decides. */
  readonly fma?: boolean;
  /** Forces the width of panels. */
  readonly panel?: number;
  /** Results of an earlier probe on this device. */
  readonly known?: Pick<DeviceProfile, 'panel' | 'peakFlops' | 'peakBytes'>;
}

export function probe(memory: LinearMemory, options: ProbeOptions, threads: number): DeviceProfile {
  requireSimd();
  const relaxed = fuses();
  const fma = options.fma ?? relaxed === 'fused';
  if (fma && relaxed === 'missing') {
    throw new QuernError('invalid-option', 'the fused class needs relaxed SIMD', { got: 'a browser without it', hint: 'leave the class to the device' });
  }
  const measured = options.known ?? measure(memory, fma);
  const features = ['simd', ...(relaxed === 'missing' ? [] : ['relaxed-simd']), ...(fma ? ['fma'] : [])];
  return {
    kind: 'wasm',
    fingerprint: ['wasm', engineName(), features.join('+'), `${threads} threads`].join(' '),
    threads, fma, features,
    panel: options.panel ?? measured.panel,
    // Pages cannot ask. x86-64 below AVX-512 has 16, which is what engines use there.
    vectorRegisters: 16,
    limits: {},
    peakFlops: measured.peakFlops,
    peakBytes: measured.peakBytes,
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

const size = { m: 24, n: 48, k: 256 };

/** Rows and width of the tiles that are tried: the best of 16 registers in each class, and the one that 256-bit code is best at. */
const tiles = [{ rows: 6, width: 8 }, { rows: 5, width: 8 }, { rows: 4, width: 8 }, { rows: 4, width: 16 }] as const;

function measure(memory: LinearMemory, fma: boolean): Pick<DeviceProfile, 'panel' | 'peakFlops' | 'peakBytes'> {
  const region = memory.allocate(4 * (size.m * size.k + size.n * size.k + size.m * size.n) + 64);
  const [a, b, c, params] = [0, size.m * size.k, size.m * size.k + size.n * size.k, size.m * size.k + size.n * size.k + size.m * size.n]
    .map((words) => region.start + 4 * words) as [number, number, number, number];
  memory.bytes.fill(0, region.start, region.start + region.bytes);
  new Uint32Array(memory.memory.buffer, params, 3).set([a, b, c]);
  const best = new Map<number, number>();
  for (const { rows, width } of tiles) {
    const rate = (size.m * size.n * size.k) / seconds(call(memory, rows, width, fma, params));
    best.set(width, Math.max(best.get(width) ?? 0, rate));
  }
  memory.release(region);
  const [narrow, wide] = [best.get(8) ?? 0, best.get(16) ?? 0];
  // Wide panels cost wide tiles on narrow matrices, so they must win clearly.
  return { panel: wide > 1.15 * narrow ? 16 : 8, peakFlops: Math.max(narrow, wide), peakBytes: copyRate(memory) };
}

/** One product with tiles of a shape, as a function to call. */
function call(memory: LinearMemory, rows: number, width: number, fma: boolean, params: number): () => void {
  const [m, n, k] = [variable('m', size.m), variable('n', size.n), variable('k', size.k)];
  const body: ContractionBody = {
    kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]), rhs: load(1, 'float32', [k, n]),
    store: { tensor: 2, index: [m, n], value: ref('acc', 'float32') },
  };
  const packed = packRhs(body, width, 1);
  const arg = (shape: readonly number[], access: Arg['access']): Arg =>
    ({ dtype: 'float32', shape: shape.map(int), strides: stridesOf(shape.map(int)), access });
  const args: Arg[] = [
    arg([size.m, size.k], 'read'),
    { dtype: 'float32', shape: packed.shape, strides: stridesOf(packed.shape), access: 'read' },
    arg([size.m, size.n], 'write'),
  ];
  const { kernel } = makeKernel(packed.body, args, { fma, precision: 'exact' });
  const code = emitContraction(kernel, { rows, panels: 1, unroll: 4, block: 0 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(code.bytes), { env: { memory: memory.memory }, math: {} });
  const run = instance.exports['run'] as (params: number, begin: number, end: number) => void;
  const units = evaluate(code.units, new Map());
  return () => { run(params, 0, units); };
}

/** Seconds of one call: the least of some batches, after 2 ms in which the engine's better compiler takes over. */
function seconds(run: () => void): number {
  const clock = (): number => performance.now();
  for (const start = clock(); clock() - start < 2;) run();
  let calls = 8;
  let least = Infinity;
  for (const start = clock(); clock() - start < 3;) {
    const from = clock();
    for (let i = 0; i < calls; i++) run();
    const taken = clock() - from;
    if (taken < 0.2) calls *= 2; // too short for coarse clocks
    else least = Math.min(least, taken / calls);
  }
  return (Number.isFinite(least) ? least : 3 / calls) / 1000;
}

/** Bytes read or written per second when 2 MiB are copied. */
function copyRate(memory: LinearMemory): number {
  const bytes = 2 ** 21;
  const region = memory.allocate(2 * bytes);
  const perCall = seconds(() => { memory.bytes.copyWithin(region.start, region.start + bytes, region.start + 2 * bytes); });
  memory.release(region);
  return (2 * bytes) / perCall;
}
