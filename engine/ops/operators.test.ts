import { describe, expect, it } from 'vitest';
import { allOperators, findOperator } from './registry.ts';
import { elementsOf, f32, i64, runOp, tensor } from './testing/run-op.ts';

const count = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => i + from);

describe('registry', () => {
  it('finds the version in force', () => expect(findOperator('', 'Clip', 10)?.since).toBe(6));
  it('finds a later version', () => expect(findOperator('', 'Clip', 13)?.since).toBe(11));
  it('knows nothing of what is not there yet', () => expect(findOperator('', 'Gelu', 19)).toBeUndefined());
  it('describes each version once', () => {
    const keys = allOperators().map((o) => `${o.domain}:${o.op}:${o.since}`);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('elementwise', () => {
  it('broadcasts as numpy does', () =>
    expect(runOp('Add', [f32([2, 1], [1, 2]), f32([3], [10, 20, 30])])).toEqual([{ dims: [2, 3], elements: [11, 21, 31, 12, 22, 32] }]));
  it('divides integers towards zero', () => expect(elementsOf('Div', [tensor('int32', [2], [-7, 7]), tensor('int32', [], [2])])).toEqual([-3, 3]));
  it('Mod takes the sign of the divisor', () => expect(elementsOf('Mod', [i64([3], [-4, 7, 5]), i64([3], [2, -3, 8])])).toEqual([0, -2, 5]));
  it('Mod with fmod that of the dividend', () =>
    expect(elementsOf('Mod', [i64([2], [-4, 7]), i64([2], [3, -3])], { attributes: { fmod: 1 } })).toEqual([-1, 1]));
  it('powers of integers are exact', () => expect(elementsOf('Pow', [i64([2], [3, -2]), i64([2], [4, 3])])).toEqual([81, -8]));
  it('rounds ties to even', () => expect(elementsOf('Round', [f32([4], [0.5, 1.5, 2.5, -2.5])])).toEqual([0, 2, 2, -2]));
  it('Clip takes bounds as inputs, and may lack one', () =>
    expect(elementsOf('Clip', [f32([3], [-1, 0.5, 9]), undefined, f32([], [2])])).toEqual([-1, 0.5, 2]));
  it('computes float16 in float32', () =>
    expect(elementsOf('Add', [tensor('float16', [1], [2048]), tensor('float16', [1], [0.5])])).toEqual([2048]));
  it('NaN is handed on by Max', () => expect(elementsOf('Max', [f32([1], [NaN]), f32([1], [1])])).toEqual([NaN]));
  it('Where selects', () => expect(elementsOf('Where', [tensor('bool', [2], [1, 0]), f32([2], [1, 2]), f32([], [9])])).toEqual([1, 9]));
});

describe('movement', () => {
  it('Reshape keeps 0 and fills -1', () => expect(runOp('Reshape', [f32([2, 3, 2], count(12)), i64([2], [0, -1])], { constants: [1] })[0]?.dims).toEqual([2, 6]));
  it('Reshape to a shape that is fed', () => expect(runOp('Reshape', [f32([2, 3], count(6)), i64([2], [3, -1])])[0]?.dims).toEqual([3, 2]));
  it('Transpose reverses by default', () => expect(elementsOf('Transpose', [f32([2, 3], count(6))])).toEqual([0, 3, 1, 4, 2, 5]));
  it('Slice counts from the end and backwards', () =>
    expect(elementsOf('Slice', [f32([5], count(5)), i64([1], [-1]), i64([1], [-9]), i64([1], [0]), i64([1], [-2])], { constants: [1, 2, 3, 4] })).toEqual([4, 2, 0]));
  it('Slice does the same with ends that are fed', () =>
    expect(elementsOf('Slice', [f32([5], count(5)), i64([1], [-1]), i64([1], [-9]), i64([1], [0]), i64([1], [-2])])).toEqual([4, 2, 0]));
  it('Concat puts tensors side by side', () =>
    expect(elementsOf('Concat', [f32([2, 1], [1, 2]), f32([2, 2], [3, 4, 5, 6])], { attributes: { axis: 1 } })).toEqual([1, 3, 4, 2, 5, 6]));
  it('Split makes the last part smaller', () =>
    expect(runOp('Split', [f32([5], count(5))], { attributes: { num_outputs: 2 }, outputs: 2 }).map((r) => r.elements)).toEqual([[0, 1, 2], [3, 4]]));
  it('Gather counts from the end', () => expect(elementsOf('Gather', [f32([3], [7, 8, 9]), i64([2], [-1, 0])])).toEqual([9, 7]));
  it.each([
    ['constant', [0, 0, 1, 2, 3, 0, 0]], ['edge', [1, 1, 1, 2, 3, 3, 3]], ['reflect', [3, 2, 1, 2, 3, 2, 1]], ['wrap', [2, 3, 1, 2, 3, 1, 2]],
  ])('Pad by %s', (mode, want) =>
    expect(elementsOf('Pad', [f32([3], [1, 2, 3]), i64([2], [2, 2])], { attributes: { mode }, constants: [1] })).toEqual(want));
  it('Pad with a negative amount crops', () => expect(elementsOf('Pad', [f32([3], [1, 2, 3]), i64([2], [-1, 0])], { constants: [1] })).toEqual([2, 3]));
  it('Expand to a fed shape', () => expect(runOp('Expand', [f32([2, 1], [1, 2]), i64([2], [1, 2])])).toEqual([{ dims: [2, 2], elements: [1, 1, 2, 2] }]));
});

describe('rows', () => {
  it('ReduceMean keeps dims by default', () => expect(runOp('ReduceMean', [f32([2, 2], [1, 3, 5, 7]), i64([1], [1])])).toEqual([{ dims: [2, 1], elements: [2, 6] }]));
  it('ReduceSum without axes takes all', () => expect(elementsOf('ReduceSum', [f32([2, 2], [1, 2, 3, 4])], { attributes: { keepdims: 0 } })).toEqual([10]));
  it('ReduceLogSumExp of minus infinity', () => expect(elementsOf('ReduceLogSumExp', [f32([2], [-Infinity, -Infinity])])).toEqual([-Infinity]));
  it('ArgMax is the first of equals, or the last', () => {
    const x = f32([4], [1, 3, 3, 2]);
    expect(elementsOf('ArgMax', [x])).toEqual([1]);
    expect(elementsOf('ArgMax', [x], { attributes: { select_last_index: 1 } })).toEqual([2]);
  });
  it('Softmax along one axis since opset 13', () =>
    expect(elementsOf('Softmax', [f32([1, 2, 2], [0, 0, 0, 0])])).toEqual([0.5, 0.5, 0.5, 0.5]));
  it('Softmax over all dims from the axis on before', () =>
    expect(elementsOf('Softmax', [f32([1, 2, 2], [0, 0, 0, 0])], { opset: 11 })).toEqual([0.25, 0.25, 0.25, 0.25]));
  it('LayerNormalization', () =>
    expect(elementsOf('LayerNormalization', [f32([1, 2], [1, 3]), f32([2], [1, 2]), f32([2], [0, 10])], { attributes: { epsilon: { float: 0 } } })).toEqual([-1, 12]));
  it('LayerNormalization before opset 17, as onnxruntime writes it when it optimises', () =>
    expect(elementsOf('LayerNormalization', [f32([1, 2], [1, 3]), f32([2], [1, 2])], { opset: 11, attributes: { epsilon: { float: 0 } } })).toEqual([-1, 2]));
  it('MaxPool of padding', () =>
    expect(elementsOf('MaxPool', [f32([1, 1, 3], [-1, -2, -3])], { attributes: { kernel_shape: [2], pads: [1, 1] } })).toEqual([-1, -1, -2, -3]));
  it('MaxPool of a large window, which goes axis by axis', () => {
    const [rows, columns] = [9, 11];
    const data = Array.from({ length: rows * columns }, (_, i) => (i * 37) % 101 - 50);
    const at = (y: number, x: number): number => (y >= 0 && y < rows && x >= 0 && x < columns ? data[y * columns + x] ?? 0 : -Infinity);
    const wanted = [0, 1, 2, 3, 4].flatMap((y) => [0, 1, 2, 3].map((x) => Math.max(
      ...[0, 1, 2, 3, 4].flatMap((ky) => [0, 1, 2, 3].map((kx) => at(2 * y + ky - 2, 3 * x + 2 * kx - 3))),
    )));
    const attributes = { kernel_shape: [5, 4], strides: [2, 3], dilations: [1, 2], pads: [2, 3, 2, 3] };
    expect(elementsOf('MaxPool', [f32([1, 1, rows, columns], data)], { attributes })).toEqual(wanted);
  });
  it('AveragePool counts what it should', () => {
    const x = f32([1, 1, 2], [2, 4]);
    expect(elementsOf('AveragePool', [x], { attributes: { kernel_shape: [2], pads: [1, 0] } })).toEqual([2, 3]);
    expect(elementsOf('AveragePool', [x], { attributes: { kernel_shape: [2], pads: [1, 0], count_include_pad: 1 } })).toEqual([1, 3]);
  });
  it('CumSum, exclusive and backwards', () =>
    expect(elementsOf('CumSum', [f32([3], [1, 2, 3]), i64([], [0])], { attributes: { exclusive: 1, reverse: 1 } })).toEqual([5, 3, 0]));
});

describe('contractions', () => {
  it('MatMul broadcasts its batch', () =>
    expect(runOp('MatMul', [f32([2, 1, 2], [1, 2, 3, 4]), f32([2, 1], [10, 100])])).toEqual([{ dims: [2, 1, 1], elements: [210, 430] }]));
  it('MatMul of two lists is a scalar', () => expect(runOp('MatMul', [f32([2], [1, 2]), f32([2], [3, 4])])).toEqual([{ dims: [], elements: [11] }]));
  it('Gemm scales and adds', () =>
    expect(elementsOf('Gemm', [f32([2, 1], [1, 2]), f32([1, 2], [3, 4]), f32([1], [1])], { attributes: { transA: 1, transB: 1, alpha: { float: 2 }, beta: { float: 3 } } })).toEqual([25]));
  it('Einsum of a diagonal', () =>
    expect(runOp('Einsum', [f32([2, 2], [1, 2, 3, 4])], { attributes: { equation: 'ii->i' } })).toEqual([{ dims: [2], elements: [1, 4] }]));
  it('Einsum of three operands', () =>
    expect(elementsOf('Einsum', [f32([2], [1, 2]), f32([2, 2], [1, 2, 3, 4]), f32([2], [1, 10])], { attributes: { equation: 'i,ij,j' } })).toEqual([107]));
  it('Conv pads with zeros', () =>
    expect(elementsOf('Conv', [f32([1, 1, 3], [1, 2, 3]), f32([1, 1, 3], [1, 10, 100])], { attributes: { pads: [1, 1] } })).toEqual([210, 321, 32]));
  it('Conv by strides and dilations', () =>
    expect(elementsOf('Conv', [f32([1, 1, 5], count(5)), f32([1, 1, 2], [1, 10])], { attributes: { strides: [2], dilations: [2] } })).toEqual([20, 42]));
  it('Conv by groups', () =>
    expect(elementsOf('Conv', [f32([1, 2, 1], [1, 2]), f32([2, 1, 1], [10, 100])], { attributes: { group: 2 } })).toEqual([10, 200]));
  it('Conv in the same size, odd padding at the start', () =>
    expect(elementsOf('Conv', [f32([1, 1, 3], [1, 2, 3]), f32([1, 1, 2], [1, 10])], { attributes: { auto_pad: 'SAME_LOWER' } })).toEqual([10, 21, 32]));
  it('ConvTranspose spreads', () =>
    expect(elementsOf('ConvTranspose', [f32([1, 1, 2], [1, 2]), f32([1, 1, 3], [1, 10, 100])], { attributes: { strides: [2] } })).toEqual([1, 10, 102, 20, 200]));
  it('ConvTranspose by phases where the size divides', () =>
    expect(elementsOf('ConvTranspose', [f32([1, 1, 2], [1, 2]), f32([1, 1, 4], [1, 10, 100, 1000])], { attributes: { strides: [2], pads: [1, 1] } })).toEqual([10, 102, 1020, 200]));
});

describe('data-dependent', () => {
  it('NonZero sizes its result by the data', () => expect(runOp('NonZero', [f32([2, 2], [0, 1, 2, 0])])).toEqual([{ dims: [2, 2], elements: [0, 1, 1, 0] }]));
  it('TopK breaks ties by index', () =>
    expect(runOp('TopK', [f32([4], [1, 3, 3, 2]), i64([1], [3])], { outputs: 2 }).map((r) => r.elements)).toEqual([[3, 3, 2], [1, 2, 3]]));
  it('ScatterElements adds where updates meet', () =>
    expect(elementsOf('ScatterElements', [f32([2], [1, 1]), i64([3], [0, 0, 1]), f32([3], [1, 2, 3])], { attributes: { reduction: 'add' } })).toEqual([4, 4]));
  it('NonMaxSuppression keeps the best of those that overlap', () =>
    expect(runOp('NonMaxSuppression', [f32([1, 3, 4], [0, 0, 1, 1, 0, 0, 1, 0.9, 2, 2, 3, 3]), f32([1, 1, 3], [0.8, 0.9, 0.1]), i64([1], [9]), f32([1], [0.5])]))
      .toEqual([{ dims: [2, 3], elements: [0, 0, 1, 0, 0, 2] }]));
  it('Unique sorts and counts', () =>
    expect(runOp('Unique', [f32([4], [3, 1, 3, 2])], { outputs: 4 }).map((r) => r.elements)).toEqual([[1, 2, 3], [1, 3, 0], [2, 0, 2, 1], [1, 1, 2]]));
});

describe('resize', () => {
  it('repeats by a whole factor', () =>
    expect(elementsOf('Resize', [f32([1, 1, 2], [1, 2]), undefined, f32([3], [1, 1, 2])], { attributes: { mode: 'nearest' }, constants: [2] })).toEqual([1, 1, 2, 2]));
  it('interpolates between corners', () =>
    expect(elementsOf('Resize', [f32([1, 1, 2], [0, 3]), undefined, undefined, i64([3], [1, 1, 4])],
      { attributes: { mode: 'linear', coordinate_transformation_mode: 'align_corners' }, constants: [3] })).toEqual([0, 1, 2, 3]));
});

describe('what does not fit an operator', () => {
  const says = (op: string, inputs: Parameters<typeof runOp>[1], code: string, text: string, options: Parameters<typeof runOp>[2] = {}): void => {
    expect(() => runOp(op, inputs, options)).toThrow(expect.objectContaining({ code, op, node: 'n', message: expect.stringContaining(text) as unknown }) as Error);
  };
  it('a function of floats on integers', () =>
    says('Exp', [i64([1], [1])], 'invalid-model', 'do not fit the operator: exp is defined on floats, got: int64\n  got: int64[1]'));
  it('a product of two types', () =>
    says('MatMul', [f32([1, 1], [1]), tensor('int8', [1, 1], [1])], 'invalid-model', 'the operands of a product differ in type, expected: float32, got: int8'));
  it('bits of floats', () => says('BitwiseAnd', [f32([1], [1]), f32([1], [1])], 'invalid-model', 'and is defined on bool and integers'));
  it('a factor that is no whole number, on integers', () => says('LeakyRelu', [i64([1], [1])], 'invalid-model', 'is no int64'));
  it('a shape of floats', () =>
    says('Tile', [f32([1], [1]), f32([1], [2])], 'invalid-model', 'got: float32[1], float32[1]', { constants: [1] }));
});

describe('quantisation', () => {
  it('QuantizeLinear rounds to even and saturates', () =>
    expect(elementsOf('QuantizeLinear', [f32([3], [1, 3, 9999]), f32([], [2]), tensor('uint8', [], [10])])).toEqual([10, 12, 255]));
  it('DequantizeLinear has no axis where there is one scale', () =>
    expect(elementsOf('DequantizeLinear', [tensor('int32', [2], [3, 5]), f32([1], [2]), tensor('int32', [], [0])], { attributes: { axis: 1 } })).toEqual([6, 10]));
  it('MatMulInteger takes zero points off', () =>
    expect(elementsOf('MatMulInteger', [tensor('uint8', [1, 2], [11, 7]), tensor('int8', [2, 1], [3, -2]), tensor('uint8', [], [10])])).toEqual([9]));
});
