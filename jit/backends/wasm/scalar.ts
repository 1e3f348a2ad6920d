/**
 * Scalar expressions to instructions: pushes the value of an expression on the operand stack. Shared subexpressions are computed once
 * and kept in locals, what a loop does not change is computed before it (address arithmetic above all), constant parts of addresses go into
 * `offset=`, and branches of a `select` that load are real branches. Input: expressions with flat loads (one index, the element offset
 * in its argument) and without the functions that expr/decompose.ts takes apart.
 */
import { QuernError, invariant } from '../../error.ts';
import { type DType, bytesOf, isFloat } from '../../expr/dtype.ts';
import { type Expr, type Load, type Var, add, asInt, int, lt, mul, ref, sub } from '../../expr/expr.ts';
import { constantOf, isNonNegative } from '../../expr/index-algebra.ts';
import { text } from '../../expr/text.ts';
import { operands } from '../../expr/visit.ts';
import type { FunctionBuilder, Hole, Local } from './function-builder.ts';
import type { ValType } from './opcodes.ts';
import { type OpContext, emitBinary, emitBitcast, emitCast, emitMulAdd, emitUnary, loadOpcode, pushConstant, valTypeOf } from './scalar-ops.ts';
import { Scope, deeper } from './scope.ts';

/** Every region starts at least this many bytes into the memory, so an address this much too small does not wrap. */
export const guardBytes = 1024;

/** The base address of an argument, as a leaf of address expressions. */
export const argBase = (slot: number): Expr => ref(`@${slot}`, 'index');

export interface Address {
  readonly base: Expr;
  /** Goes into the instruction. */
  readonly offset: number;
}

/**
 * The byte address of element `offset` of an argument. The constant is taken off before anything else is made of the rest, which the vectors of
 * a tile have in common and the algebra remembers.
 */
export function addressOf(slot: number, dtype: DType, offset: Expr): Address {
  const size = bytesOf(dtype);
  const at = (element: Expr): Expr => add(argBase(slot), mul(element, size));
  const constant = constantOf(offset);
  const fixed = constant * size;
  if (fixed <= 0 || fixed >= 2 ** 31) return { base: at(offset), offset: 0 };
  const rest = sub(offset, constant);
  return fixed <= guardBytes || isNonNegative(rest) ? { base: at(rest), offset: fixed } : { base: at(offset), offset: 0 };
}

/** The terms of a canonical sum. */
export function termsOf(e: Expr, into: Expr[] = []): Expr[] {
  if (e.op === 'binary' && e.fn === 'add' && e.dtype === 'index') {
    termsOf(e.a, into);
    termsOf(e.b, into);
  } else into.push(e);
  return into;
}

export interface ScalarContext extends OpContext {
  /** Code at the start of the function, where arguments and dims are read from the parameter block. */
  readonly start: Hole;
  readonly root: Scope;
  /** Byte offset of an argument's base address or a dim in the parameter block. */
  readonly parameter: (leaf: Expr) => number | undefined;
  readonly params: Local;
  /** Arguments that the kernel writes: their loads are not moved, and forgotten at stores. */
  readonly written: ReadonlySet<number>;
  /** Named values that change. */
  readonly changing: ReadonlySet<string>;
}

export interface LoopOptions {
  readonly from?: Expr;
  readonly to?: Expr;
  readonly step?: number;
}

export class Scalar {
  readonly f: FunctionBuilder;
  readonly #uses = new Map<Expr, number>();
  readonly #unstable = new Map<Expr, boolean>();
  readonly #addresses = new Map<Load, Address>();

  constructor(readonly context: ScalarContext) {
    this.f = context.f;
  }

  /** Counts uses, so that what is used more than once is kept. Call with all roots that are emitted together. */
  prepare(roots: readonly Expr[]): void {
    const go = (e: Expr): void => {
      const before = this.#uses.get(e) ?? 0;
      this.#uses.set(e, before + 1);
      if (before === 0) this.#parts(e).forEach(go);
    };
    roots.forEach(go);
  }

  /** Counts the uses of a store's address. */
  prepareStore(slot: number, dtype: DType, offset: Expr): void {
    this.prepare([addressOf(slot, dtype, offset).base]);
  }

  /** What emitting an expression asks for next. */
  #parts(e: Expr): readonly Expr[] {
    if (e.op === 'load') return [this.addressOfLoad(e).base];
    if (e.dtype === 'index' && e.op === 'binary' && e.fn === 'add') return termsOf(e);
    return operands(e);
  }

  isShared(e: Expr): boolean {
    return (this.#uses.get(e) ?? 0) > 1;
  }

  /** Asked for when uses are counted, levels are found and code is emitted. */
  addressOfLoad(e: Load): Address {
    const known = this.#addresses.get(e);
    if (known !== undefined) return known;
    const [offset] = e.index;
    if (offset === undefined || e.index.length !== 1) throw new QuernError('internal', 'loads are flat when code is emitted', { got: text(e) });
    const made = addressOf(e.tensor, e.dtype, offset);
    this.#addresses.set(e, made);
    return made;
  }

  /** Depends on memory or locals that change while the kernel runs. */
  isUnstable(e: Expr): boolean {
    const known = this.#unstable.get(e);
    if (known !== undefined) return known;
    const here = (e.op === 'load' && this.context.written.has(e.tensor)) || (e.op === 'ref' && this.context.changing.has(e.name));
    const result = here || operands(e).some((o) => this.isUnstable(o));
    this.#unstable.set(e, result);
    return result;
  }

  /** The innermost scope that an expression depends on. */
  levelOf(e: Expr, scope: Scope): Scope {
    const known = scope.levels.get(e);
    if (known !== undefined) return known;
    let level = this.context.root;
    if (e.op === 'var' || e.op === 'sym' || e.op === 'ref') {
      level = this.context.parameter(e) !== undefined ? level : (scope.owner(e)?.scope ?? this.#missing(e));
      if (e.op === 'ref' && this.context.changing.has(e.name)) level = scope;
    } else {
      for (const o of this.#parts(e)) level = deeper(level, this.levelOf(o, scope));
      if (e.op === 'load') {
        if (this.context.written.has(e.tensor)) level = scope;
        else if (scope.branch !== undefined) level = deeper(level, scope.branch);
      }
    }
    scope.levels.set(e, level);
    return level;
  }

  #missing(e: Expr): never {
    throw new QuernError('internal', `${text(e)} is used outside the loop that defines it`);
  }

  /** The local of a leaf: a loop variable, a named value, a dim, an argument's address. */
  leaf(e: Expr, scope: Scope): Local {
    const known = scope.owner(e);
    if (known !== undefined) return known.local;
    const { root, start, params, parameter } = this.context;
    const at = parameter(e);
    if (at === undefined) return this.#missing(e);
    const name = e.op === 'ref' ? `arg${e.name.slice(1)}` : e.op === 'sym' ? e.name : 'leaf';
    const local = this.f.local('i32', name);
    this.f.into(start, () => {
      this.f.get(params);
      this.f.mem('i32.load', { offset: at });
      this.f.set(local);
    });
    root.define(e, local);
    return local;
  }

  /** Pushes the value of `e`. */
  push(e: Expr, scope: Scope): void {
    const { f } = this;
    const simple = sameBits(e);
    if (simple !== undefined) return this.push(simple, scope);
    if (e.op === 'const') return pushConstant(f, e.value, e.dtype);
    if (e.op === 'var' || e.op === 'sym' || e.op === 'ref') return f.get(this.leaf(e, scope));
    const known = scope.find(e, 'scalar');
    if (known !== undefined) return f.get(known);
    const outside = scope.loopBelow(this.levelOf(e, scope));
    if (outside !== undefined) return f.get(this.#hoist(e, outside));
    this.#compute(e, scope);
    if (this.isShared(e)) {
      const local = f.local(valTypeOf(e.dtype), nameOf(e));
      f.tee(local);
      scope.remember(e, local, 'scalar');
    }
  }

  /** The value of `e` in a local. */
  value(e: Expr, scope: Scope): Local {
    const simple = sameBits(e);
    if (simple !== undefined) return this.value(simple, scope);
    if (e.op === 'var' || e.op === 'sym' || e.op === 'ref') return this.leaf(e, scope);
    const known = scope.find(e, 'scalar');
    if (known !== undefined) return known;
    const outside = e.op === 'const' ? undefined : scope.loopBelow(this.levelOf(e, scope));
    if (outside !== undefined) return this.#hoist(e, outside);
    const local = this.f.local(valTypeOf(e.dtype), nameOf(e));
    if (e.op === 'const') pushConstant(this.f, e.value, e.dtype);
    else this.#compute(e, scope);
    this.f.set(local);
    scope.remember(e, local, 'scalar');
    return local;
  }

  #hoist(e: Expr, loop: Scope): Local {
    return this.hoistInto(e, loop, 'scalar', valTypeOf(e.dtype), (parent) => this.#compute(e, parent));
  }

  /** Computes a value before a loop, in the scope around it. */
  hoistInto(e: Expr, loop: Scope, lanes: 'scalar' | 'vector', type: ValType, compute: (parent: Scope) => void): Local {
    const { before, parent } = loop;
    invariant(before !== undefined && parent !== undefined, 'a loop without a place before it');
    const known = parent.find(e, lanes);
    if (known !== undefined) return known;
    const local = this.f.local(type, lanes === 'vector' ? `${nameOf(e)}_v` : nameOf(e));
    this.f.into(before, () => {
      compute(parent);
      this.f.set(local);
    });
    parent.remember(e, local, lanes);
    return local;
  }

  #compute(e: Expr, scope: Scope): void {
    const { f, context } = this;
    switch (e.op) {
      case 'const': case 'var': case 'sym': case 'ref': return this.push(e, scope);
      case 'load': {
        const { base, offset } = this.addressOfLoad(e);
        this.push(base, scope);
        return f.mem(loadOpcode(e.dtype), { offset });
      }
      case 'unary':
        this.push(e.a, scope);
        return emitUnary(context, e.fn, e.a.dtype);
      case 'binary': {
        if (e.dtype === 'index' && e.fn === 'add') return this.#pushSum(e, scope);
        if (e.dtype === 'index' && e.fn === 'mul') return this.#pushProduct(e.a, e.b, scope);
        const divides = !isFloat(e.dtype) && (e.fn === 'div' || e.fn === 'rem' || e.fn === 'floordiv' || e.fn === 'floormod');
        const constant = e.b.op === 'const' && divides ? e.b.value : undefined;
        this.push(e.a, scope);
        if (constant === undefined) this.push(e.b, scope);
        const natural = divides && e.dtype === 'index' && isNonNegative(e.a) && isNonNegative(sub(e.b, int(1)));
        return emitBinary(context, e.fn, e.a.dtype, { constant, natural });
      }
      case 'select': return this.#pushSelect(e, scope);
      case 'cast':
        this.push(e.a, scope);
        return emitCast(f, e.a.dtype, e.dtype);
      case 'bitcast':
        this.push(e.a, scope);
        return emitBitcast(f, e.a.dtype, e.dtype);
      case 'muladd':
        this.push(e.a, scope);
        this.push(e.b, scope);
        this.push(e.c, scope);
        return emitMulAdd(context, e.dtype);
      default: return e satisfies never;
    }
  }

  /** A sum, split so that the part that outer scopes know is computed there. */
  #pushSum(e: Expr, scope: Scope): void {
    const { f } = this;
    const level = this.levelOf(e, scope);
    const [inner, outer, fixed]: [Expr[], Expr[], Expr[]] = [[], [], []];
    for (const t of termsOf(e)) (t.op === 'const' ? fixed : this.levelOf(t, scope) === level ? inner : outer).push(t);
    let first = true;
    const put = (term: Expr): void => {
      const negated = negative(term);
      if (negated !== undefined && !first) {
        this.push(negated, scope);
        f.op('i32.sub');
      } else {
        this.push(term, scope);
        if (!first) f.op('i32.add');
      }
      first = false;
    };
    if (inner.length === 0 || outer.length + fixed.length < 2) {
      // What is subtracted stands after what it is subtracted from.
      const all = [...outer, ...inner, ...fixed];
      for (const t of [...all.filter((t) => negative(t) === undefined), ...all.filter((t) => negative(t) !== undefined)]) put(t);
      return;
    }
    put([...outer, ...fixed].reduce((a, b) => add(a, b), int(0)));
    for (const t of inner) put(t);
  }

  #pushProduct(a: Expr, b: Expr, scope: Scope): void {
    const { f } = this;
    this.push(a, scope);
    const factor = asInt(b);
    if (factor !== undefined && factor > 0 && Number.isInteger(Math.log2(factor))) {
      f.i32(Math.log2(factor));
      return f.op('i32.shl');
    }
    this.push(b, scope);
    return f.op('i32.mul');
  }

  #pushSelect(e: Extract<Expr, { op: 'select' }>, scope: Scope): void {
    const { f } = this;
    if (this.isEager(e.a, scope) && this.isEager(e.b, scope)) {
      this.push(e.a, scope);
      this.push(e.b, scope);
      this.push(e.cond, scope);
      return f.op('select');
    }
    this.push(e.cond, scope);
    f.if(
      () => this.push(e.a, this.branch(scope)),
      () => this.push(e.b, this.branch(scope)),
      [valTypeOf(e.dtype)],
    );
  }

  /** Cheap, and free of loads that might be out of range: may be computed although not needed. */
  isEager(e: Expr, scope: Scope, budget = { left: 6 }): boolean {
    if (e.op === 'const' || e.op === 'var' || e.op === 'sym' || e.op === 'ref') return true;
    if (scope.find(e, 'scalar') !== undefined) return true;
    if (e.op === 'load') return false;
    if (e.op === 'unary' && costly.has(e.fn)) return false;
    if (e.op === 'binary' && (e.fn === 'pow' || e.fn === 'rem' || e.fn === 'floormod' || e.fn === 'div' || e.fn === 'floordiv')) return false;
    budget.left -= 1;
    return budget.left >= 0 && operands(e).every((o) => this.isEager(o, scope, budget));
  }

  /** A scope for code that does not always run. */
  branch(scope: Scope): Scope {
    return new Scope('branch', scope, undefined);
  }

  /** Stores: pushes the address now, lets `value` push the value. Returns the constant part of the address. */
  pushAddress(slot: number, dtype: DType, offset: Expr, scope: Scope): number {
    const address = addressOf(slot, dtype, offset);
    this.push(address.base, scope);
    return address.offset;
  }

  /** for (v = from; v < to; v += step): the body gets the scope of one turn. `from` defaults to 0, `to` to the extent of `v`. */
  loop(scope: Scope, v: Var, body: (inner: Scope) => void, options: LoopOptions = {}): void {
    const { f } = this;
    const { from = int(0), to = v.extent, step = 1 } = options;
    const i = f.local('i32', v.name);
    const sure = lt(from, to);
    if (sure.op === 'const' && sure.value === 0) return;
    const run = (outer: Scope): void => {
      const limit = to.op === 'const' ? undefined : this.value(to, outer);
      const before = f.hole();
      this.push(from, outer);
      f.set(i);
      const inner = new Scope('loop', outer, before);
      inner.define(v, i);
      if (from.op === 'const' && to.op === 'const' && Number(to.value) - Number(from.value) <= step) {
        body(inner); // one turn
        return;
      }
      f.loop((again) => {
        body(inner);
        f.get(i);
        f.i32(step);
        f.op('i32.add');
        f.tee(i);
        if (limit === undefined) f.i32(asInt(to) ?? 0);
        else f.get(limit);
        f.op('i32.lt_s');
        f.brIf(again);
      });
    };
    if (sure.op === 'const') return run(scope);
    this.push(from, scope);
    this.push(to, scope);
    f.op('i32.lt_s');
    f.if(() => run(this.branch(scope)));
  }

  /** Forgets what was computed from memory that has been written or a local that has been set. */
  forgetUnstable(scope: Scope): void {
    scope.forget((e) => this.isUnstable(e));
  }
}

/** An expression with the same bits in its local: casts that convert nothing. */
function sameBits(e: Expr): Expr | undefined {
  const words = (d: string): boolean => d === 'index' || d === 'int32' || d === 'uint32';
  if ((e.op === 'cast' || e.op === 'bitcast') && words(e.dtype) && words(e.a.dtype)) return e.a;
  return undefined;
}

/** -e for a product with a negative constant factor: what to subtract instead. */
function negative(e: Expr): Expr | undefined {
  return e.op === 'binary' && e.fn === 'mul' && e.b.op === 'const' && Number(e.b.value) < 0 ? mul(e, int(-1)) : undefined;
}

const costly: ReadonlySet<string> = new Set([
  'exp', 'log', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'erf', 'sigmoid',
]);

export function nameOf(e: Expr): string {
  switch (e.op) {
    case 'load': return `t${e.tensor}v`;
    case 'binary': case 'unary': return e.fn;
    case 'const': case 'var': case 'sym': case 'ref': case 'select': case 'cast': case 'bitcast': case 'muladd': return e.op;
    default: return e satisfies never;
  }
}

