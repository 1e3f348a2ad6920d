/**
 * The public API of quern/react, and nothing else. Not index.ts: tools that look in the root first would take this folder for the package
 * of the same name.
 */
import { load, type Session, type Source } from '../engine/index.ts';
import { usePooledModel, usePooledSuspenseModel } from './hooks.ts';
import { ModelPool, type ModelOptions, type ModelState } from './model-pool.ts';

export { useInference } from './hooks.ts';
export type { InferenceOptions } from './hooks.ts';
export type { Feeds, InferenceState, Outputs, Overlap } from './inference-runner.ts';
export type { ModelOptions, ModelState } from './model-pool.ts';

/** One for the page: components that name the same model share its session. */
const pool = new ModelPool(load);

/**
 * Loads a model while the component is mounted; `idle` without a source. Components with equal source and options share one session, which
 * is disposed a second after the last of them has gone. Addresses and options are compared by value; bytes, Blobs and streams by identity,
 * so keep those in state or outside the component.
 */
export function useModel(source: Source | undefined, options: ModelOptions = {}): ModelState {
  return usePooledModel(pool, source, options);
}

/** As `useModel`, but suspends while the model loads and throws the QuernError of a load that failed to the nearest error boundary. */
export function useSuspenseModel(source: Source, options: ModelOptions = {}): Session {
  return usePooledSuspenseModel(pool, source, options);
}
