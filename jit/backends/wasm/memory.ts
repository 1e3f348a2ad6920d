/**
 * The one linear memory of a device and who has which part of it. Regions are multiples of 64 bytes, found best-fit in a list of gaps
 * (weights are packed one after the other, into the gap that the one before left); the memory grows when no gap fits. The first page
 * stays zero and is given to nobody (zero-page.ts), the last one is kept free so that vector reads just beyond a region stay inside.
 * Always shared, so that kernels are the same bytes with and without threads.
 */
import { QuernError, invariant } from '../../error.ts';
import type { Region, View } from '../../device.ts';
import { zeroBytes } from './zero-page.ts';

export const alignment = 64;
const page = 65536;

/** Memory of each thread's own: the sums of a tile on their way to what is computed on them (32 vectors at most). */
export const scratchBytes = 512;

interface Gap {
  start: number;
  bytes: number;
}

export interface WasmRegion extends Region {
  readonly start: number;
  released: boolean;
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  readonly #maxPages: number;
  /** Ordered by start, no two adjacent. */
  readonly #gaps: Gap[];
  #view: Uint8Array<ArrayBuffer | SharedArrayBuffer>;
  #taken = 0;
  #most = 0;

  /** Throws `out-of-memory` if the address space cannot be had. */
  constructor(maxBytes: number) {
    this.#maxPages = Math.min(65536, Math.max(4, Math.ceil(maxBytes / page) + 2));
    try {
      this.memory = new WebAssembly.Memory({ initial: 4, maximum: this.#maxPages, shared: true });
    } catch (cause) {
      throw new QuernError('out-of-memory', 'no address space for the memory of the CPU device', {
        expected: `room for up to ${megabytes(this.#maxPages * page)}`, hint: 'close other tabs, or lower maxBytes', cause,
      });
    }
    this.#view = new Uint8Array(this.memory.buffer);
    this.#gaps = [{ start: zeroBytes, bytes: this.#view.byteLength - zeroBytes - page }];
  }

  get used(): number { return this.#taken; }
  get peak(): number { return this.#most; }

  /** All of the memory. Not to be kept: growing makes a new one. */
  get bytes(): Uint8Array<ArrayBuffer | SharedArrayBuffer> {
    if (this.#view.buffer !== this.memory.buffer) this.#view = new Uint8Array(this.memory.buffer);
    return this.#view;
  }

  allocate(bytes: number): WasmRegion {
    const size = Math.max(alignment, Math.ceil(bytes / alignment) * alignment);
    const gap = this.#fitting(size) ?? this.#grow(size);
    invariant(gap !== undefined, 'the memory grew but has no room');
    const region: WasmRegion = { start: gap.start, bytes, released: false };
    gap.start += size;
    gap.bytes -= size;
    if (gap.bytes === 0) this.#gaps.splice(this.#gaps.indexOf(gap), 1);
    this.#taken += size;
    this.#most = Math.max(this.#most, this.#taken);
    return region;
  }

  release(region: Region): void {
    const own = this.#own(region);
    own.released = true;
    const bytes = Math.max(alignment, Math.ceil(own.bytes / alignment) * alignment);
    this.#taken -= bytes;
    this.#free({ start: own.start, bytes });
  }

  /** The address of a view; throws if it does not fit its region. */
  address({ region, offset, bytes }: View): number {
    const { start } = this.#own(region);
    if (offset % 4 !== 0 || offset < 0 || offset + bytes > region.bytes) {
      throw new QuernError('internal', 'a view does not fit its region', {
        expected: `at most ${region.bytes} bytes from a multiple of 4`, got: `${bytes} bytes at ${offset}`,
      });
    }
    return start + offset;
  }

  bytesOf(view: View): Uint8Array<ArrayBuffer | SharedArrayBuffer> {
    const start = this.address(view);
    return this.bytes.subarray(start, start + view.bytes);
  }

  #own(region: Region): WasmRegion {
    if (region.released || !('start' in region)) throw new QuernError('internal', 'a region is used after its release');
    return region as WasmRegion;
  }

  #free(made: Gap): void {
    let at = this.#gaps.findIndex((g) => g.start > made.start);
    if (at < 0) at = this.#gaps.length;
    this.#gaps.splice(at, 0, made);
    for (const i of [at, at - 1]) {
      const [a, b] = [this.#gaps[i], this.#gaps[i + 1]];
      if (a === undefined || b === undefined || a.start + a.bytes !== b.start) continue;
      a.bytes += b.bytes;
      this.#gaps.splice(i + 1, 1);
    }
  }

  #fitting(bytes: number): Gap | undefined {
    let best: Gap | undefined;
    for (const gap of this.#gaps) if (gap.bytes >= bytes && gap.bytes < (best?.bytes ?? Infinity)) best = gap;
    return best;
  }

  /** Makes room for `bytes` in one piece at the end. */
  #grow(bytes: number): Gap | undefined {
    const size = this.memory.buffer.byteLength;
    const last = this.#gaps[this.#gaps.length - 1];
    const atEnd = last !== undefined && last.start + last.bytes === size - page ? last.bytes : 0;
    const pages = Math.ceil((bytes - atEnd) / page);
    const available = this.#maxPages - size / page;
    if (pages > available) {
      throw new QuernError('out-of-memory', 'the memory of the CPU device is full', {
        expected: `${megabytes(bytes)} more`, got: `${megabytes(this.#taken)} in use of at most ${megabytes(this.#maxPages * page)}`,
        hint: 'raise maxBytes if it was given',
      });
    }
    try {
      // A quarter more than needed: growing is cheap, but each time a little is not.
      this.memory.grow(Math.min(available, Math.max(pages, Math.ceil(size / page / 4))));
    } catch (cause) {
      throw new QuernError('out-of-memory', 'the browser gives no more memory', { expected: `${megabytes(bytes)} more`, got: `${megabytes(size)} in use`, cause });
    }
    this.#free({ start: size - page, bytes: this.memory.buffer.byteLength - size });
    return this.#fitting(bytes);
  }
}
