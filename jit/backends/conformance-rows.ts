/** Row kernels of the conformance suite: reductions, softmax, norms and searches over rows of odd, single and empty lengths. */
import type { DType } from '../expr/dtype.ts';
import {
  type Expr,
  add,
  and,
  cast,
  constant,
  div,
  eq,
  floordiv,
  ge,
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
import type { RowsBody, Scan } from '../kernel.ts';
import { type Case, arg, out } from './conformance-kit.ts';

const m = symbol('M', 0);
const n = symbol('N', 0);
const [r, c] = [variable('r', m), variable('c', n)];
const x = load(0, 'float32', [r, c]);
const f = (name: string): Expr => ref(name, 'float32');
const count = cast(n, 'float32');
const epsilon = constant(1e-5, 'float32');

const runs = [
  { M: 3, N: 37 },
  { M: 1, N: 5 },
  { M: 2, N: 1 },
  { M: 5, N: 300 },
];

const rows = (name: string, scans: readonly Scan[], value: Expr, each: boolean, to: DType = 'float32', more: Partial<Case> = {}): Case => {
  const slots = more.args?.length ?? 1;
  const body: RowsBody = { kind: 'rows', axes: [r], inner: [c], scans, each, store: { tensor: slots, index: each ? [r, c] : [r], value } };
  return { name, body, runs, ...more, args: [...(more.args ?? [arg('float32', [m, n])]), out(to, each ? [m, n] : [m])] };
};

const square = (e: Expr): Expr => mul(e, e);
const mean = div(f('s'), count);
const centred = sub(x, mean);
const exp = unary('exp', sub(x, f('m')));

const simple: Case[] = [
  rows('sum', [{ name: 's', op: 'sum', value: x }], f('s'), false, 'float32', { runs: [...runs, { M: 2, N: 0 }, { M: 0, N: 4 }] }),
  rows('max', [{ name: 's', op: 'max', value: x }], f('s'), false),
  rows('min', [{ name: 's', op: 'min', value: x }], f('s'), false),
  rows('product', [{ name: 's', op: 'prod', value: x }], f('s'), false, 'float32', {
    runs: [
      { M: 3, N: 7 },
      { M: 1, N: 16 },
    ],
  }),
  rows('mean', [{ name: 's', op: 'sum', value: x }], mean, false),
  rows('L2 norm', [{ name: 's', op: 'sum', value: square(x) }], unary('sqrt', f('s')), false),
  rows(
    'log of sum of exp',
    [
      { name: 'm', op: 'max', value: x },
      { name: 's', op: 'sum', value: exp },
    ],
    add(unary('log', f('s')), f('m')),
    false,
  ),
  rows('sum of int32', [{ name: 's', op: 'sum', value: load(0, 'int32', [r, c]) }], ref('s', 'int32'), false, 'int32', {
    args: [arg('int32', [m, n])],
  }),
  rows('sum of int64', [{ name: 's', op: 'sum', value: load(0, 'int64', [r, c]) }], ref('s', 'int64'), false, 'int64', {
    args: [arg('int64', [m, n])],
  }),
  rows('max of int8', [{ name: 's', op: 'max', value: load(0, 'int8', [r, c]) }], ref('s', 'int8'), false, 'int8', {
    args: [arg('int8', [m, n])],
  }),
  rows('min of uint8', [{ name: 's', op: 'min', value: load(0, 'uint8', [r, c]) }], ref('s', 'uint8'), false, 'uint8', {
    args: [arg('uint8', [m, n])],
  }),
  rows('product of int32 wraps', [{ name: 's', op: 'prod', value: load(0, 'int32', [r, c]) }], ref('s', 'int32'), false, 'int32', {
    args: [arg('int32', [m, n])],
  }),
  rows('sum of float64', [{ name: 's', op: 'sum', value: load(0, 'float64', [r, c]) }], ref('s', 'float64'), false, 'float64', {
    args: [arg('float64', [m, n])],
    without: 'webgpu',
  }),
  rows(
    'mean of float16',
    [{ name: 's', op: 'sum', value: cast(load(0, 'float16', [r, c]), 'float32') }],
    cast(mean, 'float16'),
    false,
    'float16',
    { args: [arg('float16', [m, n])] },
  ),
  // Found by fuzzing: beside floats the reference began at 0.
  ...(['min', 'max'] as const).map((op) => rows(
    `${op} of int64 beside floats`,
    [{ name: 's', op: 'sum', value: x }, { name: 'a', op, value: sub(mul(load(1, 'int64', [r, c]), 2), op === 'max' ? 300 : -300) }],
    select(lt(f('s'), 1e9), ref('a', 'int64'), constant(0, 'int64')), false, 'int64', { args: [arg('float32', [m, n]), arg('int64', [m, n])] },
  )),
  rows('any', [{ name: 's', op: 'max', value: load(0, 'bool', [r, c]) }], ref('s', 'bool'), false, 'bool', { args: [arg('bool', [m, n])] }),
  rows('counts what is below zero', [{ name: 's', op: 'sum', value: cast(lt(x, 0), 'int32') }], ref('s', 'int32'), false, 'int32'),
];

const beyond = constant(2147483647, 'int32');
const position = cast(c, 'int32');
const search: Case[] = [
  rows(
    'argmax: the first of the greatest',
    [
      { name: 'm', op: 'max', value: x },
      { name: 'a', op: 'min', value: select(eq(x, f('m')), position, beyond) },
    ],
    cast(ref('a', 'int32'), 'int64'),
    false,
    'int64',
  ),
  rows(
    'argmax among equals',
    [
      { name: 'm', op: 'max', value: x },
      { name: 'a', op: 'min', value: select(eq(x, f('m')), position, beyond) },
    ],
    cast(ref('a', 'int32'), 'int64'),
    false,
    'int64',
    { runs: [{ M: 2, N: 9 }], data: { 0: Float32Array.from({ length: 18 }, (_, k) => k % 3) } },
  ),
  rows(
    'argmin of int8, the last',
    [
      { name: 'm', op: 'min', value: load(0, 'int8', [r, c]) },
      { name: 'a', op: 'max', value: select(eq(load(0, 'int8', [r, c]), ref('m', 'int8')), position, constant(-1, 'int32')) },
    ],
    ref('a', 'int32'),
    false,
    'int32',
    { args: [arg('int8', [m, n])] },
  ),
];

const norms: Case[] = [
  rows(
    'softmax',
    [
      { name: 'm', op: 'max', value: x },
      { name: 's', op: 'sum', value: exp },
    ],
    div(exp, f('s')),
    true,
  ),
  rows(
    'softmax of large values',
    [
      { name: 'm', op: 'max', value: x },
      { name: 's', op: 'sum', value: exp },
    ],
    div(exp, f('s')),
    true,
    'float32',
    { runs: [{ M: 1, N: 5 }], data: { 0: Float32Array.of(1000, 999, -1000, 1000, 0) } },
  ),
  rows(
    'log softmax',
    [
      { name: 'm', op: 'max', value: x },
      { name: 's', op: 'sum', value: exp },
    ],
    sub(sub(x, f('m')), unary('log', f('s'))),
    true,
  ),
  rows(
    'layer norm with scale and bias',
    [
      { name: 's', op: 'sum', value: x },
      { name: 'v', op: 'sum', value: square(centred) },
    ],
    add(mul(div(centred, unary('sqrt', add(div(f('v'), count), epsilon))), load(1, 'float32', [c])), load(2, 'float32', [c])),
    true,
    'float32',
    { args: [arg('float32', [m, n]), arg('float32', [n]), arg('float32', [n])] },
  ),
  rows(
    'root mean square norm',
    [{ name: 's', op: 'sum', value: square(x) }],
    mul(mul(x, unary('reciprocal', unary('sqrt', add(mean, epsilon)))), load(1, 'float32', [c])),
    true,
    'float32',
    { args: [arg('float32', [m, n]), arg('float32', [n])] },
  ),
  rows(
    'softmax of float16',
    (() => {
      const h = cast(load(0, 'float16', [r, c]), 'float32');
      return [
        { name: 'm', op: 'max', value: h },
        { name: 's', op: 'sum', value: unary('exp', sub(h, f('m'))) },
      ] as const;
    })(),
    cast(div(unary('exp', sub(cast(load(0, 'float16', [r, c]), 'float32'), f('m'))), f('s')), 'float16'),
    true,
    'float16',
    { args: [arg('float16', [m, n])] },
  ),
  rows(
    'dynamic quantisation of a row',
    [{ name: 'm', op: 'max', value: unary('abs', x) }],
    cast(unary('round', mul(x, div(constant(127, 'float32'), max(f('m'), constant(1e-30, 'float32'))))), 'int8'),
    true,
    'int8',
  ),
];

const [b, h, w] = [variable('b', 2), variable('h', 5), variable('w', 7)];
const ch = variable('ch', 3);
const [row, col, q, k] = [variable('row', 6), variable('col', 6), variable('q', 4), variable('k', 11)];
const masked = select(lt(col, add(row, 1)), load(0, 'float32', [row, col]), constant(-Infinity, 'float32'));
const layouts: Case[] = [
  {
    name: 'global average pool of NCHW',
    body: {
      kind: 'rows',
      axes: [b, ch],
      inner: [h, w],
      each: false,
      scans: [{ name: 's', op: 'sum', value: load(0, 'float32', [b, ch, h, w]) }],
      store: { tensor: 1, index: [b, ch], value: mul(f('s'), constant(1 / 35, 'float32')) },
    },
    args: [arg('float32', [2, 3, 5, 7]), out('float32', [2, 3])],
  },
  {
    name: 'global average pool of channels-last memory',
    body: {
      kind: 'rows',
      axes: [b, ch],
      inner: [h, w],
      each: false,
      scans: [{ name: 's', op: 'sum', value: load(0, 'float32', [b, ch, h, w]) }],
      store: { tensor: 1, index: [b, ch], value: mul(f('s'), constant(1 / 35, 'float32')) },
    },
    args: [arg('float32', [2, 3, 5, 7], 'read', [0, 2, 3, 1]), out('float32', [2, 3])],
  },
  {
    name: 'sum over the first dim',
    body: {
      kind: 'rows',
      axes: [c],
      inner: [r],
      each: false,
      scans: [{ name: 's', op: 'sum', value: x }],
      store: { tensor: 1, index: [c], value: f('s') },
    },
    args: [arg('float32', [m, n]), out('float32', [n])],
    runs: [
      { M: 9, N: 13 },
      { M: 40, N: 3 },
    ],
  },
  {
    name: 'softmax over a middle dim',
    body: {
      kind: 'rows',
      axes: [b, w],
      inner: [h],
      each: true,
      scans: [
        { name: 'm', op: 'max', value: load(0, 'float32', [b, h, w]) },
        { name: 's', op: 'sum', value: unary('exp', sub(load(0, 'float32', [b, h, w]), f('m'))) },
      ],
      store: { tensor: 1, index: [b, h, w], value: div(unary('exp', sub(load(0, 'float32', [b, h, w]), f('m'))), f('s')) },
    },
    args: [arg('float32', [2, 5, 7]), out('float32', [2, 5, 7])],
  },
  {
    name: 'max pool 3x3, stride 2, padded by guards',
    body: {
      kind: 'rows',
      axes: [b, variable('y', 3), variable('x', 4)],
      inner: [variable('ky', 3), variable('kx', 3)],
      each: false,
      scans: [
        {
          name: 'm',
          op: 'max',
          value: (() => {
            const [yy, xx] = [
              sub(add(mul(variable('y', 3), 2), variable('ky', 3)), 1),
              sub(add(mul(variable('x', 4), 2), variable('kx', 3)), 1),
            ];
            return select(and(ge(yy, 0), lt(yy, 5), ge(xx, 0), lt(xx, 7)), load(0, 'float32', [b, yy, xx]), constant(-Infinity, 'float32'));
          })(),
        },
      ],
      store: { tensor: 1, index: [b, variable('y', 3), variable('x', 4)], value: f('m') },
    },
    args: [arg('float32', [2, 5, 7]), out('float32', [2, 3, 4])],
  },
  {
    name: 'sum of 3 points, guarded along the neighbours in memory',
    body: {
      kind: 'rows',
      axes: [b, variable('c', 10)],
      inner: [variable('k', 3)],
      each: false,
      scans: [
        {
          name: 's',
          op: 'sum',
          value: (() => {
            const at = add(variable('c', 10), variable('k', 3));
            return select(lt(at, 7), load(0, 'float32', [b, at]), constant(0, 'float32'));
          })(),
        },
      ],
      store: { tensor: 1, index: [b, variable('c', 10)], value: f('s') },
    },
    args: [arg('float32', [2, 7]), arg('float32', [2, 10], 'write')],
  },
  ...(['max', 'sum'] as const).map((op): Case => ({
    name: `${op} of 5x5 windows of channels-last memory, padded by guards`,
    body: {
      kind: 'rows',
      axes: [b, variable('c', 6), variable('y', 7), variable('x', 8)],
      inner: [variable('ky', 5), variable('kx', 5)],
      each: false,
      scans: [
        {
          name: 'm',
          op,
          value: (() => {
            const [yy, xx] = [sub(add(variable('y', 7), variable('ky', 5)), 2), sub(add(variable('x', 8), variable('kx', 5)), 2)];
            const inside = and(ge(yy, 0), lt(yy, 7), ge(xx, 0), lt(xx, 8));
            return select(inside, load(0, 'float32', [b, variable('c', 6), yy, xx]), constant(op === 'max' ? -Infinity : 0, 'float32'));
          })(),
        },
      ],
      store: { tensor: 1, index: [b, variable('c', 6), variable('y', 7), variable('x', 8)], value: f('m') },
    },
    args: [arg('float32', [2, 6, 7, 8], 'read', [0, 2, 3, 1]), arg('float32', [2, 6, 7, 8], 'write', [0, 2, 3, 1])],
  })),
  {
    name: 'windows over channels that come from elsewhere beyond the fifth',
    body: {
      kind: 'rows',
      axes: [b, variable('y', 5), variable('c', 9)],
      inner: [variable('k', 3)],
      each: false,
      scans: [
        {
          name: 'm',
          op: 'sum',
          value: select(
            lt(variable('c', 9), 5),
            load(0, 'float32', [b, add(variable('y', 5), variable('k', 3)), variable('c', 9)]),
            load(1, 'float32', [b, add(variable('y', 5), variable('k', 3)), variable('c', 9)]),
          ),
        },
      ],
      store: { tensor: 2, index: [b, variable('y', 5), variable('c', 9)], value: f('m') },
    },
    args: [arg('float32', [2, 7, 9]), arg('float32', [2, 7, 9]), out('float32', [2, 5, 9])],
  },
  {
    name: 'causal softmax with -infinity',
    body: {
      kind: 'rows',
      axes: [row],
      inner: [col],
      each: true,
      scans: [
        { name: 'm', op: 'max', value: masked },
        { name: 's', op: 'sum', value: unary('exp', sub(masked, f('m'))) },
      ],
      store: { tensor: 1, index: [row, col], value: div(unary('exp', sub(masked, f('m'))), f('s')) },
    },
    args: [arg('float32', [6, 6]), out('float32', [6, 6])],
  },
  {
    name: 'whole tensor to a scalar',
    body: {
      kind: 'rows',
      axes: [],
      inner: [r, c],
      each: false,
      scans: [{ name: 's', op: 'sum', value: x }],
      store: { tensor: 1, index: [], value: f('s') },
    },
    args: [arg('float32', [m, n]), out('float32', [])],
    runs: [
      { M: 7, N: 11 },
      { M: 40, N: 101 },
    ],
  },
  {
    name: 'group norm: rows of two dims',
    body: {
      kind: 'rows',
      axes: [b, variable('g', 2)],
      inner: [variable('d', 2), w],
      each: true,
      scans: (() => {
        const e = load(0, 'float32', [b, add(mul(variable('g', 2), 2), variable('d', 2)), w]);
        return [
          { name: 's', op: 'sum', value: e },
          { name: 'v', op: 'sum', value: square(sub(e, mul(f('s'), constant(1 / 14, 'float32')))) },
        ] as const;
      })(),
      store: {
        tensor: 1,
        index: [b, add(mul(variable('g', 2), 2), variable('d', 2)), w],
        value: (() => {
          const e = load(0, 'float32', [b, add(mul(variable('g', 2), 2), variable('d', 2)), w]);
          return div(
            sub(e, mul(f('s'), constant(1 / 14, 'float32'))),
            unary('sqrt', add(mul(f('v'), constant(1 / 14, 'float32')), epsilon)),
          );
        })(),
      },
    },
    args: [arg('float32', [2, 4, 7]), out('float32', [2, 4, 7])],
  },
  {
    name: 'gathers within a row',
    body: {
      kind: 'rows',
      axes: [q],
      inner: [k],
      each: false,
      scans: [{ name: 's', op: 'sum', value: load(0, 'float32', [cast(load(1, 'int64', [q]), 'index'), k]) }],
      store: { tensor: 2, index: [q], value: f('s') },
    },
    args: [arg('float32', [6, 11]), arg('int64', [4]), out('float32', [4])],
  },
  {
    name: 'min and max of one row in one kernel',
    body: {
      kind: 'rows',
      axes: [q],
      inner: [k],
      each: false,
      scans: [
        { name: 'lo', op: 'min', value: load(0, 'float32', [q, k]) },
        { name: 'hi', op: 'max', value: load(0, 'float32', [q, k]) },
      ],
      store: { tensor: 1, index: [q], value: sub(f('hi'), f('lo')) },
    },
    args: [arg('float32', [4, 11]), out('float32', [4])],
  },
  {
    name: 'blocks of a row by division',
    body: {
      kind: 'rows',
      axes: [variable('i', 12)],
      inner: [variable('j', 4)],
      each: false,
      scans: [
        {
          name: 's',
          op: 'sum',
          value: load(0, 'float32', [
            floordiv(variable('i', 12), 3),
            add(mul(sub(variable('i', 12), mul(floordiv(variable('i', 12), 3), 3)), 4), variable('j', 4)),
          ]),
        },
      ],
      store: { tensor: 1, index: [variable('i', 12)], value: f('s') },
    },
    args: [arg('float32', [4, 12]), out('float32', [12])],
  },
];

export const rowsCases: readonly Case[] = [...simple, ...search, ...norms, ...layouts];
