/** Attention and rotary embeddings of ONNX opset 23 and 24, and the grouped-query attention of onnxruntime's exporters. */
import { type Expr, add, asInt, constant, floordiv, floormod, int, le, lt, mul, select, sub } from '../../jit/expr/expr.ts';
import { type HeadElement, type Rotary, applyMask, attend, headsOf, rotate } from './attend.ts';
import { clamp, toIndex } from './math.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';

const headCount = (build: Lowering, name: string): number | undefined => (build.attributes.has(name) ? build.attributes.int(name) : undefined);

/** Earlier entries followed by new ones, by head. */
function present(build: Lowering, past: Tensor, next: ReturnType<typeof headsOf>): Tensor {
  const [batch = int(1), heads = int(1), before = int(0), size = int(1)] = past.shape;
  return build.map(past.dtype, [batch, heads, add(before, next.length), size], ([b = int(0), h = int(0), s = int(0), d = int(0)]) =>
    select(lt(s, before), past.at([b, h, s, d]), next.at(b, h, sub(s, before), d)));
}

const attention: Operator = {
  op: 'Attention', domain: '', since: 23, arity: [3, 7],
  lower: (build) => {
    const [q, kNew, vNew] = [build.input(0), build.input(1), build.input(2)];
    const [mask, pastKey, pastValue, lengths] = [build.optional(3), build.optional(4), build.optional(5), build.optional(6)];
    const { attributes } = build;
    const query = headsOf(build, q, headCount(build, 'q_num_heads'));
    const [newKeys, newValues] = [kNew, vNew].map((t) => headsOf(build, t, headCount(build, 'kv_num_heads')));
    if (newKeys === undefined || newValues === undefined) return build.fail('internal', 'Attention lost an input');
    const keyCache = pastKey === undefined ? undefined : present(build, pastKey, newKeys);
    const valueCache = pastValue === undefined ? undefined : present(build, pastValue, newValues);
    const [key, value] = [keyCache === undefined ? newKeys : headsOf(build, keyCache, undefined), valueCache === undefined ? newValues : headsOf(build, valueCache, undefined)];
    const before = pastKey?.shape[2] ?? int(0);
    const causal = attributes.int('is_causal', 0) !== 0;
    const size = asInt(query.size);
    const scale = attributes.has('scale') ? attributes.float('scale') : size === undefined ? 1 : 1 / Math.sqrt(size);
    const shape = [q.shape[0] ?? int(1), query.heads, query.length, key.length];
    const masked = (score: Expr, b: Expr, h: Expr, s: Expr, t: Expr): Expr => {
      const gone = constant(-Infinity, score.dtype);
      let result = mask === undefined ? score : applyMask(mask, score, [b, h, s, t], shape);
      if (causal) result = select(le(t, add(s, before)), result, gone);
      return lengths === undefined ? result : select(lt(t, toIndex(lengths.at([b]))), result, gone);
    };
    const packed = q.rank === 3;
    const { y, scores } = attend(build, {
      dtype: q.dtype, batch: q.shape[0] ?? int(1), heads: query.heads, kvHeads: key.heads, queries: query.length, keys: key.length,
      keySize: key.size, valueSize: value.size, q: query.at, k: key.at, v: value.at, scale, softcap: attributes.float('softcap', 0), masked,
      ...resultLayout(q.shape[0] ?? int(1), query.heads, query.length, value.size, packed),
      ...(build.wants(3) ? { scores: attributes.int('qk_matmul_output_mode', 0) } : {}),
    });
    const byHead = (t: ReturnType<typeof headsOf>, dtype: Tensor['dtype']): Tensor =>
      build.map(dtype, [q.shape[0] ?? int(1), t.heads, t.length, t.size], ([b = int(0), h = int(0), s = int(0), d = int(0)]) => t.at(b, h, s, d));
    const keysOut = keyCache ?? (build.wants(1) ? byHead(key, kNew.dtype) : undefined);
    const valuesOut = valueCache ?? (build.wants(2) ? byHead(value, vNew.dtype) : undefined);
    // What nobody wants is filled up with the result itself: it goes nowhere.
    return [y, keysOut ?? y, valuesOut ?? y, scores ?? y];
  },
};

/** [B, H, S, D], or [B, S, H * D] where the queries came so. */
function resultLayout(batch: Expr, heads: Expr, queries: Expr, size: Expr, packed: boolean): {
  shape: readonly Expr[]; index: (b: Expr, h: Expr, s: Expr, d: Expr) => readonly Expr[];
} {
  return packed
    ? { shape: [batch, queries, mul(heads, size)], index: (b, h, s, d) => [b, s, add(mul(h, size), d)] }
    : { shape: [batch, heads, queries, size], index: (b, h, s, d) => [b, h, s, d] };
}

/** Cosines and sines by position: rows of a cache looked up by position ids, or one for each token already. */
function angles(cos: Tensor, sin: Tensor, at: (batch: Expr, position: Expr) => Expr | undefined, rotated: Expr, interleaved: boolean): Rotary {
  const of = (table: Tensor) => (b: Expr, s: Expr, pair: Expr): Expr => {
    const row = at(b, s);
    return row === undefined ? table.at([b, s, pair]) : table.at([row, pair]);
  };
  return { cos: of(cos), sin: of(sin), rotated, interleaved };
}

const rotaryEmbedding: Operator = {
  op: 'RotaryEmbedding', domain: '', since: 23, arity: [3, 4],
  lower: (build) => {
    const [x, cos, sin, positions] = [build.input(0), build.input(1), build.input(2), build.optional(3)];
    const heads = headsOf(build, x, headCount(build, 'num_heads'));
    const asked = build.attributes.int('rotary_embedding_dim', 0);
    const turned = rotate(heads.at, angles(
      cos, sin, (b, s) => (positions === undefined ? undefined : clampRow(toIndex(positions.at([b, s])), cos)),
      asked === 0 ? heads.size : int(asked), build.attributes.int('interleaved', 0) !== 0,
    ));
    return build.map(x.dtype, x.shape, (index) => {
      const [b = int(0), i = int(0), j = int(0), d = int(0)] = index;
      return x.rank === 4 ? turned(b, i, j, d) : turned(b, floordiv(j, heads.size), i, floormod(j, heads.size));
    });
  },
};

const clampRow = (row: Expr, table: Tensor): Expr => clamp(row, 0, sub(table.shape[0] ?? int(1), 1));

/**
 * Queries, keys and values packed by position; each batch entry has `seqlens_k` + 1 valid keys. Keys are stored rotated. Padding at the
 * end of a shorter prompt is masked by causality: its queries are garbage that nobody reads.
 */
const groupQueryAttention: Operator = {
  op: 'GroupQueryAttention', domain: 'com.microsoft', since: 1, arity: [7, 14],
  lower: (build) => {
    const { attributes } = build;
    const [first, second, third] = [build.input(0), build.optional(1), build.optional(2)];
    const [heads, kvHeads] = [attributes.int('num_heads'), attributes.int('kv_num_heads')];
    for (const [k, what] of [[10, 'an attention bias'], [11, 'head sinks']] as const) {
      if (build.optional(k) !== undefined) build.fail('unsupported-model', `GroupQueryAttention with ${what}`);
    }
    const [batch = int(1), length = int(1), width = int(1)] = first.shape;
    const size = second === undefined ? floordiv(width, heads + 2 * kvHeads) : floordiv(width, heads);
    // Without keys and values of their own the first input holds all three.
    const view = (t: Tensor | undefined, offset: number): HeadElement => (b, h, s, d) => (t === undefined
      ? first.at([b, s, add(mul(add(h, offset), size), d)]) : t.at([b, s, add(mul(h, size), d)]));
    const [qRaw, kRaw, vNew] = [view(second === undefined ? undefined : first, 0), view(second, heads), view(third, heads + kvHeads)];
    const [pastKey, pastValue, lengths] = [build.optional(3), build.optional(4), build.input(5)];
    const before = pastKey?.shape[2] ?? int(0);
    // Valid keys of a batch entry before this call; 0 for prompts, whatever their padding.
    const past = (b: Expr): Expr => (asInt(before) === 0 ? int(0) : clamp(sub(add(toIndex(lengths.at([b])), 1), length), 0, before));
    const rotary = attributes.int('do_rotary', 0) !== 0;
    const [cos, sin] = rotary ? [build.input(7), build.input(8)] : [undefined, undefined];
    const turn = (x: HeadElement): HeadElement => (cos === undefined || sin === undefined ? x
      : rotate(x, angles(cos, sin, (b, s) => clampRow(add(past(b), s), cos), mul(cos.shape[1] ?? int(1), int(2)), attributes.int('rotary_interleaved', 0) !== 0)));
    const [q, kNew] = [turn(qRaw), turn(kRaw)];
    const keys = add(before, length);
    const cache = (old: Tensor | undefined, next: HeadElement): Tensor => build.map(first.dtype, [batch, int(kvHeads), keys, size], ([b = int(0), h = int(0), t = int(0), d = int(0)]) => {
      const from = past(b);
      const fresh = next(b, h, clamp(sub(t, from), 0, sub(length, 1)), d);
      return old === undefined ? fresh : select(lt(t, from), old.at([b, h, t, d]), fresh);
    });
    const [presentKey, presentValue] = [cache(pastKey, kNew), cache(pastValue, vNew)];
    const window = attributes.int('local_window_size', -1);
    const fixed = asInt(size);
    const given = attributes.float('scale', 0);
    const { y } = attend(build, {
      dtype: first.dtype, batch, heads: int(heads), kvHeads: int(kvHeads), queries: length, keys, keySize: size, valueSize: size,
      q, k: (b, h, t, d) => presentKey.at([b, h, t, d]), v: (b, h, t, d) => presentValue.at([b, h, t, d]),
      scale: given !== 0 ? given : fixed === undefined ? 1 : 1 / Math.sqrt(fixed), softcap: attributes.float('softcap', 0),
      masked: (score, b, _, s, t) => {
        const gone = constant(-Infinity, score.dtype);
        const here = add(past(b), s);
        const causal = select(le(t, here), score, gone);
        return window < 0 ? causal : select(lt(sub(here, window), t), causal, gone);
      },
      ...resultLayout(batch, int(heads), length, size, true),
    });
    return [y, presentKey, presentValue];
  },
};

export const operators: readonly Operator[] = [attention, rotaryEmbedding, groupQueryAttention];
