/**
 * Control flow that only the data decide, as blocks of the program: branches of which one runs, a body that runs again and again. Parts are
 * lowered apart, in frames of the builder. What a loop's body computes from nothing that changes goes before the loop. In: what makes a part's
 * outputs. Out: tensors that the block hands out, with fresh symbols for dims that are known only when it has run.
 */
import { QuernError } from '../../jit/error.ts';
import { bytesOf, isFloat } from '../../jit/expr/dtype.ts';
import { type Expr, type Sym, asInt, cast, int, not, or, select } from '../../jit/expr/expr.ts';
import { shapeText } from '../../jit/expr/text.ts';
import { collect, isSym } from '../../jit/expr/visit.ts';
import { mentions } from '../../jit/kernel.ts';
import { type Origin, type Program, type Scalar, readsOf } from '../graph/program.ts';
import type { Frame, ProgramBuilder } from './module.ts';
import type { Lowering, RepeatResult, RepeatSpec, Tensor } from './operator.ts';
import { scalarOf } from './math.ts';
import { reshape } from './shape.ts';

/** Computations up to which both branches are computed and one is selected: that fuses, and saves reading the condition. */
const fewComputations = 24;

const scalar = (builder: ProgramBuilder, t: Tensor): Scalar => builder.elements(t)?.[0] ?? t.id;

interface Branch { readonly result: readonly Tensor[]; readonly part: Program; readonly frame: Frame }

/** The outputs of an If of which only the data or the dims decide. Each branch is lowered once. */
export function either(
  build: Lowering, builder: ProgramBuilder, origin: Origin, cond: Tensor, make: readonly (() => readonly Tensor[])[],
): readonly Tensor[] {
  const known = builder.elements(cond)?.[0];
  const tried = make.map((one): Branch | QuernError => {
    try {
      return builder.forgetting(() => {
        const { result, frame } = builder.apart('branch', one);
        return { result, frame, part: builder.part(frame, result) };
      });
    } catch (error) {
      if (error instanceof QuernError) return error;
      throw error;
    }
  });
  // Exporters ask whether a dim is 1 before they squeeze it: the program is then made for the one answer, and checks it.
  const assumed = (holds: Expr): readonly Tensor[] => {
    const outputs = make[0]?.() ?? [];
    build.assume(holds, `the condition of If node '${origin.node}' holds`);
    return outputs;
  };
  const branches = tried.flatMap((b) => (b instanceof QuernError ? [] : [b]));
  const [then, otherwise] = branches;
  if (then === undefined || otherwise === undefined) {
    const fault = tried.find((b) => b instanceof QuernError);
    if (known !== undefined && tried[0] === then) return assumed(known);
    throw fault ?? new QuernError('internal', 'an If without branches');
  }
  const pairs = then.result.map((a, k) => [a, otherwise.result[k] ?? a] as const);
  const loosen = (outputs: readonly Tensor[]): readonly Tensor[] => {
    outputs.forEach((t, k) => { builder.loosen(t, Math.min(...(pairs[k] ?? [t]).map((p) => builder.leastRank(p)))); });
    return outputs;
  };
  const ranks = pairs.map(([a, b]) => Math.max(a.rank, b.rank));
  if (pairs.some(([a, b]) => a.rank !== b.rank) && pairs.every(([a, b]) => isAlike(a, b))) {
    return loosen(either(build, builder, origin, cond, make.map((one) => () => one().map((t, k) => toRank(build, t, ranks[k] ?? t.rank)))));
  }
  const same = pairs.every(([a, b]) => a.dtype === b.dtype && a.rank === b.rank && a.shape.every((d, i) => d === b.shape[i]));
  if (same && branches.every(({ frame }) => small(frame) && (known !== undefined || frame.guards.length === 0))) {
    const yes = known ?? scalarOf(cond);
    for (const { frame } of branches) {
      const idle = frame === then.frame ? not(yes) : yes;
      builder.join({ ...frame, guards: frame.guards.map((g) => ({ ...g, holds: or(g.holds, idle) })) });
    }
    return loosen(pairs.map(([a, b]) =>
      (a.id === b.id ? a : build.map(a.dtype, a.shape, (index) => select(yes, a.at(index), b.at(index)), a.narrow))));
  }
  if (pairs.some(([a, b]) => a.dtype !== b.dtype || a.rank !== b.rank)) {
    if (known !== undefined) return assumed(known);
    return build.fail('unsupported-model', 'the branches of If differ in rank or type, and only the data decide between them', {
      got: `${then.result.map((t) => shapeText(t.shape)).join(', ')} or ${otherwise.result.map((t) => shapeText(t.shape)).join(', ')}`,
    });
  }
  const symbols: Sym[] = [];
  const outputs = pairs.map(([a, b]) => builder.tensor(a.dtype, a.shape.map((d, i) => {
    if (d === b.shape[i]) return d;
    const made = builder.freshDim();
    symbols.push(made);
    return made;
  }), { kind: 'given' }, a.narrow));
  builder.addBlock({
    kind: 'if', origin, cond: scalar(builder, cond), parts: branches.map((b) => b.part), outputs: outputs.map((t) => t.id), symbols,
  });
  return loosen(outputs);
}

const small = ({ computations, dataDims, blocks, checks }: Frame): boolean => computations.length <= fewComputations
  && dataDims.length + blocks.length + checks.length === 0
  && computations.every(({ body }) => body.kind === 'map' || body.kind === 'rows');

/** Whether a tensor differs from one of rank `rank` only in first dims of 1, as far as ranks say. */
const isPadded = (t: Tensor, rank: number): boolean => t.shape.slice(0, Math.max(0, t.rank - rank)).every((d) => asInt(d) === 1);

/** Whether two tensors have one type, and differ in rank by first dims of 1 at most. */
const isAlike = (a: Tensor, b: Tensor | undefined): boolean =>
  b !== undefined && a.dtype === b.dtype && isPadded(a, b.rank) && isPadded(b, a.rank);

/** With first dims of 1 up to a rank. */
const toRank = (build: Lowering, t: Tensor, rank: number): Tensor =>
  (t.rank >= rank ? t : reshape(build, t, [...Array.from({ length: rank - t.rank }, () => int(1)), ...t.shape]));

/** For each state, the group of each dim: dims of a group change together, `undefined` ones stay what they are at first. */
type Groups = (number | string | undefined)[][];

/** A loop whose body is a program of its own. Dims of states that a step changes are symbols, found by trying. */
export function stepped(build: Lowering, builder: ProgramBuilder, origin: Origin, spec: RepeatSpec): RepeatResult {
  let groups: Groups = spec.states.map((t) => t.shape.map(() => undefined));
  let fault: QuernError | undefined;
  for (;;) {
    try {
      const made = builder.forgetting(() => attempt(build, builder, origin, spec, groups));
      if ('states' in made) return made;
      groups = made.groups;
    } catch (error) {
      // The first step may have sizes that none after it has: once more for any sizes.
      if (fault !== undefined || !(error instanceof QuernError)) throw fault ?? error;
      fault = error;
      groups = spec.states.map((t) => t.shape.map((d) => d.id));
    }
  }
}

function attempt(
  build: Lowering, builder: ProgramBuilder, origin: Origin, spec: RepeatSpec, groups: Groups,
): RepeatResult | { readonly groups: Groups } {
  const dims = new Map<number | string, Sym>();
  const dimOf = (group: number | string): Sym => {
    const made = dims.get(group) ?? builder.freshDim();
    dims.set(group, made);
    return made;
  };
  const { result: { count, going, states, next, collected }, frame } = builder.apart('body', () => {
    const given = (t: Pick<Tensor, 'dtype' | 'shape' | 'narrow'>): Tensor => builder.tensor(t.dtype, t.shape, { kind: 'given' }, t.narrow);
    const own = spec.states.map((t, k) => given({ ...typeOf(t), shape: t.shape.map((d, i) => {
      const group = groups[k]?.[i];
      return group === undefined ? d : dimOf(group);
    }) }));
    const [at, on] = [given({ dtype: 'int64', shape: [] }), given({ dtype: 'bool', shape: [] })];
    const made = spec.step(at, on, own);
    // Entries of what is collected are copied one behind another, which a GPU does in multiples of 4 bytes.
    return { count: at, going: on, states: own, next: made, collected: made.collected.map((t) => wide(build, t)) };
  });
  const changed = regrouped(build, groups, spec, states, next.states);
  if (changed !== undefined) return { groups: changed };
  const { inside, outside, symbols: varying } = divide(frame, [count, going, ...states].map((t) => t.id), [...dims.values()]);
  builder.join(outside);
  const known = builder.elements(next.going)?.[0];
  const asks = known?.op !== 'const' || known.value === 0;
  const part = builder.part(inside, [...(asks ? [next.going] : []), ...next.states, ...collected]);
  const symbols: Sym[] = [builder.freshDim()];
  const fresh = (d: Expr): Expr => {
    if (!collect([d], isSym).some((s) => varying.has(s))) return d;
    const made = builder.freshDim();
    symbols.push(made);
    return made;
  };
  const rooms = collected.map((t) => builder.tensor(t.dtype, [...symbols.slice(0, 1), ...t.shape.map(fresh)], { kind: 'given' }));
  builder.addBlock({
    kind: 'loop', origin, limit: spec.limit === undefined ? undefined : scalar(builder, spec.limit),
    start: spec.start === undefined ? undefined : scalar(builder, spec.start), initial: spec.states.map((t) => t.id),
    count: count.id, going: going.id, asks, parts: [part], outputs: [...states, ...rooms].map((t) => t.id), symbols: [...symbols, ...dims.values()],
  });
  return {
    states, collected: rooms.map((room, k) => {
      const { dtype, narrow } = next.collected[k] ?? room;
      return room.dtype === dtype ? room : build.map(dtype, room.shape, (index) => cast(room.at(index), dtype), narrow);
    }),
  };
}

function wide(build: Lowering, t: Tensor): Tensor {
  if (bytesOf(t.dtype) >= 4) return t;
  const dtype = isFloat(t.dtype) ? 'float32' : 'int32';
  return build.map(dtype, t.shape, (index) => cast(t.at(index), dtype));
}

const typeOf = ({ dtype, narrow }: Tensor): Pick<Tensor, 'dtype' | 'narrow'> => ({ dtype, narrow });

/** Other groups, where the ones that were tried are too coarse or too few. */
function regrouped(
  build: Lowering, groups: Groups, { states: first }: RepeatSpec, before: readonly Tensor[], after: readonly Tensor[],
): Groups | undefined {
  const results = new Map<number | string, Expr>();
  const next = groups.map((of, k) => of.map((group, i) => {
    const [was, is] = [before[k]?.shape[i], after[k]?.shape[i]];
    if (group === undefined) {
      // What starts equal is tried as one.
      return was === is ? undefined : first[k]?.shape[i]?.id;
    }
    const common = results.get(group) ?? is;
    if (common === undefined || is === undefined || common === is) {
      if (is !== undefined) results.set(group, is);
      return group;
    }
    return `${group} ${is.id}`;
  }));
  for (const [k, t] of after.entries()) {
    const state = before[k];
    if (state?.dtype !== t.dtype || state.rank !== t.rank) {
      build.fail('unsupported-model', 'a value changes its rank or type from step to step of a loop', {
        expected: `${state?.dtype ?? ''}${shapeText(state?.shape ?? [])}`, got: `${t.dtype}${shapeText(t.shape)}`,
      });
    }
  }
  return next.some((of, k) => of.some((group, i) => group !== groups[k]?.[i])) ? next : undefined;
}

/** A body's frame, split by what depends on tensors and dims that change from step to step. */
export function divide(frame: Frame, tensors: readonly number[], dims: readonly Sym[]):
{ readonly inside: Frame; readonly outside: Frame; readonly symbols: ReadonlySet<Expr> } {
  const varying = new Set<number>([...tensors, ...frame.blocks.flatMap((b) => b.outputs)]);
  const symbols = new Set<Expr>([...dims, ...frame.blocks.flatMap((b) => b.symbols)]);
  const read = (ids: readonly number[]): void => {
    for (const d of frame.dataDims) if (ids.includes(d.tensor)) symbols.add(d.symbol);
  };
  read([...varying]);
  for (const c of frame.computations) {
    const mentioned = collect(mentions(c.body), isSym);
    if (!readsOf(c).some((t) => varying.has(t)) && !mentioned.some((s) => symbols.has(s))) continue;
    for (const t of c.outputs) varying.add(t);
    read(c.outputs);
  }
  const split = (inside: boolean): Frame => ({
    ...frame,
    computations: frame.computations.filter((c) => c.outputs.some((t) => varying.has(t)) === inside),
    dataDims: frame.dataDims.filter((d) => varying.has(d.tensor) === inside),
    checks: frame.checks.filter((c) => varying.has(c.tensor) === inside),
    guards: inside ? frame.guards : [], blocks: inside ? frame.blocks : [],
  });
  return { inside: split(true), outside: split(false), symbols };
}
