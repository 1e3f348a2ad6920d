/**
 * A plan: kernels in order, the tensors between them, and where the runtime must step in. Made once per model and device; bound to
 * the values of its dims before a run (bind.ts), which costs no compilation. Inside a segment no JavaScript runs between kernels.
 */
import { QuernError } from '../../jit/error.ts';
import type { DType } from '../../jit/expr/dtype.ts';
import type { Expr, Sym } from '../../jit/expr/expr.ts';
import type { Kernel } from '../../jit/kernel.ts';
import type { Constant } from '../graph/graph.ts';
import type { Block, Check, Guard, Origin } from '../graph/program.ts';
import type { Tile } from './tiles.ts';

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
  /** The next `steps` steps, this one included, run for one tile after the other. */
  readonly tile?: { readonly of: Tile; readonly steps: number };
}

/** Steps on one device. `reads`: dims that become known when the segment has run. */
export interface Segment {
  readonly place: Place;
  readonly steps: readonly PlanStep[];
  readonly reads: readonly { readonly symbol: Sym; readonly tensor: number; readonly element: number; readonly origin: Origin }[];
}

/** A block of the program: its parts as they run. */
export type PlanBlock = Block extends infer B ? B extends Block ? Omit<B, 'parts'> & { readonly parts: readonly PlanPart[] } : never : never;

export interface PlanPart {
  readonly flow: Flow;
  /** Tensors that it makes for the block. */
  readonly outputs: readonly number[];
  readonly guards: readonly Guard[];
  /** Whether indices are checked in it. */
  readonly checks: boolean;
}

/** What runs, in order: segments, by their number, and blocks. */
export type Flow = readonly (number | PlanBlock)[];

export interface Fallback {
  readonly origins: readonly Origin[];
  readonly why: string;
}

export interface Plan {
  readonly tensors: ReadonlyMap<number, PlanTensor>;
  readonly setup: readonly PlanStep[];
  /** Of all parts; `flow` says when they run. */
  readonly segments: readonly Segment[];
  readonly flow: Flow;
  /** Steps after which a loop fails. */
  readonly maxIterations: number;
  readonly inputs: readonly { readonly name: string; readonly tensor: number }[];
  readonly outputs: readonly { readonly name: string; readonly tensor: number }[];
  /** What must hold of the dims of a run. */
  readonly guards?: readonly Guard[];
  /** What must hold of indices: read when a run has ended. */
  readonly checks?: readonly Check[];
  /** What does not run on the main device, and why. */
  readonly fallbacks: readonly Fallback[];
}

/** All blocks of a flow, with those inside them. */
export const blocksOf = (flow: Flow): PlanBlock[] =>
  flow.flatMap((f) => (typeof f === 'number' ? [] : [f, ...f.parts.flatMap((part) => blocksOf(part.flow))]));

/** Tensors of blocks that the runtime reads, writes or copies itself, as far as the plan has them. */
export const handled = ({ flow, tensors }: Plan): number[] => blocksOf(flow).flatMap((block) => [
  ...block.outputs, ...block.parts.flatMap((part) => part.outputs),
  ...(block.kind === 'if' ? [block.cond] : [block.limit, block.start, block.count, block.going, ...block.initial]).filter((t) => typeof t === 'number'),
]).filter((t) => tensors.has(t));

export function tensor(plan: Pick<Plan, 'tensors'>, id: number): PlanTensor {
  const t = plan.tensors.get(id);
  if (t === undefined) throw new QuernError('internal', `tensor t${id} is not in the plan`);
  return t;
}

/** The tensor whose bytes an alias names. */
export function rootOf(plan: Pick<Plan, 'tensors'>, id: number): number {
  let t = tensor(plan, id);
  while (t.source.kind === 'alias') t = tensor(plan, t.source.of);
  return t.id;
}
