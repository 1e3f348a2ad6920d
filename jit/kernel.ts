/**
 * Kernels as data: what is computed, with no device and no schedule in it. A body is one of four classes: a map, a row program
 * (reductions, softmax and norms: passes over a row that see earlier results), a contraction (matmul, convolution), or a loop nest for
 * what fits none of them (scatter, scans, sorting, NonMaxSuppression). Loads name argument slots; the index of a load is logical, one
 * expression per dim, and strides belong to the arguments: layouts change without touching a body.
 */
import { QuernError } from './error.ts';
import type { DType } from './expr/dtype.ts';
import { type Expr, type Load, type Sym, type Var, add, int, load, mul, symbol } from './expr/expr.ts';
import { shapeText, text } from './expr/text.ts';
import { collect, isLoad, isSym, rewriter } from './expr/visit.ts';

/** Writes `value` to element `index` of `tensor`. */
export interface Store {
  readonly tensor: number;
  readonly index: readonly Expr[];
  readonly value: Expr;
}

/** out[index] = value, once for each point of `axes` (row-major, last axis fastest). Points are independent. */
export interface MapBody {
  readonly kind: 'map';
  readonly axes: readonly Var[];
  readonly store: Store;
}

export type ReduceOp = 'sum' | 'max' | 'min' | 'prod';

/** One pass over a row: `ref(name)` is, from the next pass on, the reduction of `value` over all points of `inner`. */
export interface Scan {
  readonly name: string;
  readonly op: ReduceOp;
  readonly value: Expr;
}

/**
 * For each point of `axes`, the scans in order, then the store: once a row, or (`each`) once for every point of `inner`.
 * Softmax is max, sum of exp, each; LayerNorm is sum, sum of squares, each; ReduceMean is a sum and one store.
 */
export interface RowsBody {
  readonly kind: 'rows';
  readonly axes: readonly Var[];
  readonly inner: readonly Var[];
  readonly scans: readonly Scan[];
  readonly each: boolean;
  readonly store: Store;
}

/**
 * acc = sum over `depth` of lhs * rhs, for each point of batch x rows x cols; then the store, whose value reads `ref('acc')`.
 * `lhs` does not mention `cols`, `rhs` does not mention `rows`. A MatMul has one axis each; a convolution has rows [n, y, x], cols
 * [channel], depth [ky, kx, c] and a guarded lhs (`select(inside, load, 0)`); a depthwise one has the channel in `batch`, no cols.
 * Summation runs over `depth` in the order given, one accumulator per element: that order is part of the meaning (same bits on
 * the CPU for every schedule). `panel`: rhs was packed so that element n stands at [.., n div panel, depth.., n mod panel].
 */
export interface ContractionBody {
  readonly kind: 'contraction';
  readonly batch: readonly Var[];
  readonly rows: readonly Var[];
  readonly cols: readonly Var[];
  readonly depth: readonly Var[];
  readonly lhs: Expr;
  readonly rhs: Expr;
  readonly panel?: number;
  readonly store: Store;
}

export type Stmt =
  | { readonly do: 'let'; readonly name: string; readonly value: Expr } // declares a local; read by ref(name, dtype)
  | { readonly do: 'set'; readonly name: string; readonly value: Expr }
  | { readonly do: 'for'; readonly axis: Var; readonly body: readonly Stmt[] }
  | { readonly do: 'while'; readonly cond: Expr; readonly body: readonly Stmt[] }
  | { readonly do: 'if'; readonly cond: Expr; readonly then: readonly Stmt[]; readonly else: readonly Stmt[] }
  | { readonly do: 'store'; readonly store: Store };

/** A loop nest, run once for each point of `axes` (independent of each other; no axes: once). Stores run in program order. */
export interface LoopBody {
  readonly kind: 'loop';
  readonly axes: readonly Var[];
  readonly body: readonly Stmt[];
}

export type Body = MapBody | RowsBody | ContractionBody | LoopBody;

export type Access = 'read' | 'write' | 'readwrite';

export interface Arg {
  readonly dtype: DType;
  readonly shape: readonly Expr[];
  /** Elements between neighbours along each dim. */
  readonly strides: readonly Expr[];
  readonly access: Access;
}

/** How a kernel computes; fixed at load. Schedules never change it. */
export interface Numeric {
  /** muladd and contractions round once (fused) or twice. */
  readonly fma: boolean;
  readonly precision: 'exact' | 'fast';
}

export interface Kernel {
  readonly body: Body;
  readonly args: readonly Arg[];
  /** The dims the kernel needs at run time, in the order in which they are passed. Named s0, s1, ... */
  readonly syms: readonly Sym[];
  readonly numeric: Numeric;
}

/** Row-major strides of a shape, or those of its dims stored in `order` (outermost first). */
export function stridesOf(shape: readonly Expr[], order: readonly number[] = shape.map((_, i) => i)): Expr[] {
  const strides: Expr[] = shape.map(() => int(1));
  let step: Expr = int(1);
  for (const dim of [...order].reverse()) {
    strides[dim] = step;
    step = mul(step, shape[dim] ?? int(1));
  }
  return strides;
}

/** The element offset of an index into an argument. */
export function offsetOf(arg: Pick<Arg, 'strides'>, index: readonly Expr[]): Expr {
  if (index.length !== arg.strides.length) {
    throw new QuernError('internal', 'an index has the wrong rank', { expected: String(arg.strides.length), got: String(index.length) });
  }
  return index.reduce<Expr>((at, i, d) => add(at, mul(i, arg.strides[d] ?? int(0))), int(0));
}

/** The axes over which a body's points run, outermost first, without the reduced ones. */
export function pointAxes(body: Body): readonly Var[] {
  switch (body.kind) {
    case 'map': case 'loop': return body.axes;
    case 'rows': return body.each ? [...body.axes, ...body.inner] : body.axes;
    case 'contraction': return [...body.batch, ...body.rows, ...body.cols];
    default: return body satisfies never;
  }
}

/** Every axis of a body, reduced and loop axes included. */
export function allAxes(body: Body): readonly Var[] {
  switch (body.kind) {
    case 'map': return body.axes;
    case 'rows': return [...body.axes, ...body.inner];
    case 'contraction': return [...body.batch, ...body.rows, ...body.cols, ...body.depth];
    case 'loop': return [...body.axes, ...loopAxes(body.body)];
    default: return body satisfies never;
  }
}

function loopAxes(stmts: readonly Stmt[]): Var[] {
  return stmts.flatMap((s) => {
    if (s.do === 'for') return [s.axis, ...loopAxes(s.body)];
    if (s.do === 'while') return loopAxes(s.body);
    if (s.do === 'if') return [...loopAxes(s.then), ...loopAxes(s.else)];
    return [];
  });
}

/** Every expression that a body evaluates, in program order (values and store indices, not axis extents). */
export function expressions(body: Body): Expr[] {
  const ofStore = (s: Store): Expr[] => [...s.index, s.value];
  switch (body.kind) {
    case 'map': return ofStore(body.store);
    case 'rows': return [...body.scans.map((s) => s.value), ...ofStore(body.store)];
    case 'contraction': return [body.lhs, body.rhs, ...ofStore(body.store)];
    case 'loop': return body.body.flatMap(stmtExpressions);
    default: return body satisfies never;
  }
}

/** Those, and the extents of the axes: all that a body mentions. */
export const mentions = (body: Body): Expr[] => [...expressions(body), ...allAxes(body).map((a) => a.extent)];

function stmtExpressions(s: Stmt): Expr[] {
  switch (s.do) {
    case 'let': case 'set': return [s.value];
    case 'for': return s.body.flatMap(stmtExpressions);
    case 'while': return [s.cond, ...s.body.flatMap(stmtExpressions)];
    case 'if': return [s.cond, ...s.then.flatMap(stmtExpressions), ...s.else.flatMap(stmtExpressions)];
    case 'store': return [...s.store.index, s.store.value];
    default: return s satisfies never;
  }
}

/** All stores of a body, in program order. */
export function stores(body: Body): Store[] {
  const inStmts = (stmts: readonly Stmt[]): Store[] => stmts.flatMap((s) => {
    switch (s.do) {
      case 'let': case 'set': return [];
      case 'for': case 'while': return inStmts(s.body);
      case 'if': return [...inStmts(s.then), ...inStmts(s.else)];
      case 'store': return [s.store];
      default: return s satisfies never;
    }
  });
  return body.kind === 'loop' ? inStmts(body.body) : [body.store];
}

/** The body with every expression (axes and their extents too) passed through `go`, and every tensor number through `tensor`. */
export function mapBody(body: Body, go: (e: Expr) => Expr, tensor: (id: number) => number = (id) => id): Body {
  const axis = (v: Var): Var => {
    const made = go(v);
    if (made.op !== 'var') throw new QuernError('internal', 'an axis was rewritten', { got: text(made) });
    return made;
  };
  const store = (s: Store): Store => ({ tensor: tensor(s.tensor), index: s.index.map(go), value: go(s.value) });
  const stmt = (s: Stmt): Stmt => {
    switch (s.do) {
      case 'let': case 'set': return { ...s, value: go(s.value) };
      case 'for': return { ...s, axis: axis(s.axis), body: s.body.map(stmt) };
      case 'while': return { ...s, cond: go(s.cond), body: s.body.map(stmt) };
      case 'if': return { ...s, cond: go(s.cond), then: s.then.map(stmt), else: s.else.map(stmt) };
      case 'store': return { ...s, store: store(s.store) };
      default: return s satisfies never;
    }
  };
  switch (body.kind) {
    case 'map': return { ...body, axes: body.axes.map(axis), store: store(body.store) };
    case 'rows': return {
      ...body, axes: body.axes.map(axis), inner: body.inner.map(axis),
      scans: body.scans.map((s) => ({ ...s, value: go(s.value) })), store: store(body.store),
    };
    case 'contraction': return {
      ...body, batch: body.batch.map(axis), rows: body.rows.map(axis), cols: body.cols.map(axis), depth: body.depth.map(axis),
      lhs: go(body.lhs), rhs: go(body.rhs), store: store(body.store),
    };
    case 'loop': return { ...body, axes: body.axes.map(axis), body: body.body.map(stmt) };
    default: return body satisfies never;
  }
}

/** The body with other stores; nothing below them is rewritten. */
export function mapStores(body: Body, store: (s: Store) => Store): Body {
  const stmt = (s: Stmt): Stmt => {
    switch (s.do) {
      case 'let': case 'set': return s;
      case 'for': case 'while': return { ...s, body: s.body.map(stmt) };
      case 'if': return { ...s, then: s.then.map(stmt), else: s.else.map(stmt) };
      case 'store': return { ...s, store: store(s.store) };
      default: return s satisfies never;
    }
  };
  return body.kind === 'loop' ? { ...body, body: body.body.map(stmt) } : { ...body, store: store(body.store) };
}

/** Renumbers tensors in an expression; loads of tensors for which `to` gives undefined stay. */
export const renumber = (to: (tensor: number) => number | undefined): ((e: Expr) => Expr) =>
  rewriter((e, again) => {
    if (e.op !== 'load') return undefined;
    return load(to(e.tensor) ?? e.tensor, e.dtype, e.index.map(again));
  });

interface Loaded {
  readonly loads: readonly Load[];
  readonly tensors: readonly number[];
}

/** By body: passes hand most of them on as they are, and each asks. */
const loaded = new WeakMap<Body, Loaded>();

function loadedBy(body: Body): Loaded {
  const known = loaded.get(body);
  if (known !== undefined) return known;
  const loads = collect(expressions(body), isLoad);
  const made = { loads, tensors: [...new Set(loads.map((l) => l.tensor))] };
  loaded.set(body, made);
  return made;
}

/** The distinct loads of a body, of all tensors or of one, in the order of first appearance. */
export function loadsOf(body: Body, tensor?: number): readonly Load[] {
  const { loads } = loadedBy(body);
  return tensor === undefined ? loads : loads.filter((l) => l.tensor === tensor);
}

/** Tensors that a body loads, in the order of first appearance. */
export const loadedTensors = (body: Body): readonly number[] => loadedBy(body).tensors;

/** Makes a kernel of a body over slots: dims get the canonical names s0, s1, ... `bind` gives, in order, the dims to pass. */
export function makeKernel(body: Body, args: readonly Arg[], numeric: Numeric): { readonly kernel: Kernel; readonly bind: readonly Sym[] } {
  const roots = [...expressions(body), ...allAxes(body).map((v) => v.extent), ...args.flatMap((a) => [...a.shape, ...a.strides])];
  const bind = [...new Set(collect(roots, isSym))];
  const syms = bind.map((s, i) => symbol(`s${i}`, s.min));
  const go = rewriter((e) => (e.op === 'sym' ? syms[bind.indexOf(e)] : undefined));
  const renamed = args.map((a) => ({ ...a, shape: a.shape.map(go), strides: a.strides.map(go) }));
  return { kernel: { body: mapBody(body, go), args: renamed, syms, numeric }, bind };
}

/** The canonical text of a kernel: its identity for caches and tuning records, and what `inspect --kernels` prints. */
export function kernelText(kernel: Kernel): string {
  const known = texts.get(kernel);
  if (known !== undefined) return known;
  const made = writeText(kernel);
  texts.set(kernel, made);
  return made;
}

/** A decode step looks every kernel up again: writing the texts anew cost more than running small models. */
const texts = new WeakMap<Kernel, string>();

function writeText(kernel: Kernel): string {
  const { numeric } = kernel;
  const lines = [
    `kernel ${kernel.body.kind} ${numeric.fma ? 'fma' : 'mul+add'} ${numeric.precision}${kernel.syms.length ? ` (${kernel.syms.map((s) => `${s.name} >= ${s.min}`).join(', ')})` : ''}`,
    ...kernel.args.map((a, i) => `  t${i}: ${a.access} ${a.dtype}${shapeText(a.shape)} strides ${shapeText(a.strides)}`),
    ...bodyText(kernel.body).map((line) => `  ${line}`),
  ];
  return lines.join('\n');
}

const axesText = (axes: readonly Var[]): string => axes.map((v) => `${v.name}<${text(v.extent)}`).join(' ');
const storeText = (s: Store): string => `t${s.tensor}${shapeText(s.index)} = ${text(s.value)}`;

export function bodyText(body: Body): string[] {
  switch (body.kind) {
    case 'map': return [`for ${axesText(body.axes)}`, `  ${storeText(body.store)}`];
    case 'rows': return [
      `for ${axesText(body.axes)}`,
      ...body.scans.map((s) => `  %${s.name} = ${s.op} over ${axesText(body.inner)} of ${text(s.value)}`),
      `  ${body.each ? `for ${axesText(body.inner)} ` : ''}${storeText(body.store)}`,
    ];
    case 'contraction': return [
      `for batch ${axesText(body.batch)}; rows ${axesText(body.rows)}; cols ${axesText(body.cols)}${body.panel === undefined ? '' : ` in panels of ${body.panel}`}`,
      `  %acc = sum over ${axesText(body.depth)} of ${text(body.lhs)} * ${text(body.rhs)}`,
      `  ${storeText(body.store)}`,
    ];
    case 'loop': return [`for ${axesText(body.axes)}`, ...body.body.flatMap(stmtText).map((line) => `  ${line}`)];
    default: return body satisfies never;
  }
}

function stmtText(s: Stmt): string[] {
  const block = (stmts: readonly Stmt[]): string[] => stmts.flatMap(stmtText).map((line) => `  ${line}`);
  switch (s.do) {
    case 'let': return [`let %${s.name}: ${s.value.dtype} = ${text(s.value)}`];
    case 'set': return [`%${s.name} = ${text(s.value)}`];
    case 'for': return [`for ${axesText([s.axis])}`, ...block(s.body)];
    case 'while': return [`while ${text(s.cond)}`, ...block(s.body)];
    case 'if': return [`if ${text(s.cond)}`, ...block(s.then), ...(s.else.length ? ['else', ...block(s.else)] : [])];
    case 'store': return [storeText(s.store)];
    default: return s satisfies never;
  }
}
