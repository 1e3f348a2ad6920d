/**
 * Windows that slide over spatial dims, as convolutions and pools have them: attributes, padding and sizes of the result.
 */
import { type Expr, add, and, asInt, floordiv, ge, int, lt, max, min, mul, sub } from '../../jit/expr/expr.ts';
import type { Lowering } from './operator.ts';
import { ceildiv } from './shape.ts';

export interface Window {
  readonly kernel: readonly Expr[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly Expr[];
  readonly end: readonly Expr[];
  /** Spatial dims of the result. */
  readonly out: readonly Expr[];
}

/** Elements from the first to the last tap. */
export const extentOf = (kernel: Expr, dilation: number): Expr => add(mul(sub(kernel, 1), dilation), 1);

/** A list attribute with one number for each of `length` places, none below `least`. */
export function perPlace(build: Lowering, name: string, length: number, otherwise: number, least = 1): readonly number[] {
  const found = build.attributes.ints(name, []);
  if (found.length === 0) return new Array<number>(length).fill(otherwise);
  if (found.length !== length) {
    build.fail('invalid-attribute', `attribute '${name}' has the wrong length`, { expected: String(length), got: String(found.length) });
  }
  if (found.some((v) => v < least)) build.fail('invalid-attribute', `attribute '${name}' is too small`, { expected: `at least ${least}`, got: found.join(', ') });
  return found;
}

export function windowOf(build: Lowering, spatial: readonly Expr[], kernel: readonly Expr[]): Window {
  const { attributes } = build;
  const rank = spatial.length;
  if (kernel.length !== rank) {
    build.fail('invalid-attribute', 'the kernel has another rank than the input', { expected: String(rank), got: String(kernel.length) });
  }
  if (kernel.some((k) => asInt(k) === 0)) build.fail('invalid-attribute', 'a kernel of no size');
  const [strides, dilations] = [perPlace(build, 'strides', rank, 1), perPlace(build, 'dilations', rank, 1)];
  const auto = attributes.string('auto_pad', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID', ''], 'NOTSET');
  const pads = perPlace(build, 'pads', 2 * rank, 0, -Infinity);
  const ceil = attributes.int('ceil_mode', 0) !== 0;
  const begin: Expr[] = [];
  const end: Expr[] = [];
  const out = spatial.map((dim, d) => {
    const [size, stride] = [extentOf(kernel[d] ?? int(1), dilations[d] ?? 1), strides[d] ?? 1];
    if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
      const result = ceildiv(dim, stride);
      const total = max(sub(add(mul(sub(result, 1), stride), size), dim), 0);
      const small = floordiv(total, 2);
      begin.push(auto === 'SAME_UPPER' ? small : sub(total, small));
      end.push(auto === 'SAME_UPPER' ? sub(total, small) : small);
      return result;
    }
    const [before, after] = auto === 'VALID' ? [0, 0] : [pads[d] ?? 0, pads[d + rank] ?? 0];
    begin.push(int(before));
    end.push(int(after));
    const room = sub(add(dim, before + after), size);
    if (!ceil) return add(floordiv(room, stride), 1);
    // The last window of ceil mode must start inside the input or its leading padding.
    return min(add(ceildiv(room, stride), 1), add(floordiv(sub(add(dim, before), 1), stride), 1));
  });
  for (const [d, size] of out.entries()) {
    const fixed = asInt(size);
    if (fixed !== undefined && fixed < 0) build.fail('shape-mismatch', `the kernel is larger than the padded input along spatial dim ${d}`);
  }
  return { kernel, strides, dilations, begin, end, out };
}

/** Where a tap of the window at `at` reads. */
export const tapsAt = ({ strides, dilations, begin }: Window, at: readonly Expr[], tap: readonly Expr[]): Expr[] =>
  at.map((y, d) => sub(add(mul(y, strides[d] ?? 1), mul(tap[d] ?? int(0), dilations[d] ?? 1)), begin[d] ?? int(0)));

/** Whether a position lies inside; folds to true where nothing is padded. */
export const inside = (position: readonly Expr[], spatial: readonly Expr[]): Expr =>
  and(...position.flatMap((p, d) => [ge(p, 0), lt(p, spatial[d] ?? int(1))]));
