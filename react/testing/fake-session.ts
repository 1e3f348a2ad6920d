/** Loads and sessions whose ends a test decides. */
import { QuernError, type LoadOptions, type RunOptions, type Session, type Source, type Tensor } from '../../engine/index.ts';
import type { Feeds, Outputs } from '../inference-runner.ts';
import type { Load } from '../model-pool.ts';

const unused = (): Promise<never> => Promise.reject(new Error('no test uses this'));

export interface FakeRun {
  readonly feeds: Feeds;
  readonly options: RunOptions;
  /** Ends the run with one output `y`. */
  readonly finish: (...values: number[]) => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

export interface FakeLoad {
  readonly source: Source;
  readonly options: LoadOptions;
  readonly finish: (session?: FakeSession) => Promise<FakeSession>;
  readonly fail: (error: Error) => Promise<void>;
}

/** Long enough for chains of promises to settle; fake timers do not hold it up. */
export const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

/** As the engine does it: an aborted call rejects at once. */
function abortable<T>(signal: AbortSignal | undefined): Promise<T> & Ends<T> {
  const ends: Partial<Ends<T>> = {};
  const promise = new Promise<T>((resolve, reject) => {
    const fail = (error: Error): void => { reject(error); };
    Object.assign(ends, { resolve, fail });
    signal?.addEventListener('abort', () => { fail(new QuernError('aborted', 'the call was aborted')); });
  });
  return Object.assign(promise, ends as Ends<T>);
}

interface Ends<T> {
  readonly resolve: (value: T) => void;
  readonly fail: (error: Error) => void;
}

export class FakeSession implements Session {
  readonly inputs = [];
  readonly outputs = [];
  readonly device = 'wasm';
  readonly threads = 1;
  readonly runs: FakeRun[] = [];
  disposed = 0;

  run(feeds: Feeds, options: RunOptions = {}): Promise<Outputs> {
    const call = abortable<Outputs>(options.signal);
    this.runs.push({
      feeds,
      options,
      finish: (...values) => { call.resolve({ y: tensor(values) }); return settle(); },
      fail: (error) => { call.fail(error); return settle(); },
    });
    return call;
  }

  readonly tune = unused;
  readonly report = unused;
  readonly exportTuning = unused;
  readonly importTuning = unused;

  dispose(): Promise<void> {
    this.disposed++;
    return Promise.resolve();
  }
}

/** A `load` with a list of its calls. With `deaf`, a load goes on although it was aborted. */
export function fakeLoad({ deaf = false } = {}): { readonly load: Load; readonly loads: FakeLoad[] } {
  const loads: FakeLoad[] = [];
  return {
    loads,
    load: (source, options) => {
      const call = abortable<Session>(deaf ? undefined : options.signal);
      loads.push({
        source,
        options,
        finish: async (session = new FakeSession()) => { call.resolve(session); await settle(); return session; },
        fail: (error) => { call.fail(error); return settle(); },
      });
      return call;
    },
  };
}

function tensor(values: readonly number[]): Tensor {
  const data = new Float32Array(values);
  return { dtype: 'float32', dims: [values.length], location: 'cpu', data, read: () => Promise.resolve(data), dispose: () => undefined };
}

export const valuesOf = (outputs: Outputs | undefined): number[] | undefined => {
  const data = outputs?.['y']?.data;
  return data === undefined ? undefined : Array.from(data as Float32Array);
};
