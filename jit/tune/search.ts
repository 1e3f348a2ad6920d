/**
 * The search behind the tuner, over one kernel (or a slice of one). Input: schedules in the order in which to look at them, the fallback
 * first. Output: those that may still be the fastest, with their times. Candidates are compiled and checked before they are timed, warmed
 * past the baseline compiler, timed in interleaved rounds and dropped as soon as they cannot win.
 */
import type { Compiled, Device, Step } from '../device.ts';
import { QuernError } from '../error.ts';
import type { Kernel } from '../kernel.ts';
import { nextTask } from '../next-task.ts';
import type { Schedule } from '../space.ts';
import { type Bench, type Outputs, copied } from './bench.ts';
import { median } from './clock.ts';
import type { Measurement } from './records.ts';

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

export interface Context {
  readonly device: Device;
  readonly now: () => number;
  /** Nanoseconds of the clock's tick. */
  readonly tick: number;
  readonly options: TuneOptions;
  /** When tuning of this kernel began. */
  readonly begin: number;
  readonly note: (measurement: Measurement) => void;
  /** All code that was compiled on the way. */
  readonly made: Compiled[];
}

export interface Runner {
  readonly schedule: Schedule;
  readonly compiled: Compiled;
  /** Nanoseconds of one call, one for each round. */
  readonly times: number[];
  repeats: number;
}

/** Compiled together (a GPU's compiler takes tens of milliseconds and works in parallel) and timed against each other. */
const batchSize = 8;
/** After the n-th time of a candidate, it goes if it is slower than the best by the n-th factor. */
const elimination = [1.4, 1.25, 1.12, 1.08, 1.05];
/** Rounds for each batch, and for what is left at the end. */
const rounds = { batch: 1, end: elimination.length + 1 };
/** Within this factor of the lower bound there is nothing left to find. */
const nearRoofline = 1.08;
/** Below this factor the lower bound is none: it came from peaks that were probed too low. */
const impossible = 0.97;
/** Ticks of the clock that a measurement lasts at least: 5 % of error from reading it. */
const ticks = 20;
/** A call of this length has run long enough to be optimised. */
const longCall = 30e6;

export class Search {
  readonly #context: Context;
  readonly #bench: Bench;
  readonly #kernel: Kernel;
  readonly #roofline: number;
  readonly #untilMs: number;
  readonly #part: boolean;
  #right: Outputs | undefined;

  /** `roofline`: nanoseconds, 0 where unknown. `untilMs`: of the task's time. `part`: the kernel is a slice. */
  constructor(context: Context, bench: Bench, kernel: Kernel, roofline: number, untilMs: number, part: boolean) {
    this.#context = context;
    this.#bench = bench;
    this.#kernel = kernel;
    this.#roofline = roofline;
    this.#untilMs = untilMs;
    this.#part = part;
  }

  async run(order: readonly Schedule[]): Promise<{ pool: Runner[]; finished: boolean }> {
    let pool: Runner[] = [];
    let looked = 0;
    while (looked < order.length) {
      // The bound comes from a short probe that may have run on a busy machine: one batch at least has to confirm it.
      if (pool.length > 0 && (this.#spent() || (looked > batchSize && this.#atRoof(pool)))) break;
      // The fallback goes alone first: it is what all others are held to, and what a tiny budget ends with.
      const batch = order.slice(looked, looked + (looked === 0 ? 1 : batchSize));
      const { runners, reached } = await this.#ready(batch, pool);
      looked += reached;
      pool = await this.#rounds([...pool, ...runners], rounds.batch);
    }
    const finished = looked >= order.length || this.#atRoof(pool);
    return { pool: await this.#rounds(pool, rounds.end), finished };
  }

  get #exhaustive(): boolean {
    return this.#context.options.exhaustive === true;
  }

  #spent(): boolean {
    return !this.#exhaustive && this.#context.now() - this.#context.begin >= this.#untilMs;
  }

  #atRoof(pool: readonly Runner[]): boolean {
    if (this.#exhaustive || this.#roofline <= 0) return false;
    const best = Math.min(...pool.map((r) => (r.times.length > 0 ? median(r.times) : Infinity)));
    return best <= this.#roofline * nearRoofline && best >= this.#roofline * impossible;
  }

  async #pause(): Promise<void> {
    const { pause = nextTask, signal } = this.#context.options;
    stopIfAborted(signal);
    await pause();
    stopIfAborted(signal);
  }

  /** Compiles a batch, runs each once on fresh outputs and keeps those that are right; `reached`: how many before the budget ended. */
  async #ready(batch: readonly Schedule[], pool: readonly Runner[]): Promise<{ runners: Runner[]; reached: number }> {
    const { device } = this.#context;
    const compiled = await Promise.all(batch.map(async (schedule) => {
      try {
        const code = await device.compile(device.emit(this.#kernel, schedule));
        this.#context.made.push(code);
        return code;
      } catch (error) {
        return this.#refuse(schedule, error);
      }
    }));
    const runners: Runner[] = [];
    let reached = 0;
    for (const [i, schedule] of batch.entries()) {
      if (this.#spent() && this.#right !== undefined) break;
      reached++;
      const code = compiled[i];
      if (code !== undefined && await this.#isRight(schedule, code)) runners.push({ schedule, compiled: code, times: [], repeats: 1 });
    }
    // Only now: the runs above have told the browser's compiler that these are hot, and it works beside us.
    const hopeless = 3 * Math.min(Infinity, ...pool.map((r) => median(r.times)));
    for (const runner of runners) await this.#warm(runner, hopeless);
    return { runners, reached };
  }

  async #isRight(schedule: Schedule, code: Compiled): Promise<boolean> {
    await this.#pause();
    let outputs: Outputs;
    try {
      outputs = await this.#bench.run(code);
    } catch (error) {
      this.#refuse(schedule, error);
      return false;
    }
    const why = this.#right === undefined ? this.#bench.againstReference(outputs) : this.#bench.againstFallback(outputs, this.#right);
    if (why === undefined) this.#right ??= copied(outputs);
    else this.#context.note({ schedule, verdict: 'wrong', samples: 0, why });
    return why === undefined;
  }

  #refuse(schedule: Schedule, error: unknown): undefined {
    // Aborts, lost devices and bugs are not the candidate's fault.
    const refused = error instanceof QuernError && (error.code === 'wrong-kernel' || error.code === 'out-of-memory');
    if (!refused && !(error instanceof WebAssembly.RuntimeError)) throw error;
    this.#context.note({ schedule, verdict: 'refused', samples: 0, why: error.message });
    return undefined;
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
      const ns = await this.#context.device.time(step, 1);
      settled = ns >= best * 0.9 ? settled + 1 : 0;
      best = Math.min(best, ns);
      // Baseline code is some 2 to 4 times slower: what is this far behind after two calls does not catch up.
      if (i > 0 && (best > hopeless || best > longCall)) break;
    }
    await this.#calibrate(runner, step, best);
  }

  async #calibrate(runner: Runner, step: Step, once: number): Promise<void> {
    const { tick, device } = this.#context;
    const wanted = ticks * tick;
    let ns = once;
    while (ns < wanted && runner.repeats < 1 << 16) {
      // Below a few ticks the reading says little: grow, then read again.
      const growth = ns > 4 * tick ? wanted / ns : 8;
      runner.repeats = Math.ceil(runner.repeats * Math.max(1.25, growth));
      await this.#pause();
      ns = await device.time(step, runner.repeats);
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
        runner.times.push(await this.#context.device.time(this.#bench.step(runner.compiled), runner.repeats) / runner.repeats);
      }
      pool = this.#eliminate(pool);
      if (pool.length === 1 && (pool[0]?.times.length ?? 0) >= 2) break;
      if (this.#spent() && pool.every((r) => r.times.length > 0)) break;
    }
    return pool;
  }

  #eliminate(pool: readonly Runner[]): Runner[] {
    if (this.#exhaustive) return [...pool];
    const best = Math.min(...pool.map((r) => median(r.times)));
    return pool.filter((r) => {
      const limit = elimination[Math.min(r.times.length, elimination.length) - 1] ?? Infinity;
      // The least time of a few counts for the loser: one disturbed reading must not cost a good schedule its place.
      const stays = Math.min(...r.times) <= best * limit;
      if (!stays) this.#leave(r);
      return stays;
    });
  }

  #leave({ schedule, times }: Runner): void {
    this.#context.note({ schedule, verdict: 'slower', ns: median(times), samples: times.length, ...(this.#part ? { part: true } : {}) });
  }
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new QuernError('aborted', 'tuning was aborted');
}
