/**
 * Concatenations that nobody copies for: a convolution whose result is only put beside others stores into its slice of the whole at once.
 * What cannot do that (an input, what others read as well, a computed piece) is copied into its slice by a map of its own, without the
 * choice among pieces that one map for all makes at each point. In: a program and its layouts. Out: the program with several
 * writers of such a tensor, which only a plan may have.
 */
import { type Expr, type Var, add, asInt, int, sub, variable } from '../../jit/expr/expr.ts';
import { collect, isLoad, substitute } from '../../jit/expr/visit.ts';
import { type MapBody, type Store, loadedTensors, mapStores } from '../../jit/kernel.ts';
import type { Computation, Program } from '../graph/program.ts';
import { tensorOf, usesOf } from '../passes/program-edit.ts';
import type { Order } from './layouts.ts';

/** One piece of a concatenation: what stands at low <= axis < high, over the axes of the whole. */
interface Piece {
  readonly low: number;
  readonly high: number;
  readonly value: Expr;
}

/** `prepared`: tensors that are computed once; `fixed`: those that must exist under their own name. */
export function storeIntoSlices(
  program: Program, layouts: ReadonlyMap<number, Order>, prepared: ReadonlySet<number>, fixed: ReadonlySet<number>,
): Program {
  const { writer, readers } = usesOf(program);
  const changed = new Map<Computation, readonly Computation[]>();
  const order = (id: number): string | undefined => layouts.get(id)?.join();
  for (const whole of program.computations) {
    const { body, outputs } = whole;
    const [output] = outputs;
    const found = body.kind === 'map' && output !== undefined && !prepared.has(output) ? piecesOf(body) : undefined;
    if (body.kind !== 'map' || output === undefined || found === undefined) continue;
    const { axis, dim, pieces } = found;
    const constant = ({ value }: Piece): boolean => collect([value], isLoad).every((l) => prepared.has(l.tensor) || tensorOf(program, l.tensor).source.kind === 'constant');
    if (pieces.some(constant)) continue;
    const direct = pieces.map((piece): Computation | undefined => {
      const { value } = piece;
      if (value.op !== 'load' || !isWhole(program, value.index, body, dim, piece, value.tensor)) return undefined;
      const id = value.tensor;
      const maker = writer.get(id);
      // Rotary embeddings put the same angles down twice.
      if (collect([body.store.value], isLoad).filter((l) => l.tensor === id).length > 1) return undefined;
      if (maker === undefined || !storesAll(maker) || changed.has(maker) || fixed.has(id) || readers.get(id)?.length !== 1) return undefined;
      return order(id) === order(output) && value.dtype === tensorOf(program, output).dtype ? maker : undefined;
    });
    if (direct.every((maker) => maker === undefined)) continue;
    const copies: Computation[] = [];
    pieces.forEach((piece, k) => {
      const maker = direct[k];
      if (maker === undefined) { copies.push({ ...whole, body: copyOf(body, axis, piece) }); return; }
      const into = ({ index, value }: Store): Store => ({ tensor: output, index: index.map((e, d) => (d === dim ? add(e, piece.low) : e)), value });
      changed.set(maker, [{ ...maker, outputs: [output], body: mapStores(maker.body, into) }]);
    });
    changed.set(whole, copies);
  }
  return { ...program, computations: program.computations.flatMap((c) => changed.get(c) ?? [c]) };
}

/** A convolution, or the last step of one, that writes one tensor and reads nothing of it. */
const storesAll = ({ body, outputs, initial }: Computation): boolean =>
  body.kind === 'contraction' || (body.kind === 'loop' && outputs.length === 1 && initial === undefined && !loadedTensors(body).some((t) => outputs.includes(t)));

/** The pieces of a map that chooses by one of its axes, which is one dim of its result. */
function piecesOf({ axes, store }: MapBody): { readonly axis: Var; readonly dim: number; readonly pieces: readonly Piece[] } | undefined {
  const { value, index } = store;
  const axis = value.op === 'select' && value.cond.op === 'binary' ? value.cond.a : undefined;
  const dim = index.findIndex((e) => e === axis);
  const extent = axis?.op === 'var' && axes.includes(axis) ? asInt(axis.extent) : undefined;
  if (axis?.op !== 'var' || extent === undefined || dim < 0) return undefined;
  const pieces: Piece[] = [];
  const go = (e: Expr, low: number, high: number): void => {
    const { op } = e;
    const end = op === 'select' && e.cond.op === 'binary' && e.cond.fn === 'lt' && e.cond.a === axis ? asInt(e.cond.b) : undefined;
    if (op !== 'select' || end === undefined || end <= low || end >= high) { pieces.push({ low, high, value: e }); return; }
    go(e.a, low, end);
    go(e.b, end, high);
  };
  go(value, 0, extent);
  return pieces.length < 2 ? undefined : { axis, dim, pieces };
}

/** Whether a piece is all of a tensor, each element where it stands there. */
function isWhole(program: Program, at: readonly Expr[], { store: { index } }: MapBody, dim: number, { low, high }: Piece, id: number): boolean {
  const { shape } = tensorOf(program, id);
  const one = (d: number): boolean => asInt(shape[d] ?? int(0)) === 1;
  return shape.length === index.length && asInt(shape[dim] ?? int(0)) === high - low && at.every((e, d) => {
    const own = index[d];
    return own !== undefined && (e === (d === dim ? sub(own, low) : own) || (one(d) && asInt(e) === 0));
  });
}

function copyOf(body: MapBody, axis: Var, { low, high, value }: Piece): MapBody {
  const own = variable(axis.name, high - low);
  const by = new Map<Expr, Expr>([[axis, add(own, low)]]);
  const { store } = body;
  return {
    ...body, axes: body.axes.map((a) => (a === axis ? own : a)),
    store: { ...store, index: store.index.map((e) => substitute(e, by)), value: substitute(value, by) },
  };
}
