/**
 * Whether a bound segment's memory is sound: no two tensors that are needed at one step share bytes. Input: a plan, a bound segment, and
 * the views that its device was given (`recorded` wraps a device so that it remembers them).
 */
import type { Device, Program, Step, View } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import { type Plan, rootOf } from '../plan/plan.ts';
import type { BoundSegment } from '../runtime/binding.ts';

interface Span {
  readonly id: number;
  readonly view: View;
  first: number;
  last: number;
}

export interface Recorded {
  readonly device: Device;
  readonly stepsOf: (program: Program) => readonly Step[];
}

export function recorded(device: Device): Recorded {
  const known = new WeakMap<Program, readonly Step[]>();
  const wrapped = new Proxy(device, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key === 'program') {
        return (steps: readonly Step[]): Program => {
          const made = target.program(steps);
          known.set(made, steps);
          return made;
        };
      }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { device: wrapped, stepsOf: (program) => known.get(program) ?? [] };
}

/** What overlaps, in words; undefined if nothing does. */
export function overlapIn(plan: Plan, { steps, program }: BoundSegment, stepsOf: Recorded['stepsOf']): string | undefined {
  if (program === undefined) return undefined;
  const given = stepsOf(program);
  const spans = new Map<number, Span>();
  steps.forEach(({ step }, i) => {
    step.args.forEach((arg, a) => {
      const id = rootOf(plan, arg);
      const view = given[i]?.args[a];
      if (view === undefined) throw new QuernError('internal', 'a step without a view');
      const span = spans.get(id) ?? { id, view, first: step.clear.includes(arg) ? 0 : i, last: i };
      span.last = i;
      spans.set(id, span);
    });
  });
  const all = [...spans.values()];
  for (const [i, a] of all.entries()) {
    for (const b of all.slice(i + 1)) {
      const together = a.first <= b.last && b.first <= a.last;
      const same = a.view.region === b.view.region && a.view.offset < b.view.offset + b.view.bytes && b.view.offset < a.view.offset + a.view.bytes;
      if (together && same) return `tensors ${a.id} and ${b.id} share bytes while both live`;
    }
  }
  return undefined;
}
