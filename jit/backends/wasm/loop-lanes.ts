/**
 * Which loops of the imperative IR may run four turns at once: those whose turns do not see each other. In: a `for` with flat loads and
 * stores. The body names values and stores them, and what it stores it touches at one place only, another one in each turn; then the
 * order of turns is free, and vectors over the loop's axis give the bits of the scalar loop.
 */
import { type Expr, type Var, asInt } from '../../expr/expr.ts';
import { stepAlong } from '../../expr/index-algebra.ts';
import { collect, isLoad } from '../../expr/visit.ts';
import type { Arg, Stmt } from '../../kernel.ts';
import { offsetIn } from './lane-facts.ts';
import { argOf } from './prepare.ts';
import { storedType } from './scalar-ops.ts';
import { lanesOf } from './vector-ops.ts';

export type LaneStmt = Extract<Stmt, { readonly do: 'let' | 'store' }>;

/** The statements of a loop that may run four turns at once; undefined if it may not, or is too short. */
export function lanewise(axis: Var, body: readonly Stmt[], args: readonly Arg[]): readonly LaneStmt[] | undefined {
  if ((asInt(axis.extent) ?? 4) < 4) return undefined;
  const places = new Map<number, Expr>();
  const statements: LaneStmt[] = [];
  const read: Expr[] = [];
  for (const s of body) {
    if (s.do === 'let') {
      if (lanesOf(s.value.dtype) === undefined) return undefined;
      read.push(s.value);
    } else if (s.do === 'store') {
      const { tensor, index: [offset], value } = s.store;
      if (offset === undefined || lanesOf(storedType(argOf(args, tensor).dtype)) === undefined) return undefined;
      if ((places.get(tensor) ?? offset) !== offset || !moves(offset, axis)) return undefined;
      places.set(tensor, offset);
      read.push(offset, value);
    } else {
      return undefined;
    }
    statements.push(s);
  }
  const alone = collect(read, isLoad).every((l) => (places.get(l.tensor) ?? offsetIn(l)) === offsetIn(l));
  return alone && places.size > 0 ? statements : undefined;
}

/** Another element in each turn. */
const moves = (offset: Expr, axis: Var): boolean => (stepAlong(offset, axis) ?? 0) !== 0;
