/** That a GPU (in tests: SwiftShader) can be measured through its device. */
import { expect, it } from 'vitest';
import { createWebGpuDevice } from '../../jit/backends/webgpu/device.ts';
import { openCache } from '../cache/cache.ts';
import { yardstickOf } from './yardstick.ts';

it('webgpu has a speed and a round trip when measured, and leaves no memory behind', async () => {
  const device = await createWebGpuDevice({});
  const { peak, trip } = await yardstickOf(device, openCache({ enabled: false }));
  const { used } = device.memory();
  await device.dispose();
  expect(peak).toBeGreaterThan(1e6);
  expect(trip).toBeGreaterThan(0);
  expect(used).toBe(0);
});
