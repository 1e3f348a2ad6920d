/** Shapes of expressions that the vector emitter looks for: what is one instruction, what converts nothing, what a branch costs. */
import { type ScalarType, bytesOf } from '../../expr/dtype.ts';
import type { Expr } from '../../expr/expr.ts';
import { operands } from '../../expr/visit.ts';

/** a < b ? a : b and a > b ? a : b are one instruction each (they hand on b if there is a NaN, unlike min and max). */
export function extremeOf(e: Extract<Expr, { op: 'select' }>): 'f32x4.pmin' | 'f32x4.pmax' | undefined {
  const { cond } = e;
  if (cond.op !== 'binary' || e.dtype !== 'float32' || cond.a !== e.a || cond.b !== e.b) return undefined;
  return cond.fn === 'lt' ? 'f32x4.pmin' : cond.fn === 'gt' ? 'f32x4.pmax' : undefined;
}

/** The parts of a conjunction. */
export const conjuncts = (e: Expr): Expr[] => (e.op === 'binary' && e.fn === 'and' ? [...conjuncts(e.a), ...conjuncts(e.b)] : [e]);

/** Conversions between types with the same lanes. */
export function sameLanes(to: ScalarType, from: ScalarType, op: 'cast' | 'bitcast'): boolean {
  const words = (d: ScalarType): boolean => d === 'index' || d === 'int32' || d === 'uint32';
  if (words(to) && words(from)) return true;
  return op === 'bitcast' && bytesOf(to) === 4 && bytesOf(from) === 4;
}

export function weight(e: Expr): number {
  let total = 0;
  const seen = new Set<Expr>();
  const go = (x: Expr): void => {
    if (seen.has(x)) return;
    seen.add(x);
    total += 1;
    operands(x).forEach(go);
  };
  go(e);
  return total;
}
