/**
 * The second IR: what is computed, as tensors defined by kernel bodies. No operator names are left to act on; loads name tensors by id.
 * Lowering (ops/) makes it, fusion (passes/) rewrites it, plan/ turns it into kernels. Shapes may mention symbols: dims of the
 * inputs, and dims that are read from a tensor while the model runs (`DataDim`).
 */
import type { DType } from '../../jit/expr/dtype.ts';
import { QuernError } from '../../jit/error.ts';
import type { Expr, Sym } from '../../jit/expr/expr.ts';
import { collect, evaluate, isSym } from '../../jit/expr/visit.ts';
import { type Body, loadedTensors, mentions } from '../../jit/kernel.ts';
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
  | { readonly kind: 'computed' }
  /** There when the program begins, or when a block of it ends: tensors of the program around, states of a loop, what blocks hand out. */
  | { readonly kind: 'given' };

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

/** Tensors that a computation reads: loads, and what its outputs start as. */
export function readsOf(c: Computation): number[] {
  const initial = [...(c.initial?.values() ?? [])].filter((i): i is number => typeof i === 'number');
  return [...new Set([...loadedTensors(c.body).filter((t) => !c.outputs.includes(t)), ...initial])];
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
 * Indices that must lie in a range, tested where they are used: `tensor` holds one int64, 0 if all of them do, else one that does not (1
 * for 0, which is out of range only where nothing is in it). Read after the run, together with the outputs. `steps`: what must stay in range
 * is how often a loop went on.
 */
export interface Check {
  readonly tensor: number;
  readonly steps?: boolean;
  readonly range: Range;
  readonly origin: Origin;
}

export const endless = (most: number, origin: Origin): QuernError => new QuernError('too-many-iterations', 'a loop does not end', {
  ...origin, expected: `at most ${most} iterations (option maxIterations)`, got: 'more', hint: 'if it would end, load with a larger maxIterations',
});

/** Throws what a check found. */
export function enforce({ range: { low, high }, origin, steps }: Check, status: bigint, env: ReadonlyMap<Expr, number>): void {
  if (status === 0n) return;
  if (steps === true) throw endless(evaluate(high, env), origin);
  const most = evaluate(high, env);
  throw new QuernError('index-out-of-range', 'an index is out of range', {
    ...origin, expected: `${evaluate(low, env)} to ${most}`, got: status === 1n && most < 0 ? '0 or more' : String(status),
  });
}

/** A tensor of one element, or an expression over dims. */
export type Scalar = number | Expr;

/**
 * Parts of a program that run not at all, once, or again and again, as only the data say. Tensor ids are unique over all parts; what a part
 * reads of the program around it is `given` in it. `outputs` are tensors of the program around, `symbols` dims of theirs (states of a loop have
 * theirs in the body too), known when the block has run.
 */
export type Block = {
  readonly origin: Origin;
  readonly outputs: readonly number[];
  readonly symbols: readonly Sym[];
} & ({
  readonly kind: 'if';
  readonly cond: Scalar;
  /** Then and else; the outputs of each, in order, are those of the block. */
  readonly parts: readonly Program[];
} | {
  readonly kind: 'loop';
  /** The most steps, and whether there is a first one. */
  readonly limit: Scalar | undefined;
  readonly start: Scalar | undefined;
  /** What the states (the first of `outputs`) start as. The other outputs collect: `symbols[0]` is the number of steps. */
  readonly initial: readonly number[];
  /** Tensors given to the body: the number of the step, and true. */
  readonly count: number;
  readonly going: number;
  /** Whether the body's first output says if there is another step; states and what is collected follow. */
  readonly asks: boolean;
  /** The body alone. */
  readonly parts: readonly Program[];
});

export interface Program {
  readonly tensors: ReadonlyMap<number, TensorDef>;
  /** In an order in which every tensor is written before it is read. */
  readonly computations: readonly Computation[];
  readonly inputs: readonly { readonly name: string; readonly tensor: number }[];
  readonly outputs: readonly { readonly name: string; readonly tensor: number }[];
  readonly dataDims: readonly DataDim[];
  /** In an order in which they could run; they wait for what they read, as computations do. */
  readonly blocks?: readonly Block[];
  readonly guards?: readonly Guard[];
  readonly checks?: readonly Check[];
}

/** Tensors that the runtime looks at: they exist when the program ends, or between segments. */
export const readOutside = ({ outputs, dataDims, checks = [], blocks = [] }: Program): Set<number> =>
  new Set([...[...outputs, ...dataDims, ...checks].map(({ tensor }) => tensor), ...blocks.flatMap((b) => blockNeeds(b).tensors)]);

/** What decides whether or how often a block's parts run. */
export const scalarsOf = (block: Block): Scalar[] =>
  (block.kind === 'if' ? [block.cond] : [block.limit, block.start]).filter((s) => s !== undefined);

interface Needs { readonly tensors: readonly number[]; readonly symbols: readonly Sym[] }

/** A program's passes ask again and again. */
const needs = new WeakMap<Block, Needs>();

/** The tensors of the program around that a block reads, and the symbols that it mentions. */
export function blockNeeds(block: Block): Needs {
  const known = needs.get(block);
  if (known !== undefined) return known;
  const own = new Set(block.kind === 'loop' ? [...block.outputs, block.count, block.going] : []);
  const first = scalarsOf(block);
  const tensors = [...first.filter((t) => typeof t === 'number'), ...(block.kind === 'loop' ? block.initial : []), ...block.parts.flatMap(({ tensors: defs, blocks = [] }) => {
    const written = new Set(blocks.flatMap((b) => b.outputs));
    return [...defs.values()].filter(({ id, source }) => source.kind === 'given' && !own.has(id) && !written.has(id)).map((def) => def.id);
  })];
  const symbols = block.parts.flatMap((part) => [
    ...collect([
      ...part.computations.flatMap(({ body }) => mentions(body)),
      ...[...part.tensors.values()].flatMap((def) => def.shape), ...(part.guards ?? []).map((g) => g.holds),
      ...(part.checks ?? []).flatMap(({ range }) => [range.low, range.high]),
    ], isSym),
    ...(part.blocks ?? []).flatMap((b) => blockNeeds(b).symbols),
  ]);
  const cond = collect(first.filter((e) => typeof e !== 'number'), isSym);
  const made: Needs = { tensors: [...new Set(tensors)], symbols: [...new Set([...cond, ...symbols])] };
  needs.set(block, made);
  return made;
}
