/** Control flow on a GPU, with the CPU for what it cannot: the cases of blocks.test.ts. */
import { describe, expect, it } from 'vitest';
import { createWasmDevice } from '../../jit/backends/wasm/device.ts';
import { createWebGpuDevice } from '../../jit/backends/webgpu/index.ts';
import { controlCases } from '../testing/control-cases.ts';
import { expectValues, runOn } from '../testing/run-control.ts';

const known = { panel: 8, peakFlops: 1e10, peakBytes: 1e10 };

describe.each(controlCases)('$name', ({ spec, runs }) => {
  it('on webgpu', async () => {
    const devices = { main: await createWebGpuDevice(), cpu: await createWasmDevice({ threads: 1, maxBytes: 2 ** 26, known }) };
    await runOn(devices, spec, async (run) => {
      for (const { feeds, outputs } of runs) {
        const got = await run(feeds);
        for (const [output, value] of Object.entries(outputs)) expectValues(got[output], value);
      }
    });
    expect(devices.main.memory().used).toBe(0);
    await devices.main.dispose();
    await devices.cpu.dispose();
  });
});
