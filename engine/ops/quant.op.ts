/** Quantisation of ONNX and products of quantised tensors: 8-bit operands, exact 32-bit sums, and one rounding at the end. */
import { type Expr, add, asInt, cast, div, int, mul } from '../../jit/expr/expr.ts';
import { type ConvSpec, convolution } from './conv.op.ts';
import { scalarOf } from './math.ts';
import { matmul } from './matmul.op.ts';
import { type ElementType, typeAttribute } from './onnx-types.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { blockOf, centred, dequantised, dynamicallyQuantised, parameterAt, quantised, saturated } from './quantise.ts';
import { axisOf } from './shape.ts';

function parameterAxis(build: Lowering, x: Tensor, scale: Tensor): number {
  return scale.rank === 0 || x.rank === 0 ? 0 : axisOf(build, build.attributes.int('axis', Math.min(1, x.rank - 1)), x.rank);
}

const quantizeLinear: Operator = {
  op: 'QuantizeLinear', domain: '', since: 10, arity: [2, 3],
  lower: (build) => {
    const [x, scale, zero] = [build.input(0), build.input(1), build.optional(2)];
    const axis = parameterAxis(build, x, scale);
    const asked = build.attributes.int('output_dtype', 0) !== 0;
    const to: ElementType = zero ?? (asked ? typeAttribute(build, 'output_dtype') : { dtype: 'uint8' });
    return quantised(build, x, { scale, zero, axis, block: blockOf(x, scale, axis, build.attributes.int('block_size', 0)) }, to);
  },
};

const dequantizeLinear: Operator = {
  op: 'DequantizeLinear', domain: '', since: 10, arity: [2, 3],
  lower: (build) => {
    const [x, scale, zero] = [build.input(0), build.input(1), build.optional(2)];
    const axis = parameterAxis(build, x, scale);
    const asked = build.attributes.int('output_dtype', 0) !== 0;
    return dequantised(build, x, { scale, zero, axis, block: blockOf(x, scale, axis, build.attributes.int('block_size', 0)) },
      asked ? typeAttribute(build, 'output_dtype').dtype : scale.dtype);
  },
};

const dynamicQuantizeLinear: Operator = {
  op: 'DynamicQuantizeLinear', domain: '', since: 11, arity: [1, 1],
  lower: (build) => {
    const { y, scale, zero } = dynamicallyQuantised(build, build.input(0));
    return [y, scale, zero];
  },
};

/** A tensor of quantised elements as exact integers, less their zero points (one, or one for each row or column). */
function integerView(build: Lowering, t: Tensor, zero: Tensor | undefined, axis: number): Tensor {
  return build.map('int32', t.shape, (index) => centred(t.at(index), zero === undefined ? undefined : zeroAt(zero, index, axis)));
}

/** Zero points of a product: a scalar, a vector along an axis, or the tensor's own rank with ones elsewhere. */
function zeroAt(zero: Tensor, index: readonly Expr[], axis: number): Expr {
  if (zero.rank <= 1) return parameterAt(zero, index, axis, undefined);
  const skip = index.length - zero.rank;
  return zero.at(zero.shape.map((dim, d) => (asInt(dim) === 1 ? int(0) : index[d + skip] ?? int(0))));
}

const matMulInteger: Operator = {
  op: 'MatMulInteger', domain: '', since: 10, arity: [2, 4],
  lower: (build) => {
    const [a, b] = [build.input(0), build.input(1)];
    return matmul(build, integerView(build, a, build.optional(2), a.rank - 2), integerView(build, b, build.optional(3), b.rank - 1));
  },
};

const qLinearMatMul: Operator = {
  op: 'QLinearMatMul', domain: '', since: 10, arity: [8, 8],
  lower: (build) => {
    const [a, aScale, aZero, b, bScale, bZero, yScale, yZero] = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => build.input(k)) as
      [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const product = matmul(build, integerView(build, a, aZero, a.rank - 2), integerView(build, b, bZero, b.rank - 1));
    return build.map(yZero.dtype, product.shape, (index) => {
      const factor = mul(cast(zeroAt(aScale, index, index.length - 2), 'float32'), cast(zeroAt(bScale, index, index.length - 1), 'float32'));
      const real = mul(cast(product.at(index), 'float32'), div(factor, cast(scalarOf(yScale), 'float32')));
      return saturated(real, scalarOf(yZero), yZero);
    });
  },
};

/** Elements less their zero points; padding is then 0. */
function integerConvolution(build: Lowering, x: Tensor, w: Tensor, xZero: Tensor | undefined, wZero: Tensor | undefined, rest: Pick<ConvSpec, 'dtype' | 'value'>): Tensor {
  return convolution(build, {
    x, w, ...rest,
    elements: {
      x: (index) => centred(x.at(index), xZero === undefined ? undefined : scalarOf(xZero)),
      w: (index) => centred(w.at(index), wZero === undefined ? undefined : parameterAt(wZero, index, 0, undefined)),
    },
  });
}

const convInteger: Operator = {
  op: 'ConvInteger', domain: '', since: 10, arity: [2, 4],
  lower: (build) => integerConvolution(build, build.input(0), build.input(1), build.optional(2), build.optional(3), { dtype: 'int32', value: (acc) => acc }),
};

const qLinearConv: Operator = {
  op: 'QLinearConv', domain: '', since: 10, arity: [8, 9],
  lower: (build) => {
    const [xScale, xZero, wScale, wZero, yScale, yZero] = [1, 2, 4, 5, 6, 7].map((k) => build.input(k)) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const bias = build.optional(8);
    return integerConvolution(build, build.input(0), build.input(3), xZero, wZero, {
      dtype: yZero.dtype,
      value: (acc, channel) => {
        const sum = bias === undefined ? acc : add(acc, bias.at([channel]));
        const factor = div(mul(scalarOf(xScale), parameterAt(wScale, [channel], 0, undefined)), scalarOf(yScale));
        return saturated(mul(cast(sum, 'float32'), factor), scalarOf(yZero), yZero);
      },
    });
  },
};

export const operators: readonly Operator[] = [
  quantizeLinear, dequantizeLinear, dynamicQuantizeLinear, matMulInteger, qLinearMatMul, convInteger, qLinearConv,
];
