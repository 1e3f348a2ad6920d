/**
 * Row programs: reductions, softmax, norms. A row's points run four lanes at a time along the row, or four rows run at once where those are
 * the neighbours in memory (pooling and norms of channels-last tensors); both give the same bits (reduction.ts). Rows are the units of
 * work. Tuned: which of the two, vectors a turn of the last pass, and whether that pass computes a costly value again or takes it
 * from the output, where the pass before has put it.
 */
import { QuernError } from '../../error.ts';
import { type Expr, type Load, type Var, add, asInt, int, load, ref, variable } from '../../expr/expr.ts';
import { stepAlong } from '../../expr/index-algebra.ts';
import { collect, contains, cost, isLoad, substitute } from '../../expr/visit.ts';
import type { DType } from '../../expr/dtype.ts';
import type { Kernel, RowsBody, Scan } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import { storePoint } from './emit-map.ts';
import { type Emitter, type Frame, type WasmCode, buildModule, finishCode } from './emitter.ts';
import { collapse, splitWork, unitLoops, vectorLoop } from './nest.ts';
import { argOf, prepare } from './prepare.ts';
import { type Also, interior, outerLoops, reduceRow, reduceRows } from './reduction.ts';
import { storedType } from './scalar-ops.ts';
import type { Scope } from './scope.ts';
import { lanesOf } from './vector-ops.ts';
import { Vector } from './vector.ts';

const name = 'rows';

/** A row program made ready: flat, with axes merged. */
interface Rows {
  readonly kernel: Kernel;
  /** Outermost first; with lanes over rows the last one is theirs. */
  readonly axes: readonly Var[];
  readonly inner: readonly Var[];
  readonly scans: readonly Scan[];
  readonly each: boolean;
  readonly slot: number;
  readonly dtype: DType;
  readonly offset: Expr;
  readonly value: Expr;
}

type Lanes = 'row' | 'rows';

/** The loads that decide which axis is contiguous: those of a body's values. */
const loadsOf = (body: RowsBody): Load[] => collect([...body.scans.map((s) => s.value), ...(body.each ? [body.store.value] : [])], isLoad);

const unitAlong = (offset: Expr, v: Var): boolean => stepAlong(offset, v) === 1;

/** How many loads (and the store, if it runs along the axis) an axis makes contiguous. */
function contiguity(body: RowsBody, v: Var): number {
  const offsets = [...loadsOf(body).map((l) => l.index[0]), ...(body.each ? body.store.index : [])];
  return offsets.filter((o) => o !== undefined && unitAlong(o, v)).length;
}

/** The axis with most contiguous accesses last. */
function bestLast(body: RowsBody, axes: readonly Var[]): readonly Var[] {
  const real = axes.filter((v) => asInt(v.extent) !== 1);
  const better = (a: Var | undefined, v: Var): boolean => a === undefined || contiguity(body, v) > contiguity(body, a);
  const best = real.reduceRight<Var | undefined>((a, v) => (better(a, v) ? v : a), undefined);
  return best === undefined ? axes : [...axes.filter((v) => v !== best), best];
}

function shape(kernel: Kernel, lanes: Lanes): { readonly rows: Rows; readonly roots: readonly Expr[]; readonly written: ReadonlySet<number> } {
  if (kernel.body.kind !== 'rows') throw new QuernError('internal', 'not a row program', { got: kernel.body.kind });
  const { body, roots, written } = prepare(kernel, kernel.body);
  const [offset] = body.store.index;
  if (offset === undefined) throw new QuernError('internal', 'a store without an index');
  const all = [offset, body.store.value, ...body.scans.map((s) => s.value)];
  const outer = collapse(lanes === 'rows' ? bestLast(body, body.axes) : body.axes, all);
  const half = all.map((e) => substitute(e, outer.by));
  const inner = collapse(bestLast(body, body.inner), half);
  const go = (e: Expr): Expr => substitute(substitute(e, outer.by), inner.by);
  const dtype = argOf(kernel.args, body.store.tensor).dtype;
  // A row of one point still needs an axis to run along.
  // A row of one point still has an axis to walk.
  const along = inner.axes.length > 0 ? inner.axes : [body.inner.at(-1) ?? variable('one', 1)];
  return {
    rows: {
      kernel, axes: outer.axes, inner: along, scans: body.scans.map((s) => ({ ...s, value: go(s.value) })), each: body.each,
      slot: body.store.tensor, dtype: storedType(dtype), offset: go(offset), value: go(body.store.value),
    },
    roots, written,
  };
}

/** Whether four rows can run at once: every value has lanes, and there is an axis of rows. */
const hasLanes = (r: Rows): boolean =>
  r.axes.length > 0 && lanesOf(r.dtype) !== undefined && r.scans.every((s) => lanesOf(s.value.dtype) !== undefined);

/** A value of the last scan that the last pass needs again, costs more than a load, and can wait in the output. */
function kept(r: Rows): Also | undefined {
  const final = r.scans[r.scans.length - 1];
  if (!r.each || final === undefined || r.dtype !== 'float32' || argOf(r.kernel.args, r.slot).dtype !== 'float32') return undefined;
  if (final.value.dtype !== 'float32' || cost(final.value) < 8) return undefined;
  const rest = substitute(r.value, new Map([[final.value, load(r.slot, 'float32', [r.offset])]]));
  const loads = collect([rest], isLoad);
  return loads.length === 1 && loads[0]?.tensor === r.slot ? { slot: r.slot, offset: r.offset } : undefined;
}

function spaceOf(kernel: Kernel): Space {
  const alongRow = shape(kernel, 'row').rows;
  const overRows = shape(kernel, 'rows').rows;
  const { body } = kernel;
  if (body.kind !== 'rows') throw new QuernError('internal', 'not a row program');
  const flat = prepare(kernel, body).body;
  const score = (r: Rows, axes: readonly Var[]): number => {
    const v = axes[axes.length - 1];
    if (v === undefined) return 0;
    const loads = collect([...r.scans.map((s) => s.value), r.value], isLoad);
    return [...loads.map((l) => l.index[0]), r.offset].filter((o) => o !== undefined && unitAlong(o, v)).length;
  };
  const short = (asInt(alongRow.inner[alongRow.inner.length - 1]?.extent ?? int(64)) ?? 64) < 8;
  const gain = hasLanes(overRows) ? score(overRows, overRows.axes) : 0;
  const rowsFirst = gain > 0 && (short || gain > score(alongRow, alongRow.inner));
  const lanes = gain > 0 ? [0, 1] : [0];
  const keeps = kept(alongRow) !== undefined;
  return {
    emitter: name,
    version: 1,
    knobs: [
      { name: 'lanes', values: lanes },
      { name: 'vectors', values: flat.each && lanesOf(alongRow.dtype) !== undefined ? [1, 2, 4] : [1] },
      { name: 'keep', values: keeps ? [0, 1] : [0] },
    ],
    constraints: [
      { name: 'several vectors a turn only along a row', holds: (s) => s['lanes'] === 0 || s['vectors'] === 1 },
    ],
    fallback: { lanes: rowsFirst ? 1 : 0, vectors: 1, keep: keeps ? 1 : 0 },
  };
}

function emit(kernel: Kernel, schedule: Schedule): WasmCode {
  const lanes: Lanes = schedule['lanes'] === 1 ? 'rows' : 'row';
  const { rows: r, roots, written } = shape(kernel, lanes);
  const also = schedule['keep'] === 1 ? kept(r) : undefined;
  const last = r.axes[r.axes.length - 1];
  const points = r.inner.reduce((n, v) => n * (asInt(v.extent) ?? 256), 1);
  const each = Math.max(1, Math.round((points * Math.max(1, ...r.scans.map((s) => cost(s.value)), r.each ? cost(r.value) : 1)) / 4));
  const split = splitWork(r.axes, 4096, each, lanes === 'rows' ? 4 : 1);
  const built = buildModule({
    name, args: kernel.args.length, syms: kernel.syms, numeric: kernel.numeric, roots: [...roots, r.value, ...r.scans.map((s) => s.value)], written,
  }, (frame) => {
    const row = (scope: Scope): void => oneRow(frame, scope, r, schedule['vectors'] ?? 1, also);
    if (last === undefined) return row(frame.root);
    unitLoops(frame, r.axes, split, (scope, run) => {
      if (lanes === 'row') return frame.scalar.loop(scope, last, row, run);
      return vectorLoop(frame, scope, last, run, 1, (inner) => fourRows(frame, inner, r, last, also), row);
    });
  });
  return finishCode(kernel, schedule, built, split.units, 1);
}

/** What the last pass stores: its own value, or one that takes the last scan's from the output. */
const storedValue = (r: Rows, also: Also | undefined): Expr => {
  const final = r.scans[r.scans.length - 1];
  return also === undefined || final === undefined ? r.value : substitute(r.value, new Map([[final.value, load(r.slot, 'float32', [r.offset])]]));
};

function oneRow(frame: Frame, scope: Scope, r: Rows, vectors: number, also: Also | undefined): void {
  const { scalar } = frame;
  const v = r.inner[r.inner.length - 1];
  if (v === undefined) throw new QuernError('internal', 'a row without axes');
  const lanes = new Vector(scalar, v, r.kernel.args, r.kernel.numeric.fma);
  r.scans.forEach((scan, i) => {
    const local = reduceRow(frame, scope, r.inner, scan, lanes, i === r.scans.length - 1 ? also : undefined);
    scope.define(ref(scan.name, scan.value.dtype), local);
  });
  const value = storedValue(r, also);
  if (!r.each) return storePoint(frame, scope, r.slot, r.dtype, r.offset, value);
  const point = (at: Scope): void => storePoint(frame, at, r.slot, r.dtype, r.offset, value);
  outerLoops(frame, scope, r.inner, (within) => {
    if (lanesOf(r.dtype) === undefined) return scalar.loop(within, v, point);
    return vectorLoop(frame, within, v, { from: int(0), to: v.extent }, vectors, (at, copies) => {
      const points = Array.from({ length: copies }, (_, c) => {
        const shift = new Map<Expr, Expr>([[v, add(v, 4 * c)]]);
        return { offset: substitute(r.offset, shift), value: substitute(value, shift) };
      });
      scalar.prepare(points.map((p) => p.value));
      for (const p of points) scalar.prepareStore(r.slot, r.dtype, p.offset);
      lanes.storeAll(r.slot, r.dtype, points, at);
    }, point);
  });
}

/** Windows that lie inside have no guards, and their points are written out: MaxPool 3x3 to 88x88x24 in 0.23 instead of 0.80 ms. */
function fourRows(frame: Frame, scope: Scope, r: Rows, axis: Var, also: Also | undefined): void {
  const { scalar, f } = frame;
  const inside = r.each ? undefined : interior(r.scans.map((s) => s.value), r.inner);
  // A guard along the lanes may hold for the first of four rows only.
  if (inside === undefined || contains(inside.test, axis)) return reduceFour(frame, scope, r, axis, also);
  const clear = { ...r, scans: r.scans.map((s) => ({ ...s, value: substitute(s.value, inside.by) })) };
  scalar.push(inside.test, scope);
  f.if(() => reduceFour(frame, scalar.branch(scope), clear, axis, undefined, true), () => reduceFour(frame, scalar.branch(scope), r, axis, also));
}

function reduceFour(frame: Frame, scope: Scope, r: Rows, axis: Var, also: Also | undefined, unroll = false): void {
  const { scalar } = frame;
  const lanes = new Vector(scalar, axis, r.kernel.args, r.kernel.numeric.fma);
  r.scans.forEach((scan, i) => {
    const local = reduceRows(frame, scope, r.inner, scan, lanes, i === r.scans.length - 1 ? also : undefined, unroll);
    const leaf = ref(scan.name, scan.value.dtype);
    lanes.define(leaf, local, scope);
  });
  const value = storedValue(r, also);
  const store = (at: Scope): void => {
    scalar.prepare([value]);
    lanes.store(r.slot, r.dtype, r.offset, at, () => lanes.push(value, at));
  };
  if (!r.each) return store(scope);
  const v = r.inner[r.inner.length - 1];
  if (v === undefined) throw new QuernError('internal', 'a row without axes');
  outerLoops(frame, scope, r.inner, (within) => scalar.loop(within, v, store));
}

export const rowsEmitter: Emitter = {
  name,
  space: (kernel) => (kernel.body.kind === 'rows' ? spaceOf(kernel) : { why: 'not a row program' }),
  emit,
};
