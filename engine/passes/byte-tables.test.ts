import { describe, expect, it } from 'vitest';
import { type Expr, add, cast, constant, int, load, mul, unary, variable } from '../../jit/expr/expr.ts';
import { text } from '../../jit/expr/text.ts';
import { stores } from '../../jit/kernel.ts';
import type { Program } from '../graph/program.ts';
import { byteTables } from './byte-tables.ts';

const i = variable('i', 5000);
const real = (value: number): Expr => constant(value, 'float32');
const byteOf = (x: Expr): Expr => cast(unary('round', mul(x, real(8))), 'uint8');
const realOf = (x: Expr): Expr => mul(cast(x, 'float32'), real(0.125));
const sigmoid = (x: Expr): Expr => unary('sigmoid', x);
const source = load(0, 'float32', [i]);

/** What is stored after the pass, and the tables that it made. */
function stored(value: Expr, size = 5000): { readonly value: string; readonly tables: readonly string[] } {
  const tensor = (id: number, kind: 'input' | 'computed') => ({
    id, dtype: id === 0 ? 'float32' as const : value.dtype as 'uint8', shape: [int(size)], source: kind === 'input' ? { kind, name: 'x' } : { kind },
  });
  const program: Program = {
    tensors: new Map([[0, tensor(0, 'input')], [1, tensor(1, 'computed')]]), inputs: [{ name: 'x', tensor: 0 }], outputs: [{ name: 'y', tensor: 1 }], dataDims: [],
    computations: [{ body: { kind: 'map', axes: [variable('i', size)], store: { tensor: 1, index: [i], value } }, outputs: [1], origins: [] }],
  };
  const made = byteTables(program, () => 9).computations.map(({ body }) => text(stores(body)[0]?.value ?? value));
  return { value: made.at(-1) ?? '', tables: made.slice(0, -1) };
}

describe('functions of one byte', () => {
  const byte = byteOf(source);
  it('are looked up where they take long', () =>
    expect(stored(byteOf(sigmoid(realOf(byte))))).toEqual({
      value: 'uint8<-int32(t9[index<-uint8(uint8<-float32(round((t0[i] * float32(8)))))])',
      tables: ['int32<-uint8(uint8<-float32(round((sigmoid((float32<-uint8(uint8<-index(byte)) * float32(0.125))) * float32(8)))))'],
    }));
  it('with all that is made of them: a product with the value itself', () => {
    const x = realOf(byte);
    expect(stored(byteOf(mul(x, realOf(byteOf(sigmoid(x)))))).value).toBe('uint8<-int32(t9[index<-uint8(uint8<-float32(round((t0[i] * float32(8)))))])');
  });
  it('real ones stay real', () => expect(stored(sigmoid(realOf(byte))).value).toBe('t9[index<-uint8(uint8<-float32(round((t0[i] * float32(8)))))]'));
  it('up to where something else comes in', () =>
    expect(stored(add(sigmoid(realOf(byte)), source)).value).toBe('(t9[index<-uint8(uint8<-float32(round((t0[i] * float32(8)))))] + t0[i])'));
  it('are computed where that is as quick', () => expect(stored(byteOf(realOf(byte))).tables).toEqual([]));
  it('of signed bytes start at 0, too', () => {
    const signed = cast(source, 'int8');
    expect(stored(sigmoid(cast(signed, 'float32')))).toEqual({
      value: 't9[index<-uint8(uint8<-int8(int8<-float32(t0[i])))]', tables: ['sigmoid(float32<-int8(int8<-uint8(uint8<-index(byte))))'],
    });
  });
  it('of few points are computed', () => expect(stored(sigmoid(realOf(byte)), 1000).tables).toEqual([]));
  it('others are computed', () => expect(stored(sigmoid(source)).tables).toEqual([]));
});
