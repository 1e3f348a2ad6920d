/**
 * The CPU device in a real browser: the fused class where the browser has it, helper threads, aborts. The conformance suite runs on one
 * and on two threads; programs must give the same bits on both.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device, Step, View } from '../../device.ts';
import { type Expr, type Var, add, constant, int, load, mul, ref, symbol, variable } from '../../expr/expr.ts';
import { type Arg, type Body, makeKernel, stridesOf } from '../../kernel.ts';
import { nextTask } from '../../next-task.ts';
import { conformance } from '../conformance.ts';
import { createWasmDevice } from './device.ts';
import { randoms } from './testing.ts';

const spawnThread = (): Worker => new Worker(new URL('./testing-thread.ts', import.meta.url), { type: 'module' });
const make = (threads: number): Promise<Device> => createWasmDevice({ threads, maxBytes: 2 ** 28, spawnThread });

conformance('wasm in the browser, two threads', () => make(2));

const n = variable('n', symbol('N', 1));
const x = load(0, 'float32', [n]);
const arg = (shape: readonly Expr[], access: Arg['access'] = 'read'): Arg => ({ dtype: 'float32', shape, strides: stridesOf(shape), access });

/** y = 3 x + 1, elementwise. */
const linear: Body = { kind: 'map', axes: [n], store: { tensor: 1, index: [n], value: add(mul(x, constant(3, 'float32')), constant(1, 'float32')) } };
const twoVectors = [arg([n.extent]), arg([n.extent], 'write')];
/** y[n] = sum of row n of a square matrix. */
const k: Var = variable('k', 64);
const rowSums: Body = {
  kind: 'rows', axes: [n], inner: [k], each: false, scans: [{ name: 's', op: 'sum', value: load(0, 'float32', [n, k]) }],
  store: { tensor: 1, index: [n], value: ref('s', 'float32') },
};

async function stepOf(device: Device, body: Body, args: readonly Arg[], views: readonly View[], dims: readonly number[], fma = false): Promise<Step> {
  const { kernel } = makeKernel(body, args, { fma, precision: 'exact' });
  const space = device.space(kernel);
  if ('why' in space) throw new Error(space.why);
  return { compiled: await device.compile(device.emit(kernel, space.fallback)), args: views, dims };
}

/** A chain of steps through two buffers that are used again and again, so that every kind of dependency occurs. */
async function chain(device: Device, length: number, rounds: number): Promise<Float32Array> {
  const bytes = 4 * length;
  const region = device.allocate(3 * bytes);
  const [a, b, c] = [0, 1, 2].map((i): View => ({ region, offset: i * bytes, bytes })) as [View, View, View];
  device.write(a, 'float32', new Uint8Array(randoms(5, length, -1, 1).buffer));
  const steps: Step[] = [];
  for (let i = 0; i < rounds; i++) {
    for (const [from, to] of [[a, b], [b, c], [c, a]] as const) steps.push(await stepOf(device, linear, twoVectors, [from, to], [length]));
    steps.push(await stepOf(device, rowSums, [arg([n.extent, int(64)]), arg([n.extent], 'write')], [a, { ...b, bytes: bytes / 64 }], [length / 64]));
  }
  const program = device.program(steps);
  for (let run = 0; run < 3; run++) await program.run();
  program.dispose();
  const sums = await device.read({ ...b, bytes: bytes / 64 }, 'float32');
  const all = await device.read(a, 'float32');
  device.release(region);
  return new Float32Array([...new Float32Array(all.buffer), ...new Float32Array(sums.buffer)]);
}

describe('programs on threads', () => {
  let one: Device;
  let two: Device;
  let three: Device;
  beforeAll(async () => { [one, two, three] = await Promise.all([make(1), make(2), make(3)]); });
  afterAll(async () => { await Promise.all([one, two, three].map((d) => d.dispose())); });

  // WebKit has no relaxed SIMD.
  const fuses = /Chrom|Firefox/.test(navigator.userAgent);
  it(`the browser ${fuses ? 'fuses' : 'does not fuse'}, and the profile says so`, () => expect(one.profile.fma).toBe(fuses));
  it('the page is isolated', () => expect(crossOriginIsolated).toBe(true));
  for (const length of [64, 6400, 64 * 4096]) {
    it(`${length} elements: the same bits on one, two and three threads`, async () => {
      const results = await Promise.all([one, two, three].map((device) => chain(device, length, 4)));
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    });
  }
  it('a swap to other code takes effect on every thread', async () => {
    const length = 64 * 1024;
    const region = two.allocate(8 * length);
    const [from, to] = [0, 1].map((i): View => ({ region, offset: i * 4 * length, bytes: 4 * length })) as [View, View];
    two.write(from, 'float32', new Uint8Array(new Float32Array(length).fill(2).buffer));
    const step = await stepOf(two, linear, twoVectors, [from, to], [length]);
    const program = two.program([step]);
    await program.run();
    const doubled: Body = { ...linear, store: { ...linear.store, value: mul(x, constant(2, 'float32')) } };
    program.swap(0, (await stepOf(two, doubled, twoVectors, [from, to], [length])).compiled);
    await program.run();
    const got = new Float32Array((await two.read(to, 'float32')).buffer);
    expect(got.every((v) => v === 4)).toBe(true);
    program.dispose();
    two.release(region);
  });
  it('a run that is aborted in the middle rejects, and the next run is whole', async () => {
    const length = 2 ** 20;
    const region = two.allocate(8 * length);
    const [from, to] = [0, 1].map((i): View => ({ region, offset: i * 4 * length, bytes: 4 * length })) as [View, View];
    two.write(from, 'float32', new Uint8Array(new Float32Array(length).fill(2).buffer));
    const step = await stepOf(two, linear, twoVectors, [from, to], [length]);
    const program = two.program(Array.from({ length: 2000 }, () => step));
    const abort = new AbortController();
    setTimeout(() => { abort.abort(); }, 20);
    await expect(program.run({ signal: abort.signal })).rejects.toMatchObject({ code: 'aborted' });
    program.dispose();
    const again = two.program([step]);
    await again.run();
    expect(new Float32Array((await two.read(to, 'float32')).buffer).every((v) => v === 7)).toBe(true);
    again.dispose();
    two.release(region);
  });
  it('helpers of a device that is gone serve the next one, which computes the same', async () => {
    let spawned = 0;
    const idle: Worker[] = [];
    const spawn = (): Worker => {
      const worker = idle.pop();
      if (worker === undefined) spawned++;
      return worker ?? spawnThread();
    };
    const results: Float32Array[] = [];
    for (const threads of [3, 2, 3]) {
      const device = await createWasmDevice({ threads, maxBytes: 2 ** 28, spawnThread: spawn, returnThread: (worker) => { idle.push(worker); } });
      results.push(await chain(device, 6400, 4));
      await device.dispose();
    }
    expect(spawned).toBe(2);
    for (const result of results) expect(result).toEqual(await chain(one, 6400, 4));
  });
  describe('that start late', () => {
    let spawned = 0;
    const late = (spawn = spawnThread): Promise<Device> => {
      spawned = 0;
      const counted = (): Worker => {
        spawned++;
        return spawn();
      };
      return createWasmDevice({ threads: 2, maxBytes: 2 ** 28, spawnThread: counted, early: false });
    };
    it('come when they are asked for, and know the kernels that were there', async () => {
      const device = await late();
      const began = performance.now();
      const [before, alone] = [await chain(device, 6400, 4), spawned];
      // On a busy machine it takes long, which is a reason for them to come.
      const asked = performance.now() - began < 100 ? alone : 0;
      device.settle?.();
      device.settle?.();
      expect([asked, spawned]).toEqual([0, 1]);
      expect(await chain(device, 64 * 4096, 4)).toEqual(await chain(one, 64 * 4096, 4));
      expect(before).toEqual(await chain(one, 6400, 4));
      await device.dispose();
    });
    it('join a run that takes long', async () => {
      const device = await late();
      const length = 2 ** 20;
      const region = device.allocate(8 * length);
      const [from, to] = [0, 1].map((i): View => ({ region, offset: i * 4 * length, bytes: 4 * length })) as [View, View];
      device.write(from, 'float32', new Uint8Array(new Float32Array(length).fill(2).buffer));
      const step = await stepOf(device, linear, twoVectors, [from, to], [length]);
      await device.program(Array.from({ length: 2000 }, () => step)).run();
      expect(spawned).toBe(1);
      expect(new Float32Array((await device.read(to, 'float32')).buffer).every((v) => v === 7)).toBe(true);
      await device.dispose();
    });
    it('are named by the next run if they cannot be started', async () => {
      const device = await late(() => new Worker(URL.createObjectURL(new Blob(['throw new Error("no")']))));
      await device.program([]).run();
      device.settle?.();
      await device.lost;
      await nextTask();
      await expect(device.program([]).run()).rejects.toMatchObject({ code: 'worker-blocked' });
      await device.dispose();
    });
  });
  it('a thread that never answers is done without', async () => {
    const silent = (): Worker => new Worker(URL.createObjectURL(new Blob([''])));
    const device = await createWasmDevice({ threads: 2, maxBytes: 2 ** 28, spawnThread: silent });
    expect(await chain(device, 6400, 1)).toEqual(await chain(one, 6400, 1));
    await device.dispose();
  });
  it('a thread that cannot be started is named', async () => {
    const broken = (): Worker => new Worker(URL.createObjectURL(new Blob(['throw new Error("no")'])));
    const device = await createWasmDevice({ threads: 2, maxBytes: 2 ** 26, spawnThread: broken });
    await expect(device.program([]).run()).rejects.toMatchObject({ code: 'worker-blocked' });
    await device.dispose();
  });
});
