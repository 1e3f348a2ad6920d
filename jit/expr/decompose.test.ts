/**
 * Accuracy of the functions that are taken apart, in both numeric classes, against Math in double precision. They are computed by the
 * WebAssembly backend, whose scalar and vector code share this one spelling.
 */
import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import type { DeviceProfile } from '../device.ts';
import { type Kernel, type MapBody, makeKernel, stridesOf } from '../kernel.ts';
import { mapEmitter } from '../backends/wasm/emit-map.ts';
import { runCode } from '../backends/wasm/testing.ts';
import { erf } from './math.ts';
import { fromHalf, toHalf } from './dtype.ts';
import { type Expr, type UnaryOp, binary, cast, constant, int, load, unary, variable } from './expr.ts';

setFlagsFromString('--experimental-wasm-relaxed-simd');

const profile: DeviceProfile = {
  kind: 'wasm', fingerprint: 'test', threads: 1, fma: false, panel: 8, vectorRegisters: 16, features: [], limits: {}, peakFlops: 0, peakBytes: 0,
};

function run(value: (x: Expr) => Expr, input: Float32Array, fma: boolean): Float32Array {
  const i = variable('i', input.length);
  const shape = [int(input.length)];
  const body: MapBody = { kind: 'map', axes: [i], store: { tensor: 1, index: [i], value: value(load(0, 'float32', [i])) } };
  const arg = { dtype: 'float32', shape, strides: stridesOf(shape) } as const;
  const kernel: Kernel = makeKernel(body, [{ ...arg, access: 'read' }, { ...arg, access: 'write' }], { fma, precision: 'exact' }).kernel;
  const code = mapEmitter.emit(kernel, { vectors: 1 }, profile);
  const [, out] = runCode(code, [], [new Uint8Array(input.buffer), new Uint8Array(input.byteLength)]).outputs;
  return new Float32Array((out ?? new Uint8Array(0)).buffer);
}

/** Every `step`-th float32 between two of one sign, by its bits. */
function floats(low: number, high: number, count: number): Float32Array {
  const [a, b] = new Int32Array(Float32Array.of(low, high).buffer) as unknown as [number, number];
  return new Float32Array(Int32Array.from({ length: count }, (_, i) => a + Math.round(((b - a) * i) / (count - 1))).buffer);
}
const both = (low: number, high: number, count: number): Float32Array =>
  Float32Array.from([...floats(low, high, count), ...floats(low, high, count).map((x) => -x)]);

/** The largest error in units in the last place of the exact result (2^-149 at least). */
function worst(got: Float32Array, input: Float32Array, exact: (x: number) => number): { readonly ulps: number; readonly at: number } {
  let [ulps, at] = [0, 0];
  input.forEach((x, i) => {
    const want = exact(x);
    const unit = 2 ** Math.max(-149, Math.floor(Math.log2(Math.abs(want))) - 23);
    const near = Math.fround(want);
    const error = near === got[i] || (Number.isNaN(near) && Number.isNaN(got[i])) ? 0 : Math.abs((got[i] ?? NaN) - want) / unit;
    if (!(error <= ulps)) [ulps, at] = [error, x];
  });
  return { ulps, at };
}

const count = Number(process.env['SAMPLES'] ?? 20000);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Function, exact function, arguments, bound in ulps for mul+add and for fused. */
const cases: readonly (readonly [UnaryOp, (x: number) => number, Float32Array, number, number])[] = [
  ['exp', Math.exp, Float32Array.from([...floats(1e-8, 88.8, count), ...floats(1e-8, 86.98, count).map((x) => -x)]), 1.2, 0.9],
  ['log', Math.log, floats(1e-45, 3.4e38, 2 * count), 0.8, 0.8],
  ['tanh', Math.tanh, both(1e-10, 20, count), 5.8, 4.6],
  ['sigmoid', sigmoid, Float32Array.from([...floats(1e-8, 100, count), ...floats(1e-8, 86, count).map((x) => -x)]), 2.5, 2.5],
  ['erf', erf, both(1e-10, 10, count), 6.7, 6.5],
  ['sin', Math.sin, both(1e-10, 100, count), 1.5, 1.5],
  ['cos', Math.cos, both(1e-10, 100, count), 1.5, 1.5],
];

describe('functions of float32', () => {
  for (const [fn, exact, input, ...bounds] of cases) {
    for (const fma of [false, true]) {
      it(`${fn}, ${fma ? 'fused' : 'mul+add'}: at most ${bounds[fma ? 1 : 0]} ulp`, () => {
        const found = worst(run((x) => unary(fn, x), input, fma), input, exact);
        if (process.env['SAMPLES'] !== undefined) console.log(fn, fma, found);
        expect(found.ulps).toBeLessThanOrEqual(bounds[fma ? 1 : 0]);
      });
    }
  }
  it('exp is 0 where it would be subnormal', () => {
    for (const fma of [false, true]) expect(new Set(run((x) => unary('exp', x), floats(-86.99, -3.4e38, count), fma))).toEqual(new Set([0]));
  });
  it('special values', () => {
    const input = Float32Array.of(NaN, Infinity, -Infinity, 0, -0, 1e-45, 3e38, -3e38);
    const exactly: Partial<Record<UnaryOp, (x: number) => number>> = { exp: Math.exp, log: Math.log, tanh: Math.tanh, sigmoid, erf };
    for (const [fn, exact] of Object.entries(exactly)) {
      const got = run((x) => unary(fn as UnaryOp, x), input, true);
const digits = (values: Iterable<number>): number[] => [...values].map((y) => Number(y.toPrecision(5)));
      expect(digits(got), fn).toEqual(digits([...input].map((x) => Math.fround(exact(x)))));
    }
  });
  it('sine and cosine of large angles, up to where they go through float64 and beyond', () => {
    const input = floats(100, 1e6, count);
    for (const fn of ['sin', 'cos'] as const) {
      const got = run((x) => unary(fn, x), input, true);
      const most = input.reduce((m, x, i) => Math.max(m, Math.abs((got[i] ?? NaN) - Math[fn](x))), 0);
      if (process.env['SAMPLES'] !== undefined) console.log(fn, most);
      expect(most).toBeLessThan(8e-8);
    }
  });
  it('powers with constant exponents', () => {
    const input = Float32Array.of(-2, -0, 0, 0.25, 3, Infinity, -Infinity);
    for (const e of [0, 1, 2, 3, 4, -1, -2, 0.5, -0.5]) {
      const got = run((x) => binary('pow', x, constant(e, 'float32')), input, false);
      expect([...got], `** ${e}`).toEqual([...input].map((x) => Math.fround(x ** e)));
    }
  });
});

describe('float16', () => {
  it('every pattern survives the way through float32', () => {
    const values = Float32Array.from({ length: 65536 }, (_, h) => fromHalf(h));
    const got = run((x) => cast(cast(x, 'float16'), 'float32'), values, false);
    expect([...got]).toEqual([...values]);
  });
  it('rounds to nearest, ties to even, as the reference does', () => {
    const values = both(1e-9, 1e5, 20000);
    const got = run((x) => cast(cast(x, 'float16'), 'float32'), values, false);
    expect([...got]).toEqual([...values].map((x) => fromHalf(toHalf(x))));
  });
});
