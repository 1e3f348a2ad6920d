/** Walking the points of a kernel: numbers to loop variables and back, in row-major order with the last axis fastest. */

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
