/**
 * A smaller kernel that stands for a large one while candidates are compared: the same body, arguments and strides over fewer points. A
 * schedule is about the inner loops, so what is fast on a slice is fast on the whole; a full run of each of dozens of candidates would cost
 * seconds a kernel. Input: a kernel, dims, the work wanted. Output: the slice, or undefined where the kernel is small or has no such slice.
 * What a row or an element sums over is never cut.
 */
import { dimsOf } from '../backends/reference/points.ts';
import { type Expr, type Sym, type Var, variable } from '../expr/expr.ts';
import { collect, evaluate, isSym, rewriter } from '../expr/visit.ts';
import { type Kernel, allAxes, mapBody } from '../kernel.ts';
import { workOf } from '../roofline.ts';

export interface Proxy {
  readonly kernel: Kernel;
  readonly dims: readonly number[];
}

/** Least products of extents that keep several tiles of every size in a slice: 8 tiles of 8 rows, 8 panels of 16 columns. */
const least = { batch: 1, rows: 64, cols: 128, lines: 32, points: 4096 };

/** `operations`: flops plus bytes that a run of the slice may take. */
export function proxyOf(kernel: Kernel, dims: readonly number[], operations: number): Proxy | undefined {
  let slice: Proxy = { kernel, dims };
  for (const [pick, keep] of groupsOf(kernel)) {
    // Outermost first: what is cut off there leaves whole rows and tiles. Each cut changes the axes, so they are found again.
    for (let at = 0; at < pick(slice.kernel).length; at++) {
      const excess = sizeOf(slice) / operations;
      if (excess < 2) break;
      slice = cut(slice, pick(slice.kernel), at, excess, keep) ?? slice;
    }
  }
  return sizeOf(slice) * 2 <= sizeOf({ kernel, dims }) ? slice : undefined;
}

const sizeOf = ({ kernel, dims }: Proxy): number => {
  const { flops, bytes } = workOf(kernel, dims);
  return flops + bytes;
};

type Pick = (kernel: Kernel) => readonly Var[];

function groupsOf({ body }: Kernel): (readonly [Pick, number])[] {
  const of = (kind: 'batch' | 'rows' | 'cols'): Pick => (k) => (k.body.kind === 'contraction' ? k.body[kind] : []);
  switch (body.kind) {
    case 'contraction': return [[of('batch'), least.batch], [of('rows'), least.rows], [of('cols'), least.cols]];
    case 'rows': return [[(k) => (k.body.kind === 'rows' ? k.body.axes : []), least.lines]];
    case 'map': return [[(k) => (k.body.kind === 'map' ? k.body.axes : []), least.points]];
    // Locals and stores of one turn decide the next.
    case 'loop': return [];
    default: return body satisfies never;
  }
}

/** The slice with one axis shortened by at most `excess`, the group's points staying at least `keep`. */
function cut({ kernel, dims }: Proxy, group: readonly Var[], at: number, excess: number, keep: number): Proxy | undefined {
  const axis = group[at];
  if (axis === undefined) return undefined;
  const env = dimsOf(kernel, dims);
  const extent = evaluate(axis.extent, env);
  const others = group.reduce((n, v) => (v === axis ? n : n * evaluate(v.extent, env)), 1);
  const wanted = Math.max(Math.ceil(extent / excess), Math.ceil(keep / others), 1);
  // Whole tiles and panels, where there are enough of them.
  const size = Math.min(extent, wanted > 32 ? Math.ceil(wanted / 32) * 32 : wanted);
  if (size >= extent) return undefined;
  if (axis.extent.op === 'sym') return lessOf(kernel, dims, axis, axis.extent, size);
  if (axis.extent.op !== 'const') return undefined;
  const short = variable(axis.name, size);
  const go = rewriter((e: Expr) => (e === axis ? short : undefined));
  return { kernel: { ...kernel, body: mapBody(kernel.body, go) }, dims };
}

/** A smaller dim, where it is the extent of this axis alone: then not even the code differs. */
function lessOf(kernel: Kernel, dims: readonly number[], axis: Var, sym: Sym, size: number): Proxy | undefined {
  const elsewhere = allAxes(kernel.body).filter((v) => v.name !== axis.name).flatMap((v) => collect([v.extent], isSym));
  if (elsewhere.includes(sym) || size < sym.min) return undefined;
  return { kernel, dims: dims.map((d, i) => (kernel.syms[i] === sym ? size : d)) };
}
