/**
 * Spaces of schedules, as data: a few knobs, named constraints over (kernel, device), and a fallback that is legal everywhere. What
 * web compilers do well (register allocation, instruction scheduling) is not in them; what is always right (prepacked
 * weights, loop order, accumulators in locals) is fixed by the emitters. Dozens of candidates, not thousands. After the web-specific
 * lite space of nnJIT (MobiSys 2024).
 */

/** A schedule: a value for each knob. Plain numbers, so that records and keys are plain JSON. */
export type Schedule = Readonly<Record<string, number>>;

export interface Knob {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Constraint {
  /** What a violated constraint says about a schedule: "tile fits in registers". */
  readonly name: string;
  readonly holds: (schedule: Schedule) => boolean;
}

export interface Space {
  /** The emitter that reads these schedules. */
  readonly emitter: string;
  /** Raised with every change of what the emitter makes of a schedule: old records then no longer apply. */
  readonly version: number;
  readonly knobs: readonly Knob[];
  readonly constraints: readonly Constraint[];
  readonly fallback: Schedule;
  /** No candidate: the least code, for a kernel that runs once on little. */
  readonly once?: Schedule;
  /** Expected cost, lower first, from hardware facts: orders the search; only constraints prune. */
  readonly rank?: (schedule: Schedule) => number;
}

/** Whatever a kernel may run with: the candidates, and what is none. */
export const runnable = (space: Space): Schedule[] => [...candidates(space), ...(space.once === undefined ? [] : [space.once])];

/** Every legal schedule, the fallback first, then by rank. */
export function candidates(space: Space): Schedule[] {
  const key = scheduleText;
  let all: Schedule[] = [{}];
  for (const knob of space.knobs) all = all.flatMap((s) => knob.values.map((v) => ({ ...s, [knob.name]: v })));
  const legal = all.filter((s) => violated(space, s) === undefined && key(s) !== key(space.fallback));
  if (space.rank !== undefined) {
    const { rank } = space;
    legal.sort((a, b) => rank(a) - rank(b));
  }
  return [space.fallback, ...legal];
}

/** The first constraint that a schedule breaks, an unknown knob or value included; undefined if it is legal. */
export function violated(space: Space, schedule: Schedule): string | undefined {
  if (scheduleText(schedule) === scheduleText(space.fallback)) return undefined;
  for (const knob of space.knobs) {
    const value = schedule[knob.name];
    if (value === undefined || !knob.values.includes(value)) return `${knob.name} is one of ${knob.values.join(', ')}`;
  }
  for (const name of Object.keys(schedule)) {
    if (!space.knobs.some((k) => k.name === name)) return `no knob is called ${name}`;
  }
  return space.constraints.find((c) => !c.holds(schedule))?.name;
}

/** Canonical text: knobs by name, so that the order of keys does not matter. */
export const scheduleText = (schedule: Schedule): string =>
  Object.keys(schedule).sort().map((k) => `${k}=${schedule[k]}`).join(' ');
