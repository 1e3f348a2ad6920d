/**
 * Reductions over axes: one pass (two for LogSumExp and the arg reductions) over the reduced dims for each point of the others.
 */
import { isFloat } from '../../jit/expr/dtype.ts';
import { type Expr, type Var, add, asInt, cast, constant, div, eq, ge, gt, int, max, min, mul, or, ref, select, sub } from '../../jit/expr/expr.ts';
import { text } from '../../jit/expr/text.ts';
import type { ReduceOp } from '../../jit/kernel.ts';
import { droppedDims, lateAxes, splitRowsLate } from './late-axes.ts';
import { abs, exp, isnan, log, sqrt } from './math.ts';
import { computeType } from './module.ts';
import { axesArgument } from './movement.op.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { axesOf, axisOf, freshAxes, numel, reshape } from './shape.ts';

/** The split of a tensor's points into rows and what is reduced in each. */
export interface RowSplit {
  readonly axes: readonly Var[];
  readonly inner: readonly Var[];
  /** The full index into the tensor. */
  readonly index: readonly Expr[];
  /** Number of elements in a row. */
  readonly count: Expr;
  /** Shape and index of a result with one element per row. */
  readonly shape: readonly Expr[];
  readonly at: readonly Expr[];
}

export function splitRows(build: Lowering, x: Tensor, reduced: readonly number[], keep: boolean): RowSplit {
  const gone = new Set(reduced);
  const outer = freshAxes(build, x.shape.map((dim, d) => (gone.has(d) ? int(1) : dim)));
  const within = freshAxes(build, x.shape.map((dim, d) => (gone.has(d) ? dim : int(1))));
  const kept = x.shape.map((_, d) => d).filter((d) => keep || !gone.has(d));
  return {
    axes: outer.axes,
    inner: within.axes,
    index: x.shape.map((_, d) => (gone.has(d) ? within.index[d] : outer.index[d]) ?? int(0)),
    count: numel(reduced.map((d) => x.shape[d] ?? int(1))),
    shape: kept.map((d) => (gone.has(d) ? int(1) : x.shape[d] ?? int(1))),
    at: kept.map((d) => outer.index[d] ?? int(0)),
  };
}

interface Reduction {
  readonly op: ReduceOp;
  readonly before?: (x: Expr) => Expr;
  readonly after?: (total: Expr, count: Expr) => Expr;
}

const reductions: Readonly<Record<string, Reduction>> = {
  ReduceSum: { op: 'sum' },
  ReduceProd: { op: 'prod' },
  ReduceMax: { op: 'max' },
  ReduceMin: { op: 'min' },
  ReduceMean: { op: 'sum', after: (total, count) => div(total, cast(count, total.dtype)) },
  ReduceL1: { op: 'sum', before: abs },
  ReduceL2: { op: 'sum', before: (x) => mul(x, x), after: (total) => real(sqrt, total) },
  ReduceSumSquare: { op: 'sum', before: (x) => mul(x, x) },
  ReduceLogSum: { op: 'sum', after: (total) => real(log, total) },
};

/** Integers have a root and a logarithm too: that of their value, cut off. */
const real = (f: (x: Expr) => Expr, total: Expr): Expr => (isFloat(total.dtype) ? f(total) : cast(f(cast(total, 'float64')), total.dtype));

interface Reduced extends RowSplit {
  /** Brings a result of `shape` to the shape that is asked for. */
  readonly finish: (t: Tensor) => Tensor;
}

/** The rows of a reduction: over all dims where no axes are given; undefined where none means "leave the tensor alone". */
function reducedRows(build: Lowering, x: Tensor): Reduced | undefined {
  const keep = build.attributes.int('keepdims', 1) !== 0;
  const input = build.optional(1);
  if (input !== undefined && build.values(input) === undefined) {
    const late = lateAxes(build, input, x.rank);
    return { ...splitRowsLate(build, x, late), finish: (t) => (keep ? t : reshape(build, t, droppedDims(build, x.shape, late))) };
  }
  const given = axesArgument(build, 1) ?? [];
  if (given.length === 0 && build.attributes.int('noop_with_empty_axes', 0) !== 0) return undefined;
  const over = given.length > 0 ? axesOf(build, given, x.rank) : x.shape.map((_, d) => d);
  return { ...splitRows(build, x, over, keep), finish: (t) => t };
}

const keepsDims = (build: Lowering): boolean => build.attributes.int('keepdims', 1) !== 0;

const reduceOp = (op: string, { op: join, before = (x) => x, after = (total) => total }: Reduction): Operator => ({
  op, domain: '', since: 1, arity: [1, 2],
  lower: (build) => {
    const x = build.input(0);
    const rows = reducedRows(build, x);
    const type = computeType(x.dtype);
    if (rows === undefined) return build.map(x.dtype, x.shape, (index) => after(before(x.at(index)), int(1)));
    const { axes, inner, index, count, shape, at, finish } = rows;
    const name = build.name('total');
    // Booleans have an order, but max and min of them are or and and.
    const bool = x.dtype === 'bool';
    const element = bool ? cast(x.at(index), 'int32') : before(x.at(index));
    const total = ref(name, bool ? 'int32' : type);
    // Of no elements, the least int32 stands for false and the greatest for true.
    const value = bool ? gt(total, 0) : after(total, count);
    return finish(build.rows({ dtype: x.dtype, shape, axes, inner, scans: [{ name, op: join, value: element }], each: false, index: at, value }));
  },
});

const logSumExp: Operator = {
  op: 'ReduceLogSumExp', domain: '', since: 1, arity: [1, 2],
  lower: (build) => {
    const x = build.input(0);
    const rows = reducedRows(build, x);
    if (rows === undefined) return x;
    const { axes, inner, index, shape, at, finish } = rows;
    const type = isFloat(x.dtype) ? computeType(x.dtype) : 'float64';
    const element = cast(x.at(index), type);
    const [top, total] = [build.name('top'), build.name('total')];
    // An infinite maximum would give inf - inf; it is then the result itself, by way of log(exp(inf)) or log(0).
    const raw = ref(top, type);
    const shift = select(or(eq(raw, Infinity), eq(raw, -Infinity)), constant(0, type), raw);
    return finish(build.rows({
      dtype: x.dtype, shape, axes, inner, each: false, index: at,
      scans: [{ name: top, op: 'max', value: element }, { name: total, op: 'sum', value: exp(sub(element, shift)) }],
      value: cast(add(log(ref(total, type)), shift), computeType(x.dtype)),
    }));
  },
};

const argOp = (op: string, best: 'max' | 'min'): Operator => ({
  op, domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const axis = axisOf(build, build.attributes.int('axis', 0), x.rank);
    const last = build.attributes.int('select_last_index', 0) !== 0;
    const { axes, inner, index, shape, at } = splitRows(build, x, [axis], keepsDims(build));
    const dim = x.shape[axis] ?? int(1);
    build.require(ge(dim, 1), `${op} over no elements`, { expected: `1 or more in dim ${axis}`, got: text(dim) });
    if (asInt(dim) === 1) return build.map('int64', shape, () => int(0));
    const [value, place] = [build.name(best), build.name('place')];
    const element = x.at(index);
    const here = index[axis] ?? int(0);
    const isBest = isFloat(element.dtype) ? or(eq(element, ref(value, element.dtype)), isnan(element)) : eq(element, ref(value, element.dtype));
    return build.rows({
      dtype: 'int64', shape, axes, inner, each: false, index: at,
      scans: [
        { name: value, op: best, value: element },
        { name: place, op: last ? 'max' : 'min', value: last ? select(isBest, here, int(0)) : select(isBest, here, sub(dim, 1)) },
      ],
      value: last ? max(ref(place, 'index'), 0) : min(ref(place, 'index'), sub(dim, 1)),
    });
  },
});

export const operators: readonly Operator[] = [
  ...Object.entries(reductions).map(([op, reduction]) => reduceOp(op, reduction)),
  logSumExp, argOp('ArgMax', 'max'), argOp('ArgMin', 'min'),
];
