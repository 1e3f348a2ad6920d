/**
 * The walk behind `expectedAt`: expressions as closures that give a value and leave its error in `state.error`. Input: a kernel with
 * its arguments and the points wanted. Output: what those points store, with bounds. 64-bit integers are carried as doubles, exact below
 * 2^53: kernels without floats do not come here.
 */
import { QuernError } from '../../error.ts';
import { type DType, type ScalarType, fromHalf, isBig, isFloat, viewAs } from '../../expr/dtype.ts';
import type { BinaryOp, Expr, Var } from '../../expr/expr.ts';
import { text } from '../../expr/text.ts';
import { evaluate, operands } from '../../expr/visit.ts';
import type { Kernel, Scan, Stmt, Store } from '../../kernel.ts';
import { type Accuracy, gamma, most } from './accuracy.ts';
import type { Expected } from './bounds.ts';
import { countUses } from './compile.ts';
import { binaryError, castError, factors, muladdError, storeError, unaryError } from './intervals.ts';
import { fma32, fma64 } from './math.ts';
import { advance, seek } from './points.ts';
import { dimsOf, extentOf } from './run.ts';
import { type Value, binaryOf, bitcastFn, castOf, half, operatorOf, startOf, unaryOf, wrapper } from './scalar.ts';

type Est = () => number;
interface Local { value: number; error: number }
interface Memory {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  read(at: number): number;
  /** Set where a loop body may read what it wrote. */
  readonly shadow: { readonly values: Float64Array; readonly errors: Float64Array } | undefined;
}
const nowhere = { shape: [], strides: [] } as const;
interface State {
  error: number;
  tick: number;
  /** A branch or loop was taken on a comparison that the errors leave open: nothing after it is known. */
  open: boolean;
}

export function analyse(
  kernel: Kernel, dims: readonly number[], buffers: readonly Uint8Array[], points: readonly number[], acc: Accuracy,
): Expected[] {
  const state: State = { error: 0, tick: 0, open: false };
  const env = dimsOf(kernel, dims);
  const vars = new Map<string, Local>();
  const locals = new Map<string, Local>();
  const memory = kernel.args.map((_, i) => memoryOf(kernel, i, buffers[i] ?? new Uint8Array(0), env));
  const uses = countUses(kernel);
  const built = new Map<Expr, Est>();
  const found = new Map<string, Expected>();

  const named = (map: Map<string, Local>, name: string): Local => {
    const known = map.get(name) ?? { value: 0, error: 0 };
    map.set(name, known);
    return known;
  };
  const yields = (value: number, error: number): number => {
    state.error = error;
    return value;
  };

  const est = (e: Expr): Est => {
    const known = built.get(e);
    if (known !== undefined) return known;
    const compute = make(e);
    const chosen = (uses.get(e) ?? 0) > 1 && operands(e).length > 0 ? remembered(compute) : compute;
    built.set(e, chosen);
    return chosen;
  };
  const remembered = (compute: Est): Est => {
    let [stamp, value, error] = [-1, 0, 0];
    return () => {
      if (stamp !== state.tick) {
        value = compute();
        error = state.error;
        stamp = state.tick;
      }
      return yields(value, error);
    };
  };

  const make = (e: Expr): Est => {
    switch (e.op) {
      case 'const': { const value = Number(e.value); return () => yields(value, 0); }
      case 'sym': { const value = evaluate(e, env); return () => yields(value, 0); }
      case 'var': { const v = named(vars, e.name); return () => yields(v.value, 0); }
      case 'ref': { const l = named(locals, e.name); return () => yields(l.value, l.error); }
      case 'load': {
        const at = address(e.tensor, e.index, text(e));
        const mem = memory[e.tensor];
        if (mem === undefined) throw new QuernError('internal', `a kernel has no argument ${e.tensor}`);
        return () => {
          const i = at();
          const moved = state.error > 0 ? Infinity : 0;
          return mem.shadow === undefined ? yields(mem.read(i), moved)
            : yields(mem.shadow.values[i] ?? NaN, moved + (mem.shadow.errors[i] ?? 0));
        };
      }
      case 'unary': {
        const [f, a] = [through(unaryOf(e.fn, e.a.dtype), e.a.dtype), est(e.a)];
        return () => {
          const x = a();
          const ex = state.error;
          const value = f(x);
          return yields(value, unaryError(e.fn, e.a.dtype, x, ex, value, acc));
        };
      }
      case 'binary': return makeBinary(e.fn, e.a, e.b);
      case 'muladd': {
        const [a, b, c] = [est(e.a), est(e.b), est(e.c)];
        const [times, plus] = [numBinary('mul', e.dtype), numBinary('add', e.dtype)];
        const fused = !kernel.numeric.fma || !isFloat(e.dtype) ? undefined : e.dtype === 'float64' ? fma64 : fma32;
        return () => {
          const x = a(); const ex = state.error;
          const y = b(); const ey = state.error;
          const z = c(); const ez = state.error;
          const value = fused === undefined ? plus(times(x, y), z) : fused(x, y, z);
          if (!isFloat(e.dtype)) return yields(value, ex + ey + ez > 0 ? Infinity : 0);
          return yields(value, muladdError(e.dtype, x, ex, y, ey, z, ez, value, acc));
        };
      }
      case 'select': {
        const [cond, a, b] = [est(e.cond), est(e.a), est(e.b)];
        return () => {
          const taken = cond() !== 0;
          const open = state.error > 0;
          const value = taken ? a() : b();
          const error = state.error;
          if (!open) return yields(value, error);
          const other = attempt(taken ? b : a);
          if (other === undefined) return yields(value, error);
          return yields(value, Math.max(error, other === value ? state.error : Math.abs(other - value) + state.error));
        };
      }
      case 'cast': {
        const [from, to] = [e.a.dtype, e.dtype];
        const f = through(castOf(from, to), from);
        const a = est(e.a);
        return () => {
          const x = a();
          const ex = state.error;
          const value = f(x);
          return yields(value, castError(from, to, x, ex, value, acc));
        };
      }
      case 'bitcast': {
        if (isBig(e.dtype) || isBig(e.a.dtype)) throw new QuernError('internal', '64-bit bits beside floats have no error bound', { got: text(e) });
        const [f, a] = [bitcastFn(e.a.dtype, e.dtype), est(e.a)];
        return () => {
          const value = Number(f(a()));
          return yields(value, state.error > 0 ? Infinity : 0);
        };
      }
      default: return e satisfies never;
    }
  };

  const makeBinary = (fn: BinaryOp, left: Expr, right: Expr): Est => {
    const { dtype } = left;
    const [a, b] = [est(left), est(right)];
    if (dtype === 'bool' && (fn === 'and' || fn === 'or')) {
      const decided = fn === 'and' ? 0 : 1;
      return () => {
        const x = a();
        const ex = state.error;
        if (x === decided && ex === 0) return yields(x, 0);
        const y = ex > 0 ? attempt(b) : b();
        if (y === undefined) return yields(x, 1);
        if (y === decided && state.error === 0) return yields(y, 0);
        return yields(x === decided ? x : y, ex > 0 || state.error > 0 ? 1 : 0);
      };
    }
    const f = numBinary(fn, dtype);
    return () => {
      const x = a(); const ex = state.error;
      const y = b(); const ey = state.error;
      const value = f(x, y);
      return yields(value, binaryError(fn, dtype, x, ex, y, ey, value, acc));
    };
  };

  /** A branch that is evaluated only because the errors leave the condition open: it may load out of range. */
  const attempt = (branch: Est): number | undefined => {
    try {
      return branch();
    } catch (error) {
      if (error instanceof QuernError && error.code === 'index-out-of-range') return undefined;
      throw error;
    }
  };

  /** Offset of an element; `state.error` is above 0 afterwards if the index itself is uncertain. */
  const address = (tensor: number, index: readonly Expr[], what: string): Est => {
    const parts = index.map(est);
    const fail = (d: number, i: number, shape: readonly number[]): never => {
      throw new QuernError('index-out-of-range', `index ${i} of dim ${d} of ${what} is out of range`, {
        expected: `0 to ${(shape[d] ?? 0) - 1}`, got: String(i),
      });
    };
    return () => {
      const { shape, strides } = memory[tensor] ?? nowhere;
      let [at, error] = [0, 0];
      for (let d = 0; d < parts.length; d++) {
        const i = (parts[d] as Est)();
        if (state.error > error) error = state.error;
        if (!(i >= 0 && i < (shape[d] as number))) fail(d, i, shape);
        at += i * (strides[d] as number);
      }
      return yields(at, error);
    };
  };

  const store = ({ tensor, index, value }: Store): (() => void) => {
    const [at, compute] = [address(tensor, index, `store to t${tensor}`), est(value)];
    const dtype: DType | undefined = kernel.args[tensor]?.dtype;
    return () => {
      const element = at();
      if (state.error > 0) state.open = true;
      const raw = compute();
      const result = dtype === 'float16' ? half(raw) : raw;
      const error = state.open ? Infinity : storeError(dtype ?? 'float32', state.error, raw);
      const shadow = memory[tensor]?.shadow;
      if (shadow !== undefined) {
        shadow.values[element] = result;
        shadow.errors[element] = error;
      }
      found.set(`${tensor}:${element}`, { tensor, element, value: result, bound: error });
    };
  };

  /** Calls `point` for every point of the axes, or for one numbered point. */
  const each = (axes: readonly Var[], point: () => void): { all: () => void; one: (n: number) => void; size: () => number } => {
    const cells = axes.map((v) => named(vars, v.name));
    const extents = axes.map((v) => est(v.extent));
    const sizes = (): number[] => extents.map((extent) => extent());
    return {
      size: () => sizes().reduce((a, b) => a * b, 1),
      one: (n) => {
        seek(cells, sizes(), n);
        state.tick++;
        point();
      },
      all: () => {
        const shape = sizes();
        const total = shape.reduce((a, b) => a * b, 1);
        if (total > 0) seek(cells, shape, 0);
        for (let n = 0; n < total; n++) {
          state.tick++;
          point();
          advance(cells, shape);
        }
      },
    };
  };

  const scan = ({ name, op, value }: Scan, inner: readonly Var[]): (() => void) => {
    const { dtype } = value;
    const target = named(locals, name);
    const float = isFloat(dtype);
    const [combine, next, round] = [numBinary(operatorOf(op), float ? 'float64' : dtype), est(value), roundOf(dtype)];
    let [total, error, absolutes, count, least] = [0, 0, 0, 0, 1];
    const walk = each(inner, () => {
      const x = next();
      const ex = state.error;
      count++;
      if (op === 'max' || op === 'min') error = Math.max(error, ex);
      else if (op === 'sum') { error += ex; if (Number.isFinite(x)) absolutes += Math.abs(x); }
      else {
        error = error * Math.abs(x) + Math.abs(total) * ex + error * ex;
        // Some factors may be multiplied first: beyond the range of the type the others cannot bring them back.
        [absolutes, least] = [Math.max(1, absolutes) * Math.max(1, Math.abs(x)), least * Math.min(1, Math.abs(x) || 1)];
      }
      total = combine(total, x);
    });
    return () => {
      [total, error, absolutes, count, least] = [Number(startOf(op, dtype)), 0, 0, 0, 1];
      walk.all();
      target.value = round(total);
      const size = op === 'sum' ? absolutes : op === 'prod' ? Math.abs(total) : 0;
      if (float && (absolutes > most(dtype) || least < acc.tiny)) error = Infinity;
      target.error = Number.isFinite(total) || error === Infinity ? error + rounding(dtype, count, size) : 0;
    };
  };

  /** n additions or multiplications in the accumulator's type (float32 for float16), in any order, against a sum rounded once. */
  const rounding = (dtype: ScalarType, n: number, size: number): number => {
    if (!isFloat(dtype) || size === 0) return 0;
    const wide = dtype === 'float16' ? 'float32' : dtype;
    return (gamma(n, acc.unit(wide)) + 2 ** (wide === 'float64' ? -53 : -24)) * size + n * acc.tiny;
  };

  const contract = (lhs: Expr, rhs: Expr, depth: readonly Var[]): (() => void) => {
    const { dtype } = lhs;
    const target = named(locals, 'acc');
    const type = isFloat(dtype) ? 'float64' : dtype;
    const [times, plus, a, b, round] = [numBinary('mul', type), numBinary('add', type), est(lhs), est(rhs), roundOf(dtype)];
    let [total, error, absolutes, count] = [0, 0, 0, 0];
    const walk = each(depth, () => {
      const x = a(); const ex = state.error;
      const y = b(); const ey = state.error;
      const product = times(x, y);
      total = plus(total, product);
      if (Number.isFinite(product)) {
        if (ex > 0 || ey > 0) error += Math.abs(x) * ey + Math.abs(y) * ex + ex * ey;
        absolutes += Math.abs(product);
      } else if (factors(x, ex, y, ey) === Infinity) error = Infinity;
      count++;
    });
    return () => {
      [total, error, absolutes, count] = [0, 0, 0, 0];
      walk.all();
      target.value = round(total);
      if (Number.isNaN(error) || (isFloat(dtype) && absolutes > most(dtype))) target.error = Infinity;
      else target.error = Number.isFinite(total) || error === Infinity ? error + rounding(dtype, count, absolutes) : 0;
    };
  };

  const block = (stmts: readonly Stmt[]): (() => void) => {
    const steps = stmts.map(statement);
    return () => { for (const step of steps) { state.tick++; step(); } };
  };
  const statement = (s: Stmt): (() => void) => {
    switch (s.do) {
      case 'let': case 'set': {
        const [l, value] = [named(locals, s.name), est(s.value)];
        return () => {
          l.value = value();
          l.error = state.error;
        };
      }
      case 'store': return store(s.store);
      case 'for': return each([s.axis], block(s.body)).all;
      case 'while': {
        const [cond, run] = [est(s.cond), block(s.body)];
        return () => {
          for (;;) {
            state.tick++;
            const going = cond() !== 0;
            if (state.error > 0) state.open = true;
            if (!going) return;
            run();
          }
        };
      }
      case 'if': {
        const [cond, then, otherwise] = [est(s.cond), block(s.then), block(s.else)];
        return () => {
          const taken = cond() !== 0;
          if (state.error > 0) state.open = true;
          if (taken) then(); else otherwise();
        };
      }
      default: return s satisfies never;
    }
  };

  const { body } = kernel;
  const runPoints = (): void => {
    switch (body.kind) {
      case 'map': { const run = each(body.axes, store(body.store)); points.forEach(run.one); return; }
      case 'loop': {
        const run = each(body.axes, block(body.body));
        for (const point of points) { state.open = false; run.one(point); }
        return;
      }
      case 'contraction': {
        const [sum, put] = [contract(body.lhs, body.rhs, body.depth), store(body.store)];
        const run = each([...body.batch, ...body.rows, ...body.cols], () => { sum(); state.tick++; put(); });
        points.forEach(run.one);
        return;
      }
      case 'rows': {
        const scans = body.scans.map((s) => scan(s, body.inner));
        const put = each(body.each ? body.inner : [], store(body.store));
        const width = put.size();
        let row = -1;
        const rows = each(body.axes, () => { for (const s of scans) s(); });
        for (const point of points) {
          const wanted = Math.floor(point / width);
          if (wanted !== row) rows.one(wanted);
          row = wanted;
          put.one(point % width);
        }
        return;
      }
      default: body satisfies never;
    }
  };
  runPoints();
  return [...found.values()];
}

/** 64-bit integers are doubles here. */
const held = (x: number, dtype: ScalarType): Value => (isBig(dtype) ? (Number.isFinite(x) ? BigInt(Math.trunc(x)) : 0n) : x);
const through = (f: (a: Value) => Value, dtype: ScalarType) => (a: number): number => Number(f(held(a, dtype)));
const roundOf = (dtype: ScalarType): ((x: number) => number) => wrapper(isBig(dtype) ? 'float64' : dtype);

function numBinary(fn: BinaryOp, dtype: ScalarType): (a: number, b: number) => number {
  const f = binaryOf(fn, dtype);
  return isBig(dtype) ? (a, b) => Number(f(held(a, dtype), held(b, dtype))) : f as (a: number, b: number) => number;
}

function memoryOf(kernel: Kernel, slot: number, bytes: Uint8Array, env: ReadonlyMap<Expr, number>): Memory {
  const arg = kernel.args[slot];
  if (arg === undefined) throw new QuernError('internal', `a kernel has no argument ${slot}`);
  const shape = arg.shape.map((d) => evaluate(d, env));
  const strides = arg.strides.map((d) => evaluate(d, env));
  const view = viewAs(arg.dtype, bytes);
  const read = arg.dtype === 'float16' ? (at: number): number => fromHalf(Number(view[at])) : (at: number): number => Number(view[at]);
  if (kernel.body.kind !== 'loop' || arg.access === 'read') return { shape, strides, read, shadow: undefined };
  const size = extentOf(shape, strides);
  return { shape, strides, read, shadow: { values: Float64Array.from({ length: size }, (_, i) => read(i)), errors: new Float64Array(size) } };
}
