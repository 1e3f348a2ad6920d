import { describe, expect, it } from 'vitest';
import { type Expr, add, binary, cast, constant, int, load, mul, ref, variable } from '../../jit/expr/expr.ts';
import { type Body, type Kernel, kernelText, makeKernel, stridesOf } from '../../jit/kernel.ts';
import { shareForms } from './literals.ts';

const real = (value: number): Expr => constant(value, 'float32');
const arg = (shape: number[], access: 'read' | 'write'): Kernel['args'][number] =>
  ({ dtype: 'float32', shape: shape.map(int), strides: stridesOf(shape.map(int)), access });
const kernel = (body: Body, args: readonly Kernel['args'][number][]): Kernel => makeKernel(body, args, { fma: true, precision: 'exact' }).kernel;

/** t1 = f(t0), five elements. */
function map(f: (x: Expr) => Expr): Kernel {
  const i = variable('i0', 5);
  return kernel({ kind: 'map', axes: [i], store: { tensor: 1, index: [i], value: f(load(0, 'float32', [i])) } }, [arg([5], 'read'), arg([5], 'write')]);
}

/** A product whose left operand is scaled before it is summed, and whose sum is scaled. */
function product(inside: number, after: number): Kernel {
  const [m, n, k] = [variable('m0', 3), variable('n0', 4), variable('k0', 7)];
  return kernel({
    kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k],
    lhs: mul(load(0, 'float32', [m, k]), real(inside)), rhs: load(1, 'float32', [k, n]),
    store: { tensor: 2, index: [m, n], value: mul(ref('acc', 'float32'), real(after)) },
  }, [arg([3, 7], 'read'), arg([7, 4], 'read'), arg([3, 4], 'write')]);
}

const shared = (...kernels: Kernel[]) => {
  const forms = shareForms(kernels, () => true);
  return kernels.map((k) => forms.get(k));
};

describe('kernels that differ in numbers alone', () => {
  const line = (scale: number, zero: number): Kernel => map((x) => add(mul(x, real(scale)), real(zero)));

  it('are one', () => {
    const [a, b] = shared(line(2, 3), line(4, 5));
    expect(a?.kernel).toBe(b?.kernel);
  });
  it('which reads the numbers', () => {
    const [a, b] = shared(line(2, 3), line(4, 5));
    expect([kernelText(a?.kernel ?? line(0, 0)), a?.numbers, b?.numbers]).toEqual([kernelText(kernel({
      kind: 'map', axes: [variable('i0', 5)], store: {
        tensor: 2, index: [variable('i0', 5)],
        value: add(mul(load(0, 'float32', [variable('i0', 5)]), load(1, 'float32', [int(0)])), load(1, 'float32', [int(1)])),
      },
    }, [arg([5], 'read'), arg([2], 'read'), arg([5], 'write')])), [2, 3], [4, 5]]);
  });
  it('keep the numbers that are the same in all', () => expect(shared(line(2, 3), line(4, 3)).map((l) => l?.numbers)).toEqual([[2], [4]]));
  it('a kernel of its own keeps its numbers', () => expect(shared(line(2, 3), map((x) => mul(x, x)))).toEqual([undefined, undefined]));
  it('0 is part of the form', () => expect(shared(map((x) => binary('max', x, real(0))), map((x) => binary('max', x, real(6))))).toEqual([undefined, undefined]));
  it('so are exponents', () => expect(shared(map((x) => binary('pow', x, real(2))), map((x) => binary('pow', x, real(3))))).toEqual([undefined, undefined]));
  it('integers come back as integers', () => {
    const [a] = shared(...[7, 9].map((zero) => map((x) => cast(add(cast(x, 'int32'), constant(zero, 'int32')), 'float32'))));
    expect([kernelText(a?.kernel ?? line(0, 0)), a?.numbers]).toEqual([expect.stringContaining('int32<-float32(t1[0])'), [7]]);
  });
  it('products share what is done to their sums', () => expect(shared(product(2, 3), product(2, 5)).map((l) => l?.numbers)).toEqual([[3], [5]]));
  it('but not other operands', () => expect(shared(product(2, 3), product(4, 3))).toEqual([undefined, undefined]));
  it('stay as they are where the device runs no kernel with one more argument', () =>
    expect(shareForms([line(2, 3), line(4, 5)], () => false).size).toBe(0));
});
