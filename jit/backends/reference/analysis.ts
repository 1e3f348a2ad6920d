/**
 * The walk behind `expectedAt`: expressions as closures that give a value and leave its error in `state.error`. Input: a kernel with
 * its arguments and the points wanted. Output: what those points store, with bounds. 64-bit integers are bigints; what holds no float
 * has no error, and is exact.
 */
import { QuernError } from '../../error.ts';
import { type DType, type ScalarType, isBig, isFloat } from '../../expr/dtype.ts';
import type { BinaryOp, Expr, Var } from '../../expr/expr.ts';
import { text } from '../../expr/text.ts';
import { evaluate, operands } from '../../expr/visit.ts';
import { type Kernel, type Scan, type Stmt, type Store, pointAxes } from '../../kernel.ts';
import { type Accuracy, gamma, most } from './accuracy.ts';
import type { Expected } from './bounds.ts';
import { binaryError, castError, factors, muladdError, storeError, unaryError } from './intervals.ts';
import { fma32, fma64 } from '../../expr/math.ts';
import { memoryOf } from './memory.ts';
import { advance, countUses, dimsOf, seek } from './points.ts';
import { type Value, binaryOf, bitcastFn, castOf, half, operatorOf, roundTo, startOf, unaryOf } from '../../expr/scalar.ts';

type Est = () => Value;
type Count = () => number;
interface Local { value: Value; error: number }
const nowhere = { shape: [], strides: [] } as const;
interface State {
  error: number;
  tick: number;
  /** A branch or loop was taken on a comparison that the errors leave open: nothing after it is known. */
  open: boolean;
}

export interface Analysis {
  /** What the given points store. */
  expected(points: readonly number[]): Expected[];
  /** The points that store given elements, by element; those that no point stores are left out. For bodies with one store a point. */
  storing(elements: readonly number[]): ReadonlyMap<number, number>;
}

export function analyse(kernel: Kernel, dims: readonly number[], buffers: readonly Uint8Array[], acc: Accuracy): Analysis {
  const state: State = { error: 0, tick: 0, open: false };
  const env = dimsOf(kernel, dims);
  const vars = new Map<string, { value: number }>();
  const locals = new Map<string, Local>();
  const memory = kernel.args.map((_, i) => memoryOf(kernel, i, buffers[i] ?? new Uint8Array(0), env));
  const uses = countUses(kernel);
  const built = new Map<Expr, Est>();
  const found = new Map<string, Expected>();

  const named = <T>(map: Map<string, T>, name: string, fresh: T): T => {
    const known = map.get(name) ?? fresh;
    map.set(name, known);
    return known;
  };
  const varOf = (name: string): { value: number } => named(vars, name, { value: 0 });
  const localOf = (name: string): Local => named(locals, name, { value: 0, error: 0 });
  const yields = <T extends Value>(value: T, error: number): T => {
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
  /** Dims and indices are numbers. */
  const count = (e: Expr): Count => est(e) as Count;
  const remembered = (compute: Est): Est => {
    let [stamp, error] = [-1, 0];
    let value: Value = 0;
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
      case 'const': { const value = isBig(e.dtype) ? BigInt(e.value) : Number(e.value); return () => yields(value, 0); }
      case 'sym': { const value = evaluate(e, env); return () => yields(value, 0); }
      case 'var': { const v = varOf(e.name); return () => yields(v.value, 0); }
      case 'ref': { const l = localOf(e.name); return () => yields(l.value, l.error); }
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
        const [f, a] = [unaryOf(e.fn, e.a.dtype), est(e.a)];
        return () => {
          const x = a();
          const ex = state.error;
          const value = f(x);
          return yields(value, unaryError(e.fn, e.a.dtype, Number(x), ex, Number(value), acc));
        };
      }
      case 'binary': return makeBinary(e.fn, e.a, e.b);
      case 'muladd': {
        const [a, b, c] = [est(e.a), est(e.b), est(e.c)];
        const [times, plus] = [binaryOf('mul', e.dtype), binaryOf('add', e.dtype)];
        const fused = !kernel.numeric.fma || !isFloat(e.dtype) ? undefined : e.dtype === 'float64' ? fma64 : fma32;
        return () => {
          const x = a(); const ex = state.error;
          const y = b(); const ey = state.error;
          const z = c(); const ez = state.error;
          const [nx, ny, nz] = [Number(x), Number(y), Number(z)];
          const value = fused === undefined ? plus(times(x, y), z) : fused(nx, ny, nz);
          if (!isFloat(e.dtype)) return yields(value, ex + ey + ez > 0 ? Infinity : 0);
          return yields(value, muladdError(e.dtype, nx, ex, ny, ey, nz, ez, Number(value), acc));
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
          return yields(value, Math.max(error, other === value ? state.error : Math.abs(Number(other) - Number(value)) + state.error));
        };
      }
      case 'cast': {
        const [from, to] = [e.a.dtype, e.dtype];
        const f = castOf(from, to);
        const a = est(e.a);
        return () => {
          const x = a();
          const ex = state.error;
          const value = f(x);
          return yields(value, castError(from, to, Number(x), ex, Number(value), acc));
        };
      }
      case 'bitcast': {
        const [f, a] = [bitcastFn(e.a.dtype, e.dtype), est(e.a)];
        return () => {
          const value = f(a());
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
    const f = binaryOf(fn, dtype);
    return () => {
      const x = a(); const ex = state.error;
      const y = b(); const ey = state.error;
      const value = f(x, y);
      return yields(value, binaryError(fn, dtype, Number(x), ex, Number(y), ey, Number(value), acc));
    };
  };

  /** A branch that is evaluated only because the errors leave the condition open: it may load out of range. */
  const attempt = (branch: Est): Value | undefined => {
    try {
      return branch();
    } catch (error) {
      if (error instanceof QuernError && error.code === 'index-out-of-range') return undefined;
      throw error;
    }
  };

  /** Offset of an element; `state.error` is above 0 afterwards if the index itself is uncertain. */
  const address = (tensor: number, index: readonly Expr[], what: string): Count => {
    const parts = index.map(count);
    const fail = (d: number, i: number, shape: readonly number[]): never => {
      throw new QuernError('index-out-of-range', `index ${i} of dim ${d} of ${what} is out of range`, {
        expected: `0 to ${(shape[d] ?? 0) - 1}`, got: String(i),
      });
    };
    return () => {
      const { shape, strides } = memory[tensor] ?? nowhere;
      let [at, error] = [0, 0];
      for (let d = 0; d < parts.length; d++) {
        const i = (parts[d] as Count)();
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
      const result = dtype === 'float16' ? half(Number(raw)) : raw;
      const error = state.open ? Infinity : storeError(dtype ?? 'float32', state.error, Number(raw));
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
    const cells = axes.map((v) => varOf(v.name));
    const extents = axes.map((v) => count(v.extent));
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
    const target = localOf(name);
    const float = isFloat(dtype);
    const [combine, next, round, start] = [binaryOf(operatorOf(op), float ? 'float64' : dtype), est(value), roundTo(dtype), startOf(op, dtype)];
    let total = start;
    let [error, absolutes, terms, least] = [0, 0, 0, 1];
    const walk = each(inner, () => {
      const given = next();
      const [x, ex] = [Number(given), state.error];
      terms++;
      if (op === 'max' || op === 'min') error = Math.max(error, ex);
      else if (op === 'sum') { error += ex; if (Number.isFinite(x)) absolutes += Math.abs(x); }
      else {
        error = error * Math.abs(x) + Math.abs(Number(total)) * ex + error * ex;
        // Some factors may be multiplied first: beyond the range of the type the others cannot bring them back.
        [absolutes, least] = [Math.max(1, absolutes) * Math.max(1, Math.abs(x)), least * Math.min(1, Math.abs(x) || 1)];
      }
      total = combine(total, given);
    });
    return () => {
      total = start;
      [error, absolutes, terms, least] = [0, 0, 0, 1];
      walk.all();
      target.value = round(total);
      const result = Number(total);
      const size = op === 'sum' ? absolutes : op === 'prod' ? Math.abs(result) : 0;
      if (float && (absolutes > most(dtype) || least < acc.tiny)) error = Infinity;
      target.error = Number.isFinite(result) || error === Infinity ? error + rounding(dtype, terms, size) : 0;
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
    const target = localOf('acc');
    const type = isFloat(dtype) ? 'float64' : dtype;
    const [times, plus, a, b, round] = [binaryOf('mul', type), binaryOf('add', type), est(lhs), est(rhs), roundTo(dtype)];
    const zero = startOf('sum', dtype);
    let total = zero;
    let [error, absolutes, terms] = [0, 0, 0];
    const walk = each(depth, () => {
      const x = a(); const ex = state.error;
      const y = b(); const ey = state.error;
      const product = times(x, y);
      total = plus(total, product);
      const [nx, ny, size] = [Number(x), Number(y), Math.abs(Number(product))];
      if (Number.isFinite(size)) {
        if (ex > 0 || ey > 0) error += Math.abs(nx) * ey + Math.abs(ny) * ex + ex * ey;
        absolutes += size;
      } else if (factors(nx, ex, ny, ey) === Infinity) error = Infinity;
      terms++;
    });
    return () => {
      total = zero;
      [error, absolutes, terms] = [0, 0, 0];
      walk.all();
      target.value = round(total);
      if (Number.isNaN(error) || (isFloat(dtype) && absolutes > most(dtype))) target.error = Infinity;
      else target.error = Number.isFinite(Number(total)) || error === Infinity ? error + rounding(dtype, terms, absolutes) : 0;
    };
  };

  const block = (stmts: readonly Stmt[]): (() => void) => {
    const steps = stmts.map(statement);
    return () => { for (const step of steps) { state.tick++; step(); } };
  };
  const statement = (s: Stmt): (() => void) => {
    switch (s.do) {
      case 'let': case 'set': {
        const [l, value] = [localOf(s.name), est(s.value)];
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
  const runPoints = (points: readonly number[]): void => {
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
  return {
    expected(points) {
      runPoints(points);
      return [...found.values()];
    },
    storing(elements) {
      const points = new Map<number, number>();
      if (body.kind === 'loop') return points;
      const { tensor, index } = body.store;
      const place = address(tensor, index, `store to t${tensor}`);
      const wanted = new Set(elements);
      let point = 0;
      each(pointAxes(body), () => {
        const element = wanted.size > 0 ? place() : -1;
        if (wanted.delete(element)) points.set(element, point);
        point++;
      }).all();
      return points;
    },
  };
}
