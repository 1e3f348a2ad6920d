import { describe, expect, it } from 'vitest';
import { bytes } from './backends/conformance-convolutions.ts';
import { type Expr, add, asInt, binary, cast, constant, floordiv, ge, int, load, mul, ref, select, sub, variable } from './expr/expr.ts';
import { text } from './expr/text.ts';
import type { ContractionBody } from './kernel.ts';
import { packParts, packRhs, realOperands, widenLhs } from './packing.ts';

const widened = (channels: number, groups = 1) => {
  const { body, args } = bytes(channels, groups);
  return widenLhs(body, (slot) => args[slot]?.shape ?? [], 9);
};

describe('left operands of 8 bits', () => {
  it('are 16 bits less their zero points', () =>
    expect(text(widened(4)?.value ?? bytes(4).body.lhs)).toBe('int16<-int32((int32<-uint8(t0[w0, w1]) - int32<-uint8(t3[0])))'));
  it('are read inside of the guard, which stays', () => expect(text(widened(4)?.body.lhs ?? bytes(4).body.rhs)).toMatch(/^select\(.*, int32<-int16\(t9\[.*, c\]\), int32\(0\)\)$/));
  it('are an even number in depth, zeros behind the last', () => {
    const wide = widened(5);
    expect([wide?.shape.map(asInt), wide?.body.depth.map((v) => asInt(v.extent)), text(wide?.value ?? bytes(5).body.rhs)])
      .toEqual([[9, 6], [3, 6], expect.stringMatching(/^select\(\(w1 < 5\), /)]);
  });
  it('as is what they are multiplied with', () => expect(text(widened(5)?.body.rhs ?? bytes(5).body.lhs)).toBe('select((c < 5), int32<-int8(t1[o, c, k]), int32(0))'));
  it('pairs in the channels of a group are pairs of the tensor', () => expect(widened(4, 3)?.shape.map(asInt)).toEqual([9, 12]));
  it('groups of an odd number are left alone', () => expect(widened(5, 2)).toBeUndefined());
  it('chosen by where they are used are left alone: the guard of a Pad before', () => {
    const { body, args } = bytes(4);
    const { lhs } = body;
    if (lhs.op !== 'select') throw new Error('no guard');
    const padded = { ...body, lhs: select(lhs.cond, select(ge(body.rows[0] ?? int(0), 2), lhs.a, constant(7, 'int32')), lhs.b) };
    expect(widenLhs(padded, (slot) => args[slot]?.shape ?? [], 9)).toBeUndefined();
  });
  it('of 32 bits are left alone', () => {
    const { body, args } = bytes(4);
    const sum: ContractionBody = { ...body, lhs: body.store.value };
    expect(widenLhs(sum, (slot) => args[slot]?.shape ?? [], 9)).toBeUndefined();
  });
});

it('right operands have pairs in depth side by side', () => {
  const { shape, value } = packRhs(bytes(4).body, 8, 9, true);
  expect([shape.map(asInt), text(value)]).toEqual([
    [2, 3, 2, 8, 2], 'select((((panel * 8) + lane) < 10), int16<-int32(int32<-int8(t1[((panel * 8) + lane), ((half * 2) + two), k])), int16(0))',
  ]);
});

describe('parts of right operands in panels', () => {
  /** t2[n] = sum over k of t0[k] * (two elements a byte in t1, less 8) * one of t3's scales for each 32. */
  const [n, k] = [variable('n', 10), variable('k', 64)];
  const byte = load(1, 'uint8', [n, floordiv(k, 2)]);
  const rhs = mul(cast(binary('and', cast(byte, 'int32'), constant(15, 'int32')), 'float32'), load(3, 'float32', [n, floordiv(k, 32)]));
  const body: ContractionBody = {
    kind: 'contraction', batch: [], rows: [], cols: [n], depth: [k], lhs: load(0, 'float32', [k]), rhs, store: { tensor: 2, index: [n], value: ref('acc', 'float32') },
  };
  const made: string[] = [];
  const packed = packParts(body, 8, ({ shape, value }, dtype) => made.push(`${dtype} ${shape.map(asInt).join()} ${text(value)}`) + 6);
  it('stay in the type that they are stored in, with as many elements along the depth as they have', () => expect(made).toEqual([
    'uint8 2,32,8 select((((panel * 8) + lane) < 10), t1[((panel * 8) + lane), k], uint8(0))',
    'float32 2,2,8 select((((panel * 8) + lane) < 10), t3[((panel * 8) + lane), k], float32(0))',
  ]));
  it('are taken apart where they are multiplied', () => expect(text(packed?.rhs ?? rhs)).toBe(
    '(float32<-int32((int32<-uint8(t7[(n // 8), (k // 2), (n mod 8)]) & int32(15))) * t8[(n // 8), (k // 32), (n mod 8)])',
  ));
});

it('right operands whose scales are looked up have no parts: there would be one for each weight', () => {
  const [n, k] = [variable('n', 10), variable('k', 64)];
  const scale = load(3, 'float32', [n, cast(load(4, 'int32', [k]), 'index')]);
  const rhs = mul(cast(load(1, 'uint8', [n, k]), 'float32'), scale);
  const body: ContractionBody = {
    kind: 'contraction', batch: [], rows: [], cols: [n], depth: [k], lhs: load(0, 'float32', [k]), rhs, store: { tensor: 2, index: [n], value: ref('acc', 'float32') },
  };
  expect(packParts(body, 8, () => { throw new Error('made'); })).toBeUndefined();
});

describe('products of bytes without columns', () => {
  /** A depthwise convolution of as many taps: t2[c, x] = sum of (t0[c, x + k] - 3) * t1[c, k]. */
  const depthwise = (taps: number): ContractionBody => {
    const [c, x, k] = [variable('c', 6), variable('x', 9), variable('k', taps)];
    const wide = (e: Expr): Expr => cast(e, 'int32');
    const at = sub(add(x, k), 1);
    return {
      kind: 'contraction', batch: [c], rows: [x], cols: [], depth: [k], rhs: wide(load(1, 'int8', [c, k])),
      lhs: select(ge(at, 0), sub(wide(load(0, 'uint8', [c, at])), constant(3, 'int32')), constant(0, 'int32')),
      store: { tensor: 2, index: [c, x], value: mul(cast(ref('acc', 'int32'), 'float32'), constant(0.5, 'float32')) },
    };
  };
  const made = (taps: number) => realOperands(depthwise(taps), (slot) => [int(6), int(slot === 0 ? 9 : taps)]);
  it('are products of float32', () => {
    const { lhs, rhs, body } = made(3) ?? {};
    const real = lhs && rhs && body?.(lhs.read(7), rhs.read(8));
    expect([lhs?.value, rhs?.value, real?.lhs, real?.rhs].map((e) => e && text(e))).toEqual([
      'float32<-int32((int32<-uint8(t0[w0, w1]) - int32(3)))', 'float32<-int32(int32<-int8(t1[w0, w1]))',
      'select((0 <= ((k + x) + -1)), t7[c, ((k + x) + -1)], float32(0))', 't8[c, k]',
    ]);
  });
  it('whose sums are whole numbers', () =>
    expect(text(made(3)?.body(int(0), int(0)).store.value ?? int(0))).toBe('(float32<-int32(int32<-float32(%acc)) * float32(0.5))'));
  it('as long as float32 holds them exactly', () => expect([made(255), made(256)].map((m) => m === undefined)).toEqual([false, true]));
});
