/** Operators of com.microsoft that are other operators in another layout or form, against these. */
import { describe, expect, it } from 'vitest';
import { clearExpressions } from '../../jit/expr/expr.ts';
import { loadGraph } from '../load/load-graph.ts';
import { type NodeLiteral, type TensorLiteral, ints, model, node } from '../load/testing/build-model.ts';
import { Seeded } from '../testing/fixture.ts';
import { lowerGraph } from './lower.ts';
import { difference } from './testing/compare.ts';
import { type Feed, runProgram } from './testing/run-program.ts';

const random = new Seeded(23);
const ms = (op: string, inputs: readonly string[], output: string, attributes: NodeLiteral['attributes'] = {}): NodeLiteral =>
  node(op, inputs, output, attributes, { domain: 'com.microsoft' });

type Tensors = Readonly<Record<string, TensorLiteral>>;

async function outputOf(nodes: readonly NodeLiteral[], feeds: Tensors, constants: Tensors): Promise<Feed | undefined> {
  clearExpressions();
  const bytes = model({
    opset: { '': 21, 'com.microsoft': 1 }, nodes, initializers: constants, outputs: { y: 'float32' },
    inputs: Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, `${t.dtype}[${t.dims.join()}]`])),
  });
  return runProgram(lowerGraph(await loadGraph({ kind: 'bytes', bytes })), new Map(Object.entries(feeds))).get('y');
}

async function expectEqual(one: NodeLiteral, other: readonly NodeLiteral[], feeds: Tensors, constants: Tensors = {}): Promise<void> {
  const [got, want] = [await outputOf([one], feeds, {}), await outputOf(other, feeds, constants)];
  expect(want === undefined ? 'nothing to compare with' : difference(got, want, { rtol: 1e-5, atol: 1e-6 })).toBeUndefined();
}

const toFirst = (from: string, to: string): NodeLiteral => node('Transpose', [from], to, { perm: [0, 3, 1, 2] });
const toLast = (from: string, to: string): NodeLiteral => node('Transpose', [from], to, { perm: [0, 2, 3, 1] });
const silu = (from: string, to: string): readonly NodeLiteral[] => [node('Sigmoid', [from], `${to}.s`), node('Mul', [from, `${to}.s`], to)];

describe('channels last', () => {
  const feeds = { x: random.floats([2, 4, 3, 4]), g: random.floats([4]), b: random.floats([4]) };

  it('GroupNorm is GroupNormalization with SiLU', () => expectEqual(
    ms('GroupNorm', ['x', 'g', 'b'], 'y', { groups: 2, activation: 1, epsilon: 1e-5 }),
    [toFirst('x', 'c'), node('GroupNormalization', ['c', 'g', 'b'], 'n', { num_groups: 2, epsilon: 1e-5 }), ...silu('n', 's'), toLast('s', 'y')],
    feeds,
  ));

  it('SkipGroupNorm adds skip and bias first', () => expectEqual(
    ms('SkipGroupNorm', ['x', 'g', 'b', 'skip', 'bias'], 'y', { groups: 2, activation: 0, epsilon: 1e-5 }),
    [
      node('Add', ['x', 'skip'], 'a'), node('Add', ['a', 'bias'], 'z'), toFirst('z', 'c'),
      node('GroupNormalization', ['c', 'g', 'b'], 'n', { num_groups: 2, epsilon: 1e-5 }), toLast('n', 'y'),
    ],
    { ...feeds, skip: random.floats([2, 1, 1, 4]), bias: random.floats([4]) },
  ));

  it('NhwcConv is Conv', () => expectEqual(
    ms('NhwcConv', ['x', 'w', 'bias'], 'y', { pads: [1, 1, 1, 1], strides: [2, 1] }),
    [toFirst('x', 'c'), node('Conv', ['c', 'w', 'bias'], 'd', { pads: [1, 1, 1, 1], strides: [2, 1] }), toLast('d', 'y')],
    { x: feeds.x, w: random.floats([5, 4, 3, 3]), bias: random.floats([5]) },
  ));

  it('NhwcMaxPool is MaxPool', () => expectEqual(
    ms('NhwcMaxPool', ['x'], 'y', { kernel_shape: [2, 3], pads: [0, 1, 1, 1], strides: [2, 1] }),
    [toFirst('x', 'c'), node('MaxPool', ['c'], 'd', { kernel_shape: [2, 3], pads: [0, 1, 1, 1], strides: [2, 1] }), toLast('d', 'y')],
    { x: feeds.x },
  ));

  it('NhwcFusedConv adds a tensor and applies its activation', () => expectEqual(
    ms('NhwcFusedConv', ['x', 'w', 'bias', 'z'], 'y', { activation: 'Relu' }),
    [toFirst('x', 'c'), node('Conv', ['c', 'w', 'bias'], 'd'), toLast('d', 'e'), node('Add', ['e', 'z'], 'f'), node('Relu', ['f'], 'y')],
    { x: feeds.x, w: random.floats([5, 4, 1, 1]), bias: random.floats([5]), z: random.floats([2, 4, 3, 5]) },
  ));
});

it('BiasSplitGelu gates the first half by the second', () => expectEqual(
  ms('BiasSplitGelu', ['x', 'b'], 'y'),
  [node('Add', ['x', 'b'], 'a'), node('Split', ['a'], ['l', 'r'], { axis: -1, num_outputs: 2 }), node('Gelu', ['r'], 'g'), node('Mul', ['l', 'g'], 'y')],
  { x: random.floats([2, 3, 8]), b: random.floats([8]) },
));

it('BiasAdd adds a bias of features and a residual', () => expectEqual(
  ms('BiasAdd', ['x', 'b', 's'], 'y'), [node('Add', ['x', 'b'], 'a'), node('Add', ['a', 's'], 'y')],
  { x: random.floats([2, 3, 4]), b: random.floats([4]), s: random.floats([2, 3, 4]) },
));

describe('MultiHeadAttention reads packed tensors', () => {
  const part = (from: string, which: number, to: string): readonly NodeLiteral[] =>
    [node('Gather', [from, `at${which}`], `${to}.g`, { axis: 3 }), node('Reshape', [`${to}.g`, 'flat'], to)];
  const constants = { at0: scalar(0), at1: scalar(1), at2: scalar(2), flat: ints(0, 0, 8) };

  it('of queries, keys and values', () => expectEqual(
    ms('MultiHeadAttention', ['x'], 'y', { num_heads: 2 }),
    [...part('x', 0, 'q'), ...part('x', 1, 'k'), ...part('x', 2, 'v'), ms('MultiHeadAttention', ['q', 'k', 'v'], 'y', { num_heads: 2 })],
    { x: random.floats([2, 3, 2, 3, 4]) }, constants,
  ));

  it('of keys and values', () => expectEqual(
    ms('MultiHeadAttention', ['q', 'x'], 'y', { num_heads: 2 }),
    [...part('x', 0, 'k'), ...part('x', 1, 'v'), ms('MultiHeadAttention', ['q', 'k', 'v'], 'y', { num_heads: 2 })],
    { q: random.floats([2, 5, 8]), x: random.floats([2, 3, 2, 2, 4]) }, constants,
  ));
});

describe('QAttention is Attention', () => {
  const feeds = {
    x: random.integers('uint8', [2, 3, 8], 0, 256), w: random.integers('int8', [8, 24], -128, 128), b: random.floats([24]),
    xs: random.floats([], 0, 0.02), ws: random.floats([], 0, 0.01), xz: random.integers('uint8', [], 100, 101), mask: random.integers('int32', [2], 1, 4),
  };
  const plain = [
    node('DequantizeLinear', ['x', 'xs', 'xz'], 'a'), node('DequantizeLinear', ['w', 'ws', 'wz'], 'c'),
    ms('Attention', ['a', 'c', 'b', 'mask'], 'y', { num_heads: 2 }),
  ];

  it('of values and weights in 8 bits', () => expectEqual(
    ms('QAttention', ['x', 'w', 'b', 'xs', 'ws', 'mask', 'xz', 'wz'], 'y', { num_heads: 2 }), plain,
    { ...feeds, wz: random.integers('int8', [], 3, 4) },
  ));

  it('whose weights have a scale and a zero point for each column', () => expectEqual(
    ms('QAttention', ['x', 'w', 'b', 'xs', 'ws', 'mask', 'xz', 'wz'], 'y', { num_heads: 2 }),
    [plain[0], node('DequantizeLinear', ['w', 'ws', 'wz'], 'c', { axis: 1 }), plain[2]].filter((n) => n !== undefined),
    { ...feeds, ws: random.floats([24], 0.005, 0.01), wz: random.integers('int8', [24], -4, 4) },
  ));
});

function scalar(value: number): TensorLiteral {
  return { dtype: 'int64', dims: [], data: new BigInt64Array([BigInt(value)]) };
}
