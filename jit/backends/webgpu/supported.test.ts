import { describe, expect, it } from 'vitest';
import type { DeviceProfile } from '../../device.ts';
import type { DType } from '../../expr/dtype.ts';
import { type Expr, type Var, binary, cast, constant, div, int, load, lt, max, min, mul, ref, select, symbol, unary, variable } from '../../expr/expr.ts';
import { type Kernel, stridesOf } from '../../kernel.ts';
import { outside } from './ranges.ts';
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
const n = symbol('n');
const long = (slot: number): Expr => load(slot, 'int64', [i]);

describe('what the GPU runs', () => {
  it('int64 that stays in 32 bits: moved, chosen, compared, its remainders', () => {
    const bounded = mul(max(min(long(0), 1000), -1000), 64);
    const value = select(lt(long(0), long(1)), binary('floormod', long(0), constant(80n, 'int64')), binary('add', bounded, cast(i, 'int64')));
    expect(whyNot(kernel(value, ['int64', 'int64']), profile)).toBeUndefined();
  });
  it('int64 made of an index', () => expect(whyNot(kernel(cast(i, 'int64'), []), profile)).toBeUndefined());
  it('a float as int64 whose size its own expression bounds', () => {
    const bucket = mul(div(unary('log', load(0, 'float32', [i])), constant(2.77, 'float32')), constant(16, 'float32'));
    expect(whyNot(kernel(cast(bucket, 'int64'), ['float32']), profile)).toBeUndefined();
  });
});

describe('what it leaves to the CPU, and why', () => {
  it.each([
    ['sums', binary('add', long(0), long(1)), '(t0[i] + t1[i])'], ['differences from a constant', binary('sub', long(0), constant(1n, 'int64')), '(t0[i] - int64(1))'],
    ['products', mul(long(0), long(1)), '(t0[i] * t1[i])'], ['scaled ones', mul(long(0), 64), '(t0[i] * int64(64))'],
    ['negated ones', unary('neg', long(0)), 'neg(t0[i])'],
    ['quotients', div(long(0), long(1)), '(t0[i] / t1[i])'], ['bits shifted by as many as are loaded', binary('shr', long(0), long(1)), '(t0[i] >> t1[i])'],
  ])('%s of int64', (_, value, what) => {
    expect(whyNot(kernel(value, ['int64', 'int64']), profile)).toBe(`a result of int64 may leave 32 bits: ${what}`);
  });
  it('sums of int64 over rows, but for truths', () => {
    const rows = (value: Expr, inner: Var): string | undefined => whyNot({ ...kernel(value, ['int64']), syms: [n], body: {
      kind: 'rows', axes: [], inner: [inner], each: false, scans: [{ name: 's', op: 'sum', value }], store: { tensor: 1, index: [int(0)], value: ref('s', 'int64') },
    } }, profile);
    const small = cast(load(0, 'int8', [i]), 'int64');
    expect(rows(long(0), i)).toBe('a sum of int64 may leave 32 bits: t0[i]');
    expect(rows(small, i)).toBeUndefined();
    expect(rows(cast(lt(long(0), 5), 'int64'), variable('i', n))).toBeUndefined();
  });
  it('dims only when they are large', () => {
    const offset = mul(cast(variable('i', n), 'int64'), cast(n, 'int64'));
    const made = { ...kernel(offset, []), syms: [n] };
    expect(whyNot(made, profile)).toBeUndefined();
    expect(whyNot({ ...kernel(binary('add', long(0), cast(variable('i', n), 'int64')), ['int64']), syms: [n] }, profile)).toMatch('a result of int64 may leave');
    expect(outside(made, [46_340])).toBeUndefined();
    expect(outside(made, [46_342])).toBe('a result of int64 may leave 32 bits: (int64<-index(i) * int64<-index(n))');
  });
  it('floats to int64', () => expect(whyNot(kernel(cast(load(0, 'float32', [i]), 'int64'), ['float32']), profile)).toBe('a float32 as int64 may leave 32 bits: int64<-float32(t0[i])'));
  it('floats to int64 that a factor takes beyond 32 bits', () => {
    const large = mul(unary('log', load(0, 'float32', [i])), constant(1e8, 'float32'));
    expect(whyNot(kernel(cast(large, 'int64'), ['float32']), profile)).toMatch('a float32 as int64 may leave 32 bits: ');
  });
  it('uint32 to int64', () => expect(whyNot(kernel(cast(load(0, 'uint32', [i]), 'int64'), ['uint32']), profile)).toMatch('a uint32 as int64 may leave 32 bits: '));
  it('large constants', () => expect(whyNot(kernel(binary('add', long(0), constant(2n ** 40n, 'int64')), ['int64']), profile))
    .toBe('the constant 1099511627776 of int64 does not fit 32 bits'));
  it('differences of uint64', () => {
    const [a, b] = [load(0, 'uint64', [i]), load(1, 'uint64', [i])];
    expect(whyNot(kernel(binary('sub', a, b), ['uint64', 'uint64']), profile)).toBe('a result of uint64 may leave 32 bits: (t0[i] - t1[i])');
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
