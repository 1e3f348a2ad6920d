import { describe, expect, it } from 'vitest';
import { type Expr, cast, int, load, mul, select, lt, add, constant, variable } from '../../jit/expr/expr.ts';
import { evaluate } from '../../jit/expr/visit.ts';
import { type Kernel, kernelText, makeKernel, stridesOf } from '../../jit/kernel.ts';
import { generalise } from './generalise.ts';
import type { KernelCall } from './kernels.ts';

/** Weights [n, k] packed into panels of 8 columns, padded with zeros. */
function packing(n: number, k: number): KernelCall {
  const [panel, row, lane] = [variable('i0', Math.ceil(n / 8)), variable('i1', k), variable('i2', 8)];
  const at = add(mul(panel, 8), lane);
  const value: Expr = select(lt(at, int(n)), cast(load(0, 'float32', [at, row]), 'float32'), constant(0, 'float32'));
  const arg = (shape: number[], access: 'read' | 'write'): Kernel['args'][number] =>
    ({ dtype: 'float32', shape: shape.map(int), strides: stridesOf(shape.map(int)), access });
  const { kernel } = makeKernel(
    { kind: 'map', axes: [panel, row, lane], store: { tensor: 1, index: [panel, row, lane], value } },
    [arg([n, k], 'read'), arg([Math.ceil(n / 8), k, 8], 'write')], { fma: true, precision: 'exact' },
  );
  return { kernel, dims: [], args: [1, 2] };
}

describe('generalise', () => {
  it('packings of two sizes are one kernel', () =>
    expect(kernelText(generalise(packing(20, 30)).kernel)).toBe(kernelText(generalise(packing(100, 12)).kernel)));
  it('and the dims say which', () => {
    const { kernel, dims } = generalise(packing(20, 30));
    const env = new Map<Expr, number>(kernel.syms.map((s, i) => [s, evaluate(dims[i] ?? int(0), new Map())]));
    expect(kernel.args.map((a) => [...a.shape, ...a.strides].map((e) => evaluate(e, env)))).toEqual([[20, 30, 30, 1], [3, 30, 8, 240, 8, 1]]);
  });
  it('large data gets a kernel of its own', () => {
    const large = packing(768, 768);
    expect(generalise(large)).toBe(large);
  });
});
