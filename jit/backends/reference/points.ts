/** What both walks over a kernel need: its points (numbers to loop variables and back, the last axis fastest), extents and uses. */
import { type Expr, product } from '../../expr/expr.ts';
import { evaluate, operands, walk } from '../../expr/visit.ts';
import { type Kernel, allAxes, expressions, pointAxes } from '../../kernel.ts';

/** Sets loop variables to the n-th point, in row-major order. */
export function seek(cells: readonly { value: number }[], shape: readonly number[], n: number): void {
  let rest = n;
  for (let d = cells.length - 1; d >= 0; d--) {
    const size = shape[d] as number;
    (cells[d] as { value: number }).value = rest % size;
    rest = Math.floor(rest / size);
  }
}

/** The next point; after the last one, the first. */
export function advance(cells: readonly { value: number }[], shape: readonly number[]): void {
  for (let d = cells.length - 1; d >= 0; d--) {
    const cell = cells[d] as { value: number };
    cell.value++;
    if (cell.value < (shape[d] as number)) return;
    cell.value = 0;
  }
}

/** Values of a kernel's syms, for `evaluate`. */
export const dimsOf = (kernel: Kernel, dims: readonly number[]): ReadonlyMap<Expr, number> =>
  new Map<Expr, number>(kernel.syms.map((s, i) => [s, dims[i] ?? 0]));

/** Elements from the first to the last of a strided tensor, inclusive; 0 if it is empty. */
export const extentOf = (shape: readonly number[], strides: readonly number[]): number =>
  shape.some((d) => d === 0) ? 0 : shape.reduce((at, d, i) => at + (d - 1) * (strides[i] ?? 0), 1);

/** Number of points of a kernel: `only` names them from 0. */
export function pointCount(kernel: Kernel, dims: readonly number[]): number {
  return evaluate(product(pointAxes(kernel.body).map((v) => v.extent)), dimsOf(kernel, dims));
}

/** `count` points spread over `total` in a fixed pseudo-random way: the first, the last, and others between. */
export function samplePoints(total: number, count: number, seed = 1): number[] {
  if (total <= count) return Array.from({ length: total }, (_, i) => i);
  const chosen = new Set([0, total - 1]);
  let state = seed >>> 0 || 1;
  while (chosen.size < count) {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5; // xorshift32 (Marsaglia 2003)
    chosen.add((state >>> 0) % total);
  }
  return [...chosen].sort((a, b) => a - b);
}

/** How often each node is an operand: what is used once need not be remembered. */
export function countUses(kernel: Kernel): Map<Expr, number> {
  const uses = new Map<Expr, number>();
  const count = (e: Expr): void => { uses.set(e, (uses.get(e) ?? 0) + 1); };
  const roots = [...expressions(kernel.body), ...allAxes(kernel.body).map((v) => v.extent)];
  roots.forEach(count);
  walk(roots, (e) => operands(e).forEach(count));
  return uses;
}
