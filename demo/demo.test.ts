/** The page draws what the model was trained on; kernels get short names. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operators } from './format.ts';
import { rasterise, size } from './raster.ts';

type Pair = readonly [number, number];

interface Fixture {
  readonly cases: readonly { readonly digit: number; readonly strokes: readonly (readonly Pair[])[]; readonly image: readonly number[] }[];
}

const fixture = JSON.parse(readFileSync(new URL('./models/digits.fixture.json', import.meta.url), 'utf8')) as Fixture;
const points = (stroke: readonly Pair[]) => stroke.map(([x, y]) => ({ x, y }));

describe('strokes to picture', () => {
  it.each(fixture.cases)('draws the $digit of the training script', ({ strokes, image }) => {
    const drawn = rasterise(strokes.map(points));
    const worst = Math.max(...image.map((ink, i) => Math.abs(ink - (drawn[i] ?? NaN))));
    expect(worst).toBeLessThan(1e-3);
  });

  it('gives the same picture for a drawing moved and enlarged', () => {
    const strokes = fixture.cases[3]?.strokes.map(points) ?? [];
    const moved = strokes.map((stroke) => stroke.map(({ x, y }) => ({ x: 300 * x + 40, y: 300 * y - 7 })));
    const [a, b] = [rasterise(strokes), rasterise(moved)];
    expect(Math.max(...a.map((ink, i) => Math.abs(ink - (b[i] ?? NaN))))).toBeLessThan(1e-3);
  });

  it('draws nothing for no strokes, and a dot in the middle for a tap', () => {
    expect(rasterise([]).some((ink) => ink !== 0)).toBe(false);
    const dot = rasterise([[{ x: 100, y: 30 }]]);
    expect(dot[(size / 2) * size + size / 2]).toBe(1);
    expect(dot.reduce((a, b) => a + b, 0)).toBeLessThan(10);
  });
});

describe('names of kernels', () => {
  it.each([
    [['Conv', 'Relu'], 'Conv + Relu'],
    [['Conv', 'Relu', 'Conv', 'Relu', 'Conv', 'Relu'], 'Conv + Relu, 3 times'],
    [['Mul', 'Mul'], 'Mul, 2 times'],
    [['Conv', 'Relu', 'Conv'], 'Conv + Relu + Conv'],
    [[], ''],
  ])('%j is told as %s', (ops, text) => {
    expect(operators(ops)).toBe(text);
  });
});
