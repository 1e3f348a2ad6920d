/** Attention of which no more than a tile of the scores is in memory. */
import { expect, it } from 'vitest';
import { viewAs } from '../../jit/expr/dtype.ts';
import { cpu } from '../../jit/fuzz/devices.ts';
import { f32 } from '../testing/control-cases.ts';
import { type GraphSpec, noise } from '../testing/graphs.ts';
import { runOn } from '../testing/run-control.ts';
import { tileCounts } from './tiles.ts';

/** Two heads of 8: queries, keys and values as [1, heads, rows, 8], a mask that is added, one that is an index. */
const attention = (q: number | string, k: number | string): GraphSpec => ({
  inputs: { q: [1, 2, q, 8], k: [1, 2, 8, k], v: [1, 2, k, 8], mask: [q, k] }, outputs: ['y'],
  nodes: [['MatMul', 'q k', 'scores'], ['Add', 'scores mask', 'masked'], ['Softmax', 'masked', 'p', { axis: -1 }], ['MatMul', 'p v', 'y']],
});

interface Found {
  readonly y: number[];
  readonly calls: number;
  readonly arena: number;
}

async function run(spec: GraphSpec, bytes: number, sizes: readonly (readonly [number, number])[]): Promise<Found[]> {
  const found: Found[] = [];
  await runOn({ main: await cpu({ fma: false, panel: 8, maxBytes: 2 ** 26 }) }, spec, async (go, executor) => {
    for (const [q, k] of sizes) {
      const shapes = { q: [1, 2, q, 8], k: [1, 2, 8, k], v: [1, 2, k, 8], mask: [q, k] };
      const { y } = await go(Object.fromEntries(Object.entries(shapes).map(([name, dims]) => [name, f32(dims, [...noise(dims, name)].map(Number))])));
      const bound = executor.bindings.at(-1)?.bound() ?? [];
      found.push({
        y: y?.kind === 'bytes' ? Array.from(viewAs('float32', y.bytes), Number) : [], calls: bound.reduce((n, s) => n + s.steps.length, 0),
        arena: bound.reduce((n, s) => n + s.arena.reduce((m, r) => m + r.bytes, 0), 0),
      });
    }
  }, { tiles: { bytes, rows: 1 } });
  return found;
}

it('tiles are about as large, and whole heads where those fit', () => {
  const size = { bytes: 2 ** 20, rows: 32 };
  expect(tileCounts([12, 2048], 8192, size)).toEqual([1, 128]);
  expect(tileCounts([12, 512], 2048, size)).toEqual([1, 512]);
  expect(tileCounts([12, 128], 512, size)).toEqual([12, 128]);
  expect(tileCounts([4, 12, 128], 512, size)).toEqual([1, 12, 128]);
  expect(tileCounts([12, 577], 2308, size)).toEqual([1, 289]);
  expect(tileCounts([2, 90000], 360000, size)).toEqual([1, 32]);
  expect(tileCounts([12, 0], 2308, size)).toEqual([12, 0]);
});

it.each([['known', attention(70, 51)], ['open', attention('m', 'n')]] as const)('tiles of %s sizes make what the whole makes, in less memory', async (_, spec) => {
  const sizes = [[70, 51]] as const;
  const [[whole], [tiled]] = [await run(spec, 2 ** 20, sizes), await run(spec, 8000, sizes)];
  expect(tiled?.y).toEqual(whole?.y);
  expect(whole?.y.length).toBe(2 * 70 * 8);
  expect(tiled?.calls).toBeGreaterThan(2 * (whole?.calls ?? 0));
  expect(tiled?.arena).toBeLessThan((whole?.arena ?? 0) / 2);
});

it('sizes that change from run to run change the number of tiles', async () => {
  const sizes = [[70, 51], [33, 51], [1, 9], [65, 52], [71, 53], [72, 54], [66, 53], [12, 55]] as const;
  const spec = attention('m', 'n');
  const whole = await run(spec, 2 ** 20, sizes);
  for (const bytes of [8000, 500]) {
    const tiled = await run(spec, bytes, sizes);
    expect(tiled.map((f) => f.y)).toEqual(whole.map((f) => f.y));
  }
});

it('weights between products are not read again for each tile', async () => {
  const spec: GraphSpec = {
    inputs: { x: [100, 16] }, weights: { a: [16, 64], b: [64, 16] }, outputs: ['y'],
    nodes: [['MatMul', 'x a', 'h'], ['Softmax', 'h', 'p', { axis: -1 }], ['MatMul', 'p b', 'y']],
  };
  await runOn({ main: await cpu({ fma: false, panel: 8, maxBytes: 2 ** 26 }) }, spec, async (_, { plan }) => {
    await Promise.resolve();
    expect(plan.segments.flatMap((s) => s.steps).filter((s) => s.tile !== undefined)).toEqual([]);
  }, { tiles: { bytes: 1000, rows: 1 } });
});
