import { describe, expect, it } from 'vitest';
import { type Expr, asInt, int, load, mul, ref, symbol, variable } from '../expr/expr.ts';
import { type Access, type Arg, type Kernel, allAxes, makeKernel, stridesOf } from '../kernel.ts';
import { proxyOf } from './proxy.ts';

const arg = (shape: readonly (number | Expr)[], access: Access = 'read'): Arg => {
  const dims = shape.map((d) => (typeof d === 'number' ? int(d) : d));
  return { dtype: 'float32', shape: dims, strides: stridesOf(dims), access };
};
const gemm = (rows: number | Expr, cols: number, depth: number | Expr): Kernel => {
  const [m, n, k] = [variable('m', rows), variable('n', cols), variable('k', depth)];
  return makeKernel({
    kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]), rhs: load(1, 'float32', [k, n]),
    store: { tensor: 2, index: [m, n], value: ref('acc', 'float32') },
  }, [arg([rows, depth]), arg([depth, cols]), arg([rows, cols], 'write')], { fma: true, precision: 'exact' }).kernel;
};
const extents = (kernel: Kernel | undefined): (number | undefined)[] =>
  kernel === undefined ? [] : allAxes(kernel.body).map((v) => asInt(v.extent));

describe('proxies', () => {
  it('cut rows first, then columns, never the depth', () => {
    expect(extents(proxyOf(gemm(1024, 1024, 1024), [], 2 ** 28)?.kernel)).toEqual([128, 1024, 1024]);
    expect(extents(proxyOf(gemm(1024, 1024, 1024), [], 2 ** 20)?.kernel)).toEqual([64, 128, 1024]);
  });

  it('leave arguments as they are', () => {
    const kernel = gemm(1024, 1024, 1024);
    expect(proxyOf(kernel, [], 2 ** 20)?.kernel.args).toBe(kernel.args);
  });

  it('take a smaller dim where that is all it needs, and keep the very kernel', () => {
    const kernel = gemm(symbol('M', 1), 128, 768);
    expect(proxyOf(kernel, [1000], 2 ** 20)).toEqual({ kernel, dims: [64] });
  });

  it('do not touch a dim that is summed over as well', () => {
    const s = symbol('S', 1);
    expect(proxyOf(gemm(s, 128, s), [1000], 2 ** 20)).toBeUndefined();
  });

  it('are not made of small kernels', () => {
    expect(proxyOf(gemm(64, 64, 64), [], 2 ** 22)).toBeUndefined();
  });

  it('keep whole rows of a map', () => {
    const [r, c] = [variable('r', 4096), variable('c', 1024)];
    const kernel = makeKernel({ kind: 'map', axes: [r, c], store: { tensor: 1, index: [r, c], value: mul(load(0, 'float32', [r, c]), 2) } },
      [arg([4096, 1024]), arg([4096, 1024], 'write')], { fma: true, precision: 'exact' }).kernel;
    const slice = extents(proxyOf(kernel, [], 2 ** 22)?.kernel);
    expect(slice[1]).toBe(1024);
    expect(slice[0]).toBeLessThan(1024);
  });
});
