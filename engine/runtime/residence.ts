/**
 * Constants on devices: uploads weights that have not landed there yet, runs the plan's setup steps (packing, folded parameters) once, and
 * gives up what only they needed, step by step, so that weights are never held twice. Afterwards every constant that a segment reads
 * has a region there.
 */
import { bytesOf } from '../../jit/expr/dtype.ts';
import { asInt } from '../../jit/expr/expr.ts';
import { type Device, type Region, type View, whole } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import type { Kernel } from '../../jit/kernel.ts';
import { blocksOf, transposeBlocks } from './in-place.ts';
import type { Landing } from './landing.ts';
import { type Place, type Plan, type PlanStep, type PlanTensor, handled, rootOf, tensor } from '../plan/plan.ts';
import { type KernelStore, storeAt } from './kernel-store.ts';
import { rearranging } from './rearranging.ts';

/** Bytes up to which a kernel takes longer to write than to run in all setup steps: MobileNet v2's take 121 instead of 133 ms with cold code. */
const littleBytes = 2 ** 20;

/** Bytes up to which words in another order are moved without a kernel, on one thread. */
const mostMoved = 2 ** 24;

/** A weight of at least one part in so many of all is packed where it stands. */
const largePart = 16;

export class Residence {
  readonly #plan: Plan;
  readonly #stores: ReadonlyMap<Place, KernelStore>;
  readonly #regions = new Map<string, Region>();

  constructor(plan: Plan, stores: ReadonlyMap<Place, KernelStore>) {
    this.#plan = plan;
    this.#stores = stores;
  }

  /** Bytes of weights on all devices. */
  get bytes(): number {
    return [...this.#regions.values()].reduce((n, r) => n + r.bytes, 0);
  }

  /** The residents, if all are at hand in the memory of one device. */
  mapped(): readonly PlanTensor[] {
    return this.#stores.size > 1 || this.#device('main').map === undefined ? [] : residents(this.#plan);
  }

  /** The bytes of a resident, for a later visit; valid until anything else happens on the device. */
  bytesOf(t: PlanTensor): Uint8Array {
    const region = this.find(t.id, 'main');
    const bytes = region === undefined ? undefined : this.#device('main').map?.(this.#view(t, region, 'main'));
    if (bytes === undefined) throw new QuernError('internal', `resident tensor t${t.id} was given up`);
    return bytes;
  }

  /** Takes over the residents that have landed as an earlier visit left them. */
  settle(ready: ReadonlyMap<number, Uint8Array>, landing: Landing): void {
    for (const t of residents(this.#plan)) {
      const bytes = ready.get(t.id);
      const region = bytes && landing.take(bytes);
      if (region !== undefined) this.#regions.set(`main:${t.id}`, region);
      else if (sizeOf(t) === 0) this.#allocate(t, 'main');
      else throw new QuernError('internal', `resident tensor t${t.id} has not landed`);
    }
  }

  /** `onUpload` is told of bytes as they arrive. */
  async prepare(onUpload: (loaded: number, total: number) => void, signal?: AbortSignal, landing?: Landing): Promise<void> {
    const { segments, outputs, setup } = this.#plan;
    const last = new Map<number, number>();
    setup.forEach((step, i) => { for (const t of step.args) last.set(rootOf(this.#plan, t), i); });
    const wanted = new Map<Place, Set<number>>();
    const want = (place: Place, t: number): void => {
      const set = wanted.get(place) ?? new Set<number>();
      set.add(rootOf(this.#plan, t));
      wanted.set(place, set);
    };
    for (const s of segments) for (const step of s.steps) for (const t of step.args) want(s.place, t);
    for (const t of [...outputs.map((o) => o.tensor), ...handled(this.#plan)]) want('main', t);
    const constants = [...this.#plan.tensors.values()].filter((t) => t.source.kind === 'constant');
    const total = constants.reduce((n, t) => n + sizeOf(t), 0);
    let loaded = 0;
    await landing?.keepOnly(new Set(constants.flatMap((t) => (t.source.kind === 'constant' && !t.source.constant.released ? [t.source.constant.bytes] : []))));
    const upload = (t: PlanTensor, place: Place): Region => {
      const landed = place === 'main' && t.source.kind === 'constant' ? landing?.take(t.source.constant.bytes) : undefined;
      if (landed !== undefined) {
        this.#regions.set(`${place}:${t.id}`, landed);
        loaded += sizeOf(t);
        onUpload(loaded, total);
        return landed;
      }
      const region = this.#allocate(t, place);
      if (t.source.kind === 'constant' && region.bytes > 0) {
        const device = this.#device(place);
        const view = { region, offset: 0, bytes: device.storageBytes(t.dtype) * countOf(t) };
        if (view.bytes > 0) device.write(view, t.dtype, t.source.constant.bytes);
        loaded += sizeOf(t);
        onUpload(loaded, total);
      }
      return region;
    };
    const work = new Map<Kernel, number>();
    for (const { kernel, args } of setup) {
      work.set(kernel, args.reduce((n, t) => n + sizeOf(tensor(this.#plan, t)), work.get(kernel) ?? 0));
    }
    const keeps = (t: number): boolean => wanted.get('main')?.has(t) ?? false;
    for (const t of constants) {
      for (const place of wanted.keys()) if (wanted.get(place)?.has(t.id) === true) upload(t, place);
      if (!last.has(t.id)) release(t);
    }
    for (const [i, step] of setup.entries()) {
      if (signal?.aborted === true) throw new QuernError('aborted', 'loading was aborted');
      const roots = step.args.map((t) => tensor(this.#plan, rootOf(this.#plan, t)));
      const place = (t: PlanTensor): void => { if (this.find(t.id, 'main') === undefined) upload(t, 'main'); };
      roots.slice(0, 1).forEach(place);
      if (!this.#packInPlace(step, (t) => last.get(t) === i && !keeps(t), total)) {
        roots.forEach(place);
        await this.#runStep(step, work.get(step.kernel) ?? 0);
      }
      for (const t of new Set(step.args.map((a) => rootOf(this.#plan, a)))) {
        if (last.get(t) !== i) continue;
        const root = tensor(this.#plan, t);
        if (!keeps(t)) this.#drop(t, 'main');
        release(root);
      }
    }
    // Prepared weights that another place reads as well travel once.
    for (const [place, set] of wanted) {
      if (place === 'main') continue;
      for (const id of set) {
        const t = tensor(this.#plan, id);
        if (t.source.kind !== 'prepared') continue;
        const from = this.find(id, 'main');
        if (from === undefined) throw new QuernError('internal', `prepared tensor t${id} was given up too early`);
        const bytes = await this.#device('main').read(this.#view(t, from, 'main'), t.dtype);
        const to = this.#allocate(t, place);
        this.#device(place).write(this.#view(t, to, place), t.dtype, bytes);
      }
    }
    await landing?.keepOnly(new Set());
  }

  /** The region of a tensor or alias that is a constant. */
  weights(id: number, place: Place): Region | undefined {
    return this.find(rootOf(this.#plan, id), place);
  }

  find(id: number, place: Place): Region | undefined {
    return this.#regions.get(`${place}:${id}`);
  }

  dispose(): void {
    for (const key of [...this.#regions.keys()]) {
      const [place, id] = key.split(':');
      this.#drop(Number(id), place as Place);
    }
  }

  /** Whether a step could be done in the memory of what it reads, and was: worth it where another copy would be much of the whole. */
  #packInPlace({ kernel, args, dims }: PlanStep, free: (t: number) => boolean, total: number): boolean {
    const [from, to] = args;
    const region = from === undefined ? undefined : this.find(from, 'main');
    if (from === undefined || to === undefined || region === undefined || region.bytes * largePart < total || !free(from)) return false;
    const bytes = this.#device('main').map?.(whole(region));
    const blocks = blocksOf(kernel, numbersOf(dims));
    if (bytes === undefined || blocks === undefined) return false;
    transposeBlocks(bytes, blocks);
    this.#regions.delete(`main:${from}`);
    this.#regions.set(`main:${to}`, region);
    return true;
  }

  async #runStep(step: PlanStep, work: number): Promise<void> {
    const store = this.#store('main');
    const dims = numbersOf(step.dims);
    const args = step.args.map((id): View => {
      const t = tensor(this.#plan, id);
      const region = this.find(rootOf(this.#plan, id), 'main');
      if (region === undefined) throw new QuernError('internal', `tensor t${id} of a setup step has no memory`);
      return this.#view(t, region, 'main');
    });
    if (args.some((a) => a.bytes === 0)) return;
    for (const id of step.clear) {
      const view = args[step.args.indexOf(id)];
      const t = tensor(this.#plan, id);
      if (view !== undefined) store.device.write(view, t.dtype, new Uint8Array(sizeOf(t)));
    }
    if (work <= mostMoved && this.#rearrange(step.kernel, args, dims)) return;
    const { once } = store.space(step.kernel);
    const compiled = once && work <= littleBytes ? await store.compile(step.kernel, once) : (await store.serve(step.kernel, dims)).compiled;
    const program = store.device.program([{ compiled, args, dims }]);
    await program.run();
    program.dispose();
  }

  /** Whether a step that only moves words was done without a kernel. */
  #rearrange(kernel: Kernel, [from, to]: readonly View[], dims: readonly number[]): boolean {
    const device = this.#device('main');
    if (device.rearrange === undefined || from === undefined || to === undefined) return false;
    const moved = rearranging(kernel, dims);
    return moved?.size === 4 && device.rearrange(from, to, moved.axes);
  }

  #view(t: PlanTensor, region: Region, place: Place): View {
    return { region, offset: 0, bytes: this.#device(place).storageBytes(t.dtype) * countOf(t) };
  }

  #allocate(t: PlanTensor, place: Place): Region {
    const device = this.#device(place);
    const region = device.allocate(Math.max(1, device.storageBytes(t.dtype) * countOf(t)));
    this.#regions.set(`${place}:${t.id}`, region);
    return region;
  }

  #drop(id: number, place: Place): void {
    const region = this.find(id, place);
    if (region === undefined) return;
    this.#device(place).release(region);
    this.#regions.delete(`${place}:${id}`);
  }

  #store(place: Place): KernelStore {
    return storeAt(this.#stores, place);
  }

  #device(place: Place): Device {
    return this.#store(place).device;
  }
}

const numbersOf = (dims: PlanStep['dims']): number[] => dims.map((d) => asInt(d) ?? 0);

function countOf(t: PlanTensor): number {
  return t.shape.reduce((n, d) => {
    const size = asInt(d);
    if (size === undefined) throw new QuernError('internal', `constant t${t.id} has a symbolic dim`);
    return n * size;
  }, 1);
}

/** In bytes; of a tensor without symbolic dims. */
export const sizeOf = (t: PlanTensor): number => bytesOf(t.dtype) * countOf(t);

/** What runs read of constants and of what setup steps made of them: on one device, all that stays there of the weights. */
export function residents(plan: Plan): PlanTensor[] {
  const read = [...plan.segments.flatMap((s) => s.steps.flatMap((step) => step.args)), ...plan.outputs.map((o) => o.tensor), ...handled(plan)];
  const ids = new Set(read.map((t) => rootOf(plan, t)));
  return [...plan.tensors.values()].filter((t) => (t.source.kind === 'prepared' || t.source.kind === 'constant') && ids.has(t.id));
}

function release(t: PlanTensor): void {
  if (t.source.kind === 'constant') t.source.constant.release();
}
