import { describe, expect, it } from 'vitest';
import type { View } from '../../device.ts';
import { LinearMemory } from './memory.ts';
import { zeroBytes } from './zero-page.ts';

describe('linear memory', () => {
  it('hands out what does not overlap, in multiples of 64 bytes', () => {
    const m = new LinearMemory(2 ** 22);
    const all = [1, 64, 65, 1000].map((n) => m.allocate(n));
    expect(all.map((r) => r.start - zeroBytes)).toEqual([0, 64, 128, 256]);
  });
  it('gives released gaps again, joined with their neighbours', () => {
    const m = new LinearMemory(2 ** 22);
    const [a, b, c] = [m.allocate(64), m.allocate(64), m.allocate(64)];
    m.allocate(64);
    for (const r of [a, c, b]) m.release(r);
    expect(m.allocate(192).start).toBe(a.start);
  });
  it('counts what is used and the most that ever was', () => {
    const m = new LinearMemory(2 ** 22);
    const r = m.allocate(100);
    m.release(r);
    m.allocate(10);
    expect([m.used, m.peak]).toEqual([64, 128]);
  });
  it('grows, and keeps contents', () => {
    const m = new LinearMemory(2 ** 26);
    const small: View = { region: m.allocate(64), offset: 0, bytes: 64 };
    m.bytesOf(small).fill(7);
    const large = m.allocate(2 ** 25);
    expect(large.start + large.bytes).toBeLessThanOrEqual(m.bytes.byteLength - 65536);
    expect(m.bytesOf(small)[63]).toBe(7);
  });
  it('a full memory says how full', () => {
    const m = new LinearMemory(2 ** 20);
    expect(() => m.allocate(2 ** 24)).toThrow(/the memory of the CPU device is full\n {2}expected: 16 MiB more\n {2}got: 0 MiB in use of at most 2 MiB/);
  });
  it('a released region cannot be used', () => {
    const m = new LinearMemory(2 ** 20);
    const region = m.allocate(64);
    m.release(region);
    expect(() => m.address({ region, offset: 0, bytes: 64 })).toThrow('a region is used after its release');
  });
  it('views stay inside their region', () => {
    const m = new LinearMemory(2 ** 20);
    expect(() => m.address({ region: m.allocate(64), offset: 64, bytes: 64 })).toThrow('a view does not fit its region');
  });
});
