import { describe, expect, it } from 'vitest';
import { type DType, type TypedArray, bytesOf, bytesUnder, fromHalf, viewAs } from '../../expr/dtype.ts';
import {
  type Expr, add, binary, bitcast, cast, constant, div, floordiv, floormod, int, load, lt, max, mul, muladd, ref, select, sub, symbol,
  unary, variable, ge, and,
} from '../../expr/expr.ts';
import { type Access, type Arg, type Body, type Kernel, makeKernel, stridesOf } from '../../kernel.ts';
import { erf, fma32, fma64, bigToFloat32 } from '../../expr/math.ts';
import { makeReferenceDevice, pointCount, runKernel, samplePoints } from './index.ts';

const arg = (dtype: DType, shape: readonly (number | Expr)[], access: Access = 'read'): Arg => {
  const dims = shape.map((d) => (typeof d === 'number' ? int(d) : d));
  return { dtype, shape: dims, strides: stridesOf(dims), access };
};
const kernelOf = (body: Body, args: readonly Arg[], fma = false): Kernel => makeKernel(body, args, { fma, precision: 'exact' }).kernel;

/** Runs a kernel whose last argument is the output of `count` elements. */
function run(kernel: Kernel, inputs: readonly TypedArray[], count: number, dims: readonly number[] = []): TypedArray {
  const dtype = kernel.args[kernel.args.length - 1]?.dtype ?? 'float32';
  const out = new Uint8Array(count * bytesOf(dtype));
  runKernel(kernel, dims, [...inputs.map(bytesUnder), out]);
  return viewAs(dtype, out);
}

/** out[i] = f(in[i]) over the elements of one array. */
function mapOf(from: DType, to: DType, data: TypedArray, f: (x: Expr) => Expr, fma = false): TypedArray {
  const i = variable('i', data.length);
  const body: Body = { kind: 'map', axes: [i], store: { tensor: 1, index: [i], value: f(load(0, from, [i])) } };
  return run(kernelOf(body, [arg(from, [data.length]), arg(to, [data.length], 'write')], fma), [data], data.length);
}

describe('scalars', () => {
  it('rounds every float32 operation', () => {
    const x = Math.fround(0.1);
    expect(mapOf('float32', 'float32', Float32Array.of(x), (v) => sub(mul(v, v), v))[0])
      .toBe(Math.fround(Math.fround(x * x) - x));
  });

  it('wraps int32 products and int64 sums', () => {
    expect(mapOf('int32', 'int32', Int32Array.of(0x7fffffff), (v) => mul(v, v))[0]).toBe(1);
    expect(mapOf('int64', 'int64', BigInt64Array.of(2n ** 63n - 1n), (v) => add(v, 1))[0]).toBe(-(2n ** 63n));
  });

  it('wraps 8-bit integers at their width', () => {
    expect([...mapOf('uint8', 'uint8', Uint8Array.of(200, 3), (v) => add(v, 100))]).toEqual([44, 103]);
    expect([...mapOf('int8', 'int8', Int8Array.of(-128), (v) => unary('neg', v))]).toEqual([-128]);
  });

  it('saturates float to integer casts and takes NaN to 0', () => {
    expect([...mapOf('float32', 'int8', Float32Array.of(300, -300, NaN, -1.9), (v) => cast(v, 'int8'))]).toEqual([127, -128, 0, -1]);
    expect(mapOf('float32', 'int64', Float32Array.of(Infinity), (v) => cast(v, 'int64'))[0]).toBe(2n ** 63n - 1n);
  });

  it('wraps integer casts', () => {
    expect([...mapOf('int64', 'uint8', BigInt64Array.of(257n, -1n), (v) => cast(v, 'uint8'))]).toEqual([1, 255]);
  });

  it('divides integers towards zero or minus infinity, as asked', () => {
    const data = Int32Array.of(-7, 7);
    expect([...mapOf('int32', 'int32', data, (v) => div(v, 2))]).toEqual([-3, 3]);
    expect([...mapOf('int32', 'int32', data, (v) => binary('rem', v, constant(2, 'int32')))]).toEqual([-1, 1]);
    expect([...mapOf('int32', 'int32', data, (v) => floordiv(v, 2))]).toEqual([-4, 3]);
    expect([...mapOf('int32', 'int32', data, (v) => floormod(v, 2))]).toEqual([1, 1]);
  });

  it('rounds float16 when it is stored', () => {
    const bits = mapOf('float32', 'float16', Float32Array.of(1 / 3), (v) => cast(v, 'float16'))[0];
    expect(fromHalf(Number(bits))).toBe(0.333251953125);
  });

  it('reinterprets bits', () => {
    expect(mapOf('float32', 'uint32', Float32Array.of(1), (v) => bitcast(v, 'uint32'))[0]).toBe(0x3f800000);
  });

  it('fuses multiply-adds where the kernel says so', () => {
    const x = Math.fround(1 + 2 ** -12);
    const square = (v: Expr): Expr => muladd(v, v, constant(-1, 'float32'));
    expect(mapOf('float32', 'float32', Float32Array.of(x), square)[0]).toBe(Math.fround(Math.fround(x * x) - 1));
    expect(mapOf('float32', 'float32', Float32Array.of(x), square, true)[0]).toBe(Math.fround(x * x - 1));
  });

  it('hands NaN on through max', () => {
    expect(mapOf('float32', 'float32', Float32Array.of(NaN), (v) => max(v, 0))[0]).toBeNaN();
  });
});

describe('arithmetic helpers', () => {
  // Abramowitz and Stegun 7.1.6: all terms have one sign, so the sum loses nothing.
  const series = (x: number): number => {
    let [term, total] = [x, x];
    for (let n = 1; n < 80; n++) {
      term *= 2 * x * x / (2 * n + 1);
      total += term;
    }
    return total * Math.exp(-x * x) * 2 / Math.sqrt(Math.PI);
  };
  it('erf agrees with its series to a few units in the last place', () => {
    // The series' own error: rounding x*x moves exp(-x*x) by x*x units.
    for (let x = -3; x <= 3; x += 0.01) expect(Math.abs(erf(x) / series(x) - 1)).toBeLessThan((6 + x * x) * 2 ** -53);
  });
  it('erf of larger arguments has the known values', () => {
    expect(erf(2)).toBeCloseTo(0.9953222650189527, 15);
    expect(erf(3)).toBeCloseTo(0.9999779095030014, 15);
    expect(erf(4.5)).toBeCloseTo(0.9999999998033839, 15);
    expect(erf(-Infinity)).toBe(-1);
  });
  it('erf is continuous where its three approximations meet', () => {
    for (const x of [0.46875, 4]) expect(Math.abs(erf(x * (1 + 1e-15)) - erf(x))).toBeLessThan(1e-15);
  });
  it('fma64 hands infinities on', () => expect(fma64(0.5, 2, -Infinity)).toBe(-Infinity));
  it('fma32 rounds once where two roundings differ', () => {
    // 2^24 + 1 is halfway between float32 neighbours; the tiny product decides, and is lost in a double.
    expect(fma32(2 ** -30, 2 ** -30, 2 ** 24)).toBe(2 ** 24);
    expect(fma32(Math.fround(1 + 2 ** -23), Math.fround(1 + 2 ** -23), 2 ** 24)).toBe(2 ** 24 + 2);
    expect(fma32(1, 1, 2 ** 24)).toBe(2 ** 24);
  });
  it('rounds 64-bit integers to float32 once', () => {
    expect(bigToFloat32(2n ** 60n + 2n ** 36n + 1n)).toBe(2 ** 60 + 2 ** 37);
    expect(bigToFloat32(2n ** 60n + 2n ** 36n)).toBe(2 ** 60);
  });
});

describe('kernels', () => {
  it('leaves the untaken branch of a select alone', () => {
    const i = variable('i', 4);
    const inside = lt(i, 2);
    const value = select(inside, load(0, 'float32', [i]), constant(-1, 'float32'));
    const kernel = kernelOf({ kind: 'map', axes: [i], store: { tensor: 1, index: [i], value } },
      [arg('float32', [2]), arg('float32', [4], 'write')]);
    expect([...run(kernel, [Float32Array.of(5, 6)], 4)]).toEqual([5, 6, -1, -1]);
  });

  it('throws for a gather out of range, naming the range', () => {
    const i = variable('i', 1);
    const value = load(0, 'float32', [cast(load(1, 'int64', [i]), 'index')]);
    const kernel = kernelOf({ kind: 'map', axes: [i], store: { tensor: 2, index: [i], value } },
      [arg('float32', [3]), arg('int64', [1]), arg('float32', [1], 'write')]);
    expect(() => run(kernel, [new Float32Array(3), BigInt64Array.of(3n)], 1)).toThrow(/out of range[^]*expected: 0 to 2[^]*got: 3/);
  });

  it('computes softmax over rows of a symbolic width', () => {
    const n = symbol('N', 1);
    const [r, c] = [variable('r', 2), variable('c', n)];
    const x = load(0, 'float32', [r, c]);
    const e = unary('exp', sub(x, ref('m', 'float32')));
    const kernel = kernelOf({
      kind: 'rows', axes: [r], inner: [c], each: true,
      scans: [{ name: 'm', op: 'max', value: x }, { name: 's', op: 'sum', value: e }],
      store: { tensor: 1, index: [r, c], value: div(e, ref('s', 'float32')) },
    }, [arg('float32', [2, n]), arg('float32', [2, n], 'write')]);
    const out = run(kernel, [Float32Array.of(0, 0, 0, 0, Math.log(3), 0)], 6, [3]);
    [1 / 3, 1 / 3, 1 / 3, 0.2, 0.6, 0.2].forEach((want, i) => { expect(out[i]).toBeCloseTo(want, 6); });
    expect(pointCount(kernel, [3])).toBe(6);
  });

  it('computes only the sampled points', () => {
    const i = variable('i', 5);
    const kernel = kernelOf({ kind: 'map', axes: [i], store: { tensor: 0, index: [i], value: constant(1, 'float32') } },
      [arg('float32', [5], 'write')]);
    const out = new Float32Array(5);
    runKernel(kernel, [], [bytesUnder(out)], { only: [4, 1] });
    expect([...out]).toEqual([0, 1, 0, 0, 1]);
  });

  it('multiplies int8 matrices exactly', () => {
    const [m, n, k] = [variable('m', 2), variable('n', 2), variable('k', 3)];
    const kernel = kernelOf({
      kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k],
      lhs: cast(load(0, 'int8', [m, k]), 'int32'), rhs: cast(load(1, 'int8', [k, n]), 'int32'),
      store: { tensor: 2, index: [m, n], value: ref('acc', 'int32') },
    }, [arg('int8', [2, 3]), arg('int8', [3, 2]), arg('int32', [2, 2], 'write')]);
    expect([...run(kernel, [Int8Array.of(1, 2, 3, -4, 5, 6), Int8Array.of(1, 0, 0, 1, 127, -128)], 4)])
      .toEqual([382, -382, 758, -763]);
  });

  it('runs loops with locals, while and if', () => {
    // Collatz steps of each start value.
    const i = variable('i', 4);
    const v = ref('v', 'int64');
    const steps = ref('steps', 'int32');
    const odd = binary('eq', floormod(v, 2), constant(1, 'int64'));
    const kernel = kernelOf({
      kind: 'loop', axes: [i], body: [
        { do: 'let', name: 'v', value: load(0, 'int64', [i]) },
        { do: 'let', name: 'steps', value: constant(0, 'int32') },
        { do: 'while', cond: binary('gt', v, constant(1, 'int64')), body: [
          { do: 'if', cond: odd, then: [{ do: 'set', name: 'v', value: add(mul(v, 3), 1) }],
            else: [{ do: 'set', name: 'v', value: floordiv(v, 2) }] },
          { do: 'set', name: 'steps', value: add(steps, 1) },
        ] },
        { do: 'store', store: { tensor: 1, index: [i], value: steps } },
      ],
    }, [arg('int64', [4]), arg('int32', [4], 'write')]);
    expect([...run(kernel, [BigInt64Array.of(1n, 6n, 7n, 27n)], 4)]).toEqual([0, 8, 16, 111]);
  });

  it('sees earlier stores of the same loop', () => {
    const k = variable('k', 4);
    const before = select(ge(k, 1), load(1, 'float32', [sub(k, 1)]), constant(0, 'float32'));
    const kernel = kernelOf({
      kind: 'loop', axes: [], body: [{ do: 'for', axis: k, body: [
        { do: 'store', store: { tensor: 1, index: [k], value: add(before, load(0, 'float32', [k])) } },
      ] }],
    }, [arg('float32', [4]), arg('float32', [4], 'readwrite')]);
    expect([...run(kernel, [Float32Array.of(1, 2, 3, 4)], 4)]).toEqual([1, 3, 6, 10]);
  });

  it('guards with and do not evaluate their right side', () => {
    const i = variable('i', 3);
    const guard = and(lt(i, 2), binary('gt', load(0, 'float32', [i]), constant(0, 'float32')));
    const kernel = kernelOf({ kind: 'map', axes: [i], store: { tensor: 1, index: [i], value: guard } },
      [arg('float32', [2]), arg('bool', [3], 'write')]);
    expect([...run(kernel, [Float32Array.of(1, -1)], 3)]).toEqual([1, 0, 0]);
  });

  it('samples points within range, with both ends', () => {
    const points = samplePoints(1000, 16);
    expect(points).toHaveLength(16);
    expect([points[0], points[15]]).toEqual([0, 999]);
    expect(samplePoints(3, 16)).toEqual([0, 1, 2]);
  });
});

describe('the reference device', () => {
  it('runs programs and counts its memory', async () => {
    const device = makeReferenceDevice();
    const i = variable('i', 4);
    const kernel = kernelOf({ kind: 'map', axes: [i], store: { tensor: 1, index: [i], value: mul(load(0, 'float32', [i]), 2) } },
      [arg('float32', [4]), arg('float32', [4], 'write')]);
    const views = [0, 1].map(() => ({ region: device.allocate(16), offset: 0, bytes: 16 }));
    const [from, to] = views;
    if (from === undefined || to === undefined) throw new Error('no views');
    device.write(from, 'float32', bytesUnder(Float32Array.of(1, 2, 3, 4)));
    const compiled = await device.compile(device.emit(kernel, {}));
    await device.program([{ compiled, args: views, dims: [] }]).run();
    expect([...viewAs('float32', await device.read(to, 'float32'))]).toEqual([2, 4, 6, 8]);
    expect(device.memory()).toEqual({ used: 32, peak: 32 });
    device.release(from.region);
    await expect(device.read(from, 'float32')).rejects.toThrow('after its release');
  });
});
