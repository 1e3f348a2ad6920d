/** Shapes that cannot be: refused with node and operator while compiling where they are known, else when they become known. */
import { describe, expect, it } from 'vitest';
import { type Expr, symbol } from '../../jit/expr/expr.ts';
import { QuernError } from '../../jit/error.ts';
import { lowerGraph } from './lower.ts';
import { type OpOptions, f32, i64, opGraph, runOp, tensor } from './testing/run-op.ts';
import { type Feed, runProgram } from './testing/run-program.ts';

function codeOf(act: () => unknown): Pick<QuernError, 'code' | 'op'> | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof QuernError) return error;
    throw error;
  }
  return undefined;
}

const ones = (dims: readonly number[]): number[] => new Array<number>(dims.reduce((a, b) => a * b, 1)).fill(1);
const blank = (...dims: number[]): Feed => f32(dims, ones(dims));
const byte = (...dims: number[]): Feed => tensor('uint8', dims, ones(dims));

const impossible: [string, Feed[], OpOptions?][] = [
  ['Add', [blank(2, 3), blank(2, 4)]],
  ['MatMul', [blank(2, 3), blank(4, 2)]],
  ['Conv', [blank(1, 3, 4, 4), blank(2, 4, 1, 1)]],
  ['Concat', [blank(2, 3), blank(3, 3)], { attributes: { axis: 1 } }],
  ['Reshape', [blank(2, 3), i64([2], [4, 2])], { constants: [1] }],
  ['Expand', [blank(2, 3), i64([2], [2, 4])], { constants: [1] }],
  ['Squeeze', [blank(2, 3), i64([1], [1])], { constants: [1] }],
  ['GatherElements', [blank(2, 3), i64([2], [0, 1])]],
  ['ScatterND', [blank(2), i64([1, 2], [0, 0]), blank(1)]],
  ['Conv', [blank(1, 2, 3), blank(2, 2, 1), blank(3)]],
  ['Conv', [blank(1, 3, 3), blank(2, 1, 1)], { attributes: { group: 3 } }],
  ['ConvTranspose', [blank(1, 3, 3), blank(2, 4, 1)]],
  ['Col2Im', [blank(1, 4, 5), i64([2], [3, 3]), i64([2], [2, 2])], { constants: [1, 2] }],
  ['BatchNormalization', [blank(1, 3, 2), blank(2), blank(3), blank(3), blank(3)]],
  ['InstanceNormalization', [blank(1, 3, 2), blank(3), blank(2)]],
  ['GroupNormalization', [blank(1, 3, 2), blank(3), blank(3)], { attributes: { num_groups: 2 } }],
  ['DequantizeLinear', [tensor('uint8', [2, 3], [1, 2, 3, 4, 5, 6]), blank(2)], { attributes: { axis: 1 } }],
  ['Det', [blank(2, 3)]],
  ['Einsum', [blank(2, 3)], { attributes: { equation: 'ii->i' } }],
  ['LSTM', [blank(1, 1, 2), blank(1, 4, 3), blank(1, 4, 1)], { attributes: { hidden_size: 1 } }],
  ['Attention', [blank(1, 1, 1, 2), blank(1, 1, 2, 2), blank(1, 1, 1, 2)]],
  ['TopK', [blank(3), i64([1], [5])], { constants: [1] }],
  ['Split', [blank(4), i64([2], [1, 1])], { constants: [1] }],
  ['Tile', [blank(2), i64([2], [1, 1])], { constants: [1] }],
  ['OneHot', [i64([1], [0]), i64([], [3]), blank(3)]],
  ['DepthToSpace', [blank(1, 3, 2, 2)], { attributes: { blocksize: 2 } }],
  ['SpaceToDepth', [blank(1, 1, 3, 3)], { attributes: { blocksize: 2 } }],
  ['ScatterElements', [blank(2, 2), i64([3, 1], [0, 0, 0]), blank(3, 1)], { attributes: { axis: 1 } }],
  ['NonMaxSuppression', [blank(1, 2, 4), blank(1, 1, 3), i64([1], [3])]],
  ['NonMaxSuppression', [blank(1, 2, 4), blank(2, 1, 2), i64([1], [3])]],
  ['GridSample', [blank(1, 1, 2, 2), blank(2, 1, 1, 2)]],
  ['GridSample', [blank(1, 1, 2, 2), blank(1, 1, 1, 3)]],
  ['RoiAlign', [blank(1, 1, 2, 2), blank(1, 4), i64([2], [0, 0])]],
  ['EyeLike', [blank(2, 2, 2)]],
  ['CenterCropPad', [blank(3), i64([2], [1, 1])], { constants: [1] }],
  ['Clip', [blank(3), blank(2)]],
  ['STFT', [blank(1, 8, 1), i64([], [0]), blank(4)], { constants: [1] }],
  ['ScatterND', [blank(4), i64([1, 1], [0]), blank(2)]],
  ['ScatterND', [blank(4, 3), i64([2, 1], [0, 3]), blank(2)]],
  ['ScatterND', [blank(4, 3), i64([2, 1], [0, 3]), blank(2, 4)]],
  ['MatMulInteger', [byte(2, 3), byte(3, 4), byte(3)]],
  ['MatMulInteger', [byte(2, 3), byte(3, 4), byte(), byte(5)]],
  ['MatMulInteger', [byte(2, 3), byte(3, 4), byte(2), byte(3, 1)]],
  ['ConvInteger', [byte(1, 2, 5), byte(3, 2, 1), byte(), byte(4)]],
  ['QLinearMatMul', [byte(2, 3), blank(), byte(), byte(3, 4), blank(5), byte(5), blank(), byte()]],
  ['QLinearConv', [byte(1, 2, 5), blank(), byte(), byte(3, 2, 1), blank(4), byte(4), blank(), byte()]],
  ['Range', [f32([], [0]), f32([], [3]), f32([], [0])], { constants: [0, 1, 2] }],
  ['Resize', [blank(1, 1, 3), f32([0], []), f32([3], [1, 1, 0])], { constants: [1, 2] }],
  ['Resize', [blank(1, 1, 3), f32([0], []), f32([3], [1, 1, -2])], { constants: [1, 2], attributes: { mode: 'linear' } }],
  ['ArgMax', [blank(2, 0)], { attributes: { axis: 1 } }],
  ['ArgMin', [blank(0)]],
  ['ScatterND', [blank(4, 2), i64([1, 1], [0]), blank(1, 3)], { constants: [1] }],
  ['ScatterND', [blank(4, 2), i64([2, 1], [0, 1]), blank(2)]],
  ['ScatterElements', [blank(2, 2), i64([1, 2], [0, 0]), blank(2, 2)]],
  ['AffineGrid', [blank(1, 2, 2), i64([4], [1, 1, 2, 2])], { constants: [1] }],
];

const bytes = (...dims: number[]): Feed => tensor('uint8', dims, new Array<number>(dims.reduce((a, b) => a * b, 1)).fill(1));
const [one, none] = [f32([], [1]), tensor('uint8', [], [0])];
const ms: OpOptions = { domain: 'com.microsoft', opset: 1 };

/** Scales and zero points that are not one for all, nor one for each index of the axis that they belong to. */
const unfit: [string, (Feed | undefined)[], OpOptions?][] = [
  ['QuantizeLinear', [blank(2, 3), blank(2), bytes(2)], { attributes: { axis: 1 } }],
  ['QuantizeLinear', [blank(2, 3), one, bytes(2)], { attributes: { axis: 1 } }],
  ['QuantizeLinear', [blank(2, 4), blank(2, 3)], { attributes: { axis: 1, block_size: 2 } }],
  ['DequantizeLinear', [bytes(3), blank(2)]],
  ['DequantizeLinear', [bytes(2, 4), blank(1, 2)], { attributes: { axis: 1, block_size: 2 } }],
  ['DequantizeLinear', [bytes(2, 3), blank(4)], { ...ms, attributes: { axis: 1 } }],
  ['MatMulInteger', [bytes(2, 3), bytes(3, 2), bytes(3)]],
  ['MatMulInteger', [bytes(2, 3), bytes(3, 2), undefined, bytes(3)]],
  ['MatMulInteger', [bytes(3), bytes(3), bytes(3)]],
  ['ConvInteger', [bytes(1, 2, 3), bytes(2, 2, 1), bytes(2)]],
  ['ConvInteger', [bytes(1, 2, 3), bytes(2, 2, 1), none, bytes(3)]],
  ['QLinearMatMul', [bytes(2, 3), blank(3), none, bytes(3, 2), one, none, one, none]],
  ['QLinearMatMul', [bytes(2, 3), one, none, bytes(3, 2), blank(3), none, one, none]],
  ['QLinearMatMul', [bytes(2, 3), one, none, bytes(3, 2), one, none, blank(3), none]],
  ['QLinearConv', [bytes(1, 2, 3), blank(2), none, bytes(3, 2, 1), one, none, one, none]],
  ['QLinearConv', [bytes(1, 2, 3), one, none, bytes(3, 2, 1), blank(2), none, one, none]],
  ['QLinearConv', [bytes(1, 2, 3), one, none, bytes(3, 2, 1), one, none, one, bytes(3)]],
  ['QLinearConv', [bytes(1, 2, 3), one, none, bytes(3, 2, 1), one, none, one, none, tensor('int32', [4], [1, 1, 1, 1])]],
  ['MatMulIntegerToFloat', [bytes(2, 3), bytes(3, 2), one, blank(3)], ms],
  ['DynamicQuantizeMatMul', [blank(2, 3), bytes(3, 2), blank(3)], ms],
  ['QGemm', [bytes(2, 3), one, none, bytes(3, 2), blank(3), none], ms],
  ['QLinearAdd', [bytes(2), blank(2), none, bytes(2), one, none, one, none], ms],
  ['QLinearMul', [bytes(2), one, none, bytes(2), one, none, one, bytes(2)], ms],
  ['QLinearSigmoid', [bytes(2), one, bytes(2), one, none], ms],
  ['QLinearConcat', [one, bytes(2), bytes(2), one, none], { ...ms, attributes: { axis: 0 } }],
  ['QLinearGlobalAveragePool', [bytes(1, 1, 2), one, none, blank(2), none], ms],
  ['MatMulNBits', [blank(1, 32), bytes(1, 2, 8), blank(1, 3)], { ...ms, attributes: { K: 32, N: 1, bits: 4, block_size: 16 } }],
  ['MatMulNBits', [blank(1, 32), bytes(1, 2, 8), blank(2), bytes(2)], { ...ms, attributes: { K: 32, N: 1, bits: 4, block_size: 16 } }],
  ['GatherBlockQuantized', [bytes(2, 8), i64([1], [0]), blank(2, 2)], { ...ms, attributes: { block_size: 16 } }],
];

const badSizes: [string, Feed[], OpOptions?][] = [
  ...['HannWindow', 'HammingWindow', 'BlackmanWindow'].map((op): [string, Feed[]] => [op, [i64([], [-1])]]),
  ['AffineGrid', [blank(1, 2, 3), i64([4], [1, 1, -2, 3])]],
  ['AffineGrid', [blank(2, 2, 3), i64([4], [1, 1, 2, 3])]],
  ['AffineGrid', [blank(1, 3, 4), i64([4], [1, 1, 2, 3])]],
  ['AffineGrid', [blank(1, 2, 3), i64([2], [1, 1])]],
];

const tooLong: [string, (Feed | undefined)[], OpOptions?][] = [
  ['BatchNormalization', [blank(1, 2, 2), blank(2), blank(2), blank(3), blank(2)]],
  ['InstanceNormalization', [blank(1, 2, 2), blank(2), blank(3)]],
  ['PRelu', [blank(2, 3), blank(4)]],
  ['TopK', [blank(3), i64([2], [1, 1])], { constants: [1] }],
  ['OneHot', [i64([1], [0]), i64([2], [3, 3]), blank(2)]],
  ['Range', [i64([2], [0, 0]), i64([], [3]), i64([], [1])]],
  ['CumSum', [blank(3), i64([2], [0, 0])]],
  ['BiasGelu', [blank(2, 3), blank(4)], ms],
  ['Attention', [blank(1, 2, 2), blank(2, 6), blank(7)], { ...ms, attributes: { num_heads: 1 } }],
  ['SkipLayerNormalization', [blank(1, 2, 3), blank(1, 2, 3), blank(4)], ms],
  ['RNN', [blank(1, 1, 2), blank(1, 3, 2), blank(1, 3, 3), blank(1, 7)]],
  ['GRU', [blank(1, 1, 2), blank(1, 9, 2), blank(1, 12, 3)]],
  ['LSTM', [blank(1, 1, 2), blank(2, 12, 2), blank(1, 12, 3)]],
  ['LSTM', [blank(1, 1, 2), blank(1, 12, 2), blank(1, 12, 3), undefined, undefined, undefined, undefined, blank(1, 10)]],
  ['SkipLayerNormalization', [blank(1, 2, 3), blank(1, 2, 3), blank(3), blank(4)], ms],
];

const otherRank: [string, Feed[], OpOptions?][] = [
  ['BatchNormalization', [blank(1, 2, 2), blank(2), blank(2), blank(), blank(2)]],
  ['InstanceNormalization', [blank(1, 2, 2), blank(2, 1), blank(2)]],
  ['OneHot', [i64([1], [0]), i64([], [3]), blank(2, 1)]],
  ['Attention', [blank(1, 2, 2), blank(2, 6), blank(6, 1)], { ...ms, attributes: { num_heads: 1 } }],
];

const badAttributes: [string, Feed[], OpOptions][] = [
  ['Softmax', [blank(2, 3)], { attributes: { axis: 2 } }],
  ['Concat', [blank(2, 3)], { attributes: { axis: -3 } }],
  ['Transpose', [blank(2, 3)], { attributes: { perm: [0, 0] } }],
  ['Pad', [blank(3), i64([2], [1, 1])], { attributes: { mode: 'mirror' } }],
  ['ScatterElements', [blank(2), i64([1], [0]), blank(1)], { attributes: { reduction: 'xor' } }],
  ['Conv', [blank(1, 1, 3), blank(1, 1, 1)], { attributes: { strides: [0] } }],
  ['MaxPool', [blank(1, 1, 3)], { attributes: { kernel_shape: [1], pads: [1] } }],
  ['ConvTranspose', [blank(1, 1, 3), blank(1, 1, 1)], { attributes: { dilations: [1, 1] } }],
  ['DeformConv', [blank(1, 1, 1, 1), blank(1, 1, 1, 1), blank(1, 2, 1, 1)], { attributes: { pads: [-1, 0, 0, 0] } }],
  ['Slice', [blank(3), i64([1], [0]), i64([1], [3]), i64([1], [0]), i64([1], [0])], { constants: [1, 2, 3, 4] }],
  ['DepthToSpace', [blank(1, 4, 2, 2)], { attributes: { blocksize: 0 } }],
  ['LRN', [blank(1, 3, 2)], { attributes: { size: 0 } }],
  ['Conv', [blank(1, 1, 3), blank(1, 1, 1)], { attributes: { group: 0 } }],
  ['GroupNormalization', [blank(1, 2, 3), blank(2), blank(2)], { opset: 21, attributes: { num_groups: -1 } }],
  ['Attention', [blank(1, 2, 2), blank(2, 6), blank(6)], { ...ms, attributes: { num_heads: 0 } }],
  ['MultiHeadAttention', [blank(1, 2, 2), blank(1, 2, 2), blank(1, 2, 2)], { ...ms, attributes: { num_heads: 0 } }],
  ['AveragePool', [blank(1, 1, 3)], { attributes: { kernel_shape: [0] } }],
];

describe('shapes that cannot be', () => {
  it.each(impossible)('%s', (op, inputs, options = {}) =>
    expect(codeOf(() => runOp(op, inputs, options))).toMatchObject({ code: 'shape-mismatch', op, node: 'n' }));
});

describe.each([['known', true], ['fed', false]])('sizes that cannot be, %s', (_, known) => {
  it.each(badSizes)('%s', (op, inputs) =>
    expect(codeOf(() => runOp(op, inputs, { constants: known ? [inputs.length - 1] : [] }))).toMatchObject({ code: 'shape-mismatch', op, node: 'n' }));
});

describe('scales and zero points of another length', () => {
  it.each(unfit)('%s', (op, inputs, options = {}) =>
    expect(codeOf(() => runOp(op, inputs, options))).toMatchObject({ code: 'shape-mismatch', op, node: 'n' }));
});

describe('inputs longer than what is read of them', () => {
  it.each(tooLong)('%s', (op, inputs, options = {}) =>
    expect(codeOf(() => runOp(op, inputs, options))).toMatchObject({ code: 'shape-mismatch', op, node: 'n' }));
  it('of which operators that take parts leave out the rest', () => {
    expect(runOp('Slice', [blank(3), i64([1], [0]), i64([1], [2])], { constants: [1, 2] })[0]?.dims).toEqual([2]);
    expect(runOp('MaxPool', [blank(1, 1, 5)], { attributes: { kernel_shape: [3], strides: [3] } })[0]?.dims).toEqual([1, 1, 1]);
  });
});

describe('inputs of another rank', () => {
  it.each(otherRank)('%s', (op, inputs, options = {}) =>
    expect(codeOf(() => runOp(op, inputs, options))).toMatchObject({ code: 'shape-mismatch', op, node: 'n', expected: expect.stringContaining('rank') as string }));
});

describe('attributes that mean nothing', () => {
  it.each(badAttributes)('%s', (op, inputs, options) =>
    expect(codeOf(() => runOp(op, inputs, options))).toMatchObject({ code: 'invalid-attribute', op, node: 'n' }));
});

describe('shapes that turn out not to be', () => {
  it('Reshape to a fed shape of another size', () => expect(codeOf(() => runOp('Reshape', [blank(2, 3), i64([2], [4, 2])]))?.code).toBe('shape-mismatch'));
  it('Reshape with an open dim that does not come out even', () =>
    expect(codeOf(() => runOp('Reshape', [blank(2, 3), i64([2], [4, -1])]))?.code).toBe('shape-mismatch'));
  it('Expand to a fed shape that does not broadcast', () => expect(codeOf(() => runOp('Expand', [blank(2, 3), i64([2], [2, 4])]))?.code).toBe('shape-mismatch'));
  it('Range with a fed delta of 0', () => expect(codeOf(() => runOp('Range', [i64([], [0]), i64([], [3]), i64([], [0])]))?.code).toBe('shape-mismatch'));
  const bound = (op: string, shapes: readonly (readonly Expr[])[], feeds: readonly Feed[], options?: OpOptions): string | undefined => {
    const graph = opGraph(op, feeds, options);
    const inputs = graph.inputs.map(({ name }, k) => ({ name, type: { dtype: 'float32' as const, shape: shapes[k] ?? [] } }));
    return codeOf(() => runProgram(lowerGraph({ ...graph, inputs }), new Map(feeds.map((f, k) => [`x${k}`, f]))))?.code;
  };
  const [n, m] = [symbol('N'), symbol('M')];
  it('GatherElements from fewer lines than the indices have', () =>
    expect(codeOf(() => runProgram(lowerGraph({
      ...opGraph('GatherElements', [blank(2, 2), i64([1, 2], [0, 1])], { attributes: { axis: 1 } }),
      inputs: [{ name: 'x0', type: { dtype: 'float32', shape: [n, m] } }, { name: 'x1', type: { dtype: 'int64', shape: [m, n] } }],
    }), new Map([['x0', blank(1, 2)], ['x1', i64([2, 1], [0, 1])]])))?.code).toBe('shape-mismatch'));
  it('a norm with more factors than channels', () =>
    expect(bound('InstanceNormalization', [[n, m, n], [n], [m]], [blank(1, 2, 1), blank(3), blank(2)])).toBe('shape-mismatch'));
  it('a norm with fewer factors than channels', () => expect(bound('InstanceNormalization', [[n, m, n], [n], [m]], [blank(1, 3, 1), blank(1), blank(3)])).toBe('shape-mismatch'));
  it('Add of two dims that differ', () => expect(bound('Add', [[n], [m]], [blank(2), blank(3)])).toBe('shape-mismatch'));
  it('Add of two dims of which one is 1', () => expect(bound('Add', [[n], [m]], [blank(1), blank(3)])).toBeUndefined());
  it('Concat of parts that differ elsewhere', () =>
    expect(bound('Concat', [[n, n], [n, m]], [blank(2, 2), blank(2, 3)], { attributes: { axis: 0 } })).toBe('shape-mismatch'));
});
