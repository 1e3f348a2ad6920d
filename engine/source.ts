/**
 * Brings what a user may name as a model into a form that can be posted to the worker. Addresses are resolved against the page (a
 * Blob worker has no base of its own); URL and Request cannot be cloned and become text; streams are transferred.
 */
import { QuernError } from './errors.ts';
import { kindOf } from './feeds.ts';
import type { WireSource } from './runtime/model.ts';

export type Source = string | URL | Request | Blob | ArrayBuffer | Uint8Array | ReadableStream<Uint8Array>;

/** Throws `invalid-option` for what is no source. */
export async function toWireSource(source: Source, option = 'source'): Promise<WireSource> {
  if (typeof source === 'string' || source instanceof URL) return { kind: 'url', url: resolveUrl(source, option) };
  if (source instanceof Request) return fromRequest(source, option);
  if (source instanceof Blob) return { kind: 'blob', blob: source };
  if (source instanceof Uint8Array) return { kind: 'bytes', bytes: await copied(source) };
  if (source instanceof ArrayBuffer) return { kind: 'bytes', bytes: await copied(new Uint8Array(source)) };
  if (source instanceof ReadableStream) return fromStream(source, option);
  throw new QuernError('invalid-option', `'${option}' is no source of a model`, {
    expected: 'a URL as text or object, a Request, Blob, ArrayBuffer, Uint8Array or ReadableStream',
    got: kindOf(source),
  });
}

/** What must be transferred along with a source. */
export const transferOf = (source: WireSource): Transferable[] =>
  source.kind === 'stream' ? [source.stream] : source.kind === 'bytes' ? [source.bytes.buffer as ArrayBuffer] : [];

/** Whether a source can be opened a second time, for recovery. Bytes are not kept for it: that would hold the model twice. */
export const canReopen = (source: WireSource): boolean => source.kind === 'url' || source.kind === 'blob';

export function resolveUrl(url: string | URL, option: string): string {
  try {
    return new URL(url, document.baseURI).href;
  } catch (cause) {
    throw new QuernError('invalid-option', `'${option}' is no URL`, { expected: 'a URL, absolute or relative to the page', got: String(url), cause });
  }
}

function fromRequest(request: Request, option: string): WireSource {
  if (request.body !== null) {
    throw new QuernError('invalid-option', `'${option}' is a Request with a body, which cannot be sent again for a resumed download`, {
      hint: 'fetch it yourself and pass response.body',
    });
  }
  const { url, method, credentials } = request;
  return { kind: 'url', url, init: { method, headers: [...request.headers], credentials } };
}

/** What is copied without a frame between: 16 MiB take 5 ms here. Posting 100 MB to be cloned holds the page up for 54 ms. */
const pieceBytes = 2 ** 24;

/** A copy to be transferred; the caller's bytes stay the caller's. */
async function copied(bytes: Uint8Array): Promise<Uint8Array> {
  const copy = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (at > 0) await new Promise((done) => { setTimeout(done); });
    copy.set(bytes.subarray(at, at + pieceBytes), at);
  }
  return copy;
}

async function fromStream(stream: ReadableStream<Uint8Array>, option: string): Promise<WireSource> {
  if (stream.locked) throw new QuernError('invalid-option', `'${option}' is a stream that is being read already`);
  if (streamsTransfer()) return { kind: 'stream', stream };
  // WebKit cannot transfer streams: gather it in a Blob, which the browser may keep on disk.
  return { kind: 'blob', blob: await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).blob() };
}

function streamsTransfer(): boolean {
  const probe = new ReadableStream();
  try {
    structuredClone(probe, { transfer: [probe] });
    return true;
  } catch {
    return false;
  }
}
