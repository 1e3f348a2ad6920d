/** Faults: whatever goes wrong, every promise settles, and the error says what happened where. */
import { chromium } from '@playwright/test';
import { findChromium } from '../scripts/chromium.mjs';
import { expect, test } from './fixtures.ts';
import { pageUrl } from './server.ts';
import { endless, externalLayer, layerAnswer, layerFeed, tinyModel, toStrings, unknownOperator } from './tiny-model.ts';

test('the worker dies: calls on a model that cannot be opened again reject', async ({ open }) => {
  const page = await open();
  const session = await page.evaluateHandle(async () => {
    const bytes = await (await fetch('/files/layer.onnx')).arrayBuffer();
    return quern.load(bytes, { device: 'wasm', threads: 1 });
  });
  const [worker] = page.workers();
  await worker?.evaluate(() => { self.close(); });
  const failures = await session.evaluate((s, feed) => Promise.all([
    failureOf(s.run({ x: new Float32Array(feed) })),
    failureOf(s.report()),
    failureOf(s.tune()),
  ]), layerFeed);
  expect(failures.map((f) => f.code)).toEqual(['worker-died', 'worker-died', 'worker-died']);
  await session.evaluate((s) => s.dispose());
});

test('the worker dies: a model from an address is loaded again', async ({ open }) => {
  const page = await open();
  const session = await page.evaluateHandle(() => quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 }));
  const [worker] = page.workers();
  await worker?.evaluate(() => { self.close(); });
  // The page hears of it a moment later; until then calls are open, and reject.
  await session.evaluate((s) => s.report().catch(() => undefined));
  const y = await session.evaluate(async (s, feed) => {
    const results = await s.run({ x: new Float32Array(feed) });
    return Array.from(results['y']?.data as Float32Array);
  }, layerFeed);
  expect(y).toEqual(layerAnswer);
});

test('an error that nobody caught in the worker ends it', async ({ open }) => {
  const page = await open();
  const session = await page.evaluateHandle(async () => quern.load(await (await fetch('/files/layer.onnx')).blob(), { device: 'wasm', threads: 1 }));
  const [worker] = page.workers();
  await worker?.evaluate(() => { setTimeout(() => { throw new Error('out of the blue'); }); });
  await expect.poll(() => page.workers().length).toBe(0);
  const dims = await session.evaluate(async (s, feed) => (await s.run({ x: new Float32Array(feed) }))['y']?.dims, layerFeed);
  expect(dims).toEqual([2, 2]);
});

test('dispose settles what is open, and later calls reject', async ({ open }) => {
  const page = await open();
  const codes = await page.evaluate(async (feed) => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 });
    const { y } = await session.run({ x: new Float32Array(feed) }, { keep: ['y'] });
    const running = failureOf(session.run({ x: new Float32Array(feed) }));
    const disposed = session.dispose();
    const failures = [await running, await failureOf(session.run({})), await failureOf(session.report())];
    if (y !== undefined) failures.push(await failureOf(y.read()));
    await disposed;
    await session.dispose();
    return failures.map((f) => f.code);
  }, layerFeed);
  expect(codes).toEqual(['disposed', 'disposed', 'disposed', 'disposed']);
});

test('abort: loading and running', async ({ open }) => {
  const page = await open();
  const codes = await page.evaluate(async (feed) => {
    const loading = new AbortController();
    const load = failureOf(quern.load('/files/layer.onnx', { signal: loading.signal }));
    loading.abort();
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 });
    const running = new AbortController();
    const run = failureOf(session.run({ x: new Float32Array(feed) }, { signal: running.signal }));
    running.abort();
    const codes = [(await load).code, (await run).code];
    const after = await session.run({ x: new Float32Array(feed) });
    return [...codes, after['y']?.dims];
  }, layerFeed);
  expect(codes).toEqual(['aborted', 'aborted', [2, 2]]);
});

for (const device of ['wasm', 'webgpu'] as const) {
  test(`a loop that does not end, in one kernel on ${device}: ended by an abort, or after as many steps as the option says`, async ({ open, site }) => {
    site.put('endless.onnx', tinyModel(endless));
    const page = await open();
    const [aborted, tooMany] = await page.evaluate(async (where) => {
      const session = await quern.load('/files/endless.onnx', { device: where, maxIterations: 1e9 });
      const running = new AbortController();
      const run = failureOf(session.run({ x: new Float32Array(1) }, { signal: running.signal }));
      setTimeout(() => { running.abort(); }, 200);
      const first = await run;
      await session.dispose();
      const bounded = await quern.load('/files/endless.onnx', { device: where });
      return [first, await failureOf(bounded.run({ x: new Float32Array(1) }))] as const;
    }, device);
    expect(aborted.code).toBe('aborted');
    expect(tooMany).toMatchObject({ code: 'too-many-iterations', node: 'forever', op: 'Loop', expected: 'at most 1000000 iterations (option maxIterations)' });
  });
}

test('bad feeds', async ({ open }) => {
  const page = await open();
  const messages = await page.evaluate(async () => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 });
    const refused = [
      session.run({ X: new Float32Array(3) }),
      session.run({}),
      session.run({ x: new Int32Array(3) }),
      session.run({ x: { data: new Float32Array(4), dims: [1, 4] } }),
      session.run({ x: new Float32Array(3) }, { outputs: ['z'] }),
    ];
    return Promise.all(refused.map(async (run) => (await failureOf(run)).message));
  });
  expect(messages).toEqual([
    "there is no input 'X'\n  expected: 'x'\n  got: 'X'",
    "input 'x' was not fed\n  expected: 'x'\n  got: no inputs",
    "input 'x' has another dtype\n  expected: float32\n  got: int32",
    "input 'x' has another shape\n  expected: [n, 3]\n  got: [1, 4]",
    "there is no output 'z'\n  expected: 'y', 'twice'\n  got: 'z'",
  ]);
});

test('an operator that does not exist', async ({ open, site }) => {
  site.put('unknown.onnx', tinyModel(unknownOperator));
  const page = await open();
  const failure = await page.evaluate(() => failureOf(quern.load('/files/unknown.onnx', { device: 'wasm' })));
  expect(failure).toMatchObject({ code: 'unsupported-operator', node: 'frob', op: 'Frobnicate' });
  expect(failure.message).toContain('com.example');
});

test('a dtype that is not computed with', async ({ open, site }) => {
  site.put('strings.onnx', tinyModel(toStrings));
  const page = await open();
  const failure = await page.evaluate(() => failureOf(quern.load('/files/strings.onnx', { device: 'wasm' })));
  expect(failure).toMatchObject({ code: 'unsupported-dtype', node: 'cast', op: 'Cast' });
  expect(failure.message).toContain('string');
});

test('bytes that are no model', async ({ open }) => {
  const page = await open();
  const failures = await page.evaluate(() => Promise.all([
    failureOf(quern.load(new TextEncoder().encode('<!doctype html><title>Not found</title>'))),
    failureOf(quern.load(new Uint8Array())),
  ]));
  expect(failures.map((f) => f.code)).toEqual(['invalid-model', 'invalid-model']);
});

test('external data: missing, and given', async ({ open, site }) => {
  site.put('external.onnx', tinyModel(externalLayer));
  const page = await open();
  const failure = await page.evaluate(() => failureOf(quern.load('/files/external.onnx', { device: 'wasm' })));
  expect(failure.code).toBe('missing-external-data');
  expect(failure.message).toContain('layer.weights');
  const y = await page.evaluate(async (feed) => {
    const externalData = { 'layer.weights': new Float32Array([1, -1, 2, -2, 3, -3]).buffer };
    const session = await quern.load('/files/external.onnx', { device: 'wasm', externalData });
    return Array.from((await session.run({ x: new Float32Array(feed) }))['y']?.data as Float32Array);
  }, layerFeed);
  expect(y).toEqual(layerAnswer);
});

test('an address where nothing is', async ({ open }) => {
  const page = await open();
  const [missing, unreachable] = await page.evaluate(() => Promise.all([
    failureOf(quern.load('/files/nothing.onnx')),
    failureOf(quern.load('http://127.0.0.1:1/model.onnx')),
  ]));
  expect(missing.code).toBe('fetch-failed');
  expect(missing.message).toContain('404');
  expect(missing.message).toContain('/files/nothing.onnx');
  expect(unreachable.code).toBe('fetch-failed');
  expect(unreachable.message).toContain('127.0.0.1:1');
});

test('options that do not exist or have no such value', async ({ open }) => {
  const page = await open();
  const messages = await page.evaluate(async () => {
    const loads = [{ devise: 'wasm' }, { device: 'gpu' }, { threads: 0 }, { dims: { n: -1 } }].map((options) =>
      failureOf(quern.load('/files/layer.onnx', options as Parameters<typeof quern.load>[1])));
    return (await Promise.all(loads)).map((f) => [f.code, f.got]);
  });
  expect(messages.map(([code]) => code)).toEqual(Array(4).fill('invalid-option'));
  expect(messages.map(([, got]) => got)).toEqual(['devise', 'gpu', '0', '{ n: -1 }']);
});

test('a model that is larger than allowed', async ({ open }) => {
  const page = await open();
  const failure = await page.evaluate(() => failureOf(quern.load('/files/layer.onnx', { maxBytes: 10 })));
  expect(failure.code).toBe('model-too-large');
});

test('no WebGPU: asked for, it is an error; else the CPU serves, and says why', async ({ site }) => {
  const executablePath = findChromium();
  const args = ['--no-sandbox', '--disable-features=WebGPU', '--disable-gpu', '--disable-webgpu'];
  const browser = await chromium.launch(executablePath === undefined ? { channel: 'chromium', args } : { executablePath, args });
  try {
    const page = await browser.newPage();
    await page.goto(pageUrl(site, { scripts: [`${site.cdn}/dist/quern.global.js`] }));
    const seen = await page.evaluate(async () => {
      const code = await quern.load('/files/layer.onnx', { device: 'webgpu' }).then(() => 'loaded', (e: unknown) => (e as { code: string }).code);
      const session = await quern.load('/files/layer.onnx');
      const { why } = await session.report();
      return { code, device: session.device, why };
    });
    expect(seen).toMatchObject({ code: 'no-webgpu', device: 'wasm' });
    expect(seen.why).not.toBe('');
  } finally {
    await browser.close();
  }
});
