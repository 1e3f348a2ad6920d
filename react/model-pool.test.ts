import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { QuernError } from '../engine/index.ts';
import { keyOf, ModelPool, type ModelRequest } from './model-pool.ts';
import { FakeSession, fakeLoad, settle } from './testing/fake-session.ts';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

const request = (source = '/m.onnx'): ModelRequest => ({ key: keyOf(source, {}), source, options: {} });
const { key } = request();
const ignore = (): void => undefined;

function setUp(options?: { readonly deaf: boolean }) {
  const { load, loads } = fakeLoad(options);
  return { loads, pool: new ModelPool(load) };
}

it('subscribers of one key share one load and one session', async () => {
  const { pool, loads } = setUp();
  const seen: string[] = [];
  pool.subscribe(request(), () => seen.push(`a ${pool.state(key).status}`));
  pool.subscribe(request(), () => seen.push(`b ${pool.state(key).status}`));
  expect(pool.state(key).status).toBe('loading');
  const session = await loads[0]!.finish();
  expect(seen).toEqual(['a ready', 'b ready']);
  expect(pool.state(key).session).toBe(session);
  expect(loads).toHaveLength(1);
});

it('a key loads by itself', () => {
  const { pool, loads } = setUp();
  pool.subscribe(request('/a.onnx'), ignore);
  pool.subscribe(request('/b.onnx'), ignore);
  expect(loads.map((l) => l.source)).toEqual(['/a.onnx', '/b.onnx']);
});

it('a session is disposed once, a second after its last subscriber left', async () => {
  const { pool, loads } = setUp();
  const [first, second] = [pool.subscribe(request(), ignore), pool.subscribe(request(), ignore)];
  const session = await loads[0]!.finish();
  first();
  first();
  vi.advanceTimersByTime(5000);
  expect(session.disposed).toBe(0);
  second();
  vi.advanceTimersByTime(999);
  expect(session.disposed).toBe(0);
  vi.advanceTimersByTime(1);
  expect(session.disposed).toBe(1);
  expect(pool.state(key).status).toBe('loading');
});

it('who comes back within that second gets the same session', async () => {
  const { pool, loads } = setUp();
  pool.subscribe(request(), ignore)();
  pool.subscribe(request(), ignore);
  const session = await loads[0]!.finish();
  vi.advanceTimersByTime(60_000);
  expect(loads).toHaveLength(1);
  expect(session.disposed).toBe(0);
});

it('who comes back later loads anew', async () => {
  const { pool, loads } = setUp();
  const leave = pool.subscribe(request(), ignore);
  await loads[0]!.finish();
  leave();
  vi.advanceTimersByTime(1000);
  pool.subscribe(request(), ignore);
  expect(loads).toHaveLength(2);
});

it('a load that nobody waits for any more is aborted', () => {
  const { pool, loads } = setUp();
  pool.subscribe(request(), ignore)();
  expect(loads[0]!.options.signal?.aborted).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(loads[0]!.options.signal?.aborted).toBe(true);
});

it('a session that comes after the abort is disposed', async () => {
  const { pool, loads } = setUp({ deaf: true });
  pool.subscribe(request(), ignore)();
  vi.advanceTimersByTime(1000);
  pool.subscribe(request(), ignore);
  const [late, wanted] = [await loads[0]!.finish(), await loads[1]!.finish()];
  expect([late.disposed, wanted.disposed]).toEqual([1, 0]);
  expect(pool.state(key).session).toBe(wanted);
});

it('an error is kept as it is, and retry loads again', async () => {
  const { pool, loads } = setUp();
  pool.subscribe(request(), ignore);
  const error = new QuernError('fetch-failed', 'no such file');
  await loads[0]!.fail(error);
  const failed = pool.state(key);
  expect(failed.error).toBe(error);
  failed.retry?.();
  failed.retry?.();
  expect(pool.state(key).status).toBe('loading');
  const session = await loads[1]!.finish();
  expect(pool.state(key).session).toBe(session);
  expect(loads).toHaveLength(2);
});

it('an error of another class becomes a QuernError with its cause', async () => {
  const { pool, loads } = setUp();
  pool.subscribe(request(), ignore);
  const cause = new TypeError('undefined is not a function');
  await loads[0]!.fail(cause);
  expect(pool.state(key).error).toMatchObject({ name: 'QuernError', code: 'internal', message: cause.message, cause });
});

it('progress shows ten times a second, and each new phase at once', () => {
  const { pool, loads } = setUp();
  const seen: unknown[] = [];
  pool.subscribe(request(), () => seen.push(pool.state(key).progress));
  const report = loads[0]!.options.onProgress!;
  for (let loaded = 1; loaded <= 4; loaded++) {
    report({ phase: 'download', loaded });
    vi.advanceTimersByTime(50);
  }
  report({ phase: 'parse', loaded: 0 });
  expect(seen).toEqual([{ phase: 'download', loaded: 1 }, { phase: 'download', loaded: 3 }, { phase: 'parse', loaded: 0 }]);
});

it('progress after the end changes nothing', async () => {
  const { pool, loads } = setUp();
  pool.subscribe(request(), ignore);
  await loads[0]!.finish();
  loads[0]!.options.onProgress!({ phase: 'tune', loaded: 1 });
  expect(pool.state(key).status).toBe('ready');
});

it('a model waited for is kept half a minute for its subscriber', async () => {
  const { pool, loads } = setUp();
  const done = vi.fn();
  void pool.wait(request()).then(done);
  vi.advanceTimersByTime(3_600_000);
  const session = await loads[0]!.finish();
  expect(done).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(29_999);
  expect(session.disposed).toBe(0);
  vi.advanceTimersByTime(1);
  expect(session.disposed).toBe(1);
});

it('a model waited for and subscribed to is kept as any other', async () => {
  const { pool, loads } = setUp();
  void pool.wait(request());
  const session = await loads[0]!.finish();
  const leave = pool.subscribe(request(), ignore);
  vi.advanceTimersByTime(60_000);
  expect(session.disposed).toBe(0);
  leave();
  vi.advanceTimersByTime(1000);
  expect(session.disposed).toBe(1);
});

it('a failed load that nobody holds is forgotten after a second', async () => {
  const { pool, loads } = setUp();
  void pool.wait(request());
  await loads[0]!.fail(new QuernError('fetch-failed', 'offline'));
  expect(pool.state(key).status).toBe('error');
  vi.advanceTimersByTime(1000);
  void pool.wait(request());
  expect(loads).toHaveLength(2);
});

it('waiting ends with an abort, too', async () => {
  const { pool } = setUp();
  const leave = pool.subscribe(request(), ignore);
  const done = vi.fn();
  void pool.wait(request()).then(done);
  leave();
  vi.advanceTimersByTime(1000);
  await settle();
  expect(done).toHaveBeenCalledTimes(1);
});

it.each([
  ['the order of options', keyOf('/m', { device: 'wasm', threads: 2 }), keyOf('/m', { threads: 2, device: 'wasm' }), true],
  ['equal dims', keyOf('/m', { dims: { n: 1 } }), keyOf('/m', { dims: { n: 1 } }), true],
  ['other dims', keyOf('/m', { dims: { n: 1 } }), keyOf('/m', { dims: { n: 2 } }), false],
  ['a URL and its text', keyOf(new URL('https://a.test/m'), {}), keyOf('https://a.test/m', {}), true],
  ['equal requests', keyOf(new Request('https://a.test/m'), {}), keyOf(new Request('https://a.test/m'), {}), true],
  ['requests with other headers', keyOf(new Request('https://a.test/m'), {}), keyOf(new Request('https://a.test/m', { headers: { a: 'b' } }), {}), false],
  ['equal bytes at two places', keyOf(new Uint8Array(1), {}), keyOf(new Uint8Array(1), {}), false],
  ['external data by identity', keyOf('/m', { externalData: { w: new Blob() } }), keyOf('/m', { externalData: { w: new Blob() } }), false],
])('keys: %s', (_, a, b, equal) => {
  expect(a === b).toBe(equal);
});

it('keys: the same object is the same source', () => {
  const bytes = new Uint8Array(1);
  expect(keyOf(bytes, {})).toBe(keyOf(bytes, {}));
});

it('leaving one key leaves the others alone', async () => {
  const { pool, loads } = setUp();
  const leave = pool.subscribe(request('/a'), ignore);
  pool.subscribe(request('/b'), ignore);
  const [a, b] = [await loads[0]!.finish(new FakeSession()), await loads[1]!.finish(new FakeSession())];
  leave();
  vi.advanceTimersByTime(1000);
  expect([a.disposed, b.disposed]).toEqual([1, 0]);
});
