/**
 * What every binding of a plan shares, found once: which dims segments depend on, which tensors have memory of their own and where, and whether
 * memory that was made for some sizes serves smaller ones.
 */
import type { Expr, Sym } from '../../jit/expr/expr.ts';
import { collect, evaluate, isSym } from '../../jit/expr/visit.ts';
import { type Place, type Plan, blocksOf, handled, rootOf, tensor } from '../plan/plan.ts';

export interface PlanFacts {
  /** The dims that each segment depends on. */
  readonly symbols: readonly (readonly Sym[])[];
  /** Tensors with memory of their own: inputs, outputs, read dims, and what more than one segment touches. */
  readonly crossing: ReadonlySet<number>;
  /** Those of them that each segment touches. */
  readonly crossingIn: readonly (readonly number[])[];
  /** Whether dims may be less than memory was made for. */
  readonly roomy: boolean;
  /** Inputs that steps on the CPU read, or the runtime itself: fed there. */
  readonly cpuInputs: ReadonlySet<number>;
  /** What branches make, where the block hands it out: only one of them ever runs. */
  readonly slots: ReadonlyMap<number, number>;
  /** Places of the results of checks in the one region of each device that holds them, to be read at once. */
  readonly checks: ReadonlyMap<number, number>;
  readonly checked: ReadonlySet<Place>;
}

export function factsOf(plan: Plan): PlanFacts {
  const crosses = crossing(plan);
  return {
    symbols: plan.segments.map((s) => collect(s.steps.flatMap((step) => [
      ...step.dims, ...step.args.flatMap((t) => tensor(plan, t).shape),
    ]), isSym)),
    crossing: crosses,
    crossingIn: plan.segments.map((s) =>
      [...new Set(s.steps.flatMap((step) => step.args.map((t) => rootOf(plan, t))))].filter((t) => crosses.has(t))),
    roomy: plan.flow.every((f) => typeof f === 'number') && [...plan.tensors.values()].every((t) => t.shape.every(grows)),
    cpuInputs: inputsOfCpu(plan),
    slots: new Map(blocksOf(plan.flow).flatMap((b) => (b.kind === 'if' ? b.parts.flatMap((part) => part.outputs.flatMap((t, k) => {
      const to = b.outputs[k];
      return to === undefined ? [] : [[t, to] as const];
    })) : []))),
    checks: new Map(plan.checks?.map((c, k) => [c.tensor, k])),
    checked: new Set(plan.segments.filter((s) => s.steps.some((step) => plan.checks?.some((c) => step.args.includes(c.tensor))))
      .map((s) => s.place)),
  };
}

/** Whether a size is never less where a symbol is more, and 0 only where a symbol is. */
const grows = (d: Expr): boolean => only(d, () => true)
  && (only(d, (a, by) => evaluate(a, () => 0) >= by - 1) || evaluate(d, (s) => (s.op === 'sym' ? s.min : 0)) > 0);

/** Whether it is made of symbols, sums, products and such quotients. */
function only(d: Expr, quotient: (a: Expr, by: number) => boolean): boolean {
  if (d.op === 'const') return d.value >= 0;
  if (d.op !== 'binary') return d.op === 'sym';
  if (d.fn === 'floordiv') return d.b.op === 'const' && d.b.value > 0 && only(d.a, quotient) && quotient(d.a, Number(d.b.value));
  return (d.fn === 'add' || d.fn === 'mul') && only(d.a, quotient) && only(d.b, quotient);
}

function inputsOfCpu(plan: Plan): Set<number> {
  const args = plan.segments.flatMap((s) => [...s.reads.map((r) => r.tensor), ...(s.place === 'cpu' ? s.steps.flatMap((step) => step.args) : [])]);
  const scalars = blocksOf(plan.flow).flatMap((b) => (b.kind === 'if' ? [b.cond] : [b.limit, b.start])).filter((t) => typeof t === 'number');
  const wanted = new Set([...args, ...scalars].map((t) => rootOf(plan, t)));
  return new Set(plan.inputs.map((i) => i.tensor).filter((t) => wanted.has(t)));
}

function crossing(plan: Plan): Set<number> {
  const seen = new Map<number, number>();
  const found = new Set<number>();
  const add = (id: number): void => { found.add(rootOf(plan, id)); };
  for (const i of plan.inputs) add(i.tensor);
  for (const o of plan.outputs) add(o.tensor);
  for (const c of plan.checks ?? []) add(c.tensor);
  handled(plan).forEach(add);
  plan.segments.forEach((s, index) => {
    for (const r of s.reads) add(r.tensor);
    for (const step of s.steps) {
      for (const id of step.args) {
        const root = rootOf(plan, id);
        const before = seen.get(root);
        if (before !== undefined && before !== index) found.add(root);
        seen.set(root, index);
      }
    }
  });
  return found;
}
