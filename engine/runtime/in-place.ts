/**
 * Packing in the weight's own memory. A large weight that is packed from one place into another stands there twice: the head of a language
 * model of 499 MB is 98 of them. Packing for panels moves whole blocks: from (row, column) of a matrix of blocks to (column, row). In: a
 * setup step, or the bytes. Out: the matrix, if it is such a step; the bytes in their new order.
 */
import { bytesOf } from '../../jit/expr/dtype.ts';
import { type Expr, asInt, int, add, mul } from '../../jit/expr/expr.ts';
import type { Kernel } from '../../jit/kernel.ts';

export interface Blocks {
  readonly rows: number;
  readonly columns: number;
  /** Bytes of a block. */
  readonly size: number;
}

/** Blocks that are moved at once in the first pass: some megabytes, so that the copy of them stays small. */
const groupBytes = 4 * 2 ** 20;

const dot = (a: readonly Expr[], b: readonly Expr[]): Expr => a.reduce((sum, e, d) => add(sum, mul(e, b[d] ?? int(0))), int(0));

/** Undefined where the kernel does anything else than move blocks of one tensor to those of another. */
export function blocksOf({ body, args }: Kernel): Blocks | undefined {
  if (body.kind !== 'map' || body.axes.length !== 3 || args.length !== 2) return undefined;
  const { axes, store } = body;
  const { value } = store;
  const [column, row, lane] = axes;
  const [columns, rows, lanes] = axes.map((a) => asInt(a.extent));
  if (column === undefined || row === undefined || lane === undefined || value.op !== 'load') return undefined;
  if (columns === undefined || rows === undefined || lanes === undefined) return undefined;
  const [from, to] = args;
  if (from === undefined || to === undefined || from.access !== 'read' || from.dtype !== to.dtype) return undefined;
  if (dot(value.index, from.strides) !== dot([row, column, lane], [int(columns * lanes), int(lanes), int(1)])) return undefined;
  if (dot(store.index, to.strides) !== dot([column, row, lane], [int(rows * lanes), int(lanes), int(1)])) return undefined;
  const size = lanes * bytesOf(from.dtype);
  return size % 4 === 0 ? { rows, columns, size } : undefined;
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
