/**
 * Loads a model in the worker: bytes to graph, a device for it, kernels and weights on the device, and the `Model` that the protocol
 * exposes. Runs go first, in order; the tuner works in the gaps. In: source, options, callbacks. Out: a Model that owns its device.
 */
import { QuernError } from '../../jit/error.ts';
import { openCache } from '../cache/cache.ts';
import { KeptFiles } from '../load/kept-files.ts';
import { loadGraph } from '../load/load-graph.ts';
import { type Chosen, chooseDevice, disposeDevices, startEarly } from './choose-device.ts';
import { type CompiledModel, compileModel } from './compile-model.ts';
import { Landing } from './landing.ts';
import type { LoadModel, Model, RunRequest, WireTensor } from './model.ts';
import { describe } from './report.ts';
import { endSpareThreads } from './spawn-thread.ts';
import { Tuning } from './tuning.ts';

export const loadModel: LoadModel = async (source, externalData, options, onProgress, signal) => {
  const cache = openCache({ enabled: options.cache });
  const early = startEarly(options, cache);
  // A cache that fails says so itself; what it fails with is seen where it is used.
  early.catch(() => undefined);
  const landing = new Landing((weightBytes) => chooseDevice(options, weightBytes, cache));
  try {
    const files = options.cache ? new KeptFiles() : undefined;
    const graph = await loadGraph(source, externalData, {
      signal, onProgress, files, maxBytes: options.maxBytes, memory: (expected) => landing.expect(expected),
    });
    throwIfAborted(signal);
    onProgress({ phase: 'compile', loaded: 0, total: 1 });
    const chosen = await landing.device();
    const tuning = await Tuning.open(chosen.devices, cache, await early);
    tuning.notes.push(...(files?.notes ?? []));
    const compiled = compileModel(graph, chosen.devices, { precision: options.precision, dims: options.dims, lookup: tuning.lookup });
    onProgress({ phase: 'compile', loaded: 1, total: 1 });
    const model = new LoadedModel(chosen, compiled, tuning);
    await compiled.executor.residence.prepare((loaded, total) => { onProgress({ phase: 'upload', loaded, total }); }, signal, landing);
    throwIfAborted(signal);
    // Kernels of static models are compiled now, not by the first run.
    await compiled.executor.warm();
    throwIfAborted(signal);
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

const throwIfAborted = (signal: AbortSignal): void => {
  if (signal.aborted) throw new QuernError('aborted', 'loading was aborted');
};

class LoadedModel implements Model {
  readonly inputs: Model['inputs'];
  readonly outputs: Model['outputs'];
  readonly device: Model['device'];
  readonly threads: number;
  readonly #chosen: Chosen;
  readonly #compiled: CompiledModel;
  readonly #tuning: Tuning;
  #lost: string | undefined;
  #runs = 0;

  constructor(chosen: Chosen, compiled: CompiledModel, tuning: Tuning) {
    const { main } = chosen.devices;
    this.#chosen = chosen;
    this.#compiled = compiled;
    this.#tuning = tuning;
    this.inputs = compiled.inputs;
    this.outputs = compiled.outputs;
    this.device = main.kind === 'webgpu' ? 'webgpu' : 'wasm';
    this.threads = main.profile.threads;
    tuning.attach(compiled.executor);
    void main.lost.then(({ reason }) => { this.#lost = reason; });
  }

  async run(request: RunRequest, signal?: AbortSignal): Promise<Record<string, WireTensor>> {
    this.#checkDevice();
    return this.#tuning.beforeTuner(async () => {
      const results = await this.#compiled.executor.run(request, signal);
      this.#runs++;
      return results;
    });
  }

  read(handle: number): Promise<Uint8Array> {
    return this.#compiled.executor.read(handle);
  }

  release(handle: number): void {
    this.#compiled.executor.release(handle);
  }

  tune(options: Parameters<Model['tune']>[0], signal?: AbortSignal, onProgress?: Parameters<Model['tune']>[2]): ReturnType<Model['tune']> {
    this.#checkDevice();
    return this.#tuning.run(options, signal, onProgress);
  }

  async report(): ReturnType<Model['report']> {
    return this.#tuning.beforeTuner(() => describe(this.#compiled.executor, this.#chosen, this.#tuning, this.#runs));
  }

  exportTuning(): Promise<string> {
    return Promise.resolve(this.#tuning.exportRecords());
  }

  importTuning(json: string): Promise<void> {
    return this.#tuning.importRecords(json);
  }

  async dispose(): Promise<void> {
    await this.#tuning.stop();
    this.#compiled.executor.dispose();
    await disposeDevices(this.#chosen);
  }

  #checkDevice(): void {
    if (this.#lost === undefined) return;
    throw new QuernError('device-lost', `the device is gone: ${this.#lost}`, { hint: 'load the model again: a lost GPU needs a new adapter' });
  }
}

