/** The page's side of the command line that needs no page: comparison, .npy files and filled inputs. */
import { describe, expect, it } from 'vitest';
import type { DType, TypedArray } from '../../jit/expr/dtype.ts';
import { compare, elementTolerance, type HostTensor } from './compare.ts';
import { fill } from './fill.ts';
import { decodeNpy, encodeNpy } from './npy.ts';

const tensor = (dtype: DType, dims: number[], data: TypedArray): HostTensor => ({ dtype, dims, data });
const floats = (...values: number[]) => tensor('float32', [values.length], new Float32Array(values));
const check = (a: HostTensor, b: HostTensor) => compare('y', a, b, elementTolerance(b.dtype, undefined, undefined));

describe('comparison', () => {
  it('takes atol + rtol * |expected|', () => {
    expect(check(floats(1.0009, 1000.9), floats(1, 1000)).ok).toBe(true);
    expect(check(floats(1.002), floats(1)).ok).toBe(false);
  });

  it('says how many elements are wrong and where the worst is', () => {
    const [a, b] = [tensor('float32', [2, 2], new Float32Array([0, 1, 2, 9])), tensor('float32', [2, 2], new Float32Array([0, 1, 3, 4]))];
    expect(check(a, b).message).toBe('y: 2 of 4 elements out of tolerance; worst at [1, 1]: expected 4, got 9');
  });

  it('holds NaN equal to NaN and an infinity equal only to itself', () => {
    expect(check(floats(NaN, Infinity, 1), floats(NaN, Infinity, 1)).ok).toBe(true);
    expect(check(floats(-Infinity), floats(Infinity)).ok).toBe(false);
    expect(check(floats(NaN), floats(1)).ok).toBe(false);
    expect(check(floats(1), floats(NaN)).ok).toBe(false);
  });

  it('finds a difference of one between large int64', () => {
    const big = (v: bigint) => tensor('int64', [1], new BigInt64Array([v]));
    const exact = { kind: 'elements', rtol: 0, atol: 0 } as const;
    expect(compare('y', big(2n ** 60n), big(2n ** 60n + 1n), exact).ok).toBe(false);
    expect(compare('y', big(2n ** 60n), big(2n ** 60n), exact).ok).toBe(true);
  });

  it('decodes float16 bits and gives them their own tolerance', () => {
    const half = (bits: number) => tensor('float16', [1], new Uint16Array([bits]));
    expect(check(half(0x3c05), half(0x3c00))).toMatchObject({ ok: true, maxAbs: 5 / 1024 });
    expect(check(half(0x3c40), half(0x3c00)).ok).toBe(false);
  });

  it('measures the relative L2 norm where a model asks for it', () => {
    const result = compare('y', floats(3, 4.5), floats(3, 4), { kind: 'relL2', limit: 0.05 });
    expect(result).toMatchObject({ ok: false, relL2: 0.1 });
    expect(compare('y', floats(3, 4.5), floats(3, 4), { kind: 'relL2', limit: 0.11 }).ok).toBe(true);
  });

  it('never lets a NaN pass a norm', () => {
    expect(compare('y', floats(NaN, 1), floats(1, 1), { kind: 'relL2', limit: 1 }).ok).toBe(false);
  });

  it('refuses another dtype or shape', () => {
    expect(check(floats(1), tensor('float64', [1], new Float64Array([1]))).message).toBe('y: expected float64[1], got float32[1]');
    expect(check(floats(1), tensor('float32', [1, 1], new Float32Array([1]))).message).toBe('y: expected float32[1, 1], got float32[1]');
  });
});

describe('.npy', () => {
  it.each([
    tensor('float32', [2, 3], new Float32Array([1, 2, 3, 4, 5, 6])),
    tensor('int64', [2], new BigInt64Array([-1n, 2n ** 62n])),
    tensor('bool', [], new Uint8Array([1])),
    tensor('float16', [0, 4], new Uint16Array()),
  ])('carries $dtype $dims', (value) => {
    expect(decodeNpy(encodeNpy(value))).toEqual(value);
  });

  it('starts the elements at a multiple of 64 bytes', () => {
    expect((encodeNpy(floats(1)).length - 4) % 64).toBe(0);
  });

  it('refuses Fortran order and foreign bytes', () => {
    const bytes = encodeNpy(tensor('float32', [2, 2], new Float32Array(4)));
    const fortran = new TextEncoder().encode(new TextDecoder('latin1').decode(bytes.slice(10)).replace('False', 'True '));
    expect(() => decodeNpy(new Uint8Array([...bytes.slice(0, 10), ...fortran]))).toThrow('C order');
    expect(() => decodeNpy(new Uint8Array(20))).toThrow('NUMPY');
  });
});

describe('filled inputs', () => {
  it('are the same every time and another for each name', () => {
    expect(fill('x', 'float32', [4], {})).toEqual(fill('x', 'float32', [4], {}));
    expect(fill('x', 'float32', [4], {})).not.toEqual(fill('y', 'float32', [4], {}));
  });

  it('take symbolic dims from the command line, else 1', () => {
    expect(fill('ids', 'int64', ['batch', 'seq'], { seq: 5 }).dims).toEqual([1, 5]);
  });

  it('hold only 0 and 1 for integers', () => {
    expect(new Set(fill('ids', 'int64', [64], {}).data as BigInt64Array)).toEqual(new Set([0n, 1n]));
  });

  it('have mean 0 and variance 1 for floats', () => {
    const data = [...(fill('x', 'float32', [10000], {}).data as Float32Array)];
    const mean = data.reduce((a, b) => a + b) / data.length;
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length).toBeCloseTo(1, 1);
  });
});
