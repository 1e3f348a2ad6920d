/**
 * One tile of a contraction with columns: `rows` x `panels` accumulators in locals, the sum over depth, then the store with everything
 * that is computed on the sum before it (bias, activation, residual). Input: the analysed contraction and the tile's shape. Output:
 * a function of the tile's first row, first panel and batch point. lhs is read in place, through one pointer where the distance of
 * rows is known, else through one for each row; a row that a guard puts outside reads zeros from the zero page.
 */
import type { Columns, Contraction, Inside, Operand, Outline, Range } from '../../contraction.ts';
import { invariant } from '../../error.ts';
import {
  type Expr, type Var, add, asInt, binary, cast, floordiv, floormod, int, mul, product, sub, truth, variable,
} from '../../expr/expr.ts';
import { gapOf, isNonNegative, stepAlong } from '../../expr/index-algebra.ts';
import { axesOf, placed, substitute } from '../../expr/visit.ts';
import type { ContractionBody } from '../../kernel.ts';
import type { KernelModule, Parameter, Scene } from './contraction-frame.ts';
import { emitGeneral, sumNames } from './contraction-general.ts';
import { type Count, type MulAdd, type Place, type Stream, emitSteps, streamOf } from './contraction-loop.ts';
import { type Finish, emitStores } from './contraction-store.ts';
import type { FuncRef, FunctionBuilder, Local } from './function-builder.ts';
import { addressOf } from './scalar.ts';
import type { Scope } from './scope.ts';
import { zeroBytes, zeroPage } from './zero-page.ts';

/** What all tiles of a kernel have in common. */
export interface Gemm {
  readonly c: Outline;
  /** The same with operands that are read in place; without it they are computed for each step (contraction-general.ts). */
  readonly plain?: Contraction | undefined;
  /** Prepared for emission. */
  readonly body: ContractionBody;
  readonly cols: Columns;
  /** The first row of a tile, counted over all row axes. */
  readonly first: Var;
  readonly unroll: number;
  readonly by: MulAdd;
  readonly finish: Finish;
}

export interface TileShape {
  readonly rows: number;
  readonly panels: number;
}

export const tileParameters = (g: Gemm): Parameter[] => [g.first, g.cols.panel, ...g.c.batch];

export function emitTile(module: KernelModule, g: Gemm, { rows, panels }: TileShape): FuncRef {
  const vectors = (panels * g.cols.width) / 4;
  const build = (scene: Scene): void => {
    const { f } = scene;
    const acc = Array.from({ length: rows }, (_, r) => Array.from({ length: vectors }, (_unused, v) => f.local('v128', `acc${r}_${v}`)));
    const places = rowPlaces(scene, g, rows);
    emitSum(scene, g, acc, places);
    emitStores(scene, g.finish, acc, places, g);
  };
  const changing = g.plain === undefined ? sumNames(rows, vectors) : [];
  return module.func(`tile${rows}x${panels * g.cols.width}`, tileParameters(g), build, { changing });
}

function emitSum(scene: Scene, g: Gemm, acc: readonly (readonly Local[])[], places: RowPlaces): void {
  const { f } = scene;
  const c = g.plain;
  if (c === undefined) { emitGeneral(scene, g, acc, places); return; }
  // Arms of a branch get scopes of their own: what is computed in one is not known in the other.
  const depth = (nest: Inside, guarded: boolean): void => { emitDepth(scene, g, acc, places, nest, guarded, scene.scalar.branch(scene.root)); };
  if (c.lhs.guard === undefined || c.inside === undefined) depth(c, c.lhs.guard !== undefined);
  else {
    const all = insideTest(c.lhs, places, c.depth);
    if (all === undefined) depth(c, true);
    else {
      const inside = c.inside;
      scene.scalar.push(all, scene.root);
      f.if(() => { depth(inside, false); }, () => { depth(c, true); });
    }
  }
}

/** For each row of the tile, what stands for the row axes there. */
export type RowPlaces = readonly ReadonlyMap<Expr, Expr>[];

/** One axis: the first row and a constant. Several: coordinates in locals, counted up from row to row. */
function rowPlaces({ f, scalar, root }: Scene, { c, first }: Gemm, rows: number): RowPlaces {
  const [axis, ...more] = c.rows;
  invariant(axis !== undefined, 'a contraction without row axes');
  if (more.length === 0) return Array.from({ length: rows }, (_, r) => new Map([[axis, add(first, r)]]));
  const places: Map<Expr, Expr>[] = [];
  let before: Var[] | undefined;
  for (let r = 0; r < rows; r++) {
    const here = c.rows.map((v) => variable(`${v.name}${r}`, v.extent));
    const locals = here.map((v) => f.local('i32', v.name));
    let rest: Expr = first;
    let carry: Local | undefined;
    for (let i = c.rows.length - 1; i >= 0; i--) {
      const [v, local, last] = [here[i], locals[i], before?.[i]];
      invariant(v !== undefined && local !== undefined, 'a row axis is missing');
      if (last === undefined) {
        scalar.push(i === 0 ? rest : floormod(rest, v.extent), root);
        f.set(local);
        rest = floordiv(rest, v.extent);
        continue;
      }
      scalar.push(last, root);
      if (carry === undefined) f.i32(1);
      else f.get(carry);
      f.op('i32.add');
      f.set(local);
      if (i === 0) break;
      carry = f.local('i32', 'carry');
      f.get(local);
      scalar.push(v.extent, root);
      f.op('i32.eq');
      f.set(carry);
      f.i32(0);
      f.get(local);
      f.get(carry);
      f.op('select');
      f.set(local);
    }
    here.forEach((v, i) => { const local = locals[i]; if (local !== undefined) root.define(v, local); });
    places.push(new Map(c.rows.map((v, i) => [v, here[i] ?? v])));
    before = here;
  }
  return places;
}

const unsigned = (e: Expr): Expr => cast(e, 'uint32');
const within = (e: Expr, limit: Expr): Expr => binary('le', unsigned(e), unsigned(limit));

/** 0 <= at (<= limit) with as few comparisons as possible. */
function rangeTest({ limit = int(2 ** 31 - 1) }: Range, at: Expr): Expr {
  // Of an empty image the limit is -1, which is no unsigned number to stay below.
  return isNonNegative(limit) ? within(at, limit) : binary('lt', unsigned(at), unsigned(add(limit, 1)));
}

/** Whether lhs is read, at a place of `axes`. */
export function guardTest({ guard, ranges }: Operand, axes: readonly Expr[]): (place: ReadonlyMap<Expr, Expr>) => Expr {
  if (guard === undefined) return () => truth(true);
  if (ranges === undefined) return (place) => substitute(guard, place);
  const tests = ranges.map((r) => ({ r, at: placed(r.expr, axes), known: new Map<Expr, Expr>() }));
  return (place) => tests.map(({ r, at, known }) => {
    const value = at(place);
    const test = known.get(value) ?? rangeTest(r, value);
    known.set(value, test);
    return test;
  }).reduce((a, b) => binary('and', a, b));
}

/** Whether all rows of the tile are inside at every tap: the ranges hold at both ends of all depth axes. */
export function insideTest(lhs: Operand, places: RowPlaces, depth: readonly Var[]): Expr | undefined {
  const tests: Expr[] = [];
  for (const range of lhs.ranges ?? []) {
    let [least, most]: [Expr, Expr] = [int(0), int(0)];
    for (const v of depth) {
      const coef = range.at.coefs.get(v);
      if (coef === undefined) continue;
      const sign = asInt(coef);
      if (sign === undefined) return undefined;
      const reach = mul(coef, sub(v.extent, 1));
      if (sign > 0) most = add(most, reach);
      else least = add(least, reach);
    }
    const start = substitute(range.expr, new Map<Expr, Expr>(depth.map((v) => [v, int(0)])));
    // One unsigned comparison, unless the taps reach over more than the range holds.
    const room = range.limit === undefined ? undefined : sub(range.limit, sub(most, least));
    for (const at of places.map(placed(start, axesOf(places)))) {
      if (room !== undefined && isNonNegative(room)) {
        tests.push(within(add(at, least), room));
        continue;
      }
      tests.push(binary('le', int(0), add(at, least)));
      if (range.limit !== undefined) tests.push(binary('le', add(at, most), range.limit));
    }
  }
  return tests.length === 0 ? undefined : tests.reduce((a, b) => binary('and', a, b));
}

/** Steps that are written one after another where several axes are short. */
const mostTaps = 36;

/**
 * The innermost axes whose steps all stand at known distances, if they are several and few steps together: written out, they move no
 * pointers. Planes of a picture under 3x3 at 46 instead of 44 GFLOP/s, under 7x7 (21 steps at once) at 54 instead of 51.
 */
export function tapAxes({ depth, lhs, rhs }: Inside): readonly Var[] {
  const fits = (axes: readonly Var[]): boolean => {
    const steps = asInt(product(axes.map((v) => v.extent)));
    const known = (v: Var): boolean => [lhs, rhs].every(({ linear }) => linear !== undefined && (asInt(linear.coefs.get(v) ?? int(0)) ?? -1) >= 0);
    return steps !== undefined && steps <= mostTaps && axes.every(known);
  };
  for (let from = 0; from < depth.length - 1; from++) if (fits(depth.slice(from))) return depth.slice(from);
  return [];
}

/** Bytes to each step of `axes`, last axis fastest. */
const tapsOf = ({ linear }: Operand, axes: readonly Var[]): number[] => axes.reduce<number[]>((all, v) => {
  const coef = asInt(linear?.coefs.get(v) ?? int(0)) ?? 0;
  return all.flatMap((at) => Array.from({ length: asInt(v.extent) ?? 0 }, (_, i) => at + 4 * coef * i));
}, [0]);

/**
 * The sum over depth: loops over the outer axes, then runs of the innermost. Pointers of operands that are linear walk: a step of an outer
 * axis adds what the inner ones have not moved them by. Those of a guarded lhs are found anew for each run.
 */
function emitDepth(
  scene: Scene, g: Gemm, acc: readonly (readonly Local[])[], rows: RowPlaces, nest: Inside, guarded: boolean, start: Scope,
): void {
  const { f, scalar } = scene;
  const inner = nest.depth[nest.depth.length - 1];
  invariant(inner !== undefined, 'a contraction without depth');
  const taps = guarded ? [] : tapAxes(nest);
  const outer = nest.depth.slice(0, -Math.max(1, taps.length));
  const origin = new Map<Expr, Expr>(nest.depth.slice(0, -1).map((v) => [v, int(0)]));
  const pointers = new Pointers(f);
  const lhsAt = (at: Operand, scope: Scope): Stream => lhsStream(scene, at, rows, inner, scope, pointers, guarded);
  const rhsAt = (at: Operand, scope: Scope): Stream => rhsStream(scene, g.cols, at, inner, scope, pointers, acc[0]?.length ?? 0);
  const first = (operand: Operand): Operand => ({ ...operand, offset: substitute(operand.offset, origin) });
  const written = (stream: Stream, operand: Operand): Stream => (taps.length === 0 ? stream : { ...stream, taps: tapsOf(operand, taps) });
  const lhs = guarded || nest.lhs.linear === undefined ? undefined : written(lhsAt(first(nest.lhs), start), nest.lhs);
  const rhs = nest.rhs.linear === undefined ? undefined : written(rhsAt(first(nest.rhs), start), nest.rhs);
  const go = (scope: Scope, axes: readonly Var[]): void => {
    const [v, ...rest] = axes;
    if (v === undefined) {
      const count: Count = rhs?.taps?.length ?? asInt(inner.extent) ?? scalar.value(inner.extent, scope);
      emitSteps(f, { acc, by: g.by }, lhs ?? lhsAt(nest.lhs, scope), rhs ?? rhsAt(nest.rhs, scope), count, rhs?.taps?.length ?? g.unroll);
      return;
    }
    scalar.loop(scope, v, (turn) => {
      go(turn, rest);
      for (const [stream, operand] of [[lhs, nest.lhs], [rhs, nest.rhs]] as const) {
        if (stream === undefined) continue;
        const coef = (w: Var): Expr => operand.linear?.coefs.get(w) ?? int(0);
        const [below] = rest;
        const run = taps.length === 0 ? mul(operand.step, inner.extent) : int(0);
        const moved = below === undefined ? run : mul(coef(below), below.extent);
        const gap = mul(sub(coef(v), moved), 4);
        if (asInt(gap) === 0) continue;
        for (const pointer of stream.pointers) {
          f.get(pointer);
          scalar.push(gap, turn);
          f.op('i32.add');
          f.set(pointer);
        }
      }
    });
  };
  go(start, outer);
}

/** Locals for pointers, the same ones for each run. */
export class Pointers {
  readonly #known = new Map<string, Local>();
  constructor(private readonly f: FunctionBuilder, private readonly prefix = '') {}
  get(name: string): Local {
    const local = this.#known.get(name) ?? this.f.local('i32', `${this.prefix}${name}`);
    this.#known.set(name, local);
    return local;
  }
}

function lhsStream(scene: Scene, lhs: Operand, rows: RowPlaces, inner: Var, scope: Scope, pointers: Pointers, guarded: boolean): Stream {
  const { f, scalar } = scene;
  const start = substitute(lhs.offset, new Map([[inner, int(0)]]));
  const axes = axesOf(rows);
  const step = mul(lhs.step, 4);
  const known = asInt(step);
  if (!guarded) {
    const places = setPointers(scene, lhs.slot, offsetsAt(start, axes, rows), 'a', scope, pointers);
    return streamOf(places, strideOf(scene, step, scope));
  }
  const length = asInt(inner.extent);
  // Zeros reach far enough if the run is short; else a row outside stands still.
  const still = known === undefined || length === undefined || known < 0 || known * length > zeroBytes;
  const steps: Local[] = [];
  const [offsetAt, guardAt] = [placed(start, axes), guardTest(lhs, axes)];
  const places = rows.map((row, r): Place => {
    const pointer = pointers.get(`a${r}`);
    const address = addressOf(lhs.slot, 'float32', offsetAt(row));
    const test = guardAt(row);
    scalar.push(add(address.base, address.offset), scope);
    f.i32(zeroPage);
    scalar.push(test, scope);
    f.op('select');
    f.set(pointer);
    if (still) {
      const own = pointers.get(`step${r}`);
      scalar.push(step, scope);
      f.i32(0);
      scalar.push(test, scope);
      f.op('select');
      f.set(own);
      steps.push(own);
    }
    return { pointer, offset: 0 };
  });
  return streamOf(places, still ? steps : known);
}

function rhsStream(
  scene: Scene, cols: Columns, rhs: Operand, inner: Var, scope: Scope, pointers: Pointers, vectors: number,
): Stream {
  const start = substitute(rhs.offset, new Map([[inner, int(0)]]));
  const perPanel = cols.width / 4;
  const offsets = offsetsAt(start, [cols.panel, cols.lane], Array.from({ length: vectors }, (_, v) => new Map<Expr, Expr>([
    [cols.panel, add(cols.panel, Math.floor(v / perPanel))], [cols.lane, int((v % perPanel) * 4)],
  ])));
  const step = mul(rhs.step, 4);
  return streamOf(setPointers(scene, rhs.slot, offsets, 'b', scope, pointers), strideOf(scene, step, scope));
}

/** What a constant step adds to `offset=`, which is unsigned: an operand that walks backwards (ConvTranspose) moves its pointers instead. */
function strideOf({ scalar }: Scene, step: Expr, scope: Scope): number | Local {
  const known = asInt(step);
  return known !== undefined && known >= 0 ? known : scalar.value(step, scope);
}

/** An element offset, as another one and a distance. */
interface Offset {
  readonly from: Expr;
  readonly plus: number;
}

/** The offset `e` at each place of `axes`: those at known distances from the first as such, which is quickly found. */
export function offsetsAt(e: Expr, axes: readonly Expr[], places: readonly ReadonlyMap<Expr, Expr>[]): Offset[] {
  const at = placed(e, axes);
  const [first] = places;
  if (first === undefined) return [];
  const from = at(first);
  const moves = axes.map((v) => ({ v, start: first.get(v) ?? v, step: stepAlong(e, v), far: new Map<Expr, number | undefined>() }));
  return places.map((place) => {
    let plus = 0;
    for (const { v, start, step, far } of moves) {
      const value = place.get(v) ?? v;
      if (value === start) continue;
      const by = far.get(value) ?? gapOf(value, start);
      far.set(value, by);
      if (step === undefined || by === undefined) return { from: at(place), plus: 0 };
      plus += step * by;
    }
    return { from, plus };
  });
}

/** Points at element offsets, through as few pointers as constant distances allow. */
export function setPointers(
  { f, scalar }: Scene, slot: number, offsets: readonly Offset[], name: string, scope: Scope, pointers: Pointers,
): Place[] {
  const heads: { readonly at: Offset; readonly place: Place }[] = [];
  return offsets.map((offset, i) => {
    for (const { at, place } of heads) {
      const between = offset.from === at.from ? 0 : gapOf(offset.from, at.from);
      const gap = between === undefined ? -1 : between + offset.plus - at.plus;
      if (gap >= 0) return { pointer: place.pointer, offset: place.offset + gap * 4 };
    }
    const pointer = pointers.get(`${name}${i}`);
    const address = addressOf(slot, 'float32', add(offset.from, offset.plus));
    scalar.push(address.base, scope);
    f.set(pointer);
    const place = { pointer, offset: address.offset };
    heads.push({ at: offset, place });
    return place;
  });
}

export const rowCount = (c: Outline): Expr => product(c.rows.map((v) => v.extent));
