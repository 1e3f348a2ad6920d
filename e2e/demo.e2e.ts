/** The demo page as a visitor meets it: drawing by mouse, keys and examples, a model of one's own, kernels, themes, narrow screens, plain hosts. */
import { expect, test as base, type Page } from '@playwright/test';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { floats, ints, node, type ModelLiteral } from '../engine/load/testing/build-model.ts';
import { layer, tinyModel, unknownOperator } from './tiny-model.ts';

const folder = fileURLToPath(new URL('../dist/demo', import.meta.url));
const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

interface Fixtures {
  /** Opens the demo below a path, as a host that sets headers, or does not, would serve it. */
  readonly open: (options?: { readonly headers?: boolean }) => Promise<Page>;
}

const test = base.extend<Fixtures>({
  open: async ({ page }, use) => {
    const closers: (() => void)[] = [];
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await use(async ({ headers = true } = {}) => {
      const isolation: Record<string, string> = headers ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } : {};
      const server = createServer((request, response) => {
        const path = new URL(request.url ?? '/', 'http://localhost').pathname.replace(/^\/some\/path\//, '/');
        const file = folder + (path === '/' ? '/index.html' : path);
        if (!existsSync(file)) {
          response.writeHead(404).end();
          return;
        }
        response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', ...isolation });
        createReadStream(file).pipe(response);
      });
      await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
      closers.push(() => { server.close(); });
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/some/path/`);
      await expect(page.locator('#chip')).toHaveAttribute('data-state', 'ready', { timeout: 30_000 });
      return page;
    });
    for (const close of closers) close();
    expect(errors).toEqual([]);
  },
});

test('examples of all digits are recognised', async ({ open }) => {
  const page = await open();
  for (let digit = 0; digit < 10; digit++) {
    await page.getByRole('button', { name: `Draw an example of ${digit}` }).click();
    await expect(page.locator('#verdict')).toHaveText(String(digit));
  }
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(page.locator('#verdict')).toHaveText('–');
});

test('a one drawn with the mouse is a one', async ({ open }) => {
  const page = await open();
  const box = await page.locator('#pad').boundingBox();
  if (box === null) throw new Error('the drawing field is not shown');
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.48, box.y + box.height * 0.8, { steps: 8 });
  await page.mouse.up();
  await expect(page.locator('#verdict')).toHaveText('1');
});

test('a one drawn with the keyboard is a one', async ({ open }) => {
  const page = await open();
  await page.locator('#pad').focus();
  for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowUp');
  await page.keyboard.press(' ');
  for (let i = 0; i < 16; i++) await page.keyboard.press('ArrowDown');
  await expect(page.locator('#verdict')).toHaveText('1');
  await page.keyboard.press('Delete');
  await expect(page.locator('#verdict')).toHaveText('–');
});

test('a model of one\'s own loads, takes sizes and values, runs, and shows its kernels', async ({ open }) => {
  const page = await open();
  await page.locator('#file').setInputFiles({ name: 'layer.onnx', mimeType: 'application/octet-stream', buffer: Buffer.from(tinyModel(layer)) });
  await page.getByLabel('n', { exact: true }).fill('2');
  await page.getByLabel('What \'x\' is filled with').selectOption('number');
  await page.getByLabel('value').fill('1');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  // relu([1 1 1] w + b) for both rows, and twice that.
  await expect(page.locator('#bench pre').first()).toHaveText('6.5000  0  6.5000  0');
  await expect(page.locator('#bench pre').nth(1)).toHaveText('13  0  13  0');
  await expect(page.locator('#which button[aria-pressed=true]')).toHaveText('layer.onnx');
  await page.locator('.expander').first().click();
  await expect(page.locator('tr.detail:not([hidden]) pre').nth(1).locator('.keyword').first()).toBeVisible();
});

test('a model by its address', async ({ open }) => {
  const page = await open();
  await page.getByLabel('or its address').fill(new URL(modelAsset(), page.url()).href);
  await page.getByRole('button', { name: 'Load' }).click();
  await expect(page.locator('#bench')).toContainText('image');
  await expect(page.locator('#problem')).toBeHidden();
});

test('a model with an operator of nobody\'s says which', async ({ open }) => {
  const page = await open();
  await page.locator('#file').setInputFiles({ name: 'odd.onnx', mimeType: 'application/octet-stream', buffer: Buffer.from(tinyModel(unknownOperator)) });
  await expect(page.locator('#problem')).toContainText('Frobnicate');
  await expect(page.locator('#problem')).toContainText('frob');
});

test('candidates are drawn as they are measured, and the next visit knows them', async ({ open }) => {
  const page = await open();
  await page.getByRole('button', { name: 'Draw an example of 5' }).click();
  await expect(page.locator('#tuning-plot circle.best').first()).toBeAttached({ timeout: 30_000 });
  await expect(page.getByRole('button', { name: 'Tune', exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.locator('#tuning')).toContainText('candidate');
  // What a busy machine does not finish measuring within the page's five seconds, a later visit goes on with.
  await expect(async () => {
    await page.reload();
    await expect(page.locator('#tuning')).toContainText('known from before', { timeout: 15_000 });
  }).toPass({ timeout: 100_000 });
  await expect(page.locator('#tuning-plot circle.best').first()).toBeAttached();
});

test('the device panel says what is there', async ({ open }) => {
  const page = await open();
  const facts = page.locator('#device-facts');
  await expect(facts).toContainText('by the host\'s headers');
  await expect(facts).toContainText('GFLOP/s');
});

test('a picture dropped on a detector shows boxes, and the threshold moves them', async ({ open }) => {
  const page = await open();
  await page.locator('#file').setInputFiles({ name: 'detector.onnx', mimeType: 'application/octet-stream', buffer: Buffer.from(tinyModel(detector)) });
  await page.getByLabel('What \'image\' is filled with').selectOption('a picture');
  await page.getByLabel('picture, or drop one on the page').setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: onePixel });
  const found = page.getByLabel('What the model found');
  await expect(found).toContainText('2 boxes');
  await expect(found.getByRole('img')).toHaveAttribute('aria-label', 'The picture with class 1 90 %, class 0 80 %');
  await page.getByLabel('Least score of a box').fill('0.85');
  await expect(found).toContainText('1 box;');
  await page.getByLabel('class names, a line each').setInputFiles({ name: 'names.txt', mimeType: 'text/plain', buffer: Buffer.from('cat\ndog\n') });
  await expect(found.getByRole('img')).toHaveAttribute('aria-label', 'The picture with dog 90 %');
});

test('on a host without headers the page isolates itself and has threads', async ({ open }) => {
  const page = await open({ headers: false });
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
});

for (const scheme of ['light', 'dark'] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme, viewport: { width: 360, height: 740 } });
    test('nothing is wider than a phone', async ({ open }) => {
      const page = await open();
      await page.getByRole('button', { name: 'Draw an example of 8' }).click();
      await expect(page.locator('#verdict')).toHaveText('8');
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    });
  });
}

/** Finds a cat and a dog in whatever picture: boxes and scores that do not depend on it. */
const detector: ModelLiteral = {
  inputs: { image: 'float32[1, 3, 8, 8]' },
  outputs: { boxes: 'float32[1, 2, 4]', scores: 'float32[1, 2, 2]' },
  initializers: {
    axes: ints(0, 1, 2, 3), zero: floats([1], [0]),
    corners: floats([1, 2, 4], [0.1, 0.1, 0.4, 0.4, 0.5, 0.5, 0.9, 0.9]), certainty: floats([1, 2, 2], [0.8, 0.1, 0.3, 0.9]),
  },
  nodes: [
    node('ReduceSum', ['image', 'axes'], 'sum', { keepdims: 0 }),
    node('Mul', ['sum', 'zero'], 'nothing'),
    node('Add', ['corners', 'nothing'], 'boxes'),
    node('Add', ['certainty', 'nothing'], 'scores'),
  ],
};

/** A PNG of one pixel. */
const onePixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

/** The digit model as the build named it. */
function modelAsset(): string {
  const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(readFileSync(`${folder}/index.html`, 'utf8'))?.[1] ?? '';
  const name = /digits-[\w-]+\.onnx/.exec(readFileSync(`${folder}/${script}`, 'utf8'))?.[0] ?? '';
  return `assets/${name}`;
}
