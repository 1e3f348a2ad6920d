/**
 * Setup steps that do nothing but put elements in another order, which is most packing: no kernel has to be written for them. In: a setup step's
 * kernel and dims. Out: the axes along which elements stand in both tensors.
 */
import type { StridedAxis } from '../../jit/device.ts';
import { bytesOf } from '../../jit/expr/dtype.ts';
import { type Expr, type Var, int } from '../../jit/expr/expr.ts';
import { affine } from '../../jit/expr/index-algebra.ts';
import { evaluate } from '../../jit/expr/visit.ts';
import { type Kernel, offsetOf } from '../../jit/kernel.ts';

export interface Rearranging {
  /** Bytes of an element. */
  readonly size: number;
  /** Outermost first; those of one step are left out. */
  readonly axes: readonly StridedAxis[];
}

/** In elements, over the dims of a kernel. */
interface Form {
  readonly size: number;
  readonly axes: readonly Var[];
  readonly from: Places;
  readonly to: Places;
}
type Places = NonNullable<ReturnType<typeof affine>>;

const forms = new WeakMap<Kernel, Form | 'none'>();

/** Of a kernel (read, write) that gives the same elements, from the first on, in another order; undefined of any other. */
export function rearranging(kernel: Kernel, dims: readonly number[]): Rearranging | undefined {
  const form = forms.get(kernel) ?? formOf(kernel) ?? 'none';
  forms.set(kernel, form);
  if (form === 'none') return undefined;
  const { size } = form;
  const values = new Map<Expr, number>(kernel.syms.map((s, i) => [s, dims[i] ?? 0]));
  const bytes = (e: Expr | undefined): number => size * evaluate(e ?? int(0), values);
  const axes = form.axes.map(({ extent }, i) => ({ count: evaluate(extent, values), from: bytes(form.from.coefs[i]), to: bytes(form.to.coefs[i]) }));
  return { size, axes: axes.filter(({ count }) => count !== 1) };
}

function formOf({ body, args }: Kernel): Form | undefined {
  if (body.kind !== 'map' || body.store.value.op !== 'load' || args.length !== 2) return undefined;
  const { axes, store: { index, value } } = body;
  const [source, target] = args;
  if (value.tensor !== 0 || source?.access !== 'read' || target?.dtype !== source.dtype) return undefined;
  const [from, to] = [affine(offsetOf(source, value.index), axes), affine(offsetOf(target, index), axes)];
  return from?.base === int(0) && to?.base === int(0) ? { size: bytesOf(target.dtype), axes, from, to } : undefined;
}
