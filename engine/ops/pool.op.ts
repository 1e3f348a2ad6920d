/**
 * Pools as row programs: for each output the reduction over its window, with taps outside the input guarded away.
 */
import { isFloat, isSigned, bytesOf, type DType } from '../../jit/expr/dtype.ts';
import {
  type Expr, add, asInt, binary, cast, constant, div, eq, int, lt, max, min, mul, ref, select, sub,
} from '../../jit/expr/expr.ts';
import type { ReduceOp } from '../../jit/kernel.ts';
import { inChannelsFirst } from './channels-last.ts';
import { abs, zeroOf } from './math.ts';
import { computeType } from './module.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { flatten, freshAxes, numel } from './shape.ts';
import { type Window, inside, tapsAt, windowOf } from './window.ts';

interface Sliding {
  readonly window: Window;
  readonly shape: readonly Expr[];
  readonly axes: ReturnType<typeof freshAxes>;
  readonly taps: ReturnType<typeof freshAxes>;
  /** Whether a tap is inside the input, and the element there. */
  readonly inside: Expr;
  readonly element: Expr;
}

function sliding(build: Lowering, x: Tensor): Sliding {
  const spatial = x.shape.slice(2);
  const window = windowOf(build, spatial, build.attributes.ints('kernel_shape').map(int));
  const shape = [...x.shape.slice(0, 2), ...window.out];
  const axes = freshAxes(build, shape);
  const taps = freshAxes(build, window.kernel);
  const position = tapsAt(window, axes.index.slice(2), taps.index);
  return {
    window, shape, axes, taps, inside: inside(position, spatial),
    element: x.at([...axes.index.slice(0, 2), ...position]),
  };
}

/** The least value of a type. */
export function lowest(dtype: DType): Expr {
  if (isFloat(dtype)) return constant(-Infinity, computeType(dtype));
  if (!isSigned(dtype)) return constant(0, dtype);
  return constant(-(2n ** BigInt(bytesOf(dtype) * 8 - 1)), dtype);
}

/** Taps of a window that are read one by one; 3 x 3 with a stride of 2 reads as much either way. */
const mostTaps = 16;

/** The greatest along one axis after the other: a window of 13 x 13 then reads 26 elements for each result and not 169. */
function pooledByAxis(build: Lowering, x: Tensor, { kernel, strides, dilations, begin, out }: Window): Tensor {
  return kernel.reduce<Tensor>((from, size, d) => {
    const shape = from.shape.map((dim, i) => (i === d + 2 ? out[d] ?? dim : dim));
    const { axes, index } = freshAxes(build, shape);
    const taps = freshAxes(build, [size]);
    const along = { kernel: [size], strides: strides.slice(d), dilations: dilations.slice(d), begin: begin.slice(d), end: [], out: [] };
    const position = tapsAt(along, index.slice(d + 2, d + 3), taps.index);
    const element = from.at(index.map((i, k) => (k === d + 2 ? position[0] ?? i : i)));
    const name = build.name('top');
    return build.rows({
      dtype: x.dtype, shape, axes, inner: taps.axes, each: false, index,
      scans: [{ name, op: 'max', value: select(inside(position, from.shape.slice(d + 2)), element, lowest(x.dtype)) }], value: ref(name, element.dtype),
    });
  }, x);
}

const maxPool: Operator = {
  op: 'MaxPool', domain: '', since: 1, arity: [1, 1], parts: [0],
  lower: (build) => maxPooled(build, build.input(0)),
};

const nhwcMaxPool: Operator = {
  ...maxPool, op: 'NhwcMaxPool', domain: 'com.microsoft',
  lower: (build) => inChannelsFirst(build, true, build.input(0), (x) => maxPooled(build, x)[0]),
};

/** Maxima, and where they stand if that is wanted. */
function maxPooled(build: Lowering, x: Tensor): [Tensor, ...Tensor[]] {
  const { window, shape, axes, taps, inside: valid, element } = sliding(build, x);
  if (!build.wants(1) && x.rank > 3 && (asInt(numel(window.kernel)) ?? 0) > mostTaps) return [pooledByAxis(build, x, window)];
  const name = build.name('top');
  const guarded = select(valid, element, lowest(x.dtype));
  const type = element.dtype;
  const pooled = build.rows({
    dtype: x.dtype, shape, axes: axes.axes, inner: taps.axes, each: false, index: axes.index,
    scans: [{ name, op: 'max', value: guarded }], value: ref(name, type),
  });
  if (!build.wants(1)) return [pooled];
  // The first tap that holds the maximum, then where it stands in the whole input (column-major inside a plane if asked for).
  const place = build.name('tap');
  const count = numel(window.kernel);
  const [tap, spatial] = [flatten(taps.index, window.kernel), x.shape.slice(2)];
  const columns = build.attributes.int('storage_order', 0) === 1;
  const first = build.rows({
    dtype: 'int64', shape, axes: axes.axes, inner: taps.axes, each: false, index: axes.index,
    scans: [
      { name, op: 'max', value: guarded },
      { name: place, op: 'min', value: select(binary('and', valid, eq(element, ref(name, type))), tap, count) },
    ],
    value: min(ref(place, 'index'), sub(count, 1)),
  });
  const places = build.map('int64', shape, (index) => {
    const found = unflattenTap(cast(first.at(index), 'index'), window.kernel);
    const at = tapsAt(window, index.slice(2), found);
    const inPlane = columns ? flatten([...at].reverse(), [...spatial].reverse()) : flatten(at, spatial);
    return add(mul(flatten(index.slice(0, 2), shape.slice(0, 2)), numel(spatial)), inPlane);
  });
  return [pooled, places];
}

function unflattenTap(flat: Expr, kernel: readonly Expr[]): Expr[] {
  const result: Expr[] = [];
  let rest = flat;
  for (const size of [...kernel].reverse()) {
    result.unshift(binary('floormod', rest, size));
    rest = binary('floordiv', rest, size);
  }
  return result;
}

/** `whole`: padding that counts does so beyond its end too, where the last window of ceil mode reaches. */
export function averagePooled(build: Lowering, x: Tensor, whole = false): Tensor {
  const { window, shape, axes, taps, inside: valid, element } = sliding(build, x);
  const includePad = build.attributes.int('count_include_pad', 0) !== 0;
  const name = build.name('total');
  const type = computeType(x.dtype);
  const counts = includePad && whole ? window.kernel
    : window.out.map((_, d) => tapCount(window, d, axes.index[d + 2] ?? int(0), x.shape[d + 2] ?? int(1), includePad));
  return build.rows({
    dtype: x.dtype, shape, axes: axes.axes, inner: taps.axes, each: false, index: axes.index,
    scans: [{ name, op: 'sum', value: select(valid, element, zeroOf(x.dtype)) }],
    value: div(ref(name, type), cast(numel(counts), type)),
  });
}

const averagePool: Operator = {
  op: 'AveragePool', domain: '', since: 1, arity: [1, 1], parts: [0], lower: (build) => averagePooled(build, build.input(0)),
};

/** How many taps of the window at `y` lie in the input, or in the padded input. */
function tapCount({ kernel, strides, dilations, begin, end }: Window, d: number, y: Expr, dim: Expr, includePad: boolean): Expr {
  const [size, dilation, before, after] = [kernel[d] ?? int(1), dilations[d] ?? 1, begin[d] ?? int(0), end[d] ?? int(0)];
  const start = sub(mul(y, strides[d] ?? 1), before);
  const [low, high] = includePad ? [sub(int(0), before), add(dim, after)] : [int(0), dim];
  // Taps stand at start + k * dilation: those below `low` and those from `high` on do not count.
  const skipped = binary('floordiv', add(max(sub(low, start), 0), dilation - 1), int(dilation));
  const reached = binary('floordiv', add(max(sub(high, start), 0), dilation - 1), int(dilation));
  return max(sub(min(reached, size), min(skipped, size)), 1);
}

const lpPool: Operator = {
  op: 'LpPool', domain: '', since: 1, arity: [1, 1], parts: [0],
  lower: (build) => {
    const x = build.input(0);
    const { shape, axes, taps, inside: valid, element } = sliding(build, x);
    return norm(build, x, { shape, axes: axes.axes, inner: taps.axes, index: axes.index, element: select(valid, element, zeroOf(x.dtype)) });
  },
};

interface NormSpec {
  readonly shape: readonly Expr[];
  readonly axes: ReturnType<typeof freshAxes>['axes'];
  readonly inner: ReturnType<typeof freshAxes>['axes'];
  readonly index: readonly Expr[];
  readonly element: Expr;
}

/** (sum of |x|^p)^(1/p) over the inner axes. */
function norm(build: Lowering, x: Tensor, { shape, axes, inner, index, element }: NormSpec): Tensor {
  const p = build.attributes.int('p', 2);
  const name = build.name('total');
  const total = ref(name, element.dtype);
  const power = (e: Expr, by: number): Expr => (by === 1 ? e : binary('pow', e, constant(by, e.dtype)));
  return build.rows({
    dtype: x.dtype, shape, axes, inner, each: false, index,
    scans: [{ name, op: 'sum', value: p === 2 ? mul(element, element) : power(abs(element), p) }],
    value: power(total, 1 / p),
  });
}

const globalPool = (op: string, join: ReduceOp): Operator => ({
  op, domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const shape = x.shape.map((dim, d) => (d < 2 ? dim : int(1)));
    const axes = freshAxes(build, shape);
    const inner = freshAxes(build, x.shape.slice(2));
    const element = x.at([...axes.index.slice(0, 2), ...inner.index]);
    if (op === 'GlobalLpPool') return norm(build, x, { shape, axes: axes.axes, inner: inner.axes, index: axes.index, element });
    const name = build.name('total');
    const total = ref(name, element.dtype);
    return build.rows({
      dtype: x.dtype, shape, axes: axes.axes, inner: inner.axes, each: false, index: axes.index,
      scans: [{ name, op: join, value: element }],
      value: join === 'sum' ? div(total, cast(numel(x.shape.slice(2)), total.dtype)) : total,
    });
  },
});

/** Puts pooled values back where MaxPool's indices say; the rest is zero. */
const maxUnpool: Operator = {
  op: 'MaxUnpool', domain: '', since: 9, arity: [2, 3],
  lower: (build) => {
    const [x, indices, asked] = [build.input(0), build.input(1), build.optional(2)];
    const kernel = build.attributes.ints('kernel_shape');
    const strides = build.attributes.ints('strides', kernel.map(() => 1));
    const pads = build.attributes.ints('pads', [...kernel, ...kernel].map(() => 0));
    const natural = x.shape.map((dim, d) => (d < 2 ? dim
      : sub(add(mul(sub(dim, 1), strides[d - 2] ?? 1), kernel[d - 2] ?? 1), (pads[d - 2] ?? 0) + (pads[d - 2 + kernel.length] ?? 0))));
    const shape = asked === undefined ? natural : build.dims(asked);
    const { axes, index } = freshAxes(build, x.shape);
    // Indices count in the natural shape, whatever shape is asked for.
    build.within(indices, int(0), sub(numel(natural), 1));
    const flat = cast(indices.at(index), 'index');
    const from = unflattenTap(flat, natural);
    const [made] = build.loop({
      outputs: [{ dtype: x.dtype, shape, initial: 'zero' }], axes,
      body: ([out]) => (out === undefined ? [] : [{
        do: 'if', cond: lt(flat, numel(natural)), else: [],
        then: [{ do: 'store', store: { tensor: out.id, index: from, value: x.at(index) } }],
      }]),
    });
    return made ?? build.fail('internal', 'a loop has no output');
  },
};

export const operators: readonly Operator[] = [
  maxPool, nhwcMaxPool, averagePool, lpPool, maxUnpool,
  globalPool('GlobalAveragePool', 'sum'), globalPool('GlobalMaxPool', 'max'), globalPool('GlobalLpPool', 'sum'),
];
