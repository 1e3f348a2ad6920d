/**
 * Runs blocks of a plan: the branch that a condition takes, the steps of a loop. Parts are bound and run by the executor; here are the
 * decisions between them, the dims that come of them, and what is handed from step to step. Nothing is compiled for a step: other sizes
 * are another binding of the same segments.
 */
import { type TypedArray, bytesUnder } from '../../jit/expr/dtype.ts';
import { type Expr, asInt } from '../../jit/expr/expr.ts';
import { evaluate } from '../../jit/expr/visit.ts';
import type { Device } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import { type Guard, type Scalar, endless } from '../graph/program.ts';
import { type Place, type Plan, type PlanBlock, type PlanPart, rootOf, tensor } from '../plan/plan.ts';
import type { Binding } from './binding.ts';
import type { Env } from './calls.ts';

/** A run, or a part of it. */
export interface Running {
  readonly binding: Binding;
  /** Devices on which a tensor is as it should be. */
  readonly where: Map<number, Set<Place>>;
  readonly env: Map<Expr, number>;
  readonly signal: AbortSignal | undefined;
  readonly guards: readonly Guard[];
}

/** What the executor does for blocks. */
interface Host {
  readonly plan: Plan;
  readonly stores: ReadonlyMap<Place, unknown>;
  device(place: Place): Device;
  part(part: PlanPart, run: Running): Promise<void>;
  transfer(root: number, places: Set<Place>, to: Place, binding: Binding, env: Env): Promise<void>;
  element(id: number, element: number, binding: Binding, where: ReadonlyMap<number, Set<Place>>, env: Env): Promise<number>;
}

type If = Extract<PlanBlock, { kind: 'if' }>;
type Loop = Extract<PlanBlock, { kind: 'loop' }>;

/** How often a loop that waits for nothing gives way to messages, such as aborts. */
const turnMs = 50;

export const runBlock = (host: Host, block: PlanBlock, run: Running): Promise<void> =>
  (block.kind === 'if' ? branch(host, block, run) : loop(host, block, run));

async function branch(host: Host, block: If, run: Running): Promise<void> {
  const part = block.parts[await scalar(host, block.cond, run) === 0 ? 1 : 0];
  if (part === undefined) throw new QuernError('internal', 'an If without branches', block.origin);
  await host.part(part, run);
  for (const [k, id] of block.outputs.entries()) {
    const made = part.outputs[k] ?? id;
    setDims(host, block, id, run.binding.shape(made, run.env), run.env);
    run.where.set(id, placesOf(host, made, run));
  }
}

/**
 * Each step has an environment of its own: dims of states and dims read in the body are others each time. States are copied back, since what
 * is bound to them stays bound; collected results go one behind another into a tensor that grows.
 */
async function loop(host: Host, block: Loop, run: Running): Promise<void> {
  const { outputs, initial, origin, asks, symbols: [steps] } = block;
  const [body] = block.parts;
  if (body === undefined || steps === undefined) throw new QuernError('internal', 'a loop without a body', origin);
  const limit = block.limit === undefined ? Infinity : await scalar(host, block.limit, run);
  const [states, rooms] = [outputs.slice(0, initial.length), outputs.slice(initial.length)];
  const results = asks ? body.outputs.slice(1) : body.outputs;
  const next = asks ? body.outputs[0] : undefined;
  const take = (from: readonly number[], old: Running): Running => {
    const now = { ...run, env: new Map(run.env) };
    for (const [k, id] of states.entries()) setDims(host, block, id, run.binding.shape(from[k] ?? id, old.env), now.env);
    for (const [k, id] of states.entries()) copy(host, from[k] ?? id, old, id, now);
    return now;
  };
  let at = take(initial, run);
  let going = block.start === undefined || await scalar(host, block.start, run) !== 0;
  let step = 0;
  let turn = performance.now();
  // A GPU may be far behind a loop that reads nothing from it: waited for more seldom as long as that is short, so that aborts are seen.
  let [left, every] = [4, 4];
  const sizes = rooms.map((id) => tensor(host.plan, id).shape.slice(1).map((d) => asInt(d) ?? 0));
  for (; going && step < limit; step++) {
    if (run.signal?.aborted === true) throw new QuernError('aborted', 'the run was aborted');
    if (step >= host.plan.maxIterations) throw endless(host.plan.maxIterations, origin);
    write(host, block.count, BigInt64Array.of(BigInt(step)), at);
    write(host, block.going, Uint8Array.of(1), at);
    await host.part(body, at);
    for (const [k, id] of rooms.entries()) sizes[k] = await collect(host, results[states.length + k] ?? id, id, step, sizes[k] ?? [], block, at);
    going = next === undefined || await scalar(host, next, at) !== 0;
    at = take(results, at);
    if (next === undefined && --left === 0) {
      const begun = performance.now();
      for (const place of host.stores.keys()) await host.device(place).idle?.();
      every = performance.now() - begun > turnMs ? 1 : every * 2;
      left = every;
    }
    if (performance.now() - turn > turnMs) {
      await new Promise<void>((go) => { setTimeout(go, 0); });
      turn = performance.now();
    }
  }
  for (const [symbol, value] of at.env) run.env.set(symbol, value);
  run.env.set(steps, step);
  for (const [k, id] of rooms.entries()) setDims(host, block, id, [step, ...sizes[k] ?? []], run.env);
}

/** Puts a step's result behind those of the steps before, which have the same shape. */
async function collect(
  host: Host, from: number, to: number, step: number, before: readonly number[], { origin }: Loop, run: Running,
): Promise<number[]> {
  const dims = run.binding.shape(from, run.env);
  if (step > 0 && dims.some((d, i) => d !== before[i])) {
    throw new QuernError('shape-mismatch', 'what a loop collects changes its shape', {
      ...origin, expected: `[${before.join(', ')}]`, got: `[${dims.join(', ')}]`,
    });
  }
  const root = rootOf(host.plan, from);
  const places = placesOf(host, from, run);
  const [place = 'main'] = step === 0 ? places : placesOf(host, to, run);
  await host.transfer(root, places, place, run.binding, run.env);
  const source = run.binding.view(from, place, run.env);
  const region = run.binding.room(to, place, (step + 1) * source.bytes);
  if (source.bytes > 0) host.device(place).copy(source, { region, offset: step * source.bytes, bytes: source.bytes });
  run.where.set(to, new Set<Place>([place]));
  return dims;
}

function copy(host: Host, from: number, { env: fromEnv }: Running, to: number, run: Running): void {
  const [place = 'main'] = placesOf(host, from, run);
  const source = run.binding.view(from, place, fromEnv);
  const target = run.binding.view(to, place, run.env);
  if (source.bytes > 0) host.device(place).copy(source, target);
  run.where.set(to, new Set<Place>([place]));
}

/** A tensor of one element, where the plan has it: on every device, since who reads it would wait for a transfer. */
function write(host: Host, id: number, element: TypedArray, { binding, where, env }: Running): void {
  if (!host.plan.tensors.has(id)) return;
  const places = new Set(host.stores.keys());
  for (const place of places) host.device(place).write(binding.view(id, place, env), tensor(host.plan, id).dtype, bytesUnder(element));
  where.set(id, places);
}

function setDims({ plan }: Host, { symbols }: PlanBlock, id: number, dims: readonly number[], env: Map<Expr, number>): void {
  tensor(plan, id).shape.forEach((d, i) => { if (d.op === 'sym' && symbols.includes(d)) env.set(d, dims[i] ?? 0); });
}

const placesOf = ({ plan }: Host, id: number, { where }: Running): Set<Place> => new Set(where.get(rootOf(plan, id)) ?? ['main']);

const scalar = async (host: Host, of: Scalar, { binding, where, env }: Running): Promise<number> =>
  (typeof of === 'number' ? host.element(of, 0, binding, where, env) : evaluate(of, env));
