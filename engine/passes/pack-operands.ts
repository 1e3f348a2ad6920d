/**
 * Operands of contractions in the form that micro-kernels read: the right-hand side in panels of `panel` columns, both sides of products of 8-bit
 * elements as 16-bit ones less their zero points (on the right two in depth side by side), weights of depthwise convolutions (no columns) as a
 * tensor of their own that a layout can be given to. The packing itself is an ordinary map: over weights it runs once, while loading; over
 * activations it runs each time, and takes in whatever movement stood before it.
 */
import { type Expr, asInt, load, product, variable } from '../../jit/expr/expr.ts';
import { type Made, type Packed, type Widened, packParts, packRhs, realOperands, widenLhs } from '../../jit/packing.ts';
import { type DType, bytesOf } from '../../jit/expr/dtype.ts';
import { collect, isLoad } from '../../jit/expr/visit.ts';
import type { Body } from '../../jit/kernel.ts';
import type { Computation, Program, TensorDef } from '../graph/program.ts';
import { isLarge, tensorOf } from './program-edit.ts';

/** `fresh` hands out tensor ids that nothing has, in this program or one that it is part of. */
export function packOperands(program: Program, panel: number, fresh: () => number): Program {
  const tensors = new Map(program.tensors);
  const computations: Computation[] = [];
  const packed = new Map<string, number>();
  const define = (dtype: DType, shape: readonly Expr[]): number => {
    const id = fresh();
    tensors.set(id, { id, dtype, shape, source: { kind: 'computed' } });
    return id;
  };
  const shapeOf = (t: number): readonly Expr[] => tensorOf({ ...program, tensors }, t).shape;
  for (const c of program.computations) {
    const { body, origins } = c;
    // What is packed twice alike (tied weights) is packed once: the placeholder id makes equal packings equal.
    const once = ({ value, axes, shape }: Made, dtype: DType): number => {
      const key = `${value.id}:${axes.map((a) => a.id).join()}`;
      const known = packed.get(key);
      const id = known ?? define(dtype, shape);
      packed.set(key, id);
      if (known === undefined) computations.push({ body: { kind: 'map', axes, store: { tensor: id, index: axes, value } }, outputs: [id], origins });
      return id;
    };
    if (body.kind !== 'contraction') {
      computations.push(c);
    } else if (body.cols.length === 0) {
      const real = panel === 0 ? undefined : realOperands(body, shapeOf);
      if (real !== undefined) {
        computations.push({ ...c, body: real.body(real.lhs.read(once(real.lhs, 'float32')), real.rhs.read(once(real.rhs, 'float32'))) });
        continue;
      }
      const copied = copyWeights({ ...program, tensors }, body, define);
      if (copied !== undefined) computations.push({ ...copied.copy, origins });
      computations.push({ ...c, body: copied?.body ?? body });
    } else if (panel === 0 || !worthPacking(body)) {
      computations.push(c);
    } else {
      const parts = isLarge(body) && ofBytes(body.rhs) ? packParts(body, panel, once) : undefined;
      if (parts !== undefined) {
        computations.push({ ...c, body: parts });
        continue;
      }
      const widen = (to: number): Widened | undefined => widenLhs(body, shapeOf, to);
      const probe = widen(-1);
      const left = (probe && widen(once(probe, 'int16'))?.body) ?? body;
      const pack = (to: number): Packed => packRhs(left, widthOf(left, panel), to, probe !== undefined);
      const right = pack(-1);
      computations.push({ ...c, body: pack(once(right, right.dtype)).body });
    }
  }
  return { ...program, tensors, computations };
}

/**
 * Panels of one vector where wider ones would be a fifth of zeros or more: 9 columns (of a super-resolution) run at 32 GFLOP/s in three
 * panels of 4, at 27 in two of 8.
 */
function widthOf({ cols }: Extract<Body, { kind: 'contraction' }>, panel: number): number {
  const columns = asInt(product(cols.map((v) => v.extent)));
  if (columns === undefined) return panel;
  const filled = (width: number): number => Math.ceil(columns / width) * width;
  return 4 * filled(panel) >= 5 * filled(4) ? 4 : panel;
}

/** What is made of single bytes, as float32. */
const ofBytes = (e: Expr): boolean => e.dtype === 'float32' && e.op !== 'load' && collect([e], isLoad).some((l) => bytesOf(l.dtype) === 1);

/** One column has nothing to pack: a dot product reads both operands in place. */
const worthPacking = (body: Extract<Body, { kind: 'contraction' }>): boolean =>
  asInt(product(body.cols.map((v) => v.extent))) !== 1 || body.rhs.op !== 'load';

function copyWeights(program: Program, body: Extract<Body, { kind: 'contraction' }>, define: (dtype: DType, shape: readonly Expr[]) => number):
  { readonly body: Body; readonly copy: Omit<Computation, 'origins'> } | undefined {
  const { rhs } = body;
  if (rhs.op !== 'load') return undefined;
  const source: TensorDef = tensorOf(program, rhs.tensor);
  if (source.source.kind !== 'constant') return undefined;
  const id = define(source.dtype, source.shape);
  const axes = source.shape.map((extent, d) => variable(`w${d}`, extent));
  return {
    copy: { body: { kind: 'map', axes, store: { tensor: id, index: axes, value: load(source.id, source.dtype, axes) } }, outputs: [id] },
    body: { ...body, rhs: load(id, source.dtype, rhs.index) },
  };
}
