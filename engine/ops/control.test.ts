import { describe, expect, it } from 'vitest';
import { int } from '../../jit/expr/expr.ts';
import type { Attribute, Graph, Node } from '../graph/graph.ts';
import type { Program } from '../graph/program.ts';
import { lowerGraph } from './lower.ts';
import { numbersOf } from './testing/compare.ts';
import { f32, i64, tensor } from './testing/run-op.ts';
import { type Feed, runProgram } from './testing/run-program.ts';

const node = (op: string, inputs: readonly string[], outputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): Node =>
  ({ name: op, op, domain: '', inputs, outputs, attributes: new Map(Object.entries(attributes)) });

const graphOf = (inputs: Readonly<Record<string, Feed>>, nodes: readonly Node[], outputs: readonly string[], opset = true): Graph => ({
  name: 'g', opsets: new Map(opset ? [['', 17]] : []), constants: new Map(), nodes, outputs: outputs.map((name) => ({ name })),
  inputs: Object.entries(inputs).map(([name, { dtype, dims }]) => ({ name, type: { dtype, shape: dims.map(int) } })),
});

const branch = (nodes: readonly Node[], outputs: readonly string[], inputs: readonly string[] = []): Attribute =>
  ({ type: 'graph', value: { ...graphOf({}, nodes, outputs, false), inputs: inputs.map((name) => ({ name })) } });

const run = (inputs: Readonly<Record<string, Feed>>, nodes: readonly Node[], outputs: readonly string[]): number[][] =>
  [...runProgram(lowerGraph(graphOf(inputs, nodes, outputs)), new Map(Object.entries(inputs))).values()].map(numbersOf);

const yes = tensor('bool', [], [1]);
const no = tensor('bool', [], [0]);

describe('If', () => {
  const choose = node('If', ['c'], ['y'], {
    then_branch: branch([node('Neg', ['x'], ['a'])], ['a']), else_branch: branch([node('Concat', ['x', 'x'], ['b'], { axis: { type: 'int', value: 0 } })], ['b']),
  });
  it('takes the branch that the data say, whatever its size', () => {
    expect(run({ c: yes, x: f32([2], [1, 2]) }, [choose], ['y'])).toEqual([[-1, -2]]);
    expect(run({ c: no, x: f32([2], [1, 2]) }, [choose], ['y'])).toEqual([[1, 2, 1, 2]]);
  });
});

/** Doubles x while the sum is below 100, and collects the squares of what it doubles. */
const body = branch([
  node('Add', ['v', 'v'], ['next']), node('Mul', ['v', 'v'], ['square']),
  node('ReduceSum', ['next'], ['sum'], { keepdims: { type: 'int', value: 0 } }), node('Less', ['sum', 'limit'], ['again']),
], ['again', 'next', 'square'], ['i', 'going', 'v']);
const loop = (steps: string): Node => node('Loop', [steps, '', 'x'], ['y', 'squares'], { body });

describe('Loop', () => {
  const x = f32([2], [1, 2]);
  const limit = f32([], [100]);
  it('runs as many steps as are fed', () => expect(run({ n: i64([], [3]), x, limit }, [loop('n')], ['y', 'squares'])).toEqual([[8, 16], [1, 4, 4, 16, 16, 64]]));
  it('stops when its condition fails', () => expect(run({ n: i64([], [99]), x, limit: f32([], [10]) }, [loop('n')], ['y'])).toEqual([[4, 8]]));
  it('takes as many steps as there are, over more than one kernel', () => {
    const count = node('Loop', ['n', '', 'x'], ['y'], {
      body: branch([node('Add', ['v', 'one'], ['next']), node('Identity', ['going'], ['again'])], ['again', 'next'], ['i', 'going', 'v']),
    });
    expect(run({ n: i64([], [200_000]), x: i64([1], [7]), one: i64([1], [3]) }, [count], ['y'])).toEqual([[600_007]]);
  });
  it('runs not at all', () => expect(run({ n: i64([], [0]), x, limit }, [loop('n')], ['y', 'squares'])).toEqual([[1, 2], []]));
  const loops = ({ computations }: Program): number => computations.filter((c) => c.body.kind === 'loop').length;
  it('of no more steps than one kernel may take is one', () => {
    const count = node('Constant', [], ['n'], { value_int: { type: 'int', value: 1000 } });
    const program = lowerGraph(graphOf({ x, limit }, [count, loop('n')], ['y']));
    expect([program.blocks, loops(program)]).toEqual([undefined, 1]);
  });
  it('of any number of steps takes many in each kernel, and can be aborted in between', () => {
    const program = lowerGraph(graphOf({ n: i64([], [3]), x, limit }, [loop('n')], ['y']));
    expect(program.blocks?.map((b) => b.parts.map(loops))).toEqual([[1]]);
  });
  it('swaps states', () => {
    const swap = node('Loop', ['n', '', 'a', 'b'], ['p', 'q'], {
      body: branch([node('Identity', ['going'], ['again']), node('Identity', ['w'], ['v2']), node('Identity', ['v'], ['w2'])], ['again', 'v2', 'w2'], ['i', 'going', 'v', 'w']),
    });
    expect(run({ n: i64([], [3]), a: f32([1], [1]), b: f32([1], [2]) }, [swap], ['p', 'q'])).toEqual([[2], [1]]);
  });
  it('a known number of steps is unrolled', () => {
    const count = node('Constant', [], ['n'], { value_int: { type: 'int', value: 2 } });
    const twice = node('Loop', ['n', '', 'x'], ['y'], {
      body: branch([node('Add', ['v', 'v'], ['next']), node('Identity', ['going'], ['again'])], ['again', 'next'], ['i', 'going', 'v']),
    });
    expect(lowerGraph(graphOf({ x }, [count, twice], ['y'])).computations.some((c) => c.body.kind === 'loop')).toBe(false);
    expect(run({ x }, [count, twice], ['y'])).toEqual([[4, 8]]);
  });
});

describe('Scan', () => {
  it('carries a state along and collects', () => {
    const scan = node('Scan', ['s', 'x'], ['last', 'all'], {
      num_scan_inputs: { type: 'int', value: 1 }, body: branch([node('Add', ['a', 'b'], ['c']), node('Identity', ['c'], ['d'])], ['c', 'd'], ['a', 'b']),
    });
    expect(run({ s: f32([1], [0]), x: f32([3, 1], [1, 2, 3]) }, [scan], ['last', 'all'])).toEqual([[6], [1, 3, 6]]);
  });
  it('of opset 8 ends each sequence by itself, in any direction', () => {
    const sums = (directions: readonly number[]): Node => ({ ...node('Scan', ['l', 's', 'x'], ['last', 'all'], {
      num_scan_inputs: { type: 'int', value: 1 }, directions: { type: 'ints', value: directions },
      body: branch([node('Add', ['a', 'b'], ['c']), node('Identity', ['c'], ['d'])], ['c', 'd'], ['a', 'b']),
    }), opset: 8 });
    const feeds = { l: i64([2], [3, 2]), s: f32([2, 1], [0, 10]), x: f32([2, 3, 1], [1, 2, 3, 4, 5, 6]) };
    expect(run(feeds, [sums([0])], ['last', 'all'])).toEqual([[6, 19], [1, 3, 6, 14, 19, 0]]);
    expect(run(feeds, [sums([1])], ['last', 'all'])).toEqual([[6, 19], [3, 5, 6, 15, 19, 0]]);
    expect(() => run({ ...feeds, l: i64([2], [3, 4]) }, [sums([0])], ['all'])).toThrow('do not fit each other');
    expect(() => run({ ...feeds, l: i64([2], [-1, 2]) }, [sums([0])], ['all'])).toThrow(/impossible|below 0/);
  });
});
