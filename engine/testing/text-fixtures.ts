/** Small models in the manner of transformers: attention with a mask, norms and activations spelled out, embeddings, a decoding step. */
import { type NodeLiteral, floats, ints, model, node, tensor } from '../load/testing/build-model.ts';
import { type FixtureSource, Seeded } from './fixture.ts';

export const mlp: FixtureSource = {
  name: 'mlp',
  build() {
    const r = new Seeded(21);
    return model({
      inputs: { x: 'float32[N, 16]' }, outputs: { y: 'float32[N, 7]' },
      initializers: { w1: r.floats([16, 24], 0.4), b1: r.floats([24], 0.2), w2: r.floats([24, 7], 0.4), b2: r.floats([7], 0.2) },
      nodes: [
        node('Gemm', ['x', 'w1', 'b1'], 'h'),
        node('Tanh', ['h'], 't'),
        node('MatMul', ['t', 'w2'], 'm'),
        node('Add', ['m', 'b2'], 'l'),
        node('Softmax', ['l'], 'y', { axis: -1 }),
      ],
    });
  },
  cases: [1, 5].map((n) => ({ dims: { N: n }, feeds: { x: new Seeded(500 + n).floats([n, 16]) } })),
};

export const mlpHalf: FixtureSource = {
  name: 'mlp-float16',
  build() {
    const r = new Seeded(22);
    return model({
      inputs: { x: 'float16[N, 16]' }, outputs: { y: 'float16[N, 6]' },
      initializers: { w1: r.halves([16, 12], 0.4), b1: r.halves([12], 0.2), w2: r.halves([12, 6], 0.4) },
      nodes: [node('MatMul', ['x', 'w1'], 'm'), node('Add', ['m', 'b1'], 'h'), node('Relu', ['h'], 'r'), node('MatMul', ['r', 'w2'], 'y')],
    });
  },
  cases: [1, 3].map((n) => ({ dims: { N: n }, feeds: { x: new Seeded(520 + n).halves([n, 16]) } })),
};

/** Mean, variance, scale and shift over the last axis, in the primitives that exporters before opset 17 wrote. */
const layerNorm = (x: string, y: string): NodeLiteral[] => [
  node('ReduceMean', [x], `${y}.mean`, { axes: [-1] }),
  node('Sub', [x, `${y}.mean`], `${y}.centered`),
  node('Pow', [`${y}.centered`, 'two'], `${y}.squares`),
  node('ReduceMean', [`${y}.squares`], `${y}.variance`, { axes: [-1] }),
  node('Add', [`${y}.variance`, 'epsilon'], `${y}.safe`),
  node('Sqrt', [`${y}.safe`], `${y}.deviation`),
  node('Div', [`${y}.centered`, `${y}.deviation`], `${y}.unit`),
  node('Mul', [`${y}.unit`, 'gamma'], `${y}.scaled`),
  node('Add', [`${y}.scaled`, 'beta'], y),
];
const normConstants = (r: Seeded, width: number) => ({
  two: floats([], [2]), epsilon: floats([], [1e-5]), gamma: r.floats([width], 0.3, 1), beta: r.floats([width], 0.3),
});

export const layerNormGelu: FixtureSource = {
  name: 'layernorm-and-gelu-as-primitives',
  build() {
    const r = new Seeded(23);
    return model({
      opset: 13,
      inputs: { x: 'float32[B, S, 12]' }, outputs: { y: 'float32[B, S, 12]' },
      initializers: { ...normConstants(r, 12), root: floats([], [Math.SQRT2]), one: floats([], [1]), half: floats([], [0.5]) },
      nodes: [
        ...layerNorm('x', 'n'),
        node('Div', ['n', 'root'], 'd'), node('Erf', ['d'], 'e'), node('Add', ['e', 'one'], 'f'),
        node('Mul', ['n', 'f'], 'g'), node('Mul', ['g', 'half'], 'y'),
      ],
    });
  },
  cases: ([[1, 4], [2, 3]] as const).map(([b, s]) => ({ dims: { B: b, S: s }, feeds: { x: new Seeded(540 + b).floats([b, s, 12], 3) } })),
};

export const attention: FixtureSource = {
  name: 'attention-with-mask',
  build() {
    const r = new Seeded(24);
    const heads = (name: string): NodeLiteral[] => [
      node('MatMul', ['n', `w${name}`], `${name}m`),
      node('Add', [`${name}m`, `b${name}`], `${name}b`),
      node('Reshape', [`${name}b`, 'split'], `${name}r`),
      node('Transpose', [`${name}r`], `${name}h`, { perm: name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3] }),
    ];
    const weights = Object.fromEntries(['q', 'k', 'v', 'o'].flatMap((name) => [
      [`w${name}`, r.floats([16, 16], 0.35)], [`b${name}`, r.floats([16], 0.1)],
    ]));
    return model({
      inputs: { x: 'float32[B, S, 16]', mask: 'int64[B, S]' }, outputs: { y: 'float32[B, S, 16]' },
      initializers: {
        ...weights, ...normConstants(r, 16), split: ints(0, 0, 2, 8), join: ints(0, 0, -1), axes: ints(1, 2),
        one: floats([], [1]), far: floats([], [-10000]), root: floats([], [Math.sqrt(8)]),
      },
      nodes: [
        ...layerNorm('x', 'n'),
        ...heads('q'), ...heads('k'), ...heads('v'),
        node('MatMul', ['qh', 'kh'], 'qk'),
        node('Div', ['qk', 'root'], 'scores'),
        node('Unsqueeze', ['mask', 'axes'], 'mask4'),
        node('Cast', ['mask4'], 'maskf', { to: 1 }),
        node('Sub', ['one', 'maskf'], 'hidden'),
        node('Mul', ['hidden', 'far'], 'penalty'),
        node('Add', ['scores', 'penalty'], 'masked'),
        node('Softmax', ['masked'], 'p', { axis: -1 }),
        node('MatMul', ['p', 'vh'], 'context'),
        node('Transpose', ['context'], 'back', { perm: [0, 2, 1, 3] }),
        node('Reshape', ['back', 'join'], 'joined'),
        node('MatMul', ['joined', 'wo'], 'om'),
        node('Add', ['om', 'bo'], 'ob'),
        node('Add', ['x', 'ob'], 'y'),
      ],
    });
  },
  cases: ([[1, 5], [2, 3]] as const).map(([b, s]) => {
    const mask = Array.from({ length: b * s }, (_, i) => (i % s >= s - Math.floor(i / s) - 1 ? 0 : 1));
    return { dims: { B: b, S: s }, feeds: { x: new Seeded(560 + b).floats([b, s, 16]), mask: tensor('int64', [b, s], mask) } };
  }),
};

export const embedding: FixtureSource = {
  name: 'embedding-and-tied-head',
  build() {
    const r = new Seeded(25);
    return model({
      inputs: { ids: 'int64[B, S]' }, outputs: { logits: 'float32[B, S, 20]', next: 'int64[B, S]' },
      initializers: {
        table: r.floats([20, 8]), positions: r.floats([10, 8], 0.5), gamma: r.floats([8], 0.3, 1), beta: r.floats([8], 0.3),
        zero: tensor('int64', [], [0]), one: tensor('int64', [], [1]),
      },
      nodes: [
        node('Gather', ['table', 'ids'], 'words', { axis: 0 }),
        node('Shape', ['ids'], 'shape'),
        node('Gather', ['shape', 'one'], 'length', { axis: 0 }),
        node('Range', ['zero', 'length', 'one'], 'range'),
        node('Gather', ['positions', 'range'], 'places', { axis: 0 }),
        node('Add', ['words', 'places'], 'sum'),
        node('LayerNormalization', ['sum', 'gamma', 'beta'], 'n', { axis: -1, epsilon: 1e-5 }),
        node('Transpose', ['table'], 'head', { perm: [1, 0] }),
        node('MatMul', ['n', 'head'], 'logits'),
        node('ArgMax', ['logits'], 'next', { axis: -1, keepdims: 0 }),
      ],
    });
  },
  cases: ([[1, 4], [2, 7]] as const).map(([b, s]) => (
    { dims: { B: b, S: s }, feeds: { ids: new Seeded(580 + b).integers('int64', [b, s], 0, 20) } }
  )),
};

export const kvCache: FixtureSource = {
  name: 'kv-cache-step',
  build() {
    const r = new Seeded(26);
    const heads = (name: string): NodeLiteral[] => [
      node('MatMul', ['x', `w${name}`], `${name}m`),
      node('Reshape', [`${name}m`, 'split'], `${name}r`),
      node('Transpose', [`${name}r`], `${name}h`, { perm: [0, 2, 1, 3] }),
    ];
    return model({
      inputs: { x: 'float32[B, S, 8]', past_k: 'float32[B, 2, P, 4]', past_v: 'float32[B, 2, P, 4]' },
      outputs: { y: 'float32[B, S, 8]', present_k: 'float32[B, 2, P + S, 4]', present_v: 'float32[B, 2, P + S, 4]' },
      initializers: {
        wq: r.floats([8, 8], 0.5), wk: r.floats([8, 8], 0.5), wv: r.floats([8, 8], 0.5), wo: r.floats([8, 8], 0.5),
        split: ints(0, 0, 2, 4), join: ints(0, 0, 8),
        last: tensor('int64', [], [2]), zero: tensor('int64', [], [0]), one: tensor('int64', [], [1]),
        column: ints(1), hidden: floats([], [-1e9]), root: floats([], [2]),
      },
      nodes: [
        ...heads('q'), ...heads('k'), ...heads('v'),
        node('Concat', ['past_k', 'kh'], 'present_k', { axis: 2 }),
        node('Concat', ['past_v', 'vh'], 'present_v', { axis: 2 }),
        // Query i of this step stands at position P + i and sees the positions up to its own.
        node('Shape', ['past_k'], 'pastShape'),
        node('Gather', ['pastShape', 'last'], 'pastLength'),
        node('Shape', ['present_k'], 'totalShape'),
        node('Gather', ['totalShape', 'last'], 'total'),
        node('Range', ['zero', 'total', 'one'], 'keys'),
        node('Range', ['pastLength', 'total', 'one'], 'queries'),
        node('Unsqueeze', ['queries', 'column'], 'rows'),
        node('LessOrEqual', ['keys', 'rows'], 'seen'),
        node('Transpose', ['present_k'], 'kt', { perm: [0, 1, 3, 2] }),
        node('MatMul', ['qh', 'kt'], 'qk'),
        node('Div', ['qk', 'root'], 'scores'),
        node('Where', ['seen', 'scores', 'hidden'], 'masked'),
        node('Softmax', ['masked'], 'p', { axis: -1 }),
        node('MatMul', ['p', 'present_v'], 'context'),
        node('Transpose', ['context'], 'back', { perm: [0, 2, 1, 3] }),
        node('Reshape', ['back', 'join'], 'joined'),
        node('MatMul', ['joined', 'wo'], 'y'),
      ],
    });
  },
  cases: ([[1, 3, 0], [1, 1, 3], [2, 2, 4]] as const).map(([b, s, p]) => {
    const r = new Seeded(600 + p);
    const feeds = { x: r.floats([b, s, 8]), past_k: r.floats([b, 2, p, 4]), past_v: r.floats([b, 2, p, 4]) };
    return { dims: { B: b, S: s, P: p }, feeds };
  }),
};
