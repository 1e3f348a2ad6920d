/** Convolutions of the conformance suite, as contractions with guarded left-hand sides: padded, strided, dilated, grouped, depthwise. */
import { type Expr, add, and, cast, constant, ge, int, load, lt, max, mul, ref, select, sub, symbol, variable } from '../expr/expr.ts';
import type { Arg, ContractionBody } from '../kernel.ts';
import { type Case, arg, out, packed } from './conformance-kit.ts';

const acc = ref('acc', 'float32');
const zero = constant(0, 'float32');

interface Conv {
  readonly size: readonly [number, number];
  readonly channels: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride?: number;
  readonly dilation?: number;
  readonly pad?: number;
  readonly groups?: number;
  readonly last?: boolean;
}

/** A 2-D convolution of a batch of 2; NCHW shapes, channels-last memory with `last`. Groups of one channel are depthwise. */
function conv({ size: [h, w], channels: [ci, co], kernel: [kh, kw], stride = 1, dilation = 1, pad = 0, groups = 1, last = false }: Conv) {
  const out1 = (x: number, kx: number): number => Math.floor((x + 2 * pad - dilation * (kx - 1) - 1) / stride) + 1;
  const [oh, ow] = [out1(h, kh), out1(w, kw)];
  const [b, y, x, ky, kx] = [variable('b', 2), variable('y', oh), variable('x', ow), variable('ky', kh), variable('kx', kw)];
  const [inGroup, outGroup] = [ci / groups, co / groups];
  const depthwise = inGroup === 1 && outGroup === 1;
  const [gr, c, o] = [variable('gr', groups), variable('c', inGroup), variable('o', outGroup)];
  const [yy, xx] = [add(mul(y, stride), sub(mul(ky, dilation), pad)), add(mul(x, stride), sub(mul(kx, dilation), pad))];
  const channel = groups === 1 ? c : depthwise ? gr : add(mul(gr, inGroup), c);
  const target = groups === 1 ? o : depthwise ? gr : add(mul(gr, outGroup), o);
  const source = load(0, 'float32', [b, channel, yy, xx]);
  const inside = and(ge(yy, 0), lt(yy, h), ge(xx, 0), lt(xx, w));
  const body: ContractionBody = {
    kind: 'contraction',
    batch: groups === 1 ? [] : [gr],
    rows: [b, y, x],
    cols: depthwise ? [] : [o],
    depth: depthwise ? [ky, kx] : [ky, kx, c],
    lhs: select(inside, source, zero),
    rhs: load(1, 'float32', [target, depthwise ? int(0) : c, ky, kx]),
    store: { tensor: 2, index: [b, target, y, x], value: max(add(acc, load(3, 'float32', [target])), zero) },
  };
  const order = last ? [0, 2, 3, 1] : undefined;
  return {
    body,
    args: [
      arg('float32', [2, ci, h, w], 'read', order),
      arg('float32', [co, inGroup, kh, kw]),
      out('float32', [2, co, oh, ow], order),
      arg('float32', [co]),
    ],
  };
}

/** A 1-D convolution with the kernel turned round, as ConvTranspose has it: both operands may run backwards in memory. */
function turned(size: number, channels: number, kernel: number): Pick<Case, 'body' | 'args'> {
  const out1 = size - kernel + 1;
  const [x, o, k] = [variable('x', out1), variable('o', channels), variable('k', kernel)];
  return {
    body: {
      kind: 'contraction', batch: [], rows: [x], cols: [o], depth: [k],
      lhs: load(0, 'float32', [sub(add(x, kernel - 1), k)]), rhs: load(1, 'float32', [sub(kernel - 1, k), o]),
      store: { tensor: 2, index: [x, o], value: acc },
    },
    args: [arg('float32', [size]), arg('float32', [kernel, channels]), out('float32', [out1, channels])],
  };
}

/** Bytes less a zero point that is fed, padded in one dim, channels last: sums of whole numbers. */
export function bytes(channels: number, groups = 1): { readonly body: ContractionBody; readonly args: readonly Arg[] } {
  const [x, o, k, c, g] = [variable('x', 9), variable('o', 10), variable('k', 3), variable('c', channels), variable('g', groups)];
  const at = sub(add(x, k), 1);
  const wide = (e: Expr): Expr => cast(e, 'int32');
  const channel = groups === 1 ? c : add(mul(g, channels), c);
  const output = groups === 1 ? o : add(mul(g, 10), o);
  return {
    body: {
      kind: 'contraction', batch: groups === 1 ? [] : [g], rows: [x], cols: [o], depth: [k, c],
      lhs: select(and(ge(at, 0), lt(at, 9)), sub(wide(load(0, 'uint8', [at, channel])), wide(load(3, 'uint8', [int(0)]))), constant(0, 'int32')),
      rhs: wide(load(1, 'int8', [output, c, k])),
      store: { tensor: 2, index: [x, output], value: ref('acc', 'int32') },
    },
    args: [arg('uint8', [9, groups * channels]), arg('int8', [10 * groups, channels, 3]), out('int32', [9, 10 * groups]), arg('uint8', [1])],
  };
}

const shapes: readonly (readonly [string, Conv])[] = [
  ['1x1', { size: [5, 7], channels: [6, 10], kernel: [1, 1] }],
  ['3x3', { size: [6, 7], channels: [3, 5], kernel: [3, 3] }],
  ['3x3 padded', { size: [5, 6], channels: [4, 9], kernel: [3, 3], pad: 1 }],
  ['3x3 padded, stride 2', { size: [9, 8], channels: [5, 6], kernel: [3, 3], pad: 1, stride: 2 }],
  ['5x3 padded, dilated', { size: [11, 9], channels: [3, 4], kernel: [5, 3], pad: 2, dilation: 2 }],
  ['7x7 of an image', { size: [15, 13], channels: [3, 8], kernel: [7, 7], pad: 3, stride: 2 }],
  ['1x1, stride 2', { size: [6, 5], channels: [4, 7], kernel: [1, 1], stride: 2 }],
];
export const convolutionCases: readonly Case[] = [
  ...shapes.flatMap(([name, shape]): Case[] => [
    { name: `conv ${name}`, ...conv(shape) },
    { name: `conv ${name}, channels last`, ...conv({ ...shape, last: true }) },
    packed(`conv ${name}, channels last`, conv({ ...shape, last: true }), 8),
  ]),
  packed('conv 3x3 padded, channels first', conv({ size: [5, 6], channels: [4, 9], kernel: [3, 3], pad: 1 }), 4),
  { name: 'conv in 2 groups', ...conv({ size: [5, 6], channels: [4, 6], kernel: [3, 3], pad: 1, groups: 2 }) },
  { name: 'conv in 2 groups, channels last', ...conv({ size: [5, 6], channels: [8, 12], kernel: [3, 3], pad: 1, groups: 2, last: true }) },
  packed('conv in 2 groups, channels last', conv({ size: [5, 6], channels: [8, 12], kernel: [3, 3], pad: 1, groups: 2, last: true }), 4),
  { name: 'depthwise conv', ...conv({ size: [7, 6], channels: [10, 10], kernel: [3, 3], pad: 1, groups: 10 }) },
  { name: 'depthwise conv, channels last', ...conv({ size: [7, 6], channels: [10, 10], kernel: [3, 3], pad: 1, groups: 10, last: true }) },
  {
    name: 'depthwise conv, channels last, stride 2, 5x5',
    ...conv({ size: [9, 8], channels: [13, 13], kernel: [5, 5], pad: 2, stride: 2, groups: 13, last: true }),
  },
  { name: 'conv with a turned kernel', ...turned(23, 9, 5) },
  ...[[3, 1], [8, 1], [4, 3], [5, 2]].map(([channels = 0, groups = 1]) =>
    packed(`conv of ${channels} channels of bytes in ${groups} groups`, bytes(channels, groups), 8, { without: 'webgpu' })),
  ofNothing(),
  intoDouble('depthwise conv, channels last, into float64', conv({ size: [7, 6], channels: [8, 8], kernel: [3, 3], pad: 1, groups: 8, last: true })),
];

/** Found by fuzzing: nothing of an image without pixels is inside, though all of its padding is computed. */
function ofNothing(): Case {
  const size = symbol('S', 0);
  const [y, k, c, o] = [variable('y', add(size, 2)), variable('k', 3), variable('c', 4), variable('o', 5)];
  const at = sub(add(y, k), 2);
  const body: ContractionBody = {
    kind: 'contraction', batch: [], rows: [y], cols: [o], depth: [k, c],
    lhs: select(and(ge(at, 0), lt(at, size)), load(0, 'float32', [at, c]), zero), rhs: load(1, 'float32', [k, c, o]),
    store: { tensor: 2, index: [y, o], value: acc },
  };
  const args = [arg('float32', [size, 4]), arg('float32', [3, 4, 5]), out('float32', [add(size, 2), 5])];
  return packed('conv of an empty image, padded', { body, args }, 8, { runs: [{ S: 0 }, { S: 1 }, { S: 6 }] });
}

/** Found by fuzzing: results of 64 bits have no lanes. */
function intoDouble(name: string, { body, args }: ReturnType<typeof conv>): Case {
  const wide = { ...body, store: { ...body.store, value: cast(body.store.value, 'float64') } };
  return { name, body: wide, args: args.map((a, i) => (i === 2 ? { ...a, dtype: 'float64' as const } : a)), without: 'webgpu' };
}
