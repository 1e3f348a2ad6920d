/** Which device `auto` takes for given measurements, and that a device can be measured. */
import { describe, expect, it } from 'vitest';
import { makeReferenceDevice } from '../../jit/backends/reference/device.ts';
import type { Device } from '../../jit/device.ts';
import { openCache } from '../cache/cache.ts';
import { memoryStore } from '../cache/store.ts';
import { preferGpu, yardstickOf } from './yardstick.ts';

const gpu = { peak: 1e12, trip: 0.002 };
const cpu = { peakFlops: 28e9, threads: 4 };

describe('device auto', () => {
  it('takes the GPU for 100 MB of weights', () => expect(preferGpu(1e8, gpu, cpu)).toEqual({
    gpu: true,
    why: 'measured: the GPU 2000 GFLOP/s and 2.0 ms for a round trip, the CPU 224 GFLOP/s; 4.5 ms and 22 ms a run, guessed from 100000000 bytes of weights',
  }));
  it('takes the CPU for 1 MB, which it computes in less than a round trip', () => expect(preferGpu(1e6, gpu, cpu).gpu).toBe(false));
  it('takes the CPU for a GPU that is slower', () => expect(preferGpu(1e9, { peak: 5e10, trip: 0.001 }, cpu).gpu).toBe(false));
  it('takes the faster one where the size of the weights is not known', () => {
    expect([gpu, { peak: 5e10, trip: 0.001 }].map((y) => preferGpu(Infinity, y, cpu).gpu)).toEqual([true, false]);
  });
  it('takes what an earlier visit measured', async () => {
    const cache = openCache({ enabled: true, store: memoryStore() });
    const device: Device = makeReferenceDevice({});
    await cache.putChoice(`yardstick ${device.profile.fingerprint}`, { ...gpu });
    expect(await yardstickOf(device, cache)).toEqual(gpu);
  });
});
