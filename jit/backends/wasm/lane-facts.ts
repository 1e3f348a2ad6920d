/**
 * What holds of expressions with regard to one lane axis: whether they differ between lanes, how loads move along it, whether they can be
 * computed under a mask. Answers are remembered: expressions are graphs, and walking them as trees takes exponential time.
 */
import { invariant } from '../../error.ts';
import { bytesOf } from '../../expr/dtype.ts';
import type { Expr, Load, Var } from '../../expr/expr.ts';
import { stepAlong } from '../../expr/index-algebra.ts';
import { operands } from '../../expr/visit.ts';
import { lanesOf, vectorBinary, vectorCast, vectorUnary } from './vector-ops.ts';

/** The element offset of a flat load. */
export function offsetIn(e: Load): Expr {
  const [offset] = e.index;
  invariant(offset !== undefined, 'loads are flat when code is emitted');
  return offset;
}

/** The same element in all lanes, neighbours, or anything else. */
export type Access = 'uniform' | 'unit' | 'scattered';

export class LaneFacts {
  readonly #varying = new Map<Expr, boolean>();
  readonly #maskables = new Map<Expr, boolean>();
  readonly #wholes = new Map<Expr, boolean>();
  readonly #loading = new Map<Expr, boolean>();

  constructor(private readonly axis: Var) {}

  /** A named value that differs between lanes. */
  mark(leaf: Expr): void {
    this.#varying.set(leaf, true);
  }

  /** Depends on the lane axis. */
  varies(e: Expr): boolean {
    if (e === this.axis) return true;
    const known = this.#varying.get(e);
    if (known !== undefined) return known;
    const result = operands(e).some((o) => this.varies(o));
    this.#varying.set(e, result);
    return result;
  }

  /** How an element offset moves along the lane axis. */
  access(offset: Expr): Access {
    if (!this.varies(offset)) return 'uniform';
    return stepAlong(offset, this.axis) === 1 ? 'unit' : 'scattered';
  }

  /** Whether all loads below can be held inside their arguments and nothing is computed lane by lane, where a mask does not reach. */
  maskable(e: Expr): boolean {
    const known = this.#maskables.get(e);
    if (known !== undefined) return known;
    const result = this.#decideMaskable(e);
    this.#maskables.set(e, result);
    return result;
  }

  #decideMaskable(e: Expr): boolean {
    if (e.op === 'load') {
      const access = this.access(offsetIn(e));
      if (lanesOf(e.dtype) === undefined || e.index.some((i) => this.loads(i))) return false;
      return access === 'unit' || (access === 'uniform' && bytesOf(e.dtype) === 4);
    }
    if (!this.loads(e)) return true;
    const [type, from] = [e.dtype, operands(e)[0]?.dtype ?? e.dtype];
    if (lanesOf(type) === undefined || lanesOf(from) === undefined) return false;
    if (e.op === 'unary' && vectorUnary(e.fn, from) === undefined) return false;
    if (e.op === 'cast' && vectorCast(from, type) === undefined) return false;
    if (e.op === 'binary') {
      const shifts = (e.fn === 'shl' || e.fn === 'shr') && e.b.op === 'const';
      if (!shifts && vectorBinary(e.fn, from) === undefined) return false;
    }
    return operands(e).every((o) => this.maskable(o));
  }

  /** Every type in it has lanes. */
  whole(e: Expr): boolean {
    const known = this.#wholes.get(e);
    if (known !== undefined) return known;
    const result = lanesOf(e.dtype) !== undefined && operands(e).every((o) => this.whole(o));
    this.#wholes.set(e, result);
    return result;
  }

  /** Reads memory. */
  loads(e: Expr): boolean {
    if (e.op === 'load') return true;
    const known = this.#loading.get(e);
    if (known !== undefined) return known;
    const result = operands(e).some((o) => this.loads(o));
    this.#loading.set(e, result);
    return result;
  }
}
