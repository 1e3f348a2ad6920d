/**
 * Buffers in which feeds travel to the worker, for use again: the worker hands them back with its answer. Memory that is new must be brought in
 * page by page when it is first written (1.5 MB: 7 ms on a virtual machine, where writing them again takes 0.06), which was half of what a
 * whole call of a small vision model took. Invariant: what is kept is bounded, and nobody else holds it.
 */
import { transferFrom } from './protocol.ts';

/** Bytes of all spare buffers together. Those that were used longest ago go first. */
const mostBytes = 32 * 2 ** 20;

export class SpareBuffers {
  #spare: ArrayBuffer[] = [];

  /** A copy of `bytes`, in a buffer that is no more than twice as large. What is too small to be transferred does not come back. */
  copy(bytes: Uint8Array): Uint8Array {
    const size = bytes.byteLength;
    if (size < transferFrom) return new Uint8Array(bytes);
    const found = this.#spare.findLastIndex(({ byteLength }) => byteLength >= size && byteLength <= 2 * size);
    const [buffer = new ArrayBuffer(size)] = found < 0 ? [] : this.#spare.splice(found, 1);
    const copy = new Uint8Array(buffer, 0, size);
    copy.set(bytes);
    return copy;
  }

  keep(buffers: readonly ArrayBuffer[]): void {
    this.#spare.push(...buffers);
    let room = mostBytes;
    const first = this.#spare.findLastIndex(({ byteLength }) => (room -= byteLength) < 0);
    this.#spare = this.#spare.slice(first + 1);
  }
}
