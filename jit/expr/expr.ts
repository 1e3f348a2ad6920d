/**
 * Scalar expressions: what a kernel computes for one element, and how it finds the elements it reads. One immutable tree type for
 * values and for indices; nodes are interned, so equal expressions are the same object and common subexpressions cost nothing.
 * Constructors of `index` type keep a canonical polynomial form (see index-algebra.ts); the others fold only what is always right.
 */
import { bigRangeOf, rangeOf } from './scalar.ts';
import { QuernError } from '../error.ts';
import { type DType, type ScalarType, fromHalf, isBig, isFloat, toHalf } from './dtype.ts';
import * as algebra from './index-algebra.ts';
import { hashNumber } from '../hash.ts';

export const unaryOps = [
  'neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'sqrt', 'reciprocal',
  'exp', 'log', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh',
  'erf', 'sigmoid',
  'not', // bool: logical; integers: bitwise
  'isnan',
] as const;
export type UnaryOp = (typeof unaryOps)[number];

export const binaryOps = [
  'add', 'sub', 'mul',
  'div', // floats: IEEE; integers: towards zero
  'rem', // sign of the dividend (C's %, fmod)
  'floordiv', 'floormod', // integers and index: towards minus infinity
  'pow', 'min', 'max', // min and max of floats hand a NaN on
  'and', 'or', 'xor', // bool: logical; integers: bitwise
  'shl', 'shr',
  'eq', 'ne', 'lt', 'le', 'gt', 'ge', // result is bool
] as const;
export type BinaryOp = (typeof binaryOps)[number];

interface Node {
  /** Unique per distinct expression; grows with creation, so children come before parents. */
  readonly id: number;
  /** Which leaves occur below (`has`), so that walks skip what cannot hold what they look for. */
  readonly has: number;
}
/** Bits of `Node.has`. The extent of a variable does not count. */
export const has = { load: 1, sym: 2, var: 4, ref: 8 } as const;

export interface Const extends Node { readonly op: 'const'; readonly dtype: ScalarType; readonly value: number | bigint }
/** A loop variable: 0 <= v < extent. */
export interface Var extends Node { readonly op: 'var'; readonly dtype: 'index'; readonly name: string; readonly extent: Expr }
/** A symbolic dim, known when a run is bound: sym >= min. */
export interface Sym extends Node { readonly op: 'sym'; readonly dtype: 'index'; readonly name: string; readonly min: number }
/** A named value of the kernel around: an accumulator, a row's scan result, a local of the loop IR. */
export interface Ref extends Node { readonly op: 'ref'; readonly dtype: ScalarType; readonly name: string }
/** One element; `tensor` is a tensor id in a tensor program and an argument slot in a kernel. The index must be in range. */
export interface Load extends Node { readonly op: 'load'; readonly dtype: DType; readonly tensor: number; readonly index: readonly Expr[] }
export interface Unary extends Node { readonly op: 'unary'; readonly fn: UnaryOp; readonly dtype: ScalarType; readonly a: Expr }
export interface Binary extends Node { readonly op: 'binary'; readonly fn: BinaryOp; readonly dtype: ScalarType; readonly a: Expr; readonly b: Expr }
/** Lazy: the branch not taken is not evaluated, so it may load out of range. */
export interface Select extends Node { readonly op: 'select'; readonly dtype: ScalarType; readonly cond: Expr; readonly a: Expr; readonly b: Expr }
/** Value conversion. Float to integer truncates and saturates; integer to integer wraps; to bool is `!= 0`. */
export interface Cast extends Node { readonly op: 'cast'; readonly dtype: ScalarType; readonly a: Expr }
/** Reinterprets the bits of an equally wide type. */
export interface Bitcast extends Node { readonly op: 'bitcast'; readonly dtype: ScalarType; readonly a: Expr }
/** a*b + c, fused or not as the kernel's numeric class says. */
export interface MulAdd extends Node { readonly op: 'muladd'; readonly dtype: ScalarType; readonly a: Expr; readonly b: Expr; readonly c: Expr }

export type Expr = Const | Var | Sym | Ref | Load | Unary | Binary | Select | Cast | Bitcast | MulAdd;

/**
 * The intern tables: by two numbers where a node is made of one or two others, which is nearly always, by text elsewhere. A load of a small
 * model makes 20,000 nodes and asks 100,000 times, in code that no compiler has seen yet: building texts for keys, freezing and hashing each
 * node took a tenth of it.
 */
const texts = new Map<string, Expr>();
const pairs = new Map<string, Map<number, Expr>>();
const numbers = new Map<ScalarType, Map<number | bigint, Const>>();
const hashes = new Map<Expr, number>();
let nextId = 1;

function pairTable(kind: string): Map<number, Expr> {
  const known = pairs.get(kind);
  if (known !== undefined) return known;
  const made = new Map<number, Expr>();
  pairs.set(kind, made);
  return made;
}

/** Exact for ids below 2^26. Those of small models give small integers, which maps hash without a call. */
export const pairKey = (a: Expr, b: Expr): number =>
  (a.id < 2 ** 15 && b.id < 2 ** 15 ? (a.id << 15) + b.id : (a.id + 2 ** 26) * 2 ** 26 + b.id);

function keep<T extends Expr>(table: Map<string, Expr>, key: string, made: T): T {
  table.set(key, made);
  return made;
}

/** Of the structure alone: the same in every session, whatever was made before. What must be stable is ordered by it, not by `id`. */
export function hashOf(e: Expr): number {
  const known = hashes.get(e);
  if (known !== undefined) return known;
  const made = hashNumber(structure(e));
  hashes.set(e, made);
  return made;
}

function structure(node: Expr): string {
  switch (node.op) {
    case 'const': return `c${node.dtype}:${Object.is(node.value, -0) ? '-0' : String(node.value)}`;
    case 'var': return `v${node.name}:${hashOf(node.extent)}`;
    case 'sym': return `s${node.name}:${node.min}`;
    case 'ref': return `r${node.name}:${node.dtype}`;
    case 'load': return `l${node.tensor}:${node.dtype}[${node.index.map(hashOf).join()}]`;
    case 'unary': return `u${node.fn}(${hashOf(node.a)})`;
    case 'binary': return `b${node.fn}(${hashOf(node.a)},${hashOf(node.b)})`;
    case 'select': return `?(${hashOf(node.cond)},${hashOf(node.a)},${hashOf(node.b)})`;
    case 'cast': case 'bitcast': return `${node.op}${node.dtype}(${hashOf(node.a)})`;
    case 'muladd': return `m(${hashOf(node.a)},${hashOf(node.b)},${hashOf(node.c)})`;
    default: return node satisfies never;
  }
}

/** Drops the intern table. Only between models: expressions made before and after do not compare equal. */
export function clearExpressions(): void {
  for (const table of [texts, pairs, numbers, hashes]) table.clear();
  algebra.clear();
}

/** A constant. 64-bit integers take a bigint (or a safe integer), bool takes 0 or 1. */
export function constant(value: number | bigint | boolean, dtype: ScalarType): Const {
  let v: number | bigint = typeof value === 'boolean' ? Number(value) : value;
  if (!isFloat(dtype) && typeof v === 'number' && !Number.isInteger(v) && dtype !== 'index') throw new QuernError('internal', `${v} is no ${dtype}`);
  if (isBig(dtype)) v = BigInt(v);
  else v = Number(v);
  if (dtype === 'float32') v = Math.fround(Number(v));
  if (dtype === 'float16') v = fromHalf(toHalf(Number(v)));
  const table = numbers.get(dtype) ?? new Map<number | bigint, Const>();
  if (table.size === 0) numbers.set(dtype, table);
  // A Map does not tell -0 from 0; types of numbers have no other bigint.
  const key = Object.is(v, -0) ? 0n : v;
  const known = table.get(key);
  if (known !== undefined) return known;
  const made: Const = { op: 'const', id: nextId++, has: 0, dtype, value: v };
  table.set(key, made);
  return made;
}

/** An integer as an index expression. */
export const int = (value: number): Const => constant(value, 'index');
export const truth = (value: boolean): Const => constant(value, 'bool');

/** A loop variable with a name and an extent; two variables of one kernel need different names. */
export const variable = (name: string, extent: Expr | number): Var => {
  const size = typeof extent === 'number' ? int(extent) : extent;
  const key = `v${name}:${size.id}`;
  return (texts.get(key) as Var | undefined) ?? keep<Var>(texts, key, { op: 'var', id: nextId++, has: has.var, dtype: 'index', name, extent: size });
};
export const symbol = (name: string, min = 0): Sym => {
  const key = `s${name}:${min}`;
  return (texts.get(key) as Sym | undefined) ?? keep<Sym>(texts, key, { op: 'sym', id: nextId++, has: has.sym, dtype: 'index', name, min });
};
export const ref = (name: string, dtype: ScalarType): Ref => {
  const key = `r${name}:${dtype}`;
  return (texts.get(key) as Ref | undefined) ?? keep<Ref>(texts, key, { op: 'ref', id: nextId++, has: has.ref, dtype, name });
};

export const load = (tensor: number, dtype: DType, index: readonly Expr[]): Load => {
  let key = `l${tensor}:${dtype}`;
  let below: number = has.load;
  for (const i of index) {
    key += `,${i.id}`;
    below |= i.has;
  }
  return (texts.get(key) as Load | undefined) ?? keep<Load>(texts, key, { op: 'load', id: nextId++, has: below, dtype, tensor, index: [...index] });
};

const comparisons: ReadonlySet<BinaryOp> = new Set<BinaryOp>(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
export const isComparison = (fn: BinaryOp): boolean => comparisons.has(fn);

/** What is defined on integers as well. */
const anywhere: ReadonlySet<UnaryOp> = new Set<UnaryOp>(['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'not', 'isnan']);

/** What is not defined on floats. */
const bitwise: ReadonlySet<BinaryOp> = new Set<BinaryOp>(['and', 'or', 'xor', 'shl', 'shr']);

export function unary(fn: UnaryOp, a: Expr): Expr {
  if (fn === 'not' && a.dtype === 'bool') {
    if (a.op === 'const') return truth(a.value === 0);
    if (a.op === 'unary' && a.fn === 'not') return a.a;
  }
  if (!isFloat(a.dtype) && !anywhere.has(fn)) throw new QuernError('internal', `${fn} is defined on floats`, { got: a.dtype });
  if (isFloat(a.dtype) && fn === 'not') throw new QuernError('internal', 'not is defined on bool and integers', { got: a.dtype });
  if (a.dtype === 'index') {
    if (fn === 'neg') return binary('mul', int(-1), a);
    if (fn === 'floor' || fn === 'ceil' || fn === 'round' || fn === 'trunc') return a;
    if (a.op === 'const' && fn === 'abs') return int(Math.abs(Number(a.value)));
  }
  const dtype = fn === 'isnan' ? 'bool' : a.dtype;
  const table = pairTable(fn);
  const known = table.get(a.id);
  if (known !== undefined) return known;
  const made: Unary = { op: 'unary', id: nextId++, has: a.has, fn, dtype, a };
  table.set(a.id, made);
  return made;
}

export function binary(fn: BinaryOp, a: Expr, b: Expr): Expr {
  if (a.dtype !== b.dtype) {
    throw new QuernError('internal', `operands of ${fn} differ in type`, { expected: a.dtype, got: b.dtype });
  }
  if (isFloat(a.dtype) && bitwise.has(fn)) throw new QuernError('internal', `${fn} is defined on bool and integers`, { got: a.dtype });
  const simple = a.dtype === 'index' ? algebra.binary(fn, a, b) : a.dtype === 'bool' ? logic(fn, a, b) : undefined;
  return simple ?? rawBinary(fn, a, b);
}

/** The node as it stands, without simplification; for index-algebra.ts, which calls it on canonical operands. */
export function rawBinary(fn: BinaryOp, a: Expr, b: Expr): Expr {
  const table = pairTable(fn);
  const key = pairKey(a, b);
  const known = table.get(key);
  if (known !== undefined) return known;
  const made: Binary = { op: 'binary', id: nextId++, has: a.has | b.has, fn, dtype: isComparison(fn) ? 'bool' : a.dtype, a, b };
  table.set(key, made);
  return made;
}

function logic(fn: BinaryOp, a: Expr, b: Expr): Expr | undefined {
  if (fn !== 'and' && fn !== 'or') return undefined;
  if (a === b) return a;
  const neutral = fn === 'and' ? 1 : 0;
  if (a.op === 'const') return a.value === neutral ? b : a;
  return b.op !== 'const' ? undefined : b.value === neutral ? a : b;
}

export function select(cond: Expr, a: Expr, b: Expr): Expr {
  if (a.dtype !== b.dtype) {
    throw new QuernError('internal', 'branches of select differ in type', { expected: a.dtype, got: b.dtype });
  }
  if (cond.op === 'const') return cond.value === 0 ? b : a;
  if (a === b) return a;
  const key = `?${cond.id},${a.id},${b.id}`;
  return texts.get(key) ?? keep<Select>(texts, key, { op: 'select', id: nextId++, has: cond.has | a.has | b.has, dtype: a.dtype, cond, a, b });
}

export function cast(a: Expr, dtype: ScalarType): Expr {
  if (a.dtype === dtype) return a;
  if (a.op === 'const') {
    const folded = castConstant(a.value, a.dtype, dtype);
    if (folded !== undefined) return constant(folded, dtype);
  }
  // index -> int64 -> index and the like: the middle type holds every index.
  if (a.op === 'cast' && a.a.dtype === dtype && dtype === 'index' && (a.dtype === 'int64' || a.dtype === 'int32')) return a.a;
  return converted('cast', a, dtype);
}

function castConstant(value: number | bigint, from: ScalarType, to: ScalarType): number | bigint | undefined {
  if (to === 'bool') return Number(value) !== 0 ? 1 : 0;
  if (isFloat(to)) return to === 'float16' ? undefined : Number(value);
  if (isFloat(from) && !Number.isFinite(Number(value))) return undefined;
  const whole = typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
  const [low, high] = isBig(to) ? bigRangeOf(to) : to === 'index' ? [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const : rangeOf(to);
  if (whole < low || whole > high) return undefined;
  return isBig(to) ? whole : Number(whole);
}

export const bitcast = (a: Expr, dtype: ScalarType): Expr =>
  a.dtype === dtype ? a : converted('bitcast', a, dtype);

function converted(op: 'cast' | 'bitcast', a: Expr, dtype: ScalarType): Expr {
  const table = pairTable(`${op} ${dtype}`);
  const known = table.get(a.id);
  if (known !== undefined) return known;
  const made = { op, id: nextId++, has: a.has, dtype, a } as Cast | Bitcast;
  table.set(a.id, made);
  return made;
}

export const muladd = (a: Expr, b: Expr, c: Expr): Expr => {
  const key = `m${a.id},${b.id},${c.id}`;
  return texts.get(key) ?? keep<MulAdd>(texts, key, { op: 'muladd', id: nextId++, has: a.has | b.has | c.has, dtype: c.dtype, a, b, c });
};

// Short names for the operations that lowerings use all the time. A number beside an expression takes that expression's type.
type Operand = Expr | number;
const operand = (x: Operand, other: Operand): Expr =>
  (typeof x !== 'number' ? x : typeof other === 'number' ? int(x) : constant(x, other.dtype));
const two = (fn: BinaryOp) => (a: Operand, b: Operand): Expr => binary(fn, operand(a, b), operand(b, a));
export const add = two('add');
export const sub = two('sub');
export const mul = two('mul');
export const div = two('div');
export const floordiv = two('floordiv');
export const floormod = two('floormod');
export const min = two('min');
export const max = two('max');
export const eq = two('eq');
export const ne = two('ne');
export const lt = two('lt');
export const le = two('le');
export const gt = two('gt');
export const ge = two('ge');
export const and = (...all: readonly Expr[]): Expr => all.reduce((a, b) => binary('and', a, b), truth(true));
export const or = (...all: readonly Expr[]): Expr => all.reduce((a, b) => binary('or', a, b), truth(false));
export const not = (a: Expr): Expr => unary('not', a);
export const sum = (all: readonly Expr[]): Expr => all.reduce((a, b) => add(a, b), int(0));
export const product = (all: readonly Expr[]): Expr => all.reduce((a, b) => mul(a, b), int(1));

/** The constant value of an index expression, or undefined. */
export const asInt = (e: Expr): number | undefined => (e.op === 'const' ? Number(e.value) : undefined);
