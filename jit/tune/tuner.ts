/**
 * Picks schedules by measuring them on the device itself. Input: a kernel with dims and a budget. Output: the fastest schedule that is
 * right, and every measurement that was made. Candidates come in the order of their space's rank (winners of earlier kernels of the
 * same emitter first), are compiled and checked before they are timed, warmed past the baseline compiler, timed in interleaved rounds and
 * dropped as soon as they cannot win. A wrong candidate is reported and never timed. After nnJIT (MobiSys 2024) and CubeCL's tuner.
 */
import type { Compiled, Device, Step } from '../device.ts';
import { QuernError } from '../error.ts';
import type { Kernel } from '../kernel.ts';
import { lowerBound } from '../roofline.ts';
import { type Schedule, type Space, candidates, scheduleText, violated } from '../space.ts';
import { Bench, type Outputs } from './bench.ts';
import { clockTick, median } from './clock.ts';
import { type Measurement, type TuneRecord, bucketsOf } from './records.ts';

export interface TuneTask {
  readonly kernel: Kernel;
  readonly dims: readonly number[];
  /** Of its record: `recordKey`. */
  readonly key: string;
}

export interface TuneOptions {
  /** Milliseconds for this kernel; the fallback is checked and timed in any case. */
  readonly budgetMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onMeasure?: ((measurement: Measurement) => void) | undefined;
  /** Awaited between measurements, so that runs and the page go first. */
  readonly pause?: (() => Promise<void>) | undefined;
  /** Time every legal schedule in every round: no elimination, no stop at the roofline, no budget. For `--exhaustive`. */
  readonly exhaustive?: boolean;
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

interface Runner {
  readonly schedule: Schedule;
  readonly compiled: Compiled;
  readonly times: number[];
  repeats: number;
}

/** Compiled together (a GPU's compiler takes tens of milliseconds and works in parallel) and timed against each other. */
const batchSize = 8;
/** After each round, what is slower than the best by this factor goes. */
const elimination = [1.6, 1.3, 1.15, 1.08, 1.05];
/** Within this factor of the lower bound there is nothing left to find. */
const nearRoofline = 1.08;
/** A new winner must beat the fallback by this, or the change is noise. */
const worthwhile = 0.98;
/** Ticks of the clock that a measurement lasts at least: 5 % of error from reading it. */
const ticks = 20;

export class Tuner {
  readonly #device: Device;
  readonly #now: () => number;
  #tick: number | undefined;
  /** How often a schedule won, by emitter: what to try first with the next kernel of its kind. */
  readonly #wins = new Map<string, Map<string, number>>();

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
    const bench = new Bench(this.#device, task.kernel, task.dims, 1);
    try {
      const search = new Search(this.#device, this.#now, this.tick, bench, task, options);
      const result = await search.run(this.#ordered(space));
      this.#remember(space.emitter, result.winner);
      return result;
    } finally {
      bench.free();
    }
  }

  /**
   * Checks one schedule (of an imported record) as tuning would: against the fallback, and the fallback against the reference.
   * What is wrong with it, or undefined.
   */
  async check(task: Pick<TuneTask, 'kernel' | 'dims'>, schedule: Schedule): Promise<string | undefined> {
    const space = this.#space(task.kernel);
    const broken = violated(space, schedule);
    if (broken !== undefined) return `the space does not allow it: ${broken}`;
    const bench = new Bench(this.#device, task.kernel, task.dims, 1);
    try {
      const outputs: Outputs[] = [];
      for (const s of [space.fallback, schedule]) {
        outputs.push(await bench.run(await this.#device.compile(this.#device.emit(task.kernel, s))));
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
    if ('why' in space) throw new QuernError('internal', `the device cannot run a kernel that it was to tune: ${space.why}`);
    return space;
  }

  #ordered(space: Space): Schedule[] {
    const [fallback, ...others] = candidates(space);
    const wins = this.#wins.get(space.emitter);
    const score = (s: Schedule): number => wins?.get(scheduleText(s)) ?? 0;
    // Sorting is stable: without wins the space's rank decides.
    others.sort((a, b) => score(b) - score(a));
    return fallback === undefined ? others : [fallback, ...others];
  }

  #remember(emitter: string, winner: Schedule): void {
    const wins = this.#wins.get(emitter) ?? new Map<string, number>();
    wins.set(scheduleText(winner), (wins.get(scheduleText(winner)) ?? 0) + 1);
    this.#wins.set(emitter, wins);
  }
}

/** One search: the state of tuning one kernel. */
class Search {
  readonly #device: Device;
  readonly #now: () => number;
  readonly #tick: number;
  readonly #bench: Bench;
  readonly #task: TuneTask;
  readonly #options: TuneOptions;
  readonly #begin: number;
  readonly #roofline: number;
  readonly #done = new Map<string, Measurement>();
  #right: Outputs | undefined;

  constructor(device: Device, now: () => number, tick: number, bench: Bench, task: TuneTask, options: TuneOptions) {
    this.#device = device;
    this.#now = now;
    this.#tick = tick;
    this.#bench = bench;
    this.#task = task;
    this.#options = options;
    this.#begin = now();
    this.#roofline = lowerBound(task.kernel, task.dims, device.profile);
  }

  async run(order: readonly Schedule[]): Promise<TuneResult> {
    const exhaustive = this.#options.exhaustive === true;
    let pool: Runner[] = [];
    let looked = 0;
    while (looked < order.length) {
      if (looked > 0 && !exhaustive && (this.#spent() || this.#atRoof(pool))) break;
      // The fallback goes alone first: it is what all others are held to, and what a tiny budget ends with.
      const batch = order.slice(looked, looked + (looked === 0 ? 1 : batchSize));
      looked += batch.length;
      const fresh = await this.#ready(batch, pool);
      pool = await this.#rounds([...pool, ...fresh], 2);
    }
    if (pool.length === 0) throw this.#nothingRight();
    const finished = looked >= order.length || this.#atRoof(pool);
    pool = await this.#rounds(pool, elimination.length + 1);
    return this.#result(order[0] ?? {}, pool, finished);
  }

  #spent(): boolean {
    return this.#now() - this.#begin >= this.#options.budgetMs;
  }

  #atRoof(pool: readonly Runner[]): boolean {
    return this.#roofline > 0 && pool.some((r) => r.times.length > 0 && median(r.times) <= this.#roofline * nearRoofline);
  }

  async #pause(): Promise<void> {
    const { pause, signal } = this.#options;
    stopIfAborted(signal);
    if (pause !== undefined) await pause();
    else await new Promise((done) => { setTimeout(done, 0); });
    stopIfAborted(signal);
  }

  /** Compiles a batch, runs each once on fresh outputs and keeps those that are right. */
  async #ready(batch: readonly Schedule[], pool: readonly Runner[]): Promise<Runner[]> {
    const compiled = await Promise.all(batch.map(async (schedule) => {
      try {
        return await this.#device.compile(this.#device.emit(this.#task.kernel, schedule));
      } catch (error) {
        return this.#refuse(schedule, error);
      }
    }));
    const runners: Runner[] = [];
    for (const [i, schedule] of batch.entries()) {
      const code = compiled[i];
      if (code === undefined) continue;
      await this.#pause();
      let outputs: Outputs;
      try {
        outputs = await this.#bench.run(code);
      } catch (error) {
        this.#refuse(schedule, error);
        continue;
      }
      const why = this.#right === undefined ? this.#bench.againstReference(outputs) : this.#bench.againstFallback(outputs, this.#right);
      if (why !== undefined) {
        this.#note({ schedule, verdict: 'wrong', samples: 0, why });
        continue;
      }
      this.#right ??= outputs;
      runners.push({ schedule, compiled: code, times: [], repeats: 1 });
    }
    // Only now: the runs above have told the browser's compiler that these are hot, and it works beside us.
    const hopeless = 3 * Math.min(Infinity, ...pool.map((r) => median(r.times)));
    for (const runner of runners) await this.#warm(runner, hopeless);
    return runners;
  }

  #refuse(schedule: Schedule, error: unknown): undefined {
    // Aborts, lost devices and bugs are not the candidate's fault.
    const refused = error instanceof QuernError && (error.code === 'wrong-kernel' || error.code === 'out-of-memory');
    if (!refused && !(error instanceof WebAssembly.RuntimeError)) throw error;
    this.#note({ schedule, verdict: 'refused', samples: 0, why: error.message });
    return undefined;
  }

  #note(measurement: Measurement): void {
    this.#done.set(scheduleText(measurement.schedule), measurement);
    this.#options.onMeasure?.(measurement);
  }

  /**
   * Calls until the time stops falling: V8 has no on-stack replacement, so the first call runs to its end in the baseline compiler's
   * code, and the optimised code arrives some calls later. Then sets how often to repeat the call for the clock to see it.
   */
  async #warm(runner: Runner, hopeless: number): Promise<void> {
    const step = this.#bench.step(runner.compiled);
    let best = Infinity;
    let settled = 0;
    for (let i = 0; i < 10 && settled < 2; i++) {
      await this.#pause();
      const ns = await this.#device.time(step, 1);
      settled = ns >= best * 0.9 ? settled + 1 : 0;
      best = Math.min(best, ns);
      // Baseline code is some 2 to 4 times slower; what is this far behind after three calls does not catch up, and a call of 30 ms
      // has run long enough to be optimised.
      if ((i > 1 && best > hopeless) || (i > 0 && best > 30e6)) break;
    }
    await this.#calibrate(runner, step, best);
  }

  async #calibrate(runner: Runner, step: Step, once: number): Promise<void> {
    const wanted = ticks * this.#tick;
    let ns = once;
    while (ns < wanted && runner.repeats < 1 << 16) {
      // Below a few ticks the reading says little: grow, then read again.
      const growth = ns > 4 * this.#tick ? wanted / ns : 8;
      runner.repeats = Math.ceil(runner.repeats * Math.max(1.25, growth));
      await this.#pause();
      ns = await this.#device.time(step, runner.repeats);
    }
  }

  /** Times all runners in turn until each has `samples` times or was left behind. */
  async #rounds(given: readonly Runner[], samples: number): Promise<Runner[]> {
    let pool = [...given];
    while (pool.some((r) => r.times.length < samples)) {
      const behind = Math.min(...pool.map((r) => r.times.length));
      for (const runner of pool) {
        if (runner.times.length > behind) continue;
        await this.#pause();
        runner.times.push(await this.#device.time(this.#bench.step(runner.compiled), runner.repeats) / runner.repeats);
      }
      pool = this.#eliminate(pool);
      if (pool.length === 1 && (pool[0]?.times.length ?? 0) >= 2) break;
      if (this.#spent() && this.#options.exhaustive !== true && pool.every((r) => r.times.length > 0)) break;
    }
    return pool;
  }

  #eliminate(pool: readonly Runner[]): Runner[] {
    if (this.#options.exhaustive === true) return [...pool];
    const best = Math.min(...pool.map((r) => median(r.times)));
    return pool.filter((r) => {
      const limit = elimination[Math.min(r.times.length, elimination.length) - 1] ?? Infinity;
      // The least time of a few counts for the loser: one disturbed reading must not cost a good schedule its place.
      const stays = Math.min(...r.times) <= best * limit;
      if (!stays) this.#note({ schedule: r.schedule, verdict: 'slower', ns: median(r.times), samples: r.times.length });
      return stays;
    });
  }

  #nothingRight(): QuernError {
    const wrong = [...this.#done.values()][0];
    return new QuernError('wrong-kernel', 'no schedule of a kernel computes the right thing on this device', {
      got: wrong === undefined ? 'nothing ran' : `${scheduleText(wrong.schedule) || 'fallback'}: ${wrong.why ?? wrong.verdict}`,
      hint: 'this is a bug of Quern, the browser or the driver; please report it with what report() says',
    });
  }

  #result(fallback: Schedule, pool: readonly Runner[], finished: boolean): TuneResult {
    const text = scheduleText(fallback);
    const sorted = [...pool].sort((a, b) => median(a.times) - median(b.times));
    const base = pool.find((r) => scheduleText(r.schedule) === text);
    const first = sorted[0];
    if (first === undefined) throw this.#nothingRight();
    const winner = base !== undefined && median(first.times) > median(base.times) * worthwhile ? base : first;
    for (const r of sorted) {
      this.#note({ schedule: r.schedule, verdict: r === winner ? 'winner' : 'slower', ns: median(r.times), samples: r.times.length });
    }
    const all = [...this.#done.values()];
    const rank = (m: Measurement): number => (m.verdict === 'winner' ? -1 : m.ns ?? Infinity);
    const measurements = all.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
    return {
      key: this.#task.key, winner: winner.schedule, ns: median(winner.times), fallbackNs: this.#done.get(text)?.ns, measurements,
      wrong: measurements.filter((m) => m.verdict === 'wrong'), refused: measurements.filter((m) => m.verdict === 'refused'),
      roofline: this.#roofline, finished, ms: this.#now() - this.#begin,
    };
  }
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new QuernError('aborted', 'tuning was aborted');
}

/** The record of a result, to be kept. */
export function recordOf(task: TuneTask, space: Pick<Space, 'emitter' | 'version'>, result: TuneResult, at: number): TuneRecord {
  return {
    key: task.key, emitter: space.emitter, version: space.version, kind: task.kernel.body.kind, bucket: bucketsOf(task.dims),
    winner: result.winner, ns: result.ns, tried: result.measurements, finished: result.finished, at, checked: true,
  };
}
