/**
 * Element types of tensors and scalars. Names follow ONNX in lower case; `index` is the type of loop variables, dims and
 * addresses: an exact integer in the compiler, a signed 32-bit integer in kernels.
 */

export type DType =
  | 'float32' | 'float16' | 'float64'
  | 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'uint64'
  | 'bool';

export type ScalarType = DType | 'index';

export type TypedArray =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array
  | BigInt64Array | BigUint64Array;

interface DTypeFacts {
  readonly bytes: number;
  readonly float: boolean;
  readonly signed: boolean;
}

const facts: Readonly<Record<ScalarType, DTypeFacts>> = {
  float32: { bytes: 4, float: true, signed: true },
  float16: { bytes: 2, float: true, signed: true },
  float64: { bytes: 8, float: true, signed: true },
  int8: { bytes: 1, float: false, signed: true },
  uint8: { bytes: 1, float: false, signed: false },
  int16: { bytes: 2, float: false, signed: true },
  uint16: { bytes: 2, float: false, signed: false },
  int32: { bytes: 4, float: false, signed: true },
  uint32: { bytes: 4, float: false, signed: false },
  int64: { bytes: 8, float: false, signed: true },
  uint64: { bytes: 8, float: false, signed: false },
  bool: { bytes: 1, float: false, signed: false },
  index: { bytes: 4, float: false, signed: true },
};

export const scalarTypes = Object.keys(facts) as readonly ScalarType[];
export const bytesOf = (dtype: ScalarType): number => facts[dtype].bytes;
export const isFloat = (dtype: ScalarType): boolean => facts[dtype].float;
export const isSigned = (dtype: ScalarType): boolean => facts[dtype].signed;
/** Integers proper: neither float nor bool. */
export const isInteger = (dtype: ScalarType): boolean => !facts[dtype].float && dtype !== 'bool';
/** 64-bit integers, whose constants are BigInt. */
export const isBig = (dtype: ScalarType): boolean => dtype === 'int64' || dtype === 'uint64';

/** A view of `bytes` as elements of `dtype`; float16 as its bits in a Uint16Array, bool as Uint8Array. Copies if misaligned. */
export function viewAs(dtype: DType, bytes: Uint8Array): TypedArray {
  const size = bytesOf(dtype);
  const source = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = source;
  const length = Math.floor(source.byteLength / size);
  switch (dtype) {
    case 'float32': return new Float32Array(buffer, byteOffset, length);
    case 'float64': return new Float64Array(buffer, byteOffset, length);
    case 'int8': return new Int8Array(buffer, byteOffset, length);
    case 'uint8': case 'bool': return new Uint8Array(buffer, byteOffset, length);
    case 'int16': return new Int16Array(buffer, byteOffset, length);
    case 'uint16': case 'float16': return new Uint16Array(buffer, byteOffset, length);
    case 'int32': return new Int32Array(buffer, byteOffset, length);
    case 'uint32': return new Uint32Array(buffer, byteOffset, length);
    case 'int64': return new BigInt64Array(buffer, byteOffset, length);
    case 'uint64': return new BigUint64Array(buffer, byteOffset, length);
    default: return dtype satisfies never;
  }
}

/** The bytes behind a typed array, not copied. */
export const bytesUnder = (array: TypedArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The number that a float16 bit pattern stands for (IEEE 754 binary16). */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The nearest float16 bit pattern, ties to even. */
export function toHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24);
  const exponent = Math.min(15, Math.floor(Math.log2(magnitude)));
  const exact = magnitude < 2 ** exponent ? exponent - 1 : exponent;
  return sign | (((exact + 15) << 10) + roundEven((magnitude / 2 ** exact - 1) * 1024));
}

/** Rounds to the nearest integer, ties to even, as ONNX Round and IEEE 754 do. */
export function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
