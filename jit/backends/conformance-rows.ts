/** Row kernels of the conformance suite: those of a matrix, and rows in other layouts, masked, guarded and of several axes. */
import {
  add,
  and,
  cast,
  constant,
  div,
  floordiv,
  ge,
  load,
  lt,
  mul,
  select,
  sub,
  unary,
  variable,
} from '../expr/expr.ts';
import { type Case, arg, out } from './conformance-kit.ts';
import { c, epsilon, f, m, matrixRowCases, n, r, square, x } from './conformance-matrix-rows.ts';

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

export const rowsCases: readonly Case[] = [...matrixRowCases, ...layouts];
