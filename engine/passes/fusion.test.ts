import { describe, expect, it } from 'vitest';
import { bodyText } from '../../jit/kernel.ts';
import { lowerGraph } from '../ops/lower.ts';
import { type GraphSpec, graph } from '../testing/graphs.ts';
import { runGraphPasses, runProgramPasses } from './pipeline.ts';

/** What is left to run: the kind of each computation, and which operators went into it. */
function fused(spec: GraphSpec, panel = 0): string[] {
  const program = runProgramPasses(lowerGraph(runGraphPasses(graph(spec))), panel);
  return program.computations.map((c) => `${c.body.kind}: ${[...new Set(c.origins.map((o) => o.op))].join(' ')}`);
}
const bodies = (spec: GraphSpec): string[] =>
  runProgramPasses(lowerGraph(runGraphPasses(graph(spec))), 0).computations.flatMap((c) => bodyText(c.body));

describe('fusion', () => {
  it('bias and activation go into the MatMul', () => {
    expect(fused({
      inputs: { x: ['B', 64] }, weights: { w: [64, 32], b: [32] }, outputs: ['y'],
      nodes: [['MatMul', 'x w', 'm'], ['Add', 'm b', 'a'], ['Relu', 'a', 'y']],
    })).toEqual(['contraction: MatMul Add Relu']);
  });

  it('splitting into heads is where the MatMul stores, not a kernel', () => {
    expect(fused({
      inputs: { x: ['B', 'S', 64] }, weights: { w: [64, 64], b: [64] }, ints: { heads: [0, 0, 4, 16] }, outputs: ['y'],
      nodes: [['MatMul', 'x w', 'm'], ['Add', 'm b', 'a'], ['Reshape', 'a heads', 'r'], ['Transpose', 'r', 'y', { perm: [0, 2, 1, 3] }]],
    })).toEqual(['contraction: MatMul Add Reshape Transpose']);
  });

  it('a bias that is looked up by constants is looked up once, not where the MatMul stores', () => {
    expect(fused({
      inputs: { x: [4, 64] }, weights: { w: [64, 8], table: [9, 4] }, ints: { which: [0, 3, 5, 8, 2, 2, 1, 7] }, outputs: ['y'],
      nodes: [['MatMul', 'x w', 'm'], ['Gather', 'table which', 'g'], ['Transpose', 'g', 't'], ['Add', 'm t', 'y']],
    })).toEqual(['map: Gather Transpose', 'contraction: MatMul Add']);
  });

  it('an elementwise chain is one map', () => {
    expect(fused({
      inputs: { x: [2, 3, 'W'], z: [3, 1] }, outputs: ['y'],
      nodes: [['Sigmoid', 'x', 's'], ['Mul', 'x s', 'm'], ['Add', 'm z', 'a'], ['Neg', 'a', 'y']],
    })).toEqual(['map: Sigmoid Mul Add Neg']);
  });

  it('an exported LayerNorm is one row program', () => {
    expect(fused({
      opset: 13, inputs: { x: ['B', 'S', 64] }, weights: { g: [64], b: [64] }, floats: { two: 2, eps: 1e-5 }, outputs: ['y'],
      nodes: [
        ['ReduceMean', 'x', 'mean', { axes: [-1] }], ['Sub', 'x mean', 'd'], ['Pow', 'd two', 'sq'], ['ReduceMean', 'sq', 'var', { axes: [-1] }],
        ['Add', 'var eps', 've'], ['Sqrt', 've', 'sd'], ['Div', 'd sd', 'n'], ['Mul', 'n g', 's'], ['Add', 's b', 'y'],
      ],
    })).toEqual(['rows: Pow ReduceMean Add Sqrt Sub Div Mul']);
  });

  it('a batch of one changes nothing of that', () => {
    expect(fused({
      inputs: { x: [1, 128, 64] }, weights: { g: [64], b: [64] }, floats: { two: 2, eps: 1e-5 }, outputs: ['y'],
      nodes: [
        ['ReduceMean', 'x', 'mean', { axes: [-1] }], ['Sub', 'x mean', 'd'], ['Pow', 'd two', 'sq'], ['ReduceMean', 'sq', 'var', { axes: [-1] }],
        ['Add', 'var eps', 've'], ['Sqrt', 've', 'sd'], ['Div', 'd sd', 'n'], ['Mul', 'n g', 's'], ['Add', 's b', 'y'],
      ],
    })).toHaveLength(1);
  });

  it('a residual goes into the convolution before it', () => {
    expect(fused({
      inputs: { x: [1, 8, 10, 10] }, weights: { w: [8, 8, 3, 3], b: [8] }, outputs: ['y'],
      nodes: [['Conv', 'x w b', 'c', { pads: [1, 1, 1, 1] }], ['Add', 'c x', 'a'], ['Relu', 'a', 'y']],
    })).toEqual(['contraction: Conv Add Relu']);
  });

  it('BatchNormalization leaves no trace in what runs', () => {
    const kinds = fused({
      inputs: { x: [1, 4, 6, 6] }, weights: { w: [8, 4, 3, 3], s: [8], b: [8], m: [8], v: [8] }, outputs: ['y'],
      nodes: [['Conv', 'x w', 'c'], ['BatchNormalization', 'c s b m v', 'y']],
    });
    expect(kinds.filter((k) => k.startsWith('contraction'))).toEqual(['contraction: Conv']);
  });

  it('transpose and reshape between maps leave only index arithmetic', () => {
    expect(bodies({
      inputs: { x: [2, 6, 4] }, ints: { flat: [-1] }, outputs: ['y'],
      nodes: [['Relu', 'x', 'r'], ['Transpose', 'r', 't', { perm: [0, 2, 1] }], ['Reshape', 't flat', 'y']],
    }).length).toBe(2);
  });

  it('weights are packed by a map of their own, transposed in passing', () => {
    expect(fused({
      inputs: { x: ['B', 64] }, weights: { w: [30, 64] }, outputs: ['y'],
      nodes: [['Transpose', 'w', 't', { perm: [1, 0] }], ['MatMul', 'x t', 'y']],
    }, 8)).toEqual(['map: Transpose MatMul', 'contraction: Transpose MatMul']);
  });

  it('a convolution to one channel is a product whose lanes are channels, and a sum of these', () => {
    expect(fused({
      inputs: { x: ['B', 8, 20, 20] }, weights: { w: [1, 8, 3, 3], b: [1] }, outputs: ['y'],
      nodes: [['Conv', 'x w b', 'c', { pads: [1, 1, 1, 1] }], ['Sigmoid', 'c', 'y']],
    }, 8)).toEqual(['map: Conv Sigmoid', 'contraction: Conv Sigmoid', 'rows: Conv Sigmoid']);
  });

  it('one channel to one has lanes along the window, unless padding cuts through them', () => {
    const kinds = (pads: readonly number[]): number => fused({
      inputs: { x: [1, 1, 1000] }, weights: { w: [1, 1, 256] }, outputs: ['y'], nodes: [['Conv', 'x w', 'y', { pads }]],
    }, 8).length;
    expect(kinds([0, 0])).toBe(3);
    expect(kinds([8, 8])).toBe(1);
  });

  it('few columns are packed in panels of one vector, many in wide ones', () => {
    const panel = (columns: number): number | undefined => {
      const { computations } = runProgramPasses(lowerGraph(graph({
        inputs: { x: ['B', 64] }, weights: { w: [64, columns] }, outputs: ['y'], nodes: [['MatMul', 'x w', 'y']],
      })), 8);
      return computations.flatMap(({ body }) => (body.kind === 'contraction' ? [body.panel] : []))[0];
    };
    expect([3, 4, 5, 9, 12, 13, 17, 20, 30].map(panel)).toEqual([4, 4, 8, 4, 4, 8, 8, 8, 8]);
  });
});
