/**
 * Shape arithmetic that operators share: numpy broadcasting on symbolic dims, row-major flattening, axes of attributes. A dim that
 * cannot be proved equal to another is guarded in the index, never assumed.
 */
import { type Expr, type Var, add, asInt, eq, floordiv, floormod, ge, int, max, min, mul, or, product, sub, truth } from '../../jit/expr/expr.ts';
import { isNonNegative } from '../../jit/expr/index-algebra.ts';
import { shapeText, text } from '../../jit/expr/text.ts';
import { collect, isSym } from '../../jit/expr/visit.ts';
import type { Lowering, Tensor } from './operator.ts';

export const numel = product;

/** An axis attribute counted from the front. */
export function axisOf(build: Lowering, axis: number, rank: number): number {
  const from = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(from) && from >= 0 && from < rank) return from;
  return build.fail('invalid-attribute', 'an axis is out of range', { expected: `${-rank} to ${rank - 1}`, got: String(axis) });
}

export function axesOf(build: Lowering, axes: readonly number[], rank: number): number[] {
  const found = axes.map((a) => axisOf(build, a, rank));
  if (new Set(found).size !== found.length) build.fail('invalid-attribute', 'an axis is given twice', { got: `[${axes.join(', ')}]` });
  return found;
}

/** A size that must be another: `what` says which. */
export function sized(build: Lowering, got: Expr | undefined, wanted: Expr | number, what: string): void {
  const [is, should] = [got ?? int(1), typeof wanted === 'number' ? int(wanted) : wanted];
  build.require(eq(is, should), what, { expected: text(should), got: text(is) });
}

/** Sizes of which each must be another. */
export function shaped(build: Lowering, got: readonly Expr[], wanted: readonly (Expr | number)[], what: string): void {
  wanted.forEach((dim, d) => { sized(build, got[d], dim, what); });
}

/** A dim that a computation gives: one below 0 is an error, now where it is known, else when it is read. */
export function dimOf(build: Lowering, value: Expr, what: string): Expr {
  const dim = build.dim(value);
  if (asInt(dim) !== undefined) build.require(ge(dim, 0), what, { got: text(dim) });
  return dim;
}

/** Row-major offset of an index. */
export const flatten = (index: readonly Expr[], shape: readonly Expr[]): Expr =>
  index.reduce<Expr>((at, i, d) => add(mul(at, shape[d] ?? int(1)), i), int(0));

/** The index of a row-major offset. */
export function unflatten(flat: Expr, shape: readonly Expr[]): Expr[] {
  const index: Expr[] = shape.map(() => int(0));
  let rest = flat;
  // Above the outermost dim that is not 1 nothing is left to divide.
  const first = shape.findIndex((d) => asInt(d) !== 1);
  for (let d = shape.length - 1; d >= Math.max(first, 0); d--) {
    const dim = shape[d] ?? int(1);
    if (asInt(dim) === 1) continue;
    index[d] = d === first ? rest : floormod(rest, dim);
    rest = floordiv(rest, dim);
  }
  return index;
}

/** One axis per dim that is not 1, and the full index (0 where a dim is 1). */
export function freshAxes(build: Lowering, shape: readonly Expr[]): { readonly axes: Var[]; readonly index: Expr[] } {
  const axes: Var[] = [];
  const index = shape.map((dim) => {
    if (asInt(dim) === 1) return int(0);
    const axis = build.axis(dim);
    axes.push(axis);
    return axis;
  });
  return { axes, index };
}

/** The shape to which all shapes broadcast. */
export function broadcastShapes(build: Lowering, ...shapes: readonly (readonly Expr[])[]): Expr[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, d) =>
    shapes.map((s) => s[d - rank + s.length] ?? int(1)).reduce((a, b) => broadcastDim(build, a, b, shapes), int(1)));
}

function broadcastDim(build: Lowering, a: Expr, b: Expr, shapes: readonly (readonly Expr[])[]): Expr {
  if (a === b || asInt(b) === 1) return a;
  if (asInt(a) === 1) return b;
  const [x, y] = [asInt(a), asInt(b)];
  if (x !== undefined && y !== undefined) {
    return build.fail('shape-mismatch', 'shapes do not broadcast', { got: shapes.map(shapeText).join(' and ') });
  }
  // A static dim (not 1) decides; of two unlike symbols one may be 1, or they are equal.
  const fits = or(eq(a, b), eq(x === undefined ? a : b, 1), x === undefined && y === undefined ? eq(b, 1) : truth(false));
  if (x !== undefined || y !== undefined || !related(a, b)) build.require(fits, 'shapes do not broadcast', { got: shapes.map(shapeText).join(' and ') });
  if (x !== undefined) return a;
  if (y !== undefined) return b;
  if (!related(a, b)) return max(a, b);
  build.assume(eq(a, b), `${text(a)} and ${text(b)} are one dim`);
  return text(a).length <= text(b).length ? a : b;
}

/**
 * Whether two dims are made of the same symbols, as `t` and `min(t, 512)` are: such dims are taken to be equal (and checked when they are
 * bound), since the case that only one of them is 1 makes no sense for a whole model.
 */
const related = (a: Expr, b: Expr): boolean => {
  const symbols = new Set<Expr>(collect([a], isSym));
  return collect([b], isSym).some((s) => symbols.has(s));
};

/** Where an element of a broadcast result comes from in one of the operands. `out` is the result's shape. */
export function broadcastIndex(shape: readonly Expr[], index: readonly Expr[], out: readonly Expr[]): Expr[] {
  const skip = index.length - shape.length;
  return shape.map((dim, d) => {
    const i = index[d + skip] ?? int(0);
    if (asInt(dim) === 1) return int(0);
    // A symbolic dim beside a different one may be 1: then its only element is read.
    const result = out[d + skip] ?? dim;
    const larger = result.op === 'binary' && result.fn === 'max';
    return dim === result || asInt(dim) !== undefined || (!larger && asInt(result) === undefined && related(dim, result)) ? i : min(i, sub(dim, 1));
  });
}

/** An operand's element for an index of the broadcast result. */
export const broadcastAt = (tensor: Tensor, index: readonly Expr[], out: readonly Expr[]): Expr =>
  tensor.at(broadcastIndex(tensor.shape, index, out));

/** The same elements in row-major order under another shape of the same size. */
export function reshape(build: Lowering, x: Tensor, shape: readonly Expr[]): Tensor {
  if (x.shape.length === shape.length && shape.every((d, k) => d === x.shape[k])) return x;
  return build.map(x.dtype, shape, (index) => x.at(reshapeIndex(index, shape, x.shape)));
}

/** Index into `from` for an index into `to`; runs of dims with equal products are taken apart on their own, which keeps addresses simple. */
export function reshapeIndex(index: readonly Expr[], to: readonly Expr[], from: readonly Expr[]): Expr[] {
  const result: Expr[] = from.map(() => int(0));
  let [a, b] = [0, 0];
  while (a < to.length || b < from.length) {
    const [a0, b0] = [a, b];
    let p: Expr = to[a++] ?? int(1);
    let q: Expr = from[b++] ?? int(1);
    while (p !== q && (a < to.length || b < from.length)) {
      const shorter = b >= from.length || (a < to.length && isNonNegative(sub(q, p)));
      if (shorter) p = mul(p, to[a++] ?? int(1));
      else q = mul(q, from[b++] ?? int(1));
    }
    const flat = flatten(index.slice(a0, a), to.slice(a0, a));
    for (const [k, i] of unflatten(flat, from.slice(b0, b)).entries()) result[b0 + k] = i;
  }
  return result;
}

/** A shape with one dim replaced. */
export const withDim = (shape: readonly Expr[], axis: number, dim: Expr): Expr[] => shape.map((d, k) => (k === axis ? dim : d));

/** ceil(a / b) of non-negative a. */
export const ceildiv = (a: Expr, b: Expr | number): Expr => floordiv(add(a, sub(typeof b === 'number' ? int(b) : b, 1)), b);
