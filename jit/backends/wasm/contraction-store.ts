/**
 * The end of a tile: what is computed on the finished sums, and the store. Input: accumulators in locals and what the row and column axes
 * stand for in each. Whole vectors of columns are finished in registers and stored at once where the output runs along them; the rest
 * (the last panel's filling, outputs stored across, types without vectors) goes through one scalar function.
 */
import type { Columns, Outline } from '../../contraction.ts';
import { type Expr, type Ref, type Var, add, asInt, int, le, mul, ref, variable } from '../../expr/expr.ts';
import { cost, substitute } from '../../expr/visit.ts';
import type { KernelModule, Parameter, Scene } from './contraction-frame.ts';
import { four } from './contraction-general.ts';
import type { FuncRef, Local } from './function-builder.ts';
import { storeOpcode } from './scalar-ops.ts';
import { addressOf } from './scalar.ts';
import type { Scope } from './scope.ts';
import { Vector } from './vector.ts';

/** What follows the sum, prepared for emission: flat loads, no function that has to be taken apart. */
export interface Ending {
  readonly slot: number;
  readonly dtype: Outline['out']['dtype'];
  /** Element offset over batch, rows and n. */
  readonly offset: Expr;
  readonly value: Expr;
  /** What stands for the sum in `value`. */
  readonly acc: Ref;
}

export interface Finish extends Ending {
  readonly batch: readonly Var[];
  readonly rows: readonly Var[];
  readonly n: Var;
  /** Finishes and stores up to 4 columns from n on, those below the extent of n: (batch.., rows.., n, sums). Not where panels are full. */
  readonly lanes?: FuncRef;
  /** Finishes and stores the 4 columns from 4 * quad on: (batch.., rows.., quad, sums); only where that is much code. */
  readonly vector?: FuncRef;
}

/** Operations on the sum that are emitted once for each vector of a tile; beyond, tiles call a function (an erf has some 60). */
const mostInline = 12;

/** Sums of one vector. */
const sums = { name: 'sums', type: 'v128' } as const;

/** Adds the functions that tiles call for what is no whole vector, or too much code. */
export function addFinish(module: KernelModule, { batch, rows }: Pick<Outline, 'batch' | 'rows'>, cols: Columns, ending: Ending): Finish {
  const { n } = cols;
  const lanes = isExact(cols) ? undefined : addLanes(module, [...batch, ...rows], n, ending);
  const quad = variable('quad', n.extent);
  const vector = cost(ending.value) <= mostInline ? undefined : module.func('vector', [...batch, ...rows, quad, sums], (scene) => {
    const column = new Map<Expr, Expr>([[n, add(mul(quad, 4), four)]]);
    storeVector(vectorsOf(scene, scene.root), ending, scene.root, [{ place: column, sum: scene.given(sums), name: 'sum' }]);
  });
  return { ...ending, batch, rows, n, ...(lanes === undefined ? {} : { lanes }), ...(vector === undefined ? {} : { vector }) };
}

const isExact = (cols: Columns): boolean => (asInt(cols.n.extent) ?? 1) % cols.width === 0;

function addLanes(module: KernelModule, axes: readonly Var[], n: Var, ending: Ending): FuncRef {
  const point: Parameter[] = [...axes, n];
  const element = module.func('element', [...point, ending.acc], ({ f, scalar, root }) => {
    scalar.prepare([ending.offset, ending.value]);
    const offset = scalar.pushAddress(ending.slot, ending.dtype, ending.offset, root);
    scalar.push(ending.value, root);
    f.mem(storeOpcode(ending.dtype), { offset });
  });
  return module.func('lanes', [...point, sums], ({ f, scalar, root, params, given }) => {
    for (let lane = 0; lane < 4; lane++) {
      f.block((done) => {
        if (lane > 0) {
          f.get(given(n));
          f.i32(lane);
          f.op('i32.add');
          scalar.push(n.extent, root);
          f.op('i32.ge_s');
          f.brIf(done);
        }
        f.get(params);
        for (const p of point) {
          f.get(given(p));
          if (p === n && lane > 0) {
            f.i32(lane);
            f.op('i32.add');
          }
        }
        f.get(given(sums));
        f.laneOp(ending.acc.dtype === 'float32' ? 'f32x4.extract_lane' : 'i32x4.extract_lane', lane);
        f.call(element);
      });
    }
  });
}

/** An emitter of vectors along `four`. */
function vectorsOf({ f, scalar, kernel }: Scene, scope: Scope): Vector {
  scope.define(four, f.local('i32', 'zero')); // never set: address arithmetic with it folds away
  return new Vector(scalar, four, kernel.args, kernel.numeric.fma);
}

interface Summed {
  /** What axes are for this vector. */
  readonly place: ReadonlyMap<Expr, Expr>;
  readonly sum: Local;
  readonly name: string;
}

/** Finishes and stores vectors, sharing what they have in common. */
function storeVector(lanes: Vector, ending: Ending, scope: Scope, vectors: readonly Summed[]): void {
  const points = vectors.map(({ place, sum, name }) => {
    const one = ref(name, ending.acc.dtype);
    lanes.define(one, sum, scope);
    const by = new Map<Expr, Expr>([...place, [ending.acc, one]]);
    return { offset: substitute(ending.offset, by), value: substitute(ending.value, by) };
  });
  // One base in a local for all stores: V8's revectorizer, where it is on, starts from stores at neighbouring constant offsets.
  lanes.scalar.prepare(points.flatMap((p) => [addressOf(ending.slot, ending.dtype, p.offset).base, p.value]));
  for (const { offset, value } of points) {
    lanes.store(ending.slot, ending.dtype, offset, scope, () => { lanes.push(value, scope); });
  }
}

/** Stores a tile whose rows stand at `places`. */
export function emitStores(
  scene: Scene, finish: Finish, sum: readonly (readonly Local[])[], places: readonly ReadonlyMap<Expr, Expr>[], cols: Columns,
): void {
  const { f, scalar, root } = scene;
  const vectors = sum[0]?.length ?? 0;
  const fast = (): void => { storeVectors(scene, finish, sum, places, cols, scalar.branch(root)); };
  const { lanes } = finish;
  if (lanes === undefined) return fast();
  const slow = (): void => { storeLanes(scene, finish, lanes, sum, places, cols, scalar.branch(root)); };
  scalar.push(le(add(mul(cols.panel, cols.width), vectors * 4), cols.n.extent), root);
  return f.if(fast, slow);
}

const columnAt = (cols: Columns, vector: number, lane: Expr): Expr => add(add(mul(cols.panel, cols.width), vector * 4), lane);

function storeVectors(
  scene: Scene, finish: Finish, sum: readonly (readonly Local[])[], places: readonly ReadonlyMap<Expr, Expr>[], cols: Columns, scope: Scope,
): void {
  const { f, params } = scene;
  if (finish.vector !== undefined) {
    for (const [r, row] of sum.entries()) {
      for (const [v, local] of row.entries()) {
        f.get(params);
        pushPoint(scene, finish, places[r], add(mul(cols.panel, cols.width / 4), v), scope);
        f.get(local);
        f.call(finish.vector);
      }
    }
    return;
  }
  storeVector(vectorsOf(scene, scope), finish, scope, sum.flatMap((row, r) => row.map((local, v): Summed => (
    { place: new Map([...(places[r] ?? []), [finish.n, columnAt(cols, v, four)]]), sum: local, name: `sum${r}_${v}` }
  ))));
}

function pushPoint({ scalar }: Scene, finish: Finish, place: ReadonlyMap<Expr, Expr> | undefined, column: Expr, scope: Scope): void {
  for (const b of finish.batch) scalar.push(b, scope);
  for (const axis of finish.rows) scalar.push(place?.get(axis) ?? axis, scope);
  scalar.push(column, scope);
}

function storeLanes(
  scene: Scene, finish: Finish, lanes: FuncRef, sum: readonly (readonly Local[])[], places: readonly ReadonlyMap<Expr, Expr>[], cols: Columns,
  scope: Scope,
): void {
  const { f, scalar, params } = scene;
  const vectors = sum[0]?.length ?? 0;
  for (let v = 0; v < vectors; v++) {
    const n = columnAt(cols, v, int(0));
    f.block((done) => {
      scalar.push(n, scope);
      scalar.push(finish.n.extent, scope);
      f.op('i32.ge_s');
      f.brIf(done);
      sum.forEach((row, r) => {
        const local = row[v];
        if (local === undefined) return;
        f.get(params);
        pushPoint(scene, finish, places[r], n, scope);
        f.get(local);
        f.call(lanes);
      });
    });
  }
}
