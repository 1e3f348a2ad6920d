import { describe, expect, it } from 'vitest';
import type { DeviceProfile } from '../../device.ts';
import { type Expr, add, constant, div, int, load, mul, ref, sub, symbol, unary, variable } from '../../expr/expr.ts';
import { type Arg, type Kernel, type RowsBody, makeKernel, stridesOf } from '../../kernel.ts';
import { candidates } from '../../space.ts';
import { rowsEmitter } from './emit-rows.ts';
import { randoms, runCode } from './testing.ts';

const profile: DeviceProfile = {
  kind: 'wasm', fingerprint: 'test', threads: 1, fma: false, panel: 8, vectorRegisters: 16, features: [], limits: {}, peakFlops: 0, peakBytes: 0,
};
const arg = (shape: readonly Expr[], access: Arg['access'] = 'read', order?: readonly number[]): Arg =>
  ({ dtype: 'float32', shape, strides: stridesOf(shape, order), access });
const [rows, length] = [symbol('R', 1), symbol('N')];
const [r, c] = [variable('r', rows), variable('c', length)];
const x = load(0, 'float32', [r, c]);
const s = ref('s', 'float32');

const sum: RowsBody = { kind: 'rows', axes: [r], inner: [c], each: false, scans: [{ name: 's', op: 'sum', value: x }], store: { tensor: 1, index: [r], value: s } };
const exp = unary('exp', sub(x, ref('m', 'float32')));
const softmax: RowsBody = {
  kind: 'rows', axes: [r], inner: [c], each: true, scans: [{ name: 'm', op: 'max', value: x }, { name: 's', op: 'sum', value: exp }],
  store: { tensor: 1, index: [r, c], value: div(exp, s) },
};
const made = (body: RowsBody, args: readonly Arg[]): Kernel => makeKernel(body, args, { fma: false, precision: 'exact' }).kernel;

/** The order that reduction.ts promises, one float32 addition at a time. */
function promised(row: Float32Array): number {
  const f = Math.fround;
  const [sixteens, fours] = [row.length - (row.length % 16), row.length - (row.length % 4)];
  const partials = new Float32Array(16);
  let tail = 0;
  row.forEach((v, i) => {
    if (i < sixteens) partials[i % 16] = f((partials[i % 16] ?? 0) + v);
    else if (i < fours) partials[i % 4] = f((partials[i % 4] ?? 0) + v);
    else tail = f(tail + v);
  });
  const p = (i: number): number => partials[i] ?? 0;
  const q = [0, 1, 2, 3].map((j) => f(f(p(j) + p(j + 4)) + f(p(j + 8) + p(j + 12)))) as [number, number, number, number];
  return f(f(f(q[0] + q[1]) + f(q[2] + q[3])) + tail);
}

describe('the order of a sum', () => {
  for (const [name, order] of [['along rows', [0, 1]], ['over four rows at once', [1, 0]]] as const) {
    it(`is the promised one ${name}, for every schedule`, () => {
      for (const n of [0, 1, 3, 4, 15, 16, 17, 37, 131]) {
        const count = 7;
        const values = randoms(n + 1, count * n, -1, 1);
        const kernel = made(sum, [arg([rows, length], 'read', order), arg([rows], 'write')]);
        const want = Array.from({ length: count }, (_, row) =>
          promised(Float32Array.from({ length: n }, (_, i) => values[order[0] === 0 ? row * n + i : i * count + row] ?? 0)));
        const space = rowsEmitter.space(kernel, profile);
        if ('why' in space) throw new Error(space.why);
        for (const schedule of candidates(space)) {
          const ran = runCode(rowsEmitter.emit(kernel, schedule, profile), [count, n], [new Uint8Array(values.buffer), new Uint8Array(4 * count)]);
          expect([...new Float32Array(ran.outputs[1]?.buffer ?? new ArrayBuffer(0))], `${n}`).toEqual(want);
        }
      }
    });
  }
});

describe('the space', () => {
  const knobs = (kernel: Kernel): Record<string, readonly number[]> => {
    const space = rowsEmitter.space(kernel, profile);
    return 'why' in space ? {} : Object.fromEntries(space.knobs.map((k) => [k.name, k.values]));
  };
  it('offers lanes over rows where rows are neighbours in memory', () => {
    expect(knobs(made(sum, [arg([rows, length], 'read', [1, 0]), arg([rows], 'write')]))['lanes']).toEqual([0, 1]);
  });
  it('offers to keep costly values in the output', () => {
    expect(knobs(made(softmax, [arg([rows, length]), arg([rows, length], 'write')]))['keep']).toEqual([0, 1]);
  });
  it('but not where the last pass reads its input again', () => {
    const both: RowsBody = { ...softmax, store: { ...softmax.store, value: add(div(exp, s), x) } };
    expect(knobs(made(both, [arg([rows, length]), arg([rows, length], 'write')]))['keep']).toEqual([0]);
  });
});

describe('golden', () => {
  it('softmax', async () => {
    const kernel = made(softmax, [arg([rows, length]), arg([rows, length], 'write')]);
    await expect(rowsEmitter.emit(kernel, { lanes: 0, vectors: 1, keep: 1 }, profile).source()).toMatchFileSnapshot('__golden__/rows-softmax.wat');
  });
  it('average pool of channels-last memory', async () => {
    const [b, ch, h, w] = [variable('b', symbol('B', 1)), variable('ch', 32), variable('h', 7), variable('w', 7)];
    const body: RowsBody = {
      kind: 'rows', axes: [b, ch], inner: [h, w], each: false, scans: [{ name: 's', op: 'sum', value: load(0, 'float32', [b, ch, h, w]) }],
      store: { tensor: 1, index: [b, ch], value: mul(s, constant(1 / 49, 'float32')) },
    };
    const kernel = made(body, [arg([b.extent, int(32), int(7), int(7)], 'read', [0, 2, 3, 1]), arg([b.extent, int(32)], 'write')]);
    await expect(rowsEmitter.emit(kernel, { lanes: 1, vectors: 1, keep: 0 }, profile).source()).toMatchFileSnapshot('__golden__/rows-pool.wat');
  });
});
