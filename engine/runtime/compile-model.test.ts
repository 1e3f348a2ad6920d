import { describe, expect, it } from 'vitest';
import { bytesUnder, viewAs } from '../../jit/expr/dtype.ts';
import { makeReferenceDevice } from '../../jit/backends/reference/index.ts';
import { asInt } from '../../jit/expr/expr.ts';
import { cpu } from '../../jit/fuzz/devices.ts';
import { Constant } from '../graph/graph.ts';
import { loadGraph } from '../load/load-graph.ts';
import { type NodeLiteral, type TensorLiteral, floats, model, node, tensor } from '../load/testing/build-model.ts';
import { passNames } from '../passes/pipeline.ts';
import { type GraphSpec, graph, noise } from '../testing/graphs.ts';
import { compileModel, planModel } from './compile-model.ts';
import type { WireTensor } from './model.ts';

const feed = (dims: readonly number[], seed: string): WireTensor =>
  ({ kind: 'bytes', dtype: 'float32', dims, bytes: bytesUnder(noise(dims, seed)) });

type Outputs = Record<string, number[]>;

async function run(spec: GraphSpec, dims: Record<string, readonly number[]>, skip: ReadonlySet<string>, panel: number): Promise<Outputs> {
  const device = makeReferenceDevice({ panel });
  const { executor } = compileModel(graph(spec), { main: device }, { precision: 'exact', dims: {}, skip });
  await executor.residence.prepare(() => undefined);
  const feeds = Object.fromEntries(Object.entries(dims).map(([name, d]) => [name, feed(d, name)]));
  const results = await executor.run({ feeds });
  executor.dispose();
  expect(device.memory().used).toBe(0);
  return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, t.kind === 'bytes' ? Array.from(viewAs(t.dtype, t.bytes), Number) : []]));
}

const all = new Set(passNames);

const cases: Record<string, { spec: GraphSpec; dims: Record<string, readonly number[]> }> = {
  'attention block with symbolic dims': {
    spec: {
      inputs: { x: ['B', 'S', 32] }, weights: { q: [32, 32], k: [32, 32], v: [32, 32], o: [32, 32] },
      ints: { heads: [0, 0, 4, 8], flat: [0, 0, 32] }, floats: { scale: 0.3535 }, outputs: ['y'],
      nodes: [
        ['MatMul', 'x q', 'q1'], ['Reshape', 'q1 heads', 'q2'], ['Transpose', 'q2', 'q3', { perm: [0, 2, 1, 3] }],
        ['MatMul', 'x k', 'k1'], ['Reshape', 'k1 heads', 'k2'], ['Transpose', 'k2', 'k3', { perm: [0, 2, 3, 1] }],
        ['MatMul', 'x v', 'v1'], ['Reshape', 'v1 heads', 'v2'], ['Transpose', 'v2', 'v3', { perm: [0, 2, 1, 3] }],
        ['MatMul', 'q3 k3', 's'], ['Mul', 's scale', 's2'], ['Softmax', 's2', 'p', { axis: -1 }], ['MatMul', 'p v3', 'a'],
        ['Transpose', 'a', 'a2', { perm: [0, 2, 1, 3] }], ['Reshape', 'a2 flat', 'a3'], ['MatMul', 'a3 o', 'r'], ['Add', 'r x', 'y'],
      ],
    },
    dims: { x: [2, 5, 32] },
  },
  'convolutions, pooling and a residual': {
    spec: {
      inputs: { x: [1, 3, 9, 7] }, weights: { w: [6, 3, 3, 3], b: [6], d: [6, 1, 3, 3], p: [6, 6, 1, 1], s: [6], m: [6] },
      floats: { v: [1, 2, 3, 1, 2, 3] }, outputs: ['y', 'g'],
      nodes: [
        ['Conv', 'x w b', 'c', { pads: [1, 1, 1, 1] }], ['Relu', 'c', 'r'],
        ['Conv', 'r d', 'dw', { pads: [1, 1, 1, 1], group: 6 }], ['BatchNormalization', 'dw s m m v', 'n'], ['Clip', 'n', 'cl'],
        ['Conv', 'cl p', 'pw'], ['Add', 'pw r', 'res'], ['MaxPool', 'res', 'y', { kernel_shape: [2, 2], strides: [2, 2] }],
        ['GlobalAveragePool', 'res', 'g'],
      ],
    },
    dims: { x: [1, 3, 9, 7] },
  },
  'shape arithmetic': {
    spec: {
      inputs: { x: ['B', 'S', 12] }, ints: { zero: [0], one: [1], minus: [-1], three: [3] }, outputs: ['y'],
      nodes: [
        ['Shape', 'x', 'sh'], ['Gather', 'sh zero', 'b'], ['Gather', 'sh one', 's'], ['Mul', 'b s', 'bs'],
        ['Concat', 'bs three minus', 'target', { axis: 0 }], ['Reshape', 'x target', 'r'], ['Transpose', 'r', 't', { perm: [1, 0, 2] }], ['Relu', 't', 'y'],
      ],
    },
    dims: { x: [2, 5, 12] },
  },
};

describe('a fused model computes what the plain one computes', () => {
  for (const [name, { spec, dims }] of Object.entries(cases)) {
    it(name, async () => {
      const plain = await run(spec, dims, all, 0);
      for (const [panel, skip] of [[0, new Set<string>()], [8, new Set<string>()], [8, new Set(['inline-maps', 'merge-rows'])]] as const) {
        const fused = await run(spec, dims, skip, panel);
        for (const [output, values] of Object.entries(plain)) {
          const worst = Math.max(...values.map((v, i) => Math.abs(v - (fused[output]?.[i] ?? NaN))));
          expect(worst).toBeLessThan(1e-5);
        }
      }
    });
  }
});

it('refuses inputs smaller than the window that slides over them', async () => {
  const spec: GraphSpec = { inputs: { x: [1, 1, 'H', 'W'] }, weights: { w: [1, 1, 3, 3] }, outputs: ['y'], nodes: [['Conv', 'x w', 'y']] };
  await expect(run(spec, { x: [1, 1, 1, 1] }, new Set(), 8)).rejects.toMatchObject({ code: 'shape-mismatch', op: 'Conv', got: '[1, 1, -1, -1]' });
});

it('layers of a quantised model share a kernel, each with its own scale', async () => {
  const spec: GraphSpec = {
    inputs: { x: [1, 8] }, outputs: ['y', 'z'], floats: { small: [0.25], large: [0.5] }, ints: {},
    nodes: [['QuantizeLinear', 'x small', 'a'], ['DequantizeLinear', 'a small', 'y'], ['QuantizeLinear', 'x large', 'b'], ['DequantizeLinear', 'b large', 'z']],
  };
  const { segments } = planModel(graph(spec), { main: await cpu({ fma: false, maxBytes: 2 ** 26 }) }, { precision: 'exact', dims: {} });
  expect(new Set(segments.flatMap((s) => s.steps.map((step) => step.kernel))).size).toBe(1);
});

it('the range of many values is found line by line, and quantising walks over nothing else', async () => {
  const spec: GraphSpec = { inputs: { x: [2, 3, 40, 50] }, outputs: ['y', 'scale', 'zero'], nodes: [['DynamicQuantizeLinear', 'x', 'y scale zero']] };
  const { segments } = planModel(graph(spec), { main: await cpu({ fma: false, maxBytes: 2 ** 26 }) }, { precision: 'exact', dims: {} });
  const steps = segments.flatMap((s) => s.steps.map(({ kernel: { body } }) => (body.kind === 'rows' ? `rows ${String(body.axes.length)}` : body.kind)));
  expect(steps.toSorted()).toEqual(['map', 'rows 0', 'rows 0', 'rows 1', 'rows 1']);
});

describe('weights of few bits stay as they are: what is prepared of them is no larger', () => {
  const scales = floats([2 ** 15], new Array<number>(2 ** 15).fill(0.5));
  const prepared = async (nodes: readonly NodeLiteral[], initializers: Readonly<Record<string, TensorLiteral>>): Promise<string[]> => {
    const bytes = model({ opset: { '': 21, 'com.microsoft': 1 }, inputs: { x: 'float32[1,1024]' }, outputs: { y: 'float32' }, nodes, initializers });
    const loaded = await loadGraph({ kind: 'bytes', bytes });
    const constants = new Map([...loaded.constants].map(([name, c]) => [name, c.dtype === 'int8' ? new Constant('int8', c.dims, c.bytes, 'int4') : c]));
    const { tensors } = planModel({ ...loaded, constants }, { main: makeReferenceDevice({ panel: 8 }) }, { precision: 'exact', dims: {} });
    return [...tensors.values()].filter(({ source }) => source.kind === 'prepared').map(({ dtype, shape }) => `${dtype} ${shape.map(asInt).join()}`);
  };

  it('of MatMulNBits', async () => expect(await prepared(
    [node('MatMulNBits', ['x', 'w', 's'], 'y', { K: 1024, N: 1024, bits: 4, block_size: 32 }, { domain: 'com.microsoft' })],
    { w: tensor('uint8', [1024, 32, 16], new Array<number>(2 ** 19).fill(0x79)), s: scales },
  )).toEqual(['uint8 128,32,16,8', 'float32 128,32,8']));

  it('of DequantizeLinear before a product', async () => expect(await prepared(
    [node('DequantizeLinear', ['w', 's'], 'd', { axis: 0, block_size: 32 }), node('MatMul', ['x', 'd'], 'y')],
    { w: tensor('int8', [1024, 1024], new Array<number>(2 ** 20).fill(3)), s: { ...scales, dims: [32, 1024] } },
  )).toEqual(['int8 128,1024,8', 'float32 128,32,8']));
});
