/**
 * A model for the tests of protocol, client and session: y = 2 x over float32[n], with a state that can be kept. Runs wait for `gate`,
 * so that tests decide what happens meanwhile.
 */
import { QuernError } from '../../jit/error.ts';
import type { LoadModel, Model, RunRequest, WireTensor } from './model.ts';

export interface FakeModel extends Model {
  /** What happened, in order. */
  readonly log: string[];
  readonly handles: Map<number, Uint8Array>;
  /** Runs wait for it. */
  gate: Promise<void>;
}

export function fakeModel(): FakeModel {
  const log: string[] = [];
  const handles = new Map<number, Uint8Array>();
  let lastHandle = 0;
  const bytesOf = (tensor: WireTensor): Uint8Array => {
    if (tensor.kind === 'bytes') return tensor.bytes;
    const found = handles.get(tensor.handle);
    if (found === undefined) throw new QuernError('internal', `there is no handle ${tensor.handle}`);
    return found;
  };
  const model: FakeModel = {
    log,
    handles,
    gate: Promise.resolve(),
    inputs: [{ name: 'x', dtype: 'float32', dims: ['n'] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: ['n'] }],
    device: 'wasm',
    threads: 1,
    async run({ feeds, keep }: RunRequest, signal) {
      const { x } = feeds;
      if (x === undefined) throw new QuernError('invalid-input', 'no x');
      const values = new Float32Array(bytesOf(x).slice().buffer);
      log.push(`run ${values.join(' ')} begins`);
      await model.gate;
      if (signal?.aborted === true) {
        log.push(`run ${values.join(' ')} aborted`);
        throw new QuernError('aborted', 'the run was aborted');
      }
      if (values.some(Number.isNaN)) throw new QuernError('index-out-of-range', 'an index is out of range', { node: 'g', op: 'Gather', got: 'NaN' });
      const bytes = new Uint8Array(values.map((v) => 2 * v).buffer);
      log.push(`run ${values.join(' ')} ends`);
      if (keep === undefined) return { y: { kind: 'bytes', dtype: 'float32', dims: x.dims, bytes } };
      const handle = x.kind === 'handle' ? x.handle : ++lastHandle;
      handles.set(handle, bytes);
      return { y: { kind: 'handle', dtype: 'float32', dims: x.dims, handle } };
    },
    read: (handle) => Promise.resolve(bytesOf({ kind: 'handle', dtype: 'float32', dims: [], handle })),
    release(handle) {
      handles.delete(handle);
      log.push(`release ${handle}`);
    },
    tune(_options, _signal, onProgress) {
      for (let loaded = 1; loaded <= 1000; loaded++) onProgress?.({ phase: 'tune', loaded, total: 1000 });
      return Promise.resolve({ ms: 1, kernels: 1, measured: 3, fromCache: 0, improved: 1, wrong: 0, finished: true });
    },
    report: () => Promise.reject(new QuernError('internal', 'a fake has no report')),
    exportTuning: () => Promise.resolve('{}'),
    importTuning: () => Promise.resolve(),
    dispose() {
      log.push('dispose');
      return Promise.resolve();
    },
  };
  return model;
}

/** A loader that gives these models in turn. */
export function fakeLoader(models: readonly Model[]): LoadModel {
  let next = 0;
  return (_source, _externalData, _options, onProgress) => {
    onProgress({ phase: 'parse', loaded: 1, total: 1 });
    const model = models[next++];
    return model === undefined ? Promise.reject(new QuernError('invalid-model', 'no more models')) : Promise.resolve(model);
  };
}
