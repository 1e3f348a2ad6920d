/**
 * The streaming scanner: from the bytes of a model file, as they arrive, to its skeleton, the same protobuf message with every large
 * tensor payload taken out into memory of its own. Only messages of 16 KiB and more are looked into, along the paths that can lead to a
 * tensor; everything else is copied as it is, and read later (wire.ts, proto.ts). So a file is never held twice: the peak is the weights
 * plus a skeleton of about one percent. Invariant: nothing is allocated for bytes that have not arrived, unless the source's size is known
 * and covers them.
 */
import { Bytes } from '../../jit/bytes.ts';
import { QuernError } from '../../jit/error.ts';
import { type Allocate, type ByteStream, LARGE, Reader } from './byte-stream.ts';
import type { Payload, Skeleton } from './wire.ts';

const MAX_DEPTH = 100;

type Action = Schema | 'payload' | 'keep';
interface Schema {
  readonly name: string;
  /** By field number; large fields that are not listed are dropped (doc strings, training data). */
  readonly fields: ReadonlyMap<number, Action>;
}

const schema = (name: string, fields: readonly (readonly [number, Action])[]): Schema => ({ name, fields: new Map(fields) });
const kept = (...fields: readonly number[]): readonly (readonly [number, Action])[] => fields.map((field) => [field, 'keep']);
const tensor = schema('tensor', [...kept(1, 5, 7, 8, 11, 13), [4, 'payload'], [9, 'payload'], [10, 'payload']]);
const sparse = schema('sparse_tensor', [[1, tensor], [2, tensor], ...kept(3)]);
const attributeFields = new Map<number, Action>();
const attribute: Schema = { name: 'attribute', fields: attributeFields };
const node = schema('node', [...kept(1, 2), [5, attribute]]);
const graph = schema('graph', [...kept(2, 11, 12, 13), [1, node], [5, tensor], [15, sparse]]);
// An attribute may hold a graph, which holds attributes: the one knot in this table.
for (const [field, action] of [...kept(4, 7, 8, 9), [5, tensor], [6, graph], [10, tensor], [11, graph], [22, sparse]] as const) {
  attributeFields.set(field, action);
}
const model = schema('model', [...kept(8), [7, graph], [25, schema('function', [...kept(4, 5), [7, node], [11, attribute]])]]);

interface Level {
  readonly name: string;
  readonly fields: ReadonlyMap<number, Action>;
  /** Offset in the file after its last byte. */
  readonly end: number;
  /** Where its length stands in the skeleton, to be filled in. */
  readonly patch: number;
}

/**
 * Reads a model to its end; payloads of 16 KiB and more (not biases and norms, but matrices) go to memory of their own. With `keep` false,
 * they are passed over and only their lengths are kept.
 */
export async function readSkeleton(stream: ByteStream, keep: boolean, large?: Allocate): Promise<Skeleton> {
  const reader = new Reader(stream, large);
  const out = new Bytes();
  const payloads = new Map<number, Payload>();
  const marks: (readonly [position: number, offset: number])[] = [[0, 0]];
  const levels: Level[] = [];
  let level: Level = { name: model.name, fields: model.fields, end: Infinity, patch: -1 };
  let start = 0;
  const fail = (message: string, details: { expected?: string; got?: string } = {}): never => {
    const path = [...levels, level].map((l) => l.name).join('.');
    throw new QuernError('invalid-model', `${message} (at ${path}, byte ${start})`, details);
  };

  await rejectOtherFormats(reader);
  for (;;) {
    while (reader.offset === level.end) {
      out.fixed(level.patch, out.length - level.patch - PATCH, PATCH);
      const outer = levels.pop();
      if (outer === undefined) return fail('messages end where none began');
      level = outer;
    }
    start = reader.offset;
    if (level.patch < 0 && (await reader.atEnd())) break;
    const tag = await reader.varint(fail);
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (field === 0 || field > 0x1fffffff) fail(`there is no field number ${field}`);
    if (wire === 0) {
      await reader.varint(fail);
      out.u32(tag);
      // Beyond 2^53 the number is not exact, the bytes are.
      out.all(reader.last);
    } else if (wire === 1 || wire === 5) {
      out.u32(tag);
      await reader.copy(wire === 1 ? 8 : 4, out, fail);
    } else if (wire === 2) {
      const length = await reader.varint(fail);
      const left = Math.min(level.end, stream.exact ? (stream.size ?? Infinity) : Infinity) - reader.offset;
      if (length > left) {
        const where = stream.exact && level.end > (stream.size ?? Infinity) ? 'file' : 'message';
        fail(`a length runs past the end of its ${where}`, { expected: `at most ${left} bytes`, got: `${length} bytes` });
      }
      const action = length < LARGE ? 'keep' : level.fields.get(field);
      if (action === undefined) {
        await reader.skip(length, fail);
      } else if (action === 'keep') {
        out.u32(tag);
        out.u32(length);
        await reader.copy(length, out, fail);
      } else if (action === 'payload') {
        out.u32(tag);
        payloads.set(out.length, { bytes: keep ? await reader.take(length, fail) : await reader.skip(length, fail), length });
        out.u32(0);
      } else {
        if (levels.length >= MAX_DEPTH) fail(`messages nest deeper than ${MAX_DEPTH} levels`);
        out.u32(tag);
        levels.push(level);
        level = { name: action.name, fields: action.fields, end: reader.offset + length, patch: out.length };
        out.fixed(out.length, 0, PATCH);
      }
      marks.push([out.length, reader.offset]);
    } else {
      fail('a field has a wire type that protobuf 3 does not use', { got: `wire type ${wire}` });
    }
    if (reader.offset > level.end) fail('a field runs past the end of its message');
  }
  return { bytes: out.done(), payloads, fileOffset: (position) => offsetAt(marks, position) };
}

function offsetAt(marks: readonly (readonly [number, number])[], position: number): number {
  let [low, high] = [0, marks.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((marks[middle]?.[0] ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  const [at, offset] = marks[low] ?? [0, 0];
  return offset + position - at;
}

/** A varint of a length that is not known yet is written with this many bytes: enough for 2^35. */
const PATCH = 5;

const ascii = (text: string): readonly number[] => [...new TextEncoder().encode(text)];
/** What people load by mistake. None of these prefixes can begin an ONNX file. */
const formats: readonly { readonly at: number; readonly magic: readonly number[]; readonly what: string; readonly hint?: string }[] = [
  { at: 0, magic: ascii('<'), what: 'HTML or XML', hint: 'the server may have answered with an error page: open the URL in a browser' },
  { at: 0, magic: ascii('version https://git-lfs'), what: 'a Git LFS pointer', hint: 'fetch the file itself, with git lfs pull or from its download URL' },
  { at: 0, magic: [0x50, 0x4b, 3, 4], what: 'a zip archive (a PyTorch file is one too)', hint: 'unpack it, or export the model to ONNX' },
  { at: 0, magic: [0x1f, 0x8b], what: 'gzip', hint: "unpack it, or serve it with the header 'Content-Encoding: gzip'" },
  { at: 0, magic: ascii('GGUF'), what: 'GGUF', hint: 'export the model to ONNX' },
  { at: 4, magic: ascii('TFL3'), what: 'TensorFlow Lite', hint: 'convert it with tf2onnx' },
  { at: 4, magic: ascii('ORTM'), what: 'the ORT format of onnxruntime', hint: 'use the .onnx file it was made from' },
  { at: 4, magic: [0, 0, 0, 0, ...ascii('{')], what: 'safetensors', hint: 'export the model to ONNX' },
  { at: 0, magic: ascii('{'), what: 'JSON', hint: 'the server may have answered with an error message' },
];

async function rejectOtherFormats(reader: Reader): Promise<void> {
  const head = await reader.peek(32);
  const refuse = (got: string, hint?: string): never => {
    throw new QuernError('invalid-model', 'this is no ONNX model', { expected: 'a protobuf ModelProto', got, hint });
  };
  if (head.length === 0) refuse('no bytes at all');
  const found = formats.find(({ at, magic }) => magic.every((byte, i) => head[at + i] === byte));
  if (found !== undefined) refuse(found.what, found.hint);
}
