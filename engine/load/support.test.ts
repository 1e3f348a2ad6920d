import { describe, expect, it } from 'vitest';
import { support } from './support.ts';
import { type ModelLiteral, floats, model, node } from './testing/build-model.ts';

const report = (literal: ModelLiteral, dims?: Record<string, number>) => support({ kind: 'bytes', bytes: model(literal) }, dims === undefined ? {} : { dims });
const mlp: ModelLiteral = {
  inputs: { x: 'float32[N, 8]' }, outputs: { y: 'float32[N, 2]' }, values: { h: 'float32[N, 2]' },
  initializers: { w: floats([8, 2], new Array<number>(16).fill(1)) },
  nodes: [node('MatMul', ['x', 'w'], 'h'), node('Relu', ['h'], 'y')],
};

describe('a support report', () => {
  it('names operators that nobody has, once, with their nodes', async () => {
    const nodes = [node('Frobnicate', ['x'], 'h', {}, { name: 'a', domain: 'my.ops' }), node('Frobnicate', ['h'], 'y', {}, { name: 'b', domain: 'my.ops' })];
    expect(await report({ ...mlp, nodes, opset: { '': 17, 'my.ops': 1 } })).toMatchObject({
      supported: false,
      missing: [{ op: 'Frobnicate', domain: 'my.ops', nodes: ['a', 'b'], why: "Quern has no operator Frobnicate of domain 'my.ops'" }],
      opsets: { 'ai.onnx': 17, 'my.ops': 1 },
    });
  });
  it('looks into subgraphs', async () => {
    const branch = { graph: { outputs: { o: '' }, nodes: [node('Frobnicate', ['x'], 'o', {}, { name: 'inner' })] } };
    const { missing } = await report({ ...mlp, nodes: [node('If', ['x'], 'y', { then_branch: branch, else_branch: branch })] });
    expect(missing.find((m) => m.op === 'Frobnicate')?.nodes).toEqual(['inner', 'inner']);
  });
  it('counts weights, and activations where the file has their types', async () =>
    expect(await report(mlp, { N: 10 })).toMatchObject({ weightBytes: 64, memoryBytes: 64 + 10 * (8 + 2) * 4 }));
  it('takes activations from the compiled program where the file has no types', async () => {
    const { values: _, ...bare } = mlp;
    // x is 10 x 8, y is 10 x 2 (in 64-byte units), and nothing is between them.
    expect(await report(bare, { N: 10 })).toMatchObject({ weightBytes: 64, memoryBytes: 64 + 320 + 128 });
  });
  it('does not guess sizes that depend on data', async () => {
    const found: ModelLiteral = { inputs: { x: 'float32[N]' }, outputs: { y: 'int64[1, M]' }, nodes: [node('NonZero', ['x'], 'h'), node('Identity', ['h'], 'y')] };
    expect(await report(found)).toMatchObject({ supported: true, memoryBytes: undefined });
  });
  it('of what is no model is an error', () => expect(support({ kind: 'bytes', bytes: new Uint8Array(0) })).rejects.toMatchObject({ code: 'invalid-model' }));
});
