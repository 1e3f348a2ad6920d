/**
 * What an operator is to the engine: one function from typed inputs and attributes to tensor definitions. Shape inference and
 * lowering are the same function, since a definition has a shape; values known while compiling (shapes, axes) come out of
 * evaluating the definitions themselves, so that Shape-Gather-Concat-Reshape chains need no code of their own.
 */
import type { ErrorCode, ErrorDetails } from '../../jit/error.ts';
import type { DType } from '../../jit/expr/dtype.ts';
import type { Expr, Var } from '../../jit/expr/expr.ts';
import type { ReduceOp, Stmt } from '../../jit/kernel.ts';
import type { Constant, Graph, Narrow, Node } from '../graph/graph.ts';

/** A tensor as a lowering sees it. */
export interface Tensor {
  readonly id: number;
  readonly dtype: DType;
  /** Set where `dtype` holds a narrower integer type. */
  readonly narrow?: Narrow | undefined;
  readonly shape: readonly Expr[];
  readonly rank: number;
  /** The element at a logical index, one expression per dim. Elements of float16 come as float32: results are narrowed when stored. */
  at(index: readonly Expr[]): Expr;
}

export interface Attributes {
  has(name: string): boolean;
  int(name: string, otherwise?: number): number;
  /** An int of 1 or more. */
  count(name: string, otherwise?: number): number;
  float(name: string, otherwise?: number): number;
  string<T extends string>(name: string, oneOf: readonly T[], otherwise?: T): T;
  ints(name: string, otherwise?: readonly number[]): readonly number[];
  floats(name: string, otherwise?: readonly number[]): readonly number[];
  tensor(name: string): Constant;
  graph(name: string): Graph;
}

/** What a lowering builds with. Errors it throws get the node's name and operator added by the caller. */
export interface Lowering {
  readonly node: Node;
  /** The opset version of the node's domain that the model asks for. */
  readonly opset: number;
  readonly attributes: Attributes;
  /** Throws `invalid-model` if the input is missing. */
  input(index: number): Tensor;
  optional(index: number): Tensor | undefined;
  readonly inputs: readonly (Tensor | undefined)[];
  /** Whether somebody uses this output (for outputs that cost extra). */
  wants(output: number): boolean;

  /** Elements known while compiling, row-major, as expressions over dims (index type for integers); undefined if data-dependent. */
  values(tensor: Tensor): readonly Expr[] | undefined;
  /** Elements that are constants, of integer tensors of any size. */
  fixed(tensor: Tensor): ArrayLike<number | bigint> | undefined;
  /** The elements of an integer tensor as index expressions: known ones, or dims that are read while the model runs. */
  dims(tensor: Tensor): readonly Expr[];
  /** The value of an integer expression over elements of tensors: computed now if they are known, else read while the model runs. */
  dim(value: Expr): Expr;
  /** Takes a condition on dims for granted: it is checked whenever dims are bound. */
  assume(holds: Expr, what: string): void;
  /** Dims that must fit: `shape-mismatch` now where they are known not to, else when dims are bound. `what` says what is wrong. */
  require(holds: Expr, what: string, details: ErrorDetails): void;
  /**
   * Elements that index something must lie in low .. high: `index-out-of-range` now where it is known that one does not, else tested while
   * the model runs (nothing is emitted where it is known that all do). The caller still keeps what it reads and writes inside its tensors.
   */
  within(indices: Tensor, low: Expr, high: Expr): void;
  /** Elements that must be constants; throws `unsupported-model` naming `what` otherwise. */
  constants(tensor: Tensor, what: string): readonly number[];

  constant(dtype: DType, dims: readonly number[], elements: readonly (number | bigint)[]): Tensor;
  /** The tensor of a constant that the model holds. */
  weights(constant: Constant): Tensor;
  /** A sequence: tensors to hand on under one name, which is none itself. */
  list(items: readonly Tensor[]): Tensor;
  /** The tensors of the sequence that an input is; `invalid-model` where it is none. */
  items(input: number): readonly Tensor[];
  /** The outputs of a subgraph on given inputs; it sees the values around the node. */
  inline(graph: Graph, inputs: readonly Tensor[]): readonly Tensor[];
  /**
   * The outputs of one of two branches, whichever a condition takes: of small ones both are computed and one is selected, others are a block, in
   * which one runs. Where only the first can be lowered and the condition is about dims, it is taken for granted and checked.
   */
  either(cond: Tensor, make: readonly (() => readonly Tensor[])[]): readonly Tensor[];
  /** What `make` gives; where that is undefined, nothing that it added stays. */
  attempt<T>(make: () => T | undefined): T | undefined;
  /** A loop around tensors: one kernel, in which everything runs in order, or a block of the program. */
  repeat(spec: RepeatSpec): RepeatResult;
  /** A tensor of given elements (index expressions for integers), as Shape and Size make. */
  known(dtype: DType, shape: readonly Expr[], elements: readonly Expr[]): Tensor;
  /** out[index] = value(index). The value may be of the type in which elements are computed (float32 for float16) or an index. */
  map(dtype: DType, shape: readonly Expr[], value: (index: readonly Expr[]) => Expr, narrow?: Narrow): Tensor;
  rows(spec: RowsSpec): Tensor;
  contraction(spec: ContractionSpec): Tensor;
  loop(spec: LoopSpec): readonly Tensor[];
  /** A variable with a fresh name. */
  axis(extent: Expr | number): Var;
  /** A name for a scan or a local that nobody else has. */
  name(stem: string): string;
  fail(code: ErrorCode, message: string, details?: ErrorDetails): never;
}

export interface RowsSpec {
  readonly dtype: DType;
  readonly shape: readonly Expr[];
  readonly axes: readonly Var[];
  readonly inner: readonly Var[];
  readonly scans: readonly { readonly name: string; readonly op: ReduceOp; readonly value: Expr }[];
  readonly each: boolean;
  /** Where a point's result goes in the output, and the result. */
  readonly index: readonly Expr[];
  readonly value: Expr;
}

export interface ContractionSpec {
  readonly dtype: DType;
  readonly shape: readonly Expr[];
  readonly batch: readonly Var[];
  readonly rows: readonly Var[];
  readonly cols: readonly Var[];
  readonly depth: readonly Var[];
  readonly lhs: Expr;
  readonly rhs: Expr;
  readonly index: readonly Expr[];
  /** The result from the accumulator `ref('acc')`; the accumulator itself if left out. */
  readonly value?: ((acc: Expr) => Expr) | undefined;
}

export interface LoopSpec {
  readonly outputs: readonly { readonly dtype: DType; readonly shape: readonly Expr[]; readonly initial?: Tensor | 'zero' }[];
  readonly axes: readonly Var[];
  /** `outputs` are what stores write to and what loads of what was written read. */
  readonly body: (outputs: readonly Tensor[]) => readonly Stmt[];
}

export interface RepeatSpec {
  /** What each step hands to the next; types stay. */
  readonly states: readonly Tensor[];
  /** Most steps: a tensor of one integer. */
  readonly limit: Tensor | undefined;
  /** Whether there is a first step: a tensor of one bool. */
  readonly start: Tensor | undefined;
  readonly step: (count: Tensor, going: Tensor, states: readonly Tensor[]) => {
    readonly going: Tensor;
    readonly states: readonly Tensor[];
    /** What each step adds to a result along a new first dim. */
    readonly collected: readonly Tensor[];
  };
}

export interface RepeatResult { readonly states: readonly Tensor[]; readonly collected: readonly Tensor[] }

export interface Operator {
  readonly op: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  /** First opset version that this entry describes; an entry with a later one takes over from there. */
  readonly since: number;
  /** Fewest and most inputs. */
  readonly arity: readonly [number, number];
  /** Whether it takes sequences for inputs. */
  readonly lists?: boolean;
  /** Inputs of which it may leave out a part. Of others, a dim longer than what is read of it is an error. */
  readonly parts?: readonly number[];
  readonly lower: (build: Lowering) => Tensor | readonly Tensor[];
}
