/**
 * Mutations of known kernels (the conformance cases): what is static becomes symbolic, memory gets other orders or gaps, values get other
 * operations around them, runs other sizes. Input: choices and a case. Output: a case of equal legality.
 */
import type { Case } from '../backends/conformance-kit.ts';
import { type DType, isFloat } from '../expr/dtype.ts';
import { type Expr, add, asInt, binary, cast, constant, int, load, mul, muladd, select, symbol, unary, variable, lt } from '../expr/expr.ts';
import { rewriter } from '../expr/visit.ts';
import { type Arg, type Store, allAxes, loadsOf, mapBody, mapStores, stridesOf } from '../kernel.ts';
import type { Choices } from './choices.ts';

export function mutate(c: Choices, original: Case): Case {
  let made: Case = { ...original, name: `mutated ${original.name}` };
  const count = c.int(1, 3);
  for (let i = 0; i < count; i++) made = c.pick(mutations)(c, made);
  return made;
}

type Mutation = (c: Choices, original: Case) => Case;

/** Extents of the axes and the same numbers in shapes become dims of a run: no simplification may rely on them any more. */
const symbolise: Mutation = (c, original) => {
  const extents = [...new Set(allAxes(original.body).map((v) => asInt(v.extent)).filter((n): n is number => n !== undefined && n > 1))];
  if (extents.length === 0) return original;
  const chosen = extents.filter(() => c.chance(50));
  if (chosen.length === 0) chosen.push(c.pick(extents));
  const sym = (n: number): Expr => symbol(`D${n}`, 1);
  const dim = (e: Expr): Expr => {
    const n = asInt(e);
    return n !== undefined && chosen.includes(n) ? sym(n) : e;
  };
  const go = rewriter((e) => (e.op === 'var' ? variable(e.name, dim(e.extent)) : undefined));
  const runs = (original.runs ?? [{}]).map((run) => ({ ...run, ...Object.fromEntries(chosen.map((n) => [`D${n}`, n])) }));
  // Strides keep their numbers: they are the same memory.
  return { ...original, body: mapBody(original.body, go), args: original.args.map((a) => ({ ...a, shape: a.shape.map(dim) })), runs };
};

const packedSlot = (original: Case): number => (original.body.kind === 'contraction' && original.body.panel !== undefined ? 1 : -1);

const reorder: Mutation = (c, original) => {
  const skip = packedSlot(original);
  const args = original.args.map((a, i): Arg => {
    if (i === skip || !c.chance(50) || (original.data?.[i] !== undefined)) return a;
    return { ...a, strides: stridesOf(a.shape, c.shuffle(a.shape.map((_, d) => d))) };
  });
  return { ...original, args };
};

const pad: Mutation = (c, original) => {
  const skip = packedSlot(original);
  const args = original.args.map((a, i): Arg => {
    if (i === skip || !c.chance(50) || original.data?.[i] !== undefined) return a;
    return { ...a, strides: stridesOf(a.shape.map((d) => add(d, c.below(5)))) };
  });
  return { ...original, args };
};

/** Another operation on what is stored. */
const epilogue: Mutation = (c, original) => ({ ...original, body: mapStores(original.body, (s: Store) => ({ ...s, value: around(c, s.value) })) });

/** Another operation on what is loaded. */
const prologue: Mutation = (c, original) => {
  const loads = loadsOf(original.body).filter((l) => isFloat(l.dtype) && original.args[l.tensor]?.access === 'read');
  if (loads.length === 0) return original;
  const target = c.pick(loads);
  const instead = around(c, target);
  const go = rewriter((e) => (e === target ? instead : undefined));
  return { ...original, body: mapBody(original.body, (e) => (e.op === 'var' ? e : go(e))) };
};

function around(c: Choices, value: Expr): Expr {
  const { dtype } = value;
  if (dtype === 'bool') return unary('not', value);
  if (dtype === 'index') return value;
  const k = constant(c.pick([1, 2, 3, 5]), dtype);
  if (!isFloat(dtype)) return binary(c.pick(['add', 'max', 'xor', 'min', 'sub'] as const), value, k);
  switch (c.below(7)) {
    case 0: return add(value, k);
    case 1: return binary('max', value, constant(0, dtype));
    case 2: return mul(value, unary('sigmoid', value));
    case 3: return muladd(value, constant(0.5, dtype), k);
    case 4: return select(lt(value, k), value, mul(value, constant(0.1, dtype)));
    case 5: return cast(cast(value, 'float16'), dtype);
    case 6: return unary(c.pick(['tanh', 'exp', 'erf', 'abs', 'round'] as const), value);
    default: throw new Error('no such operation');
  }
}

/** A type of memory that is read narrower or wider and converted. */
const retype: Mutation = (c, original) => {
  const slots = original.args.flatMap((a, i) => (a.access === 'read' && a.dtype === 'float32' && i !== packedSlot(original) && original.data?.[i] === undefined ? [i] : []));
  if (slots.length === 0) return original;
  const slot = c.pick(slots);
  const dtype = c.pick<DType>(['float16', 'int8', 'uint8', 'int32', 'bool']);
  const go = rewriter((e, again) => (e.op === 'load' && e.tensor === slot ? cast(load(slot, dtype, e.index.map(again)), e.dtype) : undefined));
  return {
    ...original, body: mapBody(original.body, (e) => (e.op === 'var' ? e : go(e))),
    args: original.args.map((a, i) => (i === slot ? { ...a, dtype } : a)),
  };
};

/** Other sizes for what is symbolic from the start. */
const resize: Mutation = (c, original) => {
  if (original.data !== undefined || original.runs === undefined) return original;
  const runs = original.runs.slice(0, 2).map((run) => Object.fromEntries(Object.entries(run).map(
    ([name, value]) => [name, name.startsWith('D') || value > 100 ? value : value === 0 ? c.pick([0, 1]) : c.pick([1, 2, 3, 4, 6, 8, 11, 16, 19, 33])],
  )));
  return { ...original, runs };
};

/** An axis of one point around all: what batches of one become. */
const unit: Mutation = (c, original) => {
  const { body } = original;
  if (body.kind === 'loop' || body.kind === 'contraction') return original;
  const axis = variable('one', c.chance(50) ? 1 : symbol('D1', 1));
  const at = c.below(body.axes.length + 1);
  const runs = (original.runs ?? [{}]).map((run) => ({ ...run, D1: 1 }));
  const axes = [...body.axes.slice(0, at), axis, ...body.axes.slice(at)];
  const { tensor } = body.store;
  const args = original.args.map((a, i) => (i === tensor && a.access === 'write'
    ? { ...a, shape: [axis.extent, ...a.shape], strides: [int(0), ...a.strides] } : a));
  if (args[tensor]?.access !== 'write') return original;
  return { ...original, runs, args, body: { ...body, axes, store: { ...body.store, index: [axis, ...body.store.index] } } };
};

const mutations: readonly Mutation[] = [epilogue, symbolise, reorder, pad, prologue, retype, resize, unit];
