/** Map kernels of the conformance suite: all types, broadcasts, transposes, gathers, guards, every operator. */
import type { DType } from '../expr/dtype.ts';
import {
  type BinaryOp,
  type Expr,
  type UnaryOp,
  add,
  and,
  binary,
  bitcast,
  cast,
  constant,
  div,
  eq,
  floordiv,
  floormod,
  ge,
  int,
  load,
  lt,
  max,
  min,
  mul,
  muladd,
  select,
  sub,
  symbol,
  truth,
  unary,
  variable,
  gt,
  not,
  or,
} from '../expr/expr.ts';
import { type Case, arg, out } from './conformance-kit.ts';

const n = symbol('N', 0);
const m = symbol('M', 1);
const i = variable('i', n);

const f32 = (x: number): Expr => constant(x, 'float32');

/** out[i] = f(a[i], b[i], ...) over a symbolic length: odd, shorter than a vector, empty. */
function elementwise(name: string, types: readonly DType[], to: DType, f: (...x: Expr[]) => Expr, more: Partial<Case> = {}): Case {
  const value = f(...types.map((t, slot) => load(slot, t, [i])));
  return {
    name,
    body: { kind: 'map', axes: [i], store: { tensor: types.length, index: [i], value } },
    args: [...types.map((t) => arg(t, [n])), out(to, [n])],
    runs: [{ N: 67 }, { N: 3 }, { N: 0 }],
    ...more,
  };
}

const integers: readonly DType[] = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'];

const arithmetic = integers.flatMap((t): Case[] => {
  // 64-bit products and shifts are left to the CPU by devices without them.
  const big: Partial<Case> = t === 'int64' || t === 'uint64' ? { without: 'webgpu' } : {};
  return [
    elementwise(`${t}: a + 2b - c`, [t, t, t], t, (a, b, c) => sub(add(a, mul(b, 2)), c), big),
    elementwise(`${t}: products`, [t, t], t, (a, b) => mul(a, b), big),
    elementwise(`${t}: quotients and remainders`, [t, t], t, (a, b) => binary('xor', div(a, b), binary('rem', a, b)), big),
    elementwise(`${t}: floor quotients and moduli`, [t, t], t, (a, b) => binary('xor', floordiv(a, b), floormod(a, b)), big),
    elementwise(`${t}: min, max, comparisons`, [t, t], t, (a, b) => select(lt(a, b), max(a, b), select(eq(a, b), a, min(a, b)))),
    elementwise(`${t}: bits`, [t, t], t, (a, b) => binary('or', binary('and', a, unary('not', b)), binary('xor', a, b)), big),
    elementwise(`${t}: shifts`, [t], t, (a) => binary('xor', binary('shl', a, constant(3, t)), binary('shr', a, constant(2, t))), big),
    elementwise(`${t}: to float32 and back`, [t], t, (a) => cast(mul(cast(a, 'float32'), f32(0.5)), t), big),
    elementwise(`${t}: sign, abs, neg`, [t], t, (a) => add(unary('sign', a), unary('abs', unary('neg', a))), big),
  ];
});

const conversions = integers.flatMap((from) =>
  integers
    .filter((to) => to !== from)
    .map((to): Case => elementwise(`${from} to ${to}`, [from], to, (a) => cast(a, to), { without: 'webgpu' })),
);

const saturating: Case[] = integers.map((to) =>
  elementwise(`float32 to ${to} truncates and saturates, NaN is 0`, ['float32'], to, (a) => cast(a, to), {
    runs: [{ N: 12 }],
    without: 'webgpu',
    data: { 0: Float32Array.of(0.99, -0.99, 1.5, -1.5, 126.7, 300, -300, 70000, 3e9, -3e9, 1e20, NaN) },
  }),
);

const functions: readonly UnaryOp[] = [
  'neg',
  'abs',
  'sign',
  'floor',
  'ceil',
  'round',
  'trunc',
  'sqrt',
  'reciprocal',
  'exp',
  'log',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'erf',
  'sigmoid',
];
/** Arguments on which a function is defined, small ones and large ones among them. */
const domains: Partial<Record<UnaryOp, readonly number[]>> = {
  sqrt: [0, 1e-20, 0.3, 2, 1e10, 3e38],
  log: [1e-30, 0.3, 0.999, 1, 1.001, 7, 1e20],
  reciprocal: [1e-20, -0.3, 3, 1e20],
  exp: [-200, -87, -10, -1e-4, 0, 1e-4, 1, 20, 80],
  asin: [-1, -0.7, -1e-3, 0, 0.3, 0.99, 1],
  acos: [-1, -0.7, 0, 0.3, 0.99, 1],
  atanh: [-0.99, -0.3, 0, 1e-3, 0.6, 0.999],
  acosh: [1, 1.001, 2, 50, 1e10],
  sinh: [-30, -1, -1e-3, 0, 0.5, 40],
  cosh: [-30, 0, 0.5, 40],
  sin: [-30, -3.2, -1e-3, 0, 1.5, 3, 100],
  cos: [-30, -3.2, 0, 1.57, 3, 100],
  tan: [-3, -1, 0, 1e-3, 1, 3],
  round: [-2.5, -1.5, -0.5, -0.2, 0.5, 1.5, 2.5, 8388609, 0.49999997],
  atan: [-1e10, -1, -1e-3, 0, 0.7, 40],
};
const usual = [-90, -20, -6, -2.5, -1.0001, -0.9, -0.46, -1e-3, -1e-8, 0, 1e-8, 1e-3, 0.5, 0.9, 1.3, 2.6, 3.9, 4.1, 9, 88];

const unaries = functions.map((fn): Case => {
  const points = Float32Array.from(domains[fn] ?? usual);
  return elementwise(`float32: ${fn}`, ['float32'], 'float32', (a) => unary(fn, a), { runs: [{ N: points.length }], data: { 0: points } });
});

const special = Float32Array.of(NaN, Infinity, -Infinity, 0, -0, 1, -1, 1e-40);
/** What IEEE 754 says about NaN, infinities and zeros; WGSL lets implementations assume that they do not occur. */
const specials = functions.map((fn): Case =>
  elementwise(`float32: ${fn} of NaN, infinities and zeros`, ['float32'], 'float32', (a) => unary(fn, a), {
    runs: [{ N: 8 }],
    data: { 0: special },
    without: 'webgpu',
  }),
);

const pow: Case = elementwise('float32: pow', ['float32', 'float32'], 'float32', (a, b) => binary('pow', a, b), {
  runs: [{ N: 9 }],
  data: { 0: Float32Array.of(2, 2, 0.5, 10, 1.5, -2, -3, 9, 7), 1: Float32Array.of(10, 0.5, 3, -2, 2.5, 3, 2, -0.5, 0) },
});

const half: Case[] = [
  elementwise('float16: loads, computes in float32, stores rounded', ['float16', 'float16'], 'float16', (a, b) => add(mul(a, b), b)),
  elementwise('float16 to float32', ['float16'], 'float32', (a) => cast(a, 'float32'), {
    runs: [{ N: 9 }],
    data: { 0: Uint16Array.of(0, 0x8000, 1, 0x3ff, 0x400, 0x3c00, 0x7bff, 0xfbff, 0x3555) },
  }),
  elementwise('float32 to float16 rounds to nearest even', ['float32'], 'float16', (a) => cast(a, 'float16'), {
    runs: [{ N: 10 }],
    without: 'webgpu',
    data: { 0: Float32Array.of(1 / 3, 65504, 65519, 65520, -1e9, 2 ** -24, 2 ** -25, 3 * 2 ** -26, 1 + 2 ** -11, 1 + 3 * 2 ** -11) },
  }),
];

const float64: Case[] = [
  elementwise('float64: arithmetic', ['float64', 'float64'], 'float64', (a, b) => div(sub(mul(a, b), a), b), { without: 'webgpu' }),
  elementwise(
    'float64 from float32 and back',
    ['float32'],
    'float32',
    (a) => cast(mul(cast(a, 'float64'), constant(1 / 3, 'float64')), 'float32'),
    { without: 'webgpu' },
  ),
  elementwise('float64: sqrt, floor, exp', ['float64'], 'float64', (a) => unary('floor', mul(unary('sqrt', a), constant(100, 'float64'))), {
    without: 'webgpu',
  }),
];

const exact64: Case[] = [
  elementwise('int64 beyond 2^53 is exact', ['int64'], 'int64', (a) => sub(mul(a, 3), constant(1, 'int64')), {
    runs: [{ N: 3 }],
    data: { 0: BigInt64Array.of(2n ** 61n + 1n, -(2n ** 63n), 9007199254740993n) },
    without: 'webgpu',
  }),
  elementwise('int64 to float32 rounds once', ['int64'], 'float32', (a) => cast(a, 'float32'), {
    runs: [{ N: 3 }],
    data: { 0: BigInt64Array.of(2n ** 60n + 2n ** 36n + 1n, 16777217n, -5n) },
    without: 'webgpu',
  }),
];

const logic: Case[] = [
  elementwise('bool from comparisons', ['float32', 'float32'], 'bool', (a, b) => or(and(gt(a, b), not(lt(a, 0.5))), eq(a, b))),
  elementwise('bool in, float32 out', ['bool', 'float32'], 'float32', (p, a) => select(p, a, unary('neg', a))),
  elementwise('bool to int64', ['bool'], 'int64', (p) => cast(p, 'int64')),
  elementwise('isnan', ['float32'], 'bool', (a) => unary('isnan', unary('sqrt', a)), {
    runs: [{ N: 4 }],
    data: { 0: Float32Array.of(4, 1, 2, 0) },
  }),
];

/** Found by fuzzing: an arm of a choice whose values are shared at every level took exponential time to emit. */
const longArm = (a: Expr, b: Expr): Expr => {
  let arm = unary('log', add(unary('abs', a), f32(0.5)));
  for (const fn of ['tanh', 'cos', 'cos', 'cos', 'cos'] as const) arm = unary(fn, arm);
  return select(gt(b, f32(0.3)), b, arm);
};

const various: Case[] = [
  elementwise('float32: a choice with a long arm', ['float32', 'float32'], 'float32', longArm),
  elementwise('float32: gelu', ['float32'], 'float32', (a) => mul(mul(a, f32(0.5)), add(unary('erf', mul(a, f32(Math.SQRT1_2))), f32(1)))),
  elementwise('float32: muladd', ['float32', 'float32', 'float32'], 'float32', (a, b, c) => muladd(a, b, c)),
  elementwise('float32: bits', ['float32'], 'uint32', (a) => bitcast(a, 'uint32')),
  elementwise('float32: remainder', ['float32', 'float32'], 'float32', (a, b) => binary('rem', mul(a, f32(7)), b)),
  elementwise('float32: remainder of what is infinite or none', ['float32', 'float32'], 'float32', (a, b) => binary('rem', a, b), {
    runs: [{ N: 8 }],
    data: {
      0: Float32Array.of(1, -5, Infinity, -Infinity, NaN, 1, Infinity, 0), 1: Float32Array.of(Infinity, -Infinity, 3, Infinity, 3, NaN, NaN, 0),
    },
  }),
  elementwise('uint8 dequantised', ['uint8'], 'float32', (a) =>
    mul(cast(sub(cast(a, 'int32'), constant(128, 'int32')), 'float32'), f32(0.05)),
  ),
  elementwise('quantised to uint8', ['float32'], 'uint8', (a) =>
    cast(max(min(add(unary('round', div(a, f32(0.0078125))), f32(128)), f32(255)), f32(0)), 'uint8'),
  ),
  elementwise('quantised to int8', ['float32'], 'int8', (a) =>
    cast(max(min(unary('round', mul(a, f32(100))), f32(127)), f32(-128)), 'int8'),
  ),
];

const [r, c] = [variable('r', m), variable('c', 7)];
const [x, y, z] = [variable('x', 5), variable('y', 6), variable('z', 9)];
const at = (tensor: number, ...index: Expr[]): Expr => load(tensor, 'float32', index);

const shapes: Case[] = [
  {
    name: 'broadcasts a row and a column',
    body: { kind: 'map', axes: [r, c], store: { tensor: 3, index: [r, c], value: add(mul(at(0, r, c), at(1, c)), at(2, r, int(0))) } },
    args: [arg('float32', [m, 7]), arg('float32', [7]), arg('float32', [m, 1]), out('float32', [m, 7])],
    runs: [{ M: 5 }, { M: 1 }],
  },
  {
    name: 'adds a scalar',
    body: { kind: 'map', axes: [r, c], store: { tensor: 2, index: [r, c], value: add(at(0, r, c), at(1)) } },
    args: [arg('float32', [m, 7]), arg('float32', []), out('float32', [m, 7])],
    runs: [{ M: 3 }],
  },
  {
    name: 'transposes 2 dims',
    body: { kind: 'map', axes: [c, r], store: { tensor: 1, index: [c, r], value: at(0, r, c) } },
    args: [arg('float32', [m, 7]), out('float32', [7, m])],
    runs: [{ M: 9 }, { M: 33 }],
  },
  {
    name: 'transposes 3 dims of float16',
    body: { kind: 'map', axes: [z, x, y], store: { tensor: 1, index: [z, x, y], value: load(0, 'float16', [x, y, z]) } },
    args: [arg('float16', [5, 6, 9]), out('float16', [9, 5, 6])],
  },
  {
    name: 'reads one physical order and writes another',
    body: { kind: 'map', axes: [x, y, z], store: { tensor: 1, index: [x, y, z], value: mul(at(0, x, y, z), f32(2)) } },
    args: [arg('float32', [5, 6, 9], 'read', [0, 2, 1]), out('float32', [5, 6, 9], [2, 0, 1])],
  },
  {
    name: 'reverses and takes every other',
    body: { kind: 'map', axes: [x], store: { tensor: 1, index: [x], value: at(0, sub(int(10), mul(x, int(2)))) } },
    args: [arg('float32', [11]), out('float32', [5])],
  },
  {
    name: 'pads with guards',
    body: {
      kind: 'map',
      axes: [y, z],
      store: { tensor: 1, index: [y, z], value: select(and(ge(y, 1), lt(y, 5), ge(z, 2), lt(z, 8)), at(0, sub(y, 1), sub(z, 2)), f32(-1)) },
    },
    args: [arg('float32', [4, 6]), out('float32', [6, 9])],
  },
  {
    name: 'concatenates by nested guards',
    body: {
      kind: 'map',
      axes: [variable('i', 13)],
      store: {
        tensor: 3,
        index: [variable('i', 13)],
        value: select(
          lt(variable('i', 13), 4),
          at(0, variable('i', 13)),
          select(lt(variable('i', 13), 9), at(1, sub(variable('i', 13), 4)), at(2, sub(variable('i', 13), 9))),
        ),
      },
    },
    args: [arg('float32', [4]), arg('float32', [5]), arg('float32', [4]), out('float32', [13])],
  },
  {
    name: 'gathers rows by int64',
    body: { kind: 'map', axes: [x, c], store: { tensor: 2, index: [x, c], value: at(0, cast(load(1, 'int64', [x]), 'index'), c) } },
    args: [arg('float32', [4, 7]), arg('int64', [5]), out('float32', [5, 7])],
    data: { 1: BigInt64Array.of(3n, 0n, 2n, 2n, 1n) },
  },
  ...(['float32', 'int32'] as const).map((dtype): Case => ({
    name: `looks up bytes in a table of ${dtype}`, args: [arg(dtype, [256]), arg('uint8', [9]), out(dtype, [9])],
    body: { kind: 'map', axes: [z], store: { tensor: 2, index: [z], value: load(0, dtype, [cast(load(1, 'uint8', [z]), 'index')]) } },
  })),
  {
    name: 'gathers elements by int32, negative from the end',
    body: {
      kind: 'map',
      axes: [x],
      store: {
        tensor: 2,
        index: [x],
        value: (() => {
          const g = cast(load(1, 'int32', [x]), 'index');
          return at(0, select(lt(g, 0), add(g, int(4)), g));
        })(),
      },
    },
    args: [arg('float32', [4]), arg('int32', [5]), out('float32', [5])],
    data: { 1: Int32Array.of(-1, 0, 3, -4, 2) },
  },
  {
    name: 'copies bytes: uint8 in the middle of a word',
    body: {
      kind: 'map',
      axes: [variable('i', 13)],
      store: { tensor: 1, index: [add(variable('i', 13), 2)], value: load(0, 'uint8', [add(variable('i', 13), 1)]) },
    },
    args: [arg('uint8', [15]), out('uint8', [17])],
  },
  {
    name: 'copies halves at odd places',
    body: { kind: 'map', axes: [x], store: { tensor: 1, index: [add(x, 1)], value: load(0, 'float16', [x]) } },
    args: [arg('float16', [6]), out('float16', [7])],
  },
  {
    name: 'writes the positions',
    body: { kind: 'map', axes: [r, c], store: { tensor: 0, index: [r, c], value: cast(add(mul(r, 7), c), 'int64') } },
    args: [out('int64', [m, 7])],
    runs: [{ M: 3 }],
  },
  {
    name: 'reshapes through division',
    body: {
      kind: 'map',
      axes: [variable('i', mul(m, 6))],
      store: {
        tensor: 1,
        index: [variable('i', mul(m, 6))],
        value: at(0, floormod(variable('i', mul(m, 6)), 3), floordiv(variable('i', mul(m, 6)), 3)),
      },
    },
    args: [arg('float32', [3, mul(m, 2)]), out('float32', [mul(m, 6)])],
    runs: [{ M: 4 }, { M: 5 }],
  },
  {
    name: 'unpacks nibbles',
    body: {
      kind: 'map',
      axes: [variable('i', 20)],
      store: {
        tensor: 1,
        index: [variable('i', 20)],
        value: cast(
          binary(
            'and',
            binary('shr', load(0, 'uint8', [floordiv(variable('i', 20), 2)]), cast(mul(floormod(variable('i', 20), 2), 4), 'uint8')),
            constant(15, 'uint8'),
          ),
          'float32',
        ),
      },
    },
    args: [arg('uint8', [10]), out('float32', [20])],
  },
  {
    name: 'fills with a constant',
    body: { kind: 'map', axes: [i], store: { tensor: 0, index: [i], value: truth(true) } },
    args: [out('bool', [n])],
    runs: [{ N: 19 }],
  },
  {
    name: 'updates in place',
    body: { kind: 'map', axes: [i], store: { tensor: 0, index: [i], value: mul(load(0, 'float32', [i]), f32(3)) } },
    args: [arg('float32', [n], 'readwrite')],
    runs: [{ N: 37 }],
  },
  {
    name: 'one large map',
    body: {
      kind: 'map',
      axes: [i],
      store: { tensor: 2, index: [i], value: max(add(load(0, 'float32', [i]), load(1, 'float32', [i])), f32(0)) },
    },
    args: [arg('float32', [n]), arg('float32', [n]), out('float32', [n])],
    runs: [{ N: 5003 }],
  },
];

const floats: readonly BinaryOp[] = ['add', 'sub', 'mul', 'div', 'min', 'max'];
const plain = floats.map((fn) => elementwise(`float32: ${fn}`, ['float32', 'float32'], 'float32', (a, b) => binary(fn, a, b)));

export const mapCases: readonly Case[] = [
  ...plain,
  ...shapes,
  ...various,
  ...logic,
  ...unaries,
  pow,
  ...half,
  ...arithmetic,
  ...conversions,
  ...saturating,
  ...specials,
  ...float64,
  ...exact64,
];
