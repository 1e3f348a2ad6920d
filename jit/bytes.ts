/**
 * A byte buffer that grows by doubling, so that only what has arrived takes memory, with the integer and float encodings that the WebAssembly
 * binary format and protobuf share (LEB128, little-endian IEEE 754).
 */
export class Bytes {
  #data = new Uint8Array(256);
  length = 0;

  #room(more: number): void {
    if (this.length + more <= this.#data.length) return;
    const larger = new Uint8Array(Math.max(this.#data.length * 2, this.length + more));
    larger.set(this.#data.subarray(0, this.length));
    this.#data = larger;
  }

  byte(value: number): void {
    if (this.length === this.#data.length) this.#room(1);
    this.#data[this.length++] = value;
  }

  all(values: ArrayLike<number>): void {
    this.#room(values.length);
    this.#data.set(values, this.length);
    this.length += values.length;
  }

  /** Unsigned LEB128 of an integer below 2^53. */
  u32(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  /** An unsigned LEB128 of a fixed length, at the end or over one that is there. */
  fixed(at: number, value: number, length: number): void {
    if (at === this.length) this.all(new Uint8Array(length));
    let rest = value;
    for (let i = 1; i <= length; i++) {
      this.#data[at + i - 1] = (rest % 128) + (i < length ? 128 : 0);
      rest = Math.floor(rest / 128);
    }
  }

  /** Signed LEB128. */
  signed(value: bigint | number): void {
    if (typeof value === 'number' && value === (value | 0)) {
      let small = value;
      for (; small < -64 || small > 63; small >>= 7) this.byte((small & 127) + 128);
      this.byte(small & 127);
      return;
    }
    let rest = BigInt(value);
    for (;;) {
      const low = Number(rest & 127n);
      rest >>= 7n;
      if ((rest === 0n && low < 64) || (rest === -1n && low >= 64)) {
        this.byte(low);
        return;
      }
      this.byte(low + 128);
    }
  }

  f32(value: number): void {
    this.all(new Uint8Array(new Float32Array([value]).buffer));
  }

  f64(value: number): void {
    this.all(new Uint8Array(new Float64Array([value]).buffer));
  }

  name(value: string): void {
    const encoded = new TextEncoder().encode(value);
    this.u32(encoded.length);
    this.all(encoded);
  }

  /** A byte count, then the bytes that `fill` writes. */
  sized(fill: (inner: Bytes) => void): void {
    const inner = new Bytes();
    fill(inner);
    this.u32(inner.length);
    this.all(inner.done());
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#data.slice(0, this.length);
  }
}
