/**
 * Operands of a product in the form that micro-kernels read. Input: a contraction's body. Output: the map that makes the operand, once for weights
 * and each run for activations, and the body that reads what it has made.
 */
import { invariant } from './error.ts';
import type { DType, ScalarType } from './expr/dtype.ts';
import {
  type Binary, type Expr, type Load, type Var, add, asInt, cast, constant, floordiv, floormod, int, load, lt, mul, product, ref, select, sub,
  variable,
} from './expr/expr.ts';
import { narrowRanges } from './expr/scalar.ts';
import { collect, contains, isLoad, isVar, rewriter, substitute } from './expr/visit.ts';
import { ceilDiv } from './contraction.ts';
import type { ContractionBody } from './kernel.ts';

/** What makes an operand: a map. */
export interface Made {
  readonly shape: readonly Expr[];
  readonly axes: readonly Var[];
  /** Element at `axes`; 0 in columns that fill up the last panel, and behind an odd depth. */
  readonly value: Expr;
}

/** A packed right-hand side, and the body that reads it. */
export interface Packed extends Made {
  readonly dtype: DType;
  readonly body: ContractionBody;
}

/** Whether an int32 is sure to fit 16 bits: differences of 8-bit elements do. */
export const isShort = (e: Expr): boolean => fits(e, 32768);
/** Whether it is sure to be a difference of such elements. */
const isByte = (e: Expr): boolean => fits(e, 256);

function fits(e: Expr, bound: number): boolean {
  const go = (x: Expr): readonly [number, number] | undefined => {
    if (x.dtype !== 'int32') return narrowRanges[x.dtype as ScalarType];
    if (x.op === 'const') return [Number(x.value), Number(x.value)];
    if (x.op === 'cast') return go(x.a);
    if (x.op !== 'select' && (x.op !== 'binary' || x.fn !== 'sub')) return undefined;
    const [a, b] = [go(x.a), go(x.b)];
    if (a === undefined || b === undefined) return undefined;
    return x.op === 'select' ? [Math.min(a[0], b[0]), Math.max(a[1], b[1])] : [a[0] - b[1], a[1] - b[0]];
  };
  const range = e.dtype === 'int32' ? go(e) : undefined;
  return range !== undefined && range[0] >= -bound && range[1] < bound;
}

/**
 * Columns in panels: the panel and the lane, what these make of the columns (`by`), whether there is such a column (`filled`), and where the
 * columns of the body stand (`at`).
 */
function panelsOf({ cols }: ContractionBody, panel: number): {
  readonly axis: Var; readonly lane: Var; readonly by: Map<Expr, Expr>; readonly filled: Expr; readonly at: readonly [Expr, Expr];
} {
  const n = cols.reduce<Expr>((at, v) => add(mul(at, v.extent), v), int(0));
  const count = product(cols.map((v) => v.extent));
  const axis = variable('panel', ceilDiv(count, panel));
  const lane = variable('lane', panel);
  const whole = add(mul(axis, panel), lane);
  const by = new Map<Expr, Expr>();
  let rest: Expr = whole;
  [...cols].reverse().forEach((v, i) => {
    const outermost = i === cols.length - 1;
    by.set(v, outermost ? rest : floormod(rest, v.extent));
    rest = floordiv(rest, v.extent);
  });
  return { axis, lane, by, filled: lt(whole, count), at: [floordiv(n, panel), floormod(n, panel)] };
}

/**
 * Packs the rhs of a body with cols into panels: shape [batch.., ceil(N / panel), depth.., panel] with the batch axes that rhs depends
 * on. Any rhs expression can be packed (a cast or dequantisation is then done once). `tensor`: the packed tensor's id or slot. `pairs`: two
 * neighbours in depth stand side by side, [.., depth.. / 2, panel, 2]; the last depth axis is even then.
 */
export function packRhs(body: ContractionBody, panel: number, tensor: number, pairs = false): Packed {
  const batch = body.batch.filter((v) => contains(body.rhs, v));
  const { by, filled, axis: p, lane, at: [inPanels, inPanel] } = panelsOf(body, panel);
  // Weights of 8 bits less their zero points: half the memory, and what the CPU multiplies two at a time.
  const dtype = isShort(body.rhs) ? 'int16' : body.rhs.dtype;
  invariant(dtype !== 'index', 'an index was to be packed');
  const last = pairs ? body.depth.at(-1) : undefined;
  const [half, two] = [variable('half', floordiv(last?.extent ?? int(0), 2)), variable('two', 2)];
  const before = last === undefined ? body.depth : body.depth.slice(0, -1);
  if (last !== undefined) by.set(last, add(mul(half, 2), two));
  const axes = [...batch, p, ...before, ...(last === undefined ? [lane] : [half, lane, two])];
  const at = [...batch, inPanels, ...before, ...(last === undefined ? [inPanel] : [floordiv(last, 2), inPanel, floormod(last, 2)])];
  return {
    shape: axes.map((v) => v.extent), axes, dtype,
    value: select(filled, cast(substitute(body.rhs, by), dtype), constant(0, dtype)),
    body: { ...body, panel, rhs: cast(load(tensor, dtype, at), body.rhs.dtype) },
  };
}

/**
 * The tensors that a right-hand side is made of, each in panels, instead of what is made of them: weights of few bits stay what they are in
 * memory, and are taken apart where they are multiplied. Shapes are [panels, depth.., panel] with the depth axes that a tensor is read
 * along; an axis that it is read along by groups (two elements a byte) counts groups. Undefined where a tensor is read along something else, or
 * where another one says: then there is an element for each weight. `once` gives ids for what makes them.
 */
export function packParts(body: ContractionBody, panel: number, once: (made: Made, dtype: DType) => number): ContractionBody | undefined {
  const { by: columns, filled, axis: p, lane, at: [inPanels, inPanel] } = panelsOf(body, panel);
  const parts = collect([body.rhs], isLoad).filter((l) => body.cols.some((v) => contains(l, v))).map((part) => {
    const depth = body.depth.filter((v) => contains(part, v)).map((v) => {
      const [group] = collect(part.index, (x): x is Binary => x.op === 'binary' && x.fn === 'floordiv' && x.a === v && x.b.op === 'const');
      const axis = variable(v.name, group === undefined ? v.extent : ceilDiv(v.extent, Number(asInt(group.b))));
      return { at: group ?? v, axis };
    });
    const axes = [p, ...depth.map(({ axis }) => axis), lane];
    const element = substitute(part, new Map<Expr, Expr>([...columns, ...depth.map(({ at, axis }): [Expr, Expr] => [at, axis])]));
    const value = select(filled, element, constant(0, part.dtype));
    return { part, made: { shape: axes.map((v) => v.extent), axes, value }, at: [inPanels, ...depth.map(({ at }) => at), inPanel] };
  });
  const isOwn = ({ part, made }: (typeof parts)[number]): boolean =>
    collect(part.index, isLoad).length === 0 && collect([made.value], isVar).every((v) => made.axes.includes(v));
  if (!parts.every(isOwn)) return undefined;
  const read = new Map<Expr, Expr>(parts.map(({ part, made, at }) => [part, load(once(made, part.dtype), part.dtype, at)]));
  return { ...body, panel, rhs: substitute(body.rhs, read) };
}

/** An operand's guard, outside of which it is 0, and what it is inside. */
export const guarded = (e: Expr): { readonly guard?: Expr; readonly element: Expr } =>
  (e.op === 'select' && asInt(e.b) === 0 ? { guard: e.cond, element: e.a } : { element: e });

/** The same with another element. */
export const inGuard = (guard: Expr | undefined, element: Expr): Expr =>
  (guard === undefined ? element : select(guard, element, constant(0, element.dtype)));

/** A left operand of 16 bits, in the dims of the 8-bit tensor that it is read from, and the body that reads it. */
export interface Widened extends Made {
  /** Its last depth axis is even. */
  readonly body: ContractionBody;
}

/**
 * An operand's element in the dims of the tensor that it is read from; undefined where a zero point, or what
 * chooses among elements (a Pad), has no place in them.
 */
function inDimsOf(e: Expr, main: Load, axes: readonly Var[]): Expr | undefined {
  const own = new Map<Expr, Expr>(main.index.map((i, d) => [i, axes[d] ?? i]));
  const params = collect([e], isLoad).filter((l) => l !== main);
  if (!params.every((l) => l.index.every((i) => i.op === 'const' || own.has(i)))) return undefined;
  const placed = new Map<Expr, Expr>(params.map((l) => [l, load(l.tensor, l.dtype, l.index.map((i) => own.get(i) ?? i))]));
  placed.set(main, load(main.tensor, main.dtype, axes));
  const made = rewriter((x) => placed.get(x))(e);
  return collect([made], isVar).every((v) => axes.includes(v)) ? made : undefined;
}

/** An operand as a tensor of float32, and what reads it. */
export interface Real extends Made {
  readonly read: (tensor: number) => Expr;
}

/** Terms of a product of bytes whose sums float32 holds exactly. */
const mostTerms = 2 ** 24 / 256 ** 2;

/**
 * Both operands of a product of bytes that has no columns (a depthwise convolution) as float32, for which there is a kernel that is five times as
 * fast; sums are whole numbers below 2^24, so that they are exact in any order. `body`: of the tensors that stand for them.
 */
export function realOperands(body: ContractionBody, shapeOf: (tensor: number) => readonly Expr[]):
  { readonly lhs: Real; readonly rhs: Real; readonly body: (lhs: Expr, rhs: Expr) => ContractionBody } | undefined {
  const terms = asInt(product(body.depth.map((v) => v.extent)));
  if (body.cols.length > 0 || terms === undefined || terms >= mostTerms || !isByte(body.lhs) || !isByte(body.rhs)) return undefined;
  const real = (e: Expr): Real | undefined => {
    const { guard, element } = guarded(e);
    // The others are zero points.
    const [main] = collect([element], isLoad).sort((a, b) => b.index.length - a.index.length);
    const axes = main && shapeOf(main.tensor).map((extent, d) => variable(`w${d}`, extent));
    const own = main && axes && inDimsOf(element, main, axes);
    return main === undefined || axes === undefined || own === undefined ? undefined : {
      shape: axes.map((v) => v.extent), axes, value: cast(own, 'float32'),
      read: (tensor) => inGuard(guard, load(tensor, 'float32', main.index)),
    };
  };
  const [lhs, rhs] = [real(body.lhs), real(body.rhs)];
  if (lhs === undefined || rhs === undefined) return undefined;
  const sum = new Map<Expr, Expr>([[ref('acc', 'int32'), cast(ref('acc', 'float32'), 'int32')]]);
  return { lhs, rhs, body: (a, b) => ({ ...body, lhs: a, rhs: b, store: { ...body.store, value: substitute(body.store.value, sum) } }) };
}

/**
 * The left operand of a product of 8-bit elements as 16-bit ones less their zero point, an even number in depth: what the CPU multiplies two
 * at a time, with nothing to do for each. Undefined where it is not read from one tensor along one of its dims. `tensor`: the new one's id.
 */
export function widenLhs(body: ContractionBody, shapeOf: (tensor: number) => readonly Expr[], tensor: number): Widened | undefined {
  const { lhs, rhs, depth } = body;
  const last = depth.at(-1);
  if (last === undefined || !isShort(lhs) || !isShort(rhs)) return undefined;
  const { guard, element } = guarded(lhs);
  if (guard !== undefined && contains(guard, last)) return undefined;
  const loads = collect([element], isLoad);
  const [main, ...more] = loads.filter((l) => contains(l, last));
  const [dim, ...others] = main?.index.flatMap((e, d) => (contains(e, last) ? [d] : [])) ?? [];
  if (main === undefined || more.length > 0 || dim === undefined || others.length > 0) return undefined;
  const shape = shapeOf(main.tensor);
  const even = mul(floordiv(add(last.extent, 1), 2), 2);
  const all = main.index[dim] === last;
  // A group's channels: pairs of the whole are pairs of the group.
  const start = substitute(main.index[dim] ?? last, new Map<Expr, Expr>([[last, mul(last, 2)]]));
  const halves = (e: Expr): boolean => asInt(floormod(e, 2)) === 0;
  if (!all && !(even === last.extent && halves(sub(start, mul(last, 2))) && halves(shape[dim] ?? last))) return undefined;
  const axes = shape.map((extent, d) => variable(`w${d}`, d === dim && all ? even : extent));
  const own = inDimsOf(element, main, axes);
  if (own === undefined) return undefined;
  const value = cast(own, 'int16');
  const whole = variable(last.name, even);
  const by = new Map<Expr, Expr>([[last, whole]]);
  const wide = cast(load(tensor, 'int16', main.index.map((e) => substitute(e, by))), 'int32');
  const inside = (at: Expr, e: Expr, zero: Expr): Expr => (even === last.extent ? e : select(lt(at, last.extent), e, zero));
  return {
    shape: axes.map((v) => v.extent), axes, value: inside(axes[dim] ?? last, value, constant(0, 'int16')),
    body: {
      ...body, depth: [...depth.slice(0, -1), whole], lhs: inGuard(guard, wide),
      rhs: inside(whole, substitute(rhs, by), constant(0, rhs.dtype)),
    },
  };
}
