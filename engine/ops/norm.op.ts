/**
 * Operators that normalise rows: softmax and its kin, layer, instance, group and batch normalisation. Each is one row program of two or
 * three passes (batch normalisation, whose statistics are inputs, is a map).
 */
import { type Expr, type Var, add, and, binary, cast, constant, div, eq, floordiv, floormod, int, lt, max, min, mul, ref, select, sub } from '../../jit/expr/expr.ts';
import { text } from '../../jit/expr/text.ts';
import { abs, exp, log, reciprocal, sqrt } from './math.ts';
import { computeType } from './module.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { splitRows } from './reduce.op.ts';
import { axesOf, axisOf, broadcastAt, freshAxes, numel, withDim } from './shape.ts';

interface SoftmaxRows {
  readonly x: (index: readonly Expr[]) => Expr;
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly Expr[];
  /** Reduced dims. */
  readonly over: readonly number[];
  readonly log?: boolean;
}

/** Softmax of elements that an expression gives: no tensor needs to hold them. */
export function softmax(build: Lowering, { x, dtype, shape, over, log: logarithm = false }: SoftmaxRows): Tensor {
  const outer = freshAxes(build, shape.map((d, k) => (over.includes(k) ? int(1) : d)));
  const within = freshAxes(build, shape.map((d, k) => (over.includes(k) ? d : int(1))));
  const index = shape.map((_, k) => (over.includes(k) ? within.index[k] : outer.index[k]) ?? int(0));
  const [top, total] = [build.name('top'), build.name('total')];
  const type = computeType(dtype);
  const shifted = sub(x(index), ref(top, type));
  return build.rows({
    dtype, shape, axes: outer.axes, inner: within.axes, each: true, index,
    scans: [{ name: top, op: 'max', value: x(index) }, { name: total, op: 'sum', value: exp(shifted) }],
    value: logarithm ? sub(shifted, log(ref(total, type))) : mul(exp(shifted), div(constant(1, type), ref(total, type))),
  });
}

/** From opset 13 on one axis; before, all dims from the axis on are one row. */
function softmaxOver(build: Lowering, x: Tensor): number[] {
  const axis = build.attributes.int('axis', build.opset < 13 ? 1 : -1);
  if (build.opset < 13 && axis === x.rank) return [];
  const from = axisOf(build, axis, x.rank);
  return build.opset < 13 ? x.shape.map((_, d) => d).filter((d) => d >= from) : [from];
}

const softmaxOp = (op: string): Operator => ({
  op, domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    return softmax(build, { x: (i) => x.at(i), dtype: x.dtype, shape: x.shape, over: softmaxOver(build, x), log: op === 'LogSoftmax' });
  },
});

const hardmax: Operator = {
  op: 'Hardmax', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const over = softmaxOver(build, x);
    const { axes, inner, index } = splitRows(build, x, over, true);
    const [top, place] = [build.name('top'), build.name('place')];
    const element = x.at(index);
    const here = over.reduce<Expr>((flat, d) => add(mul(flat, x.shape[d] ?? int(1)), index[d] ?? int(0)), int(0));
    const count = numel(over.map((d) => x.shape[d] ?? int(1)));
    return build.rows({
      dtype: x.dtype, shape: x.shape, axes, inner, each: true, index,
      scans: [
        { name: top, op: 'max', value: element },
        { name: place, op: 'min', value: select(eq(element, ref(top, element.dtype)), here, count) },
      ],
      value: select(eq(here, ref(place, 'index')), constant(1, element.dtype), constant(0, element.dtype)),
    });
  },
};

interface NormRows {
  readonly x: Tensor;
  /** Dims over which mean and variance are taken. */
  readonly over: readonly number[];
  readonly epsilon: number;
  /** Whether the mean is subtracted (not in RMS norms). */
  readonly centred: boolean;
  /** The result from the normalised element. */
  readonly value: (normal: Expr, index: readonly Expr[]) => Expr;
  readonly dtype?: Tensor['dtype'];
}

interface NormResult { readonly y: Tensor; readonly mean: () => Tensor; readonly inverse: () => Tensor }

/**
 * (x - mean) / sqrt(variance + epsilon) over rows; variance from the centred elements, which keeps it exact for large means. float64 is computed as
 * such, also where `stash_type` is content with float32 (so do onnxruntime's kernels); mean and inverse are float32 where they are handed out.
 */
export function normalise(build: Lowering, { x, over, epsilon, centred, value, dtype = x.dtype }: NormRows): NormResult {
  const { axes, inner, index, count, shape, at } = splitRows(build, x, over, true);
  const type = computeType(x.dtype);
  const [sum, square] = [build.name('sum'), build.name('square')];
  const size = cast(count, type);
  const mean = div(ref(sum, type), size);
  const element = centred ? sub(x.at(index), mean) : x.at(index);
  const scans = [
    ...(centred ? [{ name: sum, op: 'sum', value: x.at(index) } as const] : []),
    { name: square, op: 'sum', value: mul(element, element) } as const,
  ];
  const inverse = reciprocal(sqrt(add(div(ref(square, type), size), epsilon)));
  const y = build.rows({ dtype, shape: x.shape, axes, inner, scans, each: true, index, value: value(mul(element, inverse), index) });
  const statistic = (used: typeof scans, result: Expr) => (): Tensor =>
    build.rows({ dtype: 'float32', shape, axes, inner, scans: used, each: false, index: at, value: cast(result, 'float32') });
  return { y, mean: statistic(scans.slice(0, 1), mean), inverse: statistic(scans, inverse) };
}

const layerNormalization: Operator = {
  op: 'LayerNormalization', domain: '', since: 1, arity: [2, 3],
  lower: (build) => {
    const [x, scale, bias] = [build.input(0), build.input(1), build.optional(2)];
    const axis = axisOf(build, build.attributes.int('axis', -1), x.rank);
    const over = x.shape.map((_, d) => d).filter((d) => d >= axis);
    const { y, mean, inverse } = normalise(build, {
      x, over, epsilon: build.attributes.float('epsilon', 1e-5), centred: true,
      value: (normal, index) => {
        const scaled = mul(normal, broadcastAt(scale, index, x.shape));
        return bias === undefined ? scaled : add(scaled, broadcastAt(bias, index, x.shape));
      },
    });
    if (!build.wants(1) && !build.wants(2)) return [y];
    return [y, mean(), inverse()];
  },
};

const rms = (op: string, since: number): Operator => ({
  op, domain: '', since, arity: [2, 2],
  lower: (build) => {
    const [x, scale] = [build.input(0), build.input(1)];
    const axis = axisOf(build, build.attributes.int('axis', -1), x.rank);
    return normalise(build, {
      x, over: x.shape.map((_, d) => d).filter((d) => d >= axis), epsilon: build.attributes.float('epsilon', 1e-5), centred: false,
      dtype: scale.dtype,
      value: (normal, index) => mul(normal, broadcastAt(scale, index, x.shape)),
    }).y;
  },
});

/** What a channel's scale and bias make of a normalised element. */
const perChannel = (scale: Tensor, bias: Tensor) => (normal: Expr, index: readonly Expr[]): Expr => {
  const channel = [index[1] ?? int(0)];
  return add(mul(normal, scale.at(channel)), bias.at(channel));
};

const instanceNormalization: Operator = {
  op: 'InstanceNormalization', domain: '', since: 6, arity: [3, 3],
  lower: (build) => {
    const [x, scale, bias] = [build.input(0), build.input(1), build.input(2)];
    const over = x.shape.map((_, d) => d).filter((d) => d >= 2);
    return normalise(build, { x, over, epsilon: build.attributes.float('epsilon', 1e-5), centred: true, value: perChannel(scale, bias) }).y;
  },
};

/** Groups of channels (dim 1) are rows; the result comes from the normalised element, its group and its channel. */
export function normaliseGroups(
  build: Lowering, x: Tensor, groups: number, epsilon: number, value: (normal: Expr, group: Expr, channel: Expr) => Expr,
): Tensor {
  const [n = int(1), channels = int(1), ...spatial] = x.shape;
  build.require(eq(floormod(channels, groups), 0), 'the groups do not divide the channels', { expected: `a multiple of ${groups}`, got: text(channels) });
  const size = floordiv(channels, groups);
  const grouped = build.map(x.dtype, [n, int(groups), size, ...spatial], ([i = int(0), g = int(0), c = int(0), ...at]) =>
    x.at([i, add(mul(g, size), c), ...at]));
  const { y } = normalise(build, {
    x: grouped, over: grouped.shape.map((_, d) => d).filter((d) => d >= 2), epsilon, centred: true,
    value: (normal, [, g = int(0), c = int(0)]) => value(normal, g, add(mul(g, size), c)),
  });
  return build.map(x.dtype, x.shape, ([i = int(0), c = int(0), ...at]) =>
    y.at([i, floordiv(c, size), floormod(c, size), ...at]));
}

/** Scale and bias belong to channels since opset 21, to groups before. */
const groupNormalization: Operator = {
  op: 'GroupNormalization', domain: '', since: 18, arity: [3, 3],
  lower: (build) => {
    const [x, scale, bias] = [build.input(0), build.input(1), build.input(2)];
    return normaliseGroups(build, x, build.attributes.count('num_groups'), build.attributes.float('epsilon', 1e-5), (normal, group, channel) => {
      const owner = [build.opset >= 21 ? channel : group];
      return add(mul(normal, scale.at(owner)), bias.at(owner));
    });
  },
};

/** y = x * a + b with a and b made once for each channel. */
const batchNormalization: Operator = {
  op: 'BatchNormalization', domain: '', since: 7, arity: [5, 5],
  lower: (build) => {
    const [x, scale, bias, mean, variance] = [build.input(0), build.input(1), build.input(2), build.input(3), build.input(4)];
    if (build.attributes.int('spatial', 1) === 0) build.fail('unsupported-model', 'BatchNormalization with statistics for each element (spatial = 0)');
    if (build.attributes.int('training_mode', 0) !== 0) return trainingNorm(build, x, scale, bias, mean, variance);
    const epsilon = build.attributes.float('epsilon', 1e-5);
    const factor = build.map(scale.dtype, scale.shape, (c) => div(scale.at(c), sqrt(add(variance.at(c), constant(epsilon, variance.at(c).dtype)))));
    const offset = build.map(bias.dtype, bias.shape, (c) => sub(bias.at(c), mul(mean.at(c), factor.at(c))));
    return build.map(x.dtype, x.shape, (index) => {
      const channel = [x.rank > 1 ? index[1] ?? int(0) : int(0)];
      return add(mul(x.at(index), factor.at(channel)), offset.at(channel));
    });
  },
};

/** Statistics of the batch, and the running ones moved towards them. */
function trainingNorm(build: Lowering, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor): Tensor[] {
  const epsilon = build.attributes.float('epsilon', 1e-5);
  const momentum = build.attributes.float('momentum', 0.9);
  const over = x.shape.map((_, d) => d).filter((d) => d !== 1);
  const { y } = normalise(build, { x, over, epsilon, centred: true, value: perChannel(scale, bias) });
  const { axes, inner, index, count } = splitRows(build, x, over, false);
  const type = computeType(x.dtype);
  const [sum, square] = [build.name('sum'), build.name('square')];
  const batchMean = div(ref(sum, type), cast(count, type));
  const centre = sub(x.at(index), batchMean);
  const channel = [index[1] ?? int(0)];
  const running = (old: Tensor, next: Expr, scans: number): Tensor => build.rows({
    dtype: old.dtype, shape: old.shape, axes, inner, each: false, index: channel,
    scans: [{ name: sum, op: 'sum', value: x.at(index) }, { name: square, op: 'sum', value: mul(centre, centre) } as const].slice(0, scans) as
      { name: string; op: 'sum'; value: Expr }[],
    value: add(mul(old.at(channel), momentum), mul(next, 1 - momentum)),
  });
  return [y, running(mean, batchMean, 1), running(variance, div(ref(square, type), cast(count, type)), 2)];
}

const lpNormalization: Operator = {
  op: 'LpNormalization', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const axis = axisOf(build, build.attributes.int('axis', -1), x.rank);
    const p = build.attributes.int('p', 2);
    const { axes, inner, index } = splitRows(build, x, [axis], true);
    const name = build.name('total');
    const [element, total] = [x.at(index), ref(name, computeType(x.dtype))];
    const size = p === 1 ? total : sqrt(total);
    return build.rows({
      dtype: x.dtype, shape: x.shape, axes, inner, each: true, index,
      scans: [{ name, op: 'sum', value: p === 1 ? abs(element) : mul(element, element) }],
      value: select(eq(size, 0), constant(0, element.dtype), div(element, size)),
    });
  },
};

const meanVarianceNormalization: Operator = {
  op: 'MeanVarianceNormalization', domain: '', since: 9, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const over = axesOf(build, build.attributes.ints('axes', [0, 2, 3]), x.rank);
    return normalise(build, { x, over, epsilon: 1e-9, centred: true, value: (normal) => normal }).y;
  },
};

/** Local response normalisation: squares of `size` neighbouring channels. */
const lrn: Operator = {
  op: 'LRN', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const { attributes } = build;
    const size = attributes.count('size');
    const [alpha, beta, bias] = [attributes.float('alpha', 1e-4), attributes.float('beta', 0.75), attributes.float('bias', 1)];
    const { axes, index } = freshAxes(build, x.shape);
    const near: Var = build.axis(size);
    const channel = sub(add(index[1] ?? int(0), near), Math.floor((size - 1) / 2));
    const channels = x.shape[1] ?? int(1);
    const valid = and(lt(int(-1), channel), lt(channel, channels));
    const at = withDim(index, 1, max(min(channel, sub(channels, 1)), 0));
    const name = build.name('total');
    const type = computeType(x.dtype);
    return build.rows({
      dtype: x.dtype, shape: x.shape, axes, inner: [near], each: false, index,
      scans: [{ name, op: 'sum', value: select(valid, mul(x.at(at), x.at(at)), constant(0, type)) }],
      value: div(x.at(index), binary('pow', add(mul(ref(name, type), alpha / size), bias), constant(beta, type))),
    });
  },
};

export const operators: readonly Operator[] = [
  softmaxOp('Softmax'), softmaxOp('LogSoftmax'), hardmax, layerNormalization, rms('RMSNormalization', 23), rms('SimplifiedLayerNormalization', 1),
  instanceNormalization, groupNormalization, batchNormalization, lpNormalization, meanVarianceNormalization, lrn,
];
