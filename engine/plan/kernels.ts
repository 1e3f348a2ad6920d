/**
 * From a computation to a kernel: tensors become argument slots with strides, axes get canonical names and, for maps, the order in
 * which the result lies in memory. Two layers that compute the same thing on other tensors give the same kernel, hence the same code.
 */
import { type Expr, type Var, ref, variable } from '../../jit/expr/expr.ts';
import { collect, contains, isRef, rewriter } from '../../jit/expr/visit.ts';
import {
  type Arg, type Body, type Kernel, type Numeric, allAxes, expressions, loadedTensors, makeKernel, mapBody, renumber, stridesOf,
} from '../../jit/kernel.ts';
import type { Computation, TensorDef } from '../graph/program.ts';
import { type Order, rowMajor } from './layouts.ts';

export interface KernelCall {
  readonly kernel: Kernel;
  readonly dims: readonly Expr[];
  readonly args: readonly number[];
}

export function kernelOf(
  computation: Computation,
  tensor: (id: number) => TensorDef,
  layout: (id: number) => Order | undefined,
  numeric: Numeric,
): KernelCall {
  const body = canonicalNames(inMemoryOrder(computation, layout));
  const written = new Set(computation.outputs);
  const reads = loadedTensors(body).filter((t) => !written.has(t));
  const slots = [...reads, ...computation.outputs];
  const slot = new Map(slots.map((t, i) => [t, i]));
  const alsoRead = new Set(loadedTensors(body).filter((t) => written.has(t)));
  const partial = computation.initial;
  const args = slots.map((t): Arg => {
    const { dtype, shape } = tensor(t);
    const access = !written.has(t) ? 'read' : alsoRead.has(t) || partial?.has(t) === true ? 'readwrite' : 'write';
    return { dtype, shape, strides: stridesOf(shape, layout(t) ?? rowMajor(shape.length)), access };
  });
  const toSlot = (t: number): number => slot.get(t) ?? t;
  const numbered = mapBody(body, renumber(toSlot), toSlot);
  const { kernel, bind } = makeKernel(numbered, args, numeric);
  return { kernel, dims: bind, args: slots };
}

/** A map runs over its result in memory order; row programs over their rows in it. Reduced axes keep their order: it is part of the result. */
function inMemoryOrder(computation: Computation, layout: (id: number) => Order | undefined): Body {
  const { body } = computation;
  if (body.kind !== 'map' && body.kind !== 'rows') return body;
  const order = layout(body.store.tensor);
  if (order === undefined) return body;
  const rank = (v: Var): number => {
    const dim = body.store.index.findIndex((e) => contains(e, v));
    return dim < 0 ? -1 : order.indexOf(dim);
  };
  const axes = [...body.axes].sort((a, b) => rank(a) - rank(b));
  return { ...body, axes };
}

const letters = { map: 'i', rows: 'r', contraction: 'b', loop: 'p' } as const;

function canonicalNames(body: Body): Body {
  const renamed = new Map<Expr, Expr>();
  const name = (axes: readonly Var[], letter: string): void => {
    axes.forEach((v, i) => { if (!renamed.has(v)) renamed.set(v, variable(`${letter}${i}`, v.extent)); });
  };
  switch (body.kind) {
    case 'map': name(body.axes, letters.map); break;
    case 'rows': name(body.axes, letters.rows); name(body.inner, 'j'); break;
    case 'contraction':
      name(body.batch, letters.contraction); name(body.rows, 'm'); name(body.cols, 'n'); name(body.depth, 'k');
      break;
    case 'loop': name(body.axes, letters.loop); name([...new Set(allAxes(body).slice(body.axes.length))], 'q'); break;
    default: body satisfies never;
  }
  const locals = new Map<string, string>();
  const stems = body.kind === 'rows' ? body.scans.map((s) => s.name)
    : body.kind === 'loop' ? [...new Set(collect(expressions(body), isRef).map((r) => r.name))] : [];
  stems.forEach((stem, i) => locals.set(stem, `x${i}`));
  const local = (stem: string): string => locals.get(stem) ?? stem;
  const go = rewriter((e) => renamed.get(e) ?? (e.op === 'ref' ? ref(local(e.name), e.dtype) : undefined));
  const made = mapBody(body, go);
  if (made.kind === 'rows') return { ...made, scans: made.scans.map((s) => ({ ...s, name: local(s.name) })) };
  if (made.kind === 'loop') return { ...made, body: made.body.map((s) => renameLocals(s, local)) };
  return made;
}

type Stmt = Extract<Body, { kind: 'loop' }>['body'][number];

function renameLocals(s: Stmt, local: (name: string) => string): Stmt {
  switch (s.do) {
    case 'let': case 'set': return { ...s, name: local(s.name) };
    case 'for': case 'while': return { ...s, body: s.body.map((x) => renameLocals(x, local)) };
    case 'if': return { ...s, then: s.then.map((x) => renameLocals(x, local)), else: s.else.map((x) => renameLocals(x, local)) };
    case 'store': return s;
    default: return s satisfies never;
  }
}
