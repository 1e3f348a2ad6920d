/**
 * The end of a tile: what is computed on the finished sums, and the store. Input: accumulators in locals and what the row and column axes
 * stand for in each. Whole vectors of columns are finished in registers and stored at once where the output runs along them; the rest
 * (the last panel's filling, outputs stored across, types without vectors) goes through one scalar function.
 */
import type { Columns, Contraction } from '../../contraction.ts';
import { type Expr, type Var, add, asInt, int, le, mul, ref, variable } from '../../expr/expr.ts';
import { substitute } from '../../expr/visit.ts';
import type { KernelModule, Parameter, Scene } from './contraction-frame.ts';
import type { FuncRef, Local } from './function-builder.ts';
import { storeOpcode } from './scalar-ops.ts';
import type { Scope } from './scope.ts';

const acc = ref('acc', 'float32');

/** What follows the sum, prepared for emission: flat loads, no function that has to be taken apart. */
export interface Ending {
  readonly slot: number;
  readonly dtype: Contraction['out']['dtype'];
  /** Element offset over batch, rows and n. */
  readonly offset: Expr;
  readonly value: Expr;
}

export interface Finish extends Ending {
  readonly batch: readonly Var[];
  readonly rows: readonly Var[];
  readonly n: Var;
  /** Finishes and stores up to 4 columns from n on, those below the extent of n: (batch.., rows.., n, sums). */
  readonly lanes: FuncRef;
}

const sums = { name: 'sums', type: 'v128' } as const;

/** Adds the scalar functions that tiles call for what is not stored as whole vectors. */
export function addFinish(module: KernelModule, { batch, rows }: Pick<Contraction, 'batch' | 'rows'>, n: Var, ending: Ending): Finish {
  const point: Parameter[] = [...batch, ...rows, n];
  const element = module.func('element', [...point, acc], ({ f, scalar, root }) => {
    scalar.prepare([ending.offset, ending.value]);
    const offset = scalar.pushAddress(ending.slot, ending.dtype, ending.offset, root);
    scalar.push(ending.value, root);
    f.mem(storeOpcode(ending.dtype), { offset });
  });
  const lanes = module.func('lanes', [...point, sums], ({ f, scalar, root, params, given }) => {
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
        f.laneOp('f32x4.extract_lane', lane);
        f.call(element);
      });
    }
  });
  return { ...ending, batch, rows, n, lanes };
}

/** Stores a tile whose rows stand at `places`. */
export function emitStores(
  scene: Scene, finish: Finish, sum: readonly (readonly Local[])[], places: readonly ReadonlyMap<Expr, Expr>[], cols: Columns,
): void {
  const { f, scalar, root } = scene;
  const vectors = sum[0]?.length ?? 0;
  const whole = le(add(mul(cols.panel, cols.width), vectors * 4), cols.n.extent);
  const exact = (asInt(cols.n.extent) ?? 1) % cols.width === 0;
  const fast = asVectors(finish, cols) ? (): void => { storeVectors(scene, finish, sum, places, cols, scalar.branch(root)); } : undefined;
  const slow = (): void => { storeLanes(scene, finish, sum, places, cols, scalar.branch(root)); };
  if (fast === undefined) return slow();
  if (exact) return fast();
  scalar.push(whole, root);
  return f.if(fast, slow);
}

/** The four lanes of a vector, as a variable. */
const four = variable('lane', 4);

const columnAt = (cols: Columns, vector: number, lane: Expr): Expr => add(add(mul(cols.panel, cols.width), vector * 4), lane);

function asVectors(finish: Finish, cols: Columns): boolean {
  if (finish.dtype !== 'float32' || finish.value !== acc) return false;
  const offset = substitute(finish.offset, new Map([[finish.n, columnAt(cols, 0, four)]]));
  const next = substitute(offset, new Map([[four, add(four, 1)]]));
  return asInt(add(next, mul(offset, -1))) === 1;
}

function storeVectors(
  { f, scalar }: Scene, finish: Finish, sum: readonly (readonly Local[])[], places: readonly ReadonlyMap<Expr, Expr>[], cols: Columns,
  scope: Scope,
): void {
  sum.forEach((row, r) => row.forEach((local, v) => {
    const at = new Map<Expr, Expr>([...(places[r] ?? []), [finish.n, columnAt(cols, v, int(0))]]);
    const offset = scalar.pushAddress(finish.slot, finish.dtype, substitute(finish.offset, at), scope);
    f.get(local);
    f.mem('v128.store', { offset, align: 4 });
  }));
}

function storeLanes(
  { f, scalar, params }: Scene, finish: Finish, sum: readonly (readonly Local[])[], places: readonly ReadonlyMap<Expr, Expr>[], cols: Columns,
  scope: Scope,
): void {
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
        for (const b of finish.batch) scalar.push(b, scope);
        for (const axis of finish.rows) scalar.push(places[r]?.get(axis) ?? axis, scope);
        scalar.push(n, scope);
        f.get(local);
        f.call(finish.lanes);
      });
    });
  }
}
