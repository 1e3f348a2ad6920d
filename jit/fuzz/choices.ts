/**
 * Where fuzzers take their decisions from: a stream of numbers, from a seed or replayed from a list. Every decision is one number whose 0
 * is the simplest answer, and a list that ends goes on with zeros: so any shorter or smaller list is again a valid, simpler case, and
 * one shrinker (shrink.ts) serves kernels, graphs and bytes alike. After Hypothesis (MacIver and Donaldson, 2020).
 */

export class Choices {
  /** What was drawn so far: replaying it makes the same case again. */
  readonly taken: number[] = [];
  readonly #next: (below: number) => number;

  constructor(source: number | readonly number[]) {
    this.#next = typeof source === 'number' ? seeded(source) : replayed(source);
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    const value = n <= 1 ? 0 : this.#next(n);
    this.taken.push(value);
    return value;
  }

  /** From `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in so many of 100 cases. */
  chance(percent: number): boolean {
    return this.below(100) >= 100 - percent;
  }

  pick<T>(list: readonly T[]): T {
    const value = list[this.below(list.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }

  /** The list in another order. */
  shuffle<T>(list: readonly T[]): T[] {
    const rest = [...list];
    return list.map(() => rest.splice(this.below(rest.length), 1)[0] as T);
  }
}

/** splitmix32 (Steele, Lea and Flood, 2014): neighbouring seeds give unrelated streams. */
function seeded(seed: number): (below: number) => number {
  let state = Math.imul(seed, 0x85ebca6b) ^ 0x5bf03635;
  return (below) => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return Math.floor((((z ^ (z >>> 15)) >>> 0) / 2 ** 32) * below);
  };
}

function replayed(list: readonly number[]): (below: number) => number {
  let at = 0;
  return (below) => Math.min(list[at++] ?? 0, below - 1);
}
