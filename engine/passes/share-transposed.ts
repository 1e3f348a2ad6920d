/**
 * Tied weights: a large matrix that is the transpose of another is dropped, and a Transpose of that other takes its place. Exporters fold
 * the transpose of a tied embedding into a second copy of it: 154 of the 652 MB of an exported GPT-2. The copy's memory is free again before
 * anything is packed, which is when memory is short. Sampled first: matrices that are not tied cost nothing, and count as not looked into (a
 * plan that does not use a tie holds whatever they are; MiniLM's was not kept for another visit).
 */
import { bytesOf, type TypedArray, viewAs } from '../../jit/expr/dtype.ts';
import type { Constant, Graph, Node } from '../graph/graph.ts';

/** Bytes of a matrix that is worth the look. */
const least = 2 ** 20;
/** A prime, so that samples fall on all rows and columns. */
const stride = 7919;
/** Side of the blocks in which two matrices are walked, one of them against its order: 64 lines of a cache. */
const block = 64;

export function shareTransposed(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const nodes: Node[] = [];
  const kept: [string, Constant][] = [];
  for (const [name, constant] of graph.constants) {
    if (constant.dims.length !== 2 || constant.byteLength < least || constant.released) continue;
    const twin = kept.find(([, other]) => isTranspose(other, constant));
    if (twin === undefined) {
      kept.push([name, constant]);
      continue;
    }
    // What follows now follows from the elements of both.
    for (const tied of [twin[1], constant]) tied.look();
    constants.delete(name);
    const attributes = new Map([['perm', { type: 'ints' as const, value: [1, 0] }]]);
    nodes.push({ name: `${name}/tied`, op: 'Transpose', domain: '', inputs: [twin[0]], outputs: [name], attributes });
  }
  return nodes.length === 0 ? graph : { ...graph, constants, nodes: [...nodes, ...graph.nodes] };
}

function isTranspose(a: Constant, b: Constant): boolean {
  const [rows = 0, columns = 0] = a.dims;
  if (a.dtype !== b.dtype || a.narrow !== b.narrow || b.dims[0] !== columns || b.dims[1] !== rows) return false;
  const [from, to] = [a.held, b.held];
  if (from === undefined || to === undefined) return false;
  // Bytes, not elements: a view of elements copies a tensor that lies at an odd place in its file.
  const size = bytesOf(a.dtype);
  for (let i = 0; i < rows * columns; i += stride) {
    const [at, there] = [i * size, ((i % columns) * rows + Math.floor(i / columns)) * size];
    for (let byte = 0; byte < size; byte++) if (from[at + byte] !== to[there + byte]) return false;
  }
  const elements = (bytes: Uint8Array): TypedArray => viewAs(bits[size as keyof typeof bits], bytes);
  const [x, y] = [elements(from), elements(to)];
  for (let top = 0; top < rows; top += block) {
    for (let left = 0; left < columns; left += block) {
      for (let r = top; r < Math.min(rows, top + block); r++) {
        for (let c = left; c < Math.min(columns, left + block); c++) if (x[r * columns + c] !== y[c * rows + r]) return false;
      }
    }
  }
  return true;
}

/** Elements as integers: bits are compared, so that NaN equals itself and -0 differs from 0. */
const bits = { 1: 'uint8', 2: 'uint16', 4: 'uint32', 8: 'uint64' } as const;
