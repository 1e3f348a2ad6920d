/** The reader over pieces that are taken back, and so have no length any more, as soon as the next one is asked for. */
import { expect, it } from 'vitest';
import { type ByteStream, Reader } from './byte-stream.ts';

const fail = (message: string): never => { throw new Error(message); };

/** Bytes 0, 1, 2 ... in pieces of a size. */
function pieces(total: number, size: number): ByteStream {
  let at = 0;
  let last: Uint8Array | undefined;
  let kept: Uint8Array | undefined;
  const next = (): Promise<Uint8Array | undefined> => {
    if (kept !== undefined) {
      const piece = kept;
      kept = undefined;
      return Promise.resolve(piece);
    }
    if (last !== undefined) structuredClone(last.buffer, { transfer: [last.buffer] });
    last = at < total ? Uint8Array.from({ length: Math.min(size, total - at) }, (_, i) => at + i) : undefined;
    at += last?.length ?? 0;
    return Promise.resolve(last);
  };
  return {
    name: 'pieces', size: total, exact: true, stable: false, next,
    async skip(count) {
      for (let left = count; left > 0;) {
        const piece = await next();
        if (piece === undefined) fail('the end');
        else if (piece.length > left) kept = piece.subarray(left);
        left -= piece?.length ?? 0;
      }
    },
    close: () => Promise.resolve(),
  };
}

it('reads on behind what was passed over', async () => {
  const reader = new Reader(pieces(100, 8));
  await reader.varint(fail);
  await reader.skip(20, fail);
  expect(await reader.varint(fail)).toBe(21);
  expect([...await reader.take(3, fail)]).toEqual([22, 23, 24]);
});

it('reads what was looked at ahead, over the border of a piece and to the end', async () => {
  const reader = new Reader(pieces(10, 4));
  expect([...await reader.peek(32)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(await reader.varint(fail)).toBe(0);
  expect([...await reader.take(9, fail)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(await reader.atEnd()).toBe(true);
  expect(await reader.atEnd()).toBe(true);
});
