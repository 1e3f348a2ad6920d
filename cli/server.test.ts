/** The command line's web server: what it serves, how, and what it refuses. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type FileServer } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-server-'));
mkdirSync(join(folder, 'model'));
writeFileSync(join(folder, 'secret'), 'secret');
writeFileSync(join(folder, 'model', 'a b.onnx'), '0123456789');
writeFileSync(join(folder, 'model', 'a b.onnx.data'), 'weights');

let server: FileServer;
let url: string;
beforeAll(async () => {
  server = await startServer();
  url = server.origin + server.url(join(folder, 'model', 'a b.onnx'));
});
afterAll(() => server.close());

/** `fetch` would tidy `..` away before it is sent. */
const rawStatus = (path: string): Promise<number | undefined> =>
  new Promise((done) => { request(server.origin, { path }, (response) => { done(response.statusCode); }).end(); });

describe('server', () => {
  it('serves an isolated page', async () => {
    const { headers } = await fetch(`${server.origin}/`);
    expect(headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin');
    expect(headers.get('Cross-Origin-Embedder-Policy')).toBe('require-corp');
  });

  it('serves a model, and its external data beside it', async () => {
    expect(await (await fetch(url)).text()).toBe('0123456789');
    expect(await (await fetch(new URL('a%20b.onnx.data', url))).text()).toBe('weights');
  });

  it('resumes: a range is answered by its part, with a validator', async () => {
    const response = await fetch(url, { headers: { Range: 'bytes=4-' } });
    expect([response.status, response.headers.get('Content-Range'), await response.text()]).toEqual([206, 'bytes 4-9/10', '456789']);
    expect(response.headers.get('ETag')).toBe((await fetch(url)).headers.get('ETag'));
  });

  it('compresses scripts, and nothing else, where it is told to', async () => {
    const compressing = await startServer({ compressed: true });
    writeFileSync(join(folder, 'model', 'script.mjs'), 'let a = 1;'.repeat(100));
    const script = await fetch(compressing.origin + compressing.url(join(folder, 'model', 'script.mjs')));
    expect([script.headers.get('Content-Encoding'), (await script.text()).length]).toEqual(['gzip', 1000]);
    expect((await fetch(compressing.origin + compressing.url(join(folder, 'model', 'a b.onnx')))).headers.get('Content-Encoding')).toBeNull();
    await compressing.close();
  });

  it('tells the size of a file without sending it', async () => {
    const response = await fetch(url, { method: 'HEAD' });
    expect([response.headers.get('Content-Length'), await response.text()]).toEqual(['10', '']);
  });

  it('serves nothing above a mounted folder', async () => {
    const mount = new URL(url).pathname.split('/')[1] ?? '';
    expect(await rawStatus(`/${mount}/%2e%2e%2fsecret`)).toBe(403);
    expect(await rawStatus(`/${mount}/..%2fsecret`)).toBe(403);
  });

  it('answers 404 for what is not there', async () => {
    expect(await rawStatus('/999/x')).toBe(404);
    expect((await fetch(new URL('other.onnx', url))).status).toBe(404);
  });

  it('writes what is posted to a sink, and to nothing else', async () => {
    const out = join(folder, 'out');
    const to = server.origin + server.sink(out);
    expect((await fetch(`${to}/y.npy`, { method: 'POST', body: 'bytes' })).status).toBe(204);
    expect(readFileSync(join(out, 'y.npy'), 'utf8')).toBe('bytes');
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
    expect(readFileSync(join(folder, 'model', 'a b.onnx'), 'utf8')).toBe('0123456789');
  });
});
