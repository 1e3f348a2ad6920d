/**
 * Loops whose number of steps only the data decide. Small bodies become one kernel: the step's computations in order inside a `while`, states
 * and everything in between in tensors that the kernel writes, the same on every device and without a round trip for each step. Other
 * bodies become a block (blocks.ts). What does not depend on the states stays outside.
 */
import { QuernError } from '../../jit/error.ts';
import { type Expr, add, and, asInt, cast, constant, int, lt, ref, select } from '../../jit/expr/expr.ts';
import { type Stmt, allAxes } from '../../jit/kernel.ts';
import { type Computation, type Origin, readsOf } from '../graph/program.ts';
import { divide, stepped } from './blocks.ts';
import type { ProgramBuilder } from './module.ts';
import type { Lowering, RepeatResult, RepeatSpec, Tensor } from './operator.ts';
import { scalarOf, scalarValue } from './math.ts';
import { fill, statementsOf } from './statements.ts';

/**
 * Points that one step of a loop in one kernel may compute, open dims taken as 16: it runs on one thread, element by element, and no abort is
 * seen before it ends.
 */
const mostPoints = 2 ** 12;

export function repeat(build: Lowering, builder: ProgramBuilder, origin: Origin, spec: RepeatSpec): RepeatResult {
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

const points = ({ body }: Computation): number => allAxes(body).reduce((n, { extent }) => n * (asInt(extent) ?? 16), 1);

function inOneKernel(build: Lowering, builder: ProgramBuilder, origin: Origin, spec: RepeatSpec): RepeatResult {
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
  if (dataDims.length + checks.length + blocks.length > 0 || inside.reduce((n, c) => n + points(c), 0) > mostPoints) unfit();
  builder.join({ ...outside, guards: frame.guards });
  const room = roomFor(build, builder, spec, result.collected);
  const [steps, over] = [builder.tensor('int64', []), builder.tensor('int64', [])];
  const tensorOf = (id: number): ReturnType<ProgramBuilder['tensorDef']> => builder.tensorDef(id);
  // A new state may be read by others before it takes the old one's place, or be one of the old ones itself.
  const held = result.states.map((t, k) => (states.some((s) => s.id === t.id) && states[k]?.id !== t.id ? builder.tensor(t.dtype, t.shape) : t));
  const at = ref('step', 'index');
  const more = ref('more', 'bool');
  const limit = spec.limit === undefined ? undefined : cast(scalarOf(spec.limit), 'int64');
  const wanted = limit === undefined ? more : and(more, lt(cast(at, 'int64'), limit));
  const body: Stmt[] = [
    { do: 'store', store: { tensor: count.id, index: [], value: cast(at, 'int64') } },
    { do: 'store', store: { tensor: going.id, index: [], value: more } },
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
    { do: 'let', name: 'step', value: int(0) },
    { do: 'let', name: 'more', value: spec.start === undefined ? constant(1, 'bool') : scalarOf(spec.start) },
    { do: 'while', cond: and(wanted, lt(at, builder.maxIterations)), body },
    { do: 'store', store: { tensor: steps.id, index: [], value: cast(at, 'int64') } },
    { do: 'store', store: { tensor: over.id, index: [], value: select(wanted, constant(1, 'int64'), constant(0, 'int64')) } },
  ];
  const written = [...states, count, going, ...room, steps, over, ...held.filter((t, k) => t.id !== result.states[k]?.id)];
  const outputs = [...written.map((t) => t.id), ...inside.flatMap((c) => c.outputs)];
  const initial = new Map<number, number | 'zero'>([
    ...states.map((t, k) => [t.id, spec.states[k]?.id ?? 'zero'] as const), ...room.map((t) => [t.id, 'zero'] as const),
  ]);
  builder.append([{ body: { kind: 'loop', axes: [], body: statements }, outputs, origins: [origin], initial }]);
  builder.watch({ tensor: over.id, steps: true, range: { low: int(0), high: int(builder.maxIterations) }, origin });
  return { states, collected: room.map((t, k) => taken(build, t, steps, result.collected[k] ?? t)) };
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
