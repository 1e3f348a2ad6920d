/**
 * Products of whole numbers: sums of (a - a0) * (b - b0) in int32, scaled and rounded once at the end. The operands of the contractions
 * are plain differences of 8-bit elements, so that emitters may sum bytes and correct by the zero points instead.
 */
import { type Expr, add, asInt, cast, constant, div, int, lt, min, mul, ref, select, sub } from '../../jit/expr/expr.ts';
import { inChannelsFirst } from './channels-last.ts';
import { type ConvSpec, convolution } from './conv.op.ts';
import { scalarOf, toIndex, zeroOf } from './math.ts';
import { type OperandElement, gemmProduct, matmul, numpyMatmul } from './matmul.op.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { centred, dynamicallyQuantised, fitting, lone, saturated, unlessZero } from './quantise.ts';
import { recurrent } from './rnn.op.ts';
import { broadcastAt, freshAxes, numel, shaped, sized, withDim } from './shape.ts';

/** A scale or zero point at an index: one for all, a list along an axis, or a tensor that broadcasts. */
function parameter(t: Tensor, index: readonly Expr[], axis: number): Expr {
  if (t.shape.every((d) => asInt(d) === 1)) return scalarOf(t);
  const [dim = int(1)] = t.shape;
  // A list of a length that is not known may have one element.
  if (t.rank === 1) return t.at([asInt(dim) === undefined ? min(index[axis] ?? int(0), sub(dim, 1)) : index[axis] ?? int(0)]);
  const skip = index.length - t.rank;
  return t.at(t.shape.map((dim, d) => (asInt(dim) === 1 ? int(0) : index[d + skip] ?? int(0))));
}

/** Elements as distances from zero points, which change along `axis` (counted from the end). */
function difference(build: Lowering, given: Tensor | undefined, axis: number): OperandElement {
  const zero = unlessZero(build, given);
  return (t, index) => centred(t.at(index), zero === undefined ? undefined : parameter(zero, index, index.length + axis));
}

/** Scales or zero points of the left factor belong to its rows, those of the right one to its columns. */
function fittingFactors(build: Lowering, [a, ofA]: Factor, [b, ofB]: Factor): void {
  for (const t of ofA) fitting(build, t, [...a.shape.slice(0, -1), int(1)], -2);
  for (const t of ofB) fitting(build, t, b.rank < 2 ? [int(1)] : withDim(b.shape, b.rank - 2, int(1)), -1);
}

type Factor = readonly [factor: Tensor, parameters: readonly (Tensor | undefined)[]];

const differences = (build: Lowering, a: Tensor | undefined, b: Tensor | undefined): { a: OperandElement; b: OperandElement } =>
  ({ a: difference(build, a, -2), b: difference(build, b, -1) });

const single = (t: Tensor): boolean => t.shape.every((d) => asInt(d) === 1);

/**
 * What a sum of products is multiplied with: the scales of both factors over that of the result, at an index whose last place (or
 * `axis`) is the column. Unless scales belong to rows it is a small tensor, made once while loading.
 */
function factorOf(build: Lowering, a: Tensor, b: Tensor, y: Tensor | undefined, axis = -1): (index: readonly Expr[]) => Expr {
  const float = (e: Expr): Expr => cast(e, 'float32');
  const over = (product: Expr, index: readonly Expr[]): Expr =>
    (y === undefined ? product : div(product, float(parameter(y, index, index.length - 2))));
  if (!single(a) || (y !== undefined && !single(y))) {
    return (index) => over(mul(float(parameter(a, index, index.length - 2)), float(parameter(b, index, index.length + axis))), index);
  }
  const factors = build.map('float32', b.shape, (index) => over(mul(float(scalarOf(a)), float(b.at(index))), index));
  return (index) => parameter(factors, index, index.length + axis);
}

/** A scaled sum in the type of the result's zero point. */
function requantised(build: Lowering, zero: Tensor): (sum: Expr, factor: Expr, index: readonly Expr[]) => Expr {
  const moved = unlessZero(build, zero);
  return (sum, factor, index) => {
    const from = moved === undefined ? undefined : parameter(moved, index, index.length - 2);
    return saturated(mul(cast(sum, 'float32'), factor), from, zero);
  };
}

const matMulInteger: Operator = {
  op: 'MatMulInteger', domain: '', since: 10, arity: [2, 4],
  lower: (build) => {
    const [a, b, aZero, bZero] = [build.input(0), build.input(1), build.optional(2), build.optional(3)];
    fittingFactors(build, [a, [aZero]], [b, [bZero]]);
    return numpyMatmul(build, a, b, { dtype: 'int32', ...differences(build, aZero, bZero) });
  },
};

const qLinearMatMul: Operator = {
  op: 'QLinearMatMul', domain: '', since: 10, arity: [8, 8],
  lower: (build) => {
    const [a, aScale, aZero, b, bScale, bZero, yScale, yZero] = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => build.input(k)) as
      [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    fittingFactors(build, [a, [aScale, aZero, yScale, yZero]], [b, [bScale, bZero]]);
    const factor = factorOf(build, aScale, bScale, yScale);
    const result = requantised(build, yZero);
    return numpyMatmul(build, a, b, {
      dtype: yZero.dtype, ...differences(build, aZero, bZero), value: (acc, index) => result(acc, factor(index), index),
    });
  },
};

type Zeros = readonly [x: Tensor | undefined, w: Tensor | undefined];

/** Zero points of weights belong to output channels. Padding stands for real zeros: there the distance from the zero point is 0. */
function wholeConvolution(build: Lowering, x: Tensor, w: Tensor, zeros: Zeros, rest: Pick<ConvSpec, 'dtype' | 'value'>): Tensor {
  const [left, right] = [difference(build, lone(build, zeros[0]), -1), unlessZero(build, zeros[1])];
  fitting(build, right, w.shape.slice(0, 1), 0);
  return convolution(build, {
    x, w, ...rest,
    elements: { x: (index) => left(x, index), w: (index) => centred(w.at(index), right === undefined ? undefined : parameter(right, index, 0)) },
  });
}

const convInteger: Operator = {
  op: 'ConvInteger', domain: '', since: 10, arity: [2, 4], parts: [0],
  lower: (build) => wholeConvolution(build, build.input(0), build.input(1), [build.optional(2), build.optional(3)], { dtype: 'int32', value: (acc) => acc }),
};

const qLinearConv = (domain: string, since: number): Operator => ({
  op: 'QLinearConv', domain, since, arity: [8, 9], parts: [0],
  lower: (build) => {
    const [given, xScale, xZero, w, wScale, wZero, yScale, yZero] = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => build.input(k)) as
      [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const bias = build.optional(8);
    for (const t of [xScale, yScale, yZero]) lone(build, t);
    fitting(build, wScale, w.shape.slice(0, 1), 0);
    if (bias !== undefined) sized(build, numel(bias.shape), w.shape[0] ?? int(1), 'there is not one bias for each channel');
    const factor = factorOf(build, xScale, wScale, yScale);
    const result = requantised(build, yZero);
    return inChannelsFirst(build, build.attributes.int('channels_last', 0) !== 0, given, (x) => wholeConvolution(build, x, w, [xZero, wZero], {
      dtype: yZero.dtype,
      value: (acc, channel) => result(bias === undefined ? acc : add(acc, bias.at([channel])), factor([channel]), [channel]),
    }));
  },
});

interface RealProduct {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly aScale: Tensor;
  readonly bScale: Tensor;
  readonly aZero: Tensor | undefined;
  readonly bZero: Tensor | undefined;
  readonly bias: Tensor | undefined;
}

/** A product of whole numbers as real ones, with a bias for each column. */
export function realProduct(build: Lowering, { a, b, aScale, bScale, aZero, bZero, bias }: RealProduct): Tensor {
  fittingFactors(build, [a, [lone(build, aScale), lone(build, aZero)]], [b, [bScale, bZero, bias]]);
  const factor = factorOf(build, aScale, bScale, undefined);
  return numpyMatmul(build, a, b, {
    dtype: bScale.dtype, ...differences(build, aZero, bZero),
    value: (acc, index) => {
      const y = mul(cast(acc, 'float32'), factor(index));
      return bias === undefined ? y : add(y, bias.at([index.at(-1) ?? int(0)]));
    },
  });
}

const matMulIntegerToFloat: Operator = {
  op: 'MatMulIntegerToFloat', domain: 'com.microsoft', since: 1, arity: [4, 7],
  lower: (build) => realProduct(build, {
    a: build.input(0), b: build.input(1), aScale: build.input(2), bScale: build.input(3),
    aZero: build.optional(4), bZero: build.optional(5), bias: build.optional(6),
  }),
};

const dynamicQuantizeMatMul: Operator = {
  op: 'DynamicQuantizeMatMul', domain: 'com.microsoft', since: 1, arity: [3, 5],
  lower: (build) => {
    const { y, scale, zero } = dynamicallyQuantised(build, build.input(0));
    const [b, bScale, bZero, bias] = [build.input(1), build.input(2), build.optional(3), build.optional(4)];
    return realProduct(build, { a: y, b, aScale: scale, bScale, aZero: zero, bZero, bias });
  },
};

/** C is a whole number at the scale of the product. Without a scale for the result, the result is real. */
const qGemm: Operator = {
  op: 'QGemm', domain: 'com.microsoft', since: 1, arity: [6, 9],
  lower: (build) => {
    const [a, aScale, aZero, b, bScale, bZero] = [0, 1, 2, 3, 4, 5].map((k) => build.input(k)) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const [c, yScale, yZero] = [build.optional(6), build.optional(7), build.optional(8)];
    const [ta, tb] = [build.attributes.int('transA', 0), build.attributes.int('transB', 0)];
    const shape = [a.shape[ta === 0 ? 0 : 1] ?? int(1), b.shape[tb === 0 ? 1 : 0] ?? int(1)];
    for (const t of [aScale, aZero, yScale, yZero]) lone(build, t);
    for (const t of [bScale, bZero]) fitting(build, t, shape, -1);
    const alpha = build.attributes.float('alpha', 1);
    const plainFactor = factorOf(build, aScale, bScale, yScale);
    const factor = (index: readonly Expr[]): Expr => (alpha === 1 ? plainFactor(index) : mul(plainFactor(index), constant(alpha, 'float32')));
    // A result with a scale and no zero point is unsigned, with its zero at 0.
    const to: Tensor = yZero ?? build.constant('uint8', [], [0]);
    const result = requantised(build, to);
    return gemmProduct(build, a, b, {
      dtype: yScale === undefined ? 'float32' : to.dtype,
      a: difference(build, aZero, ta === 0 ? -2 : -1), b: difference(build, bZero, tb === 0 ? -1 : -2),
      value: (acc, index) => {
        const sum = c === undefined ? acc : add(acc, broadcastAt(c, index, shape));
        return yScale === undefined ? mul(cast(sum, 'float32'), factor(index)) : result(sum, factor(index), index);
      },
    });
  },
};

/** The greatest of the sequences' lengths. */
function longestOf(build: Lowering, lengths: Tensor | undefined): Expr | undefined {
  if (lengths === undefined) return undefined;
  const { axes, index } = freshAxes(build, lengths.shape);
  const most = ref(build.name('most'), 'int32');
  const scans = [{ name: most.name, op: 'max', value: lengths.at(index) }] as const;
  return toIndex(build.rows({ dtype: 'int32', shape: [], axes: [], inner: axes, each: false, index: [], scans, value: most }).at([]));
}

/**
 * LSTM whose weights are 8-bit [directions, features, gates * hidden] and whose inputs and states are quantised to 8 bits on the way, the
 * input once for all steps and each state by its own range: as onnxruntime computes it.
 */
const dynamicQuantizeLstm: Operator = {
  op: 'DynamicQuantizeLSTM', domain: 'com.microsoft', since: 1, arity: [12, 12], parts: [3, 7],
  lower: (build) => {
    const [w, r, wScale, wZero, rScale, rZero] = [build.input(1), build.input(2), build.input(8), build.input(9), build.input(10), build.input(11)];
    const parameter = (t: Tensor, dir: number, column: Expr): Expr => t.at(t.rank === 2 ? [int(dir), column] : [int(dir)]);
    /** Columns from `first` on of a tensor times the weights of a direction. */
    const product = (
      a: Tensor, [weights, scale, zero]: readonly [Tensor, Tensor, Tensor], dir: number, first: Expr, columns: Expr,
      value: (real: Expr, row: Expr) => Expr,
    ): Tensor => {
      const { y, scale: aScale, zero: aZero } = dynamicallyQuantised(build, a);
      const depth = weights.shape[1] ?? int(1);
      const part = build.map(weights.dtype, [depth, columns], ([k = int(0), c = int(0)]) => weights.at([int(dir), k, add(first, c)]));
      return matmul(build, y, part, {
        dtype: 'float32',
        a: (t, index) => centred(t.at(index), scalarOf(aZero)),
        b: (t, index) => centred(t.at(index), parameter(zero, dir, add(first, index.at(-1) ?? int(0)))),
        value: (acc, index) => {
          const column = add(first, index.at(-1) ?? int(0));
          return value(mul(cast(acc, 'float32'), mul(scalarOf(aScale), parameter(scale, dir, column))), column);
        },
      });
    };
    const longest = longestOf(build, build.optional(4));
    // No step after the longest sequence takes part in the range of the input.
    const heard = (x: Tensor): Tensor => (longest === undefined ? x
      : build.map(x.dtype, x.shape, (at) => select(lt(at[0] ?? int(0), longest), x.at(at), zeroOf(x.dtype))));
    const hidden = r.shape[1] ?? int(1);
    const directions = w.shape[0] ?? int(1);
    for (const t of [wScale, wZero, rScale, rZero]) {
      shaped(build, t.shape, [directions, ...(t.rank === 2 ? [mul(hidden, 4)] : [])], 'there is not one scale or zero point for each column');
    }
    return recurrent(build, 'LSTM', hidden, {
      input: (sequence, dir, value) => product(heard(sequence), [w, wScale, wZero], dir, int(0), mul(hidden, 4), value),
      state: (h, dir, from, count) => product(h, [r, rScale, rZero], dir, mul(hidden, from), mul(hidden, count), (real) => real),
      weight: undefined,
    });
  },
};

export const operators: readonly Operator[] = [
  matMulInteger, qLinearMatMul, convInteger, qLinearConv('', 10), qLinearConv('com.microsoft', 1),
  matMulIntegerToFloat, dynamicQuantizeMatMul, qGemm, dynamicQuantizeLstm,
];
