/** Kept tensors on a device whose programs can move: a cache that grows is handed on, not copied, and little is bound for a step. */
import { describe, expect, it } from 'vitest';
import type { Device } from '../../jit/device.ts';
import { bytesUnder, viewAs } from '../../jit/expr/dtype.ts';
import { cpu } from '../../jit/fuzz/devices.ts';
import { type GraphSpec, graph } from '../testing/graphs.ts';
import { compileModel } from './compile-model.ts';
import type { Executor } from './executor.ts';
import type { WireTensor } from './model.ts';

/** Rows join a cache of two heads; `all` is computed from the longer cache. */
const cache: GraphSpec = {
  inputs: { x: [2, 'T', 3], past: [2, 'P', 3] }, outputs: ['present', 'all', 'scaled'], floats: { two: [2] },
  nodes: [
    ['Concat', 'past x', 'present', { axis: 1 }], ['Transpose', 'present', 'turned', { perm: [0, 2, 1] }],
    ['MatMul', 'x turned', 'all'], ['Mul', 'all two', 'scaled'],
  ],
};

const rows = (first: number, count: number): number[] => Array.from({ length: 2 * count * 3 }, (_, i) =>
  Math.floor(i / (count * 3)) * 100 + (first + (Math.floor(i / 3) % count)) * 2 + (i % 3));
const wire = (count: number, values: readonly number[]): WireTensor =>
  ({ kind: 'bytes', dtype: 'float32', dims: [2, count, 3], bytes: bytesUnder(Float32Array.from(values)) });
const numbers = (t: WireTensor | undefined): number[] => (t?.kind === 'bytes' ? Array.from(viewAs(t.dtype, t.bytes), Number) : []);

/** Rows of x times all rows of a cache of `length`, twice. */
const expected = (first: number, count: number, length: number): number[] => {
  const [x, all] = [rows(first, count), rows(0, length)];
  return Array.from({ length: 2 * count * length }, (_, i) => {
    const [h, t, r] = [Math.floor(i / (count * length)), Math.floor(i / length) % count, i % length];
    return 2 * [0, 1, 2].reduce((sum, d) => sum + (x[(h * count + t) * 3 + d] ?? 0) * (all[(h * length + r) * 3 + d] ?? 0), 0);
  });
};

async function setup(): Promise<{ readonly device: Device; readonly executor: Executor; readonly programs: () => number }> {
  const device = await cpu({ fma: false, maxBytes: 2 ** 26 });
  const make = device.program.bind(device);
  let programs = 0;
  device.program = (steps) => {
    programs++;
    return make(steps);
  };
  const { executor } = compileModel(graph(cache), { main: device }, { precision: 'exact', dims: {} });
  await executor.residence.prepare(() => undefined);
  return { device, executor, programs: () => programs };
}

const step = (executor: Executor, past: WireTensor, first: number, count = 1): Promise<Record<string, WireTensor>> =>
  executor.run({ feeds: { x: wire(count, rows(first, count)), past }, keep: ['present'] });

describe('a cache that is kept', () => {
  it('grows step by step with the right rows in it, and gives its memory back', async () => {
    const { device, executor, programs } = await setup();
    const { used } = device.memory();
    let past = wire(2, rows(0, 2));
    for (let length = 2; length < 60; length++) {
      const { present, scaled } = await step(executor, past, length);
      expect(numbers(scaled)).toEqual(expected(length, 1, length + 1));
      if (past.kind === 'handle') executor.release(past.handle);
      if (present?.kind !== 'handle') throw new Error('the cache was not kept');
      past = present;
    }
    const held = past.kind === 'handle' ? await executor.read(past.handle) : new Uint8Array(0);
    expect(numbers({ ...wire(60, []), bytes: held } as WireTensor)).toEqual(rows(0, 60));
    // Exact sizes first, then room in steps of eight.
    expect(programs()).toBeLessThan(12);
    executor.dispose();
    expect(device.memory().used).toBeLessThanOrEqual(used);
  });

  it('may be fed again and again: what is kept does not change', async () => {
    const { executor } = await setup();
    const { present } = await step(executor, wire(3, rows(0, 3)), 3);
    if (present?.kind !== 'handle') throw new Error('the cache was not kept');
    const first = await step(executor, present, 4);
    const second = await step(executor, present, 9, 2);
    const third = await step(executor, present, 4);
    expect([numbers(first['scaled']), numbers(third['scaled'])]).toEqual([expected(4, 1, 5), expected(4, 1, 5)]);
    expect(numbers(second['scaled']).length).toBe(2 * 2 * 6);
    await executor.profile();
    for (const kept of [present, first['present']]) {
      if (kept?.kind !== 'handle') throw new Error('the cache was not kept');
      const length = kept === present ? 4 : 5;
      expect(numbers({ ...wire(length, []), bytes: await executor.read(kept.handle) } as WireTensor)).toEqual(rows(0, length));
    }
    executor.release(present.handle);
    // Its memory is gone: a profile runs on other.
    await expect(executor.profile()).resolves.toBeDefined();
    expect(numbers((await step(executor, wire(4, rows(0, 4)), 4))['scaled'])).toEqual(expected(4, 1, 5));
    executor.dispose();
  });
});
