/** A page gets the engine by one script tag or one module, with and without cross-origin isolation, and from another origin. */
import { expect, test } from './fixtures.ts';
import { pageUrl } from './server.ts';
import { layerAnswer, layerFeed } from './tiny-model.ts';

for (const isolated of [true, false]) {
  for (const device of ['wasm', 'webgpu'] as const) {
    test(`script tag, ${device}, ${isolated ? 'isolated' : 'not isolated'}`, async ({ open }) => {
      const page = await open({ isolated });
      const seen = await page.evaluate(async ([on, feed]) => {
        const session = await quern.load('/files/layer.onnx', { device: on, threads: 2 });
        const { y } = await session.run({ x: new Float32Array(feed) });
        const { isolated: isolatedThere } = await session.report();
        const { threads } = session;
        await session.dispose();
        return { y: Array.from(y?.data as Float32Array), dims: y?.dims, device: session.device, threads, isolatedThere };
      }, [device, layerFeed] as const);
      expect(seen).toEqual({ y: layerAnswer, dims: [2, 2], device, threads: device === 'wasm' && isolated ? 2 : 1, isolatedThere: isolated });
    });
  }
}

test('an ES module of another origin', async ({ page, site }) => {
  await page.goto(pageUrl(site, {}));
  const y = await page.evaluate(async ([url, feed]) => {
    const { load } = (await import(url)) as typeof quern;
    const session = await load('/files/layer.onnx', { device: 'wasm' });
    const result = await session.run({ x: new Float32Array(feed) });
    return Array.from(result['y']?.data as Float32Array);
  }, [`${site.cdn}/dist/quern.js`, layerFeed] as const);
  expect(y).toEqual(layerAnswer);
});

test('the module for onnxruntime-web code shares the engine of quern.js', async ({ page, site }) => {
  await page.goto(pageUrl(site, {}));
  const before = site.requests('/dist/quern.js');
  const seen = await page.evaluate(async ([url, feed]) => {
    const ort = (await import(url)) as typeof quern.ort;
    const session = await ort.InferenceSession.create('/files/layer.onnx', { executionProviders: ['wasm'] });
    const { y } = await session.run({ x: new ort.Tensor('float32', feed, [2, 3]) }, ['y']);
    return { names: [session.inputNames, session.outputNames], type: y?.type, y: Array.from(y?.data as Float32Array) };
  }, [`${site.cdn}/dist/ort.js`, layerFeed] as const);
  expect(seen).toEqual({ names: [['x'], ['y', 'twice']], type: 'float32', y: layerAnswer });
  expect(site.requests('/dist/quern.js') - before).toBe(1);
});

test('sessions of a page share one worker, which goes with the last', async ({ open }) => {
  const page = await open();
  const handle = await page.evaluateHandle(() => Promise.all([
    quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 }),
    quern.load('/files/counter.onnx', { device: 'wasm', threads: 1 }),
  ]));
  expect(page.workers()).toHaveLength(1);
  await handle.evaluate(([first]) => first.dispose());
  expect(page.workers()).toHaveLength(1);
  await handle.evaluate(([, second]) => second.dispose());
  await expect.poll(() => page.workers().length).toBe(0);
});

test('a page written for the script tag draws and recognises', async ({ page, site }) => {
  await page.goto(`${site.origin}/examples/script-tag/index.html`);
  await expect(page.locator('#state')).toContainText('ready on');
  const box = await page.locator('#pad').boundingBox();
  if (box === null) throw new Error('the drawing field is not shown');
  await page.mouse.move(box.x + box.width / 2, box.y + box.height * 0.15);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height * 0.85, { steps: 10 });
  await page.mouse.up();
  await expect(page.locator('#digit')).toHaveText('1');
});
