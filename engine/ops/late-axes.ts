/**
 * Axes that are an input of the model: which dims they name is only known while it runs. The dims of results are then worked out there,
 * and bodies are written for every dim at once: each dim is split in two, of which the one that is not meant has extent 1.
 */
import { type Expr, add, and, asInt, cast, constant, eq, floordiv, int, lt, mul, not, or, select, sub } from '../../jit/expr/expr.ts';
import { clamp, fromEnd, toIndex } from './math.ts';
import type { Lowering, Tensor } from './operator.ts';
import { freshAxes, numel, reshape, sized } from './shape.ts';

export interface LateAxes {
  readonly count: number;
  /** Whether dim `d` is among the axes. */
  has(d: Expr): Expr;
  /** The number of axes below `d`. */
  below(d: Expr): Expr;
  /** What `of` gives for the axis that is dim `d`, else `otherwise`. */
  pick(d: Expr, of: (axis: number) => Expr, otherwise: Expr): Expr;
}

export function lateAxes(build: Lowering, axes: Tensor, rank: number): LateAxes {
  const count = asInt(numel(axes.shape)) ?? build.fail('unsupported-model', 'a number of axes that is not known while compiling');
  build.within(axes, int(-rank), int(rank - 1));
  const axis = (k: number): Expr => fromEnd(toIndex(axes.at(axes.rank === 0 ? [] : [int(k)])), int(rank));
  const all = Array.from({ length: count }, (_, k) => k);
  return {
    count,
    has: (d) => or(...all.map((k) => eq(axis(k), d))),
    below: (d) => all.reduce<Expr>((n, k) => add(n, select(lt(axis(k), d), int(1), int(0))), int(0)),
    pick: (d, of, otherwise) => all.reduce((rest, k) => select(eq(axis(k), d), of(k), rest), otherwise),
  };
}

/** A shape as a tensor, to be indexed by an expression. */
export function shapeTensor(build: Lowering, shape: readonly Expr[]): (d: Expr) => Expr {
  const tensor = build.known('int64', [int(shape.length)], shape);
  return (d) => toIndex(tensor.at([clamp(d, 0, Math.max(shape.length - 1, 0))]));
}

/** A list of dims, one for each place, of which some are worked out while the model runs. */
export function lateDims(build: Lowering, length: number, dim: (place: Expr) => Expr): readonly Expr[] {
  return build.dims(build.map('int64', [int(length)], ([place = int(0)]) => cast(dim(place), 'int64')));
}

export interface SplitDims {
  readonly named: readonly Expr[];
  readonly others: readonly Expr[];
}

/** Dims of a tensor in two parts: those named by the axes (elsewhere 1), and the others (1 at the axes). */
export function splitDims(build: Lowering, shape: readonly Expr[], axes: LateAxes): SplitDims {
  const dim = shapeTensor(build, shape);
  return {
    named: lateDims(build, shape.length, (d) => select(axes.has(d), dim(d), int(1))),
    others: lateDims(build, shape.length, (d) => select(axes.has(d), int(1), dim(d))),
  };
}

/** The dims that the axes do not name, moved together. */
export function droppedDims(build: Lowering, shape: readonly Expr[], axes: LateAxes): readonly Expr[] {
  return lateDims(build, shape.length - axes.count, (place) => shape.reduce<Expr>((found, dim, d) =>
    select(and(not(axes.has(int(d))), eq(sub(int(d), axes.below(int(d))), place)), dim, found), int(1)));
}

/** The shape with a 1 at each of the axes. */
export function insertedDims(build: Lowering, shape: readonly Expr[], axes: LateAxes): readonly Expr[] {
  const dim = shapeTensor(build, shape);
  return lateDims(build, shape.length + axes.count, (place) => select(axes.has(place), int(1), dim(sub(place, axes.below(place)))));
}

/** The same elements, if the axes do not lose or add some. */
function moved(build: Lowering, x: Tensor, shape: readonly Expr[]): Tensor {
  sized(build, numel(shape), numel(x.shape), 'axes do not fit the shape');
  return reshape(build, x, shape);
}

export const dropAxes = (build: Lowering, x: Tensor, axes: Tensor): Tensor =>
  moved(build, x, droppedDims(build, x.shape, lateAxes(build, axes, x.rank)));

export function insertAxes(build: Lowering, x: Tensor, axes: Tensor): Tensor {
  const count = asInt(numel(axes.shape)) ?? 0;
  return moved(build, x, insertedDims(build, x.shape, lateAxes(build, axes, x.rank + count)));
}

/** Rows over axes that are named late; as `splitRows` with the reduced dims kept. */
export function splitRowsLate(build: Lowering, x: Tensor, axes: LateAxes): {
  readonly axes: ReturnType<typeof freshAxes>['axes'];
  readonly inner: ReturnType<typeof freshAxes>['axes'];
  readonly index: readonly Expr[];
  readonly count: Expr;
  readonly shape: readonly Expr[];
  readonly at: readonly Expr[];
} {
  const { named, others } = splitDims(build, x.shape, axes);
  const [outer, within] = [freshAxes(build, others), freshAxes(build, named)];
  return {
    axes: outer.axes, inner: within.axes, count: numel(named), shape: others, at: outer.index,
    index: outer.index.map((i, d) => add(i, within.index[d] ?? int(0))),
  };
}

export interface SliceParts {
  readonly starts: Tensor;
  readonly ends: Tensor;
  readonly axes: Tensor;
  readonly steps: Tensor | undefined;
}

/** Slice with starts, ends, steps or axes that are inputs of the model. */
export function sliceLate(build: Lowering, x: Tensor, parts: SliceParts): Tensor {
  const axes = lateAxes(build, parts.axes, x.rank);
  const dim = shapeTensor(build, x.shape);
  const wide = (e: Expr): Expr => cast(e, 'int64');
  const element = (t: Tensor, k: number): Expr => wide(t.at([int(k)]));
  const stepOf = (d: Expr): Expr => axes.pick(d, (k) => (parts.steps === undefined ? constant(1, 'int64') : element(parts.steps, k)), constant(1, 'int64'));
  // Ends clamped as in Python: where steps go down, to -1 .. n - 1.
  const bound = (d: Expr, given: Expr, isStart: boolean): Expr => {
    const [size, down] = [wide(dim(d)), lt(stepOf(d), 0)];
    const at = fromEnd(given, size);
    return select(down, clamp(at, isStart ? 0 : -1, sub(size, 1)), clamp(at, 0, size));
  };
  const rank = [int(x.rank)];
  const starts = build.map('int64', rank, ([d = int(0)]) => bound(d, axes.pick(d, (k) => element(parts.starts, k), constant(0, 'int64')), true));
  const steps = build.map('int64', rank, ([d = int(0)]) => stepOf(d));
  const sizes = build.map('int64', rank, ([d = int(0)]) => {
    const end = bound(d, axes.pick(d, (k) => element(parts.ends, k), wide(dim(d))), false);
    const [start, step] = [starts.at([d]), steps.at([d])];
    const span = select(lt(step, 0), sub(start, end), sub(end, start));
    const size = select(lt(step, 0), sub(0, step), step);
    // A step of 0 gives a size that is none, which is an error.
    return select(eq(step, 0), constant(-1, 'int64'), select(lt(span, 1), constant(0, 'int64'), add(floordiv(sub(span, 1), size), 1)));
  });
  return build.map(x.dtype, build.dims(sizes), (index) => x.at(index.map((i, d) =>
    add(toIndex(starts.at([int(d)])), mul(i, toIndex(steps.at([int(d)])))))));
}
