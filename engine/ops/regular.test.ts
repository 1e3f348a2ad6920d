/** Index tensors that are a line: the same results as where they are fed, from plain maps. */
import { describe, expect, it } from 'vitest';
import { lowerGraph } from './lower.ts';
import { type OpOptions, elementsOf, f32, i64, opGraph } from './testing/run-op.ts';
import type { Feed } from './testing/run-program.ts';

const count = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => i + from);
/** Index tuples of a box: `from` with a dim of `sizes` for each coordinate. */
const box = (from: readonly number[], sizes: readonly number[]): Feed => {
  const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
  const tuple = (flat: number): number[] => from.map((f, d) => f + (Math.floor(flat / product(sizes.slice(d + 1))) % (sizes[d] ?? 1)));
  return i64([...sizes, from.length], count(product(sizes)).flatMap(tuple));
};

const data = f32([4, 3, 5], count(60));
const cases: readonly { readonly name: string; readonly op: string; readonly inputs: readonly Feed[]; readonly options?: OpOptions }[] = [
  { name: 'a box of whole coordinates', op: 'ScatterND', inputs: [data, box([1, 0, 2], [2, 3, 2]), f32([2, 3, 2], count(12, 100))] },
  { name: 'a box of rows', op: 'ScatterND', inputs: [data, box([1, 1], [2, 2]), f32([2, 2, 5], count(20, 100))] },
  { name: 'one slice', op: 'ScatterND', inputs: [data, i64([1, 1], [2]), f32([1, 3, 5], count(15, 100))] },
  {
    name: 'a box that is added to', op: 'ScatterND', inputs: [data, box([0, 1, 0], [4, 1, 5]), f32([4, 1, 5], count(20, 100))],
    options: { attributes: { reduction: 'add' }, opset: 16 },
  },
  {
    name: 'coordinates in another order', op: 'ScatterND',
    inputs: [f32([3, 3], count(9)), i64([2, 3, 2], [0, 0, 1, 0, 2, 0, 0, 1, 1, 1, 2, 1]), f32([2, 3], count(6, 100))],
  },
  { name: 'every other row', op: 'ScatterND', inputs: [data, i64([2, 1], [0, 2]), f32([2, 3, 5], count(30, 100))] },
  { name: 'one place twice', op: 'ScatterND', inputs: [data, i64([2, 1], [1, 1]), f32([2, 3, 5], count(30, 100))] },
  { name: 'windows', op: 'Gather', inputs: [data, i64([2, 3], [0, 1, 2, 1, 2, 3])] },
  { name: 'backwards', op: 'Gather', inputs: [data, i64([4], [3, 2, 1, 0])] },
  { name: 'no line', op: 'Gather', inputs: [data, i64([4], [0, 1, 3, 2])] },
  { name: 'tuples', op: 'GatherND', inputs: [data, box([0, 1], [4, 2])] },
];

describe.each(cases)('$name, for $op', ({ op, inputs, options }) => {
  it('as constants give what they give when fed', () =>
    expect(elementsOf(op, inputs, { ...options, constants: [1] })).toEqual(elementsOf(op, inputs, options)));
});

describe('what is written in a box', () => {
  const kinds = (indices: Feed, updates: Feed): string[] =>
    lowerGraph(opGraph('ScatterND', [data, indices, updates], { constants: [1] })).computations.map(({ body }) => body.kind);
  it('is a map without checks', () => expect(kinds(box([1, 0, 2], [2, 3, 2]), f32([2, 3, 2], count(12)))).toEqual(['map']));
  it('runs in order where updates meet', () => expect(kinds(i64([2, 1], [1, 1]), f32([2, 3, 5], count(30)))).toEqual(['loop']));
});
