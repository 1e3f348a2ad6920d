/**
 * Inputs nobody gave: the same values on every machine, from a fixed seed and the input's name. Floats are normal; integers are 0 or 1, since
 * they are mostly token ids, positions and masks, where larger values could be out of range.
 */
import { bytesOf, isBig, isFloat, toHalf, viewAs, type DType } from '../../jit/expr/dtype.ts';
import type { HostTensor } from './compare.ts';

/** Uniform numbers in [0, 1): mulberry32, a public-domain generator of Tommy Ettinger's. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Symbolic dims that `dims` does not name become 1. */
export function fill(name: string, dtype: DType, shape: readonly (number | string)[], dims: Readonly<Record<string, number>>): HostTensor {
  const sizes = shape.map((d) => (typeof d === 'number' ? d : (dims[d] ?? 1)));
  const count = sizes.reduce((a, b) => a * b, 1);
  const data = viewAs(dtype, new Uint8Array(count * bytesOf(dtype)));
  const random = uniform(new TextEncoder().encode(name).reduce((hash, byte) => Math.imul(hash ^ byte, 16777619), 2166136261));
  for (let i = 0; i < count; i++) {
    if (isBig(dtype)) data[i] = random() < 0.5 ? 0n : 1n;
    else if (!isFloat(dtype)) data[i] = random() < 0.5 ? 0 : 1;
    else {
      // Box and Muller: two uniform numbers make a normal one.
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      data[i] = dtype === 'float16' ? toHalf(normal) : normal;
    }
  }
  return { dtype, dims: sizes, data };
}
