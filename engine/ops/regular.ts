/**
 * Index tensors that are a line: exported slices, windows and shuffles hold, element by element, first + step * position. In: an index tensor whose
 * elements are known while compiling, none negative. Out: the line, as an index expression that needs no memory, no check while running, and
 * leaves affine addresses.
 */
import { type Expr, add, asInt, int, mul } from '../../jit/expr/expr.ts';
import type { Lowering, Tensor } from './operator.ts';

export interface Line {
  readonly first: number;
  /** What an element is more than its neighbour before it, along each dim. */
  readonly steps: readonly number[];
  readonly most: number;
}

/** One line for each `planes` elements along the last dim (coordinates of index tuples), or one of all elements. */
export function linesOf(build: Lowering, indices: Tensor, planes?: number): readonly Line[] | undefined {
  const elements = build.fixed(indices);
  const shape = indices.shape.slice(0, planes === undefined ? indices.rank : -1).map((d) => asInt(d) ?? 0);
  if (elements === undefined || elements.length === 0) return undefined;
  const lines = Array.from({ length: planes ?? 1 }, (_, k) => lineOf((i) => Number(elements[i * (planes ?? 1) + k]), shape));
  return lines.every((line) => line !== undefined) ? lines : undefined;
}

function lineOf(element: (flat: number) => number, shape: readonly number[]): Line | undefined {
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const first = element(0);
  const steps = shape.map((size, d) => (size > 1 ? element(strides[d] ?? 0) - first : 0));
  let most = first;
  for (let flat = shape.reduce((a, b) => a * b, 1) - 1; flat >= 0; flat--) {
    const value = steps.reduce((sum, step, d) => sum + step * (Math.floor(flat / (strides[d] ?? 1)) % (shape[d] ?? 1)), first);
    if (value < 0 || value !== element(flat)) return undefined;
    most = Math.max(most, value);
  }
  return { first, steps, most };
}

export const onLine = ({ first, steps }: Line, at: readonly Expr[]): Expr =>
  steps.reduce<Expr>((sum, step, d) => add(sum, mul(at[d] ?? int(0), step)), int(first));
