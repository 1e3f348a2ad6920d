/** Attention and rotary embeddings of ONNX opset 23 and 24. */
import { type Expr, add, constant, floordiv, floormod, int, le, lt, mul, select, sub } from '../../jit/expr/expr.ts';
import { type HeadElement, type Rotary, applyMask, attend, headsOf, rotate } from './attend.ts';
import { clamp, lastRow, toIndex } from './math.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';

const headCount = (build: Lowering, name: string): number | undefined => (build.attributes.has(name) ? build.attributes.count(name) : undefined);

/** Earlier entries followed by new ones, by head. */
export function present(build: Lowering, past: Tensor, next: { readonly at: HeadElement; readonly length: Expr }): Tensor {
  const [batch = int(1), heads = int(1), before = int(0), size = int(1)] = past.shape;
  return build.map(past.dtype, [batch, heads, add(before, next.length), size], ([b = int(0), h = int(0), s = int(0), d = int(0)]) =>
    select(lt(s, before), past.at([b, h, s, d]), next.at(b, h, sub(s, before), d)));
}

/** No scale, or 0, asks for the usual one. */
export const scaleOf = (build: Lowering): number | undefined => build.attributes.float('scale', 0) || undefined;

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
    const key = keyCache === undefined ? newKeys : headsOf(build, keyCache, undefined);
    const value = valueCache === undefined ? newValues : headsOf(build, valueCache, undefined);
    const before = pastKey?.shape[2] ?? int(0);
    // How many keys a query sees before and after its own place; -1 is all.
    const [left, right] = [attributes.int('left_window_size', -1), attributes.int('is_causal', 0) !== 0 ? 0 : attributes.int('right_window_size', -1)];
    const shape = [q.shape[0] ?? int(1), query.heads, query.length, key.length];
    if (lengths !== undefined) build.within(lengths, int(0), key.length);
    const masked = (score: Expr, b: Expr, h: Expr, s: Expr, t: Expr): Expr => {
      const gone = constant(-Infinity, score.dtype);
      let result = mask === undefined ? score : applyMask(mask, score, [b, h, s, t], shape);
      // The last query stands at the last valid key.
      const offset = lengths === undefined ? before : sub(toIndex(lengths.at([b])), query.length);
      if (right >= 0) result = select(le(t, add(add(s, offset), right)), result, gone);
      if (left >= 0) result = select(le(sub(add(s, offset), left), t), result, gone);
      return lengths === undefined ? result : select(lt(t, toIndex(lengths.at([b]))), result, gone);
    };
    const packed = q.rank === 3;
    const { y, scores } = attend(build, {
      dtype: q.dtype, batch: q.shape[0] ?? int(1), heads: query.heads, kvHeads: key.heads, queries: query.length, keys: key.length,
      keySize: key.size, valueSize: value.size, q: query.at, k: key.at, v: value.at, scale: scaleOf(build), softcap: attributes.float('softcap', 0), masked,
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
export function resultLayout(batch: Expr, heads: Expr, queries: Expr, size: Expr, packed: boolean): {
  shape: readonly Expr[]; index: (b: Expr, h: Expr, s: Expr, d: Expr) => readonly Expr[];
} {
  return packed
    ? { shape: [batch, queries, mul(heads, size)], index: (b, h, s, d) => [b, s, add(mul(h, size), d)] }
    : { shape: [batch, heads, queries, size], index: (b, h, s, d) => [b, h, s, d] };
}

/** Cosines and sines by position: rows of a cache looked up by position ids, or one for each token already. */
export function angles(cos: Tensor, sin: Tensor, at: (batch: Expr, position: Expr) => Expr | undefined, rotated: Expr, interleaved: boolean): Rotary {
  const of = (table: Tensor) => (b: Expr, s: Expr, pair: Expr): Expr => {
    const row = at(b, s);
    return row === undefined ? table.at([b, s, pair]) : table.at([row, pair]);
  };
  return { cos: of(cos), sin: of(sin), rotated, interleaved };
}

const rotaryEmbedding: Operator = {
  op: 'RotaryEmbedding', domain: '', since: 23, arity: [3, 4], parts: [1, 2],
  lower: (build) => {
    const [x, cos, sin, positions] = [build.input(0), build.input(1), build.input(2), build.optional(3)];
    const heads = headsOf(build, x, headCount(build, 'num_heads'));
    const asked = build.attributes.int('rotary_embedding_dim', 0);
    if (positions !== undefined) build.within(positions, int(0), lastRow(cos));
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

export const clampRow = (row: Expr, table: Tensor): Expr => clamp(row, 0, lastRow(table));

export const operators: readonly Operator[] = [attention, rotaryEmbedding];
