import { describe, expect, it } from 'vitest';
import { constant, load, mul, symbol, variable } from '../expr/expr.ts';
import { makeKernel, stridesOf } from '../kernel.ts';
import type { Space } from '../space.ts';
import {
  type Measurement,
  type Records,
  type TuneRecord,
  bucketOf,
  exportRecords,
  importRecords,
  mergeRecords,
  noRecords,
  parseRecords,
  recordKey,
  recordsVersion,
  usable,
} from './records.ts';

const space: Space = {
  emitter: 'gemm',
  version: 3,
  knobs: [{ name: 'mr', values: [4, 5, 6] }],
  fallback: { mr: 4 },
  constraints: [{ name: 'tile fits in registers', holds: (s) => (s['mr'] ?? 0) <= 5 }],
};
const key = '0123456789abcdef';
const tried = (mr: number, verdict: Measurement['verdict'], ns?: number): Measurement => ({
  schedule: { mr },
  verdict,
  samples: 6,
  ...(ns === undefined ? {} : { ns }),
});
const record = (more: Partial<TuneRecord> = {}): TuneRecord => ({
  key,
  emitter: 'gemm',
  version: 3,
  kind: 'contraction',
  bucket: '1',
  winner: { mr: 5 },
  ns: 100,
  finished: true,
  at: 1000,
  checked: true,
  tried: [tried(5, 'winner', 100), tried(4, 'slower', 130)],
  ...more,
});
const records = (...all: readonly TuneRecord[]): Records => ({
  ...noRecords('chrome 156'),
  entries: Object.fromEntries(all.map((r) => [r.key, r])),
});

describe('buckets', () => {
  it.each([
    [0, '0'],
    [1, '1'],
    [2, '2-4'],
    [4, '2-4'],
    [5, '5-16'],
    [64, '17-64'],
    [65, '65-256'],
    [300, '257-1024'],
    [5000, '4097+'],
  ])('%d is in %s', (dim, bucket) => {
    expect(bucketOf(dim)).toBe(bucket);
  });
});

describe('keys', () => {
  const n = symbol('N', 1);
  const i = variable('i', n);
  const kernelTimes = (factor: number) => {
    const shape = [n];
    const args = (['read', 'write'] as const).map((access) => ({ dtype: 'float32' as const, shape, strides: stridesOf(shape), access }));
    return makeKernel(
      { kind: 'map', axes: [i], store: { tensor: 1, index: [i], value: mul(load(0, 'float32', [i]), constant(factor, 'float32')) } },
      args,
      { fma: false, precision: 'exact' },
    ).kernel;
  };
  const base = recordKey(kernelTimes(2), space, [100], 'chrome 156');

  it('is 16 hex digits', () => {
    expect(base).toMatch(/^[0-9a-f]{16}$/);
  });
  it('is the same for dims of one bucket', () => {
    expect(recordKey(kernelTimes(2), space, [200], 'chrome 156')).toBe(base);
  });
  it.each([
    ['kernel', recordKey(kernelTimes(3), space, [100], 'chrome 156')],
    ['bucket', recordKey(kernelTimes(2), space, [1], 'chrome 156')],
    ['emitter version', recordKey(kernelTimes(2), { ...space, version: 4 }, [100], 'chrome 156')],
    ['device', recordKey(kernelTimes(2), space, [100], 'chrome 157')],
  ])('changes with the %s', (_, other) => {
    expect(other).not.toBe(base);
  });
  it('does not collide on a thousand neighbours', () => {
    expect(new Set(Array.from({ length: 1000 }, (_, v) => recordKey(kernelTimes(v), space, [1], 'x'))).size).toBe(1000);
  });
});

describe('use of a record', () => {
  it('gives the winner', () => {
    expect(usable(record(), space)).toEqual({ mr: 5 });
  });
  it('ignores another emitter version', () => {
    expect(usable(record({ version: 2 }), space)).toBeUndefined();
  });
  it('ignores a schedule that the space does not allow', () => {
    expect(usable(record({ winner: { mr: 6 } }), space)).toBeUndefined();
    expect(usable(record({ winner: { mr: 5, extra: 1 } }), space)).toBeUndefined();
  });
  it('ignores a winner that was found wrong', () => {
    expect(usable(record({ tried: [tried(5, 'wrong')] }), space)).toBeUndefined();
  });
});

describe('merging', () => {
  it('takes the later of two, and what both tried', () => {
    const merged = mergeRecords(
      records(record()),
      records(record({ winner: { mr: 4 }, ns: 90, at: 2000, tried: [tried(4, 'winner', 90)] })),
    ).entries[key];
    expect(merged).toMatchObject({ winner: { mr: 4 }, ns: 90, at: 2000 });
    expect(merged?.tried.map((m) => [m.schedule['mr'], m.verdict])).toEqual([
      [5, 'slower'],
      [4, 'winner'],
    ]);
  });
  it('does not depend on the order', () => {
    const [a, b] = [records(record()), records(record({ winner: { mr: 4 }, at: 2000, tried: [tried(4, 'winner', 90)] }))];
    expect(mergeRecords(a, b)).toEqual(mergeRecords(b, a));
  });
  it('never forgets that a schedule is wrong', () => {
    const merged = mergeRecords(
      records(record({ tried: [tried(5, 'wrong'), tried(4, 'winner', 130)], winner: { mr: 4 } })),
      records(record({ at: 2000 })),
    );
    expect(merged.entries[key]?.winner).toEqual({ mr: 4 });
    expect(merged.entries[key]?.ns).toBe(130);
  });
  it('prefers what was measured here to what was imported', () => {
    const merged = mergeRecords(records(record()), records(record({ at: 9000, winner: { mr: 4 }, checked: false })));
    expect(merged.entries[key]?.winner).toEqual({ mr: 5 });
  });
  it('keeps records that only one has', () => {
    const other = record({ key: 'fedcba9876543210' });
    expect(Object.keys(mergeRecords(records(record()), records(other)).entries)).toEqual([key, other.key]);
  });
});

describe('export and import', () => {
  it('come round, unchecked', () => {
    expect(importRecords(exportRecords(records(record())), 'chrome 156')).toEqual(records(record({ checked: false })));
  });
  it('names what is no JSON', () => {
    expect(() => importRecords('{', 'x')).toThrow('tuning records are not JSON');
  });
  it('names another version', () => {
    expect(() => importRecords(JSON.stringify({ version: 99 }), 'x')).toThrow(
      `these are no tuning records of this version\n  expected: an object with version ${recordsVersion}, fingerprint and entries\n  got: version 99`,
    );
  });
  it('names another device', () => {
    expect(() => importRecords(exportRecords(records(record())), 'firefox 153')).toThrow(
      /of another device\n {2}expected: firefox 153\n {2}got: chrome 156/,
    );
  });
  it.each([
    ['a schedule with text', { winner: { mr: 'alert(1)' } }],
    ['a schedule that is a list', { winner: [5] }],
    ['a key that is not its own', { key: 'ffffffffffffffff' }],
    ['a negative time', { ns: -1 }],
    ['no measurements', { tried: 'none' }],
  ])('drops an entry with %s', (_, change) => {
    const broken = { ...records(), entries: { [key]: { ...record(), ...change } } };
    expect(importRecords(JSON.stringify(broken), 'chrome 156').entries).toEqual({});
  });
  it('drops measurements that are malformed, and fields that are unknown', () => {
    const odd = {
      ...record(),
      code: 'x',
      tried: [
        { ...tried(5, 'winner', 1), code: 'x' },
        { schedule: { mr: 4 }, verdict: 'best', samples: 1 },
      ],
    };
    expect(parseRecords({ ...records(), entries: { [key]: odd } })?.entries[key]).toEqual(record({ tried: [tried(5, 'winner', 1)] }));
  });
});
