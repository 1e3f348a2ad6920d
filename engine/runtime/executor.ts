/**
 * Runs a plan: matches feeds with dims, binds, runs segment after segment, moves tensors between devices where segments differ in place,
 * reads the dims that become known, and hands out results. One run at a time (the caller queues).
 */
import { type DType, bytesOf, viewAs } from '../../jit/expr/dtype.ts';
import { type Expr } from '../../jit/expr/expr.ts';
import { type Device, type Region, type View, whole } from '../../jit/device.ts';
import type { Kernel } from '../../jit/kernel.ts';
import { QuernError, at } from '../../jit/error.ts';
import { enforce } from '../graph/program.ts';
import { type Flow, type Place, type Plan, type PlanPart, rootOf, tensor } from '../plan/plan.ts';
import { median } from '../../jit/tune/clock.ts';
import { Binding, type BoundSegment } from './binding.ts';
import type { Env } from './calls.ts';
import { type Running, runBlock } from './blocks.ts';
import { type KernelStore, storeAt } from './kernel-store.ts';
import { checkGuards, matchFeeds } from './match-feeds.ts';
import { type PlanFacts, factsOf } from './plan-facts.ts';
import { type Fixed, type SharedRun, sharedRun } from './guest-run.ts';
import type { RunRequest, WireTensor } from './model.ts';
import { Residence } from './residence.ts';

/** Sets of dims that stay bound; a decode loop uses a new one each step. */
const keptBindings = 3;

interface Handle {
  readonly region: Region;
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/** Milliseconds that a program may take on a page's thread: what going to the worker and back takes. And after how many runs alike that pays. */
const mostGuestMs = 0.2;
const alikeRuns = 8;

/** How long a profile of one segment may take, in milliseconds, and how many passes it takes at most. */
const profileMs = 200;
const mostPasses = 9;

/** Names a kernel at given dims. */
export const callKey = (store: KernelStore, kernel: Kernel, dims: readonly number[]): string => `${store.text(kernel)}\n${dims.join()}`;

const readBytes = async (device: Device, view: View, dtype: DType): Promise<Uint8Array> =>
  (view.bytes === 0 ? new Uint8Array(0) : device.read(view, dtype));

/** A run whose memory is known: on feeds of the same dims the next one only writes them, runs and reads. */
interface Settled {
  readonly binding: Binding;
  readonly env: Env;
  readonly feeds: readonly Fixed[];
  readonly bound: readonly BoundSegment[];
  readonly results: readonly Fixed[];
  /** How often it ran, and the least that it took. */
  runs: number;
  ms: number;
}

const fits = ({ feeds }: Settled, given: RunRequest['feeds']): boolean => Object.keys(given).length === feeds.length
  && feeds.every(({ name, dtype, dims }) => given[name]?.dtype === dtype && given[name].dims.length === dims.length
    && dims.every((d, i) => d === given[name]?.dims[i]));

export class Executor {
  readonly plan: Plan;
  readonly stores: ReadonlyMap<Place, KernelStore>;
  readonly residence: Residence;
  readonly #facts: PlanFacts;
  /** All sizes follow from those of the feeds, and all tensors are on one device. */
  readonly #settles: boolean;
  /** The last run, if the next may be like it. */
  #settled: Settled | undefined;
  /** The one used last comes last. */
  #bindings: Binding[] = [];
  /** Values of the inputs' symbols in the last run. */
  #last: Env | undefined;
  /** Whether kept tensors are memory of runs, not copies of it: programs must be able to follow. */
  readonly #hands: boolean;
  readonly #handles = new Map<number, Handle>();
  #nextHandle = 1;

  constructor(plan: Plan, stores: ReadonlyMap<Place, KernelStore>) {
    this.plan = plan;
    this.stores = stores;
    this.residence = new Residence(plan, stores);
    this.#facts = factsOf(plan);
    this.#settles = stores.size === 1 && plan.flow.every((f) => typeof f === 'number') && plan.segments.every(({ reads }) => reads.length === 0);
    this.#hands = this.#facts.roomy && stores.size === 1 && this.device('main').moves === true;
  }

  get bindings(): readonly Binding[] {
    return this.#bindings;
  }

  /** Bytes of kept device tensors. */
  get keptBytes(): number {
    return [...this.#handles.values()].reduce((n, h) => n + h.region.bytes, 0);
  }

  async run(request: RunRequest, signal?: AbortSignal): Promise<Record<string, WireTensor>> {
    const { feeds } = request;
    const like = this.#like(request);
    if (like !== undefined) return this.#runSettled(like, feeds, signal);
    this.#settled = undefined;
    const env = matchFeeds(this.plan, feeds);
    checkGuards(this.plan.guards ?? [], env);
    const binding = this.#binding(env);
    if (this.#maySettle(request)) return this.#runSettled(this.#settled = await this.#settle(binding, env), feeds, signal);
    this.#clearChecks(binding);
    const where = new Map<number, Set<Place>>();
    for (const { name, tensor: id } of this.plan.inputs) {
      const feed = feeds[name];
      if (feed === undefined) continue;
      const place = this.stores.has('cpu') && this.#facts.cpuInputs.has(id) && feed.kind === 'bytes' ? 'cpu' : 'main';
      const given = this.#hands && feed.kind === 'handle' ? this.#handle(feed.handle).region : undefined;
      binding.lend(id, given);
      if (given === undefined) this.#fill(binding.view(id, place, env), tensor(this.plan, id).dtype, feed, this.device(place));
      where.set(id, new Set<Place>([place]));
    }
    await this.#flow(this.plan.flow, { binding, where, env, signal, guards: this.plan.guards ?? [] });
    // Asked for before the outputs, so that a GPU answers both in one round trip.
    const checked = this.#enforceChecks(binding, env);
    checked.catch(() => undefined);
    const results = await this.#results(request, binding, where, env);
    try {
      await checked;
    } catch (error) {
      for (const result of Object.values(results)) if (result.kind === 'handle') this.release(result.handle);
      throw error;
    }
    return results;
  }

  #maySettle({ feeds, outputs, keep }: RunRequest): boolean {
    return this.#settles && outputs === undefined && keep === undefined && Object.values(feeds).every(({ kind }) => kind === 'bytes');
  }

  /** The last run, if this one is like it. */
  #like(request: RunRequest): Settled | undefined {
    return this.#settled !== undefined && this.#maySettle(request) && fits(this.#settled, request.feeds) ? this.#settled : undefined;
  }

  async #settle(binding: Binding, env: Env): Promise<Settled> {
    const bound: BoundSegment[] = [];
    for (const { tensor: id } of this.plan.inputs) binding.lend(id, undefined);
    for (const f of this.plan.flow) if (typeof f === 'number') bound.push(await binding.segment(f, env));
    const fixed = ({ name, tensor: id }: { readonly name: string; readonly tensor: number }): Fixed =>
      ({ name, dtype: tensor(this.plan, id).dtype, dims: binding.shape(id, env), view: binding.view(id, 'main', env) });
    return { binding, env, feeds: this.plan.inputs.map(fixed), bound, results: this.plan.outputs.map(fixed), runs: 0, ms: Infinity };
  }

  /** What all runs with the same dims have in common was done once: t5_tiny took 1.37 ms instead of 1.58. */
  async #runSettled(settled: Settled, given: RunRequest['feeds'], signal?: AbortSignal): Promise<Record<string, WireTensor>> {
    const { binding, env, feeds, bound, results } = settled;
    const device = this.device('main');
    this.#clearChecks(binding);
    for (const { name, dtype, view } of feeds) this.#fill(view, dtype, given[name], device);
    const began = performance.now();
    for (const { clear, program } of bound) {
      this.#clear(clear, device);
      await program?.run({ signal });
    }
    settled.runs++;
    settled.ms = Math.min(settled.ms, performance.now() - began);
    // Asked for before the outputs, so that a GPU answers both in one round trip.
    const checked = this.#enforceChecks(binding, env);
    checked.catch(() => undefined);
    const made: Record<string, WireTensor> = {};
    for (const { name, dtype, dims, view } of results) made[name] = { kind: 'bytes', dtype, dims, bytes: await readBytes(device, view, dtype) };
    await checked;
    return made;
  }

  /** A run like the last one as a guest's; undefined where that cannot be or would not pay. */
  share(request: RunRequest): SharedRun | undefined {
    const settled = this.#like(request);
    if (settled === undefined || settled.runs < alikeRuns || settled.ms > mostGuestMs) return undefined;
    const shared = sharedRun(settled, [...this.#facts.checked].map((place) => settled.binding.checks(place).region), this.device('main'));
    return shared && { run: shared.run, holds: () => shared.holds() && this.#settled === settled };
  }

  #clearChecks(binding: Binding): void {
    for (const place of this.#facts.checked) {
      const { region } = binding.checks(place);
      this.device(place).write(whole(region), 'uint8', new Uint8Array(region.bytes));
    }
  }

  #clear(clear: BoundSegment['clear'], device: Device): void {
    for (const { view, id } of clear) {
      const { dtype } = tensor(this.plan, id);
      device.write(view, dtype, new Uint8Array((view.bytes / device.storageBytes(dtype)) * bytesOf(dtype)));
    }
  }

  async #flow(flow: Flow, run: Running): Promise<void> {
    for (const f of flow) {
      if (typeof f === 'number') await this.#segment(f, run);
      else {
        await runBlock(this, f, run);
        checkGuards(run.guards, run.env);
      }
    }
  }

  async #segment(index: number, { binding, where, env, signal, guards }: Running): Promise<void> {
    const segment = this.plan.segments[index];
    if (segment === undefined) throw new QuernError('internal', `the plan has no segment ${index}`);
    const bound = await binding.segment(index, env);
    await this.#bringInputs(bound, binding, where, env);
    this.#clear(bound.clear, this.device(segment.place));
    await bound.program?.run({ signal });
    for (const step of segment.steps) {
      step.kernel.args.forEach((a, i) => {
        const id = step.args[i];
        if (a.access !== 'read' && id !== undefined) where.set(rootOf(this.plan, id), new Set<Place>([segment.place]));
      });
    }
    for (const read of segment.reads) env.set(read.symbol, await this.#readDim(read, binding, where, env));
    if (segment.reads.length > 0) checkGuards(guards, env);
  }

  /** Runs one part of a block to its end. */
  async part({ flow, guards, checks }: PlanPart, run: Running): Promise<void> {
    checkGuards(guards, run.env);
    await this.#flow(flow, { ...run, guards });
    if (checks) await this.#enforceChecks(run.binding, run.env);
  }

  /** Throws if an index left its tensor during the run. */
  async #enforceChecks(binding: Binding, env: ReadonlyMap<Expr, number>): Promise<void> {
    for (const place of this.#facts.checked) {
      const { region, bytes } = binding.checks(place);
      const device = this.device(place);
      const found = viewAs('int64', await device.read(whole(region), 'int64')) as BigInt64Array;
      this.plan.checks?.forEach((check, k) => { enforce(check, found[(k * bytes) / device.storageBytes('int64')] ?? 0n, env); });
    }
  }

  /** Binds and compiles what can be before the first run: all of it for static shapes. */
  async warm(): Promise<void> {
    const env = new Map<Expr, number>();
    const symbolic = this.plan.inputs.some((i) => tensor(this.plan, i.tensor).shape.some((d) => d.op !== 'const'));
    if (symbolic || this.#bindings.length > 0) return;
    const binding = this.#binding(env);
    // Of parts of blocks too, where they wait for no dim.
    for (const index of this.plan.segments.keys()) if (this.#facts.symbols[index]?.length === 0) await binding.segment(index, env);
  }

  /**
   * Nanoseconds that one run spends in each kernel at given dims (`callKey`), all its calls together: runs what was bound last on what
   * is in memory.
   */
  async profile(): Promise<Map<string, number>> {
    const times = new Map<string, number>();
    const binding = this.bindings.at(-1);
    for (const bound of binding?.bound() ?? []) {
      if (bound.program === undefined) continue;
      // What the last run was fed may be gone, and what it made belongs to others.
      binding?.refresh(bound);
      // The first pass brings code and data in; then as many as fit into a moment, since one alone may be disturbed. One that takes longer
      // than that counts itself.
      const begin = performance.now();
      const { times: first = [] } = await bound.program.run({ profile: true });
      const took = performance.now() - begin;
      const wanted = Math.min(mostPasses, Math.max(took > profileMs ? 1 : 2, Math.ceil(profileMs / (took + 1))));
      const passes: (readonly number[])[] = took > profileMs ? [first] : [];
      while (passes.length < wanted) passes.push((await bound.program.run({ profile: true })).times ?? []);
      const store = storeAt(this.stores, bound.segment.place);
      bound.steps.forEach(({ step, dims }, i) => {
        const key = callKey(store, step.kernel, dims);
        times.set(key, (times.get(key) ?? 0) + median(passes.map((p) => p[i] ?? 0)));
      });
    }
    return times;
  }

  async read(handle: number): Promise<Uint8Array> {
    const { region, dtype, dims } = this.#handle(handle);
    const device = this.device('main');
    const view = { region, offset: 0, bytes: device.storageBytes(dtype) * dims.reduce((a, b) => a * b, 1) };
    return readBytes(device, view, dtype);
  }

  release(handle: number): void {
    const known = this.#handles.get(handle);
    if (known === undefined) return;
    this.#handles.delete(handle);
    this.device('main').release(known.region);
  }

  dispose(): void {
    for (const handle of [...this.#handles.keys()]) this.release(handle);
    for (const binding of this.#bindings.splice(0)) binding.dispose();
    this.residence.dispose();
  }

  #binding(env: Env): Binding {
    const known = this.#bindings.find((b) => b.fits(env));
    const binding = known ?? new Binding(this.plan, this.#facts, this.stores, this.residence, new Map(env), this.#hands ? this.#last : undefined);
    this.#bindings = [...this.#bindings.filter((b) => b !== known), binding];
    this.#last = new Map(env);
    while (this.#bindings.length > keptBindings) this.#bindings.shift()?.dispose();
    return binding;
  }

  #fill(view: View, dtype: DType, feed: WireTensor | undefined, device: Device): void {
    if (view.bytes === 0 || feed === undefined) return;
    if (feed.kind === 'handle') {
      const { region } = this.#handle(feed.handle);
      device.copy({ region, offset: 0, bytes: view.bytes }, view);
      return;
    }
    const expected = feed.dims.reduce((a, b) => a * b, 1) * bytesOf(dtype);
    if (feed.bytes.byteLength !== expected) {
      throw new QuernError('invalid-input', 'a feed has another number of elements than its dims say', {
        expected: `${expected / bytesOf(dtype)} elements for [${feed.dims.join(', ')}]`, got: String(feed.bytes.byteLength / bytesOf(dtype)),
      });
    }
    device.write(view, dtype, feed.bytes);
  }

  /** Brings what a segment reads to its device. */
  async #bringInputs(bound: BoundSegment, binding: Binding, where: Map<number, Set<Place>>, env: ReadonlyMap<Expr, number>): Promise<void> {
    if (this.stores.size === 1) return;
    const { place } = bound.segment;
    for (const { step } of bound.steps) {
      for (const [i, a] of step.kernel.args.entries()) {
        const id = step.args[i];
        if (a.access === 'write' || id === undefined) continue;
        const root = rootOf(this.plan, id);
        const places = where.get(root);
        if (places === undefined || places.has(place)) continue;
        await this.transfer(root, places, place, binding, env);
      }
    }
  }

  async transfer(root: number, places: Set<Place>, to: Place, binding: Binding, env: ReadonlyMap<Expr, number>): Promise<void> {
    const [from] = places;
    if (from === undefined || places.has(to)) return;
    const { dtype } = tensor(this.plan, root);
    const source = binding.view(root, from, env);
    const target = binding.view(root, to, env);
    if (source.bytes > 0) this.device(to).write(target, dtype, await this.device(from).read(source, dtype));
    places.add(to);
  }

  async #readDim(
    read: Plan['segments'][number]['reads'][number],
    binding: Binding,
    where: ReadonlyMap<number, Set<Place>>,
    env: ReadonlyMap<Expr, number>,
  ): Promise<number> {
    const value = await this.element(read.tensor, read.element, binding, where, env);
    if (!Number.isSafeInteger(value) || value < 0) {
      throw at(new QuernError('shape-mismatch', 'a dim computed by the model is no size', { expected: 'a whole number, 0 or more', got: String(value) }), read.origin);
    }
    return value;
  }

  /** One element of an integer or bool tensor. */
  async element(id: number, element: number, binding: Binding, where: ReadonlyMap<number, Set<Place>>, env: Env): Promise<number> {
    const { dtype } = tensor(this.plan, id);
    const [place = 'main'] = where.get(rootOf(this.plan, id)) ?? [];
    return Number(viewAs(dtype, await this.device(place).read(binding.view(id, place, env), dtype))[element] ?? 0);
  }

  device(place: Place): Device {
    return storeAt(this.stores, place).device;
  }

  async #results(
    request: RunRequest, binding: Binding, where: Map<number, Set<Place>>, env: ReadonlyMap<Expr, number>,
  ): Promise<Record<string, WireTensor>> {
    const kept = (request.keep ?? []).map((p) => new RegExp(`^${p.split('*').map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`));
    const known = this.plan.outputs.map((o) => o.name);
    for (const name of request.outputs ?? []) {
      if (!known.includes(name)) throw new QuernError('invalid-input', `the model has no output '${name}'`, { expected: known.join(', '), got: name });
    }
    const results: Record<string, WireTensor> = {};
    for (const { name, tensor: id } of this.plan.outputs) {
      const keep = kept.some((p) => p.test(name));
      if (request.outputs !== undefined && !request.outputs.includes(name) && !keep) continue;
      const { dtype } = tensor(this.plan, id);
      const dims = binding.shape(id, env);
      const places = where.get(rootOf(this.plan, id)) ?? new Set<Place>(['main']);
      if (keep) {
        await this.transfer(rootOf(this.plan, id), places, 'main', binding, env);
        const region = this.#hands ? binding.take(rootOf(this.plan, id), 'main', env) : this.#copyOf(binding.view(id, 'main', env));
        const handle = this.#nextHandle++;
        this.#handles.set(handle, { region, dtype, dims });
        results[name] = { kind: 'handle', dtype, dims, handle };
        continue;
      }
      const [place = 'main'] = places;
      const view = binding.view(id, place, env);
      results[name] = { kind: 'bytes', dtype, dims, bytes: await readBytes(this.device(place), view, dtype) };
    }
    return results;
  }

  #copyOf(view: View): Region {
    const device = this.device('main');
    const region = device.allocate(Math.max(1, view.bytes));
    if (view.bytes > 0) device.copy(view, { region, offset: 0, bytes: view.bytes });
    return region;
  }

  #handle(id: number): Handle {
    const handle = this.#handles.get(id);
    if (handle === undefined) throw new QuernError('disposed', 'a device tensor was used after it was disposed of');
    return handle;
  }
}
