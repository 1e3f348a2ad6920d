import { describe, expect, it } from 'vitest';
import { int, symbol } from '../../jit/expr/expr.ts';
import { shapeText, text } from '../../jit/expr/text.ts';
import { bodyText } from '../../jit/kernel.ts';
import { graph } from '../testing/graphs.ts';
import { inferTypes, lowerGraph } from './lower.ts';
import { elementsOf, f32, i64, opGraph, runOp, tensor } from './testing/run-op.ts';

const shapeOf = (g: ReturnType<typeof graph>, name: string): string => shapeText(inferTypes(g).get(name)?.shape ?? []);
const failure = (run: () => unknown): { code?: string; message: string } => {
  try {
    run();
  } catch (error) {
    return error as { code?: string; message: string };
  }
  throw new Error('nothing was thrown');
};

describe('values known while compiling', () => {
  it('Shape, Gather, Unsqueeze, Concat and Reshape leave dims', () => {
    const g = graph({
      inputs: { x: ['B', 'S', 64] }, ints: { one: 1, axes: [0], tail: [4, 16] },
      nodes: [
        ['Shape', 'x', 'shape'], ['Gather', 'shape one', 's'], ['Unsqueeze', 's axes', 's1'],
        ['Slice', 'shape zero one1', 'b1'], ['Concat', 'b1 s1 tail', 'target', { axis: 0 }], ['Reshape', 'x target', 'y'],
      ],
      outputs: ['y'],
    });
    const ints = graph({ inputs: { x: ['B'] }, ints: { zero: [0], one1: [1] }, nodes: [], outputs: [] });
    const whole = { ...g, constants: new Map([...g.constants, ...ints.constants]) };
    expect(shapeOf(whole, 'y')).toBe('[B, S, 4, 16]');
    expect(lowerGraph(whole).dataDims).toEqual([]);
  });
  it('-1 is what the other dims leave', () => {
    const g = graph({ inputs: { x: ['B', 'S', 64] }, ints: { to: [0, -1] }, nodes: [['Reshape', 'x to', 'y']], outputs: ['y'] });
    expect(shapeOf(g, 'y')).toBe('[B, (S * 64)]');
  });
  it('sizes through floats: floor of a dim times two', () => {
    const g = graph({
      inputs: { x: ['H'] }, floats: { two: [2] },
      nodes: [['Shape', 'x', 's'], ['Cast', 's', 'f', { to: 1 }], ['Mul', 'f two', 'm'], ['Floor', 'm', 'r'], ['Cast', 'r', 'i', { to: 7 }], ['ConstantOfShape', 'i', 'y']],
      outputs: ['y'],
    });
    expect(shapeOf(g, 'y')).toBe('[(H * 2)]');
  });
  it('Range between dims has as many elements as lie between them', () => {
    const g = graph({
      inputs: { past: ['P'], x: ['S'] }, ints: { zero: 0, one: 1 },
      nodes: [['Shape', 'past', 'ps'], ['Gather', 'ps zero', 'p'], ['Shape', 'x', 'xs'], ['Gather', 'xs zero', 's'], ['Add', 'p s', 'end'], ['Range', 'p end one', 'y']],
      outputs: ['y'],
    });
    expect(shapeOf(g, 'y')).toBe('[S]');
  });
  it('reductions of shapes', () => {
    const g = graph({ inputs: { x: ['B', 3] }, nodes: [['Shape', 'x', 's'], ['ReduceProd', 's', 'n'], ['ConstantOfShape', 'n', 'y']], outputs: ['y'] });
    expect(shapeOf(g, 'y')).toBe('[(B * 3)]');
  });
  it('elements are shown on the tensor', () => {
    const program = lowerGraph(graph({ inputs: { x: ['B', 3] }, nodes: [['Shape', 'x', 'y']], outputs: ['y'] }));
    const [output] = program.outputs;
    expect(program.tensors.get(output?.tensor ?? -1)?.values?.map(text)).toEqual(['B', '3']);
  });
  it('a last element of a slice of a dim', () => {
    const g = graph({ inputs: { x: ['S', 8] }, ints: { from: [-1], to: [Number(2n ** 62n)], axis: [0] }, nodes: [['Slice', 'x from to axis', 'y']], outputs: ['y'] });
    expect(shapeOf(g, 'y')).toBe('[1, 8]');
  });
});

describe('dims read while the model runs', () => {
  it('a shape that is fed is read once for each dim', () => {
    const program = lowerGraph(opGraph('Expand', [f32([1], [1]), i64([2], [2, 3])]));
    expect(program.dataDims.map((d) => [text(d.symbol), d.element])).toEqual([['data0', 0], ['data1', 1]]);
  });
  it('what is computed from such a dim keeps it', () => {
    const g = graph({
      inputs: { x: [4] }, ints: { zero: 0, one: 1 },
      nodes: [['NonZero', 'x', 'nz'], ['Shape', 'nz', 's'], ['Gather', 's one', 'n'], ['Range', 'zero n one', 'y']],
      outputs: ['y'],
    });
    expect(shapeOf(g, 'y')).toBe('[data0]');
    expect(lowerGraph(g).dataDims).toHaveLength(1);
  });
});

describe('programs', () => {
  it('equal layers have equal bodies up to tensor numbers', () => {
    const g = graph({
      inputs: { x: ['B', 8] }, weights: { w1: [8, 8], w2: [8, 8] },
      nodes: [['MatMul', 'x w1', 'a'], ['Softmax', 'a', 'b'], ['MatMul', 'b w2', 'c'], ['Softmax', 'c', 'y']], outputs: ['y'],
    });
    const bodies = lowerGraph(g).computations.map((c) => bodyText(c.body).join('\n').replace(/\bt\d+/g, 't'));
    expect(bodies[0]).toBe(bodies[2]);
    expect(bodies[1]).toBe(bodies[3]);
  });
  it('float16 that is only moved is not converted', () => {
    const program = lowerGraph(opGraph('Concat', [tensor('float16', [1], [1]), tensor('float16', [1], [2])], { attributes: { axis: 0 } }));
    expect(program.computations.flatMap((c) => bodyText(c.body)).join('\n')).not.toContain('<-');
  });
  it('an output that is an input is a copy', () => {
    const program = lowerGraph(opGraph('Identity', [f32([2], [1, 2])]));
    expect(program.outputs[0]?.tensor).not.toBe(program.inputs[0]?.tensor);
    expect(elementsOf('Identity', [f32([2], [1, 2])])).toEqual([1, 2]);
  });
  it('a linear layer on a sequence is one product of all its rows', () => {
    const program = lowerGraph(graph({ inputs: { x: ['B', 'S', 8] }, weights: { w: [8, 4] }, nodes: [['MatMul', 'x w', 'y']], outputs: ['y'] }));
    const body = program.computations[0]?.body;
    expect(body?.kind === 'contraction' && [body.batch.length, body.rows.length, body.cols.length]).toEqual([0, 2, 1]);
  });
  it('a convolution without padding has no guards', () => {
    const program = lowerGraph(opGraph('Conv', [f32([1, 1, 4, 4], new Array<number>(16).fill(1)), f32([1, 1, 2, 2], [1, 1, 1, 1])]));
    expect(program.computations.flatMap((c) => bodyText(c.body)).join('\n')).not.toContain('select');
  });
});

describe('errors', () => {
  it('name the operator that is missing', () => {
    const error = failure(() => lowerGraph(opGraph('Frobnicate', [f32([1], [1])], { opset: 17 })));
    expect(error.code).toBe('unsupported-operator');
    expect(error.message).toContain("Frobnicate node 'n': Quern has no operator 'Frobnicate' of ai.onnx, opset 17");
  });
  it('say which shapes do not broadcast', () =>
    expect(failure(() => runOp('Add', [f32([2], [1, 2]), f32([3], [1, 2, 3])])).message)
      .toBe("Add node 'n': shapes do not broadcast\n  got: [2] and [3]"));
  it('say what an attribute should be', () =>
    expect(failure(() => runOp('Pad', [f32([1], [1]), i64([2], [1, 1])], { attributes: { mode: 'mirror' } })).message)
      .toBe("Pad node 'n': attribute 'mode' has an unknown value\n  expected: constant, reflect, edge, wrap\n  got: mirror"));
  it('say that an attribute is missing', () =>
    expect(failure(() => runOp('Concat', [f32([1], [1])])).message).toContain("attribute 'axis' is missing"));
  it('count inputs', () =>
    expect(failure(() => runOp('Where', [f32([1], [1])])).message).toBe("Where node 'n': the number of inputs is wrong\n  expected: 3\n  got: 1"));
  it('compare the depths of a product', () =>
    expect(failure(() => runOp('MatMul', [f32([1, 2], [1, 2]), f32([3, 1], [1, 2, 3])])).message).toContain('[1, 2] x [3, 1]'));
  it('a reshape must keep the number of elements', () =>
    expect(failure(() => runOp('Reshape', [f32([4], [1, 2, 3, 4]), i64([1], [3])], { constants: [1] })).code).toBe('shape-mismatch'));
});

describe('broadcasting of symbolic dims', () => {
  const dims = (a: readonly (string | number)[], b: readonly (string | number)[]): string =>
    shapeOf(graph({ inputs: { a, b }, nodes: [['Add', 'a b', 'y']], outputs: ['y'] }), 'y');
  it('equal dims stay', () => expect(dims(['S'], ['S'])).toBe('[S]'));
  it('1 gives way', () => expect(dims(['S', 1], [1, 'T'])).toBe('[S, T]'));
  it('a static dim decides', () => expect(dims(['S'], [4])).toBe('[4]'));
  it('of two unlike dims one may be 1', () => expect(dims(['S'], ['T'])).toMatch(/^\[max\((S, T|T, S)\)\]$/));
  it('dims made of the same symbol are one, which is checked when they are bound', () => {
    const g = graph({
      inputs: { x: ['S', 8] }, weights: { table: [64, 8] }, ints: { zero: [0], one: [1] },
      nodes: [['Shape', 'x', 's'], ['Slice', 's zero one', 'n'], ['Slice', 'table zero n zero', 'rows'], ['Add', 'x rows', 'y']], outputs: ['y'],
    });
    expect(shapeOf(g, 'y')).toBe('[S, 8]');
    expect(lowerGraph(g).guards?.map((guard) => text(guard.holds))).toEqual(['(S == min(S, 64))']);
  });
  it('symbols are shared by name', () => expect(symbol('S', 1)).toBe(symbol('S', 1)));
  it('constants too', () => expect(int(3)).toBe(int(3)));
});
