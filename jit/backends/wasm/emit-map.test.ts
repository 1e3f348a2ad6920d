import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import type { DeviceProfile } from '../../device.ts';
import { type DType, type TypedArray, bytesOf, bytesUnder, viewAs } from '../../expr/dtype.ts';
import {
  type Expr, type UnaryOp, type Var, add, and, binary, cast, constant, floordiv, floormod, ge, gt, int, load, lt, mul, muladd, select, sub, symbol,
  unary, variable,
} from '../../expr/expr.ts';
import { evaluate } from '../../expr/visit.ts';
import { type Arg, type Kernel, type MapBody, makeKernel, stridesOf } from '../../kernel.ts';
import { candidates } from '../../space.ts';
import { runKernel } from '../reference/index.ts';
import { mapEmitter } from './emit-map.ts';
import type { WasmCode } from './emitter.ts';
import { randoms, runCode } from './testing.ts';

// Node's V8 has relaxed SIMD behind this flag; browsers have it.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const profile: DeviceProfile = {
  kind: 'wasm', fingerprint: 'test', threads: 1, fma: false, panel: 8, vectorRegisters: 16, features: [], limits: {}, peakFlops: 0, peakBytes: 0,
};
const tensor = (dtype: DType, shape: readonly (number | Expr)[], access: Arg['access'] = 'read', order?: readonly number[]): Arg => {
  const dims = shape.map((d) => (typeof d === 'number' ? int(d) : d));
  return { dtype, shape: dims, strides: stridesOf(dims, order), access };
};
const out = (dtype: DType, shape: readonly (number | Expr)[], order?: readonly number[]): Arg => tensor(dtype, shape, 'write', order);
const map = (axes: readonly Var[], slot: number, index: readonly Expr[], value: Expr): MapBody => ({ kind: 'map', axes, store: { tensor: slot, index, value } });

function kernelOf(body: MapBody, args: readonly Arg[], fma = false): Kernel {
  return makeKernel(body, args, { fma, precision: 'exact' }).kernel;
}
const sizeOf = (arg: Arg, kernel: Kernel, dims: readonly number[]): number => {
  const env = new Map(kernel.syms.map((s, i): [Expr, number] => [s, dims[i] ?? 0]));
  return arg.shape.reduce((n, d) => n * evaluate(d, env), 1);
};

function inputs(kernel: Kernel, dims: readonly number[], seed = 3): Uint8Array[] {
  return kernel.args.map((arg, i) => {
    const n = sizeOf(arg, kernel, dims);
    const values = randoms(seed + i, n, -9, 9);
    const bytes = new Uint8Array(n * bytesOf(arg.dtype));
    const view = viewAs(arg.dtype, bytes);
    if (arg.access === 'write') return bytes;
    for (let k = 0; k < n; k++) {
      const x = values[k] ?? 0;
      if (view instanceof BigInt64Array || view instanceof BigUint64Array) view[k] = BigInt(Math.trunc(x));
      else if (arg.dtype === 'bool') view[k] = x > 0 ? 1 : 0;
      else if (arg.dtype === 'float16') view[k] = Math.floor((x + 9) * 900) + (k % 2) * 0x8000;
      else view[k] = x * (arg.dtype.startsWith('float') ? 1 : 14);
    }
    return bytes;
  });
}

/** Runs every schedule against the reference; all must agree to the last bit with each other, and with the reference within `ulps`. */
function check(kernel: Kernel, dims: readonly number[] = [], ulps = 0): WasmCode {
  const space = mapEmitter.space(kernel, profile);
  if ('why' in space) throw new Error(space.why);
  const buffers = inputs(kernel, dims);
  const expected = buffers.map((b) => b.slice());
  runKernel(kernel, dims, expected);
  const outputs = candidates(space).flatMap((schedule) => {
    const code = mapEmitter.emit(kernel, schedule, profile);
    return [1, 3].map((cuts) => runCode(code, dims, buffers, cuts).outputs);
  });
  const slot = kernel.body.kind === 'loop' ? 0 : kernel.body.store.tensor;
  for (const got of outputs) expect(got).toEqual(outputs[0]);
  const dtype = kernel.args[slot]?.dtype ?? 'float32';
  const [got, want] = [outputs[0]?.[slot], expected[slot]].map((b) => viewAs(dtype, b ?? new Uint8Array(0)));
  if (got === undefined || want === undefined) throw new Error('no output');
  expect(worst(got, want)).toBeLessThanOrEqual(ulps);
  return mapEmitter.emit(kernel, space.fallback, profile);
}

/** The largest distance between two arrays: in units in the last place of float32, or 1 for a difference of integers. */
function worst(got: TypedArray, want: TypedArray): number {
  let most = 0;
  for (let i = 0; i < want.length; i++) {
    const [a, b] = [Number(got[i]), Number(want[i])];
    if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(got instanceof Float32Array)) return Infinity;
    const unit = 2 ** Math.max(-149, Math.floor(Math.log2(Math.abs(b))) - 23);
    most = Math.max(most, Math.abs(a - b) / unit);
  }
  return most;
}

const bytes = (array: TypedArray): Uint8Array => bytesUnder(array);

describe('maps', () => {
  const n = variable('n', symbol('N'));
  it('elementwise, any length', () => {
    const k = kernelOf(map([n], 2, [n], add(load(0, 'float32', [n]), load(1, 'float32', [n]))), [tensor('float32', [n.extent]), tensor('float32', [n.extent]), out('float32', [n.extent])]);
    for (const length of [0, 1, 3, 4, 7, 16, 31, 5000]) check(k, [length]);
  });
  it('axes that are one run of memory become one loop', () => {
    const [a, b, c] = [variable('a', 3), variable('b', 5), variable('c', 7)];
    const k = kernelOf(map([a, b, c], 1, [a, b, c], mul(load(0, 'float32', [a, b, c]), 2)), [tensor('float32', [3, 5, 7]), out('float32', [3, 5, 7])]);
    const code = check(k);
    expect(code.source().match(/loop \$/g)?.length).toBe(1);
  });
  it('a row added to every row', () => {
    const [r, c] = [variable('r', 9), variable('c', 37)];
    check(kernelOf(map([r, c], 2, [r, c], add(load(0, 'float32', [r, c]), load(1, 'float32', [c]))), [tensor('float32', [9, 37]), tensor('float32', [37]), out('float32', [9, 37])]));
  });
  it('a column added to every column', () => {
    const [r, c] = [variable('r', 9), variable('c', 37)];
    const code = check(kernelOf(map([r, c], 2, [r, c], add(load(0, 'float32', [r, c]), load(1, 'float32', [r]))), [tensor('float32', [9, 37]), tensor('float32', [9]), out('float32', [9, 37])]));
    expect(code.source()).toContain('v128.load32_splat');
  });
  it('a transpose', () => {
    const [r, c] = [variable('r', 13), variable('c', 11)];
    check(kernelOf(map([r, c], 1, [r, c], load(0, 'float32', [c, r])), [tensor('float32', [11, 13]), out('float32', [13, 11])]));
  });
  it('an output whose contiguous axis is not the last', () => {
    const [ch, y, x] = [variable('c', 6), variable('y', 5), variable('x', 7)];
    check(kernelOf(map([ch, y, x], 1, [ch, y, x], load(0, 'float32', [ch, y, x])), [tensor('float32', [6, 5, 7]), out('float32', [6, 5, 7], [1, 2, 0])]));
  });
  it('a flip', () => {
    const v = variable('v', 19);
    check(kernelOf(map([v], 1, [v], load(0, 'float32', [sub(18, v)])), [tensor('float32', [19]), out('float32', [19])]));
  });
  it('padding reads nothing outside', () => {
    const [y, x] = [variable('y', 8), variable('x', 15)];
    const inside = and(ge(y, 2), lt(y, 7), ge(x, 3), lt(x, 12));
    check(kernelOf(map([y, x], 1, [y, x], select(inside, load(0, 'float32', [sub(y, 2), sub(x, 3)]), constant(7, 'float32'))), [tensor('float32', [5, 9]), out('float32', [8, 15])]));
  });
  it('a gather', () => {
    const [r, c] = [variable('r', 5), variable('c', 10)];
    const row = cast(load(1, 'int64', [r]), 'index');
    const k = kernelOf(map([r, c], 2, [r, c], load(0, 'float32', [row, c])), [tensor('float32', [4, 10]), tensor('int64', [5]), out('float32', [5, 10])]);
    const data = bytes(randoms(1, 40));
    const index = bytes(BigInt64Array.of(3n, 0n, 2n, 2n, 1n));
    const want = [data, index, new Uint8Array(200)];
    runKernel(k, [], want);
    expect(runCode(mapEmitter.emit(k, { vectors: 1 }, profile), [], [data, index, new Uint8Array(200)]).outputs[2]).toEqual(want[2]);
  });
  it('reshapes that do not vanish', () => {
    const [r, c] = [variable('r', 6), variable('c', 10)];
    const flat = add(mul(r, 10), c);
    check(kernelOf(map([r, c], 1, [r, c], load(0, 'float32', [floormod(flat, 4), floordiv(flat, 4)])), [tensor('float32', [4, 15]), out('float32', [6, 10])]));
  });
  it('types: every one of them converted to every other', () => {
    const types: DType[] = ['float32', 'float64', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bool', 'float16'];
    const v = variable('v', 23);
    for (const from of types) {
      for (const to of types) {
        if (from === to) continue;
        check(kernelOf(map([v], 1, [v], cast(load(0, from, [v]), to)), [tensor(from, [23]), out(to, [23])]));
      }
    }
  });
  it('integer arithmetic wraps and never traps', () => {
    const v = variable('v', 21);
    for (const dtype of ['int8', 'uint8', 'int32', 'uint32', 'int64', 'uint64'] as const) {
      for (const fn of ['add', 'sub', 'mul', 'div', 'rem', 'floordiv', 'floormod', 'min', 'max', 'and', 'or', 'xor'] as const) {
        if (!dtype.startsWith('int') && (fn === 'floordiv' || fn === 'floormod')) continue;
        const value = binary(fn, load(0, dtype, [v]), load(1, dtype, [v]));
        check(kernelOf(map([v], 2, [v], value), [tensor(dtype, [21]), tensor(dtype, [21]), out(dtype, [21])]));
      }
    }
  });
  it('comparisons and selects', () => {
    const v = variable('v', 21);
    const [x, y] = [load(0, 'float32', [v]), load(1, 'float32', [v])];
    for (const fn of ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const) {
      check(kernelOf(map([v], 2, [v], binary(fn, x, y)), [tensor('float32', [21]), tensor('float32', [21]), out('bool', [21])]));
    }
    check(kernelOf(map([v], 2, [v], select(gt(x, y), x, mul(y, 3))), [tensor('float32', [21]), tensor('float32', [21]), out('float32', [21])]));
  });
  it('unary operators of float32', () => {
    const v = variable('v', 37);
    const limits: Partial<Record<UnaryOp, number>> = { exp: 2, sigmoid: 4, tanh: 8, erf: 3, sin: 2, cos: 2, log: 2 };
    for (const fn of ['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'reciprocal', 'exp', 'sigmoid', 'tanh', 'erf', 'sin', 'cos', 'log', 'sqrt',
      'atan', 'asinh', 'isnan'] as const) {
      const dtype = fn === 'isnan' ? 'bool' : 'float32';
      for (const fma of [false, true]) {
        check(kernelOf(map([v], 1, [v], unary(fn, load(0, 'float32', [v]))), [tensor('float32', [37]), out(dtype, [37])], fma), [], limits[fn] ?? 0.5);
      }
    }
  });
  it('muladd rounds once in the fused class and twice in the other', () => {
    const v = variable('v', 10);
    const [x, y, z] = [0, 1, 2].map((slot) => load(slot, 'float32', [v]));
    if (x === undefined || y === undefined || z === undefined) throw new Error();
    const args = [tensor('float32', [10]), tensor('float32', [10]), tensor('float32', [10]), out('float32', [10])];
    check(kernelOf(map([v], 3, [v], muladd(x, y, z)), args, true));
    check(kernelOf(map([v], 3, [v], muladd(x, y, z)), args, false));
  });
  it('golden: bias and clamp of rows', async () => {
    const [r, c] = [variable('r', symbol('R', 1)), variable('c', 32)];
    const value = binary('max', add(load(0, 'float32', [r, c]), load(1, 'float32', [c])), constant(0, 'float32'));
    const k = kernelOf(map([r, c], 2, [r, c], value), [tensor('float32', [r.extent, 32]), tensor('float32', [32]), out('float32', [r.extent, 32])]);
    await expect(mapEmitter.emit(k, { vectors: 2 }, profile).source()).toMatchFileSnapshot('__golden__/map-bias.wat');
  });
  it('golden: padding', async () => {
    const [y, x] = [variable('y', 8), variable('x', 15)];
    const inside = and(ge(y, 2), lt(y, 7), ge(x, 3), lt(x, 12));
    const k = kernelOf(map([y, x], 1, [y, x], select(inside, load(0, 'float32', [sub(y, 2), sub(x, 3)]), constant(0, 'float32'))), [tensor('float32', [5, 9]), out('float32', [8, 15])]);
    await expect(mapEmitter.emit(k, { vectors: 1 }, profile).source()).toMatchFileSnapshot('__golden__/map-pad.wat');
  });
});
