/** Conversions between real numbers and whole ones: QuantizeLinear, DequantizeLinear (in ONNX and com.microsoft) and the dynamic kind. */
import { int } from '../../jit/expr/expr.ts';
import { type ElementType, typeAttribute } from './onnx-types.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { type QuantParameters, blockOf, dequantised, dynamicallyQuantised, fitting, isOne, quantised } from './quantise.ts';
import { axisOf, ceildiv, withDim } from './shape.ts';

/** Scale and zero point, the axis along which they change, if they do, and the size of the blocks that share them. */
function parametersOf(build: Lowering, x: Tensor): QuantParameters {
  const [scale, zero] = [build.input(1), build.optional(2)];
  const axis = (isOne(scale) && isOne(zero)) || x.rank === 0 ? 0 : axisOf(build, build.attributes.int('axis', Math.min(1, x.rank - 1)), x.rank);
  const block = blockOf(x, scale, axis, build.attributes.int('block_size', 0));
  const shape = block === undefined ? x.shape : withDim(x.shape, axis, ceildiv(x.shape[axis] ?? int(1), block));
  for (const t of [scale, zero]) fitting(build, t, shape, axis);
  return { scale, zero, axis, block };
}

const quantizeLinear = (domain: string, since: number): Operator => ({
  op: 'QuantizeLinear', domain, since, arity: [2, 3],
  lower: (build) => {
    const x = build.input(0);
    const parameters = parametersOf(build, x);
    const asked = build.attributes.int('output_dtype', 0) !== 0;
    const to: ElementType = parameters.zero ?? (asked ? typeAttribute(build, 'output_dtype') : { dtype: 'uint8' });
    return quantised(build, x, parameters, to);
  },
});

const dequantizeLinear = (domain: string, since: number): Operator => ({
  op: 'DequantizeLinear', domain, since, arity: [2, 3],
  lower: (build) => {
    const x = build.input(0);
    const parameters = parametersOf(build, x);
    const asked = build.attributes.int('output_dtype', 0) !== 0;
    return dequantised(build, x, parameters, asked ? typeAttribute(build, 'output_dtype').dtype : parameters.scale.dtype);
  },
});

const dynamicQuantizeLinear: Operator = {
  op: 'DynamicQuantizeLinear', domain: '', since: 11, arity: [1, 1],
  lower: (build) => {
    const { y, scale, zero } = dynamicallyQuantised(build, build.input(0));
    return [y, scale, zero];
  },
};

export const operators: readonly Operator[] = [
  quantizeLinear('', 10), quantizeLinear('com.microsoft', 1), dequantizeLinear('', 10), dequantizeLinear('com.microsoft', 1), dynamicQuantizeLinear,
];
