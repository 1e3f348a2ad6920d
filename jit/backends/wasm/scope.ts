/**
 * Where values live while a kernel is emitted. A scope is a stretch of code that runs as a whole: the function, the body of a loop, an arm
 * of a branch. It knows the variables that it defines and the values already computed in it; the level of an expression is the innermost
 * scope that it depends on, and what a loop does not change is computed in the hole that every loop leaves before itself.
 * Invariant: a value found through a scope has been computed wherever code of that scope runs.
 */
import { invariant } from '../../error.ts';
import type { Expr } from '../../expr/expr.ts';
import { text } from '../../expr/text.ts';
import type { Hole, Local } from './function-builder.ts';

export type ScopeKind = 'function' | 'loop' | 'branch';

export class Scope {
  readonly depth: number;
  /** Variables, dims and named values defined here. */
  readonly #defined = new Map<Expr, Local>();
  readonly #scalars = new Map<Expr, Local>();
  readonly #vectors = new Map<Expr, Local>();
  /** Memory of `levelOf`. */
  readonly levels = new Map<Expr, Scope>();

  constructor(
    readonly kind: ScopeKind,
    readonly parent: Scope | undefined,
    /** Of loops: the place before them. */
    readonly before: Hole | undefined,
  ) {
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  define(leaf: Expr, local: Local): void {
    this.#defined.set(leaf, local);
    this.levels.clear();
  }

  /** The scope that defines a variable, and its local. */
  owner(leaf: Expr): { readonly scope: Scope; readonly local: Local } | undefined {
    const local = this.#defined.get(leaf);
    return local === undefined ? this.parent?.owner(leaf) : { scope: this, local };
  }

  remember(e: Expr, local: Local, lanes: 'scalar' | 'vector'): void {
    (lanes === 'scalar' ? this.#scalars : this.#vectors).set(e, local);
  }

  find(e: Expr, lanes: 'scalar' | 'vector'): Local | undefined {
    return (lanes === 'scalar' ? this.#scalars : this.#vectors).get(e) ?? this.parent?.find(e, lanes);
  }

  /** Forgets the values that `stale` names: what was computed from memory or from a local that has changed since. */
  forget(stale: (e: Expr) => boolean): void {
    for (const values of [this.#scalars, this.#vectors]) {
      for (const e of [...values.keys()]) if (stale(e)) values.delete(e);
    }
    this.parent?.forget(stale);
  }

  /** The innermost scope around this one (or itself) that is a branch: what may be invalid outside must not leave it. */
  get branch(): Scope | undefined {
    return this.kind === 'branch' ? this : this.parent?.branch;
  }

  /** The outermost loop strictly below `level` on the way here; undefined if `level` runs this code without a loop between. */
  loopBelow(level: Scope): Scope | undefined {
    if (this === level) return undefined;
    return this.parent?.loopBelow(level) ?? (this.kind === 'loop' ? this : undefined);
  }

  require(leaf: Expr): Local {
    const known = this.owner(leaf);
    invariant(known !== undefined, `${text(leaf)} is used outside the loop that defines it`);
    return known.local;
  }
}

export const deeper = (a: Scope, b: Scope): Scope => (a.depth >= b.depth ? a : b);
