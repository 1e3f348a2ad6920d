import { describe, expect, it } from 'vitest';
import type { DeviceProfile } from '../../device.ts';
import type { DType } from '../../expr/dtype.ts';
import { type Expr, binary, cast, constant, div, int, load, mul, unary, variable } from '../../expr/expr.ts';
import { type Kernel, stridesOf } from '../../kernel.ts';
import { whyNot } from './supported.ts';

const profile: DeviceProfile = {
  kind: 'webgpu', fingerprint: 'test', threads: 1, fma: true, panel: 0, vectorRegisters: 0, features: [],
  limits: { maxStorageBuffersPerShaderStage: 8, maxStorageBufferBindingSize: 1024 }, peakFlops: 0, peakBytes: 0,
};

const i = variable('i', 8);
function kernel(value: Expr, from: readonly DType[], size = 8): Kernel {
  const args = [...from, value.dtype as DType].map((dtype, k) => ({
    dtype, shape: [int(size)], strides: stridesOf([int(size)]), access: k === from.length ? 'write' as const : 'read' as const,
  }));
  return { body: { kind: 'map', axes: [i], store: { tensor: from.length, index: [i], value } }, args, syms: [], numeric: { fma: true, precision: 'exact' } };
}
const long = (slot: number): Expr => load(slot, 'int64', [i]);

describe('what the GPU runs', () => {
  it('sums of int64', () => expect(whyNot(kernel(binary('add', long(0), long(1)), ['int64', 'int64']), profile)).toBeUndefined());
  it('int64 scaled by a small constant', () => expect(whyNot(kernel(mul(long(0), 64), ['int64']), profile)).toBeUndefined());
  it('int64 made of an index', () => expect(whyNot(kernel(cast(i, 'int64'), []), profile)).toBeUndefined());
  it('a float as int64 whose size its own expression bounds', () => {
    const bucket = mul(div(unary('log', load(0, 'float32', [i])), constant(2.77, 'float32')), constant(16, 'float32'));
    expect(whyNot(kernel(cast(bucket, 'int64'), ['float32']), profile)).toBeUndefined();
  });
});

describe('what it leaves to the CPU, and why', () => {
  it('products of int64', () => expect(whyNot(kernel(mul(long(0), long(1)), ['int64', 'int64']), profile)).toBe('a product of int64 may leave 32 bits'));
  it('floats to int64', () => expect(whyNot(kernel(cast(load(0, 'float32', [i]), 'int64'), ['float32']), profile)).toBe('a float32 as int64 may leave 32 bits'));
  it('floats to int64 that a factor takes beyond 32 bits', () => {
    const large = mul(unary('log', load(0, 'float32', [i])), constant(1e8, 'float32'));
    expect(whyNot(kernel(cast(large, 'int64'), ['float32']), profile)).toBe('a float32 as int64 may leave 32 bits');
  });
  it('uint32 to int64', () => expect(whyNot(kernel(cast(load(0, 'uint32', [i]), 'int64'), ['uint32']), profile)).toBe('a uint32 as int64 may leave 32 bits'));
  it('large constants', () => expect(whyNot(kernel(binary('add', long(0), constant(2n ** 40n, 'int64')), ['int64']), profile))
    .toBe('the constant 1099511627776 of int64 does not fit 32 bits'));
  it('differences of uint64', () => {
    const [a, b] = [load(0, 'uint64', [i]), load(1, 'uint64', [i])];
    expect(whyNot(kernel(binary('sub', a, b), ['uint64', 'uint64']), profile)).toBe('a difference of uint64 may leave 32 bits');
  });
  it('float64', () => expect(whyNot(kernel(unary('exp', load(0, 'float64', [i])), ['float64']), profile)).toBe('argument 0 is float64, which the GPU does not have'));
  it('more buffers than it binds', () => {
    const many = Array.from({ length: 8 }, (): DType => 'float32');
    const sum = many.map((_, k) => load(k, 'float32', [i])).reduce<Expr>((a, b) => binary('add', a, b), constant(0, 'float32'));
    expect(whyNot(kernel(sum, many), profile)).toBe('9 buffers, where the GPU binds 8 to a kernel');
  });
  it('arguments larger than a binding', () => expect(whyNot(kernel(load(0, 'float32', [i]), ['float32'], 1000), profile))
    .toBe('argument 0 has 4000 bytes, where the GPU binds 1024'));
});
