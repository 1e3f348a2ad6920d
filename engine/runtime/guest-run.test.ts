/** Runs that the page makes itself: against the worker's own, and both ends of the short way on one thread. */
import { afterEach, expect, test } from 'vitest';
import { cpu } from '../../jit/fuzz/devices.ts';
import type { Device } from '../../jit/device.ts';
import { bytesUnder } from '../../jit/expr/dtype.ts';
import { graph } from '../testing/graphs.ts';
import { compileModel } from './compile-model.ts';
import type { Executor } from './executor.ts';
import { type SharedRun, guestRun } from './guest-run.ts';
import type { RunRequest, WireTensor } from './model.ts';
import { ShortWay, ShortWayEnd } from './short-way.ts';

let device: Device | undefined;
afterEach(() => device?.dispose());

/** y[n, 3] = table[ids[n]] w, z[n, 3] = -y. */
async function made(): Promise<Executor> {
  device = await cpu({ fma: false, panel: 8, maxBytes: 2 ** 26 });
  const { executor } = compileModel(graph({
    inputs: { ids: { dtype: 'int64', dims: ['n'] } }, weights: { table: [5, 4], w: [4, 3] },
    nodes: [['Gather', 'table ids', 'rows'], ['MatMul', 'rows w', 'y'], ['Neg', 'y', 'z']], outputs: ['y', 'z'],
  }), { main: device }, { precision: 'exact', dims: {} });
  await executor.residence.prepare(() => undefined);
  return executor;
}

const request = (...ids: readonly number[]): RunRequest =>
  ({ feeds: { ids: { kind: 'bytes', dtype: 'int64', dims: [ids.length], bytes: bytesUnder(BigInt64Array.from(ids.map(BigInt))) } } });
const bytes = (tensor: WireTensor | undefined): Uint8Array | undefined => (tensor?.kind === 'bytes' ? tensor.bytes.slice() : undefined);

/** What is shared of a run, after as many as it takes. */
async function shared(executor: Executor, of: RunRequest): Promise<SharedRun> {
  for (let k = 0; k < 1000; k++) {
    await executor.run(of);
    const found = executor.share(of);
    if (found !== undefined) return found;
  }
  throw new Error('the run was never shared');
}

test("gives the bits that the worker's run gives", async () => {
  const executor = await made();
  const run = guestRun((await shared(executor, request(0, 1, 2))).run);
  const got = run(request(4, -5, 3).feeds);
  const wanted = await executor.run(request(4, -5, 3));
  expect(got?.['y']?.dims).toEqual([3, 3]);
  for (const name of ['y', 'z']) expect(bytes(got?.[name])).toEqual(bytes(wanted[name]));
});

test('leaves an index out of range, and feeds of another size, to the worker', async () => {
  const run = guestRun((await shared(await made(), request(0, 1, 2))).run);
  expect(run(request(0, 5, 0).feeds)).toBeUndefined();
  expect(run(request(0).feeds)).toBeUndefined();
  expect(run(request(0, 4, 0).feeds)).toBeDefined();
});

test('its runs are counted', async () => {
  const run = guestRun((await shared(await made(), request(0, 1, 2))).run);
  for (let k = 0; k < 3; k++) run(request(k, 0, 0).feeds);
  expect(device?.guestRuns).toBe(3);
});

test('holds until the model runs at other sizes', async () => {
  const executor = await made();
  const { holds } = await shared(executor, request(0, 1, 2));
  await executor.run(request(2, 1, 0));
  expect(holds()).toBe(true);
  await executor.run(request(2, 1));
  expect(holds()).toBe(false);
});

test('holds until the model is gone', async () => {
  const executor = await made();
  const { holds } = await shared(executor, request(0));
  executor.dispose();
  expect(holds()).toBe(false);
});

test('a run of some outputs, of other sizes or with tensors on the device is not shared', async () => {
  const executor = await made();
  await shared(executor, request(0, 1, 2));
  expect(executor.share({ ...request(0, 1, 2), outputs: ['y'] })).toBeUndefined();
  expect(executor.share({ ...request(0, 1, 2), keep: ['y'] })).toBeUndefined();
  expect(executor.share(request(0, 1))).toBeUndefined();
});

/** Two ends of which the page was told how to make runs of three ids. */
async function ends(): Promise<{ readonly end: ShortWayEnd; readonly page: ShortWay; readonly ask: () => Record<string, WireTensor> | 'asked' | 'refused' }> {
  const executor = await made();
  const of = request(0, 1, 2);
  const found = await shared(executor, of);
  const results = await executor.run(of);
  const memory = new SharedArrayBuffer(64 + 1024);
  const [page, end] = [new ShortWay(memory), new ShortWayEnd(memory)];
  const form = page.form(7, of);
  if (form === undefined) throw new Error('a small run has a form');
  end.remember(form.id, 7, of, { ok: true, value: results });
  page.told(1, form, results, end.share(form.id, () => found));
  return { end, page, ask() {
    let got: Record<string, WireTensor> | undefined;
    return page.ask(2, form, of.feeds, (value) => { got = value; }) ? got ?? 'asked' : 'refused';
  } };
}

test('a page makes a run itself while the worker is parked, and does not wake it', async () => {
  const { end, ask } = await ends();
  end.offer();
  expect(ask()).toMatchObject({ y: { dims: [3, 3] }, z: { dims: [3, 3] } });
  expect(ask()).toMatchObject({ y: { dims: [3, 3] } });
  expect(end.take()).toBeUndefined();
  expect(end.guestRan()).toBe(true);
  expect(end.guestRan()).toBe(false);
});

test('a page makes no run itself while the worker is awake', async () => {
  expect((await ends()).ask()).toBe('refused');
});

test('what holds no longer is asked for', async () => {
  const { end, ask } = await ends();
  end.offer();
  ask();
  await device?.dispose();
  end.take();
  end.offer();
  expect(ask()).toBe('asked');
});

test('a message that is no run ends what was shared, on both sides', async () => {
  const { end, page, ask } = await ends();
  page.posting(false);
  end.received++;
  end.sent++;
  end.unshare();
  end.offer();
  expect(ask()).toBe('asked');
});
