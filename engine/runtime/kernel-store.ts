/**
 * The code of a session's kernels on one device: which schedule each kernel runs with, and the compiled result. Serves the known winner
 * (from records) at once, else the space's fallback; a schedule that the device refuses, or that a check found wrong, is never
 * served again. Compiles each code once.
 */
import { QuernError } from '../../jit/error.ts';
import type { Code, Compiled, Device } from '../../jit/device.ts';
import { type Kernel, kernelText } from '../../jit/kernel.ts';
import { type Schedule, type Space, scheduleText } from '../../jit/space.ts';
import type { Place } from '../plan/plan.ts';

export type Choice = 'fallback' | 'measured' | 'cached' | 'imported' | 'shipped';

/** A known good schedule for a kernel at a size, and where it is known from. */
export type Lookup = (kernel: Kernel, space: Space, dims: readonly number[]) => { readonly schedule: Schedule; readonly choice: Choice } | undefined;

export interface Served {
  readonly compiled: Compiled;
  readonly schedule: Schedule;
  readonly choice: Choice;
}

export interface Demotion {
  readonly kernel: string;
  readonly schedule: Schedule;
  readonly why: string;
}

/** The kernels of a place; throws `internal` for a device that was not made. */
export function storeAt(stores: ReadonlyMap<Place, KernelStore>, place: Place): KernelStore {
  const store = stores.get(place);
  if (store === undefined) throw new QuernError('internal', `there is no device '${place}'`);
  return store;
}

export class KernelStore {
  readonly device: Device;
  readonly demoted: Demotion[] = [];
  readonly #lookup: Lookup;
  readonly #spaces = new Map<string, Space>();
  #profile: Device['profile'] | undefined;
  readonly #texts = new WeakMap<Kernel, string>();
  readonly #codes = new Map<string, Code>();
  readonly #compiled = new Map<string, Promise<Compiled>>();
  readonly #banned = new Set<string>();

  constructor(device: Device, lookup: Lookup) {
    this.device = device;
    this.#lookup = lookup;
  }

  /** Codes compiled so far. */
  get compiled(): number {
    return this.#compiled.size;
  }

  text(kernel: Kernel): string {
    const known = this.#texts.get(kernel);
    if (known !== undefined) return known;
    const made = kernelText(kernel);
    this.#texts.set(kernel, made);
    return made;
  }

  space(kernel: Kernel): Space {
    const text = this.text(kernel);
    // Spaces follow from what is known of the device.
    if (this.#profile !== this.device.profile) this.#spaces.clear();
    this.#profile = this.device.profile;
    const known = this.#spaces.get(text);
    if (known !== undefined) return known;
    const space = this.device.space(kernel);
    if ('why' in space) throw new QuernError('internal', `the device cannot run a kernel: ${space.why}`);
    this.#spaces.set(text, space);
    return space;
  }

  code(kernel: Kernel, schedule: Schedule): Code {
    const key = `${this.text(kernel)}\n${scheduleText(schedule)}`;
    const known = this.#codes.get(key);
    if (known !== undefined) return known;
    const made = this.device.emit(kernel, schedule);
    this.#codes.set(key, made);
    return made;
  }

  compile(kernel: Kernel, schedule: Schedule): Promise<Compiled> {
    const code = this.code(kernel, schedule);
    const known = this.#compiled.get(code.key);
    if (known !== undefined) return known;
    const made = this.device.compile(code);
    this.#compiled.set(code.key, made);
    return made;
  }

  /** The best code that may be used for a kernel at a size. */
  async serve(kernel: Kernel, dims: readonly number[]): Promise<Served> {
    const space = this.space(kernel);
    const known = this.#lookup(kernel, space, dims);
    if (known !== undefined && !this.isBanned(kernel, known.schedule)) {
      try {
        return { compiled: await this.compile(kernel, known.schedule), ...known };
      } catch (error) {
        this.demote(kernel, known.schedule, error instanceof Error ? error.message : String(error));
      }
    }
    return { compiled: await this.compile(kernel, space.fallback), schedule: space.fallback, choice: 'fallback' };
  }

  isBanned(kernel: Kernel, schedule: Schedule): boolean {
    return this.#banned.has(`${this.text(kernel)}\n${scheduleText(schedule)}`);
  }

  /** Never serve this schedule again, and report it. */
  demote(kernel: Kernel, schedule: Schedule, why: string): void {
    const key = `${this.text(kernel)}\n${scheduleText(schedule)}`;
    if (this.#banned.has(key)) return;
    this.#banned.add(key);
    this.demoted.push({ kernel: this.text(kernel), schedule, why });
  }
}
