/** Which convolutions become Winograd's. */
import { describe, expect, it } from 'vitest';
import { lowerGraph } from '../ops/lower.ts';
import { type GraphSpec, convolution, graph } from '../testing/graphs.ts';
import { runGraphPasses, runProgramPasses } from './pipeline.ts';

/** Kernel classes of what is left, in order. */
const kinds = (spec: GraphSpec, panel = 8, precision: 'exact' | 'fast' = 'fast'): string[] =>
  runProgramPasses(lowerGraph(runGraphPasses(graph(spec))), panel, { precision }).computations.map((c) => c.body.kind);

const [packed, parts] = [['map', 'contraction'], ['loop', 'loop', 'map', 'contraction', 'loop']];

describe('which convolutions', () => {
  const x = [1, 16, 16, 16];
  it.each<[string, GraphSpec, readonly string[]]>([
    ['3x3 taps over 16 channels and more', convolution(x, [24, 16, 3, 3]), parts],
    ['of any padding', convolution(x, [24, 16, 3, 3], { pads: [2, 0, 1, 3] }), parts],
    ['stride 2', convolution([1, 16, 32, 32], [24, 16, 3, 3], { strides: [2, 2] }), packed],
    ['taps apart', convolution(x, [24, 16, 3, 3], { dilations: [2, 2], pads: [2, 2, 2, 2] }), packed],
    ['5x5 taps', convolution(x, [24, 16, 5, 5]), packed],
    ['3x1 taps', convolution(x, [24, 16, 3, 1]), packed],
    ['few channels', convolution([1, 8, 16, 16], [24, 8, 3, 3]), packed],
    ['few results', convolution(x, [8, 16, 3, 3]), packed],
    ['few tiles', convolution([1, 16, 8, 8], [24, 16, 3, 3]), packed],
    ['groups', convolution([1, 32, 16, 16], [32, 16, 3, 3], { group: 2 }), packed],
    ['taps that are fed', { ...convolution(x, [24, 16, 3, 3]), inputs: { x, w: [24, 16, 3, 3] }, weights: {} }, packed],
  ])('%s', (_, spec, want) => {
    expect(kinds(spec)).toEqual(want);
  });

  it('none in the exact class, and none on a GPU', () => {
    expect(kinds(convolution(x, [24, 16, 3, 3]), 8, 'exact')).toEqual(packed);
    expect(kinds(convolution(x, [24, 16, 3, 3]), 0)).toEqual(['contraction']);
  });
});
