import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { viewAs } from '../../jit/expr/dtype.ts';
import type { Progress } from '../runtime/model.ts';
import { loadGraph, loadHead } from './load-graph.ts';
import { floats, model, node } from './testing/build-model.ts';

const count = 700_000;
const bytes = model({
  inputs: { x: 'float32[1]' }, outputs: { y: '' },
  initializers: { w: floats([count], Array.from({ length: count }, (_, i) => i)), v: floats([2], [1, 2]) },
  nodes: [node('Sum', ['x', 'w', 'v'], 'y')],
});
const external = model({
  inputs: { x: 'float32[1]' }, outputs: { y: '' },
  initializers: { w: { ...floats([4], [0, 0, 0, 0]), external: { location: 'data/w 1.bin', offset: 4, length: 16 } } },
  nodes: [node('Sum', ['x', 'w'], 'y')],
});

let server: Server;
let base = '';
const requests: { path: string; range: string | undefined; sent: number }[] = [];
let breaks = 0;
let changes = false;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? '';
  const { range } = request.headers;
  const entry = { path, range, sent: 0 };
  requests.push(entry);
  if (path === '/missing.onnx') return void response.writeHead(404).end('<html>');
  if (path === '/silent.onnx') return void response.writeHead(200, { 'Content-Length': '1000' }).write(bytes.subarray(0, 100));
  if (path === '/packed.onnx') return void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(bytes));
  if (path === '/models/split.onnx') return void response.writeHead(200).end(external);
  if (path === '/models/data/w%201.bin') return void response.writeHead(200).end(Buffer.from(Float32Array.of(9, 1, 2, 3, 4).buffer));
  const whole = path === '/plain.onnx';
  const from = range === undefined || whole ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0);
  const body = bytes.subarray(from);
  response.writeHead(range === undefined || whole ? 200 : 206, {
    'Content-Length': String(body.length), ETag: changes && range !== undefined ? '"2"' : '"1"', ...(whole ? { 'Accept-Ranges': 'none' } : { 'Accept-Ranges': 'bytes' }),
  });
  response.on('close', () => { entry.sent = response.socket?.bytesWritten ?? entry.sent; });
  if (path === '/breaks.onnx' && breaks-- > 0) {
    response.write(body.subarray(0, body.length >> 1), () => { response.destroy(); });
    return;
  }
  response.end(body);
}

beforeAll(async () => {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => { server.closeAllConnections(); server.close(); });

const load = (path: string, options: Parameters<typeof loadGraph>[2] = {}) => loadGraph({ kind: 'url', url: base + path }, {}, options);
const lastWeight = (graph: Awaited<ReturnType<typeof load>>): unknown => viewAs('float32', graph.constants.get('w')?.bytes ?? new Uint8Array()).at(-1);
const rangesOf = (path: string): (string | undefined)[] => requests.filter((r) => r.path === path).map((r) => r.range);

describe('a model from a URL', () => {
  it('reports progress up to its size', async () => {
    const seen: Progress[] = [];
    expect(lastWeight(await load('/model.onnx', { onProgress: (p) => seen.push(p) }))).toBe(count - 1);
    const downloads = seen.filter((p) => p.phase === 'download');
    expect(downloads.at(-1)).toMatchObject({ loaded: bytes.length, total: bytes.length });
    expect(downloads.map((p) => p.loaded)).toEqual(downloads.map((p) => p.loaded).sort((a, b) => a - b));
    expect(seen.at(-1)?.phase).toBe('parse');
  });
  it('may be compressed on the way', async () => {
    const seen: Progress[] = [];
    expect(lastWeight(await load('/packed.onnx', { onProgress: (p) => seen.push(p) }))).toBe(count - 1);
    expect(seen.filter((p) => p.phase === 'download').every((p) => p.total === undefined)).toBe(true);
  });
  it('is continued where the connection broke', async () => {
    breaks = 2;
    expect(lastWeight(await load('/breaks.onnx'))).toBe(count - 1);
    const ranges = rangesOf('/breaks.onnx');
    expect(ranges).toHaveLength(3);
    expect(ranges[0]).toBeUndefined();
    expect(ranges[1]).toMatch(/^bytes=\d+-$/);
  });
  it('is not continued with another version of the file', async () => {
    [breaks, changes] = [1, true];
    await expect(load('/breaks.onnx')).rejects.toMatchObject({ code: 'fetch-failed', message: expect.stringContaining('broke off') as string });
    changes = false;
  });
  it('that is missing gives the status and the URL', () =>
    expect(load('/missing.onnx')).rejects.toMatchObject({ code: 'fetch-failed', message: `${base}/missing.onnx cannot be fetched\n  expected: status 200\n  got: status 404 Not Found` }));
  it('on a host that does not answer names the URL', () =>
    expect(loadGraph({ kind: 'url', url: 'http://127.0.0.1:1/m.onnx' })).rejects.toMatchObject({ code: 'fetch-failed', hint: expect.stringContaining('CORS') as string }));
  it('can be aborted while the server is silent', async () => {
    const controller = new AbortController();
    const loading = load('/silent.onnx', { signal: controller.signal });
    setTimeout(() => { controller.abort(); }, 20);
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
  });
  it('is refused by size before its body is read', () =>
    expect(load('/model.onnx', { maxBytes: 1000 })).rejects.toMatchObject({ code: 'model-too-large', expected: 'at most 1000 bytes (option maxBytes)', got: `${bytes.length} bytes` }));
  it('finds external data beside it', async () => {
    const graph = await load('/models/split.onnx');
    expect([...viewAs('float32', graph.constants.get('w')?.bytes ?? new Uint8Array())]).toEqual([1, 2, 3, 4]);
  });
});

describe('the head of a model from a URL', () => {
  it('passes over weights with a range request', async () => {
    const graph = await loadHead({ kind: 'url', url: `${base}/head.onnx` });
    expect(graph.constants.get('w')?.byteLength).toBe(4 * count);
    expect(graph.constants.get('v')?.bytes.length).toBe(8);
    expect(rangesOf('/head.onnx').map((r) => r?.replace(/\d+/, 'N'))).toEqual([undefined, 'bytes=N-']);
  });
  it('reads on where the server knows no ranges', async () => {
    const graph = await loadHead({ kind: 'url', url: `${base}/plain.onnx` });
    expect(graph.nodes).toHaveLength(1);
    expect(rangesOf('/plain.onnx')).toEqual([undefined]);
  });
});

describe('other sources', () => {
  it('a stream that gives no bytes is refused', async () => {
    const stream = new ReadableStream<unknown>({ start(c) { c.enqueue('text'); } }) as ReadableStream<Uint8Array>;
    await expect(loadGraph({ kind: 'stream', stream })).rejects.toMatchObject({ code: 'invalid-option', got: 'string' });
  });
  it('a stream that fails is fetch-failed', async () => {
    const stream = new ReadableStream<Uint8Array>({ pull() { throw new Error('disk on fire'); } });
    await expect(loadGraph({ kind: 'stream', stream })).rejects.toMatchObject({ code: 'fetch-failed', got: 'Error: disk on fire' });
  });
  it('a stream longer than allowed is refused on the way', async () => {
    const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
    await expect(loadGraph({ kind: 'stream', stream }, {}, { maxBytes: 100_000 })).rejects.toMatchObject({ code: 'model-too-large' });
  });
  it('an aborted signal is noticed before anything is read', () =>
    expect(loadGraph({ kind: 'bytes', bytes }, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' }));
  it('large weights are views of bytes that were given, and not copies', async () => {
    const graph = await loadGraph({ kind: 'bytes', bytes });
    expect(graph.constants.get('w')?.bytes.buffer).toBe(bytes.buffer);
  });
});
