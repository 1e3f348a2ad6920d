import { describe, expect, it } from 'vitest';
import { interpret, suppressed, type Finding, type Output } from './vision.ts';

const output = (name: string, dims: readonly number[], values: readonly number[]): Output => ({ name, dims, values });
const size = { width: 64, height: 32 };

function boxesOf(finding: Finding | undefined): { corners: number[]; score: number; label: number }[] {
  if (finding?.kind !== 'boxes') throw new Error(`no boxes but ${finding?.kind ?? 'nothing'}`);
  const rounded = (x: number): number => Number(x.toFixed(3));
  return finding.boxes.map(({ corners, score, label }) => ({ corners: corners.map(rounded), score: rounded(score), label }));
}

describe('boxes and scores apart', () => {
  const corners = [0.1, 0.2, 0.3, 0.6, 0.5, 0.5, 0.9, 0.8];
  const filler = Array.from({ length: 8 }, () => [0, 0, 0.1, 0.1]).flat();

  it('as UltraFace gives them: distributions over background and face', () => {
    const scores = [0.9, 0.1, 0.2, 0.8, ...Array.from({ length: 8 }, () => [1, 0]).flat()];
    const found = interpret([output('scores', [1, 10, 2], scores), output('boxes', [1, 10, 4], [...corners, ...filler])], size);
    expect(boxesOf(found)).toEqual([
      { corners: [0.5, 0.5, 0.9, 0.8], score: 0.8, label: 1 },
      { corners: [0.1, 0.2, 0.3, 0.6], score: 0.1, label: 1 },
    ]);
    expect(found?.reading).toContain('class 0 is background');
  });

  it('as DETR gives them: logits, the last class is nothing, centres and sizes', () => {
    const logits = [8, 0, 0, ...Array.from({ length: 9 }, () => [0, 0, 9]).flat()];
    const boxes = [0.6, 0.6, 0.2, 0.4, ...Array.from({ length: 9 }, () => [0.9, 0.9, 0.1, 0.1]).flat()];
    expect(boxesOf(interpret([output('logits', [1, 10, 3], logits), output('pred_boxes', [1, 10, 4], boxes)], size)))
      .toEqual([{ corners: [0.5, 0.4, 0.7, 0.8], score: 0.999, label: 0 }]);
  });

  it('after NMS in the model, with labels, in pixels', () => {
    const found = interpret([output('boxes', [2, 4], [6.4, 3.2, 32, 16, 0, 0, 64, 32]), output('labels', [2], [3, 7]), output('scores', [2], [0.7, 0.9])], size);
    expect(boxesOf(found)).toEqual([{ corners: [0, 0, 1, 1], score: 0.9, label: 7 }, { corners: [0.1, 0.1, 0.5, 0.5], score: 0.7, label: 3 }]);
  });

  it('where nothing was found', () => {
    expect(boxesOf(interpret([output('faces', [0, 4], []), output('face_scores', [0], [])], size))).toEqual([]);
  });
});

describe('one table', () => {
  it('of YOLOX, undecoded: 8 * 4 + 4 * 2 + 2 cells', () => {
    const rows = Array.from({ length: 42 }, () => [0, 0, 0, 0, 0.01, 0.5, 0.5]);
    // Cell (1, 1) at stride 16.
    rows[32 + 5] = [0.5, 0.25, Math.log(2), 0, 0.9, 0.1, 0.8];
    expect(boxesOf(interpret([output('output', [1, 42, 7], rows.flat())], size)))
      .toEqual([{ corners: [0.125, 0.375, 0.625, 0.875], score: 0.72, label: 1 }]);
  });

  it('of YOLO v5: decoded, in pixels', () => {
    const rows = Array.from({ length: 30 }, () => [10, 10, 4, 4, 0, 0.5, 0.5]);
    rows[3] = [32, 16, 32, 16, 1, 0.9, 0];
    expect(boxesOf(interpret([output('output0', [1, 30, 7], rows.flat())], size))).toEqual([{ corners: [0.25, 0.25, 0.75, 0.75], score: 0.9, label: 0 }]);
  });

  it('of YOLO v8: on its side, without a certainty', () => {
    const columns = Array.from({ length: 42 }, () => [10, 10, 4, 4, 0, 0]);
    columns[7] = [32, 16, 32, 16, 0.1, 0.6];
    const lying = Array.from({ length: 6 }, (_, r) => columns.map((column) => column[r] ?? 0)).flat();
    expect(boxesOf(interpret([output('output0', [1, 6, 42], lying)], size)))
      .toEqual([{ corners: [0.25, 0.25, 0.75, 0.75], score: 0.6, label: 1 }]);
  });

  it('of box, score and class', () => {
    const rows = Array.from({ length: 10 }, (_, i) => [0, 0, 32, 16, i === 0 ? 0.5 : 0, 2]);
    expect(boxesOf(interpret([output('output0', [1, 10, 6], rows.flat())], size))).toEqual([{ corners: [0, 0, 0.5, 0.5], score: 0.5, label: 2 }]);
  });
});

describe('no boxes', () => {
  it('logits of classes become probabilities', () => {
    const found = interpret([output('logits', [1, 3, 1, 1], [0, Math.log(2), 0])], size);
    expect(found).toMatchObject({ kind: 'classes', probabilities: [expect.closeTo(0.25, 6), expect.closeTo(0.5, 6), expect.closeTo(0.25, 6)] });
  });

  it('probabilities stay what they are', () => {
    expect(interpret([output('p', [3], [0.2, 0.7, 0.1])], size)).toMatchObject({ kind: 'classes', probabilities: [0.2, 0.7, 0.1] });
  });

  it('three channels of some size are a picture', () => {
    const values = Array.from({ length: 3 * 16 * 16 }, (_, i) => (i < 256 ? 255 : 0));
    const found = interpret([output('image', [1, 3, 16, 16], values)], size);
    if (found?.kind !== 'picture') throw new Error('no picture');
    expect([...found.picture.pixels.slice(0, 3)]).toEqual([1, 0, 0]);
  });

  it('a hidden state is none of these', () => {
    expect(interpret([output('last_hidden_state', [1, 7, 384], Array.from({ length: 7 * 384 }, () => -2))], size)).toBeUndefined();
  });
});

it('suppression keeps the best of one class', () => {
  const box = (left: number, score: number, label: number) => ({ corners: [left, 0, left + 1, 1] as const, score, label });
  const kept = suppressed([box(0, 0.9, 0), box(0.1, 0.8, 0), box(0.1, 0.7, 1), box(0.9, 0.6, 0), box(3, 0.2, 0)], 0.5);
  expect(kept.map((b) => b.score)).toEqual([0.9, 0.7, 0.6]);
});
