/** Whole sessions in a real browser: the fixtures from bytes to outputs on each device, decode loops, and what tuning must not change. */
import { afterEach, describe, expect, it } from 'vitest';
import { bytesUnder, fromHalf, viewAs } from '../../jit/expr/dtype.ts';
import { model as buildModel, node, tensor } from '../load/testing/build-model.ts';
import { resolveOptions } from '../options.ts';
import { fixtures } from '../testing/fixtures.ts';
import { loadModel } from './load-model.ts';
import type { Model, RunRequest, WireTensor } from './model.ts';

const open: Model[] = [];
afterEach(async () => {
  for (const model of open.splice(0)) await model.dispose();
});

async function load(bytes: Uint8Array, options: Record<string, unknown>): Promise<Model> {
  const resolved = resolveOptions({ tune: 'off', cache: false, threads: 1, ...options });
  const model = await loadModel({ kind: 'bytes', bytes }, {}, resolved, () => undefined, new AbortController().signal);
  open.push(model);
  return model;
}

type Feeds = (typeof fixtures)[number]['cases'][number]['feeds'];
const wire = (feeds: Feeds): RunRequest['feeds'] =>
  Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, { kind: 'bytes', dtype: t.dtype, dims: t.dims, bytes: bytesUnder(t.data) }]));

function numbers(tensor: WireTensor | undefined): number[] {
  if (tensor?.kind !== 'bytes') throw new Error('an output is missing');
  return [...viewAs(tensor.dtype, tensor.bytes)].map((v) => (tensor.dtype === 'float16' ? fromHalf(Number(v)) : Number(v)));
}

describe.each(['wasm', 'webgpu'] as const)('on %s', (device) => {
  for (const { name, build, cases } of fixtures) {
    it(`${name} gives what another engine gave`, async () => {
      const model = await load(build(), { device });
      for (const { feeds, outputs } of cases) {
        const got = await model.run({ feeds: wire(feeds) });
        for (const [output, expected] of Object.entries(outputs)) {
          expect(got[output]?.dims).toEqual(expected.dims);
          const half = expected.dtype === 'float16';
          const [rtol, atol] = half ? [1e-2, 1e-3] : [1e-3, 1e-5];
          const wanted = [...expected.data].map((v) => (half ? fromHalf(Number(v)) : Number(v)));
          const values = numbers(got[output]);
          expect(values.length).toBe(wanted.length);
          expect(wanted.filter((w, i) => !(Math.abs((values[i] ?? NaN) - w) <= atol + rtol * Math.abs(w)))).toEqual([]);
        }
      }
    });
  }

  it('an index out of range fails its run, and only that', async () => {
    const model = await load(buildModel({
      inputs: { table: 'float32[4, 2]', ids: 'int64[N]' }, outputs: { y: 'float32[N, 2]' },
      nodes: [{ op: 'Gather', name: 'lookup', inputs: ['table', 'ids'], outputs: ['rows'] }, { op: 'Neg', inputs: ['rows'], outputs: ['y'] }],
    }), { device });
    const table: WireTensor = { kind: 'bytes', dtype: 'float32', dims: [4, 2], bytes: bytesUnder(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)) };
    const run = (ids: readonly bigint[]): ReturnType<Model['run']> =>
      model.run({ feeds: { table, ids: { kind: 'bytes', dtype: 'int64', dims: [ids.length], bytes: bytesUnder(BigInt64Array.from(ids)) } } });
    expect(numbers((await run([0n, -1n]))['y'])).toEqual([-1, -2, -7, -8]);
    await expect(run([1n, 4n])).rejects.toMatchObject({ code: 'index-out-of-range', node: 'lookup', op: 'Gather', expected: '-4 to 3', got: '4' });
    await expect(run([-5n, 0n])).rejects.toMatchObject({ got: '-5' });
    expect(numbers((await run([3n, 2n]))['y'])).toEqual([-7, -8, -5, -6]);
    expect((await model.report()).fallbacks).toEqual([]);
  });

  it('float64 runs, on the CPU where the GPU has none', async () => {
    const model = await load(buildModel({
      inputs: { x: 'float64[2]' }, outputs: { y: 'float64[2]' }, initializers: { w: tensor('float64', [2], [0.1, 0.2]) },
      nodes: [node('Neg', ['w'], 'v'), node('Add', ['x', 'v'], 'y')],
    }), { device });
    const x: WireTensor = { kind: 'bytes', dtype: 'float64', dims: [2], bytes: bytesUnder(Float64Array.of(1e-12, 5)) };
    expect(numbers((await model.run({ feeds: { x } }))['y'])).toEqual([1e-12 - 0.1, 4.8]);
    expect((await model.report()).fallbacks.length > 0).toBe(device === 'webgpu');
  });

  it('a decode loop compiles nothing after its second step', async () => {
    const fixture = fixtures.find((f) => f.name === 'kv-cache-step');
    if (fixture === undefined) throw new Error('the fixture is gone');
    const model = await load(fixture.build(), { device });
    const feeds = wire(fixture.cases[0]?.feeds ?? {});
    const compiled: number[] = [];
    let past: Record<string, WireTensor> = {};
    for (let step = 0; step < 4; step++) {
      const result = await model.run({ feeds: { ...feeds, ...past }, keep: ['present*'] });
      past = Object.fromEntries(Object.entries(result).filter(([n]) => n.startsWith('present')).map(([n, t]) => [n.replace('present', 'past'), t]));
      compiled.push((await model.report()).compiled);
    }
    expect(Object.keys(past).length).toBeGreaterThan(0);
    expect(Object.values(past).every((t) => t.kind === 'handle')).toBe(true);
    expect(compiled[3]).toBe(compiled[1]);
  });
});

it('tuning on the CPU changes no bit', async () => {
  const fixture = fixtures.find((f) => f.name === 'attention-with-mask');
  if (fixture === undefined) throw new Error('the fixture is gone');
  const model = await load(fixture.build(), { device: 'wasm' });
  const feeds = wire(fixture.cases[0]?.feeds ?? {});
  const before = await model.run({ feeds });
  const report = await model.tune({ budgetMs: 1500 });
  const after = await model.run({ feeds });
  expect(report.measured).toBeGreaterThan(0);
  expect(report.wrong).toBe(0);
  for (const name of Object.keys(before)) expect(numbers(after[name])).toEqual(numbers(before[name]));
});

it('exported records are found again by another session', async () => {
  const fixture = fixtures.find((f) => f.name === 'mlp');
  if (fixture === undefined) throw new Error('the fixture is gone');
  const feeds = wire(fixture.cases[0]?.feeds ?? {});
  const first = await load(fixture.build(), { device: 'wasm' });
  await first.run({ feeds });
  await first.tune({ budgetMs: 800 });
  const second = await load(fixture.build(), { device: 'wasm' });
  await second.run({ feeds });
  await second.importTuning(await first.exportTuning());
  const { kernels } = await second.report();
  const tuned = kernels.filter((k) => k.candidates > 1 && k.tried.length > 0);
  expect(tuned.length).toBeGreaterThan(0);
  expect(tuned.every((k) => k.choice === 'imported')).toBe(true);
});

it('a report tells how fast each kernel is', async () => {
  const fixture = fixtures.find((f) => f.name === 'mlp');
  if (fixture === undefined) throw new Error('the fixture is gone');
  const model = await load(fixture.build(), { device: 'wasm' });
  await model.run({ feeds: wire(fixture.cases[0]?.feeds ?? {}) });
  const { kernels } = await model.report();
  expect(kernels.length).toBeGreaterThan(0);
  for (const { ms = 0, flops, bytes, gflops, gbytes } of kernels) {
    expect([gflops, gbytes]).toEqual(ms === 0 ? [undefined, undefined] : [flops, bytes].map((n): unknown => expect.closeTo(n / ms / 1e6, 4)));
  }
});

it('the roofline of a report is of the peaks that it names', async () => {
  const n = 512;
  const weights = Array.from({ length: n * n }, (_, i) => (i % 7) - 3);
  const model = await load(buildModel({
    inputs: { x: `float32[${n}, ${n}]` }, outputs: { y: '' }, initializers: { w: tensor('float32', [n, n], weights) }, nodes: [node('MatMul', ['x', 'w'], 'y')],
  }), { device: 'wasm' });
  const x: WireTensor = { kind: 'bytes', dtype: 'float32', dims: [n, n], bytes: bytesUnder(Float32Array.from(weights)) };
  await model.run({ feeds: { x } });
  const { kernels: [product], hardware } = await model.report();
  expect(product?.roofline).toBeCloseTo(Math.min(1, (product?.gflops ?? 0) * 1e9 / hardware.peakFlops), 6);
});
