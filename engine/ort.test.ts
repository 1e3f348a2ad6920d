/** The onnxruntime-web drop-in, as far as it needs no model. */
import { expect, test } from 'vitest';
import { Tensor } from './ort.ts';

test('a tensor knows its type from a typed array, and one dim if none are given', () => {
  const tensor = new Tensor(new Float32Array([1, 2, 3]));
  expect(tensor).toMatchObject({ type: 'float32', dims: [3], size: 3, location: 'cpu' });
});

test('plain numbers become elements of the type named', () => {
  expect(new Tensor('int64', [1, 2], [1, 2]).data).toEqual(new BigInt64Array([1n, 2n]));
  expect(new Tensor('bool', [true, false]).data).toEqual(new Uint8Array([1, 0]));
  expect(new Tensor('float16', [1]).data).toEqual(new Uint16Array([0x3c00]));
});

test('dims must fit the elements', () => {
  expect(() => new Tensor('float32', new Float32Array(3), [2, 2])).toThrow('not as many elements as its dims\n  expected: 4 for [2, 2]\n  got: 3');
});

test('data of another type is refused', () => {
  expect(() => new Tensor('float32', new Int32Array(1))).toThrow('of another type\n  expected: float32\n  got: int32');
});

test('strings are refused', () => {
  expect(() => new Tensor('string' as 'float32', [1])).toThrow(expect.objectContaining({ code: 'unsupported-dtype' }));
});

test('reshape keeps the elements', () => {
  const tensor = new Tensor(new Float32Array(6), [2, 3]).reshape([3, 2]);
  expect(tensor).toMatchObject({ dims: [3, 2], size: 6 });
});
