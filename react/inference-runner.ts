/**
 * Runs of one component, without React: a store whose state is the latest result. A new request supersedes the one before it, whose run is
 * aborted, or finished first where asked. Invariant: a run that was superseded never replaces the result of a later one.
 */
import { QuernError, type Feed, type Session, type Tensor } from '../engine/index.ts';
import { toQuernError } from './model-pool.ts';

export type Feeds = Readonly<Record<string, Feed>>;
export type Outputs = Readonly<Record<string, Tensor>>;

/** `outputs` is of the latest run of this model that ended well, also while the next one is running. */
export type InferenceState =
  | { readonly status: 'idle'; readonly outputs?: undefined; readonly error?: undefined; readonly retry?: undefined }
  | { readonly status: 'running'; readonly outputs?: Outputs; readonly error?: undefined; readonly retry?: undefined }
  | { readonly status: 'done'; readonly outputs: Outputs; readonly error?: undefined; readonly retry?: undefined }
  | { readonly status: 'error'; readonly outputs?: Outputs; readonly error: QuernError; readonly retry: () => void };

/** What to do with a run that is under way when the next is wanted. */
export type Overlap = 'abort' | 'finish';

export interface Task {
  readonly session: Session;
  readonly feeds: Feeds | (() => Feeds | Promise<Feeds>);
  readonly key: unknown;
  readonly outputs?: readonly string[] | undefined;
}

interface Snapshot {
  readonly task: Task | undefined;
  readonly view: InferenceState;
}

export const nothing: Snapshot = { task: undefined, view: { status: 'idle' } };

export class InferenceRunner {
  readonly #listeners = new Set<() => void>();
  #snapshot = nothing;
  #running: AbortController | undefined;
  #next: Task | undefined;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): Snapshot => this.#snapshot;

  request(task: Task | undefined, overlap: Overlap): void {
    if (task === undefined) {
      this.stop();
      this.#publish(nothing);
      return;
    }
    const sameModel = task.session === this.#snapshot.task?.session;
    this.#publish({ task, view: running(sameModel ? this.#snapshot.view.outputs : undefined) });
    if (overlap === 'finish' && sameModel && this.#running !== undefined) {
      this.#next = task;
    } else {
      this.stop();
      this.#start(task);
    }
  }

  /** Aborts what runs. The state stays. */
  stop(): void {
    this.#next = undefined;
    this.#running?.abort();
    this.#running = undefined;
  }

  #start(task: Task): void {
    const abort = new AbortController();
    this.#running = abort;
    void this.#run(task, abort.signal);
  }

  /** Never rejects. */
  async #run(task: Task, signal: AbortSignal): Promise<void> {
    let view: InferenceState;
    try {
      // Not awaited where there is nothing to await: runs must reach the session in the order of the requests.
      const feeds = typeof task.feeds === 'function' ? await make(task.feeds) : task.feeds;
      const outputs = await task.session.run(feeds, { signal, ...(task.outputs === undefined ? {} : { outputs: task.outputs }) });
      view = { status: 'done', outputs };
    } catch (error) {
      const { outputs } = this.#snapshot.view;
      const retry = (): void => {
        if (this.#snapshot.view === view) this.request(task, 'abort');
      };
      view = { status: 'error', error: toQuernError(error), retry, ...(outputs === undefined ? {} : { outputs }) };
    }
    if (signal.aborted) return;
    this.#running = undefined;
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) {
      this.#publish({ task, view });
    } else {
      this.#publish({ task: next, view: running(view.outputs) });
      this.#start(next);
    }
  }

  #publish(snapshot: Snapshot): void {
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) listener();
  }
}

export const running = (outputs: Outputs | undefined): InferenceState => ({ status: 'running', ...(outputs === undefined ? {} : { outputs }) });

/** Whether two tasks ask for the same. Feeds are compared by their key alone. */
export const sameTask = (a: Task, b: Task): boolean => a.session === b.session && Object.is(a.key, b.key) && outputsKey(a) === outputsKey(b);

export const outputsKey = ({ outputs }: Pick<Task, 'outputs'>): string | undefined => outputs && JSON.stringify(outputs);

async function make(feeds: () => Feeds | Promise<Feeds>): Promise<Feeds> {
  try {
    return await feeds();
  } catch (cause) {
    if (cause instanceof QuernError) throw cause;
    throw new QuernError('invalid-input', `the function that makes the feeds threw: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
