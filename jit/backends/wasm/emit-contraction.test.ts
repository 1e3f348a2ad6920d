import { describe, expect, it } from 'vitest';
import { type Expr, add, constant, max, mul, symbol, unary } from '../../expr/expr.ts';
import { type Kernel, makeKernel } from '../../kernel.ts';
import { candidates, scheduleText } from '../../space.ts';
import { bytes } from '../conformance-convolutions.ts';
import { packed } from '../conformance-kit.ts';
import { runKernel } from '../reference/index.ts';
import { type Conv, type Options, convolution, inputsOf, product, start, testProfile } from './contraction-testing.ts';
import { methodOf } from './contraction-method.ts';
import { emitContraction } from './emit-contraction.ts';
import { contractionSpace } from './space-contraction.ts';

/** The output of one schedule, computed in pieces of units. */
function outputOf(kernel: Kernel, schedule: Readonly<Record<string, number>>, dims: readonly number[], piece = 1e9): Float32Array {
  const running = start(emitContraction(kernel, schedule), dims, inputsOf(kernel, dims));
  for (let unit = 0; unit < running.units; unit += piece) running.run(unit, Math.min(running.units, unit + piece));
  return running.view(2).slice();
}

/** mul+add in float32 against sums in float64: a bound from the length of the sums and the size of their terms. */
function expectNear(got: Float32Array, want: Float32Array, depth: number): void {
  const bound = depth * depth * 2 ** -23 + 1e-6;
  const wrong = [...got].findIndex((v, i) => !(Math.abs(v - (want[i] ?? NaN)) <= bound));
  expect(wrong === -1 ? 'near' : `element ${wrong}: ${got[wrong]} instead of ${want[wrong]}`).toBe('near');
}

function check(kernel: Kernel, dims: readonly number[] = [], depth = 64): void {
  const inputs = inputsOf(kernel, dims);
  const buffers = inputs.map((x) => new Uint8Array(x.slice().buffer));
  runKernel(kernel, dims, buffers);
  const want = new Float32Array(buffers[2]?.buffer ?? new ArrayBuffer(0));
  const space = contractionSpace(kernel, testProfile);
  if ('why' in space) throw new Error(space.why);
  const nest = outputOf(kernel, {}, dims);
  expectNear(nest, want, depth);
  for (const schedule of candidates(space)) {
    const bits = new Int32Array(outputOf(kernel, schedule, dims).buffer);
    const wrong = bits.findIndex((b, i) => b !== new Int32Array(nest.buffer)[i]);
    expect(wrong === -1 ? 'same bits' : `${scheduleText(schedule)}: element ${wrong} differs`).toBe('same bits');
  }
}

const relu = (acc: Expr, bias: Expr): Expr => max(add(acc, bias), constant(0, 'float32'));

/** Sixty schedules of several functions each are compiled for every kernel. */
const timeout = 60_000;

const gelu = (acc: Expr, bias: Expr): Expr => {
  const x = add(acc, bias);
  return mul(mul(x, 0.5), add(unary('erf', mul(x, Math.SQRT1_2)), 1));
};

describe('matrix products: every schedule gives the bits of the plain loop nest', { timeout }, () => {
  const sizes: (readonly [number, number, number])[] = [
    [1, 1, 1], [3, 5, 7], [5, 17, 3], [7, 33, 17], [17, 8, 33], [33, 64, 5], [1, 50, 40], [20, 24, 16],
  ];
  it.each(sizes)('%i x %i x %i', (m, n, k) => { check(product([m, n, k]), [], k); });
  it.each(sizes)('%i x %i x %i with bias and Relu', (m, n, k) => { check(product([m, n, k], { value: relu }), [], k); });
  it.each([4, 16])('panels of %i', (panel) => { check(product([7, 37, 19], { panel, value: relu }), [], 19); });
  it('a long computation on the sum', () => { check(product([5, 20, 9], { value: gelu }), [], 9); });
  it('rhs as it is', () => { check(product([7, 36, 19], { panel: 0 }), [], 19); });
  it('rhs as it is, its columns no whole vectors', () => { check(product([7, 37, 19], { panel: 0 }), [], 19); });
  it('one column', () => { check(product([9, 1, 30], { panel: 0 }), [], 30); });
  it('symbolic dims', () => {
    const kernel = product([symbol('M', 1), symbol('N', 1), symbol('K', 1)], { value: relu });
    for (const dims of [[1, 1, 1], [3, 17, 5], [13, 40, 9]]) check(kernel, dims, 9);
  });
  it('a batch with weights of its own', () => { check(product([5, 20, 9], { batch: 3, shared: false }), [], 9); });
  it('a symbolic batch', () => { check(product([symbol('M', 1), 20, 9], { batch: symbol('B', 1), shared: false }), [3, 5], 9); });
  it('a batch that shares weights', () => { check(product([5, 20, 9], { batch: 3 }), [], 9); });
  it('an output stored by columns', () => { check(product([6, 20, 9], { batch: 2, order: [0, 2, 1], value: relu }), [], 9); });
  it('units in pieces', () => {
    const kernel = product([29, 40, 8]);
    for (const block of [0, 1, 2]) {
      const schedule = { rows: 4, panels: 2, unroll: 4, block };
      expect(outputOf(kernel, schedule, [], 3)).toEqual(outputOf(kernel, {}, []));
    }
  });
});

describe('convolutions: every schedule gives the bits of the plain loop nest', { timeout }, () => {
  const cases: Record<string, Conv & Options> = {
    '1x1': { size: [5, 7], channels: 6, outputs: 10, kernel: 1 },
    '3x3 with padding': { images: 2, size: [6, 7], channels: 5, outputs: 9, kernel: 3, pad: 1 },
    '3x3 without padding': { size: [6, 7], channels: 3, outputs: 16, kernel: 3 },
    'stride 2': { size: [9, 8], channels: 4, outputs: 8, kernel: 3, stride: 2, pad: 1 },
    '7x7 stride 2 of 3 channels': { size: [14, 15], channels: 3, outputs: 8, kernel: 7, stride: 2, pad: 3 },
    'one channel': { size: [8, 8], channels: 1, outputs: 8, kernel: 5, pad: 2 },
    'dilation 2': { size: [9, 9], channels: 4, outputs: 8, kernel: 3, dilation: 2, pad: 2 },
    'groups': { size: [6, 6], channels: 8, outputs: 12, kernel: 3, pad: 1, groups: 2 },
    'padding wider than the image': { size: [2, 2], channels: 4, outputs: 8, kernel: 5, pad: 4 },
    'channels first in and out': { size: [6, 5], channels: 4, outputs: 9, kernel: 3, pad: 1, inputOrder: [0, 3, 1, 2], outputOrder: [0, 3, 1, 2] },
    'bias and Relu': { size: [6, 5], channels: 4, outputs: 9, kernel: 3, pad: 1, value: relu },
  };
  it.each(Object.entries(cases))('%s', (_, spec) => {
    check(convolution(spec, spec), [], spec.kernel * spec.kernel * spec.channels);
  });
  const depthwise: Record<string, Conv & Options> = {
    '3x3': { images: 2, size: [5, 9], channels: 12, outputs: 12, kernel: 3, pad: 1 },
    'stride 2': { size: [9, 9], channels: 8, outputs: 8, kernel: 3, stride: 2, pad: 1 },
    '5x5 dilation 2 of 7 channels': { size: [7, 11], channels: 7, outputs: 7, kernel: 5, dilation: 2, pad: 4 },
    'no padding': { size: [5, 8], channels: 20, outputs: 20, kernel: 3 },
    'bias and Relu': { size: [6, 6], channels: 10, outputs: 10, kernel: 3, pad: 1, value: relu },
    'channels first': { size: [6, 5], channels: 5, outputs: 5, kernel: 3, pad: 1, inputOrder: [0, 3, 1, 2], outputOrder: [0, 3, 1, 2] },
    'padding wider than the image': { size: [2, 3], channels: 4, outputs: 4, kernel: 5, pad: 4 },
  };
  it.each(Object.entries(depthwise))('depthwise: %s', (_, spec) => {
    check(convolution({ ...spec, depthwise: true }, spec), [], spec.kernel * spec.kernel);
  });
  it('depthwise: symbolic height and width', () => {
    const kernel = convolution({ size: [symbol('H', 3), symbol('W', 3)], channels: 8, outputs: 8, kernel: 3, pad: 1, depthwise: true });
    for (const dims of [[3, 3], [5, 10]]) check(kernel, dims, 9);
  });
  it('symbolic height and width', () => {
    const kernel = convolution({ images: symbol('N', 1), size: [symbol('H', 3), symbol('W', 3)], channels: 4, outputs: 8, kernel: 3, pad: 1 });
    for (const dims of [[1, 3, 3], [2, 5, 7]]) check(kernel, dims, 36);
  });
});

describe('listings', () => {
  const listing = (kernel: Kernel, schedule: Readonly<Record<string, number>>): string => emitContraction(kernel, schedule).source();
  it('a tile of 2 x 8 with bias and Relu, the last one of a row computed again', async () => {
    const kernel = product([7, 16, 32], { value: relu, fma: true });
    await expect(listing(kernel, { rows: 2, panels: 1, unroll: 2, block: 0 })).toMatchFileSnapshot('__golden__/contraction-product.wat');
  });
  it('a padded convolution: inside and at the border', async () => {
    const kernel = convolution({ size: [8, 8], channels: 4, outputs: 8, kernel: 3, pad: 1 });
    await expect(listing(kernel, { rows: 2, panels: 1, unroll: 1, block: 0 })).toMatchFileSnapshot('__golden__/contraction-convolution.wat');
  });
  it('bytes less a zero point, two steps at a time', async () => {
    const { body, args } = packed('', bytes(5), 8);
    const { kernel } = makeKernel(body, args, { fma: true, precision: 'exact' });
    await expect(listing(kernel, { rows: 2, panels: 1, unroll: 1, block: 0 })).toMatchFileSnapshot('__golden__/contraction-bytes.wat');
  });
  it('a depthwise convolution', async () => {
    const kernel = convolution({ size: [8, 8], channels: 8, outputs: 8, kernel: 3, pad: 1, depthwise: true });
    await expect(listing(kernel, { rows: 2, vectors: 1, reuse: 1 })).toMatchFileSnapshot('__golden__/contraction-depthwise.wat');
  });
  it('the plain nest', async () => {
    await expect(listing(product([3, 5, 7], { panel: 0 }), {})).toMatchFileSnapshot('__golden__/contraction-nest.wat');
  });
  it('the same kernel gives the same bytes', () => {
    const [a, b] = [0, 1].map(() => emitContraction(product([7, 16, 32]), { rows: 4, panels: 1, unroll: 4, block: 0 }));
    expect(a?.key).toBe(b?.key);
  });
});

describe('which way a kernel takes', () => {
  const by = (kernel: Kernel): string => methodOf(kernel).by;
  it('a packed product: tiles', () => expect(by(product([7, 16, 32]))).toBe('tiles'));
  it('a depthwise convolution with channels last', () => {
    expect(by(convolution({ size: [8, 8], channels: 8, outputs: 8, kernel: 3, depthwise: true }))).toBe('depthwise');
  });
  it('a depthwise convolution with channels first runs along its rows', () => {
    const order = [0, 3, 1, 2];
    const kernel = convolution({ size: [8, 8], channels: 8, outputs: 8, kernel: 3, depthwise: true, inputOrder: order, outputOrder: order });
    expect(by(kernel)).toBe('general');
  });
  it('dozens of candidates, the fallback first', () => {
    const space = contractionSpace(product([128, 768, 3072]), testProfile);
    if ('why' in space) throw new Error(space.why);
    const all = candidates(space);
    expect(all[0]).toEqual({ rows: 2, panels: 3, unroll: 4, block: 0 });
    expect(all.length).toBeGreaterThan(20);
    expect(all.length).toBeLessThan(100);
  });
  it.each([
    ['16 registers', [120, 64, 64], {}, '2x24'], ['14 registers', [120, 64, 64], { vectorRegisters: 14 }, '5x8'],
    ['14 registers, a row left over', [121, 64, 64], { vectorRegisters: 14 }, '2x16'],
    ['dear splats', [120, 64, 64], { vectorRegisters: 14, splat: 4 }, '1x32'], ['dear splats, 16 columns', [120, 16, 64], { vectorRegisters: 14, splat: 4 }, '2x16'],
    ['joined vectors', [120, 64, 64], { lanes: 8 }, '6x16'], ['one row', [1, 64, 64], {}, '1x32'], ['two rows', [2, 24, 64], {}, '2x24'],
  ] as const)('the fallback fits the device: %s', (_, sizes, facts, tile) => {
    const space = contractionSpace(product(sizes), { ...testProfile, ...facts });
    if ('why' in space) throw new Error(space.why);
    const { rows = 0, panels = 0 } = space.fallback;
    expect(`${rows}x${panels * 8}`).toBe(tile);
  });
});
