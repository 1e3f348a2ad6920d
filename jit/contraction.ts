/**
 * What an emitter must know about a contraction, independent of device and schedule. Input: a ContractionBody and the args it loads
 * from. Output: the same body with axes dropped, moved and merged where addresses allow it (a MatMul's batch or the n, y, x of a 1x1
 * convolution become one row axis), and for both operands the element offset as a linear form of those axes with its guards as
 * ranges; or the reason why it has no such form. Invariant: the order of summation is untouched (depth axes are merged, never moved).
 */
import type { DType, ScalarType } from './expr/dtype.ts';
import { type Expr, type Load, type Var, add, asInt, cast, floordiv, floormod, int, mul, ref, sub, variable } from './expr/expr.ts';
import { affine } from './expr/index-algebra.ts';
import { collect, contains, isLoad, rewriter, substitute } from './expr/visit.ts';
import { type Arg, type ContractionBody, type Store, offsetOf } from './kernel.ts';

/** e = base + sum(coefs.get(v) * v); axes that do not occur have no entry. `base` may hold dims, and batch axes in any form. */
export interface Linear {
  readonly base: Expr;
  readonly coefs: ReadonlyMap<Var, Expr>;
}

/** 0 <= at, and at <= limit where there is one (limit has no axes in it but batch axes): one unsigned comparison. */
export interface Range {
  readonly at: Linear;
  readonly expr: Expr;
  readonly limit?: Expr;
}

export interface Operand {
  readonly slot: number;
  /** As stored; `value` dtype of the contraction may be wider (float16 read as float32). */
  readonly dtype: DType;
  /** Element offset into the argument over the axes of the contraction. */
  readonly offset: Expr;
  /** The offset's linear form over rows, cols (or panel and lane) and depth. Undefined: linear in the innermost depth axis only. */
  readonly linear?: Linear | undefined;
  /** The step of the innermost depth axis. */
  readonly step: Expr;
  /** Outside, the operand is 0 and not read. `ranges`: all of `guard` as ranges, if it has that form. No guard: always inside. */
  readonly guard?: Expr | undefined;
  readonly ranges?: readonly Range[] | undefined;
}

/** The sum, for points that no guard touches. */
export interface Inside {
  readonly depth: readonly Var[];
  readonly lhs: Operand;
  readonly rhs: Operand;
}

/** What is known of every contraction whose columns are one axis, whatever its operands are. */
export interface Outline {
  /** 'gemm' has cols; 'depthwise' has none: each point of batch has weights of its own. */
  readonly form: 'gemm' | 'depthwise';
  /** The body after merging; equal in meaning and bits to the one that was analysed. */
  readonly body: ContractionBody;
  readonly batch: readonly Var[];
  /** At least one axis each for rows and depth; extents may be 1. */
  readonly rows: readonly Var[];
  readonly depth: readonly Var[];
  /** One axis n for 'gemm' (then also as n = width * panel + lane), none for 'depthwise'. */
  readonly cols?: Columns | undefined;
  /** Type of the sum. */
  readonly dtype: ScalarType;
  readonly out: { readonly slot: number; readonly dtype: DType; readonly offset: Expr };
  /** What is stored, over the axes of this contraction and `ref('acc')`; columns as `cols.n`. */
  readonly value: Expr;
}

/** A contraction of two operands that are read from memory as they are. No guard depends on the innermost depth axis. */
export interface Contraction extends Outline {
  readonly lhs: Operand;
  readonly rhs: Operand;
  /** Where lhs is guarded: the same sum without guards, in which more depth axes may be one. */
  readonly inside?: Inside | undefined;
}

export interface Columns {
  readonly n: Var;
  /** Elements of a panel: the packed rhs's, or what the caller asked for. */
  readonly width: number;
  readonly packed: boolean;
  readonly panel: Var;
  readonly lane: Var;
  /** n as width * panel + lane: substitute it before asking for linear forms. */
  readonly split: (e: Expr) => Expr;
}

export const isContraction = (c: Contraction | { readonly why: string }): c is Contraction => !('why' in c);

/** `width`: panel width for an rhs that is not packed. */
export function outline(original: ContractionBody, args: readonly Arg[], width = 4): Outline | { readonly why: string } {
  const body = merge(original, args);
  const { batch, rows, depth, store } = body;
  const out = args[store.tensor];
  if (out === undefined) return { why: 'the store names no argument' };
  const [n, ...more] = body.cols;
  if (more.length > 0) return { why: 'columns do not merge into one axis' };
  return {
    form: n === undefined ? 'depthwise' : 'gemm', body, batch, rows, depth,
    cols: n && columns(n, body.panel ?? width, body.panel !== undefined),
    dtype: body.lhs.dtype, out: { slot: store.tensor, dtype: out.dtype, offset: offsetOf(out, store.index) }, value: store.value,
  };
}

/** The outline, and both operands as linear forms. */
export function analyse(original: ContractionBody, args: readonly Arg[], width = 4): Contraction | { readonly why: string } {
  const found = outline(original, args, width);
  if ('why' in found) return found;
  const { body, rows, cols } = found;
  const guard = unguarded(body.lhs)?.guard;
  const last = body.depth[body.depth.length - 1];
  // A guard that changes with every step: taps of one step each.
  const depth = guard !== undefined && last !== undefined && contains(guard, last) ? [...body.depth, variable('tap', 1)] : body.depth;
  const inner = depth[depth.length - 1];
  if (inner === undefined) return { why: 'nothing is summed over' };
  const lhs = operand(body.lhs, args, [...rows, ...depth], inner);
  if ('why' in lhs) return { why: `lhs ${lhs.why}` };
  const rhs = operand(cols?.split(body.rhs) ?? body.rhs, args, [...(cols ? [cols.panel, cols.lane] : rows), ...depth], inner);
  if ('why' in rhs) return { why: `rhs ${rhs.why}` };
  if (rhs.guard !== undefined) return { why: 'rhs is guarded' };
  const within = guard === undefined ? undefined : insideOf(body, args, cols);
  return { ...found, depth, lhs, rhs, inside: within };
}

function columns(n: Var, width: number, packed: boolean): Columns {
  const panel = variable(`${n.name}.panel`, ceilDiv(n.extent, width));
  const lane = variable(`${n.name}.lane`, width);
  const whole = add(mul(panel, width), lane);
  const split = rewriter((e) => (e === n ? whole : undefined));
  return { n, width, packed, panel, lane, split };
}

export const ceilDiv = (e: Expr, by: number): Expr => floordiv(add(e, by - 1), by);

function operand(e: Expr, args: readonly Arg[], axes: readonly Var[], inner: Var): Operand | { readonly why: string } {
  const plain = unguarded(e);
  if (plain === undefined) return { why: 'is not a load' };
  const arg = args[plain.load.tensor];
  if (arg === undefined) return { why: 'loads from no argument' };
  const offset = offsetOf(arg, plain.load.index);
  const along = affine(offset, [inner]);
  const step = along?.coefs[0];
  if (step === undefined) return { why: 'is not linear in the innermost depth axis' };
  const linear = linearOf(offset, axes);
  const ranges = plain.guard === undefined ? undefined : rangesOf(plain.guard, axes);
  return {
    slot: plain.load.tensor, dtype: plain.load.dtype, offset, step, linear, guard: plain.guard, ranges,
  };
}

/** A load, or select(guard, load, 0), read as it is or from float16 as float32. */
function unguarded(e: Expr): { readonly load: Load; readonly guard?: Expr } | undefined {
  if (e.op === 'load') return { load: e };
  if (e.op === 'cast' && e.dtype === 'float32' && e.a.dtype === 'float16') return unguarded(e.a);
  if (e.op !== 'select') return undefined;
  if (e.b.op !== 'const' || Number(e.b.value) !== 0 || Object.is(e.b.value, -0)) return undefined;
  const inside = unguarded(e.a);
  return inside === undefined || inside.guard !== undefined ? undefined : { ...inside, guard: e.cond };
}

/** The body without lhs's guard, its depth axes merged: what holds where every tap is inside. */
function insideOf(guarded: ContractionBody, args: readonly Arg[], cols: Columns | undefined): Inside | undefined {
  const plain = unguarded(guarded.lhs);
  if (plain === undefined) return undefined;
  const { rows, depth, ...body } = mergeGroup({ ...guarded, lhs: cast(plain.load, guarded.lhs.dtype) }, 'depth', args);
  const inner = depth[depth.length - 1];
  if (inner === undefined) return undefined;
  const lhs = operand(body.lhs, args, [...rows, ...depth], inner);
  const rhs = operand(cols?.split(body.rhs) ?? body.rhs, args, [...(cols ? [cols.panel, cols.lane] : rows), ...depth], inner);
  return 'why' in lhs || 'why' in rhs ? undefined : { depth, lhs, rhs };
}

/** The linear form over all of `axes`; undefined if there is none. */
export function linearOf(e: Expr, axes: readonly Var[]): Linear | undefined {
  const form = affine(e, axes);
  if (form === undefined) return undefined;
  const coefs = new Map<Var, Expr>();
  axes.forEach((v, i) => {
    const coef = form.coefs[i];
    if (coef !== undefined && asInt(coef) !== 0) coefs.set(v, coef);
  });
  return { base: form.base, coefs };
}

/** The part of a linear form that some axes contribute, without its base. */
export const part = (linear: Linear, axes: readonly Var[]): Expr =>
  axes.reduce<Expr>((sum, v) => add(sum, mul(linear.coefs.get(v) ?? int(0), v)), int(0));

/** A conjunction of comparisons as ranges; undefined if one of them is something else or not linear. */
function rangesOf(guard: Expr, axes: readonly Var[]): Range[] | undefined {
  const below: { at: Linear; expr: Expr }[] = [];
  const go = (e: Expr): boolean => {
    if (e.op !== 'binary') return false;
    if (e.fn === 'and' && e.dtype === 'bool') return go(e.a) && go(e.b);
    if ((e.fn !== 'lt' && e.fn !== 'le') || e.a.dtype !== 'index') return false;
    const expr = sub(e.fn === 'lt' ? sub(e.b, 1) : e.b, e.a);
    const at = linearOf(expr, axes);
    if (at === undefined) return false;
    below.push({ at, expr });
    return true;
  };
  if (!go(guard)) return undefined;
  const ranges: Range[] = [];
  while (below.length > 0) {
    const first = below.shift();
    if (first === undefined) break;
    // x >= 0 and (c - x) >= 0, where c has no axes: one range 0 <= x <= c.
    const partner = below.findIndex((b) => linearOf(add(first.expr, b.expr), axes)?.coefs.size === 0);
    const other = below[partner];
    if (other === undefined) { ranges.push(first); continue; }
    below.splice(partner, 1);
    // Of the two, the one that rises with the axes: its base then is the usual `y * stride - pad + ky`.
    const rises = [...first.at.coefs.values()].some((c) => (asInt(c) ?? 1) > 0);
    const low = rises ? first : other;
    ranges.push({ ...low, limit: add(first.expr, other.expr) });
  }
  return ranges;
}


/**
 * Axes of extent 1 go; batch axes that rhs does not depend on become rows; neighbours whose addresses are jointly linear become one
 * axis. Rows and depth keep at least one axis, cols (if there were any) as well.
 */
export function merge(original: ContractionBody, args: readonly Arg[]): ContractionBody {
  let body = withoutUnits(original);
  if (body.cols.length > 0) {
    const shared = body.batch.filter((v) => !contains(body.rhs, v));
    if (shared.length > 0) {
      const rows = body.rows.filter((v) => asInt(v.extent) !== 1);
      body = { ...body, batch: body.batch.filter((v) => !shared.includes(v)), rows: [...shared, ...rows] };
    }
  }
  for (const group of ['batch', 'rows', 'cols', 'depth'] as const) body = mergeGroup(body, group, args);
  return body;
}

function mergeGroup(original: ContractionBody, group: Group, args: readonly Arg[]): ContractionBody {
  let body = original;
  for (let i = 0; i + 1 < body[group].length;) {
    const made = merged(body, group, i, args);
    if (made === undefined) i++;
    else body = made;
  }
  return body;
}

function withoutUnits(body: ContractionBody): ContractionBody {
  const by = new Map<Expr, Expr>();
  const keep = (axes: readonly Var[], least: number, name = ''): Var[] => {
    const kept = axes.filter((v) => asInt(v.extent) !== 1);
    axes.forEach((v) => { if (!kept.includes(v)) by.set(v, int(0)); });
    return kept.length >= least ? kept : [axes[0] ?? variable(name, 1)];
  };
  const made = {
    batch: keep(body.batch, 0), rows: keep(body.rows, 1, 'row'), cols: keep(body.cols, Math.min(1, body.cols.length)),
    depth: keep(body.depth, 1, 'step'),
  };
  return { ...body, ...made, ...substituted(body, by) };
}

function substituted(body: ContractionBody, by: ReadonlyMap<Expr, Expr>): { lhs: Expr; rhs: Expr; store: Store } {
  const go = (e: Expr): Expr => substitute(e, by);
  return { lhs: go(body.lhs), rhs: go(body.rhs), store: { ...body.store, index: body.store.index.map(go), value: go(body.store.value) } };
}

const withoutLoads = (e: Expr): Expr => rewriter((x) => (x.op === 'load' ? ref('loaded', x.dtype) : undefined))(e);

type Group = 'batch' | 'rows' | 'cols' | 'depth';

/** The body with axes i and i+1 of a group made one, if every address is linear in the pair; else undefined. */
function merged(body: ContractionBody, group: Group, i: number, args: readonly Arg[]): ContractionBody | undefined {
  const [a, b] = [body[group][i], body[group][i + 1]];
  if (a === undefined || b === undefined) return undefined;
  const offsets: Expr[] = [];
  for (const e of [body.lhs, body.rhs]) {
    // Neither axis may matter but for where elements are.
    const rest = withoutLoads(e);
    if (contains(rest, a) || contains(rest, b)) return undefined;
    for (const l of collect([e], isLoad)) {
      const arg = args[l.tensor];
      if (arg === undefined) return undefined;
      offsets.push(offsetOf(arg, l.index));
    }
  }
  const out = args[body.store.tensor];
  if (out === undefined) return undefined;
  // Columns may be stored in any way (heads split off): only lanes of one panel need a common step, and emitters see to that.
  if (group === 'batch' || group === 'rows') offsets.push(offsetOf(out, body.store.index));
  const one = variable(`${a.name}.${b.name}`, mul(a.extent, b.extent));
  const by = new Map<Expr, Expr>([[a, floordiv(one, b.extent)], [b, floormod(one, b.extent)]]);
  const joint = offsets.every((e) => {
    const form = affine(e, [a, b]);
    if (form !== undefined) return form.coefs[0] === mul(form.coefs[1] ?? int(0), b.extent);
    // Not linear in them one by one (a packed rhs): the pair must come back as the one axis.
    const whole = substitute(e, by);
    return !contains(whole, a) && !contains(whole, b) && group === 'cols' && body.panel !== undefined;
  });
  if (!joint) return undefined;
  const axes = [...body[group]];
  axes.splice(i, 2, one);
  return { ...body, [group]: axes, ...substituted(body, by) };
}
