/** Operators that choose by comparing, on more elements than fit on one line: held against sorting in JavaScript. */
import { describe, expect, it } from 'vitest';
import { int, symbol } from '../../jit/expr/expr.ts';
import { lowerGraph } from './lower.ts';
import { elementsOf, f32, i64, opGraph, runOp, tensor } from './testing/run-op.ts';
import { type Feed, runProgram } from './testing/run-program.ts';

/** Whole numbers with many ties, the same each time. */
const numbers = (count: number, below: number): number[] => Array.from({ length: count }, (_, i) => ((i * 7919) ^ (i * 31)) % below);
const indicesOf = (elements: readonly number[]): number[] => elements.map((_, i) => i);
const big = (...values: bigint[]): Feed => ({ dtype: 'int64', dims: [values.length], data: new BigInt64Array(values) });
const mostOf64 = 2n ** 63n - 1n;

describe('TopK', () => {
  const x = numbers(97, 13);
  const descending = indicesOf(x).sort((a, b) => (x[b] ?? 0) - (x[a] ?? 0) || a - b);
  const ascending = indicesOf(x).sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0) || a - b);
  it.each([0, 1, 2, 17, 96, 97])('of %i puts what is equal in its order', (k) => {
    expect(runOp('TopK', [f32([97], x), i64([1], [k])], { outputs: 2, constants: [1] })[1]?.elements).toEqual(descending.slice(0, k));
    expect(runOp('TopK', [f32([97], x), i64([1], [k])], { outputs: 2, attributes: { largest: 0 } })[1]?.elements).toEqual(ascending.slice(0, k));
  });
  it('takes NaN for the greatest', () =>
    expect(runOp('TopK', [f32([5], [1, NaN, 3, NaN, Infinity]), i64([1], [4])], { outputs: 2 })[1]?.elements).toEqual([1, 3, 4, 2]));
});

describe('NonMaxSuppression', () => {
  // Boxes of width 1 that stand 0.5 apart share a third.
  const starts = numbers(40, 20);
  const boxes = f32([1, 40, 4], starts.flatMap((s) => [0, s / 2, 1, s / 2 + 1]));
  const scores = numbers(40, 7);
  const taken: number[] = [];
  for (const i of indicesOf(scores).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)) {
    if (taken.every((t) => Math.abs((starts[t] ?? 0) - (starts[i] ?? 0)) > 1)) taken.push(i);
  }
  const chosen = (most: Feed): readonly number[] =>
    elementsOf('NonMaxSuppression', [boxes, f32([1, 1, 40], scores), most, f32([1], [0.3])], { constants: [2, 3] }).filter((_, k) => k % 3 === 2);
  it('takes the best first', () => { expect(chosen(i64([1], [40]))).toEqual(taken); });
  it('stops at the most that are wanted', () => { expect(chosen(i64([1], [3]))).toEqual(taken.slice(0, 3)); });
  it('takes the greatest int64 for no limit', () => { expect(chosen(big(mostOf64))).toEqual(taken); });
  it('does so for boxes whose number is fed', () => {
    const feeds = [boxes, f32([1, 1, 40], scores), big(mostOf64), f32([1], [0.3])];
    const graph = opGraph('NonMaxSuppression', feeds, { constants: [2, 3] });
    const n = symbol('n');
    const inputs = graph.inputs.map(({ name }, k) => ({ name, type: { dtype: 'float32' as const, shape: [int(1), ...(k === 0 ? [n, int(4)] : [int(1), n])] } }));
    const got = runProgram(lowerGraph({ ...graph, inputs }), new Map(feeds.slice(0, 2).map((feed, k) => [`x${k}`, feed])));
    expect(got.get('y0')?.dims).toEqual([taken.length, 3]);
  });
});

describe('Unique', () => {
  const x = numbers(150, 29);
  it('sorts all values', () => expect(runOp('Unique', [f32([150], x)])[0]?.elements).toEqual([...new Set(x)].sort((a, b) => a - b)));
  it('or leaves them as they appear', () => {
    const [values, firsts, inverse, counts] = runOp('Unique', [f32([150], x)], { outputs: 4, attributes: { sorted: 0 } }).map((r) => r.elements);
    const seen = [...new Set(x)];
    expect(values).toEqual(seen);
    expect(firsts).toEqual(seen.map((v) => x.indexOf(v)));
    expect(inverse).toEqual(x.map((v) => seen.indexOf(v)));
    expect(counts).toEqual(seen.map((v) => x.filter((w) => w === v).length));
  });
  it('of nothing is nothing', () => expect(runOp('Unique', [f32([0], [])], { outputs: 4 }).map((r) => r.elements)).toEqual([[], [], [], []]));
});

describe('int64 beyond what a double holds', () => {
  const odd = 2n ** 53n + 1n;
  const exactly = (op: string, inputs: readonly Feed[], constants: readonly number[]): bigint[] => {
    const got = runProgram(lowerGraph(opGraph(op, inputs, { constants })), new Map(inputs.map((feed, k) => [`x${k}`, feed]))).get('y0');
    return Array.from(got?.data as BigInt64Array);
  };
  const scalar = (value: bigint): Feed => ({ ...big(value), dims: [] });
  it('bounds exactly', () => expect(exactly('Clip', [big(5n, 2n ** 60n), scalar(odd)], [1])).toEqual([odd, 2n ** 60n]));
  it('counts exactly', () => expect(exactly('Range', [scalar(odd), scalar(odd + 2n), scalar(1n)], [0, 1, 2])).toEqual([odd, odd + 1n]));
  it('until the end is the end', () =>
    expect(elementsOf('Slice', [f32([3], [1, 2, 3]), i64([1], [1]), big(mostOf64)], { constants: [1, 2] })).toEqual([2, 3]));
});

it('lists of dims are integers', () =>
  expect(() => runOp('Split', [f32([2], [1, 2]), tensor('float16', [2], [1, 1])], { outputs: 2, constants: [1] })).toThrow(/not of integers/));
