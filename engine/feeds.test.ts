/** Feeds: what is refused, with which words, and what goes over the wire. */
import { expect, test } from 'vitest';
import { checkOutputNames, matches, wireFeeds, type Feed } from './feeds.ts';
import type { ValueInfo } from './runtime/model.ts';
import { DeviceTensor, PageTensor } from './tensor.ts';

const home = { read: () => Promise.resolve(new Uint8Array()), release: () => undefined };
const image: ValueInfo = { name: 'image', dtype: 'float32', dims: ['batch', 3, 2, 2] };
const ids: ValueInfo = { name: 'ids', dtype: 'int64', dims: ['batch', 'tokens'] };
const scale: ValueInfo = { name: 'scale', dtype: 'float32', dims: [] };
const wire = (inputs: readonly ValueInfo[], feeds: Readonly<Record<string, Feed>>): unknown => wireFeeds(inputs, feeds, home);

test('a feed is just its elements', () => {
  const data = new Float32Array(100).subarray(10, 22).fill(1);
  const { image: sent } = wireFeeds([image], { image: { data, dims: [1, 3, 2, 2] } }, home);
  if (sent?.kind !== 'bytes') throw new Error('it should be bytes');
  expect(new Float32Array(new Uint8Array(sent.bytes).buffer)).toEqual(new Float32Array(12).fill(1));
});

test('a bare array takes its dims from the model, one symbol solved for', () => {
  expect(wire([image], { image: new Float32Array(24) })).toMatchObject({ image: { dims: [2, 3, 2, 2] } });
});

test('a bare array takes a symbol from another input', () => {
  const feeds = { image: { data: new Float32Array(24), dims: [2, 3, 2, 2] }, ids: new BigInt64Array(10) };
  expect(wire([image, ids], feeds)).toMatchObject({ ids: { dims: [2, 5] } });
});

test('a scalar is an array of one element', () => {
  expect(wire([scale], { scale: new Float32Array([2]) })).toMatchObject({ scale: { dims: [] } });
});

test('bool and float16 travel in arrays of their size', () => {
  const mask: ValueInfo = { name: 'mask', dtype: 'bool', dims: [2] };
  const half: ValueInfo = { name: 'half', dtype: 'float16', dims: [2] };
  const feeds = { mask: new Uint8Array([1, 0]), half: new Uint16Array([0x3c00, 0]) };
  expect(wire([mask, half], feeds)).toMatchObject({ mask: { dtype: 'bool' }, half: { dtype: 'float16' } });
});

test('a tensor that a run returned can be fed', () => {
  expect(wire([scale], { scale: new PageTensor('float32', [], new Float32Array(1)) })).toMatchObject({ scale: { kind: 'bytes' } });
  expect(wire([scale], { scale: new DeviceTensor('float32', [], 7, home) })).toMatchObject({ scale: { kind: 'handle', handle: 7 } });
});

const refusals: readonly (readonly [string, readonly ValueInfo[], Readonly<Record<string, unknown>>, string])[] = [
  ['an unknown name', [scale, ids], { scales: new Float32Array(1) },
    "there is no input 'scales'\n  expected: 'scale', 'ids'\n  got: 'scales'"],
  ['a missing feed', [scale, ids], { scale: new Float32Array(1) },
    "input 'ids' was not fed\n  expected: 'scale', 'ids'\n  got: 'scale'"],
  ['another dtype', [ids], { ids: new Int32Array(4) },
    "input 'ids' has another dtype\n  expected: int64\n  got: int32"],
  ['a dtype that is named and wrong', [scale], { scale: { dtype: 'float16', data: new Float32Array(1) } },
    "input 'scale' has another dtype\n  expected: float32\n  got: float16"],
  ['a plain array', [scale], { scale: [1] },
    "input 'scale' was fed no typed array\n  expected: elements of float32 in a typed array\n  got: an array"],
  ['another rank', [image], { image: { data: new Float32Array(12), dims: [3, 2, 2] } },
    "input 'image' has another shape\n  expected: [batch, 3, 2, 2], 4 dims\n  got: [3, 2, 2]"],
  ['another size of a fixed dim', [image], { image: { data: new Float32Array(4), dims: [1, 1, 2, 2] } },
    "input 'image' has another shape\n  expected: [batch, 3, 2, 2]\n  got: [1, 1, 2, 2]"],
  ['a symbol that stands for two sizes', [image, ids],
    { image: { data: new Float32Array(12), dims: [1, 3, 2, 2] }, ids: { data: new BigInt64Array(10), dims: [2, 5] } },
    "input 'ids' has another shape\n  expected: [batch, tokens], where batch is 1 in input 'image'\n  got: [2, 5]"],
  ['too few elements', [image], { image: { data: new Float32Array(11), dims: [1, 3, 2, 2] } },
    "input 'image' has not as many elements as its shape\n  expected: 12 for [1, 3, 2, 2]\n  got: 11"],
  ['dims that are no sizes', [scale], { scale: { data: new Float32Array(1), dims: [1.5] } },
    "input 'scale' has dims that are no sizes\n  expected: whole numbers from 0\n  got: [1.5]"],
  ['dims that cannot be told', [ids], { ids: new BigInt64Array(6) },
    "input 'ids' was fed without dims, which do not follow from its 6 elements\n  expected: [batch, tokens]\n  hint: { data, dims } says how they lie"],
  ['a device tensor of another session', [scale], { scale: new DeviceTensor('float32', [], 1, { ...home }) },
    "input 'scale' was fed a device tensor of another session\n  hint: feed what its read() gives"],
];

test.each(refusals)('refused: %s', (_what, inputs, feeds, message) => {
  expect(() => wire(inputs, feeds as Readonly<Record<string, Feed>>)).toThrow(expect.objectContaining({ code: 'invalid-input', message }));
});

test('refused: a disposed device tensor', () => {
  const tensor = new DeviceTensor('float32', [], 1, home);
  tensor.dispose();
  expect(() => wire([scale], { scale: tensor })).toThrow(expect.objectContaining({ code: 'disposed', message: "input 'scale': the tensor was disposed" }));
});

test('a name of an output that does not exist lists those that do', () => {
  const outputs = [{ ...scale, name: 'logits' }, { ...scale, name: 'present.0' }];
  checkOutputNames(outputs, ['logits'], ['present.*']);
  const message = "there is no output 'past.*'\n  expected: 'logits', 'present.0'\n  got: 'past.*'";
  expect(() => { checkOutputNames(outputs, undefined, ['past.*']); }).toThrow(message);
});

test('* stands for any text, everything else for itself', () => {
  expect(matches('present.*', 'present.0.key')).toBe(true);
  expect(matches('present.*', 'presentX0')).toBe(false);
  expect(matches('*', 'logits')).toBe(true);
});
