import { describe, expect, it } from 'vitest';
import type { DeviceProfile } from './device.ts';
import type { DType } from './expr/dtype.ts';
import { type Expr, add, constant, cast, int, load, mul, ref, sub, symbol, unary, variable } from './expr/expr.ts';
import { type Access, type Arg, type Body, makeKernel, stridesOf } from './kernel.ts';
import { lowerBound, workOf } from './roofline.ts';

const arg = (dtype: DType, shape: readonly (number | Expr)[], access: Access = 'read'): Arg => {
  const dims = shape.map((d) => (typeof d === 'number' ? int(d) : d));
  return { dtype, shape: dims, strides: stridesOf(dims), access };
};
const kernelOf = (body: Body, args: readonly Arg[]) => makeKernel(body, args, { fma: true, precision: 'exact' }).kernel;
const profile: DeviceProfile = {
  kind: 'wasm', fingerprint: '', threads: 1, fma: true, panel: 8, vectorRegisters: 16, features: [], limits: {}, peakFlops: 28e9, peakBytes: 28e9,
};

const rows = symbol('M', 1);
const [m, n, k] = [variable('m', rows), variable('n', 768), variable('k', 3072)];
const gemm = kernelOf({
  kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]), rhs: load(1, 'float32', [k, n]),
  store: { tensor: 2, index: [m, n], value: ref('acc', 'float32') },
}, [arg('float32', [rows, 3072]), arg('float32', [3072, 768]), arg('float32', [rows, 768], 'write')]);

describe('roofline', () => {
  it('a matrix product is two operations for each of m n k, and its three matrices', () => {
    expect(workOf(gemm, [128])).toEqual({ flops: 2 * 128 * 768 * 3072, bytes: 4 * (128 * 3072 + 3072 * 768 + 128 * 768) });
  });

  it('of an operand that is larger than what is read of it, that part moves', () => {
    const part = variable('m', 4);
    const kernel = kernelOf({
      kind: 'contraction', batch: [], rows: [part], cols: [n], depth: [k], lhs: load(0, 'float32', [add(part, 8), k]), rhs: load(1, 'float32', [k, n]),
      store: { tensor: 2, index: [part, n], value: ref('acc', 'float32') },
    }, [arg('float32', [1000, 3072]), arg('float32', [3072, 768]), arg('float32', [4, 768], 'write')]);
    expect(workOf(kernel, []).bytes).toBe(4 * (4 * 3072 + 3072 * 768 + 4 * 768));
  });

  it('many rows are bound by arithmetic, one row by memory', () => {
    expect(lowerBound(gemm, [128], profile)).toBeCloseTo(128 * 768 * 3072 / 28, 0);
    expect(lowerBound(gemm, [1], profile)).toBeCloseTo(4 * (3072 + 3072 * 768 + 768) / 28, 0);
  });

  it('threads share the arithmetic', () => {
    expect(lowerBound(gemm, [128], { ...profile, threads: 2 })).toBeCloseTo(128 * 768 * 3072 / 56, 0);
  });

  it('is 0 where the peaks are unknown', () => {
    expect(lowerBound(gemm, [128], { ...profile, peakFlops: 0, peakBytes: 0 })).toBe(0);
  });

  it('a gather moves the rows that it takes', () => {
    const [i, c] = [variable('i', 3), variable('c', 8)];
    const kernel = kernelOf({ kind: 'map', axes: [i, c], store: { tensor: 2, index: [i, c], value: load(0, 'float32', [cast(load(1, 'int32', [i]), 'index'), c]) } },
      [arg('float32', [1000, 8]), arg('int32', [3]), arg('float32', [3, 8], 'write')]);
    expect(workOf(kernel, [])).toEqual({ flops: 0, bytes: 4 * 24 + 4 * 3 + 4 * 24 });
  });

  it('softmax reads a row once however often it passes over it', () => {
    const [r, c] = [variable('r', 4), variable('c', 10)];
    const x = load(0, 'float32', [r, c]);
    const e = unary('exp', sub(x, ref('m', 'float32')));
    const kernel = kernelOf({
      kind: 'rows', axes: [r], inner: [c], each: true, scans: [{ name: 'm', op: 'max', value: x }, { name: 's', op: 'sum', value: e }],
      store: { tensor: 1, index: [r, c], value: mul(e, ref('s', 'float32')) },
    }, [arg('float32', [4, 10]), arg('float32', [4, 10], 'write')]);
    expect(workOf(kernel, [])).toEqual({ flops: 40 * (1 + 3) + 40 * 3, bytes: 2 * 160 });
  });

  it('what a loop only writes is not read, though it may be', () => {
    const c = variable('c', 10);
    const kernel = kernelOf({ kind: 'loop', axes: [], body: [{ do: 'for', axis: c, body: [{ do: 'store', store: { tensor: 0, index: [c], value: constant(1, 'float32') } }] }] },
      [arg('float32', [10], 'readwrite')]);
    expect(workOf(kernel, [])).toEqual({ flops: 0, bytes: 40 });
  });

  it('loops count their turns', () => {
    const [r, c] = [variable('r', 4), variable('c', 10)];
    const kernel = kernelOf({ kind: 'loop', axes: [r], body: [
      { do: 'let', name: 's', value: load(0, 'float32', [r, int(0)]) },
      { do: 'for', axis: c, body: [{ do: 'set', name: 's', value: add(ref('s', 'float32'), load(0, 'float32', [r, c])) }] },
      { do: 'store', store: { tensor: 1, index: [r], value: ref('s', 'float32') } },
    ] }, [arg('float32', [4, 10]), arg('float32', [4], 'write')]);
    expect(workOf(kernel, [])).toEqual({ flops: 40, bytes: 176 });
  });
});
