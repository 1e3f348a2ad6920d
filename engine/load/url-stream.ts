/**
 * A file over HTTP as a ByteStream: resumed after a broken connection, range requests to pass over what is not wanted, and kept from visit
 * to visit where there is a place for it (kept-files.ts): then a question about its headers tells whether it is still the server's.
 */
import { QuernError } from '../../jit/error.ts';
import type { WireSource } from '../runtime/model.ts';
import type { Announced, KeptFile } from './kept-files.ts';
import { type Download, FAR, PieceReader, PieceStream, aborted } from './piece-stream.ts';

const RETRIES = 3;

type UrlSource = Extract<WireSource, { kind: 'url' }>;

export class UrlStream extends PieceStream {
  readonly name: string;
  readonly size: number | undefined;
  readonly exact = false;
  readonly #source: UrlSource;
  /** What tells whether a later answer continues the same file. */
  readonly #version: string | undefined;
  /** Whether nothing that follows from it may be stored. */
  readonly #forbidden: boolean;
  #reader: PieceReader | undefined;
  #ranges: boolean;
  readonly #kept: KeptFile | undefined;
  /** Room is being made while the first bytes come in; undefined once it is. */
  #restarting: Promise<void> | undefined;
  /** Whether bytes come over the network (any more), and how many of them are here already. */
  #online: boolean;
  #behind = 0;

  /** `response`: undefined where the file is read from what was kept of it. */
  private constructor(
    source: UrlSource, response: Response | undefined, download: Download, kept: KeptFile | undefined, restarting?: Promise<void>,
  ) {
    super(download);
    this.#restarting = restarting;
    this.name = source.url.startsWith('data:') ? 'the data: URL' : source.url;
    this.#source = source;
    this.size = response === undefined ? kept?.announced?.size : sizeOf(response);
    this.#version = response === undefined ? kept?.announced?.version : versionOf(response);
    this.#ranges = response === undefined || (isPlain(response) && response.headers.get('accept-ranges') !== 'none' && isGet(source));
    this.#forbidden = response !== undefined && isForbidden(response);
    this.#reader = readerOf(response);
    this.#kept = kept;
    this.#online = response !== undefined;
  }

  get version(): string | undefined {
    return this.#version === undefined || this.#forbidden ? undefined : `${keyOf(this.#source)} ${this.#version}`;
  }

  static async open(source: UrlSource, download: Download): Promise<UrlStream> {
    const kept = isGet(source) && source.url.startsWith('http') ? await download.options.files?.open(keyOf(source)) : undefined;
    try {
      const stream = await download.wait(UrlStream.#open(source, download, kept));
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
    return new UrlStream(source, response, download, kept, kept?.restart(announcedBy(response)));
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
        let piece = await this.download.wait(this.#reader.read(this.download.options.signal));
        while (piece !== undefined && this.#behind > 0) {
          const passed = Math.min(this.#behind, piece.length);
          this.#behind -= passed;
          piece = passed < piece.length ? piece.subarray(passed) : await this.#reader.read(this.download.options.signal);
        }
        await this.#restarting;
        this.#restarting = undefined;
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
    this.#reader = readerOf(response);
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
    await this.#restarting;
    this.#kept?.close();
    await this.#hangUp();
  }

  async #hangUp(): Promise<void> {
    await this.#reader?.cancel();
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
    await this.#hangUp();
    this.#reader = readerOf(response);
    return 'continued';
  }
}

const readerOf = (response: Response | undefined): PieceReader | undefined => (response?.body ? new PieceReader(response.body) : undefined);
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
  return version === undefined || size === undefined || isForbidden(response) ? undefined : { version, size };
}

const isForbidden = ({ headers }: Response): boolean => /\bno-store\b/i.test(headers.get('cache-control') ?? '');

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
