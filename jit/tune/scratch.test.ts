import { describe, expect, it } from 'vitest';
import { type DType, fromHalf, viewAs } from '../expr/dtype.ts';
import { type Expr, cast, div, int, load, unary, variable } from '../expr/expr.ts';
import { type Access, type Arg, makeKernel, stridesOf } from '../kernel.ts';
import { fill, scratchFor } from './scratch.ts';

const arg = (dtype: DType, shape: readonly number[], access: Access = 'read'): Arg => {
  const dims = shape.map((d) => int(d));
  return { dtype, shape: dims, strides: stridesOf(dims), access };
};
const i = variable('i', 64);
const map = (value: Expr, args: readonly Arg[]) =>
  makeKernel({ kind: 'map', axes: [i], store: { tensor: args.length - 1, index: [i], value } }, args, { fma: false, precision: 'exact' })
    .kernel;

const dataOf = (kernel: ReturnType<typeof map>, slot: number) => {
  const scratch = scratchFor(kernel, []);
  if ('why' in scratch) throw new Error(scratch.why);
  return viewAs(kernel.args[slot]?.dtype ?? 'uint8', scratch.buffers[slot] ?? new Uint8Array(0));
};

describe('scratch data', () => {
  it('is the same for the same seed and another for another', () => {
    expect(fill('float32', 100, 'any', 3)).toEqual(fill('float32', 100, 'any', 3));
    expect(fill('float32', 100, 'any', 3)).not.toEqual(fill('float32', 100, 'any', 4));
  });

  it('has floats of both signs below 1', () => {
    const data = viewAs('float32', fill('float32', 10_000, 'any', 1)) as Float32Array;
    expect(Math.min(...data)).toBeLessThan(-0.99);
    expect(Math.max(...data)).toBeGreaterThan(0.99);
    expect(data.every((x) => Math.abs(x) <= 1)).toBe(true);
  });

  it('has finite halves', () => {
    const data = viewAs('float16', fill('float16', 1000, 'any', 1)) as Uint16Array;
    expect([...data].every((bits) => Math.abs(fromHalf(bits)) <= 1)).toBe(true);
  });

  it('repeats no shorter than its prime period', () => {
    const data = viewAs('float32', fill('float32', 200_000, 'any', 1)) as Float32Array;
    expect(data[0]).toBe(data[65521]);
    expect(data.slice(0, 64)).not.toEqual(data.slice(65536, 65600));
  });

  it('keeps indices inside what they index', () => {
    const kernel = map(load(0, 'float32', [cast(load(1, 'int64', [i]), 'index')]), [
      arg('float32', [5]),
      arg('int64', [64]),
      arg('float32', [64], 'write'),
    ]);
    const indices = [...(dataOf(kernel, 1) as BigInt64Array)].map(Number);
    expect(new Set(indices)).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  it('gives logarithms and divisors positive numbers', () => {
    const value = div(unary('log', load(0, 'float32', [i])), load(1, 'float32', [i]));
    const kernel = map(value, [arg('float32', [64]), arg('float32', [64]), arg('float32', [64], 'write')]);
    expect([...(dataOf(kernel, 0) as Float32Array), ...(dataOf(kernel, 1) as Float32Array)].every((x) => x > 0.1)).toBe(true);
  });

  it('divides by no integer zero', () => {
    const value = div(load(0, 'uint8', [i]), load(1, 'uint8', [i]));
    const kernel = map(value, [arg('uint8', [64]), arg('uint8', [64]), arg('uint8', [64], 'write')]);
    expect([...(dataOf(kernel, 1) as Uint8Array)].includes(0)).toBe(false);
  });
});
