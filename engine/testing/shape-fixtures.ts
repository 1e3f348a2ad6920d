/** Small models whose difficulty is not arithmetic: shapes computed at run time, control flow, recurrences. */
import { floats, ints, model, node, tensor } from '../load/testing/build-model.ts';
import { type FixtureSource, Seeded } from './fixture.ts';

export const shapeArithmetic: FixtureSource = {
  name: 'shape-arithmetic',
  build() {
    return model({
      inputs: { x: 'float32[B, S, 6]' }, outputs: { y: '', tail: '', grid: '' },
      initializers: {
        i0: tensor('int64', [], [0]), i1: tensor('int64', [], [1]), i2: tensor('int64', [], [2]), half: floats([], [0.5]),
        two: ints(2), three: ints(3), minus: ints(-1), axis0: ints(0), axis1: ints(1),
      },
      nodes: [
        // view(B, S * 3, 2), transposed, then view(B, -1)
        node('Shape', ['x'], 'shape'),
        node('Gather', ['shape', 'i0'], 'b'), node('Unsqueeze', ['b', 'axis0'], 'b1'),
        node('Gather', ['shape', 'i1'], 's'), node('Unsqueeze', ['s', 'axis0'], 's1'),
        node('Mul', ['s1', 'three'], 's3'),
        node('Concat', ['b1', 's3', 'two'], 'view', { axis: 0 }),
        node('Reshape', ['x', 'view'], 'r'),
        node('Transpose', ['r'], 't', { perm: [0, 2, 1] }),
        node('Concat', ['b1', 'minus'], 'flat', { axis: 0 }),
        node('Reshape', ['t', 'flat'], 'y'),
        // the second half of the sequence, reversed: x[:, S // 2:][:, ::-1]
        node('Div', ['s', 'i2'], 'middle'), node('Unsqueeze', ['middle', 'axis0'], 'from'),
        node('Slice', ['x', 'from', 's1', 'axis1'], 'upper'),
        node('Constant', [], 'end', { value_ints: { ints: [-(2 ** 53)] } }),
        node('Slice', ['upper', 'minus', 'end', 'axis1', 'minus'], 'tail'),
        // positions, one row for each batch
        node('Range', ['i0', 's', 'i1'], 'range'),
        node('Cast', ['range'], 'position', { to: 1 }), node('Mul', ['position', 'half'], 'scaled'),
        node('Concat', ['b1', 's1'], 'target', { axis: 0 }),
        node('Expand', ['scaled', 'target'], 'grid'),
      ],
    });
  },
  cases: ([[1, 4], [2, 5]] as const).map(([b, s]) => ({ dims: { B: b, S: s }, feeds: { x: new Seeded(700 + s).floats([b, s, 6]) } })),
};

export const controlFlow: FixtureSource = {
  name: 'if-and-loop',
  build() {
    return model({
      inputs: { x: 'float32[N]', trips: 'int64[]', flag: 'bool[]' }, outputs: { sum: 'float32[N]', steps: '', chosen: 'float32[N]' },
      initializers: { half: floats([], [0.5]), yes: tensor('bool', [], [1]) },
      nodes: [
        node('Loop', ['trips', 'yes', 'x'], ['sum', 'steps'], {
          body: {
            graph: {
              inputs: { i: 'int64[]', on: 'bool[]', state: 'float32[N]' },
              outputs: { again: 'bool[]', after: 'float32[N]', trace: 'float32[N]' },
              nodes: [
                node('Identity', ['on'], 'again'),
                node('Cast', ['i'], 'step', { to: 1 }),
                node('Add', ['state', 'step'], 'moved'),
                node('Mul', ['moved', 'half'], 'after'),
                node('Neg', ['after'], 'trace'),
              ],
            },
          },
        }),
        node('If', ['flag'], 'chosen', {
          then_branch: { graph: { outputs: { a: 'float32[N]' }, nodes: [node('Sub', ['sum', 'x'], 'a')] } },
          else_branch: { graph: { outputs: { b: 'float32[N]' }, nodes: [node('Exp', ['x'], 'e'), node('Add', ['e', 'sum'], 'b')] } },
        }),
      ],
    });
  },
  cases: ([[4, 3, 1], [2, 5, 0], [3, 1, 0]] as const).map(([n, trips, flag]) => ({
    dims: { N: n },
    feeds: { x: new Seeded(720 + n).floats([n]), trips: tensor('int64', [], [trips]), flag: tensor('bool', [], [flag]) },
  })),
};

export const recurrent: FixtureSource = {
  name: 'lstm-and-gru',
  build() {
    const r = new Seeded(33);
    return model({
      inputs: { x: 'float32[T, B, 3]' }, outputs: { y: '', state: '', hidden: '' },
      initializers: {
        w: r.floats([1, 16, 3], 0.6), u: r.floats([1, 16, 4], 0.6), b: r.floats([1, 32], 0.2),
        wg: r.floats([2, 15, 4], 0.6), ug: r.floats([2, 15, 5], 0.6), bg: r.floats([2, 30], 0.2), one: ints(1),
      },
      nodes: [
        node('LSTM', ['x', 'w', 'u', 'b'], ['all', '', 'state'], { hidden_size: 4 }),
        node('Squeeze', ['all', 'one'], 'seq'),
        node('GRU', ['seq', 'wg', 'ug', 'bg'], ['y', 'hidden'], { hidden_size: 5, direction: 'bidirectional', linear_before_reset: 1 }),
      ],
    });
  },
  cases: ([[4, 1], [3, 2]] as const).map(([t, b]) => ({ dims: { T: t, B: b }, feeds: { x: new Seeded(740 + t).floats([t, b, 3]) } })),
};
