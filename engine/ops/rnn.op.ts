/**
 * LSTM, GRU and RNN. The products with the input are one contraction over all steps; the recurrence is unrolled into contractions where
 * there are few steps (streaming models have one), and otherwise a loop, independent for each batch entry. One direction at a time.
 * Source: ONNX LSTM-22, GRU-22, RNN-22.
 */
import { type Expr, type Var, add, asInt, floordiv, int, lt, max, min, mul, select, sub } from '../../jit/expr/expr.ts';
import type { Stmt } from '../../jit/kernel.ts';
import { type Activation, activationsOf } from './activations.ts';
import { clamp, local, loopFor, sigmoid, storeTo, tanh, toIndex, when, zeroOf } from './math.ts';
import { matmul } from './matmul.op.ts';
import { computeType } from './module.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { shaped } from './shape.ts';

/** What the three operators differ in. */
interface Cell {
  readonly gates: number;
  readonly defaults: readonly string[];
  /** Whether there is a second state (LSTM's c). */
  readonly memory: boolean;
}

const cells = {
  LSTM: { gates: 4, defaults: ['Sigmoid', 'Tanh', 'Tanh'], memory: true },
  GRU: { gates: 3, defaults: ['Sigmoid', 'Tanh'], memory: false },
  RNN: { gates: 1, defaults: ['Tanh'], memory: false },
} as const satisfies Record<string, Cell>;

type Kind = keyof typeof cells;

/** Everything about one direction. Positions of tensors are [.., batch, feature]. */
interface Direction {
  readonly kind: Kind;
  readonly functions: readonly Activation[];
  readonly reverse: boolean;
  readonly steps: Expr;
  readonly batch: Expr;
  readonly hidden: Expr;
  /** Products with the input and every bias that may be added to them: [steps, batch, gates * hidden]. */
  readonly input: Tensor;
  /** Element of the recurrent weights: row of gates * hidden, column of hidden. Absent where a product cannot be part of a loop. */
  readonly weight: ((row: Expr, column: Expr) => Expr) | undefined;
  /** h times the recurrent weights of some gates, for steps that are unrolled. */
  readonly product: (h: Tensor, from: number, count: number) => Tensor;
  /** GRU's recurrent bias of the hidden gate, where it is added inside the reset. */
  readonly innerBias: ((column: Expr) => Expr) | undefined;
  readonly initial: Tensor;
  readonly memory: Tensor | undefined;
  readonly lengths: Tensor | undefined;
  readonly peephole: ((gate: number, column: Expr) => Expr) | undefined;
}

interface Result { readonly y: (step: Expr, batch: Expr, column: Expr) => Expr; readonly h: Tensor; readonly c: Tensor | undefined }

/** More steps than this are a loop: each unrolled step is a few kernels of its own. */
const mostUnrolled = 4;

function recurrence(build: Lowering, d: Direction): Result {
  const steps = asInt(d.steps);
  const { weight } = d;
  if (d.lengths !== undefined) build.within(d.lengths, int(0), d.steps);
  if (steps !== undefined && (weight === undefined || (d.lengths === undefined && steps <= mostUnrolled))) return unrolled(build, d, steps);
  return weight === undefined
    ? build.fail('unsupported-model', 'a quantised recurrence needs a number of steps that is known while compiling')
    : looped(build, d, weight);
}

const clipped = (build: Lowering, x: Expr): Expr => {
  const limit = build.attributes.float('clip', 0);
  return limit > 0 ? clamp(x, -limit, limit) : x;
};

interface LstmCell {
  /** The new memory from the old one. */
  readonly memory: (c: Expr) => Expr;
  /** The new state from the new memory. */
  readonly state: (next: Expr) => Expr;
}

/** What an LSTM makes of sums before activation, which `at(gate)` reads. */
function lstmCell(build: Lowering, d: Direction, at: (gate: number) => Expr, column: Expr): LstmCell {
  const [f = sigmoid, g = tanh, h = tanh] = d.functions;
  const gate = (k: number, peephole: number, of: Expr): Expr =>
    f(clipped(build, d.peephole === undefined ? at(k) : add(at(k), mul(d.peephole(peephole, column), of))));
  // Gates are in the order input, output, forget, cell; peepholes input, output, forget.
  const coupled = build.attributes.int('input_forget', 0) !== 0;
  return {
    memory: (c) => {
      const input = gate(0, 0, c);
      return add(mul(coupled ? sub(1, input) : gate(2, 2, c), c), mul(input, g(clipped(build, at(3)))));
    },
    state: (next) => mul(gate(1, 1, next), h(next)),
  };
}

function unrolled(build: Lowering, d: Direction, steps: number): Result {
  const shape = [d.batch, d.hidden];
  const { lengths } = d;
  const length = lengths === undefined ? undefined : (b: Expr): Expr => toIndex(lengths.at([b]));
  // By time, if there are lengths: the reverse direction then begins at another place for each batch entry. Else by place.
  const outputs: Tensor[] = [];
  let [h, c, last] = [d.initial, d.memory, d.initial];
  for (let k = 0; k < steps; k++) {
    const place = d.reverse ? steps - 1 - k : k;
    const next = unrolledStep(build, d, (b) => (length === undefined || !d.reverse ? int(place) : max(sub(length(b), k + 1), 0)), { h, c }, shape);
    /** What comes of a step in sequences that are not over. */
    const going = (t: Tensor, old?: Tensor): Tensor => (length === undefined ? t : build.map(t.dtype, shape, (at) =>
      select(lt(int(k), length(at[0] ?? int(0))), t.at(at), old === undefined ? zeroOf(t.dtype) : old.at(at))));
    // A sequence that is over counts as zeros where a state is quantised: as onnxruntime does it.
    h = going(next.h);
    last = going(next.h, last);
    c = next.c === undefined ? c : going(next.c, c);
    outputs[length === undefined ? place : k] = h;
  }
  const y = (step: Expr, b: Expr, j: Expr): Expr =>
    outputs.slice(1).reduce((rest, t, k) => select(lt(step, k + 1), rest, t.at([b, j])), (outputs[0] ?? h).at([b, j]));
  return { h: last, c, y: length === undefined || !d.reverse ? y : (step, b, j) =>
    select(lt(step, length(b)), y(sub(sub(length(b), 1), step), b, j), zeroOf(h.dtype)) };
}

interface States { readonly h: Tensor; readonly c: Tensor | undefined }

function unrolledStep(build: Lowering, d: Direction, step: (batch: Expr) => Expr, { h, c }: States, shape: readonly Expr[]): States {
  const { dtype } = d.input;
  const row = (gate: number, j: Expr): Expr => add(mul(d.hidden, gate), j);
  const fromInput = (b: Expr, gate: number, j: Expr): Expr => d.input.at([step(b), b, row(gate, j)]);
  const [f = sigmoid, g = tanh] = d.functions;
  if (d.kind === 'GRU') {
    const sums = d.product(h, 0, d.innerBias === undefined ? 2 : 3);
    const gate = (k: number, b: Expr, j: Expr): Expr => f(clipped(build, add(fromInput(b, k, j), sums.at([b, row(k, j)]))));
    const hidden = d.innerBias;
    let candidate: (b: Expr, j: Expr) => Expr;
    if (hidden === undefined) {
      const reset = build.map(dtype, shape, ([b = int(0), j = int(0)]) => mul(gate(1, b, j), h.at([b, j])));
      const product = d.product(reset, 2, 1);
      candidate = (b, j) => g(clipped(build, add(fromInput(b, 2, j), product.at([b, j]))));
    } else {
      candidate = (b, j) => g(clipped(build, add(fromInput(b, 2, j), mul(gate(1, b, j), add(sums.at([b, row(2, j)]), hidden(j))))));
    }
    const next = build.map(dtype, shape, ([b = int(0), j = int(0)]) => {
      const z = gate(0, b, j);
      return add(mul(sub(1, z), candidate(b, j)), mul(z, h.at([b, j])));
    });
    return { h: next, c: undefined };
  }
  const sums = d.product(h, 0, cells[d.kind].gates);
  const at = (b: Expr, j: Expr) => (gate: number): Expr => add(fromInput(b, gate, j), sums.at([b, row(gate, j)]));
  if (d.kind === 'RNN') {
    const activation = d.functions[0] ?? tanh;
    return { h: build.map(dtype, shape, ([b = int(0), j = int(0)]) => activation(clipped(build, at(b, j)(0)))), c: undefined };
  }
  const memory = c ?? d.initial;
  const nextC = build.map(dtype, shape, ([b = int(0), j = int(0)]) => lstmCell(build, d, at(b, j), j).memory(memory.at([b, j])));
  const nextH = build.map(dtype, shape, ([b = int(0), j = int(0)]) => lstmCell(build, d, at(b, j), j).state(nextC.at([b, j])));
  return { h: nextH, c: nextC };
}

/** Elements of a state whose products are added in one pass over the sums: each pass reads and writes all sums. */
const elementsAtOnce = [8, 4, 2, 1];

/** The whole recurrence in one loop body: states and sums of gates live in tensors of their own. */
function looped(build: Lowering, d: Direction, weight: (row: Expr, column: Expr) => Expr): Result {
  const { dtype } = d.input;
  const { gates, memory } = cells[d.kind];
  const b = build.axis(d.batch);
  const [start, t] = [build.axis(d.hidden), build.axis(d.steps)];
  const length = d.lengths === undefined ? d.steps : toIndex(d.lengths.at([b]));
  const place = d.reverse ? max(sub(sub(length, 1), t), 0) : t;
  const state = [d.batch, d.hidden];
  const rows = mul(d.hidden, gates);
  // By columns: neighbouring sums then take neighbouring weights, and backends may compute them together.
  const columns = build.map(dtype, [d.hidden, rows], ([k = int(0), row = int(0)]) => weight(row, k));
  const count = elementsAtOnce.find((n) => (asInt(d.hidden) ?? 1) % n === 0) ?? 1;
  const outputs = build.loop({
    outputs: [
      { dtype, shape: [d.steps, ...state], initial: 'zero' }, { dtype, shape: state }, { dtype, shape: [d.batch, rows] },
      ...(memory || d.kind === 'GRU' ? [{ dtype, shape: state }] : []),
    ],
    axes: [b],
    body: ([y, h, sums, other]) => {
      if (y === undefined || h === undefined || sums === undefined) return [];
      /** Sums of some gates from `from` on: their recurrent weights times a state. */
      const product = (of: Tensor, from: number, some: number): Stmt[] => {
        const [first, block, next] = [build.axis(mul(d.hidden, some)), build.axis(floordiv(d.hidden, count)), build.axis(mul(d.hidden, some))];
        const row = (j: Expr): Expr => add(mul(d.hidden, from), j);
        const k = (lane: number): Expr => add(mul(block, count), lane);
        const elements = Array.from({ length: count }, () => local(build, 'element', computeType(dtype)));
        const total = elements.reduce<Expr>(
          (sum, e, lane) => add(sum, mul(columns.at([k(lane), row(next)]), e.value)), sums.at([b, row(next)]),
        );
        return [
          loopFor(first, [storeTo(sums, [b, row(first)], zeroOf(dtype))]),
          loopFor(block, [
            ...elements.map((e, lane) => e.declare(of.at([b, k(lane)]))),
            loopFor(next, [storeTo(sums, [b, row(next)], total)]),
          ]),
        ];
      };
      const step = { b, y, h, other, place, input: d.input, sums, product };
      return [
        loopFor(start, [
          storeTo(h, [b, start], d.initial.at([b, start])),
          ...(other === undefined || d.memory === undefined ? [] : [storeTo(other, [b, start], d.memory.at([b, start]))]),
        ]),
        loopFor(t, d.lengths === undefined ? cellStatements(build, d, step) : [when(lt(t, min(length, d.steps)), cellStatements(build, d, step))]),
      ];
    },
  });
  const [y, h, , c] = outputs;
  if (y === undefined || h === undefined) return build.fail('internal', 'a loop lost an output');
  return { y: (step, batch, column) => y.at([step, batch, column]), h, c: memory ? c : undefined };
}

interface Step {
  readonly b: Var;
  readonly y: Tensor;
  readonly h: Tensor;
  /** LSTM's memory, or GRU's reset state. */
  readonly other: Tensor | undefined;
  /** Where the step stands in the sequence. */
  readonly place: Expr;
  readonly input: Tensor;
  readonly sums: Tensor;
  readonly product: (of: Tensor, from: number, some: number) => Stmt[];
}

function cellStatements(build: Lowering, d: Direction, { b, y, h, other, place, input, sums, product }: Step): Stmt[] {
  const [f = sigmoid, g = tanh] = d.functions;
  const j = build.axis(d.hidden);
  const next = local(build, 'next', computeType(input.dtype));
  const row = (gate: number): Expr => add(mul(d.hidden, gate), j);
  const [given, total] = [(gate: number): Expr => input.at([place, b, row(gate)]), (gate: number): Expr => sums.at([b, row(gate)])];
  const at = (gate: number): Expr => add(given(gate), total(gate));
  const emit = (value: Expr): Stmt[] => [next.declare(value), storeTo(h, [b, j], next.value), storeTo(y, [place, b, j], next.value)];
  if (d.kind === 'RNN') return [...product(h, 0, 1), loopFor(j, emit((d.functions[0] ?? tanh)(clipped(build, at(0)))))];
  if (other === undefined) return build.fail('internal', 'a recurrence has no second state');
  if (d.kind === 'LSTM') {
    const cell = lstmCell(build, d, at, j);
    const memory = local(build, 'memory', computeType(input.dtype));
    return [...product(h, 0, 4), loopFor(j, [
      memory.declare(cell.memory(other.at([b, j]))), storeTo(other, [b, j], memory.value), ...emit(cell.state(memory.value)),
    ])];
  }
  const gate = (k: number): Expr => f(clipped(build, at(k)));
  const mix = (candidate: Expr): Expr => add(mul(sub(1, gate(0)), candidate), mul(gate(0), h.at([b, j])));
  if (d.innerBias !== undefined) {
    return [...product(h, 0, 3), loopFor(j, emit(mix(g(clipped(build, add(given(2), mul(gate(1), add(total(2), d.innerBias(j)))))))))];
  }
  // All of reset * h before any of h changes.
  const reset = build.axis(d.hidden);
  const resetGate = f(clipped(build, add(input.at([place, b, add(d.hidden, reset)]), sums.at([b, add(d.hidden, reset)]))));
  return [
    ...product(h, 0, 2), loopFor(reset, [storeTo(other, [b, reset], mul(resetGate, h.at([b, reset])))]),
    ...product(other, 2, 1), loopFor(j, emit(mix(g(clipped(build, at(2)))))),
  ];
}

/** Both directions side by side: Y [steps, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden]; batch first by layout 1. */
function assemble(build: Lowering, dtype: Tensor['dtype'], results: readonly Result[], steps: Expr, batch: Expr, hidden: Expr): Tensor[] {
  const batchFirst = build.attributes.int('layout', 0) === 1;
  const pick = (dir: Expr, of: (r: Result) => Expr): Expr => {
    const [first, second] = results;
    if (first === undefined) return build.fail('internal', 'a recurrence has no direction');
    return second === undefined ? of(first) : select(lt(dir, 1), of(first), of(second));
  };
  const count = int(results.length);
  const y = build.map(dtype, batchFirst ? [batch, steps, count, hidden] : [steps, count, batch, hidden], (index) => {
    const [p = int(0), q = int(0), r = int(0), j = int(0)] = index;
    const [t, dir, b] = batchFirst ? [q, r, p] : [p, q, r];
    return pick(dir, (result) => result.y(t, b, j));
  });
  const lastShape = batchFirst ? [batch, count, hidden] : [count, batch, hidden];
  const last = (of: (r: Result) => Tensor | undefined): Tensor => build.map(dtype, lastShape, (index) => {
    const [p = int(0), q = int(0), j = int(0)] = index;
    const [dir, b] = batchFirst ? [q, p] : [p, q];
    return pick(dir, (result) => of(result)?.at([b, j]) ?? zeroOf(dtype));
  });
  const h = last((r) => r.h);
  return results.some((r) => r.c !== undefined) ? [y, h, last((r) => r.c)] : [y, h];
}

/** The activations of a direction, with the parameters that belong to them. */
function functionsOf(build: Lowering, kind: Kind, direction: number, directions: number): Activation[] {
  const { defaults } = cells[kind];
  const attribute = build.node.attributes.get('activations');
  const named = attribute?.type === 'strings' ? attribute.value : Array.from({ length: directions }, () => defaults).flat();
  const all = activationsOf(build, named, build.attributes.floats('activation_alpha', []), build.attributes.floats('activation_beta', []));
  return all.slice(direction * defaults.length, (direction + 1) * defaults.length);
}

const directionsOf = (build: Lowering): readonly boolean[] => {
  const direction = build.attributes.string('direction', ['forward', 'reverse', 'bidirectional'], 'forward');
  return direction === 'forward' ? [false] : direction === 'reverse' ? [true] : [false, true];
};

/** What an operator's own products are: with the whole input, and with a state, by gates from `from` on. */
interface Products {
  readonly input: (sequence: Tensor, direction: number, value: (acc: Expr, row: Expr) => Expr) => Tensor;
  readonly state: (h: Tensor, direction: number, from: number, count: number) => Tensor;
  readonly weight: ((direction: number, row: Expr, column: Expr) => Expr) | undefined;
}

function like(build: Lowering, t: Tensor | undefined, dims: readonly Expr[], what: string): void {
  const why = `${what} has another shape than directions, batch and hidden size say`;
  if (t !== undefined) shaped(build, [int(t.rank), ...t.shape], [dims.length, ...dims], why);
}

/** Input 3 to 7 are bias, lengths, initial states and peepholes for all kinds. */
export function recurrent(build: Lowering, kind: Kind, hidden: Expr, products: Products): Tensor[] {
  const x = build.input(0);
  const [bias, lengths, initial, initialC, peepholes] = [3, 4, 5, 6, 7].map((k) => build.optional(k));
  const batchFirst = build.attributes.int('layout', 0) === 1;
  const [p = int(1), q = int(1), features = int(1)] = x.shape;
  const [steps, batch] = batchFirst ? [q, p] : [p, q];
  const rows = mul(hidden, cells[kind].gates);
  const inside = kind === 'GRU' && build.attributes.int('linear_before_reset', 0) !== 0;
  const directions = directionsOf(build);
  const [some, states] = [int(directions.length), batchFirst ? [batch, int(directions.length), hidden] : [int(directions.length), batch, hidden]];
  like(build, bias, [some, mul(rows, 2)], 'the bias');
  like(build, lengths, [batch], 'the lengths');
  for (const t of [initial, initialC]) like(build, t, states, 'an initial state');
  like(build, peepholes, [some, mul(hidden, 3)], 'the peepholes');
  const sequence = batchFirst ? build.map(x.dtype, [steps, batch, features], ([t = int(0), b = int(0), f = int(0)]) => x.at([b, t, f])) : x;
  const state = (t: Tensor | undefined, dir: number): Tensor => build.map(x.dtype, [batch, hidden], ([b = int(0), j = int(0)]) =>
    (t === undefined ? zeroOf(x.dtype) : t.at(batchFirst ? [b, int(dir), j] : [int(dir), b, j])));
  const results = directions.map((reverse, dir) => {
    const input = products.input(sequence, dir, (acc, row) => {
      if (bias === undefined) return acc;
      const [own, recurrentBias] = [bias.at([int(dir), row]), bias.at([int(dir), add(rows, row)])];
      // GRU's last gate keeps its recurrent bias for inside the reset.
      return add(add(acc, own), inside ? select(lt(row, mul(hidden, 2)), recurrentBias, zeroOf(x.dtype)) : recurrentBias);
    });
    const { weight } = products;
    return recurrence(build, {
      kind, functions: functionsOf(build, kind, dir, directions.length), reverse, steps, batch, hidden, input,
      weight: weight === undefined ? undefined : (row, column) => weight(dir, row, column),
      product: (h, from, count) => products.state(h, dir, from, count),
      innerBias: inside ? (column) => (bias === undefined ? zeroOf(x.dtype) : bias.at([int(dir), add(mul(hidden, 5), column)])) : undefined,
      initial: state(initial, dir), memory: kind === 'LSTM' ? state(initialC, dir) : undefined, lengths,
      peephole: peepholes === undefined ? undefined : (gate, column) => peepholes.at([int(dir), add(mul(hidden, gate), column)]),
    });
  });
  return assemble(build, x.dtype, results, steps, batch, hidden);
}

const plain = (kind: Kind): Operator => ({
  op: kind, domain: '', since: 7, arity: [3, kind === 'LSTM' ? 8 : 6], parts: [1, 2, 3, 7],
  lower: (build) => {
    const [w, r] = [build.input(1), build.input(2)];
    const hidden = r.shape[2] ?? int(1);
    const some = int(directionsOf(build).length);
    like(build, w, [some, mul(hidden, cells[kind].gates), build.input(0).shape[2] ?? int(1)], 'the weights');
    like(build, r, [some, mul(hidden, cells[kind].gates), hidden], 'the recurrent weights');
    const weight = (dir: number, row: Expr, column: Expr): Expr => r.at([int(dir), row, column]);
    return recurrent(build, kind, hidden, {
      input: (sequence, dir, value) => {
        const weights = build.map(w.dtype, w.shape.slice(1), (at) => w.at([int(dir), ...at]));
        return matmul(build, sequence, weights, { transposeB: true, value: (acc, index) => value(acc, index.at(-1) ?? int(0)) });
      },
      state: (h, dir, from, count) => {
        const part = build.map(r.dtype, [mul(hidden, count), hidden], ([i = int(0), j = int(0)]) => weight(dir, add(mul(hidden, from), i), j));
        return matmul(build, h, part, { transposeB: true });
      },
      weight,
    });
  },
});

export const operators: readonly Operator[] = [plain('LSTM'), plain('GRU'), plain('RNN')];
