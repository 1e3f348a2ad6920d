import { describe, expect, it } from 'vitest';
import { add, constant, floordiv, floormod, int, load, lt, min, mul, select, sub, symbol, variable } from './expr.ts';
import { affine } from './index-algebra.ts';
import { text } from './text.ts';
import { evaluate, substitute } from './visit.ts';

const i = variable('i', 6);
const j = variable('j', 10);
const s = symbol('S', 1);
const past = symbol('past');
const t = variable('t', s);

describe('constants', () => {
  it('of float16 are what 16 bits hold', () => expect(constant(0.1, 'float16').value).toBe(0.0999755859375));
});

describe('index algebra', () => {
  it('equal sums are one object', () => expect(add(mul(i, 2), add(j, 3))).toBe(add(add(3, j), mul(2, i))));
  it('subtraction cancels', () => expect(sub(add(i, j), i)).toBe(j));
  it('a division splits off what divides', () => expect(floordiv(add(mul(i, 10), j), 10)).toBe(i));
  it('its remainder is the rest', () => expect(floormod(add(mul(i, 10), j), 10)).toBe(j));
  it('a remainder that may be too large stays', () => expect(text(floormod(add(mul(i, 10), mul(j, 3)), 10))).toBe('((j * 3) mod 10)'));
  it('a common factor leaves the division', () => expect(text(floormod(add(mul(i, 10), mul(j, 2)), 10))).toBe('((j mod 5) * 2)'));
  it('a lane takes no part in the division of panels', () => {
    const [p, lane] = [variable('p', 32), variable('lane', 8)];
    expect(text(floordiv(add(mul(p, 8), lane), 64))).toBe('(p // 8)');
    expect(text(floormod(add(mul(p, 8), lane), 64))).toBe('(((p mod 8) * 8) + lane)');
  });
  it('division by a symbolic dim', () => expect(floordiv(add(mul(i, s), t), s)).toBe(i));
  it('division by a sum of dims', () => {
    const total = add(past, s);
    const k = variable('k', total);
    expect(floordiv(add(mul(i, total), k), total)).toBe(i);
    expect(floormod(add(mul(i, total), k), total)).toBe(k);
  });
  it('three levels with symbolic extents', () => {
    const b = variable('b', symbol('B', 1));
    const flat = add(add(mul(b, mul(s, 64)), mul(t, 64)), variable('d', 64));
    expect(floordiv(flat, mul(s, 64))).toBe(b);
    expect(text(floordiv(floormod(flat, mul(s, 64)), 64))).toBe('t');
  });
  it('quotient and remainder join again', () => {
    const n = variable('n', 100);
    expect(add(mul(floordiv(n, 8), 8), floormod(n, 8))).toBe(n);
  });
  it('quotient, middle and remainder join again', () => {
    const n = variable('n', 960);
    const back = add(add(mul(floordiv(n, 120), 120), mul(floormod(floordiv(n, 10), 12), 10)), floormod(n, 10));
    expect(back).toBe(n);
  });
  it('shape arithmetic: (B*S*64) / (B*64) is S', () => {
    const b = symbol('B', 1);
    expect(floordiv(mul(mul(b, s), 64), mul(b, 64))).toBe(s);
  });
  it('an exact quotient needs no positive divisor', () => {
    const empty = symbol('E');
    expect(floordiv(mul(past, mul(empty, 64)), mul(empty, 64))).toBe(past);
    expect(floormod(mul(past, mul(empty, 64)), mul(empty, 64))).toBe(int(0));
  });
  it('comparisons that always hold fold', () => expect(lt(i, 6).op).toBe('const'));
  it('comparisons with dims fold', () => expect(lt(t, s)).toBe(lt(int(0), int(1))));
  it('min of what is ordered', () => expect(min(t, s)).toBe(t));
  it('select with a proved condition folds', () => {
    const x = load(0, 'float32', [i]);
    expect(select(lt(i, 6), x, load(1, 'float32', [i]))).toBe(x);
  });
  it('affine form', () => {
    const form = affine(add(mul(i, mul(s, 4)), add(j, past)), [i, j]);
    expect(form?.coefs.map(text)).toEqual(['(S * 4)', '1']);
    expect(form && text(form.base)).toBe('past');
  });
  it('random identities hold at every point', () => {
    let seed = 7;
    const next = (n: number): number => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor((seed / 2147483648) * n); };
    for (let round = 0; round < 300; round++) {
      const [a, b, c, d] = [next(9) - 2, next(7) - 1, next(20) - 5, next(12) + 1] as const;
      const build = (x: typeof i | ReturnType<typeof int>, y: typeof i | ReturnType<typeof int>) =>
        add(mul(floordiv(add(add(mul(x, a), mul(y, b)), c), d), 3), floormod(add(add(mul(x, b), mul(y, d)), a), d));
      const whole = build(i, j);
      for (let k = 0; k < 5; k++) {
        const [x, y] = [next(6), next(10)];
        const fl = Math.floor((x * a + y * b + c) / d) * 3 + ((((x * b + y * d + a) % d) + d) % d);
        expect(evaluate(whole, new Map([[i, x], [j, y]]))).toBe(fl);
        expect(substitute(whole, new Map([[i, int(x)], [j, int(y)]]))).toBe(int(fl));
      }
    }
  });
});
