/**
 * The first elements of a line in some order, inside a loop kernel, by a heap of them whose root comes last: n comparisons and log2 k for each
 * element that gets in, and k log2 k for bringing them in order (Williams 1964). In: an order. Out: statements that leave indices in an
 * output, which is the heap meanwhile. What is equal stays in its order.
 */
import { type Expr, add, and, floordiv, gt, int, lt, mul, or, sub } from '../../jit/expr/expr.ts';
import type { Stmt } from '../../jit/kernel.ts';
import { local, loopFor, loopWhile, storeTo, toIndex, when } from './math.ts';
import type { Lowering, Tensor } from './operator.ts';

/** How two elements stand to each other, after statements that find out. */
export interface Order {
  readonly compared?: readonly Stmt[];
  readonly before: Expr;
  /** Of two of which the first does not come before the second. */
  readonly same: Expr;
}

/** Puts the indices of the first `count` of `length` elements, at most all of them, where `on` says in `out`. */
export function ranked(
  build: Lowering, count: Expr, length: Expr, orderOf: (a: Expr, b: Expr) => Order, out: Tensor, on: (rank: Expr) => readonly Expr[],
): readonly Stmt[] {
  const at = (rank: Expr): Expr => toIndex(out.at(on(rank)));
  const put = (rank: Expr, index: Expr): Stmt => storeTo(out, on(rank), index);
  const [carried, root, child] = [local(build, 'carried', 'index'), local(build, 'root', 'index'), local(build, 'child', 'index')];
  const [last, other, held] = [local(build, 'last', 'index'), local(build, 'other', 'index'), local(build, 'held', 'index')];
  /** `then` if b comes after a. */
  const follows = (a: Expr, b: Expr, then: readonly Stmt[], otherwise: readonly Stmt[] = []): Stmt[] => {
    const { compared = [], before, same } = orderOf(a, b);
    return [...compared, when(or(before, and(same, lt(a, b))), then, otherwise)];
  };
  /** Brings an index from `from` down to where nothing below it comes after it. */
  const sink = (index: Expr, from: Expr, size: Expr): Stmt[] => [
    carried.declare(index), root.declare(from), child.declare(add(mul(root.value, 2), 1)),
    loopWhile(lt(child.value, size), [
      last.declare(at(child.value)),
      when(lt(add(child.value, 1), size), [
        other.declare(at(add(child.value, 1))),
        ...follows(last.value, other.value, [last.set(other.value), child.set(add(child.value, 1))]),
      ]),
      ...follows(carried.value, last.value,
        [put(root.value, last.value), root.set(child.value), child.set(add(mul(root.value, 2), 1))], [child.set(size)]),
    ]),
    put(root.value, carried.value),
  ];
  const half = floordiv(count, 2);
  const [every, parent, later, end] = [build.axis(count), build.axis(half), build.axis(sub(length, count)), build.axis(count)];
  const node = sub(sub(half, 1), parent);
  const place = add(count, later);
  const entering = orderOf(place, held.value);
  const top = sub(sub(count, 1), end);
  return [
    loopFor(every, [put(every, every)]),
    loopFor(parent, sink(at(node), node, count)),
    // What comes later takes nobody's place who is its equal.
    ...(count === length ? [] : [when(gt(count, 0), [
      held.declare(at(int(0))),
      loopFor(later, [...entering.compared ?? [], when(entering.before, [...sink(place, int(0), count), held.set(at(int(0)))])]),
    ])]),
    loopFor(end, [held.declare(at(top)), put(top, at(int(0))), ...sink(held.value, int(0), top)]),
  ];
}
