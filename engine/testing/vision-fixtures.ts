/** Small models in the manner of image networks: a classifier, an inverted residual block, a detector's tail, a quantised block. */
import { floats, ints, model, node, tensor } from '../load/testing/build-model.ts';
import { type FixtureSource, Seeded } from './fixture.ts';

const images = (seed: number, channels: number, sizes: readonly (readonly [number, number, number])[]): FixtureSource['cases'] =>
  sizes.map(([n, h, w], i) => ({ dims: { N: n, H: h, W: w }, feeds: { x: new Seeded(seed + i).floats([n, channels, h, w]) } }));

export const convNet: FixtureSource = {
  name: 'conv-bn-relu-pool-gemm',
  build() {
    const r = new Seeded(11);
    return model({
      inputs: { x: 'float32[N, 3, 12, 12]' }, outputs: { y: 'float32[N, 5]' },
      initializers: {
        w1: r.floats([8, 3, 3, 3], 0.3), b1: r.floats([8], 0.1),
        scale: r.floats([8], 0.3, 1), bias: r.floats([8], 0.2), mean: r.floats([8], 0.2), variance: r.floats([8], 0.4, 1),
        w2: r.floats([6, 8, 3, 3], 0.2), b2: r.floats([6], 0.1),
        w3: r.floats([5, 6], 0.5), b3: r.floats([5], 0.1),
      },
      nodes: [
        node('Conv', ['x', 'w1', 'b1'], 'c1', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
        node('BatchNormalization', ['c1', 'scale', 'bias', 'mean', 'variance'], 'n1', { epsilon: 1e-3 }),
        node('Relu', ['n1'], 'r1'),
        node('MaxPool', ['r1'], 'p1', { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Conv', ['p1', 'w2', 'b2'], 'c2', { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1] }),
        node('Relu', ['c2'], 'r2'),
        node('GlobalAveragePool', ['r2'], 'g'),
        node('Flatten', ['g'], 'f'),
        node('Gemm', ['f', 'w3', 'b3'], 'y', { transB: 1 }),
      ],
    });
  },
  cases: [1, 3].map((n) => ({ dims: { N: n }, feeds: { x: new Seeded(100 + n).floats([n, 3, 12, 12]) } })),
};

export const depthwise: FixtureSource = {
  name: 'residual-depthwise-block',
  build() {
    const r = new Seeded(12);
    return model({
      inputs: { x: 'float32[N, 4, H, W]' }, outputs: { y: 'float32[N, 4, H, W]' },
      initializers: {
        expand: r.floats([16, 4, 1, 1], 0.6), be: r.floats([16], 0.2),
        deep: r.floats([16, 1, 3, 3], 0.4), bd: r.floats([16], 0.2),
        squeeze: r.floats([4, 16, 1, 1], 0.5), excite: r.floats([16, 4, 1, 1], 0.5),
        project: r.floats([4, 16, 1, 1], 0.3), bp: r.floats([4], 0.1),
        zero: floats([], [0]), six: floats([], [6]),
      },
      nodes: [
        node('Conv', ['x', 'expand', 'be'], 'e'),
        node('Clip', ['e', 'zero', 'six'], 'e6'),
        node('Conv', ['e6', 'deep', 'bd'], 'd', { group: 16, kernel_shape: [3, 3], auto_pad: 'SAME_UPPER' }),
        node('HardSwish', ['d'], 'd6'),
        node('ReduceMean', ['d6'], 'm', { axes: [2, 3], keepdims: 1 }),
        node('Conv', ['m', 'squeeze'], 's'),
        node('Relu', ['s'], 'sr'),
        node('Conv', ['sr', 'excite'], 'g'),
        node('HardSigmoid', ['g'], 'gate', { alpha: 1 / 6, beta: 0.5 }),
        node('Mul', ['d6', 'gate'], 'dg'),
        node('Conv', ['dg', 'project', 'bp'], 'p'),
        node('Add', ['x', 'p'], 'y'),
      ],
    });
  },
  cases: images(200, 4, [[1, 6, 6], [2, 5, 7]]),
};

export const nonMaxSuppression: FixtureSource = {
  name: 'nms-tail',
  build() {
    return model({
      inputs: { boxes: 'float32[1, K, 4]', logits: 'float32[1, K, 3]' },
      outputs: { chosen: 'float32[M, 4]', labels: 'int64[M]', best: 'float32[M]' },
      initializers: {
        limit: ints(4), iou: floats([1], [0.4]), threshold: floats([1], [0.5]),
        second: ints(1), third: ints(2), last: ints(3), flat: ints(-1), wide: ints(-1, 4),
      },
      nodes: [
        node('Sigmoid', ['logits'], 'p'),
        node('Transpose', ['p'], 'scores', { perm: [0, 2, 1] }),
        node('NonMaxSuppression', ['boxes', 'scores', 'limit', 'iou', 'threshold'], 'picked'),
        node('Slice', ['picked', 'second', 'third', 'second'], 'classes'),
        node('Reshape', ['classes', 'flat'], 'labels'),
        node('Slice', ['picked', 'third', 'last', 'second'], 'at'),
        node('Reshape', ['at', 'flat'], 'index'),
        node('Reshape', ['boxes', 'wide'], 'all'),
        node('Gather', ['all', 'index'], 'chosen', { axis: 0 }),
        node('GatherND', ['scores', 'picked'], 'best'),
      ],
    });
  },
  cases: [12, 5].map((k) => {
    const r = new Seeded(300 + k);
    const corners = Array.from({ length: k }, () => [r.unit() * 4, r.unit() * 4] as const);
    const boxes = corners.flatMap(([y, x]) => [y, x, y + 1 + r.unit() * 2, x + 1 + r.unit() * 2]);
    return { dims: { K: k }, feeds: { boxes: floats([1, k, 4], boxes), logits: r.floats([1, k, 3], 2) } };
  }),
};

export const quantised: FixtureSource = {
  name: 'quantised-conv-and-matmul',
  build() {
    const r = new Seeded(14);
    return model({
      inputs: { x: 'float32[N, 3, 6, 6]' }, outputs: { y: 'float32[N, 5]' },
      initializers: {
        xs: floats([], [1 / 64]), xz: tensor('uint8', [], [128]),
        w: r.integers('int8', [4, 3, 3, 3], -100, 100), ws: floats([4], [0.01, 0.02, 0.005, 0.015]), wz: tensor('int8', [4], [0, 0, 0, 0]),
        b: r.integers('int32', [4], -3000, 3000), bs: floats([4], [0.01 / 64, 0.02 / 64, 0.005 / 64, 0.015 / 64]), bz: tensor('int32', [4], [0, 0, 0, 0]),
        // No ratio of scales is a simple fraction: a sum that falls on a tie would round as its last bit happens to be.
        ys: floats([], [0.0578]), yz: tensor('uint8', [], [100]),
        noise: r.floats([144], 0.5), m: r.integers('int8', [144, 5], -127, 127), ms: floats([], [0.01]),
      },
      nodes: [
        node('QuantizeLinear', ['x', 'xs', 'xz'], 'xq'),
        node('DequantizeLinear', ['xq', 'xs', 'xz'], 'xd'),
        node('DequantizeLinear', ['w', 'ws', 'wz'], 'wd', { axis: 0 }),
        node('DequantizeLinear', ['b', 'bs', 'bz'], 'bd', { axis: 0 }),
        node('Conv', ['xd', 'wd', 'bd'], 'c', { pads: [1, 1, 1, 1] }),
        node('Relu', ['c'], 'a'),
        node('QuantizeLinear', ['a', 'ys', 'yz'], 'aq'),
        node('DequantizeLinear', ['aq', 'ys', 'yz'], 'ad'),
        node('Flatten', ['ad'], 'flat'),
        node('Add', ['flat', 'noise'], 'f'),
        node('DynamicQuantizeLinear', ['f'], ['fq', 'fs', 'fz']),
        node('MatMulInteger', ['fq', 'm', 'fz'], 'yi'),
        node('Cast', ['yi'], 'yf', { to: 1 }),
        node('Mul', ['fs', 'ms'], 'scale'),
        node('Mul', ['yf', 'scale'], 'y'),
      ],
    });
  },
  cases: [1, 2].map((n) => ({ dims: { N: n }, feeds: { x: new Seeded(400 + n).floats([n, 3, 6, 6], 1.5) } })),
};
