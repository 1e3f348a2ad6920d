/**
 * Which loops of the imperative IR may run four turns at once: those whose turns do not see each other. In: a `for` with flat loads and
 * stores. The body names values and stores them, and of what it stores a turn touches no element that another one does; then the order of
 * turns is free, and vectors over the loop's axis give the bits of the scalar loop.
 */
import { type Expr, type Ref, type Var, asInt, floormod, int, ref, sub } from '../../expr/expr.ts';
import { stepAlong } from '../../expr/index-algebra.ts';
import { collect, contains, isLoad, isRef } from '../../expr/visit.ts';
import type { Arg, Stmt } from '../../kernel.ts';
import { offsetIn } from './lane-facts.ts';
import { argOf } from './prepare.ts';
import { storedType } from './scalar-ops.ts';
import { lanesOf } from './vector-ops.ts';

export type LaneStmt =
  | Extract<Stmt, { readonly do: 'let' | 'store' }>
  /** The same way in all turns. */
  | { readonly do: 'if'; readonly cond: Expr; readonly then: readonly LaneStmt[]; readonly else: readonly LaneStmt[] };

/** The statements of a loop that may run four turns at once; undefined if it may not, or is too short. */
export function lanewise(axis: Var, body: readonly Stmt[], args: readonly Arg[]): readonly LaneStmt[] | undefined {
  if ((asInt(axis.extent) ?? 4) < 4) return undefined;
  const places = new Map<number, Expr>();
  const named = new Set<Ref>();
  const read: Expr[] = [];
  const all = (stmts: readonly Stmt[]): readonly LaneStmt[] | undefined => {
    const lanes: LaneStmt[] = [];
    for (const s of stmts) {
      if (s.do === 'let') {
        if (lanesOf(s.value.dtype) === undefined) return undefined;
        named.add(ref(s.name, s.value.dtype));
        read.push(s.value);
        lanes.push(s);
      } else if (s.do === 'store') {
        const { tensor, index: [offset], value } = s.store;
        if (offset === undefined || lanesOf(storedType(argOf(args, tensor).dtype)) === undefined) return undefined;
        const first = places.get(tensor) ?? offset;
        if (!apart(offset, first, axis)) return undefined;
        places.set(tensor, first);
        read.push(offset, value);
        lanes.push(s);
      } else if (s.do === 'if') {
        const [then, other] = [all(s.then), all(s.else)];
        if (then === undefined || other === undefined || contains(s.cond, axis) || collect([s.cond], isRef).some((r) => named.has(r))) {
          return undefined;
        }
        read.push(s.cond);
        lanes.push({ ...s, then, else: other });
      } else {
        return undefined;
      }
    }
    return lanes;
  };
  const statements = all(body);
  const alone = collect(read, isLoad).every((l) => {
    const first = places.get(l.tensor);
    return first === undefined || apart(offsetIn(l), first, axis);
  });
  return alone && places.size > 0 ? statements : undefined;
}

/**
 * Whether a turn that touches one of these places and another turn that touches the other touch different elements: one place, or places
 * whose distance is a multiple of all that the loop's turns walk over.
 */
function apart(a: Expr, b: Expr, axis: Var): boolean {
  const step = stepAlong(a, axis) ?? 0;
  if (step === 0 || a === b) return step !== 0;
  const extent = asInt(axis.extent);
  return extent !== undefined && stepAlong(b, axis) === step && asInt(floormod(sub(a, b), int(Math.abs(step) * extent))) === 0;
}
