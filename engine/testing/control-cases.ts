/**
 * Control flow as exporters write it, with what must come out worked out by hand or in plain loops: growing lists, caches that two states share,
 * decoders with and without a cache in one file, early ends, sequences scanned in any direction.
 */
import type { DType } from '../../jit/expr/dtype.ts';
import { type GraphSpec, type PartSpec, noise } from './graphs.ts';

export interface Value { readonly dtype: DType; readonly dims: readonly number[]; readonly elements: readonly number[] }
export interface ControlCase {
  readonly name: string;
  readonly spec: GraphSpec;
  readonly runs: readonly { readonly feeds: Readonly<Record<string, Value>>; readonly outputs: Readonly<Record<string, Value>> }[];
}

export const f32 = (dims: readonly number[], elements: readonly number[]): Value => ({ dtype: 'float32', dims, elements });
export const i64 = (dims: readonly number[], elements: readonly number[]): Value => ({ dtype: 'int64', dims, elements });
export const bool = (...elements: readonly number[]): Value => ({ dtype: 'bool', dims: [], elements });
const scalar = { dtype: 'int64', dims: [] } as const;
const flag = { dtype: 'bool', dims: [] } as const;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A list that gets longer in each step, as torch.cat in a while loop: x, then a row of sums of what is there. */
const growing: ControlCase = {
  name: 'a list that grows until the data end it',
  spec: {
    inputs: { x: ['n', 2], limit: [] }, outputs: ['list', 'sizes'], floats: { zero: 0 },
    nodes: [['Loop', '_ _ x', 'list sizes', { body: {
      inputs: 'i go v', outputs: 'again w size', ints: { axes: [0] },
      nodes: [
        ['ReduceSum', 'v axes', 'row', { keepdims: 1 }], ['Concat', 'v row', 'w', { axis: 0 }], ['ReduceSum', 'row', 'sum', { keepdims: 0 }],
        ['Less', 'sum limit', 'again'], ['Shape', 'v', 'shape'], ['Cast', 'shape', 'size', { to: 6 }],
      ],
    } }]],
  },
  runs: [[1, 2], [0.5, 0.5], [3, 4]].flatMap((row) => [20, 100].map((limit) => {
    const list = [row];
    const sizes: number[] = [];
    for (;;) {
      const next = [0, 1].map((c) => list.reduce((n, r) => n + (r[c] ?? 0), 0));
      sizes.push(list.length, 2);
      list.push(next);
      if (!((next[0] ?? 0) + (next[1] ?? 0) < limit)) break;
    }
    return {
      feeds: { x: f32([1, 2], row), limit: f32([], [limit]) },
      outputs: { list: f32([list.length, 2], list.flat()), sizes: { dtype: 'int32', dims: [sizes.length / 2, 2], elements: sizes } },
    };
  })),
};

/** Greedy decoding with keys and values that grow together, as an exported generate loop: the next token is a function of all before it. */
const weights = { embed: [7, 4], wq: [4, 4], wk: [4, 4], wv: [4, 4], out: [4, 7] } as const;
function decoded(first: number, steps: number, end: number): number[] {
  const w = Object.fromEntries(Object.entries(weights).map(([name, dims]) =>
    [name, noise(dims, name)])) as Record<keyof typeof weights, Float32Array>;
  const times = (row: readonly number[], m: Float32Array, cols: number): number[] =>
    range(cols).map((c) => row.reduce((n, v, r) => n + v * (m[r * cols + c] ?? 0), 0));
  const [keys, values, tokens]: [number[][], number[][], number[]] = [[], [], []];
  let token = first;
  for (let s = 0; s < steps && token !== end; s++) {
    const x = range(4).map((c) => w.embed[token * 4 + c] ?? 0);
    keys.push(times(x, w.wk, 4));
    values.push(times(x, w.wv, 4));
    const scores = keys.map((k) => Math.exp(k.reduce((n, v, c) => n + v * (times(x, w.wq, 4)[c] ?? 0), 0)));
    const total = scores.reduce((a, b) => a + b, 0);
    const mixed = range(4).map((c) => values.reduce((n, v, i) => n + (v[c] ?? 0) * (scores[i] ?? 0), 0) / total);
    const logits = times(mixed.map((v, c) => 3 * v + (x[c] ?? 0)), w.out, 7);
    token = logits.indexOf(Math.max(...logits));
    tokens.push(token);
  }
  return tokens;
}
const decode: ControlCase = {
  name: 'greedy decoding with keys and values that grow together',
  spec: {
    inputs: { token: { dtype: 'int64', dims: [1] }, steps: scalar }, outputs: ['tokens', 'k'], weights, ints: { end: [5], none: [0, 4] }, floats: { three: 3 },
    nodes: [
      ['ConstantOfShape', 'none', 'empty'], ['Equal', 'token end', 'ended'], ['Not', 'ended', 'start'],
      ['Loop', 'steps start token empty empty', 'last k v tokens', { body: {
        inputs: 'i go t ks vs', outputs: 'again t2 ks2 vs2 t2',
        nodes: [
          ['Gather', 'embed t', 'x'], ['MatMul', 'x wk', 'k1'], ['MatMul', 'x wv', 'v1'], ['Concat', 'ks k1', 'ks2', { axis: 0 }],
          ['Concat', 'vs v1', 'vs2', { axis: 0 }], ['MatMul', 'x wq', 'q'], ['Transpose', 'ks2', 'kt', { perm: [1, 0] }], ['MatMul', 'q kt', 's'],
          ['Softmax', 's', 'p', { axis: -1 }], ['MatMul', 'p vs2', 'mixed'], ['Mul', 'mixed three', 'm3'], ['Add', 'm3 x', 'h'],
          ['MatMul', 'h out', 'logits'], ['ArgMax', 'logits', 't2', { axis: 1, keepdims: 0 }], ['Equal', 't2 end', 'stop'], ['Not', 'stop', 'again'],
        ],
      } }],
    ],
  },
  runs: [[1, 6], [2, 9], [3, 0], [0, 12], [5, 4]].map(([first = 0, steps = 0]) => {
    const tokens = decoded(first, steps, 5);
    return { feeds: { token: i64([1], [first]), steps: i64([], [steps]) }, outputs: { tokens: i64([tokens.length, 1], tokens) } };
  }),
};

/** Both decoders in one file, chosen by a flag; what comes out differs in shape (no past, or past and one more). */
const branchOf = (extra: PartSpec['nodes'], keys: string): PartSpec => ({ outputs: `${keys} y`, nodes: [
  ['MatMul', 'x wk', 'k1'], ...extra, ['Transpose', keys, 'kt', { perm: [1, 0] }], ['MatMul', 'x kt', 's'], ['Softmax', 's', 'p'],
  ['MatMul', `p ${keys}`, 'y'],
] });
const merged: ControlCase = {
  name: 'a decoder with and without a cache in one file',
  spec: {
    inputs: { use: { dtype: 'bool', dims: [1] }, x: ['s', 2], past: ['p', 2] }, outputs: ['y', 'present'], floats: {}, weights: { wk: [2, 2] },
    nodes: [['If', 'use', 'present y', {
      then_branch: branchOf([['Concat', 'past k1', 'all', { axis: 0 }]], 'all'), else_branch: branchOf([['Identity', 'k1', 'own']], 'own'),
    }]],
  },
  runs: [0, 1].map((use) => {
    const [x, past, wk] = [[[1, 2], [0.5, -1]], [[1, 0], [2, 1], [0, 1]], noise([2, 2], 'wk')];
    const own = x.map((r) => [0, 1].map((c) => (r[0] ?? 0) * (wk[c] ?? 0) + (r[1] ?? 0) * (wk[2 + c] ?? 0)));
    const all = use === 1 ? [...past, ...own] : own;
    const y = x.map((r) => {
      const scores = all.map((k) => Math.exp((r[0] ?? 0) * (k[0] ?? 0) + (r[1] ?? 0) * (k[1] ?? 0)));
      const total = scores.reduce((a, b) => a + b, 0);
      return [0, 1].map((c) => all.reduce((n, k, i) => n + (k[c] ?? 0) * (scores[i] ?? 0), 0) / total);
    });
    return {
      feeds: { use: { dtype: 'bool', dims: [1], elements: [use] }, x: f32([2, 2], x.flat()), past: f32([3, 2], past.flat()) },
      outputs: { present: f32([all.length, 2], all.flat()), y: f32([2, 2], y.flat()) },
    };
  }),
};

/** tf2onnx writes a TensorArray as a tensor that a ScatterND or a Concat fills; here rows are put in front, and a branch inside doubles some. */
const nested: ControlCase = {
  name: 'loops and branches inside loops, of other sizes each time',
  spec: {
    inputs: { n: scalar, x: [1, 1] }, outputs: ['y', 'all'], ints: { two: 2, zero: 0 }, floats: { one: [1] },
    nodes: [['Loop', 'n _ x', 'y all', { body: {
      inputs: 'i go v', outputs: 'go2 w size',
      nodes: [
        ['Identity', 'go', 'go2'], ['Mod', 'i two', 'odd'], ['Cast', 'odd', 'isOdd', { to: 9 }],
        ['If', 'isOdd', 'b', {
          then_branch: { outputs: 'l', nodes: [['Loop', 'i _ v', 'l', { body: {
            inputs: 'j g u', outputs: 'g2 u2', nodes: [['Identity', 'g', 'g2'], ['Concat', 'u x', 'u1', { axis: 1 }], ['Add', 'u1 one', 'u2']],
          } }]] },
          else_branch: { outputs: 'e', nodes: [['Concat', 'x v', 'e', { axis: 1 }]] },
        }],
        ['Identity', 'b', 'w'], ['Size', 'w', 'size'],
      ],
    } }]],
  },
  runs: [0, 1, 2, 5].map((n) => {
    let v = [3];
    const sizes: number[] = [];
    for (let i = 0; i < n; i++) {
      if (i % 2 === 1) for (let j = 0; j < i; j++) v = [...v, 3].map((e) => e + 1);
      else v = [3, ...v];
      sizes.push(v.length);
    }
    return { feeds: { n: i64([], [n]), x: f32([1, 1], [3]) }, outputs: { y: f32([1, v.length], v), all: i64([n], sizes) } };
  }),
};

/** A recurrence over a sequence of any length, read backwards along the last axis, results along the last axis, forwards and backwards. */
const scan: ControlCase = {
  name: 'a scan of any length along any axis, in any direction',
  spec: {
    inputs: { h: [2], x: [2, 'T'], c: ['T'] }, outputs: ['last', 'hs', 'signs'], floats: { half: 0.5, zero: 0 },
    nodes: [['Scan', 'h x c', 'last hs signs', {
      num_scan_inputs: 2, scan_input_axes: [1, 0], scan_input_directions: [1, 0], scan_output_axes: [1, -1], scan_output_directions: [0, 1],
      body: {
        inputs: 'a e d', outputs: 'b b1 p', floats: { half: 0.5, zero: 0 },
        nodes: [['Mul', 'a half', 'a1'], ['Add', 'a1 e', 'a2'], ['Sub', 'a2 d', 'b'], ['Identity', 'b', 'b1'], ['Greater', 'b zero', 'p']],
      },
    }]],
  },
  runs: [1, 3, 700].map((T) => {
    const x = range(2 * T).map((i) => ((i * 7) % 11) - 5);
    const c = range(T).map((i) => (i % 3) - 1);
    let h = [1, -1];
    const steps: number[][] = [];
    for (let t = 0; t < T; t++) {
      h = h.map((v, r) => v * 0.5 + (x[r * T + T - 1 - t] ?? 0) - (c[t] ?? 0));
      steps.push(h);
    }
    const signs: Value = { dtype: 'bool', dims: [2, T], elements: [0, 1].flatMap((r) => steps.map((_, t) => ((steps[T - 1 - t]?.[r] ?? 0) > 0 ? 1 : 0))) };
    return {
      feeds: { h: f32([2], [1, -1]), x: f32([2, T], x), c: f32([T], c) },
      outputs: { last: f32([2], h), hs: f32([2, T], [0, 1].flatMap((r) => steps.map((s) => s[r] ?? 0))), signs },
    };
  }),
};

/** A body with a convolution and a size that a step reads from data, and another loop's worth of them. */
const reading: ControlCase = {
  name: 'sizes that a step reads from its own data',
  spec: {
    inputs: { x: [1, 1, 'n'], rounds: scalar }, outputs: ['y', 'count'], weights: {}, floats: { w: [1, 2, 1], zero: 0 }, ints: { kernel: [1, 1, 3], minus: [-1], front: [1, 1, -1] },
    nodes: [['Reshape', 'w kernel', 'k'], ['Loop', 'rounds _ x', 'y count', { body: {
      inputs: 'i go v', outputs: 'go2 out n',
      nodes: [
        ['Identity', 'go', 'go2'], ['Conv', 'v k', 'c', { pads: [1, 1] }], ['Greater', 'c zero', 'm'], ['Reshape', 'm minus', 'flat'],
        ['Reshape', 'c minus', 'cf'], ['Compress', 'cf flat', 'kept', { axis: 0 }], ['Reshape', 'kept front', 'out'], ['Size', 'out', 'n'],
      ],
    } }]],
  },
  runs: [[1, -3, 1, 4, -1, 2], [-1, -2]].map((x) => {
    let v = x;
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      const at = (k: number): number => v[k] ?? 0;
      v = v.map((e, k) => at(k - 1) + 2 * e + at(k + 1)).filter((e) => e > 0);
      counts.push(v.length);
    }
    return { feeds: { x: f32([1, 1, x.length], x), rounds: i64([], [3]) }, outputs: { y: f32([1, 1, v.length], v), count: i64([3], counts) } };
  }),
};

/** Only the branch that is taken runs: the other one's sizes would be wrong. */
const guarded: ControlCase = {
  name: 'a branch that would be wrong is not run',
  spec: {
    inputs: { c: flag, x: ['n', 3], y: ['m', 3], at: { dtype: 'int64', dims: [1] } }, outputs: ['z'],
    nodes: [['If', 'c', 'z', {
      then_branch: { outputs: 'a', nodes: [['MatMul', 'x w', 'xw'], ['Add', 'xw y', 'a']], weights: { w: [3, 3] } },
      else_branch: { outputs: 'b', nodes: [['Gather', 'y at', 'b', { axis: 0 }]] },
    }]],
  },
  runs: [
    { feeds: { c: bool(0), x: f32([2, 3], range(6)), y: f32([3, 3], range(9)), at: i64([1], [2]) }, outputs: { z: f32([1, 3], [6, 7, 8]) } },
    {
      feeds: { c: bool(1), x: f32([2, 3], [0, 0, 0, 0, 0, 0]), y: f32([2, 3], range(6)), at: i64([1], [9]) },
      outputs: { z: f32([2, 3], range(6)) },
    },
  ],
};

/** Functions of ONNX divide so where a size may be 1: a scalar, or a vector of one. */
export const openRank: GraphSpec = {
  inputs: { d: [1], x: ['n'] }, outputs: ['y'], ints: { zero: [0] }, floats: { one: 1, none: 0 },
  nodes: [
    ['Squeeze', 'd zero', 'd0'], ['Equal', 'd0 none', 'flat'], ['If', 'flat', 'step', {
      then_branch: { outputs: 'a', nodes: [['Identity', 'none', 'a']] }, else_branch: { outputs: 'b', nodes: [['Div', 'one d', 'b']] },
    }], ['Neg', 'step', 'back'], ['Mul', 'x back', 'y'],
  ],
};
const open: ControlCase = {
  name: 'a branch that gives a scalar, and one that gives a vector of one',
  spec: openRank,
  runs: [[0, [-0, -0, -0]], [4, [-0.25, -0.5, -0.75]]].map(([d, y]) => (
    { feeds: { d: f32([1], [Number(d)]), x: f32([3], [1, 2, 3]) }, outputs: { y: f32([3], [y].flat().map(Number)) } }
  )),
};

export const controlCases: readonly ControlCase[] = [growing, decode, merged, nested, scan, reading, guarded, open];
