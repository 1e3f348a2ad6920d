/**
 * Runs one kernel over plain bytes: slow, obvious, the oracle of every kernel test and of the output check of the tuner. Sums of
 * floats run in float64 and are rounded once, so a result is as near to the true one as its own type allows. All points are computed,
 * or only chosen ones (`only`: numbers in row-major order over `pointAxes`).
 */
import { QuernError } from '../../error.ts';
import { type ScalarType, bytesOf, isFloat, viewAs } from '../../expr/dtype.ts';
import type { Expr, Var } from '../../expr/expr.ts';
import { evaluate } from '../../expr/visit.ts';
import type { Kernel, Scan, Stmt } from '../../kernel.ts';
import { type Compiler, type Num, compiler } from './compile.ts';
import { advance, dimsOf, extentOf, seek } from './points.ts';
import { binaryOf, operatorOf, roundTo, startOf } from '../../expr/scalar.ts';

export interface ReferenceOptions {
  /** Compute these points alone; what other points would store stays as it was. */
  readonly only?: readonly number[] | undefined;
  /** Told of every store: argument and element offset. */
  readonly onStore?: (tensor: number, element: number) => void;
}

type Runner = (points: Iterator<number> | undefined) => void;

interface Ready {
  readonly compiled: Compiler;
  readonly run: Runner;
}

const nothing = new Uint8Array(0);
const ready = new WeakMap<Kernel, Ready>();

/**
 * Runs `kernel` with `dims` for its `syms` and one buffer for each argument. Throws `index-out-of-range` for a load or store that
 * misses its tensor, `internal` where buffers are too small.
 */
export function runKernel(kernel: Kernel, dims: readonly number[], buffers: readonly Uint8Array[], options: ReferenceOptions = {}): void {
  let known = ready.get(kernel);
  if (known === undefined) {
    const compiled = compiler(kernel);
    known = { compiled, run: runnerOf(kernel, compiled) };
    ready.set(kernel, known);
  }
  const finish = bind(kernel, known.compiled, dims, buffers);
  known.compiled.frame.tick++;
  known.compiled.frame.onStore = options.onStore;
  known.run(options.only === undefined ? undefined : [...options.only].sort((a, b) => a - b)[Symbol.iterator]());
  finish();
}

/** Puts dims and memory into the frame; the result writes misaligned outputs back. */
export function bind(kernel: Kernel, c: Compiler, dims: readonly number[], buffers: readonly Uint8Array[]): () => void {
  if (dims.length !== kernel.syms.length || buffers.length !== kernel.args.length) {
    throw new QuernError('internal', 'a kernel was called with the wrong number of dims or buffers', {
      expected: `${kernel.syms.length} dims, ${kernel.args.length} buffers`, got: `${dims.length} dims, ${buffers.length} buffers`,
    });
  }
  const { frame } = c;
  const env = dimsOf(kernel, dims);
  kernel.syms.forEach((s, i) => { c.sym(s).value = dims[i] ?? 0; });
  const copies: (() => void)[] = [];
  kernel.args.forEach((arg, i) => {
    const [slot, bytes] = [frame.slots[i], buffers[i]];
    if (slot === undefined || bytes === undefined) return;
    slot.shape = arg.shape.map((d) => evaluate(d, env));
    slot.strides = arg.strides.map((d) => evaluate(d, env));
    const need = extentOf(slot.shape, slot.strides) * bytesOf(arg.dtype);
    if (bytes.byteLength < need) {
      throw new QuernError('internal', `buffer ${i} of a kernel is too small`, { expected: `${need} bytes`, got: `${bytes.byteLength}` });
    }
    slot.view = viewAs(arg.dtype, bytes);
    if (arg.access !== 'read' && slot.view.buffer !== bytes.buffer) {
      const { view } = slot;
      copies.push(() => { bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)); });
    }
  });
  return () => {
    copies.forEach((copy) => { copy(); });
    for (const slot of frame.slots) slot.view = nothing; // the frame outlives the run; buffers need not
  };
}

function runnerOf(kernel: Kernel, c: Compiler): Runner {
  const { body } = kernel;
  switch (body.kind) {
    case 'map': return over(c, body.axes, c.store(body.store));
    case 'loop': {
      const run = block(c, body.body);
      return over(c, body.axes, run);
    }
    case 'contraction': {
      const accumulate = contract(c, body.lhs, body.rhs, body.depth);
      const store = c.store(body.store);
      return over(c, [...body.batch, ...body.rows, ...body.cols], () => {
        accumulate();
        c.frame.tick++;
        store();
      });
    }
    case 'rows': {
      const scans = body.scans.map((s) => scan(c, s, body.inner));
      const all = (): void => { for (const s of scans) s(); };
      const store = c.store(body.store);
      if (!body.each) return over(c, body.axes, () => { all(); c.frame.tick++; store(); });
      return rows(c, body.axes, body.inner, all, store);
    }
    default: return body satisfies never;
  }
}

/** Extents evaluated once at the start (they depend on dims alone). */
const extents = (c: Compiler, axes: readonly Var[]): (() => number[]) => {
  const sizes = axes.map((v) => c.num(v.extent));
  return () => sizes.map((size) => size());
};

/** Calls `point` for all points of `axes`, or for those that the iterator gives. */
function over(c: Compiler, axes: readonly Var[], point: () => void): Runner {
  const cells = axes.map((v) => c.cell(v));
  const sizes = extents(c, axes);
  return (only) => {
    const shape = sizes();
    const total = shape.reduce((a, b) => a * b, 1);
    if (only === undefined) {
      if (total > 0) seek(cells, shape, 0);
      for (let n = 0; n < total; n++) {
        c.frame.tick++;
        point();
        advance(cells, shape);
      }
      return;
    }
    for (let next = only.next(); next.done !== true; next = only.next()) {
      seek(cells, shape, next.value);
      c.frame.tick++;
      point();
    }
  };
}

/** Rows that store at each inner point: the scans run once a row, also where only some of its points are wanted. */
function rows(c: Compiler, axes: readonly Var[], inner: readonly Var[], scans: () => void, store: () => void): Runner {
  const sizes = extents(c, inner);
  const each = over(c, inner, store);
  return (only) => {
    const width = sizes().reduce((a, b) => a * b, 1);
    if (only === undefined) {
      over(c, axes, () => { scans(); each(undefined); })(undefined);
      return;
    }
    const byRow = new Map<number, number[]>();
    for (let next = only.next(); next.done !== true; next = only.next()) {
      const row = Math.floor(next.value / width);
      byRow.set(row, [...byRow.get(row) ?? [], next.value % width]);
    }
    const wanted = byRow.entries();
    let columns: readonly number[] = [];
    over(c, axes, () => { scans(); each(columns[Symbol.iterator]()); })({
      next: () => {
        const entry = wanted.next();
        if (entry.done === true) return { done: true, value: undefined };
        [, columns] = entry.value;
        return { done: false, value: entry.value[0] };
      },
    });
  };
}

function scan(c: Compiler, { name, op, value }: Scan, inner: readonly Var[]): () => void {
  const { dtype } = value;
  const target = c.local(name);
  const next = c.val(value);
  const start = startOf(op, dtype);
  // Floats sum and multiply in float64 and are rounded at the end; the rest is exact in its own type.
  const combine = binaryOf(operatorOf(op), isFloat(dtype) ? 'float64' : dtype);
  const round = roundTo(dtype);
  let acc = start;
  const run = over(c, inner, () => { acc = combine(acc, next()); });
  return () => { acc = start; run(undefined); target.value = round(acc); };
}

function contract(c: Compiler, lhs: Expr, rhs: Expr, depth: readonly Var[]): () => void {
  const { dtype } = lhs;
  if (rhs.dtype !== dtype) throw new QuernError('internal', 'operands of a contraction differ in type', { expected: dtype, got: rhs.dtype });
  const target = c.local('acc');
  const type: ScalarType = isFloat(dtype) ? 'float64' : dtype;
  const [times, plus, a, b, round] = [binaryOf('mul', type), binaryOf('add', type), c.val(lhs), c.val(rhs), roundTo(dtype)];
  const zero = startOf('sum', dtype);
  let acc = zero;
  const run = over(c, depth, () => { acc = plus(acc, times(a(), b())); });
  return () => { acc = zero; run(undefined); target.value = round(acc); };
}

function block(c: Compiler, stmts: readonly Stmt[]): () => void {
  const steps = stmts.map((s) => statement(c, s));
  return () => { for (const step of steps) { c.frame.tick++; step(); } };
}

function statement(c: Compiler, s: Stmt): () => void {
  switch (s.do) {
    case 'let': case 'set': return c.assign(s.name, s.value);
    case 'store': return c.store(s.store);
    case 'for': {
      const [size, cell, run] = [c.num(s.axis.extent), c.cell(s.axis), block(c, s.body)];
      return () => {
        const count = size();
        for (let i = 0; i < count; i++) { cell.value = i; run(); }
      };
    }
    case 'while': {
      const [cond, run] = [c.num(s.cond), block(c, s.body)];
      return () => {
        for (;;) {
          c.frame.tick++;
          if (cond() === 0) return;
          run();
        }
      };
    }
    case 'if': {
      const [cond, then, otherwise]: [Num, () => void, () => void] = [c.num(s.cond), block(c, s.then), block(c, s.else)];
      return () => { if (cond() !== 0) then(); else otherwise(); };
    }
    default: return s satisfies never;
  }
}
