/**
 * Picks schedules by measuring them on the device itself. Input: a kernel with dims and a budget. Output: the fastest schedule that is
 * right, and every measurement that was made. Candidates come in the order in which earlier kernels of the same emitter liked them, else
 * of their space's rank. Large kernels are compared on a slice of themselves (proxy.ts), and the few best on the whole kernel. A wrong
 * candidate is reported and never used. After nnJIT (MobiSys 2024) and CubeCL's tuner.
 */
import type { Compiled, Device, Region } from '../device.ts';
import { QuernError } from '../error.ts';
import type { Kernel } from '../kernel.ts';
import { lowerBound, workOf } from '../roofline.ts';
import { type Schedule, type Space, candidates, scheduleText, violated } from '../space.ts';
import { Bench, type Outputs, copied } from './bench.ts';
import { clockTick, median } from './clock.ts';
import { Experience } from './experience.ts';
import { type Proxy, proxyOf } from './proxy.ts';
import { type Measurement, type Records, type TuneRecord, bucketsOf } from './records.ts';
import { type Context, type Runner, Search, type TuneOptions } from './search.ts';

export type { TuneOptions } from './search.ts';

export interface TuneTask {
  readonly kernel: Kernel;
  readonly dims: readonly number[];
  /** Of its record: `recordKey`. */
  readonly key: string;
  /** Where weights among the arguments lie, by slot: they are measured on in place. */
  readonly weights?: readonly (Region | undefined)[];
}

export interface TuneResult {
  readonly key: string;
  readonly winner: Schedule;
  /** Median nanoseconds of the winner and of the fallback (where it was right). */
  readonly ns: number;
  readonly fallbackNs: number | undefined;
  /** All of them, the winner first, then by time. */
  readonly measurements: readonly Measurement[];
  readonly wrong: readonly Measurement[];
  readonly refused: readonly Measurement[];
  /** Nanoseconds that nothing can beat; 0 where unknown. */
  readonly roofline: number;
  /** Every candidate was looked at, or the roofline was reached. */
  readonly finished: boolean;
  readonly ms: number;
}

/** A new winner must beat the fallback by this, or the change is noise. */
const worthwhile = 0.98;
/** Work of a slice, in nanoseconds at the roofline (or operations, where that is unknown): 0.5 ms, 100 ticks of an isolated clock. */
const sliceNs = 500_000;
const sliceOperations = 2 ** 24;
/** Schedules that a slice puts within this factor of the best are compared on the whole kernel, and at most so many. */
const close = 1.06;
const finalists = 3;

export class Tuner {
  readonly #device: Device;
  readonly #now: () => number;
  readonly #experience = new Experience();
  readonly #made: Compiled[] = [];
  #tick: number | undefined;
  /** How far measured times were below what the probed peaks allow: the probe ran on a busy machine, or in a slower cache. */
  #slack = 1;

  constructor(device: Device, options: { readonly now?: () => number } = {}) {
    this.#device = device;
    this.#now = options.now ?? ((): number => performance.now());
  }

  /** Nanoseconds of one tick of the clock that times are read from. */
  get tick(): number {
    // Timestamps of a GPU are quantised to 100 us as well.
    this.#tick ??= Math.max(clockTick(this.#now), this.#device.kind === 'webgpu' ? 100_000 : 0);
    return this.#tick;
  }

  /**
   * Throws `aborted`, `out-of-memory`, `wrong-kernel` where no schedule computes the right thing, and `internal` where the device cannot
   * run the kernel at all or no data for it can be made.
   */
  async tuneKernel(task: TuneTask, options: TuneOptions): Promise<TuneResult> {
    const space = this.#space(task.kernel);
    const begin = this.#now();
    const [fallback, ...others] = candidates(space);
    if (fallback === undefined) throw new QuernError('internal', 'a space has no fallback');
    const order = [fallback, ...this.#experience.ordered(space, others)];
    const proxy = options.exhaustive === true || others.length === 0 ? undefined : this.#proxy(task);
    const noted = new Map<string, Measurement>();
    const note = (measurement: Measurement): void => {
      noted.set(scheduleText(measurement.schedule), measurement);
      options.onMeasure?.(measurement);
    };
    const context: Context = { device: this.#device, now: this.#now, tick: this.tick, options, begin, note, made: this.#made };

    // Two thirds of the budget for comparing all, the rest for comparing the best.
    const slice = proxy === undefined ? undefined : await this.#search(proxy, task, context, order, (options.budgetMs * 2) / 3);
    const sliced = new Map<string, number>();
    for (const r of slice?.pool ?? []) note({ schedule: r.schedule, verdict: 'slower', ns: median(r.times), samples: r.times.length, part: true });
    for (const [text, { ns, part }] of noted) if (part === true && ns !== undefined) sliced.set(text, ns);
    const whole = slice === undefined ? order : [fallback, ...best(slice.pool).filter((s) => scheduleText(s) !== scheduleText(fallback))];
    const last = await this.#search(task, task, context, whole, options.budgetMs);
    if (last.pool.length === 0) throw nothingRight([...noted.values()]);

    const sorted = [...last.pool].sort((x, y) => median(x.times) - median(y.times));
    const base = sorted.find((r) => scheduleText(r.schedule) === scheduleText(fallback));
    const first = sorted[0] as Runner;
    const winner = base !== undefined && median(first.times) > median(base.times) * worthwhile ? base : first;
    for (const r of sorted) {
      note({ schedule: r.schedule, verdict: r === winner ? 'winner' : 'slower', ns: median(r.times), samples: r.times.length });
    }
    // Times of slices, as the whole kernel would have taken them.
    const scale = median(winner.times) / (sliced.get(scheduleText(winner.schedule)) ?? NaN);
    const measurements = [...noted.values()]
      .map((m) => (m.part === true && m.ns !== undefined && scale > 0 ? { ...m, ns: m.ns * scale } : m))
      .sort((x, y) => place(x) - place(y));
    this.#experience.add(space.emitter, measurements);
    return {
      key: task.key, winner: winner.schedule, ns: median(winner.times), fallbackNs: noted.get(scheduleText(fallback))?.ns, measurements,
      wrong: measurements.filter((m) => m.verdict === 'wrong'), refused: measurements.filter((m) => m.verdict === 'refused'),
      roofline: this.#roofline(task), finished: (slice ?? last).finished, ms: this.#now() - begin,
    };
  }

  /** Lets go of candidates that no program uses: some 200 KB each in Chromium, and there are hundreds. */
  tidy(): void {
    for (const compiled of this.#made.splice(0)) this.#device.forget?.(compiled);
  }

  /** Takes what earlier sessions measured as experience. */
  learn(records: Records): void {
    for (const record of Object.values(records.entries)) this.#experience.add(record.emitter, record.tried);
  }

  #proxy(task: TuneTask): Proxy | undefined {
    const atRoof = this.#roofline(task);
    const { flops, bytes } = workOf(task.kernel, task.dims);
    return proxyOf(task.kernel, task.dims, atRoof > 0 ? (flops + bytes) * (sliceNs / atRoof) : sliceOperations);
  }

  #roofline({ kernel, dims }: Proxy): number {
    return lowerBound(kernel, dims, this.#device.profile) / this.#slack;
  }

  async #search(
    what: Proxy, whole: TuneTask, context: Context, order: readonly Schedule[], untilMs: number,
  ): Promise<{ readonly pool: readonly Runner[]; readonly finished: boolean }> {
    const bench = new Bench(this.#device, what.kernel, what.dims, 1, whole.weights);
    try {
      const search = new Search(context, bench, what.kernel, this.#roofline(what), untilMs, what.kernel !== whole.kernel || what.dims !== whole.dims);
      const found = await search.run(order);
      const fastest = Math.min(...found.pool.map((r) => median(r.times)));
      const bound = this.#roofline(what);
      if (bound > 0 && fastest > 0 && fastest < bound) this.#slack *= bound / fastest;
      return found;
    } finally {
      bench.free();
    }
  }

  /**
   * Checks one schedule (of an imported record) as tuning would: against the fallback, and the fallback against the reference.
   * What is wrong with it, or undefined.
   */
  async check(task: Pick<TuneTask, 'kernel' | 'dims' | 'weights'>, schedule: Schedule): Promise<string | undefined> {
    const space = this.#space(task.kernel);
    const broken = violated(space, schedule);
    if (broken !== undefined) return `the space does not allow it: ${broken}`;
    const bench = new Bench(this.#device, task.kernel, task.dims, 1, task.weights);
    try {
      const outputs: Outputs[] = [];
      for (const s of [space.fallback, schedule]) {
        outputs.push(copied(await bench.run(await this.#device.compile(this.#device.emit(task.kernel, s)))));
      }
      const [base, candidate] = outputs;
      if (base === undefined || candidate === undefined) return undefined;
      const why = bench.againstReference(candidate);
      if (why !== undefined) return why;
      return bench.againstReference(base) === undefined ? bench.againstFallback(candidate, base) : undefined;
    } catch (error) {
      if (error instanceof QuernError && error.code === 'wrong-kernel') return error.message;
      throw error;
    } finally {
      bench.free();
    }
  }

  #space(kernel: Kernel): Space {
    const space = this.#device.space(kernel);
    if ('why' in space) throw new QuernError('internal', `the device cannot run a kernel: ${space.why}`);
    return space;
  }
}

/** The few of a slice that are compared on the whole kernel. */
function best(pool: readonly Runner[]): Schedule[] {
  const sorted = [...pool].sort((a, b) => median(a.times) - median(b.times));
  const least = median(sorted[0]?.times ?? []);
  return sorted.filter((r) => median(r.times) <= least * close).slice(0, finalists).map((r) => r.schedule);
}

/** Order of measurements in a result: the winner, then by time, then what was never timed. */
const place = (m: Measurement): number => (m.verdict === 'winner' ? -1 : m.ns ?? Number.MAX_VALUE);

function nothingRight(tried: readonly Measurement[]): QuernError {
  const wrong = tried[0];
  return new QuernError('wrong-kernel', 'no schedule of a kernel computes the right thing on this device', {
    got: wrong === undefined ? 'nothing ran' : `${scheduleText(wrong.schedule) || 'fallback'}: ${wrong.why ?? wrong.verdict}`,
    hint: 'this is a bug of Quern, the browser or the driver; please report it with what report() says',
  });
}

/** The record of a result, to be kept. */
export function recordOf(task: TuneTask, space: Pick<Space, 'emitter' | 'version'>, result: TuneResult, at: number): TuneRecord {
  return {
    key: task.key, emitter: space.emitter, version: space.version, kind: task.kernel.body.kind, bucket: bucketsOf(task.dims),
    winner: result.winner, ns: result.ns, tried: result.measurements, finished: result.finished, at, checked: true,
  };
}
