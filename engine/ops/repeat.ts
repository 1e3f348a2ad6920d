/**
 * Loops whose number of steps only the data decide. Small bodies become one kernel: the step's computations in order inside a `while`, states
 * and everything in between in tensors that the kernel writes, the same on every device and without a round trip for each step. Other
 * bodies become a block (blocks.ts). What does not depend on the states stays outside.
 */
import { QuernError } from '../../jit/error.ts';
import { type Expr, add, and, asInt, cast, constant, floordiv, int, lt, max, min, product, ref, select, sub, sum } from '../../jit/expr/expr.ts';
import { type Body, type Stmt, allAxes } from '../../jit/kernel.ts';
import { type Computation, type Origin, readsOf } from '../graph/program.ts';
import { divide, stepped } from './blocks.ts';
import { type ProgramBuilder, grown } from './module.ts';
import type { Lowering, RepeatResult, RepeatSpec, Tensor } from './operator.ts';
import { scalarOf, scalarValue, toIndex, zeroOf } from './math.ts';
import { fill, statementsOf } from './statements.ts';

/** Points that one step of a loop in one kernel may compute, open dims taken as 16: it runs on one thread, element by element. */
const mostPoints = 2 ** 12;

/**
 * Points after which such a kernel comes back: a few ms on a CPU, and well below the seconds after which systems take a GPU away. Loops that may
 * need more are a block whose steps are kernels of this size, and see aborts between them.
 */
const turnPoints = 2 ** 18;

/** Points of loops in one kernel, for loops around them. */
const pointsIn = new WeakMap<Body, number>();

export function repeat(build: Lowering, builder: ProgramBuilder, origin: Origin, spec: RepeatSpec): RepeatResult {
  if (spec.states.some((t) => builder.lists.has(t))) return growing(build, builder, origin, spec);
  try {
    const { result, frame } = builder.apart('trial', () => builder.forgetting(() => inOneKernel(build, builder, origin, spec)));
    builder.join(frame);
    return result;
  } catch (error) {
    // Bodies that one kernel cannot hold, and wrong ones, which then fail here.
    if (error instanceof QuernError) return stepped(build, builder, origin, spec);
    throw error;
  }
}

/** Sequences to which each step adds an item at the end: what it adds is collected. */
function growing(build: Lowering, builder: ProgramBuilder, origin: Origin, spec: RepeatSpec): RepeatResult {
  const lists = spec.states.map((t) => builder.lists.get(t));
  const isPlain = (_: Tensor, k: number): boolean => lists[k] === undefined;
  /** All states, of those that are no sequences and what stands for the others. */
  const together = (plain: readonly Tensor[], list: (items: readonly Tensor[], nth: number) => Tensor): Tensor[] => {
    let [at, nth] = [0, 0];
    return lists.flatMap((items) => (items === undefined ? plain[at++] ?? [] : list(items, nth++)));
  };
  const before = builder.tensor('bool', []);
  grown.add(before);
  const count = lists.filter((items) => items !== undefined).length;
  const { states, collected } = repeat(build, builder, origin, {
    ...spec,
    states: spec.states.filter(isPlain),
    step: (step, going, plain) => {
      const made = spec.step(step, going, together(plain, () => builder.list([before])));
      const added = made.states.filter((t, k) => !isPlain(t, k)).map((t) => {
        const [first, item, ...more] = builder.lists.get(t) ?? [];
        if (first === before && item !== undefined && more.length === 0) return item;
        return build.fail('unsupported-model', 'a sequence goes through a loop whose steps are not few and known, and do not add an item each');
      });
      return { going: made.going, states: made.states.filter(isPlain), collected: [...added, ...made.collected] };
    },
  });
  const list = (items: readonly Tensor[], nth: number): Tensor => {
    const stack = collected[nth] ?? build.fail('internal', 'a sequence got lost in a loop');
    grown.add(stack);
    return builder.list([...items, stack]);
  };
  return { states: together(states, list), collected: collected.slice(count) };
}

const openPoints = ({ body }: Computation): Expr => {
  const known = pointsIn.get(body);
  return known === undefined ? product(allAxes(body).map((v) => v.extent)) : int(known);
};
const points = ({ body }: Computation): number => pointsIn.get(body) ?? allAxes(body).reduce((n, { extent }) => n * (asInt(extent) ?? 16), 1);

function inOneKernel(build: Lowering, builder: ProgramBuilder, origin: Origin, spec: RepeatSpec): RepeatResult {
  // Steps are counted in 32 bits.
  const bound = Math.min(builder.maxIterations, 2 ** 30);
  const states = spec.states.map((t) => builder.tensor(t.dtype, t.shape));
  const [count, going] = [builder.tensor('int64', []), builder.tensor('bool', [])];
  const { result, frame } = builder.apart('trial', () => spec.step(count, going, states));
  const unfit = (): never => build.fail('unsupported-model', 'a body that is too much for one kernel');
  for (const [k, t] of result.states.entries()) {
    const before = states[k];
    if (before?.dtype !== t.dtype || before.rank !== t.rank || t.shape.some((d, i) => d !== before.shape[i])) unfit();
  }
  const { inside: { computations, dataDims, checks, blocks }, outside } = divide(frame, [count, going, ...states].map((t) => t.id), []);
  const needed = new Set([result.going, ...result.states, ...result.collected].map((t) => t.id));
  const inside = computations.toReversed().filter((c) => {
    if (!c.outputs.some((o) => needed.has(o))) return false;
    for (const id of readsOf(c)) needed.add(id);
    return true;
  }).reverse();
  const work = inside.reduce((n, c) => n + points(c), 1);
  if (dataDims.length + checks.length + blocks.length > 0 || work > mostPoints) unfit();
  builder.join({ ...outside, guards: frame.guards });
  const most = spec.limit === undefined ? undefined : builder.elements(spec.limit)?.[0];
  const steps = Math.min((most === undefined ? undefined : asInt(most)) ?? Infinity, bound);
  const room = roomFor(build, builder, spec, result.collected);
  const [done, more] = [builder.tensor('int64', []), builder.tensor('bool', [])];
  const tensorOf = (id: number): ReturnType<ProgramBuilder['tensorDef']> => builder.tensorDef(id);
  // A new state may be read by others before it takes the old one's place, or be one of the old ones itself.
  const held = result.states.map((t, k) => (states.some((s) => s.id === t.id) && states[k]?.id !== t.id ? builder.tensor(t.dtype, t.shape) : t));
  const [at, on] = [ref('step', 'index'), ref('more', 'bool')];
  const limit = spec.limit === undefined ? undefined : cast(scalarOf(spec.limit), 'int64');
  const wanted = (step: Expr, yes: Expr): Expr => (limit === undefined ? yes : and(yes, lt(cast(step, 'int64'), limit)));
  const atOnce = steps * work <= turnPoints;
  const turn = atOnce ? int(steps) : max(1, floordiv(int(turnPoints), sum([int(1), ...inside.map(openPoints)])));
  const body: Stmt[] = [
    { do: 'store', store: { tensor: count.id, index: [], value: cast(at, 'int64') } },
    { do: 'store', store: { tensor: going.id, index: [], value: on } },
    ...inside.flatMap((c, k) => statementsOf(c, tensorOf, `c${k}_`)),
    ...result.collected.flatMap((t, k) => {
      const to = room[k];
      return to === undefined ? [] : fill(tensorOf(to.id), t.id, tensorOf, `r${k}`, at);
    }),
    { do: 'set', name: 'more', value: scalarOf(result.going) },
    ...held.flatMap((t, k) => (t.id === result.states[k]?.id ? [] : fill(tensorOf(t.id), result.states[k]?.id ?? t.id, tensorOf, `h${k}`))),
    ...held.flatMap((t, k) => {
      const to = states[k];
      return to === undefined || to.id === t.id ? [] : fill(tensorOf(to.id), t.id, tensorOf, `s${k}`);
    }),
    { do: 'set', name: 'step', value: add(at, 1) },
  ];
  const statements: Stmt[] = [
    { do: 'let', name: 'step', value: toIndex(scalarOf(done)) },
    { do: 'let', name: 'end', value: min(add(at, turn), bound) },
    { do: 'let', name: 'more', value: scalarOf(more) },
    { do: 'while', cond: and(wanted(at, on), lt(at, ref('end', 'index'))), body },
    { do: 'store', store: { tensor: done.id, index: [], value: cast(at, 'int64') } },
    { do: 'store', store: { tensor: more.id, index: [], value: on } },
  ];
  const kept = [...states, done, more, ...room];
  const written = [...kept, count, going, ...held.filter((t, k) => t.id !== result.states[k]?.id)];
  const loop: Body = { kind: 'loop', axes: [], body: statements };
  pointsIn.set(loop, Math.min(steps, turnPoints) * work);
  const run = (from: readonly Tensor[]): void => {
    const initial = new Map<number, number | 'zero'>(kept.map((t, k) => [t.id, from[k]?.id ?? 'zero']));
    builder.append([{ body: loop, outputs: [...written.map((t) => t.id), ...inside.flatMap((c) => c.outputs)], origins: [origin], initial }]);
  };
  const first = [...spec.states, build.constant('int64', [], [0]), spec.start ?? build.constant('bool', [], [1])];
  let last: readonly Tensor[] = kept;
  if (atOnce) run(first);
  else {
    const always = result.going.id === going.id && spec.start === undefined && most !== undefined;
    const turns = always ? build.known('int64', [], [floordiv(add(min(most, bound), sub(turn, 1)), turn)]) : undefined;
    const zeros = room.map((t) => build.map(t.dtype, t.shape, () => zeroOf(t.dtype)));
    last = stepped(build, builder, origin, {
      states: [...first, ...zeros], limit: turns, start: undefined,
      step: (_, yes, from) => {
        run(from);
        const again = (): Expr => and(wanted(toIndex(scalarOf(done)), scalarOf(more)), lt(scalarOf(done), constant(bound, 'int64')));
        return { going: always ? yes : build.map('bool', [], again), states: kept, collected: [] };
      },
    }).states;
  }
  const [all = done, open = more] = last.slice(states.length);
  if (!(steps < bound)) {
    const over = build.map('int64', [], () => select(wanted(toIndex(scalarOf(all)), scalarOf(open)), constant(1, 'int64'), constant(0, 'int64')));
    builder.watch({ tensor: over.id, steps: true, range: { low: int(0), high: int(bound) }, origin });
  }
  return {
    states: last.slice(0, states.length),
    collected: room.map((t, k) => taken(build, last[states.length + 2 + k] ?? t, all, result.collected[k] ?? t)),
  };
}

/** Results that collect a tensor of each step have room for the most steps there can be. */
function roomFor(build: Lowering, builder: ProgramBuilder, { limit }: RepeatSpec, collected: readonly Tensor[]): Tensor[] {
  if (collected.length === 0) return [];
  const most = limit === undefined ? undefined : build.dim(scalarValue(build, limit));
  if (most === undefined || (asInt(most) ?? 0) >= 2 ** 31) return build.fail('unsupported-model', 'a loop without a limit collects results');
  return collected.map((t) => builder.tensor(t.dtype, [most, ...t.shape]));
}

/** As many entries as there were steps. */
function taken(build: Lowering, room: Tensor, steps: Tensor, one: Tensor): Tensor {
  const size: Expr = build.dim(scalarOf(steps));
  return build.map(room.dtype, [size, ...one.shape], (index) => room.at(index));
}
