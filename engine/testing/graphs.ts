/** Graphs for tests, written tersely: `graph({ inputs: { x: ['B', 64] }, weights: { w: [64, 32] }, nodes: [...], outputs: ['y'] })`. */
import { type DType, bytesUnder } from '../../jit/expr/dtype.ts';
import { int, symbol } from '../../jit/expr/expr.ts';
import { type Attribute, Constant, type Graph, type Node } from '../graph/graph.ts';

type Dims = readonly (number | string)[];
/** A subgraph: its inputs have no types, and it sees the values around it. */
export type PartSpec = Partial<Pick<GraphSpec, 'ints' | 'floats' | 'weights'>> & Pick<GraphSpec, 'nodes'> & { readonly inputs?: string; readonly outputs: string };
type AttributeValue = number | string | readonly number[] | PartSpec;

export interface GraphSpec {
  readonly opset?: number;
  readonly inputs: Readonly<Record<string, Dims | { readonly dtype: DType; readonly dims: Dims }>>;
  /** float32 weights, filled from a fixed seed. */
  readonly weights?: Readonly<Record<string, readonly number[]>>;
  /** int64 vectors; a number is a scalar. */
  readonly ints?: Readonly<Record<string, readonly number[] | number>>;
  readonly floats?: Readonly<Record<string, readonly number[] | number>>;
  readonly nodes: readonly NodeSpec[];
  readonly outputs: readonly string[];
}
/** [operator, inputs, output(s), attributes]; a number among attributes is an int where whole, else a float. */
export type NodeSpec = readonly [string, string, string, Readonly<Record<string, AttributeValue>>?];

const names = (list: string): string[] => list.split(' ').map((n) => (n === '_' ? '' : n));

export function graph(spec: GraphSpec): Graph {
  const constants = new Map<string, Constant>();
  for (const [name, dims] of Object.entries(spec.weights ?? {})) constants.set(name, new Constant('float32', dims, bytesUnder(noise(dims, name))));
  const vector = (v: readonly number[] | number): readonly number[] => (typeof v === 'number' ? [v] : v);
  const dimsOf = (v: readonly number[] | number): number[] => (typeof v === 'number' ? [] : [v.length]);
  for (const [name, v] of Object.entries(spec.ints ?? {})) {
    constants.set(name, new Constant('int64', dimsOf(v), bytesUnder(new BigInt64Array(vector(v).map(BigInt)))));
  }
  for (const [name, v] of Object.entries(spec.floats ?? {})) {
    constants.set(name, new Constant('float32', dimsOf(v), bytesUnder(new Float32Array(vector(v)))));
  }
  const inputs = Object.entries(spec.inputs).map(([name, given]) => {
    const { dtype, dims } = 'dtype' in given ? given : { dtype: 'float32' as const, dims: given };
    return { name, type: { dtype, shape: dims.map((d) => (typeof d === 'number' ? int(d) : symbol(d, 1))) } };
  });
  const nodes = spec.nodes.map(([op, from, to, attributes = {}], i): Node => ({
    name: `${op}_${i}`, op, domain: '', inputs: names(from), outputs: names(to),
    attributes: new Map(Object.entries(attributes).map(([k, v]) => [k, attribute(v)])),
  }));
  return { name: 'test', opsets: new Map([['', spec.opset ?? 17]]), inputs, outputs: spec.outputs.map((name) => ({ name })), nodes, constants };
}

function attribute(value: AttributeValue): Attribute {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'number') return Number.isInteger(value) ? { type: 'int', value } : { type: 'float', value };
  if ('nodes' in value) {
    const { inputs = '', outputs, ...rest } = value;
    const made = graph({ ...rest, inputs: {}, outputs: names(outputs) });
    return { type: 'graph', value: { ...made, opsets: new Map(), inputs: inputs === '' ? [] : names(inputs).map((name) => ({ name })) } };
  }
  return { type: 'ints', value };
}

/** One convolution of `x` with weights `w`; padded by 1 unless the attributes say otherwise. */
export const convolution = (x: readonly number[], w: readonly number[], attributes: Record<string, AttributeValue> = {}): GraphSpec => ({
  inputs: { x }, weights: { w }, outputs: ['y'], nodes: [['Conv', 'x w', 'y', { pads: [1, 1, 1, 1], ...attributes }]],
});

/** Numbers in (-1, 1) that depend on the seed text alone. */
export function noise(dims: readonly number[], seed: string): Float32Array {
  let state = Array.from(seed).reduce((h, c) => (Math.imul(h, 31) + c.charCodeAt(0)) >>> 0, 7);
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, next);
}
