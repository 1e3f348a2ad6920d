/**
 * What a decode loop feeds: each input that the loop names gets the output of the run before, all others stay as they were filled. In: the
 * filled feeds of any engine, its tensors opaque here. Out: the feeds of the next run.
 */
import type { Loop } from '../protocol.ts';

/** Steps of a loop before outputs are compared: the cache has then been read and grown in place more than once. */
export const comparedSteps = 4;

/** The input that an output is fed to; undefined for outputs that the loop does not name. */
export const inputOf = (loop: Loop | undefined, output: string): string | undefined =>
  loop !== undefined && output.startsWith(loop.from) ? loop.to + output.slice(loop.from.length) : undefined;

export function nextFeeds<T>(feeds: Readonly<Record<string, T>>, outputs: Readonly<Record<string, T>>, loop: Loop | undefined): Record<string, T> {
  const next = { ...feeds };
  for (const [name, tensor] of Object.entries(outputs)) {
    const input = inputOf(loop, name);
    if (input !== undefined && Object.hasOwn(feeds, input)) next[input] = tensor;
  }
  return next;
}
