/** Corners of operators that random single-node models, compared with other engines, showed to be wrong once. */
import { describe, expect, it } from 'vitest';
import { symbol } from '../../jit/expr/expr.ts';
import { inferTypes, lowerGraph } from './lower.ts';
import { type OpOptions, elementsOf, f32, i64, opGraph, runOp, tensor } from './testing/run-op.ts';
import { type Feed, runProgram } from './testing/run-program.ts';
import { numbersOf } from './testing/compare.ts';

/** Elements of the first output where every dim of every input is only known when it is fed. */
function open(op: string, inputs: readonly Feed[], options: OpOptions = {}): number[] {
  const graph = opGraph(op, inputs, options);
  const feeds = new Map(inputs.map((feed, k) => [`x${k}`, feed]));
  const free = graph.inputs.map(({ name }) => {
    const { dtype, dims } = feeds.get(name) ?? f32([], [0]);
    return { name, type: { dtype, shape: dims.map((_, d) => symbol(`${name}_${d}`)) } };
  });
  const got = runProgram(lowerGraph({ ...graph, inputs: free }), feeds).get('y0');
  return got === undefined ? [] : numbersOf(got).map((v) => Number(v.toPrecision(5)));
}

describe('reductions', () => {
  it('take logarithms of whole numbers', () => {
    expect(elementsOf('ReduceLogSum', [tensor('int32', [2], [50, 60])])).toEqual([4]);
    expect(elementsOf('ReduceLogSumExp', [tensor('int64', [2], [3, 3])])).toEqual([3]);
  });
  it('of no booleans are false for max and true for min', () => {
    const none = tensor('bool', [0, 1], []);
    const options = { attributes: { keepdims: 0 }, constants: [1] };
    expect(elementsOf('ReduceMax', [none, i64([1], [0])], options)).toEqual([0]);
    expect(elementsOf('ReduceMin', [none, i64([1], [0])], options)).toEqual([1]);
  });
  it('of no numbers are the ends of their type', () => {
    const of = (op: string, none: Feed): readonly number[] => elementsOf(op, [none, i64([1], [0])], { attributes: { keepdims: 0 }, constants: [1] });
    expect(of('ReduceMax', f32([0, 1], []))).toEqual([-Infinity]);
    expect(of('ReduceMin', f32([0, 1], []))).toEqual([Infinity]);
    expect(of('ReduceMax', tensor('int8', [0, 1], []))).toEqual([-128]);
    expect(of('ReduceMin', tensor('uint8', [0, 1], []))).toEqual([255]);
  });
});

describe('open dims', () => {
  it('Attention scales by the size of a head that is fed', () => {
    const inputs = [f32([1, 1, 1, 4], [1, 2, 3, 4]), f32([1, 1, 2, 4], [1, 0, 0, 0, 0, 0, 1, 0]), f32([1, 1, 2, 1], [1, 2])];
    expect(open('Attention', inputs)).toEqual(elementsOf('Attention', inputs).map((v) => Number(v.toPrecision(5))));
  });
  it('DFT lengthens an axis of one element', () => expect(open('DFT', [f32([1, 1, 1], [3]), i64([], [2])], { attributes: { axis: 1 }, opset: 17 })).toEqual([3, 0, 3, 0]));
  it('Squeeze without axes refuses an open dim of 1', () => expect(() => open('Squeeze', [f32([1, 2], [1, 2])])).toThrow(/no open dim that Squeeze without axes meets is 1/));
  it('MatMul refuses factors that do not fit', () => expect(() => open('MatMul', [f32([1, 2], [1, 2]), f32([3, 1], [1, 2, 3])])).toThrow(/inner dims of the product differ/));
  it('Conv refuses channels that do not fit', () =>
    expect(() => open('Conv', [f32([1, 2, 1], [1, 2]), f32([1, 1, 1], [1])])).toThrow(/another number of channels/));
  it('MatMulInteger takes one zero point for a list', () =>
    expect(open('MatMulInteger', [tensor('uint8', [2, 1], [3, 4]), tensor('uint8', [1, 1], [2]), tensor('uint8', [1], [1])])).toEqual([4, 6]));
});

describe('Attention of com.microsoft', () => {
  const options = { domain: 'com.microsoft', opset: 1, attributes: { num_heads: 1 } };
  // Queries and keys are 0; values are 1, 2 and 4.
  const x = f32([1, 3, 1], [1, 2, 4]);
  const [w, none] = [f32([1, 3], [0, 0, 1]), f32([3], [0, 0, 0])];
  it.each([['an end', [2], 1.5], ['an end and a start', [3, 1], 3]])('takes %s of the keys, of a list whose length is fed', (_, list, mean) =>
    expect(open('Attention', [x, w, none, tensor('int32', [list.length], list)], options)).toEqual([mean, mean, mean]));
});

describe('Attention of opset 25', () => {
  const inputs = [f32([1, 1, 3, 1], [0, 0, 0]), f32([1, 1, 3, 1], [0, 0, 0]), f32([1, 1, 3, 1], [2, 4, 6])];
  it('sees a window of keys', () => expect(elementsOf('Attention', inputs, { opset: 25, attributes: { left_window_size: 1, right_window_size: 0 } })).toEqual([2, 3, 5]));
  it('sees the keys ahead', () => expect(elementsOf('Attention', inputs, { opset: 25, attributes: { left_window_size: 0, right_window_size: 1 } })).toEqual([3, 5, 6]));
});

describe('DFT', () => {
  it('goes back from one side to real numbers', () =>
    expect(elementsOf('DFT', [f32([1, 3, 2], [10, 0, -2, 2, -2, 0])], { attributes: { axis: 1, inverse: 1, onesided: 1 }, opset: 17 })).toEqual([1, 2, 3, 4]));
});

it('QLinearMatMul takes scales and zero points of the result by rows', () => {
  const byte = (dims: readonly number[], ...e: number[]): Feed => tensor('uint8', dims, e);
  const one = f32([], [1]);
  expect(elementsOf('QLinearMatMul', [byte([2, 1], 8, 8), one, byte([], 0), byte([1, 1], 1), one, byte([], 0), f32([2], [1, 2]), byte([2], 0, 1)])).toEqual([8, 5]);
});

it('DequantizeLinear reads blocks of a list', () =>
  expect(elementsOf('DequantizeLinear', [tensor('uint8', [4], [1, 2, 3, 4]), f32([2], [1, 10])], { attributes: { axis: 0, block_size: 2 } })).toEqual([1, 2, 30, 40]));

describe('norms of float64', () => {
  // float32 has no numbers between 2 ** 24 and 2 ** 24 + 2.
  const [x, one, none] = [tensor('float64', [1, 1, 2], [2 ** 24, 2 ** 24 + 1]), tensor('float64', [1], [1]), tensor('float64', [1], [0])];
  const [ones, nones] = [tensor('float64', [2], [1, 1]), tensor('float64', [2], [0, 0])];
  it.each([
    ['LayerNormalization', [x, ones, nones], { epsilon: { float: 0 } }],
    ['InstanceNormalization', [x, one, none], { epsilon: { float: 0 } }],
    ['GroupNormalization', [x, one, none], { epsilon: { float: 0 }, num_groups: 1 }],
    ['MeanVarianceNormalization', [x], { axes: [2] }],
  ] satisfies [string, Feed[], OpOptions['attributes']][])('%s', (op, inputs, attributes) => expect(elementsOf(op, inputs, { attributes })).toEqual([-1, 1]));
  it('Softmax', () => expect(elementsOf('Softmax', [x])).toEqual([0.268941, 0.731059]));
  it('have their statistics in float32', () =>
    expect([...runProgram(lowerGraph(opGraph('LayerNormalization', [x, ones, nones], { outputs: 3 })), new Map([['x0', x], ['x1', ones], ['x2', nones]])).values()]
      .map((t) => t.dtype)).toEqual(['float64', 'float32', 'float32']));
});

it('GridSample computes in float64', () =>
  expect(elementsOf('GridSample', [tensor('float64', [1, 1, 1, 2], [1, 3]), tensor('float64', [1, 1, 1, 2], [0, 0])])).toEqual([2]));

it('GridSample leaves cubic taps beyond a border to each tap', () =>
  expect(elementsOf('GridSample', [f32([1, 1, 1, 2], [0, 1]), f32([1, 1, 1, 2], [1.5, 0])], { attributes: { mode: 'cubic', padding_mode: 'border' } })).toEqual([1]));

it('Resize of opset 10 shrinks by the next element', () =>
  expect(elementsOf('Resize', [f32([1, 1, 1, 5], [0, 1, 2, 3, 4]), f32([4], [1, 1, 1, 0.6])], { opset: 10, constants: [1] })).toEqual([0, 2, 4]));

describe('operators of two operands', () => {
  it('Mod of floats takes the sign of the divisor', () => {
    expect(elementsOf('Mod', [f32([2], [-1, 5]), f32([2], [3, -3])], { opset: 28 })).toEqual([2, -1]);
    expect(elementsOf('Mod', [f32([2], [-1, 5]), f32([2], [3, -3])], { attributes: { fmod: 1 } })).toEqual([-1, 2]);
  });
  it('BitShift by too much leaves the sign', () => {
    const shift = (direction: string): readonly number[] =>
      elementsOf('BitShift', [tensor('int32', [3], [-8, 8, -8]), tensor('int32', [3], [32, -1, 1])], { attributes: { direction }, opset: 28 });
    expect(shift('LEFT')).toEqual([0, 0, -16]);
    expect(shift('RIGHT')).toEqual([-1, 0, -4]);
  });
  it('SwiGLU gates by Swish', () => expect(elementsOf('SwiGLU', [f32([1], [0]), f32([1], [5])], { opset: 28 })).toEqual([0]));
});

it('SpaceToDepth keeps the depth together in mode CRD', () => {
  const image = f32([1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  expect(runOp('SpaceToDepth', [image], { attributes: { blocksize: 2, mode: 'CRD' }, opset: 28 })[0]?.elements).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(runOp('SpaceToDepth', [image], { attributes: { blocksize: 2 } })[0]?.elements).toEqual([1, 5, 2, 6, 3, 7, 4, 8]);
});

it('Resize of whole numbers that are all the same gives the same, also below 0', () => {
  for (const [dtype, value] of [['uint8', 255], ['int8', -113]] as const) for (const size of [7, 11, 23, 47]) {
    const inputs = [tensor(dtype, [1, 1, 5, 3], new Array<number>(15).fill(value)), undefined, undefined, i64([4], [1, 1, size, size + 2])];
    for (const mode of ['linear', 'cubic']) {
      expect(new Set(elementsOf('Resize', inputs, { opset: 18, attributes: { mode }, constants: [3] }))).toEqual(new Set([value]));
    }
  }
});

it('Resize leaves an axis alone that keeps its size, if only fed dims show it', () => {
  const attributes = { coordinate_transformation_mode: 'tf_half_pixel_for_nn', nearest_mode: 'round_prefer_ceil' };
  const inputs = [f32([3], [1, 2, 3]), f32([0], []), f32([0], []), i64([1], [3])];
  expect(open('Resize', inputs, { opset: 11, attributes, constants: [1, 2, 3] })).toEqual([1, 2, 3]);
});

it('Shrink has bounds between whole numbers', () =>
  expect(elementsOf('Shrink', [tensor('int8', [3], [-2, 0, 1])], { attributes: { lambd: { float: 0.5 }, bias: { float: 1 } } })).toEqual([-1, 0, 0]));

it('MaxRoiPool takes the greatest of each bin', () =>
  expect(elementsOf('MaxRoiPool', [f32([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]), f32([1, 5], [0, 0, 0, 1, 1])], { attributes: { pooled_shape: [1, 2] } })).toEqual([4, 5]));

it('OptionalHasElement tells a tensor from an input that is left out', () => {
  expect(elementsOf('OptionalHasElement', [f32([1], [0])])).toEqual([1]);
  expect(elementsOf('OptionalHasElement', [])).toEqual([0]);
});

it('LayerNormalization of float64 gives mean and deviation as float32', () => {
  const inputs = [tensor('float64', [2], [1, 3]), tensor('float64', [2], [1, 1])];
  const types = inferTypes(opGraph('LayerNormalization', inputs, { outputs: 3 }));
  expect(['y0', 'y1', 'y2'].map((name) => types.get(name)?.dtype)).toEqual(['float64', 'float32', 'float32']);
});

describe('operators of com.microsoft', () => {
  const domain = 'com.microsoft';
  const [one, none] = [f32([], [1]), tensor('uint8', [], [0])];
  it('QLinearGlobalAveragePool rounds before it adds the zero point', () => {
    const inputs = [tensor('uint8', [1, 1, 2], [1, 2]), one, none, one, tensor('uint8', [], [1])];
    expect(elementsOf('QLinearGlobalAveragePool', inputs, { domain, opset: 1 })).toEqual([3]);
  });
  it('QLinearAveragePool counts the whole kernel where padding counts', () => {
    const options = { domain, opset: 1, attributes: { kernel_shape: [2], strides: [2], ceil_mode: 1, count_include_pad: 1 } };
    expect(elementsOf('QLinearAveragePool', [tensor('uint8', [1, 1, 3], [2, 4, 6]), one, none, one, none], options)).toEqual([3, 3]);
    expect(elementsOf('AveragePool', [f32([1, 1, 3], [2, 4, 6])], { ...options, domain: '', opset: 19 })).toEqual([3, 6]);
  });
  it('MatMulNBits takes scales in the order that g_idx gives', () => {
    const [weights, scales] = [tensor('uint8', [1, 2, 8], new Array<number>(16).fill(0x99)), f32([1, 2], [1, 10])];
    const groups = tensor('int32', [32], Array.from({ length: 32 }, (_, k) => k % 2));
    const attributes = { K: 32, N: 1, bits: 4, block_size: 16 };
    expect(elementsOf('MatMulNBits', [f32([1, 32], [1, 1, ...new Array<number>(30).fill(0)]), weights, scales, undefined, groups], { attributes, domain, opset: 1 })).toEqual([11]);
  });
  it('SkipLayerNormalization gives mean and deviation', () => {
    const inputs = [f32([1, 1, 2], [1, 2]), f32([1, 1, 2], [0, 1]), f32([2], [1, 1])];
    expect(runOp('SkipLayerNormalization', inputs, { domain, opset: 1, outputs: 4 }).map((r) => r.elements)).toEqual([[-1, 1], [2], [1], [1, 3]]);
  });
});
