/**
 * GPU memory: one buffer per region, sized in whole vectors so that a kernel may read the last one whole. Input: allocations, writes and
 * reads in plain element form; output: buffers for bind groups. Allocation is asynchronous on a GPU: a failure arrives later and is thrown
 * by the next call that waits (`settled`). Invariant: used and peak count what is allocated, staging buffers included.
 */
import type { Region, View } from '../../device.ts';
import { QuernError } from '../../error.ts';
import type { DType } from '../../expr/dtype.ts';
import { fromDevice, toDevice } from './storage.ts';

/** Bytes of a vec4: sizes of buffers and bindings are multiples of it. */
const grain = 16;
export const rounded = (bytes: number): number => Math.max(grain, Math.ceil(bytes / grain) * grain);

interface GpuRegion extends Region {
  readonly buffer: GPUBuffer;
  released: boolean;
}

export class Memory {
  #used = 0;
  #peak = 0;
  #failure: QuernError | undefined;
  readonly #pending = new Set<Promise<void>>();
  readonly #regions = new Set<GpuRegion>();

  constructor(private readonly device: GPUDevice) {}

  allocate(bytes: number): Region {
    const size = rounded(bytes);
    const most = this.device.limits.maxBufferSize;
    if (size > most) {
      throw new QuernError('model-too-large', 'a tensor is larger than a buffer of this GPU may be', {
        expected: `at most ${most} bytes`, got: String(size), hint: "load the model with device: 'wasm'",
      });
    }
    const buffer = this.#buffer(size, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
    const region: GpuRegion = { bytes, buffer, released: false };
    this.#regions.add(region);
    this.#count(size);
    return region;
  }

  #buffer(size: number, usage: number): GPUBuffer {
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ size, usage });
    const check = this.device.popErrorScope().then((error) => {
      if (error !== null) this.#failure ??= new QuernError('out-of-memory', 'the GPU has no memory left', { got: `${size} bytes wanted, ${this.#used} in use` });
    }, () => undefined).finally(() => { this.#pending.delete(check); });
    this.#pending.add(check);
    return buffer;
  }

  #count(bytes: number): void {
    this.#used += bytes;
    this.#peak = Math.max(this.#peak, this.#used);
  }

  /** Waits for allocations under way; rejects with `out-of-memory` if one failed. */
  async settled(): Promise<void> {
    if (this.#pending.size > 0) await Promise.all(this.#pending);
    if (this.#failure !== undefined) throw this.#failure;
  }

  release(region: Region): void {
    const own = this.#of(region);
    own.released = true;
    own.buffer.destroy();
    this.#regions.delete(own);
    this.#used -= rounded(own.bytes);
  }

  #of(region: Region): GpuRegion {
    if (region.released || !('buffer' in region)) throw new QuernError('internal', 'a region is used after its release');
    return region as GpuRegion;
  }

  bufferOf(region: Region): GPUBuffer { return this.#of(region).buffer; }

  /** The buffer and byte range of a view, in whole vectors. */
  binding(view: View): GPUBufferBinding & { readonly buffer: GPUBuffer } {
    const { buffer } = this.#of(view.region);
    if (view.offset + view.bytes > view.region.bytes) {
      throw new QuernError('internal', 'a view does not fit its region', { expected: `${view.region.bytes} bytes`, got: `${view.bytes} at ${view.offset}` });
    }
    return { buffer, offset: view.offset, size: Math.min(rounded(view.bytes), buffer.size - view.offset) };
  }

  write(view: View, dtype: DType, bytes: Uint8Array): void {
    const { buffer, offset = 0 } = this.binding(view);
    const data = toDevice(dtype, bytes);
    if (data.byteLength !== view.bytes) {
      throw new QuernError('internal', 'a write does not fit its view', { expected: `${view.bytes} bytes for ${dtype}`, got: String(data.byteLength) });
    }
    // Writes are in multiples of 4 bytes, from memory that is not shared.
    const whole = data.byteLength - (data.byteLength % 4);
    const shared = typeof SharedArrayBuffer !== 'undefined' && data.buffer instanceof SharedArrayBuffer;
    if (shared) this.#writeInParts(buffer, offset, data.subarray(0, whole));
    else if (whole > 0) this.device.queue.writeBuffer(buffer, offset, data as Uint8Array<ArrayBuffer>, 0, whole);
    if (whole < data.byteLength) {
      const last = new Uint8Array(4);
      last.set(data.subarray(whole));
      this.device.queue.writeBuffer(buffer, offset + whole, last);
    }
  }

  /** Through a bounce buffer of 4 MiB: the API takes no views of shared memory. */
  #writeInParts(buffer: GPUBuffer, offset: number, data: Uint8Array): void {
    const bounce = new Uint8Array(Math.min(data.byteLength, 4 * 2 ** 20));
    for (let done = 0; done < data.byteLength; done += bounce.byteLength) {
      const part = data.subarray(done, done + bounce.byteLength);
      bounce.set(part);
      this.device.queue.writeBuffer(buffer, offset + done, bounce, 0, part.byteLength);
    }
  }

  /** The elements of a view, after everything submitted so far. */
  async read(view: View, dtype: DType): Promise<Uint8Array> {
    if (view.bytes === 0) return new Uint8Array(0);
    const { buffer, offset = 0 } = this.binding(view);
    const size = Math.ceil(view.bytes / 4) * 4;
    const staging = this.device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    this.#count(size);
    try {
      const encoder = this.device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
      this.device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      return fromDevice(dtype, new Uint8Array(staging.getMappedRange()).slice(0, view.bytes));
    } finally {
      this.#used -= size;
      staging.destroy();
    }
  }

  copy(from: View, to: View): void {
    const [source, target] = [this.binding(from), this.binding(to)];
    const size = Math.ceil(Math.min(from.bytes, to.bytes) / 4) * 4;
    if (size === 0) return;
    const encoder = this.device.createCommandEncoder();
    if (source.buffer === target.buffer) {
      // Within one buffer a copy goes by way of another.
      const between = this.device.createBuffer({ size, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
      encoder.copyBufferToBuffer(source.buffer, from.offset, between, 0, size);
      encoder.copyBufferToBuffer(between, 0, target.buffer, to.offset, size);
      this.device.queue.submit([encoder.finish()]);
      between.destroy();
      return;
    }
    encoder.copyBufferToBuffer(source.buffer, from.offset, target.buffer, to.offset, size);
    this.device.queue.submit([encoder.finish()]);
  }

  usage(): { readonly used: number; readonly peak: number } { return { used: this.#used, peak: this.#peak }; }

  dispose(): void {
    for (const region of this.#regions) {
      region.released = true;
      region.buffer.destroy();
    }
    this.#regions.clear();
    this.#used = 0;
  }
}
