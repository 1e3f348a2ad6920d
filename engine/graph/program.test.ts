import { describe, expect, it } from 'vitest';
import { add, constant, int, load, mul, symbol, variable } from '../../jit/expr/expr.ts';
import { Constant } from './graph.ts';
import { printProgram } from './print.ts';
import type { Program } from './program.ts';

const n = symbol('N', 1);

/** y = 2 * x + k, with tensors numbered from a given one. */
function program(first: number): Program {
  const [x, k, y] = [first, first + 7, first + 3];
  const i = variable('i', n);
  const value = add(mul(constant(2, 'float32'), load(x, 'float32', [i])), load(k, 'float32', [int(0)]));
  return {
    tensors: new Map([
      [x, { id: x, dtype: 'float32', shape: [n], source: { kind: 'input', name: 'x' } }],
      [k, { id: k, dtype: 'float32', shape: [int(1)], source: { kind: 'constant', constant: new Constant('float32', [1], new Uint8Array(4)) } }],
      [y, { id: y, dtype: 'float32', shape: [n], source: { kind: 'computed' } }],
    ]),
    computations: [{ body: { kind: 'map', axes: [i], store: { tensor: y, index: [i], value } }, outputs: [y], origins: [{ node: 'a', op: 'Add' }] }],
    inputs: [{ name: 'x', tensor: x }],
    outputs: [{ name: 'y', tensor: y }],
    dataDims: [],
  };
}

describe('the text of a program', () => {
  it('shows tensors, computations and outputs', () => expect(printProgram(program(0))).toBe([
    'input x = t0: float32[N]',
    't1: float32[1] constant',
    't2: float32[N]',
    'compute t2  # Add a',
    '  for i<N',
    '    t2[i] = ((float32(2) * t0[i]) + t1[0])',
    'output y = t2',
  ].join('\n')));
  it('does not depend on how tensors are numbered', () => expect(printProgram(program(40))).toBe(printProgram(program(0))));
});
