/**
 * ONNX element types (TensorProto.DataType) and what becomes of each here. 4-bit integers are unpacked to 8 bits and keep their true
 * range in `narrow`; types without a `dtype` are named in errors and go no further.
 */
import type { DType } from '../../jit/expr/dtype.ts';
import type { Narrow } from '../graph/graph.ts';

export interface OnnxType {
  readonly code: number;
  readonly name: string;
  /** Bits of one element in raw_data and external files; 0 where there is no raw form. */
  readonly bits: number;
  readonly dtype?: DType;
  readonly narrow?: Narrow;
}

const table: readonly OnnxType[] = [
  { code: 1, name: 'float32', bits: 32, dtype: 'float32' },
  { code: 2, name: 'uint8', bits: 8, dtype: 'uint8' },
  { code: 3, name: 'int8', bits: 8, dtype: 'int8' },
  { code: 4, name: 'uint16', bits: 16, dtype: 'uint16' },
  { code: 5, name: 'int16', bits: 16, dtype: 'int16' },
  { code: 6, name: 'int32', bits: 32, dtype: 'int32' },
  { code: 7, name: 'int64', bits: 64, dtype: 'int64' },
  { code: 8, name: 'string', bits: 0 },
  { code: 9, name: 'bool', bits: 8, dtype: 'bool' },
  { code: 10, name: 'float16', bits: 16, dtype: 'float16' },
  { code: 11, name: 'float64', bits: 64, dtype: 'float64' },
  { code: 12, name: 'uint32', bits: 32, dtype: 'uint32' },
  { code: 13, name: 'uint64', bits: 64, dtype: 'uint64' },
  { code: 14, name: 'complex64', bits: 64 },
  { code: 15, name: 'complex128', bits: 128 },
  { code: 16, name: 'bfloat16', bits: 16 },
  { code: 17, name: 'float8e4m3fn', bits: 8 },
  { code: 18, name: 'float8e4m3fnuz', bits: 8 },
  { code: 19, name: 'float8e5m2', bits: 8 },
  { code: 20, name: 'float8e5m2fnuz', bits: 8 },
  { code: 21, name: 'uint4', bits: 4, dtype: 'uint8', narrow: 'uint4' },
  { code: 22, name: 'int4', bits: 4, dtype: 'int8', narrow: 'int4' },
  { code: 23, name: 'float4e2m1', bits: 4 },
  { code: 24, name: 'float8e8m0', bits: 8 },
  { code: 25, name: 'uint2', bits: 2 },
  { code: 26, name: 'int2', bits: 2 },
];

const byCode = new Map(table.map((type) => [type.code, type]));

/** The type of a TensorProto.DataType number; undefined for numbers that ONNX does not define. */
export const onnxType = (code: number): OnnxType | undefined => byCode.get(code);

const codes = new Map(table.flatMap((type) => (type.dtype === undefined || type.narrow !== undefined ? [] : [[type.dtype, type.code]])));

/** The TensorProto.DataType number of a dtype. */
export function onnxCode(dtype: DType): number {
  return codes.get(dtype) ?? 0;
}

/** Bytes that `count` elements take in raw form. */
export const rawBytes = (type: OnnxType, count: number): number => Math.ceil((count * type.bits) / 8);
