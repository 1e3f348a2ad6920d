/**
 * The React side of the pool and the runner: each hook is one `useSyncExternalStore` over a store that knows no React. Nothing here
 * touches the window or starts a load on a server; there a model is `loading` (or `idle` without a source) and stays so until hydrated.
 */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import type { Session, Source } from '../engine/index.ts';
import { InferenceRunner, nothing, outputsKey, running, sameTask, type Feeds, type InferenceState, type Overlap, type Task } from './inference-runner.ts';
import { idle, keyOf, loading, type ModelOptions, type ModelPool, type ModelRequest, type ModelState } from './model-pool.ts';

export interface InferenceOptions {
  /** Says when feeds are new ones: the model runs again when this changes (by `Object.is`), and never because `feeds` is another object. */
  readonly key: unknown;
  /** Outputs to compute; all if left out. Compared by value. */
  readonly outputs?: readonly string[];
  /**
   * What becomes of a run under way when the next is wanted. 'abort' (the default) drops it. 'finish' lets it end, shows its result and
   * goes on with the latest feeds, leaving out those between: for feeds that change faster than the model runs, as a camera's do.
   */
  readonly overlap?: Overlap;
}

const noSource = (): (() => void) => () => undefined;

/** `useModel` over a given pool. */
export function usePooledModel(pool: ModelPool, source: Source | undefined, options: ModelOptions): ModelState {
  const request = source === undefined ? undefined : toRequest(source, options);
  const key = request?.key;
  // The request of the first render with this key serves for all of them: equal keys are equal requests.
  const subscribe = useCallback((notify: () => void) => (request === undefined ? noSource() : pool.subscribe(request, notify)), [pool, key]);
  return useSyncExternalStore(
    subscribe,
    () => (key === undefined ? idle : pool.state(key)),
    () => (key === undefined ? idle : loading),
  );
}

/** `useSuspenseModel` over a given pool. */
export function usePooledSuspenseModel(pool: ModelPool, source: Source, options: ModelOptions): Session {
  const request = toRequest(source, options);
  const { key } = request;
  const subscribe = useCallback((notify: () => void) => pool.subscribe(request, notify), [pool, key]);
  const read = (): ModelState => pool.state(key);
  const state = useSyncExternalStore(subscribe, read, read);
  switch (state.status) {
    case 'ready':
      return state.session;
    case 'error':
      throw state.error;
    case 'idle':
    case 'loading':
      // React then sends the fallback of the nearest boundary and leaves the rest to the browser.
      if (typeof document === 'undefined') throw new Error('useSuspenseModel loads in the browser only; on a server the Suspense boundary shows its fallback');
      throw suspension(pool.wait(request));
    default:
      return state satisfies never;
  }
}

/** Runs a model on feeds, again whenever `key` changes. See docs/react.md. */
export function useInference(
  model: ModelState | Session | undefined,
  feeds: Feeds | (() => Feeds | Promise<Feeds>) | undefined,
  { key, outputs, overlap = 'abort' }: InferenceOptions,
): InferenceState {
  const [runner] = useState(() => new InferenceRunner());
  const session = model !== undefined && 'status' in model ? model.session : model;
  const task: Task | undefined = session === undefined || feeds === undefined ? undefined : { session, feeds, key, outputs };
  // Apart from the next effect, whose cleanup must not end a run that is to be finished.
  useEffect(() => () => { runner.stop(); }, [runner]);
  useEffect(() => { runner.request(task, overlap); }, [runner, session, feeds === undefined, key, outputsKey({ outputs })]);
  const snapshot = useSyncExternalStore(runner.subscribe, runner.getSnapshot, () => nothing);
  if (task === undefined) return nothing.view;
  // The render in which the key changes comes before the effect that asks for the run.
  if (snapshot.task === undefined || !sameTask(snapshot.task, task)) {
    return running(snapshot.task?.session === session ? snapshot.view.outputs : undefined);
  }
  return snapshot.view;
}

const toRequest = (source: Source, options: ModelOptions): ModelRequest => ({ key: keyOf(source, options), source, options });

/** React 18 and 19 both take a thrown promise, which must look like an error to a typed `throw`. */
const suspension = (promise: Promise<void>): Error => promise as unknown as Error;
