/**
 * The parts of random kernels: dims, arguments, indices that are in range by construction, and typed values. Input: choices. Output:
 * expressions over given axes and the arguments they load from, with sizes for the symbolic dims of each run.
 */
import { arg } from '../backends/conformance-kit.ts';
import { ceilDiv } from '../contraction.ts';
import { type DType, type ScalarType, isBig, isFloat } from '../expr/dtype.ts';
import {
  type BinaryOp, type Expr, type Sym, type UnaryOp, type Var, add, and, asInt, binary, bitcast, cast, constant, floordiv, floormod, ge, int,
  load, lt, max, min, mul, muladd, select, sub, symbol, unary, variable,
} from '../expr/expr.ts';
import { evaluate } from '../expr/visit.ts';
import { type Access, type Arg, stridesOf } from '../kernel.ts';
import type { Choices } from './choices.ts';

/** An index and what it stays below. */
export interface Coord {
  readonly e: Expr;
  readonly extent: Expr;
}

/** What values may read besides arguments. */
export interface Env {
  readonly axes: readonly Var[];
  readonly refs: readonly Expr[];
}

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 24, 31, 33, 40, 65];
const integers: readonly DType[] = ['int32', 'int8', 'uint8', 'int16', 'uint16', 'uint32', 'int64', 'uint64'];
/** What wraps below zero in 64 bits is no double, in which the reference carries integers beside floats. */
const besideFloats = integers.filter((t) => t !== 'uint64');
const floats: readonly DType[] = ['float32', 'float32', 'float32', 'float16', 'float64'];

/** Most loads that a body makes; every one may add an argument. */
const mostArgs = 6;

export class Maker {
  readonly args: Arg[] = [];
  readonly runs: Record<string, number>[] = [{}];
  readonly #syms: Sym[] = [];
  readonly #loads: { readonly e: Expr; readonly axes: readonly Var[] }[] = [];
  /** Without floats 64-bit integers are exact in the reference, so everything may be done with them. */
  floating: boolean;

  constructor(readonly c: Choices, readonly gpu = false) {
    this.floating = !c.chance(25);
    const syms = c.below(4);
    for (let i = 0; i < syms; i++) this.#syms.push(symbol(['N', 'M', 'K'][i] ?? 'L', c.below(2)));
    const runs = syms === 0 ? 1 : 1 + c.below(3);
    this.runs.length = 0;
    for (let r = 0; r < runs; r++) {
      this.runs.push(Object.fromEntries(this.#syms.map((s) => [s.name, Math.max(s.min, c.chance(8) ? 0 : c.pick(sizes))])));
    }
  }

  /** The most elements that a product of dims has in any run. */
  most(e: Expr): number {
    return Math.max(...this.runs.map((run) => this.#value(e, run)));
  }

  #value(e: Expr, run: Readonly<Record<string, number>>): number {
    return evaluate(e, (leaf) => (leaf.op === 'sym' ? run[leaf.name] ?? 0 : 0));
  }

  /** The extent of an axis that has at most `limit` points. */
  dim(limit: number): Expr {
    if (this.#syms.length > 0 && this.c.chance(35)) {
      const s = this.c.pick(this.#syms);
      const made = this.c.chance(15) ? this.c.pick([mul(s, 2), add(s, 1), mul(s, 3), ceilDiv(s, 4)]) : s;
      if (this.most(made) <= limit) return made;
    }
    const fitting = sizes.filter((n) => n <= limit);
    return int(fitting.length === 0 ? 1 : this.c.pick(fitting));
  }

  axes(letter: string, count: number, limit: number): Var[] {
    let left = limit;
    return Array.from({ length: count }, (_, i) => {
      const extent = this.dim(left);
      left = Math.max(1, Math.floor(left / Math.max(1, this.most(extent))));
      return variable(`${letter}${i}`, extent);
    });
  }

  dtype(): DType {
    if (this.floating && this.c.chance(70)) return this.c.pick(floats);
    return this.c.chance(15) ? 'bool' : this.c.pick(this.floating ? besideFloats : integers);
  }

  /** Strides of a dense tensor in some order of dims, or of a part of a larger one. */
  argument(dtype: DType, shape: readonly Expr[], access: Access = 'read'): Arg {
    const order = this.c.chance(30) ? this.c.shuffle(shape.map((_, d) => d)) : undefined;
    const whole = this.c.chance(8) ? shape.map((d) => add(d, this.c.below(4))) : shape;
    return { ...arg(dtype, shape, access), strides: order === undefined ? stridesOf(whole) : stridesOf(whole, order) };
  }

  push(a: Arg): number {
    this.args.push(a);
    return this.args.length - 1;
  }

  /** Something that counts over the axes and stays in range. */
  coord(axes: readonly Var[], gathers = true): Coord {
    const { c } = this;
    const v = axes.length === 0 ? undefined : c.pick(axes);
    if (v === undefined) {
      const k = c.below(3);
      return { e: int(k), extent: int(k + 1) };
    }
    const n = v.extent;
    const k = c.int(1, 5);
    const w = c.pick(axes);
    const flat: Coord = w === v ? { e: v, extent: n } : { e: add(mul(v, w.extent), w), extent: mul(n, w.extent) };
    switch (c.below(gathers && this.args.length < mostArgs ? 16 : 15)) {
      case 0: case 1: case 2: case 3: return { e: v, extent: n };
      case 4: return { e: int(k), extent: int(k + 1) };
      case 5: return { e: sub(sub(n, 1), v), extent: n };
      case 6: return { e: add(mul(v, k + 1), c.below(k + 1)), extent: mul(n, k + 1) };
      case 7: return { e: add(v, k), extent: add(n, k) };
      case 8: return { e: floordiv(v, k + 1), extent: ceilDiv(n, k + 1) };
      case 9: return { e: floormod(v, k + 1), extent: int(k + 1) };
      case 10: return flat;
      case 11: return { e: floordiv(flat.e, k + 1), extent: ceilDiv(flat.extent, k + 1) };
      case 12: return { e: floormod(flat.e, k + 1), extent: int(k + 1) };
      case 13: return w === v ? { e: mul(v, 2), extent: mul(n, 2) } : { e: add(v, mul(w, k)), extent: add(n, mul(w.extent, k)) };
      case 14: return c.chance(50) ? { e: min(v, k), extent: int(k + 1) } : { e: max(sub(v, k), 0), extent: max(n, int(1)) };
      case 15: return this.#gathered(axes, k);
      default: throw new Error('no such coordinate');
    }
  }

  /** An index that is read from memory, some of them counted from the end. */
  #gathered(axes: readonly Var[], k: number): Coord {
    const dtype = this.c.pick(['int32', 'int64', 'uint8'] as const);
    const g = cast(this.fresh(dtype, axes.length === 0 ? [] : [this.coord(axes, false)]), 'index');
    return this.c.chance(30) ? { e: select(lt(g, 0), add(g, int(k + 2)), g), extent: int(k + 2) } : { e: g, extent: int(k + 2) };
  }

  /** A load from an argument of its own. */
  fresh(dtype: DType, coords: readonly Coord[]): Expr {
    const shape = coords.map(({ extent }) => (this.c.chance(10) ? add(extent, this.c.below(3)) : extent));
    const slot = this.push(this.argument(dtype, shape));
    return load(slot, dtype, coords.map(({ e }) => e));
  }

  /** A load at the axes themselves, in their order or another, some left out: what most operators read. */
  plain(dtype: DType, axes: readonly Var[]): Expr {
    const some = axes.filter(() => !this.c.chance(20));
    const order = this.c.chance(20) ? this.c.shuffle(some) : some;
    return this.fresh(dtype, order.map((v) => ({ e: v, extent: v.extent })));
  }

  /** A load under a guard: padding, concatenation, causal masks. */
  guarded(dtype: DType, axes: readonly Var[]): Expr {
    const rank = this.c.int(1, 2);
    const conditions: Expr[] = [];
    const coords = Array.from({ length: rank }, (): Coord => {
      const { e, extent } = this.coord(axes, false);
      const shift = this.c.below(4);
      const size = this.c.chance(50) ? extent : int(this.c.int(1, 9));
      const at = sub(e, shift);
      conditions.push(lt(at, size));
      if (shift > 0) conditions.push(ge(at, 0));
      return { e: at, extent: size };
    });
    const slot = this.push(arg(dtype, coords.map(({ extent }) => extent)));
    const outside = constant(this.c.pick([0, 1, isFloat(dtype) ? -Infinity : 3]), dtype);
    return select(and(...conditions), load(slot, dtype, coords.map(({ e }) => e)), dtype === 'bool' ? constant(1, 'bool') : outside);
  }

  #leaf(dtype: ScalarType, env: Env): Expr {
    const { c } = this;
    const within = this.#loads.filter((l) => l.axes.every((v) => env.axes.includes(v))).map((l) => l.e);
    const known = [...env.refs, ...within].filter((e) => e.dtype === dtype);
    if (known.length > 0 && c.chance(50)) return c.pick(known);
    if (dtype === 'index') return env.axes.length === 0 ? int(c.below(4)) : c.pick(env.axes);
    const kind = c.below(10);
    if (kind >= 8) return this.#constant(dtype);
    if (kind === 7 && env.axes.length > 0) return cast(this.coord(env.axes, false).e, dtype);
    if (this.args.length >= mostArgs) return known.length > 0 ? c.pick(known) : this.#constant(dtype);
    const made = kind === 6 ? this.guarded(dtype, env.axes)
      : kind >= 4 ? this.fresh(dtype, Array.from({ length: c.int(1, 3) }, () => this.coord(env.axes)))
        : this.plain(dtype, env.axes);
    this.#loads.push({ e: made, axes: env.axes });
    return made;
  }

  #constant(dtype: DType): Expr {
    const { c } = this;
    if (dtype === 'bool') return constant(c.below(2), 'bool');
    if (isFloat(dtype)) return constant(c.pick([0, 1, 0.5, 2, -1, 0.1, 3.75, -0.0625, 100]), dtype);
    return constant(c.pick([0, 1, 2, 3, 5, 7, 100, 127]), dtype);
  }

  /** A value of a type, at most so many operations deep. */
  value(dtype: ScalarType, depth: number, env: Env): Expr {
    const { c } = this;
    if (depth <= 0 || c.chance(12)) return this.#leaf(dtype, env);
    const sub1 = (d: ScalarType = dtype): Expr => this.value(d, depth - 1, env);
    if (c.chance(8)) return select(sub1('bool'), sub1(), sub1());
    if (dtype === 'bool') return this.#truth(depth, env);
    if (c.chance(12)) return cast(sub1(this.#castable(dtype)), dtype);
    if (dtype === 'index') return this.#leaf('index', env);
    return isFloat(dtype) ? this.#float(dtype, sub1) : this.#integer(dtype, sub1);
  }

  #castable(to: DType | 'index'): ScalarType {
    const from = this.dtype();
    return from === to ? 'int32' : from;
  }

  #truth(depth: number, env: Env): Expr {
    const { c } = this;
    const go = (d: ScalarType): Expr => this.value(d, depth - 1, env);
    switch (c.below(6)) {
      case 0: case 1: case 2: {
        const d = this.dtype();
        return binary(d === 'bool' ? 'eq' : c.pick<BinaryOp>(['lt', 'le', 'gt', 'ge', 'eq', 'ne']), go(d), go(d));
      }
      case 3: return binary(c.pick<BinaryOp>(['and', 'or', 'xor']), go('bool'), go('bool'));
      case 4: return unary('not', go('bool'));
      case 5: return this.floating ? unary('isnan', go('float32')) : cast(go(c.pick(integers)), 'bool');
      default: throw new Error('no such condition');
    }
  }

  #float(dtype: DType, go: (d?: ScalarType) => Expr): Expr {
    const { c } = this;
    switch (c.below(12)) {
      case 0: case 1: case 2: case 3: return binary(c.pick<BinaryOp>(['add', 'mul', 'sub', 'max', 'min', 'div']), go(), go());
      case 4: return muladd(go(), go(), go());
      case 5: return unary(c.pick<UnaryOp>(['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc']), go());
      case 6: return unary(c.pick<UnaryOp>(['sqrt', 'log', 'reciprocal']), add(unary('abs', go()), c.pick([0.5, 0.01, 2])));
      case 7: case 8: return unary(c.pick<UnaryOp>(['sigmoid', 'tanh', 'exp', 'erf', 'sin', 'cos']), go());
      case 9: return unary(c.pick<UnaryOp>(['atan', 'tan', 'sinh', 'cosh', 'asinh', 'asin', 'acos', 'acosh', 'atanh', 'sqrt', 'log', 'reciprocal']), go());
      case 10: return binary('pow', c.chance(70) ? unary('abs', go()) : go(), c.chance(70) ? constant(c.pick([2, 3, 0.5, -1, -0.5, 4, 1.7]), dtype) : go());
      case 11: {
        if (dtype === 'float32' && c.chance(30)) return bitcast(binary('and', bitcast(go(), 'int32'), constant(-4, 'int32')), 'float32');
        return binary(c.pick<BinaryOp>(['rem', 'floormod']), go(), c.chance(60) ? constant(c.pick([3, 0.75, -2]), dtype) : go());
      }
      default: throw new Error('no such operation');
    }
  }

  #integer(dtype: DType, go: (d?: ScalarType) => Expr): Expr {
    const { c } = this;
    // Beside floats the reference carries 64-bit integers as doubles: what stays small is compared all the same.
    if (isBig(dtype) && this.floating) return binary(c.pick<BinaryOp>(dtype === 'int64' ? ['add', 'sub', 'max', 'min'] : ['add', 'max', 'min']), go(), go());
    switch (c.below(8)) {
      case 0: case 1: return binary(c.pick<BinaryOp>(['add', 'sub', 'mul', 'max', 'min']), go(), go());
      case 2: return binary(c.pick<BinaryOp>(['div', 'rem', 'floordiv', 'floormod']), go(), c.chance(50) ? constant(c.pick([3, 2, 7, 16]), dtype) : go());
      case 3: return binary(c.pick<BinaryOp>(['and', 'or', 'xor']), go(), go());
      case 4: return binary(c.pick<BinaryOp>(['shl', 'shr']), go(), c.chance(70) ? constant(c.int(0, 7), dtype) : go());
      case 5: return unary(c.pick<UnaryOp>(['abs', 'neg', 'not', 'sign']), go());
      case 6: return c.chance(50) ? muladd(go(), go(), go()) : binary('pow', go(), constant(c.below(4), dtype));
      case 7: return binary('mul', go(), constant(c.pick([2, 3, 5]), dtype));
      default: throw new Error('no such operation');
    }
  }

  /** Where each point of the axes stores: one place for each, in any order of dims. */
  target(axes: readonly Var[]): Coord[] {
    const { c } = this;
    const order = c.chance(30) ? c.shuffle(axes) : [...axes];
    const coords: Coord[] = [];
    for (let i = 0; i < order.length; i++) {
      const v = order[i] as Var;
      const next = order[i + 1];
      const n = v.extent;
      const kind = c.below(12);
      if (kind === 11 && next !== undefined) {
        coords.push({ e: add(mul(v, next.extent), next), extent: mul(n, next.extent) });
        i++;
      } else if (kind === 10) coords.push({ e: sub(sub(n, 1), v), extent: n });
      else if (kind === 9) coords.push({ e: add(mul(v, 2), c.below(2)), extent: mul(n, 2) });
      else if (kind === 8) coords.push({ e: add(v, c.below(4)), extent: add(n, 3) });
      else if (kind === 7) {
        const k = c.int(2, 5);
        coords.push({ e: floordiv(v, k), extent: ceilDiv(n, k) }, { e: floormod(v, k), extent: int(k) });
      } else coords.push({ e: v, extent: n });
    }
    return c.chance(10) ? [...coords, { e: int(0), extent: int(1) }] : coords;
  }

  /** The output of a body: its argument, and where points store in it. */
  output(dtype: DType, axes: readonly Var[], access: Access = 'write'): { readonly tensor: number; readonly index: Expr[] } {
    const coords = this.target(axes);
    return { tensor: this.push(this.argument(dtype, coords.map((x) => x.extent), access)), index: coords.map((x) => x.e) };
  }

  /** Whether an extent is the number 1. */
  readonly unit = (e: Expr): boolean => asInt(e) === 1;
}
