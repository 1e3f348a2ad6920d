import { describe, expect, it } from 'vitest';
import { makeReferenceDevice } from '../backends/reference/index.ts';
import type { Device, DeviceKind, Step } from '../device.ts';
import { QuernError } from '../error.ts';
import { type DType, viewAs } from '../expr/dtype.ts';
import { type Expr, add, cast, int, load, mul, ref, symbol, variable } from '../expr/expr.ts';
import { type Access, type Arg, type Body, makeKernel, stridesOf } from '../kernel.ts';
import { type Schedule, type Space, scheduleText } from '../space.ts';
import { clockTick, median } from './clock.ts';
import { Tuner, type TuneOptions } from './tuner.ts';

const arg = (dtype: DType, shape: readonly (number | Expr)[], access: Access = 'read'): Arg => {
  const dims = shape.map((d) => (typeof d === 'number' ? int(d) : d));
  return { dtype, shape: dims, strides: stridesOf(dims), access };
};
const kernelOf = (body: Body, args: readonly Arg[]) => makeKernel(body, args, { fma: false, precision: 'exact' }).kernel;

const M = symbol('M', 1);
const [m, n, k] = [variable('m', M), variable('n', 9), variable('k', 33)];
const gemm = kernelOf({
  kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]), rhs: load(1, 'float32', [k, n]),
  store: { tensor: 2, index: [m, n], value: ref('acc', 'float32') },
}, [arg('float32', [M, 33]), arg('float32', [33, 9]), arg('float32', [M, 9], 'write')]);
const task = { kernel: gemm, dims: [7], key: 'k' };

/** A device whose schedules t = 0..7 take the given nanoseconds, on a clock of its own that ticks as coarsely as told. */
interface Plan {
  readonly ns: readonly number[];
  readonly kind?: DeviceKind;
  readonly tick?: number;
  /** What schedule t does to the output after computing it. */
  readonly spoil?: Readonly<Record<number, (out: Float32Array) => void>>;
  readonly refuse?: readonly number[];
  /** Calls of each schedule that are 4 times slower: the baseline compiler. */
  readonly cold?: number;
  readonly peakFlops?: number;
}

function fakeDevice(plan: Plan) {
  const base = makeReferenceDevice();
  const { ns, kind = 'wasm', tick = 5000, spoil = {}, refuse = [], cold = 0, peakFlops = 0 } = plan;
  const clock = { time: 0 };
  const calls = new Map<number, number>();
  const timed: number[] = [];
  const sizes = new Set<number>();
  const space: Space = {
    emitter: 'fake', version: 1, knobs: [{ name: 't', values: ns.map((_, t) => t) }], constraints: [], fallback: { t: 0 },
  };
  const pass = (t: number): number => {
    const seen = calls.get(t) ?? 0;
    calls.set(t, seen + 1);
    // Noise in a fixed pattern of up to 3 %.
    return (ns[t] ?? 0) * (seen < cold ? 4 : 1) * (1 + ((seen * 7 + t * 3) % 4) / 100);
  };
  const numberOf = (s: Schedule): number => s['t'] ?? 0;
  const device: Device = {
    ...base, kind, profile: { ...base.profile, kind, peakFlops },
    space: () => space,
    emit: (kernel, schedule) => ({ kernel, schedule, key: scheduleText(schedule), source: () => '' }),
    compile: (code) => {
      if (refuse.includes(numberOf(code.schedule))) return Promise.reject(new QuernError('wrong-kernel', 'the compiler said no'));
      return Promise.resolve({ code });
    },
    program: (steps) => ({
      ...base.program(steps),
      run: async () => {
        await base.program(steps).run();
        for (const { compiled, args } of steps) {
          const t = numberOf(compiled.code.schedule);
          clock.time += pass(t);
          const out = args[args.length - 1];
          const change = spoil[t];
          if (out === undefined || change === undefined) continue;
          const data = viewAs('float32', await base.read(out, 'float32')) as Float32Array;
          change(data);
          base.write(out, 'float32', new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        }
        return {};
      },
    }),
    time: ({ compiled, dims }: Step, repeats: number) => {
      for (const dim of dims) sizes.add(dim);
      const t = numberOf(compiled.code.schedule);
      timed.push(t);
      const before = Math.floor(clock.time / tick) * tick;
      for (let i = 0; i < repeats; i++) clock.time += pass(t);
      return Promise.resolve(Math.floor(clock.time / tick) * tick - before);
    },
  };
  /** Milliseconds; every reading costs 50 ns, so that polling ends. */
  const now = (): number => { clock.time += 50; return Math.floor(clock.time / tick) * tick / 1e6; };
  return { device, now, timed, sizes, tuner: new Tuner(device, { now }) };
}

const options: TuneOptions = { budgetMs: 1e9, pause: () => Promise.resolve() };
const us = (...values: number[]): number[] => values.map((v) => v * 1000);

describe('tuner', () => {
  it('finds the fastest schedule', async () => {
    const { tuner } = fakeDevice({ ns: us(90, 80, 40, 70, 55, 42, 300, 41.9) });
    const result = await tuner.tuneKernel(task, options);
    expect(result.winner).toEqual({ t: 2 });
    expect(result.ns / 1000).toBeGreaterThan(39);
    expect(result.ns / 1000).toBeLessThan(43);
    expect(result.finished).toBe(true);
  });

  it('keeps every measurement, the winner first', async () => {
    const { tuner } = fakeDevice({ ns: us(90, 80, 40, 300) });
    const { measurements } = await tuner.tuneKernel(task, options);
    expect(measurements.map((x) => [x.schedule['t'], x.verdict])).toEqual([[2, 'winner'], [1, 'slower'], [0, 'slower'], [3, 'slower']]);
    expect(measurements.every((x) => (x.ns ?? 0) > 0 && x.samples > 0)).toBe(true);
  });

  it.each([5_000, 100_000, 1_000_000])('sees differences through a clock that ticks every %d ns', async (tick) => {
    const { tuner } = fakeDevice({ ns: us(12, 11, 7, 8), tick });
    expect((await tuner.tuneKernel(task, options)).winner).toEqual({ t: 2 });
  });

  it('is not fooled by the baseline compiler', async () => {
    const { tuner } = fakeDevice({ ns: us(60, 50, 30), cold: 3 });
    const result = await tuner.tuneKernel(task, options);
    expect(result.winner).toEqual({ t: 2 });
    expect(result.ns / 1000).toBeLessThan(33);
  });

  it('catches a candidate with one wrong element on a CPU, and never times it', async () => {
    const { tuner, timed } = fakeDevice({ ns: us(90, 10, 40), spoil: { 1: (out) => { out[17] = (out[17] ?? 0) + 1e-6; } } });
    const result = await tuner.tuneKernel(task, options);
    expect(result.winner).toEqual({ t: 2 });
    expect(result.wrong.map((w) => w.schedule)).toEqual([{ t: 1 }]);
    expect(result.wrong[0]?.why).toMatch(/^element 17 of argument 2 is /);
    expect(timed).not.toContain(1);
  });

  it('lets a GPU round differently, but not leave out a term', async () => {
    const { tuner } = fakeDevice({
      kind: 'webgpu', ns: us(90, 10, 40),
      spoil: {
        1: (out) => { out[40] = (out[40] ?? 0) + 1e-3; },
        2: (out) => { out.forEach((x, i) => { out[i] = Math.fround(x * (1 + 2 ** -23)); }); },
      },
    });
    const result = await tuner.tuneKernel(task, options);
    expect(result.winner).toEqual({ t: 2 });
    expect(result.wrong.map((w) => w.schedule)).toEqual([{ t: 1 }]);
  });

  it('catches NaN in one element on a GPU', async () => {
    const { tuner } = fakeDevice({ kind: 'webgpu', ns: us(90, 10), spoil: { 1: (out) => { out[3] = NaN; } } });
    expect((await tuner.tuneKernel(task, options)).winner).toEqual({ t: 0 });
  });

  it('demotes a wrong fallback and goes on with what is right', async () => {
    const { tuner } = fakeDevice({ ns: us(10, 50, 40), spoil: { 0: (out) => { out.fill(0); } } });
    const result = await tuner.tuneKernel(task, options);
    expect(result.winner).toEqual({ t: 2 });
    expect(result.fallbackNs).toBeUndefined();
    expect(result.wrong.map((w) => w.schedule)).toEqual([{ t: 0 }]);
  });

  it('says so when nothing is right', async () => {
    const zero = (out: Float32Array): void => { out.fill(0); };
    const { tuner } = fakeDevice({ ns: us(10, 50), spoil: { 0: zero, 1: zero } });
    await expect(tuner.tuneKernel(task, options)).rejects.toMatchObject({
      code: 'wrong-kernel', message: expect.stringMatching(/no schedule of a kernel computes the right thing.*\n {2}got: t=0: element 0 of argument 2/) as string,
    });
  });

  it('reports what the compiler refuses', async () => {
    const { tuner } = fakeDevice({ ns: us(90, 10, 40), refuse: [1] });
    const result = await tuner.tuneKernel(task, options);
    expect(result.winner).toEqual({ t: 2 });
    expect(result.refused).toEqual([{ schedule: { t: 1 }, verdict: 'refused', samples: 0, why: 'the compiler said no' }]);
  });

  it('stops at the roofline after one batch, without looking at the rest', async () => {
    // 7 x 9 x 33 multiply-adds at 50 million a second take 41.58 us.
    const { tuner, timed } = fakeDevice({ ns: us(42, ...Array.from({ length: 20 }, () => 60)), peakFlops: 50e6 });
    const result = await tuner.tuneKernel(task, options);
    expect(result.roofline / 1000).toBeCloseTo(41.58, 2);
    expect(Math.max(...timed)).toBe(8);
    expect(result.finished).toBe(true);
  });

  it('compares schedules of a large kernel on a slice, and the best of them on the whole', async () => {
    const { tuner, timed, sizes } = fakeDevice({
      ns: us(90, 80, 40, 70, 41), peakFlops: 50e6, spoil: { 3: (out) => { out[17] = 9; } },
    });
    const result = await tuner.tuneKernel({ ...task, dims: [700] }, options);
    expect(result.winner).toEqual({ t: 2 });
    expect(result.wrong.map((w) => w.schedule)).toEqual([{ t: 3 }]);
    expect(result.measurements.filter((x) => x.part === true).map((x) => x.schedule)).toEqual([{ t: 1 }]);
    expect([...sizes]).toEqual([96, 700]);
    expect(new Set(timed)).toEqual(new Set([0, 1, 2, 4]));
  });

  it('ends with its budget, with the best so far', async () => {
    const { tuner, timed } = fakeDevice({ ns: us(900, ...Array.from({ length: 40 }, (_, i) => 800 - 10 * i)) });
    const result = await tuner.tuneKernel(task, { ...options, budgetMs: 20 });
    expect(result.finished).toBe(false);
    expect(new Set(timed).size).toBeLessThan(41);
    expect(result.winner).not.toEqual({ t: 0 });
  });

  it('times every schedule in every round when it is to be exhaustive', async () => {
    const { tuner } = fakeDevice({ ns: us(90, 300, 40), peakFlops: 1e6 });
    const { measurements } = await tuner.tuneKernel(task, { ...options, budgetMs: 0, exhaustive: true });
    expect(measurements.map((x) => x.samples)).toEqual([6, 6, 6]);
  });

  it('tries the winner of an earlier kernel first', async () => {
    const { tuner, timed } = fakeDevice({ ns: us(90, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 40) });
    await tuner.tuneKernel(task, options);
    timed.length = 0;
    await tuner.tuneKernel(task, options);
    expect(timed.filter((t, i) => t !== timed[i - 1])[1]).toBe(11);
  });

  it('yields between measurements, and stops when told', async () => {
    const { tuner } = fakeDevice({ ns: us(90, 80, 70, 60) });
    const controller = new AbortController();
    let pauses = 0;
    const pause = (): Promise<void> => {
      if (++pauses === 5) controller.abort();
      return Promise.resolve();
    };
    await expect(tuner.tuneKernel(task, { ...options, pause, signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(pauses).toBe(5);
  });

  it('gives its memory back', async () => {
    const { tuner, device } = fakeDevice({ ns: us(90, 80) });
    await tuner.tuneKernel(task, options);
    expect(device.memory().used).toBe(0);
  });

  it('checks one schedule of a record', async () => {
    const { tuner } = fakeDevice({ ns: us(90, 80, 70), spoil: { 1: (out) => { out[0] = 5; } }, refuse: [2] });
    expect(await tuner.check(task, { t: 0 })).toBeUndefined();
    expect(await tuner.check(task, { t: 1 })).toMatch(/element 0/);
    expect(await tuner.check(task, { t: 2 })).toBe('the compiler said no');
    expect(await tuner.check(task, { t: 9 })).toBe('the space does not allow it: t is one of 0, 1, 2');
  });

  it('tunes kernels that gather: indices in the made-up data are in range', async () => {
    const [i, c] = [variable('i', 5), variable('c', 4)];
    const gather = kernelOf({
      kind: 'map', axes: [i, c], store: { tensor: 2, index: [i, c], value: load(0, 'float32', [cast(load(1, 'int64', [i]), 'index'), c]) },
    }, [arg('float32', [3, 4]), arg('int64', [5]), arg('float32', [5, 4], 'write')]);
    const { tuner } = fakeDevice({ ns: us(90, 30) });
    expect((await tuner.tuneKernel({ kernel: gather, dims: [], key: 'g' }, options)).winner).toEqual({ t: 1 });
  });

  it('starts each check from the same contents where a kernel updates in place', async () => {
    const i = variable('i', 6);
    const twice = kernelOf({ kind: 'map', axes: [i], store: { tensor: 0, index: [i], value: add(mul(load(0, 'float32', [i]), 2), 1) } },
      [arg('float32', [6], 'readwrite')]);
    const { tuner } = fakeDevice({ ns: us(90, 30, 20) });
    const result = await tuner.tuneKernel({ kernel: twice, dims: [], key: 'g' }, options);
    expect([result.winner, result.wrong]).toEqual([{ t: 2 }, []]);
  });
});

describe('clock', () => {
  it('finds the tick of a coarse clock', () => {
    let time = 0;
    expect(clockTick(() => { time += 0.0001; return Math.floor(time); })).toBe(1e6);
  });
  it('takes the middle', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  });
});
