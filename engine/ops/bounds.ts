/**
 * What a body reads and writes at plain variables, wherever no condition decides whether it does: there a dim smaller than the variable's
 * extent is a fault of the model's shapes. Positions that are computed, or guarded, are the operator's own concern.
 */
import { type Expr, has } from '../../jit/expr/expr.ts';
import { operands } from '../../jit/expr/visit.ts';
import { type Body, type Stmt, expressions, stores } from '../../jit/kernel.ts';

export function plainAccesses(body: Body): readonly { readonly tensor: number; readonly index: readonly Expr[] }[] {
  const certain = body.kind === 'loop' ? { ...body, body: unconditional(body.body) } : body;
  const found: { tensor: number; index: readonly Expr[] }[] = [];
  const seen = new Set<Expr>();
  const go = (e: Expr): void => {
    if ((e.has & has.load) === 0 || seen.has(e)) return;
    seen.add(e);
    if (e.op === 'load') found.push(e);
    // Only one of the branches is computed; of `and` and `or` maybe one side.
    if (e.op === 'select') go(e.cond);
    else operands(e).forEach(go);
  };
  expressions(certain).forEach(go);
  return [...found, ...stores(certain)];
}

const unconditional = (stmts: readonly Stmt[]): Stmt[] => stmts.flatMap((s): Stmt[] => {
  if (s.do === 'if') return [{ ...s, then: [], else: [] }];
  return s.do === 'for' || s.do === 'while' ? [{ ...s, body: unconditional(s.body) }] : [s];
});
