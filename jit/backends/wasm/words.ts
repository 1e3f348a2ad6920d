/**
 * Products of 16-bit operands as products of words, each of which holds two neighbours in depth: what tiles read, broadcast and walk over are then
 * four bytes as in float32, and one instruction multiplies two pairs and adds them up. Exact: a sum of two such products that leaves 32 bits
 * comes back as one of single products does. In: a contraction as the plan has it (jit/packing.ts). Out: the same over words, to be
 * analysed and emitted in its place; undefined where elements are not neighbours, or not 16 bits.
 */
import { type Expr, type Load, type Var, add, asInt, floordiv, floormod, int, load, mul, product, sub, variable } from '../../expr/expr.ts';
import { contains, substitute } from '../../expr/visit.ts';
import { type ContractionBody, type Kernel, loadsOf } from '../../kernel.ts';
import { guarded, inGuard } from '../../packing.ts';
import { flatten } from './prepare.ts';

export function asWords(kernel: Kernel): (Kernel & { readonly body: ContractionBody }) | undefined {
  if (kernel.body.kind !== 'contraction' || !isShortLoad(kernel.body.rhs)) return undefined;
  const last = kernel.body.depth.at(-1);
  const flat = flatten(kernel.body, kernel.args);
  const { guard, element } = guarded(flat.lhs);
  if (last === undefined || !isShortLoad(element) || asInt(floormod(last.extent, 2)) !== 0) return undefined;
  if (guard !== undefined && contains(guard, last)) return undefined;
  const half = variable(`${last.name}.half`, floordiv(last.extent, 2));
  const [left, right] = [element, flat.rhs].map((e) => wordAt(e, last, half));
  if (left === undefined || right === undefined || [left, right].some((l) => loadsOf(flat, l.tensor).length > 1)) return undefined;
  const body: ContractionBody = { ...flat, depth: [...flat.depth.slice(0, -1), half], rhs: right, lhs: inGuard(guard, left) };
  const args = kernel.args.map((a, slot) => ({
    ...a, dtype: slot === left.tensor || slot === right.tensor ? 'int32' as const : a.dtype, shape: [product(a.shape)], strides: [int(1)],
  }));
  return { ...kernel, body, args };
}

const isShortLoad = (e: Expr): boolean => e.op === 'cast' && e.dtype === 'int32' && e.a.op === 'load' && e.a.dtype === 'int16';

/** The word that holds elements 2 half and 2 half + 1 along an axis. */
function wordAt(e: Expr, axis: Var, half: Var): Load | undefined {
  const element = e.op === 'cast' && e.a.op === 'load' ? e.a : undefined;
  const [index] = element?.index ?? [];
  if (element === undefined || index === undefined) return undefined;
  const [even, odd] = [0, 1].map((k) => substitute(index, new Map<Expr, Expr>([[axis, add(mul(half, 2), k)]])));
  if (even === undefined || odd === undefined || asInt(sub(odd, even)) !== 1 || asInt(floormod(even, 2)) !== 0) return undefined;
  return load(element.tensor, 'int32', [floordiv(even, 2)]);
}
