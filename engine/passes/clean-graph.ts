/**
 * Graph clean-up: nodes whose outputs nobody uses are dropped, nodes that compute the same thing from the same inputs are joined, Identity
 * is bypassed. In and out: a graph in order.
 */
import type { Attribute, Graph, Node } from '../graph/graph.ts';
import { isOutput, removeDead, renameReads, subgraphs } from '../graph/rewrite.ts';

export const cleanGraph = (graph: Graph): Graph => removeDead(joinDuplicates(graph));

/** Two of these with the same inputs still differ. */
const random = /^Random|^Multinomial$|^Bernoulli$/;

function joinDuplicates(graph: Graph): Graph {
  const renamed = new Map<string, string>();
  const seen = new Map<string, Node>();
  const nodes: Node[] = [];
  for (const original of graph.nodes) {
    const node = renameReads(original, renamed);
    const [only] = node.outputs;
    if (node.op === 'Identity' && node.domain === '' && only !== undefined && !isOutput(graph, only)) {
      renamed.set(only, node.inputs[0] ?? '');
      continue;
    }
    if (subgraphs(node).length > 0 || random.test(node.op) || node.outputs.some((o) => isOutput(graph, o))) {
      nodes.push(node);
      continue;
    }
    const key = keyOf(node);
    const twin = seen.get(key);
    if (twin === undefined) {
      seen.set(key, node);
      nodes.push(node);
    } else node.outputs.forEach((o, i) => renamed.set(o, twin.outputs[i] ?? ''));
  }
  return { ...graph, nodes };
}

function keyOf(node: Node): string {
  const attributes = [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1)).map(attributeKey);
  return JSON.stringify([node.domain, node.op, node.opset, node.inputs, node.outputs.map((o) => o !== ''), attributes]);
}

const tensorIds = new WeakMap<object, number>();
let nextTensorId = 0;

/** Tensors compare by identity: two equal large constants are rare, comparing them is not free. */
function attributeKey([name, a]: readonly [string, Attribute]): unknown {
  if (a.type !== 'tensor') return [name, a];
  let id = tensorIds.get(a.value);
  if (id === undefined) tensorIds.set(a.value, (id = nextTensorId++));
  return [name, 'tensor', id];
}
