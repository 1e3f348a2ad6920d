/**
 * Data to run a kernel on when there is none: seeded, the same everywhere, in ranges that suit how each argument is used. Arguments
 * that indices are made of hold small indices, divisors and logarithms get positive numbers. Input: a kernel and dims. Output: one
 * buffer for each argument in its plain form, on which the reference runs without an error (checked on samples), or why there is none.
 */
import { accuracyOf } from '../backends/reference/accuracy.ts';
import { expectedAt } from '../backends/reference/bounds.ts';
import { dimsOf, extentOf, pointCount, samplePoints } from '../backends/reference/points.ts';
import { QuernError } from '../error.ts';
import { type DType, bytesOf, bytesUnder, toHalf, viewAs } from '../expr/dtype.ts';
import type { Expr } from '../expr/expr.ts';
import { collect, evaluate, isLoad, walk } from '../expr/visit.ts';
import { type Kernel, allAxes, expressions, stores } from '../kernel.ts';

export interface Scratch {
  readonly buffers: readonly Uint8Array[];
}

/** A prime, so that repeats of the pattern never line up with rows, tiles or panels. */
const period = 65521;

/**
 * Memory for an argument of so many bytes, the same each time, and whether it holds data already, to be taken as they are. `any`: every
 * value will do; else indices are made of them, which must fit the extents of this very kernel.
 */
export type Given = (slot: number, bytes: number, any: boolean) => { readonly bytes: Uint8Array; readonly filled: boolean } | undefined;

export function scratchFor(kernel: Kernel, dims: readonly number[], seed = 1, given: Given = () => undefined): Scratch | { readonly why: string } {
  const sizes = kernel.args.map((arg) => {
    const env = dimsOf(kernel, dims);
    return extentOf(arg.shape.map((d) => evaluate(d, env)), arg.strides.map((d) => evaluate(d, env)));
  });
  const limits = indexLimits(kernel, dims);
  const positive = needsPositive(kernel);
  const made = (zeros: boolean): Uint8Array[] => kernel.args.map((arg, i) => {
    const limit = limits.get(i);
    const range: Range = limit === undefined ? (positive ? 'positive' : 'any') : { below: zeros ? 1 : limit };
    const count = sizes[i] ?? 0;
    const memory = given(i, count * bytesOf(arg.dtype), limit === undefined);
    return memory?.filled === true ? memory.bytes : fill(arg.dtype, count, range, seed * 31 + i, memory?.bytes);
  });
  const first = made(false);
  if (runs(kernel, dims, first) === undefined) return { buffers: first };
  const second = made(true);
  const why = runs(kernel, dims, second);
  return why === undefined ? { buffers: second } : { why };
}

/** Does the reference run on these buffers? Undefined if so, else what it says. */
function runs(kernel: Kernel, dims: readonly number[], buffers: readonly Uint8Array[]): string | undefined {
  try {
    expectedAt(kernel, dims, buffers, samplePoints(pointCount(kernel, dims), 4), accuracyOf('wasm'));
    return undefined;
  } catch (error) {
    if (error instanceof QuernError) return error.message;
    throw error;
  }
}

/** Arguments whose elements end up in an index or a loop's extent, with the smallest extent that they index. */
function indexLimits(kernel: Kernel, dims: readonly number[]): Map<number, number> {
  const limits = new Map<number, number>();
  const env = dimsOf(kernel, dims);
  const note = (e: Expr, below: number): void => {
    for (const l of collect([e], isLoad)) limits.set(l.tensor, Math.min(limits.get(l.tensor) ?? Infinity, Math.max(1, below)));
  };
  const indexed = (tensor: number, index: readonly Expr[]): void => {
    const shape = kernel.args[tensor]?.shape ?? [];
    index.forEach((e, d) => { note(e, evaluate(shape[d] ?? e, env)); });
  };
  walk(expressions(kernel.body), (e) => { if (e.op === 'load') indexed(e.tensor, e.index); });
  for (const s of stores(kernel.body)) indexed(s.tensor, s.index);
  for (const v of allAxes(kernel.body)) note(v.extent, 4);
  return limits;
}

const wary = new Set(['sqrt', 'log', 'acosh', 'reciprocal', 'pow', 'div', 'rem', 'floordiv', 'floormod']);

/** Does anything divide, or take roots or logarithms? Index arithmetic does not count. */
const needsPositive = (kernel: Kernel): boolean =>
  collect(expressions(kernel.body), isWary).length > 0;
const isWary = (e: Expr): e is Expr => (e.op === 'unary' || e.op === 'binary') && e.dtype !== 'index' && wary.has(e.fn);

export type Range = 'any' | 'positive' | { readonly below: number };

/** `count` elements of a type from a seed: floats of size 1, bytes over their whole range, wider integers small. */
export function fill(
  dtype: DType, count: number, range: Range, seed: number, bytes: Uint8Array = new Uint8Array(count * bytesOf(dtype)),
): Uint8Array {
  const view = viewAs(dtype, bytes);
  let state = (Math.imul(seed + 1, 0x9e3779b1) >>> 0) || 1;
  const next = (): number => {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5; // xorshift32 (Marsaglia 2003)
    return (state >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 8; i++) next();
  const draw = drawer(dtype, range, next);
  const distinct = Math.min(count, period);
  for (let i = 0; i < distinct; i++) view[i] = draw();
  const block = distinct * bytesOf(dtype);
  const target = bytesUnder(view);
  for (let at = block; at < target.length && block > 0; at += block) target.copyWithin(at, 0, Math.min(block, target.length - at));
  return bytes;
}

function drawer(dtype: DType, range: Range, next: () => number): () => number | bigint {
  if (typeof range === 'object') {
    const draw = (): number => Math.floor(next() * range.below);
    if (dtype === 'int64' || dtype === 'uint64') return () => BigInt(draw());
    if (dtype === 'float16') return () => toHalf(draw());
    return dtype === 'bool' ? () => Math.min(1, draw()) : draw;
  }
  const real = range === 'positive' ? (): number => 0.25 + next() : (): number => 2 * next() - 1;
  switch (dtype) {
    case 'float32': case 'float64': return real;
    case 'float16': return () => toHalf(real());
    case 'bool': return () => (next() < 0.5 ? 0 : 1);
    case 'uint8': return range === 'positive' ? () => 1 + Math.floor(next() * 255) : () => Math.floor(next() * 256);
    // Negative divisors are as good as any; zero is not.
    case 'int8': return () => Math.floor(next() * 256) - 128 || 1;
    case 'int64': return () => BigInt(Math.floor(next() * 200) - 100 || 1);
    case 'uint64': return () => BigInt(Math.floor(next() * 200) + 1);
    case 'uint16': case 'uint32': return () => Math.floor(next() * 200) + 1;
    case 'int16': case 'int32': return () => Math.floor(next() * 200) - 100 || 1;
    default: return dtype satisfies never;
  }
}
