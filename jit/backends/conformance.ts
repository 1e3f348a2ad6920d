/**
 * The one suite that every backend passes: `conformance('wasm', makeDevice)` in a test file of the backend. Each case is a kernel;
 * every schedule in the device's space for it is emitted, compiled and run, and its output compared with the reference inside a derived
 * error bound. On CPUs all schedules of a kernel must agree bit for bit. A device that cannot be made fails the run: nothing is skipped.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device, View } from '../device.ts';
import { type DType, bytesOf } from '../expr/dtype.ts';
import { candidates, violated } from '../space.ts';
import { allCases, caseGroups } from './conformance-cases.ts';
import { check, fill, prepare, runOnce } from './conformance-kit.ts';
import { mapCases } from './conformance-maps.ts';

/** Each candidate is compiled for real: minutes on a software GPU. */
const timeout = 300_000;

export function conformance(name: string, makeDevice: () => Promise<Device>): void {
  describe(`${name} conforms`, () => {
    let device: Device;
    beforeAll(async () => { device = await makeDevice(); }, timeout);
    afterAll(async () => { await device.dispose(); }, timeout);

    for (const [group, cases] of Object.entries(caseGroups)) {
      describe(group, () => {
        for (const c of cases) {
          it(c.name, async () => { expect((await check(c, device)).failures).toEqual([]); }, timeout);
        }
      });
    }

    describe('contract', () => { contract(() => device); });
  });
}

const dtypes: readonly DType[] = [
  'float32', 'float16', 'float64', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bool',
];

function contract(get: () => Device): void {
  const sample = mapCases[0];
  if (sample === undefined) throw new Error('there are no map cases');

  for (const dtype of dtypes) {
    it(`keeps ${dtype} through write, copy and read`, async () => {
      const device = get();
      if (device.kind === 'webgpu' && dtype === 'float64') return expect(device.kind).toBe('webgpu');
      const bytes = fill(dtype, 12, 'any', 5);
      const size = 12 * device.storageBytes(dtype);
      const views = [0, 1].map((): View => ({ region: device.allocate(Math.max(size, 16)), offset: 0, bytes: size }));
      const [from, to] = views as [View, View];
      device.write(from, dtype, bytes);
      device.copy(from, to);
      expect(await device.read(to, dtype)).toEqual(bytes);
      expect((await device.read(to, dtype)).byteLength).toBe(12 * bytesOf(dtype));
      for (const { region } of views) device.release(region);
    });
  }

  it('emits the same code for the same schedule', () => {
    const device = get();
    for (const c of allCases) {
      const [prepared] = prepare({ ...c, runs: c.runs?.slice(0, 1) ?? [{}] }, device);
      const space = prepared === undefined ? { why: '' } : device.space(prepared.kernel);
      if (prepared === undefined || 'why' in space) continue;
      const codes = [0, 1].map(() => device.emit(prepared.kernel, space.fallback));
      expect(codes[0]?.key).toBe(codes[1]?.key);
      expect(codes[0]?.source()).toBe(codes[1]?.source());
    }
  }, timeout);

  it('has spaces of at most some dozens of legal schedules', () => {
    const device = get();
    for (const c of allCases) {
      const [prepared] = prepare({ ...c, runs: c.runs?.slice(0, 1) ?? [{}] }, device);
      const space = prepared === undefined ? { why: '' } : device.space(prepared.kernel);
      if ('why' in space) continue;
      const all = candidates(space);
      expect(all.length, c.name).toBeLessThanOrEqual(96);
      expect(all.map((s) => violated(space, s)).filter((v) => v !== undefined)).toEqual([]);
    }
  }, timeout);

  it('rejects a run that was aborted before it began', async () => {
    const device = get();
    const [prepared] = prepare(sample, device);
    const space = prepared === undefined ? undefined : device.space(prepared.kernel);
    if (prepared === undefined || space === undefined || 'why' in space) throw new Error('the first case must run everywhere');
    const views = viewsOf(device, prepared.buffers, prepared.kernel.args.map((a) => a.dtype));
    const compiled = await device.compile(device.emit(prepared.kernel, space.fallback));
    const program = device.program([{ compiled, args: views, dims: prepared.dims }]);
    await expect(program.run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    program.dispose();
    for (const { region } of views) device.release(region);
  });

  it('times a step, and gives times of a profiled run', async () => {
    const device = get();
    const [prepared] = prepare(sample, device);
    const space = prepared === undefined ? undefined : device.space(prepared.kernel);
    if (prepared === undefined || space === undefined || 'why' in space) throw new Error('the first case must run everywhere');
    const views = viewsOf(device, prepared.buffers, prepared.kernel.args.map((a) => a.dtype));
    const step = { compiled: await device.compile(device.emit(prepared.kernel, space.fallback)), args: views, dims: prepared.dims };
    expect(await device.time(step, 3)).toBeGreaterThanOrEqual(0);
    const program = device.program([step, step]);
    const { times } = await program.run({ profile: true });
    expect(times).toHaveLength(2);
    program.dispose();
    for (const { region } of views) device.release(region);
  });

  it('gives memory back', async () => {
    const device = get();
    const before = device.memory().used;
    const region = device.allocate(4096);
    expect(device.memory().used).toBeGreaterThanOrEqual(before + 4096);
    device.release(region);
    expect(device.memory().used).toBe(before);
    const [prepared] = prepare(sample, device);
    if (prepared !== undefined) await runOnce(device, prepared, fallbackOf(device, prepared.kernel));
    expect(device.memory().used).toBe(before);
  });
}

function fallbackOf(device: Device, kernel: Parameters<Device['space']>[0]): Readonly<Record<string, number>> {
  const space = device.space(kernel);
  if ('why' in space) throw new Error(space.why);
  return space.fallback;
}

function viewsOf(device: Device, buffers: readonly Uint8Array[], types: readonly DType[]): View[] {
  return buffers.map((bytes, i) => {
    const dtype = types[i] ?? 'uint8';
    const size = (bytes.byteLength / bytesOf(dtype)) * device.storageBytes(dtype);
    const view: View = { region: device.allocate(size), offset: 0, bytes: size };
    device.write(view, dtype, bytes);
    return view;
  });
}
