/** Winograd's convolutions against the plain ones: how far results lie apart, and that kernels stay inside their tensors. */
import { describe, expect, it } from 'vitest';
import { runKernel } from '../../jit/backends/reference/index.ts';
import { viewAs } from '../../jit/expr/dtype.ts';
import { asInt, product } from '../../jit/expr/expr.ts';
import { cpu } from '../../jit/fuzz/devices.ts';
import { type Value, f32 } from '../testing/control-cases.ts';
import { type GraphSpec, convolution, graph, noise } from '../testing/graphs.ts';
import { runOn } from '../testing/run-control.ts';
import { planModel } from './compile-model.ts';

/** All outputs, exact and fast. */
async function both(spec: GraphSpec, fma: boolean): Promise<[Float32Array[], Float32Array[]]> {
  const run = async (precision: 'exact' | 'fast'): Promise<Float32Array[]> => {
    const outputs: Float32Array[] = [];
    await runOn({ main: await cpu({ fma, maxBytes: 2 ** 26 }) }, spec, async (go) => {
      const feeds = Object.entries(spec.inputs).map(([name, given]): [string, Value] => {
        const dims = ('dims' in given ? given.dims : given).map(Number);
        return [name, f32(dims, [...noise(dims, name)])];
      });
      const results = await go(Object.fromEntries(feeds));
      for (const t of Object.values(results)) if (t.kind === 'bytes') outputs.push(Float32Array.from(viewAs('float32', t.bytes) as Float32Array));
    }, { precision });
    return outputs;
  };
  return [await run('exact'), await run('fast')];
}

it.each<[string, GraphSpec]>([
  ['no padding', convolution([1, 16, 13, 18], [20, 16, 3, 3], { pads: [0, 0, 0, 0] })],
  ['padding on one side', convolution([1, 16, 13, 18], [20, 16, 3, 3], { pads: [1, 0, 0, 1] })],
])('kernels read inside their tensors: %s', async (_, spec) => {
  const { segments } = planModel(graph(spec), { main: await cpu({ fma: false, maxBytes: 2 ** 26 }) }, { precision: 'fast', dims: {} });
  for (const { kernel } of segments.flatMap((s) => s.steps)) {
    const bytes = kernel.args.map(({ shape }) => new Uint8Array(4 * (asInt(product(shape)) ?? 0)));
    expect(() => { runKernel(kernel, [], bytes); }).not.toThrow();
  }
});

/** The difference over the values, both as lengths of vectors. */
function apart(want: Float32Array, got: Float32Array): number {
  let [difference, whole] = [0, 0];
  want.forEach((v, i) => {
    difference += (v - (got[i] ?? NaN)) ** 2;
    whole += v * v;
  });
  return Math.sqrt(difference / whole);
}

describe.each([true, false])('results, multiply-adds fused: %s', (fma) => {
  const channels = { x: [2, 16, 13, 18], w: [20, 16, 3, 3] };
  it.each<[string, GraphSpec]>([
    ['sizes that tiles do not divide, two pictures', convolution(channels.x, channels.w)],
    ['sizes that they do', convolution([1, 16, 16, 20], [16, 16, 3, 3])],
    ['channels that vectors do not divide', convolution([1, 17, 15, 15], [19, 17, 3, 3])],
    ['no padding', convolution(channels.x, channels.w, { pads: [0, 0, 0, 0] })],
    ['uneven padding', convolution(channels.x, channels.w, { pads: [0, 2, 1, 0] })],
    ['a bias, a residual and an activation', {
      inputs: { x: channels.x, z: [2, 20, 13, 18] }, weights: { w: channels.w, b: [20] }, outputs: ['y'],
      nodes: [['Conv', 'x w b', 'c', { pads: [1, 1, 1, 1] }], ['Add', 'c z', 's'], ['Relu', 's', 'y']],
    }],
    ['one behind the other', {
      inputs: { x: [1, 16, 14, 14] }, weights: { v: [24, 16, 3, 3], w: [16, 24, 3, 3] }, outputs: ['y'],
      nodes: [['Conv', 'x v', 'c', { pads: [1, 1, 1, 1] }], ['Relu', 'c', 'r'], ['Conv', 'r w', 'y', { pads: [1, 1, 1, 1] }]],
    }],
    ['as slices of a concatenation', {
      inputs: { x: channels.x }, weights: { w: channels.w, v: [6, 16, 1, 1], u: [5, 26, 1, 1] }, outputs: ['y'],
      nodes: [
        ['Conv', 'x w', 'a', { pads: [1, 1, 1, 1] }], ['Conv', 'x v', 'b'], ['Concat', 'a b', 'c', { axis: 1 }], ['Conv', 'c u', 'y'],
      ],
    }],
  ])('%s', async (_, spec) => {
    const [want, got] = await both(spec, fma);
    expect(got.length).toBe(want.length);
    for (const [i, w] of want.entries()) {
      const distance = apart(w, got[i] ?? new Float32Array(0));
      // Not the same bits, or nothing was done.
      expect(distance).toBeGreaterThan(0);
      expect(distance).toBeLessThan(2e-6);
    }
  });
});

/** Convolutions of any size, padding, batch and ending, the same for the same seed. */
function anyConvolution(seed: number): GraphSpec {
  const numbers = noise([16], `convolution ${seed}`);
  let at = 0;
  const pick = (least: number, most: number): number => least + Math.floor((((numbers[at++] ?? 0) + 1) / 2) * (most - least + 1));
  const [batch, into, out, height, width] = [pick(1, 2), pick(16, 21), pick(16, 21), pick(12, 23), pick(12, 23)];
  const pads = [pick(0, 3), pick(0, 3), pick(0, 3), pick(0, 3)];
  const { inputs, weights, nodes } = convolution([batch, into, height, width], [out, into, 3, 3], { pads });
  const result = [batch, out, height + (pads[0] ?? 0) + (pads[2] ?? 0) - 2, width + (pads[1] ?? 0) + (pads[3] ?? 0) - 2];
  switch (pick(0, 3)) {
    case 0: return { inputs, weights: weights ?? {}, nodes, outputs: ['y'] };
    case 1: return { inputs, weights: weights ?? {}, nodes: [...nodes, ['Relu', 'y', 'r'], ['Transpose', 'r', 'z', { perm: [0, 2, 3, 1] }]], outputs: ['z'] };
    case 2: return { inputs: { ...inputs, s: result }, weights: weights ?? {}, nodes: [...nodes, ['Add', 'y s', 'a'], ['Sigmoid', 'a', 'z']], outputs: ['z'] };
    default: return { inputs, weights: weights ?? {}, nodes: [...nodes, ['Neg', 'y', 'n'], ['Concat', 'y n', 'z', { axis: 1 }]], outputs: ['z', 'y'] };
  }
}

describe('convolutions of any size, padding and ending', () => {
  it.each(Array.from({ length: 24 }, (_, seed) => seed))('seed %i', async (seed) => {
    const [want, got] = await both(anyConvolution(seed), seed % 2 === 0);
    for (const [i, w] of want.entries()) expect(apart(w, got[i] ?? new Float32Array(0))).toBeLessThan(2e-6);
  });
});
