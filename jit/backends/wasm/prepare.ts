/**
 * Brings a kernel into the form that emission wants: loads and stores with one index, the element offset by the strides of their
 * argument; float16 as its bits, converted where it is loaded and stored; transcendental functions of float32 taken apart. The meaning
 * stays; only spelling changes.
 */
import { invariant } from '../../error.ts';
import { type Expr, load } from '../../expr/expr.ts';
import { decomposer } from '../../expr/decompose.ts';
import { rewriter } from '../../expr/visit.ts';
import { type Arg, type Body, type Kernel, type Store, expressions, mapBody, mapStores, offsetOf, stores } from '../../kernel.ts';

export interface Prepared<B extends Body = Body> {
  readonly body: B;
  readonly kernel: Kernel;
  /** Every expression of the body after the rewrite. */
  readonly roots: readonly Expr[];
  /** Arguments that are written. */
  readonly written: ReadonlySet<number>;
}

export function argOf(args: readonly Arg[], slot: number): Arg {
  const found = args[slot];
  invariant(found !== undefined, `the kernel has no argument ${slot}`);
  return found;
}

/** Loads and stores at element offsets: index expressions of one dim. */
export function flatten<B extends Body>(body: B, args: readonly Arg[]): B {
  const go = rewriter((e, again) =>
    (e.op === 'load' ? load(e.tensor, e.dtype, [offsetOf(argOf(args, e.tensor), e.index.map(again))]) : undefined));
  const flatStore = (s: Store): Store => ({ ...s, index: [offsetOf(argOf(args, s.tensor), s.index)] });
  return mapStores(mapBody(body, go), flatStore) as B;
}

export function prepare<B extends Body>(kernel: Kernel, body: B): Prepared<B> {
  const flat = flatten(body, kernel.args);
  const { value, stored } = decomposer();
  const plain = mapStores(mapBody(flat, value), (s) => ({ ...s, value: stored(s.value, argOf(kernel.args, s.tensor).dtype) })) as B;
  return { body: plain, kernel, roots: expressions(plain), written: new Set(stores(plain).map((s) => s.tensor)) };
}
