/**
 * Attention as two contractions around a softmax, shared by the operators that spell it differently. Query heads that share a key and
 * value head are rows of one product, so grouped queries cost no copies of keys.
 */
import { isFloat, type DType } from '../../jit/expr/dtype.ts';
import { type Expr, add, asInt, cast, constant, div, eq, floordiv, floormod, int, lt, max, mul, ref, select, sub } from '../../jit/expr/expr.ts';
import { exp, reciprocal, sqrt, tanh } from './math.ts';
import { computeType } from './module.ts';
import type { Lowering, Tensor } from './operator.ts';
import { broadcastIndex, freshAxes } from './shape.ts';

/** An element of a [batch, head, position, feature] tensor, whatever its layout. */
export type HeadElement = (batch: Expr, head: Expr, position: Expr, feature: Expr) => Expr;

/** Views [B, S, H * D] (or [B, H, S, D] as it is) by head. */
export function headsOf(build: Lowering, x: Tensor, heads: number | undefined): { at: HeadElement; heads: Expr; length: Expr; size: Expr } {
  const [, a = int(1), b = int(1), c = int(1)] = x.shape;
  if (x.rank === 4) return { at: (n, h, s, d) => x.at([n, h, s, d]), heads: a, length: b, size: c };
  if (x.rank !== 3 || heads === undefined) return build.fail('invalid-attribute', 'a packed tensor of heads needs rank 3 and the number of heads', { got: `rank ${x.rank}` });
  const size = floordiv(b, heads);
  return { at: (n, h, s, d) => x.at([n, s, add(mul(h, size), d)]), heads: int(heads), length: a, size };
}

export interface AttendSpec {
  readonly dtype: DType;
  readonly batch: Expr;
  readonly heads: Expr;
  readonly kvHeads: Expr;
  /** Queries, keys, features of keys and of values. */
  readonly queries: Expr;
  readonly keys: Expr;
  readonly keySize: Expr;
  readonly valueSize: Expr;
  readonly q: HeadElement;
  readonly k: HeadElement;
  readonly v: HeadElement;
  /** 1 / sqrt(size of a key) if undefined. */
  readonly scale: number | undefined;
  readonly softcap: number;
  /** A score with its mask applied, or what is masked out set to minus infinity. */
  readonly masked: (score: Expr, batch: Expr, head: Expr, query: Expr, key: Expr) => Expr;
  /** A logit of the head that takes part in the softmax and stands for no key. */
  readonly sink?: ((head: Expr) => Expr) | undefined;
  /** Shape and index of the result: by head, or packed. */
  readonly shape: readonly Expr[];
  readonly index: (batch: Expr, head: Expr, query: Expr, feature: Expr) => readonly Expr[];
  /** Which of the scores somebody wants: 0 raw, 1 after the cap, 2 masked, 3 after softmax. */
  readonly scores?: number;
}

export function attend(build: Lowering, spec: AttendSpec): { readonly y: Tensor; readonly scores: Tensor | undefined } {
  const { dtype, batch, heads, queries, keys, scores: wanted } = spec;
  const shape = [batch, heads, queries, keys];
  const size = asInt(spec.keySize);
  const scale = spec.scale ?? (size === undefined ? reciprocal(sqrt(cast(spec.keySize, computeType(dtype)))) : 1 / Math.sqrt(size));
  const capped = (score: Expr): Expr => (spec.softcap > 0 ? mul(tanh(div(score, spec.softcap)), spec.softcap) : score);
  // Stages are separate tensors only up to the one that is asked for.
  const stage = wanted === undefined || wanted === 3 ? 0 : wanted + 1;
  const finish = (from: number, score: Expr, [b = int(0), h = int(0), s = int(0), t = int(0)]: readonly Expr[]): Expr => {
    const cappedScore = from < 1 ? capped(score) : score;
    return from < 2 ? spec.masked(cappedScore, b, h, s, t) : cappedScore;
  };
  const upTo = (score: Expr, index: readonly Expr[]): Expr => {
    if (stage === 0 || stage === 3) return finish(0, score, index);
    return stage === 2 ? capped(score) : score;
  };
  const scores = product(build, spec, shape, spec.keySize, keys, {
    lhs: spec.q, rhs: (b, h, t, d) => spec.k(b, h, t, d), transposed: true, index: (...at) => at,
    value: (acc, index) => upTo(mul(acc, scale), index),
  });
  const weights = safeSoftmax(build, dtype, shape, (index) => finish(stage === 0 ? 3 : stage - 1, scores.at(index), index), spec.sink);
  const y = product(build, spec, spec.shape, keys, spec.valueSize, {
    lhs: (b, h, s, t) => weights.at([b, h, s, t]), rhs: spec.v, transposed: false, value: (acc) => acc, index: spec.index,
  });
  return { y, scores: wanted === 3 ? weights : wanted === undefined ? undefined : scores };
}

interface ProductSpec {
  readonly lhs: HeadElement;
  readonly rhs: HeadElement;
  readonly transposed: boolean;
  readonly value: (acc: Expr, index: readonly Expr[]) => Expr;
  readonly index: (batch: Expr, head: Expr, query: Expr, column: Expr) => readonly Expr[];
}

/** For each batch entry and key head: [heads of the group and queries, depth] times [depth, columns]. */
function product(
  build: Lowering, spec: AttendSpec, shape: readonly Expr[], depthSize: Expr, columns: Expr, { lhs, rhs, transposed, value, index }: ProductSpec,
): Tensor {
  const group = floordiv(spec.heads, spec.kvHeads);
  const { axes: batch, index: [b = int(0), kv = int(0)] } = freshAxes(build, [spec.batch, spec.kvHeads]);
  const { axes: rows, index: [g = int(0), s = int(0)] } = freshAxes(build, [group, spec.queries]);
  const [column, depth] = [build.axis(columns), build.axis(depthSize)];
  const head = add(mul(kv, group), g);
  const at = index(b, head, s, column);
  return build.contraction({
    dtype: spec.dtype, shape, batch, rows: rows.length > 0 ? rows : [build.axis(1)], cols: [column], depth: [depth],
    lhs: lhs(b, head, s, depth), rhs: transposed ? rhs(b, kv, column, depth) : rhs(b, kv, depth, column),
    index: at, value: (acc) => value(acc, [b, head, s, column]),
  });
}

/** Softmax over the last dim in which a row without a finite score is all zeros. */
function safeSoftmax(
  build: Lowering, dtype: DType, shape: readonly Expr[], x: (index: readonly Expr[]) => Expr, sink?: (head: Expr) => Expr,
): Tensor {
  const outer = freshAxes(build, shape.slice(0, -1));
  const last = build.axis(shape.at(-1) ?? int(1));
  const index = [...outer.index, last];
  const [top, total] = [build.name('top'), build.name('total')];
  const type = computeType(dtype);
  const extra = sink?.(index[1] ?? int(0));
  const highest = extra === undefined ? ref(top, type) : max(ref(top, type), extra);
  const shift = select(eq(highest, -Infinity), constant(0, type), highest);
  const weight = exp(sub(x(index), shift));
  const sum = extra === undefined ? ref(total, type) : add(ref(total, type), exp(sub(extra, shift)));
  return build.rows({
    dtype, shape, axes: outer.axes, inner: [last], each: true, index,
    scans: [{ name: top, op: 'max', value: x(index) }, { name: total, op: 'sum', value: weight }],
    value: select(eq(sum, 0), constant(0, type), div(weight, sum)),
  });
}

/** A mask tensor applied to a score: booleans keep, floats are added. Keys beyond the mask's end are masked out. */
export function applyMask(mask: Tensor, score: Expr, index: readonly Expr[], shape: readonly Expr[]): Expr {
  const width = mask.shape.at(-1) ?? int(1);
  const gone = constant(-Infinity, score.dtype);
  const at = broadcastIndex(mask.shape, index, shape);
  const element = mask.at(at);
  const applied = isFloat(element.dtype) ? add(score, cast(element, score.dtype)) : select(element, score, gone);
  const key = index.at(-1) ?? int(0);
  return asInt(width) === 1 ? applied : select(lt(key, width), applied, gone);
}

/** Rotates pairs of features by the angle of a position; features from `rotated` on stay. */
export interface Rotary {
  readonly cos: (batch: Expr, position: Expr, pair: Expr) => Expr;
  readonly sin: (batch: Expr, position: Expr, pair: Expr) => Expr;
  readonly rotated: Expr;
  readonly interleaved: boolean;
}

export function rotate(x: HeadElement, { cos, sin, rotated, interleaved }: Rotary): HeadElement {
  return (b, h, s, d) => {
    const half = floordiv(rotated, 2);
    const pair = interleaved ? floordiv(d, 2) : floormod(d, half);
    const first = interleaved ? eq(floormod(d, 2), 0) : lt(d, half);
    const [low, high] = interleaved ? [mul(pair, 2), add(mul(pair, 2), 1)] : [pair, add(pair, half)];
    const [x1, x2] = [x(b, h, s, low), x(b, h, s, high)];
    const [c, z] = [cos(b, s, pair), sin(b, s, pair)];
    const turned = select(first, sub(mul(x1, c), mul(x2, z)), add(mul(x1, z), mul(x2, c)));
    return select(lt(d, rotated), turned, x(b, h, s, d));
  };
}
