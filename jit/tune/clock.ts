/**
 * The stopwatch's own resolution. Browsers coarsen `performance.now()`: 5 us with isolation in Chromium, 100 us without, 1 ms in
 * WebKit, up to 16.7 or 100 ms where fingerprinting is resisted. Measurements must last many ticks.
 */

/** Nanoseconds between two readings that differ: the least of a few, after at most some 40 ms of looking. */
export function clockTick(now: () => number = () => performance.now()): number {
  let least = Infinity;
  const begin = now();
  let last = begin;
  for (let seen = 0, polls = 0; seen < 8 && polls < 4_000_000; polls++) {
    const time = now();
    if (time > last) {
      least = Math.min(least, time - last);
      seen++;
      last = time;
      if (time - begin > 40) break;
    }
  }
  return Number.isFinite(least) ? Math.round(least * 1e6) : 1e6;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return NaN;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}
