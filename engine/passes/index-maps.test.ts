import { describe, expect, it } from 'vitest';
import { add, floordiv, floormod, int, mul, symbol, variable } from '../../jit/expr/expr.ts';
import { text } from '../../jit/expr/text.ts';
import { invert } from './index-maps.ts';

const s = symbol('S', 1);
const b = variable('b', 2);
const t = variable('t', s);
const h = variable('h', 4);
const d = variable('d', 16);
const w = variable('w', 64);
const point = (...extents: (number | typeof s)[]) => extents.map((e, i) => variable(`a${i}`, e));

describe('inverse of an index map', () => {
  it('of a transpose is the transpose back', () => {
    const target = point(2, 4, s, 16);
    expect(invert([b, h, t, d], [b, t, h, d], [int(2), int(4), s, int(16)], target)?.map(text)).toEqual(['a0', 'a2', 'a1', 'a3']);
  });
  it('of a split into heads divides', () => {
    const target = point(2, s, 64);
    expect(invert([b, t, add(mul(h, 16), d)], [b, h, t, d], [int(2), s, int(64)], target)?.map(text))
      .toEqual(['a0', '(a2 // 16)', 'a1', '(a2 mod 16)']);
  });
  it('of a merge of heads multiplies', () => {
    const target = point(2, 4, s, 16);
    expect(invert([b, floordiv(w, 16), t, floormod(w, 16)], [b, t, w], [int(2), int(4), s, int(16)], target)?.map(text))
      .toEqual(['a0', 'a2', '((a1 * 16) + a3)']);
  });
  it('of a reshape that joins batch and sequence', () => {
    const m = variable('m', mul(s, 2));
    const target = point(2, s, 64);
    expect(invert([floordiv(m, s), floormod(m, s), w], [m, w], [int(2), s, int(64)], target)?.map(text)).toEqual(['((a0 * S) + a1)', 'a2']);
  });
  it('of a broadcast does not exist', () => expect(invert([b], [b, h], [int(2)], point(2))).toBeUndefined());
  it('of a slice does not exist', () => expect(invert([add(h, 1)], [h], [int(5)], point(5))).toBeUndefined());
  it('of a flip is found to be unprovable, and left alone', () => {
    expect(invert([add(int(3), mul(h, -1))], [h], [int(4)], point(4))).toBeUndefined();
  });
});
