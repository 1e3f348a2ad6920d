/** Sequences of different lengths in one quantised recurrence; what a batch gives is compared with onnxruntime's result. */
import { describe, expect, it } from 'vitest';
import { f32, runOp, tensor } from './testing/run-op.ts';

/** Both directions over 3 steps of as many sequences as there are lengths. */
function lstm(x: readonly number[], lengths: readonly number[] | undefined, batch: number): ReturnType<typeof runOp> {
  const weights = (elements: readonly number[]) => tensor('int8', [2, 1, 4], elements);
  const [scale, zero] = [(s: number) => f32([2], [s, s]), tensor('int8', [2], [0, 0])];
  return runOp('DynamicQuantizeLSTM', [
    f32([x.length / batch, batch, 1], x), weights([10, 20, -10, 30, 5, -5, 20, 10]), weights([20, -20, 10, 10, -10, 20, 10, 30]), undefined,
    lengths === undefined ? undefined : tensor('int32', [batch], lengths), undefined, undefined, undefined, scale(0.05), zero, scale(0.1), zero,
  ], { domain: 'com.microsoft', opset: 1, outputs: 3, attributes: { hidden_size: 1, direction: 'bidirectional' } });
}

describe('DynamicQuantizeLSTM with sequence lengths', () => {
  it('gives what the shorter sequence alone gives, and zeros', () => {
    const [[y, ...states], [alone, ...last]] = [lstm([1, 0.5, -9], [2], 1), lstm([1, 0.5], undefined, 1)];
    expect(y?.elements).toEqual([...alone?.elements ?? [], 0, 0]);
    expect(states).toEqual(last);
  });

  it('ends each sequence of a batch by itself', () => {
    expect(lstm([1, -1, 0.5, 2, -2, 3], [1, 2], 2).map((r) => r.elements)).toEqual([
      [0.373212, -0.0884874, 0.111251, 0.091554, 0, 0.48532, 0, 0.166675, 0, 0, 0, 0],
      [0.373212, 0.48532, 0.111251, 0.091554], [0.563418, 0.604611, 0.259791, 0.143623],
    ]);
  });

  it('refuses a length beyond the steps', () => expect(() => lstm([1, 0.5, 2], [4], 1)).toThrow(/index.*out of range/));
});
