/**
 * What a kernel should store, with a bound on how far a correct device may be from it: running error analysis (Higham, Accuracy and
 * Stability, 3.3) over the same expressions that the reference evaluates. Values are carried in doubles without rounding, errors
 * beside them: operands' errors through the derivative, plus the device's own for each operation. A comparison that the errors leave
 * open makes the bound cover both branches. Kernels without floats are exact: bound 0.
 */
import { isFloat } from '../../expr/dtype.ts';
import type { Expr } from '../../expr/expr.ts';
import { collect } from '../../expr/visit.ts';
import { type Kernel, expressions } from '../../kernel.ts';
import { type Accuracy, accuracyOf } from './accuracy.ts';
import { analyse } from './analysis.ts';

export interface Expected {
  readonly tensor: number;
  /** Offset in elements from the start of the argument. */
  readonly element: number;
  readonly value: number | bigint;
  /** Largest absolute difference of a correct result: 0 is exact, Infinity says that nothing is known. */
  readonly bound: number;
}

/**
 * The elements that the given points store and what they must hold. `buffers` are the arguments in their plain form, also the
 * written ones (their contents before the call); none is changed. Throws `index-out-of-range` for a load or store that misses its tensor.
 */
export const expectedAt = (
  kernel: Kernel, dims: readonly number[], buffers: readonly Uint8Array[], points: readonly number[], accuracy: Accuracy,
): Expected[] => analyse(kernel, dims, buffers, accuracy).expected(points);

/** The points that store given elements of the one tensor that a kernel writes, by element. */
export const pointsStoring = (
  kernel: Kernel, dims: readonly number[], buffers: readonly Uint8Array[], elements: readonly number[],
): ReadonlyMap<number, number> => analyse(kernel, dims, buffers, accuracyOf('wasm')).storing(elements);

/** Does the kernel touch floats at all? Else every correct device stores the same bits. */
export const hasFloats = (kernel: Kernel): boolean => collect(expressions(kernel.body), (e): e is Expr => isFloat(e.dtype)).length > 0;
