import { describe, expect, it } from 'vitest';
import { prioritise } from './priorities.ts';

describe('what to tune first', () => {
  it('is what can save most', () => {
    const shares = prioritise([
      { key: 'small', ns: 10, roofline: 5, schedules: 20 },
      { key: 'large and slow', ns: 100, roofline: 55, schedules: 20 },
      { key: 'largest, but at its roof', ns: 500, roofline: 490, schedules: 20 },
    ]);
    expect(shares.map((s) => s.key)).toEqual(['large and slow', 'largest, but at its roof', 'small']);
    expect(shares.map((s) => Math.round(s.gain))).toEqual([45, 10, 5]);
  });

  it('leaves out what has one schedule, or a finished search behind it', () => {
    expect(prioritise([
      { key: 'a', ns: 10, roofline: 0, schedules: 1 }, { key: 'b', ns: 10, roofline: 0, schedules: 9, known: 'finished' },
    ])).toEqual([]);
  });

  it('gives an unfinished search a quarter of the weight', () => {
    const [first, second] = prioritise([
      { key: 'a', ns: 10, roofline: 0, schedules: 9, known: 'unfinished' }, { key: 'b', ns: 10, roofline: 0, schedules: 9 },
    ]);
    expect([first, second]).toEqual([{ key: 'b', gain: 5 }, { key: 'a', gain: 1.25 }]);
  });
});
