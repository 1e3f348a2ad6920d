/**
 * What tuning one kernel says about the next: how far each schedule was from the best of its kernel, averaged over the kernels of one emitter.
 * Orders candidates; decides nothing.
 */
import { type Schedule, type Space, scheduleText } from '../space.ts';
import type { Measurement } from './records.ts';

interface Score {
  /** Sum of log(time / best time). */
  logs: number;
  count: number;
}

/** Where a schedule that was never tried stands: behind what was good, before what was 20 % off. */
const unknown = Math.log(1.2);

export class Experience {
  readonly #scores = new Map<string, Map<string, Score>>();

  add(emitter: string, measurements: readonly Measurement[]): void {
    // Times of slices and of whole kernels are compared with their own kind.
    for (const part of [true, false]) {
      const timed = measurements.filter((m) => m.ns !== undefined && (m.part === true) === part);
      const best = Math.min(...timed.map((m) => m.ns ?? Infinity));
      const scores = this.#scores.get(emitter) ?? new Map<string, Score>();
      this.#scores.set(emitter, scores);
      for (const { schedule, ns = best } of timed) {
        const score = scores.get(scheduleText(schedule)) ?? { logs: 0, count: 0 };
        scores.set(scheduleText(schedule), { logs: score.logs + Math.log(Math.max(1, ns / best)), count: score.count + 1 });
      }
    }
  }

  /** The schedules by what is known of them; in their own order where nothing is. */
  ordered(space: Space, schedules: readonly Schedule[]): Schedule[] {
    const scores = this.#scores.get(space.emitter);
    if (scores === undefined) return [...schedules];
    const expected = (s: Schedule): number => {
      const score = scores.get(scheduleText(s));
      return score === undefined ? unknown : score.logs / score.count;
    };
    return [...schedules].sort((a, b) => expected(a) - expected(b));
  }
}
