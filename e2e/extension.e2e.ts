/** A page of a browser extension (manifest version 3): its policy forbids WebAssembly unless the manifest allows it. */
import { chromium, type Page } from '@playwright/test';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchOptions } from '../scripts/chromium.mjs';
import { expect, installFailureOf, test as base } from './fixtures.ts';
import { layer, layerAnswer, layerFeed, tinyModel } from './tiny-model.ts';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

/** Chromium's id of an unpacked extension: the first 128 bits of its path's SHA-256, in the letters a to p. */
const idOf = (folder: string): string =>
  createHash('sha256').update(folder).digest('hex').slice(0, 32).replace(/./g, (digit) => String.fromCharCode(97 + parseInt(digit, 16)));

/** Opens the page of an extension whose pages have this policy (the browser's own if it is undefined). */
const test = base.extend<{ readonly extension: (policy?: string) => Promise<Page> }>({
  extension: async ({ browserName: _ }, use) => {
    const endings: (() => Promise<void>)[] = [];
    await use(async (policy) => {
      const folder = realpathSync(mkdtempSync(join(tmpdir(), 'quern-extension-')));
      for (const script of ['quern.global.js', 'quern.worker.js']) copyFileSync(join(dist, script), join(folder, script));
      writeFileSync(join(folder, 'layer.onnx'), tinyModel(layer));
      writeFileSync(join(folder, 'page.html'), '<!doctype html><title>quern</title><script src="quern.global.js"></script>');
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify({
        manifest_version: 3, name: 'quern', version: '1',
        cross_origin_opener_policy: { value: 'same-origin' },
        cross_origin_embedder_policy: { value: 'require-corp' },
        ...(policy === undefined ? {} : { content_security_policy: { extension_pages: policy } }),
      }));
      const options = launchOptions([`--load-extension=${folder}`, `--disable-extensions-except=${folder}`]);
      const context = await chromium.launchPersistentContext('', options);
      endings.push(async () => {
        await context.close();
        rmSync(folder, { recursive: true });
      });
      const page = await context.newPage();
      await page.addInitScript(installFailureOf);
      await page.goto(`chrome-extension://${idOf(folder)}/page.html`);
      return page;
    });
    for (const end of endings) await end();
  },
});

// Chromium lets extension pages start Blob workers under script-src 'self'; other browsers may not, so both ways are held.
for (const workerUrl of [undefined, 'quern.worker.js']) {
  test(`with 'wasm-unsafe-eval' a model runs on two threads, ${workerUrl === undefined ? 'its worker from a Blob' : 'by workerUrl'}`, async ({ extension }) => {
    const page = await extension("script-src 'self' 'wasm-unsafe-eval'; object-src 'self'");
    const seen = await page.evaluate(async ([script, feed]) => {
      const session = await quern.load('layer.onnx', { device: 'wasm', threads: 2, ...(script === undefined ? {} : { workerUrl: script }) });
      const { y } = await session.run({ x: new Float32Array(feed) });
      return { y: Array.from(y?.data as Float32Array), threads: session.threads };
    }, [workerUrl, layerFeed] as const);
    expect(seen).toEqual({ y: layerAnswer, threads: 2 });
  });
}

test("without 'wasm-unsafe-eval' the error names it", async ({ extension }) => {
  const page = await extension("script-src 'self'; object-src 'self'");
  const failure = await page.evaluate(() => failureOf(quern.load('layer.onnx', { device: 'wasm', workerUrl: 'quern.worker.js' })));
  expect(failure).toMatchObject({ code: 'no-wasm', expected: "'wasm-unsafe-eval' in the directive script-src" });
});
