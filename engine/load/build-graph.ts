/**
 * From a model as read to a Graph: tensors become constants, Constant nodes too, dims become index expressions, nodes get names and an
 * order, subgraphs are built alike. Expects functions inlined and external data read; the result has passed `verify`.
 * Source: ONNX IR specification; operators are not looked at, but for Constant.
 */
import { QuernError } from '../../jit/error.ts';
import { type DType, bytesOf, bytesUnder } from '../../jit/expr/dtype.ts';
import { Constant, type Attribute, type Graph, type GraphInput, type Node, type TensorType } from '../graph/graph.ts';
import { inOrder } from '../graph/rewrite.ts';
import { verify } from '../graph/verify.ts';
import { allocate } from './byte-stream.ts';
import { Dims } from './dims.ts';
import { type ExternalBytes, rangeKey } from './external.ts';
import { onnxType } from './onnx-types.ts';
import type { AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, ValueInfoProto } from './proto.ts';
import { type TensorProto, sizeOf, toConstant, unsupportedType } from './tensor-proto.ts';
import { clampInteger } from './wire.ts';

/** A sparse tensor is expanded; one that would fill more memory than this is not meant to be. */
const MAX_DENSE_BYTES = 256 * 1024 * 1024;

/** `external` is undefined where only the head of a file was read: then external tensors have no bytes, as large ones have none. */
export function buildGraph(model: ModelProto, external: ExternalBytes | undefined): Graph {
  const { graph, opsets, producer } = model;
  const fixed = new Set([...graph.initializers.map((t) => t.name), ...graph.sparse.map((s) => s.values.name)]);
  const fed = graph.inputs.filter((v) => !fixed.has(v.name));
  const builder = new Builder(opsets, new Dims(fed), external);
  const inputs = fed.map((v): GraphInput => ({ name: v.name, type: builder.inputType(v) }));
  const outputs = graph.outputs.map((v) => {
    const type = builder.type(v);
    return type === undefined ? { name: v.name } : { name: v.name, type };
  });
  const made = builder.graph(graph, inputs, outputs);
  return verify(producer === '' ? made : { ...made, producer });
}

class Builder {
  readonly #opsets: ReadonlyMap<string, number>;
  readonly #dims: Dims;
  readonly #external: ExternalBytes | undefined;

  constructor(opsets: ReadonlyMap<string, number>, dims: Dims, external: ExternalBytes | undefined) {
    this.#opsets = opsets;
    this.#dims = dims;
    this.#external = external;
  }

  graph(proto: GraphProto, inputs: Graph['inputs'], outputs: Graph['outputs']): Graph {
    const constants = new Map<string, Constant>();
    const define = (name: string, constant: Constant): void => {
      if (constants.has(name)) throw new QuernError('invalid-model', `the value '${name}' is defined twice`);
      constants.set(name, constant);
    };
    for (const tensor of proto.initializers) define(tensor.name, this.tensor(tensor, `initializer '${tensor.name}'`));
    for (const sparse of proto.sparse) define(sparse.values.name, this.sparse(sparse, `sparse initializer '${sparse.values.name}'`));
    const name = nodeNames();
    const nodes: Node[] = [];
    for (const node of proto.nodes) {
      const constant = this.constantNode(node);
      if (constant !== undefined) define(node.outputs[0] ?? '', constant);
      else nodes.push(this.node(node, name(node)));
    }
    return { name: proto.name, opsets: this.#opsets, inputs, outputs, nodes: inOrder(nodes), constants };
  }

  node(proto: NodeProto, name: string): Node {
    const { op, domain, opset, inputs, outputs } = proto;
    const attributes = new Map<string, Attribute>();
    for (const a of proto.attributes) {
      if (attributes.has(a.name)) throw new QuernError('invalid-model', `attribute '${a.name}' is given twice`, { node: name, op });
      attributes.set(a.name, this.attribute(a, name, op));
    }
    // Trailing inputs that are left out are the same as inputs that are not there.
    const used = inputs.length - [...inputs].reverse().findIndex((i) => i !== '');
    return {
      name, op, domain, outputs, attributes, ...(opset === undefined ? {} : { opset }),
      inputs: inputs.every((i) => i === '') ? [] : inputs.slice(0, used),
    };
  }

  attribute(a: AttributeProto, node: string, op: string): Attribute {
    switch (a.kind) {
      case 'float': case 'string': return { type: a.kind, value: a.value } as Attribute;
      case 'floats': case 'strings': return { type: a.kind, value: a.value } as Attribute;
      case 'int': return { type: 'int', value: clampInteger(a.value) };
      case 'ints': return { type: 'ints', value: a.value.map(clampInteger) };
      case 'tensor': return { type: 'tensor', value: this.tensor(a.value, `attribute '${a.name}' of node '${node}'`) };
      case 'sparse': return { type: 'tensor', value: this.sparse(a.value, `attribute '${a.name}' of node '${node}'`) };
      // Types of a subgraph's inputs follow from where it is called; what the file says of them is often outdated.
      case 'graph': return { type: 'graph', value: this.graph(a.value, a.value.inputs.map(bare), a.value.outputs.map(bare)) };
      case 'reference': {
        const message = `attribute '${a.name}' refers to one of a function, outside of any`;
        throw new QuernError('invalid-model', message, { node, op, got: `'${a.value}'` });
      }
      case 'other': {
        const message = `attribute '${a.name}' is of a kind that Quern has no use for`;
        throw new QuernError('unsupported-model', message, { node, op, got: a.value });
      }
      default: return a satisfies never;
    }
  }

  /** What a Constant node holds; undefined for other nodes, and for strings. */
  constantNode({ op, domain, name, outputs, attributes }: NodeProto): Constant | undefined {
    if (op !== 'Constant' || domain !== '' || outputs.length !== 1) return undefined;
    const given = attributes.filter((a) => a.name.startsWith('value') || a.name === 'sparse_value');
    const [a] = given;
    if (a === undefined || given.length > 1) {
      throw new QuernError('invalid-attribute', 'a Constant has one value', {
        node: name === '' ? (outputs[0] ?? '') : name, op, expected: 'one attribute', got: given.map((g) => g.name).join(', ') || 'none',
      });
    }
    const what = `the Constant '${outputs[0] ?? ''}'`;
    switch (a.kind) {
      case 'tensor': return this.tensor(a.value, what);
      case 'sparse': return this.sparse(a.value, what);
      case 'float': return new Constant('float32', [], bytesUnder(Float32Array.of(a.value)));
      case 'floats': return new Constant('float32', [a.value.length], bytesUnder(Float32Array.from(a.value)));
      case 'int': return new Constant('int64', [], bytesUnder(BigInt64Array.of(BigInt(a.value))));
      case 'ints': return new Constant('int64', [a.value.length], bytesUnder(BigInt64Array.from(a.value, BigInt)));
      case 'string': case 'strings': throw unsupportedType(what, 'string');
      case 'graph': case 'reference': case 'other': return undefined;
      default: return a satisfies never;
    }
  }

  tensor(tensor: TensorProto, what: string): Constant {
    const { data } = tensor;
    switch (data.kind) {
      case 'here': return toConstant(tensor, data.bytes, what);
      case 'external': return toConstant(tensor, this.#external?.get(rangeKey(data.range)), what);
      case 'unsupported': throw unsupportedType(what, tensor.type.name);
      default: return data satisfies never;
    }
  }

  sparse({ values, indices, dims }: SparseTensorProto, what: string): Constant {
    const some = this.tensor(values, what);
    const where = this.tensor(indices, `the indices of ${what}`);
    const [count = 0] = some.dims;
    const flat = where.dims.length === 1;
    const bad = (message: string, got: string): never => { throw new QuernError('invalid-model', `${what} ${message}`, { got }); };
    if (dims.some((d) => d < 0) || !Number.isSafeInteger(sizeOf(dims))) bad('has dims that are no sizes', `[${dims.join(', ')}]`);
    const bytes = bytesOf(some.dtype);
    if (sizeOf(dims) * bytes > MAX_DENSE_BYTES) {
      throw new QuernError('unsupported-model', `${what} is too large to be expanded`, {
        expected: `at most ${MAX_DENSE_BYTES} bytes`, got: `${sizeOf(dims) * bytes} bytes`,
      });
    }
    if (where.dtype !== 'int64' || where.dims[0] !== count || where.size !== count * (flat ? 1 : dims.length)) {
      bad('has indices of the wrong type or shape', `${where.dtype}[${where.dims.join(', ')}] for ${count} values`);
    }
    if (some.released || where.released) {
      const absent = new Constant(some.dtype, dims, new Uint8Array(0));
      absent.release();
      return absent;
    }
    const dense = allocate(sizeOf(dims) * bytes);
    const at = new BigInt64Array(where.bytes.slice().buffer);
    const parts = flat ? 1 : dims.length;
    for (let i = 0; i < count; i++) {
      let offset = 0;
      for (let d = 0; d < parts; d++) {
        const limit = flat ? sizeOf(dims) : (dims[d] ?? 0);
        const index = Number(at[i * parts + d] ?? -1n);
        if (index < 0 || index >= limit) bad('has an index out of range', String(index));
        offset = offset * (flat ? 1 : limit) + index;
      }
      dense.set(some.bytes.subarray(i * bytes, (i + 1) * bytes), offset * bytes);
    }
    return new Constant(some.dtype, dims, dense, some.narrow);
  }

  inputType(info: ValueInfoProto): TensorType {
    const type = this.type(info);
    if (type !== undefined) return type;
    throw new QuernError('unsupported-model', `input '${info.name}' has no shape, not even a rank`, {
      expected: 'a tensor type with a shape', hint: 'run shape inference on the model, or export it again',
    });
  }

  /** The type that the file gives a value; undefined where it gives none, or no rank. */
  type({ name, type }: ValueInfoProto): TensorType | undefined {
    if (type === undefined) return undefined;
    if (type.kind === 'other') {
      throw new QuernError('unsupported-model', `the value '${name}' is no tensor`, {
        expected: 'a tensor', got: type.value, hint: 'cut the model where it has tensors',
      });
    }
    const element = onnxType(type.code);
    if (element === undefined && type.code !== 0) {
      throw new QuernError('invalid-model', `the value '${name}' has a data type that ONNX does not define`, {
        got: `elem_type ${type.code}`,
      });
    }
    if (element === undefined || type.dims === undefined) return undefined;
    const dtype: DType | undefined = element.dtype;
    if (dtype === undefined) throw unsupportedType(`the value '${name}'`, element.name);
    const shape = type.dims.map((dim, axis) => this.#dims.expr(dim, name, axis));
    return { dtype, shape, ...(element.narrow === undefined ? {} : { narrow: element.narrow }) };
  }
}

const bare = (v: ValueInfoProto): GraphInput => ({ name: v.name });

/** Names for the nodes of one graph: the file's where it has them, made unique. */
function nodeNames(): (node: NodeProto) => string {
  const used = new Set<string>();
  return ({ name, op, outputs }) => {
    const stem = name === '' ? `${op}_${outputs.find((o) => o !== '') ?? ''}` : name;
    let unique = stem;
    for (let n = 2; used.has(unique); n++) unique = `${stem}#${n}`;
    used.add(unique);
    return unique;
  };
}
