/**
 * Expressions as TypeScript closures (a content policy may forbid eval): input is a kernel, output are functions of no arguments that
 * read loop variables, locals and memory from one frame. 64-bit integers are bigints, everything else doubles. A node that is used
 * more than once remembers its value until the frame's `tick` moves on, so shared subexpressions cost one evaluation a point.
 */
import { QuernError } from '../../error.ts';
import { type DType, type ScalarType, type TypedArray, fromHalf, isBig, toHalf } from '../../expr/dtype.ts';
import type { Expr, Sym, Var } from '../../expr/expr.ts';
import { text } from '../../expr/text.ts';
import { operands, walk } from '../../expr/visit.ts';
import { type Kernel, type Store, allAxes, expressions } from '../../kernel.ts';
import { fma32, fma64 } from './math.ts';
import {
  bigBinaryFn, bigComparison, bigUnaryFn, binaryFn, bitcastFn, castFn, castFromBig, castToBig, bigWrapper, isArithmetic, unaryFn,
} from './scalar.ts';

export type Num = () => number;
export type Big = () => bigint;

/** An argument while a kernel runs: its memory, and its shape and strides in numbers. */
export interface Slot {
  view: TypedArray;
  shape: readonly number[];
  strides: readonly number[];
}

interface Cell { value: number }
interface Local { num: number; big: bigint }

/** Everything that closures read, and that a run sets. */
export interface Frame {
  tick: number;
  /** Told of every store. */
  onStore: ((tensor: number, element: number) => void) | undefined;
  readonly slots: Slot[];
  readonly cells: Map<string, Cell>;
  readonly locals: Map<string, Local>;
}

export interface Compiler {
  readonly frame: Frame;
  num(e: Expr): Num;
  big(e: Expr): Big;
  /** The value of a loop variable. */
  cell(v: Var): Cell;
  sym(s: Sym): Cell;
  local(name: string): Local;
  /** Evaluates into a local; the type of `e` says which half of it. */
  assign(name: string, e: Expr): () => void;
  store(s: Store): () => void;
  /** The element that a store writes, without writing it. */
  place(s: Store): Num;
}

let halves: Float32Array | undefined;
/** All float16 values by their bits: a table is some 10 times faster than decoding. */
const halfTable = (): Float32Array => halves ??= Float32Array.from({ length: 65536 }, (_, bits) => fromHalf(bits));

export function compiler(kernel: Kernel): Compiler {
  const frame: Frame = {
    tick: 0, onStore: undefined,
    slots: kernel.args.map(() => ({ view: new Uint8Array(0), shape: [], strides: [] })),
    cells: new Map(), locals: new Map(),
  };
  const uses = countUses(kernel);
  const nums = new Map<Expr, Num>();
  const bigs = new Map<Expr, Big>();

  const named = <T>(map: Map<string, T>, name: string, make: () => T): T => {
    const known = map.get(name);
    if (known !== undefined) return known;
    const made = make();
    map.set(name, made);
    return made;
  };
  const cell = (name: string): Cell => named(frame.cells, name, () => ({ value: 0 }));
  const local = (name: string): Local => named(frame.locals, name, () => ({ num: 0, big: 0n }));

  const num = (e: Expr): Num => {
    const known = nums.get(e);
    if (known !== undefined) return known;
    if (isBig(e.dtype)) throw new QuernError('internal', 'a 64-bit integer was taken for a number', { got: text(e) });
    const made = shared(e) ? remembered(frame, makeNum(e)) : makeNum(e);
    nums.set(e, made);
    return made;
  };
  const big = (e: Expr): Big => {
    const known = bigs.get(e);
    if (known !== undefined) return known;
    const made = shared(e) ? remembered(frame, makeBig(e)) : makeBig(e);
    bigs.set(e, made);
    return made;
  };
  const shared = (e: Expr): boolean => (uses.get(e) ?? 0) > 1 && operands(e).length > 0;

  const makeNum = (e: Expr): Num => {
    switch (e.op) {
      case 'const': { const value = Number(e.value); return () => value; }
      case 'var': { const c = cell(e.name); return () => c.value; }
      case 'sym': { const c = cell(symName(e)); return () => c.value; }
      case 'ref': { const l = local(e.name); return () => l.num; }
      case 'load': return loadNum(e.tensor, e.dtype, e.index, text(e));
      case 'unary': {
        if (isBig(e.a.dtype)) return () => 0; // isnan of an integer
        const [f, a] = [unaryFn(e.fn, e.a.dtype), num(e.a)];
        return () => f(a());
      }
      case 'binary': return binaryNum(e);
      case 'select': {
        const [c, a, b] = [num(e.cond), num(e.a), num(e.b)];
        return () => (c() !== 0 ? a() : b());
      }
      case 'cast': {
        if (isBig(e.a.dtype)) { const [f, a] = [castFromBig(e.dtype), big(e.a)]; return () => f(a()); }
        const [f, a] = [castFn(e.a.dtype, e.dtype), num(e.a)];
        return () => f(a());
      }
      case 'bitcast': {
        const [f, a] = [bitcastFn(e.a.dtype, e.dtype), isBig(e.a.dtype) ? big(e.a) : num(e.a)];
        return () => Number(f(a()));
      }
      case 'muladd': {
        const [a, b, c] = [num(e.a), num(e.b), num(e.c)];
        if (kernel.numeric.fma && e.dtype === 'float64') return () => fma64(a(), b(), c());
        if (kernel.numeric.fma && (e.dtype === 'float32' || e.dtype === 'float16')) return () => fma32(a(), b(), c());
        const [times, plus] = [binaryFn('mul', e.dtype), binaryFn('add', e.dtype)];
        return () => plus(times(a(), b()), c());
      }
      default: return e satisfies never;
    }
  };

  const binaryNum = (e: Extract<Expr, { op: 'binary' }>): Num => {
    if (isBig(e.a.dtype)) {
      const f = bigComparison(e.fn);
      if (f === undefined) throw new QuernError('internal', 'a 64-bit integer was taken for a number', { got: text(e) });
      const [a, b] = [big(e.a), big(e.b)];
      return () => f(a(), b());
    }
    const [a, b] = [num(e.a), num(e.b)];
    if (e.dtype === 'bool' && (e.fn === 'and' || e.fn === 'or')) {
      // Guards of indices: the right side may load out of range where the left decides.
      return e.fn === 'and' ? () => (a() !== 0 && b() !== 0 ? 1 : 0) : () => (a() !== 0 || b() !== 0 ? 1 : 0);
    }
    if (e.dtype === 'index' && e.fn === 'add') return () => a() + b();
    if (e.dtype === 'index' && e.fn === 'mul') return () => a() * b();
    const f = binaryFn(e.fn, e.a.dtype);
    return () => f(a(), b());
  };

  const makeBig = (e: Expr): Big => {
    switch (e.op) {
      case 'const': { const value = BigInt(e.value); return () => value; }
      case 'ref': { const l = local(e.name); return () => l.big; }
      case 'load': return loadBig(e.tensor, e.dtype, e.index, text(e));
      case 'unary': { const [f, a] = [bigUnaryFn(e.fn, e.dtype), big(e.a)]; return () => f(a()); }
      case 'binary': {
        if (!isArithmetic(e.fn)) break;
        const [f, a, b] = [bigBinaryFn(e.fn, e.dtype), big(e.a), big(e.b)];
        return () => f(a(), b());
      }
      case 'select': {
        const [c, a, b] = [num(e.cond), big(e.a), big(e.b)];
        return () => (c() !== 0 ? a() : b());
      }
      case 'cast': {
        if (isBig(e.a.dtype)) { const [wrap, a] = [bigWrapper(e.dtype), big(e.a)]; return () => wrap(a()); }
        const [f, a] = [castToBig(e.a.dtype, e.dtype), num(e.a)];
        return () => f(a());
      }
      case 'bitcast': {
        const [f, a] = [bitcastFn(e.a.dtype, e.dtype), isBig(e.a.dtype) ? big(e.a) : num(e.a)];
        return () => BigInt(f(a()));
      }
      case 'muladd': {
        const [wrap, a, b, c] = [bigWrapper(e.dtype), big(e.a), big(e.b), big(e.c)];
        return () => wrap(a() * b() + c());
      }
      case 'var': case 'sym': break;
      default: return e satisfies never;
    }
    throw new QuernError('internal', 'an expression is no 64-bit integer', { got: text(e) });
  };

  /** The element number of an index, each dim of it checked against the shape. */
  const address = (tensor: number, index: readonly Expr[], what: string): Num => {
    const slot = slotOf(kernel, frame, tensor);
    const parts = index.map(num);
    if (parts.length !== kernel.args[tensor]?.shape.length) {
      throw new QuernError('internal', 'an index has the wrong rank', { got: what });
    }
    const fail = (d: number, i: number): never => {
      throw new QuernError('index-out-of-range', `index ${i} of dim ${d} of ${what} is out of range`, {
        expected: `0 to ${(slot.shape[d] ?? 0) - 1}`, got: String(i),
      });
    };
    return () => {
      let at = 0;
      const { shape, strides } = slot;
      for (let d = 0; d < parts.length; d++) {
        const i = (parts[d] as Num)();
        if (!(i >= 0 && i < (shape[d] as number))) fail(d, i);
        at += i * (strides[d] as number);
      }
      return at;
    };
  };

  const loadNum = (tensor: number, dtype: DType, index: readonly Expr[], what: string): Num => {
    const at = address(tensor, index, what);
    const slot = slotOf(kernel, frame, tensor, dtype);
    const fetch = (): number => {
      const i = at();
      const value = slot.view[i];
      if (value === undefined) throw new QuernError('internal', `${what} lies outside its buffer`, { got: String(i) });
      return value as number;
    };
    if (dtype !== 'float16') return fetch;
    const table = halfTable();
    return () => table[fetch()] as number;
  };
  const loadBig = (tensor: number, dtype: DType, index: readonly Expr[], what: string): Big => {
    const at = address(tensor, index, what);
    const slot = slotOf(kernel, frame, tensor, dtype);
    return () => {
      const i = at();
      const value = slot.view[i];
      if (value === undefined) throw new QuernError('internal', `${what} lies outside its buffer`, { got: String(i) });
      return value as bigint;
    };
  };

  const place = (s: Store): Num => address(s.tensor, s.index, `store to t${s.tensor}`);
  const store = (s: Store): (() => void) => {
    const at = place(s);
    const { dtype } = s.value;
    const slot = slotOf(kernel, frame, s.tensor, dtype);
    if (isBig(dtype)) {
      const value = big(s.value);
      return () => {
        const i = at();
        slot.view[i] = value();
        frame.onStore?.(s.tensor, i);
      };
    }
    const value = num(s.value);
    const pack = dtype === 'float16' ? toHalf : (x: number): number => x;
    return () => {
      const i = at();
      slot.view[i] = pack(value());
      frame.onStore?.(s.tensor, i);
    };
  };

  const assign = (name: string, e: Expr): (() => void) => {
    const l = local(name);
    if (isBig(e.dtype)) { const value = big(e); return () => { l.big = value(); }; }
    const value = num(e);
    return () => { l.num = value(); };
  };

  return { frame, num, big, cell: (v) => cell(v.name), sym: (s) => cell(symName(s)), local, assign, store, place };
}

/** Dims and loop variables are named apart. */
const symName = (s: Sym): string => `$${s.name}`;

function remembered<T>(frame: Frame, compute: () => T): () => T {
  let stamp = -1;
  let value: T;
  return () => {
    if (stamp !== frame.tick) {
      value = compute();
      stamp = frame.tick;
    }
    return value;
  };
}

function slotOf(kernel: Kernel, frame: Frame, tensor: number, dtype?: ScalarType): Slot {
  const [arg, slot] = [kernel.args[tensor], frame.slots[tensor]];
  if (arg === undefined || slot === undefined) throw new QuernError('internal', `a kernel has no argument ${tensor}`);
  if (dtype !== undefined && dtype !== arg.dtype) {
    throw new QuernError('internal', `argument ${tensor} is used as another type`, { expected: arg.dtype, got: dtype });
  }
  return slot;
}

/** How often each node is an operand: what is used once need not be remembered. */
export function countUses(kernel: Kernel): Map<Expr, number> {
  const uses = new Map<Expr, number>();
  const count = (e: Expr): void => { uses.set(e, (uses.get(e) ?? 0) + 1); };
  const roots = [...expressions(kernel.body), ...allAxes(kernel.body).map((v) => v.extent)];
  roots.forEach(count);
  walk(roots, (e) => operands(e).forEach(count));
  return uses;
}
