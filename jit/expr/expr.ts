/**
 * Scalar expressions: what a kernel computes for one element, and how it finds the elements it reads. One immutable tree type for
 * values and for indices; nodes are interned, so equal expressions are the same object and common subexpressions cost nothing.
 * Constructors of `index` type keep a canonical polynomial form (see index-algebra.ts); the others fold only what is always right.
 */
import { QuernError } from '../error.ts';
import { type DType, type ScalarType, isBig, isFloat } from './dtype.ts';
import * as algebra from './index-algebra.ts';
import { hashNumber } from '../hash.ts';

export type UnaryOp =
  | 'neg' | 'abs' | 'sign' | 'floor' | 'ceil' | 'round' | 'trunc' | 'sqrt' | 'reciprocal'
  | 'exp' | 'log' | 'sin' | 'cos' | 'tan' | 'asin' | 'acos' | 'atan' | 'sinh' | 'cosh' | 'tanh' | 'asinh' | 'acosh' | 'atanh'
  | 'erf' | 'sigmoid'
  | 'not' // bool: logical; integers: bitwise
  | 'isnan';

export type BinaryOp =
  | 'add' | 'sub' | 'mul'
  | 'div' // floats: IEEE; integers: towards zero
  | 'rem' // sign of the dividend (C's %, fmod)
  | 'floordiv' | 'floormod' // integers and index: towards minus infinity
  | 'pow' | 'min' | 'max' // min and max of floats hand a NaN on
  | 'and' | 'or' | 'xor' // bool: logical; integers: bitwise
  | 'shl' | 'shr'
  | 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'; // result is bool

interface Node {
  /** Unique per distinct expression; grows with creation, so children come before parents. */
  readonly id: number;
  /** Of the structure alone: the same in every session, whatever was made before. What must be stable is ordered by it, not by `id`. */
  readonly hash: number;
}
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

type Shape<T> = T extends Node ? Omit<T, 'id' | 'hash'> : never;

const table = new Map<string, Expr>();
let nextId = 1;

function intern(key: string, node: Shape<Expr>): Expr {
  const known = table.get(key);
  if (known !== undefined) return known;
  const made: Expr = Object.freeze({ ...node, id: nextId++, hash: structuralHash(node) });
  table.set(key, made);
  return made;
}

function structuralHash(node: Shape<Expr>): number {
  switch (node.op) {
    case 'const': return hashNumber(`c${node.dtype}:${Object.is(node.value, -0) ? '-0' : String(node.value)}`);
    case 'var': return hashNumber(`v${node.name}:${node.extent.hash}`);
    case 'sym': return hashNumber(`s${node.name}:${node.min}`);
    case 'ref': return hashNumber(`r${node.name}:${node.dtype}`);
    case 'load': return hashNumber(`l${node.tensor}:${node.dtype}[${node.index.map((i) => i.hash).join()}]`);
    case 'unary': return hashNumber(`u${node.fn}(${node.a.hash})`);
    case 'binary': return hashNumber(`b${node.fn}(${node.a.hash},${node.b.hash})`);
    case 'select': return hashNumber(`?(${node.cond.hash},${node.a.hash},${node.b.hash})`);
    case 'cast': case 'bitcast': return hashNumber(`${node.op}${node.dtype}(${node.a.hash})`);
    case 'muladd': return hashNumber(`m(${node.a.hash},${node.b.hash},${node.c.hash})`);
    default: return node satisfies never;
  }
}

/** Drops the intern table. Only between models: expressions made before and after do not compare equal. */
export function clearExpressions(): void {
  table.clear();
  algebra.clear();
}

/** A constant. 64-bit integers take a bigint (or a safe integer), bool takes 0 or 1. */
export function constant(value: number | bigint | boolean, dtype: ScalarType): Const {
  let v: number | bigint = typeof value === 'boolean' ? Number(value) : value;
  if (isBig(dtype)) v = BigInt(v);
  else v = Number(v);
  if (dtype === 'float32') v = Math.fround(Number(v));
  const text = Object.is(v, -0) ? '-0' : String(v);
  return intern(`c${dtype}:${text}`, { op: 'const', dtype, value: v }) as Const;
}

/** An integer as an index expression. */
export const int = (value: number): Const => constant(value, 'index');
export const truth = (value: boolean): Const => constant(value, 'bool');

/** A loop variable with a name and an extent; two variables of one kernel need different names. */
export const variable = (name: string, extent: Expr | number): Var => {
  const size = typeof extent === 'number' ? int(extent) : extent;
  return intern(`v${name}:${size.id}`, { op: 'var', dtype: 'index', name, extent: size }) as Var;
};
export const symbol = (name: string, min = 0): Sym => intern(`s${name}:${min}`, { op: 'sym', dtype: 'index', name, min }) as Sym;
export const ref = (name: string, dtype: ScalarType): Ref => intern(`r${name}:${dtype}`, { op: 'ref', dtype, name }) as Ref;

export const load = (tensor: number, dtype: DType, index: readonly Expr[]): Load =>
  intern(`l${tensor}:${dtype}[${index.map((i) => i.id).join()}]`, { op: 'load', dtype, tensor, index: Object.freeze([...index]) }) as Load;

const comparisons: ReadonlySet<BinaryOp> = new Set<BinaryOp>(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
export const isComparison = (fn: BinaryOp): boolean => comparisons.has(fn);

export function unary(fn: UnaryOp, a: Expr): Expr {
  if (fn === 'not' && a.dtype === 'bool') {
    if (a.op === 'const') return truth(a.value === 0);
    if (a.op === 'unary' && a.fn === 'not') return a.a;
  }
  if (a.dtype === 'index') {
    if (fn === 'neg') return binary('mul', int(-1), a);
    if (fn === 'floor' || fn === 'ceil' || fn === 'round' || fn === 'trunc') return a;
    if (a.op === 'const' && fn === 'abs') return int(Math.abs(Number(a.value)));
  }
  const dtype = fn === 'isnan' ? 'bool' : a.dtype;
  return intern(`u${fn}(${a.id})`, { op: 'unary', fn, dtype, a });
}

export function binary(fn: BinaryOp, a: Expr, b: Expr): Expr {
  if (a.dtype !== b.dtype) {
    throw new QuernError('internal', `operands of ${fn} differ in type`, { expected: a.dtype, got: b.dtype });
  }
  if (a.dtype === 'index') {
    const simple = algebra.binary(fn, a, b);
    if (simple !== undefined) return simple;
  }
  if (a.dtype === 'bool') {
    const simple = logic(fn, a, b);
    if (simple !== undefined) return simple;
  }
  return rawBinary(fn, a, b);
}

/** The node as it stands, without simplification; for index-algebra.ts, which calls it on canonical operands. */
export function rawBinary(fn: BinaryOp, a: Expr, b: Expr): Expr {
  const dtype = isComparison(fn) ? 'bool' : a.dtype;
  return intern(`b${fn}(${a.id},${b.id})`, { op: 'binary', fn, dtype, a, b });
}

function logic(fn: BinaryOp, a: Expr, b: Expr): Expr | undefined {
  if (fn !== 'and' && fn !== 'or') return undefined;
  if (a === b) return a;
  const neutral = fn === 'and' ? 1 : 0;
  for (const [x, other] of [[a, b], [b, a]] as const) {
    if (x.op === 'const') return x.value === neutral ? other : x;
  }
  return undefined;
}

export function select(cond: Expr, a: Expr, b: Expr): Expr {
  if (a.dtype !== b.dtype) {
    throw new QuernError('internal', 'branches of select differ in type', { expected: a.dtype, got: b.dtype });
  }
  if (cond.op === 'const') return cond.value === 0 ? b : a;
  if (a === b) return a;
  return intern(`?(${cond.id},${a.id},${b.id})`, { op: 'select', dtype: a.dtype, cond, a, b });
}

export function cast(a: Expr, dtype: ScalarType): Expr {
  if (a.dtype === dtype) return a;
  if (a.op === 'const') {
    const folded = castConstant(a.value, a.dtype, dtype);
    if (folded !== undefined) return constant(folded, dtype);
  }
  // index -> int64 -> index and the like: the middle type holds every index.
  if (a.op === 'cast' && a.a.dtype === dtype && dtype === 'index' && (a.dtype === 'int64' || a.dtype === 'int32')) return a.a;
  return intern(`k${dtype}(${a.id})`, { op: 'cast', dtype, a });
}

function castConstant(value: number | bigint, from: ScalarType, to: ScalarType): number | bigint | undefined {
  if (to === 'bool') return Number(value) !== 0 ? 1 : 0;
  if (isFloat(to)) return to === 'float16' ? undefined : Number(value);
  if (isFloat(from) && !Number.isFinite(Number(value))) return undefined;
  const whole = typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
  const fits: Partial<Record<ScalarType, readonly [bigint, bigint]>> = {
    int8: [-128n, 127n], uint8: [0n, 255n], int16: [-32768n, 32767n], uint16: [0n, 65535n],
    int32: [-(2n ** 31n), 2n ** 31n - 1n], index: [-(2n ** 53n), 2n ** 53n], uint32: [0n, 2n ** 32n - 1n],
    int64: [-(2n ** 63n), 2n ** 63n - 1n], uint64: [0n, 2n ** 64n - 1n],
  };
  const range = fits[to];
  if (range === undefined || whole < range[0] || whole > range[1]) return undefined;
  return isBig(to) ? whole : Number(whole);
}

export const bitcast = (a: Expr, dtype: ScalarType): Expr =>
  a.dtype === dtype ? a : intern(`w${dtype}(${a.id})`, { op: 'bitcast', dtype, a });

export const muladd = (a: Expr, b: Expr, c: Expr): Expr =>
  intern(`m(${a.id},${b.id},${c.id})`, { op: 'muladd', dtype: c.dtype, a, b, c });

// Short names for the operations that lowerings use all the time. A number beside an expression takes that expression's type.
type Operand = Expr | number;
const pair = (a: Operand, b: Operand): readonly [Expr, Expr] => {
  if (typeof a !== 'number') return [a, typeof b === 'number' ? constant(b, a.dtype) : b];
  if (typeof b !== 'number') return [constant(a, b.dtype), b];
  return [int(a), int(b)];
};
const two = (fn: BinaryOp) => (a: Operand, b: Operand): Expr => binary(fn, ...pair(a, b));
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
