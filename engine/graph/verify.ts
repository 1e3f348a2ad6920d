/**
 * Checks that a Graph is what the type promises: every value has one producer and is produced before it is read, node names are unique,
 * outputs exist, constants are as long as their dims say. Run on what is loaded (then the file is at fault: `invalid-model`) and, in tests,
 * between passes (then a pass is: `internal`, with the name of the stage). Gives the graph back.
 */
import { QuernError } from '../../jit/error.ts';
import { bytesOf } from '../../jit/expr/dtype.ts';
import type { Constant, Graph, Node } from './graph.ts';
import { subgraphs } from './rewrite.ts';

type Fail = (message: string, details?: { node?: string; op?: string; expected?: string; got?: string }) => never;

const invalid: Fail = (message, details) => { throw new QuernError('invalid-model', message, details); };

/** For the graph that a stage has left. */
export const blaming = (stage: string): Fail => (message, details) => { throw new QuernError('internal', `after ${stage}: ${message}`, details); };

/** `outer`: names of the graphs around it. */
export function verify(graph: Graph, fail = invalid, outer: ReadonlySet<string> = new Set()): Graph {
  const visible = new Set(outer);
  const own = new Set<string>();
  const later = new Set(graph.nodes.flatMap((n) => n.outputs));
  const define = (name: string, node?: Node): void => {
    if (own.has(name)) fail(`the value '${name}' is defined twice`, place(node));
    own.add(name);
    visible.add(name);
  };
  for (const { name } of graph.inputs) define(name);
  for (const [name, constant] of graph.constants) {
    define(name);
    checkConstant(name, constant, fail);
  }
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (node.name === '') fail(`the node that produces '${node.outputs.join("', '")}' has no name`, { op: node.op });
    if (names.has(node.name)) fail(`two nodes are named '${node.name}'`, place(node));
    names.add(node.name);
    for (const name of node.inputs) {
      if (name === '' || visible.has(name)) continue;
      fail(`the value '${name}' is read${later.has(name) ? ' before it is produced' : ', but nothing produces it'}`, place(node));
    }
    for (const inner of subgraphs(node)) {
      verify(inner, (message, details) => fail(`in its subgraph '${inner.name}', ${message}`, { ...details, ...place(node) }), visible);
    }
    for (const [name, a] of node.attributes) if (a.type === 'tensor') checkConstant(`${node.name}.${name}`, a.value, fail);
    if (node.outputs.every((name) => name === '')) fail('the node produces nothing', place(node));
    for (const name of node.outputs) if (name !== '') define(name, node);
  }
  const returned = new Set<string>();
  for (const { name } of graph.outputs) {
    if (!visible.has(name)) fail(`the output '${name}' is not produced by anything`);
    // A subgraph may return one value twice; the outputs of a model are told apart by name.
    if (outer.size === 0 && returned.has(name)) fail(`the output '${name}' is listed twice`);
    returned.add(name);
  }
  return graph;
}

const place = (node: Node | undefined): { node?: string; op?: string } => (node === undefined ? {} : { node: node.name, op: node.op });

function checkConstant(name: string, constant: Constant, fail: Fail): void {
  const { dims, dtype, size } = constant;
  const sizes = dims.every((d) => Number.isSafeInteger(d) && d >= 0);
  if (!sizes) fail(`the constant '${name}' has a dim that is no size`, { got: `[${dims.join(', ')}]` });
  const { held } = constant;
  if (held === undefined) return;
  const expected = size * bytesOf(dtype);
  if (held.length !== expected) {
    fail(`the constant '${name}' has the wrong length`, {
      expected: `${expected} bytes (${dtype}[${dims.join(', ')}])`, got: `${held.length} bytes`,
    });
  }
}
