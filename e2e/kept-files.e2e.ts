/** Model files kept from visit to visit in the browser's private file system, against a server that breaks off and changes its files. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test, expect, type Page } from '@playwright/test';
import { floats, model, node } from '../engine/load/testing/build-model.ts';

const count = 2_000_000;
const values = (factor: number): number[] => Array.from({ length: count }, (_, i) => (i % 1000) * factor);
const whole = (factor: number): Uint8Array => model({
  inputs: { x: `float32[${count}]` }, outputs: { y: `float32[${count}]` }, initializers: { w: floats([count], values(factor)) },
  nodes: [node('Add', ['x', 'w'], 'y')],
});
const split = model({
  inputs: { x: `float32[${count}]` }, outputs: { y: `float32[${count}]` },
  initializers: { w: { ...floats([count], values(1)), external: { location: 'w.bin', offset: 0, length: 4 * count } } }, nodes: [node('Add', ['x', 'w'], 'y')],
});

interface Answering {
  version: number;
  /** Answers end after so many bytes of the file, and ranges are refused. */
  breaksAt: number | undefined;
}

const script = await readFile(fileURLToPath(new URL('../dist/quern.global.js', import.meta.url)));

function serve(): { server: Server; seen: string[]; state: Answering } {
  const seen: string[] = [];
  const state: Answering = { version: 1, breaksAt: undefined };
  const server = createServer((request, response) => {
    const { url: path = '/', method = '', headers: { range } } = request;
    if (path === '/') return void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><script src="/quern.js"></script>');
    if (path === '/quern.js') return void response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script);
    const file = path === '/m.onnx' ? whole(state.version)
      : path === '/split.onnx' ? split : path === '/w.bin' ? new Uint8Array(Float32Array.from(values(1)).buffer) : undefined;
    if (file === undefined) return void response.writeHead(404).end();
    const from = range === undefined || state.breaksAt !== undefined ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0);
    seen.push(`${method} ${path}${from > 0 ? ' from the middle' : ''}`);
    response.writeHead(from > 0 ? 206 : 200, {
      'Content-Length': String(file.length - from), ETag: `"${state.version}"`, 'Accept-Ranges': state.breaksAt === undefined ? 'bytes' : 'none',
      'Cache-Control': 'no-cache',
    });
    if (method === 'HEAD') return void response.end();
    if (state.breaksAt === undefined) return void response.end(file.subarray(from));
    response.write(file.subarray(0, state.breaksAt), () => setTimeout(() => { response.destroy(); }, 200));
  });
  return { server, seen, state };
}

/** Another visit: a fresh page, whose answer is y[999] for x = 0, or the code of what went wrong. */
async function visit(page: Page, origin: string, path: string, options: { readonly cache?: boolean } = {}): Promise<number | string> {
  await page.goto(origin);
  return page.evaluate(async ([model, given, n]) => {
    try {
      const session = await quern.load(model, { device: 'wasm', threads: 1, tune: 'off', ...given });
      const { y } = await session.run({ x: new Float32Array(n) });
      await session.dispose();
      return Number(y?.data[999]);
    } catch (error) {
      return error instanceof quern.QuernError ? error.code : String(error);
    }
  }, [path, options, count] as const);
}

test('a model that broke off is gone on with, then not fetched again until it changes', async ({ page }) => {
  const { server, seen, state } = serve();
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const requests = (): string[] => seen.splice(0);
  try {
    state.breaksAt = 6_000_000;
    expect(await visit(page, origin, '/m.onnx')).toBe('fetch-failed');
    expect(requests()).toEqual(['GET /m.onnx']);
    state.breaksAt = undefined;
    expect(await visit(page, origin, '/m.onnx')).toBe(999);
    expect(requests()).toEqual(['HEAD /m.onnx', 'GET /m.onnx from the middle']);
    expect(await visit(page, origin, '/m.onnx')).toBe(999);
    expect(requests()).toEqual(['HEAD /m.onnx']);
    expect(await visit(page, origin, '/m.onnx', { cache: false })).toBe(999);
    expect(requests()).toEqual(['GET /m.onnx']);
    state.version = 2;
    expect(await visit(page, origin, '/m.onnx')).toBe(1998);
    expect(requests()).toEqual(['HEAD /m.onnx', 'GET /m.onnx']);
    expect(await visit(page, origin, '/m.onnx')).toBe(1998);
    expect(requests()).toEqual(['HEAD /m.onnx']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('external data are kept as well', async ({ page }) => {
  const { server, seen } = serve();
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    expect(await visit(page, origin, '/split.onnx')).toBe(999);
    expect(seen.splice(0)).toEqual(['GET /split.onnx', 'GET /w.bin']);
    expect(await visit(page, origin, '/split.onnx')).toBe(999);
    expect(seen.splice(0)).toEqual(['GET /split.onnx', 'HEAD /w.bin']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
