import { expect, it } from 'vitest';
import { QuernError } from '../engine/index.ts';
import { InferenceRunner, type Overlap, type Task } from './inference-runner.ts';
import { FakeSession, settle, valuesOf } from './testing/fake-session.ts';

function setUp(overlap: Overlap = 'abort') {
  const session = new FakeSession();
  const runner = new InferenceRunner();
  const seen: string[] = [];
  runner.subscribe(() => {
    const { status, outputs } = runner.getSnapshot().view;
    seen.push(`${status} ${valuesOf(outputs)?.join() ?? '-'}`);
  });
  const ask = (key: number, more: Partial<Task> = {}): void => {
    runner.request({ session, key, feeds: { x: new Float32Array([key]) }, ...more }, overlap);
  };
  return { session, runner, seen, ask };
}

it('a run goes from running to done', async () => {
  const { session, seen, ask } = setUp();
  ask(1, { outputs: ['y'] });
  expect(session.runs[0]!.feeds['x']).toEqual(new Float32Array([1]));
  expect(session.runs[0]!.options.outputs).toEqual(['y']);
  await session.runs[0]!.finish(10);
  expect(seen).toEqual(['running -', 'done 10']);
});

it('a new request aborts the run before it and shows the last result meanwhile', async () => {
  const { session, seen, ask } = setUp();
  ask(1);
  await session.runs[0]!.finish(10);
  ask(2);
  ask(3);
  expect(session.runs.map((r) => r.options.signal?.aborted)).toEqual([false, true, false]);
  await session.runs[2]!.finish(30);
  expect(seen).toEqual(['running -', 'done 10', 'running 10', 'running 10', 'done 30']);
});

it('a result that comes late replaces nothing', async () => {
  const { session, seen, ask } = setUp();
  ask(1);
  ask(2);
  await session.runs[1]!.finish(20);
  await session.runs[0]!.finish(10);
  expect(seen).toEqual(['running -', 'running -', 'done 20']);
});

it("with overlap 'finish' the run ends, shows, and the latest request follows", async () => {
  const { session, seen, ask } = setUp('finish');
  ask(1);
  ask(2);
  ask(3);
  expect(session.runs).toHaveLength(1);
  await session.runs[0]!.finish(10);
  expect(session.runs.map((r) => r.feeds['x'])).toEqual([new Float32Array([1]), new Float32Array([3])]);
  await session.runs[1]!.finish(30);
  expect(seen.slice(-2)).toEqual(['running 10', 'done 30']);
});

it("with overlap 'finish' the error of a superseded run is not shown", async () => {
  const { session, seen, ask } = setUp('finish');
  ask(1);
  ask(2);
  await session.runs[0]!.fail(new QuernError('device-lost', 'gone'));
  await session.runs[1]!.finish(20);
  expect(seen).toEqual(['running -', 'running -', 'running -', 'done 20']);
});

it('another model takes over at once and shows nothing of the one before', async () => {
  const { session, seen, ask } = setUp('finish');
  ask(1);
  await session.runs[0]!.finish(10);
  ask(2);
  const other = new FakeSession();
  ask(2, { session: other });
  expect(session.runs[1]!.options.signal?.aborted).toBe(true);
  await other.runs[0]!.finish(20);
  expect(seen).toEqual(['running -', 'done 10', 'running 10', 'running -', 'done 20']);
});

it('an error keeps the last result, and retry runs again', async () => {
  const { session, runner, seen, ask } = setUp();
  ask(1);
  await session.runs[0]!.finish(10);
  ask(2);
  const error = new QuernError('out-of-memory', 'too much');
  await session.runs[1]!.fail(error);
  const { view } = runner.getSnapshot();
  expect(view.error).toBe(error);
  view.retry?.();
  view.retry?.();
  expect(session.runs).toHaveLength(3);
  await session.runs[2]!.finish(20);
  expect(seen).toEqual(['running -', 'done 10', 'running 10', 'error 10', 'running 10', 'done 20']);
});

it('feeds may be made by a function, also a slow one', async () => {
  const { session, ask } = setUp();
  ask(1, { feeds: () => Promise.resolve({ x: new Float32Array([7]) }) });
  await settle();
  expect(session.runs[0]!.feeds['x']).toEqual(new Float32Array([7]));
});

it('a function that throws is an error about the feeds', () => {
  const { runner, ask } = setUp();
  ask(1, { feeds: () => { throw new RangeError('no frame'); } });
  return settle().then(() => {
    expect(runner.getSnapshot().view.error).toMatchObject({ code: 'invalid-input', message: 'the function that makes the feeds threw: no frame' });
  });
});

it('stop aborts and says nothing', async () => {
  const { session, seen, runner, ask } = setUp('finish');
  ask(1);
  ask(2);
  runner.stop();
  await settle();
  expect(session.runs.map((r) => r.options.signal?.aborted)).toEqual([true]);
  expect(seen).toEqual(['running -', 'running -']);
});

it('nothing to run is idle', async () => {
  const { session, seen, runner, ask } = setUp();
  ask(1);
  runner.request(undefined, 'abort');
  runner.request(undefined, 'abort');
  await settle();
  expect(session.runs[0]!.options.signal?.aborted).toBe(true);
  expect(seen).toEqual(['running -', 'idle -']);
});
