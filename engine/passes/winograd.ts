/**
 * Convolutions of 3x3 taps with fewer multiplications (Winograd's F(4x4, 3x3), as in Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks", 2016): 36 for 16 results instead of 144. Tiles of 6x6 inputs and the taps are transformed, a product for each of the 36 places
 * sums over channels, and what comes out is transformed back and stored as the convolution would have. Sums are of other terms than the
 * convolution's and round more coarsely, so it is for `precision: 'fast'`. In: a program. Out: the same, with four computations for each such
 * convolution; the one that transforms taps runs while loading.
 */
import { type Expr, type Load, type Var, add, and, asInt, constant, int, load, lt, mul, muladd, ref, select, sub, variable } from '../../jit/expr/expr.ts';
import { collect, isLoad, substitute } from '../../jit/expr/visit.ts';
import { type Body, type ContractionBody, type LoopBody, type Stmt } from '../../jit/kernel.ts';
import type { Computation, Program } from '../graph/program.ts';
import { findPrepared, tensorOf } from './program-edit.ts';

/** Results of a tile along each axis, taps, and inputs. */
const [out, taps, size] = [4, 3, 6];

/** Tiles from which on the taps, four times as many as before, are read often enough. */
const leastTiles = 12;
/** Channels, of inputs or results, from which on the product outweighs the transforms. */
const leastChannels = 16;

export function winograd(program: Program, fresh: () => number): Program {
  const tensors = new Map(program.tensors);
  const prepared = findPrepared(program);
  const fixed = ({ tensor }: Load): boolean => prepared.has(tensor) || tensorOf(program, tensor).source.kind === 'constant';
  const computations = program.computations.flatMap((c): Computation[] => {
    const found = c.body.kind === 'contraction' ? convolutionOf(c.body) : undefined;
    if (found === undefined || !collect([found.body.rhs], isLoad).every(fixed)) return [c];
    const { origins, outputs } = c;
    const define = (shape: readonly Expr[]): number => {
      const id = fresh();
      tensors.set(id, { id, dtype: 'float32', shape, source: { kind: 'computed' } });
      return id;
    };
    const { body: { rows, cols: [channel] }, into, tiles } = found;
    const tileShape = rows.map((v) => (tiles.get(v) ?? v).extent);
    const places = int(size * size);
    const weights = define([places, into.extent, channel.extent]);
    const [inputs, products] = [define([places, ...tileShape, into.extent]), define([places, ...tileShape, channel.extent])];
    return [
      { body: ofTaps(found, weights), outputs: [weights], origins },
      { body: ofInputs(found, inputs), outputs: [inputs], origins },
      { body: product(found, inputs, weights, products), outputs: [products], origins },
      { body: ofResults(found, products), outputs, origins },
    ];
  });
  return { ...program, tensors, computations };
}

interface Convolution {
  readonly body: ContractionBody & { readonly cols: readonly [Var] };
  /** Rows and taps of both axes, the channel that is summed over. */
  readonly at: readonly [Var, Var];
  readonly tap: readonly [Var, Var];
  readonly into: Var;
  /** The axis of tiles that stands for each of `at`. */
  readonly tiles: ReadonlyMap<Var, Var>;
}

function convolutionOf(body: ContractionBody): Convolution | undefined {
  const { batch, rows, cols: [channel, ...others], depth, lhs, rhs } = body;
  const [read, ...more] = collect([lhs], isLoad);
  if (channel === undefined || others.length > 0 || batch.length > 0 || read === undefined || more.length > 0) return undefined;
  if (lhs.dtype !== 'float32' || rhs.dtype !== 'float32') return undefined;
  const tap = depth.filter((v) => asInt(v.extent) === taps && read.index.every((e) => e !== v));
  const [into, ...rest] = depth.filter((v) => !tap.includes(v));
  const [down, right] = tap;
  if (down === undefined || right === undefined || tap.length !== 2 || into === undefined || rest.length > 0) return undefined;
  // The rows along which a step reads what the next tap does.
  const next = (v: Var): Expr => substitute(lhs, new Map([[v, add(v, 1)]]));
  const [y, x] = [down, right].map((t) => rows.find((v) => next(v) === next(t)));
  if (y === undefined || x === undefined || y === x) return undefined;
  const counts = [y, x].map((v) => Math.ceil((asInt(v.extent) ?? 0) / out));
  const [c, k] = [asInt(into.extent), asInt(channel.extent)];
  const tileCount = counts.reduce((a, b) => a * b);
  if (c === undefined || k === undefined || Math.min(c, k) < leastChannels || tileCount < leastTiles) return undefined;
  const tiles = new Map([y, x].map((v, i) => [v, variable(`tile ${v.name}`, counts[i] ?? 1)]));
  return { body: { ...body, cols: [channel] }, at: [y, x], tap: [down, right], into, tiles };
}

type Matrix = readonly (readonly number[])[];

/** For the points 0, 1, -1, 2, -2 and infinity: what takes a line of inputs, of taps and of sums into the other domain, and back. */
const ofInput: Matrix = [
  [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
];
const ofTap: Matrix = [
  [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1],
];
const ofSum: Matrix = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]];

/** The line, multiplied by each row of a matrix. */
const transformed = (matrix: Matrix, line: readonly Expr[]): Expr[] =>
  matrix.map((row) => line.reduce<Expr | undefined>((sum, e, i) => plus(sum, e, row[i] ?? 0), undefined) ?? constant(0, 'float32'));

/** sum + e * k, without what does nothing. */
function plus(sum: Expr | undefined, e: Expr, k: number): Expr | undefined {
  if (k === 0) return sum;
  if (sum === undefined) return k === 1 ? e : mul(e, k);
  return k === 1 ? add(sum, e) : k === -1 ? sub(sum, e) : muladd(e, constant(k, 'float32'), sum);
}

/** Statements that transform a square read by `element`, first its columns, then its rows; `use` gets each result. */
function square(
  matrix: Matrix, element: (row: number, column: number) => Expr, use: (row: number, column: number, value: Expr) => Stmt[],
): Stmt[] {
  const body: Stmt[] = [];
  const name = (stem: string, value: Expr): Expr => {
    body.push({ do: 'let', name: stem, value });
    return ref(stem, 'float32');
  };
  const line = (matrix[0] ?? []).map((_, i) => i);
  const columns = line.map((j) => {
    const column = line.map((i) => name(`in${i}${j}`, element(i, j)));
    return transformed(matrix, column).map((value, i) => name(`mid${i}${j}`, value));
  });
  for (const i of matrix.keys()) {
    const row = columns.flatMap((column) => column[i] ?? []);
    transformed(matrix, row).forEach((value, j) => body.push(...use(i, j, value)));
  }
  return body;
}

const store = (tensor: number, index: readonly Expr[], value: Expr): Stmt => ({ do: 'store', store: { tensor, index, value } });

/** weights[place, into, channel] of all taps. */
function ofTaps({ body: { cols: [channel], rhs }, tap: [down, right], into }: Convolution, weights: number): LoopBody {
  const element = (i: number, j: number): Expr => substitute(rhs, new Map<Expr, Expr>([[down, int(i)], [right, int(j)]]));
  return {
    kind: 'loop', axes: [into],
    body: [{ do: 'for', axis: channel, body: square(ofTap, element, (i, j, value) => [store(weights, [int(size * i + j), into, channel], value)]) }],
  };
}

/** The first result of the tile, and the one `i` after it. */
const within = ({ at, tiles }: Convolution, axis: 0 | 1, i: number): Expr => add(mul(tiles.get(at[axis]) ?? int(0), out), i);

const tileAxes = ({ body: { rows }, tiles }: Convolution): Var[] => rows.map((v) => tiles.get(v) ?? v);

/** inputs[place, tile, into]; 0 where no result wants them. */
function ofInputs(c: Convolution, inputs: number): LoopBody {
  const { body: { lhs }, at: [y, x], tap: [down, right], into } = c;
  const element = (i: number, j: number): Expr => {
    const [row, column] = [within(c, 0, i), within(c, 1, j)];
    const wanted = and(lt(row, add(y.extent, taps - 1)), lt(column, add(x.extent, taps - 1)));
    return select(wanted, substitute(lhs, new Map<Expr, Expr>([[y, row], [x, column], [down, int(0)], [right, int(0)]])), constant(0, 'float32'));
  };
  const axes = tileAxes(c);
  return {
    kind: 'loop', axes,
    body: [{ do: 'for', axis: into, body: square(ofInput, element, (i, j, value) => [store(inputs, [int(size * i + j), ...axes, into], value)]) }],
  };
}

function product(c: Convolution, inputs: number, weights: number, products: number): Body {
  const { body: { cols: [channel] }, into } = c;
  const place = variable('place', size * size);
  const rows = tileAxes(c);
  return {
    kind: 'contraction', batch: [place], rows, cols: [channel], depth: [into],
    lhs: load(inputs, 'float32', [place, ...rows, into]), rhs: load(weights, 'float32', [place, into, channel]),
    store: { tensor: products, index: [place, ...rows, channel], value: ref('acc', 'float32') },
  };
}

/** What the convolution stores; of tiles at the end only what there is. */
function ofResults(c: Convolution, products: number): LoopBody {
  const { body: { cols: [channel], store: last }, at: [y, x] } = c;
  const axes = tileAxes(c);
  const element = (i: number, j: number): Expr => load(products, 'float32', [int(size * i + j), ...axes, channel]);
  const use = (i: number, j: number, value: Expr): Stmt[] => {
    const places: [Var, Expr][] = [[y, within(c, 0, i)], [x, within(c, 1, j)]];
    const by = new Map<Expr, Expr>([...places, [ref('acc', 'float32'), value]]);
    const all = [store(last.tensor, last.index.map((e) => substitute(e, by)), substitute(last.value, by))];
    const inside = and(...places.map(([v, e]) => lt(e, v.extent)));
    return inside.op === 'const' ? all : [{ do: 'if', cond: inside, then: all, else: [] }];
  };
  return { kind: 'loop', axes, body: [{ do: 'for', axis: channel, body: square(ofSum, element, use) }] };
}
