/**
 * Axes as one flat number and back, for emitters: invocations have a number, bodies have axes. Input: axes and an index expression for
 * the flat point; output: expressions for the axes, which the index algebra folds into addresses (a contiguous map reads t[p]).
 */
import { QuernError } from '../../error.ts';
import { type Expr, type Var, add, asInt, cast, floordiv, floormod, mul, product, variable } from '../../expr/expr.ts';
import { affine } from '../../expr/index-algebra.ts';
import { rewriter } from '../../expr/visit.ts';
import { type Arg, type Kernel, type Store, offsetOf } from '../../kernel.ts';

export const extentsOf = (axes: readonly Var[]): Expr => product(axes.map((v) => v.extent));

/** Values of axes at a flat point, row-major. */
export function unflatten(axes: readonly Var[], point: Expr): Map<Expr, Expr> {
  const by = new Map<Expr, Expr>();
  let rest = point;
  for (let d = axes.length - 1; d >= 0; d--) {
    const axis = axes[d];
    if (axis === undefined) continue;
    by.set(axis, d === 0 ? rest : floormod(rest, axis.extent));
    rest = floordiv(rest, axis.extent);
  }
  return by;
}

/** The axes with the one along which `store` writes neighbours as the last. */
export function storeOrder(axes: readonly Var[], store: Store, args: readonly Arg[]): readonly Var[] {
  const arg = args[store.tensor];
  const form = arg === undefined ? undefined : affine(offsetOf(arg, store.index), axes);
  if (form === undefined) return axes;
  const unit = axes.findIndex((v, i) => asInt(form.coefs[i] ?? v.extent) === 1 && asInt(v.extent) !== 1);
  const fast = axes[unit];
  return fast === undefined || unit === axes.length - 1 ? axes : [...axes.filter((v) => v !== fast), fast];
}

/** Replaces variables by expressions throughout; one rewriter for many expressions. */
export const replacing = (by: ReadonlyMap<Expr, Expr>): ((e: Expr) => Expr) => rewriter((e) => by.get(e));

/** A variable for the number of a group of `width` neighbours among `total`, and the point of one of them. */
export function grouped(name: string, total: Expr, width: number): { readonly at: Var; readonly point: (lane: number) => Expr } {
  const at = variable(name, ceilDiv(total, width));
  return { at, point: (lane) => (width === 1 ? at : plus(mul(at, width), lane)) };
}

const plus = (e: Expr, n: number): Expr => (n === 0 ? e : add(e, n));
export const ceilDiv = (e: Expr, by: number): Expr => (by === 1 ? e : floordiv(add(e, by - 1), by));

/** Does a size divide by `by` whatever the dims are? */
export const divides = (size: Expr, by: number): boolean => asInt(floormod(size, by)) === 0;

/** The value as the argument's type: an index is stored as whatever integer the argument holds. */
export function stored(value: Expr, kernel: Kernel, tensor: number): Expr {
  const arg = kernel.args[tensor];
  return arg !== undefined && value.dtype === 'index' ? cast(value, arg.dtype) : value;
}

export function offsetIn(kernel: Kernel, tensor: number, index: readonly Expr[]): Expr {
  const arg = kernel.args[tensor];
  if (arg === undefined) throw new QuernError('internal', 'a kernel has no such argument', { got: String(tensor) });
  return offsetOf(arg, index);
}
