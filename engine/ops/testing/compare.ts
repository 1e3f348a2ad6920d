/** Compares a result with an expected tensor by the rule |a - b| <= atol + rtol * |b|; NaN equals NaN. */
import { fromHalf } from '../../../jit/expr/dtype.ts';
import type { Feed } from './run-program.ts';

export interface Tolerance { readonly rtol: number; readonly atol: number }

export const numbersOf = ({ dtype, data }: Feed): number[] =>
  Array.from(data as ArrayLike<number | bigint>, (v) => (dtype === 'float16' ? fromHalf(Number(v)) : Number(v)));

/** What is wrong with `got`, in words; undefined if nothing is. */
export function difference(got: Feed | undefined, want: Feed, { rtol, atol }: Tolerance): string | undefined {
  if (got === undefined) return 'no such output';
  if (got.dtype !== want.dtype) return `type ${got.dtype}, expected ${want.dtype}`;
  if (got.dims.join() !== want.dims.join()) return `shape [${got.dims.join(', ')}], expected [${want.dims.join(', ')}]`;
  const [a, b] = [numbersOf(got), numbersOf(want)];
  for (const [i, expected] of b.entries()) {
    const value = a[i] ?? NaN;
    const same = Object.is(value, expected) || value === expected || (Number.isNaN(value) && Number.isNaN(expected));
    if (!same && !(Math.abs(value - expected) <= atol + rtol * Math.abs(expected))) return `element ${i} is ${value}, expected ${expected}`;
  }
  return undefined;
}

/** ||a - b|| / ||b||. */
export function relL2(got: Feed, want: Feed): number {
  const [a, b] = [numbersOf(got), numbersOf(want)];
  let [error, size] = [0, 0];
  for (const [i, expected] of b.entries()) {
    error += ((a[i] ?? NaN) - expected) ** 2;
    size += expected ** 2;
  }
  return Math.sqrt(error / Math.max(size, 1e-30));
}
