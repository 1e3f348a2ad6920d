/**
 * A plan: kernels in order, the tensors between them, and where the runtime must step in. Made once per model and device; bound to
 * the values of its dims before a run (bind.ts), which costs no compilation. Inside a segment no JavaScript runs between kernels.
 */
import type { DType } from '../../jit/expr/dtype.ts';
import type { Expr, Sym } from '../../jit/expr/expr.ts';
import type { Kernel } from '../../jit/kernel.ts';
import type { Constant } from '../graph/graph.ts';
import type { Check, Guard, Origin } from '../graph/program.ts';

export interface PlanTensor {
  readonly id: number;
  readonly dtype: DType;
  readonly shape: readonly Expr[];
  /** Physical order of dims, outermost first: row-major is 0, 1, 2... Inputs, outputs and constants from the file are row-major. */
  readonly order: readonly number[];
  readonly source:
    | { readonly kind: 'input'; readonly name: string }
    | { readonly kind: 'constant'; readonly constant: Constant }
    /** Written once, while loading, by a step of `setup`. */
    | { readonly kind: 'prepared' }
    | { readonly kind: 'computed' }
    /** The same bytes under another shape. */
    | { readonly kind: 'alias'; readonly of: number };
}

export type Place = 'main' | 'cpu';

export interface PlanStep {
  readonly kernel: Kernel;
  /** Expressions for the kernel's `syms`, in order. */
  readonly dims: readonly Expr[];
  /** Tensor ids for the kernel's args, in order. */
  readonly args: readonly number[];
  /** Tensors to clear before the step (loop bodies that write only parts). */
  readonly clear: readonly number[];
  readonly origins: readonly Origin[];
}

/** Steps on one device. `reads`: dims that become known when the segment has run. */
export interface Segment {
  readonly place: Place;
  readonly steps: readonly PlanStep[];
  readonly reads: readonly { readonly symbol: Sym; readonly tensor: number; readonly element: number; readonly origin: Origin }[];
}

export interface Fallback {
  readonly origins: readonly Origin[];
  readonly why: string;
}

export interface Plan {
  readonly tensors: ReadonlyMap<number, PlanTensor>;
  readonly setup: readonly PlanStep[];
  readonly segments: readonly Segment[];
  readonly inputs: readonly { readonly name: string; readonly tensor: number }[];
  readonly outputs: readonly { readonly name: string; readonly tensor: number }[];
  /** What must hold of the dims of a run. */
  readonly guards?: readonly Guard[];
  /** What must hold of indices: read when a run has ended. */
  readonly checks?: readonly Check[];
  /** What does not run on the main device, and why. */
  readonly fallbacks: readonly Fallback[];
}
