/** Sizes at run time: an expression over a kernel's dims, as a number. */
import type { Expr } from '../../expr/expr.ts';
import { evaluate } from '../../expr/visit.ts';
import type { Kernel } from '../../kernel.ts';

export function evaluateDims(e: Expr, kernel: Kernel, dims: readonly number[]): number {
  return evaluate(e, new Map<Expr, number>(kernel.syms.map((s, i) => [s, dims[i] ?? 0])));
}
