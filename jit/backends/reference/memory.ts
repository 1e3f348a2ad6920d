/** An argument as the error analysis reads it: its shape in numbers, its elements as values, and a copy of what a loop may read again. */
import { QuernError } from '../../error.ts';
import { type TypedArray, fromHalf, isFloat, viewAs } from '../../expr/dtype.ts';
import type { Expr } from '../../expr/expr.ts';
import { evaluate } from '../../expr/visit.ts';
import type { Kernel } from '../../kernel.ts';
import { extentOf } from './points.ts';
import type { Value } from '../../expr/scalar.ts';

export interface Memory {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  read(at: number): Value;
  /** Set where a loop body may read what it wrote. */
  readonly shadow: { readonly values: TypedArray; readonly errors: Float64Array } | undefined;
}

export function memoryOf(kernel: Kernel, slot: number, bytes: Uint8Array, env: ReadonlyMap<Expr, number>): Memory {
  const arg = kernel.args[slot];
  if (arg === undefined) throw new QuernError('internal', `a kernel has no argument ${slot}`);
  const shape = arg.shape.map((d) => evaluate(d, env));
  const strides = arg.strides.map((d) => evaluate(d, env));
  const view = viewAs(arg.dtype, bytes);
  const read = arg.dtype === 'float16' ? (at: number): Value => fromHalf(Number(view[at])) : (at: number): Value => view[at] ?? NaN;
  if (kernel.body.kind !== 'loop' || arg.access === 'read') return { shape, strides, read, shadow: undefined };
  const size = extentOf(shape, strides);
  const values = isFloat(arg.dtype) ? Float64Array.from({ length: size }, (_, i) => Number(read(i))) : view.slice();
  return { shape, strides, read, shadow: { values, errors: new Float64Array(size) } };
}
