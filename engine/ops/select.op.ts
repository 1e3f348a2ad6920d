/**
 * Operators whose result depends on comparisons between elements: TopK, NonMaxSuppression, and those whose size is only known when
 * they have run (NonZero, Compress, Unique). The latter write into room for the most there can be and count; the result is as much
 * of it as the count says, a dim that is read while the model runs.
 */
import { isFloat } from '../../jit/expr/dtype.ts';
import {
  type Expr, add, and, cast, constant, div, eq, ge, gt, int, le, lt, max, min, mul, not, or, select, sub, truth,
} from '../../jit/expr/expr.ts';
import { text } from '../../jit/expr/text.ts';
import { clamp, isnan, local, loopFor, scalarValue, single, storeTo, toIndex, when } from './math.ts';
import { computeType } from './module.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { axisOf, freshAxes, numel, reshape, sized, unflatten, withDim } from './shape.ts';

/** The first `count` entries along an axis of a tensor made with room for more. */
function firstOf(build: Lowering, room: Tensor, count: Tensor, axis: number): Tensor {
  const size = build.dim(scalarValue(build, count));
  return build.map(room.dtype, withDim(room.shape, axis, size), (index) => room.at(index));
}

const some = (build: Lowering, tensors: readonly Tensor[], k: number): Tensor => tensors[k] ?? build.fail('internal', 'a loop lost an output');

/**
 * Each line is searched k times for the best element that comes after the one found before, in the order of value and then index: no
 * scratch memory, and lines are independent.
 */
const topK: Operator = {
  op: 'TopK', domain: '', since: 1, arity: [1, 2],
  lower: (build) => {
    const x = build.input(0);
    const axis = axisOf(build, build.attributes.int('axis', -1), x.rank);
    const largest = build.attributes.int('largest', 1) !== 0;
    const given = build.optional(1);
    const count = given === undefined ? int(build.attributes.int('k')) : build.dim(cast(scalarValue(build, given), 'int64'));
    const shape = withDim(x.shape, axis, count);
    const length = x.shape[axis] ?? int(1);
    build.require(le(count, length), 'TopK of fewer elements than k', { expected: `at most ${text(length)}`, got: text(count) });
    const { axes, index } = freshAxes(build, withDim(x.shape, axis, int(1)));
    const [rank, place] = [build.axis(count), build.axis(x.shape[axis] ?? int(1))];
    const type = computeType(x.dtype);
    const [best, bestAt] = [local(build, 'best', type), local(build, 'bestAt', 'index')];
    const [last, lastAt] = [local(build, 'last', type), local(build, 'lastAt', 'index')];
    const element = x.at(withDim(index, axis, place));
    // NaN counts as larger than everything.
    const float = isFloat(type);
    const above = (a: Expr, b: Expr): Expr => (float ? or(gt(a, b), and(isnan(a), not(isnan(b)))) : gt(a, b));
    const better = (a: Expr, b: Expr): Expr => (largest ? above(a, b) : above(b, a));
    const same = (a: Expr, b: Expr): Expr => (float ? or(eq(a, b), and(isnan(a), isnan(b))) : eq(a, b));
    const follows = or(lt(lastAt.value, 0), better(last.value, element), and(same(last.value, element), gt(place, lastAt.value)));
    return build.loop({
      outputs: [{ dtype: x.dtype, shape }, { dtype: 'int64', shape }],
      axes,
      body: ([values, indices]) => (values === undefined || indices === undefined ? [] : [
        last.declare(constant(0, type)), lastAt.declare(int(-1)),
        loopFor(rank, [
          best.declare(constant(0, type)), bestAt.declare(int(-1)),
          loopFor(place, [
            when(and(follows, or(lt(bestAt.value, 0), better(element, best.value))), [best.set(element), bestAt.set(place)]),
          ]),
          storeTo(values, withDim(index, axis, rank), best.value),
          storeTo(indices, withDim(index, axis, rank), bestAt.value),
          last.set(best.value), lastAt.set(bestAt.value),
        ]),
      ]),
    });
  },
};

/** Edges of a box: corners in any order, or centre and size. */
function edges(boxes: Tensor, batch: Expr, box: Expr, centre: boolean): readonly [Expr, Expr, Expr, Expr] {
  const corner = (k: number): Expr => boxes.at([batch, box, int(k)]);
  const [a, b, c, d] = [corner(0), corner(1), corner(2), corner(3)];
  if (!centre) return [min(a, c), min(b, d), max(a, c), max(b, d)];
  const [x, y, w, h] = [a, b, div(c, 2), div(d, 2)];
  return [sub(y, h), sub(x, w), add(y, h), add(x, w)];
}

type Box = readonly [Expr, Expr, Expr, Expr];

function overlap(a: Box, b: Box): Expr {
  const area = ([y1, x1, y2, x2]: Box): Expr => mul(sub(y2, y1), sub(x2, x1));
  const zero = constant(0, a[0].dtype);
  const inter = mul(max(sub(min(a[2], b[2]), max(a[0], b[0])), zero), max(sub(min(a[3], b[3]), max(a[1], b[1])), zero));
  const union = sub(add(area(a), area(b)), inter);
  return select(gt(union, 0), div(inter, union), zero);
}

/** Greedy, independently for each batch entry and class; the selections are then put one after another. */
const nonMaxSuppression: Operator = {
  op: 'NonMaxSuppression', domain: '', since: 10, arity: [2, 5],
  lower: (build) => {
    const [boxes, scores] = [build.input(0), build.input(1)];
    const centre = build.attributes.int('center_point_box', 0) !== 0;
    const [most, iouLimit, scoreLimit] = [build.optional(2), build.optional(3), build.optional(4)];
    const [batches, classes, count] = [scores.shape[0] ?? int(1), scores.shape[1] ?? int(1), scores.shape[2] ?? int(1)];
    sized(build, boxes.shape[0], batches, 'boxes and scores differ in the batch');
    sized(build, boxes.shape[1], count, 'boxes and scores differ in number');
    sized(build, boxes.shape[2], 4, 'boxes have not four edges');
    const limit = most === undefined ? int(0) : build.dim(clamp(cast(scalarValue(build, most), 'int64'), 0, cast(count, 'int64')));
    const { axes, index: [b = int(0), c = int(0)] } = freshAxes(build, [batches, classes]);
    const [box, other, rank] = [build.axis(count), build.axis(count), build.axis(limit)];
    const [best, bestAt, found] = [local(build, 'best', 'float32'), local(build, 'bestAt', 'index'), local(build, 'found', 'index')];
    const score = scores.at([b, c, box]);
    const enough = scoreLimit === undefined ? truth(true) : gt(score, scalarValue(build, scoreLimit));
    const iou = iouLimit === undefined ? constant(0, 'float32') : scalarValue(build, iouLimit);
    const pieces = build.loop({
      outputs: [
        { dtype: 'int32', shape: [batches, classes, limit], initial: 'zero' }, { dtype: 'int32', shape: [batches, classes] },
        // Boxes that were selected or suppressed.
        { dtype: 'bool', shape: [batches, classes, count], initial: 'zero' },
      ],
      axes,
      body: ([selected, counts, gone]) => (selected === undefined || counts === undefined || gone === undefined ? [] : [
        found.declare(int(0)),
        loopFor(rank, [
          when(eq(found.value, rank), [
            best.declare(constant(0, 'float32')), bestAt.declare(int(-1)),
            loopFor(box, [
              when(and(not(gone.at([b, c, box])), enough, or(lt(bestAt.value, 0), gt(score, best.value))), [best.set(score), bestAt.set(box)]),
            ]),
            when(ge(bestAt.value, 0), [
              storeTo(selected, [b, c, found.value], bestAt.value),
              found.set(add(found.value, 1)),
              loopFor(other, [
                when(or(eq(other, bestAt.value), gt(overlap(edges(boxes, b, bestAt.value, centre), edges(boxes, b, other, centre)), iou)),
                  [storeTo(gone, [b, c, other], truth(true))]),
              ]),
            ]),
          ]),
        ]),
        storeTo(counts, [b, c], found.value),
      ]),
    });
    return joined(build, some(build, pieces, 0), some(build, pieces, 1));
  },
};

/** [batch, class, box] for each selection of each batch entry and class. */
function joined(build: Lowering, selected: Tensor, counts: Tensor): Tensor {
  const [batches = int(1), classes = int(1), limit = int(0)] = selected.shape;
  const [b, c, rank] = [build.axis(batches), build.axis(classes), build.axis(limit)];
  const total = local(build, 'total', 'index');
  const outputs = build.loop({
    outputs: [{ dtype: 'int64', shape: [numel(selected.shape), int(3)], initial: 'zero' }, { dtype: 'int64', shape: [] }],
    axes: [],
    body: ([room, count]) => (room === undefined || count === undefined ? [] : [
      total.declare(int(0)),
      loopFor(b, [loopFor(c, [loopFor(rank, [
        when(lt(rank, toIndex(counts.at([b, c]))), [
          storeTo(room, [total.value, int(0)], b), storeTo(room, [total.value, int(1)], c),
          storeTo(room, [total.value, int(2)], toIndex(selected.at([b, c, rank]))),
          total.set(add(total.value, 1)),
        ]),
      ])])]),
      storeTo(count, [], total.value),
    ]),
  });
  return firstOf(build, some(build, outputs, 0), some(build, outputs, 1), 0);
}

const isZero = (x: Expr): Expr => (x.dtype === 'bool' ? not(x) : eq(x, 0));

const nonZero: Operator = {
  op: 'NonZero', domain: '', since: 9, arity: [1, 1],
  lower: (build) => {
    const given = build.input(0);
    const x = given.rank === 0 ? reshape(build, given, [int(1)]) : given;
    const at = build.axis(numel(x.shape));
    const index = unflatten(at, x.shape);
    const total = local(build, 'total', 'index');
    const outputs = build.loop({
      outputs: [{ dtype: 'int64', shape: [int(x.rank), numel(x.shape)], initial: 'zero' }, { dtype: 'int64', shape: [] }],
      axes: [],
      body: ([room, count]) => (room === undefined || count === undefined ? [] : [
        total.declare(int(0)),
        loopFor(at, [when(not(isZero(x.at(index))), [
          ...index.map((i, d) => storeTo(room, [int(d), total.value], i)), total.set(add(total.value, 1)),
        ])]),
        storeTo(count, [], total.value),
      ]),
    });
    return firstOf(build, some(build, outputs, 0), some(build, outputs, 1), 1);
  },
};

const compress: Operator = {
  op: 'Compress', domain: '', since: 9, arity: [2, 2],
  lower: (build) => {
    const [given, condition] = [build.input(0), build.input(1)];
    const flat = !build.attributes.has('axis');
    const x = flat ? reshape(build, given, [numel(given.shape)]) : given;
    const axis = flat ? 0 : axisOf(build, build.attributes.int('axis'), x.rank);
    const length = condition.shape[0] ?? int(0);
    const at = build.axis(length);
    const total = local(build, 'total', 'index');
    const outputs = build.loop({
      outputs: [{ dtype: 'int64', shape: [length], initial: 'zero' }, { dtype: 'int64', shape: [] }],
      axes: [],
      body: ([room, count]) => (room === undefined || count === undefined ? [] : [
        total.declare(int(0)),
        loopFor(at, [when(condition.at([at]), [storeTo(room, [total.value], at), total.set(add(total.value, 1))])]),
        storeTo(count, [], total.value),
      ]),
    });
    const kept = firstOf(build, some(build, outputs, 0), some(build, outputs, 1), 0);
    const last = sub(x.shape[axis] ?? int(1), 1);
    build.within(kept, int(0), last);
    return build.map(x.dtype, withDim(x.shape, axis, kept.shape[0] ?? int(0)), (index) =>
      x.at(index.map((i, d) => (d === axis ? clamp(toIndex(kept.at([i])), 0, last) : i))));
  },
};

/**
 * Unique slices along an axis (all elements if there is none). Slices are compared with all before them; the sorted order is counted:
 * the place of a slice is the number of distinct slices that are smaller.
 */
const unique: Operator = {
  op: 'Unique', domain: '', since: 11, arity: [1, 1],
  lower: (build) => {
    const given = build.input(0);
    const flat = !build.attributes.has('axis');
    const x = flat ? reshape(build, given, [numel(given.shape)]) : given;
    const axis = flat ? 0 : axisOf(build, build.attributes.int('axis'), x.rank);
    const sorted = build.attributes.int('sorted', 1) !== 0;
    const length = x.shape[axis] ?? int(1);
    const restShape = x.shape.filter((_, d) => d !== axis);
    const size = numel(restShape);
    const element = (slice: Expr, at: Expr): Expr => {
      const rest = unflatten(at, restShape);
      return x.at(x.shape.map((_, d) => (d === axis ? slice : rest[d < axis ? d : d - 1] ?? int(0))));
    };
    const order = rowOrder(build, length, size, element);
    const first = build.map('bool', [length], ([i = int(0)]) => eq(toIndex(order.first.at([i])), i));
    const rank = ranks(build, order.compare, first, length, sorted);
    const outputs = collectUnique(build, order.first, rank, first, length);
    const count = some(build, outputs, 2);
    const place = firstOf(build, some(build, outputs, 0), count, 0);
    const number = place.shape[0] ?? int(0);
    const y = build.map(x.dtype, withDim(x.shape, axis, number), (index) =>
      x.at(index.map((i, d) => (d === axis ? clamp(toIndex(place.at([i])), 0, sub(length, 1)) : i))));
    const inverse = build.map('int64', [length], ([i = int(0)]) => rank.at([toIndex(order.first.at([i]))]));
    return [y, place, inverse, firstOf(build, some(build, outputs, 1), count, 0)];
  },
};

/** For each pair of slices their order (-1, 0 or 1, lexicographic), and for each slice the first one that equals it. */
function rowOrder(build: Lowering, length: Expr, size: Expr, element: (slice: Expr, at: Expr) => Expr): { compare: Tensor; first: Tensor } {
  const [a, b, at] = [build.axis(length), build.axis(length), build.axis(size)];
  const result = local(build, 'order', 'int32');
  const [x, y] = [element(a, at), element(b, at)];
  const less = (p: Expr, q: Expr): Expr => (p.dtype === 'bool' ? and(not(p), q) : lt(p, q));
  const compare = single(build, { dtype: 'int32', shape: [length, length] }, [a, b], (out) => [
    result.declare(constant(0, 'int32')),
    loopFor(at, [when(eq(result.value, 0), [
      result.set(select(less(x, y), constant(-1, 'int32'), select(less(y, x), constant(1, 'int32'), constant(0, 'int32')))),
    ])]),
    storeTo(out, [a, b], result.value),
  ]);
  const [slice, before] = [build.axis(length), build.axis(length)];
  const place = local(build, 'place', 'index');
  const first = single(build, { dtype: 'int32', shape: [length] }, [slice], (out) => [
    place.declare(slice),
    loopFor(before, [when(and(lt(before, place.value), eq(compare.at([slice, before]), 0)), [place.set(before)])]),
    storeTo(out, [slice], place.value),
  ]);
  return { compare, first };
}

/** The place of each first slice in the result: by order of value, or of appearance. */
function ranks(build: Lowering, compare: Tensor, first: Tensor, length: Expr, sorted: boolean): Tensor {
  const [slice, other] = [build.axis(length), build.axis(length)];
  const place = local(build, 'place', 'index');
  const before = sorted ? lt(compare.at([other, slice]), 0) : lt(other, slice);
  return single(build, { dtype: 'int64', shape: [length] }, [slice], (out) => [
    place.declare(int(0)),
    loopFor(other, [when(and(first.at([other]), before), [place.set(add(place.value, 1))])]),
    storeTo(out, [slice], place.value),
  ]);
}

/** Indices of first occurrences, numbers of occurrences (room for all), and the count of distinct slices. */
function collectUnique(build: Lowering, firstOfSlice: Tensor, rank: Tensor, first: Tensor, length: Expr): readonly Tensor[] {
  const slice = build.axis(length);
  const total = local(build, 'total', 'index');
  const owner = toIndex(rank.at([toIndex(firstOfSlice.at([slice]))]));
  return build.loop({
    outputs: [
      { dtype: 'int64', shape: [length], initial: 'zero' }, { dtype: 'int64', shape: [length], initial: 'zero' }, { dtype: 'int64', shape: [] },
    ],
    axes: [],
    body: ([places, counts, count]) => (places === undefined || counts === undefined || count === undefined ? [] : [
      total.declare(int(0)),
      loopFor(slice, [
        when(first.at([slice]), [storeTo(places, [owner], slice), total.set(add(total.value, 1))]),
        storeTo(counts, [owner], add(counts.at([owner]), constant(1, 'int64'))),
      ]),
      storeTo(count, [], total.value),
    ]),
  });
}

export const operators: readonly Operator[] = [topK, nonMaxSuppression, nonZero, compress, unique];
