/**
 * The script tag in the browser that QUERN_BROWSER names (`npm run test:browsers`), against the built bundle: with and without
 * cross-origin isolation, threads and shared memory, as a page of another origin's script; its cache, aborts and errors.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserPage, type LaunchedBrowser, type OtherBrowser, launch } from '../scripts/browsers.mjs';
import { pageUrl, startSite, type PageOptions, type Site } from './server.ts';
import { counter, layer, layerAnswer, layerFeed, tinyModel } from './tiny-model.ts';

const name = process.env['QUERN_BROWSER'] as OtherBrowser;
let browser: LaunchedBrowser;
let site: Site;
beforeAll(async () => {
  site = await startSite();
  site.put('layer.onnx', tinyModel(layer));
  site.put('counter.onnx', tinyModel(counter));
  browser = await launch(name);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

/** What an async function's body gives in a page with the script tag. */
async function inPage(options: PageOptions, body: string, host: LaunchedBrowser = browser): Promise<unknown> {
  const page: BrowserPage = await host.open(pageUrl(site, { scripts: [`${site.cdn}/dist/quern.global.js`], ...options }));
  try {
    return await page.evaluate(`(async () => { ${body} })()`);
  } finally {
    await page.close();
  }
}

const runs = (threads: number): string => `
  const session = await quern.load('/files/layer.onnx', { device: 'auto', threads: ${String(threads)}, tune: 'off' });
  const { y } = await session.run({ x: new Float32Array(${JSON.stringify(layerFeed)}) });
  const { isolated, why, notes } = await session.report();
  const { device, threads } = session;
  await session.dispose();
  return { y: Array.from(y.data), dims: y.dims, device, threads, isolated, why, notes };`;

const answer = { y: layerAnswer, dims: [2, 2], device: 'wasm', why: 'no WebGPU adapter' };

describe(`script tag in ${name}`, () => {
  it('runs on two threads where the page is isolated', async () => {
    expect(await inPage({ isolated: true }, runs(2))).toEqual({ ...answer, threads: 2, isolated: true, notes: [] });
  });

  it('runs on one thread where it is not, and says so', async () => {
    expect(await inPage({}, runs(2))).toEqual({ ...answer, threads: 1, isolated: false, notes: ['the page is not cross-origin isolated: one thread'] });
  });

  it.runIf(name === 'webkit')('runs on one thread in an isolated page without SharedArrayBuffer, as WebKitGTK is released', async () => {
    const released = await launch(name, { sharedMemory: false });
    try {
      const notes = ['the browser has no SharedArrayBuffer: one thread'];
      expect(await inPage({ isolated: true }, runs(2), released)).toEqual({ ...answer, threads: 1, isolated: true, notes });
    } finally {
      await released.close();
    }
  });

  it('keeps a state on the device', async () => {
    const seen = await inPage({ isolated: true }, `
      const session = await quern.load('/files/counter.onnx', { threads: 2 });
      let state = new Float32Array(2);
      for (let i = 0; i < 3; i++) ({ next: state } = await session.run({ x: new Float32Array([1, 2]), state }, { keep: ['next'] }));
      const where = state.location;
      const data = Array.from(await state.read());
      await session.dispose();
      return { where, data };`);
    expect(seen).toEqual({ where: 'device', data: [3, 6] });
  });

  it('tunes with its coarse clock, and finds the records again on the next visit', async () => {
    const visit = `
      const session = await quern.load('/files/layer.onnx', { tune: 'off', threads: 1 });
      await session.run({ x: new Float32Array(${JSON.stringify(layerFeed)}) });
      const { measured, wrong, finished, fromCache } = await session.tune({ budgetMs: 20000 });
      const { kernels } = await session.report();
      await session.dispose();
      return { some: measured > 0, wrong, finished, fromCache, choices: kernels.map((k) => k.choice) };`;
    const [first, second] = [await inPage({}, visit), await inPage({}, visit)] as { choices: string[]; some: boolean }[];
    expect(first).toMatchObject({ some: true, wrong: 0, finished: true, fromCache: 0 });
    expect(first?.choices).toContain('measured');
    expect(second).toMatchObject({ some: false, wrong: 0, finished: true });
    expect(second?.choices).toContain('cached');
  });

  it('names what is wrong across the worker', async () => {
    const seen = await inPage({}, `
      const failure = await quern.load('/files/nothing.onnx').then(() => 'none', (e) => ({ quern: e instanceof quern.QuernError, code: e.code }));
      const gpu = await quern.load('/files/layer.onnx', { device: 'webgpu' }).then(() => 'none', (e) => ({ quern: e instanceof quern.QuernError, code: e.code }));
      return [failure, gpu];`);
    expect(seen).toEqual([{ quern: true, code: 'fetch-failed' }, { quern: true, code: 'no-webgpu' }]);
  });

  it('ends a load that is aborted', async () => {
    const seen = await inPage({}, `
      const abort = new AbortController();
      const loading = quern.load('/files/layer.onnx', { signal: abort.signal });
      abort.abort();
      return loading.then(() => 'loaded', (e) => e.code);`);
    expect(seen).toBe('aborted');
  });
});
