/** Content security policies: what each forbids is named, and what helps does. */
import { expect, test } from './fixtures.ts';
import { layerAnswer, layerFeed } from './tiny-model.ts';

test('no Blob workers: the error names the directive, and workerUrl helps', async ({ open, site }) => {
  const page = await open({ csp: `default-src 'self'; script-src 'self' ${site.cdn} 'wasm-unsafe-eval'; worker-src 'self'` });
  const failure = await page.evaluate(() => failureOf(quern.load('/files/layer.onnx', { device: 'wasm' })));
  expect(failure.code).toBe('worker-blocked');
  expect(failure.message).toContain("the page's Content-Security-Policy forbids it by worker-src");
  expect(failure.got).toBe("worker-src 'self'");
  expect(failure.hint).toContain('workerUrl');
  const y = await page.evaluate(async (feed) => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', workerUrl: '/dist/quern.worker.js' });
    const results = await session.run({ x: new Float32Array(feed) });
    return Array.from(results['y']?.data as Float32Array);
  }, layerFeed);
  expect(y).toEqual(layerAnswer);
});

test('a policy without worker-src: the directive that decides in its place is shown', async ({ open, site }) => {
  const page = await open({ csp: `script-src ${site.cdn} 'wasm-unsafe-eval'; connect-src *` });
  const failure = await page.evaluate(() => failureOf(quern.load('/files/layer.onnx', { device: 'wasm' })));
  expect(failure).toMatchObject({ code: 'worker-blocked', got: `script-src ${site.cdn} 'wasm-unsafe-eval'` });
});

test('a workerUrl that the policy forbids', async ({ open, site }) => {
  const page = await open({ csp: `script-src ${site.cdn}; worker-src blob:` });
  const failure = await page.evaluate(() => failureOf(quern.load('/files/layer.onnx', { workerUrl: '/dist/quern.worker.js' })));
  expect(failure).toMatchObject({ code: 'worker-blocked', got: 'worker-src blob:' });
  expect(failure.hint).toContain('/dist/quern.worker.js');
});

test('a workerUrl where nothing is', async ({ open }) => {
  const page = await open();
  const failure = await page.evaluate(() => failureOf(quern.load('/files/layer.onnx', { workerUrl: '/dist/missing.js' })));
  expect(failure.code).toBe('worker-blocked');
  expect(failure.message).toContain('/dist/missing.js');
});

test('a workerUrl that is another script', async ({ open, site }) => {
  site.put('other.js', new TextEncoder().encode('onmessage = () => postMessage({ hello: true });'));
  const page = await open();
  const failure = await page.evaluate(() => failureOf(quern.load('/files/layer.onnx', { workerUrl: '/files/other.js' })));
  expect(failure).toMatchObject({ code: 'worker-blocked', got: 'a script that is not of Quern' });
});

test('an isolated page with a hosted worker', async ({ open }) => {
  const page = await open({ isolated: true, csp: "worker-src 'self'" });
  const y = await page.evaluate(async (feed) => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 2, workerUrl: '/dist/quern.worker.js' });
    const results = await session.run({ x: new Float32Array(feed) });
    return { y: Array.from(results['y']?.data as Float32Array), threads: session.threads };
  }, layerFeed);
  expect(y).toEqual({ y: layerAnswer, threads: 2 });
});

test('a page that may not use WebAssembly itself, with a hosted worker: small models run there', async ({ open, site }) => {
  const page = await open({ isolated: true, csp: `script-src ${site.cdn}; worker-src 'self'` });
  const seen = await page.evaluate(async (feed) => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', tune: 'off', workerUrl: '/dist/quern.worker.js' });
    let last: readonly number[] = [];
    for (let run = 1; run <= 60; run++) {
      const { y } = await session.run({ x: new Float32Array(feed) });
      last = Array.from(y?.data as Float32Array);
      if (run % 10 === 0) await new Promise((done) => setTimeout(done, 100));
    }
    return { last, runs: (await session.report()).runs };
  }, layerFeed);
  expect(seen).toEqual({ last: layerAnswer, runs: 60 });
});

test("no 'wasm-unsafe-eval': the error names the directive", async ({ open, site }) => {
  const page = await open({ csp: `script-src ${site.cdn}; worker-src blob:` });
  const failure = await page.evaluate(() => failureOf(quern.load('/files/layer.onnx', { device: 'wasm' })));
  expect(failure).toMatchObject({ code: 'no-wasm', expected: "'wasm-unsafe-eval' in the directive script-src", got: `script-src ${site.cdn}` });
});

test('trusted types: the policy named quern is enough', async ({ open, site }) => {
  const allowed = await open({ csp: `require-trusted-types-for 'script'; trusted-types quern; script-src ${site.cdn} 'wasm-unsafe-eval'; worker-src blob:` });
  const y = await allowed.evaluate(async (feed) => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 });
    const results = await session.run({ x: new Float32Array(feed) });
    return Array.from(results['y']?.data as Float32Array);
  }, layerFeed);
  expect(y).toEqual(layerAnswer);
});

test('trusted types: a page that allows no policy is told so', async ({ open, site }) => {
  const page = await open({ csp: `require-trusted-types-for 'script'; trusted-types 'none'; script-src ${site.cdn}` });
  const failure = await page.evaluate(() => failureOf(quern.load('/files/layer.onnx')));
  expect(failure.code).toBe('worker-blocked');
  expect(failure.message).toContain('trusted-types');
});
