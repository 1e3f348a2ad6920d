/**
 * Expressions as TypeScript closures (a content policy may forbid eval): input is a kernel, output are functions of no arguments that
 * read loop variables, locals and memory from one frame. 64-bit integers are bigints, everything else doubles. A node that is used
 * more than once remembers its value until the frame's `tick` moves on, so shared subexpressions cost one evaluation a point.
 */
import { QuernError } from '../../error.ts';
import { type DType, type ScalarType, type TypedArray, fromHalf, isBig, isFloat, toHalf } from '../../expr/dtype.ts';
import type { Expr, Sym, Var } from '../../expr/expr.ts';
import { text } from '../../expr/text.ts';
import { operands } from '../../expr/visit.ts';
import type { Kernel, Store } from '../../kernel.ts';
import { fma32, fma64 } from '../../expr/math.ts';
import { countUses } from './points.ts';
import { type Value, binaryOf, bitcastFn, castOf, unaryOf } from '../../expr/scalar.ts';

export type Num = () => number;
export type Val = () => Value;

/** An argument while a kernel runs: its memory, and its shape and strides in numbers. */
export interface Slot {
  view: TypedArray;
  shape: readonly number[];
  strides: readonly number[];
}

interface Cell { value: number }
interface Local { value: Value }

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
  val(e: Expr): Val;
  /** The same of what is no 64-bit integer. */
  num(e: Expr): Num;
  /** The value of a loop variable. */
  cell(v: Var): Cell;
  sym(s: Sym): Cell;
  local(name: string): Local;
  /** Evaluates into a local. */
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
  const built = new Map<Expr, Val>();

  const named = <K, T>(map: Map<K, T>, name: K, create: () => T): T => {
    const known = map.get(name);
    if (known !== undefined) return known;
    const made = create();
    map.set(name, made);
    return made;
  };
  const cell = (name: string): Cell => named(frame.cells, name, () => ({ value: 0 }));
  const local = (name: string): Local => named(frame.locals, name, () => ({ value: 0 }));

  const val = (e: Expr): Val => named(built, e, () => {
    const made = make(e);
    return (uses.get(e) ?? 0) > 1 && operands(e).length > 0 ? remembered(frame, made) : made;
  });
  const num = (e: Expr): Num => {
    if (isBig(e.dtype)) throw new QuernError('internal', 'a 64-bit integer was taken for a number', { got: text(e) });
    return val(e) as Num;
  };

  const make = (e: Expr): Val => {
    switch (e.op) {
      case 'const': { const value = isBig(e.dtype) ? BigInt(e.value) : Number(e.value); return () => value; }
      case 'var': { const c = cell(e.name); return () => c.value; }
      case 'sym': { const c = cell(symName(e)); return () => c.value; }
      case 'ref': { const l = local(e.name); return () => l.value; }
      case 'load': return load(e.tensor, e.dtype, e.index, text(e));
      case 'unary': { const [f, a] = [unaryOf(e.fn, e.a.dtype), val(e.a)]; return () => f(a()); }
      case 'binary': return makeBinary(e);
      case 'select': {
        const [c, a, b] = [num(e.cond), val(e.a), val(e.b)];
        return () => (c() !== 0 ? a() : b());
      }
      case 'cast': { const [f, a] = [castOf(e.a.dtype, e.dtype), val(e.a)]; return () => f(a()); }
      case 'bitcast': { const [f, a] = [bitcastFn(e.a.dtype, e.dtype), val(e.a)]; return () => f(a()); }
      case 'muladd': {
        const [a, b, c] = [val(e.a), val(e.b), val(e.c)];
        if (kernel.numeric.fma && isFloat(e.dtype)) {
          const fma = e.dtype === 'float64' ? fma64 : fma32;
          return () => fma(a() as number, b() as number, c() as number);
        }
        const [times, plus] = [binaryOf('mul', e.dtype), binaryOf('add', e.dtype)];
        return () => plus(times(a(), b()), c());
      }
      default: return e satisfies never;
    }
  };

  const makeBinary = (e: Extract<Expr, { op: 'binary' }>): Val => {
    if (e.dtype === 'bool' && (e.fn === 'and' || e.fn === 'or')) {
      // Guards of indices: the right side may load out of range where the left decides.
      const [a, b] = [num(e.a), num(e.b)];
      return e.fn === 'and' ? () => (a() !== 0 && b() !== 0 ? 1 : 0) : () => (a() !== 0 || b() !== 0 ? 1 : 0);
    }
    if (e.dtype === 'index' && (e.fn === 'add' || e.fn === 'mul')) {
      const [a, b] = [num(e.a), num(e.b)];
      return e.fn === 'add' ? () => a() + b() : () => a() * b();
    }
    const [f, a, b] = [binaryOf(e.fn, e.a.dtype), val(e.a), val(e.b)];
    return () => f(a(), b());
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

  const load = (tensor: number, dtype: DType, index: readonly Expr[], what: string): Val => {
    const at = address(tensor, index, what);
    const slot = slotOf(kernel, frame, tensor, dtype);
    const fetch = (): Value => {
      const i = at();
      const value = slot.view[i];
      if (value === undefined) throw new QuernError('internal', `${what} lies outside its buffer`, { got: String(i) });
      return value;
    };
    if (dtype !== 'float16') return fetch;
    const table = halfTable();
    return () => table[fetch() as number] as number;
  };

  const place = (s: Store): Num => address(s.tensor, s.index, `store to t${s.tensor}`);
  const store = (s: Store): (() => void) => {
    const at = place(s);
    const { dtype } = s.value;
    const slot = slotOf(kernel, frame, s.tensor, dtype);
    const value = val(s.value);
    const pack = dtype === 'float16' ? (x: Value): number => toHalf(Number(x)) : (x: Value): Value => x;
    return () => {
      const i = at();
      slot.view[i] = pack(value());
      frame.onStore?.(s.tensor, i);
    };
  };

  const assign = (name: string, e: Expr): (() => void) => {
    const [l, value] = [local(name), val(e)];
    return () => { l.value = value(); };
  };

  return { frame, val, num, cell: (v) => cell(v.name), sym: (s) => cell(symName(s)), local, assign, store, place };
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
