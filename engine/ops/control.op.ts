/**
 * Control flow. A branch or an iteration that is known while compiling is put in place of the node. Where only the model's data decide,
 * both branches of If are computed and the result selected (branches have no effects). Loops of a known number of steps are unrolled, others
 * become one kernel.
 */
import { QuernError } from '../../jit/error.ts';
import { type Const, type Expr, asInt, cast, int, not, select, truth } from '../../jit/expr/expr.ts';
import { shapeText } from '../../jit/expr/text.ts';
import { scalarValue } from './math.ts';
import { concatenated, sliced, unsqueezed } from './movement.op.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { axisOf, reshape } from './shape.ts';

/** Steps up to which loops are unrolled: each is a copy of the body. */
const mostSteps = 256;

/** The tensor that is `a` where the condition holds and `b` where not; sizes may differ. */
function either(build: Lowering, cond: Expr, a: Tensor, b: Tensor): Tensor {
  if (a.id === b.id) return a;
  const shape = a.shape.map((dim, d) => {
    const other = b.shape[d] ?? dim;
    return dim === other ? dim : build.dim(select(cond, cast(dim, 'int64'), cast(other, 'int64')));
  });
  return build.map(a.dtype, shape, (index) => select(cond, a.at(index), b.at(index)), a.narrow);
}

const alike = (a: Tensor, b: Tensor | undefined): boolean => b !== undefined && a.dtype === b.dtype && a.rank === b.rank;

/** A branch's outputs, or the error where it cannot be lowered. */
function branch(build: Lowering, name: string, taken: Expr): readonly Tensor[] | QuernError {
  try {
    return build.inline(build.attributes.graph(name), [], taken);
  } catch (error) {
    if (error instanceof QuernError) return error;
    throw error;
  }
}

const ifOp: Operator = {
  op: 'If', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const input = build.input(0);
    const known = build.values(input)?.[0];
    if (known?.op === 'const') return build.inline(build.attributes.graph(known.value === 0 ? 'else_branch' : 'then_branch'), []);
    const cond = known ?? scalarValue(build, input);
    const [then, otherwise] = [branch(build, 'then_branch', cond), branch(build, 'else_branch', not(cond))];
    if (!(then instanceof QuernError) && !(otherwise instanceof QuernError) && then.every((t, k) => alike(t, otherwise[k]))) {
      return then.map((t, k) => either(build, cond, t, otherwise[k] ?? t));
    }
    // Exporters ask whether a dim is 1 before they squeeze it: the program is then made for the one answer, and checks it.
    if (known !== undefined && !(then instanceof QuernError)) {
      build.assume(known, `the condition of If node '${build.node.name}' holds`);
      return then;
    }
    if (then instanceof QuernError) throw then;
    if (otherwise instanceof QuernError) throw otherwise;
    return build.fail('unsupported-model', 'the branches of If differ in rank or type, and only the data decide between them', {
      got: `${then.map((t) => shapeText(t.shape)).join(', ')} or ${otherwise.map((t) => shapeText(t.shape)).join(', ')}`,
    });
  },
};

const stacked = (build: Lowering, parts: readonly Tensor[], axis: number): Tensor =>
  concatenated(build, parts.map((t) => unsqueezed(build, t, [axis])), axis);

const loop: Operator = {
  op: 'Loop', domain: '', since: 1, arity: [0, Infinity],
  lower: (build) => {
    const [count, start] = [build.optional(0), build.optional(1)];
    const initial = build.inputs.slice(2).map((_, k) => build.input(k + 2));
    const limit = count === undefined ? Infinity : constantOf(build, count);
    const going = start === undefined ? truth(true) : build.values(start)?.[0];
    const unrolled = limit !== undefined && limit <= mostSteps && going?.op === 'const' ? unrolledLoop(build, initial, limit, going) : undefined;
    return unrolled ?? runningLoop(build, initial, count, start);
  },
};

/** The number that a tensor of one element holds, if it is known while compiling. */
function constantOf(build: Lowering, t: Tensor): number | undefined {
  const known = build.values(t)?.[0];
  return known === undefined ? undefined : asInt(known);
}

/** Copies of the body one after another; undefined where only the data say when the loop ends. */
function unrolledLoop(build: Lowering, initial: readonly Tensor[], limit: number, going: Const): readonly Tensor[] | undefined {
  const body = build.attributes.graph('body');
  const scans: Tensor[][] = Array.from({ length: body.outputs.length - 1 - initial.length }, () => []);
  let values: readonly Tensor[] = initial;
  let cond = going;
  for (let step = 0; step < limit && cond.value !== 0; step++) {
    const outputs = build.inline(body, [build.constant('int64', [], [step]), build.constant('bool', [], [1]), ...values]);
    const [next, ...rest] = outputs;
    if (next === undefined) return build.fail('invalid-model', 'the body of Loop has no condition');
    values = rest.slice(0, initial.length);
    for (const [k, t] of rest.slice(initial.length).entries()) scans[k]?.push(t);
    const known = build.values(next)?.[0];
    if (known?.op !== 'const') return undefined;
    cond = known;
  }
  return [...values, ...scans.map((parts) => (parts.length > 0 ? stacked(build, parts, 0)
    : build.fail('unsupported-model', 'a loop without steps has no type for its collected results')))];
}

function runningLoop(build: Lowering, initial: readonly Tensor[], limit: Tensor | undefined, start: Tensor | undefined): readonly Tensor[] {
  const body = build.attributes.graph('body');
  const { states, collected } = build.repeat({
    states: initial, limit, start,
    step: (count, going, values) => {
      const [next, ...rest] = build.inline(body, [count, going, ...values]);
      if (next === undefined) return build.fail('invalid-model', 'the body of Loop has no condition');
      return { going: next, states: rest.slice(0, initial.length), collected: rest.slice(initial.length) };
    },
  });
  return [...states, ...collected];
}

/** One entry along an axis, which goes. */
const entryOf = (build: Lowering, t: Tensor, axis: number, entry: number): Tensor =>
  reshape(build, sliced(build, t, axis, int(entry), int(1)), t.shape.filter((_, d) => d !== axis));

interface ScanAxes {
  readonly inAxes?: readonly number[];
  readonly inBack?: readonly number[];
  readonly outAxes?: readonly number[];
  readonly outBack?: readonly number[];
}

/** States and then sequences in; states and then collected results out. */
function scanUnrolled(build: Lowering, inputs: readonly Tensor[], scanned: number, order: ScanAxes): readonly Tensor[] {
  const { inAxes = [], inBack = [], outAxes = [], outBack = [] } = order;
  const body = build.attributes.graph('body');
  const states = inputs.length - scanned;
  const sequences = inputs.slice(states);
  const axes = sequences.map((t, k) => axisOf(build, inAxes[k] ?? 0, t.rank));
  const steps = asInt(sequences[0]?.shape[axes[0] ?? 0] ?? int(0));
  if (steps === undefined || steps > mostSteps) {
    return build.fail('unsupported-model', 'Scan over a length that is not known while compiling, or too long', { expected: `at most ${mostSteps} steps` });
  }
  let values: readonly Tensor[] = inputs.slice(0, states);
  const collected: Tensor[][] = Array.from({ length: body.outputs.length - states }, () => []);
  for (let step = 0; step < steps; step++) {
    const slices = sequences.map((t, k) => entryOf(build, t, axes[k] ?? 0, inBack[k] === 1 ? steps - 1 - step : step));
    const outputs = build.inline(body, [...values, ...slices]);
    values = outputs.slice(0, states);
    for (const [k, t] of outputs.slice(states).entries()) collected[k]?.push(t);
  }
  return [...values, ...collected.map((parts, k) => {
    const axis = axisOf(build, outAxes[k] ?? 0, (parts[0]?.rank ?? 0) + 1);
    return stacked(build, outBack[k] === 1 ? parts.reverse() : parts, axis);
  })];
}

const scan: Operator = {
  op: 'Scan', domain: '', since: 9, arity: [1, Infinity],
  lower: (build) => scanUnrolled(build, build.inputs.map((_, k) => build.input(k)), build.attributes.int('num_scan_inputs'), {
    inAxes: build.attributes.ints('scan_input_axes', []), inBack: build.attributes.ints('scan_input_directions', []),
    outAxes: build.attributes.ints('scan_output_axes', []), outBack: build.attributes.ints('scan_output_directions', []),
  }),
};

/** The first Scan had a batch dim around everything: each entry is scanned on its own. */
const batchedScan: Operator = {
  op: 'Scan', domain: '', since: 8, arity: [2, Infinity],
  lower: (build) => {
    if (build.optional(0) !== undefined) build.fail('unsupported-model', 'Scan-8 with sequence lengths');
    const inputs = build.inputs.slice(1).map((_, k) => build.input(k + 1));
    const batch = asInt(inputs[0]?.shape[0] ?? int(0)) ?? build.fail('unsupported-model', 'Scan-8 with a batch that is not known while compiling');
    const scanned = build.attributes.int('num_scan_inputs');
    const directions = build.attributes.ints('directions', []);
    const entries = Array.from({ length: batch }, (_, b) =>
      scanUnrolled(build, inputs.map((t) => entryOf(build, t, 0, b)), scanned, { inBack: directions }));
    return (entries[0] ?? []).map((_, k) => stacked(build, entries.flatMap((e) => e[k] ?? []), 0));
  },
};

export const operators: readonly Operator[] = [ifOp, loop, scan, batchedScan];
