import { describe, expect, it } from 'vitest';
import type { DeviceProfile } from '../../device.ts';
import { type DType, type TypedArray, bytesUnder } from '../../expr/dtype.ts';
import { type Expr, add, and, binary, constant, ge, gt, int, load, lt, mul, ref, select, sub, symbol, variable } from '../../expr/expr.ts';
import { type Arg, type Kernel, type LoopBody, type Stmt, makeKernel, stridesOf } from '../../kernel.ts';
import { runKernel } from '../reference/index.ts';
import { loopEmitter } from './emit-loop.ts';
import { runCode } from './testing.ts';

const profile: DeviceProfile = {
  kind: 'wasm', fingerprint: 'test', threads: 1, fma: false, panel: 8, vectorRegisters: 16, features: [], limits: {}, peakFlops: 0, peakBytes: 0,
};
const n = symbol('N', 1);
const arg = (dtype: DType, shape: readonly Expr[], access: Arg['access'] = 'read'): Arg => ({ dtype, shape, strides: stridesOf(shape), access });
const made = (body: LoopBody, args: readonly Arg[]): Kernel => makeKernel(body, args, { fma: false, precision: 'exact' }).kernel;

/** Runs a kernel and the reference on the same buffers; both must agree to the last bit. */
function check(kernel: Kernel, dims: readonly number[], arrays: readonly TypedArray[]): Uint8Array[] {
  const buffers = arrays.map(bytesUnder);
  const want = buffers.map((b) => b.slice());
  runKernel(kernel, dims, want);
  const { outputs } = runCode(loopEmitter.emit(kernel, {}, profile), dims, buffers);
  expect(outputs).toEqual(want);
  return outputs;
}

const [i, j] = [variable('i', n), variable('j', n)];
const index = (name: string): Expr => ref(name, 'index');

/** Insertion sort of each row: while loops, assignments, loads of what was just stored. */
const row = variable('row', 3);
const at = (k: Expr): Expr => load(0, 'float32', [row, k]);
const sort: LoopBody = {
  kind: 'loop', axes: [row],
  body: [{
    do: 'for', axis: i, body: [
      { do: 'let', name: 'x', value: at(i) },
      { do: 'let', name: 'k', value: i },
      {
        do: 'while', cond: select(gt(index('k'), 0), gt(at(sub(index('k'), 1)), ref('x', 'float32')), constant(false, 'bool')), body: [
          { do: 'store', store: { tensor: 0, index: [row, index('k')], value: at(sub(index('k'), 1)) } },
          { do: 'set', name: 'k', value: sub(index('k'), 1) },
        ],
      },
      { do: 'store', store: { tensor: 0, index: [row, index('k')], value: ref('x', 'float32') } },
    ],
  }],
};

describe('loop nests', () => {
  it('insertion sort', () => {
    const kernel = made(sort, [arg('float32', [int(3), n], 'readwrite')]);
    const values = Float32Array.of(3, 1, 2, 5, 4, 9, 8, 7, 6, 5, -1, 0, -3, 2, 1);
    const [out] = check(kernel, [5], [values]);
    expect([...new Float32Array(out?.buffer ?? new ArrayBuffer(0))]).toEqual([1, 2, 3, 4, 5, 5, 6, 7, 8, 9, -3, -1, 0, 1, 2]);
  });
  it('a running sum reads what it has stored', () => {
    const before = load(1, 'float32', [sub(i, 1)]);
    const body: LoopBody = { kind: 'loop', axes: [], body: [{ do: 'for', axis: i, body: [
      { do: 'store', store: { tensor: 1, index: [i], value: add(load(0, 'float32', [i]), select(gt(i, 0), before, constant(0, 'float32'))) } },
    ] }] };
    check(made(body, [arg('float32', [n]), arg('float32', [n], 'readwrite')]), [6], [Float32Array.of(1, 2, 3, 4, 5, 6), new Float32Array(6)]);
  });
  it('a value from before an assignment is not used after it', () => {
    const a = ref('a', 'int32');
    const double = mul(a, 2);
    const body: LoopBody = { kind: 'loop', axes: [], body: [
      { do: 'let', name: 'a', value: constant(1, 'int32') },
      { do: 'for', axis: i, body: [
        { do: 'store', store: { tensor: 0, index: [i], value: add(double, mul(double, double)) } },
        { do: 'if', cond: lt(i, 3), then: [{ do: 'set', name: 'a', value: add(double, double) }], else: [{ do: 'set', name: 'a', value: sub(a, 1) }] },
      ] },
      { do: 'store', store: { tensor: 1, index: [], value: double } },
    ] };
    check(made(body, [arg('int32', [n], 'write'), arg('int32', [], 'write')]), [7], [new Int32Array(7), new Int32Array(1)]);
  });
  it('a histogram', () => {
    const bin = binary('floormod', ref('v', 'index'), int(4));
    const body: LoopBody = { kind: 'loop', axes: [], body: [{ do: 'for', axis: i, body: [
      { do: 'let', name: 'v', value: mul(i, i) },
      { do: 'store', store: { tensor: 0, index: [bin], value: add(load(0, 'int64', [bin]), constant(1, 'int64')) } },
    ] }] };
    check(made(body, [arg('int64', [int(4)], 'readwrite'), arg('float32', [n])]), [9], [new BigInt64Array(4), new Float32Array(9)]);
  });
  it('nested loops with a guard that depends on both', () => {
    const body: LoopBody = { kind: 'loop', axes: [i], body: [
      { do: 'let', name: 's', value: constant(0, 'float64') },
      { do: 'for', axis: j, body: [{ do: 'if', cond: and(ge(i, j), lt(j, 4)), then: [
        { do: 'set', name: 's', value: add(ref('s', 'float64'), load(0, 'float64', [j])) },
      ], else: [] }] },
      { do: 'store', store: { tensor: 1, index: [i], value: ref('s', 'float64') } },
    ] };
    check(made(body, [arg('float64', [n]), arg('float64', [n], 'write')]), [6], [Float64Array.of(1, 2, 4, 8, 16, 32), new Float64Array(6)]);
  });
  it('golden: insertion sort', async () => {
    const kernel = made(sort, [arg('float32', [int(3), n], 'readwrite')]);
    await expect(loopEmitter.emit(kernel, {}, profile).source()).toMatchFileSnapshot('__golden__/loop-sort.wat');
  });
  it('golden: turns that run four at once', async () => {
    const [line, lane] = [variable('line', 5), variable('lane', 8)];
    const a = ref('a', 'float32');
    const put = (place: number, value: Expr): Stmt => ({ do: 'store', store: { tensor: 1, index: [int(place), line, lane], value } });
    const kernel = made({
      kind: 'loop', axes: [line], body: [{ do: 'for', axis: lane, body: [
        { do: 'let', name: 'a', value: load(0, 'float32', [line, lane]) },
        put(0, mul(a, a)),
        { do: 'if', cond: lt(line, 4), then: [put(1, a)], else: [] },
      ] }],
    }, [arg('float32', [int(5), int(8)]), arg('float32', [int(2), int(5), int(8)], 'write')]);
    await expect(loopEmitter.emit(kernel, {}, profile).source()).toMatchFileSnapshot('__golden__/loop-lanes.wat');
  });
});
