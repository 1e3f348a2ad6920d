/**
 * Loop kernels of the conformance suite with inner loops whose turns may, or only seem to, go in any order: what a backend runs together must give
 * what one by one gives.
 */
import { add, cast, constant, gt, int, load, max, mul, ref, select, sub, unary, variable } from '../expr/expr.ts';
import type { Stmt } from '../kernel.ts';
import { type Case, arg, out } from './conformance-kit.ts';
import { define, f, i32, m, n, put, r, runs } from './conformance-loops.ts';

const turn = variable('j', n);
const lane = variable('l', 6);
const y = load(1, 'float32', [r, turn]);
const inner = (body: readonly Stmt[]): Stmt => ({ do: 'for', axis: turn, body });

export const innerLoopCases: readonly Case[] = [
  {
    name: 'a matrix times a vector, by columns, sums in memory',
    runs: [{ M: 3, N: 17 }, { M: 2, N: 3 }, { M: 2, N: 0 }],
    args: [arg('float32', [m, 5]), arg('float32', [5, n]), out('float32', [m, n])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [
        inner([put(2, [r, turn], constant(0, 'float32'))]),
        { do: 'for', axis: variable('k', 5), body: [
          define('w', load(0, 'float32', [r, variable('k', 5)])),
          inner([put(2, [r, turn], add(load(2, 'float32', [r, turn]), mul(f('w'), load(1, 'float32', [variable('k', 5), turn]))))]),
        ] },
      ],
    },
  },
  {
    name: 'two results of named values, one of them narrow, one updated in place',
    runs,
    args: [arg('float32', [m, n]), arg('float32', [m, n], 'readwrite'), out('int8', [m, n]), out('bool', [m, n])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [inner([
        define('a', add(load(0, 'float32', [r, turn]), y)),
        put(1, [r, turn], mul(f('a'), y)),
        define('b', gt(y, f('a'))),
        put(2, [r, turn], cast(select(ref('b', 'bool'), i32(3), cast(turn, 'int32')), 'int8')),
        put(3, [r, turn], ref('b', 'bool')),
      ])],
    },
  },
  {
    name: 'each element from the one stored before it',
    runs,
    args: [arg('float32', [m, n]), arg('float32', [m, n], 'readwrite')],
    body: {
      kind: 'loop',
      axes: [r],
      body: [inner([put(1, [r, turn], add(load(0, 'float32', [r, turn]), load(1, 'float32', [r, max(sub(turn, 1), int(0))])))])],
    },
  },
  {
    name: 'one element that every turn adds to',
    runs,
    args: [arg('float32', [m, n]), arg('float32', [m, 1], 'readwrite')],
    body: { kind: 'loop', axes: [r], body: [inner([put(1, [r, int(0)], add(load(1, 'float32', [r, int(0)]), load(0, 'float32', [r, turn])))])] },
  },
  {
    name: 'results in every third place, from elements in reverse',
    runs,
    args: [arg('float32', [m, n]), arg('float32', [m, mul(n, 3)], 'readwrite')],
    body: {
      kind: 'loop',
      axes: [r],
      body: [inner([put(1, [r, mul(turn, 3)], unary('tanh', load(0, 'float32', [r, sub(sub(n, 1), turn)])))])],
    },
  },
  {
    name: 'several places of one tensor, whole lines apart, one of them as the row wants it',
    runs,
    args: [arg('float32', [m, 6]), out('float32', [3, m, 6])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [{ do: 'for', axis: lane, body: [
        define('a', load(0, 'float32', [r, lane])),
        put(1, [int(0), r, lane], f('a')),
        { do: 'if', cond: gt(r, 0), then: [put(1, [int(1), r, lane], mul(f('a'), f('a')))], else: [put(1, [int(1), r, lane], unary('neg', f('a')))] },
        put(1, [int(2), r, lane], add(f('a'), 1)),
      ] }],
    },
  },
  {
    name: 'two places of one tensor, of which one is the next turn\'s other',
    runs,
    args: [arg('float32', [m, 6]), out('float32', [m, 7])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [{ do: 'for', axis: lane, body: [put(1, [r, lane], load(0, 'float32', [r, lane])), put(1, [r, add(lane, 1)], constant(2, 'float32'))] }],
    },
  },
  {
    name: 'a branch that each turn takes for itself',
    runs,
    args: [arg('float32', [m, 6]), out('float32', [m, 6])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [{ do: 'for', axis: lane, body: [
        define('a', load(0, 'float32', [r, lane])),
        { do: 'if', cond: gt(f('a'), 0), then: [put(1, [r, lane], f('a'))], else: [put(1, [r, lane], mul(f('a'), 3))] },
      ] }],
    },
  },
  {
    name: 'a result that is read again at another place',
    runs,
    args: [arg('float32', [m, n]), arg('float32', [m, n], 'readwrite'), out('float32', [m, n])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [inner([put(1, [r, turn], load(0, 'float32', [r, turn])), put(2, [r, turn], load(1, 'float32', [r, sub(sub(n, 1), turn)]))])],
    },
  },
];
