/**
 * Products of whole numbers: sums of (a - a0) * (b - b0) in int32, scaled afterwards. The operands of the contractions stay plain
 * differences, so that emitters may sum bytes and correct by the zero points instead.
 */
import { type Expr, add, asInt, cast, constant, div, int, mul } from '../../jit/expr/expr.ts';
import { inChannelsFirst } from './channels-last.ts';
import { convolution } from './conv.op.ts';
import { type OperandElement, gemmProduct, numpyMatmul } from './matmul.op.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { perTensor, quantisation, quantisedDynamically, saturated, typeOf, whole, zeroPoint, type Quantisation } from './quantize.ts';
import { broadcastAt } from './shape.ts';

/** Operands as distances from zero points, which belong to rows of the left and to columns of the right factor. */
function differences(build: Lowering, aZero: Tensor | undefined, bZero: Tensor | undefined): { a: OperandElement; b: OperandElement } {
  const along = (zero: Tensor | undefined, axis: number): OperandElement => (t, index) =>
    whole(t, zeroPoint(build, zero, { shape: t.shape, axis: Math.max(t.rank + axis, 0) }))(index);
  return { a: along(aZero, -2), b: along(bZero, -1) };
}

const isSingle = (t: Tensor): boolean => t.shape.every((d) => asInt(d) === 1);

/**
 * The factor that brings sums of products to the scale of the result (1 if it stays real), at an index of a result of the given shape.
 * With one scale on the left it is a small tensor, made once while loading.
 */
function factorOf(build: Lowering, a: Tensor, b: Tensor, y: Tensor | undefined, shape: readonly Expr[], axis = shape.length - 1): (index: readonly Expr[]) => Expr {
  const left = quantisation(build, a, undefined, { shape, axis: Math.max(shape.length - 2, 0) });
  const right = quantisation(build, b, undefined, { shape, axis });
  const result = y === undefined ? undefined : perTensor(build, y, undefined);
  const scaled = (product: Expr): Expr => (result === undefined ? product : div(product, result.scale([])));
  if (!isSingle(a)) return (index) => scaled(mul(left.scale(index), right.scale(index)));
  const factors = build.map('float32', b.shape, (index) => scaled(mul(left.scale([]), cast(b.at(index), 'float32'))));
  const placed: Quantisation = quantisation(build, factors, undefined, { shape, axis });
  return (index) => placed.scale(index);
}

const matMulInteger: Operator = {
  op: 'MatMulInteger', domain: '', since: 10, arity: [2, 4],
  lower: (build) => numpyMatmul(build, build.input(0), build.input(1), {
    dtype: 'int32', ...differences(build, build.optional(2), build.optional(3)),
  }),
};

/** The shape of a product of matrices, or of a matrix and a list, as far as the places of scales need it: its last two dims. */
const productShape = (a: Tensor, b: Tensor): readonly Expr[] => [a.rank > 1 ? a.shape.at(-2) ?? int(1) : int(1), b.rank > 1 ? b.shape.at(-1) ?? int(1) : int(1)];
const lastTwo = (index: readonly Expr[]): readonly Expr[] => index.slice(-2);

const qLinearMatMul: Operator = {
  op: 'QLinearMatMul', domain: '', since: 10, arity: [8, 8],
  lower: (build) => {
    const [a, aScale, aZero, b, bScale, bZero, yScale, yZero] = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => build.input(k)) as
      [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const factor = factorOf(build, aScale, bScale, yScale, productShape(a, b));
    const zero = perTensor(build, yScale, yZero).zero?.([]);
    return numpyMatmul(build, a, b, {
      dtype: yZero.dtype, ...differences(build, aZero, bZero),
      value: (acc, index) => saturated(mul(cast(acc, 'float32'), factor(lastTwo(index))), zero, typeOf(yZero)),
    });
  },
};

interface WholeConv {
  readonly x: Tensor;
  readonly xZero: Tensor | undefined;
  readonly w: Tensor;
  readonly wZero: Tensor | undefined;
  readonly dtype: Tensor['dtype'];
  readonly value: (acc: Expr, channel: Expr) => Expr;
}

/** Padding stands for real zeros: the distance from the zero point is 0 there. */
function wholeConvolution(build: Lowering, { x, xZero, w, wZero, dtype, value }: WholeConv): Tensor {
  return convolution(build, {
    x, w, dtype, value,
    elements: {
      x: whole(x, zeroPoint(build, xZero, { shape: x.shape, axis: 1 })),
      w: whole(w, zeroPoint(build, wZero, { shape: w.shape, axis: 0 })),
      pad: constant(0, 'int32'),
    },
  });
}

const convInteger: Operator = {
  op: 'ConvInteger', domain: '', since: 10, arity: [2, 4],
  lower: (build) => wholeConvolution(build, {
    x: build.input(0), w: build.input(1), xZero: build.optional(2), wZero: build.optional(3), dtype: 'int32', value: (acc) => acc,
  }),
};

const qLinearConv = (domain: string, since: number): Operator => ({
  op: 'QLinearConv', domain, since, arity: [8, 9],
  lower: (build) => {
    const [given, xScale, xZero, w, wScale, wZero] = [build.input(0), build.input(1), build.input(2), build.input(3), build.input(4), build.input(5)];
    const [yScale, yZero, bias] = [build.input(6), build.input(7), build.optional(8)];
    const factor = factorOf(build, xScale, wScale, yScale, [w.shape[0] ?? int(1)], 0);
    const zero = perTensor(build, yScale, yZero).zero?.([]);
    return inChannelsFirst(build, build.attributes.int('channels_last', 0) !== 0, given, (x) => wholeConvolution(build, {
      x, xZero, w, wZero, dtype: yZero.dtype,
      value: (acc, channel) => {
        const sum = bias === undefined ? acc : add(acc, bias.at([channel]));
        return saturated(mul(cast(sum, 'float32'), factor([channel])), zero, typeOf(yZero));
      },
    }));
  },
});

/** A product of whole numbers as real ones, with a bias for each column. */
function realProduct(build: Lowering, a: Tensor, b: Tensor, scales: readonly [Tensor, Tensor], zeros: readonly [Tensor | undefined, Tensor | undefined], bias: Tensor | undefined): Tensor {
  const factor = factorOf(build, scales[0], scales[1], undefined, productShape(a, b));
  return numpyMatmul(build, a, b, {
    dtype: scales[1].dtype, ...differences(build, zeros[0], zeros[1]),
    value: (acc, index) => {
      const y = mul(cast(acc, 'float32'), factor(lastTwo(index)));
      return bias === undefined ? y : add(y, bias.at([index.at(-1) ?? int(0)]));
    },
  });
}

const matMulIntegerToFloat: Operator = {
  op: 'MatMulIntegerToFloat', domain: 'com.microsoft', since: 1, arity: [4, 7],
  lower: (build) => realProduct(build, build.input(0), build.input(1), [build.input(2), build.input(3)], [build.optional(4), build.optional(5)], build.optional(6)),
};

const dynamicQuantizeMatMul: Operator = {
  op: 'DynamicQuantizeMatMul', domain: 'com.microsoft', since: 1, arity: [3, 5],
  lower: (build) => {
    const { y: a, scale, zero } = quantisedDynamically(build, build.input(0));
    return realProduct(build, a, build.input(1), [scale, build.input(2)], [zero, build.optional(3)], build.optional(4));
  },
};

/** C is a whole number at the scale of the product; without a scale for the result, the result is real. */
const qGemm: Operator = {
  op: 'QGemm', domain: 'com.microsoft', since: 1, arity: [6, 9],
  lower: (build) => {
    const [a, aScale, aZero, b, bScale, bZero] = [build.input(0), build.input(1), build.input(2), build.input(3), build.input(4), build.input(5)];
    const [c, yScale, yZero] = [build.optional(6), build.optional(7), build.optional(8)];
    const [ta, tb] = [build.attributes.int('transA', 0), build.attributes.int('transB', 0)];
    const shape = [a.shape[ta === 0 ? 0 : 1] ?? int(1), b.shape[tb === 0 ? 1 : 0] ?? int(1)];
    const factor = factorOf(build, aScale, bScale, yScale, shape);
    const zero = yScale === undefined ? undefined : perTensor(build, yScale, yZero).zero?.([]);
    const alpha = build.attributes.float('alpha', 1);
    const left = zeroPoint(build, aZero, { shape: a.shape, axis: 0 });
    const right = zeroPoint(build, bZero, { shape: b.shape, axis: tb === 0 ? 1 : 0 });
    return gemmProduct(build, a, b, {
      dtype: yZero?.dtype ?? 'float32', a: (t, index) => whole(t, left)(index), b: (t, index) => whole(t, right)(index),
      value: (acc, index) => {
        const sum = c === undefined ? acc : add(acc, broadcastAt(c, index, shape));
        const y = mul(cast(sum, 'float32'), alpha === 1 ? factor(index) : mul(factor(index), alpha));
        return yZero === undefined ? y : saturated(y, zero, typeOf(yZero));
      },
    });
  },
};

export const operators: readonly Operator[] = [
  matMulInteger, qLinearMatMul, convInteger, qLinearConv('', 10), qLinearConv('com.microsoft', 1),
  matMulIntegerToFloat, dynamicQuantizeMatMul, qGemm,
];
