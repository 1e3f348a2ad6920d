/** Loop kernels of the conformance suite: scans, scatters, searches, sorting; what runs in program order. */
import {
  type Expr,
  add,
  and,
  binary,
  cast,
  constant,
  eq,
  floordiv,
  ge,
  gt,
  int,
  load,
  lt,
  max,
  mul,
  ref,
  select,
  sub,
  symbol,
  unary,
  variable,
} from '../expr/expr.ts';
import type { Stmt } from '../kernel.ts';
import { type Case, arg, out } from './conformance-kit.ts';

export const m = symbol('M', 1);
export const n = symbol('N', 0);
export const [r, c] = [variable('r', m), variable('c', n)];
export const runs = [
  { M: 3, N: 17 },
  { M: 1, N: 1 },
  { M: 2, N: 0 },
];

export const put = (tensor: number, index: readonly Expr[], value: Expr): Stmt => ({ do: 'store', store: { tensor, index, value } });
export const define = (name: string, value: Expr): Stmt => ({ do: 'let', name, value });
const set = (name: string, value: Expr): Stmt => ({ do: 'set', name, value });
export const i32 = (v: number): Expr => constant(v, 'int32');
export const f = (name: string): Expr => ref(name, 'float32');
const i = (name: string): Expr => ref(name, 'int32');
const at = (name: string): Expr => cast(i(name), 'index');
const x = load(0, 'float32', [r, c]);

const scans: Case[] = [
  {
    name: 'running sum of each row',
    runs,
    args: [arg('float32', [m, n]), out('float32', [m, n])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [define('s', constant(0, 'float32')), { do: 'for', axis: c, body: [set('s', add(f('s'), x)), put(1, [r, c], f('s'))] }],
    },
  },
  {
    name: 'running sum, exclusive and reversed, of int64',
    without: 'webgpu',
    runs,
    args: [arg('int64', [m, n]), out('int64', [m, n])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [
        define('s', constant(0, 'int64')),
        {
          do: 'for',
          axis: c,
          body: [
            put(1, [r, sub(sub(n, 1), c)], ref('s', 'int64')),
            set('s', add(ref('s', 'int64'), load(0, 'int64', [r, sub(sub(n, 1), c)]))),
          ],
        },
      ],
    },
  },
  {
    name: 'running product with what was stored',
    runs: [{ M: 3, N: 9 }],
    args: [arg('float32', [m, n]), arg('float32', [m, n], 'readwrite')],
    body: {
      kind: 'loop',
      axes: [r],
      body: [
        {
          do: 'for',
          axis: c,
          body: [put(1, [r, c], mul(x, select(gt(c, 0), load(1, 'float32', [r, sub(c, 1)]), constant(1, 'float32'))))],
        },
      ],
    },
  },
  {
    name: 'a recurrence with tanh',
    runs: [{ M: 4, N: 11 }],
    args: [arg('float32', [m, n]), out('float32', [m])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [
        define('h', constant(0, 'float32')),
        { do: 'for', axis: c, body: [set('h', unary('tanh', add(mul(f('h'), constant(0.5, 'float32')), x)))] },
        put(1, [r], f('h')),
      ],
    },
  },
];

const k = variable('k', 5);
const target = cast(load(1, 'int64', [k]), 'index');
const scatters: Case[] = [
  {
    name: 'scatters rows into a tensor',
    args: [arg('float32', [5, 3]), arg('int64', [5]), arg('float32', [7, 3], 'readwrite')],
    data: { 1: BigInt64Array.of(6n, 0n, 3n, 3n, 1n) },
    body: {
      kind: 'loop',
      axes: [variable('j', 3)],
      body: [{ do: 'for', axis: k, body: [put(2, [target, variable('j', 3)], load(0, 'float32', [k, variable('j', 3)]))] }],
    },
  },
  {
    name: 'scatters with addition',
    args: [arg('float32', [5]), arg('int64', [5]), arg('float32', [7], 'readwrite')],
    data: { 1: BigInt64Array.of(6n, 0n, 3n, 3n, 3n) },
    body: {
      kind: 'loop',
      axes: [],
      body: [{ do: 'for', axis: k, body: [put(2, [target], add(load(2, 'float32', [target]), load(0, 'float32', [k])))] }],
    },
  },
  {
    name: 'writes single bytes',
    args: [arg('uint8', [5]), arg('int64', [5]), arg('uint8', [9], 'readwrite')],
    data: { 1: BigInt64Array.of(8n, 0n, 3n, 5n, 1n) },
    body: { kind: 'loop', axes: [], body: [{ do: 'for', axis: k, body: [put(2, [target], load(0, 'uint8', [k]))] }] },
  },
  {
    name: 'counts and lists what is not zero',
    runs: [{ N: 23 }],
    args: [arg('int8', [n]), out('int64', [n]), out('int64', [1])],
    data: { 0: Int8Array.from({ length: 23 }, (_, j) => ((j * 7) % 5 === 0 ? 0 : j - 9)) },
    body: {
      kind: 'loop',
      axes: [],
      body: [
        define('found', i32(0)),
        {
          do: 'for',
          axis: c,
          body: [
            {
              do: 'if',
              cond: binary('ne', load(0, 'int8', [c]), constant(0, 'int8')),
              then: [put(1, [at('found')], cast(c, 'int64')), set('found', add(i('found'), 1))],
              else: [],
            },
          ],
        },
        put(2, [int(0)], cast(i('found'), 'int64')),
      ],
    },
  },
];

const value = (index: Expr): Expr => load(1, 'float32', [r, index]);
const searches: Case[] = [
  {
    name: 'binary search',
    runs: [{ N: 21, M: 6 }],
    args: [arg('float32', [n]), arg('float32', [m]), out('int32', [m])],
    data: { 0: Float32Array.from({ length: 21 }, (_, j) => j * 0.1 - 1) },
    body: {
      kind: 'loop',
      axes: [r],
      body: [
        define('low', i32(0)),
        define('high', cast(n, 'int32')),
        {
          do: 'while',
          cond: lt(i('low'), i('high')),
          body: [
            define('middle', floordiv(add(i('low'), i('high')), 2)),
            {
              do: 'if',
              cond: lt(load(0, 'float32', [at('middle')]), load(1, 'float32', [r])),
              then: [set('low', add(i('middle'), 1))],
              else: [set('high', i('middle'))],
            },
          ],
        },
        put(2, [r], i('low')),
      ],
    },
  },
  {
    name: 'insertion sort of each row',
    runs: [
      { M: 3, N: 14 },
      { M: 1, N: 1 },
    ],
    args: [arg('float32', [m, n]), arg('float32', [m, n], 'readwrite')],
    body: {
      kind: 'loop',
      axes: [r],
      body: [
        {
          do: 'for',
          axis: c,
          body: [
            define('v', x),
            define('p', cast(c, 'int32')),
            {
              do: 'while',
              cond: select(gt(i('p'), 0), gt(value(sub(at('p'), 1)), f('v')), constant(0, 'bool')),
              body: [put(1, [r, at('p')], value(sub(at('p'), 1))), set('p', sub(i('p'), 1))],
            },
            put(1, [r, at('p')], f('v')),
          ],
        },
      ],
    },
  },
  {
    name: 'the three greatest of each row with their places',
    runs: [{ M: 4, N: 19 }],
    args: [arg('float32', [m, n]), out('float32', [m, 3]), out('int64', [m, 3])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [
        define('last', constant(Infinity, 'float32')),
        define('lastAt', i32(-1)),
        {
          do: 'for',
          axis: variable('t', 3),
          body: [
            define('best', constant(-Infinity, 'float32')),
            define('bestAt', i32(0)),
            {
              do: 'for',
              axis: c,
              body: [
                {
                  do: 'if',
                  cond: and(binary('or', lt(x, f('last')), and(eq(x, f('last')), gt(cast(c, 'int32'), i('lastAt')))), gt(x, f('best'))),
                  then: [set('best', x), set('bestAt', cast(c, 'int32'))],
                  else: [],
                },
              ],
            },
            put(1, [r, variable('t', 3)], f('best')),
            put(2, [r, variable('t', 3)], cast(i('bestAt'), 'int64')),
            set('last', f('best')),
            set('lastAt', i('bestAt')),
          ],
        },
      ],
    },
  },
  {
    name: 'greedy suppression: a flag in memory',
    args: [arg('float32', [9]), out('bool', [9])],
    data: { 0: Float32Array.of(0, 0.1, 0.6, 0.65, 2, 1.1, 1.15, 0.62, 3) },
    body: {
      kind: 'loop',
      axes: [],
      body: [
        {
          do: 'for',
          axis: variable('a', 9),
          body: [
            define('keep', constant(1, 'bool')),
            {
              do: 'for',
              axis: variable('b', 9),
              body: [
                {
                  do: 'if',
                  cond: and(
                    lt(variable('b', 9), variable('a', 9)),
                    lt(
                      unary('abs', sub(load(0, 'float32', [variable('a', 9)]), load(0, 'float32', [variable('b', 9)]))),
                      constant(0.2, 'float32'),
                    ),
                  ),
                  then: [{ do: 'if', cond: load(1, 'bool', [variable('b', 9)]), then: [set('keep', constant(0, 'bool'))], else: [] }],
                  else: [],
                },
              ],
            },
            put(1, [variable('a', 9)], ref('keep', 'bool')),
          ],
        },
      ],
    },
  },
  {
    name: 'greatest common divisors of int64',
    runs: [{ N: 7 }],
    args: [arg('int64', [n]), arg('int64', [n]), out('int64', [n])],
    without: 'webgpu',
    data: { 0: BigInt64Array.of(12n, 35n, 0n, 2n ** 40n, 17n, 100n, 6n), 1: BigInt64Array.of(18n, 14n, 5n, 2n ** 35n * 3n, 4n, 75n, 6n) },
    body: {
      kind: 'loop',
      axes: [c],
      body: [
        define('a', load(0, 'int64', [c])),
        define('b', load(1, 'int64', [c])),
        {
          do: 'while',
          cond: binary('ne', ref('b', 'int64'), constant(0, 'int64')),
          body: [
            define('rest', binary('rem', ref('a', 'int64'), ref('b', 'int64'))),
            set('a', ref('b', 'int64')),
            set('b', ref('rest', 'int64')),
          ],
        },
        put(2, [c], ref('a', 'int64')),
      ],
    },
  },
  {
    name: 'an inner loop whose end depends on the outer',
    runs: [{ M: 6 }],
    args: [arg('float32', [m]), out('float32', [m])],
    body: {
      kind: 'loop',
      axes: [r],
      body: [
        define('s', constant(0, 'float32')),
        { do: 'for', axis: variable('j', add(r, 1)), body: [set('s', max(f('s'), load(0, 'float32', [variable('j', add(r, 1))])))] },
        put(1, [r], f('s')),
      ],
    },
  },
  {
    name: 'runs of equal values',
    runs: [{ N: 12 }],
    args: [arg('int32', [n]), out('int32', [n])],
    data: { 0: Int32Array.of(1, 1, 2, 2, 2, 3, 1, 1, 4, 4, 4, 4) },
    body: {
      kind: 'loop',
      axes: [],
      body: [
        define('length', i32(0)),
        {
          do: 'for',
          axis: c,
          body: [
            {
              do: 'if',
              cond: and(ge(c, 1), eq(load(0, 'int32', [c]), load(0, 'int32', [max(sub(c, 1), int(0))]))),
              then: [set('length', add(i('length'), 1))],
              else: [set('length', i32(1))],
            },
            put(1, [c], i('length')),
          ],
        },
      ],
    },
  },
];

/** So many variables that their numbers pass 32, at any of the three things that each loop names: a variable of WGSL was called i32 once. */
const manyNames = [0, 1, 2].map((extra): Case => ({
  name: `twenty loops after ${extra} locals`,
  runs: [{ M: 3, N: 5 }],
  args: [arg('float32', [m, n]), out('float32', [m, n])],
  body: {
    kind: 'loop',
    axes: [r],
    body: [
      ...Array.from({ length: extra }, (_, k) => define(`e${k}`, i32(k))),
      ...Array.from({ length: 20 }, (_, k): Stmt => {
        const turn = variable(`c${k}`, n);
        return { do: 'for', axis: turn, body: [define(`t${k}`, i32(k)), put(1, [r, turn], add(load(0, 'float32', [r, turn]), cast(i(`t${k}`), 'float32')))] };
      }),
    ],
  },
}));

export const loopCases: readonly Case[] = [...manyNames, ...scans, ...scatters, ...searches];
