/**
 * Comparing outputs: bit for bit where a numeric class promises that, against expected values with bounds where it does not. Input:
 * bytes in plain form. Output: the first difference in words, or undefined.
 */
import type { Accuracy } from '../backends/reference/accuracy.ts';
import type { Expected } from '../backends/reference/bounds.ts';
import { type DType, type TypedArray, fromHalf, isFloat, viewAs } from '../expr/dtype.ts';

const greatest: Partial<Record<DType, number>> = { float16: 65504, float32: 3.4028234663852886e38, float64: Number.MAX_VALUE };

/** Is `got`, an element as the typed array has it, what was expected? */
export function agrees(dtype: DType, got: number | bigint | undefined, expected: Expected, accuracy: Accuracy): boolean {
  const { value, bound } = expected;
  if (got === undefined) return false;
  if (!isFloat(dtype)) {
    if (got === value || bound === Infinity) return true;
    // Beside floats, 64-bit integers are expected as doubles.
    if (typeof value === 'bigint') return typeof got === 'bigint' && abs(got - value) <= BigInt(Math.ceil(bound));
    return Math.abs(Number(got) - value) <= bound;
  }
  const x = dtype === 'float16' ? fromHalf(Number(got)) : Number(got);
  const want = Number(value);
  if (bound === Infinity || x === want) return true;
  if (!Number.isFinite(want)) return Number.isNaN(want) ? Number.isNaN(x) || !accuracy.special : !accuracy.special;
  if (Math.abs(x) === Infinity) return Math.sign(x) === Math.sign(want) && Math.abs(want) + bound >= (greatest[dtype] ?? Infinity);
  return Math.abs(x - want) <= bound;
}

const abs = (x: bigint): bigint => (x < 0n ? -x : x);

/** The first of the expected elements that is something else, in words. */
export function firstMiss(
  outputs: ReadonlyMap<number, { readonly dtype: DType; readonly data: TypedArray }>, expected: readonly Expected[], accuracy: Accuracy,
): string | undefined {
  for (const e of expected) {
    const output = outputs.get(e.tensor);
    if (output === undefined) continue;
    const got = output.data[e.element];
    if (agrees(output.dtype, got, e, accuracy)) continue;
    const shown = output.dtype === 'float16' && got !== undefined ? fromHalf(Number(got)) : got;
    return `element ${e.element} of argument ${e.tensor} is ${String(shown)} instead of ${String(e.value)} (within ${e.bound})`;
  }
  return undefined;
}

/** The first element whose bits differ (any NaN equals any NaN); -1 if there is none. */
export function firstDifference(dtype: DType, a: Uint8Array, b: Uint8Array): number {
  // Whole words first: equal words are equal elements, and that is almost always all there is to see.
  const words = Math.min(a.byteLength, b.byteLength) >> 2;
  let from = 0;
  if (a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    const [p, q] = [new Int32Array(a.buffer, a.byteOffset, words), new Int32Array(b.buffer, b.byteOffset, words)];
    while (from < words && p[from] === q[from]) from++;
  }
  const [x, y] = [viewAs(dtype, a), viewAs(dtype, b)];
  if (x.length !== y.length) return Math.min(x.length, y.length);
  const start = Math.floor((from * 4) / x.BYTES_PER_ELEMENT);
  for (let i = start; i < x.length; i++) {
    const [p, q] = [x[i], y[i]];
    if (Object.is(p, q)) continue;
    if (dtype === 'float16' && Number.isNaN(fromHalf(Number(p))) && Number.isNaN(fromHalf(Number(q)))) continue;
    return i;
  }
  return -1;
}

/** Elements in which two outputs differ most, absolutely and relative to their size: where a wrong kernel shows first. */
export function suspects(dtype: DType, a: Uint8Array, b: Uint8Array, count: number): number[] {
  const [x, y] = [viewAs(dtype, a), viewAs(dtype, b)];
  const value = (v: number | bigint | undefined): number => (dtype === 'float16' ? fromHalf(Number(v)) : Number(v));
  const absolute: { at: number; by: number }[] = [];
  const relative: { at: number; by: number }[] = [];
  const keep = (list: { at: number; by: number }[], at: number, by: number): void => {
    if (list.length === count && by <= (list[count - 1]?.by ?? 0)) return;
    list.push({ at, by });
    list.sort((p, q) => q.by - p.by);
    list.length = Math.min(list.length, count);
  };
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [p, q] = [x[i], y[i]];
    if (Object.is(p, q)) continue;
    const [u, v] = [value(p), value(q)];
    const gap = Number.isNaN(u) && Number.isNaN(v) ? 0 : Math.abs(u - v);
    if (gap === 0) continue;
    const by = Number.isNaN(gap) ? Infinity : gap;
    keep(absolute, i, by);
    keep(relative, i, by / (Math.abs(u) + Math.abs(v)) || by);
  }
  return [...new Set([...absolute, ...relative].map(({ at }) => at))];
}
