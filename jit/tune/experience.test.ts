import { describe, expect, it } from 'vitest';
import type { Schedule, Space } from '../space.ts';
import { Experience } from './experience.ts';
import type { Measurement } from './records.ts';

const space: Space = { emitter: 'gemm', version: 1, knobs: [], constraints: [], fallback: {} };
const timed = (mr: number, ns: number, part?: true): Measurement =>
  ({ schedule: { mr }, verdict: 'slower', ns, samples: 3, ...(part === undefined ? {} : { part }) });
const schedules: readonly Schedule[] = [1, 2, 3, 4].map((mr) => ({ mr }));
const order = (experience: Experience, of = space): (number | undefined)[] => experience.ordered(of, schedules).map((s) => s['mr']);

describe('experience', () => {
  it('leaves the order alone where nothing is known', () => {
    expect(order(new Experience())).toEqual([1, 2, 3, 4]);
  });

  it('puts what was near the best first, what was never tried next, what was slow last', () => {
    const experience = new Experience();
    experience.add('gemm', [timed(1, 200), timed(3, 105), timed(4, 100)]);
    expect(order(experience)).toEqual([4, 3, 2, 1]);
  });

  it('averages over kernels, each by its own best', () => {
    const experience = new Experience();
    experience.add('gemm', [timed(1, 1000), timed(2, 1500), timed(3, 1100)]);
    experience.add('gemm', [timed(1, 3), timed(2, 2), timed(3, 2.1)]);
    expect(order(experience)).toEqual([3, 4, 1, 2]);
  });

  it('does not mix times of slices with those of whole kernels', () => {
    const experience = new Experience();
    experience.add('gemm', [timed(1, 1000), timed(2, 1010), timed(3, 10, true), timed(4, 30, true)]);
    expect(order(experience)).toEqual([1, 3, 2, 4]);
  });

  it('keeps emitters apart', () => {
    const experience = new Experience();
    experience.add('rows', [timed(4, 1), timed(1, 9)]);
    expect(order(experience)).toEqual([1, 2, 3, 4]);
  });
});
