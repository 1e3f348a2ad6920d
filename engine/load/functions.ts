/**
 * Inlines model-local functions: each call is replaced by the function's body, with its values renamed under the caller's name and its
 * attribute references replaced by what the call says. Input and output: a model as read; in the output no call is left, in subgraphs
 * neither. Calls of functions by functions are followed; a function that calls itself is `invalid-model`.
 * Source: ONNX IR specification, "Functions".
 */
import { QuernError } from '../../jit/error.ts';
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from './proto.ts';

const identity: NodeProto = { name: '', op: 'Identity', domain: '', overload: '', inputs: [], outputs: [], attributes: [] };

/** Inlining copies: a chain of functions that each call the next one twice would grow without bound. */
const MAX_NODES = 1_000_000;

const keyOf = (domain: string, op: string, overload: string): string => `${domain}:${op}:${overload}`;

export function inlineFunctions(model: ModelProto): ModelProto {
  if (model.functions.length === 0) return model;
  const inliner = new Inliner(model);
  return { ...model, graph: inliner.graph(model.graph), functions: [] };
}

class Inliner {
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #opsets: ReadonlyMap<string, number>;
  readonly #prefixes = new Set<string>();
  #made = 0;

  constructor(model: ModelProto) {
    this.#functions = new Map(model.functions.map((f) => [keyOf(f.domain, f.name, f.overload), f]));
    this.#opsets = model.opsets;
  }

  graph(graph: GraphProto): GraphProto {
    return { ...graph, nodes: graph.nodes.flatMap((node) => this.#node(node, [])) };
  }

  /** What a node becomes; `active` are the functions whose bodies it stands in. */
  #node(node: NodeProto, active: readonly FunctionProto[]): readonly NodeProto[] {
    if (++this.#made > MAX_NODES) {
      throw new QuernError('unsupported-model', 'the functions expand to too many nodes', { expected: `at most ${MAX_NODES}` });
    }
    const callee = this.#functions.get(keyOf(node.domain, node.op, node.overload));
    if (callee === undefined) {
      const inside = (graph: GraphProto): GraphProto => ({ ...graph, nodes: graph.nodes.flatMap((n) => this.#node(n, active)) });
      return [{ ...node, attributes: node.attributes.map((a) => (a.kind === 'graph' ? { ...a, value: inside(a.value) } : a)) }];
    }
    if (active.includes(callee)) {
      throw new QuernError('invalid-model', 'a function calls itself', { node: node.name, op: node.op });
    }
    return this.#body(node, callee).flatMap((inner) => this.#node(inner, [...active, callee]));
  }

  #body(call: NodeProto, callee: FunctionProto): NodeProto[] {
    if (call.inputs.length > callee.inputs.length || call.outputs.length > callee.outputs.length) {
      throw new QuernError('invalid-model', 'a call has more inputs or outputs than the function', {
        node: call.name, op: call.op,
        expected: `at most ${callee.inputs.length} inputs and ${callee.outputs.length} outputs`,
        got: `${call.inputs.length} inputs and ${call.outputs.length} outputs`,
      });
    }
    const prefix = this.#prefix(call);
    const names = new Map<string, string>([['', '']]);
    callee.inputs.forEach((formal, i) => names.set(formal, call.inputs[i] ?? ''));
    const passed: NodeProto[] = [];
    callee.outputs.forEach((formal, i) => {
      const actual = call.outputs[i] ?? '';
      if (actual === '') return;
      const known = names.get(formal);
      // An output that is also an input (or an output already): a copy under the caller's name.
      if (known === undefined) names.set(formal, actual);
      else passed.push({ ...identity, name: `${prefix}${formal}`, inputs: [known], outputs: [actual] });
    });
    const rename = (value: string): string => names.get(value) ?? `${prefix}${value}`;

    const given = new Map([...callee.defaults, ...call.attributes].map((a) => [a.name, a]));
    const versions = new Map([...callee.opsets].filter(([domain, version]) => this.#opsets.get(domain) !== version));
    return [...callee.nodes.map((node) => instantiate(node, prefix, rename, given, versions)), ...passed];
  }

  #prefix(call: NodeProto): string {
    const stem = call.name === '' ? `${call.op}_${call.outputs.find((o) => o !== '') ?? ''}` : call.name;
    let prefix = `${stem}/`;
    for (let n = 2; this.#prefixes.has(prefix); n++) prefix = `${stem}#${n}/`;
    this.#prefixes.add(prefix);
    return prefix;
  }
}

function instantiate(
  node: NodeProto,
  prefix: string,
  rename: (value: string) => string,
  given: ReadonlyMap<string, AttributeProto>,
  versions: ReadonlyMap<string, number>,
): NodeProto {
  const inside = (inner: NodeProto): NodeProto => instantiate(inner, prefix, rename, given, versions);
  const version = versions.get(node.domain);
  return {
    ...node,
    name: node.name === '' ? '' : `${prefix}${node.name}`,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: node.attributes.flatMap((a) => {
      if (a.kind === 'graph') return [{ ...a, value: instantiateGraph(a.value, rename, inside) }];
      if (a.kind !== 'reference') return [a];
      const value = given.get(a.value);
      // A reference to an attribute that the call leaves out: then this node's attribute is left out as well.
      return value === undefined ? [] : [{ ...value, name: a.name }];
    }),
    ...(version === undefined ? {} : { opset: version }),
  };
}

function instantiateGraph(graph: GraphProto, rename: (value: string) => string, inside: (node: NodeProto) => NodeProto): GraphProto {
  return {
    ...graph,
    nodes: graph.nodes.map(inside),
    initializers: graph.initializers.map((t) => ({ ...t, name: rename(t.name) })),
    sparse: graph.sparse.map((s) => ({ ...s, values: { ...s.values, name: rename(s.values.name) } })),
    inputs: graph.inputs.map((v) => ({ ...v, name: rename(v.name) })),
    outputs: graph.outputs.map((v) => ({ ...v, name: rename(v.name) })),
    values: [],
  };
}
