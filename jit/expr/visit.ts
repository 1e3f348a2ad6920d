/**
 * Walks over expressions: collecting, rewriting and evaluating. All walks remember what they have seen, so that shared
 * subexpressions (the trees are graphs) are visited once.
 */
import { type ScalarType, isInteger } from './dtype.ts';
import { type Expr, binary, bitcast, cast, has, load, muladd, select, unary, variable } from './expr.ts';
import { affineAt } from './index-algebra.ts';
import { binaryFn, unaryFn } from './scalar.ts';

/** The direct operands of a node (an index of a load counts; the extent of a variable does not). */
export function operands(e: Expr): readonly Expr[] {
  switch (e.op) {
    case 'const': case 'var': case 'sym': case 'ref': return [];
    case 'load': return e.index;
    case 'unary': case 'cast': case 'bitcast': return [e.a];
    case 'binary': return [e.a, e.b];
    case 'select': return [e.cond, e.a, e.b];
    case 'muladd': return [e.a, e.b, e.c];
    default: return e satisfies never;
  }
}

/**
 * Calls `visit` once for each distinct node below the roots, operands first. `only`: bits of `has`; nodes with none of them are left out. By
 * `forEach`: iterators of lists were a seventh of what planning left to the garbage collector.
 */
export function walk(roots: readonly Expr[], visit: (e: Expr) => void, only = 0): void {
  const seen = new Set<Expr>();
  const go = (e: Expr): void => {
    if ((only !== 0 && (e.has & only) === 0) || seen.has(e)) return;
    seen.add(e);
    operands(e).forEach(go);
    visit(e);
  };
  roots.forEach(go);
}

export function collect<T extends Expr>(roots: readonly Expr[], want: (e: Expr) => e is T): T[] {
  const found: T[] = [];
  walk(roots, (e) => { if (want(e)) found.push(e); }, leaves.get(want));
  return found;
}

export const isLoad = (e: Expr): e is Extract<Expr, { op: 'load' }> => e.op === 'load';
export const isSym = (e: Expr): e is Extract<Expr, { op: 'sym' }> => e.op === 'sym';
export const isVar = (e: Expr): e is Extract<Expr, { op: 'var' }> => e.op === 'var';
export const isRef = (e: Expr): e is Extract<Expr, { op: 'ref' }> => e.op === 'ref';
const leaves = new Map<(e: Expr) => boolean, number>([[isLoad, has.load], [isSym, has.sym], [isVar, has.var], [isRef, has.ref]]);

/** Whether `part` is `e` or stands below it. */
export function contains(e: Expr, part: Expr): boolean {
  let found = false;
  walk([e], (x) => { found ||= x === part; }, part.has);
  return found;
}

/**
 * Rebuilds an expression bottom-up. `replace` sees each original node first: what it returns stands in for the node (its own
 * operands are then not visited); undefined means "rebuild from rewritten operands", which re-applies all simplification, and does nothing
 * where no operand has changed.
 */
export function rewriter(replace: (e: Expr, again: (inner: Expr) => Expr) => Expr | undefined): (e: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const go = (e: Expr): Expr => {
    const known = done.get(e);
    if (known !== undefined) return known;
    const made = replace(e, go) ?? rebuild(e, go);
    done.set(e, made);
    return made;
  };
  return go;
}

function rebuild(e: Expr, go: (inner: Expr) => Expr): Expr {
  switch (e.op) {
    case 'const': case 'sym': case 'ref': return e;
    case 'var': {
      const extent = go(e.extent);
      return extent === e.extent ? e : variable(e.name, extent);
    }
    case 'load': {
      const index = e.index.map(go);
      return index.every((i, d) => i === e.index[d]) ? e : load(e.tensor, e.dtype, index);
    }
    case 'unary': case 'cast': case 'bitcast': {
      const a = go(e.a);
      if (a === e.a) return e;
      return e.op === 'unary' ? unary(e.fn, a) : e.op === 'cast' ? cast(a, e.dtype) : bitcast(a, e.dtype);
    }
    case 'binary': {
      const [a, b] = [go(e.a), go(e.b)];
      return a === e.a && b === e.b ? e : binary(e.fn, a, b);
    }
    case 'select': {
      const [cond, a, b] = [go(e.cond), go(e.a), go(e.b)];
      return cond === e.cond && a === e.a && b === e.b ? e : select(cond, a, b);
    }
    case 'muladd': {
      const [a, b, c] = [go(e.a), go(e.b), go(e.c)];
      return a === e.a && b === e.b && c === e.c ? e : muladd(a, b, c);
    }
    default: return e satisfies never;
  }
}

/** Replaces whole subexpressions, typically variables by index expressions. */
export function substitute(e: Expr, by: ReadonlyMap<Expr, Expr>): Expr {
  if (by.size === 0) return e;
  let below = 0;
  // What is no variable may stand in the extent of one, which does not show in its user.
  for (const part of by.keys()) below |= part.op === 'var' ? has.var : part.has | has.var;
  return rewriter((x) => ((x.has & below) === 0 && x.has !== 0 ? x : by.get(x)))(e);
}

/** What a list of places, one like another, has values for. */
export const axesOf = (places: readonly ReadonlyMap<Expr, Expr>[]): Expr[] => [...places[0]?.keys() ?? []];

/**
 * `substitute` of one expression at many places, as tiles ask for it: what is affine in `axes` is put together from its coefficients (emitting a
 * depthwise convolution took a third longer with a walk for each tap and position).
 */
export function placed(e: Expr, axes: readonly Expr[]): (place: ReadonlyMap<Expr, Expr>) => Expr {
  const at = e.dtype === 'index' ? affineAt(e, axes) : undefined;
  return at === undefined ? (place) => substitute(e, place) : (place) => at(axes.map((v) => place.get(v) ?? v));
}

/** What an expression names other than dims: without it, its value is computed once per kernel and costs a point nothing. */
export const varying = has.var | has.load | has.ref;

/** Number of distinct nodes that cost something at each point: a rough price of computing an expression. */
export function cost(e: Expr): number {
  let total = 0;
  walk([e], (x) => {
    if (x.op === 'load') total += 1;
    else if (x.op === 'unary') total += x.fn === 'neg' || x.fn === 'abs' || x.fn === 'not' ? 1 : 8;
    else if (x.dtype !== 'index' && (x.op === 'binary' || x.op === 'select' || x.op === 'muladd' || x.op === 'cast')) total += 1;
  }, varying);
  return total;
}

/** The value of an index expression over dims (and variables, where `env` names them); a float or integer expression works too. */
export function evaluate(e: Expr, env: ReadonlyMap<Expr, number> | ((leaf: Expr) => number)): number {
  const leaf = typeof env === 'function' ? env : (x: Expr): number => {
    const value = env.get(x);
    if (value === undefined) throw new Error(`no value for ${x.op === 'sym' || x.op === 'var' ? x.name : x.op}`);
    return value;
  };
  const go = (x: Expr): number => {
    switch (x.op) {
      case 'const': return Number(x.value);
      case 'var': case 'sym': case 'ref': case 'load': return leaf(x);
      case 'cast': {
        const v = go(x.a);
        return x.dtype === 'bool' ? Number(v !== 0) : x.dtype === 'float32' ? Math.fround(v) : x.dtype === 'float64' ? v : Math.trunc(v);
      }
      case 'bitcast': throw new Error('bitcast has no value outside a kernel');
      case 'select': return go(x.cond) !== 0 ? go(x.a) : go(x.b);
      case 'muladd': return go(x.a) * go(x.b) + go(x.c);
      case 'unary': return unaryFn(x.fn, plain(x.a.dtype))(go(x.a));
      case 'binary': return binaryFn(x.fn, x.fn === 'pow' ? 'float64' : plain(x.a.dtype))(go(x.a), go(x.b));
      default: return x satisfies never;
    }
  };
  return go(e);
}

/** Integers outside kernels are exact in doubles. */
const plain = (dtype: ScalarType): ScalarType => (isInteger(dtype) ? 'index' : dtype);
