/**
 * NumPy's .npy files, version 1.0 to 3.0 (numpy.lib.format): little-endian, row-major arrays of the element types Quern has.
 */
import { bytesOf, bytesUnder, viewAs, type DType } from '../../jit/expr/dtype.ts';
import { QuernError } from '../../jit/error.ts';
import type { HostTensor } from './compare.ts';

const descriptors: Readonly<Record<DType, string>> = {
  float32: '<f4', float16: '<f2', float64: '<f8', int8: '|i1', uint8: '|u1', int16: '<i2', uint16: '<u2',
  int32: '<i4', uint32: '<u4', int64: '<i8', uint64: '<u8', bool: '|b1',
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Throws `invalid-input` for anything but a plain little-endian array in C order. */
export function decodeNpy(bytes: Uint8Array): HostTensor {
  const fail = (expected: string, got: string): never => {
    throw new QuernError('invalid-input', 'this .npy file cannot be read', { expected, got });
  };
  if (magic.some((byte, i) => bytes[i] !== byte)) fail("the bytes of '\\x93NUMPY' at the start", 'other bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = (bytes[6] ?? 1) > 1;
  const start = long ? 12 : 10;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? '';
  const entry = Object.entries(descriptors).find(([, text]) => text === descr.replace(/^=/, '<') || text.slice(1) === descr);
  const dtype = (entry?.[0] ?? fail(`one of ${Object.values(descriptors).join(' ')}`, `descr '${descr}'`)) as DType;
  if (/'fortran_order':\s*True/.test(header)) fail('C order', 'Fortran order');
  const dims = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? fail('a shape', header)).split(',').map((d) => d.trim()).filter((d) => d !== '').map(Number);
  const count = dims.reduce((a, b) => a * b, 1);
  const body = bytes.subarray(start + length);
  if (body.length < count * bytesOf(dtype)) fail(`${String(count * bytesOf(dtype))} bytes of elements`, String(body.length));
  return { dtype, dims, data: viewAs(dtype, body.slice(0, count * bytesOf(dtype))) };
}

/** A tensor's name as that of a file. */
export const fileName = (name: string): string => name.replaceAll('/', '_');

export function encodeNpy({ dtype, dims, data }: HostTensor): Uint8Array<ArrayBuffer> {
  const shape = dims.length === 1 ? `(${String(dims[0])},)` : `(${dims.join(', ')})`;
  const header = `{'descr': '${descriptors[dtype]}', 'fortran_order': False, 'shape': ${shape}, }`;
  // The format wants the elements to start at a multiple of 64 bytes, and a newline before them.
  const text = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const body = bytesUnder(data);
  const out = new Uint8Array(10 + text.length + body.length);
  out.set([...magic, 1, 0, text.length & 255, text.length >> 8]);
  out.set(new TextEncoder().encode(text), 10);
  out.set(body, 10 + text.length);
  return out;
}
