/**
 * Loads a model in the worker: bytes to graph, a device for it, kernels and weights on the device, and the `Model` that the protocol
 * exposes. Runs go first, in order; the tuner works in the gaps. In: source, options, callbacks. Out: a Model that owns its device.
 */
import { QuernError } from '../../jit/error.ts';
import { type Cache, openCache } from '../cache/cache.ts';
import { KeptFiles } from '../load/kept-files.ts';
import { type LoadOptions, type Opened, fetchModel, openModel } from '../load/load-graph.ts';
import { type Chosen, chooseDevice, disposeDevices, startEarly } from './choose-device.ts';
import type { Plan } from '../plan/plan.ts';
import { type CompiledModel, type Devices, executable, planModel } from './compile-model.ts';
import type { SharedRun } from './guest-run.ts';
import { IdleTime } from './idle-time.ts';
import { type KeptPlan, findPlan, notePlan, planKey, restoreBare, restorePlan, settingOf } from './kept-plan.ts';
import { KeptWeights, type ReadyWeights } from './kept-weights.ts';
import { Landing } from './landing.ts';
import type { LoadModel, Model, RunRequest, TuneRequest, WireTensor } from './model.ts';
import { describe } from './report.ts';
import type { Residence } from './residence.ts';
import { endSpareThreads } from './spawn-thread.ts';
import { Tuning } from './tuning.ts';

export const loadModel: LoadModel = async (...request) => {
  const [, , options, onProgress, signal] = request;
  const cache = openCache({ enabled: options.cache });
  const { records, chores, rehearsal } = startEarly(options, cache);
  const idle = new IdleTime();
  idle.add(chores);
  // A cache that fails says so itself; what it fails with is seen where it is used.
  records.catch(() => undefined);
  // Nobody waits for bytes that are here.
  if (request[0].kind !== 'url') idle.end();
  const landing = new Landing((weightBytes) => chooseDevice(options, weightBytes, cache));
  try {
    const files = options.cache ? new KeptFiles() : undefined;
    const weights = KeptWeights.of(files, request[0], options);
    const kept = weights?.any() ?? Promise.resolve(false);
    void kept.then((any) => { if (!any) idle.add(rehearsal, slowMs); });
    const { maxBytes } = options;
    const fetching: LoadOptions = {
      signal, onProgress, files, maxBytes, memory: (expected) => landing.expect(expected), meanwhile: (asked) => idle.during(asked),
    };
    const made = await planOf(request, fetching, landing, cache, weights);
    const chosen = await landing.device();
    const tuning = await Tuning.open(chosen.devices, cache, await records);
    tuning.notes.push(...(files?.notes ?? []));
    const compiled = executable(made.plan, chosen.devices, tuning.lookup);
    const { residence } = compiled.executor;
    onProgress({ phase: 'compile', loaded: 1, total: 1 });
    const model = new LoadedModel(chosen, compiled, tuning, made);
    if (made.ready !== undefined) residence.settle(made.ready, landing);
    else await residence.prepare((loaded, total) => { onProgress({ phase: 'upload', loaded, total }); }, signal, landing);
    throwIfAborted(signal);
    // Kernels of static models are compiled now, not by the first run.
    await compiled.executor.warm();
    throwIfAborted(signal);
    model.keepWithin(1000);
    if (options.tune === 'blocking') await model.tune({ budgetMs: options.tuneBudgetMs }, signal, onProgress);
    if (options.tune === 'background') tuning.allowBackground(options.tuneBudgetMs);
    return model;
  } catch (error) {
    await landing.dispose();
    throw error;
  } finally {
    endSpareThreads();
  }
};

/** Pieces of a model that come from the same machine are some 1 ms apart: they leave no time for anything else. */
const slowMs = 3;

interface MadePlan {
  readonly plan: Plan;
  /** Whether an earlier visit made it. */
  readonly kept: boolean;
  /** The weights as it left them, landed. */
  readonly ready: ReadyWeights | undefined;
  /** Stores for the next one what it does not have yet. */
  readonly keep: (residence: Residence) => Promise<void>;
}

/** The plan of a model over its weights, and what is left to do to keep them. What it was made from is let go of here. */
export async function planOf(
  [model, externalData, options, onProgress]: Parameters<LoadModel>, fetching: LoadOptions, landing: Landing, cache: Cache,
  weights = KeptWeights.of(fetching.files, model, options),
): Promise<MadePlan> {
  const devices = async (): Promise<Devices> => (await landing.device()).devices;
  const setting = async (): Promise<string> => settingOf(await devices(), options);
  try {
    const opened = await openModel(model, fetching);
    const { version } = opened.stream;
    const ready = await readyPlan(opened, weights, landing, cache, setting);
    await weights?.close();
    if (ready !== undefined) {
      onProgress({ phase: 'compile', loaded: 0, total: 1 });
      return { ...ready, kept: true, keep: () => Promise.resolve() };
    }
    let known: KeptPlan | undefined;
    let key = '';
    const fetched = await fetchModel(opened, externalData, fetching, async (skeleton) => {
      if (!options.cache) return undefined;
      key = planKey(skeleton, await setting());
      known = await findPlan(cache, key);
      return known?.ranges;
    });
    throwIfAborted(fetching.signal);
    const keepWeights = async (residence: Residence): Promise<void> => {
      if (version !== undefined && fetched.ranges.length === 0) await weights?.write(residence, version, await setting(), key);
    };
    const kept = known === undefined ? undefined : restorePlan(known, fetched);
    const source = kept ?? fetched.graph();
    onProgress({ phase: 'compile', loaded: 0, total: 1 });
    if ('segments' in source) return { plan: source, kept: true, ready: undefined, keep: keepWeights };
    const made = planModel(source, await devices(), options);
    const note = options.cache ? notePlan(made, fetched, key) : undefined;
    const keep = async (residence: Residence): Promise<void> => {
      await note?.(cache);
      if (note !== undefined) await keepWeights(residence);
    };
    return { plan: made, kept: false, ready: undefined, keep };
  } finally {
    await weights?.close();
  }
}

/** What an earlier visit left of the very model that the server has, landed; its stream is closed then, and as it was otherwise. */
async function readyPlan(
  { stream, download }: Opened, weights: KeptWeights | undefined, landing: Landing, cache: Cache, setting: () => Promise<string>,
): Promise<Pick<MadePlan, 'plan' | 'ready'> | undefined> {
  const { version, size = Infinity } = stream;
  // Without anything kept, nobody waits for the device here: it is made while the model comes in.
  if (weights === undefined || version === undefined || !await weights.any()) return undefined;
  try {
    const allocate = landing.expect(size);
    const key = await weights.planKey(version, await setting());
    const found = key === undefined ? undefined : await findPlan(cache, key);
    const plan = found === undefined ? undefined : restoreBare(found);
    const ready = plan === undefined ? undefined : await weights.read(plan, allocate, () => { download.check(); });
    if (plan !== undefined && ready !== undefined) {
      await stream.close();
      download.arrived(size, stream.name);
      return { plan, ready };
    }
    await landing.keepOnly(new Set());
    return undefined;
  } catch (error) {
    await stream.close();
    throw error;
  }
}

const throwIfAborted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted === true) throw new QuernError('aborted', 'loading was aborted');
};

class LoadedModel implements Model {
  readonly inputs: Model['inputs'];
  readonly outputs: Model['outputs'];
  readonly device: Model['device'];
  readonly threads: number;
  readonly #chosen: Chosen;
  readonly #compiled: CompiledModel;
  readonly #tuning: Tuning;
  readonly #made: MadePlan;
  #keeping: Promise<void> | undefined;
  #keepTimer: ReturnType<typeof setTimeout> | undefined;
  #lost: string | undefined;
  #runs = 0;

  constructor(chosen: Chosen, compiled: CompiledModel, tuning: Tuning, made: MadePlan) {
    const { main } = chosen.devices;
    this.#chosen = chosen;
    this.#compiled = compiled;
    this.#tuning = tuning;
    this.inputs = compiled.inputs;
    this.outputs = compiled.outputs;
    this.device = main.kind === 'webgpu' ? 'webgpu' : 'wasm';
    this.threads = main.profile.threads;
    tuning.attach(compiled.executor);
    this.#made = made;
    void main.lost.then(({ reason }) => { this.#lost = reason; });
  }

  async run(request: RunRequest, signal?: AbortSignal): Promise<Record<string, WireTensor>> {
    this.#checkDevice();
    return this.#tuning.beforeTuner(async () => {
      const results = await this.#compiled.executor.run(request, signal);
      // What the next visit wants is stored when the first answer is out.
      if (this.#runs++ === 0) this.keepWithin(20);
      return results;
    });
  }

  share(request: RunRequest): SharedRun | undefined {
    const shared = this.#compiled.executor.share(request);
    return shared && { run: shared.run, holds: () => this.#tuning.atRest && shared.holds() };
  }

  read(handle: number): Promise<Uint8Array> {
    return this.#compiled.executor.read(handle);
  }

  release(handle: number): void {
    this.#compiled.executor.release(handle);
  }

  tune(options: TuneRequest, signal?: AbortSignal, onProgress?: Parameters<Model['tune']>[2]): ReturnType<Model['tune']> {
    this.#checkDevice();
    return this.#tuning.run(options, signal, onProgress);
  }

  async report(): ReturnType<Model['report']> {
    const plan = this.#made.kept ? 'kept' : 'made';
    await this.#tuning.measure();
    const { guestRuns = 0 } = this.#chosen.devices.main;
    return this.#tuning.beforeTuner(() => describe(this.#compiled.executor, this.#chosen, this.#tuning, { runs: this.#runs + guestRuns, plan }));
  }

  exportTuning(): Promise<string> {
    return Promise.resolve(this.#tuning.exportRecords());
  }

  importTuning(json: string): Promise<void> {
    return this.#tuning.importRecords(json);
  }

  async dispose(): Promise<void> {
    await this.#keep();
    await this.#tuning.stop();
    this.#compiled.executor.dispose();
    await disposeDevices(this.#chosen);
  }

  /** Starts what has waited; stores what the next visit wants, once, and then finds out what it wants to know of the device. */
  keepWithin(ms: number): void {
    clearTimeout(this.#keepTimer);
    this.#keepTimer = setTimeout(() => {
      this.#chosen.devices.main.settle?.();
      void this.#keep().then(() => this.#tuning.measure());
    }, ms);
  }

  #keep(): Promise<void> {
    clearTimeout(this.#keepTimer);
    this.#keeping ??= this.#made.keep(this.#compiled.executor.residence).catch(() => undefined);
    return this.#keeping;
  }

  #checkDevice(): void {
    if (this.#lost === undefined) return;
    throw new QuernError('device-lost', `the device is gone: ${this.#lost}`, { hint: 'load the model again: a lost GPU needs a new adapter' });
  }
}

