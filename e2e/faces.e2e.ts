/**
 * A real detector on a real photo, from a plain page with one script tag of another origin: UltraFace RFB-320 finds the faces of its sample
 * pictures. Needs the test material (.material); leaves pictures of what it found in test-results.
 */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from './fixtures.ts';

const folder = '.material/models/vision/ultraface_rfb_320';

/** Runs in the page: the picture through the model, boxes of what it is sure of, each face once. */
async function findFaces(picture: string): Promise<{ boxes: number[][]; device: string; isolated: boolean; threads: number }> {
  const image = new Image();
  image.src = picture;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = 320;
  canvas.height = 240;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no canvas');
  context.drawImage(image, 0, 0, 320, 240);
  const { data } = context.getImageData(0, 0, 320, 240);
  const input = new Float32Array(3 * 240 * 320);
  for (let p = 0; p < 240 * 320; p++) for (let c = 0; c < 3; c++) input[c * 240 * 320 + p] = ((data[p * 4 + c] ?? 0) - 127) / 128;
  const session = await quern.load('/files/ultraface.onnx', { device: 'wasm' });
  const out = await session.run({ input });
  const scores = out['scores']?.data as Float32Array;
  const corners = out['boxes']?.data as Float32Array;
  const overlap = (a: readonly number[], b: readonly number[]): number => {
    const [ax = 0, ay = 0, aX = 0, aY = 0] = a;
    const [bx = 0, by = 0, bX = 0, bY = 0] = b;
    const shared = Math.max(0, Math.min(aX, bX) - Math.max(ax, bx)) * Math.max(0, Math.min(aY, bY) - Math.max(ay, by));
    return shared / ((aX - ax) * (aY - ay) + (bX - bx) * (bY - by) - shared);
  };
  const order = Array.from({ length: scores.length / 2 }, (_, i) => i).filter((i) => (scores[2 * i + 1] ?? 0) > 0.8)
    .sort((i, j) => (scores[2 * j + 1] ?? 0) - (scores[2 * i + 1] ?? 0));
  const boxes: number[][] = [];
  for (const i of order) {
    const box = Array.from(corners.subarray(4 * i, 4 * i + 4));
    if (boxes.every((b) => overlap(b, box) < 0.4)) boxes.push(box);
  }
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  context.drawImage(image, 0, 0);
  context.strokeStyle = 'lime';
  context.lineWidth = Math.max(2, canvas.width / 200);
  for (const [x = 0, y = 0, X = 0, Y = 0] of boxes) {
    context.strokeRect(x * canvas.width, y * canvas.height, (X - x) * canvas.width, (Y - y) * canvas.height);
  }
  document.body.replaceChildren(canvas);
  const { isolated } = await session.report();
  const found = { boxes, device: session.device, isolated, threads: session.threads };
  await session.dispose();
  return found;
}

for (const isolated of [true, false]) {
  for (const [picture, faces] of [['13.jpg', 2], ['2.jpg', 4]] as const) {
    test(`UltraFace finds the faces of ${picture}, ${isolated ? 'isolated' : 'not isolated'}`, async ({ open, site }, info) => {
      test.skip(!existsSync(`${folder}/model.onnx`), `no test material at ${folder}`);
      site.put('ultraface.onnx', readFileSync(`${folder}/model.onnx`));
      site.put(picture, readFileSync(`${folder}/sample/${picture}`));
      const page = await open({ isolated });
      const found = await page.evaluate(findFaces, `/files/${picture}`);
      await page.locator('canvas').screenshot({ path: info.outputPath('faces.png') });
      expect(found.isolated).toBe(isolated);
      expect(found.boxes).toHaveLength(faces);
    });
  }
}
