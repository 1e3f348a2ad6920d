import { describe, expect, it } from 'vitest';
import { f32, runOp, type OpOptions } from './testing/run-op.ts';

const elements = (op: string, inputs: Parameters<typeof runOp>[1], options: OpOptions): unknown =>
  runOp(op, inputs, { opset: 27, outputs: 2, ...options }).map((r) => r.elements);

describe('CausalConvWithState', () => {
  const kernel = f32([1, 1, 2], [10, 1]);
  it('begins with zeros and hands on its last inputs', () => expect(elements('CausalConvWithState', [f32([1, 1, 3], [1, 2, 3]), kernel], {})).toEqual([[1, 12, 23], [3]]));
  it('goes on from a past', () => expect(elements('CausalConvWithState', [f32([1, 1, 1], [4]), kernel, f32([1], [100]), f32([1, 1, 1], [3])], {})).toEqual([[134], [4]]));
});

describe('LinearAttention', () => {
  const [q, k, v] = [f32([1, 2, 1], [1, 2]), f32([1, 2, 1], [1, 3]), f32([1, 2, 1], [5, 7])];
  const heads = { q_num_heads: 1, kv_num_heads: 1 };
  it('adds keys times values', () => expect(elements('LinearAttention', [q, k, v], { attributes: { ...heads, update_rule: 'linear' } })).toEqual([[5, 52], [26]]));
  it('lets the state decay', () =>
    expect(elements('LinearAttention', [q, k, v, undefined, f32([1, 2, 1], [0, Math.log(2)])], { attributes: { ...heads, update_rule: 'gated' } })).toEqual([[5, 62], [31]]));
  it('writes only what the state does not say yet', () =>
    expect(elements('LinearAttention', [q, k, v, undefined, undefined, f32([1, 2, 1], [1, 0.5])], { attributes: { ...heads, update_rule: 'delta' } }))
      .toEqual([[5, -14], [-7]]));
  it('names the input that its rule needs', () =>
    expect(() => elements('LinearAttention', [q, k, v], { attributes: { ...heads } })).toThrow(/update rule 'gated_delta' needs decay/));
});
