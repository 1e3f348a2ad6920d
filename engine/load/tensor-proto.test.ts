import { describe, expect, it } from 'vitest';
import { PbfWriter } from 'pbf';
import { decodeTensor, encodeTensor } from './tensor-proto.ts';

/** A tensor with values in a typed field. */
function typed(code: number, dims: readonly number[], write: (pbf: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writePackedVarint(1, [...dims]);
  pbf.writeVarintField(2, code);
  write(pbf);
  return pbf.finish();
}
const values = (bytes: Uint8Array): unknown[] => [...decodeTensor(bytes).data];
const int32 = (list: number[]) => (pbf: PbfWriter) => { pbf.writePackedVarint(5, list); };

describe('typed fields', () => {
  it('float_data', () => expect(values(typed(1, [2], (w) => { w.writePackedFloat(4, [1.5, -2]); }))).toEqual([1.5, -2]));
  it('float_data that is not packed', () =>
    expect(values(typed(1, [2], (w) => { for (const v of [1.5, -2]) { w.writeTag(4, 5); w.writeFloat(v); } }))).toEqual([1.5, -2]));
  it('double_data', () => expect(values(typed(11, [1], (w) => { w.writePackedDouble(10, [0.1]); }))).toEqual([0.1]));
  it('int32_data of int32', () => expect(values(typed(6, [2], int32([-5, 2147483647])))).toEqual([-5, 2147483647]));
  it('int32_data of int8', () => expect(values(typed(3, [2], int32([-128, 127])))).toEqual([-128, 127]));
  it('int32_data of uint8', () => expect(values(typed(2, [2], int32([0, 255])))).toEqual([0, 255]));
  it('int32_data of int16', () => expect(values(typed(5, [2], int32([-32768, 3])))).toEqual([-32768, 3]));
  it('int32_data of uint16', () => expect(values(typed(4, [1], int32([65535])))).toEqual([65535]));
  it('int32_data of bool', () => expect(values(typed(9, [3], int32([1, 0, 1])))).toEqual([1, 0, 1]));
  it('int32_data of float16, as bits', () => expect(values(typed(10, [2], int32([0x3c00, 0xc000])))).toEqual([0x3c00, 0xc000]));
  it('int32_data of int4, two to a byte, low one first', () => expect(values(typed(22, [3], int32([0x8f, 0x07])))).toEqual([-1, -8, 7]));
  it('uint64_data of uint32', () => expect(values(typed(12, [1], (w) => { w.writePackedVarint(11, [4294967295]); }))).toEqual([4294967295]));
  it('int64_data beyond 2^53 is exact', () => {
    const bytes = typed(7, [3], (w) => {
      w.writeBytesField(7, Uint8Array.of(
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, // 2^63 - 1
        0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, // -2^63
        0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, // 2^53 + 1
      ));
    });
    expect(values(bytes)).toEqual([2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]);
  });
  it('uint64_data beyond 2^63 is exact', () => {
    const bytes = typed(13, [1], (w) => { w.writeBytesField(11, Uint8Array.of(...new Array<number>(9).fill(0xff), 1)); });
    expect(values(bytes)).toEqual([2n ** 64n - 1n]);
  });
});

describe('raw_data', () => {
  it('of int4 is unpacked with its sign', () => expect(values(typed(22, [5], (w) => { w.writeBytesField(9, Uint8Array.of(0x21, 0xf8, 0x07)); }))).toEqual([1, 2, -8, -1, 7]));
  it('of uint4 is unpacked without', () => expect(values(typed(21, [3], (w) => { w.writeBytesField(9, Uint8Array.of(0xf8, 0x0f)); }))).toEqual([8, 15, 15]));
  it('of a type that cannot be computed with is refused', () =>
    expect(() => values(typed(16, [1], (w) => { w.writeBytesField(9, new Uint8Array(2)); }))).toThrow("tensor '' has elements of type bfloat16"));
});

describe('encoding', () => {
  it('and decoding again gives the same', () => {
    const tensor = { name: 'y', dtype: 'int64', dims: [2, 1], data: BigInt64Array.of(-1n, 2n ** 62n) } as const;
    expect(decodeTensor(encodeTensor(tensor))).toEqual(tensor);
  });
  it('of a scalar has no dims', () => expect(decodeTensor(encodeTensor({ name: '', dtype: 'float32', dims: [], data: Float32Array.of(3) }))).toMatchObject({ dims: [], data: Float32Array.of(3) }));
  it('refuses data of another length', () =>
    expect(() => encodeTensor({ name: 'y', dtype: 'float32', dims: [2, 2], data: new Float32Array(3) })).toThrow("tensor 'y' has the wrong number of elements"));
});
