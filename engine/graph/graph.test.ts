import { describe, expect, it } from 'vitest';
import { QuernError } from '../../jit/error.ts';
import { symbol } from '../../jit/expr/expr.ts';
import { type Attribute, Constant, type Graph, type Node } from './graph.ts';
import { printGraph } from './print.ts';
import { captured, freshName, inOrder, mapSubgraphs, opsetOf, reads, removeDead, removeNodes, replaceNodes, replaceReads, users } from './rewrite.ts';
import { blaming, verify } from './verify.ts';

const node = (op: string, inputs: readonly string[], output: string, attributes: Record<string, Attribute> = {}): Node =>
  ({ name: output, op, domain: '', inputs, outputs: [output], attributes: new Map(Object.entries(attributes)) });
const graph = (nodes: readonly Node[], outputs: readonly string[], constants: Record<string, Constant> = {}, inputs: readonly string[] = ['x']): Graph => ({
  name: 'g', opsets: new Map([['', 17]]), nodes, constants: new Map(Object.entries(constants)),
  inputs: inputs.map((name) => ({ name })), outputs: outputs.map((name) => ({ name })),
});
const sub = (g: Graph): Attribute => ({ type: 'graph', value: g });
const one = new Constant('float32', [1], new Uint8Array(4));
/** y = If(x){ Add(h, k) }, with h = Relu(x) */
const branching = graph(
  [node('Relu', ['x'], 'h'), node('If', ['x'], 'y', { then_branch: sub(graph([node('Add', ['h', 'k'], 'o')], ['o'], {}, [])) })], ['y'], { k: one },
);
const failure = (g: Graph, stage: string): QuernError => {
  try {
    verify(g, stage === 'load' ? undefined : blaming(stage));
  } catch (error) {
    if (error instanceof QuernError) return error;
  }
  throw new Error('verify found nothing');
};

describe('verify', () => {
  it('gives a good graph back', () => expect(verify(branching)).toBe(branching));
  it('blames the pass that broke a graph', () =>
    expect(failure(graph([node('Relu', ['z'], 'y')], ['y']), 'fold-constants')).toMatchObject({
      code: 'internal', node: 'y', op: 'Relu', message: "Relu node 'y': after fold-constants: the value 'z' is read, but nothing produces it",
    }));
  it('blames the file while loading', () => expect(failure(graph([node('Relu', ['z'], 'y')], ['y']), 'load').code).toBe('invalid-model'));
  it('finds nodes out of order', () =>
    expect(failure(graph([node('Relu', ['h'], 'y'), node('Neg', ['x'], 'h')], ['y']), 'p').message).toContain("the value 'h' is read before it is produced"));
  it('finds two producers', () => expect(failure(graph([node('Relu', ['x'], 'y'), node('Neg', ['x'], 'y')], ['y']), 'p').message).toContain('two nodes are named'));
  it('finds a constant that is overwritten', () => expect(failure(graph([node('Relu', ['x'], 'k')], ['k'], { k: one }), 'p').message).toContain("the value 'k' is defined twice"));
  it('finds a missing output', () => expect(failure(graph([], ['y']), 'p').message).toContain("the output 'y' is not produced"));
  it('finds constants of the wrong length', () =>
    expect(failure(graph([], ['k'], { k: new Constant('int64', [2], new Uint8Array(4)) }), 'p')).toMatchObject({ expected: '16 bytes (int64[2])', got: '4 bytes' }));
  it('looks into subgraphs', () =>
    expect(failure(replaceReads(branching, new Map([['k', 'nowhere']])), 'p').message).toContain("in its subgraph 'g', the value 'nowhere' is read, but nothing produces it"));
});

describe('rewriting', () => {
  it('captured values are reads of the node that holds the subgraph', () => {
    const [, branch] = branching.nodes;
    expect(branch && reads(branch)).toEqual(['x', 'h', 'k']);
    expect([...captured(branching)]).toEqual([]);
    expect(users(branching).get('h')).toEqual([branch]);
  });
  it('replaces reads in subgraphs and leaves the old graph alone', () => {
    const before = printGraph(branching);
    expect(printGraph(replaceReads(branching, new Map([['h', 'x']])))).toContain('o = Add(x, k)');
    expect(printGraph(branching)).toBe(before);
  });
  it('does not replace what a subgraph defines itself', () => {
    const inner = graph([node('Neg', ['h'], 'h2')], ['h2'], {}, ['h']);
    const outer = graph([node('Relu', ['x'], 'h'), node('Loop', ['h'], 'y', { body: sub(inner) })], ['y']);
    expect(printGraph(replaceReads(outer, new Map([['h', 'x']])))).toContain('h2 = Neg(h)');
  });
  it('drops what contributes to no output', () => {
    const g = graph([node('Relu', ['x'], 'h'), node('Neg', ['x'], 'dead'), node('Abs', ['h'], 'y')], ['y'], { k: one });
    expect(printGraph(removeDead(g))).not.toMatch(/dead|const/);
  });
  it('keeps what only a subgraph reads', () => expect(removeDead(branching)).toBe(branching));
  it('puts nodes in the place of a node', () => {
    const g = replaceNodes(branching, (n) => (n.op === 'Relu' ? [node('Neg', ['x'], 'n'), node('Abs', ['n'], 'h')] : undefined));
    expect(g.nodes.map((n) => n.op)).toEqual(['Neg', 'Abs', 'If']);
  });
  it('removes nodes', () => expect(removeNodes(branching, new Set(branching.nodes.slice(0, 1))).nodes.map((n) => n.op)).toEqual(['If']));
  it('reaches subgraphs', () => {
    const g = mapSubgraphs(branching, (inner) => replaceNodes(inner, (n) => (n.op === 'Add' ? [{ ...n, op: 'Sub' }] : undefined)));
    expect(printGraph(g)).toContain('o = Sub(h, k)');
    expect(mapSubgraphs(branching, (inner) => inner)).toBe(branching);
  });
  it('makes names that subgraphs do not have either', () => expect([freshName(branching, 'o'), freshName(branching, 'q')]).toEqual(['o_2', 'q']));
  it('sorts, and keeps an order that is one', () => {
    expect(inOrder(branching.nodes)).toBe(branching.nodes);
    expect(inOrder([...branching.nodes].reverse()).map((n) => n.op)).toEqual(['Relu', 'If']);
  });
  it('sorts a chain of 100,000 nodes', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => node('Relu', [i === 0 ? 'x' : `v${i - 1}`], `v${i}`));
    expect(inOrder([...chain].reverse()).every((n, i) => n === chain[i])).toBe(true);
  });
  it('takes the opset of the node before that of the graph', () =>
    expect([opsetOf(branching, { domain: '' }), opsetOf(branching, { domain: '', opset: 9 }), opsetOf(branching, { domain: 'com.microsoft' })]).toEqual([17, 9, 1]));
});

describe('the text of a graph', () => {
  it('shows types, small constants, attributes and subgraphs', () => {
    const typed: Graph = {
      ...branching,
      inputs: [{ name: 'x', type: { dtype: 'int8', narrow: 'int4', shape: [symbol('N')] } }],
      constants: new Map([['k', new Constant('float16', [2], new Uint8Array([0, 0x3c, 0, 0xc0]))]]),
      nodes: [{ ...node('Conv', ['x', '', 'k'], 'h', { pads: { type: 'ints', value: [1, 1] }, auto_pad: { type: 'string', value: 'VALID' } }), opset: 11 }, ...branching.nodes.slice(1)],
    };
    expect(printGraph(typed)).toBe([
      'graph g (ai.onnx 17)',
      '  input x: int4[N]',
      '  const k: float16[2] = [1, -2]',
      '  h = Conv@11(x, _, k) {auto_pad: "VALID", pads: [1, 1]}  # h',
      '  y = If(x)  # y',
      '    then_branch:',
      '      o = Add(h, k)  # o',
      '      output o',
      '  output y',
    ].join('\n'));
  });
});
