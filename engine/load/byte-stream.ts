/**
 * Reading bytes in order from something that delivers them in pieces. `ByteStream` is what a source (source.ts) gives; `Reader` is the
 * cursor over it that the scanner of model files and the reader of external data share. Invariant of `take`: memory is allocated in one
 * piece only when the source's size vouches for it, else it grows with what arrives.
 */
import { QuernError } from '../../jit/error.ts';

export interface ByteStream {
  /** Where it comes from, for error texts. */
  readonly name: string;
  /** Bytes in all, where known. With a compressed transfer this is what the network carries: a lower bound. */
  readonly size: number | undefined;
  /** Whether `size` is the exact number of bytes and not only what a server announced. */
  readonly exact: boolean;
  /** What the server says tells this content of the address from any other, where it says so and allows what follows from it to be kept. */
  readonly version?: string | undefined;
  /** Whether pieces are views of memory that stays, so that they may be kept without a copy. */
  readonly stable: boolean;
  /** The next piece, good until the one after it is asked for; undefined at the end. Rejects with a QuernError. */
  next(): Promise<Uint8Array | undefined>;
  /** Passes over bytes, without transferring them where the source can. */
  skip(count: number): Promise<void>;
  close(): Promise<void>;
}

type Fail = (message: string, details?: { expected?: string; got?: string }) => never;

const TRUNCATED = 'the file ends too early';
/** Pieces of memory for payloads whose length nothing vouches for yet. */
const PIECE = 4 * 1024 * 1024;

/** Makes memory for a large payload: device memory where weights can land there at once. */
export type Allocate = (bytes: number) => Uint8Array | Promise<Uint8Array>;
/** Below this a payload goes to ordinary memory. */
export const LARGE = 16 * 1024;

const nothing = new Uint8Array(0);

export class Reader {
  readonly #stream: ByteStream;
  readonly #allocate: Allocate;
  #chunk = nothing;
  #at = 0;
  #ended = false;
  /** Offset in the file of the next byte. */
  offset = 0;
  /** The bytes of the last varint. */
  last: readonly number[] = [];

  constructor(stream: ByteStream, large: Allocate = allocate) {
    this.#stream = stream;
    this.#allocate = (bytes) => (bytes < LARGE ? allocate : large)(bytes);
  }

  async atEnd(): Promise<boolean> {
    return this.#at === this.#chunk.length && !(await this.#more());
  }

  /** Up to `count` of the next bytes, which stay unread. */
  async peek(count: number): Promise<Uint8Array> {
    let seen = this.#chunk.subarray(this.#at);
    while (seen.length < count) {
      // A piece is good until the next one is asked for.
      if (!this.#stream.stable && seen.length > 0) seen = seen.slice();
      [this.#chunk, this.#at] = [seen, 0];
      const next = await this.#stream.next();
      if (next === undefined) break;
      // Most often there is nothing to join, and pieces of a stable source must stay the views that they are.
      if (seen.length === 0) seen = next as Uint8Array<ArrayBuffer>;
      else {
        const joined = new Uint8Array(seen.length + next.length);
        joined.set(seen);
        joined.set(next, seen.length);
        seen = joined;
      }
      [this.#chunk, this.#at] = [seen, 0];
    }
    return seen.subarray(0, count);
  }

  async varint(fail: Fail): Promise<number> {
    const bytes: number[] = [];
    let [value, scale] = [0, 1];
    for (let i = 0; i < 10; i++) {
      if (this.#at === this.#chunk.length && !(await this.#more())) fail(TRUNCATED, { expected: 'a varint' });
      const byte = this.#chunk[this.#at++] ?? 0;
      this.offset++;
      bytes.push(byte);
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        this.last = bytes;
        return value;
      }
    }
    return fail('a varint is longer than ten bytes');
  }

  async copy(count: number, into: { all(part: Uint8Array): void }, fail: Fail): Promise<void> {
    await this.#each(count, fail, (part) => { into.all(part); });
  }

  async take(count: number, fail: Fail): Promise<Uint8Array> {
    if (this.#stream.stable && this.#chunk.length - this.#at >= count) {
      const view = this.#chunk.subarray(this.#at, this.#at + count);
      this.#at += count;
      this.offset += count;
      return view;
    }
    const known = this.offset + count <= (this.#stream.size ?? 0);
    if (known) {
      const whole = await this.#allocate(count);
      let at = 0;
      await this.#each(count, fail, (part) => {
        whole.set(part, at);
        at += part.length;
      });
      return whole;
    }
    const pieces: Uint8Array[] = [];
    let [last, used] = [new Uint8Array(0), 0];
    await this.#each(count, fail, (part) => {
      for (let from = 0; from < part.length;) {
        if (used === last.length) {
          const before = pieces.reduce((sum, p) => sum + p.length, 0);
          [last, used] = [allocate(Math.min(PIECE, count - before)), 0];
          pieces.push(last);
        }
        const some = part.subarray(from, from + last.length - used);
        last.set(some, used);
        used += some.length;
        from += some.length;
      }
    });
    if (pieces.length === 1) return last;
    const whole = await this.#allocate(count);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  async skip(count: number, fail: Fail): Promise<undefined> {
    const here = Math.min(count, this.#chunk.length - this.#at);
    this.#at += here;
    this.offset += here;
    if (here === count) return;
    const { size, exact } = this.#stream;
    if (exact && size !== undefined && this.offset + count - here > size) fail(TRUNCATED, { expected: `${count} more bytes` });
    this.#chunk = nothing;
    this.#at = 0;
    await this.#stream.skip(count - here);
    this.offset += count - here;
  }

  async #each(count: number, fail: Fail, use: (part: Uint8Array) => void): Promise<void> {
    for (let left = count; left > 0;) {
      if (this.#at === this.#chunk.length && !(await this.#more())) {
        fail(TRUNCATED, { expected: `${left} more bytes`, got: `${this.offset} bytes in all` });
      }
      const part = this.#chunk.subarray(this.#at, this.#at + left);
      use(part);
      this.#at += part.length;
      this.offset += part.length;
      left -= part.length;
    }
  }

  async #more(): Promise<boolean> {
    while (!this.#ended && this.#at === this.#chunk.length) {
      // The stream takes a piece back, and its length with it, when the next is asked for.
      [this.#chunk, this.#at] = [nothing, 0];
      const next = await this.#stream.next();
      if (next === undefined) this.#ended = true;
      else [this.#chunk, this.#at] = [next as Uint8Array<ArrayBuffer>, 0];
    }
    return !this.#ended;
  }
}

/** Memory, or `out-of-memory` where a bare `new Uint8Array` throws a RangeError. */
export function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new QuernError('out-of-memory', `no memory for a tensor of ${bytes} bytes`, { cause });
  }
}
