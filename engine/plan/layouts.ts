/**
 * Physical layouts: in which order the dims of each tensor lie in memory. Micro-kernels want the summed channel of their left operand and
 * the column of their result innermost, so a convolution's tensors become channels-last while everything at the model's border
 * stays row-major; maps and row programs follow their neighbours. Layouts are decided here, once, before weights are packed.
 */
import { type Expr, type Var, asInt } from '../../jit/expr/expr.ts';
import { collect, contains, isLoad } from '../../jit/expr/visit.ts';
import { type Body, type LoopBody, type Stmt, type Store, loadsOf, stores } from '../../jit/kernel.ts';
import type { Program, TensorDef } from '../graph/program.ts';
import { tensorOf } from '../passes/program-edit.ts';

export type Order = readonly number[];

export const rowMajor = (rank: number): Order => Array.from({ length: rank }, (_, d) => d);

/** The order of dims of every computed tensor; row-major for all that the outside sees. */
export function chooseLayouts(program: Program, fixed: ReadonlySet<number>): Map<number, Order> {
  const wishes = new Map<number, { order: Order; weight: number }>();
  const wish = (id: number, inner: number | undefined): void => {
    const def = tensorOf(program, id);
    if (inner === undefined || inner === def.shape.length - 1) return;
    const order = [...rowMajor(def.shape.length).filter((d) => d !== inner), inner];
    const weight = sizeHint(def.shape);
    const known = wishes.get(id);
    if (known === undefined || weight > known.weight) wishes.set(id, { order, weight });
  };
  for (const { body, outputs, initial } of program.computations) {
    if (body.kind === 'loop' && initial === undefined) {
      for (const { axis, places } of innermost(body.body)) for (const { tensor, index } of places) wish(tensor, dimOf(index, axis));
    }
    if (body.kind !== 'contraction') continue;
    const [output] = outputs;
    const lane = body.cols.at(-1) ?? body.batch.at(-1);
    if (output !== undefined && lane !== undefined) wish(output, dimOf(body.store.index, lane));
    const summed = body.cols.length > 0 ? body.depth.at(-1) : lane;
    for (const l of collect([body.lhs], isLoad)) if (summed !== undefined) wish(l.tensor, dimOf(l.index, summed));
    if (body.cols.length === 0) for (const l of collect([body.rhs], isLoad)) if (lane !== undefined) wish(l.tensor, dimOf(l.index, lane));
  }
  const layouts = new Map<number, Order>();
  const settle = (def: TensorDef, order: Order | undefined): void => {
    const free = def.source.kind === 'computed' && !fixed.has(def.id);
    layouts.set(def.id, free && order !== undefined ? order : rowMajor(def.shape.length));
  };
  for (const def of program.tensors.values()) if (def.source.kind !== 'computed') settle(def, undefined);
  for (const { body, outputs, initial } of program.computations) {
    for (const id of outputs) {
      const def = tensorOf(program, id);
      settle(def, body.kind === 'loop' && initial !== undefined ? undefined : wishes.get(id)?.order ?? followed(program, body, def, layouts));
    }
  }
  return layouts;
}

/** Loops that neither hold others nor hand a value to their next turn: a CPU takes some of their turns at once. */
function innermost(stmts: readonly Stmt[]): { readonly axis: Var; readonly places: readonly Pick<Store, 'tensor' | 'index'>[] }[] {
  return stmts.flatMap((s) => {
    if (s.do === 'while') return innermost(s.body);
    if (s.do === 'if') return innermost([...s.then, ...s.else]);
    if (s.do !== 'for') return [];
    if (!independent(s.body)) return innermost(s.body);
    const inside: LoopBody = { kind: 'loop', axes: [], body: s.body };
    return [{ axis: s.axis, places: [...stores(inside), ...loadsOf(inside)] }];
  });
}

const independent = (stmts: readonly Stmt[]): boolean =>
  stmts.every((s) => s.do === 'let' || s.do === 'store' || (s.do === 'if' && independent([...s.then, ...s.else])));

/** Which dim of an index a variable steps through. */
function dimOf(index: readonly Expr[], axis: Var): number | undefined {
  const at = index.flatMap((e, d) => (contains(e, axis) ? [d] : []));
  return at.length === 1 ? at[0] : undefined;
}

const sizeHint = (shape: readonly Expr[]): number => shape.reduce((n, d) => n * (asInt(d) ?? 64), 1);

/** The layout of the largest operand that is read point for point (or window by window) in the same dims. */
function followed(program: Program, body: Body, def: TensorDef, layouts: ReadonlyMap<number, Order>): Order | undefined {
  if (body.kind !== 'map' && body.kind !== 'rows') return undefined;
  let best: { order: Order; size: number } | undefined;
  for (const l of loadsOf(body)) {
    const source = tensorOf(program, l.tensor);
    const order = layouts.get(l.tensor);
    if (order === undefined || source.shape.length !== def.shape.length) continue;
    if (!sameDims(body, l.index)) continue;
    const size = sizeHint(source.shape);
    if (best === undefined || size > best.size) best = { order, size };
  }
  return best?.order;
}

/** Every output dim that varies is read along the same dim of the operand. */
function sameDims(body: Extract<Body, { kind: 'map' | 'rows' }>, index: readonly Expr[]): boolean {
  return body.store.index.every((e, d) => {
    if (e.op !== 'var') return true;
    return index.every((i, other) => other === d || !contains(i, e));
  });
}
