/**
 * The reduction of one row (or of four rows at once), in one order for every schedule. The inner axes run in order; of the last one, n
 * long, point x goes to partial result x mod 16 while x < 16 * floor(n / 16), then to x mod 4 while x < 4 * floor(n / 4), the
 * rest one after the other to a seventeenth. At the end partials j, j + 4, j + 8, j + 12 are joined as (a + b) + (c + d), the four
 * results as (0 + 1) + (2 + 3), and the seventeenth is added last. So four vectors of four lanes along the row, or sixteen vectors each
 * over four rows, give the same bits. Types without lanes (64 bits) are reduced point after point.
 */
import { type ScalarType, bytesOf, isSigned } from '../../expr/dtype.ts';
import { type BinaryOp, type Expr, type Var, add, asInt, binary, floordiv, int, mul, product, sub } from '../../expr/expr.ts';
import { affine } from '../../expr/index-algebra.ts';
import { substitute, walk } from '../../expr/visit.ts';
import type { ReduceOp, Scan } from '../../kernel.ts';
import { coordinates } from './contraction-nest.ts';
import type { Frame } from './emitter.ts';
import type { Local } from './function-builder.ts';
import { keep } from './nest.ts';
import { emitBinary, pushConstant, storeOpcode, valTypeOf } from './scalar-ops.ts';
import type { Scope } from './scope.ts';
import { lanesOf, splatBits, splatFloat, vectorBinary, wrapLanes } from './vector-ops.ts';
import type { Vector } from './vector.ts';
import { conjuncts } from './vector-forms.ts';

/** The operator that joins two partial results. */
export function joinOf(op: ReduceOp, dtype: ScalarType): BinaryOp {
  if (dtype === 'bool') return op === 'sum' || op === 'max' ? 'or' : 'and';
  switch (op) {
    case 'sum': return 'add';
    case 'prod': return 'mul';
    case 'max': case 'min': return op;
    default: return op satisfies never;
  }
}

/** The result of no points. */
export function identityOf(op: ReduceOp, dtype: ScalarType): number | bigint {
  if (op === 'sum') return 0;
  if (op === 'prod') return 1;
  if (dtype === 'bool') return op === 'max' ? 0 : 1;
  if (dtype.startsWith('float')) return op === 'max' ? -Infinity : Infinity;
  const bits = BigInt(8 * bytesOf(dtype));
  const [low, high] = isSigned(dtype) ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
  return op === 'max' ? low : high;
}

/** Loops over all inner axes but the last. */
export function outerLoops(frame: Frame, scope: Scope, inner: readonly Var[], body: (scope: Scope) => void): void {
  const [first, ...rest] = inner;
  if (first === undefined || rest.length === 0) return body(scope);
  frame.scalar.loop(scope, first, (within) => outerLoops(frame, within, rest, body));
}

/** What else happens to the value of a point while it is reduced. */
export interface Also {
  readonly slot: number;
  readonly offset: Expr;
}

/** Where the runs of the last inner axis end. */
function edges(frame: Frame, scope: Scope, v: Var): { readonly sixteens: Expr; readonly fours: Expr } {
  const whole = (step: number): Expr => mul(floordiv(v.extent, int(step)), int(step));
  return { sixteens: keep(frame, scope, 'sixteens', whole(16)), fours: keep(frame, scope, 'fours', whole(4)) };
}

const last = (axes: readonly Var[]): Var => {
  const v = axes[axes.length - 1];
  if (v === undefined) throw new Error('a reduction without axes');
  return v;
};

/** Reduces one row; lanes run along the last inner axis where the type has lanes. The result is a scalar local. */
export function reduceRow(frame: Frame, scope: Scope, inner: readonly Var[], scan: Scan, lanes: Vector, also?: Also): Local {
  const { f, scalar } = frame;
  const v = last(inner);
  const { dtype } = scan.value;
  const join = joinOf(scan.op, dtype);
  const identity = identityOf(scan.op, dtype);
  const tail = f.local(valTypeOf(dtype), `${scan.name}_tail`);
  pushConstant(f, identity, dtype);
  f.set(tail);
  const point = (within: Scope): void => {
    scalar.prepare([scan.value]);
    const value = scalar.value(scan.value, within);
    if (also !== undefined) {
      const folded = scalar.pushAddress(also.slot, 'float32', also.offset, within);
      f.get(value);
      f.mem(storeOpcode('float32'), { offset: folded });
    }
    f.get(tail);
    f.get(value);
    joinScalars(frame, join, dtype);
    f.set(tail);
  };
  if (lanesOf(dtype) === undefined) {
    outerLoops(frame, scope, inner, (within) => scalar.loop(within, v, point));
    return tail;
  }
  const partials = [0, 1, 2, 3].map((k) => f.local('v128', `${scan.name}_${k}`));
  for (const p of partials) {
    splat(frame, identity, dtype);
    f.set(p);
  }
  const { sixteens, fours } = edges(frame, scope, v);
  outerLoops(frame, scope, inner, (within) => {
    const vectors = (into: Scope, count: number): void => {
      const shifted = (e: Expr, k: number): Expr => substitute(e, new Map([[v, add(v, 4 * k)]]));
      const values = partials.slice(0, count).map((_, k) => shifted(scan.value, k));
      scalar.prepare(values);
      values.forEach((value, k) => {
        const p = partials[k];
        if (p === undefined) return;
        let held: Local | undefined;
        if (also !== undefined) {
          held = f.local('v128', 'value');
          lanes.push(value, into);
          f.set(held);
          const kept = held;
          lanes.store(also.slot, 'float32', shifted(also.offset, k), into, () => f.get(kept));
        }
        f.get(p);
        if (held === undefined) lanes.push(value, into);
        else f.get(held);
        joinLanes(frame, join, dtype);
        f.set(p);
      });
    };
    scalar.loop(within, v, (into) => vectors(into, 4), { to: sixteens, step: 16 });
    scalar.loop(within, v, (into) => vectors(into, 1), { from: sixteens, to: fours, step: 4 });
    scalar.loop(within, v, point, { from: fours });
  });
  const total = f.local('v128', scan.name);
  joinTree(frame, partials, join, dtype);
  f.set(total);
  const result = f.local(valTypeOf(dtype), scan.name);
  const lane = (l: number): void => {
    f.get(total);
    f.laneOp(dtype === 'float32' ? 'f32x4.extract_lane' : 'i32x4.extract_lane', l);
    if (dtype === 'bool') { f.i32(1); f.op('i32.and'); }
  };
  for (const [a, b] of [[0, 1], [2, 3]] as const) {
    lane(a);
    lane(b);
    joinScalars(frame, join, dtype);
  }
  joinScalars(frame, join, dtype);
  f.get(tail);
  joinScalars(frame, join, dtype);
  f.set(result);
  return result;
}

/** Points of a row that are written out one by one: windows of pooling. */
const mostTaps = 32;

/**
 * Where all of a row's points are inside what selects guard, windows at the border aside: what must hold for it, and the values without those
 * selects. Only for short rows of known length; a guard is a conjunction of comparisons that are linear along the row, so its ends decide.
 */
export function interior(values: readonly Expr[], inner: readonly Var[]): { readonly test: Expr; readonly by: ReadonlyMap<Expr, Expr> } | undefined {
  if (inner.reduce((n, v) => n * (asInt(v.extent) ?? Infinity), 1) > mostTaps) return undefined;
  const tests = new Set<Expr>();
  const by = new Map<Expr, Expr>();
  walk(values, (e) => {
    if (e.op !== 'select') return;
    const ends = conjuncts(e.cond).map((part) => worstEnd(part, inner));
    if (ends.some((end) => end === undefined)) return;
    by.set(e, e.a);
    for (const end of ends) if (end !== undefined) tests.add(end);
  });
  return by.size === 0 ? undefined : { test: [...tests].reduce((a, b) => binary('and', a, b)), by };
}

/** A comparison at the point of a row where it fails first. */
function worstEnd(part: Expr, inner: readonly Var[]): Expr | undefined {
  if (part.op !== 'binary' || (part.fn !== 'le' && part.fn !== 'lt') || part.a.dtype !== 'index') return undefined;
  const room = affine(sub(part.b, part.a), inner);
  const ends = inner.map((v, i): [Expr, Expr] | undefined => {
    const coef = room?.coefs[i];
    const sign = coef === undefined ? undefined : asInt(coef);
    return sign === undefined ? undefined : [v, sign < 0 ? sub(v.extent, int(1)) : int(0)];
  });
  return ends.some((end) => end === undefined) ? undefined : substitute(part, new Map(ends.filter((end) => end !== undefined)));
}

/** Reduces four rows at once: every lane is a row. The result is a vector local. `unroll`: point by point, which must be few. */
export function reduceRows(
  frame: Frame, scope: Scope, inner: readonly Var[], scan: Scan, lanes: Vector, also?: Also, unroll = false,
): Local {
  const { f, scalar } = frame;
  const v = last(inner);
  const { dtype } = scan.value;
  const join = joinOf(scan.op, dtype);
  const known = v.extent.op === 'const' ? Number(v.extent.value) : Infinity;
  const count = known < 4 ? 0 : known < 16 ? 4 : 16;
  const partials = Array.from({ length: count }, (_, k) => f.local('v128', `${scan.name}_${k}`));
  const tail = f.local('v128', `${scan.name}_tail`);
  for (const p of [...partials, tail]) {
    splat(frame, identityOf(scan.op, dtype), dtype);
    f.set(p);
  }
  if (unroll) {
    const taps = product(inner.map((axis) => axis.extent));
    const row = asInt(v.extent) ?? 1;
    const points = Array.from({ length: asInt(taps) ?? 0 }, (_, t) => substitute(scan.value, coordinates(inner, int(t))));
    scalar.prepare(points);
    points.forEach((point, t) => {
      const x = t % row;
      const to = (x < row - (row % 16) ? partials[x % 16] : x < row - (row % 4) ? partials[x % 4] : undefined) ?? tail;
      f.get(to);
      lanes.push(point, scope);
      joinLanes(frame, join, dtype);
      f.set(to);
    });
  }
  const { sixteens, fours } = edges(frame, scope, v);
  if (!unroll) outerLoops(frame, scope, inner, (within) => {
    const into = (targets: readonly Local[]) => (at: Scope): void => {
      const shifted = (e: Expr, k: number): Expr => substitute(e, new Map([[v, add(v, k)]]));
      scalar.prepare(targets.map((_, k) => shifted(scan.value, k)));
      targets.forEach((p, k) => {
        const value = f.local('v128', 'value');
        lanes.push(shifted(scan.value, k), at);
        f.set(value);
        if (also !== undefined) lanes.store(also.slot, 'float32', shifted(also.offset, k), at, () => f.get(value));
        f.get(p);
        f.get(value);
        joinLanes(frame, join, dtype);
        f.set(p);
      });
    };
    if (count === 16) scalar.loop(within, v, into(partials), { to: sixteens, step: 16 });
    if (count > 0) scalar.loop(within, v, into(partials.slice(0, 4)), { from: sixteens, to: fours, step: 4 });
    scalar.loop(within, v, into([tail]), { from: fours });
  });
  const result = f.local('v128', scan.name);
  if (count === 0) {
    splat(frame, identityOf(scan.op, dtype), dtype);
  } else {
    const quarters = [0, 1, 2, 3].map((j) => {
      const quarter = f.local('v128', 'quarter');
      const column = [0, 4, 8, 12].map((k) => partials[j + k]);
      const identity = f.local('v128', 'identity');
      if (count < 16) {
        splat(frame, identityOf(scan.op, dtype), dtype);
        f.set(identity);
      }
      joinTree(frame, column.map((p) => p ?? identity), join, dtype);
      f.set(quarter);
      return quarter;
    });
    joinTree(frame, quarters, join, dtype);
  }
  f.get(tail);
  joinLanes(frame, join, dtype);
  f.set(result);
  return result;
}

/** The same with the same bits for two scalars. */
function joinScalars({ f, context }: Frame, join: BinaryOp, dtype: ScalarType): void {
  if (dtype !== 'float32' || (join !== 'max' && join !== 'min')) return emitBinary(context, join, dtype);
  const [a, b] = [f.local('f32', 'a'), f.local('f32', 'b')];
  f.set(b);
  f.set(a);
  f.i32(-1); // the NaN that a mask of ones is
  f.op('f32.reinterpret_i32');
  f.get(b);
  f.get(a);
  f.get(a);
  f.get(b);
  f.op(join === 'max' ? 'f32.lt' : 'f32.gt');
  f.op('select');
  f.get(b);
  f.get(b);
  f.ops('f32.ne', 'select');
}

/** (a + b) + (c + d), left on the stack. */
function joinTree(frame: Frame, four: readonly Local[], join: BinaryOp, dtype: ScalarType): void {
  const { f } = frame;
  four.forEach((p, k) => {
    f.get(p);
    if (k % 2 === 1) joinLanes(frame, join, dtype);
  });
  joinLanes(frame, join, dtype);
}

/**
 * Joins the two results on the stack. The greater or lesser of two float32 is three instructions here and eight on x86 as f32x4.max, which
 * orders zeros of both signs: the comparison hands on a NaN below, the mask one above
 * (MaxPool 3x3 to 88x88x24: 0.80 instead of 0.96 ms).
 */
function joinLanes({ f }: Frame, join: BinaryOp, dtype: ScalarType): void {
  if (dtype === 'float32' && (join === 'max' || join === 'min')) {
    const x = f.local('v128', 'x');
    f.tee(x);
    f.op(`f32x4.p${join}`);
    f.get(x);
    f.get(x);
    return f.ops('f32x4.ne', 'v128.or');
  }
  const op = vectorBinary(join, dtype);
  if (op === undefined) throw new Error(`no lanes for ${join} of ${dtype}`);
  f.op(op);
  wrapLanes(f, dtype);
}

function splat({ f }: Frame, value: number | bigint, dtype: ScalarType): void {
  if (dtype === 'float32') return splatFloat(f, Number(value));
  return splatBits(f, dtype === 'bool' ? -Number(value) : Number(BigInt.asIntN(32, BigInt(value))));
}
