/**
 * Cases of single operators whose expected outputs another engine computed: a node, its inputs from a fixed seed, and the outputs that are
 * compared. Recorded by engine/testing/record-outputs.mjs into the JSON file beside the list of cases.
 */
import type { FixtureSource } from '../fixture.ts';
import { type AttributeLiteral, type TensorLiteral, model, node } from '../../load/testing/build-model.ts';

export interface OperatorCase {
  readonly op: string;
  /** What the case is about. */
  readonly about: string;
  readonly domain?: string;
  readonly opset?: number;
  /** In order; undefined is an input left out. */
  readonly inputs: readonly (TensorLiteral | undefined)[];
  /** Inputs that are constants of the model. */
  readonly constants?: readonly number[];
  /** Types of the outputs; '' is one that nobody wants. */
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeLiteral>>;
}

const nameOf = (k: number): string => `x${k}`;

export function operatorSource({ op, about, domain = '', opset = 21, inputs, constants = [], outputs, attributes = {} }: OperatorCase): FixtureSource {
  const given = inputs.flatMap((t, k) => (t === undefined ? [] : [[nameOf(k), t, constants.includes(k)] as const]));
  const pick = (constant: boolean): readonly (readonly [string, TensorLiteral])[] =>
    given.flatMap(([name, t, c]) => (c === constant ? [[name, t] as const] : []));
  return {
    name: `${op}: ${about}`,
    build: () => model({
      opset: { '': opset, 'com.microsoft': 1 }, irVersion: 10,
      inputs: Object.fromEntries(pick(false).map(([name, t]) => [name, `${t.dtype}[${t.dims.join()}]`])),
      initializers: Object.fromEntries(pick(true)),
      outputs: Object.fromEntries(outputs.flatMap((type, k) => (type === '' ? [] : [[`y${k}`, type]]))),
      nodes: [node(op, inputs.map((t, k) => (t === undefined ? '' : nameOf(k))), outputs.map((type, k) => (type === '' ? '' : `y${k}`)), attributes, { domain })],
    }),
    cases: [{ feeds: Object.fromEntries(pick(false).map(([name, { dtype, dims, data }]) => [name, { dtype, dims, data }])), dims: {} }],
  };
}
