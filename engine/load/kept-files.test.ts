/** Files kept from visit to visit, on a folder in memory and a server that breaks off, changes its mind, or is away. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { viewAs } from '../../jit/expr/dtype.ts';
import type { Graph } from '../graph/graph.ts';
import { type Folder, type KeptFile, KeptFiles, pieceBytes } from './kept-files.ts';
import { loadGraph } from './load-graph.ts';
import { floats, model, node } from './testing/build-model.ts';
import { MemoryFolder } from './testing/memory-folder.ts';

/** 10 MB: two whole pieces and a part. */
const count = 2_500_000;
const build = (factor: number): Uint8Array => model({
  inputs: { x: 'float32[1]' }, outputs: { y: '' },
  initializers: { w: floats([count], Array.from({ length: count }, (_, i) => i * factor)) }, nodes: [node('Add', ['x', 'w'], 'y')],
});
const versions = [build(1), build(2)];

let server: Server;
let base = '';
let requests: string[] = [];
let version = 0;
/** The next answer with a body ends after so many bytes. */
let breakAt = Infinity;
let ranges = true;
let control = 'no-cache';

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { method = '', headers: { range } } = request;
  requests.push(`${method}${range === undefined ? '' : ` ${range}`}`);
  const whole = versions[version] ?? new Uint8Array(0);
  const from = range === undefined || !ranges ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0);
  const body = whole.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    'Content-Length': String(body.length), ETag: `"${version}"`, 'Cache-Control': control, 'Accept-Ranges': ranges ? 'bytes' : 'none',
  });
  if (method === 'HEAD') return void response.end();
  if (breakAt === Infinity) return void response.end(body);
  response.write(body.subarray(0, breakAt), () => { response.destroy(); });
}

beforeAll(async () => {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => { server.closeAllConnections(); server.close(); });
beforeEach(() => { [requests, version, breakAt, ranges, control] = [[], 0, Infinity, true, 'no-cache']; });

const url = (path = '/m.onnx') => ({ kind: 'url' as const, url: base + path });
const load = (folder: Folder, path?: string): Promise<Graph> => loadGraph(url(path), {}, { files: new KeptFiles(folder) });
const lastWeight = (graph: Graph): unknown => viewAs('float32', graph.constants.get('w')?.bytes ?? new Uint8Array()).at(-1);
const stored = (folder: MemoryFolder) => [...folder.files.values()][0] ?? { bytes: new Uint8Array(0), modified: 0 };

describe('a kept model file', () => {
  it('is not fetched by the second visit, which asks for its headers alone', async () => {
    const folder = new MemoryFolder();
    await load(folder);
    expect(lastWeight(await load(folder))).toBe(count - 1);
    expect(requests).toEqual(['GET', 'HEAD']);
  });

  it('serves a visit without a network', async () => {
    const folder = new MemoryFolder();
    await load(folder, '/offline.onnx');
    const files = new KeptFiles(folder);
    const port = new URL(base).port;
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    try {
      expect(lastWeight(await loadGraph(url('/offline.onnx'), {}, { files }))).toBe(count - 1);
    } finally {
      await new Promise<void>((done) => server.listen(Number(port), '127.0.0.1', done));
    }
  });

  it('is replaced when the server has another version', async () => {
    const folder = new MemoryFolder();
    await load(folder);
    version = 1;
    expect(lastWeight(await load(folder))).toBe((count - 1) * 2);
    expect(lastWeight(await load(folder))).toBe((count - 1) * 2);
    expect(requests).toEqual(['GET', 'HEAD', 'GET', 'HEAD']);
  });

  it.each([['ranges', true, ['HEAD', 'RANGE']], ['no ranges', false, ['HEAD', 'RANGE', 'GET']]])(
    'that broke off is gone on with by the next visit: %s', async (_, serves, expected) => {
      const folder = new MemoryFolder();
      breakAt = 2 * pieceBytes + 500_000;
      ranges = false;
      await expect(load(folder)).rejects.toMatchObject({ code: 'fetch-failed' });
      [requests, breakAt, ranges] = [[], Infinity, serves];
      expect(lastWeight(await load(folder))).toBe(count - 1);
      expect(requests.map((r) => r.replace(/GET bytes=(\d+)-/, (_all, from) => (Number(from) > 2 * pieceBytes ? 'RANGE' : String(from))))).toEqual(expected);
      requests = [];
      expect(lastWeight(await load(folder))).toBe(count - 1);
      expect(requests).toEqual(['HEAD']);
    });

  it('that was damaged is fetched again from the damage on', async () => {
    const folder = new MemoryFolder();
    await load(folder);
    const { bytes } = stored(folder);
    bytes[32 * 1024 + pieceBytes + 12_345] = 1 ^ (bytes[32 * 1024 + pieceBytes + 12_345] ?? 0);
    requests = [];
    const files = new KeptFiles(folder);
    expect(lastWeight(await loadGraph(url(), {}, { files }))).toBe(count - 1);
    expect(requests).toEqual(['HEAD', `GET bytes=${pieceBytes}-`]);
    expect(files.notes).toEqual(['a kept model file was damaged and is fetched again from there on']);
    requests = [];
    await load(folder);
    expect(requests).toEqual(['HEAD']);
  });

  it('with a damaged header is fetched anew', async () => {
    const folder = new MemoryFolder();
    await load(folder);
    stored(folder).bytes.fill(0, 100, 200);
    requests = [];
    expect(lastWeight(await load(folder))).toBe(count - 1);
    expect(requests).toEqual(['GET']);
  });

  it('is none where the server says no-store, where the quota is too small, and while another tab writes it', async () => {
    const folder = new MemoryFolder();
    control = 'no-store';
    await load(folder);
    expect(stored(folder).bytes.length).toBe(0);
    control = 'no-cache';
    folder.limit = 5_000_000;
    const small = new KeptFiles(folder);
    await loadGraph(url(), {}, { files: small });
    expect(small.notes[0]).toMatch(/^a model file is not kept: \d+ bytes, and the quota leaves 5000000$/);
    folder.limit = Infinity;
    folder.locked = true;
    const other = new KeptFiles(folder);
    expect(lastWeight(await loadGraph(url(), {}, { files: other }))).toBe(count - 1);
    expect(other.notes).toEqual(['a model file is not kept: Error: NoModificationAllowedError']);
  });

  it('gives way to a newer one when the quota is full', async () => {
    const folder = new MemoryFolder();
    folder.limit = 25_000_000;
    await load(folder, '/a.onnx');
    await load(folder, '/b.onnx');
    await load(folder, '/c.onnx');
    requests = [];
    for (const path of ['/b.onnx', '/c.onnx', '/a.onnx']) await load(folder, path);
    expect(requests).toEqual(['HEAD', 'HEAD', 'GET']);
  });
});

describe('a kept file in the making', () => {
  it.each([777, 300_001, pieceBytes])('can be read between writes, and is right for the next visit: parts of %i bytes', async (part) => {
    const folder = new MemoryFolder();
    const whole = Uint8Array.from({ length: pieceBytes + 600_003 }, (_, i) => i * 7 + (i >> 9));
    const readAll = (file: KeptFile | undefined): Buffer => {
      let read = Buffer.alloc(0);
      for (let piece = file?.read(0); piece !== undefined; piece = file?.read(read.length)) read = Buffer.concat([read, piece]);
      return read;
    };
    const file = await new KeptFiles(folder).open('key');
    await file?.restart({ version: '1', size: whole.length });
    const wrong: number[] = [];
    for (let at = 0; at < whole.length; at += part) {
      file?.append(at, whole.subarray(at, at + part));
      const isMarked = Math.floor(at / 1_000_000) !== Math.floor((at + part) / 1_000_000);
      if (isMarked && !readAll(file).equals(whole.subarray(0, at + part))) wrong.push(at);
    }
    file?.close();
    expect(wrong).toEqual([]);
    expect(readAll(await new KeptFiles(folder).open('key')).equals(whole)).toBe(true);
  });
});

describe('storage that does not answer', () => {
  const silent = (folder: Partial<Folder>): Folder => Object.assign(new MemoryFolder(), folder);

  it('is not waited for', async () => {
    const files = new KeptFiles(silent({ open: () => new Promise(() => undefined) }), 5);
    expect(await files.open('key')).toBeUndefined();
    expect(files.notes).toEqual(['a model file is not kept: Error: no answer within 5 ms']);
  });

  it('keeps nothing where it does not say what room there is', async () => {
    const files = new KeptFiles(silent({ room: () => new Promise(() => undefined) }), 5);
    const file = await files.open('key');
    await file?.restart({ version: '1', size: 2 ** 21 });
    expect(file?.announced).toBeUndefined();
  });

  it('has its file closed when it comes after all', async () => {
    const memory = new MemoryFolder();
    let closed: () => void = () => undefined;
    const done = new Promise<void>((resolve) => { closed = resolve; });
    const files = new KeptFiles(silent({
      async open(name) {
        await new Promise((later) => setTimeout(later, 20));
        return Object.assign(await memory.open(name), { close: closed });
      },
    }), 5);
    await files.open('key');
    await done;
  });
});
