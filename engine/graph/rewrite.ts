/**
 * What passes over Graphs are made of: who produces and who reads a value, and small edits that give a new graph and leave the old one
 * alone. Reads count wherever they are: a value that only a subgraph (of If, Loop, Scan) captures is read by the node that holds it.
 */
import { QuernError } from '../../jit/error.ts';
import type { Attribute, Graph, Node } from './graph.ts';

/** The subgraphs of a node, in the order of its attributes. */
export const subgraphs = (node: Node): readonly Graph[] =>
  [...node.attributes.values()].flatMap((a) => (a.type === 'graph' ? [a.value] : []));

/** Values that a graph reads without defining them: what its subgraphs capture from around it. */
export function captured(graph: Graph): ReadonlySet<string> {
  const defined = new Set([...graph.inputs.map((v) => v.name), ...graph.constants.keys(), ...graph.nodes.flatMap((n) => n.outputs)]);
  const free = new Set<string>();
  const read = (name: string): void => { if (name !== '' && !defined.has(name)) free.add(name); };
  graph.nodes.forEach((n) => { reads(n).forEach(read); });
  graph.outputs.forEach((v) => { read(v.name); });
  return free;
}

/** Every value that a node reads, captured ones after its inputs. Left-out inputs are not listed. */
export function reads(node: Node): readonly string[] {
  const inputs = node.inputs.filter((name) => name !== '');
  const inner = subgraphs(node);
  return inner.length === 0 ? inputs : [...inputs, ...inner.flatMap((g) => [...captured(g)])];
}

/** The node that produces each value of a graph (not of its subgraphs). */
export const producers = (graph: Graph): ReadonlyMap<string, Node> =>
  new Map(graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== '').map((name) => [name, node] as const)));

/** The nodes that read each value, in order; a node appears once for a value however often it reads it. */
export function users(graph: Graph): ReadonlyMap<string, readonly Node[]> {
  const found = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(reads(node))) {
      const known = found.get(name);
      if (known === undefined) found.set(name, [node]);
      else known.push(node);
    }
  }
  return found;
}

export const isOutput = (graph: Graph, value: string): boolean => graph.outputs.some((v) => v.name === value);

/** A name that no value of the graph (its subgraphs included) has, made from a stem. */
export function freshName(graph: Graph, stem: string): string {
  const taken = new Set<string>();
  const collect = (g: Graph): void => {
    g.inputs.forEach((v) => taken.add(v.name));
    [...g.constants.keys()].forEach((name) => taken.add(name));
    for (const node of g.nodes) {
      node.outputs.forEach((name) => taken.add(name));
      subgraphs(node).forEach(collect);
    }
  };
  collect(graph);
  let name = stem;
  for (let n = 2; taken.has(name); n++) name = `${stem}_${n}`;
  return name;
}

/** The node with other values read, in its subgraphs too (where they do not define the name themselves). */
export function renameReads(node: Node, names: ReadonlyMap<string, string>): Node {
  if (!reads(node).some((name) => names.has(name))) return node;
  const attributes = new Map([...node.attributes].map(([key, a]): [string, Attribute] => (
    a.type === 'graph' ? [key, { type: 'graph', value: renameCaptured(a.value, names) }] : [key, a]
  )));
  return { ...node, inputs: node.inputs.map((name) => names.get(name) ?? name), attributes };
}

function renameCaptured(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const free = captured(graph);
  const inner = new Map([...names].filter(([from]) => free.has(from)));
  if (inner.size === 0) return graph;
  return {
    ...graph,
    nodes: graph.nodes.map((n) => renameReads(n, inner)),
    outputs: graph.outputs.map((v) => ({ ...v, name: inner.get(v.name) ?? v.name })),
  };
}

/**
 * Every read of `from` becomes a read of `to`. What the graph itself returns keeps its names: a value that is a graph output (see
 * `isOutput`) must still be produced afterwards.
 */
export function replaceReads(graph: Graph, replacements: ReadonlyMap<string, string>): Graph {
  return replacements.size === 0 ? graph : { ...graph, nodes: graph.nodes.map((n) => renameReads(n, replacements)) };
}

/** Puts nodes (any number, none included) in the place of each node for which `replace` gives a list. */
export function replaceNodes(graph: Graph, replace: (node: Node) => readonly Node[] | undefined): Graph {
  const made = graph.nodes.map(replace);
  if (made.every((m) => m === undefined)) return graph;
  return { ...graph, nodes: graph.nodes.flatMap((node, i) => made[i] ?? [node]) };
}

export const removeNodes = (graph: Graph, remove: ReadonlySet<Node>): Graph =>
  replaceNodes(graph, (node) => (remove.has(node) ? [] : undefined));

/** Drops nodes and constants that contribute to no output. Operators have no side effects, so whatever is unread can go. */
export function removeDead(graph: Graph): Graph {
  const live = new Set(graph.outputs.map((v) => v.name));
  const kept: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => live.has(name))) continue;
    reads(node).forEach((name) => live.add(name));
    kept.push(node);
  }
  if (kept.length === graph.nodes.length && [...graph.constants.keys()].every((name) => live.has(name))) return graph;
  return { ...graph, nodes: kept.reverse(), constants: new Map([...graph.constants].filter(([name]) => live.has(name))) };
}

/** Applies a pass to each subgraph, innermost first; nodes whose subgraphs do not change stay the same objects. */
export function mapSubgraphs(graph: Graph, pass: (graph: Graph) => Graph): Graph {
  return replaceNodes(graph, (node) => {
    const changed = [...node.attributes].flatMap(([key, a]): [string, Attribute][] => {
      if (a.type !== 'graph') return [];
      const value = pass(mapSubgraphs(a.value, pass));
      return value === a.value ? [] : [[key, { type: 'graph', value }]];
    });
    return changed.length === 0 ? undefined : [{ ...node, attributes: new Map([...node.attributes, ...changed]) }];
  });
}

/** The opset version that a node's operator is to be read in. */
export function opsetOf(graph: Pick<Graph, 'opsets'>, node: Pick<Node, 'domain' | 'opset'>): number {
  // Files with one version for all contrib operators often leave their domain out of the imports: then it is version 1.
  return node.opset ?? graph.opsets.get(node.domain) ?? 1;
}

/**
 * The nodes in an order in which values are produced before they are read; the given order where it already is one. Throws `invalid-model`
 * for a cycle, with its nodes.
 */
export function inOrder(nodes: readonly Node[]): readonly Node[] {
  const producer = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  producer.delete('');
  const needs = new Map(nodes.map((node) => [node, reads(node).flatMap((name) => producer.get(name) ?? [])]));
  const done = new Set<Node>();
  if (nodes.every((node) => {
    const ready = (needs.get(node) ?? []).every((n) => done.has(n));
    done.add(node);
    return ready;
  })) return nodes;

  done.clear();
  const sorted: Node[] = [];
  const path: Node[] = [];
  const onPath = new Set<Node>();
  for (const root of nodes) {
    if (!done.has(root)) {
      path.push(root);
      onPath.add(root);
    }
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const next = (needs.get(node) ?? []).find((n) => !done.has(n));
      if (next === undefined) {
        done.add(node);
        sorted.push(node);
        path.pop();
        onPath.delete(node);
      } else if (onPath.has(next)) {
        const cycle = [...path.slice(path.indexOf(next)), next].map((n) => `'${n.name}'`);
        const got = cycle.slice(0, 12).join(' needs ');
        throw new QuernError('invalid-model', 'the graph has a cycle', { node: next.name, op: next.op, got });
      } else {
        path.push(next);
        onPath.add(next);
      }
    }
  }
  return sorted;
}
