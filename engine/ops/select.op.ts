/**
 * Operators whose result depends on comparisons between elements: TopK, NonMaxSuppression, and those whose size is only known when
 * they have run (NonZero, Compress, Unique). The latter write into room for the most there can be and count; the result is as much
 * of it as the count says, a dim that is read while the model runs.
 */
import { isFloat } from '../../jit/expr/dtype.ts';
import {
  type Expr, add, and, cast, constant, div, eq, gt, int, le, lt, max, min, mul, ne, not, or, sub, truth,
} from '../../jit/expr/expr.ts';
import { text } from '../../jit/expr/text.ts';
import type { Stmt } from '../../jit/kernel.ts';
import { clamp, isnan, local, loopFor, loopWhile, scalarValue, storeTo, toIndex, when } from './math.ts';
import type { LoopSpec, Lowering, Operator, Tensor } from './operator.ts';
import { type Order, ranked } from './rank.ts';
import { axisOf, freshAxes, numel, reshape, sized, unflatten, withDim } from './shape.ts';

/** The first `count` entries along an axis of a tensor made with room for more. */
function firstOf(build: Lowering, room: Tensor, count: Tensor, axis: number): Tensor {
  const size = build.dim(scalarValue(build, count));
  return build.map(room.dtype, withDim(room.shape, axis, size), (index) => room.at(index));
}

const some = (build: Lowering, tensors: readonly Tensor[], k: number): Tensor => tensors[k] ?? build.fail('internal', 'a loop lost an output');

/** Lines are independent; what is equal stays in its order. */
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
    const rank = build.axis(count);
    const on = (at: Expr): Expr[] => withDim(index, axis, at);
    const element = (at: Expr): Expr => x.at(on(at));
    // NaN counts as larger than everything.
    const above = (a: Expr, b: Expr): Expr => (isFloat(x.dtype) ? or(gt(a, b), and(isnan(a), not(isnan(b)))) : gt(a, b));
    const better = (a: Expr, b: Expr): Expr => (largest ? above(element(a), element(b)) : above(element(b), element(a)));
    return build.loop({
      outputs: [{ dtype: x.dtype, shape }, { dtype: 'int64', shape }],
      axes,
      body: ([values, indices]) => (!values || !indices ? [] : [
        ...ranked(build, count, length, (a, b) => ({ before: better(a, b), same: not(better(b, a)) }), indices, on),
        loopFor(rank, [storeTo(values, on(rank), element(toIndex(indices.at(on(rank)))))]),
      ]),
    });
  },
};

/** Edges of a box: corners in any order, or centre and size. */
function edges(boxes: Tensor, batch: Expr, box: Expr, centre: boolean): readonly Expr[] {
  const corner = (k: number): Expr => boxes.at([batch, box, int(k)]);
  const [a, b, c, d] = [corner(0), corner(1), corner(2), corner(3)];
  if (!centre) return [min(a, c), min(b, d), max(a, c), max(b, d)];
  const [x, y, w, h] = [a, b, div(c, 2), div(d, 2)];
  return [sub(y, h), sub(x, w), add(y, h), add(x, w)];
}

/** Of top, left, bottom and right. */
const areaOf = (edge: (k: number) => Expr): Expr => mul(sub(edge(2), edge(0)), sub(edge(3), edge(1)));

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
    const score = (box: Expr): Expr => scores.at([b, c, box]);
    const enough = (box: Expr): Expr => (scoreLimit === undefined ? truth(true) : gt(score(box), scalarValue(build, scoreLimit)));
    const iou = iouLimit === undefined ? constant(0, 'float32') : scalarValue(build, iouLimit);
    const byScore = (x: Expr, y: Expr): Order => ({ before: gt(score(x), score(y)), same: eq(score(x), score(y)) });
    const rank = build.axis(count);
    const [found, next, box] = [local(build, 'found', 'index'), local(build, 'next', 'index'), local(build, 'box', 'index')];
    const gone = local(build, 'gone', 'bool');
    const sides = ['top', 'left', 'bottom', 'right'].map((side) => local(build, side, boxes.dtype));
    const own = (k: number): Expr => sides[k]?.value ?? int(0);
    const pieces = build.loop({
      outputs: [
        { dtype: 'int32', shape: [batches, classes, limit], initial: 'zero' }, { dtype: 'int32', shape: [batches, classes] },
        // Edges of what was selected, in a row: most of the time goes to comparing with them.
        { dtype: boxes.dtype, shape: [batches, classes, limit, int(4)] }, { dtype: 'int32', shape: [batches, classes, count] },
      ],
      axes,
      body: ([selected, counts, kept, order]) => {
        if (!selected || !counts || !kept || !order) return [];
        const other = (k: number): Expr => kept.at([b, c, next.value, int(k)]);
        const shared = (k: number): Expr => sub(min(own(k + 2), other(k + 2)), max(own(k), other(k)));
        const inter = mul(shared(0), shared(1));
        return [
          ...ranked(build, count, count, byScore, order, (at) => [b, c, at]),
          found.declare(int(0)),
          loopFor(rank, [when(lt(found.value, limit), [
            box.declare(toIndex(order.at([b, c, rank]))),
            when(enough(box.value), [
              ...edges(boxes, b, box.value, centre).flatMap((edge, k) => sides[k]?.declare(edge) ?? []),
              gone.declare(truth(false)), next.declare(int(0)),
              loopWhile(and(lt(next.value, found.value), not(gone.value)), [
                // Most boxes share nothing.
                when(gt(shared(0), 0), [when(gt(shared(1), 0), [gone.set(gt(div(inter, sub(add(areaOf(own), areaOf(other)), inter)), iou))])]),
                next.set(add(next.value, 1)),
              ]),
              when(not(gone.value), [
                ...sides.map(({ value }, k) => storeTo(kept, [b, c, found.value, int(k)], value)),
                storeTo(selected, [b, c, found.value], box.value), found.set(add(found.value, 1)),
              ]),
            ]),
          ])]),
          storeTo(counts, [b, c], found.value),
        ];
      },
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

/** Indices of the elements that are not zero, one column each. */
function nonZeros(build: Lowering, x: Tensor): Tensor {
  const at = build.axis(numel(x.shape));
  const index = unflatten(at, x.shape);
  const total = local(build, 'total', 'index');
  const outputs = build.loop({
    outputs: [{ dtype: 'int64', shape: [int(x.rank), numel(x.shape)], initial: 'zero' }, { dtype: 'int64', shape: [] }],
    axes: [],
    body: ([room, count]) => (room === undefined || count === undefined ? [] : [
      total.declare(int(0)),
      loopFor(at, [when(x.dtype === 'bool' ? x.at(index) : ne(x.at(index), 0), [
        ...index.map((i, d) => storeTo(room, [int(d), total.value], i)), total.set(add(total.value, 1)),
      ])]),
      storeTo(count, [], total.value),
    ]),
  });
  return firstOf(build, some(build, outputs, 0), some(build, outputs, 1), 1);
}

const nonZero: Operator = {
  op: 'NonZero', domain: '', since: 9, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    return nonZeros(build, x.rank === 0 ? reshape(build, x, [int(1)]) : x);
  },
};

const compress: Operator = {
  op: 'Compress', domain: '', since: 9, arity: [2, 2],
  lower: (build) => {
    const [given, condition] = [build.input(0), build.input(1)];
    const flat = !build.attributes.has('axis');
    const x = flat ? reshape(build, given, [numel(given.shape)]) : given;
    const axis = flat ? 0 : axisOf(build, build.attributes.int('axis'), x.rank);
    const rows = nonZeros(build, condition);
    const kept = reshape(build, rows, rows.shape.slice(1));
    const last = sub(x.shape[axis] ?? int(1), 1);
    build.within(kept, int(0), last);
    return build.map(x.dtype, withDim(x.shape, axis, kept.shape[0] ?? int(0)), (index) =>
      x.at(index.map((i, d) => (d === axis ? clamp(toIndex(kept.at([i])), 0, last) : i))));
  },
};

/**
 * Unique slices along an axis (all elements if there is none): sorted, so that what is equal stands side by side.
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
    const made = groups(build, length, size, element, sorted);
    const [inverse, count] = [some(build, made, 0), some(build, made, 3)];
    const place = firstOf(build, some(build, made, 1), count, 0);
    const y = build.map(x.dtype, withDim(x.shape, axis, place.shape[0] ?? int(1)), (index) =>
      x.at(index.map((i, d) => (d === axis ? clamp(toIndex(place.at([i])), 0, sub(length, 1)) : i))));
    return [y, place, inverse, firstOf(build, some(build, made, 2), count, 0)];
  },
};

/**
 * For each slice its place among those that differ, by value (lexicographic) or by appearance; then of these the first ones and how many there are
 * of each, in room for all, and their number.
 */
function groups(
  build: Lowering, length: Expr, size: Expr, element: (slice: Expr, at: Expr) => Expr, sorted: boolean,
): readonly Tensor[] {
  const at = build.axis(size);
  const sign = local(build, 'sign', 'int32');
  const less = (p: Expr, q: Expr): Expr => cast(p.dtype === 'bool' ? and(not(p), q) : lt(p, q), 'int32');
  const compared = (a: Expr, b: Expr): Stmt[] => [
    sign.declare(constant(0, 'int32')),
    loopFor(at, [when(eq(sign.value, 0), [sign.set(sub(less(element(b, at), element(a, at)), less(element(a, at), element(b, at))))])]),
  ];
  const byValue = (a: Expr, b: Expr): Order => ({ compared: compared(a, b), before: lt(sign.value, 0), same: eq(sign.value, 0) });
  const [rank, slice, last] = [build.axis(length), build.axis(length), build.axis(length)];
  const [head, here, number] = [local(build, 'head', 'index'), local(build, 'here', 'index'), local(build, 'number', 'index')];
  const room: LoopSpec['outputs'][number] = { dtype: 'int64', shape: [length], initial: 'zero' };
  return build.loop({
    outputs: [room, room, room, { dtype: 'int64', shape: [] }, room, room],
    axes: [],
    body: ([inverse, places, counts, count, firsts, order]) => {
      if (!inverse || !places || !counts || !count || !firsts || !order) return [];
      const known = (t: Tensor, s: Expr): Expr => toIndex(t.at([s]));
      return [
        ...ranked(build, length, length, byValue, order, (at) => [at]),
        head.declare(int(0)), number.declare(int(0)),
        loopFor(rank, [
          here.declare(known(order, rank)),
          ...compared(head.value, here.value),
          when(or(eq(rank, 0), not(eq(sign.value, 0))), [head.set(here.value), number.set(add(number.value, 1))]),
          storeTo(firsts, [here.value], head.value), storeTo(inverse, [here.value], sub(number.value, 1)),
        ]),
        ...(sorted ? [] : [
          number.set(int(0)),
          loopFor(slice, [when(eq(known(firsts, slice), slice), [
            storeTo(inverse, [slice], number.value), number.set(add(number.value, 1)),
          ], [storeTo(inverse, [slice], known(inverse, known(firsts, slice)))])]),
        ]),
        loopFor(last, [
          here.declare(known(inverse, last)),
          storeTo(places, [here.value], known(firsts, last)),
          storeTo(counts, [here.value], add(counts.at([here.value]), constant(1, 'int64'))),
        ]),
        storeTo(count, [], number.value),
      ];
    },
  });
}

export const operators: readonly Operator[] = [topK, nonMaxSuppression, nonZero, compress, unique];
