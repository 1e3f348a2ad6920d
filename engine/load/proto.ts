/**
 * The ONNX messages as plain data, and how each is read from the wire. Nothing is judged here beyond what the bytes themselves get
 * wrong: meaning (names, order, types, functions) is the business of build-graph.ts.
 * Source: onnx.proto; field numbers stand in the cases.
 */
import { type TensorProto, readTensor } from './tensor-proto.ts';
import { type Skeleton, Wire, clampInteger } from './wire.ts';

export interface ModelProto {
  readonly irVersion: number;
  readonly producer: string;
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: GraphProto;
  readonly functions: readonly FunctionProto[];
}

export interface GraphProto {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly sparse: readonly SparseTensorProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  /** Types of values in between, where the exporter wrote them. */
  readonly values: readonly ValueInfoProto[];
}

export interface NodeProto {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly AttributeProto[];
  /** Set by inlining, for a body whose function imports another version than the model. */
  readonly opset?: number;
}

export type AttributeProto = { readonly name: string } & (
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number | bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: TensorProto }
  | { readonly kind: 'sparse'; readonly value: SparseTensorProto }
  | { readonly kind: 'graph'; readonly value: GraphProto }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly (number | bigint)[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  /** In a function's body: the value of the function's attribute of that name. */
  | { readonly kind: 'reference'; readonly value: string }
  /** Lists of tensors or graphs, and types. */
  | { readonly kind: 'other'; readonly value: string }
);

export interface SparseTensorProto {
  readonly values: TensorProto;
  /** int64: [NNZ] of flat positions, or [NNZ, rank]. */
  readonly indices: TensorProto;
  readonly dims: readonly number[];
}

export interface ValueInfoProto {
  readonly name: string;
  readonly type: TypeProto | undefined;
}

export type TypeProto =
  /** `dims` is absent where not even the rank is known; a dim is a size, a name, or '' for neither. */
  | { readonly kind: 'tensor'; readonly code: number; readonly dims: readonly (number | string)[] | undefined }
  | { readonly kind: 'other'; readonly value: string };

export interface FunctionProto {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeProto[];
  readonly defaults: readonly AttributeProto[];
  readonly opsets: ReadonlyMap<string, number>;
}

export function readModel(skeleton: Skeleton): ModelProto {
  return Wire.read(skeleton, 'model', (wire) => {
    const opsets = new Map<string, number>();
    const functions: FunctionProto[] = [];
    let [irVersion, producer, version] = [0, '', ''];
    let graph: GraphProto | undefined;
    wire.each((field) => {
      switch (field) {
        case 1: irVersion = wire.int('ir_version'); break;
        case 2: producer = wire.string('producer_name'); break;
        case 3: version = wire.string('producer_version'); break;
        case 7: graph = wire.message('graph', readGraph); break;
        case 8: wire.message('opset_import', (w) => { readOpset(w, opsets); }); break;
        case 25: wire.add(functions, 'functions', readFunction); break;
        default: break;
      }
    });
    if (graph === undefined) return wire.fail('the model has no graph', { expected: 'field 7 of ModelProto' });
    return { irVersion, producer: version === '' ? producer : `${producer} ${version}`, opsets, graph, functions };
  });
}

/** `ai.onnx` and '' are the same domain. */
export const normalDomain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

function readOpset(wire: Wire, into: Map<string, number>): void {
  let [domain, version] = ['', 0];
  wire.each((field) => {
    if (field === 1) domain = wire.string('domain');
    if (field === 2) version = wire.int('version');
  });
  into.set(normalDomain(domain), version);
}

function readGraph(wire: Wire): GraphProto {
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const sparse: SparseTensorProto[] = [];
  const [inputs, outputs, values]: [ValueInfoProto[], ValueInfoProto[], ValueInfoProto[]] = [[], [], []];
  let name = '';
  wire.each((field) => {
    switch (field) {
      case 1: wire.add(nodes, 'node', readNode); break;
      case 2: name = wire.string('name'); break;
      case 5: wire.add(initializers, 'initializer', readTensor); break;
      case 11: wire.add(inputs, 'input', readValueInfo); break;
      case 12: wire.add(outputs, 'output', readValueInfo); break;
      case 13: wire.add(values, 'value_info', readValueInfo); break;
      case 15: wire.add(sparse, 'sparse_initializer', readSparse); break;
      default: break;
    }
  });
  return { name, nodes, initializers, sparse, inputs, outputs, values };
}

function readNode(wire: Wire): NodeProto {
  const [inputs, outputs, attributes]: [string[], string[], AttributeProto[]] = [[], [], []];
  let [name, op, domain, overload] = ['', '', '', ''];
  wire.each((field) => {
    switch (field) {
      case 1: inputs.push(wire.string('input')); break;
      case 2: outputs.push(wire.string('output')); break;
      case 3: name = wire.string('name'); break;
      case 4: op = wire.string('op_type'); break;
      case 5: wire.add(attributes, 'attribute', readAttribute); break;
      case 7: domain = wire.string('domain'); break;
      case 8: overload = wire.string('overload'); break;
      default: break;
    }
  });
  if (op === '') wire.fail('a node names no operator', { expected: 'op_type' });
  return { name, op, domain: normalDomain(domain), overload, inputs, outputs, attributes };
}

/** AttributeProto.AttributeType, in the order of its numbers. */
const attributeTypes = [
  'undefined', 'float', 'int', 'string', 'tensor', 'graph', 'floats', 'ints', 'strings', 'tensors', 'graphs', 'sparse', 'sparse tensors',
  'type', 'types',
] as const;

function readAttribute(wire: Wire): AttributeProto {
  const [floats, ints, strings]: [number[], (number | bigint)[], string[]] = [[], [], []];
  let [name, reference, f, s, code] = ['', '', 0, '', 0];
  let i: number | bigint = 0;
  let tensor: TensorProto | undefined;
  let graph: GraphProto | undefined;
  let sparse: SparseTensorProto | undefined;
  // Files of IR version 1 do not say which field counts.
  let seen: (typeof attributeTypes)[number] = 'undefined';
  wire.each((field) => {
    switch (field) {
      case 1: name = wire.string('name'); break;
      case 2: f = wire.float('f'); seen = 'float'; break;
      case 3: i = wire.integer('i'); seen = 'int'; break;
      case 4: s = wire.string('s'); seen = 'string'; break;
      case 5: tensor = wire.message('t', readTensor); seen = 'tensor'; break;
      case 6: graph = wire.message('g', readGraph); seen = 'graph'; break;
      case 7: wire.floats('floats', floats); seen = 'floats'; break;
      case 8: wire.integers('ints', ints); seen = 'ints'; break;
      case 9: strings.push(wire.string('strings')); seen = 'strings'; break;
      case 20: code = wire.int('type'); break;
      case 21: reference = wire.string('ref_attr_name'); break;
      case 22: sparse = wire.message('sparse_tensor', readSparse); seen = 'sparse'; break;
      default: break;
    }
  });
  if (name === '') wire.fail('an attribute has no name');
  if (reference !== '') return { name, kind: 'reference', value: reference };
  const kind = code === 0 ? seen : attributeTypes[code];
  const absent = (what: string): never => wire.fail(`attribute '${name}' is of type ${what} but holds none`);
  switch (kind) {
    case 'float': return { name, kind, value: f };
    case 'int': return { name, kind, value: i };
    case 'string': return { name, kind, value: s };
    case 'tensor': return { name, kind, value: tensor ?? absent(kind) };
    case 'graph': return { name, kind, value: graph ?? absent(kind) };
    case 'sparse': return { name, kind, value: sparse ?? absent('sparse tensor') };
    case 'floats': return { name, kind, value: floats };
    case 'ints': return { name, kind, value: ints };
    case 'strings': return { name, kind, value: strings };
    case 'undefined': case 'tensors': case 'graphs': case 'sparse tensors': case 'type': case 'types':
      return { name, kind: 'other', value: kind };
    case undefined: return wire.fail(`attribute '${name}' has a type that ONNX does not define`, { got: `type ${code}` });
    default: return kind satisfies never;
  }
}

function readSparse(wire: Wire): SparseTensorProto {
  const dims: (number | bigint)[] = [];
  let values: TensorProto | undefined;
  let indices: TensorProto | undefined;
  wire.each((field) => {
    if (field === 1) values = wire.message('values', readTensor);
    if (field === 2) indices = wire.message('indices', readTensor);
    if (field === 3) wire.integers('dims', dims);
  });
  if (values === undefined || indices === undefined) return wire.fail('a sparse tensor lacks its values or its indices');
  return { values, indices, dims: dims.map(clampInteger) };
}

function readValueInfo(wire: Wire): ValueInfoProto {
  let name = '';
  let type: TypeProto | undefined;
  wire.each((field) => {
    if (field === 1) name = wire.string('name');
    if (field === 2) type = wire.message('type', readType);
  });
  return { name, type };
}

/** Fields of TypeProto other than tensor_type. */
const otherTypes = new Map([[4, 'a sequence'], [5, 'a map'], [7, 'an opaque type'], [8, 'a sparse tensor'], [9, 'an optional']]);

function readType(wire: Wire): TypeProto | undefined {
  let type: TypeProto | undefined;
  wire.each((field) => {
    const other = otherTypes.get(field);
    if (field === 1) type = wire.message('tensor_type', readTensorType);
    else if (other !== undefined) type = { kind: 'other', value: other };
  });
  return type;
}

function readTensorType(wire: Wire): TypeProto {
  let code = 0;
  let dims: (number | string)[] | undefined;
  wire.each((field) => {
    if (field === 1) code = wire.int('elem_type');
    if (field !== 2) return;
    const found: (number | string)[] = [];
    wire.message('shape', (shape) => {
      shape.each((inner) => { if (inner === 1) shape.add(found, 'dim', readDim); });
    });
    dims = found;
  });
  return { kind: 'tensor', code, dims };
}

function readDim(wire: Wire): number | string {
  let dim: number | string = '';
  wire.each((field) => {
    if (field === 1) dim = wire.int('dim_value');
    if (field === 2) dim = wire.string('dim_param');
  });
  return dim;
}

function readFunction(wire: Wire): FunctionProto {
  const [inputs, outputs, nodes, defaults]: [string[], string[], NodeProto[], AttributeProto[]] = [[], [], [], []];
  const opsets = new Map<string, number>();
  let [name, domain, overload] = ['', '', ''];
  wire.each((field) => {
    switch (field) {
      case 1: name = wire.string('name'); break;
      case 4: inputs.push(wire.string('input')); break;
      case 5: outputs.push(wire.string('output')); break;
      case 7: wire.add(nodes, 'node', readNode); break;
      case 9: wire.message('opset_import', (w) => { readOpset(w, opsets); }); break;
      case 10: domain = wire.string('domain'); break;
      case 11: wire.add(defaults, 'attribute_proto', readAttribute); break;
      case 13: overload = wire.string('overload'); break;
      default: break;
    }
  });
  return { name, domain: normalDomain(domain), overload, inputs, outputs, nodes, defaults, opsets };
}
