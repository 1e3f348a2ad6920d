/**
 * Opens what a caller named as a model (URL, bytes, Blob, stream) as a ByteStream: with progress, a size limit, abort. Every failure is a
 * QuernError: `fetch-failed` (URL and status), `model-too-large`, `aborted`.
 */
import { QuernError } from '../../jit/error.ts';
import type { WireSource } from '../runtime/model.ts';
import type { ByteStream } from './byte-stream.ts';
import { type Download, FAR, PieceReader, PieceStream } from './piece-stream.ts';
import { UrlStream } from './url-stream.ts';

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

class PlainStream extends PieceStream {
  readonly name = 'the given stream';
  readonly size = undefined;
  readonly exact = false;
  readonly #reader: PieceReader;

  constructor(stream: ReadableStream<Uint8Array>, download: Download) {
    super(download);
    try {
      this.#reader = new PieceReader(stream);
    } catch (cause) {
      throw new QuernError('invalid-option', 'the given stream is being read by somebody else', { cause });
    }
    download.expect(undefined, this.name);
  }

  protected async piece(): Promise<Uint8Array | undefined> {
    let piece: unknown;
    try {
      piece = await this.#reader.read(this.download.options.signal);
    } catch (cause) {
      if (cause instanceof QuernError) throw cause;
      throw new QuernError('fetch-failed', `${this.name} failed`, { got: String(cause), cause });
    }
    if (piece === undefined || piece instanceof Uint8Array) return piece;
    throw new QuernError('invalid-option', `${this.name} gave something else than bytes`, { expected: 'Uint8Array', got: typeof piece });
  }

  close(): Promise<void> {
    return this.#reader.cancel();
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
    this.#reader = new PieceReader(blob.stream());
    download.expect(blob.size, this.name);
  }

  protected async piece(): Promise<Uint8Array | undefined> {
    try {
      return await this.#reader.read(this.download.options.signal);
    } catch (cause) {
      if (cause instanceof QuernError) throw cause;
      throw new QuernError('fetch-failed', `${this.name} cannot be read`, { got: String(cause), cause });
    }
  }

  override async skip(count: number): Promise<void> {
    if (count < FAR) return super.skip(count);
    await this.close();
    this.offset += count;
    this.#reader = new PieceReader(this.#blob.slice(this.offset).stream());
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}
