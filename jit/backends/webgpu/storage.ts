/**
 * How element types live in GPU buffers and in WGSL. Buffers hold what the plain form holds, narrow types packed in 32-bit words; only
 * 64-bit integers differ: they take one 32-bit word, and their values are checked when they are uploaded. Values in kernels are f32, i32,
 * u32 or bool. Input: dtypes and plain bytes; output: WGSL types, and bytes in the other form.
 */
import { QuernError } from '../../error.ts';
import { type DType, type ScalarType, bytesOf } from '../../expr/dtype.ts';

export type WgslType = 'f32' | 'i32' | 'u32' | 'bool';

/** The WGSL type that values of a dtype have in kernels; float16 computes in f32 as on every other device. */
export function wgslType(dtype: ScalarType): WgslType {
  switch (dtype) {
    case 'float32': case 'float16': return 'f32';
    case 'int8': case 'int16': case 'int32': case 'int64': case 'index': return 'i32';
    case 'uint8': case 'uint16': case 'uint32': case 'uint64': return 'u32';
    case 'bool': return 'bool';
    case 'float64': throw new QuernError('unsupported-dtype', 'float64 does not exist on the GPU');
    default: return dtype satisfies never;
  }
}

/** Elements in one 32-bit word. */
export function perWord(dtype: DType): 1 | 2 | 4 {
  const bytes = storageBytes(dtype);
  return bytes === 1 ? 4 : bytes === 2 ? 2 : 1;
}

export const storageBytes = (dtype: DType): number => Math.min(bytesOf(dtype), 4);

/** WGSL's type of the words of a buffer. */
export const wordType = (dtype: DType): 'f32' | 'i32' | 'u32' => {
  const type = wgslType(dtype);
  return perWord(dtype) > 1 || type === 'bool' ? 'u32' : type;
};

/** Plain bytes to the device's form. Throws `unsupported-dtype` for a 64-bit integer that does not fit 32 bits. */
export function toDevice(dtype: DType, bytes: Uint8Array): Uint8Array {
  if (dtype === 'float64') throw new QuernError('unsupported-dtype', 'float64 does not exist on the GPU');
  if (dtype !== 'int64' && dtype !== 'uint64') return bytes;
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / 8;
  const words = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const low = source.getUint32(i * 8, true);
    const high = source.getUint32(i * 8 + 4, true);
    const sign = dtype === 'int64' && low >>> 31 === 1 ? 0xffffffff : 0;
    if (high !== sign) {
      const got = dtype === 'int64' ? source.getBigInt64(i * 8, true) : source.getBigUint64(i * 8, true);
      throw new QuernError('unsupported-dtype', `a value of ${dtype} does not fit the 32 bits that it has on the GPU`, {
        expected: dtype === 'int64' ? '-2147483648 to 2147483647' : '0 to 4294967295', got: String(got), hint: "load the model with device: 'wasm'",
      });
    }
    words[i] = low;
  }
  return new Uint8Array(words.buffer);
}

/** The device's form to plain bytes. */
export function fromDevice(dtype: DType, bytes: Uint8Array): Uint8Array {
  if (dtype !== 'int64' && dtype !== 'uint64') return bytes;
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.byteLength / 4);
  const words = new Uint32Array(count * 2);
  for (let i = 0; i < count; i++) {
    const low = source.getUint32(i * 4, true);
    words[i * 2] = low;
    words[i * 2 + 1] = dtype === 'int64' && low >>> 31 === 1 ? 0xffffffff : 0;
  }
  return new Uint8Array(words.buffer);
}
