/** Scores that attention of com.microsoft hands out, as onnxruntime does. */
import { describe, expect, it } from 'vitest';
import { type AttributeValue, f32, runOp, tensor } from './testing/run-op.ts';

// One head of one feature: scores are products, 3, 5, 6 and 10.
const [q, k, v] = [f32([1, 2, 1], [1, 2]), f32([1, 2, 1], [3, 5]), f32([1, 2, 1], [1, 1])];
const scores = (op: string, inputs: Parameters<typeof runOp>[1], attributes: Record<string, AttributeValue> = {}): unknown =>
  runOp(op, [q, k, v, ...inputs], { domain: 'com.microsoft', opset: 1, outputs: 4, attributes: { num_heads: 1, ...attributes } })[3];
const lowest = Number((-3.4028234663852886e38).toPrecision(6));

describe('MultiHeadAttention hands out scores', () => {
  const of = (elements: readonly number[]): unknown => ({ dims: [1, 1, 2, 2], elements });
  it('with their scale', () => expect(scores('MultiHeadAttention', [], { scale: 0.5 })).toEqual(of([1.5, 2.5, 3, 5])));
  it('with bias and flags', () => expect(scores('MultiHeadAttention', [undefined, tensor('int32', [1, 2], [1, 0]), f32([1, 1, 2, 2], [1, 2, 3, 4])]))
    .toEqual(of([4, -9993, 9, -9986])));
  it('with the lowest number for keys to come', () =>
    expect(scores('MultiHeadAttention', [], { unidirectional: 1 })).toEqual(of([3, lowest, 6, 10])));
});

describe('GroupQueryAttention hands out scores', () => {
  const last = [undefined, undefined, tensor('int32', [1], [1]), tensor('int32', [1], [2])];
  const of = (attributes: Record<string, AttributeValue>): unknown => scores('GroupQueryAttention', last, { kv_num_heads: 1, ...attributes });
  it('before softmax, 0 where they are masked', () => expect(of({ qk_output: 1 })).toEqual({ dims: [1, 1, 2, 2], elements: [3, 0, 6, 10] }));
  it('in a window', () => expect(of({ qk_output: 1, local_window_size: 1 })).toEqual({ dims: [1, 1, 2, 2], elements: [3, 0, 0, 10] }));
  it('after softmax', () => expect(of({ qk_output: 2 })).toEqual({ dims: [1, 1, 2, 2], elements: [1, 0, 0.0179862, 0.982014] }));
  it('which the model must name', () =>
    expect(() => of({})).toThrow("'qk_output' names no scores\n  expected: 1 or 2\n  got: 0"));
});

describe('GroupQueryAttention with a quantised cache is refused', () => {
  const [length, scale] = [[tensor('int32', [1], [2]), tensor('int32', [1], [3])], f32([1], [1])];
  const blank = (n: number): undefined[] => new Array<undefined>(n).fill(undefined);
  const cache = (dtype: 'int8' | 'float32') => [tensor(dtype, [1, 1, 1, 1], [1]), tensor(dtype, [1, 1, 1, 1], [1])];
  it.each([
    ['that has scales', [...cache('int8'), ...length, ...blank(5), scale, scale], { k_quant_type: 'PER_TENSOR', v_quant_type: 'PER_TENSOR' }],
    ['that begins empty', [undefined, undefined, ...length], { k_quant_type: 'PER_CHANNEL' }],
    ['of integers', [...cache('int8'), ...length], {}],
  ])('%s', (_, inputs, attributes) =>
    expect(() => scores('GroupQueryAttention', inputs, { kv_num_heads: 1, ...attributes }))
      .toThrow(/with a quantised cache\n {2}expected: float32\n {2}got: .*\n {2}hint: /));
  it('but a plain one whose width is named is not', () => expect(() =>
    scores('GroupQueryAttention', [...cache('float32'), ...length], { kv_num_heads: 1, kv_cache_bit_width: 8, qk_output: 1 })).not.toThrow());
});
