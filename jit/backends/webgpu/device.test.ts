import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device, View } from '../../device.ts';
import { type DType, bytesUnder } from '../../expr/dtype.ts';
import { add, cast, constant, int, load, mul, symbol, variable } from '../../expr/expr.ts';
import { type Arg, type Kernel, type MapBody, makeKernel, stridesOf } from '../../kernel.ts';
import { type WebGpuCode, createWebGpuDevice } from './index.ts';
import { nodeGpu } from '../../../shaders/node-gpu.ts';

const numeric = { fma: true, precision: 'exact' } as const;
const arg = (dtype: DType, shape: readonly number[], access: Arg['access'] = 'read'): Arg => {
  const dims = shape.map(int);
  return { dtype, shape: dims, strides: stridesOf(dims), access };
};

/** out[i] = in[i] * 2 + 1 over n elements. */
function affine(n: number): Kernel {
  const i = variable('i', n);
  const body: MapBody = {
    kind: 'map', axes: [i], store: { tensor: 1, index: [i], value: add(mul(load(0, 'float32', [i]), 2), constant(1, 'float32')) },
  };
  return makeKernel(body, [arg('float32', [n]), arg('float32', [n], 'write')], numeric).kernel;
}

let device: Device;
beforeAll(async () => { device = await createWebGpuDevice({ gpu: await nodeGpu() }); });
afterAll(() => device.dispose());

const view = (bytes: number, on = device): View => ({ region: on.allocate(bytes), offset: 0, bytes });
const fallback = (kernel: Kernel): WebGpuCode => {
  const space = device.space(kernel);
  if ('why' in space) throw new Error(space.why);
  return device.emit(kernel, space.fallback) as WebGpuCode;
};

describe('WebGPU device', () => {
  it('runs steps in order, each seeing what the one before wrote', async () => {
    const kernel = affine(10);
    const compiled = await device.compile(fallback(kernel));
    const [a, b, c] = [view(40), view(40), view(40)];
    device.write(a, 'float32', bytesUnder(Float32Array.from({ length: 10 }, (_, k) => k)));
    const program = device.program([{ compiled, args: [a, b], dims: [] }, { compiled, args: [b, c], dims: [] }]);
    await program.run();
    expect(new Float32Array((await device.read(c, 'float32')).buffer)).toEqual(Float32Array.from({ length: 10 }, (_, k) => 4 * k + 3));
  });

  it('compiles one code once', async () => {
    const code = fallback(affine(11));
    expect(await device.compile(code)).toBe(await device.compile(fallback(affine(11))));
  });

  it('runs a grid beyond 65535 workgroups', async () => {
    const n = 65536 * 64 + 5;
    const i = variable('i', n);
    const body: MapBody = { kind: 'map', axes: [i], store: { tensor: 0, index: [i], value: cast(i, 'int32') } };
    const { kernel } = makeKernel(body, [arg('int32', [n], 'write')], numeric);
    const code = device.emit(kernel, { wg: 64, per: 1, vec: 1 }) as WebGpuCode;
    expect(code.source()).toContain('wid.y * 65535u');
    const out = view(n * 4);
    await device.program([{ compiled: await device.compile(code), args: [out], dims: [] }]).run();
    const data = new Int32Array((await device.read(out, 'int32')).buffer);
    expect([data[0], data[65535 * 64], data[n - 1]]).toEqual([0, 65535 * 64, n - 1]);
    device.release(out.region);
  });

  it('does nothing for an empty dim', async () => {
    const n = symbol('N', 0);
    const i = variable('i', n);
    const body: MapBody = { kind: 'map', axes: [i], store: { tensor: 0, index: [i], value: cast(i, 'int32') } };
    const { kernel } = makeKernel(body, [{ dtype: 'int32', shape: [n], strides: [int(1)], access: 'write' }], numeric);
    const out = view(16);
    device.write(out, 'int32', bytesUnder(Int32Array.of(9, 9, 9, 9)));
    await device.program([{ compiled: await device.compile(fallback(kernel)), args: [out], dims: [0] }]).run();
    expect([...new Int32Array((await device.read(out, 'int32')).buffer)]).toEqual([9, 9, 9, 9]);
  });

  it('takes int64 as 32-bit words', async () => {
    expect(device.storageBytes('int64')).toBe(4);
    const v = view(8);
    device.write(v, 'int64', bytesUnder(BigInt64Array.of(-5n, 2n ** 31n - 1n)));
    expect([...new BigInt64Array((await device.read(v, 'int64')).buffer)]).toEqual([-5n, 2n ** 31n - 1n]);
  });

  it('refuses an int64 beyond 32 bits, with the value', () => {
    expect(() => { device.write(view(8), 'int64', bytesUnder(BigInt64Array.of(0n, 2n ** 31n))); })
      .toThrow(/does not fit the 32 bits[\s\S]*got: 2147483648/);
  });

  it('refuses a step that reads and writes one region, and says so', async () => {
    const compiled = await device.compile(fallback(affine(10)));
    const a = view(512);
    const args = [{ ...a, bytes: 40 }, { ...a, offset: 256, bytes: 40 }];
    expect(() => device.program([{ compiled, args, dims: [] }])).toThrow(/reads and writes one region, which WebGPU forbids/);
  });

  it('reports what the compiler says about wrong code, with the line', async () => {
    const code = fallback(affine(10));
    const wrong: WebGpuCode = { ...code, key: 'wrong', module: { ...code.module, text: code.module.text.replace('2f', 'nonsense') } };
    await expect(device.compile(wrong)).rejects.toMatchObject({ code: 'wrong-kernel', got: expect.stringMatching(/unresolved value 'nonsense' in line \d+: .*nonsense/) as string });
  });

  it('refuses a tensor larger than a buffer may be', () => {
    expect(() => device.allocate(2 ** 40)).toThrow(/larger than a buffer of this GPU/);
  });

  it('copies within one region', async () => {
    const whole = view(1024);
    device.write({ ...whole, bytes: 16 }, 'int32', bytesUnder(Int32Array.of(1, 2, 3, 4)));
    device.copy({ ...whole, bytes: 16 }, { ...whole, offset: 512, bytes: 16 });
    expect([...new Int32Array((await device.read({ ...whole, offset: 512, bytes: 16 }, 'int32')).buffer)]).toEqual([1, 2, 3, 4]);
  });

  it('swaps the code of a step between runs', async () => {
    const kernel = affine(256);
    const [slow, fast] = [{ wg: 64, per: 1, vec: 1 }, { wg: 64, per: 1, vec: 4 }].map((s) => device.emit(kernel, s));
    if (slow === undefined || fast === undefined) throw new Error('two schedules');
    const [a, b] = [view(1024), view(1024)];
    device.write(a, 'float32', bytesUnder(new Float32Array(256).fill(3)));
    const program = device.program([{ compiled: await device.compile(slow), args: [a, b], dims: [] }]);
    await program.run();
    device.write(b, 'float32', new Uint8Array(1024));
    program.swap(0, await device.compile(fast));
    await program.run();
    expect(new Set(new Float32Array((await device.read(b, 'float32')).buffer))).toEqual(new Set([7]));
  });

  it('names its adapter and nothing measured in the fingerprint', async () => {
    const again = await createWebGpuDevice({ gpu: await nodeGpu() });
    expect(again.profile.fingerprint).toBe(device.profile.fingerprint);
    expect(device.profile.fingerprint).toMatch(/^webgpu /);
    await again.dispose();
  });

  it('settles `lost` and fails later calls when it is disposed', async () => {
    const gone = await createWebGpuDevice({ gpu: await nodeGpu() });
    await gone.dispose();
    await expect(gone.lost).resolves.toHaveProperty('reason');
    expect(() => gone.allocate(16)).toThrow(/disposed/);
  });

  it('says that there is no WebGPU', async () => {
    await expect(createWebGpuDevice()).rejects.toMatchObject({ code: 'no-webgpu' });
  });

  it('says that there is no adapter', async () => {
    const gpu: Pick<GPU, 'requestAdapter'> = { requestAdapter: () => Promise.resolve(null) };
    await expect(createWebGpuDevice({ gpu: gpu as GPU })).rejects.toThrow(/WebGPU has no adapter here/);
  });
});
