/**
 * A web server on 127.0.0.1 for one command: an empty, cross-origin isolated page, the built bundle, folders of models, and a place to
 * post outputs to. Folders are mounted under a number each; nothing outside a mounted folder can be asked for.
 */
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css',
  '.wasm': 'application/wasm', '.json': 'application/json', '.svg': 'image/svg+xml',
};

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const page = '<!doctype html><meta charset="utf-8"><title>quern</title><link rel="icon" href="data:,">';

export interface FileServer {
  readonly origin: string;
  /** The URL path of a file; its folder is mounted, so that files beside it (external data) are found as well. */
  url(file: string): string;
  /** The URL path of a folder, without a slash at the end. */
  folder(path: string): string;
  /** A URL to which files can be posted, as URL/NAME; they are written into the folder. */
  sink(path: string): string;
  close(): Promise<void>;
}

export interface ServerOptions {
  /** `false` leaves the headers of isolation out, for pages as an ordinary host serves them. */
  readonly isolated?: boolean;
  /** Browsers and the engine may keep what they get and ask whether it is still right, as ordinary hosts have it. */
  readonly storable?: boolean;
  /** Scripts and WebAssembly go out with gzip, as ordinary hosts have it. */
  readonly compressed?: boolean;
}

export async function startServer({ isolated = true, storable = false, compressed = false }: ServerOptions = {}): Promise<FileServer> {
  const headers = { ...(isolated ? isolation : {}), 'Cache-Control': storable ? 'no-cache' : 'no-store' };
  const mounts: { readonly path: string; readonly writable: boolean }[] = [];
  const known = new Map<string, number>();
  const zipped = new Map<string, Buffer>();
  const mount = (path: string, writable: boolean): string => {
    const full = resolve(path);
    const key = `${writable ? 'w' : 'r'}${full}`;
    const id = known.get(key) ?? mounts.push({ path: full, writable }) - 1;
    known.set(key, id);
    return `/${String(id)}`;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const refuse = (status: number): void => {
      response.writeHead(status, headers).end();
    };
    if (path === '/') {
      response.writeHead(200, { ...headers, 'Content-Type': 'text/html; charset=utf-8' }).end(page);
      return;
    }
    const [, id, ...rest] = path.split('/');
    const place = mounts[Number(id)];
    if (place === undefined) {
      refuse(404);
      return;
    }
    const file = resolve(place.path, rest.join('/'));
    if (!file.startsWith(place.path.endsWith(sep) ? place.path : place.path + sep)) {
      refuse(403);
      return;
    }
    if (request.method === 'POST') {
      if (!place.writable) {
        refuse(405);
        return;
      }
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, Buffer.concat(parts));
      refuse(204);
      return;
    }
    const info = await stat(file).catch(() => undefined);
    if (info === undefined || !info.isFile()) {
      refuse(404);
      return;
    }
    if (compressed && /\.(m?js|wasm)$/.test(file)) {
      const text = zipped.get(file) ?? gzipSync(await readFile(file));
      zipped.set(file, text);
      response.writeHead(200, { ...headers, 'Content-Type': types[extname(file)], 'Content-Encoding': 'gzip', 'Content-Length': text.length });
      response.end(request.method === 'HEAD' ? undefined : text);
      return;
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const start = range === null ? 0 : Number(range[1]);
    const end = range?.[2] ? Math.min(Number(range[2]), info.size - 1) : info.size - 1;
    response.writeHead(range === null ? 200 : 206, {
      ...headers,
      'Content-Type': types[extname(file)] ?? 'application/octet-stream',
      'Content-Length': Math.max(0, end - start + 1),
      'Accept-Ranges': 'bytes',
      // A validator that a resumed download can be checked against.
      ETag: `"${String(info.size)}-${String(info.mtimeMs)}"`,
      ...(range === null ? {} : { 'Content-Range': `bytes ${String(start)}-${String(end)}/${String(info.size)}` }),
    });
    if (request.method === 'HEAD' || end < start) response.end();
    else createReadStream(file, { start, end }).pipe(response);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    url: (file) => `${mount(dirname(resolve(file)), false)}/${encodeURIComponent(basename(file))}`,
    folder: (path) => mount(path, false),
    sink: (path) => mount(path, true),
    close: () =>
      new Promise((done) => {
        server.close(() => { done(); });
        server.closeAllConnections();
      }),
  };
}

/** The root of the package, wherever the built command lies in it. */
export const packageRoot = (): string => {
  const here = new URL('.', import.meta.url).pathname;
  // dist/cli/main.mjs when built, cli/server.ts when tested.
  return here.includes('/dist/') ? join(here.slice(0, here.lastIndexOf('/dist/')), '/') : resolve(here, '..');
};
