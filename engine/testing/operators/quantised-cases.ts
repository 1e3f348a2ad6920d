/** Cases of ONNX's own quantised operators: scales and zero points for a tensor, an axis or blocks, and products of every rank. */
import { type TensorLiteral, floats, tensor } from '../../load/testing/build-model.ts';
import { Seeded } from '../fixture.ts';
import { type OperatorCase, operatorSource } from './operator-case.ts';

const random = new Seeded(47);
const f = (...dims: number[]): TensorLiteral => random.floats(dims, 4);
const u8 = (...dims: number[]): TensorLiteral => random.integers('uint8', dims, 0, 256);
const i8 = (...dims: number[]): TensorLiteral => random.integers('int8', dims, -128, 128);
const one = (value: number): TensorLiteral => floats([], [value]);
const byte = (...values: number[]): TensorLiteral => tensor('uint8', values.length === 1 ? [] : [values.length], values);
const sbyte = (...values: number[]): TensorLiteral => tensor('int8', values.length === 1 ? [] : [values.length], values);
const scales = (...values: number[]): TensorLiteral => floats([values.length], values);

const conversions: readonly OperatorCase[] = [
  { op: 'QuantizeLinear', about: 'ties go to even', inputs: [floats([6], [0.5, 1.5, 2.5, -0.5, -1.5, 300]), one(1), byte(128)], outputs: ['uint8'] },
  { op: 'QuantizeLinear', about: 'no zero point', inputs: [f(5), one(0.05)], outputs: ['uint8'] },
  { op: 'QuantizeLinear', about: 'an axis from the end', inputs: [f(2, 3, 2), scales(0.1, 0.2, 0.3), sbyte(1, -2, 3)], outputs: ['int8'], attributes: { axis: -2 } },
  { op: 'QuantizeLinear', about: 'blocks', inputs: [f(2, 4), floats([2, 2], [0.1, 0.2, 0.3, 0.4]), tensor('uint8', [2, 2], [1, 2, 3, 4])], outputs: ['uint8'], attributes: { axis: 1, block_size: 2 } },
  { op: 'DequantizeLinear', about: 'an axis', inputs: [i8(2, 3), scales(0.1, 0.2, 0.3), sbyte(0, -2, 3)], outputs: ['float32'], attributes: { axis: 1 } },
  { op: 'DequantizeLinear', about: '32 bits', inputs: [random.integers('int32', [4], -1e6, 1e6), one(0.001)], outputs: ['float32'] },
  { op: 'DequantizeLinear', about: 'blocks along the first axis', inputs: [u8(4, 2), floats([2, 2], [0.1, 0.2, 0.3, 0.4]), tensor('uint8', [2, 2], [1, 2, 3, 4])], outputs: ['float32'], attributes: { axis: 0, block_size: 2 } },
  { op: 'DynamicQuantizeLinear', about: 'both signs', inputs: [f(2, 5)], outputs: ['uint8', 'float32', 'uint8'] },
  { op: 'DynamicQuantizeLinear', about: 'only positive', inputs: [floats([3], [1, 2, 3])], outputs: ['uint8', 'float32', 'uint8'] },
  { op: 'DynamicQuantizeLinear', about: 'only zeros', inputs: [floats([3], [0, 0, 0])], outputs: ['uint8', 'float32', 'uint8'] },
];

const image = u8(1, 4, 5, 5);
const products: readonly OperatorCase[] = [
  { op: 'MatMulInteger', about: 'a list and a matrix', inputs: [u8(3), i8(3, 4), byte(100)], outputs: ['int32'] },
  { op: 'MatMulInteger', about: 'batches, zero points of columns', inputs: [u8(2, 3, 4), i8(4, 5), byte(100), sbyte(1, 2, 3, 4, 5)], constants: [1, 3], outputs: ['int32'] },
  { op: 'ConvInteger', about: 'padding stands for the zero point', inputs: [image, u8(3, 4, 3, 3), byte(120), byte(130)], outputs: ['int32'], attributes: { pads: [1, 1, 1, 1] } },
  { op: 'ConvInteger', about: 'groups', inputs: [image, u8(4, 1, 3, 3), byte(7), byte(3)], outputs: ['int32'], attributes: { group: 4, strides: [2, 2] } },
  {
    op: 'QLinearConv', about: 'scales of channels and a bias',
    inputs: [image, one(0.02), byte(120), i8(3, 4, 3, 3), scales(0.01, 0.02, 0.03), sbyte(0, 0, 0), one(0.5), byte(110), tensor('int32', [3], [100, -200, 300])],
    constants: [3, 4, 5, 8], outputs: ['uint8'], attributes: { pads: [1, 0, 1, 2] },
  },
  {
    op: 'QLinearConv', about: 'depthwise', inputs: [image, one(0.02), byte(120), u8(4, 1, 3, 3), one(0.01), byte(127), one(0.1), byte(110)],
    constants: [3, 4, 5], outputs: ['uint8'], attributes: { group: 4, pads: [1, 1, 1, 1] },
  },
  {
    op: 'QLinearMatMul', about: 'scales of columns', inputs: [u8(2, 3, 4), one(0.02), byte(120), i8(4, 3), scales(0.01, 0.02, 0.03), sbyte(0, 0, 0), one(0.2), byte(110)],
    constants: [3, 4, 5], outputs: ['uint8'],
  },
];

export const sources = [...conversions, ...products].map(operatorSource);
