import { describe, expect, it } from 'vitest';
import { elementsOf, f32, runOp } from './testing/run-op.ts';

const count = 4000;
const line = f32([count], new Array<number>(count).fill(0.25));
const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;
const spread = (of: readonly number[]): number => Math.sqrt(mean(of.map((v) => (v - mean(of)) ** 2)));

describe('random numbers', () => {
  it('RandomUniform fills its range evenly', () => {
    const got = elementsOf('RandomUniform', [], { attributes: { shape: [count], low: -1, high: 3 } });
    expect(mean(got)).toBeCloseTo(1, 1);
    expect(spread(got)).toBeCloseTo(4 / Math.sqrt(12), 1);
    expect([Math.min(...got) >= -1, Math.max(...got) < 3]).toEqual([true, true]);
  });
  it('RandomNormalLike has the mean and the deviation asked for', () => {
    const got = elementsOf('RandomNormalLike', [line], { attributes: { mean: 5, scale: 2 } });
    expect(mean(got)).toBeCloseTo(5, 0);
    expect(spread(got)).toBeCloseTo(2, 0);
  });
  it('Bernoulli says yes as often as it is told', () => expect(mean(elementsOf('Bernoulli', [line]))).toBeCloseTo(0.25, 1));
  it('Multinomial takes classes by their weight', () => {
    const got = elementsOf('Multinomial', [f32([1, 3], [Math.log(0.2), Math.log(0.3), Math.log(0.5)])], { attributes: { sample_size: count } });
    expect([0, 1, 2].map((c) => Math.round(10 * mean(got.map((v) => Number(v === c)))))).toEqual([2, 3, 5]);
  });
  it('come again with the same seed and change with another', () => {
    const draw = (seed: number): unknown => runOp('RandomUniform', [], { attributes: { shape: [4], seed: { float: seed } } });
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });
});
