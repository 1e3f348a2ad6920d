/**
 * Writes ONNX files for tests: the encoder that mirrors what proto.ts reads. Terse on purpose: a model is an object literal, types are
 * written `float32[N, 3, 8]`, attributes are plain values. Only what tests need can be said; nothing here checks that it makes sense,
 * since tests of errors want models that do not.
 */
import { PbfWriter } from 'pbf';
import { type DType, type TypedArray, bytesOf, viewAs } from '../../../jit/expr/dtype.ts';
import { onnxCode } from '../onnx-types.ts';
import { writeTensor } from '../tensor-proto.ts';

export interface TensorLiteral {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
  /** Where the bytes stand instead, for external data. */
  readonly external?: { readonly location: string; readonly offset?: number; readonly length?: number };
}

/** A number is an int if whole, else a float (use `float` for whole floats); arrays likewise. */
export type AttributeLiteral =
  | number | string | readonly number[] | readonly string[] | TensorLiteral
  | { readonly float: number } | { readonly floats: readonly number[] } | { readonly ints: readonly number[] }
  | { readonly graph: GraphLiteral } | { readonly reference: string };

export interface NodeLiteral {
  readonly op: string;
  readonly name?: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeLiteral>>;
}

export interface GraphLiteral {
  readonly name?: string;
  /** Types by name, as `float32[N, 3]`; '' for none. */
  readonly inputs?: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, string>>;
  readonly initializers?: Readonly<Record<string, TensorLiteral>>;
  readonly nodes: readonly NodeLiteral[];
}

export interface FunctionLiteral {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeLiteral>>;
  readonly nodes: readonly NodeLiteral[];
  readonly opset?: number;
}

export interface ModelLiteral extends GraphLiteral {
  /** Of ai.onnx, or by domain. */
  readonly opset?: number | Readonly<Record<string, number>>;
  readonly irVersion?: number;
  readonly producer?: string;
  readonly functions?: readonly FunctionLiteral[];
}

/** A tensor of a dtype from numbers (bits for float16). */
export function tensor(dtype: DType, dims: readonly number[], elements: readonly (number | bigint)[]): TensorLiteral {
  const data = viewAs(dtype, new Uint8Array(elements.length * bytesOf(dtype)));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) elements.forEach((v, i) => { data[i] = BigInt(v); });
  else elements.forEach((v, i) => { data[i] = Number(v); });
  return { dtype, dims, data };
}

export const floats = (dims: readonly number[], elements: readonly number[]): TensorLiteral => tensor('float32', dims, elements);
export const ints = (...elements: readonly number[]): TensorLiteral => tensor('int64', [elements.length], elements);

/** A node in the shortest form: `node('Conv', ['x', 'w'], 'y', { pads: [1, 1, 1, 1] })`. */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: string | readonly string[],
  attributes: Readonly<Record<string, AttributeLiteral>> = {},
  more: { name?: string; domain?: string } = {},
): NodeLiteral {
  return { op, inputs, outputs: typeof outputs === 'string' ? [outputs] : outputs, attributes, ...more };
}

export function model(literal: ModelLiteral): Uint8Array {
  const { opset = 17, irVersion = 8, producer = '', functions = [] } = literal;
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, irVersion);
  if (producer !== '') pbf.writeStringField(2, producer);
  pbf.writeMessage(7, writeGraph, literal);
  const imports = typeof opset === 'number' ? { '': opset } : opset;
  for (const [domain, version] of Object.entries(imports)) pbf.writeMessage(8, writeOpset, { domain, version });
  for (const f of functions) pbf.writeMessage(25, writeFunction, f);
  return pbf.finish().slice();
}

function writeOpset({ domain, version }: { domain: string; version: number }, pbf: PbfWriter): void {
  pbf.writeStringField(1, domain);
  pbf.writeVarintField(2, version);
}

function writeGraph(graph: GraphLiteral, pbf: PbfWriter): void {
  for (const n of graph.nodes) pbf.writeMessage(1, writeNode, n);
  pbf.writeStringField(2, graph.name ?? 'main');
  for (const [name, t] of Object.entries(graph.initializers ?? {})) pbf.writeMessage(5, writeLiteral, { name, ...t });
  for (const [field, values] of [[11, graph.inputs], [12, graph.outputs], [13, graph.values]] as const) {
    for (const [name, type] of Object.entries(values ?? {})) pbf.writeMessage(field, writeValueInfo, { name, type });
  }
}

function writeLiteral(t: TensorLiteral & { readonly name: string }, pbf: PbfWriter): void {
  if (t.external === undefined) return writeTensor(t, pbf);
  pbf.writePackedVarint(1, [...t.dims]);
  pbf.writeVarintField(2, onnxCode(t.dtype));
  pbf.writeStringField(8, t.name);
  for (const [key, value] of Object.entries(t.external)) {
    pbf.writeMessage(13, (entry: readonly string[], w) => {
      w.writeStringField(1, entry[0] ?? '');
      w.writeStringField(2, entry[1] ?? '');
    }, [key, String(value)]);
  }
  pbf.writeVarintField(14, 1);
}

function writeNode(n: NodeLiteral, pbf: PbfWriter): void {
  for (const name of n.inputs) pbf.writeStringField(1, name);
  for (const name of n.outputs) pbf.writeStringField(2, name);
  if (n.name !== undefined) pbf.writeStringField(3, n.name);
  pbf.writeStringField(4, n.op);
  for (const [name, value] of Object.entries(n.attributes ?? {})) pbf.writeMessage(5, writeAttribute, { name, value });
  if (n.domain !== undefined) pbf.writeStringField(7, n.domain);
}

function writeAttribute({ name, value }: { name: string; value: AttributeLiteral }, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  const type = (code: number): void => { pbf.writeVarintField(20, code); };
  const float = (v: number): void => { pbf.writeTag(2, 5); pbf.writeFloat(v); type(1); };
  const floatList = (list: readonly number[]): void => {
    for (const v of list) { pbf.writeTag(7, 5); pbf.writeFloat(v); }
    type(6);
  };
  const intList = (list: readonly number[]): void => {
    for (const v of list) pbf.writeVarintField(8, v);
    type(7);
  };
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return float(value);
    pbf.writeVarintField(3, value);
    type(2);
  } else if (typeof value === 'string') {
    pbf.writeStringField(4, value);
    type(3);
  } else if ('dtype' in value) {
    pbf.writeMessage(5, writeLiteral, { ...value, name: '' });
    type(4);
  } else if ('graph' in value) {
    pbf.writeMessage(6, writeGraph, value.graph);
    type(5);
  } else if ('float' in value) float(value.float);
  else if ('floats' in value) floatList(value.floats);
  else if ('ints' in value) intList(value.ints);
  else if ('reference' in value) {
    pbf.writeStringField(21, value.reference);
    type(2);
  } else if (isStrings(value)) {
    for (const v of value) pbf.writeStringField(9, v);
    type(8);
  } else if (value.every(Number.isInteger)) intList(value);
  else floatList(value);
}

const isStrings = (list: readonly number[] | readonly string[]): list is readonly string[] => typeof list[0] === 'string';

function writeValueInfo({ name, type }: { name: string; type: string }, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if (type === '') return;
  const [, dtype = '', list] = /^(\w+)(?:\[(.*)\])?$/.exec(type) ?? [];
  pbf.writeMessage(2, (_, t) => {
    t.writeMessage(1, (__, tensorType) => {
      tensorType.writeVarintField(1, onnxCode(dtype as DType));
      if (list !== undefined) tensorType.writeMessage(2, writeShape, list.trim() === '' ? [] : list.split(',').map((d) => d.trim()));
    }, undefined);
  }, undefined);
}

function writeShape(dims: readonly string[], pbf: PbfWriter): void {
  for (const dim of dims) {
    pbf.writeMessage(1, (d: string, w) => {
      if (/^-?\d+$/.test(d)) w.writeVarintField(1, Number(d));
      else if (d !== '?') w.writeStringField(2, d);
    }, dim);
  }
}

function writeFunction(f: FunctionLiteral, pbf: PbfWriter): void {
  pbf.writeStringField(1, f.name);
  for (const name of f.inputs) pbf.writeStringField(4, name);
  for (const name of f.outputs) pbf.writeStringField(5, name);
  for (const n of f.nodes) pbf.writeMessage(7, writeNode, n);
  pbf.writeMessage(9, writeOpset, { domain: '', version: f.opset ?? 17 });
  pbf.writeStringField(10, f.domain);
  for (const [name, value] of Object.entries(f.attributes ?? {})) pbf.writeMessage(11, writeAttribute, { name, value });
}
