/**
 * Tuning of one session: which kernels of the bound model are worth measuring, in what order and for how long; winners go into records, the
 * records into the cache, better kernels into the bound programs between runs. On a GPU results of schedules may differ in the last
 * bits, so background winners take effect at the next load there, and at once only after an explicit `tune()`.
 */
import { type ErrorCode, QuernError } from '../../jit/error.ts';
import { lowerBound } from '../../jit/roofline.ts';
import { candidates, type Schedule, scheduleText, type Space } from '../../jit/space.ts';
import { nextTask } from '../../jit/next-task.ts';
import { type Candidate, prioritise } from '../../jit/tune/priorities.ts';
import {
  type Measurement, type Records, type TuneRecord, exportRecords, importRecords, mergeRecords, noRecords, recordKey, usable,
} from '../../jit/tune/records.ts';
import { Tuner, type TuneResult, type TuneTask, recordOf } from '../../jit/tune/tuner.ts';
import type { Cache } from '../cache/cache.ts';
import type { Place } from '../plan/plan.ts';
import type { TuneReport } from '../report.ts';
import { measureDevice } from './choose-device.ts';
import type { Devices } from './compile-model.ts';
import { type Executor, callKey } from './executor.ts';
import type { Kernel } from '../../jit/kernel.ts';
import type { Choice, KernelStore, Lookup } from './kernel-store.ts';
import type { Progress, TuneRequest } from './model.ts';
import { TurnLock } from './turn-lock.ts';

interface Task extends TuneTask {
  readonly place: Place;
  readonly space: Space;
  /** Calls of this kernel in one run. */
  readonly calls: number;
}

/** Failures that concern one kernel only. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['out-of-memory', 'internal', 'wrong-kernel']);

/** Milliseconds of quiet after a run before the tuner starts. */
const quiet = 60;

export class Tuning {
  readonly #devices: Devices;
  readonly #cache: Cache;
  readonly #tuners = new Map<Place, Tuner>();
  readonly #lock = new TurnLock();
  readonly #records = new Map<Place, Records>();
  readonly #origins = new Map<string, Choice>();
  readonly #stopping = new AbortController();
  readonly notes: string[] = [];
  #executor: Executor | undefined;
  #budget = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #background: Promise<unknown> = Promise.resolve();
  #measuring: Promise<void> | undefined;
  /** Bound segments when the background last found nothing left to measure. */
  #settled = -1;

  private constructor(devices: Devices, cache: Cache) {
    this.#devices = devices;
    this.#cache = cache;
  }

  /** `early`: records that were read before the devices were made. */
  static async open(devices: Devices, cache: Cache, early?: Records): Promise<Tuning> {
    const tuning = new Tuning(devices, cache);
    for (const [place, device] of [['main', devices.main], ['cpu', devices.cpu]] as const) {
      if (device === undefined) continue;
      const { fingerprint } = device.profile;
      const records = early?.fingerprint === fingerprint ? early : await cache.records(fingerprint);
      tuning.#records.set(place, records);
      for (const key of Object.keys(records.entries)) tuning.#origins.set(key, 'cached');
      const tuner = new Tuner(device);
      tuner.learn(records);
      tuning.#tuners.set(place, tuner);
    }
    return tuning;
  }

  /** Serves winners that are known to be right on this device. */
  readonly lookup = (place: Place): Lookup => (kernel, space, dims) => {
    const record = this.record(place, kernel, space, dims);
    const schedule = record?.checked === true ? usable(record, space) : undefined;
    return record === undefined || schedule === undefined ? undefined : { schedule, choice: this.#origins.get(record.key) ?? 'cached' };
  };

  record(place: Place, kernel: Kernel, space: Space, dims: readonly number[]): TuneRecord | undefined {
    const records = this.#records.get(place);
    return records?.entries[recordKey(kernel, space, dims, records.fingerprint)];
  }

  attach(executor: Executor): void {
    this.#executor = executor;
  }

  allowBackground(budgetMs: number): void {
    this.#budget = budgetMs;
    this.#schedule();
  }

  /** What no visit has measured of these devices yet, once, between runs. */
  measure(): Promise<void> {
    const hold: TurnLock['hold'] = (work) => this.#lock.hold(() => {
      this.#stopping.signal.throwIfAborted();
      return work();
    });
    const all = async (): Promise<void> => {
      for (const device of [this.#devices.main, this.#devices.cpu]) if (device !== undefined) await measureDevice(device, this.#cache, hold);
    };
    // Without it the tuner has less to go by, and that is all.
    return (this.#measuring ??= all().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.notes.push(`the device was not measured: ${String(error)}`);
    }));
  }

  /** Whether nobody is at the device or wants to be. */
  get atRest(): boolean {
    return this.#lock.free;
  }

  /** Runs go before the tuner's next measurement. */
  async beforeTuner<T>(work: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    try {
      return await this.#lock.hold(work);
    } finally {
      this.#schedule();
    }
  }

  /** Explicit tuning; winners take effect when it ends. */
  async run(options: TuneRequest, signal?: AbortSignal, onProgress?: (p: Progress) => void): Promise<TuneReport> {
    const limit = signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]);
    return this.#tune(options.budgetMs ?? Infinity, options.exhaustive === true ? 'exhaustive' : 'explicit', true, limit, onProgress);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort();
    await this.#background;
    await this.#measuring;
  }

  exportRecords(): string {
    return exportRecords(this.#records.get('main') ?? noRecords(this.#devices.main.profile.fingerprint));
  }

  /** Takes records in; those that fit kernels of this model are checked now, the rest before their first use. */
  async importRecords(json: string): Promise<void> {
    const { fingerprint } = this.#devices.main.profile;
    const imported = importRecords(json, fingerprint);
    for (const key of Object.keys(imported.entries)) this.#origins.set(key, 'imported');
    this.#records.set('main', mergeRecords(this.#records.get('main') ?? noRecords(fingerprint), imported));
    await this.#checkUnchecked();
  }

  async #checkUnchecked(): Promise<void> {
    for (const task of this.#tasks()) {
      const record = this.#records.get(task.place)?.entries[task.key];
      const tuner = this.#tuners.get(task.place);
      if (record === undefined || record.checked || tuner === undefined) continue;
      const schedule = usable(record, task.space);
      if (schedule === undefined) continue;
      await this.#lock.hold(async () => {
        const why = await tuner.check(task, schedule);
        if (why === undefined) {
          this.#keep(task.place, { ...record, checked: true });
          await this.#apply(task, schedule, this.#origins.get(record.key) ?? 'imported');
        } else this.#store(task.place).demote(task.kernel, schedule, why);
      });
    }
  }

  #schedule(): void {
    if (this.#budget <= 0 || this.#stopping.signal.aborted) return;
    clearTimeout(this.#timer);
    if (this.#boundSegments() === this.#settled) return;
    const { guestRuns } = this.#devices.main;
    this.#timer = setTimeout(() => {
      // The page was running the model itself.
      if (guestRuns !== this.#devices.main.guestRuns) {
        this.#schedule();
        return;
      }
      this.#background = this.#background.then(async () => {
        // Two tabs that measure at once measure each other.
        await this.#cache.asOnlyTuner(this.#devices.main.profile.fingerprint, async () => {
          const { ms, finished } = await this.#tune(this.#budget, 'background', this.#devices.main.kind !== 'webgpu', this.#stopping.signal);
          this.#budget -= ms;
          if (finished) this.#settled = this.#boundSegments();
        }, this.#stopping.signal);
      }).catch((error: unknown) => {
        // What goes wrong in the background costs speed, not the session.
        this.#budget = 0;
        if (!this.#stopping.signal.aborted) this.notes.push(`tuning stopped: ${String(error)}`);
      });
    }, quiet);
  }

  async #tune(
    budgetMs: number, how: 'background' | 'explicit' | 'exhaustive', apply: boolean, signal: AbortSignal, onProgress?: (p: Progress) => void,
  ): Promise<TuneReport> {
    const exhaustive = how === 'exhaustive';
    const begin = performance.now();
    await this.measure();
    const turns = this.#lock;
    let release = await turns.acquire();
    const pause = async (): Promise<void> => {
      release();
      await nextTask();
      release = await turns.acquire();
    };
    let [measured, improved, wrong, fromCache, tuned] = [0, 0, 0, 0, 0];
    try {
      await this.#executor?.warm();
      const tasks = this.#tasks();
      const byKey = new Map(tasks.map((t) => [t.key, t]));
      const plan = prioritise(await this.#weigh(tasks, how));
      fromCache = tasks.length - plan.length;
      let gains = plan.reduce((n, { gain }) => n + gain, 0);
      for (const [index, share] of plan.entries()) {
        const task = byKey.get(share.key);
        const left = budgetMs - (performance.now() - begin);
        // Of what is left: kernels that finished early leave their time to those that follow.
        const part = (left * share.gain) / gains;
        gains -= share.gain;
        if (task === undefined || (left <= 0 && !exhaustive)) break;
        const tuner = this.#tuners.get(task.place);
        if (tuner === undefined) continue;
        const report = (m: Measurement): void => {
          measured++;
          const fallback = scheduleText(m.schedule) === scheduleText(task.space.fallback);
          const detail = JSON.stringify({ kernel: task.key, kind: task.kernel.body.kind, fallback, ...m });
          onProgress?.({ phase: 'tune', loaded: index, total: plan.length, detail });
        };
        let result: TuneResult;
        try {
          result = await tuner.tuneKernel(task, {
            budgetMs: exhaustive ? Infinity : part,
            exhaustive, signal, pause, onMeasure: report,
          });
        } catch (error) {
          // One kernel without room or data to be measured on, or without a right schedule, does not end the tuning of the others.
          if (!(error instanceof QuernError) || !passing.has(error.code)) throw error;
          this.notes.push(`not tuned: ${error.message}`);
          continue;
        }
        tuned++;
        for (const w of result.wrong) this.#store(task.place).demote(task.kernel, w.schedule, w.why ?? 'wrong results');
        wrong += result.wrong.length;
        if (scheduleText(result.winner) !== scheduleText(task.space.fallback)) improved++;
        this.#origins.set(task.key, 'measured');
        this.#keep(task.place, recordOf(task, task.space, result, Date.now()));
        if (apply) await this.#apply(task, result.winner, 'measured');
        tuner.tidy();
      }
      onProgress?.({ phase: 'tune', loaded: plan.length, total: plan.length });
      return {
        ms: performance.now() - begin, kernels: tasks.length, measured, fromCache, improved, wrong, finished: tuned === plan.length,
      };
    } finally {
      release();
      if (tuned > 0) await this.#save();
    }
  }

  /** The distinct kernels, at their sizes, of all that is bound. */
  #tasks(): Task[] {
    const tasks = new Map<string, Task>();
    for (const binding of this.#executor?.bindings ?? []) {
      for (const { segment, steps } of binding.bound()) {
        for (const { step, dims } of steps) {
          const store = this.#store(segment.place);
          const space = store.space(step.kernel);
          const key = recordKey(step.kernel, space, dims, store.device.profile.fingerprint);
          const known = tasks.get(key);
          const weights = step.args.map((id) => this.#executor?.residence.weights(id, segment.place));
          const first = { kernel: step.kernel, dims, key, place: segment.place, space, calls: 1, weights };
          tasks.set(key, known === undefined ? first : { ...known, calls: known.calls + 1 });
        }
      }
    }
    return [...tasks.values()];
  }

  #boundSegments(): number {
    return (this.#executor?.bindings ?? []).reduce((n, b) => n + b.bound().length, 0);
  }

  /** Time of each kernel in one run: from a profile, or in the background, which must not hold up a run, from the roofline. */
  async #weigh(tasks: readonly Task[], how: 'background' | 'explicit' | 'exhaustive'): Promise<Candidate[]> {
    const exhaustive = how === 'exhaustive';
    const times = (how === 'background' ? undefined : await this.#executor?.profile()) ?? new Map<string, number>();
    return tasks.map((t) => {
      const { profile } = this.#store(t.place).device;
      const record = this.#records.get(t.place)?.entries[t.key];
      const known = exhaustive || record === undefined || usable(record, t.space) === undefined ? undefined : record.finished ? 'finished' : 'unfinished';
      const roofline = lowerBound(t.kernel, t.dims, profile) * t.calls;
      // A kernel below the clock's tick reads 0, and still has a best schedule.
      const ns = times.get(callKey(this.#store(t.place), t.kernel, t.dims)) ?? 0;
      return { key: t.key, ns: ns > 0 ? ns : Math.max(1, 2 * roofline), roofline, schedules: candidates(t.space).length, known };
    });
  }

  async #apply(task: Task, schedule: Schedule, choice: Choice): Promise<void> {
    const store = this.#store(task.place);
    const compiled = await store.compile(task.kernel, schedule);
    for (const binding of this.#executor?.bindings ?? []) {
      for (const { segment, program, steps } of binding.bound()) {
        if (segment.place !== task.place) continue;
        for (const [i, bound] of steps.entries()) {
          const { kernel } = bound.step;
          if (store.text(kernel) !== store.text(task.kernel)) continue;
          if (recordKey(kernel, task.space, bound.dims, store.device.profile.fingerprint) !== task.key) continue;
          program?.swap(i, compiled);
          bound.served = { compiled, schedule, choice };
        }
      }
    }
  }

  #keep(place: Place, record: TuneRecord): void {
    const { fingerprint } = this.#store(place).device.profile;
    const entries = { [record.key]: record };
    this.#records.set(place, mergeRecords(this.#records.get(place) ?? noRecords(fingerprint), { ...noRecords(fingerprint), entries }));
  }

  async #save(): Promise<void> {
    for (const records of this.#records.values()) await this.#cache.putRecords(records.fingerprint, records);
  }

  #store(place: Place): KernelStore {
    const store = this.#executor?.stores.get(place);
    if (store === undefined) throw new QuernError('internal', `there is no device '${place}'`);
    return store;
  }
}
