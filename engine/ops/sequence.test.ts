/** Lists of tensors as exporters write them, on the reference; what is refused of them, with its reason. */
import { describe, expect, it } from 'vitest';
import { type Value, f32, i64 } from '../testing/control-cases.ts';
import { type GraphSpec, graph } from '../testing/graphs.ts';
import { lowerGraph } from './lower.ts';
import { numbersOf } from './testing/compare.ts';
import { tensor } from './testing/run-op.ts';
import { runProgram } from './testing/run-program.ts';

const run = (spec: GraphSpec, feeds: Readonly<Record<string, Value>>): (readonly [readonly number[], number[]])[] =>
  [...runProgram(lowerGraph(graph(spec)), new Map(Object.entries(feeds).map(([name, v]) => [name, tensor(v.dtype, v.dims, v.elements)]))).values()]
    .map((t) => [t.dims, numbersOf(t)] as const);
const ints = { first: 0, last: -1, two: 2, three: 3, far: 7, sizes: [1, 2], wrong: [1, 1] };
const x = f32([3, 2], [1, 2, 3, 4, 5, 6]);
const refused = (nodes: GraphSpec['nodes'], inputs: GraphSpec['inputs'] = { x: [3, 2] }): (() => unknown) =>
  () => lowerGraph(graph({ inputs, outputs: ['y'], ints, nodes }));

describe('sequences', () => {
  it('are split, taken apart and joined', () => {
    expect(run({ inputs: { x: [3, 2] }, outputs: ['a', 'b', 'n', 'c'], ints, nodes: [
      ['SplitToSequence', 'x sizes', 's', { axis: 0 }], ['SequenceAt', 's first', 'a'], ['SequenceAt', 's last', 'b'], ['SequenceLength', 's', 'n'],
      ['SequenceErase', 's first', 't'], ['SequenceInsert', 't a', 'u'], ['ConcatFromSequence', 'u', 'c', { axis: 0 }],
    ] }, { x })).toEqual([[[1, 2], [1, 2]], [[2, 2], [3, 4, 5, 6]], [[], [2]], [[3, 2], [3, 4, 5, 6, 1, 2]]]);
  });
  it('of single entries lose the axis, and are stacked along another', () => {
    expect(run({ inputs: { x: [3, 2] }, outputs: ['y'], ints, nodes: [
      ['SplitToSequence', 'x', 's', { axis: 0, keepdims: 0 }], ['ConcatFromSequence', 's', 'y', { axis: 1, new_axis: 1 }],
    ] }, { x })).toEqual([[[2, 3], [1, 3, 5, 2, 4, 6]]]);
  });
  it('have a smaller last piece', () => {
    expect(run({ inputs: { x: [3, 2] }, outputs: ['y'], ints, nodes: [['SplitToSequence', 'x two', 's'], ['SequenceAt', 's last', 'y']] }, { x })).toEqual([[[1, 2], [5, 6]]]);
  });
  it('go through loops of few steps', () => {
    expect(run({ inputs: { x: [2] }, outputs: ['y'], ints, nodes: [
      ['SequenceEmpty', '', 's'],
      ['Loop', 'three _ s x', 't v', { body: { inputs: 'i go s x', outputs: 'go2 s2 w', nodes: [
        ['Identity', 'go', 'go2'], ['Add', 'x x', 'w'], ['SequenceInsert', 's w', 's2'],
      ] } }],
      ['ConcatFromSequence', 't', 'y', { axis: 0 }],
    ] }, { x: f32([2], [1, 2]) })).toEqual([[[6], [2, 4, 4, 8, 8, 16]]]);
  });
});

describe('a loop of any length', () => {
  const adding: GraphSpec['nodes'] = [
    ['Loop', 'n _ s x', 't v', { body: { inputs: 'i go s x', outputs: 'go2 s2 w', nodes: [
      ['Identity', 'go', 'go2'], ['Add', 'x x', 'w'], ['SequenceInsert', 's w', 's2'],
    ] } }],
  ];
  const grown = (first: GraphSpec['nodes'][number], n: number, ...last: GraphSpec['nodes']): ReturnType<typeof run> => run(
    { inputs: { x: [2], n: { dtype: 'int64', dims: [] } }, outputs: ['y'], ints, nodes: [first, ...adding, ...last] }, { x: f32([2], [1, 2]), n: i64([], [n]) });
  const none = ['SequenceEmpty', '', 's'] as const;
  it('adds to a sequence, which is joined', () =>
    expect(grown(none, 3, ['ConcatFromSequence', 't', 'y', { axis: 0 }])).toEqual([[[6], [2, 4, 4, 8, 8, 16]]]));
  it('or stacked along another axis', () =>
    expect(grown(none, 3, ['ConcatFromSequence', 't', 'y', { axis: 1, new_axis: 1 }])).toEqual([[[2, 3], [2, 4, 8, 4, 8, 16]]]));
  it('behind what was there', () =>
    expect(grown(['SequenceConstruct', 'x', 's'], 2, ['ConcatFromSequence', 't', 'y', { axis: 0, new_axis: 1 }])).toEqual([[[3, 2], [1, 2, 2, 4, 4, 8]]]));
  it('and counts', () => expect(grown(['SequenceConstruct', 'x', 's'], 4, ['SequenceLength', 't', 'y'])).toEqual([[[], [5]]]));
  it('gives no single items', () => expect(() => grown(none, 2, ['SequenceAt', 't first', 'y'])).toThrow('an item of a sequence that a loop makes longer'));
});

describe('what is wrong with a sequence is an error', () => {
  const parts = ['SplitToSequence', 'x sizes', 's'] as const;
  it.each([
    ['a position', [parts, ['SequenceAt', 's far', 'y']], 'a position in a sequence is out of range\n  expected: -2 to 1\n  got: 7'],
    ['pieces', [['SplitToSequence', 'x wrong', 's'], ['SequenceAt', 's first', 'y']], 'the pieces of a split are not the whole\n  expected: 3 in all\n  got: [1, 1]'],
    ['a tensor', [['SequenceAt', 'x first', 'y']], 'input 0 is no sequence'],
    ['a sequence as a tensor', [parts, ['Neg', 's', 'y']], "the input 's' is a sequence"],
    ['a sequence as an output', [parts, ['Identity', 's', 'y']],
      "the output 'y' is a sequence\n  expected: a tensor\n  hint: hand out its tensors, by SequenceAt or ConcatFromSequence"],
    ['a sequence as a position', [parts, ['SequenceAt', 's s', 'y']], "SequenceAt node 'SequenceAt_1': a sequence is used as a tensor"],
    ['a sequence as a number of steps', [parts, ['Loop', 's _ x', 'y', { body: { inputs: 'i go v', outputs: 'go2 w', nodes: [['Identity', 'go', 'go2'], ['Neg', 'v', 'w']] } }]],
      'a sequence is used as a tensor'],
    ['a sequence of sequences', [parts, ['SequenceInsert', 's s', 't'], ['ConcatFromSequence', 't', 'y', { axis: 0 }]], 'a sequence of sequences'],
    ['an optional that holds nothing', [['Optional', '', 'o'], ['OptionalHasElement', 'o', 'y']], 'an optional that holds nothing'],
    ['tensors of other ranks', [['SequenceConstruct', 'x two', 's'], ['ConcatFromSequence', 's', 'y', { axis: 0 }]], 'the inputs differ in a dim that is not joined'],
  ] satisfies [string, GraphSpec['nodes'], string][])('%s', (_, nodes, message) => {
    expect(refused(nodes)).toThrow(message);
  });
  it.each([
    ['a position that is fed', [parts, ['SequenceAt', 's n', 'y']], 'a position in a sequence must be known while the model is compiled\n'
      + '  expected: a constant\n  got: what only feeds say\n  hint: make it an initializer of the model'],
    ['through a loop of any length', [parts, ['Loop', 'n _ s', 't', { body: { inputs: 'i go s', outputs: 'go2 s2', nodes: [['Identity', 'go', 'go2'], ['Identity', 's', 's2']] } }],
      ['SequenceAt', 't first', 'y']], 'a sequence goes through a loop whose steps are not few and known'],
    ['read in the loop that makes it longer', [parts, ['Loop', 'n _ s', 't', { body: { inputs: 'i go s', outputs: 'go2 s2', nodes: [
      ['Identity', 'go', 'go2'], ['SequenceLength', 's', 'l'], ['SequenceInsert', 's l', 's2'],
    ] } }], ['SequenceLength', 't', 'y']], 'a sequence is read in the loop that makes it longer'],
    ['out of a branch', [parts, ['Cast', 'n', 'c', { to: 9 }], ['If', 'c', 't', {
      then_branch: { outputs: 'a', nodes: [['Identity', 's', 'a']] }, else_branch: { outputs: 'b', nodes: [['SequenceEmpty', '', 'b']] },
    }], ['SequenceAt', 't first', 'y']], 'a sequence comes out of what only the data decide'],
  ] satisfies [string, GraphSpec['nodes'], string][])('%s is refused', (_, nodes, message) => {
    expect(refused(nodes, { x: [3, 2], n: { dtype: 'int64', dims: [] } })).toThrow(message);
  });
});

it('pieces of Split are the whole too', () => {
  expect(refused([['Split', 'x wrong', 'y z', { axis: 0 }]])).toThrow('the pieces of a split are not the whole');
  expect(run({ inputs: { x: [3, 2], s: { dtype: 'int64', dims: [2] } }, outputs: ['y', 'z'], nodes: [['Split', 'x s', 'y z', { axis: 0 }]] }, { x, s: i64([2], [2, 1]) }))
    .toEqual([[[2, 2], [1, 2, 3, 4]], [[1, 2], [5, 6]]]);
});
