/** Protocol, service and client over a message channel, with a fake model behind them. */
import { expose, proxy } from 'comlink';
import { expect, test } from 'vitest';
import { QuernError } from '../../jit/error.ts';
import { resolveOptions } from '../options.ts';
import { EngineClient, leaseEngine, type Connection } from './client.ts';
import { fakeLoader, fakeModel, type FakeModel } from './fake-model.ts';
import type { Progress, RunRequest } from './model.ts';
import { createService, serveRuns } from './service.ts';

/** A promise to be settled from outside. */
function later<T = void>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((r) => { resolve = r; });
  return { promise, resolve: (value) => { resolve(value); } };
}

interface Bench {
  readonly client: EngineClient;
  readonly model: FakeModel;
  /** What the worker's death does. */
  readonly die: (error: QuernError) => void;
  readonly session: number;
}

function connection(models: readonly FakeModel[]): { readonly connection: Connection; readonly die: (error: QuernError) => void } {
  const { port1, port2 } = new MessageChannel();
  const supportReport = { supported: true, missing: [], weightBytes: 0, memoryBytes: undefined, opsets: {} };
  const service = createService({ loadModel: fakeLoader(models), support: () => Promise.resolve(supportReport) });
  expose(service, port2);
  serveRuns(service, port2);
  const death = later<QuernError>();
  const close = (): void => {
    port1.close();
    port2.close();
  };
  return { connection: { endpoint: port1, died: death.promise, close }, die: (error) => { close(); death.resolve(error); } };
}

const loadRequest = { source: { kind: 'bytes', bytes: new Uint8Array(1) }, externalData: {}, options: resolveOptions({}) } as const;

async function bench(): Promise<Bench> {
  const model = fakeModel();
  const { connection: made, die } = connection([model]);
  const client = new EngineClient(made);
  const { id } = await client.call((api, call) => api.load(call, loadRequest));
  return { client, model, die, session: id };
}

const feed = (...values: number[]): RunRequest => ({
  feeds: { x: { kind: 'bytes', dtype: 'float32', dims: [values.length], bytes: new Uint8Array(new Float32Array(values).buffer) } },
});

const run = ({ client, session }: Bench, request: RunRequest, signal?: AbortSignal): Promise<unknown> =>
  client.call((_, call) => client.run(call, session, request), { signals: [signal] });

const failure = (promise: Promise<unknown>): Promise<QuernError> =>
  promise.then(() => { throw new Error('it should have failed'); }, (error: unknown) => error as QuernError);

/** Waits until the worker has seen all that was sent before. */
const roundTrip = (b: Bench): Promise<unknown> => b.client.call((api, call) => api.exportTuning(call, b.session));

test('a run gives its results', async () => {
  const b = await bench();
  expect(await run(b, feed(1, 2))).toMatchObject({ y: { dims: [2], bytes: new Uint8Array(new Float32Array([2, 4]).buffer) } });
  b.client.close();
});

test('feeds may change once a run is asked for', async () => {
  const b = await bench();
  const bytes = new Uint8Array(new Float32Array([0, 1, 2]).buffer);
  const results = run(b, { feeds: { x: { kind: 'bytes', dtype: 'float32', dims: [2], bytes: bytes.subarray(4) } } });
  bytes.fill(0);
  expect(await results).toMatchObject({ y: { dims: [2], bytes: new Uint8Array(new Float32Array([2, 4]).buffer) } });
  b.client.close();
});

test('an error of the engine arrives with all its fields', async () => {
  const b = await bench();
  const error = await failure(run(b, feed(NaN)));
  expect(error).toBeInstanceOf(QuernError);
  expect(error).toMatchObject({ code: 'index-out-of-range', node: 'g', op: 'Gather', got: 'NaN' });
  expect(error.message).toBe("Gather node 'g': an index is out of range\n  got: NaN");
  b.client.close();
});

test('runs of a session start in order, one at a time', async () => {
  const b = await bench();
  await Promise.all([run(b, feed(1)), run(b, feed(2)), run(b, feed(3))]);
  expect(b.model.log).toEqual(['run 1 begins', 'run 1 ends', 'run 2 begins', 'run 2 ends', 'run 3 begins', 'run 3 ends']);
  b.client.close();
});

test('a failed run does not hold up the next', async () => {
  const b = await bench();
  const first = failure(run(b, feed(NaN)));
  await run(b, feed(2));
  expect((await first).code).toBe('index-out-of-range');
  b.client.close();
});

test('abort settles the call at once and reaches the model', async () => {
  const b = await bench();
  const gate = later();
  b.model.gate = gate.promise;
  const controller = new AbortController();
  const running = failure(run(b, feed(1), controller.signal));
  const queued = failure(run(b, feed(2), controller.signal));
  controller.abort();
  expect((await running).code).toBe('aborted');
  expect((await queued).code).toBe('aborted');
  await roundTrip(b);
  gate.resolve();
  b.model.gate = Promise.resolve();
  await run(b, feed(3));
  expect(b.model.log).toEqual(['run 1 begins', 'run 1 aborted', 'run 3 begins', 'run 3 ends']);
  b.client.close();
});

test('a signal that is aborted already sends nothing', async () => {
  const b = await bench();
  expect((await failure(run(b, feed(1), AbortSignal.abort()))).code).toBe('aborted');
  expect(b.model.log).toEqual([]);
  b.client.close();
});

test('every open call rejects when the worker dies, and every later one', async () => {
  const b = await bench();
  b.model.gate = new Promise(() => undefined);
  const open = [failure(run(b, feed(1))), failure(run(b, feed(2))), failure(b.client.call((api, call) => api.report(call, b.session + 7)))];
  b.die(new QuernError('worker-died', 'gone'));
  expect((await Promise.all(open)).map((e) => e.code)).toEqual(['worker-died', 'worker-died', 'worker-died']);
  expect((await failure(run(b, feed(3)))).code).toBe('worker-died');
});

test('every open call rejects when the client is closed', async () => {
  const b = await bench();
  b.model.gate = new Promise(() => undefined);
  const open = failure(run(b, feed(1)));
  b.client.close();
  expect((await open).code).toBe('disposed');
});

test('an argument that cannot be cloned rejects its call', async () => {
  const b = await bench();
  const uncloneable = { ...feed(1), outputs: (() => undefined) as unknown as readonly string[] };
  expect(await failure(run(b, uncloneable))).toMatchObject({ code: 'invalid-input' });
  b.client.close();
});

test('a session that is gone answers disposed', async () => {
  const b = await bench();
  await b.client.call((api, call) => api.dispose(call, b.session));
  expect((await failure(run(b, feed(1)))).code).toBe('disposed');
  expect(b.model.log).toEqual(['dispose']);
  b.client.close();
});

test('kept tensors are handles that can be fed, read and released', async () => {
  const b = await bench();
  const kept = await b.client.call((_, call) => b.client.run(call, b.session, { ...feed(1), keep: ['y'] }));
  const { y } = kept;
  if (y?.kind !== 'handle') throw new Error('y was not kept');
  const { client, session } = b;
  await run(b, { feeds: { x: y }, keep: ['y'] });
  expect(await client.call((api, call) => api.read(call, session, y.handle))).toEqual(new Uint8Array(new Float32Array([4]).buffer));
  await client.call((api, call) => api.release(call, session, [y.handle]));
  expect(b.model.handles.size).toBe(0);
  client.close();
});

test('what an aborted run kept is released', async () => {
  const b = await bench();
  // The signal fires in the worker only after the run has ended: the model never sees it.
  const controller = new AbortController();
  const release = later();
  b.model.gate = release.promise;
  const original = b.model.run.bind(b.model);
  b.model.run = (request) => original(request);
  const aborted = failure(run(b, { ...feed(1), keep: ['y'] }, controller.signal));
  controller.abort();
  await aborted;
  await roundTrip(b);
  release.resolve();
  await run(b, feed(5));
  expect(b.model.log.slice(0, 3)).toEqual(['run 1 begins', 'run 1 ends', 'release 1']);
  b.client.close();
});

test('progress is thinned out, ends with the newest and never comes after the result', async () => {
  const b = await bench();
  const seen: Progress[] = [];
  const sink = proxy((p: Progress) => {
    seen.push(p);
    return Promise.resolve();
  });
  await b.client.call((api, call) => api.tune(call, b.session, {}, sink));
  expect(seen.at(-1)).toEqual({ phase: 'tune', loaded: 1000, total: 1000 });
  expect(seen.length).toBeLessThan(10);
  b.client.close();
});

test('a progress callback that throws does not fail the call', async () => {
  const b = await bench();
  const sink = proxy((): Promise<void> => { throw new Error('of the page'); });
  expect((await b.client.call((api, call) => api.tune(call, b.session, {}, sink))).finished).toBe(true);
  b.client.close();
});

test('sessions share one worker, which ends with the last', async () => {
  let started = 0;
  let closed = 0;
  const start = (): Promise<Connection> => {
    started++;
    const { connection: made } = connection([]);
    return Promise.resolve({ ...made, close: () => { closed++; made.close(); } });
  };
  const [a, b] = await Promise.all([leaseEngine('shared', start), leaseEngine('shared', start)]);
  expect(a.client).toBe(b.client);
  a.end();
  a.end();
  expect([started, closed]).toEqual([1, 0]);
  b.end();
  expect([started, closed]).toEqual([1, 1]);
  const c = await leaseEngine('shared', start);
  expect(c.client).not.toBe(a.client);
  c.end();
});

test('after a worker died the next lease starts another', async () => {
  const first = connection([]);
  const second = connection([]);
  const starts = [first, second];
  const start = (): Promise<Connection> => {
    const next = starts.shift();
    return next === undefined ? Promise.reject(new Error('too many')) : Promise.resolve(next.connection);
  };
  const a = await leaseEngine('dying', start);
  first.die(new QuernError('worker-died', 'gone'));
  await first.connection.died;
  const b = await leaseEngine('dying', start);
  expect(b.client).not.toBe(a.client);
  a.end();
  expect(b.client.ended).toBeUndefined();
  b.end();
});

test('a worker that cannot be started fails every lease that waits, and the next one tries again', async () => {
  let tries = 0;
  const start = (): Promise<Connection> => {
    tries++;
    return Promise.reject(new QuernError('worker-blocked', 'no'));
  };
  const both = await Promise.all([failure(leaseEngine('blocked', start)), failure(leaseEngine('blocked', start))]);
  expect(both.map((e) => e.code)).toEqual(['worker-blocked', 'worker-blocked']);
  await failure(leaseEngine('blocked', start));
  expect(tries).toBe(2);
});

test('large feeds travel in the buffers of earlier runs, whatever came in those', async () => {
  const b = await bench();
  for (const [value, size] of [[1, 8192], [2, 8000], [3, 8192]] as const) {
    const doubled = new Uint8Array(new Float32Array(size).fill(2 * value).buffer);
    expect(await run(b, feed(...new Float32Array(size).fill(value)))).toMatchObject({ y: { dims: [size], bytes: doubled } });
  }
  b.client.close();
});
