/** Cases of com.microsoft operators; each list of attributes is there for something that the operator may get wrong. */
import { Seeded } from '../fixture.ts';
import { type TensorLiteral, floats, tensor } from '../../load/testing/build-model.ts';
import { type OperatorCase, operatorSource } from './operator-case.ts';

const random = new Seeded(11);
const f = (...dims: number[]): TensorLiteral => random.floats(dims);
const i32 = (dims: readonly number[], ...data: number[]): TensorLiteral => tensor('int32', dims, data);
const u8 = (...dims: number[]): TensorLiteral => random.integers('uint8', dims, 0, 256);
const i8 = (...dims: number[]): TensorLiteral => random.integers('int8', dims, -128, 128);
const one = (value: number): TensorLiteral => floats([], [value]);
const byte = (value: number): TensorLiteral => tensor('uint8', [], [value]);
const sbyte = (value: number): TensorLiteral => tensor('int8', [], [value]);

/** Rows of cosines and sines for `size` features. */
function angles(rows: number, size: number): [TensorLiteral, TensorLiteral] {
  const table = (fn: (x: number) => number): TensorLiteral =>
    floats([rows, size / 2], Array.from({ length: rows * size / 2 }, (_, k) => fn(Math.floor(k / (size / 2)) * 10 ** (-(k % (size / 2))))));
  return [table(Math.cos), table(Math.sin)];
}

const attention: readonly Omit<OperatorCase, 'op'>[] = [
  { about: 'bias and padding flags', inputs: [f(2, 3, 4), f(4, 12), f(12), i32([2, 3], 1, 1, 1, 1, 1, 0)], outputs: ['float32'], attributes: { num_heads: 2 } },
  { about: 'causal with a past', inputs: [f(2, 3, 4), f(4, 12), f(12), undefined, f(2, 2, 2, 2, 2)], outputs: ['float32', 'float32'], attributes: { num_heads: 2, unidirectional: 1 } },
  { about: 'lengths of keys', inputs: [f(2, 3, 4), f(4, 12), f(12), i32([2], 2, 3)], outputs: ['float32'], attributes: { num_heads: 2 } },
  { about: 'ends and starts of keys', inputs: [f(2, 3, 4), f(4, 12), f(12), i32([4], 3, 3, 1, 0)], outputs: ['float32'], attributes: { num_heads: 2 } },
  { about: 'flags for each query', inputs: [f(1, 2, 4), f(4, 12), f(12), i32([1, 2, 2], 1, 0, 1, 1)], outputs: ['float32'], attributes: { num_heads: 2 } },
  { about: 'wider values, a scale, a bias of scores', inputs: [f(1, 3, 4), f(4, 14), f(14), undefined, undefined, f(1, 2, 3, 3)], outputs: ['float32'], attributes: { num_heads: 2, qkv_hidden_sizes: [4, 4, 6], scale: 0.3 } },
];

const multiHead: readonly Omit<OperatorCase, 'op'>[] = [
  { about: 'self attention with bias', inputs: [f(2, 3, 4), f(2, 3, 4), f(2, 3, 6), f(14)], outputs: ['float32'], attributes: { num_heads: 2 } },
  { about: 'cross attention with padded keys', inputs: [f(2, 3, 4), f(2, 5, 4), f(2, 5, 4), undefined, i32([2, 5], 1, 1, 1, 0, 0, 1, 1, 1, 1, 1)], outputs: ['float32'], attributes: { num_heads: 2 } },
  { about: 'lengths of keys', inputs: [f(2, 3, 4), f(2, 5, 4), f(2, 5, 4), undefined, i32([2], 2, 4)], outputs: ['float32'], attributes: { num_heads: 2 } },
  { about: 'keys and values by head', inputs: [f(2, 3, 8), f(2, 2, 5, 4), f(2, 2, 5, 4)], outputs: ['float32'], attributes: { num_heads: 2 } },
  { about: 'a past, causal, with a bias of scores', inputs: [f(2, 2, 4), f(2, 2, 4), f(2, 2, 4), undefined, undefined, f(1, 2, 2, 5), f(2, 2, 3, 2), f(2, 2, 3, 2)], outputs: ['float32', 'float32', 'float32'], attributes: { num_heads: 2, unidirectional: 1 } },
  { about: 'keys and values handed on', inputs: [f(1, 2, 4), f(1, 2, 4), f(1, 2, 4), f(12)], outputs: ['float32', 'float32', 'float32'], attributes: { num_heads: 2 } },
];

const [cos, sin] = angles(8, 8);
const [cosWide, sinWide] = angles(8, 16);
const [cosPart, sinPart] = angles(8, 4);
/** [1, 2, 6, 8] with three positions in use. */
const cache = (): TensorLiteral =>
  floats([1, 2, 6, 8], Array.from(f(1, 2, 6, 8).data as Float32Array, (v, k) => (Math.floor(k / 8) % 6 < 3 ? v : 0)));
const grouped: readonly Omit<OperatorCase, 'op'>[] = [
  { about: 'a prompt of two lengths', inputs: [f(2, 3, 32), f(2, 3, 16), f(2, 3, 16), undefined, undefined, i32([2], 2, 1), i32([], 3)], outputs: ['float32', 'float32', 'float32'], attributes: { num_heads: 4, kv_num_heads: 2 } },
  { about: 'a step, rotated', inputs: [f(2, 1, 32), f(2, 1, 16), f(2, 1, 16), f(2, 1, 3, 16), f(2, 1, 3, 16), i32([2], 3, 3), i32([], 4), cosWide, sinWide], outputs: ['float32', 'float32', 'float32'], attributes: { num_heads: 2, kv_num_heads: 1, do_rotary: 1 } },
  { about: 'packed, interleaved, a window and a cap', inputs: [f(1, 4, 64), undefined, undefined, undefined, undefined, i32([1], 3), i32([], 4), cosWide, sinWide], outputs: ['float32', 'float32', 'float32'], attributes: { num_heads: 2, kv_num_heads: 1, do_rotary: 1, rotary_interleaved: 1, local_window_size: 2, softcap: 1.5 } },
  { about: 'a cache longer than the sequence', inputs: [f(1, 1, 32), f(1, 1, 16), f(1, 1, 16), cache(), cache(), i32([1], 3), i32([], 4)], outputs: ['float32', 'float32', 'float32'], attributes: { num_heads: 4, kv_num_heads: 2 } },
  { about: 'a bias of scores and sinks', inputs: [f(1, 3, 32), f(1, 3, 16), f(1, 3, 16), undefined, undefined, i32([1], 2), i32([], 3), undefined, undefined, undefined, f(1, 4, 3, 3), f(4)], outputs: ['float32', 'float32', 'float32'], attributes: { num_heads: 4, kv_num_heads: 2 } },
  { about: 'a smooth softmax', inputs: [f(1, 3, 32), f(1, 3, 16), f(1, 3, 16), undefined, undefined, i32([1], 2), i32([], 3)], outputs: ['float32', 'float32', 'float32'], attributes: { num_heads: 4, kv_num_heads: 2, smooth_softmax: 1 } },
];

const rotary: readonly Omit<OperatorCase, 'op'>[] = [
  { about: 'packed heads', inputs: [f(2, 3, 16), tensor('int64', [2, 3], [0, 1, 2, 3, 4, 5]), cos, sin], outputs: ['float32'] },
  { about: 'by head from an offset', inputs: [f(1, 2, 3, 8), tensor('int64', [1], [2]), cos, sin], outputs: ['float32'], attributes: { interleaved: 1 } },
  { about: 'part of a head', inputs: [f(1, 3, 16), tensor('int64', [1], [1]), cosPart, sinPart], outputs: ['float32'], attributes: { num_heads: 2, rotary_embedding_dim: 4 } },
];

const norms: readonly OperatorCase[] = [
  { op: 'SkipLayerNormalization', about: 'beta and bias', inputs: [f(2, 3, 4), f(2, 3, 4), f(4), f(4), f(4)], outputs: ['float32', '', '', 'float32'], attributes: { epsilon: 1e-5 } },
  { op: 'SkipLayerNormalization', about: 'a skip for all of the batch', inputs: [f(2, 3, 4), f(3, 4), f(4)], outputs: ['float32'] },
  { op: 'SkipSimplifiedLayerNormalization', about: 'bias', inputs: [f(2, 3, 4), f(2, 3, 4), f(4), f(4)], outputs: ['float32', '', '', 'float32'] },
  { op: 'EmbedLayerNormalization', about: 'segments and a mask', inputs: [i32([2, 3], 1, 2, 3, 0, 4, 2), i32([2, 3], 0, 0, 1, 1, 0, 1), f(5, 4), f(6, 4), f(2, 4), f(4), f(4), i32([2, 3], 1, 1, 0, 1, 1, 1)], outputs: ['float32', 'int32'] },
  { op: 'EmbedLayerNormalization', about: 'positions and the sum', inputs: [i32([2, 2], 1, 2, 3, 0), undefined, f(5, 4), f(6, 4), undefined, f(4), f(4), undefined, i32([1, 2], 4, 2)], outputs: ['float32', 'int32', 'float32'] },
];

const activations: readonly OperatorCase[] = [
  { op: 'Gelu', about: 'erf', inputs: [f(7)], outputs: ['float32'] },
  { op: 'BiasGelu', about: 'bias', inputs: [f(2, 3), f(3)], outputs: ['float32'] },
  { op: 'FastGelu', about: 'tanh, with bias', inputs: [f(2, 3), f(3)], outputs: ['float32'] },
  { op: 'QuickGelu', about: 'alpha', inputs: [f(7)], outputs: ['float32'], attributes: { alpha: 1.5 } },
];

const image = f(1, 2, 4, 4);
const fused: readonly OperatorCase[] = [
  { op: 'FusedMatMul', about: 'both transposed, scaled', inputs: [f(2, 3, 4), f(2, 5, 3)], outputs: ['float32'], attributes: { transA: 1, transB: 1, alpha: 0.5 } },
  { op: 'FusedMatMul', about: 'batch dims inside', inputs: [f(3, 2, 4), f(4, 2, 5)], outputs: ['float32'], attributes: { transBatchA: 1, transBatchB: 1 } },
  { op: 'FusedGemm', about: 'bias and leaky relu', inputs: [f(2, 3), f(4, 3), f(4)], outputs: ['float32'], attributes: { transB: 1, activation: 'LeakyRelu', activation_alpha: 0.2 } },
  { op: 'FusedConv', about: 'a sum, clipped', inputs: [image, f(3, 2, 3, 3), f(3), f(1, 3, 4, 4)], outputs: ['float32'], attributes: { pads: [1, 1, 1, 1], activation: 'Clip', activation_params: { floats: [-0.5, 0.75] } } },
  { op: 'FusedConv', about: 'relu', inputs: [image, f(4, 1, 3, 3), f(4)], outputs: ['float32'], attributes: { group: 2, strides: [2, 2], activation: 'Relu' } },
];

const packed: readonly OperatorCase[] = [
  { op: 'MatMulNBits', about: '4 bits, default zero points', inputs: [f(2, 32), u8(3, 2, 8), f(6)], constants: [1, 2], outputs: ['float32'], attributes: { K: 32, N: 3, bits: 4, block_size: 16 } },
  { op: 'MatMulNBits', about: '4 bits, an incomplete block, zero points, bias', inputs: [f(2, 40), u8(3, 3, 8), f(9), u8(6), undefined, f(3)], constants: [1, 2, 3, 5], outputs: ['float32'], attributes: { K: 40, N: 3, bits: 4, block_size: 16 } },
  { op: 'MatMulNBits', about: '8 bits', inputs: [f(2, 32), u8(3, 2, 16), f(6), u8(6)], constants: [1, 2, 3], outputs: ['float32'], attributes: { K: 32, N: 3, bits: 8, block_size: 16 } },
  { op: 'MatMulNBits', about: '4 bits, real zero points', inputs: [f(2, 32), u8(3, 2, 8), f(6), f(6)], constants: [1, 2, 3], outputs: ['float32'], attributes: { K: 32, N: 3, bits: 4, block_size: 16 } },
  { op: 'GatherBlockQuantized', about: '4 bits in bytes', inputs: [u8(4, 16), tensor('int64', [3], [3, 0, -3]), f(4, 2), u8(4, 1)], constants: [0, 2, 3], outputs: ['float32'], attributes: { gather_axis: 0, quantize_axis: 1, block_size: 16, bits: 4 } },
  { op: 'GatherBlockQuantized', about: '8 bits, default zero points', inputs: [u8(4, 32), tensor('int64', [1, 2], [2, 1]), f(4, 2)], constants: [0, 2], outputs: ['float32'], attributes: { gather_axis: 0, quantize_axis: 1, block_size: 16, bits: 8 } },
];

const q = { a: [u8(2, 3), one(0.02), byte(120)], b: [u8(3), one(0.05), byte(100)], y: [one(0.06), byte(130)] } as const;
const signed = { x: [i8(1, 2, 4, 4), one(0.03), sbyte(-5)], y: [one(0.02), sbyte(7)] } as const;
const quantised: readonly OperatorCase[] = [
  { op: 'QLinearAdd', about: 'broadcast', inputs: [...q.a, ...q.b, ...q.y], outputs: ['uint8'] },
  { op: 'QLinearMul', about: 'broadcast', inputs: [...q.a, ...q.b, ...q.y], outputs: ['uint8'] },
  { op: 'QLinearSigmoid', about: 'bytes', inputs: [...q.a, one(1 / 256), byte(0)], constants: [1, 2, 3, 4], outputs: ['uint8'] },
  { op: 'QLinearLeakyRelu', about: 'signed', inputs: [...signed.x, ...signed.y], constants: [1, 2, 3, 4], outputs: ['int8'], attributes: { alpha: 0.1 } },
  { op: 'QLinearConcat', about: 'two scales', inputs: [...q.y, ...q.a, u8(2, 2), one(0.05), byte(100)], constants: [0, 1, 3, 4, 6, 7], outputs: ['uint8'], attributes: { axis: 1 } },
  { op: 'QLinearSoftmax', about: 'the last axis', inputs: [...q.a, one(1 / 256), byte(0)], constants: [1, 2, 3, 4], outputs: ['uint8'], attributes: { axis: -1, opset: 13 } },
  { op: 'QLinearAveragePool', about: 'padding left out', inputs: [...signed.x, ...signed.y], outputs: ['int8'], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] } },
  { op: 'QLinearGlobalAveragePool', about: 'signed', inputs: [...signed.x, ...signed.y], outputs: ['int8'], attributes: { channels_last: 0 } },
  { op: 'QLinearGlobalAveragePool', about: 'channels last', inputs: [...signed.x, ...signed.y], outputs: ['int8'], attributes: { channels_last: 1 } },
  { op: 'QLinearConv', about: 'channels last', inputs: [u8(1, 4, 4, 2), one(0.02), byte(120), i8(3, 2, 3, 3), floats([3], [0.01, 0.02, 0.03]), tensor('int8', [3], [0, 0, 0]), one(0.1), byte(110), i32([3], 100, -200, 300)], constants: [3, 4, 5, 8], outputs: ['uint8'], attributes: { channels_last: 1, pads: [1, 1, 1, 1] } },
  { op: 'QGemm', about: 'quantised result', inputs: [u8(2, 3), one(0.02), byte(120), u8(4, 3), floats([4], [0.01, 0.02, 0.03, 0.04]), tensor('uint8', [4], [128, 127, 126, 125]), i32([4], 10, -20, 30, -40), one(0.1), byte(110)], outputs: ['uint8'], attributes: { transB: 1 } },
  { op: 'QGemm', about: 'real result', inputs: [u8(2, 3), one(0.02), byte(120), i8(3, 4), one(0.01), sbyte(3)], outputs: ['float32'], attributes: { alpha: 0.5 } },
  { op: 'DynamicQuantizeMatMul', about: 'columns and bias', inputs: [f(2, 3), i8(3, 4), floats([4], [0.01, 0.02, 0.03, 0.04]), tensor('int8', [4], [1, 2, 3, 4]), f(4)], outputs: ['float32'] },
  { op: 'MatMulIntegerToFloat', about: 'columns and bias', inputs: [u8(2, 3), u8(3, 4), one(0.02), floats([4], [0.01, 0.02, 0.03, 0.04]), byte(120), tensor('uint8', [4], [128, 127, 126, 125]), f(4)], outputs: ['float32'] },
  { op: 'QuantizeLinear', about: '16 bits along an axis', inputs: [f(2, 3), floats([3], [0.001, 0.002, 0.003]), tensor('uint16', [3], [1, 200, 30000])], outputs: ['uint16'], attributes: { axis: 1 } },
  { op: 'DequantizeLinear', about: '16 bits', inputs: [random.integers('int16', [5], -3000, 3000), one(0.01), tensor('int16', [], [-7])], outputs: ['float32'] },
];

const cases: readonly OperatorCase[] = [
  ...attention.map((c) => ({ op: 'Attention', ...c })), ...multiHead.map((c) => ({ op: 'MultiHeadAttention', ...c })),
  ...grouped.map((c) => ({ op: 'GroupQueryAttention', ...c })), ...rotary.map((c) => ({ op: 'RotaryEmbedding', ...c })),
  ...norms, ...activations, ...fused, ...packed, ...quantised,
];

export const sources = cases.map((c) => operatorSource({ ...c, domain: 'com.microsoft' }));
