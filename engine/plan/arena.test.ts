import { describe, expect, it } from 'vitest';
import { type Request, packOffsets, packRegions } from './arena.ts';

const chain: Request[] = Array.from({ length: 10 }, (_, i) => ({ id: i, bytes: 1000, first: i, last: i + 1 }));

function random(seed: number): Request[] {
  let state = seed;
  const next = (n: number): number => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor((state / 2147483648) * n); };
  return Array.from({ length: 60 }, (_, id) => {
    const first = next(40);
    return { id, bytes: next(5000), first, last: first + next(6) };
  });
}
const clash = (a: Request, b: Request): boolean => a.first <= b.last && b.first <= a.last;

describe('arena', () => {
  it('a chain of equal tensors needs two of them', () => expect(packOffsets(chain, 64).total).toBe(2048));
  it('tensors that live together never overlap', () => {
    for (let seed = 1; seed < 20; seed++) {
      const requests = random(seed);
      const { at, total } = packOffsets(requests, 64);
      const broken = requests.flatMap((a, i) => requests.slice(i + 1).filter((b) => {
        const [x, y] = [at.get(a.id) ?? -1, at.get(b.id) ?? -1];
        return clash(a, b) && x < y + b.bytes && y < x + a.bytes;
      }));
      expect(broken).toEqual([]);
      expect(requests.every((r) => (at.get(r.id) ?? 0) % 64 === 0 && (at.get(r.id) ?? 0) + r.bytes <= total)).toBe(true);
    }
  });
  it('is within a third of the lower bound on random lifetimes', () => {
    for (let seed = 1; seed < 20; seed++) {
      const requests = random(seed);
      const bound = Math.max(...Array.from({ length: 50 }, (_, step) =>
        requests.filter((r) => r.first <= step && step <= r.last).reduce((n, r) => n + Math.max(64, Math.ceil(r.bytes / 64) * 64), 0)));
      expect(packOffsets(requests, 64).total).toBeLessThanOrEqual(bound * 1.33);
    }
  });
  it('regions are shared only by tensors that do not live together', () => {
    const requests = random(3);
    const { region, sizes } = packRegions(requests);
    for (const a of requests) {
      expect(sizes[region.get(a.id) ?? 0]).toBeGreaterThanOrEqual(a.bytes);
      for (const b of requests) if (a !== b && clash(a, b)) expect(region.get(a.id)).not.toBe(region.get(b.id));
    }
  });
});
