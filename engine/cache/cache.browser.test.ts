/** The cache on real IndexedDB and real Web Locks; every test on a database of its own. */
import { createStore, entries, set } from 'idb-keyval';
import { afterEach, expect, test } from 'vitest';
import { type Records, type TuneRecord, noRecords } from '../../jit/tune/records.ts';
import { openCache } from './cache.ts';

let made = 0;
const names: string[] = [];
const freshName = (): string => {
  const name = `quern-test-${Date.now()}-${made++}`;
  names.push(name);
  return name;
};
afterEach(() => { for (const name of names.splice(0)) indexedDB.deleteDatabase(name); });

const record = (n: number): TuneRecord => ({
  key: n.toString(16).padStart(16, '0'), emitter: 'gemm', version: 1, kind: 'contraction', bucket: '', winner: { mr: n }, ns: 10, finished: true, at: n,
  checked: true, tried: [],
});
const records = (...all: readonly TuneRecord[]): Records => ({ ...noRecords('f'), entries: Object.fromEntries(all.map((r) => [r.key, r])) });

test('a second cache finds what the first one stored', async () => {
  const database = freshName();
  await openCache({ enabled: true, database }).putRecords('f', records(record(1)));
  const second = openCache({ enabled: true, database });
  expect(await second.records('f')).toEqual(records(record(1)));
  expect(second.notes()).toEqual([]);
});

test('writes of many tabs at once all survive', async () => {
  const database = freshName();
  await Promise.all(Array.from({ length: 20 }, (_, i) => openCache({ enabled: true, database }).putRecords('f', records(record(i)))));
  expect(Object.keys((await openCache({ enabled: true, database }).records('f')).entries)).toHaveLength(20);
});

test('what somebody else wrote under our key is ignored and rewritten', async () => {
  const database = freshName();
  const store = createStore(database, 'entries');
  await set('records:f', { format: 'quern', text: 'alert(1)' }, store);
  const cache = openCache({ enabled: true, database });
  expect(await cache.records('f')).toEqual(noRecords('f'));
  await cache.putRecords('f', records(record(1)));
  expect(await openCache({ enabled: true, database }).records('f')).toEqual(records(record(1)));
  expect((await entries<string, unknown>(store)).map(([key]) => key)).toEqual(['records:f']);
});

test('a database of the same name with other stores costs only the cache', async () => {
  const database = freshName();
  await set('x', 1, createStore(database, 'something-else'));
  const cache = openCache({ enabled: true, database });
  await cache.putRecords('f', records(record(1)));
  expect(await cache.records('f')).toEqual(records(record(1)));
  expect(cache.notes()[0]).toMatch(/^storage cannot be used \(NotFoundError/);
});

test('an opaque origin throws the SecurityError that the cache is made for', async () => {
  const script = `indexedDB.open('x').onsuccess = () => parent.postMessage('open', '*');`;
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.srcdoc = `<script>try { ${script} } catch (error) { parent.postMessage(error.name, '*'); }</script>`;
  const told = new Promise((resolve) => { addEventListener('message', (event) => { resolve(event.data); }, { once: true }); });
  document.body.append(frame);
  expect(await told).toBe('SecurityError');
  frame.remove();
});

test('tuners take turns by Web Locks', async () => {
  const [a, b] = [openCache({ enabled: true, database: freshName() }), openCache({ enabled: true, database: freshName() })];
  let running = 0;
  const work = async (): Promise<number> => {
    running++;
    const together = running;
    await new Promise((done) => { setTimeout(done, 20); });
    running--;
    return together;
  };
  expect(await Promise.all([a.asOnlyTuner('f', work), b.asOnlyTuner('f', work)])).toEqual([1, 1]);
});

test('waiting for a turn ends when it is aborted', async () => {
  const cache = openCache({ enabled: true, database: freshName() });
  const controller = new AbortController();
  let release: () => void = () => undefined;
  let holder: Promise<void> = Promise.resolve();
  await new Promise<void>((begun) => {
    holder = cache.asOnlyTuner('g', () => new Promise<void>((done) => {
      release = done;
      begun();
    }));
  });
  const waiting = cache.asOnlyTuner('g', () => Promise.resolve(), controller.signal);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  release();
  await holder;
});
