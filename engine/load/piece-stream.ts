/**
 * What sources that are read piece by piece share: abort while waiting, counting for progress and limits, skipping by reading on. In: pieces
 * as the platform gives them. Out: a ByteStream; every failure is a QuernError.
 */
import { QuernError } from '../../jit/error.ts';
import type { Progress } from '../runtime/model.ts';
import type { ByteStream } from './byte-stream.ts';
import type { KeptFiles } from './kept-files.ts';

export interface SourceOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** The most bytes that all sources of a model may hold together. */
  readonly maxBytes?: number | undefined;
  /** Where files that come over HTTP are kept. */
  readonly files?: KeptFiles | undefined;
  /** Waits for what was asked for, and does something useful until then. */
  readonly meanwhile?: (<T>(asked: Promise<T>) => Promise<T>) | undefined;
}

/** What several sources of one model share: bytes so far, for progress and for the limit. */
export class Download {
  readonly options: SourceOptions;
  #loaded = 0;
  #total: number | undefined = 0;
  #reported = 0;

  constructor(options: SourceOptions) {
    this.options = options;
  }

  /** What was asked of a server or a disk, once it is here. */
  wait<T>(asked: Promise<T>): Promise<T> {
    return this.options.meanwhile?.(asked) ?? asked;
  }

  /** Announces a source of a size, or of none that is known. Throws `model-too-large` before anything is read. */
  expect(size: number | undefined, name: string): void {
    this.#total = this.#total === undefined || size === undefined ? undefined : this.#total + size;
    if (size !== undefined) this.#limit(this.#loaded + size, name);
  }

  arrived(bytes: number, name: string): void {
    this.#loaded += bytes;
    this.#limit(this.#loaded, name);
    this.check();
    // Progress may travel to another thread: a hundred messages for a large model, not one per network packet.
    if (this.#loaded - this.#reported < Math.max(256 * 1024, (this.#total ?? 0) / 100) && this.#loaded !== this.#total) return;
    this.report(name);
  }

  report(detail: string): void {
    this.#reported = this.#loaded;
    // More than was announced: the transfer was compressed, so the total is not known after all.
    const total = this.#total === undefined || this.#loaded > this.#total ? undefined : this.#total;
    this.options.onProgress?.({ phase: 'download', loaded: this.#loaded, detail, ...(total === undefined ? {} : { total }) });
  }

  /** Throws `aborted` once the signal says so. */
  check(): void {
    if (this.options.signal?.aborted === true) throw aborted(this.options.signal);
  }

  #limit(bytes: number, name: string): void {
    const { maxBytes } = this.options;
    if (maxBytes !== undefined && bytes > maxBytes) {
      throw new QuernError('model-too-large', `${name} makes the model larger than allowed`, {
        expected: `at most ${maxBytes} bytes (option maxBytes)`, got: `${bytes} bytes`,
      });
    }
  }
}

export const aborted = (signal: AbortSignal): QuernError => new QuernError('aborted', 'loading was aborted', { cause: signal.reason });

/** Common to what is read piece by piece: abort while waiting, counting, and skipping by reading on. */
export abstract class PieceStream implements ByteStream {
  abstract readonly name: string;
  abstract readonly size: number | undefined;
  abstract readonly exact: boolean;
  readonly stable = false;
  protected readonly download: Download;
  /** Bytes delivered or passed over. */
  protected offset = 0;
  #kept: Uint8Array | undefined;

  constructor(download: Download) {
    this.download = download;
  }

  protected abstract piece(): Promise<Uint8Array | undefined>;
  abstract close(): Promise<void>;

  async next(): Promise<Uint8Array | undefined> {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) return kept;
    this.download.check();
    const piece = await this.piece();
    if (piece === undefined) return undefined;
    this.offset += piece.length;
    this.download.arrived(piece.length, this.name);
    return piece;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const piece = await this.next();
      if (piece === undefined) {
        throw new QuernError('invalid-model', `${this.name} ends too early`, {
          expected: `${left} more bytes`, got: `${this.offset} bytes in all`,
        });
      }
      if (piece.length > left) this.#kept = piece.subarray(left);
      left -= piece.length;
    }
  }
}

/** What one read takes at most. */
const readBytes = 512 * 1024;

/**
 * Reads a stream of bytes. Where the stream can (those of fetch and Blob), into one buffer again and again, so that a piece is good until the
 * next read: memory of pieces is not V8's own and is collected late, 136 MB of it over a file of 438 MB, where one buffer leaves the page at
 * 29 MB and takes half the time.
 */
export class PieceReader {
  /** The next piece, undefined at the end, and what gives the stream up. */
  readonly #next: () => Promise<Uint8Array | undefined>;
  readonly #reader: ReadableStreamGenericReader;

  /** Throws a TypeError if the stream is locked. */
  constructor(stream: ReadableStream<Uint8Array>) {
    try {
      const reader = stream.getReader({ mode: 'byob' });
      let buffer = new ArrayBuffer(readBytes);
      this.#next = async () => {
        const { done, value } = await reader.read(new Uint8Array(buffer));
        if (done) return undefined;
        ({ buffer } = value);
        return value;
      };
      this.#reader = reader;
    } catch {
      const reader = stream.getReader();
      this.#next = async () => (await reader.read()).value;
      this.#reader = reader;
    }
  }

  /** Stops waiting as soon as the signal fires; a source that never answers must not keep a load from ending. */
  async read(signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    if (signal === undefined) return this.#next();
    let stop = (): void => undefined;
    const abort = new Promise<never>((_, reject) => {
      stop = () => { reject(aborted(signal)); };
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([this.#next(), abort]);
    } catch (error) {
      throw signal.aborted ? aborted(signal) : error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }
}

/** From here on a new request costs less than reading on: 1 MiB is a round trip of 80 ms at 100 Mbit/s. */
export const FAR = 1024 * 1024;
