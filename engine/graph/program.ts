/**
 * The second IR: what is computed, as tensors defined by kernel bodies. No operator names are left to act on; loads name tensors by id.
 * Lowering (ops/) makes it, fusion (passes/) rewrites it, plan/ turns it into kernels. Shapes may mention symbols: dims of the
 * inputs, and dims that are read from a tensor while the model runs (`DataDim`).
 */
import type { DType } from '../../jit/expr/dtype.ts';
import { QuernError } from '../../jit/error.ts';
import type { Expr, Sym } from '../../jit/expr/expr.ts';
import { evaluate } from '../../jit/expr/visit.ts';
import type { Body } from '../../jit/kernel.ts';
import type { Constant } from './graph.ts';

export interface Origin {
  readonly node: string;
  readonly op: string;
}

/** Where a tensor comes from. */
export type Source =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'constant'; readonly constant: Constant }
  /** Written by a computation. */
  | { readonly kind: 'computed' };

export interface TensorDef {
  readonly id: number;
  readonly dtype: DType;
  readonly shape: readonly Expr[];
  readonly source: Source;
  /** Elements known while compiling (row-major), as expressions over symbols: shapes, indices, small constants. */
  readonly values?: readonly Expr[];
}

/** A body and the tensors it writes (its stores name them). Only loop bodies write more than one. */
export interface Computation {
  readonly body: Body;
  readonly outputs: readonly number[];
  /** The nodes it came from, outermost last. */
  readonly origins: readonly Origin[];
  /** Loop bodies may write only parts of an output: then it starts as this tensor's contents, or as zeros. */
  readonly initial?: ReadonlyMap<number, number | 'zero'>;
}

/** A dim that is only known while the model runs: element `element` of an integer tensor. Ends a segment. */
export interface DataDim {
  readonly symbol: Sym;
  readonly tensor: number;
  readonly element: number;
  readonly origin: Origin;
}

/**
 * What lowering took for granted of the dims; a binding for which it does not hold cannot be run by this program (`unsupported-model`).
 * Where it mentions dims read while the model runs, it is checked when they are known.
 */
export interface Guard {
  /** A bool expression over symbols. */
  readonly holds: Expr;
  readonly what: string;
  readonly origin: Origin;
  /** Set where the dims are wrong, not merely others than this program was made for: `what` then says what is wrong. */
  readonly fault?: 'shape-mismatch' | 'index-out-of-range';
}

/** Least and greatest legal value. */
export interface Range {
  readonly low: Expr;
  readonly high: Expr;
}

/**
 * Indices that must lie in a range, tested where they are used: `tensor` holds one int64, 0 if all of them do, else one that does not (plus
 * 1 unless it is negative). Read after the run, together with the outputs.
 */
export interface Check {
  readonly tensor: number;
  readonly range: Range;
  readonly origin: Origin;
}

/** Throws what a check found. */
export function enforce({ range: { low, high }, origin }: Check, status: bigint, env: ReadonlyMap<Expr, number>): void {
  if (status === 0n) return;
  throw new QuernError('index-out-of-range', 'an index is out of range', {
    ...origin, expected: `${evaluate(low, env)} to ${evaluate(high, env)}`, got: String(status > 0n ? status - 1n : status),
  });
}

export interface Program {
  readonly tensors: ReadonlyMap<number, TensorDef>;
  /** In an order in which every tensor is written before it is read. */
  readonly computations: readonly Computation[];
  readonly inputs: readonly { readonly name: string; readonly tensor: number }[];
  readonly outputs: readonly { readonly name: string; readonly tensor: number }[];
  readonly dataDims: readonly DataDim[];
  readonly guards?: readonly Guard[];
  readonly checks?: readonly Check[];
}

/** Tensors that the runtime looks at: they exist when the program ends, or between segments. */
export const readOutside = ({ outputs, dataDims, checks = [] }: Program): Set<number> =>
  new Set([...outputs, ...dataDims, ...checks].map(({ tensor }) => tensor));
