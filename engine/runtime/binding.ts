/**
 * A plan bound to values of its dims: memory for every tensor, a device program for every segment. Costs no compilation for sizes
 * whose kernels are known, and nothing but numbers for those that memory was made for. Tensors that cross segments, inputs and outputs
 * have regions of their own; the rest of a segment shares an arena. Segments that depend on dims read at run time are bound when those are known.
 */
import type { Expr } from '../../jit/expr/expr.ts';
import { evaluate } from '../../jit/expr/visit.ts';
import { type Device, type Program, type Region, type Step, type View, whole } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import type { Kernel } from '../../jit/kernel.ts';
import { packOffsets, packRegions, type Request } from '../plan/arena.ts';
import { type Place, type Plan, type PlanStep, type Segment, rootOf, tensor } from '../plan/plan.ts';
import { type Call, type Env, Environments, callsOf, firstDims, withTiles } from './calls.ts';
import { type KernelStore, type Served, storeAt } from './kernel-store.ts';
import type { PlanFacts } from './plan-facts.ts';
import type { Residence } from './residence.ts';

export interface BoundStep {
  readonly step: PlanStep;
  /** With which it is measured and reported; of a tile's steps those that they had if their tile were the first. */
  dims: readonly number[];
  served: Served;
}

/** A step whose dims or memory may be others in the next run. */
interface Moving {
  readonly at: number;
  readonly bound: BoundStep;
  readonly tile: Call['tile'];
  dims: readonly number[];
  readonly args: readonly View[];
  /** Of tensors that cross segments: undefined for the other args. */
  readonly roots: readonly (number | undefined)[];
}

export interface BoundSegment {
  readonly segment: Segment;
  readonly key: string;
  /** Undefined where nothing is left to run (all sizes zero). */
  readonly program: Program | undefined;
  readonly steps: readonly BoundStep[];
  /** Tensors to clear before each run. */
  readonly clear: readonly { readonly view: View; readonly id: number }[];
  readonly arena: readonly Region[];
  readonly moving: readonly Moving[];
  /** Of the last run. */
  env: Env;
}

/** How many sets of data-dependent sizes one segment keeps bound. */
const keptVariants = 2;

/** Sizes that have changed change again: memory is made for some more, which steps of a decode loop then fill. */
const roomFor = (n: number): number => {
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(n)) - 3));
  return n < 2 ? n : Math.ceil(n / step) * step;
};

export class Binding {
  readonly #plan: Plan;
  readonly #stores: ReadonlyMap<Place, KernelStore>;
  readonly #residence: Residence;
  readonly #regions = new Map<string, Region>();
  readonly #segments: Map<string, BoundSegment>[];
  readonly #facts: PlanFacts;
  readonly #values = new WeakMap<Env, { readonly size: number; readonly known: Map<Expr, number> }>();
  /** Memory of others that inputs are read from in this run. */
  readonly #lent = new Map<number, Region>();
  /** What memory is made for, of the symbols of inputs. */
  readonly #room: ReadonlyMap<Expr, { readonly most: number; readonly roomy: boolean }>;
  #most: { readonly of: Env; readonly size: number; readonly env: Env } | undefined;

  /** `env`: of the inputs' symbols; `before`: their last values, where memory may be roomy. */
  constructor(
    plan: Plan, facts: PlanFacts, stores: ReadonlyMap<Place, KernelStore>, residence: Residence, env: Env, before: Env | undefined,
  ) {
    this.#room = new Map([...env].map(([s, n]) => {
      const roomy = before !== undefined && before.get(s) !== n;
      return [s, { most: roomy ? roomFor(n) : n, roomy }];
    }));
    this.#plan = plan;
    this.#stores = stores;
    this.#residence = residence;
    this.#segments = plan.segments.map(() => new Map<string, BoundSegment>());
    this.#facts = facts;
  }

  /** Bytes of activations. */
  get bytes(): number {
    const arenas = this.#segments.flatMap((m) => [...m.values()].flatMap((s) => s.arena));
    return [...this.#regions.values(), ...arenas].reduce((n, r) => n + r.bytes, 0);
  }

  bound(): readonly BoundSegment[] {
    return this.#segments.flatMap((m) => [...m.values()]);
  }

  /** Whether it serves these values of the inputs' symbols. */
  fits(env: Env): boolean {
    return [...this.#room].every(([s, { most, roomy }]) => {
      const n = env.get(s) ?? NaN;
      return n === most || (roomy && roomFor(n) === most);
    });
  }

  /** Has an input read from memory that somebody else holds, or from its own again. */
  lend(id: number, region: Region | undefined): void {
    if (region === undefined) this.#lent.delete(id);
    else this.#lent.set(id, region);
  }

  /** Gives away the memory of an output: the next run makes it anew. */
  take(id: number, place: Place, env: Env): Region {
    const { region } = this.view(id, place, env);
    this.#regions.delete(`${place}:${id}`);
    return region;
  }

  shape(id: number, env: Env): number[] {
    const shape = tensor(this.#plan, id).shape.map((d) => this.#value(d, env));
    // A window larger than what it slides over: memory of a negative size takes the page down.
    if (shape.some((d) => d < 0)) {
      // What writes it comes before what reads it.
      const step = this.#plan.segments.flatMap((s) => s.steps).find((s) => s.args.includes(id));
      throw new QuernError('shape-mismatch', 'with these inputs a tensor would have an impossible shape', { ...step?.origins.at(-1), got: `[${shape.join(', ')}]` });
    }
    return shape;
  }

  /** Dims are few and asked for often: a decode step binds anew, and evaluating them was half of that. */
  #value(d: Expr, env: Env): number {
    if (d.op === 'const') return Number(d.value);
    // A run has an environment of its own, which only gains symbols.
    let values = this.#values.get(env);
    if (values?.size !== env.size) this.#values.set(env, values = { size: env.size, known: new Map() });
    const known = values.known.get(d);
    if (known !== undefined) return known;
    const value = evaluate(d, env);
    values.known.set(d, value);
    return value;
  }

  /** The values that memory is made for. */
  #mostOf(env: Env): Env {
    if (![...this.#room.values()].some(({ roomy }) => roomy)) return env;
    if (this.#most?.of !== env || this.#most.size !== env.size) {
      this.#most = { of: env, size: env.size, env: new Map([...env].map(([s, n]) => [s, this.#room.get(s)?.most ?? n])) };
    }
    return this.#most.env;
  }

  /** Where a tensor stands on a device; memory is made on first use. */
  view(id: number, place: Place, env: Env): View {
    const root = rootOf(this.#plan, id);
    const { device } = this.#store(place);
    const bytes = this.#bytesOn(device, root, env);
    const fixed = this.#residence.find(root, place);
    if (fixed !== undefined) return { region: fixed, offset: 0, bytes };
    const slot = this.#facts.checks.get(root);
    if (slot !== undefined) {
      const { region, bytes: stride } = this.checks(place);
      return { region, offset: slot * stride, bytes };
    }
    const lent = this.#lent.get(root);
    if (lent?.released === true) this.#lent.delete(root);
    else if (lent !== undefined) return { region: lent, offset: 0, bytes };
    return { region: this.#region(root, place, this.#bytesOn(device, root, this.#mostOf(env)), false), offset: 0, bytes };
  }

  /** Room for `bytes` of a tensor that grows; what is in it stays. */
  room(id: number, place: Place, bytes: number): Region {
    return this.#region(id, place, bytes, true);
  }

  #region(id: number, place: Place, bytes: number, keep: boolean): Region {
    const { device } = this.#store(place);
    let slot = id;
    for (let to = this.#facts.slots.get(slot); to !== undefined; to = this.#facts.slots.get(slot)) slot = to;
    const key = `${place}:${slot}`;
    const region = this.#regions.get(key);
    if (region !== undefined && region.bytes >= bytes) return region;
    // What has grown once will grow again, and all that is bound is bound anew each time.
    const made = device.allocate(Math.max(1, region === undefined ? bytes : bytes + (bytes >> 1)));
    if (region !== undefined) {
      if (keep) device.copy(whole(region), { region: made, offset: 0, bytes: region.bytes });
      this.#forgetSegments();
      device.release(region);
    }
    this.#regions.set(key, made);
    return made;
  }

  /** The results of all checks on a device; `bytes` is the distance from one to the next. */
  checks(place: Place): { readonly region: Region; readonly bytes: number } {
    const { device } = this.#store(place);
    const key = `${place}:checks`;
    const region = this.#regions.get(key) ?? device.allocate(this.#facts.checks.size * device.alignment);
    this.#regions.set(key, region);
    return { region, bytes: device.alignment };
  }

  async segment(index: number, env: Env): Promise<BoundSegment> {
    const variants = this.#segments[index];
    const segment = this.#plan.segments[index];
    if (variants === undefined || segment === undefined) throw new QuernError('internal', `the plan has no segment ${index}`);
    const key = (this.#facts.symbols[index] ?? []).map((s) => (this.#room.get(s)?.roomy === true ? '' : env.get(s))).join();
    // Memory first: a tensor that grew makes older variants invalid.
    for (const t of this.#facts.crossingIn[index] ?? []) this.view(t, segment.place, env);
    const known = variants.get(key);
    if (known !== undefined) {
      variants.delete(key);
      variants.set(key, known);
      known.env = env;
      this.refresh(known);
      return known;
    }
    const made = await this.#bind(segment, key, env);
    variants.set(key, made);
    for (const [old, bound] of variants) {
      if (variants.size <= keptVariants) break;
      variants.delete(old);
      this.#dispose(bound);
    }
    return made;
  }

  dispose(): void {
    this.#forgetSegments();
    for (const [key, region] of this.#regions) this.#store(key.split(':')[0] as Place).device.release(region);
    this.#regions.clear();
  }

  #bytesOn(device: Device, id: number, env: Env): number {
    return device.storageBytes(tensor(this.#plan, id).dtype) * this.shape(id, env).reduce((a, b) => a * b, 1);
  }

  /** Tells a program where inputs and outputs are in this run, and its sizes. */
  refresh({ program, segment, moving, env }: BoundSegment): void {
    if (program?.move === undefined) return;
    const latest = new Map<Kernel, readonly number[]>();
    const envs = new Environments(env, this.#mostOf(env));
    for (const moved of moving) {
      const { at, bound, args, roots, tile } = moved;
      const { step } = bound;
      const dims = step.dims.map((d) => this.#value(d, envs.of(tile)));
      const same = (known: readonly number[] | undefined): boolean => known?.every((d, i) => d === dims[i]) === true;
      // One array for equal dims: it is by that that the program knows.
      const other = latest.get(step.kernel);
      if (!same(moved.dims)) {
        moved.dims = other !== undefined && same(other) ? other : dims;
        bound.dims = firstDims(step, moved.dims, tile);
      }
      latest.set(step.kernel, moved.dims);
      program.move(at, args.map((arg, i) => {
        const root = roots[i];
        return root === undefined ? arg : { ...arg, ...this.view(root, segment.place, env) };
      }), moved.dims);
    }
  }

  async #bind(segment: Segment, key: string, env: Env): Promise<BoundSegment> {
    const store = this.#store(segment.place);
    const { device } = store;
    const room = this.#mostOf(env);
    const [envs, rooms] = [new Environments(env, room), new Environments(room, room)];
    // A tile that is empty in this run need not be in the next.
    const calls = callsOf(segment.steps, rooms).filter(({ step, tile }) => !this.#empty(step, rooms.of(tile)));
    const most = withTiles(segment.steps, rooms);
    const { views, arena } = this.#localMemory(device, calls, most);
    const steps: BoundStep[] = [];
    const deviceSteps: Step[] = [];
    const serving = new Map<Kernel, { readonly dims: readonly number[]; readonly coming: Promise<Served> }[]>();
    const clear: { view: View; id: number }[] = [];
    const moving: Moving[] = [];
    // All are asked for before the first is waited for: a GPU's compiler works on many at once.
    const asked = calls.map(({ step, tile }) => {
      const own = step.dims.map((d) => this.#value(d, envs.of(tile)));
      const dims = firstDims(step, own, tile);
      // Equal layers share a kernel, and mostly its dims.
      const known = serving.get(step.kernel)?.find((s) => s.dims.every((d, i) => d === dims[i]));
      const coming = known?.coming ?? store.serve(step.kernel, dims);
      if (known === undefined) {
        // Heard of below, in order.
        coming.catch(() => undefined);
        serving.set(step.kernel, [...(serving.get(step.kernel) ?? []), { dims, coming }]);
      }
      return { step, tile, own, dims, coming };
    });
    for (const { step, tile, own, dims, coming } of asked) {
      const served = await coming;
      const args = step.args.map((id) => {
        const root = rootOf(this.#plan, id);
        const view = views.get(root) ?? this.view(id, segment.place, env);
        return { ...view, bytes: Math.min(view.region.bytes - view.offset, this.#bytesOn(device, id, most)) };
      });
      const roots = step.args.map((id) => rootOf(this.#plan, id)).map((t) => (this.#facts.crossing.has(t) ? t : undefined));
      for (const id of step.clear) {
        const view = args[step.args.indexOf(id)];
        if (view !== undefined) clear.push({ view, id });
      }
      const bound = { step, dims, served };
      if (device.moves === true && (dims.length > 0 || roots.some((t) => t !== undefined))) {
        moving.push({ at: steps.length, bound, tile, dims: own, args, roots });
      }
      steps.push(bound);
      deviceSteps.push({ compiled: served.compiled, args, dims: own });
    }
    const program = deviceSteps.length === 0 ? undefined : device.program(deviceSteps);
    return { segment, key, program, steps, clear, arena, moving, env };
  }

  /** A step that writes nothing, since some dim is 0, is left out. */
  #empty(step: PlanStep, env: Env): boolean {
    return step.kernel.args.every((a, i) => {
      const id = step.args[i];
      return a.access === 'read' || id === undefined || this.shape(id, env).includes(0);
    });
  }

  #localMemory(device: Device, calls: readonly Call[], env: Env): { views: Map<number, View>; arena: Region[] } {
    const spans = new Map<number, { first: number; last: number }>();
    calls.forEach(({ step }, i) => {
      for (const id of step.args) {
        const root = rootOf(this.#plan, id);
        const { source } = tensor(this.#plan, root);
        if (this.#facts.crossing.has(root) || source.kind !== 'computed') continue;
        const span = spans.get(root);
        // What is cleared before the segment runs must not be anybody else's memory until its step.
        if (span === undefined) spans.set(root, { first: step.clear.includes(id) ? 0 : i, last: i });
        else span.last = i;
      }
    });
    const requests = [...spans].map(([id, span]): Request => ({ id, bytes: this.#bytesOn(device, id, env), ...span }));
    const views = new Map<number, View>();
    if (device.sharing === 'offsets') {
      const { total, at } = packOffsets(requests, device.alignment);
      if (total === 0) return { views, arena: [] };
      const region = device.allocate(total);
      for (const r of requests) views.set(r.id, { region, offset: at.get(r.id) ?? 0, bytes: r.bytes });
      return { views, arena: [region] };
    }
    const { sizes, region: place } = packRegions(requests);
    const arena = sizes.map((bytes) => device.allocate(Math.max(1, bytes)));
    for (const r of requests) {
      const region = arena[place.get(r.id) ?? 0];
      if (region !== undefined) views.set(r.id, { region, offset: 0, bytes: r.bytes });
    }
    return { views, arena };
  }

  #forgetSegments(): void {
    for (const variants of this.#segments) {
      for (const bound of variants.values()) this.#dispose(bound);
      variants.clear();
    }
  }

  #dispose(bound: BoundSegment): void {
    bound.program?.dispose();
    const { device } = this.#store(bound.segment.place);
    for (const region of bound.arena) device.release(region);
  }

  #store(place: Place): KernelStore {
    return storeAt(this.#stores, place);
  }
}
