/**
 * Packing in the weight's own memory. A large weight that is packed from one place into another stands there twice: the head of a language
 * model of 499 MB is 98 of them. Packing for panels moves whole blocks: from (row, column) of a matrix of blocks to (column, row). In: a
 * setup step, or the bytes. Out: the matrix, if it is such a step; the bytes in their new order.
 */
import type { Kernel } from '../../jit/kernel.ts';
import { rearranging } from './rearranging.ts';

export interface Blocks {
  readonly rows: number;
  readonly columns: number;
  /** Bytes of a block. */
  readonly size: number;
}

/** Blocks that are moved at once in the first pass: some megabytes, so that the copy of them stays small. */
const groupBytes = 4 * 2 ** 20;

/** Undefined where the kernel does anything else than move blocks of one tensor to those of another. */
export function blocksOf(kernel: Kernel, dims: readonly number[]): Blocks | undefined {
  const { size: element, axes: [column, row, lane, ...more] } = rearranging(kernel, dims) ?? { size: 0, axes: [] };
  if (column === undefined || row === undefined || lane === undefined || more.length > 0) return undefined;
  const [rows, columns, size] = [row.count, column.count, lane.count * element];
  const turned = column.from === size && column.to === rows * size && row.from === columns * size && row.to === size;
  return turned && lane.from === element && lane.to === element && size % 4 === 0 ? { rows, columns, size } : undefined;
}

/**
 * Transposes a matrix of blocks where it stands. First in groups of rows, through a copy of each group; what is then a matrix of larger
 * elements (some KB) is permuted along its cycles.
 */
export function transposeBlocks(bytes: Uint8Array, { rows, columns, size }: Blocks): void {
  let together = Math.max(1, Math.min(rows, Math.floor(groupBytes / (columns * size))));
  while (rows % together !== 0) together--;
  const words = size / 4;
  const group = new Int32Array(together * columns * words);
  for (let first = 0; first < rows && together > 1; first += together) {
    // Words as integers: a float on its way through a number may lose the bits of a NaN.
    const place = new Int32Array(bytes.buffer, bytes.byteOffset + first * columns * size, group.length);
    group.set(place);
    let to = 0;
    for (let c = 0; c < columns; c++) {
      for (let r = 0; r < together; r++) {
        const from = (r * columns + c) * words;
        for (let w = 0; w < words; w++) place[to++] = group[from + w] ?? 0;
      }
    }
  }
  permute(bytes, rows / together, columns, together * size);
}

/** Element (row, column) goes to (column, row), each of `size` bytes. */
function permute(bytes: Uint8Array, rows: number, columns: number, size: number): void {
  const done = new Uint8Array(rows * columns);
  for (let start = 0; start < done.length; start++) {
    if (done[start] === 1) continue;
    const held = bytes.slice(start * size, (start + 1) * size);
    for (let at = start; ;) {
      done[at] = 1;
      const from = (at % rows) * columns + Math.floor(at / rows);
      if (from === start) {
        bytes.set(held, at * size);
        break;
      }
      bytes.copyWithin(at * size, from * size, (from + 1) * size);
      at = from;
    }
  }
}
