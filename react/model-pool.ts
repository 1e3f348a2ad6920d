/**
 * Sessions that components share, without React: a store of load states by key (source and options), each with its subscribers. The first
 * subscriber starts the load; some time after the last has left, the load is aborted or the session disposed. Invariant: every session
 * that `load` gives is held by an entry of the pool or disposed, however late it comes.
 */
import { QuernError, type LoadOptions, type Progress, type Session, type Source } from '../engine/index.ts';

/** What `load` takes; progress is part of the state, and the pool aborts. */
export type ModelOptions = Omit<LoadOptions, 'signal' | 'onProgress'>;

export type ModelState =
  | { readonly status: 'idle'; readonly session?: undefined; readonly progress?: undefined; readonly error?: undefined; readonly retry?: undefined }
  | { readonly status: 'loading'; readonly session?: undefined; readonly progress?: Progress; readonly error?: undefined; readonly retry?: undefined }
  | { readonly status: 'ready'; readonly session: Session; readonly progress?: undefined; readonly error?: undefined; readonly retry?: undefined }
  | { readonly status: 'error'; readonly session?: undefined; readonly progress?: undefined; readonly error: QuernError; readonly retry: () => void };

export interface ModelRequest {
  readonly key: string;
  readonly source: Source;
  readonly options: ModelOptions;
}

export type Load = (source: Source, options: LoadOptions) => Promise<Session>;

interface Entry {
  readonly request: ModelRequest;
  readonly holders: Set<{ readonly notify: () => void }>;
  state: ModelState;
  abort: AbortController;
  /** Resolves when the load has ended in whatever way; never rejects. */
  settled: Promise<void>;
  /** Milliseconds that the entry outlives its last holder. */
  grace: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  reported: number;
}

export const idle: ModelState = { status: 'idle' };
export const loading: ModelState = { status: 'loading' };

/** StrictMode unmounts and mounts again in one task; a change of page takes some frames, and its next component may want the same model. */
const released = 1000;
/** A suspended component holds nothing until React commits it, which a transition may put off for as long as its slowest part takes. */
const unclaimed = 30_000;
/** Each report of progress renders all subscribers synchronously; ten a second look continuous. */
const reportEvery = 100;

export class ModelPool {
  readonly #load: Load;
  readonly #entries = new Map<string, Entry>();

  constructor(load: Load) {
    this.#load = load;
  }

  /** The same object until something changes; `loading` for what nobody has asked for yet. */
  state(key: string): ModelState {
    return this.#entries.get(key)?.state ?? loading;
  }

  /** Holds the model, loading it if need be, until the function returned is called. */
  subscribe(request: ModelRequest, notify: () => void): () => void {
    const entry = this.#enter(request);
    const holder = { notify };
    entry.holders.add(holder);
    entry.grace = released;
    clearTimeout(entry.timer);
    return () => {
      if (entry.holders.delete(holder)) this.#expire(entry, entry.grace);
    };
  }

  /** Starts loading for a subscriber that is yet to come. Resolves once the state is no longer `loading`; never rejects. */
  wait(request: ModelRequest): Promise<void> {
    const entry = this.#enter(request);
    if (entry.holders.size === 0) {
      entry.grace = unclaimed;
      clearTimeout(entry.timer);
    }
    return entry.settled;
  }

  #enter(request: ModelRequest): Entry {
    const known = this.#entries.get(request.key);
    if (known !== undefined) return known;
    const entry: Entry = {
      request,
      holders: new Set(),
      state: loading,
      abort: new AbortController(),
      settled: Promise.resolve(),
      grace: released,
      timer: undefined,
      reported: -Infinity,
    };
    this.#entries.set(request.key, entry);
    entry.settled = this.#start(entry);
    return entry;
  }

  async #start(entry: Entry): Promise<void> {
    const { signal } = entry.abort;
    const { source, options } = entry.request;
    let state: ModelState;
    try {
      const session = await this.#load(source, { ...options, signal, onProgress: (p) => { if (!signal.aborted) report(entry, p); } });
      if (signal.aborted) {
        void session.dispose();
        return;
      }
      state = { status: 'ready', session };
    } catch (error) {
      if (signal.aborted) return;
      state = { status: 'error', error: toQuernError(error), retry: () => { this.#retry(entry, state); } };
    }
    publish(entry, state);
    // A failed entry goes soon, so that an error boundary which is reset loads anew.
    this.#expire(entry, state.status === 'error' ? released : entry.grace);
  }

  #retry(entry: Entry, failed: ModelState): void {
    if (entry.state !== failed || this.#entries.get(entry.request.key) !== entry) return;
    publish(entry, loading);
    entry.settled = this.#start(entry);
  }

  #expire(entry: Entry, after: number): void {
    if (entry.holders.size > 0) return;
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => {
      if (this.#entries.get(entry.request.key) === entry) this.#entries.delete(entry.request.key);
      entry.abort.abort();
      // A failure to dispose is a bug; unhandled, it is reported as one.
      void entry.state.session?.dispose();
    }, after);
  }
}

function report(entry: Entry, progress: Progress): void {
  const { state, reported } = entry;
  if (state.status !== 'loading') return;
  const now = performance.now();
  if (state.progress?.phase === progress.phase && now - reported < reportEvery) return;
  entry.reported = now;
  publish(entry, { status: 'loading', progress });
}

function publish(entry: Entry, state: ModelState): void {
  entry.state = state;
  for (const { notify } of entry.holders) notify();
}

/** Equal for what `load` would treat alike: texts, numbers and plain objects by value, everything else (bytes, Blobs, streams) by identity. */
export const keyOf = (source: Source, options: ModelOptions): string => JSON.stringify([comparable(source), comparable(options)]);

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

function comparable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof URL) return value.href;
  if (value instanceof Request) return { url: value.url, method: value.method, headers: [...value.headers], credentials: value.credentials };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, part]) => [name, comparable(part)]));
  }
  let identity = identities.get(value);
  if (identity === undefined) identities.set(value, identity = ++lastIdentity);
  return [identity];
}

/** What a load or run rejects with is a QuernError, save for bugs. */
export function toQuernError(error: unknown): QuernError {
  return error instanceof QuernError ? error : new QuernError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}
