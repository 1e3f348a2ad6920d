/**
 * From pen strokes to the picture the digit model was trained on: the strokes' bounding box is fitted into 20 of 28 pixels, centred, and
 * each segment drawn by distance with a pen of fixed width. The same steps as `rasterise` in demo/train/strokes.py;
 * digits.fixture.json, which the training script writes, holds them together.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export type Stroke = readonly Point[];

export const size = 28;
const fit = 20;
/** Half the pen's width in pixels of the picture, whatever the size of the drawing. */
const halfWidth = 1.3;

/** [size * size] ink in 0..1, row by row; all 0 where there are no strokes. */
export function rasterise(strokes: readonly Stroke[]): Float32Array<ArrayBuffer> {
  const image = new Float32Array(size * size);
  for (const line of fitted(strokes, fit, size / 2)) line.forEach((b, i) => { drawSegment(image, line[i - 1] ?? b, b); });
  return image;
}

/** Strokes scaled until their bounding box is `extent` wide or high, centred at (centre, centre). */
export function fitted(strokes: readonly Stroke[], extent: number, centre: number): Point[][] {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of strokes.flat()) {
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  const now = Math.max(right - left, bottom - top);
  // A single dot has no extent; it stays a dot instead of filling the field.
  const scale = now > 1e-6 ? extent / now : 1;
  const place = ({ x, y }: Point): Point => ({ x: centre + scale * (x - (left + right) / 2), y: centre + scale * (y - (top + bottom) / 2) });
  return strokes.map((stroke) => stroke.map(place));
}

/** Only pixels that the segment can reach are looked at; overlapping ink takes the darker. */
function drawSegment(image: Float32Array, a: Point, b: Point): void {
  const reach = halfWidth + 0.5;
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length2 = Math.max(dx * dx + dy * dy, 1e-12);
  const firstRow = Math.max(0, Math.floor(Math.min(a.y, b.y) - reach));
  const lastRow = Math.min(size - 1, Math.ceil(Math.max(a.y, b.y) + reach));
  const firstColumn = Math.max(0, Math.floor(Math.min(a.x, b.x) - reach));
  const lastColumn = Math.min(size - 1, Math.ceil(Math.max(a.x, b.x) + reach));
  for (let row = firstRow; row <= lastRow; row++) {
    for (let column = firstColumn; column <= lastColumn; column++) {
      const [rx, ry] = [column + 0.5 - a.x, row + 0.5 - a.y];
      const t = Math.min(1, Math.max(0, (rx * dx + ry * dy) / length2));
      const ink = Math.min(1, reach - Math.hypot(rx - t * dx, ry - t * dy));
      const at = row * size + column;
      if (ink > (image[at] ?? 0)) image[at] = ink;
    }
  }
}
