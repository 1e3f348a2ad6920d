/** Indices outside what they index: an error that names node, operator, what was expected and found; known ones fail before anything runs. */
import { describe, expect, it } from 'vitest';
import { QuernError } from '../../jit/error.ts';
import { symbol } from '../../jit/expr/expr.ts';
import { lowerGraph } from './lower.ts';
import { type OpOptions, elementsOf, f32, i64, opGraph, runOp, tensor } from './testing/run-op.ts';
import { type Feed, runProgram } from './testing/run-program.ts';

function failure(act: () => unknown): Partial<QuernError> {
  try {
    act();
  } catch (error) {
    if (error instanceof QuernError) return error;
    throw error;
  }
  return {};
}

interface Family {
  readonly inputs: readonly Feed[];
  readonly options?: OpOptions;
  /** The input that holds indices. */
  readonly at: number;
  readonly expected: string;
  readonly got: string;
}

const line = f32([3], [7, 8, 9]);
const plane = f32([2, 3], [1, 2, 3, 4, 5, 6]);
const families: Record<string, Family> = {
  Gather: { inputs: [line, i64([2], [0, 3])], at: 1, expected: '-3 to 2', got: '3' },
  GatherElements: { inputs: [plane, i64([1, 2], [0, -3])], at: 1, expected: '-2 to 1', got: '-3' },
  GatherND: { inputs: [plane, i64([1, 2], [1, 4])], at: 1, expected: '-3 to 2', got: '4' },
  ScatterElements: { inputs: [line, i64([1], [5]), f32([1], [1])], at: 1, expected: '-3 to 2', got: '5' },
  ScatterND: { inputs: [line, i64([1, 1], [-4]), f32([1], [1])], at: 1, expected: '-3 to 2', got: '-4' },
  TensorScatter: {
    inputs: [f32([1, 1, 4, 1], [0, 0, 0, 0]), f32([1, 1, 2, 1], [1, 2]), i64([1], [3])], options: { opset: 24 }, at: 2, expected: '0 to 2', got: '3',
  },
  ReverseSequence: { inputs: [plane, i64([3], [1, 2, 3])], at: 1, expected: '1 to 2', got: '3' },
  LSTM: {
    inputs: [f32([2, 1, 1], [1, 2]), f32([1, 4, 1], [1, 1, 1, 1]), f32([1, 4, 1], [1, 1, 1, 1]), f32([1, 8], [0, 0, 0, 0, 0, 0, 0, 0]), tensor('int32', [1], [5])],
    options: { attributes: { hidden_size: 1 } }, at: 4, expected: '0 to 2', got: '5',
  },
  MaxUnpool: {
    inputs: [f32([1, 1, 1, 1], [5]), i64([1, 1, 1, 1], [4])], options: { attributes: { kernel_shape: [2, 2], strides: [2, 2] } }, at: 1, expected: '0 to 3', got: '4',
  },
  RoiAlign: { inputs: [f32([1, 1, 1, 1], [5]), f32([1, 4], [0, 0, 1, 1]), i64([1], [1])], at: 2, expected: '0 to 0', got: '1' },
  NegativeLogLikelihoodLoss: { inputs: [plane, i64([2], [0, 3])], at: 1, expected: '0 to 2', got: '3' },
  SoftmaxCrossEntropyLoss: { inputs: [plane, i64([2], [-1, 2])], at: 1, expected: '0 to 2', got: '-1' },
  RotaryEmbedding: {
    inputs: [f32([1, 1, 1, 2], [1, 2]), f32([4, 1], [1, 1, 1, 1]), f32([4, 1], [0, 0, 0, 0]), i64([1, 1], [4])], at: 3, expected: '0 to 3', got: '4',
  },
};

describe.each(Object.entries(families))('%s', (op, { inputs, options = {}, at, expected, got }) => {
  const wanted = { code: 'index-out-of-range', node: 'n', op, expected, got };
  it('refuses a fed index out of range', () => expect(failure(() => runOp(op, inputs, options))).toMatchObject(wanted));
  it('refuses a constant one while compiling', () =>
    expect(failure(() => lowerGraph(opGraph(op, inputs, { ...options, constants: [at] })))).toMatchObject(wanted));
});

describe('checks of indices', () => {
  const checks = (op: string, inputs: readonly Feed[], options: OpOptions): number => lowerGraph(opGraph(op, inputs, options)).checks?.length ?? 0;
  it('are not emitted where the indices are known', () => expect(checks('Gather', [line, i64([2], [-3, 2])], { constants: [1] })).toBe(0));
  it('are emitted for indices that are fed', () => expect(checks('Gather', [line, i64([2], [-3, 2])], {})).toBe(1));
  it('look at each coordinate of a tuple', () => expect(checks('GatherND', [plane, i64([1, 2], [1, 2])], {})).toBe(2));
  it('let ignored targets of a loss pass', () =>
    expect(elementsOf('NegativeLogLikelihoodLoss', [plane, i64([2], [0, -100])], { attributes: { ignore_index: -100, reduction: 'sum' } })).toEqual([-1]));
  it('let an empty list of indices pass', () => expect(elementsOf('Gather', [line, i64([0], [])])).toEqual([]));
  it('hold known indices against a dim that is bound later', () => {
    const graph = opGraph('Gather', [line, i64([1], [3])], { constants: [1] });
    const program = lowerGraph({ ...graph, inputs: [{ name: 'x0', type: { dtype: 'float32', shape: [symbol('N')] } }] });
    expect(failure(() => runProgram(program, new Map([['x0', line]])))).toMatchObject({ code: 'index-out-of-range' });
    expect(runProgram(program, new Map([['x0', f32([4], [1, 2, 3, 4])]])).get('y0')?.data[0]).toBe(4);
  });
  it('look at types of indices other than int64', () =>
    expect(failure(() => runOp('Gather', [line, tensor('int32', [1], [9])]))).toMatchObject({ expected: '-3 to 2', got: '9' }));
});
