/** Both ends of the short way on one thread: nothing here has to wait, since each side finds what the other has left. */
import { expect, test } from 'vitest';
import type { RunRequest, WireTensor } from './model.ts';
import { ShortWay, ShortWayEnd } from './short-way.ts';

const tensor = (...values: number[]): WireTensor =>
  ({ kind: 'bytes', dtype: 'uint8', dims: [values.length], bytes: new Uint8Array(values) });
const request = (...values: number[]): RunRequest => ({ feeds: { x: tensor(...values) } });

/** Two ends that know the form of runs on three bytes with results of two. */
function pair(): { readonly page: ShortWay; readonly end: ShortWayEnd; readonly ask: (call: number, done?: (results: unknown) => void) => boolean } {
  const memory = new SharedArrayBuffer(64 + 1024);
  const [page, end] = [new ShortWay(memory), new ShortWayEnd(memory)];
  const form = page.form(7, request(1, 2, 3));
  if (form === undefined) throw new Error('a small run has a form');
  const results = { y: tensor(0, 0) };
  end.remember(form.id, 7, request(1, 2, 3), { ok: true, value: results });
  page.told(1, form, results, undefined);
  return { page, end, ask: (call, done = () => undefined) => page.ask(call, form, request(4, 5, call).feeds, done) };
}

test('a worker that offers is asked, with feeds and session, and its results arrive', async () => {
  const { end, ask } = pair();
  end.offer();
  const results = new Promise((done) => { expect(ask(2, done)).toBe(true); });
  const asked = end.take();
  expect(asked).toMatchObject({ call: 2, session: 7, request: { feeds: { x: { dims: [3], bytes: new Uint8Array([4, 5, 2]) } } } });
  expect(end.answer(2, asked?.form ?? 0, { y: tensor(8, 9) })).toBe(true);
  expect(await results).toEqual({ y: tensor(8, 9) });
});

test('a page that has looked for an answer in vain still gets it', async () => {
  const { end, ask } = pair();
  for (const call of [2, 3]) {
    end.offer();
    const results = new Promise((done) => { ask(call, done); });
    end.answer(call, end.take()?.form ?? 0, { y: tensor(call, 9) });
    expect(await results).toEqual({ y: tensor(call, 9) });
  }
});

test('a worker that does not offer is not asked', () => {
  expect(pair().ask(2)).toBe(false);
});

test('a worker with a message on its way is not asked', () => {
  const { page, end, ask } = pair();
  page.posting(true);
  end.offer();
  expect(ask(2)).toBe(false);
});

test('a message takes an offer back', () => {
  const { page, end, ask } = pair();
  end.offer();
  page.posting(true);
  expect(ask(2)).toBe(false);
  expect(end.take()).toBeUndefined();
});

test('a second run is not asked for before the first is answered', () => {
  const { end, ask } = pair();
  end.offer();
  expect(ask(2)).toBe(true);
  end.take();
  end.offer();
  expect(ask(3)).toBe(false);
});

test('results of another size go by message', () => {
  const { end, ask } = pair();
  end.offer();
  ask(2);
  expect(end.answer(2, end.take()?.form ?? 0, { y: tensor(1) })).toBe(false);
});

test('runs with tensors on the device, or more than the room, have no form', () => {
  const { page } = pair();
  expect(page.form(7, { feeds: { x: { kind: 'handle', dtype: 'uint8', dims: [1], handle: 1 } } })).toBeUndefined();
  expect(page.form(7, { feeds: { x: { kind: 'bytes', dtype: 'uint8', dims: [1 << 20], bytes: new Uint8Array(1 << 20) } } })).toBeUndefined();
});
