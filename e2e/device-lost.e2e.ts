/** A GPU that is lost: the call that meets it says so, the next one has a new device under it. */
import { chromium } from '@playwright/test';
import { launchOptions } from '../scripts/chromium.mjs';
import { expect, test } from './fixtures.ts';
import { pageUrl } from './server.ts';
import { layerAnswer, layerFeed } from './tiny-model.ts';

test('the GPU process crashes', async ({ site }) => {
  // A browser of its own: the crash takes the GPU away from every page.
  const browser = await chromium.launch(launchOptions());
  try {
    const page = await browser.newPage();
    await page.goto(pageUrl(site, { scripts: [`${site.cdn}/dist/quern.global.js`] }));
    const session = await page.evaluateHandle(() => quern.load('/files/layer.onnx', { device: 'webgpu', tune: 'off' }));
    const run = (): Promise<string | number[]> => session.evaluate((s, feed) => s.run({ x: new Float32Array(feed) }).then(
      ({ y }) => Array.from(y?.data as Float32Array),
      (error: unknown) => (error instanceof quern.QuernError ? error.code : String(error)),
    ), layerFeed);
    expect(await run()).toEqual(layerAnswer);
    const devtools = await browser.newBrowserCDPSession();
    await devtools.send('Browser.crashGpuProcess');
    const seen = [await run(), await run()];
    expect(seen).toEqual(['device-lost', layerAnswer]);
  } finally {
    await browser.close();
  }
});
