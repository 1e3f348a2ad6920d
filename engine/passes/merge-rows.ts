/**
 * Joins row programs that walk the same rows, as exported softmax, LayerNorm and RMSNorm chains do (ReduceMean, Sub, Pow, ReduceMean,
 * ...): a reduction that reads the result of an earlier one over the same rows takes its scans in front of its own, and a map that
 * reads a row's result at every point of the row becomes that row program's store. The chain then passes over memory once
 * per scan and stores nothing between. In: a program in order. Out: fewer computations, same results.
 */
import { type Expr, type Load, int, ref, variable } from '../../jit/expr/expr.ts';
import { collect, contains, rewriter, substitute } from '../../jit/expr/visit.ts';
import { type Body, type MapBody, type RowsBody, type Scan, loadedTensors, loadsOf } from '../../jit/kernel.ts';
import type { Computation, Program } from '../graph/program.ts';
import { invert } from './index-maps.ts';
import { mostReads, prune, tensorOf, usesOf } from './program-edit.ts';

export function mergeRows(program: Program): Program {
  let current = program;
  // Ends: a read of a row's result gives way to reads of what came before it.
  for (;;) {
    const next = mergeRound(current);
    if (next === undefined) return current;
    current = next;
  }
}

/** Readers and the row program that they could not take in: most are met again in every round. */
const refused = new WeakMap<Body, Body>();

/**
 * Joins what can be joined at once: a computation takes in one other, and is itself taken in the next round. One at a time, with the whole program
 * looked through after each, took a quarter of planning an encoder of six layers.
 */
function mergeRound(program: Program): Program | undefined {
  const { readers } = usesOf(program);
  const made = new Map<Computation, Computation>();
  for (const row of program.computations) {
    const { body } = row;
    const [output] = row.outputs;
    if (body.kind !== 'rows' || body.each || output === undefined || made.has(row)) continue;
    // Readers of one chain (mean, then variance, then the normalised row) end in one kernel, where a scan taken twice is kept once.
    for (const user of readers.get(output) ?? []) {
      if (made.has(user) || refused.get(user.body) === body) continue;
      const merged = user.body.kind === 'rows' ? intoRows(program, body, output, user.body)
        : user.body.kind === 'map' ? intoMap(program, body, output, user.body) : undefined;
      if (merged === undefined || loadedTensors(merged).length > mostReads) {
        refused.set(user.body, body);
        continue;
      }
      const origins = [...row.origins.filter((o) => !user.origins.includes(o)), ...user.origins];
      made.set(user, { ...user, body: merged, origins });
    }
  }
  return made.size === 0 ? undefined : prune({ ...program, computations: program.computations.map((c) => made.get(c) ?? c) });
}

/** The row program's scans, with its rows and inner points named by the reader's. */
function scansFor(program: Program, row: RowsBody, output: number, reads: readonly Load[], axes: RowsBody['axes'], inner: RowsBody['inner']):
  { readonly scans: Scan[]; readonly result: Expr } | undefined {
  const [read, ...others] = reads;
  if (read === undefined || others.length > 0) return undefined;
  if (row.inner.length !== inner.length || row.inner.some((v, i) => v.extent !== inner[i]?.extent)) return undefined;
  // The reader's row must determine this row, one to one.
  const probes = tensorOf(program, output).shape.map((extent, d) => variable(`_q${d}`, extent));
  if (collect([read], (e): e is Load => e.op === 'load' && e !== read).length > 0) return undefined;
  if (inner.some((v) => read.index.some((i) => contains(i, v)))) return undefined;
  if (invert(read.index, axes, tensorOf(program, output).shape, probes) === undefined) return undefined;
  const at = invert(row.store.index, row.axes, tensorOf(program, output).shape, read.index);
  if (at === undefined) return undefined;
  const names = new Map<Expr, Expr>();
  row.axes.forEach((a, i) => names.set(a, at[i] ?? int(0)));
  row.inner.forEach((v, i) => names.set(v, inner[i] ?? int(0)));
  const scans: Scan[] = [];
  for (const s of row.scans) {
    const fresh = `${s.name}_${output}`;
    const value = substitute(s.value, names);
    names.set(ref(s.name, s.value.dtype), ref(fresh, s.value.dtype));
    scans.push({ ...s, name: fresh, value });
  }
  return { scans, result: substitute(row.store.value, names) };
}


function intoRows(program: Program, row: RowsBody, output: number, user: RowsBody): Body | undefined {
  const taken = scansFor(program, row, output, loadsOf(user, output), user.axes, user.inner);
  const [read] = loadsOf(user, output);
  if (taken === undefined || read === undefined) return undefined;
  const go = rewriter((e) => (e === read ? taken.result : undefined));
  const own = user.scans.filter((s) => !taken.scans.some((t) => t.name === s.name));
  const scans = [...taken.scans, ...own.map((s) => ({ ...s, value: go(s.value) }))];
  const store = { ...user.store, index: user.store.index.map(go), value: go(user.store.value) };
  return { ...user, scans, store };
}

/** A map over rows x inner that reads one result a row: split its axes into rows and inner. */
function intoMap(program: Program, row: RowsBody, output: number, user: MapBody): Body | undefined {
  const [read, ...others] = loadsOf(user, output);
  if (read === undefined || others.length > 0) return undefined;
  const inner = user.axes.filter((a) => a.extent !== int(1) && !read.index.some((i) => contains(i, a)));
  const axes = user.axes.filter((a) => !inner.includes(a));
  if (inner.length === 0) return undefined;
  // Only where the row's own data is read again: otherwise the map is better off alone, over all rows at once.
  const sources = new Set(loadedTensors(row));
  if (!loadedTensors(user).some((t) => sources.has(t))) return undefined;
  const taken = scansFor(program, row, output, [read], axes, inner);
  if (taken === undefined) return undefined;
  const go = rewriter((e) => (e === read ? taken.result : undefined));
  return {
    kind: 'rows', axes, inner, scans: taken.scans, each: true,
    store: { ...user.store, index: user.store.index.map(go), value: go(user.store.value) },
  };
}
