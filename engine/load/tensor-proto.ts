/**
 * TensorProto, both ways. Reading checks that the data is as long as dims and type say before anything is allocated; typed fields
 * (float_data, int32_data, ...) become the same little-endian row-major bytes as raw_data. Used for initializers, for attributes, and
 * for the input_K.pb and output_K.pb files of the ONNX test layout.
 * Source: onnx.proto, message TensorProto.
 */
import { PbfWriter } from 'pbf';
import { QuernError } from '../../jit/error.ts';
import { type DType, type TypedArray, bytesOf, bytesUnder, viewAs } from '../../jit/expr/dtype.ts';
import { Constant } from '../graph/graph.ts';
import { type OnnxType, onnxCode, onnxType, rawBytes } from './onnx-types.ts';
import { type Payload, type Wire, asSkeleton, clampInteger, Wire as WireReader } from './wire.ts';

export interface ExternalRange {
  readonly location: string;
  readonly offset: number;
  /** Bytes of the tensor in the file. */
  readonly length: number;
}

export type TensorBytes =
  /** Raw form: 4-bit elements are still packed. `bytes` is absent where the file was only skimmed. */
  | { readonly kind: 'here'; readonly bytes: Uint8Array | undefined }
  | { readonly kind: 'external'; readonly range: ExternalRange }
  /** A type that goes no further; its contents were not read. */
  | { readonly kind: 'unsupported' };

export interface TensorProto {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly data: TensorBytes;
}

export const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

export function readTensor(wire: Wire): TensorProto {
  const dims: (number | bigint)[] = [];
  const integers: (number | bigint)[] = [];
  const fixed: Payload[] = [];
  const external = new Map<string, string>();
  let [name, code, location] = ['', 0, 0];
  let raw: Payload | undefined;
  wire.each((field) => {
    switch (field) {
      case 1: wire.integers('dims', dims); break;
      case 2: code = wire.int('data_type'); break;
      case 3: wire.fail('a tensor in segments (TensorProto.segment), which ONNX has given up'); break;
      case 4: wire.fixed('float_data', 4, fixed); break;
      case 5: wire.integers('int32_data', integers); break;
      case 7: wire.integers('int64_data', integers); break;
      case 8: name = wire.string('name'); break;
      case 9: raw = wire.payload('raw_data'); break;
      case 10: wire.fixed('double_data', 8, fixed); break;
      case 11: wire.integers('uint64_data', integers); break;
      case 13: wire.message('external_data', (entry) => readEntry(entry, external), external.size); break;
      case 14: location = wire.int('data_location'); break;
      default: break;
    }
  });
  const what = `tensor '${name}'`;
  const shape = dims.map(clampInteger);
  const type = onnxType(code);
  if (type === undefined) return wire.fail(`${what} has a data type that ONNX does not define`, { got: `data_type ${code}` });
  if (shape.some((d) => d < 0)) wire.fail(`${what} has a negative dim`, { got: `[${shape.join(', ')}]` });
  const count = sizeOf(shape);
  if (!Number.isSafeInteger(count)) wire.fail(`${what} has more elements than can be counted`, { got: `[${shape.join(', ')}]` });
  if (type.dtype === undefined) return { name, type, dims: shape, data: { kind: 'unsupported' } };

  const bytes = rawBytes(type, count);
  const expected = `${bytes} bytes (${type.name}[${shape.join(', ')}])`;
  if (location === 1) return { name, type, dims: shape, data: { kind: 'external', range: rangeOf(wire, what, external, bytes) } };
  if (raw !== undefined) {
    if (raw.length !== bytes) wire.fail(`the raw_data of ${what} has the wrong length`, { expected, got: `${raw.length} bytes` });
    return { name, type, dims: shape, data: { kind: 'here', bytes: raw.bytes } };
  }
  const data = type.dtype === 'float32' || type.dtype === 'float64' ? joined(fixed) : packed(type, integers);
  if (data !== undefined && data.length !== bytes) {
    wire.fail(`the values of ${what} are not as many as its dims say`, { expected, got: `${data.length} bytes` });
  }
  return { name, type, dims: shape, data: { kind: 'here', bytes: data } };
}

function readEntry(wire: Wire, into: Map<string, string>): void {
  let [key, value] = ['', ''];
  wire.each((field) => {
    if (field === 1) key = wire.string('key');
    if (field === 2) value = wire.string('value');
  });
  into.set(key, value);
}

function rangeOf(wire: Wire, what: string, entries: ReadonlyMap<string, string>, bytes: number): ExternalRange {
  const location = entries.get('location');
  if (location === undefined) return wire.fail(`${what} is external but names no file`, { expected: 'an entry location in external_data' });
  const whole = (key: string, otherwise: number): number => {
    const text = entries.get(key);
    const value = text === undefined ? otherwise : Number(text);
    return Number.isSafeInteger(value) && value >= 0 ? value : wire.fail(`external_data of ${what} has a bad ${key}`, { got: `'${text}'` });
  };
  const length = whole('length', bytes);
  if (length !== bytes) {
    wire.fail(`external_data of ${what} has the wrong length`, { expected: `${bytes} bytes`, got: `${length} bytes` });
  }
  return { location, offset: whole('offset', 0), length };
}

/** The bytes of fixed-width values; undefined if any of them was skimmed over. */
function joined(parts: readonly Payload[]): Uint8Array | undefined {
  if (parts.length === 1) return parts[0]?.bytes;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const { bytes, length } of parts) {
    if (bytes === undefined) return undefined;
    out.set(bytes, at);
    at += length;
  }
  return out;
}

/** Raw form of int32_data, int64_data or uint64_data. 4-bit types hold a packed byte, float16 its bits, in each integer. */
function packed(type: OnnxType, values: readonly (number | bigint)[]): Uint8Array {
  const width = Math.max(8, type.bits) / 8;
  const out = new Uint8Array(values.length * width);
  if (width === 8) {
    const view = new BigInt64Array(out.buffer);
    values.forEach((v, i) => { view[i] = BigInt(v); });
  } else {
    const view = width === 4 ? new Int32Array(out.buffer) : width === 2 ? new Int16Array(out.buffer) : out;
    values.forEach((v, i) => { view[i] = clampInteger(v); });
  }
  return out;
}

/** Two elements from each byte, the low one first (onnx.proto), sign-extended for int4. */
function unpackNibbles(raw: Uint8Array, count: number, signed: boolean): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const nibble = ((raw[i >> 1] ?? 0) >> (4 * (i & 1))) & 15;
    out[i] = signed ? (nibble << 28) >> 28 : nibble;
  }
  return out;
}

/**
 * The constant that a tensor is, from its raw bytes (undefined: skimmed over). Throws `unsupported-dtype`, naming the tensor, for element
 * types that cannot be computed with.
 */
export function toConstant(tensor: TensorProto, raw: Uint8Array | undefined, what = `tensor '${tensor.name}'`): Constant {
  const { dtype, narrow, name } = tensor.type;
  if (dtype === undefined) throw unsupportedType(what, name);
  if (raw === undefined) {
    const absent = new Constant(dtype, tensor.dims, new Uint8Array(0), narrow);
    absent.release();
    return absent;
  }
  if (narrow === undefined) return new Constant(dtype, tensor.dims, raw);
  return new Constant(dtype, tensor.dims, unpackNibbles(raw, sizeOf(tensor.dims), narrow === 'int4'), narrow);
}

export function unsupportedType(what: string, name: string): QuernError {
  return new QuernError('unsupported-dtype', `${what} has elements of type ${name}`, {
    expected: 'float32, float16, float64, bool, or integers of 4 to 64 bits', got: name,
  });
}

export interface NamedTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Row-major; float16 as bits in a Uint16Array, bool as Uint8Array, 4-bit integers one to an element. */
  readonly data: TypedArray;
}

/** Reads a TensorProto file (input_K.pb, output_K.pb). Throws `invalid-model` or `unsupported-dtype`. */
export function decodeTensor(bytes: Uint8Array): NamedTensor {
  const tensor = WireReader.read(asSkeleton(bytes), 'tensor', readTensor);
  if (tensor.data.kind === 'external') {
    throw new QuernError('missing-external-data', `tensor '${tensor.name}' keeps its data in another file`, { got: tensor.data.range.location });
  }
  const constant = toConstant(tensor, tensor.data.kind === 'here' ? tensor.data.bytes : undefined);
  return { name: tensor.name, dtype: constant.dtype, dims: constant.dims, data: viewAs(constant.dtype, constant.bytes) };
}

/** Writes a TensorProto with raw_data. Throws `invalid-input` if data and dims disagree. */
export function encodeTensor(tensor: NamedTensor): Uint8Array {
  const writer = new PbfWriter();
  writeTensor(tensor, writer);
  return writer.finish();
}

export function writeTensor({ name, dtype, dims, data }: NamedTensor, writer: PbfWriter): void {
  if (data.byteLength !== sizeOf(dims) * bytesOf(dtype)) {
    throw new QuernError('invalid-input', `tensor '${name}' has the wrong number of elements`, {
      expected: `${sizeOf(dims)} (${dtype}[${dims.join(', ')}])`, got: String(data.length),
    });
  }
  writer.writePackedVarint(1, [...dims]);
  writer.writeVarintField(2, onnxCode(dtype));
  if (name !== '') writer.writeStringField(8, name);
  writer.writeBytesField(9, bytesUnder(data));
}
