/**
 * Kernels that differ in numbers alone as one: each layer of a quantised model has scales and zero points of its own, and a kernel for each
 * of them is emitted, compiled and tuned for nothing (YOLOX-nano in 8 bits: 145, and 114 in setup, where there are 70 and 10 forms). In:
 * the steps of a plan. Out: for kernels that have the form of another, that form, which reads the numbers in which they differ from a tensor.
 */
import { type Const, type Expr, binary, cast, int, load } from '../../jit/expr/expr.ts';
import { collect, rewriter } from '../../jit/expr/visit.ts';
import { type Kernel, expressions, kernelText, mapBody, mapStores, renumber } from '../../jit/kernel.ts';

export interface Lifted {
  /** With one more argument, the numbers as float32, which stands before those that are written. */
  readonly kernel: Kernel;
  readonly numbers: readonly number[];
}

/** Where the numbers stand among the arguments. */
export const numbersAt = ({ args }: Kernel): number => args.findIndex((a) => a.access !== 'read');

/** What float32 holds exactly. Code is made for 0 and 1 as they are. */
const isLiftable = (e: Expr): e is Const => e.op === 'const' && e.value !== 0
  && (e.dtype === 'float32' ? e.value !== 1 : e.dtype === 'int32' && Math.abs(Number(e.value)) < 2 ** 24);

/** Kernels by those that they replace. `runs`: whether the device runs a kernel. */
export function shareForms(kernels: Iterable<Kernel>, runs: (kernel: Kernel) => boolean): Map<Kernel, Lifted> {
  // What has no other like it at first sight is not looked at again: of float32 models that is nearly all.
  const alike = new Map<string, Kernel[]>();
  for (const kernel of new Set(kernels)) {
    const count = collect(expressions(kernel.body), isLiftable).length;
    const key = [kernel.body.kind, count, ...kernel.args.map((a) => a.shape.map((d) => d.id))].join(';');
    if (count > 0) alike.set(key, [...alike.get(key) ?? [], kernel]);
  }
  const forms = new Map<string, { readonly original: Kernel; readonly numbers: readonly Const[] }[]>();
  for (const original of [...alike.values()].filter((many) => many.length > 1).flat()) {
    const { kernel, numbers } = lift(original, () => true);
    const form = kernelText(kernel);
    forms.set(form, [...forms.get(form) ?? [], { original, numbers }]);
  }
  const lifted = new Map<Kernel, Lifted>();
  for (const [first, ...more] of forms.values()) {
    if (first === undefined || more.length === 0) continue;
    const differ = new Set(first.numbers.flatMap((n, i) => (more.every(({ numbers }) => numbers[i] === n) ? [] : [i])));
    const { kernel } = lift(first.original, (i) => differ.has(i));
    if (!runs(kernel)) continue;
    for (const { original, numbers } of [first, ...more]) {
      lifted.set(original, { kernel, numbers: numbers.flatMap((n, i) => (differ.has(i) ? [Number(n.value)] : [])) });
    }
  }
  return lifted;
}

/**
 * The kernel with loads instead of the `wanted` ones of its numbers, and all its numbers. Operands of products stay: their ranges decide how they
 * are multiplied.
 */
function lift(kernel: Kernel, wanted: (i: number) => boolean): { readonly kernel: Kernel; readonly numbers: readonly Const[] } {
  const { body, args } = kernel;
  const at = numbersAt(kernel);
  const slot = (t: number): number => (t < at ? t : t + 1);
  const numbers: Const[] = [];
  const loads = new Map<Const, number>();
  const go = rewriter((e, again) => {
    // Known powers are products.
    if (e.op === 'binary' && e.fn === 'pow') return binary('pow', again(e.a), e.b);
    if (!isLiftable(e)) return undefined;
    if (!numbers.includes(e)) numbers.push(e);
    if (!wanted(numbers.indexOf(e))) return undefined;
    if (!loads.has(e)) loads.set(e, loads.size);
    return cast(load(at, 'float32', [int(loads.get(e) ?? 0)]), e.dtype);
  });
  const moved = mapBody(body, renumber(slot), slot);
  const lifted = moved.kind === 'contraction' ? mapStores(moved, (s) => ({ ...s, value: go(s.value) })) : mapBody(moved, go);
  const table = { dtype: 'float32', shape: [int(loads.size)], strides: [int(1)], access: 'read' } as const;
  return { kernel: { ...kernel, body: lifted, args: args.toSpliced(at, 0, table) }, numbers };
}
