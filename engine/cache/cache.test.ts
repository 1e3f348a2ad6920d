import { describe, expect, it } from 'vitest';
import type { DeviceProfile } from '../../jit/device.ts';
import { type Records, type TuneRecord, noRecords } from '../../jit/tune/records.ts';
import { type Locks, openCache } from './cache.ts';
import { open, seal } from './entry.ts';
import { type Store, memoryStore } from './store.ts';

const profile: DeviceProfile = {
  kind: 'wasm', fingerprint: 'chrome 156', threads: 2, fma: true, panel: 8, vectorRegisters: 16, lanes: 4, splat: 1, features: ['simd'], limits: {},
  peakFlops: 28e9, peakBytes: 28e9,
};
const hex = (n: number): string => n.toString(16).padStart(16, '0');
const recordAt = (n: number, at = n): TuneRecord => ({
  key: hex(n), emitter: 'gemm', version: 1, kind: 'contraction', bucket: '', winner: { mr: 4 }, ns: 10, finished: true, at, checked: true,
  tried: [{ schedule: { mr: 4 }, verdict: 'winner', ns: 10, samples: 6 }],
});
const records = (...all: readonly TuneRecord[]): Records => ({ ...noRecords('f'), entries: Object.fromEntries(all.map((r) => [r.key, r])) });
const cacheOn = (store: Store) => openCache({ enabled: true, store });

describe('the cache', () => {
  it('keeps profiles, records and choices for the next visit', async () => {
    const store = memoryStore();
    const first = cacheOn(store);
    await first.putProfile('cpu', profile);
    await first.putRecords('f', records(recordAt(1)));
    await first.putChoice('plan', { weight: [0, 2, 1] });
    const second = cacheOn(store);
    expect(await second.getProfile('cpu')).toEqual(profile);
    expect(await second.records('f')).toEqual(records(recordAt(1)));
    expect(await second.getChoice('plan')).toEqual({ weight: [0, 2, 1] });
    expect(second.notes()).toEqual([]);
  });

  it('has nothing at first', async () => {
    const cache = cacheOn(memoryStore());
    expect([await cache.getProfile('cpu'), await cache.records('f'), await cache.getChoice('x')]).toEqual([undefined, noRecords('f'), undefined]);
  });

  it('merges what two tabs write', async () => {
    const store = memoryStore();
    const [a, b] = [cacheOn(store), cacheOn(store)];
    await Promise.all([a.putRecords('f', records(recordAt(1))), b.putRecords('f', records(recordAt(2)))]);
    expect(Object.keys((await a.records('f')).entries)).toEqual([hex(1), hex(2)]);
  });

  it('keeps nothing where it is switched off', async () => {
    const store = memoryStore();
    const cache = openCache({ enabled: false, store });
    await cache.putProfile('cpu', profile);
    expect(await cache.getProfile('cpu')).toEqual(profile);
    expect(await store.entries()).toEqual([]);
  });

  it.each([
    ['foreign', { hello: 1 }], ['not an object', 42], ['of another version', { ...seal(profile, 1), version: 0 }],
    ['changed', { ...seal(profile, 1), text: JSON.stringify({ ...profile, panel: 4 }) }],
    ['well sealed but no profile', seal({ ...profile, panel: 'wide' }, 1)],
  ])('ignores an entry that is %s, and rewrites it', async (_, bad) => {
    const map = new Map<string, unknown>([['profile:cpu', bad]]);
    const cache = cacheOn(memoryStore(map));
    expect(await cache.getProfile('cpu')).toBeUndefined();
    await cache.putProfile('cpu', profile);
    expect(open(map.get('profile:cpu'))).toEqual(profile);
  });

  it('ignores records of another device under this one', async () => {
    const store = memoryStore(new Map([['records:f', seal({ ...records(recordAt(1)), fingerprint: 'g' }, 1)]]));
    expect(await cacheOn(store).records('f')).toEqual(noRecords('f'));
  });

  it('drops the devices that were not used for longest', async () => {
    const map = new Map<string, unknown>(Array.from({ length: 9 }, (_, i) => [`records:old${i}`, seal(noRecords(`old${i}`), i + 1)]));
    await cacheOn(memoryStore(map)).putRecords('f', records(recordAt(1)));
    expect([...map.keys()].sort()).toEqual(['records:f', 'records:old4', 'records:old5', 'records:old6', 'records:old7', 'records:old8']);
  });

  it('keeps the latest 2000 records of a device', async () => {
    const cache = cacheOn(memoryStore());
    await cache.putRecords('f', records(...Array.from({ length: 2001 }, (_, i) => recordAt(i))));
    const { entries } = await cache.records('f');
    expect(Object.keys(entries)).toHaveLength(2000);
    expect(entries[hex(0)]).toBeUndefined();
  });
});

describe('trouble', () => {
  const failing = (error: Error, only?: keyof Store): Store => {
    const good = memoryStore();
    const bad = <T>(): Promise<T> => Promise.reject(error);
    if (only !== undefined) return { ...good, [only]: bad };
    return { get: bad, update: bad, entries: bad, remove: bad };
  };
  const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

  it('a full quota costs only the next visit, and is noted once', async () => {
    const cache = cacheOn(failing(named('QuotaExceededError', 'full'), 'update'));
    await cache.putProfile('cpu', profile);
    await cache.putRecords('f', records(recordAt(1)));
    expect(await cache.getProfile('cpu')).toEqual(profile);
    expect(await cache.records('f')).toEqual(records(recordAt(1)));
    expect(cache.notes()).toEqual(['the storage of this site is full: what was tuned is kept for this session only']);
  });

  it('an opaque origin works on memory, and is noted once', async () => {
    const cache = cacheOn(failing(named('SecurityError', 'denied')));
    expect(await cache.getProfile('cpu')).toBeUndefined();
    await cache.putProfile('cpu', profile);
    expect(await cache.getProfile('cpu')).toEqual(profile);
    expect(cache.notes()).toEqual(['storage cannot be used (SecurityError: denied): what was tuned is kept for this session only']);
  });

  it('no IndexedDB at all works on memory', async () => {
    const cache = openCache({ enabled: true });
    await cache.putProfile('cpu', profile);
    expect(await cache.getProfile('cpu')).toEqual(profile);
    expect(cache.notes()).toEqual(['storage cannot be used (there is no IndexedDB here): what was tuned is kept for this session only']);
  });

  it('a database that never opens does not hold up a load', async () => {
    const never = new Promise<never>(() => undefined);
    const store: Store = { get: () => never, update: () => never, entries: () => never, remove: () => never };
    const cache = openCache({ enabled: true, store, patienceMs: 5 });
    expect(await cache.getProfile('cpu')).toBeUndefined();
    expect(cache.notes()).toEqual(['storage cannot be used (no answer within 5 ms): what was tuned is kept for this session only']);
  });
});

describe('one tuner at a time', () => {
  /** Locks of one browser, shared by its tabs. */
  const browserLocks = (): Locks => {
    let last: Promise<unknown> = Promise.resolve();
    return {
      request: (_, __, work) => {
        const mine = last.then(work);
        last = mine.catch(() => undefined);
        return mine;
      },
    };
  };

  it('waits for the other tab', async () => {
    const locks = browserLocks();
    const [a, b] = [0, 1].map(() => openCache({ enabled: true, store: memoryStore(), locks }));
    const order: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
    };
    await Promise.all([a?.asOnlyTuner('f', work('a')), b?.asOnlyTuner('f', work('b'))]);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('works where locks are refused', async () => {
    const locks: Locks = { request: () => Promise.reject(Object.assign(new Error('no'), { name: 'SecurityError' })) };
    expect(await openCache({ enabled: true, store: memoryStore(), locks }).asOnlyTuner('f', () => Promise.resolve(5))).toBe(5);
  });

  it("hands the work's own error on", async () => {
    const cache = openCache({ enabled: true, store: memoryStore(), locks: browserLocks() });
    const failure = Object.assign(new Error('denied inside'), { name: 'SecurityError' });
    await expect(cache.asOnlyTuner('f', () => Promise.reject(failure))).rejects.toBe(failure);
  });

  it('does not begin when it was aborted before', async () => {
    const cache = openCache({ enabled: true, store: memoryStore(), locks: browserLocks() });
    await expect(cache.asOnlyTuner('f', () => Promise.resolve(1), AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});
