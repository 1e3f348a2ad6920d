/**
 * What a fixture is: a small model as a builder, feeds from a fixed seed, and outputs that another engine computed. For tests only;
 * nothing outside of tests imports from this folder. Outputs live in outputs.json and are recorded by record-outputs.mjs.
 */
import { type DType, type TypedArray, isBig, toHalf } from '../../jit/expr/dtype.ts';
import { type TensorLiteral, tensor } from '../load/testing/build-model.ts';

export interface FixtureTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Row-major; float16 as bits, bool as 0 and 1. */
  readonly data: TypedArray;
}

export interface FixtureCase {
  readonly feeds: Readonly<Record<string, FixtureTensor>>;
  readonly outputs: Readonly<Record<string, FixtureTensor>>;
  /** The values that the feeds give the model's symbolic dims. */
  readonly dims: Readonly<Record<string, number>>;
}

export interface Fixture {
  readonly name: string;
  readonly build: () => Uint8Array;
  readonly cases: readonly FixtureCase[];
}

/** A fixture before its outputs are known. */
export interface FixtureSource {
  readonly name: string;
  readonly build: () => Uint8Array;
  readonly cases: readonly Omit<FixtureCase, 'outputs'>[];
}

/** Tensors of fixed pseudo-random contents: a linear congruential generator (Numerical Recipes), high bits only. */
export class Seeded {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** Uniform in [0, 1), a multiple of 2^-20, so that it is exact in every format and prints short. */
  unit(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return (this.#state >>> 12) / 2 ** 20;
  }

  /** float32, uniform in [-scale, scale) around `center`. */
  floats(dims: readonly number[], scale = 1, center = 0): TensorLiteral {
    return tensor('float32', dims, this.#list(dims, () => center + scale * (2 * this.unit() - 1)));
  }

  halves(dims: readonly number[], scale = 1): TensorLiteral {
    return tensor('float16', dims, this.#list(dims, () => toHalf(scale * (2 * this.unit() - 1))));
  }

  /** Integers in [low, high). */
  integers(dtype: DType, dims: readonly number[], low: number, high: number): TensorLiteral {
    return tensor(dtype, dims, this.#list(dims, () => low + Math.floor(this.unit() * (high - low))));
  }

  #list(dims: readonly number[], one: () => number): number[] {
    return Array.from({ length: dims.reduce((a, b) => a * b, 1) }, one);
  }
}

/** A tensor as outputs.json holds it. */
export interface RecordedTensor {
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

export function fromRecord({ dtype, dims, data }: RecordedTensor): FixtureTensor {
  const type = dtype as DType;
  return tensor(type, dims, isBig(type) ? data.map(BigInt) : data);
}
