import { describe, expect, it } from 'vitest';
import { viewAs } from '../../jit/expr/dtype.ts';
import { printGraph } from '../graph/print.ts';
import { loadGraph, loadHead, weightBytes } from './load-graph.ts';
import { type ModelLiteral, floats, ints, model, node, tensor } from './testing/build-model.ts';

const load = (literal: ModelLiteral) => loadGraph({ kind: 'bytes', bytes: model(literal) });
const text = async (literal: ModelLiteral): Promise<string> => printGraph(await load(literal));

const relu: ModelLiteral = {
  inputs: { x: 'float32[N, 3]' },
  outputs: { y: 'float32[N, 3]' },
  nodes: [node('Relu', ['x'], 'y')],
};

describe('a graph', () => {
  it('has inputs, constants, nodes and outputs', async () => {
    expect(await text({
      producer: 'by hand', name: 'g', opset: 13,
      inputs: { x: 'float32[N, 2]' },
      outputs: { y: 'float32[N, 2]' },
      initializers: { b: floats([2], [1, -2]) },
      nodes: [node('Add', ['x', 'b'], 'h'), node('LeakyRelu', ['h'], 'y', { alpha: 0.25 }, { name: 'act' })],
    })).toBe([
      'graph g (ai.onnx 13)',
      '  input x: float32[N, 2]',
      '  const b: float32[2] = [1, -2]',
      '  h = Add(x, b)  # Add_h',
      '  y = LeakyRelu(h) {alpha: 0.25}  # act',
      '  output y: float32[N, 2]',
    ].join('\n'));
  });

  it('keeps the producer', async () => expect((await load({ ...relu, producer: 'pytorch' })).producer).toBe('pytorch'));

  it('treats an input with an initializer as a constant', async () => {
    const graph = await load({
      ...relu, inputs: { x: 'float32[1]', w: 'float32[1]' }, initializers: { w: floats([1], [2]) }, nodes: [node('Mul', ['x', 'w'], 'y')],
    });
    expect(graph.inputs.map((v) => v.name)).toEqual(['x']);
  });

  it('turns Constant nodes into constants', async () => {
    const graph = await load({
      inputs: {}, outputs: { a: '', b: '', c: '' },
      nodes: [
        node('Constant', [], 'a', { value_int: 7 }),
        node('Constant', [], 'b', { value_floats: { floats: [1, 2] } }),
        node('Constant', [], 'c', { value: ints(-1) }),
      ],
    });
    expect(graph.nodes).toEqual([]);
    expect([...graph.constants].map(([name, c]) => [name, c.dtype, c.dims, [...viewAs(c.dtype, c.bytes)]])).toEqual([
      ['a', 'int64', [], [7n]], ['b', 'float32', [2], [1, 2]], ['c', 'int64', [1], [-1n]],
    ]);
  });

  it('puts nodes in order', async () => {
    const graph = await load({ ...relu, nodes: [node('Relu', ['h'], 'y'), node('Neg', ['x'], 'h')] });
    expect(graph.nodes.map((n) => n.op)).toEqual(['Neg', 'Relu']);
  });

  it('orders by what subgraphs capture', async () => {
    const branch = { graph: { outputs: { o: '' }, nodes: [node('Neg', ['h'], 'o')] } };
    const graph = await load({
      inputs: { x: 'float32[2]', c: 'bool[]' }, outputs: { y: '' },
      nodes: [node('If', ['c'], 'y', { then_branch: branch, else_branch: branch }), node('Relu', ['x'], 'h')],
    });
    expect(graph.nodes.map((n) => n.op)).toEqual(['Relu', 'If']);
  });

  it('makes node names unique', async () => {
    const graph = await load({ ...relu, nodes: [node('Neg', ['x'], 'h', {}, { name: 'n' }), node('Neg', ['h'], 'y', {}, { name: 'n' })] });
    expect(graph.nodes.map((n) => n.name)).toEqual(['n', 'n#2']);
  });

  it('drops trailing inputs that are left out', async () => {
    const graph = await load({ ...relu, nodes: [node('Clip', ['x', '', ''], 'y')] });
    expect(graph.nodes[0]?.inputs).toEqual(['x']);
  });

  it('clamps int64 attributes to exact numbers', async () => {
    const graph = await load({ ...relu, nodes: [node('Slice', ['x'], 'y', { ends: { ints: [2 ** 63 - 1024] }, starts: { ints: [-1] } })] });
    expect(graph.nodes[0]?.attributes.get('ends')).toEqual({ type: 'ints', value: [Number.MAX_SAFE_INTEGER] });
    expect(graph.nodes[0]?.attributes.get('starts')).toEqual({ type: 'ints', value: [-1] });
  });

  it('has the same text from bytes, Blob and a stream of single bytes', async () => {
    const bytes = model({ ...relu, initializers: { w: floats([100, 100], Array.from({ length: 10000 }, (_, i) => i)) }, nodes: [node('Gemm', ['x', 'w'], 'y')] });
    const single = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < bytes.length; i++) controller.enqueue(bytes.slice(i, i + 1));
        controller.close();
      },
    });
    const graphs = await Promise.all([
      loadGraph({ kind: 'bytes', bytes }), loadGraph({ kind: 'blob', blob: new Blob([bytes as Uint8Array<ArrayBuffer>]) }), loadGraph({ kind: 'stream', stream: single }),
    ]);
    for (const graph of graphs) {
      expect(printGraph(graph)).toBe(printGraph(graphs[0]));
      expect(viewAs('float32', graph.constants.get('w')?.bytes ?? new Uint8Array())[9999]).toBe(9999);
    }
  });
});

describe('the head of a graph', () => {
  it('has large constants without bytes, and their size', async () => {
    const w = floats([100, 100], new Array<number>(10000).fill(1));
    const graph = await loadHead({ kind: 'bytes', bytes: model({ ...relu, initializers: { w, s: ints(1, 2) }, nodes: [node('Gemm', ['x', 'w'], 'y')] }) });
    expect(graph.constants.get('w')?.released).toBe(true);
    expect(graph.constants.get('s')?.released).toBe(false);
    expect(weightBytes(graph)).toBe(40016);
  });
});

describe('dims', () => {
  const shape = async (inputs: Record<string, string>): Promise<string> =>
    (await text({ inputs, outputs: { y: '' }, nodes: [node('Relu', [Object.keys(inputs)[0] ?? ''], 'y')] })).split('\n').filter((l) => l.includes('input')).join('');
  const symbols = async (inputs: Record<string, string>): Promise<Record<string, number>> => {
    const graph = await load({ inputs, outputs: { y: '' }, nodes: [node('Relu', [Object.keys(inputs)[0] ?? ''], 'y')] });
    return Object.fromEntries(graph.inputs.flatMap((v) => v.type?.shape ?? []).flatMap((e) => (e.op === 'sym' ? [[e.name, e.min]] : [])));
  };
  it('without size or name are named after the input', async () => expect(await shape({ x: 'float32[?, -1, 3]' })).toBe('  input x: float32[x_0, x_1, 3]'));
  it('with a formula of known names are arithmetic', async () =>
    expect(await shape({ ids: 'int64[b, s]', past: 'float32[b, p]', mask: 'int64[b, p + s]' })).toMatch(/mask: int64\[b, \((s \+ p|p \+ s)\)\]/));
  it('with a formula of unknown names are symbols', async () => expect(await symbols({ x: 'float32[a + b]' })).toEqual({ 'a + b': 1 }));
  it('may be 0 where only a cache carries them', async () =>
    expect(await symbols({ ids: 'int64[b, s]', past_k_0: 'float32[b, 4, p, 8]' })).toEqual({ b: 1, s: 1, p: 0 }));
});

describe('functions', () => {
  const scale = {
    name: 'Scale', domain: 'local', inputs: ['a', 'f'], outputs: ['r'], attributes: { axis: 1 },
    nodes: [
      node('Mul', ['a', 'f'], 't'),
      { ...node('Softmax', ['t'], 'r'), attributes: { axis: { reference: 'axis' } } },
    ],
  };
  const twice: ModelLiteral = {
    opset: { '': 17, local: 1 }, inputs: { x: 'float32[2, 2]', f: 'float32[]' }, outputs: { y: '' }, functions: [scale],
    nodes: [node('Scale', ['x', 'f'], 'h', { axis: 0 }, { domain: 'local', name: 'first' }), node('Scale', ['h', 'f'], 'y', {}, { domain: 'local' })],
  };
  it('are inlined, with attributes of the call and defaults', async () => {
    expect((await text(twice)).split('\n').slice(3, 7)).toEqual([
      '  first/t = Mul(x, f)  # Mul_first/t',
      '  h = Softmax(first/t) {axis: 0}  # Softmax_h',
      '  Scale_y/t = Mul(h, f)  # Mul_Scale_y/t',
      '  y = Softmax(Scale_y/t) {axis: 1}  # Softmax_y',
    ]);
  });
  it('keep the opset they import', async () => {
    const graph = await load({ ...twice, functions: [{ ...scale, opset: 11 }] });
    expect(graph.nodes.map((n) => n.opset)).toEqual([11, 11, 11, 11]);
  });
  it('rename values that their subgraphs capture', async () => {
    const branch = { graph: { outputs: { o: '' }, nodes: [node('Neg', ['t'], 'o')] } };
    const graph = await load({
      ...twice, functions: [{ ...scale, nodes: [node('Mul', ['a', 'f'], 't'), node('If', ['f'], 'r', { then_branch: branch, else_branch: branch })] }],
    });
    expect(printGraph(graph)).toContain('first/o = Neg(first/t)');
  });
  it('that hand an input on become Identity', async () => {
    const graph = await load({ ...twice, functions: [{ ...scale, outputs: ['a'] }] });
    expect(graph.nodes.filter((n) => n.op === 'Identity').map((n) => [n.inputs, n.outputs])).toEqual([[['x'], ['h']], [['h'], ['y']]]);
  });
  it('that call themselves are refused', async () => {
    const loop = { ...scale, nodes: [node('Scale', ['a', 'f'], 'r', {}, { domain: 'local' })] };
    await expect(load({ ...twice, functions: [loop] })).rejects.toThrow('a function calls itself');
  });
});

describe('external data', () => {
  const weights = Float32Array.from({ length: 8 }, (_, i) => i);
  const bytes = new Uint8Array(weights.buffer);
  const external = (offset: number, location = 'w.bin') => ({ ...floats([2, 2], [0, 0, 0, 0]), external: { location, offset, length: 16 } });
  const split: ModelLiteral = {
    ...relu, initializers: { b: external(16), a: external(0), tied: external(16), between: external(8) },
    nodes: [node('Sum', ['x', 'a', 'b'], 'y')],
  };
  const source = { kind: 'bytes', bytes: model(split) } as const;

  it('is read from the files given, in any order and overlapping', async () => {
    const graph = await loadGraph(source, { 'w.bin': { kind: 'blob', blob: new Blob([bytes]) } });
    const values = Object.fromEntries([...graph.constants].map(([name, c]) => [name, [...viewAs('float32', c.bytes)]]));
    expect(values).toEqual({ a: [0, 1, 2, 3], b: [4, 5, 6, 7], tied: [4, 5, 6, 7], between: [2, 3, 4, 5] });
  });
  it('names the file that is missing', async () => {
    await expect(loadGraph(source, { 'other.bin': { kind: 'bytes', bytes } })).rejects.toMatchObject({
      code: 'missing-external-data', expected: "option externalData with an entry 'w.bin'", got: "'other.bin'",
    });
  });
  it('that is too short says for which tensor', async () => {
    await expect(loadGraph(source, { 'w.bin': { kind: 'bytes', bytes: bytes.subarray(0, 20) } })).rejects.toThrow(
      "the external file 'w.bin' is too short for tensor 'b'",
    );
  });
  it('is not fetched from outside the folder of the model', async () => {
    for (const location of ['../w.bin', '/etc/w.bin', 'https://example.org/w.bin']) {
      const bad = model({ ...split, initializers: { a: external(0, location) } });
      const url = `http://localhost:1/m.onnx`;
      const fetched = globalThis.fetch;
      globalThis.fetch = () => Promise.resolve(new Response(bad as Uint8Array<ArrayBuffer>));
      try {
        await expect(loadGraph({ kind: 'url', url })).rejects.toMatchObject({ code: 'missing-external-data', got: 'a location outside the folder of the model' });
      } finally {
        globalThis.fetch = fetched;
      }
    }
  });
});

describe('what is refused', () => {
  const refused = (literal: Partial<ModelLiteral>) => expect(load({ ...relu, ...literal })).rejects;
  it('a value that nothing produces', () =>
    refused({ nodes: [node('Relu', ['z'], 'y')] }).toMatchObject({ code: 'invalid-model', node: 'Relu_y', message: "Relu node 'Relu_y': the value 'z' is read, but nothing produces it" }));
  it('a value defined twice', () => refused({ nodes: [node('Relu', ['x'], 'y'), node('Neg', ['x'], 'y')] }).toThrow("the value 'y' is defined twice"));
  it('a node that overwrites an input', () => refused({ nodes: [node('Relu', ['x'], 'x'), node('Relu', ['x'], 'y')] }).toThrow());
  it('a cycle, with its nodes', () =>
    refused({ nodes: [node('Add', ['x', 'b'], 'y', {}, { name: 'p' }), node('Neg', ['y'], 'b', {}, { name: 'q' })] }).toMatchObject({
      code: 'invalid-model', got: "'p' needs 'q' needs 'p'",
    }));
  it('an output that nothing produces', () => refused({ outputs: { q: '' } }).toThrow("the output 'q' is not produced by anything"));
  it('an input without a rank', () => refused({ inputs: { x: 'float32' } }).toMatchObject({ code: 'unsupported-model', message: /^input 'x' has no shape/ }));
  it('a strange element type, by the name of the tensor', () => {
    const strings = tensor('float32', [1], [0]);
    const bytes = model({ ...relu, initializers: { names: strings } });
    // data_type 1 becomes 8 in the initializer (dims 0a 01 01, then 10 01).
    const at = bytes.findIndex((_, i) => [0x0a, 1, 1, 0x10, 1].every((b, k) => bytes[i + k] === b));
    bytes[at + 4] = 8;
    return expect(loadGraph({ kind: 'bytes', bytes })).rejects.toMatchObject({ code: 'unsupported-dtype', message: /^initializer 'names' has elements of type string/ });
  });
});
