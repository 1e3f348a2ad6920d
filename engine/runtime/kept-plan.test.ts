/** Plans kept from visit to visit: what a second visit runs, and which entries it must leave aside. */
import { describe, expect, it, vi } from 'vitest';
import { createWasmDevice } from '../../jit/backends/wasm/device.ts';
import { bytesUnder, viewAs } from '../../jit/expr/dtype.ts';
import { openCache } from '../cache/cache.ts';
import { open, seal } from '../cache/entry.ts';
import { type Store, memoryStore } from '../cache/store.ts';
import { type Folder, KeptFiles } from '../load/kept-files.ts';
import { type ModelLiteral, floats, ints, model, node, tensor } from '../load/testing/build-model.ts';
import { MemoryFolder } from '../load/testing/memory-folder.ts';
import { resolveOptions } from '../options.ts';
import { fixtures } from '../testing/fixtures.ts';
import { executable } from './compile-model.ts';
import { Landing } from './landing.ts';
import { planOf } from './load-model.ts';
import type { RunRequest, WireSource } from './model.ts';

interface Visit {
  readonly kept: boolean;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly notes: readonly string[];
  /** Whether weights came as setup steps had left them, and nothing of the model was read. */
  readonly ready: boolean;
}

interface Circumstances {
  readonly given?: Parameters<typeof resolveOptions>[0];
  readonly panel?: number;
  readonly folder?: Folder;
}

/** Loads and runs a model as a page with this storage would. */
async function visit(store: Store, source: WireSource, feeds: RunRequest['feeds'], more: Circumstances = {}): Promise<Visit> {
  const { given = {}, panel = 8, folder } = more;
  const known = { panel, peakFlops: 1e10, peakBytes: 1e10 };
  const landing = new Landing(async () =>
    ({ devices: { main: await createWasmDevice({ threads: 1, maxBytes: 2 ** 26, known }) }, why: 'asked for', isolated: false }));
  const cache = openCache({ enabled: true, store });
  const options = { ...resolveOptions(given), cache: true };
  const files = folder === undefined ? undefined : new KeptFiles(folder);
  const request = [source, {}, options, (): void => undefined, new AbortController().signal] as const;
  const made = await planOf([...request], { memory: (expected) => landing.expect(expected), files }, landing, cache);
  const { devices } = await landing.device();
  const { executor } = executable(made.plan, devices);
  if (made.ready === undefined) await executor.residence.prepare(() => undefined, undefined, landing);
  else executor.residence.settle(made.ready, landing);
  const results = await executor.run({ feeds });
  const outputs = Object.fromEntries(Object.entries(results).map(([name, t]) => [name, t.kind === 'bytes' ? Array.from(viewAs(t.dtype, t.bytes), Number) : []]));
  await made.keep(executor.residence);
  await landing.dispose();
  return { kept: made.kept, outputs, notes: [...cache.notes(), ...files?.notes ?? []], ready: made.ready !== undefined };
}

/** 64 x 128 weights, which are large, a bias, which is small, and a large table of rows to take, which the compiler looks into. */
const literal = (change: { weight?: number; scale?: number; bias?: number; row?: number; axis?: number } = {}): ModelLiteral => ({
  inputs: { x: 'float32[N, 64]' }, outputs: { y: '' },
  initializers: {
    w: floats([64, 128], Array.from({ length: 64 * 128 }, (_, i) => (i === 5 ? change.weight ?? 0 : ((i % 7) - 3) * (change.scale ?? 1)))),
    b: floats([128], Array.from({ length: 128 }, (_, i) => (i === 5 ? change.bias ?? 0 : i / 64))),
    rows: tensor('int64', [4096], Array.from({ length: 4096 }, (_, i) => (i === 9 ? change.row ?? 0 : i % 128))),
  },
  nodes: [node('MatMul', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'a'), node('Gather', ['a', 'rows'], 'y', { axis: change.axis ?? 1 })],
});
const source = (change?: Parameters<typeof literal>[0]): WireSource => ({ kind: 'blob', blob: new Blob([model(literal(change)) as Uint8Array<ArrayBuffer>]) });
const x = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i));
const feeds: RunRequest['feeds'] = { x: { kind: 'bytes', dtype: 'float32', dims: [3, 64], bytes: bytesUnder(x) } };
const planKey = async (store: Store): Promise<string> => (await store.entries()).map(([key]) => key).find((key) => key.startsWith('choice:plan:')) ?? '';

describe('a kept plan', () => {
  it.each(fixtures.map((f) => [f.name, f] as const))('of %s runs as the one that was made, bit for bit', async (_, { build, cases }) => {
    const store = memoryStore();
    const bytes: WireSource = { kind: 'bytes', bytes: build() };
    for (const c of cases) {
      const fed: RunRequest['feeds'] = Object.fromEntries(Object.entries(c.feeds).map(([name, t]) =>
        [name, { kind: 'bytes', dtype: t.dtype, dims: t.dims, bytes: bytesUnder(t.data) }]));
      const made = await visit(memoryStore(), bytes, fed);
      await visit(store, bytes, fed);
      const kept = await visit(store, bytes, fed);
      expect([made.kept, kept.kept]).toEqual([false, true]);
      expect(kept.outputs).toEqual(made.outputs);
    }
  });

  it('serves a model with other large weights, with their values', async () => {
    const store = memoryStore();
    await visit(store, source(), feeds);
    const other = await visit(store, source({ weight: 100 }), feeds);
    expect(other.kept).toBe(true);
    expect(other.outputs).toEqual((await visit(memoryStore(), source({ weight: 100 }), feeds)).outputs);
  });

  it.each([
    ['another small tensor', { bias: 9 }], ['a large tensor that was looked into', { row: 7 }], ['another attribute', { axis: -1 }],
  ])('is not used for a model with %s', async (_, change) => {
    const store = memoryStore();
    await visit(store, source(), feeds);
    const other = await visit(store, source(change), feeds);
    expect(other.kept).toBe(false);
    expect(other.outputs).toEqual((await visit(memoryStore(), source(change), feeds)).outputs);
  });

  it('is not used with other dims, another precision, or on another device', async () => {
    const store = memoryStore();
    await visit(store, source(), feeds);
    expect((await visit(store, source(), feeds, { given: { dims: { N: 3 } } })).kept).toBe(false);
    expect((await visit(store, source(), feeds, { given: { precision: 'fast' } })).kept).toBe(false);
    expect((await visit(store, source(), feeds, { panel: 16 })).kept).toBe(false);
    expect((await visit(store, source(), feeds)).kept).toBe(true);
  });

  it.each<[string, (entry: unknown) => unknown]>([
    ['foreign', () => ({ hello: 1 })],
    ['of another version', (entry) => ({ ...(entry as object), version: 0 })],
    ['changed', (entry) => ({ ...(entry as object), text: (entry as { text: string }).text.replace('map', 'mop') })],
    ['well sealed but no plan', () => seal({ plan: 1 }, 1)],
    ['well sealed but for an operation that does not exist', (entry) => seal(JSON.parse(JSON.stringify(open(entry)).replaceAll('"mul"', '"mil"')), 1)],
    ['well sealed but for an expression above itself', (entry) => seal(JSON.parse(JSON.stringify(open(entry)).replaceAll('["binary","mul",', '["binary","mul",9')), 1)],
    ['well sealed but short of its tensors', (entry) => seal(JSON.parse(JSON.stringify(open(entry)).replace(/\[0,"float32",/, '[77,"float32",')), 1)],
  ])('that is %s is ignored and rewritten', async (_, spoil) => {
    const map = new Map<string, unknown>();
    const store = memoryStore(map);
    const made = await visit(store, source(), feeds);
    const key = await planKey(store);
    const right = open(map.get(key));
    map.set(key, spoil(map.get(key)));
    const after = await visit(store, source(), feeds);
    expect(after).toEqual({ ...made, kept: false });
    expect(open(map.get(key))).toEqual(right);
    expect((await visit(store, source(), feeds)).kept).toBe(true);
  });

  it('is not kept where the quota is full, which is said once and costs nothing else', async () => {
    const full: Store = {
      ...memoryStore(), update: () => Promise.reject(Object.assign(new Error('full'), { name: 'QuotaExceededError' })),
    };
    const made = await visit(full, source(), feeds);
    expect(made.kept).toBe(false);
    expect(made.notes).toEqual(['the storage of this site is full: what was tuned is kept for this session only']);
    expect((await visit(full, source(), feeds)).outputs).toEqual(made.outputs);
  });

  it('keeps shapes that small integers decide', async () => {
    const shaped = (to: readonly number[]): WireSource => ({
      kind: 'bytes', bytes: model({
        inputs: { x: 'float32[3, 64]' }, outputs: { y: '' }, initializers: { to: ints(...to) }, nodes: [node('Reshape', ['x', 'to'], 'r'), node('Neg', ['r'], 'y')],
      }),
    });
    const store = memoryStore();
    await visit(store, shaped([64, 3]), feeds);
    expect((await visit(store, shaped([64, 3]), feeds)).kept).toBe(true);
    expect((await visit(store, shaped([192]), feeds)).kept).toBe(false);
  });
});

describe('kept weights', () => {
  /** A visit to a model on a server. */
  async function served(store: Store, folder: MemoryFolder, bytes: Uint8Array, headers: Record<string, string> = { ETag: '"1"' }): Promise<Visit & { read: number }> {
    let read = 0;
    vi.stubGlobal('fetch', (_: string, { method = 'GET' }: RequestInit = {}) => {
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          read += bytes.length;
          controller.enqueue(bytes.slice());
          controller.close();
        },
      }, { highWaterMark: 0 });
      return Promise.resolve(new Response(method === 'HEAD' ? null : body, { headers: { 'Content-Length': String(bytes.length), ...headers } }));
    });
    try {
      return { ...await visit(store, { kind: 'url', url: 'http://models.test/m.onnx' }, feeds, { folder }), read };
    } finally {
      vi.unstubAllGlobals();
    }
  }
  const bytes = (change?: Parameters<typeof literal>[0]): Uint8Array => model(literal(change));

  it('are taken as setup steps left them, without reading the model, with the same bits out', async () => {
    const [store, folder] = [memoryStore(), new MemoryFolder()];
    const first = await served(store, folder, bytes());
    const second = await served(store, folder, bytes());
    expect([first.ready, second.ready, second.kept, second.read]).toEqual([false, true, true, 0]);
    expect(second.outputs).toEqual(first.outputs);
    expect(second.notes).toEqual([]);
  });

  it.each(fixtures.map((f) => [f.name, f] as const))('of %s run as the model itself', async (_, { build, cases }) => {
    const [store, folder] = [memoryStore(), new MemoryFolder()];
    const file = build();
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(file as Uint8Array<ArrayBuffer>, { headers: { 'ETag': '"1"', 'Content-Length': String(file.length) } })));
    try {
      const fed: RunRequest['feeds'] = Object.fromEntries(Object.entries(cases[0]?.feeds ?? {}).map(([name, t]) =>
        [name, { kind: 'bytes', dtype: t.dtype, dims: t.dims, bytes: bytesUnder(t.data) }]));
      const from: WireSource = { kind: 'url', url: 'http://models.test/fixture.onnx' };
      const first = await visit(store, from, fed, { folder });
      const second = await visit(store, from, fed, { folder });
      expect(second.kept).toBe(true);
      expect(second.outputs).toEqual(first.outputs);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('are prepared again for another version, and then kept instead', async () => {
    const [store, folder] = [memoryStore(), new MemoryFolder()];
    await served(store, folder, bytes());
    const other = await served(store, folder, bytes({ weight: 100 }), { ETag: '"2"' });
    expect([other.kept, other.ready]).toEqual([true, false]);
    expect(other.outputs).toEqual((await visit(memoryStore(), source({ weight: 100 }), feeds)).outputs);
    const again = await served(store, folder, bytes({ weight: 100 }), { ETag: '"2"' });
    expect([again.ready, again.outputs]).toEqual([true, other.outputs]);
  });

  it('are not those of another panel', async () => {
    const [store, folder] = [memoryStore(), new MemoryFolder()];
    await served(store, folder, bytes());
    const file = bytes();
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(file as Uint8Array<ArrayBuffer>, { headers: { ETag: '"1"' } })));
    const other = await visit(store, { kind: 'url', url: 'http://models.test/m.onnx' }, feeds, { folder, panel: 16 });
    vi.unstubAllGlobals();
    expect(other.ready).toBe(false);
  });

  it.each([
    ['forbids to store them', { 'ETag': '"1"', 'Cache-Control': 'no-store' }], ['vouches for nothing', {}],
  ])('are not kept where the server %s', async (_, headers) => {
    const [store, folder] = [memoryStore(), new MemoryFolder()];
    await served(store, folder, bytes(), headers);
    const second = await served(store, folder, bytes(), headers);
    expect([second.kept, second.ready]).toEqual([true, false]);
  });

  it('that were damaged are prepared again', async () => {
    const [store, folder] = [memoryStore(), new MemoryFolder()];
    const first = await served(store, folder, bytes());
    for (const file of folder.files.values()) file.bytes.fill(1, file.bytes.length - 100);
    const after = await served(store, folder, bytes());
    expect([after.ready, after.outputs]).toEqual([false, first.outputs]);
    expect((await served(store, folder, bytes())).ready).toBe(true);
  });

  it('are of no use without their plan', async () => {
    const [map, folder] = [new Map<string, unknown>(), new MemoryFolder()];
    const first = await served(memoryStore(map), folder, bytes());
    map.clear();
    const after = await served(memoryStore(map), folder, bytes());
    expect([after.kept, after.ready, after.outputs]).toEqual([false, false, first.outputs]);
  });

  it('are not kept without room', async () => {
    const [store, folder] = [memoryStore(), new MemoryFolder()];
    folder.limit = 1000;
    const first = await served(store, folder, bytes());
    const second = await served(store, folder, bytes());
    expect([second.kept, second.ready, second.outputs]).toEqual([true, false, first.outputs]);
  });
});
