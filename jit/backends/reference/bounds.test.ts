import { describe, expect, it } from 'vitest';
import { type DType, bytesUnder } from '../../expr/dtype.ts';
import { type Expr, add, binary, cast, constant, div, eq, int, load, mul, ref, select, sub, unary, variable } from '../../expr/expr.ts';
import { type Access, type Arg, type Body, makeKernel, stridesOf } from '../../kernel.ts';
import { accuracyOf, contractionBound, expectedAt } from './index.ts';

const arg = (dtype: DType, shape: readonly number[], access: Access = 'read'): Arg => {
  const dims = shape.map((d) => int(d));
  return { dtype, shape: dims, strides: stridesOf(dims), access };
};
const kernelOf = (body: Body, args: readonly Arg[]) => makeKernel(body, args, { fma: false, precision: 'exact' }).kernel;
const cpu = accuracyOf('wasm');
const gpu = accuracyOf('webgpu');

const one = (value: (x: Expr) => Expr, x: number, to: DType = 'float32', accuracy = cpu) => {
  const i = variable('i', 1);
  const kernel = kernelOf({ kind: 'map', axes: [i], store: { tensor: 1, index: [i], value: value(load(0, 'float32', [i])) } },
    [arg('float32', [1]), arg(to, [1], 'write')]);
  const [expected] = expectedAt(kernel, [], [bytesUnder(Float32Array.of(x)), new Uint8Array(8)], [0], accuracy);
  if (expected === undefined) throw new Error('nothing stored');
  return expected;
};

describe('error bounds', () => {
  it('moving data is exact', () => {
    expect(one((x) => x, 0.1, 'float32', gpu)).toEqual({ tensor: 1, element: 0, value: Math.fround(0.1), bound: 0 });
  });

  it('one addition is one rounding on each side', () => {
    expect(one((x) => add(x, 1), 1).bound).toBe(2 * 2 * 2 ** -24);
  });

  it('cancellation carries the error of the operands', () => {
    const { value, bound } = one((x) => sub(mul(x, x), 1), 1 + 2 ** -12);
    expect(Math.abs(value as number - (2 ** -11 + 2 ** -24))).toBeLessThanOrEqual(bound);
    expect(bound).toBeGreaterThan(2 ** -24);
  });

  it('a rounding that the error may tip over is off by one, others are exact', () => {
    const rounded = (x: Expr): Expr => cast(unary('round', div(x, 3)), 'int32');
    expect(one(rounded, 1.5, 'int32').bound).toBe(1);
    expect(one(rounded, 1.4, 'int32').bound).toBe(0);
  });

  it('a comparison left open covers both branches', () => {
    const step = (x: Expr): Expr => select(binary('gt', mul(x, 3), constant(1, 'float32')), constant(5, 'float32'), constant(2, 'float32'));
    expect(one(step, 1 / 3).bound).toBe(3);
    expect(one(step, 0.4).bound).toBe(0);
  });

  it('a comparison of loaded values is certain', () => {
    expect(one((x) => select(eq(x, x), x, constant(0, 'float32')), 0.3).bound).toBe(0);
  });

  it('which zero the greater of -0 and 0 is, is left open, and so is what divides by it', () => {
    const over = (x: Expr): Expr => unary('reciprocal', binary('max', x, constant(0, 'float32')));
    expect(one(over, -0).bound).toBe(Infinity);
    expect(one(over, 0).bound).toBe(0);
  });

  it('integers are exact whatever the device', () => {
    const i = variable('i', 2);
    const kernel = kernelOf({ kind: 'map', axes: [i], store: { tensor: 1, index: [i], value: mul(load(0, 'int64', [i]), 3) } },
      [arg('int64', [2]), arg('int64', [2], 'write')]);
    expect(expectedAt(kernel, [], [bytesUnder(BigInt64Array.of(5n, 2n ** 62n)), new Uint8Array(16)], [1], gpu))
      .toEqual([{ tensor: 1, element: 1, value: BigInt.asIntN(64, 3n * 2n ** 62n), bound: 0 }]);
  });

  it('a dot product in float32, summed in any order, is within gamma_n of the absolute sum', () => {
    const n = 1000;
    let state = 7;
    const random = (): number => { state = Math.imul(state, 1664525) + 1013904223 | 0; return Math.fround(state / 2 ** 31); };
    const a = Float32Array.from({ length: n }, random);
    const b = Float32Array.from({ length: n }, random);
    const k = variable('k', n);
    const kernel = kernelOf({
      kind: 'contraction', batch: [], rows: [], cols: [], depth: [k], lhs: load(0, 'float32', [k]), rhs: load(1, 'float32', [k]),
      store: { tensor: 2, index: [int(0)], value: ref('acc', 'float32') },
    }, [arg('float32', [n]), arg('float32', [n]), arg('float32', [1], 'write')]);
    const [expected] = expectedAt(kernel, [], [bytesUnder(a), bytesUnder(b), new Uint8Array(4)], [0], cpu);
    const products = Array.from(a, (x, i) => Math.fround(x * (b[i] ?? 0)));
    const absolutes = products.reduce((s, p) => s + Math.abs(p), 0);
    const { value, bound } = expected ?? { value: NaN, bound: NaN };
    expect(bound / contractionBound(n, absolutes)).toBeCloseTo(1, 2);
    for (const order of [products, [...products].reverse(), [...products].sort((x, y) => x - y)]) {
      const got = order.reduce((s, p) => Math.fround(s + p), 0);
      expect(Math.abs(got - Number(value))).toBeLessThanOrEqual(bound);
    }
    // One term left out is far outside.
    expect(Math.abs(products[3] ?? 0)).toBeGreaterThan(bound);
  });

  it('nothing is said of infinity times what may be rounded to zero', () => {
    const tinyTimes = (x: Expr): Expr => mul(mul(unary('sigmoid', constant(-128, 'float32')), x), constant(Infinity, 'float32'));
    expect(one(tinyTimes, 1).bound).toBe(Infinity);
    const k = variable('k', 1);
    const body: Body = {
      kind: 'contraction', batch: [], rows: [], cols: [], depth: [k], lhs: mul(load(0, 'float32', [k]), unary('sigmoid', load(0, 'float32', [k]))),
      rhs: load(1, 'float32', [k]), store: { tensor: 2, index: [int(0)], value: binary('max', ref('acc', 'float32'), constant(0, 'float32')) },
    };
    const kernel = kernelOf(body, [arg('float32', [1]), arg('float32', [1]), arg('float32', [1], 'write')]);
    const data = [Float32Array.of(-128), Float32Array.of(Infinity), new Float32Array(1)].map(bytesUnder);
    expect(expectedAt(kernel, [], data, [0], cpu)[0]?.bound).toBe(Infinity);
  });

  it('a sum whose terms overflow on the way may be no number, and so may its sigmoid', () => {
    const k = variable('k', 2);
    const body: Body = {
      kind: 'contraction', batch: [], rows: [], cols: [], depth: [k], lhs: load(0, 'float32', [k]),
      rhs: load(1, 'float32', [k]), store: { tensor: 2, index: [int(0)], value: unary('sigmoid', ref('acc', 'float32')) },
    };
    const kernel = kernelOf(body, [arg('float32', [2]), arg('float32', [2]), arg('float32', [1], 'write')]);
    const data = [Float32Array.of(3e38, -3e38), Float32Array.of(2, 2), new Float32Array(1)].map(bytesUnder);
    expect(expectedAt(kernel, [], data, [0], cpu)[0]).toMatchObject({ value: 0.5, bound: Infinity });
  });

  it('a running sum carries its error from store to store', () => {
    const k = variable('k', 64);
    const before = select(eq(k, 0), constant(0, 'float32'), load(1, 'float32', [sub(k, 1)]));
    const third = mul(load(0, 'float32', [k]), constant(1 / 3, 'float32'));
    const kernel = kernelOf({
      kind: 'loop', axes: [], body: [{ do: 'for', axis: k, body: [
        { do: 'store', store: { tensor: 1, index: [k], value: add(before, third) } },
      ] }],
    }, [arg('float32', [64]), arg('float32', [64], 'readwrite')]);
    const all = expectedAt(kernel, [], [bytesUnder(new Float32Array(64).fill(1)), new Uint8Array(256)], [0], cpu);
    expect(all).toHaveLength(64);
    expect(all[63]?.bound).toBeGreaterThan(10 * (all[0]?.bound ?? 0));
    expect(all[63]?.bound).toBeLessThan(1e-3);
  });
});
