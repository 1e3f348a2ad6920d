/**
 * Where weights land: the device is made as soon as their size is announced, while they are still on their way, and large ones go straight
 * into its memory, so that nothing is held twice. In: how to choose a device. Out: it, and the regions under the bytes of constants.
 * Devices whose memory cannot be addressed here (GPUs) get ordinary memory in between.
 */
import type { Device, Region } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import { type Allocate, allocate } from '../load/byte-stream.ts';
import { type Chosen, disposeDevices } from './choose-device.ts';

/** Said of the first weight that is too large, before it is downloaded. */
function fitting({ profile: { limits } }: Device, bytes: number): number {
  const most = Math.min(limits['maxBufferSize'] ?? Infinity, limits['maxStorageBufferBindingSize'] ?? Infinity);
  if (bytes <= most) return bytes;
  throw new QuernError('model-too-large', 'a weight of the model does not fit into a buffer of the GPU', {
    expected: `at most ${most} bytes (maxBufferSize, maxStorageBufferBindingSize)`, got: `${bytes} bytes`, hint: "load it with device: 'wasm'",
  });
}

export class Landing {
  readonly #choose: (weightBytes: number) => Promise<Chosen>;
  #chosen: Promise<Chosen> | undefined;
  #expected = 0;
  readonly #regions = new Map<Uint8Array, Region>();

  constructor(choose: (weightBytes: number) => Promise<Chosen>) {
    this.#choose = choose;
  }

  /** Announces weights (undefined: nobody knows how many). More than before takes a larger device, while the first one is still empty. */
  expect(bytes = Infinity): Allocate {
    if (bytes > this.#expected && this.#regions.size === 0) {
      const small = this.#chosen;
      this.#expected = bytes;
      this.#chosen = (async () => {
        await small?.then(disposeDevices);
        return this.#choose(bytes);
      })();
      // Heard of by whoever waits for it; until then a failure must not count as unheard.
      this.#chosen.catch(() => undefined);
    }
    return async (count) => {
      const { main } = (await this.device()).devices;
      if (main.map === undefined) return allocate(fitting(main, count));
      const region = main.allocate(count);
      const view = main.map({ region, offset: 0, bytes: count });
      this.#regions.set(view, region);
      return view;
    };
  }

  device(): Promise<Chosen> {
    this.#chosen ??= this.#choose(this.#expected);
    return this.#chosen;
  }

  /** The region in which bytes landed; from now on the caller's. */
  take(bytes: Uint8Array): Region | undefined {
    const region = this.#regions.get(bytes);
    this.#regions.delete(bytes);
    return region;
  }

  /** Frees what landed and is none of `used`. */
  async keepOnly(used: ReadonlySet<Uint8Array>): Promise<void> {
    const { main } = (await this.device()).devices;
    for (const [bytes, region] of this.#regions) {
      if (used.has(bytes)) continue;
      main.release(region);
      this.#regions.delete(bytes);
    }
  }

  async dispose(): Promise<void> {
    await this.#chosen?.then(disposeDevices, () => undefined);
  }
}
