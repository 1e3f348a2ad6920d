/** Weights that land in device memory while a model loads. */
import { describe, expect, it } from 'vitest';
import { createWasmDevice } from '../../jit/backends/wasm/device.ts';
import type { Device } from '../../jit/device.ts';
import { floats, model, node } from '../load/testing/build-model.ts';
import { loadGraph } from '../load/load-graph.ts';
import type { Chosen } from './choose-device.ts';
import { compileModel } from './compile-model.ts';
import { Landing } from './landing.ts';

const known = { panel: 8, peakFlops: 1e10, peakBytes: 1e10 };
const start = (asked: number[], made: Device[]) =>
  new Landing(async (weightBytes): Promise<Chosen> => {
    asked.push(weightBytes);
    const main = await createWasmDevice({ threads: 1, maxBytes: 64 * 2 ** 20, known });
    made.push(main);
    return { devices: { main }, why: 'asked for', isolated: false };
  });
/** 64 x 128 floats: 32 KiB, large enough to land. */
const weights = Float32Array.from({ length: 64 * 128 }, (_, i) => (i % 7) - 3);
const bytes = model({
  inputs: { x: 'float32[2, 64]' }, outputs: { y: 'float32[2, 128]' },
  initializers: { w: floats([64, 128], [...weights]), unused: floats([64, 128], [...weights]) },
  nodes: [node('MatMul', ['x', 'w'], 'y')],
});

describe('landing', () => {
  it('holds each weight once, packs it, and frees what nothing reads', async () => {
    const [asked, made]: [number[], Device[]] = [[], []];
    const landing = start(asked, made);
    const graph = await loadGraph({ kind: 'blob', blob: new Blob([bytes as Uint8Array<ArrayBuffer>]) }, {}, { memory: (expected) => landing.expect(expected) });
    const { devices } = await landing.device();
    const { executor } = compileModel(graph, devices, { precision: 'exact', dims: {} });
    const before = devices.main.memory().used;
    await executor.residence.prepare(() => undefined, undefined, landing);
    expect(asked).toEqual([bytes.length]);
    expect(executor.residence.bytes).toBe(64 * 128 * 4);
    expect(devices.main.memory().used).toBe(before - 64 * 128 * 4);
    const x = Float32Array.from({ length: 128 }, (_, i) => i % 5);
    const { y } = await executor.run({ feeds: { x: { kind: 'bytes', dtype: 'float32', dims: [2, 64], bytes: new Uint8Array(x.buffer) } } });
    const first = y?.kind === 'bytes' ? new Float32Array(y.bytes.slice().buffer)[0] : NaN;
    expect(first).toBe(x.subarray(0, 64).reduce((sum, v, k) => sum + v * (weights[k * 128] ?? 0), 0));
  });

  it('takes a larger device when external data are announced, while nothing has landed', async () => {
    const [asked, made]: [number[], Device[]] = [[], []];
    const landing = start(asked, made);
    landing.expect(1000);
    const allocate = landing.expect(5000);
    expect((await allocate(32_768)).length).toBe(32_768);
    landing.expect(9000);
    await landing.device();
    expect(asked).toEqual([1000, 5000]);
    expect(() => made[0]?.allocate(1)).toThrow('disposed');
    expect(made[1]?.memory().used).toBeGreaterThan(32_768);
  });

  it('tells a device that cannot be had to who waits for it', async () => {
    const landing = new Landing(() => Promise.reject(new Error('no device')));
    const allocate = landing.expect(1000);
    await expect(allocate(32_768)).rejects.toThrow('no device');
    await landing.dispose();
  });

  it('refuses a weight that is larger than the buffers of a GPU, before its bytes are read', async () => {
    const limits = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 };
    const main = { profile: { limits } } as unknown as Device;
    const landing = new Landing(() => Promise.resolve({ devices: { main }, why: 'asked for', isolated: false }));
    expect((await landing.expect(2 ** 28)(2 ** 15)).length).toBe(2 ** 15);
    await expect(landing.expect(2 ** 28)(2 ** 27 + 4)).rejects.toMatchObject({
      code: 'model-too-large', expected: 'at most 134217728 bytes (maxBufferSize, maxStorageBufferBindingSize)', got: '134217732 bytes',
      hint: "load it with device: 'wasm'",
    });
  });
});
