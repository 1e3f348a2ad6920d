/**
 * A cursor over protobuf bytes that trusts nothing: every length must stay inside the message around it, wire types must be the expected
 * ones, nesting is bounded. Whatever is wrong ends in a QuernError `invalid-model` with the path of the field and its offset in the file.
 * Input: a whole message in memory (a skeleton, see skeleton.ts, or a small file); invariant: no read leaves the message being read, and no
 * allocation exceeds the bytes that are there. Our own: of pbf only two readers were left in use, and its class is 1.1 KB of the bundle.
 */
import { QuernError } from '../../jit/error.ts';
import { LARGE } from './byte-stream.ts';

/** Contents of a large bytes field; `bytes` is absent where the file was only skimmed. */
export interface Payload {
  readonly bytes: Uint8Array | undefined;
  readonly length: number;
}

export interface Skeleton {
  readonly bytes: Uint8Array;
  /** Fields of tensors, by the position of their length: the large ones, which are empty in `bytes`, and small ones once they were read. */
  readonly payloads: Map<number, Payload>;
  /** The offset in the file of a position in `bytes`. */
  fileOffset(position: number): number;
}

export const asSkeleton = (bytes: Uint8Array): Skeleton =>
  ({ bytes, payloads: new Map<number, Payload>(), fileOffset: (position) => position });

/** The bytes of a field of a tensor, without reading what stands before it: those of a small one are in the skeleton, behind their length. */
export function payloadAt({ payloads, bytes }: Skeleton, at: number, length = 0): Uint8Array | undefined {
  const start = at + (length < 128 ? 1 : 2);
  return payloads.get(at)?.bytes ?? (length < LARGE ? bytes.slice(start, start + length) : undefined);
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
const wireNames = ['a varint', 'a 64-bit value', 'a length-delimited value', 'a group', 'the end of a group', 'a 32-bit value'];
const wireName = (wire: number): string => wireNames[wire] ?? `wire type ${wire}`;

/** A subgraph takes four levels (graph, node, attribute, graph); real models nest three or four subgraphs at most. */
const MAX_DEPTH = 100;

export class Wire {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  readonly #skeleton: Skeleton;
  readonly #path: string[];
  #end: number;
  #wire = 0;
  /** Where the current field starts. */
  #start = 0;

  private constructor(skeleton: Skeleton, root: string) {
    const { buffer, byteOffset, byteLength } = this.#bytes = skeleton.bytes;
    this.#view = new DataView(buffer, byteOffset, byteLength);
    this.#skeleton = skeleton;
    this.#path = [root];
    this.#end = skeleton.bytes.length;
  }

  /** Runs a reader over a whole message; whatever it throws becomes a QuernError that says where. */
  static read<T>(skeleton: Skeleton, root: string, reader: (wire: Wire) => T): T {
    const wire = new Wire(skeleton, root);
    try {
      return reader(wire);
    } catch (error) {
      if (error instanceof QuernError) throw error;
      // DataView's complaint says nothing of files.
      if (error instanceof RangeError) return wire.fail('a value runs past the end of the file');
      return wire.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** Calls `visit` with the number of each field of the current message. A field that `visit` does not read is skipped. */
  each(visit: (field: number) => void): void {
    const end = this.#end;
    while (this.#at < end) {
      this.#start = this.#at;
      const tag = this.#varint();
      const field = Math.floor(tag / 8);
      this.#wire = tag % 8;
      if (field === 0 || field > 0x1fffffff) this.fail(`there is no field number ${field}`);
      const value = this.#at;
      visit(field);
      if (this.#at === value) this.#skip();
      if (this.#at > end) this.fail('a value runs past the end of its message');
    }
  }

  /** Reads the current field as a message. `name` (and `index`, in a repeated field) are for error texts. */
  message<T>(name: string, reader: (wire: Wire) => T, index?: number): T {
    this.#path.push(index === undefined ? name : `${name}[${index}]`);
    if (this.#path.length > MAX_DEPTH) this.fail(`messages nest deeper than ${MAX_DEPTH} levels`);
    const around = this.#end;
    const length = this.#length();
    this.#end = this.#at + length;
    const result = reader(this);
    this.#at = this.#end;
    this.#end = around;
    this.#path.pop();
    return result;
  }

  /** One more message of a repeated field. */
  add<T>(list: T[], name: string, reader: (wire: Wire) => T): void {
    list.push(this.message(name, reader, list.length));
  }

  string(name: string): string {
    return utf8.decode(this.bytes(name));
  }

  /** A view of the skeleton: copy what is kept. */
  bytes(name: string): Uint8Array {
    return this.#named(name, () => {
      const length = this.#length();
      const start = this.#at;
      this.#at = start + length;
      return this.#bytes.subarray(start, start + length);
    });
  }

  /** A bytes field that may have been taken out of the skeleton; its own memory either way. */
  payload(name: string): Payload {
    const { payloads } = this.#skeleton;
    const at = this.#at;
    const bytes = this.bytes(name);
    const stored = payloads.get(at) ?? { bytes: bytes.slice(), length: bytes.length };
    payloads.set(at, stored);
    return stored;
  }

  /** A varint as a signed 64-bit integer: a number where that is exact, else a bigint. */
  integer(name: string): number | bigint {
    return this.#named(name, () => {
      this.#expect(VARINT);
      return this.#signed();
    });
  }

  /** A varint as a number; values beyond 2^53 are clamped to the nearest safe integer. */
  int(name: string): number {
    return clampInteger(this.integer(name));
  }

  float(name: string): number {
    return this.#named(name, () => {
      this.#expect(FIXED32);
      return this.#float();
    });
  }

  /** Appends a repeated integer field, packed or not. */
  integers(name: string, into: (number | bigint)[]): void {
    this.#packed(name, VARINT, () => into.push(this.#signed()));
  }

  floats(name: string, into: number[]): void {
    this.#packed(name, FIXED32, () => into.push(this.#float()));
  }

  /** Appends the little-endian bytes of a repeated field of 4- or 8-byte values, packed or not. */
  fixed(name: string, size: 4 | 8, into: Payload[]): void {
    if (this.#wire === LENGTH) {
      const part = this.payload(name);
      if (part.length % size !== 0) {
        this.#named(name, () => this.fail(`packed values of ${size} bytes take a multiple of that`, { got: `${part.length} bytes` }));
      }
      into.push(part);
    } else {
      this.#named(name, () => {
        this.#expect(size === 4 ? FIXED32 : FIXED64);
        const start = this.#at;
        if (start + size > this.#end) this.fail('a value runs past the end of its message');
        this.#at = start + size;
        into.push({ bytes: this.#bytes.slice(start, start + size), length: size });
      });
    }
  }

  /** Throws `invalid-model` at the current place. */
  fail(message: string, details: { readonly expected?: string; readonly got?: string } = {}): never {
    const place = `${this.#path.join('.')}, byte ${this.#skeleton.fileOffset(this.#start)}`;
    throw new QuernError('invalid-model', `${message} (at ${place})`, details);
  }

  #named<T>(name: string, read: () => T): T {
    this.#path.push(name);
    const result = read();
    this.#path.pop();
    return result;
  }

  #packed(name: string, wire: number, one: () => void): void {
    this.#named(name, () => {
      if (this.#wire === wire) return one();
      const around = this.#end;
      const length = this.#length();
      this.#end = this.#at + length;
      while (this.#at < this.#end) one();
      if (this.#at > this.#end) this.fail('a packed value runs past the end of its field');
      this.#end = around;
    });
  }

  #expect(wire: number): void {
    if (this.#wire !== wire) {
      this.fail('a field has the wrong wire type', { expected: wireName(wire), got: wireName(this.#wire) });
    }
  }

  #length(): number {
    this.#expect(LENGTH);
    const length = this.#varint();
    const left = this.#end - this.#at;
    if (length > left) {
      this.fail('a length runs past the end of its message', { expected: `at most ${left} bytes`, got: `${length} bytes` });
    }
    return length;
  }

  /** An unsigned varint of at most ten bytes, exact below 2^53. */
  #varint(): number {
    let [value, scale] = [0, 1];
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) this.fail('a varint runs past the end of its message');
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return this.fail('a varint is longer than ten bytes');
  }

  #signed(): number | bigint {
    const start = this.#at;
    const value = this.#varint();
    if (Number.isSafeInteger(value)) return value;
    let bits = 0n;
    for (let i = this.#at; i > start; i--) bits = (bits << 7n) | BigInt((this.#bytes[i - 1] ?? 0) & 0x7f);
    const exact = BigInt.asIntN(64, bits);
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  }

  #float(): number {
    this.#at += 4;
    return this.#view.getFloat32(this.#at - 4, true);
  }

  #skip(): void {
    switch (this.#wire) {
      case VARINT: this.#varint(); break;
      case FIXED64: this.#at += 8; break;
      case FIXED32: this.#at += 4; break;
      case LENGTH: {
        const length = this.#length();
        this.#at += length;
        break;
      }
      default: this.fail('a field has a wire type that protobuf 3 does not use', { got: wireName(this.#wire) });
    }
  }
}

const utf8 = new TextDecoder();

export function clampInteger(value: number | bigint): number {
  if (typeof value === 'number') return value;
  return value > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
}
