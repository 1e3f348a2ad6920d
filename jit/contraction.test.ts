import { describe, expect, it } from 'vitest';
import { type Contraction, type Range, analyse, isContraction, linearOf } from './contraction.ts';
import { packRhs } from './packing.ts';
import {
  type Expr, type Var, add, and, constant, floordiv, floormod, ge, int, load, lt, mul, ref, select, sub, symbol, variable,
} from './expr/expr.ts';
import { shapeText, text } from './expr/text.ts';
import { evaluate } from './expr/visit.ts';
import { type Arg, type ContractionBody, bodyText, stridesOf } from './kernel.ts';

const arg = (shape: readonly (Expr | number)[], access: Arg['access'] = 'read', order?: readonly number[]): Arg => {
  const dims = shape.map((d) => (typeof d === 'number' ? int(d) : d));
  return { dtype: 'float32', shape: dims, strides: stridesOf(dims, order), access };
};
const acc = ref('acc', 'float32');
const zero = constant(0, 'float32');
const f32 = (slot: number, ...index: readonly Expr[]): Expr => load(slot, 'float32', index);
const the = (c: ReturnType<typeof analyse>): Contraction => {
  if (!isContraction(c)) throw new Error(c.why);
  return c;
};
const names = (axes: readonly Var[]): string => axes.map((v) => `${v.name}<${text(v.extent)}`).join(' ');
const linearText = (c: Contraction['lhs']): string =>
  c.linear === undefined ? 'none' : [text(c.linear.base), ...[...c.linear.coefs].map(([v, e]) => `${text(e)}*${v.name}`)].join(' + ');

const [B, S] = [symbol('B', 1), symbol('S', 1)];
const [b, s, m, k, n] = [variable('b', B), variable('s', S), variable('m', 5), variable('k', 7), variable('n', 12)];

const batched: ContractionBody = {
  kind: 'contraction', batch: [b], rows: [s], cols: [n], depth: [k],
  lhs: f32(0, b, s, k), rhs: f32(1, k, n), store: { tensor: 2, index: [b, s, n], value: acc },
};
const batchedArgs = [arg([B, S, 7]), arg([7, 12]), arg([B, S, 12], 'write')];

/** A 3x3 convolution over NHWC with padding 1. */
function convolution(size: Expr, channels: number, kernel = 3, pad = 1): { body: ContractionBody; args: Arg[] } {
  const out = add(size, 2 * pad - kernel + 1);
  const [image, y, x, o] = [variable('i', 2), variable('y', out), variable('x', out), variable('o', 16)];
  const [ky, kx, c] = [variable('ky', kernel), variable('kx', kernel), variable('c', channels)];
  const [iy, ix] = [sub(add(y, ky), pad), sub(add(x, kx), pad)];
  const guard = and(ge(iy, 0), lt(iy, size), ge(ix, 0), lt(ix, size));
  return {
    body: {
      kind: 'contraction', batch: [], rows: [image, y, x], cols: [o], depth: [ky, kx, c],
      lhs: select(guard, f32(0, image, iy, ix, c), zero), rhs: f32(1, ky, kx, c, o),
      store: { tensor: 2, index: [image, y, x, o], value: acc },
    },
    args: [arg([2, size, size, channels]), arg([kernel, kernel, channels, 16]), arg([2, out, out, 16], 'write')],
  };
}

describe('merging axes', () => {
  it('a batch that rhs does not see becomes rows, and one row axis', () => {
    const c = the(analyse(batched, batchedArgs));
    expect([names(c.batch), names(c.rows), names(c.depth)]).toEqual(['', 'b.s<(B * S)', 'k<7']);
    expect(linearText(c.lhs)).toBe('0 + 7*b.s + 1*k');
    expect(c.out.offset).toBe(add(mul(variable('b.s', mul(B, S)), 12), n));
  });
  it('a batch that rhs sees stays', () => {
    const c = the(analyse({ ...batched, rhs: f32(1, b, k, n) }, [batchedArgs[0] as Arg, arg([B, 7, 12]), batchedArgs[2] as Arg]));
    expect([names(c.batch), names(c.rows)]).toEqual(['b<B', 's<S']);
  });
  it('rows stored apart stay apart', () => {
    const c = the(analyse(batched, [batchedArgs[0] as Arg, batchedArgs[1] as Arg, arg([B, S, 12], 'write', [1, 0, 2])]));
    expect(names(c.rows)).toBe('b<B s<S');
  });
  it('a 1x1 convolution is one row axis and one depth axis', () => {
    const { body, args } = convolution(int(8), 4, 1, 0);
    const c = the(analyse(body, args));
    expect([names(c.rows), names(c.depth)]).toEqual(['i.y.x<128', 'c<4']);
    expect(c.lhs.guard).toBeUndefined();
  });
  it('a convolution without padding reads kx and c as one run', () => {
    const { body, args } = convolution(int(8), 4, 3, 0);
    expect(names(the(analyse(body, args)).depth)).toBe('ky<3 kx.c<12');
  });
  it('rows keep an axis when all extents are 1', () => {
    const store = { tensor: 2, index: [int(0), int(0), n], value: acc };
    const c = the(analyse({ ...batched, batch: [], rows: [], lhs: f32(0, int(0), int(0), k), store }, batchedArgs));
    expect(names(c.rows)).toBe('row<1');
  });
});

describe('guards', () => {
  it('padding is one range for each direction', () => {
    const { body, args } = convolution(symbol('H', 3), 4);
    const c = the(analyse(body, args));
    expect(names(c.depth)).toBe('ky<3 kx<3 c<4');
    const rangeText = ({ at, limit }: Range): unknown => [text(at.base), [...at.coefs].map(([v, e]) => `${v.name}*${text(e)}`), limit && text(limit)];
    expect(c.lhs.ranges?.map(rangeText)).toEqual([
      ['-1', ['y*1', 'ky*1'], '(H + -1)'], ['-1', ['x*1', 'kx*1'], '(H + -1)'],
    ]);
  });
  it('where all taps are inside, kx and c are one run', () => {
    const { body, args } = convolution(int(8), 4);
    expect(names(the(analyse(body, args)).inside?.depth ?? [])).toBe('ky<3 kx.c<12');
  });
  it('one channel: taps of one step', () => {
    const { body, args } = convolution(int(8), 1);
    expect(names(the(analyse(body, args)).depth)).toBe('ky<3 kx<3 tap<1');
  });
  it('a guard that is no range is kept whole', () => {
    const odd = select(lt(floormod(m, 2), 1), f32(0, floordiv(m, 2), k), zero);
    const c = the(analyse({
      kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: odd, rhs: f32(1, k, n),
      store: { tensor: 2, index: [m, n], value: acc },
    }, [arg([3, 7]), arg([7, 12]), arg([5, 12], 'write')]));
    expect([c.lhs.linear, c.lhs.ranges]).toEqual([undefined, undefined]);
    expect(c.lhs.guard && text(c.lhs.guard)).toBe('((m mod 2) < 1)');
  });
});

describe('what has no form', () => {
  it('a computed lhs', () =>
    expect(analyse({ ...batched, lhs: mul(f32(0, b, s, k), constant(2, 'float32')) }, batchedArgs)).toEqual({ why: 'lhs is not a load' }));
  it('an rhs that is gathered along the sum', () =>
    expect(analyse({ ...batched, rhs: f32(1, floordiv(k, 2), n) }, batchedArgs)).toEqual({
      why: 'rhs is not linear in the innermost depth axis',
    }));
});

describe('packing', () => {
  const packed = packRhs(batched, 8, 1);
  it('has panels before depth and lanes last', () => expect(shapeText(packed.shape)).toBe('[2, 7, 8]'));
  it('fills the last panel with zeros', () => {
    expect(text(packed.value)).toBe('select((((panel * 8) + lane) < 12), t1[k, ((panel * 8) + lane)], float32(0))');
  });
  it('the body reads panels', () => expect(bodyText(packed.body)[0]).toBe('for batch b<B; rows s<S; cols n<12 in panels of 8'));
  it('is linear in panel, lane and depth', () => {
    const c = the(analyse(packed.body, [batchedArgs[0] as Arg, arg(packed.shape), batchedArgs[2] as Arg]));
    expect(linearText(c.rhs)).toBe('0 + 56*n.panel + 1*n.lane + 8*k');
  });
  it('several columns share one run of panels', () => {
    const [h, d] = [variable('h', 3), variable('d', 16)];
    const store = { tensor: 2, index: [b, h, s, d], value: acc };
    const heads: ContractionBody = { ...batched, cols: [h, d], rhs: f32(1, k, h, d), store };
    const { body, shape, value } = packRhs(heads, 8, 1);
    const c = the(analyse(body, [batchedArgs[0] as Arg, arg(shape), arg([B, 3, S, 16], 'write')]));
    expect(shapeText(shape)).toBe('[6, 7, 8]');
    const flat = add(mul(variable('panel', 6), 8), variable('lane', 8));
    expect(value).toBe(f32(1, k, floordiv(flat, 16), floormod(flat, 16)));
    expect(c.cols?.n.extent).toBe(int(48));
    const lane = c.cols?.lane;
    const offset = c.cols?.split(c.out.offset);
    expect(lane && offset && linearOf(offset, [lane])?.coefs.get(lane)).toBe(int(1));
  });
  it('the split of a column gives the same numbers', () => {
    const wide = variable('n', 960);
    const c = the(analyse({ ...batched, cols: [wide], rhs: f32(1, k, wide), store: { ...batched.store, index: [b, s, wide] } },
      [batchedArgs[0] as Arg, arg([7, 960]), arg([B, S, 960], 'write')], 8));
    const { cols } = c;
    if (cols === undefined) throw new Error('no columns');
    const divided = [floordiv(wide, 64), floormod(wide, 64), floormod(floordiv(wide, 16), 4), floordiv(add(wide, 3), 24), floormod(add(wide, 8), 48)];
    for (const e of divided) {
      for (const at of [0, 7, 63, 64, 100, 511, 959]) {
        const whole = evaluate(e, new Map<Expr, number>([[cols.n, at], [wide, at]]));
        expect(evaluate(cols.split(e), new Map<Expr, number>([[cols.panel, Math.floor(at / 8)], [cols.lane, at % 8]]))).toBe(whole);
      }
    }
    expect(text(cols.split(floordiv(wide, 64)))).toBe('(n.panel // 8)');
  });
});
