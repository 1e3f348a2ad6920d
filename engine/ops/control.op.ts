/**
 * Control flow. A branch or an iteration that is known while compiling is put in place of the node, up to a number of nodes. Of an If of which
 * only the model's data decide, both branches are computed or one runs, as a block (blocks.ts). Other loops become one kernel or a block
 * (repeat.ts).
 */
import { type Const, type Expr, asInt, int, lt, select, sub, truth } from '../../jit/expr/expr.ts';
import { type Graph, nodeCount } from '../graph/graph.ts';
import { scalarValue, toIndex, zeroOf } from './math.ts';
import { concatenated, fromFirst, sliced, unsqueezed } from './movement.op.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { axisOf, reshape, sized } from './shape.ts';

/** Nodes up to which loops are unrolled: each step is a copy of the body. */
const mostNodes = 512;

const unrolls = (body: Graph, steps: number): boolean => steps * Math.max(1, nodeCount(body)) <= mostNodes;

const ifOp: Operator = {
  op: 'If', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const input = build.input(0);
    const known = build.values(input)?.[0];
    if (known?.op === 'const') return build.inline(build.attributes.graph(known.value === 0 ? 'else_branch' : 'then_branch'), []);
    const graphs = ['then_branch', 'else_branch'].map((name) => build.attributes.graph(name));
    return build.either(input, graphs.map((g) => () => build.inline(g, [])));
  },
};

const stacked = (build: Lowering, parts: readonly Tensor[], axis: number): Tensor =>
  concatenated(build, parts.map((t) => unsqueezed(build, t, [axis])), axis);

const loop: Operator = {
  op: 'Loop', domain: '', since: 1, arity: [0, Infinity], lists: true,
  lower: (build) => {
    const [count, start] = [build.optional(0), build.optional(1)];
    const initial = build.inputs.slice(2).map((_, k) => build.input(k + 2));
    const limit = count === undefined ? Infinity : constantOf(build, count);
    const going = start === undefined ? truth(true) : build.values(start)?.[0];
    const unrolled = limit !== undefined && going?.op === 'const' && unrolls(build.attributes.graph('body'), limit)
      ? build.attempt(() => unrolledLoop(build, initial, limit, going)) : undefined;
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
  // A loop without steps has a type for its collected results all the same.
  return scans.some((parts) => parts.length === 0) ? undefined : [...values, ...scans.map((parts) => stacked(build, parts, 0))];
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
function scanned(build: Lowering, inputs: readonly Tensor[], scans: number, order: ScanAxes): readonly Tensor[] {
  const { inAxes = [], inBack = [], outAxes = [], outBack = [] } = order;
  const body = build.attributes.graph('body');
  const states = inputs.length - scans;
  const sequences = inputs.slice(states);
  const axes = sequences.map((t, k) => axisOf(build, inAxes[k] ?? 0, t.rank));
  const [first] = sequences;
  if (first === undefined) return build.fail('invalid-model', 'Scan over nothing');
  const steps = first.shape[axes[0] ?? 0] ?? int(1);
  const step = (at: Expr, values: readonly Tensor[]): readonly Tensor[] => build.inline(body, [...values, ...sequences.map((t, k) => {
    const [axis = 0, entry] = [axes[k], inBack[k] === 1 ? sub(sub(steps, 1), at) : at];
    const shape = t.shape.filter((_, d) => d !== axis);
    return build.map(t.dtype, shape, (index) => t.at([...index.slice(0, axis), entry, ...index.slice(axis)]), t.narrow);
  })]);
  const unrolled = (count: number): readonly Tensor[] => {
    let values: readonly Tensor[] = inputs.slice(0, states);
    const parts: Tensor[][] = Array.from({ length: body.outputs.length - states }, () => []);
    for (let k = 0; k < count; k++) {
      const outputs = step(int(k), values);
      values = outputs.slice(0, states);
      for (const [i, t] of outputs.slice(states).entries()) parts[i]?.push(t);
    }
    return [...values, ...parts.map((p) => stacked(build, p, 0))];
  };
  const count = asInt(steps);
  let made: readonly Tensor[];
  if (count !== undefined && count > 0 && unrolls(body, count)) made = unrolled(count);
  else {
    const { states: last, collected } = build.repeat({
      states: inputs.slice(0, states), limit: build.known('int64', [], [steps]), start: undefined,
      step: (at, going, values) => {
        const outputs = step(toIndex(scalarValue(build, at)), values);
        return { going, states: outputs.slice(0, states), collected: outputs.slice(states) };
      },
    });
    made = [...last, ...collected];
  }
  return [...made.slice(0, states), ...made.slice(states).map((t, k) => {
    const axis = axisOf(build, outAxes[k] ?? 0, t.rank);
    const back = outBack[k] === 1;
    return axis === 0 && !back ? t : fromFirst(build, t, axis, back);
  })];
}

const scan: Operator = {
  op: 'Scan', domain: '', since: 9, arity: [1, Infinity],
  lower: (build) => scanned(build, build.inputs.map((_, k) => build.input(k)), build.attributes.count('num_scan_inputs'), {
    inAxes: build.attributes.ints('scan_input_axes', []), inBack: build.attributes.ints('scan_input_directions', []),
    outAxes: build.attributes.ints('scan_output_axes', []), outBack: build.attributes.ints('scan_output_directions', []),
  }),
};

/** The first Scan had a batch dim around everything: each entry is scanned on its own, as far as its sequence goes, and zeros follow. */
const batchedScan: Operator = {
  op: 'Scan', domain: '', since: 8, arity: [2, Infinity],
  lower: (build) => {
    const given = build.optional(0);
    const inputs = build.inputs.slice(1).map((_, k) => build.input(k + 1));
    const batch = asInt(inputs[0]?.shape[0] ?? int(0)) ?? build.fail('unsupported-model', 'Scan-8 with a batch that is not known while compiling');
    const scans = build.attributes.count('num_scan_inputs');
    const inBack = build.attributes.ints('directions', []);
    const states = inputs.length - scans;
    const steps = inputs[states]?.shape[1] ?? int(1);
    if (given !== undefined) sized(build, given.shape[0], batch, 'there is not one sequence length for each batch entry');
    const lengths = given === undefined ? undefined : build.dims(given);
    const entries = Array.from({ length: batch }, (_, b) => {
      const length = lengths?.[b] ?? steps;
      const made = scanned(build, inputs.map((t, k) => {
        const entry = entryOf(build, t, 0, b);
        return k < states ? entry : sliced(build, entry, 0, int(0), length);
      }), scans, { inBack });
      return made.map((t, k) => (k < states || length === steps ? t : build.map(t.dtype, [steps, ...t.shape.slice(1)], ([i = int(0), ...at]) =>
        select(lt(i, length), t.at([i, ...at]), zeroOf(t.dtype)), t.narrow)));
    });
    return (entries[0] ?? []).map((_, k) => stacked(build, entries.flatMap((e) => e[k] ?? []), 0));
  },
};

export const operators: readonly Operator[] = [ifOp, loop, scan, batchedScan];
