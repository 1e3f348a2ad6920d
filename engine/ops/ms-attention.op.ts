/**
 * Attention of the com.microsoft domain: Attention and QAttention (with their input projection), MultiHeadAttention, GroupQueryAttention,
 * and the rotary embedding that goes with them. All are views of queries, keys and values by head, a mask, and the shared attention of attend.ts.
 * Source: onnxruntime's ContribOperators.md.
 */
import { type Expr, add, and, asInt, cast, constant, eq, floordiv, floormod, ge, gt, int, le, lt, max, min, mul, or, select, sub } from '../../jit/expr/expr.ts';
import { shapeText } from '../../jit/expr/text.ts';
import { angles, clampRow, present, resultLayout, scaleOf } from './attention.op.ts';
import { type HeadElement, attend, headsOf, rotate } from './attend.ts';
import { clamp, lastRow, toIndex, zeroOf } from './math.ts';
import { matmul } from './matmul.op.ts';
import { normalise } from './norm.op.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { realProduct } from './quant-products.op.ts';
import { broadcastAt, broadcastIndex } from './shape.ts';

const domain = 'com.microsoft';

interface Heads {
  readonly at: HeadElement;
  readonly length: Expr;
  readonly size: Expr;
}

/** Values by head as a tensor of their own, for products that read them often. */
const stored = (build: Lowering, dtype: Tensor['dtype'], batch: Expr, heads: Expr, { at, length, size }: Heads): Tensor =>
  build.map(dtype, [batch, heads, length, size], ([b = int(0), h = int(0), s = int(0), d = int(0)]) => at(b, h, s, d));

const viewOf = (t: Tensor): Heads => ({ at: (b, h, s, d) => t.at([b, h, s, d]), length: t.shape[2] ?? int(1), size: t.shape[3] ?? int(1) });

/**
 * Which keys a query may see: numbers of valid keys [batch], ends and then starts [2 * batch], or flags [batch, keys] or
 * [batch, queries, keys].
 */
function keepsOf(build: Lowering, mask: Tensor, batch: Expr): (b: Expr, s: Expr, t: Expr) => Expr {
  if (mask.rank === 2) return (b, _, t) => gt(mask.at([b, t]), 0);
  if (mask.rank === 3) return (b, s, t) => gt(mask.at([b, s, t]), 0);
  const [size = int(1)] = mask.shape;
  const [ends, starts] = [eq(size, batch), eq(size, mul(batch, 2))];
  const known = or(ends, starts);
  if (mask.rank !== 1 || (known.op === 'const' && known.value === 0)) build.fail('unsupported-model', 'an attention mask of this shape', { got: shapeText(mask.shape) });
  build.assume(known, 'an attention mask has one or two numbers for each batch entry');
  return (b, _, t) => and(lt(t, toIndex(mask.at([b]))), or(ends, ge(t, toIndex(mask.at([min(add(b, batch), sub(size, 1))])))));
}

interface MaskSpec {
  readonly mask: Tensor | undefined;
  readonly bias: Tensor | undefined;
  readonly batch: Expr;
  /** Shape of the scores. */
  readonly shape: readonly Expr[];
  /** Keys before the first query. */
  readonly before: Expr;
}

/** Scores with bias, flags (which add a large negative number, so that a row without a key is not empty) and causality. */
function masking(build: Lowering, { mask, bias, batch, shape, before }: MaskSpec): (score: Expr, b: Expr, h: Expr, s: Expr, t: Expr) => Expr {
  const filter = build.attributes.float('mask_filter_value', -10000);
  const causal = build.attributes.int('unidirectional', 0) !== 0;
  const keeps = mask === undefined ? undefined : keepsOf(build, mask, batch);
  // What onnxruntime's scores hold where they are handed out.
  const hidden = build.wants(3) ? -3.4028234663852886e38 : -Infinity;
  return (score, b, h, s, t) => {
    const biased = bias === undefined ? score : add(score, bias.at(broadcastIndex(bias.shape, [b, h, s, t], shape)));
    const flagged = keeps === undefined ? biased : select(keeps(b, s, t), biased, add(biased, filter));
    return causal ? select(le(t, add(before, s)), flagged, constant(hidden, score.dtype)) : flagged;
  };
}

/** [batch, position, features] by head, from feature `offset` on. */
const part = (x: Tensor, offset: Expr, size: Expr): Heads =>
  ({ at: (b, h, s, d) => x.at([b, s, add(offset, add(mul(h, size), d))]), length: x.shape[1] ?? int(1), size });

interface Projected {
  /** Queries, keys and values beside each other: [batch, length, features]. */
  readonly all: Tensor;
  readonly mask: Tensor | undefined;
  readonly past: Tensor | undefined;
  readonly scoreBias?: Tensor | undefined;
}

function selfAttention(build: Lowering, { all, mask, past, scoreBias }: Projected): Tensor[] {
  const { attributes } = build;
  for (const name of ['do_rotary', 'past_present_share_buffer']) {
    if (attributes.int(name, 0) !== 0) build.fail('unsupported-model', `Attention with ${name}`);
  }
  const heads = attributes.count('num_heads');
  const [batch = int(1), length = int(1), width = int(1)] = all.shape;
  const sizes = attributes.ints('qkv_hidden_sizes', []);
  const [qWidth, kWidth, vWidth] = sizes.length === 3 ? sizes.map(int) : [0, 1, 2].map(() => floordiv(width, 3));
  if (qWidth === undefined || kWidth === undefined || vWidth === undefined) return build.fail('internal', 'Attention lost a width');
  const [qSize, vSize] = [floordiv(qWidth, heads), floordiv(vWidth, heads)];
  const q = part(all, int(0), qSize);
  const [kNew, vNew] = [part(all, qWidth, qSize), part(all, add(qWidth, kWidth), vSize)];
  const before = past?.shape[3] ?? int(0);
  const keys = add(before, length);
  const both = past === undefined && !build.wants(1) ? undefined
    : build.map(all.dtype, [int(2), batch, int(heads), keys, qSize], ([i = int(0), b = int(0), h = int(0), t = int(0), d = int(0)]) => {
      const fresh = (of: Heads): Expr => of.at(b, h, sub(t, before), d);
      const next = select(lt(i, 1), fresh(kNew), fresh(vNew));
      return past === undefined ? next : select(lt(t, before), past.at([i, b, h, t, d]), next);
    });
  const from = (which: number, fresh: Heads): HeadElement => (both === undefined ? fresh.at : (b, h, t, d) => both.at([int(which), b, h, t, d]));
  const { y } = attend(build, {
    dtype: all.dtype, batch, heads: int(heads), kvHeads: int(heads), queries: length, keys, keySize: qSize, valueSize: vSize,
    q: q.at, k: from(0, kNew), v: from(1, vNew), scale: scaleOf(build), softcap: 0,
    masked: masking(build, { mask, bias: scoreBias, batch, shape: [batch, int(heads), length, keys], before }),
    ...resultLayout(batch, int(heads), length, vSize, true),
  });
  return both === undefined ? [y] : [y, both];
}

const attention: Operator = {
  op: 'Attention', domain, since: 1, arity: [2, 7], parts: [3],
  lower: (build) => {
    const bias = build.optional(2);
    const all = matmul(build, build.input(0), build.input(1), { value: bias && ((acc, index) => add(acc, bias.at([index.at(-1) ?? int(0)]))) });
    return selfAttention(build, { all, mask: build.optional(3), past: build.optional(4), scoreBias: build.optional(5) });
  },
};

const qAttention: Operator = {
  op: 'QAttention', domain, since: 1, arity: [5, 9], parts: [5],
  lower: (build) => selfAttention(build, {
    all: realProduct(build, {
      a: build.input(0), b: build.input(1), bias: build.input(2), aScale: build.input(3), bScale: build.input(4),
      aZero: build.optional(6), bZero: build.optional(7),
    }),
    mask: build.optional(5), past: build.optional(8),
  }),
};

/** The three tensors by head, from wherever they are packed, with the bias of their projection. */
function packedHeads(build: Lowering, heads: number): { q: Heads; k: Heads; v: Heads } {
  const [query, key, value, bias] = [build.input(0), build.optional(1), build.optional(2), build.optional(3)];
  const biased = (offset: Expr, size: Expr, at: HeadElement): HeadElement => (bias === undefined ? at
    : (b, h, s, d) => add(at(b, h, s, d), bias.at([add(offset, add(mul(h, size), d))])));
  const together = (t: Tensor, which: number): Heads =>
    ({ at: (b, h, s, d) => t.at([b, s, h, int(which), d]), length: t.shape[1] ?? int(1), size: t.shape[4] ?? int(1) });
  const single = (t: Tensor): Heads => headsOf(build, t, heads);
  const q = query.rank === 5 ? together(query, 0) : single(query);
  const rest = key === undefined ? query : key;
  if (key === undefined ? query.rank !== 5 : key.rank !== 5 && value === undefined) build.fail('invalid-model', 'keys or values are missing');
  const first = key === undefined ? 1 : 0;
  const k = rest.rank === 5 ? together(rest, first) : single(rest);
  const v = value === undefined ? together(rest, first + 1) : single(value);
  const width = mul(q.size, heads);
  // Keys and values that come by head already are not projections: no bias belongs to them.
  const plain = key?.rank === 4;
  return {
    q: { ...q, at: biased(int(0), q.size, q.at) },
    k: plain ? k : { ...k, at: biased(width, k.size, k.at) },
    v: plain ? v : { ...v, at: biased(mul(width, 2), v.size, v.at) },
  };
}

const multiHeadAttention: Operator = {
  op: 'MultiHeadAttention', domain, since: 1, arity: [1, 10], parts: [3, 4],
  lower: (build) => {
    const [bias, mask, scoreBias] = [build.optional(3), build.optional(4), build.optional(5)];
    const [pastKey, pastValue] = [build.optional(6), build.optional(7)];
    if (build.optional(8) !== undefined || build.optional(9) !== undefined) {
      build.fail('unsupported-model', 'MultiHeadAttention with a shared buffer for keys and values');
    }
    const heads = build.attributes.count('num_heads');
    const { dtype, shape: [batch = int(1)] } = build.input(0);
    const { q, k, v } = packedHeads(build, heads);
    const cached = (past: Tensor | undefined, next: Heads, output: number): Heads => {
      if (past !== undefined) return viewOf(present(build, past, next));
      return bias !== undefined || build.wants(output) ? viewOf(stored(build, dtype, batch, int(heads), next)) : next;
    };
    const query = bias === undefined ? q : viewOf(stored(build, dtype, batch, int(heads), q));
    const [key, value] = [cached(pastKey, k, 1), cached(pastValue, v, 2)];
    const { y, scores } = attend(build, {
      dtype, batch, heads: int(heads), kvHeads: int(heads), queries: q.length, keys: key.length, keySize: q.size, valueSize: v.size,
      q: query.at, k: key.at, v: value.at, scale: scaleOf(build), softcap: 0,
      masked: masking(build, { mask, bias: scoreBias, batch, shape: [batch, int(heads), q.length, key.length], before: pastKey?.shape[2] ?? int(0) }),
      ...resultLayout(batch, int(heads), q.length, v.size, true), ...(build.wants(3) ? { scores: 2 } : {}),
    });
    const whole = (of: Heads, output: number): Tensor => (build.wants(output) ? stored(build, dtype, batch, int(heads), of) : y);
    return [y, whole(key, 1), whole(value, 2), scores ?? y];
  },
};

/** An RMS norm over the features of each head, if there is a weight for it. */
function normed(build: Lowering, x: Heads, weight: Tensor | undefined, dtype: Tensor['dtype'], batch: Expr, heads: number): Heads {
  if (weight === undefined) return x;
  const { y } = normalise(build, {
    x: stored(build, dtype, batch, int(heads), x), over: [3], epsilon: build.attributes.float('qk_norm_epsilon', 1e-6), centred: false,
    value: (normal, index) => mul(normal, weight.at([index[3] ?? int(0)])),
  });
  return viewOf(y);
}

/**
 * Queries, keys and values packed by position; each batch entry has `seqlens_k` + 1 valid keys. Keys are stored rotated. Padding at the
 * end of a shorter prompt is masked by causality: its queries are garbage that nobody reads. A cache longer than the sequence (one buffer
 * for past and present) keeps its length.
 */
const groupQueryAttention: Operator = {
  op: 'GroupQueryAttention', domain, since: 1, arity: [7, 16], parts: [0, 7, 8],
  lower: (build) => {
    const { attributes } = build;
    const [first, second, third] = [build.input(0), build.optional(1), build.optional(2)];
    const [pastKey, pastValue, lengths] = [build.optional(3), build.optional(4), build.input(5)];
    const [positions, scoreBias, sinks] = [build.optional(9), build.optional(10), build.optional(11)];
    const kinds = ['k', 'v'].map((side) => build.node.attributes.get(`${side}_quant_type`)?.value ?? 'NONE');
    if ((build.optional(12) ?? build.optional(13)) !== undefined || kinds.some((kind) => kind !== 'NONE') || (pastKey ?? first).dtype !== first.dtype) {
      build.fail('unsupported-model', 'GroupQueryAttention with a quantised cache', {
        expected: first.dtype, got: pastKey?.dtype ?? 'scales or a quantised type', hint: 'export the model with a plain cache',
      });
    }
    if (attributes.int('sliding_window_cache', 0) !== 0) build.fail('unsupported-model', 'GroupQueryAttention with a window for a cache');
    const mode = build.wants(3) ? attributes.int('qk_output', 0) : undefined;
    if (mode !== undefined && mode !== 1 && mode !== 2) {
      build.fail('invalid-attribute', "attribute 'qk_output' names no scores", { expected: '1 or 2', got: String(mode) });
    }
    const [heads, kvHeads] = [attributes.count('num_heads'), attributes.count('kv_num_heads')];
    const [batch = int(1), length = int(1), width = int(1)] = first.shape;
    const size = second === undefined ? floordiv(width, heads + 2 * kvHeads) : floordiv(width, heads);
    // Without keys and values of their own the first input holds all three.
    const view = (t: Tensor | undefined, offset: number): Heads => part(t ?? first, t === undefined ? mul(size, offset) : int(0), size);
    const before = pastKey?.shape[2] ?? int(0);
    const [total = add(before, length)] = build.dims(build.input(6));
    // Valid keys of a batch entry before this call; 0 for prompts, whatever their padding.
    const past = (b: Expr): Expr => (asInt(before) === 0 ? int(0) : clamp(sub(add(toIndex(lengths.at([b])), 1), length), 0, before));
    const rotary = attributes.int('do_rotary', 0) !== 0;
    const [cos, sin] = [rotary ? build.input(7) : undefined, rotary ? build.input(8) : undefined];
    const interleaved = attributes.int('rotary_interleaved', 0) !== 0;
    if (cos !== undefined && positions !== undefined) build.within(positions, int(0), lastRow(cos));
    const position = (b: Expr, s: Expr): Expr => (positions === undefined ? add(past(b), s) : toIndex(positions.at([b, s])));
    const turn = ({ at }: Heads): HeadElement => (cos === undefined || sin === undefined ? at
      : rotate(at, angles(cos, sin, (b, s) => clampRow(position(b, s), cos), mul(cos.shape[1] ?? int(1), int(2)), interleaved)));
    const q = turn(normed(build, view(second === undefined ? undefined : first, 0), build.optional(14), first.dtype, batch, heads));
    const kNew = turn(normed(build, view(second, heads), build.optional(15), first.dtype, batch, kvHeads));
    const cache = (old: Tensor | undefined, next: HeadElement): Tensor => build.map(first.dtype, [batch, int(kvHeads), max(before, total), size],
      ([b = int(0), h = int(0), t = int(0), d = int(0)]) => {
        const from = past(b);
        const fresh = next(b, h, clamp(sub(t, from), 0, sub(length, 1)), d);
        // Only new positions change, so that a cache can be updated where it is.
        const kept = old === undefined ? constant(0, fresh.dtype) : select(lt(t, before), old.at([b, h, t, d]), constant(0, fresh.dtype));
        return select(and(ge(t, from), lt(t, add(from, length))), fresh, kept);
      });
    const [presentKey, presentValue] = [cache(pastKey, kNew), cache(pastValue, view(third, heads + kvHeads).at)];
    const window = attributes.int('local_window_size', -1);
    const causal = attributes.int('causal', 1) !== 0;
    const shape = [batch, int(heads), length, total];
    const sink = sinks !== undefined ? (h: Expr): Expr => cast(sinks.at([h]), 'float32')
      : attributes.int('smooth_softmax', 0) === 1 ? (): Expr => constant(0, 'float32') : undefined;
    const sees = (b: Expr, s: Expr, t: Expr): Expr => {
      const here = add(past(b), s);
      // Keys end before the padding of a shorter prompt; a single step has none.
      const valid = le(t, toIndex(lengths.at([b])));
      const seen = !causal ? valid : asInt(length) === 1 ? le(t, here) : and(le(t, here), valid);
      return window < 0 ? seen : and(seen, lt(sub(here, window), t));
    };
    const { y, scores } = attend(build, {
      dtype: first.dtype, batch, heads: int(heads), kvHeads: int(kvHeads), queries: length, keys: total, keySize: size, valueSize: size,
      q, k: (b, h, t, d) => presentKey.at([b, h, t, d]), v: (b, h, t, d) => presentValue.at([b, h, t, d]),
      scale: scaleOf(build), softcap: attributes.float('softcap', 0), sink,
      masked: (score, b, h, s, t) => {
        const biased = scoreBias === undefined ? score : add(score, broadcastAt(scoreBias, [b, h, s, t], shape));
        return select(sees(b, s, t), biased, constant(-Infinity, score.dtype));
      },
      ...resultLayout(batch, int(heads), length, size, true), ...(mode === undefined ? {} : { scores: mode + 1 }),
    });
    // Scores before softmax are 0 where they are masked.
    const shown = mode !== 1 || scores === undefined ? scores : build.map(first.dtype, shape, (at) => {
      const [b = int(0), , s = int(0), t = int(0)] = at;
      return select(sees(b, s, t), scores.at(at), zeroOf(first.dtype));
    });
    return [y, presentKey, presentValue, shown ?? y];
  },
};

/** Positions are one offset for all, or one for each token. */
const rotaryEmbedding: Operator = {
  op: 'RotaryEmbedding', domain, since: 1, arity: [4, 4], parts: [2, 3],
  lower: (build) => {
    const [x, positions, cos, sin] = [build.input(0), build.input(1), build.input(2), build.input(3)];
    const { attributes } = build;
    if (attributes.int('is_packed_batching', 0) !== 0) build.fail('unsupported-model', 'RotaryEmbedding of ragged batches');
    const rotated = attributes.int('rotary_embedding_dim', 0);
    const count = attributes.int('num_heads', 0);
    const half = cos.shape[1] ?? int(1);
    const heads = x.rank === 4 ? headsOf(build, x, undefined)
      : part(x, int(0), count > 0 ? floordiv(x.shape[2] ?? int(1), count) : mul(half, 2));
    const length = x.shape[x.rank - 2] ?? int(1);
    build.within(positions, int(0), positions.rank === 1 ? sub(lastRow(cos), sub(length, 1)) : lastRow(cos));
    const row = (b: Expr, s: Expr): Expr => (positions.rank === 1 ? add(toIndex(positions.at([int(0)])), s) : toIndex(positions.at([b, s])));
    const turned = rotate(heads.at, angles(
      cos, sin, (b, s) => clampRow(row(b, s), cos), rotated > 0 ? int(rotated) : mul(half, 2), attributes.int('interleaved', 0) !== 0,
    ));
    return build.map(x.dtype, x.shape, ([b = int(0), i = int(0), j = int(0), d = int(0)]) =>
      (x.rank === 4 ? turned(b, i, j, d) : turned(b, floordiv(j, heads.size), i, floormod(j, heads.size))));
  },
};

export const operators: readonly Operator[] = [attention, qAttention, multiHeadAttention, groupQueryAttention, rotaryEmbedding];
