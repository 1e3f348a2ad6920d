/** Kernels over the rows of a matrix, of the conformance suite: reductions, softmax, norms and searches, of odd, single and empty lengths. */
import type { DType } from '../expr/dtype.ts';
import {
  type Expr,
  add,
  cast,
  constant,
  div,
  eq,
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

export const m = symbol('M', 0);
export const n = symbol('N', 0);
export const [r, c] = [variable('r', m), variable('c', n)];
export const x = load(0, 'float32', [r, c]);
export const f = (name: string): Expr => ref(name, 'float32');
const count = cast(n, 'float32');
export const epsilon = constant(1e-5, 'float32');

export const runs = [
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

export const square = (e: Expr): Expr => mul(e, e);
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
    without: 'webgpu',
  }),
  rows('sum of int8 as int64', [{ name: 's', op: 'sum', value: cast(load(0, 'int8', [r, c]), 'int64') }], ref('s', 'int64'), false, 'int64', {
    args: [arg('int8', [m, n])],
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
    select(lt(f('s'), 1e9), ref('a', 'int64'), constant(0, 'int64')), false, 'int64', { args: [arg('float32', [m, n]), arg('int64', [m, n])], without: 'webgpu' },
  )),
  rows('any', [{ name: 's', op: 'max', value: load(0, 'bool', [r, c]) }], ref('s', 'bool'), false, 'bool', { args: [arg('bool', [m, n])] }),
  rows('counts what is below zero', [{ name: 's', op: 'sum', value: cast(lt(x, 0), 'int32') }], ref('s', 'int32'), false, 'int32'),
];

const beyond = constant(2147483647, 'int32');
const position = cast(c, 'int32');
const firstOfGreatest: readonly Scan[] = [
  { name: 'm', op: 'max', value: x },
  { name: 'a', op: 'min', value: select(eq(x, f('m')), position, beyond) },
];
const search: Case[] = [
  rows(
    'argmax: the first of the greatest',
    firstOfGreatest,
    cast(ref('a', 'int32'), 'int64'),
    false,
    'int64',
  ),
  rows(
    'argmax among equals',
    firstOfGreatest,
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

export const matrixRowCases: readonly Case[] = [...simple, ...search, ...norms];
