/** What is kept of buffers that came back, and what a copy is made in. */
import { expect, test } from 'vitest';
import { SpareBuffers } from './spare-buffers.ts';

const KiB = 1024;

test('a copy is made in the buffer that came back, once', () => {
  const spare = new SpareBuffers();
  const back = new ArrayBuffer(40 * KiB);
  spare.keep([back]);
  const copy = spare.copy(new Uint8Array(33 * KiB).fill(7));
  expect(copy.buffer).toBe(back);
  expect(copy).toEqual(new Uint8Array(33 * KiB).fill(7));
  expect(spare.copy(new Uint8Array(33 * KiB)).buffer).not.toBe(back);
});

test('a buffer of more than twice the size is left to others', () => {
  const spare = new SpareBuffers();
  const back = new ArrayBuffer(80 * KiB);
  spare.keep([back]);
  expect(spare.copy(new Uint8Array(39 * KiB)).buffer.byteLength).toBe(39 * KiB);
  expect(spare.copy(new Uint8Array(40 * KiB)).buffer).toBe(back);
});

test('feeds that are not transferred get buffers of their own size', () => {
  const spare = new SpareBuffers();
  spare.keep([new ArrayBuffer(16 * KiB)]);
  expect(spare.copy(new Uint8Array(15 * KiB)).buffer.byteLength).toBe(15 * KiB);
});

test('beyond 32 MiB the buffers used longest ago are let go', () => {
  const spare = new SpareBuffers();
  const [first, second] = [new ArrayBuffer(20 * KiB * KiB), new ArrayBuffer(10 * KiB * KiB)];
  spare.keep([first]);
  spare.keep([second]);
  expect(spare.copy(new Uint8Array(20 * KiB * KiB)).buffer).toBe(first);
  spare.keep([first]);
  spare.keep([new ArrayBuffer(5 * KiB * KiB)]);
  expect(spare.copy(new Uint8Array(10 * KiB * KiB)).buffer).not.toBe(second);
});
