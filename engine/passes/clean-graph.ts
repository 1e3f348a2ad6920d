/**
 * Graph clean-up: nodes whose outputs nobody uses are dropped, nodes that compute the same thing from the same inputs are joined,
 * Identity (and Dropout without a mask) is bypassed. In and out: a graph in order.
 */
import type { Attribute, Graph, Node } from '../graph/graph.ts';

export function cleanGraph(graph: Graph): Graph {
  return dropDead(joinDuplicates(graph));
}

function dropDead(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((o) => o.name));
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((o) => needed.has(o))) continue;
    nodes.unshift(node);
    for (const name of [...node.inputs, ...captured(node)]) needed.add(name);
  }
  const constants = new Map([...graph.constants].filter(([name]) => needed.has(name)));
  return { ...graph, nodes, constants };
}

/** Values of the outer graph that a node's subgraphs read. */
export function captured(node: Node): string[] {
  return [...node.attributes.values()].flatMap((a) => (a.type === 'graph' ? freeNames(a.value) : []));
}

function freeNames(graph: Graph): string[] {
  const own = new Set([...graph.inputs.map((i) => i.name), ...graph.constants.keys(), ...graph.nodes.flatMap((n) => n.outputs)]);
  const used = [...graph.nodes.flatMap((n) => [...n.inputs, ...captured(n)]), ...graph.outputs.map((o) => o.name)];
  return used.filter((name) => name !== '' && !own.has(name));
}

const stateful = /^Random|^Multinomial$|^Bernoulli$/;

function joinDuplicates(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const renamed = new Map<string, string>();
  const seen = new Map<string, Node>();
  const nodes: Node[] = [];
  for (const original of graph.nodes) {
    const inputs = original.inputs.map((i) => renamed.get(i) ?? i);
    const node = { ...original, inputs };
    const subgraphs = [...node.attributes.values()].some((a) => a.type === 'graph');
    const [only] = node.outputs;
    if (node.op === 'Identity' && node.domain === '' && only !== undefined && !outputs.has(only)) {
      renamed.set(only, inputs[0] ?? '');
      continue;
    }
    // Subgraphs name outer values inside: leave those nodes alone, and what they name.
    if (subgraphs || stateful.test(node.op) || node.outputs.some((o) => outputs.has(o))) {
      nodes.push(subgraphs ? renameCaptured(node, renamed) : node);
      continue;
    }
    const key = JSON.stringify([node.domain, node.op, inputs, node.outputs.map((o) => o !== ''), [...node.attributes].sort(byName).map(attributeKey)]);
    const twin = seen.get(key);
    if (twin === undefined) {
      seen.set(key, node);
      nodes.push(node);
    } else node.outputs.forEach((o, i) => renamed.set(o, twin.outputs[i] ?? ''));
  }
  return { ...graph, nodes };
}

const byName = (a: readonly [string, Attribute], b: readonly [string, Attribute]): number => (a[0] < b[0] ? -1 : 1);

const tensorIds = new WeakMap<object, number>();
let nextTensorId = 0;

/** Tensors compare by identity: two equal large constants are rare, comparing them is not free. */
function attributeKey([name, a]: readonly [string, Attribute]): unknown {
  if (a.type !== 'tensor') return [name, a];
  let id = tensorIds.get(a.value);
  if (id === undefined) tensorIds.set(a.value, (id = nextTensorId++));
  return [name, 'tensor', id];
}

function renameCaptured(node: Node, renamed: ReadonlyMap<string, string>): Node {
  if (renamed.size === 0) return node;
  const inGraph = (g: Graph): Graph => ({
    ...g,
    nodes: g.nodes.map((n) => renameCaptured({ ...n, inputs: n.inputs.map((i) => renamed.get(i) ?? i) }, renamed)),
    outputs: g.outputs.map((o) => ({ ...o, name: renamed.get(o.name) ?? o.name })),
  });
  const attributes = new Map([...node.attributes].map(([k, a]) => [k, a.type === 'graph' ? { ...a, value: inGraph(a.value) } : a]));
  return { ...node, attributes };
}
