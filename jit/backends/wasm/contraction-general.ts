/**
 * The sum of a tile whose operands are any expressions: converted integers, weights taken apart on the way, a lhs that is computed or that
 * depends on the column as well. Input: accumulators in locals and what row and column axes stand for. Output: the loops over depth with one
 * multiply-add of four lanes for each accumulator, operands shared between accumulators computed once a step.
 */
import { invariant } from '../../error.ts';
import { type Expr, add, asInt, int, muladd, mul, ref, variable } from '../../expr/expr.ts';
import { substitute } from '../../expr/visit.ts';
import type { Scene } from './contraction-frame.ts';
import { nested } from './contraction-nest.ts';
import type { Gemm, RowPlaces } from './contraction-tile.ts';
import type { Local } from './function-builder.ts';
import { Vector } from './vector.ts';

const sumName = (r: number, v: number): string => `sum${r}_${v}`;

/** The names under which the sums of a tile change. */
export const sumNames = (rows: number, vectors: number): string[] =>
  Array.from({ length: rows * vectors }, (_, i) => sumName(Math.floor(i / vectors), i % vectors));

/** The four lanes of a vector of columns: an axis that the vector emitter spreads over them. */
export const four = variable('four', 4);

/** Steps of the last depth axis up to which it is unrolled: of 2 bits a byte has four. */
const mostTurns = 4;

export function emitGeneral(scene: Scene, { body, cols }: Gemm, acc: readonly (readonly Local[])[], places: RowPlaces): void {
  const { f, scalar, root, kernel } = scene;
  const lanes = new Vector(scalar, four, kernel.args, kernel.numeric.fma);
  const scope = scalar.branch(root);
  scope.define(four, f.local('i32', 'zero')); // never set: address arithmetic with it folds away
  const column = (v: number): Expr => add(add(mul(cols.panel, cols.width), 4 * v), four);
  const sums = acc.map((row, r) => row.map((local, v) => {
    const sum = ref(sumName(r, v), body.lhs.dtype);
    lanes.define(sum, local, scope);
    return sum;
  }));
  // A short last axis (elements of a byte) is unrolled: its steps share what they load.
  const last = body.depth.length > 1 ? body.depth.at(-1) : undefined;
  const turns = (last && asInt(last.extent)) ?? Infinity;
  const unrolled = last !== undefined && turns <= mostTurns;
  const points: (readonly [Expr, Expr])[][] = unrolled ? Array.from({ length: turns }, (_, k) => [[last, int(k)]]) : [[]];
  nested(scene, scope, unrolled ? body.depth.slice(0, -1) : body.depth, (inner) => {
    const steps = points.flatMap((point) => sums.flatMap((row, r) => row.map((sum, v) => {
      const at = [[cols.n, column(v)] as const, ...point];
      const [lhs, rhs] = [substitute(body.lhs, new Map([...places[r] ?? [], ...at])), substitute(body.rhs, new Map(at))];
      return { step: muladd(lhs, rhs, sum), local: acc[r]?.[v] };
    })));
    scalar.prepare(steps.map(({ step }) => step));
    for (const { step, local } of steps) {
      invariant(local !== undefined, 'a tile has a hole');
      lanes.push(step, inner);
      f.set(local);
    }
  });
}
