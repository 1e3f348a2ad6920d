/**
 * The end of a tile: what is computed on the finished sums, and the store. Input: accumulators in locals and what the row and column axes
 * stand for in each. Little code is emitted for each vector of the tile, in registers; much code, and columns that are no whole vector, go
 * through scratch memory to one loop that all tiles of the kernel share.
 */
import type { Columns, Outline } from '../../contraction.ts';
import { type Expr, type Ref, type Var, add, asInt, has, int, le, min, mul, ref, sub, variable } from '../../expr/expr.ts';
import { stepAlong } from '../../expr/index-algebra.ts';
import { axesOf, contains, cost, placed, rewriter, substitute } from '../../expr/visit.ts';
import type { KernelModule, Scene } from './contraction-frame.ts';
import { four } from './contraction-general.ts';
import { coordinates } from './contraction-nest.ts';
import type { FuncRef, GlobalRef, Local } from './function-builder.ts';
import { LaneFacts } from './lane-facts.ts';
import { storeOpcode } from './scalar-ops.ts';
import { addressOf } from './scalar.ts';
import type { Scope } from './scope.ts';
import { lanesOf } from './vector-ops.ts';
import { type Lanes, Vector } from './vector.ts';

/** What follows the sum, prepared for emission: flat loads, no function that has to be taken apart. */
export interface Ending {
  readonly slot: number;
  readonly dtype: Outline['out']['dtype'];
  /** Element offset over batch, rows and n. */
  readonly offset: Expr;
  readonly value: Expr;
  /** What stands for the sum in `value`. */
  readonly acc: Ref;
  /** The axis that lanes run along: columns, or channels. */
  readonly along: Var;
}

export interface Finish extends Ending {
  /**
   * Finishes and stores the sums in scratch memory, row after row: (batch.., first row, first vector of columns, rows, vectors). Only where
   * that is much code, or the last columns are no whole vector.
   */
  readonly loop?: FuncRef;
  /** The sums go there even where all columns are whole vectors. */
  readonly long: boolean;
  readonly scratch: () => GlobalRef;
}

/**
 * Operations on the sum that are emitted for each vector of a tile; beyond (an erf has some 60) tiles leave their sums in memory for one loop,
 * which makes its constants once and not for each vector. 1x1 convolution of 16 to 32 channels at 104x104 with SiLU: 0.73 instead of 1.04 ms
 * (0.29 without). So do they where neighbours in a row are stored apart: V8's revectorizer, where it is on, starts from stores of neighbours, and
 * without such leaves the whole tile as it is (128x768x768 into transposed heads at 98 instead of 54 GFLOP/s; without it 55 either way).
 */
const mostInline = 12;

/** Adds the loop over the sums of a tile, for what is no whole vector, or too much code. */
export function addFinish(module: KernelModule, c: Pick<Outline, 'batch' | 'rows'>, cols: Columns, first: Var, ending: Ending): Finish {
  const n = ending.along;
  const scattered = stepAlong(substitute(ending.offset, new Map([[n, add(mul(cols.panel, cols.width), four)]])), four) !== 1;
  const long = lanesOf(ending.dtype) === undefined || cost(ending.value) > mostInline || scattered;
  const finish = { ...ending, long, scratch: () => module.scratch() };
  if (isExact(cols) && !long) return finish;
  // In pairs V8's revectorizer, where it is on, joins them: bias and GELU then cost half (16x384x1536 in 250 instead of 270 us, 235 without).
  const exact = isExact(cols) && lanesOf(ending.dtype) !== undefined;
  const together = exact && cols.width % 8 === 0 ? 2 : 1;
  const quad = variable('quad', n.extent);
  const [rows, vectors] = [variable('rows', 64), variable('vectors', 64)];
  const loop = module.func('finish', [...c.batch, first, quad, rows, vectors], (scene) => {
    const { f, scalar, root } = scene;
    const at = f.local('i32', 'at');
    const sums = Array.from({ length: together }, () => f.local('v128', 'sum'));
    f.globalGet(module.scratch());
    f.set(at);
    const row = variable('row', first.extent);
    const column = variable('column', n.extent);
    scalar.loop(root, row, (turn) => {
      const place = coordinates(c.rows, row);
      scalar.loop(turn, column, (inner) => {
        const waiting = sums.map((sum, v): Summed => {
          f.get(at);
          f.mem('v128.load', { offset: 16 * v });
          f.set(sum);
          return { row: place, column: add(mul(column, 4), add(four, 4 * v)), sum, name: `sum${v}` };
        });
        if (exact) storeVector(vectorsOf(scene, inner), ending, inner, waiting);
        else emitLast(scene, ending, inner, { place, column: mul(column, 4), sum: sums[0] ?? at, at });
        f.get(at);
        f.i32(16 * sums.length);
        f.op('i32.add');
        f.set(at);
      }, { from: quad, to: add(quad, vectors), step: sums.length });
    }, { from: first, to: add(first, rows) });
  });
  return { ...finish, loop };
}

const isExact = (cols: Columns): boolean => (asInt(cols.n.extent) ?? 1) % cols.width === 0;

interface Waiting {
  readonly place: ReadonlyMap<Expr, Expr>;
  /** Of the first lane. */
  readonly column: Expr;
  readonly sum: Local;
  /** Where the sum is. */
  readonly at: Local;
}

/** Four sums, or those of them that belong to columns. */
function emitLast(scene: Scene, ending: Ending, scope: Scope, { place, column, sum, at }: Waiting): void {
  const { f, scalar } = scene;
  const n = ending.along;
  const whole = (inner: Scope, lanes?: Lanes): void => {
    storeVector(vectorsOf(scene, inner), ending, inner, [{ row: place, column: add(column, four), sum, name: 'sum' }], lanes);
  };
  const lanes = (rest: Scope, to: Expr): void => {
    const lane = variable('lane', 4);
    scalar.loop(rest, lane, (turn) => {
      const one = f.local(ending.acc.dtype === 'float32' ? 'f32' : 'i32', 'one');
      f.get(at);
      f.get(scalar.leaf(lane, turn));
      f.i32(2);
      f.ops('i32.shl', 'i32.add');
      f.mem(ending.acc.dtype === 'float32' ? 'f32.load' : 'i32.load');
      f.set(one);
      turn.define(ending.acc, one);
      const by = new Map<Expr, Expr>([...place, [n, add(column, lane)]]);
      const [offset, value] = [substitute(ending.offset, by), substitute(ending.value, by)];
      scalar.prepare([offset, value]);
      const fixed = scalar.pushAddress(ending.slot, ending.dtype, offset, turn);
      scalar.push(value, turn);
      f.mem(storeOpcode(ending.dtype), { offset: fixed });
    }, { to });
  };
  // Results of 64 bits (behind a cast) have no lanes.
  if (lanesOf(ending.dtype) === undefined) return lanes(scope, min(sub(n.extent, column), int(4)));
  const known = asInt(n.extent);
  if (known !== undefined && known % 4 === 0) {
    // Vectors beyond the last column fill up a panel.
    scalar.push(le(add(column, 4), n.extent), scope);
    f.if(() => { whole(scalar.branch(scope)); });
    return;
  }
  const inside = (lane: number, inner: Scope): void => { scalar.push(le(add(column, lane + 1), n.extent), inner); };
  inside(3, scope);
  f.if(() => { whole(scalar.branch(scope)); }, () => {
    const rest = scalar.branch(scope);
    const facts = new LaneFacts(four);
    // Lanes beyond the last column compute on what lies there, unless that would become an address.
    if (facts.maskable(substitute(ending.value, new Map<Expr, Expr>([...place, [n, add(column, four)]])))) {
      const count = known === undefined ? 3 : known % 4;
      inside(0, rest);
      f.if(() => { whole(scalar.branch(rest), { count, ...(known === undefined ? { inside } : {}) }); });
      return;
    }
    lanes(rest, sub(n.extent, column));
  });
}

/** An emitter of vectors along `four`. */
function vectorsOf({ f, scalar, kernel }: Scene, scope: Scope): Vector {
  scope.define(four, f.local('i32', 'zero')); // never set: address arithmetic with it folds away
  return new Vector(scalar, four, kernel.args, kernel.numeric.fma);
}

interface Summed {
  /** What row axes are for this vector: the same map for all vectors of a row. */
  readonly row: ReadonlyMap<Expr, Expr>;
  /** What the axis along the lanes is. */
  readonly column: Expr;
  readonly sum: Local;
  readonly name: string;
}

/** The value of the ending at a vector: columns are put in first, once for all rows of the tile. */
function valuesAt({ value, along, acc }: Ending, axes: readonly Expr[]): (row: ReadonlyMap<Expr, Expr>, column: Expr, one: Ref) => Expr {
  const byRow = axes.some((axis) => contains(value, axis));
  const columns = new Map<Expr, Expr>();
  return (row, column, one) => {
    const open = columns.get(column) ?? substitute(value, new Map([[along, column]]));
    columns.set(column, open);
    if (byRow) return substitute(open, new Map<Expr, Expr>([...row, [acc, one]]));
    return rewriter((x) => ((x.has & has.ref) === 0 ? x : x === acc ? one : undefined))(open);
  };
}

/** Finishes and stores vectors, sharing what they have in common. */
export function storeVector(lanes: Vector, ending: Ending, scope: Scope, vectors: readonly Summed[], some?: Lanes): void {
  const { along } = ending;
  const rows = axesOf(vectors.map((v) => v.row));
  const [offsetAt, valueAt] = [placed(ending.offset, [along, ...rows]), valuesAt(ending, rows)];
  const points = vectors.map(({ row, column, sum, name }) => {
    const one = ref(name, ending.acc.dtype);
    lanes.define(one, sum, scope);
    return { offset: offsetAt(new Map([...row, [along, column]])), value: valueAt(row, column, one), one, sum };
  });
  // One base in a local for all stores: V8's revectorizer, where it is on, starts from stores at neighbouring constant offsets. It packs no
  // two loads (of a bias) with a store in between, and one pair that it cannot pack costs the whole tile: so all values come first.
  const { f } = lanes.scalar;
  lanes.scalar.prepare(points.flatMap((p) => [addressOf(ending.slot, ending.dtype, p.offset).base, p.value]));
  for (const { value, one, sum } of points) {
    if (value === one) continue;
    lanes.push(value, scope);
    f.set(sum);
  }
  for (const { offset, sum } of points) lanes.store(ending.slot, ending.dtype, offset, scope, () => { f.get(sum); }, some);
}

/** Stores a tile whose rows stand at `places`. */
export function emitStores(
  scene: Scene, finish: Finish, sum: readonly (readonly Local[])[], places: readonly ReadonlyMap<Expr, Expr>[],
  g: { readonly cols: Columns; readonly first: Var; readonly c: Pick<Outline, 'batch'> },
): void {
  const { f, scalar, root, params } = scene;
  const { cols } = g;
  const vectors = sum[0]?.length ?? 0;
  const inline = (): void => {
    const scope = scalar.branch(root);
    const column = (v: number): Expr => add(add(mul(cols.panel, cols.width), v * 4), four);
    storeVector(vectorsOf(scene, scope), finish, scope, sum.flatMap((row, r) => row.map((local, v): Summed => (
      { row: places[r] ?? new Map(), column: column(v), sum: local, name: `sum${r}_${v}` }
    ))));
  };
  const { loop } = finish;
  if (loop === undefined) return inline();
  const leave = (): void => {
    const scope = scalar.branch(root);
    const at = f.local('i32', 'scratch');
    f.globalGet(finish.scratch());
    f.set(at);
    sum.flat().forEach((local, i) => {
      f.get(at);
      f.get(local);
      f.mem('v128.store', { offset: 16 * i });
    });
    f.get(params);
    for (const v of [...g.c.batch, g.first]) scalar.push(v, scope);
    scalar.push(mul(cols.panel, cols.width / 4), scope);
    f.i32(sum.length);
    f.i32(vectors);
    f.call(loop);
  };
  if (finish.long) return leave();
  scalar.push(le(add(mul(cols.panel, cols.width), vectors * 4), cols.n.extent), root);
  return f.if(inline, leave);
}
