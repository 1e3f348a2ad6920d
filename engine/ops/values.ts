/**
 * Elements of small tensors as far as they are known while compiling: the definition of a tensor, evaluated at each of its points,
 * with loads answered by what is known of the tensor they read. Integers become `index` expressions over dims (so Shape, Gather,
 * Concat and friends give symbolic shapes), bool and float elements stay what they are. Elements that depend on data are unknown,
 * each for itself. Nothing above `limit` elements is touched, so weights are never read here.
 */
import { type DType, type ScalarType, bytesOf, bytesUnder, fromHalf, isBig, isFloat, toHalf, viewAs } from '../../jit/expr/dtype.ts';
import {
  type BinaryOp, type Expr, type UnaryOp, type Var, asInt, binary, cast, constant, int, isComparison, ne, select, truth, unary,
} from '../../jit/expr/expr.ts';
import { isNonNegative } from '../../jit/expr/index-algebra.ts';
import { binaryFn, rangeOf, unaryFn } from '../../jit/expr/scalar.ts';
import { type Body, type ReduceOp } from '../../jit/kernel.ts';
import type { Constant } from '../graph/graph.ts';
import type { TensorDef } from '../graph/program.ts';

export type Known = readonly (Expr | undefined)[];

const limit = 1024;
/** Reductions are followed up to this many points in all. */
const reduceLimit = 4096;

/** What a definition says of each element, and what was found of those that somebody asked for. */
interface Elements {
  readonly size: number;
  readonly at: (element: number) => Expr | undefined;
  readonly found: Map<number, Expr | undefined>;
}

/** Of tensors that are too large, or that no definition gives. */
const nothing: Elements = { size: 0, at: () => undefined, found: new Map() };

export class ValueTable {
  readonly #defs: ReadonlyMap<number, TensorDef>;
  readonly #bodies: ReadonlyMap<number, Body>;
  readonly #known = new Map<number, Known | undefined>();
  readonly #elements = new Map<number, Elements>();

  /** `bodies` tells by which computation a tensor is written. */
  constructor(defs: ReadonlyMap<number, TensorDef>, bodies: ReadonlyMap<number, Body>) {
    this.#defs = defs;
    this.#bodies = bodies;
  }

  /** Row-major elements, unknown ones undefined; undefined if the size is not static or too large, or nothing is known. */
  of(id: number): Known | undefined {
    if (this.#known.has(id)) return this.#known.get(id);
    const found = this.#find(id);
    const useful = found?.some((e) => e !== undefined) === true || found?.length === 0 ? found : undefined;
    this.#known.set(id, useful);
    return useful;
  }

  /** One element of it: of long lists mostly a few are read. */
  at(id: number, element: number): Expr | undefined {
    if (this.#known.has(id)) return this.#known.get(id)?.[element];
    const source = this.#defs.get(id)?.source;
    if (source?.kind === 'constant') return constantElement(source.constant, element);
    const { size, at, found } = this.#elementsOf(id);
    if (element < size && !found.has(element)) found.set(element, at(element));
    return found.get(element);
  }

  /** What is stated rather than derived: elements of a tensor whose computation does not show them. */
  set(id: number, elements: Known): void {
    this.#known.set(id, elements);
  }

  /** Elements that became known later (dims read at run time): what was derived without them is derived again when asked for. */
  learn(id: number, elements: Known): void {
    for (const [known, found] of this.#known) if (found === undefined || found.includes(undefined)) this.#known.delete(known);
    this.#elements.clear();
    this.set(id, elements);
  }

  /** Gives back what restores the table to what it knows now. */
  save(): () => void {
    const before = new Map(this.#known);
    return () => {
      this.#elements.clear();
      this.#known.clear();
      for (const [id, known] of before) this.#known.set(id, known);
    };
  }

  /** An expression over loads, in the terms of `of`. */
  evaluate(e: Expr): Expr | undefined {
    return this.#eval(e, new Map(), new Map());
  }

  #find(id: number): Known | undefined {
    const def = this.#defs.get(id);
    const size = def && staticSize(def.shape);
    if (def === undefined || size === undefined || size > limit) return undefined;
    if (size === 0) return [];
    if (def.source.kind === 'constant') return constantElements(def.source.constant);
    return this.#elementsOf(id) === nothing ? undefined : Array.from({ length: size }, (_, element) => this.at(id, element));
  }

  #elementsOf(id: number): Elements {
    const made = this.#elements.get(id) ?? this.#define(id);
    this.#elements.set(id, made);
    return made;
  }

  #define(id: number): Elements {
    const def = this.#defs.get(id);
    const body = this.#bodies.get(id);
    const size = def && staticSize(def.shape);
    if (size === undefined || size > limit || def === undefined || (body?.kind !== 'map' && body?.kind !== 'rows')) return nothing;
    const inner = body.kind === 'map' ? 1 : staticSize(body.inner.map((v) => v.extent));
    if (inner === undefined || inner * size > reduceLimit || (body.kind === 'rows' && body.each)) return nothing;
    const { index, value } = body.store;
    // Where an element stands tells the point that it comes from: what is lowered stores at axes.
    if (!index.every((i) => i.op === 'var' || i === int(0))) return nothing;
    const extents = def.shape.map((e) => asInt(e) ?? 1);
    return {
      size, found: new Map(),
      at: (element) => {
        const vars = pointAt(index, extents, element);
        const refs = body.kind === 'map' ? new Map<string, Expr>() : this.#scanned(body, vars);
        const found = refs && this.#eval(value, vars, refs);
        return found && normal(found, def.dtype);
      },
    };
  }

  /** What the scans of a row come to. */
  #scanned(body: Extract<Body, { kind: 'rows' }>, vars: ReadonlyMap<Expr, Expr>): ReadonlyMap<string, Expr> | undefined {
    const refs = new Map<string, Expr>();
    for (const scan of body.scans) {
      let total: Expr | undefined;
      for (const point of points(body.inner)) {
        const next = this.#eval(scan.value, new Map([...vars, ...point]), refs);
        total = next && (total === undefined ? next : applyBinary(reduction[scan.op], total, next));
        if (total === undefined) return undefined;
      }
      if (total === undefined) return undefined;
      refs.set(scan.name, total);
    }
    return refs;
  }

  #offset(index: readonly Expr[], shape: readonly Expr[], vars: ReadonlyMap<Expr, Expr>, refs: ReadonlyMap<string, Expr>): number | undefined {
    let at = 0;
    for (const [d, i] of index.entries()) {
      const extent = shape[d];
      const where = this.#eval(i, vars, refs);
      if (where?.op !== 'const' || extent?.op !== 'const') return undefined;
      const place = Number(where.value);
      if (place < 0 || place >= Number(extent.value)) return undefined;
      at = at * Number(extent.value) + place;
    }
    return at;
  }

  #eval(e: Expr, vars: ReadonlyMap<Expr, Expr>, refs: ReadonlyMap<string, Expr>): Expr | undefined {
    switch (e.op) {
      case 'const': return normal(e, e.dtype);
      case 'sym': return e;
      case 'var': return vars.get(e);
      case 'ref': return refs.get(e.name);
      case 'load': {
        const def = this.#defs.get(e.tensor);
        if (def === undefined) return undefined;
        const at = this.#offset(e.index, def.shape, vars, refs);
        return at === undefined ? undefined : this.at(e.tensor, at);
      }
      case 'unary': {
        const a = this.#eval(e.a, vars, refs);
        return a === undefined ? undefined : fit(applyUnary(e.fn, a), e.dtype);
      }
      case 'binary': {
        const a = this.#eval(e.a, vars, refs);
        if (a === undefined) return undefined;
        if (a.op === 'const' && a.dtype === 'bool' && ((e.fn === 'and' && a.value === 0) || (e.fn === 'or' && a.value === 1))) return a;
        const b = this.#eval(e.b, vars, refs);
        const made = b && applyBinary(e.fn, a, b);
        return e.fn === 'min' || e.fn === 'max' ? made : fit(made, e.dtype);
      }
      case 'select': {
        const cond = this.#eval(e.cond, vars, refs);
        if (cond === undefined) return undefined;
        if (cond.op === 'const') return this.#eval(cond.value === 0 ? e.b : e.a, vars, refs);
        const a = this.#eval(e.a, vars, refs);
        const b = this.#eval(e.b, vars, refs);
        return a === undefined || b === undefined ? undefined : select(cond, a, b);
      }
      case 'cast': {
        const a = this.#eval(e.a, vars, refs);
        return a === undefined ? undefined : convert(a, e.dtype);
      }
      case 'bitcast': case 'muladd': return undefined;
      default: return e satisfies never;
    }
  }
}

const reduction: Readonly<Record<ReduceOp, BinaryOp>> = { sum: 'add', prod: 'mul', max: 'max', min: 'min' };

/** The number of elements of a shape without symbols. */
export function staticSize(shape: readonly Expr[]): number | undefined {
  let size = 1;
  for (const dim of shape) {
    if (dim.op !== 'const') return undefined;
    size *= Number(dim.value);
  }
  return size;
}

/** Where a row-major position lies. */
function pointAt(axes: readonly Expr[], extents: readonly number[], flat: number): Map<Expr, Expr> {
  const at = new Map<Expr, Expr>();
  for (let d = axes.length - 1; d >= 0; d--) {
    const [axis, extent = 1] = [axes[d], extents[d]];
    if (axis !== undefined) at.set(axis, int(flat % extent));
    flat = Math.floor(flat / extent);
  }
  return at;
}

function* points(axes: readonly Var[]): Generator<ReadonlyMap<Expr, Expr>> {
  const sizes = axes.map((v) => asInt(v.extent) ?? 0);
  const total = sizes.reduce((a, b) => a * b, 1);
  for (let flat = 0; flat < total; flat++) yield pointAt(axes, sizes, flat);
}

function constantElements(tensor: Constant): Known | undefined {
  if (tensor.size === 0) return [];
  if (tensor.released) return undefined;
  return Array.from(viewAs(tensor.dtype, tensor.bytes), (v: number | bigint) => elementOf(tensor, v));
}

/** One element, of tensors within the limit. */
function constantElement(tensor: Constant, at: number): Expr | undefined {
  if (tensor.released || tensor.size > limit) return undefined;
  const v = viewAs(tensor.dtype, tensor.bytes)[at];
  return v === undefined ? undefined : elementOf(tensor, v);
}

function elementOf({ dtype }: Constant, v: number | bigint): Expr {
  if (dtype === 'float16') return constant(fromHalf(Number(v)), 'float32');
  if (dtype === 'bool') return truth(Number(v) !== 0);
  if (isFloat(dtype)) return constant(Number(v), dtype);
  return indexOf(v);
}

/** The form in which elements are kept: integers as index, float16 as float32. */
function normal(e: Expr, dtype: ScalarType): Expr {
  if (e.op !== 'const' || e.dtype === 'index' || e.dtype === 'bool') return e;
  if (isFloat(e.dtype)) return dtype === 'float16' ? constant(fromHalf(toHalf(Number(e.value))), 'float32') : e;
  return indexOf(e.value);
}

/**
 * Beyond 2^53 a double that is near and an int64 as well: such values mostly say "until the end" or "without limit", so they are compared with
 * others, and nothing is computed of them (`rough`).
 */
const indexOf = (v: number | bigint): Expr => int(Math.min(Number(v), 2 ** 63 - 1024));
export const rough = (e: Expr): boolean => e.op === 'const' && e.dtype === 'index' && !Number.isSafeInteger(e.value);

/**
 * Wraps constants into the range of their type; symbolic values are taken to fit, as dims do, where the type is signed or they cannot be
 * negative.
 */
function fit(e: Expr | undefined, dtype: ScalarType): Expr | undefined {
  if (e === undefined || e.dtype !== 'index') return e;
  if (e.op !== 'const') return dtype === 'int64' || dtype === 'int32' || dtype === 'index' || isNonNegative(e) ? e : undefined;
  const value = Number(e.value);
  if (!Number.isSafeInteger(value)) return undefined;
  if (dtype === 'index' || isBig(dtype)) return dtype === 'uint64' && value < 0 ? undefined : e;
  const [low, high] = rangeOf(dtype);
  if (value >= low && value <= high) return e;
  const span = high - low + 1;
  return int(low + ((((value - low) % span) + span) % span));
}

function convert(a: Expr, to: ScalarType): Expr | undefined {
  if (to === 'bool') {
    if (a.dtype === 'bool') return a;
    return a.op === 'const' ? truth(Number(a.value) !== 0) : a.dtype === 'index' ? ne(a, int(0)) : undefined;
  }
  if (isFloat(to)) {
    if (rough(a)) return undefined;
    const float: ScalarType = to === 'float16' ? 'float32' : to;
    if (a.op === 'const') return normal(constant(Number(a.value), float), to);
    if (to === 'float16') return undefined;
    return a.dtype === 'bool' ? select(a, constant(1, float), constant(0, float)) : cast(a, float);
  }
  if (a.dtype === 'bool') return a.op === 'const' ? int(Number(a.value)) : select(a, int(1), int(0));
  if (a.dtype === 'index') return a.op === 'const' && (to === 'int64' || to === 'index') ? a : fit(a, to);
  if (a.op === 'const') return Number.isFinite(a.value) ? fit(int(Math.trunc(Number(a.value))), to) : undefined;
  return fit(a.op === 'cast' && a.a.dtype === 'index' ? a.a : cast(a, 'index'), to);
}

function applyUnary(fn: UnaryOp, a: Expr): Expr | undefined {
  if (a.dtype === 'bool') return fn === 'not' ? unary('not', a) : undefined;
  if (a.dtype === 'index') {
    if (fn === 'neg') return unary(fn, a);
    if (fn === 'abs' && isNonNegative(a)) return a;
    if (a.op !== 'const') return undefined;
    const v = Number(a.value);
    if (fn === 'abs') return int(Math.abs(v));
    if (fn === 'sign') return int(Math.sign(v));
    return fn === 'not' && Math.abs(v) < 2 ** 31 ? int(~v) : undefined;
  }
  if (a.op === 'const') {
    if (!folded.has(fn)) return undefined;
    const v = unaryFn(fn, 'float64')(Number(a.value));
    return fn === 'isnan' ? truth(v !== 0) : constant(v, a.dtype);
  }
  // A dim as a float is whole.
  if (a.op === 'cast' && a.a.dtype === 'index' && (fn === 'floor' || fn === 'ceil' || fn === 'round' || fn === 'trunc')) return a;
  return fn === 'isnan' || fn === 'erf' || fn === 'sigmoid' ? undefined : unary(fn, a);
}

const folded: ReadonlySet<UnaryOp> = new Set<UnaryOp>([
  'neg', 'abs', 'sign', 'floor', 'ceil', 'trunc', 'round', 'sqrt', 'reciprocal', 'exp', 'log', 'sin', 'cos', 'isnan',
]);

function applyBinary(fn: BinaryOp, a: Expr, b: Expr): Expr | undefined {
  const unclear = Number(rough(a)) + Number(rough(b));
  if (a.dtype !== b.dtype || (unclear > 0 && fn !== 'min' && fn !== 'max' && (unclear > 1 || !isComparison(fn)))) return undefined;
  if (a.op === 'const' && b.op === 'const') {
    return fold(fn, Number(a.value), Number(b.value), a.dtype);
  }
  if (a.dtype === 'bool') return fn === 'and' || fn === 'or' ? binary(fn, a, b) : undefined;
  if (a.dtype === 'index') {
    if (fn === 'and' || fn === 'or' || fn === 'xor' || fn === 'shl' || fn === 'shr' || fn === 'pow') return undefined;
    return binary(fn, a, b);
  }
  const [x, y] = [whole(a), whole(b)];
  const exact = fn === 'add' || fn === 'sub' || fn === 'mul' || fn === 'min' || fn === 'max';
  if (x !== undefined && y !== undefined && (exact || isComparison(fn))) {
    const made = binary(fn, x, y);
    return exact ? cast(made, a.dtype) : made;
  }
  return binary(fn, a, b);
}

/** The integer behind a float that is one: a dim, or a whole constant. */
function whole(e: Expr): Expr | undefined {
  if (e.op === 'cast' && e.a.dtype === 'index') return e.a;
  return e.op === 'const' && Number.isSafeInteger(e.value) ? int(Number(e.value)) : undefined;
}

function fold(fn: BinaryOp, a: number, b: number, dtype: ScalarType): Expr | undefined {
  const bits = fn === 'and' || fn === 'or' || fn === 'xor' || fn === 'shl' || fn === 'shr';
  if (bits && dtype !== 'bool') return undefined;
  const float = isFloat(dtype);
  const v = binaryFn(fn, dtype === 'bool' ? dtype : float || fn === 'pow' ? 'float64' : 'index')(a, b);
  if (dtype === 'bool' || isComparison(fn)) return truth(v !== 0);
  return float ? constant(v, dtype) : Number.isFinite(v) ? int(v) : undefined;
}

/** Row-major bytes of elements given as numbers. */
export function encode(dtype: DType, elements: readonly (number | bigint)[]): Uint8Array {
  const array = viewAs(dtype, new Uint8Array(elements.length * bytesOf(dtype)));
  for (const [i, element] of elements.entries()) {
    if (array instanceof BigInt64Array || array instanceof BigUint64Array) array[i] = BigInt(element);
    else array[i] = dtype === 'float16' ? toHalf(Number(element)) : Number(element);
  }
  return bytesUnder(array);
}
