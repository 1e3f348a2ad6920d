import { describe, expect, it, test } from 'vitest';
import { Pace, dependencies } from './program.ts';

const reads = (from: number, to: number) => ({ from, to, writes: false });
const writes = (from: number, to: number) => ({ from, to, writes: true });

describe('which step waits for which', () => {
  it('a reader for the last writer', () => expect(dependencies([[writes(0, 8)], [writes(8, 16)], [reads(0, 4)]])).toEqual([-1, -1, 0]));
  it('a writer for those who read before', () => expect(dependencies([[reads(0, 8)], [writes(4, 12)]])).toEqual([-1, 0]));
  it('a writer for the writer before', () => expect(dependencies([[writes(0, 8)], [writes(0, 8)]])).toEqual([-1, 0]));
  it('readers of one thing for nobody', () => expect(dependencies([[reads(0, 8)], [reads(0, 8)]])).toEqual([-1, -1]));
  it('neighbours for nobody', () => expect(dependencies([[writes(0, 8)], [reads(8, 16)]])).toEqual([-1, -1]));
});

/** How often of 200 runs a pace chose helpers, if runs take so long. */
function helped(alone: number, together: number): number {
  const pace = new Pace();
  let count = 0;
  for (let run = 0; run < 200; run++) {
    const helpers = pace.next();
    if (helpers) count++;
    pace.took(helpers ? together : alone, helpers);
  }
  return count;
}

test('a program that helpers slow down mostly runs alone', () => {
  expect(helped(0.1, 0.2)).toBeLessThan(20);
});

test('a program that gains by helpers mostly has them', () => {
  expect(helped(2, 1.1)).toBeGreaterThan(180);
});

test('a long program has helpers from its second run on', () => {
  expect(helped(20, 10)).toBe(200);
});
