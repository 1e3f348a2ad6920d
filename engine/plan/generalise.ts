/**
 * Setup kernels of many shapes as one: a packing of 16 x 3 x 3 x 3 weights and one of 64 x 8 x 3 x 3 differ in numbers alone, and each runs once in
 * its life, so writing a kernel for each costs far more than it gains (UltraFace had 47 of them, half of all its kernels). In: a call of a
 * map of known sizes. Out: the same call with its sizes as dims, or as it was where the data is large enough that code made for it pays.
 */
import { type Expr, type Var, int, symbol, variable } from '../../jit/expr/expr.ts';
import { rewriter } from '../../jit/expr/visit.ts';
import { makeKernel, mapBody } from '../../jit/kernel.ts';
import { staticSize } from '../ops/values.ts';
import type { KernelCall } from './kernels.ts';

/** Numbers in indices below this stay, panels above all; and so does an innermost axis, which lanes are made of. */
const fixedBelow = 10;
/** Elements from which on a kernel is made for its size. */
const largeFrom = 2 ** 16;

export function generalise(call: KernelCall): KernelCall {
  const { body, args, numeric, syms } = call.kernel;
  if (body.kind !== 'map' || syms.length > 0) return call;
  if ((staticSize(body.axes.map((a) => a.extent)) ?? largeFrom) >= largeFrom) return call;
  const values = new Map<Expr, Expr>();
  const dim = (name: string, value: Expr): Expr => {
    if (value.op !== 'const') return value;
    const made = symbol(name, 1);
    values.set(made, value);
    return made;
  };
  const axes = new Map<Expr, Var>(body.axes.map((axis, i) => {
    const kept = i > 0 && i === body.axes.length - 1 && Number(axis.extent.op === 'const' ? axis.extent.value : 0) < fixedBelow;
    return [axis, kept ? axis : variable(axis.name, dim(`e${i}`, axis.extent))];
  }));
  const go = rewriter((e) => {
    if (e.op === 'var') return axes.get(e);
    return e.op === 'const' && e.dtype === 'index' && Number(e.value) >= fixedBelow ? dim(`n${Number(e.value)}`, e) : undefined;
  });
  // Unit strides are what vector code rests on.
  const one = int(1);
  const { kernel, bind } = makeKernel(mapBody(body, go), args.map((a, i) => ({
    ...a, shape: a.shape.map((n, d) => dim(`d${i}.${d}`, n)), strides: a.strides.map((n, d) => (n === one ? n : dim(`s${i}.${d}`, n))),
  })), numeric);
  return { ...call, kernel, dims: bind.map((s) => values.get(s) ?? s) };
}
