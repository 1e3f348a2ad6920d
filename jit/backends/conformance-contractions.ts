/** Contractions of the conformance suite: matrix products in all their layouts and types, with odd sizes, edges and epilogues. */
import type { DType } from '../expr/dtype.ts';
import {
  type Expr,
  type Var,
  add,
  binary,
  cast,
  constant,
  floordiv,
  load,
  max,
  mul,
  ref,
  sub,
  symbol,
  unary,
  variable,
} from '../expr/expr.ts';
import type { Arg, ContractionBody } from '../kernel.ts';
import { type Case, arg, inParts, out, packed } from './conformance-kit.ts';

const acc = ref('acc', 'float32');
const zero = constant(0, 'float32');
const M = symbol('M', 0);

type Size = number | Expr;

interface Product {
  readonly m: Size;
  readonly n: number;
  readonly k: number;
  /** Physical orders: [1, 0] is the transposed matrix. */
  readonly a?: readonly number[];
  readonly b?: readonly number[];
  readonly c?: readonly number[];
  readonly store?: (acc: Expr, m: Var, n: Var) => Expr;
  readonly extra?: readonly Arg[];
}

/** c[m, n] = sum a[m, k] b[k, n]; args a, b, c, extras. */
function product({ m, n, k, a, b, c, store = (e) => e, extra = [] }: Product): {
  readonly body: ContractionBody;
  readonly args: readonly Arg[];
} {
  const [vm, vn, vk] = [variable('m', m), variable('n', n), variable('k', k)];
  return {
    body: {
      kind: 'contraction',
      batch: [],
      rows: [vm],
      cols: [vn],
      depth: [vk],
      lhs: load(0, 'float32', [vm, vk]),
      rhs: load(1, 'float32', [vk, vn]),
      store: { tensor: 2, index: [vm, vn], value: store(acc, vm, vn) },
    },
    args: [arg('float32', [m, k], 'read', a), arg('float32', [k, n], 'read', b), out('float32', [m, n], c), ...extra],
  };
}

const sizes: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [1, 37, 19],
  [7, 5, 3],
  [13, 17, 11],
  [33, 29, 65],
  [64, 48, 32],
];
const rowsOf = [{ M: 1 }, { M: 2 }, { M: 7 }, { M: 23 }, { M: 0 }];
const bias = (e: Expr, _: Var, n: Var): Expr => max(add(e, load(3, 'float32', [n])), zero);

const products: Case[] = [
  ...sizes.map(([m, n, k]): Case => ({ name: `matmul ${m}x${n}x${k}`, ...product({ m, n, k }) })),
  ...sizes.flatMap(([m, n, k]) => [4, 8, 16].map((panel) => packed(`matmul ${m}x${n}x${k}`, product({ m, n, k }), panel))),
  { name: 'matmul with any number of rows', ...product({ m: M, n: 19, k: 24 }), runs: rowsOf },
  packed('matmul with any number of rows', product({ m: M, n: 40, k: 24 }), 8, { runs: rowsOf }),
  { name: 'matmul, lhs transposed', ...product({ m: 11, n: 14, k: 9, a: [1, 0] }) },
  { name: 'matmul, rhs transposed', ...product({ m: 11, n: 14, k: 9, b: [1, 0] }) },
  { name: 'matmul, output transposed', ...product({ m: 11, n: 14, k: 9, c: [1, 0] }) },
  packed('matmul, lhs transposed', product({ m: 11, n: 14, k: 9, a: [1, 0] }), 8),
  { name: 'matmul with bias and relu', ...product({ m: 9, n: 21, k: 16, store: bias, extra: [arg('float32', [21])] }) },
  packed('matmul with bias and relu', product({ m: 9, n: 21, k: 16, store: bias, extra: [arg('float32', [21])] }), 8),
  packed(
    'matmul with a residual and gelu',
    product({
      m: 6,
      n: 18,
      k: 12,
      extra: [arg('float32', [6, 18])],
      store: (e, m, n) => {
        const y = add(e, load(3, 'float32', [m, n]));
        return mul(mul(y, constant(0.5, 'float32')), add(unary('erf', mul(y, constant(Math.SQRT1_2, 'float32'))), constant(1, 'float32')));
      },
    }),
    4,
  ),
  packed('long sums', product({ m: 5, n: 9, k: 1031 }), 8),
];

const [g, m, n, k] = [variable('g', 3), variable('m', 5), variable('n', 6), variable('k', 7)];
const S = symbol('S', 1);
const [head, q, key, d] = [variable('head', 2), variable('q', S), variable('key', S), variable('d', 8)];

const batched: Case[] = [
  {
    name: 'batched matmul',
    body: {
      kind: 'contraction',
      batch: [g],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: load(0, 'float32', [g, m, k]),
      rhs: load(1, 'float32', [g, k, n]),
      store: { tensor: 2, index: [g, m, n], value: acc },
    },
    args: [arg('float32', [3, 5, 7]), arg('float32', [3, 7, 6]), out('float32', [3, 5, 6])],
  },
  {
    name: 'batched lhs, one rhs',
    body: {
      kind: 'contraction',
      batch: [g],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: load(0, 'float32', [g, m, k]),
      rhs: load(1, 'float32', [k, n]),
      store: { tensor: 2, index: [g, m, n], value: acc },
    },
    args: [arg('float32', [3, 5, 7]), arg('float32', [7, 6]), out('float32', [3, 5, 6])],
  },
  {
    name: 'one lhs, batched rhs',
    body: {
      kind: 'contraction',
      batch: [g],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: load(0, 'float32', [m, k]),
      rhs: load(1, 'float32', [g, k, n]),
      store: { tensor: 2, index: [g, m, n], value: acc },
    },
    args: [arg('float32', [5, 7]), arg('float32', [3, 7, 6]), out('float32', [3, 5, 6])],
  },
  {
    name: 'attention scores: heads in the last dim, keys transposed, scaled',
    body: {
      kind: 'contraction',
      batch: [head],
      rows: [q],
      cols: [key],
      depth: [d],
      lhs: load(0, 'float32', [q, add(mul(head, 8), d)]),
      rhs: load(1, 'float32', [key, add(mul(head, 8), d)]),
      store: { tensor: 2, index: [head, q, key], value: mul(acc, constant(0.35355338, 'float32')) },
    },
    args: [arg('float32', [S, 16]), arg('float32', [S, 16]), out('float32', [2, S, S])],
    runs: [{ S: 1 }, { S: 9 }, { S: 20 }],
  },
  {
    name: 'attention values: sums over a symbolic dim',
    body: {
      kind: 'contraction',
      batch: [head],
      rows: [q],
      cols: [d],
      depth: [key],
      lhs: load(0, 'float32', [head, q, key]),
      rhs: load(1, 'float32', [key, add(mul(head, 8), d)]),
      store: { tensor: 2, index: [q, add(mul(head, 8), d)], value: acc },
    },
    args: [arg('float32', [2, S, S]), arg('float32', [S, 16]), out('float32', [S, 16])],
    runs: [{ S: 1 }, { S: 9 }, { S: 20 }],
  },
  {
    name: 'grouped query heads: two share a key',
    body: {
      kind: 'contraction',
      batch: [variable('h4', 4)],
      rows: [q],
      cols: [key],
      depth: [d],
      lhs: load(0, 'float32', [variable('h4', 4), q, d]),
      rhs: load(1, 'float32', [floordiv(variable('h4', 4), 2), key, d]),
      store: { tensor: 2, index: [variable('h4', 4), q, key], value: acc },
    },
    args: [arg('float32', [4, S, 8]), arg('float32', [2, S, 8]), out('float32', [4, S, S])],
    runs: [{ S: 5 }],
  },
  {
    name: 'outer product',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [variable('one', 1)],
      lhs: load(0, 'float32', [m]),
      rhs: load(1, 'float32', [n]),
      store: { tensor: 2, index: [m, n], value: acc },
    },
    args: [arg('float32', [5]), arg('float32', [6]), out('float32', [5, 6])],
  },
  {
    name: 'two depth axes',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [g, k],
      lhs: load(0, 'float32', [g, m, k]),
      rhs: load(1, 'float32', [n, g, k]),
      store: { tensor: 2, index: [m, n], value: acc },
    },
    args: [arg('float32', [3, 5, 7]), arg('float32', [6, 3, 7]), out('float32', [5, 6])],
  },
  {
    name: 'a dot product',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [],
      cols: [],
      depth: [variable('k', 101)],
      lhs: load(0, 'float32', [variable('k', 101)]),
      rhs: load(1, 'float32', [variable('k', 101)]),
      store: { tensor: 2, index: [], value: acc },
    },
    args: [arg('float32', [101]), arg('float32', [101]), out('float32', [])],
  },
  {
    name: 'nothing to sum',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [variable('k', symbol('K', 0))],
      lhs: load(0, 'float32', [m, variable('k', symbol('K', 0))]),
      rhs: load(1, 'float32', [variable('k', symbol('K', 0)), n]),
      store: { tensor: 2, index: [m, n], value: add(acc, constant(2, 'float32')) },
    },
    args: [arg('float32', [5, symbol('K', 0)]), arg('float32', [symbol('K', 0), 6]), out('float32', [5, 6])],
    runs: [{ K: 0 }, { K: 3 }],
  },
];

/** Integer products: int8 or uint8 with zero points, summed in int32. */
function quantised(name: string, a: DType, b: DType, point: number, depth = 21): Case & { readonly body: ContractionBody } {
  const [vm, vn, vk] = [variable('m', 6), variable('n', 11), variable('k', depth)];
  const wide = (e: Expr, zero: number): Expr => sub(cast(e, 'int32'), constant(zero, 'int32'));
  return {
    name,
    body: {
      kind: 'contraction',
      batch: [],
      rows: [vm],
      cols: [vn],
      depth: [vk],
      lhs: wide(load(0, a, [vm, vk]), point),
      rhs: wide(load(1, b, [vk, vn]), 0),
      store: { tensor: 2, index: [vm, vn], value: ref('acc', 'int32') },
    },
    args: [arg(a, [6, depth]), arg(b, [depth, 11]), out('int32', [6, 11])],
  };
}

const [nn, nk] = [variable('n', 10), variable('k', 64)];
const nibble = (e: Expr): Expr =>
  cast(binary('and', binary('shr', e, cast(mul(sub(nk, mul(floordiv(nk, 2), 2)), 4), 'uint8')), constant(15, 'uint8')), 'float32');
const fourBits = (rows: number): { readonly body: ContractionBody; readonly args: readonly Arg[] } => {
  const row = variable('m', rows);
  const rhs = mul(sub(nibble(load(1, 'uint8', [nn, floordiv(nk, 2)])), constant(8, 'float32')), load(3, 'float32', [nn, floordiv(nk, 32)]));
  return {
    body: { kind: 'contraction', batch: [], rows: [row], cols: [nn], depth: [nk], lhs: load(0, 'float32', [row, nk]), rhs, store: { tensor: 2, index: [row, nn], value: acc } },
    args: [arg('float32', [rows, 64]), arg('uint8', [10, 32]), out('float32', [rows, 10]), arg('float32', [10, 2])],
  };
};

const other: Case[] = [
  quantised('uint8 by int8 with a zero point', 'uint8', 'int8', 128),
  quantised('int8 by int8', 'int8', 'int8', 0),
  quantised('uint8 by uint8', 'uint8', 'uint8', 3),
  // Packed they have 16 bits. GPUs take 8-bit operands in place.
  ...[21, 8].flatMap((depth) => [quantised('uint8 by int8 with a zero point', 'uint8', 'int8', 128, depth), quantised('int8 by uint8', 'int8', 'uint8', 0, depth)]
    .map((c) => packed(`${c.name}, ${depth} deep`, c, 8, { without: 'webgpu' }))),
  {
    name: 'int8 requantised to uint8',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: cast(load(0, 'int8', [m, k]), 'int32'),
      rhs: cast(load(1, 'int8', [k, n]), 'int32'),
      store: {
        tensor: 2,
        index: [m, n],
        value: cast(max(unary('round', mul(cast(ref('acc', 'int32'), 'float32'), constant(2 ** -9, 'float32'))), zero), 'uint8'),
      },
    },
    args: [arg('int8', [5, 7]), arg('int8', [7, 6]), out('uint8', [5, 6])],
  },
  {
    name: 'int32 wraps',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: mul(load(0, 'int32', [m, k]), 1000003),
      rhs: load(1, 'int32', [k, n]),
      store: { tensor: 2, index: [m, n], value: ref('acc', 'int32') },
    },
    args: [arg('int32', [5, 7]), arg('int32', [7, 6]), out('int32', [5, 6])],
  },
  {
    name: 'int64 matmul',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: load(0, 'int64', [m, k]),
      rhs: load(1, 'int64', [k, n]),
      store: { tensor: 2, index: [m, n], value: ref('acc', 'int64') },
    },
    args: [arg('int64', [5, 7]), arg('int64', [7, 6]), out('int64', [5, 6])],
    without: 'webgpu',
  },
  {
    name: 'float64 matmul',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: load(0, 'float64', [m, k]),
      rhs: load(1, 'float64', [k, n]),
      store: { tensor: 2, index: [m, n], value: ref('acc', 'float64') },
    },
    args: [arg('float64', [5, 7]), arg('float64', [7, 6]), out('float64', [5, 6])],
    without: 'webgpu',
  },
  {
    name: 'float16 weights read as float32',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: load(0, 'float32', [m, k]),
      rhs: cast(load(1, 'float16', [k, n]), 'float32'),
      store: { tensor: 2, index: [m, n], value: acc },
    },
    args: [arg('float32', [5, 7]), arg('float16', [7, 6]), out('float32', [5, 6])],
  },
  {
    name: 'float16 in and out',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: cast(load(0, 'float16', [m, k]), 'float32'),
      rhs: cast(load(1, 'float16', [k, n]), 'float32'),
      store: { tensor: 2, index: [m, n], value: cast(acc, 'float16') },
    },
    args: [arg('float16', [5, 7]), arg('float16', [7, 6]), out('float16', [5, 6])],
  },
  { name: '4-bit weights, a scale for each block of 32', ...fourBits(3) },
  {
    name: 'lhs computed on the way',
    body: {
      kind: 'contraction',
      batch: [],
      rows: [m],
      cols: [n],
      depth: [k],
      lhs: unary('sigmoid', load(0, 'float32', [m, k])),
      rhs: load(1, 'float32', [k, n]),
      store: { tensor: 2, index: [m, n], value: acc },
    },
    args: [arg('float32', [5, 7]), arg('float32', [7, 6]), out('float32', [5, 6])],
  },
];

/** Found by fuzzing: a sum stored in 64 bits has no lanes, in whole panels and where the last one is filled up. */
const wide = (['int64', 'float64'] as const).flatMap((t): Case[] =>
  [16, 18].map((size) => {
    const store = (e: Expr, vm: Var, vn: Var): Expr => add(cast(mul(e, 8), t), load(3, t, [vm, vn]));
    const { body, args } = product({ m: 5, n: size, k: 7, store, extra: [arg(t, [5, size])] });
    const made = packed('matmul', { body, args: args.map((a, i) => (i === 2 ? { ...a, dtype: t } : a)) }, 8, { without: 'webgpu' });
    return { ...made, name: `matmul of ${size} columns beside and into ${t}` };
  }),
);

const narrow = [1, 7].flatMap((rows) => [4, 8, 16].map((panel) => inParts(`4-bit weights, ${rows} rows`, fourBits(rows), panel)));

export const contractionCases: readonly Case[] = [...products, ...batched, ...other, ...wide, ...narrow];
