/**
 * For tests and benchmarks of contractions: sample kernels (matrix products, convolutions, depthwise ones), and one call of a kernel's
 * code on plain buffers without the runtime around it.
 */
import { packRhs } from '../../packing.ts';
import type { DeviceProfile } from '../../device.ts';
import {
  type Expr, add, and, constant, floordiv, ge, int, load, lt, mul, ref, select, sub, variable,
} from '../../expr/expr.ts';
import { evaluate } from '../../expr/visit.ts';
import { type Arg, type ContractionBody, type Kernel, makeKernel, stridesOf } from '../../kernel.ts';
import type { WasmCode } from './emitter.ts';
import { zeroBytes } from './zero-page.ts';

export const acc = ref('acc', 'float32');
const zero = constant(0, 'float32');
type Dim = Expr | number;
const dim = (d: Dim): Expr => (typeof d === 'number' ? int(d) : d);
export const arg = (shape: readonly Dim[], access: Arg['access'] = 'read', order?: readonly number[]): Arg =>
  ({ dtype: 'float32', shape: shape.map(dim), strides: stridesOf(shape.map(dim), order), access });

export const testProfile: DeviceProfile = {
  kind: 'wasm', fingerprint: 'test', threads: 1, fma: false, panel: 8, vectorRegisters: 16, features: [], limits: {}, peakFlops: 0, peakBytes: 0,
};

export interface Options {
  /** 0: rhs as it is. */
  readonly panel?: number;
  readonly fma?: boolean;
  /** What is stored; reads `acc` and argument 3, a bias over the columns. */
  readonly value?: (acc: Expr, bias: Expr) => Expr;
  readonly order?: readonly number[];
}

function finish(body: ContractionBody, args: readonly Arg[], { panel = 8, fma = false }: Options): Kernel {
  const numeric = { fma, precision: 'exact' } as const;
  if (panel === 0 || body.cols.length === 0) return makeKernel(body, args, numeric).kernel;
  const packed = packRhs(body, panel, 1);
  return makeKernel(packed.body, args.map((a, i) => (i === 1 ? arg(packed.shape) : a)), numeric).kernel;
}

interface Batched {
  readonly batch?: Dim;
  /** One rhs for the whole batch. */
  readonly shared?: boolean;
}

/** [b, m, k] x [k, n], or x [b, k, n]. */
export function product(sizes: readonly [Dim, Dim, Dim], options: Options & Batched = {}): Kernel {
  const [M, N, K] = sizes;
  const { batch = 1, shared = true, value = (x: Expr) => x, order } = options;
  const [b, m, n, k] = [variable('b', dim(batch)), variable('m', dim(M)), variable('n', dim(N)), variable('k', dim(K))];
  const body: ContractionBody = {
    kind: 'contraction', batch: [b], rows: [m], cols: [n], depth: [k],
    lhs: load(0, 'float32', [b, m, k]), rhs: load(1, 'float32', shared ? [k, n] : [b, k, n]),
    store: { tensor: 2, index: [b, m, n], value: value(acc, load(3, 'float32', [n])) },
  };
  const rhs = shared ? arg([K, N]) : arg([batch, K, N]);
  return finish(body, [arg([batch, M, K]), rhs, arg([batch, M, N], 'write', order), arg([N])], options);
}

export interface Conv {
  readonly images?: Dim;
  readonly size: readonly [Dim, Dim];
  readonly channels: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly dilation?: number;
  readonly pad?: number;
  readonly groups?: number;
  readonly depthwise?: boolean;
  /** Physical order of the input and the output; channels last by default. */
  readonly inputOrder?: readonly number[];
  readonly outputOrder?: readonly number[];
}

/** A convolution over [n, y, x, c] with weights [ky, kx, c, o], or [g, ky, kx, c, o], or depthwise [ky, kx, c]. */
export function convolution(spec: Conv, options: Options = {}): Kernel {
  const { images = 1, size: [H, W], channels, outputs, kernel, stride = 1, dilation = 1, pad = 0, groups = 1, depthwise = false } = spec;
  const { value = (x: Expr) => x } = options;
  const out = (d: Dim): Expr => add(floordiv(sub(add(dim(d), 2 * pad), dilation * (kernel - 1) + 1), stride), 1);
  const [Y, X] = [out(H), out(W)];
  const [i, y, x] = [variable('i', dim(images)), variable('y', Y), variable('x', X)];
  const [ky, kx] = [variable('ky', kernel), variable('kx', kernel)];
  const [g, c, o] = [variable('g', groups), variable('c', channels / groups), variable('o', outputs / groups)];
  const [iy, ix] = [sub(add(mul(y, stride), mul(ky, dilation)), pad), sub(add(mul(x, stride), mul(kx, dilation)), pad)];
  const inside = and(ge(iy, 0), lt(iy, dim(H)), ge(ix, 0), lt(ix, dim(W)));
  const input = arg([images, H, W, channels], 'read', spec.inputOrder);
  const output = arg([images, Y, X, outputs], 'write', spec.outputOrder);
  if (depthwise) {
    const body: ContractionBody = {
      kind: 'contraction', batch: [c], rows: [i, y, x], cols: [], depth: [ky, kx],
      lhs: select(inside, load(0, 'float32', [i, iy, ix, c]), zero), rhs: load(1, 'float32', [ky, kx, c]),
      store: { tensor: 2, index: [i, y, x, c], value: value(acc, load(3, 'float32', [c])) },
    };
    return finish(body, [input, arg([kernel, kernel, channels]), output, arg([channels])], options);
  }
  const from = add(mul(g, channels / groups), c);
  const to = add(mul(g, outputs / groups), o);
  const body: ContractionBody = {
    kind: 'contraction', batch: groups === 1 ? [] : [g], rows: [i, y, x], cols: [o], depth: [ky, kx, c],
    lhs: select(inside, load(0, 'float32', [i, iy, ix, groups === 1 ? c : from]), zero),
    rhs: load(1, 'float32', groups === 1 ? [ky, kx, c, o] : [g, ky, kx, c, o]),
    store: { tensor: 2, index: [i, y, x, groups === 1 ? o : to], value: value(acc, load(3, 'float32', [groups === 1 ? o : to])) },
  };
  const weights = groups === 1 ? arg([kernel, kernel, channels, outputs]) : arg([groups, kernel, kernel, channels / groups, outputs / groups]);
  return finish(body, [input, weights, output, arg([outputs])], options);
}

/** The elements that an argument spans. */
export function sizeOf(kernel: Kernel, slot: number, dims: readonly number[]): number {
  const env = new Map<Expr, number>(kernel.syms.map((s, i) => [s, dims[i] ?? 0]));
  return (kernel.args[slot]?.shape ?? []).reduce((n, d) => n * evaluate(d, env), 1);
}

/** Pseudo-random numbers in [-1, 1) with 12 bits, so that sums differ by their order. */
export function noise(length: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 20) / 2048 - 1;
  });
}

/** Random contents for all arguments; a packed rhs has zeros where it is filled up. */
export function inputsOf(kernel: Kernel, dims: readonly number[]): Float32Array<ArrayBuffer>[] {
  return kernel.args.map((_, slot) => noise(sizeOf(kernel, slot, dims), slot + 1));
}

/** Code ready to be called on its own memory. */
export interface Running {
  run(begin?: number, end?: number): void;
  readonly units: number;
  readonly memory: WebAssembly.Memory;
  view(slot: number): Float32Array;
}

const guard = 1024;

/** Puts arguments into a memory of their own, or that of other code with the same arguments, and instantiates the code on it. */
export function start(code: WasmCode, dims: readonly number[], inputs: readonly Float32Array[], shared?: WebAssembly.Memory): Running {
  const { kernel } = code;
  const offsets: number[] = [];
  let next = zeroBytes + guard;
  for (const data of inputs) {
    offsets.push(next);
    next = Math.ceil((next + data.byteLength + guard) / 64) * 64;
  }
  const pages = Math.ceil((next + 4096) / 65536) + 1;
  const memory = shared ?? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  inputs.forEach((data, i) => { new Float32Array(memory.buffer, offsets[i] ?? 0, data.length).set(data); });
  new Int32Array(memory.buffer, next, offsets.length + dims.length).set([...offsets, ...dims]);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(code.bytes), { env: { memory, scratch: next + 2048 } });
  const run = instance.exports['run'] as (params: number, begin: number, end: number) => void;
  const units = evaluate(code.units, new Map<Expr, number>(kernel.syms.map((s, i) => [s, dims[i] ?? 0])));
  return {
    units,
    memory,
    run: (begin = 0, end = units) => { run(next, begin, end); },
    view: (slot) => new Float32Array(memory.buffer, offsets[slot] ?? 0, inputs[slot]?.length ?? 0),
  };
}
