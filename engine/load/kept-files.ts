/**
 * Model files kept from visit to visit, in the origin's private file system. A kept file is a beginning of the real one, however long: a
 * download that broke off is gone on with, in this visit or the next. Behind a header (address, validator, size, checksums; sealed as
 * cache entries are) its bytes stand in pieces, each with a checksum: a piece that does not match ends what is there. Nothing here
 * fails a load: without storage, its answer, room or the lock on a file it comes over the network, and `notes` says why once.
 */
import { hashText } from '../../jit/hash.ts';
import { open as unseal, seal } from '../cache/entry.ts';
import { soon, storagePatienceMs } from '../cache/soon.ts';
import { privateFolder } from './private-folder.ts';

/** The part of FileSystemSyncAccessHandle that is used. */
export interface Handle {
  read(into: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  truncate(size: number): void;
  close(): void;
}

/** Where files lie. Errors come out as the platform throws them. */
export interface Folder {
  /** Rejects while another tab or session writes the file. */
  open(name: string): Promise<Handle>;
  remove(name: string): Promise<void>;
  list(): Promise<readonly { readonly name: string; readonly bytes: number; readonly modified: number }[]>;
  /** Bytes that may still be stored. */
  room(): Promise<number>;
}

/** What a server says of a file: what identifies its version, and its size. */
export interface Announced {
  readonly version: string;
  readonly size: number;
}

/** Room for the checksums of 4 GiB, and a long address. */
const headerBytes = 32 * 1024;
export const pieceBytes = 4 * 2 ** 20;
/** What is written at once: with whole pieces the buffer is 4 MB of a load's peak, and first touching it takes 12 ms where that is slow. */
const blockBytes = 2 ** 18;
/** Smaller files are the browser's own cache's affair. */
const leastBytes = 2 ** 20;
/** The header is brought up to date after so many pieces: what a visit that ends in the middle of a download may lose. */
const piecesUnsaved = 8;

interface Header extends Announced {
  readonly key: string;
  readonly length: number;
  readonly sums: readonly number[];
}

export class KeptFiles {
  readonly #folder: Folder | undefined;
  readonly #patience: number;
  readonly notes: string[] = [];

  constructor(folder: Folder | undefined = privateFolder(), patienceMs = storagePatienceMs) {
    this.#folder = folder;
    this.#patience = patienceMs;
  }

  /** What is kept under a key (an address and what else decides of the answer); undefined if nothing may be kept. */
  async open(key: string): Promise<KeptFile | undefined> {
    const folder = this.#folder;
    if (folder === undefined) return undefined;
    const name = hashText(key);
    const makeRoom = (size: number): Promise<boolean> => this.#makeRoom(folder, name, size);
    const handle = await this.#trying(() => folder.open(name), (late) => { late.close(); });
    return handle && new KeptFile(handle, key, makeRoom, (why) => { this.#note(why); });
  }

  /** Whether a file of a size may be stored; the oldest files go if it needs their room. */
  async #makeRoom(folder: Folder, name: string, size: number): Promise<boolean> {
    return (await this.#trying(async () => {
      const others = (await folder.list()).filter((f) => f.name !== name).sort((a, b) => a.modified - b.modified);
      let room = await folder.room();
      for (const { name: old, bytes } of others) {
        if (room >= size) break;
        await folder.remove(old);
        room += bytes;
      }
      if (room < size) this.#note(`a model file is not kept: ${size} bytes, and the quota leaves ${room}`);
      return room >= size;
    })) ?? false;
  }

  /** What comes after patience has ended goes to `late`. */
  async #trying<T>(work: () => Promise<T>, late?: (value: T) => void): Promise<T | undefined> {
    try {
      return await soon(work(), this.#patience, late);
    } catch (error) {
      this.#note(`a model file is not kept: ${String(error)}`);
      return undefined;
    }
  }

  #note(why: string): void {
    if (!this.notes.includes(why)) this.notes.push(why);
  }
}

export class KeptFile {
  readonly #handle: Handle;
  readonly #key: string;
  readonly #makeRoom: (size: number) => Promise<boolean>;
  readonly #complain: (why: string) => void;
  /** Undefined where nothing is kept, or nothing can be any more. */
  #announced: Announced | undefined;
  #sums: number[] = [];
  #length = 0;
  /** Nothing was ever written, so that nothing needs to be cut off, which takes some milliseconds. */
  #empty: boolean;
  /** The piece that was read last; `#piece` says which. */
  #held: Uint8Array<ArrayBuffer> | undefined;
  #piece = -1;
  /** Where the last bytes of all are, from a multiple of its size on. */
  #block: Uint8Array<ArrayBuffer> | undefined;
  /** Of the blocks before it in its piece; undefined where it has to be found first, as an earlier visit left off within a piece. */
  #sum: number | undefined;
  /** Of `#length`, what has been written. */
  #written = 0;
  /** What the header vouches for. */
  #saved = 0;

  constructor(handle: Handle, key: string, makeRoom: (size: number) => Promise<boolean>, complain: (why: string) => void) {
    this.#handle = handle;
    this.#key = key;
    this.#makeRoom = makeRoom;
    this.#complain = complain;
    const header = readHeader(handle);
    this.#empty = header === 'empty';
    if (header === 'empty' || header?.key !== key) return;
    const { version, size, length, sums } = header;
    this.#announced = { version, size };
    this.#sums = [...sums];
    this.#endAt(length);
    this.#saved = length;
  }

  /** Made when it is wanted, and no larger than the file: 4 MiB of zeros for each of two small files take some ms of a visit. */
  get #buffer(): Uint8Array<ArrayBuffer> {
    return (this.#held ??= new Uint8Array(Math.min(pieceBytes, Math.ceil((this.#announced?.size ?? pieceBytes) / 4) * 4)));
  }

  /** Of what is kept; undefined if nothing is. */
  get announced(): Announced | undefined { return this.#announced; }

  /** Gives up what is kept and starts anew with a file that was announced; without one, or without room, nothing is kept. */
  async restart(file: Announced | undefined, least = leastBytes): Promise<void> {
    [this.#announced, this.#sums, this.#saved, this.#held] = [undefined, [], 0, undefined];
    this.#endAt(0);
    if (!this.#empty) this.#trying(() => { this.#handle.truncate(0); });
    if (file === undefined || file.size < least || file.size > headerBytes * 2 ** 15 || !(await this.#makeRoom(file.size + headerBytes))) return;
    this.#announced = file;
  }

  /** Bytes from `offset` on, to the end of its piece; undefined from where on nothing (right) is kept. Valid until the next call. */
  read(offset: number): Uint8Array | undefined {
    if (offset >= this.#length || !this.#load(Math.floor(offset / pieceBytes))) return undefined;
    return this.#buffer.subarray(offset % pieceBytes, Math.min(pieceBytes, this.#length - this.#piece * pieceBytes));
  }

  /** Takes what came from the network, if it continues what is kept. */
  append(offset: number, bytes: Uint8Array): void {
    if (this.#announced === undefined || offset !== this.#length || offset + bytes.length > this.#announced.size) return;
    for (let from = 0; from < bytes.length;) {
      if (this.#sum === undefined && !this.#resume()) return;
      const at = this.#length % blockBytes;
      const part = bytes.subarray(from, from + blockBytes - at);
      (this.#block ??= new Uint8Array(blockBytes)).set(part, at);
      this.#piece = -1;
      this.#length += part.length;
      from += part.length;
      if (at + part.length === blockBytes) this.#store();
    }
  }

  close(): void {
    this.#store();
    if (this.#announced !== undefined && this.#saved !== this.#length) this.#save();
    this.#trying(() => { this.#handle.close(); });
  }

  /** Brings a piece into the buffer and checks it; what does not match is forgotten, with all behind it. */
  #load(piece: number): boolean {
    if (piece === this.#piece) return true;
    this.#store();
    const bytes = Math.min(pieceBytes, this.#length - piece * pieceBytes);
    const view = this.#buffer.subarray(0, bytes);
    const read = this.#trying(() => this.#handle.read(view, { at: headerBytes + piece * pieceBytes }));
    this.#piece = -1;
    if (read === bytes && sumOf(this.#buffer, bytes) === this.#sums[piece]) {
      this.#piece = piece;
      return true;
    }
    this.#complain('a kept model file was damaged and is fetched again from there on');
    this.#sums.length = piece;
    this.#endAt(piece * pieceBytes);
    return false;
  }

  #endAt(length: number): void {
    [this.#length, this.#written, this.#piece, this.#sum] = [length, length, -1, length % pieceBytes === 0 ? 0 : undefined];
  }

  /** Goes on within a piece; false if it turns out to be damaged. */
  #resume(): boolean {
    const [piece, last] = [Math.floor(this.#length / pieceBytes), this.#length % blockBytes];
    if (!this.#load(piece)) return false;
    const filled = this.#length % pieceBytes;
    this.#sum = sumOf(this.#buffer, filled - last);
    (this.#block ??= new Uint8Array(blockBytes)).set(this.#buffer.subarray(filled - last, filled));
    return true;
  }

  /** Writes what has not been written, which is in the block. */
  #store(): void {
    if (this.#written === this.#length || this.#block === undefined) return;
    const start = this.#written - (this.#written % blockBytes);
    const bytes = this.#length - start;
    const view = this.#block.subarray(0, bytes);
    const sum = sumOf(this.#block, bytes, this.#sum);
    this.#sums[Math.floor(start / pieceBytes)] = sum;
    this.#empty = false;
    this.#trying(() => this.#handle.write(view, { at: headerBytes + start }));
    this.#written = this.#length;
    if (bytes === blockBytes) this.#sum = this.#length % pieceBytes === 0 ? 0 : sum;
    if (this.#length - this.#saved >= piecesUnsaved * pieceBytes) this.#save();
  }

  /** What vouches for the bytes. Nothing is flushed (180 ms for 90 MB): a piece that a lost machine never wrote does not match its sum. */
  #save(): void {
    const file = this.#announced;
    if (file === undefined) return;
    const header: Header = { ...file, key: this.#key, length: this.#length, sums: this.#sums };
    const text = new TextEncoder().encode(JSON.stringify(seal(header, Date.now())));
    const block = new Uint8Array(headerBytes).fill(32);
    if (text.length > headerBytes) return;
    block.set(text);
    this.#trying(() => {
      this.#handle.write(block, { at: 0 });
      this.#saved = this.#length;
    });
  }

  /** A full disk or a file taken away ends the keeping, not the load. */
  #trying<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#announced = undefined;
      this.#endAt(0);
      this.#complain(`a model file is not kept: ${String(error)}`);
      return undefined;
    }
  }
}

function readHeader(handle: Handle): Header | 'empty' | undefined {
  const block = new Uint8Array(headerBytes);
  try {
    const read = handle.read(block, { at: 0 });
    if (read < headerBytes) return read === 0 ? 'empty' : undefined;
    // What is sealed was written by this version of this code, so its fields are what they were.
    return unseal(JSON.parse(new TextDecoder().decode(block))) as Header | undefined;
  } catch {
    return undefined;
  }
}

/**
 * Of 32-bit words, the last one filled up with zeros. Finds lost blocks and changed bytes; it is no defence against anybody. `sum`: of what is
 * before them, multiples of 32 KB.
 */
function sumOf(buffer: Uint8Array<ArrayBuffer>, bytes: number, sum = 0): number {
  const words = Math.ceil(bytes / 4);
  buffer.fill(0, bytes, words * 4);
  for (let at = 0; at < words; at += blockWords) {
    sum = Math.imul(sum, 5) ^ sumOfBlock(new Int32Array(buffer.buffer, at * 4, Math.min(blockWords, words - at)));
  }
  return sum;
}

/**
 * Short, so that V8 finds a function to compile and not a loop, and bit operations alone: 0.6 ms for 4 MiB, where Chromium 156 takes 10 for sums.
 * No global after the loop: V8 has not met it yet when it compiles the loop, and so throws its code away at the end of each block.
 */
const blockWords = 2 ** 13;

function sumOfBlock(words: Int32Array): number {
  // Two, each on its own: one would wait for itself.
  let [a, b] = [0, 0];
  for (let i = 0; i < words.length; i += 2) {
    a = ((a << 1) | (a >>> 31)) ^ (words[i] ?? 0);
    b = ((b << 1) | (b >>> 31)) ^ (words[i + 1] ?? 0);
  }
  return a ^ ((b << 2) + b);
}
