/** Conversions between real numbers and whole ones: QuantizeLinear, DequantizeLinear (in ONNX and com.microsoft) and the dynamic kind. */
import { asInt, int } from '../../jit/expr/expr.ts';
import { type ElementType, typeAttribute } from './onnx-types.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { blockOf, dequantised, dynamicallyQuantised, quantised } from './quantise.ts';
import { axisOf } from './shape.ts';

/** The axis along which scales change, if they do. */
function parameterAxis(build: Lowering, x: Tensor, scale: Tensor): number {
  if (scale.rank === 0 || x.rank === 0) return 0;
  const axis = axisOf(build, build.attributes.int('axis', Math.min(1, x.rank - 1)), x.rank);
  const [have, want] = [asInt(scale.shape[0] ?? int(1)), asInt(x.shape[axis] ?? int(1))];
  if (scale.rank === 1 && x.rank > 1 && have !== undefined && have !== 1 && want !== undefined && have !== want) {
    build.fail('shape-mismatch', `there is not one scale for each index of axis ${axis}`, { expected: String(want), got: String(have) });
  }
  return axis;
}

const quantizeLinear = (domain: string, since: number): Operator => ({
  op: 'QuantizeLinear', domain, since, arity: [2, 3],
  lower: (build) => {
    const [x, scale, zero] = [build.input(0), build.input(1), build.optional(2)];
    const axis = parameterAxis(build, x, scale);
    const asked = build.attributes.int('output_dtype', 0) !== 0;
    const to: ElementType = zero ?? (asked ? typeAttribute(build, 'output_dtype') : { dtype: 'uint8' });
    return quantised(build, x, { scale, zero, axis, block: blockOf(x, scale, axis, build.attributes.int('block_size', 0)) }, to);
  },
});

const dequantizeLinear = (domain: string, since: number): Operator => ({
  op: 'DequantizeLinear', domain, since, arity: [2, 3],
  lower: (build) => {
    const [x, scale, zero] = [build.input(0), build.input(1), build.optional(2)];
    const axis = parameterAxis(build, x, scale);
    const asked = build.attributes.int('output_dtype', 0) !== 0;
    return dequantised(build, x, { scale, zero, axis, block: blockOf(x, scale, axis, build.attributes.int('block_size', 0)) },
      asked ? typeAttribute(build, 'output_dtype').dtype : scale.dtype);
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
