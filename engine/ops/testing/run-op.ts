/** One operator on literal arrays, through lowering and the reference executor: `runOp('Add', [f32([2], [1, 2]), f32([], [3])])`. */
import { type DType, bytesOf, toHalf, viewAs } from '../../../jit/expr/dtype.ts';
import { int } from '../../../jit/expr/expr.ts';
import { type Attribute, Constant, type Graph } from '../../graph/graph.ts';
import { lowerGraph } from '../lower.ts';
import { numbersOf } from './compare.ts';
import { type Feed, runProgram } from './run-program.ts';

export function tensor(dtype: DType, dims: readonly number[], elements: readonly number[]): Feed {
  const data = viewAs(dtype, new Uint8Array(elements.length * bytesOf(dtype)));
  for (const [i, e] of elements.entries()) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(e);
    else data[i] = dtype === 'float16' ? toHalf(e) : e;
  }
  return { dtype, dims, data };
}

export const f32 = (dims: readonly number[], elements: readonly number[]): Feed => tensor('float32', dims, elements);
export const i64 = (dims: readonly number[], elements: readonly number[]): Feed => tensor('int64', dims, elements);

export type AttributeValue = number | string | readonly number[] | { readonly float: number };

export interface OpOptions {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly opset?: number;
  readonly domain?: string;
  /** How many outputs; 1 if left out. */
  readonly outputs?: number;
  /** Inputs by number that are constants of the model rather than fed. */
  readonly constants?: readonly number[];
}

function attribute(value: AttributeValue): Attribute {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'number') return Number.isInteger(value) ? { type: 'int', value } : { type: 'float', value };
  return 'float' in value ? { type: 'float', value: value.float } : { type: 'ints', value };
}

export function opGraph(op: string, inputs: readonly (Feed | undefined)[], options: OpOptions = {}): Graph {
  const { attributes = {}, opset = 23, domain = '', outputs = 1, constants = [] } = options;
  const names = inputs.map((feed, k) => (feed === undefined ? '' : `x${k}`));
  const results = Array.from({ length: outputs }, (_, k) => `y${k}`);
  const fixed = new Map(inputs.flatMap((feed, k) => (feed !== undefined && constants.includes(k)
    ? [[`x${k}`, new Constant(feed.dtype, feed.dims, new Uint8Array(feed.data.buffer, feed.data.byteOffset, feed.data.byteLength))] as const] : [])));
  return {
    name: 'one operator', opsets: new Map([[domain, opset]]), constants: fixed,
    inputs: inputs.flatMap((feed, k) => (feed === undefined || fixed.has(`x${k}`) ? []
      : [{ name: `x${k}`, type: { dtype: feed.dtype, shape: feed.dims.map(int) } }])),
    outputs: results.map((name) => ({ name })),
    nodes: [{
      name: 'n', op, domain, inputs: names, outputs: results,
      attributes: new Map(Object.entries(attributes).map(([k, v]) => [k, attribute(v)])),
    }],
  };
}

export interface Result { readonly dims: readonly number[]; readonly elements: readonly number[] }

/** Dims and elements of each output; elements rounded to 6 digits, so that literals can be written. */
export function runOp(op: string, inputs: readonly (Feed | undefined)[], options: OpOptions = {}): Result[] {
  const feeds = new Map(inputs.flatMap((feed, k) => (feed === undefined ? [] : [[`x${k}`, feed] as const])));
  const got = runProgram(lowerGraph(opGraph(op, inputs, options)), feeds);
  const rounded = (v: number): number => (Number.isFinite(v) ? Number(v.toPrecision(6)) : v);
  return [...got.values()].map((feed) => ({ dims: feed.dims, elements: numbersOf(feed).map(rounded) }));
}

/** The elements of the only output. */
export const elementsOf = (op: string, inputs: readonly (Feed | undefined)[], options: OpOptions = {}): readonly number[] =>
  runOp(op, inputs, options)[0]?.elements ?? [];
