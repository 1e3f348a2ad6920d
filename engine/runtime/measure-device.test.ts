/** Measuring a device after the first answer: in steps, once, for later visits, and for the spaces of kernels. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeviceProfile } from '../../jit/device.ts';
import { cpu } from '../../jit/fuzz/devices.ts';
import { createWasmDevice } from '../../jit/backends/wasm/device.ts';
import { candidates } from '../../jit/space.ts';
import type { Cache } from '../cache/cache.ts';
import { convolution, graph } from '../testing/graphs.ts';
import { measureDevice } from './choose-device.ts';
import { planModel } from './compile-model.ts';
import { KernelStore } from './kernel-store.ts';

const makeCache = (): { readonly kept: DeviceProfile[]; readonly cache: Cache } => {
  const kept: DeviceProfile[] = [];
  const cache = { putProfile: (_: string, profile: DeviceProfile) => Promise.resolve(void kept.push(profile)) } as unknown as Cache;
  return { kept, cache };
};

describe('measuring a device', () => {
  beforeEach(() => { vi.stubGlobal('navigator', { hardwareConcurrency: 1, userAgent: '' }); });
  afterEach(() => { vi.unstubAllGlobals(); });

  it('happens in steps, each with the device to itself, and is kept for later visits', async () => {
    const device = await createWasmDevice({ threads: 1, maxBytes: 2 ** 26 });
    expect(device.profile).toMatchObject({ peakFlops: 0, peakBytes: 0, lanes: 4 });
    const { kept, cache } = makeCache();
    let held = 0;
    await measureDevice(device, cache, (work) => {
      held++;
      return work();
    });
    expect(held).toBeGreaterThan(5);
    expect(device.profile.peakFlops).toBeGreaterThan(0);
    expect(device.profile.peakBytes).toBeGreaterThan(0);
    expect(kept).toEqual([device.profile]);
    expect(device.memory().used).toBe((await createWasmDevice({ threads: 1, maxBytes: 2 ** 26 })).memory().used);
  });

  it('does not happen where an earlier visit has done it', async () => {
    const device = await createWasmDevice({ threads: 1, maxBytes: 2 ** 26, known: { peakFlops: 1e9, peakBytes: 1e9, lanes: 8 } });
    const { kept, cache } = makeCache();
    await measureDevice(device, cache, () => Promise.reject(new Error('it was measured')));
    expect(kept).toEqual([]);
    expect(device.profile).toMatchObject({ peakFlops: 1e9, lanes: 8 });
  });

  it('gives kernels the spaces of the better known device', async () => {
    const device = await cpu({ fma: true });
    const kernel = planModel(graph(convolution([1, 16, 16, 16], [16, 16, 1, 1], { pads: [0, 0, 0, 0] })), { main: device }, { precision: 'exact', dims: {} })
      .segments.flatMap((s) => s.steps)[0]?.kernel;
    if (kernel === undefined) throw new Error('nothing to run');
    const known = { current: device.profile };
    const growing = new Proxy(device, {
      get: (on, key) => (key === 'profile' ? known.current
        : key === 'space' ? (k: typeof kernel) => ({ ...on.space(k), version: known.current.lanes ?? 4 }) : Reflect.get(on, key) as unknown),
    });
    const store = new KernelStore(growing, () => undefined);
    const before = store.space(kernel);
    expect(store.space(kernel)).toBe(before);
    known.current = { ...device.profile, lanes: 8 };
    expect(store.space(kernel).version).toBe(8);
    expect(candidates(store.space(kernel)).length).toBe(candidates(before).length);
  });
});
