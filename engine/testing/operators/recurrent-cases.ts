/** Cases of LSTM, GRU and RNN: directions, lengths, states, peepholes, activations, and enough steps for the loop as well as few. */
import { Seeded } from '../fixture.ts';
import { type TensorLiteral, tensor } from '../../load/testing/build-model.ts';
import { type OperatorCase, operatorSource } from './operator-case.ts';

const random = new Seeded(31);
const [batch, features, hidden] = [2, 3, 4];
const f = (...dims: number[]): TensorLiteral => random.floats(dims);
const lengths = (...data: number[]): TensorLiteral => tensor('int32', [data.length], data);

interface Options {
  readonly steps?: number;
  readonly directions?: 1 | 2;
  readonly lengths?: TensorLiteral;
  readonly states?: boolean;
  readonly peepholes?: boolean;
  readonly bias?: boolean;
}

/** The inputs in their order, with those that the options leave out. */
function inputs(gates: number, options: Options): (TensorLiteral | undefined)[] {
  const { steps = 3, directions: d = 1, lengths: given, states = false, peepholes = false, bias = true } = options;
  const state = (): TensorLiteral | undefined => (states ? f(d, batch, hidden) : undefined);
  const all = [
    f(steps, batch, features), f(d, gates * hidden, features), f(d, gates * hidden, hidden), bias ? f(d, 2 * gates * hidden) : undefined,
    given, state(),
    ...(gates === 4 ? [state(), peepholes ? f(d, 3 * hidden) : undefined] : []),
  ];
  while (all.at(-1) === undefined) all.pop();
  return all;
}

const gatesOf: Readonly<Record<string, number>> = { LSTM: 4, GRU: 3, RNN: 1 };
const three = ['float32', 'float32', 'float32'];

function recurrent(op: string, about: string, options: Options, attributes: OperatorCase['attributes'] = {}): OperatorCase {
  const given = inputs(gatesOf[op] ?? 1, options);
  const weights = [1, 2, 3, 7].filter((k) => given[k] !== undefined);
  return { op, about, inputs: given, constants: weights, outputs: op === 'LSTM' ? three : three.slice(1), attributes: { hidden_size: hidden, ...attributes } };
}

const cases: readonly OperatorCase[] = [
  ...['LSTM', 'GRU', 'RNN'].flatMap((op) => [
    recurrent(op, 'one step', { steps: 1, states: true }),
    recurrent(op, 'a few steps', { steps: 3 }),
    recurrent(op, 'many steps', { steps: 20, states: true }),
    recurrent(op, 'reversed', { steps: 3 }, { direction: 'reverse' }),
    recurrent(op, 'reversed, many steps', { steps: 12, states: true }, { direction: 'reverse' }),
    recurrent(op, 'both directions', { steps: 5, directions: 2, states: true }, { direction: 'bidirectional' }),
    recurrent(op, 'lengths', { steps: 4, lengths: lengths(2, 4) }),
    recurrent(op, 'lengths in both directions', { steps: 5, directions: 2, lengths: lengths(5, 3), states: true }, { direction: 'bidirectional' }),
    recurrent(op, 'no bias, clipped', { steps: 2, bias: false, states: true }, { clip: 0.25 }),
  ]),
  recurrent('LSTM', 'peepholes', { steps: 3, states: true, peepholes: true }),
  recurrent('LSTM', 'peepholes, many steps', { steps: 12, states: true, peepholes: true }),
  recurrent('LSTM', 'coupled gates', { steps: 3, states: true }, { input_forget: 1 }),
  recurrent('LSTM', 'other activations', { steps: 3 }, { activations: ['HardSigmoid', 'Softsign', 'Relu'], activation_alpha: { floats: [0.3] }, activation_beta: { floats: [0.4] } }),
  recurrent('GRU', 'reset after the product', { steps: 3, states: true }, { linear_before_reset: 1 }),
  recurrent('GRU', 'reset after the product, many steps', { steps: 12, states: true }, { linear_before_reset: 1 }),
  recurrent('GRU', 'other activations in each direction', { steps: 3, directions: 2 }, { direction: 'bidirectional', activations: ['Sigmoid', 'Tanh', 'Tanh', 'Relu'] }),
  recurrent('RNN', 'a scaled tanh', { steps: 3 }, { activations: ['ScaledTanh'], activation_alpha: { floats: [0.5] }, activation_beta: { floats: [0.75] } }),
];

export const sources = cases.map((c) => operatorSource({ ...c, opset: 14 }));
