/**
 * Index maps: functions from the points of one tensor to those of another, as fusion meets them. Flattening, unflattening, and
 * inverting a one-to-one map (any composition of transposes, splits and merges of dims). An inverse is guessed digit by digit
 * and kept only if the algebra proves it, so a wrong guess costs a missed fusion, never a wrong index.
 */
import { type Expr, type Var, add, floordiv, floormod, int, mul, variable } from '../../jit/expr/expr.ts';
import { affine } from '../../jit/expr/index-algebra.ts';
import { substitute } from '../../jit/expr/visit.ts';

export const elements = (shape: readonly Expr[]): Expr => shape.reduce<Expr>((n, d) => mul(n, d), int(1));

/** Row-major position of an index. */
export function flatten(index: readonly Expr[], shape: readonly Expr[]): Expr {
  return index.reduce<Expr>((at, i, d) => add(mul(at, shape[d] ?? int(1)), i), int(0));
}

/** The index at a row-major position. */
export function unflatten(position: Expr, shape: readonly Expr[]): Expr[] {
  const index: Expr[] = [];
  let rest = position;
  for (let d = shape.length - 1; d > 0; d--) {
    const extent = shape[d] ?? int(1);
    index.unshift(floormod(rest, extent));
    rest = floordiv(rest, extent);
  }
  if (shape.length > 0) index.unshift(rest);
  return index;
}

/**
 * Given `index` over `axes` (points of B) into a tensor of `shape` (points of A), the axes' values as functions of A's point `target`;
 * undefined unless the map is provably one-to-one onto A.
 */
export function invert(
  index: readonly Expr[],
  axes: readonly Var[],
  shape: readonly Expr[],
  target: readonly Expr[],
): Expr[] | undefined {
  if (elements(axes.map((a) => a.extent)) !== elements(shape)) return undefined;
  const probes = shape.map((extent, d) => variable(`_p${d}`, extent));
  const inverse = inverseByDigits(index, axes, probes) ?? inverseByPosition(index, axes, shape, probes);
  if (inverse === undefined) return undefined;
  const substituted = new Map(probes.map((p, d) => [p as Expr, target[d] ?? int(0)]));
  return inverse.map((e) => substitute(e, substituted));
}

function proves(index: readonly Expr[], axes: readonly Var[], inverse: readonly Expr[], probes: readonly Var[]): boolean {
  const back = new Map(axes.map((a, i) => [a as Expr, inverse[i] ?? int(0)]));
  return index.every((e, d) => {
    const probe = probes[d];
    return probe !== undefined && sameOrUnit(substitute(e, back), probe);
  });
}

const sameOrUnit = (e: Expr, probe: Var): boolean => e === probe || (probe.extent === int(1) && e === int(0));

/** Reshapes: both sides count the same positions. */
function inverseByPosition(
  index: readonly Expr[],
  axes: readonly Var[],
  shape: readonly Expr[],
  probes: readonly Var[],
): Expr[] | undefined {
  const extents = axes.map((a) => a.extent);
  if (flatten(index, shape) !== flatten(axes, extents)) return undefined;
  const inverse = unflatten(flatten(probes, shape), extents);
  return proves(index, axes, inverse, probes) ? inverse : undefined;
}

/** Each axis is a sum of digits, or a digit of a sum: transposes, and splits and merges of single dims. */
function inverseByDigits(index: readonly Expr[], axes: readonly Var[], probes: readonly Var[]): Expr[] | undefined {
  const values: Expr[] = [];
  for (const axis of axes) {
    let value: Expr | undefined;
    if (axis.extent === int(1)) value = int(0);
    for (const [d, e] of index.entries()) {
      const probe = probes[d];
      if (probe === undefined || axis.extent === int(1)) continue;
      const whole = affine(e, axes);
      if (whole !== undefined) {
        const coef = whole.coefs[axes.indexOf(axis)];
        if (coef === undefined || coef === int(0)) continue;
        const digit = floordiv(probe, coef);
        const top = axes.every((other, i) => other === axis || !reaches(whole.coefs[i], coef));
        value = plus(value, top ? digit : floormod(digit, axis.extent));
        continue;
      }
      const part = digitOf(e, axis);
      if (part !== undefined) value = plus(value, mul(probe, part));
    }
    if (value === undefined) return undefined;
    values.push(value);
  }
  return proves(index, axes, values, probes) ? values : undefined;
}

const plus = (a: Expr | undefined, b: Expr): Expr => (a === undefined ? b : add(a, b));

/** Whether another axis' step is above this one's (it is then the higher digit). */
function reaches(other: Expr | undefined, coef: Expr): boolean {
  if (other === undefined || other === int(0) || other === coef) return false;
  return floormod(other, coef) === int(0);
}

/** The weight with which a digit of `axis` (axis div c, axis mod c, (axis div c) mod e) counts in the axis. */
function digitOf(e: Expr, axis: Var): Expr | undefined {
  if (e.op !== 'binary') return undefined;
  if (e.fn === 'floordiv' && e.a === axis) return e.b;
  if (e.fn === 'floormod') {
    if (e.a === axis) return int(1);
    if (e.a.op === 'binary' && e.a.fn === 'floordiv' && e.a.a === axis) return e.a.b;
  }
  return undefined;
}
