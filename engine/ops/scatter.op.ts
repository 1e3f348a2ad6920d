/**
 * Operators that write where an index says: loop bodies over the updates, starting from a copy of the data. Where updates may meet
 * (a reduction, or duplicates that the last one wins) those that can are run in order; the others are independent. Indices outside the
 * tensor fail the run; until that is seen, their updates are dropped rather than written to somebody else's memory.
 */
import { type Expr, type Var, add, asInt, binary, int, max, min, mul, select, sub } from '../../jit/expr/expr.ts';
import type { Stmt } from '../../jit/kernel.ts';
import { insideShape } from './generate.op.ts';
import { fromEnd, loopFor, single, storeTo, toIndex, when } from './math.ts';
import type { Operator } from './operator.ts';
import { checkCoordinates, checkIndices } from './movement.op.ts';
import { axisOf, freshAxes } from './shape.ts';

const reductions = ['none', 'add', 'mul', 'max', 'min'] as const;
type Reduction = (typeof reductions)[number];

function combine(how: Reduction, old: Expr, update: Expr): Expr {
  switch (how) {
    case 'none': return update;
    case 'add': return add(old, update);
    case 'mul': return mul(old, update);
    case 'max': return max(old, update);
    case 'min': return min(old, update);
    default: return how satisfies never;
  }
}

const nest = (axes: readonly Var[], body: readonly Stmt[]): readonly Stmt[] =>
  axes.reduceRight<readonly Stmt[]>((inner, axis) => [loopFor(axis, inner)], body);

const scatterElements = (op: string, since: number): Operator => ({
  op, domain: '', since, arity: [3, 3],
  lower: (build) => {
    const [data, indices, updates] = [build.input(0), build.input(1), build.input(2)];
    const axis = axisOf(build, build.attributes.int('axis', 0), data.rank);
    const how = build.attributes.string('reduction', reductions, 'none');
    // Along the axis two updates may meet; across it they cannot.
    const across = freshAxes(build, indices.shape.map((dim, d) => (d === axis ? int(1) : dim)));
    const along = freshAxes(build, indices.shape.map((dim, d) => (d === axis ? dim : int(1))));
    const at = indices.shape.map((_, d) => (d === axis ? along.index[d] : across.index[d]) ?? int(0));
    const dim = data.shape[axis] ?? int(1);
    if (indices.rank !== data.rank) build.fail('shape-mismatch', 'the indices have another rank than the data', { expected: String(data.rank), got: String(indices.rank) });
    checkIndices(build, indices, dim);
    const where = fromEnd(toIndex(indices.at(at)), dim);
    const target = at.map((i, d) => (d === axis ? where : i));
    return single(build, { dtype: data.dtype, shape: data.shape, initial: data }, across.axes, (out) =>
      nest(along.axes, [when(insideShape([where], [dim]), [storeTo(out, target, combine(how, out.at(target), updates.at(at)))])]));
  },
});

const scatterNd: Operator = {
  op: 'ScatterND', domain: '', since: 11, arity: [3, 3],
  lower: (build) => {
    const [data, indices, updates] = [build.input(0), build.input(1), build.input(2)];
    const how = build.attributes.string('reduction', reductions, 'none');
    const depth = asInt(indices.shape.at(-1) ?? int(0)) ?? build.fail('unsupported-model', 'ScatterND with indices of unknown depth');
    if (depth > data.rank) {
      build.fail('shape-mismatch', 'the indices have more coordinates than the data have dims', { expected: `at most ${data.rank}`, got: String(depth) });
    }
    checkCoordinates(build, indices, data.shape.slice(0, depth));
    const points = freshAxes(build, indices.shape.slice(0, -1));
    const slice = freshAxes(build, data.shape.slice(depth));
    const where = Array.from({ length: depth }, (_, k) => fromEnd(toIndex(indices.at([...points.index, int(k)])), data.shape[k] ?? int(1)));
    const target = [...where, ...slice.index];
    return single(build, { dtype: data.dtype, shape: data.shape, initial: data }, slice.axes, (out) =>
      nest(points.axes, [when(insideShape(where, data.shape.slice(0, depth)), [
        storeTo(out, target, combine(how, out.at(target), updates.at([...points.index, ...slice.index]))),
      ])]));
  },
};

/** Writes new entries into a cache at a place of its own for each batch entry. */
const tensorScatter: Operator = {
  op: 'TensorScatter', domain: '', since: 24, arity: [2, 3],
  lower: (build) => {
    const [cache, update, writeIndices] = [build.input(0), build.input(1), build.optional(2)];
    const axis = axisOf(build, build.attributes.int('axis', -2), cache.rank);
    const circular = build.attributes.string('mode', ['linear', 'circular'], 'linear') === 'circular';
    const [dim, count] = [cache.shape[axis] ?? int(1), update.shape[axis] ?? int(1)];
    if (writeIndices !== undefined) build.within(writeIndices, int(0), circular ? sub(dim, 1) : sub(dim, count));
    return build.map(cache.dtype, cache.shape, (index) => {
      const start = writeIndices === undefined ? int(0) : toIndex(writeIndices.at([index[0] ?? int(0)]));
      const offset = sub(index[axis] ?? int(0), start);
      const from = circular ? binary('floormod', offset, dim) : offset;
      return select(insideShape([from], [count]), update.at(index.map((i, d) => (d === axis ? from : i))), cache.at(index));
    });
  },
};

export const operators: readonly Operator[] = [scatterElements('Scatter', 9), scatterElements('ScatterElements', 11), scatterNd, tensorScatter];
