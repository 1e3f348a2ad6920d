/**
 * The sum of a tile whose operands are any expressions: converted integers, weights taken apart on the way, a lhs that is computed or that
 * depends on the column as well. Input: accumulators in locals and what row and column axes stand for. Output: the loops over depth with one
 * multiply-add of four lanes for each accumulator, operands shared between accumulators computed once a step.
 */
import { invariant } from '../../error.ts';
import { isShort, linearOf } from '../../contraction.ts';
import { bytesOf } from '../../expr/dtype.ts';
import { type Expr, type Load, add, asInt, binary, constant, int, muladd, mul, ref, sub, variable } from '../../expr/expr.ts';
import { contains, substitute } from '../../expr/visit.ts';
import type { Scene } from './contraction-frame.ts';
import { scratch } from './contraction-loop.ts';
import { nested } from './contraction-nest.ts';
import type { Gemm, RowPlaces } from './contraction-tile.ts';
import type { Local } from './function-builder.ts';
import type { Scope } from './scope.ts';
import { Vector } from './vector.ts';
import { splatBits } from './vector-ops.ts';

const sumName = (r: number, v: number): string => `sum${r}_${v}`;

/** The names under which the sums of a tile change. */
export const sumNames = (rows: number, vectors: number): string[] =>
  Array.from({ length: rows * vectors }, (_, i) => sumName(Math.floor(i / vectors), i % vectors));

/** The four lanes of a vector of columns: an axis that the vector emitter spreads over them. */
export const four = variable('four', 4);

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
  /** What stands in depth at a row, and at a vector of columns. */
  const lhsAt = (r: number, v: number, depth: Depth): Expr => substitute(body.lhs, new Map([...(places[r] ?? []), [cols.n, column(v)], ...depth]));
  const rhsAt = (v: number, depth: Depth): Expr => substitute(body.rhs, new Map([[cols.n, column(v)], ...depth]));
  const single = (inner: Scope, depth: Depth): void => {
    const steps = sums.map((row, r) => row.map((sum, v) => muladd(lhsAt(r, v, depth), rhsAt(v, depth), sum)));
    scalar.prepare(steps.flat());
    steps.forEach((row, r) => row.forEach((step, v) => {
      const local = acc[r]?.[v];
      invariant(local !== undefined, 'a tile has a hole');
      lanes.push(step, inner);
      f.set(local);
    }));
  };
  const last = body.depth.at(-1);
  const length = last === undefined ? undefined : asInt(last.extent);
  if (last === undefined || length === undefined || length < 2 || !isShort(body.lhs) || !isShort(body.rhs) || contains(body.lhs, cols.n)) {
    nested(scene, scope, body.depth, (inner) => { single(inner, []); });
    return;
  }
  // Two at a time: exact, since neither a product nor the sum of two leaves 32 bits.
  const half = variable('pair', length >> 1);
  const [even, odd] = [0, 1].map((k): Depth => [[last, add(mul(half, 2), k)]]);
  invariant(even !== undefined && odd !== undefined, 'a pair of two');
  const pairs = new Pairs(scene, lanes);
  const all = acc[0]?.length ?? 0;
  nested(scene, scope, body.depth.slice(0, -1), (outer) => {
    scalar.loop(outer, half, (inner) => {
      const right = Array.from({ length: all }, (_, v) => [rhsAt(v, even), rhsAt(v, odd)] as const);
      const left = acc.map((_, r) => [lhsAt(r, 0, even), lhsAt(r, 0, odd)] as const);
      const [rights, lefts] = [right.map((p) => pairs.of(p, false)), left.map((p) => pairs.of(p, true))];
      scalar.prepare([...rights, ...lefts].flatMap((p) => p.roots));
      const held = rights.map((p, v) => {
        const local = scratch(f, `pair${v}`);
        p.push(inner);
        f.set(local);
        return local;
      });
      lefts.forEach((p, r) => {
        const local = scratch(f, 'pair');
        p.push(inner);
        f.set(local);
        held.forEach((other, v) => {
          const sum = acc[r]?.[v];
          invariant(sum !== undefined, 'a tile has a hole');
          f.get(local);
          f.get(other);
          f.op('i32x4.dot_i16x8_s');
          f.get(sum);
          f.op('i32x4.add');
          f.set(sum);
        });
      });
    });
    if (length % 2 === 1) single(outer, [[last, int(length - 1)]]);
  });
}

type Depth = readonly (readonly [Expr, Expr])[];

/** Code for two neighbouring steps of an operand as pairs of 16 bits in each lane, and the expressions that it is made of. */
interface Pair {
  readonly roots: readonly Expr[];
  /** A zero point, which loops do not change. */
  readonly away?: Expr | undefined;
  readonly push: (scope: Scope) => void;
}

class Pairs {
  constructor(private readonly scene: Scene, private readonly lanes: Vector) {}

  /** `same`: the pair is the same in all lanes. */
  of([a, b]: readonly [Expr, Expr], same: boolean): Pair {
    if (a.op === 'select' && b.op === 'select' && a.cond === b.cond && asInt(a.b) === 0 && asInt(b.b) === 0 && same) {
      return this.#guarded(a.cond, this.of([a.a, b.a], same));
    }
    const zero = a.op === 'binary' && a.fn === 'sub' && b.op === 'binary' && b.fn === 'sub' && a.b === b.b ? a.b : undefined;
    const [x, y] = zero === undefined || a.op !== 'binary' || b.op !== 'binary' ? [a, b] : [a.a, b.a];
    const loads = same ? neighbours(x, y) : columns(x, y);
    if (loads === undefined) return this.#plain(together(a, b));
    const [first, second] = loads;
    const base = (l: Load): Expr => this.scene.scalar.addressOfLoad(l).base;
    const away = zero === undefined ? undefined : together(zero, zero);
    const read = (l: Load, name: 'v128.load16_splat' | 'v128.load64_zero', scope: Scope): void => {
      const { f, scalar } = this.scene;
      scalar.push(base(l), scope);
      f.mem(name, { offset: scalar.addressOfLoad(l).offset, align: bytesOf(l.dtype) });
    };
    return {
      away,
      roots: [base(first), ...(same ? [] : [base(second)]), ...(away === undefined ? [] : [away])],
      push: (scope) => {
        const { f } = this.scene;
        if (same) {
          read(first, 'v128.load16_splat', scope);
          f.op(first.dtype === 'int8' ? 'i16x8.extend_low_i8x16_s' : 'i16x8.extend_low_i8x16_u');
        } else {
          read(first, 'v128.load64_zero', scope);
          read(second, 'v128.load64_zero', scope);
          f.shuffle([0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23]);
        }
        if (away === undefined) return;
        this.lanes.push(away, scope);
        f.op('i16x8.sub');
      },
    };
  }

  #plain(e: Expr): Pair {
    return { roots: [e], push: (scope) => { this.lanes.push(e, scope); } };
  }

  /** 0 where a guard, the same for both, does not hold: what is read then may lie out of range. */
  #guarded(cond: Expr, { roots, away, push }: Pair): Pair {
    const { f, scalar } = this.scene;
    return {
      roots: [cond, ...roots],
      push: (scope) => {
        // Known before the branch, it is taken out of the loops.
        if (away !== undefined) {
          this.lanes.push(away, scope);
          f.op('drop');
        }
        scalar.push(cond, scope);
        f.if(() => { push(scalar.branch(scope)); }, () => { splatBits(f, 0); }, ['v128']);
      },
    };
  }
}

/** The low halves of two in one word. */
const together = (a: Expr, b: Expr): Expr => binary('or', binary('and', a, constant(0xffff, 'int32')), binary('shl', b, constant(16, 'int32')));

const widened = (e: Expr): Load | undefined => (e.op === 'cast' && e.dtype === 'int32' && e.a.op === 'load' ? e.a : undefined);

/** Loads of two bytes that stand side by side. */
function neighbours(x: Expr, y: Expr): readonly [Load, Load] | undefined {
  const [a, b] = [widened(x), widened(y)];
  if (a === undefined || b === undefined || (a.dtype !== 'int8' && a.dtype !== 'uint8') || a.tensor !== b.tensor) return undefined;
  return asInt(sub(b.index[0] ?? int(0), a.index[0] ?? int(0))) === 1 ? [a, b] : undefined;
}

/** Loads of four neighbouring columns of 16 bits each. */
function columns(x: Expr, y: Expr): readonly [Load, Load] | undefined {
  const [a, b] = [widened(x), widened(y)];
  const along = (l: Load | undefined): boolean => l?.dtype === 'int16' && asInt(linearOf(l.index[0] ?? int(0), [four])?.coefs.get(four) ?? int(0)) === 1;
  return a !== undefined && b !== undefined && along(a) && along(b) ? [a, b] : undefined;
}
