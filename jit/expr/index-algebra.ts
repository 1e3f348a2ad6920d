/**
 * Algebra of `index` expressions: sums of products of loop variables, dims and opaque atoms (floordiv, floormod, min, max, casts of
 * loaded values) in one canonical order, so that equal addresses are the same object. Division splits off what divides exactly and
 * proves remainders in range from the extents of variables; that is what makes reshape, transpose and slice vanish from addresses.
 * Integers here are exact (JavaScript numbers below 2^53); kernels compute them in 32 bits.
 */
import { type Binary, type BinaryOp, type Expr, has, int, pairKey, rawBinary, truth } from './expr.ts';
import { type Poly, type Term, type Terms, byStructure, compare, fixed, keyOf, plus, poly, put, times, without } from './polynomial.ts';

const polys = new Map<Expr, Poly>();
/** What was proved of expressions and of atoms, and the greatest values of atoms. Remembered: the same quotients are asked about again and again. */
const proofs = new Map<Expr, boolean>();
const atomProofs = new Map<Expr, boolean>();
const uppers = new Map<Expr, Poly | undefined>();
const results = new Map<BinaryOp, Map<number, Expr | undefined>>();
export const clear = (): void => { for (const table of [polys, proofs, atomProofs, uppers, results]) table.clear(); };

function toPoly(e: Expr): Poly {
  const known = polys.get(e);
  if (known !== undefined) return known;
  let made: Poly;
  if (e.op === 'const') made = fixed(Number(e.value));
  else if (e.op === 'binary' && e.fn === 'add') made = plus(toPoly(e.a), toPoly(e.b));
  else if (e.op === 'binary' && e.fn === 'mul') made = times(toPoly(e.a), toPoly(e.b));
  else made = new Map([[e.id, { coef: 1, atoms: [e] }]]);
  polys.set(e, made);
  return made;
}

/** The constant term of a sum. */
export const constantOf = (e: Expr): number => toPoly(e).get(0)?.coef ?? 0;

function fromPoly(p: Poly): Expr {
  const merged = p.size > 1 ? recombine(p) : p;
  // Largest steps first: reads as addresses are thought of, and any fixed order serves.
  const terms = [...merged.values()];
  if (terms.length > 1) terms.sort((a, b) => b.atoms.length - a.atoms.length || Math.abs(b.coef) - Math.abs(a.coef) || compare(a, b));
  const result = terms.length === 0 ? int(0) : terms.map(productOf).reduce((a, b) => rawBinary('add', a, b));
  if (!polys.has(result)) polys.set(result, merged);
  return result;
}

function productOf({ coef, atoms }: Term): Expr {
  if (atoms.length === 0) return int(coef);
  const product = atoms.reduce((a, b) => rawBinary('mul', a, b));
  return coef === 1 ? product : rawBinary('mul', product, int(coef));
}

const isModulo = (atom: Expr): atom is Binary => atom.op === 'binary' && atom.fn === 'floormod';

/**
 * b*(x div b) + (x mod b) = x, also where both carry the same factor, or the quotient has been reduced once more. Most polynomials have no
 * remainder: they are told apart here, in little code, since a browser compiles what is called so often with all that it calls (100 ms of a core).
 */
function recombine(p: Poly): Poly {
  const terms = [...p.values()];
  return terms.some((term) => term.atoms.some(isModulo)) ? recombined(p, terms) : p;
}

function recombined(p: Poly, terms: readonly Term[]): Poly {
  for (const term of terms) {
    for (const atom of term.atoms) {
      if (!isModulo(atom)) continue;
      const rest = { coef: term.coef, atoms: term.atoms.filter((a) => a !== atom) };
      for (const other of terms) {
        for (const quotient of other.atoms) {
          const whole = joined(atom.a, atom.b, quotient);
          if (whole === undefined) continue;
          const wanted = times(poly([rest]), times(toPoly(atom.b), toPoly(quotient)));
          const only = [...wanted.values()];
          const first = only[0];
          if (only.length !== 1 || first === undefined || first.coef !== other.coef || keyOf(first.atoms) !== keyOf(other.atoms)) continue;
          const left = poly(terms.filter((t) => t !== term && t !== other));
          return recombine(plus(left, times(poly([rest]), toPoly(whole))));
        }
      }
    }
  }
  return p;
}

/** What `b*other + (x mod b)` is, if `other` is x div b, or (x div b) mod c. */
function joined(x: Expr, b: Expr, other: Expr): Expr | undefined {
  if (other.op !== 'binary') return undefined;
  if (other.fn === 'floordiv' && other.b === b && other.a === x) return x;
  if (other.fn === 'floormod' && other.a === quotient(x, b)) return modulo(x, fromPoly(times(toPoly(b), toPoly(other.b))));
  return undefined;
}

/** Long division of polynomials with integer coefficients: a = q*b + r, where no term of r is divisible by b's leading term. */
function split(a: Poly, b: Poly): { q: Poly; r: Poly } {
  const lead = [...b.values()].sort(compare)[0];
  if (lead === undefined) return { q: new Map(), r: a };
  let q: Poly = new Map();
  let rest = a;
  for (let guard = 0; guard < 64; guard++) {
    let step: Term | undefined;
    for (const term of [...rest.values()].sort(compare)) {
      const atoms = without(term.atoms, lead.atoms);
      if (atoms === undefined) continue;
      // Any split a = q*b + r is right; the constant's remainder is kept in [0, b) so that ranges can be proved.
      const coef = term.atoms.length === 0 ? Math.floor(term.coef / lead.coef) : Math.trunc(term.coef / lead.coef);
      if (coef === 0) continue;
      step = { coef, atoms };
      break;
    }
    if (step === undefined) break;
    const one = poly([step]);
    q = plus(q, one);
    rest = plus(rest, times(one, b), -1);
  }
  return { q, r: rest };
}

/** Is every value of this polynomial at least zero? Conservative: false may mean unknown. */
function nonNegative(p: Poly): boolean {
  if (visiblyNonNegative(p)) return true;
  // Dims of at least m are written m + d with d >= 0; then non-negative coefficients prove it.
  let shifted = p;
  const dims = new Set<Expr>();
  p.forEach(({ atoms }) => { atoms.forEach((atom) => { if (atom.op === 'sym' && atom.min > 0) dims.add(atom); }); });
  if (dims.size === 0) return false;
  for (const dim of dims) if (dim.op === 'sym') shifted = substitutePoly(shifted, dim, plus(toPoly(dim), toPoly(int(dim.min))));
  return visiblyNonNegative(shifted);
}

const visiblyNonNegative = (p: Poly): boolean => [...p.values()].every(({ coef, atoms }) => coef >= 0 && atoms.every(atomNonNegative));

function atomNonNegative(atom: Expr): boolean {
  if (atom.op === 'var' || atom.op === 'sym') return true;
  let known = atomProofs.get(atom);
  if (known === undefined) atomProofs.set(atom, known = provedAtom(atom));
  return known;
}

function provedAtom(atom: Expr): boolean {
  if (atom.op === 'binary') {
    if (atom.fn === 'floormod') return nonNegative(toPoly(atom.b));
    if (atom.fn === 'floordiv') return nonNegative(toPoly(atom.a)) && nonNegative(toPoly(atom.b));
    if (atom.fn === 'min') return isNonNegative(atom.a) && isNonNegative(atom.b);
    if (atom.fn === 'max') return isNonNegative(atom.a) || isNonNegative(atom.b);
    if (atom.fn === 'rem' || atom.fn === 'div') return isNonNegative(atom.a) && isNonNegative(atom.b);
  }
  if (atom.op === 'select') return isNonNegative(atom.a) && isNonNegative(atom.b);
  return false;
}

function substitutePoly(p: Poly, atom: Expr, by: Poly): Poly {
  const out: Terms = new Map();
  p.forEach(({ coef, atoms }, key) => {
    const others = atoms.filter((a) => a !== atom);
    if (others.length === atoms.length) {
      put(out, coef, atoms, key);
      return;
    }
    let value = poly([{ coef, atoms: others }]);
    for (let left = atoms.length - others.length; left > 0; left--) value = times(value, by);
    value.forEach((t, k) => { put(out, t.coef, t.atoms, k); });
  });
  return out;
}

/** The least (or greatest) value over all loop variables, as a polynomial in dims; undefined where it cannot be told. */
function extreme(p: Poly, greatest: boolean): Poly | undefined {
  let out = p;
  for (let guard = 0; guard < 16; guard++) {
    const term = [...out.values()].find((t) => t.atoms.some((a) => a.op !== 'sym'));
    if (term === undefined) return out;
    const atom = term.atoms.find((a) => a.op !== 'sym');
    if (atom === undefined) return undefined;
    const holders = [...out.values()].filter((t) => t.atoms.includes(atom));
    const rises = holders.every((t) => t.coef > 0);
    const falls = holders.every((t) => t.coef < 0);
    if (!rises && !falls) return undefined;
    if (!holders.every((t) => t.atoms.every((a) => a === atom || atomNonNegative(a)))) return undefined;
    const bound = rises === greatest ? atomUpper(atom) : atomNonNegative(atom) ? new Map<string, Term>() : undefined;
    if (bound === undefined) return undefined;
    out = substitutePoly(out, atom, bound);
  }
  return undefined;
}

function atomUpper(atom: Expr): Poly | undefined {
  if (!uppers.has(atom)) uppers.set(atom, upperOf(atom));
  return uppers.get(atom);
}

function upperOf(atom: Expr): Poly | undefined {
  if (atom.op === 'var') return plus(toPoly(atom.extent), toPoly(int(1)), -1);
  if (atom.op === 'binary') {
    if (atom.fn === 'floormod') return plus(toPoly(atom.b), toPoly(int(1)), -1);
    if (atom.fn === 'min') return extreme(toPoly(atom.b), true) ?? extreme(toPoly(atom.a), true);
    if (atom.fn === 'floordiv') {
      const top = extreme(toPoly(atom.a), true);
      return top === undefined ? undefined : toPoly(quotient(fromPoly(top), atom.b));
    }
  }
  return undefined;
}

function proved(p: Poly): boolean {
  if (nonNegative(p)) return true;
  const least = extreme(p, false);
  return least !== undefined && least !== p && nonNegative(least);
}

/** Proves e >= 0 for all loop variables and dims in range; false may mean unknown. */
export function isNonNegative(e: Expr): boolean {
  let known = proofs.get(e);
  if (known === undefined) proofs.set(e, known = proved(toPoly(e)));
  return known;
}

/** Proves a < b. */
const isBelow = (a: Poly, b: Poly): boolean => proved(plus(plus(b, a, -1), toPoly(int(1)), -1));

/** `divide`, remembered. */
const quotient = (a: Expr, b: Expr): Expr => binary('floordiv', a, b) ?? rawBinary('floordiv', a, b);

export function divide(a: Expr, b: Expr): Expr {
  if (b.op === 'const' && Number(b.value) === 1) return a;
  if (a.op === 'const' && b.op === 'const') return int(Math.floor(Number(a.value) / Number(b.value)));
  const divisor = toPoly(b);
  const { q, r } = split(toPoly(a), divisor);
  // Nothing left over: exact, also where the divisor may be 0, by which nobody may divide.
  if (r.size === 0 || inRange(r, divisor)) return fromPoly(q);
  const rest = fromPoly(r);
  let core: Expr | undefined;
  if (rest.op === 'binary' && rest.fn === 'floordiv' && isNonNegative(rest.b)) {
    core = divide(rest.a, fromPoly(times(toPoly(rest.b), divisor)));
  } else if (rest.op === 'binary' && rest.fn === 'floormod') {
    const inner = split(toPoly(rest.b), divisor);
    if (inner.r.size === 0 && inner.q.size > 0) core = modulo(divide(rest.a, b), fromPoly(inner.q));
  } else {
    const parts = withoutLow(r, b);
    if (parts !== undefined) core = divide(parts.high, parts.b);
  }
  return fromPoly(plus(q, toPoly(core ?? rawBinary('floordiv', rest, b))));
}

export function modulo(a: Expr, b: Expr): Expr {
  if (b.op === 'const' && Number(b.value) === 1) return int(0);
  if (a.op === 'const' && b.op === 'const') {
    const n = Number(b.value);
    return int(((Number(a.value) % n) + n) % n);
  }
  const divisor = toPoly(b);
  const { r } = split(toPoly(a), divisor);
  const rest = fromPoly(r);
  if (r.size === 0 || inRange(r, divisor)) return rest;
  if (rest.op === 'binary' && rest.fn === 'floormod') {
    const inner = split(toPoly(rest.b), divisor);
    if (inner.r.size === 0) return modulo(rest.a, b);
  }
  const parts = withoutLow(r, b);
  if (parts !== undefined) {
    const high = modulo(parts.high, parts.b);
    return fromPoly(plus(times(toPoly(high), toPoly(int(parts.g))), toPoly(parts.low)));
  }
  return rawBinary('floormod', rest, b);
}

/**
 * With r = g*high + low, 0 <= low < g and b = g*c: r div b = high div c and r mod b = g*(high mod c) + low. What a lane adds inside a
 * panel then takes no part in the division.
 */
function withoutLow(r: Poly, b: Expr): { readonly g: number; readonly high: Expr; readonly low: Expr; readonly b: Expr } | undefined {
  const whole = b.op === 'const' ? Number(b.value) : 0;
  if (whole <= 1) return undefined;
  const steps = new Set([...r.values()].filter((t) => t.atoms.length > 0).map((t) => gcd(Math.abs(t.coef), whole)));
  for (const g of [...steps].filter((n) => n > 1).sort((x, y) => y - x)) {
    const low: Term[] = [];
    const high: Term[] = [];
    for (const t of r.values()) {
      if (t.coef % g === 0) high.push({ ...t, coef: t.coef / g });
      else if (t.atoms.length > 0) low.push(t);
      else {
        const rest = ((t.coef % g) + g) % g;
        low.push({ ...t, coef: rest });
        high.push({ ...t, coef: (t.coef - rest) / g });
      }
    }
    if (inRange(poly(low), toPoly(int(g)))) return { g, high: fromPoly(poly(high)), low: fromPoly(poly(low)), b: int(whole / g) };
  }
  return undefined;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

const inRange = (r: Poly, b: Poly): boolean => isNonNegative(fromPoly(r)) && isBelow(r, b);

/** A canonical form of the operation on canonical operands; undefined where the plain node is it. Remembered: fusion asks again and again. */
export function binary(fn: BinaryOp, a: Expr, b: Expr): Expr | undefined {
  const table = results.get(fn) ?? new Map<number, Expr | undefined>();
  if (table.size === 0) results.set(fn, table);
  const key = pairKey(a, b);
  const known = table.get(key);
  if (known !== undefined || table.has(key)) return known;
  const made = simplified(fn, a, b);
  table.set(key, made);
  return made;
}

/** Which of them is the greater for sure (-1: a, 1: b): an index has 32 bits, and constants beyond those only say "without limit". */
const greater = (a: Expr, b: Expr): number => beyond(b) - beyond(a);
const beyond = (e: Expr): number => (e.op === 'const' && (Number(e.value) | 0) !== e.value ? Math.sign(e.value as number) : 0);

function simplified(fn: BinaryOp, a: Expr, b: Expr): Expr | undefined {
  switch (fn) {
    case 'add': return fromPoly(plus(toPoly(a), toPoly(b)));
    case 'sub': return fromPoly(plus(toPoly(a), toPoly(b), -1));
    case 'mul': return fromPoly(times(toPoly(a), toPoly(b)));
    case 'floordiv': return b.op === 'const' && b.value === 0 ? undefined : divide(a, b);
    case 'floormod': return b.op === 'const' && b.value === 0 ? undefined : modulo(a, b);
    case 'div': case 'rem':
      if (b.op === 'const' && b.value === 0) return undefined;
      if (a.op === 'const' && b.op === 'const') {
        const [x, y] = [Number(a.value), Number(b.value)];
        return int(fn === 'div' ? Math.trunc(x / y) : x % y);
      }
      if (isNonNegative(a) && isNonNegative(b)) return fn === 'div' ? divide(a, b) : modulo(a, b);
      return undefined;
    case 'min': case 'max': {
      if (a === b) return a;
      const side = greater(a, b);
      if (side !== 0) return side > 0 === (fn === 'min') ? a : b;
      const gap = plus(toPoly(b), toPoly(a), -1);
      const [low, high] = fn === 'min' ? [a, b] : [b, a];
      if (isNonNegative(fromPoly(gap))) return low;
      if (isNonNegative(fromPoly(plus(new Map(), gap, -1)))) return high;
      return byStructure(a, b) <= 0 ? undefined : rawBinary(fn, b, a);
    }
    case 'lt': return decide(a, b, false);
    case 'le': return decide(a, b, true);
    case 'gt': return decide(b, a, false);
    case 'ge': return decide(b, a, true);
    case 'eq': case 'ne': {
      if (a === b) return truth(fn === 'eq');
      if (greater(a, b) !== 0) return truth(fn === 'ne');
      const gap = plus(toPoly(a), toPoly(b), -1);
      if (isBelow(toPoly(a), toPoly(b)) || isBelow(toPoly(b), toPoly(a))) return truth(fn === 'ne');
      return gap.size === 0 ? truth(fn === 'eq') : undefined;
    }
    case 'pow':
      return a.op === 'const' && b.op === 'const' ? int(Number(a.value) ** Number(b.value)) : undefined;
    case 'and': case 'or': case 'xor': case 'shl': case 'shr': return undefined;
    default: return fn satisfies never;
  }
}

/** a < b (or a <= b): true, false, or the comparison in the one form `lt`/`le` on canonical operands. */
function decide(a: Expr, b: Expr, orEqual: boolean): Expr {
  const side = greater(a, b);
  if (side !== 0) return truth(side > 0);
  const [pa, pb, one] = [toPoly(a), toPoly(b), toPoly(int(1))];
  if (isBelow(pa, orEqual ? plus(pb, one) : pb)) return truth(true);
  if (isBelow(pb, orEqual ? pa : plus(pa, one))) return truth(false);
  return rawBinary(orEqual ? 'le' : 'lt', a, b);
}

/** The terms of an index expression without variables of `vars`, and those with each of them, less it; undefined if it is not affine in them. */
function affineTerms(e: Expr, vars: readonly Expr[]): { readonly base: Poly; readonly coefs: readonly Poly[] } | undefined {
  const coefs = vars.map(() => [] as Term[]);
  const base: Term[] = [];
  for (const term of toPoly(e).values()) {
    const used = term.atoms.filter((a) => vars.includes(a));
    if (used.length > 1) return undefined;
    const rest = term.atoms.filter((a) => !vars.includes(a));
    if (rest.some((a) => mentions(a, vars))) return undefined;
    const [v] = used;
    const place = v === undefined ? base : coefs[vars.indexOf(v)];
    place?.push({ coef: term.coef, atoms: rest });
  }
  return { base: poly(base), coefs: coefs.map(poly) };
}

/** The affine form of an index expression over given variables: e = base + sum(coef[v] * v); undefined if it is not affine in them. */
export function affine(e: Expr, vars: readonly Expr[]): { readonly base: Expr; readonly coefs: readonly Expr[] } | undefined {
  const terms = affineTerms(e, vars);
  return terms && { base: fromPoly(terms.base), coefs: terms.coefs.map(fromPoly) };
}

/** A function that gives `e` with values for `vars`; undefined if it is not affine in them. */
export function affineAt(e: Expr, vars: readonly Expr[]): ((values: readonly Expr[]) => Expr) | undefined {
  const terms = affineTerms(e, vars);
  return terms && ((values) => fromPoly(terms.coefs.reduce((out, coef, i) => {
    const value = values[i];
    return value === undefined || coef.size === 0 ? out : plus(out, times(coef, toPoly(value)));
  }, terms.base)));
}

/** By how much `e` grows with each step of `v`, if that is a known number. */
export function stepAlong(e: Expr, v: Expr): number | undefined {
  let step = 0;
  for (const { coef, atoms } of toPoly(e).values()) {
    if (atoms.length === 1 && atoms[0] === v) step = coef;
    else if (atoms.some((a) => mentions(a, [v]))) return undefined;
  }
  return step;
}

/** a - b, if it is a known number. */
export function gapOf(a: Expr, b: Expr): number | undefined {
  const gap = plus(toPoly(a), toPoly(b), -1);
  return gap.size === 0 ? 0 : gap.size === 1 ? gap.get(0)?.coef : undefined;
}

function mentions(e: Expr, vars: readonly Expr[]): boolean {
  if ((e.has & has.var) === 0) return false;
  if (vars.includes(e)) return true;
  switch (e.op) {
    case 'const': case 'sym': case 'ref': case 'var': return false;
    case 'load': return e.index.some((i) => mentions(i, vars));
    case 'unary': case 'cast': case 'bitcast': return mentions(e.a, vars);
    case 'binary': return mentions(e.a, vars) || mentions(e.b, vars);
    case 'select': return mentions(e.cond, vars) || mentions(e.a, vars) || mentions(e.b, vars);
    case 'muladd': return mentions(e.a, vars) || mentions(e.b, vars) || mentions(e.c, vars);
    default: return e satisfies never;
  }
}
