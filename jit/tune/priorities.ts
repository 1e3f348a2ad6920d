/**
 * What to tune first, and for how long: time that a better schedule could save in one run of the model. Input: kernels with their share
 * of the time, the roofline and what is known of them. Output: an order; time is given in proportion to the gains.
 */

export interface Candidate {
  readonly key: string;
  /** Nanoseconds that the model spends in this kernel in one run, all its calls together. */
  readonly ns: number;
  /** Nanoseconds that they would take at the roofline; 0 where unknown. */
  readonly roofline: number;
  /** Legal schedules; one means that there is nothing to choose. */
  readonly schedules: number;
  /** There is a winner from an earlier search: of a finished one nothing more is expected, of an unfinished one a little. */
  readonly known?: 'finished' | 'unfinished' | undefined;
}

export interface Share {
  readonly key: string;
  /** Expected saving in nanoseconds a run. */
  readonly gain: number;
}

/** Gain that is expected where the roofline is unknown: a wrong tile costs half (FACTS: 29 instead of 56 GFLOP/s). */
const usual = 0.5;
/** Gain that is expected at the roofline itself: its peaks come from a short probe that can be far off, as in WebKitGTK. */
const little = 0.02;

/** Tasks in order of expected gain; those with nothing to gain are left out. */
export function prioritise(tasks: readonly Candidate[]): Share[] {
  return tasks.map((t) => {
    const room = t.roofline > 0 && t.ns > 0 ? Math.max(little, 1 - t.roofline / t.ns) : usual;
    const factor = t.schedules <= 1 || t.known === 'finished' ? 0 : t.known === 'unfinished' ? 0.25 : 1;
    return { key: t.key, gain: t.ns * room * factor };
  }).filter(({ gain }) => gain > 0).sort((a, b) => b.gain - a.gain);
}
