/**
 * Opens what a caller named as a model (URL, bytes, Blob, stream) as a ByteStream: with progress, a size limit, abort, and for URLs
 * resumption after a broken connection and range requests to pass over what is not wanted. Every failure is a QuernError: `fetch-failed`
 * (URL and status), `model-too-large`, `aborted`.
 */
import { QuernError } from '../../jit/error.ts';
import type { Progress, WireSource } from '../runtime/model.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Announced, KeptFile, KeptFiles } from './kept-files.ts';

export interface SourceOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** The most bytes that all sources of a model may hold together. */
  readonly maxBytes?: number | undefined;
  /** Where files that come over HTTP are kept. */
  readonly files?: KeptFiles | undefined;
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

const aborted = (signal: AbortSignal): QuernError => new QuernError('aborted', 'loading was aborted', { cause: signal.reason });

export async function openSource(source: WireSource, download: Download): Promise<ByteStream> {
  download.check();
  switch (source.kind) {
    case 'url': return UrlStream.open(source, download);
    case 'bytes': return new BytesStream(source.bytes, download);
    case 'blob': return new BlobStream(source.blob, download);
    case 'stream': return new PlainStream(source.stream, download);
    default: return source satisfies never;
  }
}

class BytesStream implements ByteStream {
  readonly name = 'the given bytes';
  readonly size: number;
  readonly exact = true;
  readonly stable = true;
  readonly #bytes: Uint8Array;
  readonly #download: Download;
  #at = 0;

  constructor(bytes: Uint8Array, download: Download) {
    this.#bytes = bytes;
    this.#download = download;
    this.size = bytes.length;
    download.expect(bytes.length, this.name);
  }

  next(): Promise<Uint8Array | undefined> {
    const rest = this.#bytes.subarray(this.#at);
    this.#at = this.size;
    if (rest.length === 0) return Promise.resolve(undefined);
    this.#download.arrived(rest.length, this.name);
    return Promise.resolve(rest);
  }

  skip(count: number): Promise<void> {
    this.#at += count;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Common to what is read piece by piece: abort while waiting, counting, and skipping by reading on. */
abstract class PieceStream implements ByteStream {
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

type PieceReader = ReadableStreamDefaultReader<Uint8Array>;

/** Stops waiting as soon as the signal fires; a source that never answers must not keep a load from ending. */
async function readOrAbort(reader: PieceReader, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
  if (signal === undefined) return (await reader.read()).value;
  let stop = (): void => undefined;
  const abort = new Promise<never>((_, reject) => {
    stop = () => { reject(aborted(signal)); };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return (await Promise.race([reader.read(), abort])).value;
  } catch (error) {
    throw signal.aborted ? aborted(signal) : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

class PlainStream extends PieceStream {
  readonly name = 'the given stream';
  readonly size = undefined;
  readonly exact = false;
  readonly #reader: PieceReader;

  constructor(stream: ReadableStream<Uint8Array>, download: Download) {
    super(download);
    try {
      this.#reader = stream.getReader();
    } catch (cause) {
      throw new QuernError('invalid-option', 'the given stream is being read by somebody else', { cause });
    }
    download.expect(undefined, this.name);
  }

  protected async piece(): Promise<Uint8Array | undefined> {
    let piece: unknown;
    try {
      piece = await readOrAbort(this.#reader, this.download.options.signal);
    } catch (cause) {
      if (cause instanceof QuernError) throw cause;
      throw new QuernError('fetch-failed', `${this.name} failed`, { got: String(cause), cause });
    }
    if (piece === undefined || piece instanceof Uint8Array) return piece;
    throw new QuernError('invalid-option', `${this.name} gave something else than bytes`, { expected: 'Uint8Array', got: typeof piece });
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }
}

class BlobStream extends PieceStream {
  readonly name = 'the given Blob';
  readonly size: number;
  readonly exact = true;
  readonly #blob: Blob;
  #reader: PieceReader;

  constructor(blob: Blob, download: Download) {
    super(download);
    this.#blob = blob;
    this.size = blob.size;
    this.#reader = blob.stream().getReader();
    download.expect(blob.size, this.name);
  }

  protected async piece(): Promise<Uint8Array | undefined> {
    try {
      return await readOrAbort(this.#reader, this.download.options.signal);
    } catch (cause) {
      if (cause instanceof QuernError) throw cause;
      throw new QuernError('fetch-failed', `${this.name} cannot be read`, { got: String(cause), cause });
    }
  }

  override async skip(count: number): Promise<void> {
    if (count < FAR) return super.skip(count);
    await this.close();
    this.offset += count;
    this.#reader = this.#blob.slice(this.offset).stream().getReader();
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }
}

/** From here on a new request costs less than reading on: 1 MiB is a round trip of 80 ms at 100 Mbit/s. */
const FAR = 1024 * 1024;
const RETRIES = 3;

type UrlSource = Extract<WireSource, { kind: 'url' }>;

class UrlStream extends PieceStream {
  readonly name: string;
  readonly size: number | undefined;
  readonly exact = false;
  readonly #source: UrlSource;
  /** What tells whether a later answer continues the same file. */
  readonly #version: string | undefined;
  #reader: PieceReader | undefined;
  #ranges: boolean;
  readonly #kept: KeptFile | undefined;
  /** Whether bytes come over the network (any more), and how many of them are here already. */
  #online: boolean;
  #behind = 0;

  /** `response`: undefined where the file is read from what was kept of it. */
  private constructor(source: UrlSource, response: Response | undefined, download: Download, kept: KeptFile | undefined) {
    super(download);
    this.name = source.url.startsWith('data:') ? 'the data: URL' : source.url;
    this.#source = source;
    this.size = response === undefined ? kept?.announced?.size : sizeOf(response);
    this.#version = response === undefined ? kept?.announced?.version : versionOf(response);
    this.#ranges = response === undefined || (isPlain(response) && response.headers.get('accept-ranges') !== 'none' && isGet(source));
    this.#reader = response?.body?.getReader();
    this.#kept = kept;
    this.#online = response !== undefined;
  }

  static async open(source: UrlSource, download: Download): Promise<UrlStream> {
    const kept = isGet(source) && source.url.startsWith('http') ? await download.options.files?.open(keyOf(source)) : undefined;
    try {
      const stream = await UrlStream.#open(source, download, kept);
      download.expect(stream.size, stream.name);
      return stream;
    } catch (error) {
      kept?.close();
      throw error;
    }
  }

  static async #open(source: UrlSource, download: Download, kept: KeptFile | undefined): Promise<UrlStream> {
    if (kept?.announced !== undefined && (await isCurrent(source, kept.announced, download.options.signal))) {
      return new UrlStream(source, undefined, download, kept);
    }
    const response = await request(source, download.options.signal);
    if (!response.ok) {
      await response.body?.cancel().catch(() => undefined);
      throw new QuernError('fetch-failed', `${source.url} cannot be fetched`, {
        expected: 'status 200', got: `status ${response.status} ${response.statusText}`.trimEnd(),
      });
    }
    await kept?.restart(announcedBy(response));
    return new UrlStream(source, response, download, kept);
  }

  protected async piece(): Promise<Uint8Array | undefined> {
    if (!this.#online) {
      const piece = this.#kept?.read(this.offset);
      if (piece !== undefined || this.offset >= (this.size ?? 0)) return piece;
      await this.#goOn();
    }
    for (let attempt = 0; ; attempt++) {
      try {
        if (this.#reader === undefined) return undefined;
        let piece = await readOrAbort(this.#reader, this.download.options.signal);
        while (piece !== undefined && this.#behind > 0) {
          const passed = Math.min(this.#behind, piece.length);
          this.#behind -= passed;
          piece = passed < piece.length ? piece.subarray(passed) : await readOrAbort(this.#reader, this.download.options.signal);
        }
        if (piece !== undefined) this.#kept?.append(this.offset, piece);
        if (piece !== undefined || this.size === undefined || this.offset >= this.size) return piece;
        throw new Error(`the connection closed after ${this.offset} of ${this.size} bytes`);
      } catch (cause) {
        if (cause instanceof QuernError) throw cause;
        if (attempt < RETRIES && (await this.#continueAt(this.offset, attempt)) !== 'refused') continue;
        throw new QuernError('fetch-failed', `the download of ${this.name} broke off`, {
          got: cause instanceof Error ? cause.message : String(cause), cause,
        });
      }
    }
  }

  /** From what was kept to the network. */
  async #goOn(): Promise<void> {
    this.#online = true;
    const outcome = await this.#continueAt(this.offset, 0);
    if (outcome === 'continued') return;
    if (outcome === 'failed') throw new QuernError('fetch-failed', `${this.name} is kept only in part, and the rest cannot be fetched`);
    // No ranges: the whole file once more, and what is there already read past.
    const response = await request(this.#source, this.download.options.signal);
    if (!response.ok || versionOf(response) !== this.#version) {
      throw new QuernError('fetch-failed', `${this.name} changed while it was being loaded`, { got: `status ${response.status}` });
    }
    this.#reader = response.body?.getReader();
    this.#behind = this.offset;
  }

  override async skip(count: number): Promise<void> {
    if (!this.#online && count >= FAR) {
      this.offset += count;
      return;
    }
    if (!this.#online || count < FAR || this.size === undefined || (await this.#continueAt(this.offset + count, 0)) !== 'continued') return super.skip(count);
    this.offset += count;
  }

  async close(): Promise<void> {
    this.#kept?.close();
    await this.#reader?.cancel().catch(() => undefined);
  }

  /** Asks for the bytes from `offset` on. Refused: the server serves no ranges, or the file has changed. Failed: no answer. */
  async #continueAt(offset: number, attempt: number): Promise<'continued' | 'refused' | 'failed'> {
    if (!this.#ranges) return 'refused';
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt));
    const { init = {} } = this.#source;
    let response: Response;
    try {
      // No If-Range: other than Range, that header makes browsers ask another origin for leave first, which few servers give.
      const headers = [...(init.headers ?? []), ['Range', `bytes=${offset}-`] as const];
      response = await request({ ...this.#source, init: { ...init, headers } }, this.download.options.signal);
    } catch (error) {
      if (error instanceof QuernError && error.code === 'aborted') throw error;
      return 'failed';
    }
    if (response.status !== 206 || versionOf(response) !== this.#version) {
      this.#ranges = false;
      await response.body?.cancel().catch(() => undefined);
      return 'refused';
    }
    await this.close();
    this.#reader = response.body?.getReader();
    return 'continued';
  }
}

const isGet = ({ init }: UrlSource): boolean => (init?.method ?? 'GET').toUpperCase() === 'GET';
/** A compressed transfer has the length of what travels, and cannot be continued in the middle. */
const isPlain = ({ headers }: Response): boolean => headers.get('content-encoding') === null;

function sizeOf(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  return isPlain(response) && length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
}

/** An answer may depend on what was sent along. */
const keyOf = ({ url, init = {} }: UrlSource): string => JSON.stringify([url, init.headers ?? [], init.credentials ?? '']);

/** What may be kept of an answer: what the server does not forbid to be stored, and of which it says version and size. */
function announcedBy(response: Response): Announced | undefined {
  const [version, size] = [versionOf(response), sizeOf(response)];
  const forbidden = /\bno-store\b/i.test(response.headers.get('cache-control') ?? '');
  return version === undefined || size === undefined || forbidden ? undefined : { version, size };
}

/** Whether a kept file is still what the server has: one question about its headers. Without a network there is nothing newer. */
async function isCurrent(source: UrlSource, kept: Announced, signal: AbortSignal | undefined): Promise<boolean> {
  let response: Response;
  try {
    response = await request({ ...source, init: { ...source.init, method: 'HEAD' } }, signal);
  } catch (error) {
    if (error instanceof QuernError && error.code === 'aborted') throw error;
    return true;
  }
  return response.ok && versionOf(response) === kept.version && (sizeOf(response) ?? kept.size) === kept.size;
}

const versionOf = ({ headers }: Response): string | undefined => headers.get('etag') ?? headers.get('last-modified') ?? undefined;

async function request({ url, init = {} }: UrlSource, signal: AbortSignal | undefined): Promise<Response> {
  const { headers, ...rest } = init;
  try {
    return await fetch(url, {
      ...rest,
      ...(headers === undefined ? {} : { headers: headers.map(([name, value]): [string, string] => [name, value]) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    if (signal?.aborted === true) throw aborted(signal);
    throw new QuernError('fetch-failed', `${url} cannot be fetched`, {
      got: cause instanceof Error ? cause.message : String(cause),
      hint: 'no network, no such host, or a server that does not allow other origins (CORS)',
      cause,
    });
  }
}
