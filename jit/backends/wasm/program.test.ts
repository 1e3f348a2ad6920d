import { describe, expect, it } from 'vitest';
import { dependencies } from './program.ts';

const reads = (from: number, to: number) => ({ from, to, writes: false });
const writes = (from: number, to: number) => ({ from, to, writes: true });

describe('which step waits for which', () => {
  it('a reader for the last writer', () => expect(dependencies([[writes(0, 8)], [writes(8, 16)], [reads(0, 4)]])).toEqual([-1, -1, 0]));
  it('a writer for those who read before', () => expect(dependencies([[reads(0, 8)], [writes(4, 12)]])).toEqual([-1, 0]));
  it('a writer for the writer before', () => expect(dependencies([[writes(0, 8)], [writes(0, 8)]])).toEqual([-1, 0]));
  it('readers of one thing for nobody', () => expect(dependencies([[reads(0, 8)], [reads(0, 8)]])).toEqual([-1, -1]));
  it('neighbours for nobody', () => expect(dependencies([[writes(0, 8)], [reads(8, 16)]])).toEqual([-1, -1]));
});
