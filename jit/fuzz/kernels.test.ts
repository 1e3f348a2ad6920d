/** The short run of kernel fuzzing; scripts/fuzz.mjs runs more (docs/fuzzing.md). A failure names its seed. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../device.ts';
import { Choices } from './choices.ts';
import { cpu, piecesOn } from './devices.ts';
import { fuzzKernel } from './kernels.ts';
import { shrink } from './shrink.ts';

async function failures(device: Device, first: number, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const { failure } = await fuzzKernel(new Choices(seed), device, { pieces: piecesOn(device) });
    if (failure !== undefined) found.push(`seed ${seed}: ${failure.what}\n${failure.kernel}`);
  }
  await device.dispose();
  return found;
}

describe('random kernels: every schedule gives the same bits, near the reference', { timeout: 120_000 }, () => {
  it('mul+add', async () => { expect(await failures(await cpu({ fma: false }), 1, 150)).toEqual([]); });
  it('fused', async () => { expect(await failures(await cpu({ fma: true }), 501, 120)).toEqual([]); });
});

describe('choices', () => {
  it('the same seed takes the same', () => {
    const draw = (): number[] => {
      const c = new Choices(7);
      return [c.below(10), c.int(5, 9), Number(c.chance(50)), c.pick([1, 2, 3])];
    };
    expect(draw()).toEqual(draw());
  });
  it('what was taken can be replayed, and goes on with zeros', () => {
    const c = new Choices(7);
    const first = [c.below(1000), c.below(1000)];
    const again = new Choices(c.taken);
    expect([again.below(1000), again.below(1000), again.below(1000)]).toEqual([...first, 0]);
  });
  it('shrinking finds the smallest list that fails', async () => {
    const fails = (list: readonly number[]): Promise<boolean> => Promise.resolve(list.some((v) => v >= 17));
    expect(await shrink([3, 99, 0, 45, 8, 1], fails)).toEqual([17]);
  });
});
