/**
 * A plan bound to values of its dims: memory for every tensor, a device program for every segment. Costs no compilation for sizes
 * whose kernels are known. Tensors that cross segments, inputs and outputs have regions of their own; the rest of a segment shares an
 * arena. Segments that depend on dims read at run time are bound when those are known.
 */
import { type Expr, type Sym } from '../../jit/expr/expr.ts';
import { collect, evaluate, isSym } from '../../jit/expr/visit.ts';
import type { Device, Program, Region, Step, View } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import type { Kernel } from '../../jit/kernel.ts';
import { packOffsets, packRegions, type Request } from '../plan/arena.ts';
import { type Place, type Plan, type PlanStep, type Segment, blocksOf, handled, rootOf, tensor } from '../plan/plan.ts';
import { type KernelStore, type Served, storeAt } from './kernel-store.ts';
import type { Residence } from './residence.ts';

export type Env = ReadonlyMap<Expr, number>;

export interface BoundStep {
  readonly step: PlanStep;
  readonly dims: readonly number[];
  served: Served;
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
}

/** How many sets of data-dependent sizes one segment keeps bound. */
const keptVariants = 2;

/** What every binding of a plan shares: found once, since a decode loop binds at each step. */
export interface PlanFacts {
  /** The dims that each segment depends on. */
  readonly symbols: readonly (readonly Sym[])[];
  /** Tensors with memory of their own: inputs, outputs, read dims, and what more than one segment touches. */
  readonly crossing: ReadonlySet<number>;
  /** Those of them that each segment touches. */
  readonly crossingIn: readonly (readonly number[])[];
  /** Inputs that only steps on the CPU read: fed there. */
  readonly cpuInputs: ReadonlySet<number>;
  /** What branches make, where the block hands it out: only one of them ever runs. */
  readonly slots: ReadonlyMap<number, number>;
  /** Places of the results of checks in the one region of each device that holds them, to be read at once. */
  readonly checks: ReadonlyMap<number, number>;
  readonly checked: ReadonlySet<Place>;
}

export function factsOf(plan: Plan): PlanFacts {
  const crosses = crossing(plan);
  return {
    symbols: plan.segments.map((s) => collect(s.steps.flatMap((step) => [
      ...step.dims, ...step.args.flatMap((t) => tensor(plan, t).shape),
    ]), isSym)),
    crossing: crosses,
    crossingIn: plan.segments.map((s) =>
      [...new Set(s.steps.flatMap((step) => step.args.map((t) => rootOf(plan, t))))].filter((t) => crosses.has(t))),
    cpuInputs: inputsOfCpu(plan),
    slots: new Map(blocksOf(plan.flow).flatMap((b) => (b.kind === 'if' ? b.parts.flatMap((part) => part.outputs.flatMap((t, k) => {
      const to = b.outputs[k];
      return to === undefined ? [] : [[t, to] as const];
    })) : []))),
    checks: new Map(plan.checks?.map((c, k) => [c.tensor, k])),
    checked: new Set(plan.segments.filter((s) => s.steps.some((step) => plan.checks?.some((c) => step.args.includes(c.tensor))))
      .map((s) => s.place)),
  };
}

export class Binding {
  readonly #plan: Plan;
  readonly #stores: ReadonlyMap<Place, KernelStore>;
  readonly #residence: Residence;
  readonly #regions = new Map<string, Region>();
  readonly #segments: Map<string, BoundSegment>[];
  readonly #facts: PlanFacts;
  readonly #values = new Map<Expr, number>();
  #valuesOf: Env | undefined;
  #valuesWith = 0;

  constructor(plan: Plan, facts: PlanFacts, stores: ReadonlyMap<Place, KernelStore>, residence: Residence) {
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

  shape(id: number, env: Env): number[] {
    return tensor(this.#plan, id).shape.map((d) => this.#value(d, env));
  }

  /** Dims are few and asked for often: a decode step binds anew, and evaluating them was half of that. */
  #value(d: Expr, env: Env): number {
    if (d.op === 'const') return Number(d.value);
    // A run has an environment of its own, which only gains symbols.
    if (this.#valuesOf !== env || this.#valuesWith !== env.size) {
      this.#values.clear();
      [this.#valuesOf, this.#valuesWith] = [env, env.size];
    }
    const known = this.#values.get(d);
    if (known !== undefined) return known;
    const value = evaluate(d, env);
    this.#values.set(d, value);
    return value;
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
    return { region: this.#region(root, place, bytes, false), offset: 0, bytes };
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
      if (keep) device.copy({ region, offset: 0, bytes: region.bytes }, { region: made, offset: 0, bytes: region.bytes });
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
    const key = (this.#facts.symbols[index] ?? []).map((s) => env.get(s)).join();
    // Memory first: a tensor that grew makes older variants invalid.
    for (const t of this.#facts.crossingIn[index] ?? []) this.view(t, segment.place, env);
    const known = variants.get(key);
    if (known !== undefined) {
      variants.delete(key);
      variants.set(key, known);
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

  async #bind(segment: Segment, key: string, env: Env): Promise<BoundSegment> {
    const store = this.#store(segment.place);
    const { device } = store;
    const live = segment.steps.filter((step) => !this.#empty(step, env));
    const { views, arena } = this.#localMemory(device, live, env);
    const steps: BoundStep[] = [];
    const deviceSteps: Step[] = [];
    const serving = new Map<Kernel, { readonly dims: readonly number[]; readonly coming: Promise<Served> }[]>();
    const clear: { view: View; id: number }[] = [];
    // All are asked for before the first is waited for: a GPU's compiler works on many at once.
    const asked = live.map((step) => {
      const dims = step.dims.map((d) => this.#value(d, env));
      // Equal layers share a kernel, and mostly its dims.
      const known = serving.get(step.kernel)?.find((s) => s.dims.every((d, i) => d === dims[i]));
      const coming = known?.coming ?? store.serve(step.kernel, dims);
      if (known === undefined) {
        // Heard of below, in order.
        coming.catch(() => undefined);
        serving.set(step.kernel, [...(serving.get(step.kernel) ?? []), { dims, coming }]);
      }
      return { step, dims, coming };
    });
    for (const { step, dims, coming } of asked) {
      const served = await coming;
      const args = step.args.map((id) => {
        const root = rootOf(this.#plan, id);
        const view = views.get(root) ?? this.view(id, segment.place, env);
        return { ...view, bytes: this.#bytesOn(device, id, env) };
      });
      for (const id of step.clear) {
        const view = args[step.args.indexOf(id)];
        if (view !== undefined) clear.push({ view, id });
      }
      steps.push({ step, dims, served });
      deviceSteps.push({ compiled: served.compiled, args, dims });
    }
    const program = deviceSteps.length === 0 ? undefined : device.program(deviceSteps);
    return { segment, key, program, steps, clear, arena };
  }

  /** A step that writes nothing, since some dim is 0, is left out. */
  #empty(step: PlanStep, env: Env): boolean {
    return step.kernel.args.every((a, i) => {
      const id = step.args[i];
      return a.access === 'read' || id === undefined || this.shape(id, env).includes(0);
    });
  }

  #localMemory(device: Device, steps: readonly PlanStep[], env: Env): { views: Map<number, View>; arena: Region[] } {
    const spans = new Map<number, { first: number; last: number }>();
    steps.forEach((step, i) => {
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

function inputsOfCpu(plan: Plan): Set<number> {
  const readers = (place: Place): Set<number> =>
    new Set(plan.segments.filter((s) => s.place === place).flatMap((s) => s.steps.flatMap((step) => step.args.map((t) => rootOf(plan, t)))));
  const [main, cpu] = [readers('main'), readers('cpu')];
  return new Set(plan.inputs.map((i) => i.tensor).filter((t) => cpu.has(t) && !main.has(t)));
}

function crossing(plan: Plan): Set<number> {
  const seen = new Map<number, number>();
  const found = new Set<number>();
  const add = (id: number): void => { found.add(rootOf(plan, id)); };
  for (const i of plan.inputs) add(i.tensor);
  for (const o of plan.outputs) add(o.tensor);
  for (const c of plan.checks ?? []) add(c.tensor);
  handled(plan).forEach(add);
  plan.segments.forEach((s, index) => {
    for (const r of s.reads) add(r.tensor);
    for (const step of s.steps) {
      for (const id of step.args) {
        const root = rootOf(plan, id);
        const before = seen.get(root);
        if (before !== undefined && before !== index) found.add(root);
        seen.set(root, index);
      }
    }
  });
  return found;
}
