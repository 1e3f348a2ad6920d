/**
 * Polynomials with integer coefficients over atoms: variables, dims and whatever index expressions the algebra does not look into. The order
 * of atoms and terms does not depend on what was made first. index-algebra.ts turns expressions into polynomials and back.
 */
import { type Expr, hashOf } from './expr.ts';

export interface Term { readonly coef: number; readonly atoms: readonly Expr[] }
/** A polynomial that is being made. */
export type Terms = Map<string | number, Term>;
/** Keyed by the ids of a term's atoms; no zero coefficients; 0 is the constant. */
export type Poly = ReadonlyMap<string | number, Term>;

/** Most terms have one atom or none: no text is made for those. */
export const keyOf = (atoms: readonly Expr[]): string | number => (atoms.length < 2 ? (atoms[0]?.id ?? 0) : atoms.map((a) => a.id).join());

const none: readonly Expr[] = [];
export const fixed = (value: number): Poly => (value === 0 ? new Map() : new Map([[0, { coef: value, atoms: none }]]));

export function put(out: Terms, coef: number, atoms: readonly Expr[], key = keyOf(atoms)): void {
  const next = coef + (out.get(key)?.coef ?? 0);
  if (next === 0) out.delete(key);
  else out.set(key, { coef: next, atoms });
}

export function poly(terms: readonly Term[]): Poly {
  const out: Terms = new Map();
  terms.forEach(({ coef, atoms }) => { put(out, coef, atoms); });
  return out;
}

/** A total order of atoms that does not depend on what was made first: emitted texts and keys must be the same in every session. */
export function byStructure(a: Expr, b: Expr): number {
  if (a === b) return 0;
  const [x, y] = [rank(a), rank(b)];
  if (x !== y) return x - y;
  if ((a.op === 'var' || a.op === 'sym') && (b.op === 'var' || b.op === 'sym') && a.name !== b.name) return a.name < b.name ? -1 : 1;
  return hashOf(a) - hashOf(b) || a.id - b.id;
}
const rank = (e: Expr): number => (e.op === 'var' ? 0 : e.op === 'sym' ? 1 : 2);

const together = (a: readonly Expr[], b: readonly Expr[]): readonly Expr[] =>
  a.length === 0 ? b : b.length === 0 ? a : [...a, ...b].sort(byStructure);

const isOne = (p: Poly): boolean => p.size === 1 && p.get(0)?.coef === 1;

export function times(a: Poly, b: Poly): Poly {
  if (isOne(a)) return b;
  if (isOne(b)) return a;
  const out: Terms = new Map();
  a.forEach((s) => { b.forEach((t) => { put(out, s.coef * t.coef, together(s.atoms, t.atoms)); }); });
  return out;
}

export function plus(a: Poly, b: Poly, scale = 1): Poly {
  if (b.size === 0) return a;
  if (a.size === 0 && scale === 1) return b;
  const out = new Map(a);
  b.forEach((t, key) => { put(out, t.coef * scale, t.atoms, key); });
  return out;
}

/** Graded lexicographic order of terms, highest first: a monomial order, so that long division ends. */
export function compare(a: Term, b: Term): number {
  if (a.atoms.length !== b.atoms.length) return b.atoms.length - a.atoms.length;
  for (let i = 0; i < a.atoms.length; i++) {
    const x = a.atoms[i];
    const y = b.atoms[i];
    if (x !== undefined && y !== undefined && x !== y) return byStructure(x, y);
  }
  return 0;
}

/** The atoms left when others are taken away, each once; undefined if one is not there. */
export function without(atoms: readonly Expr[], remove: readonly Expr[]): readonly Expr[] | undefined {
  const left = [...atoms];
  for (const atom of remove) {
    const at = left.indexOf(atom);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left;
}
