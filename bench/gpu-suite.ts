/**
 * The WebGPU kernels on whatever GPU there is: every kernel of the conformance suite with its first candidates against the reference, then
 * the speed of all candidates of some shapes. Input: a GPU object and limits of effort; output: rows for a table and for JSON.
 */
import { allCases } from '../jit/backends/conformance-cases.ts';
import { arg, judge, out, prepare, runOnce } from '../jit/backends/conformance-kit.ts';
import { createWebGpuDevice } from '../jit/backends/webgpu/index.ts';
import type { Device, View } from '../jit/device.ts';
import { bytesOf } from '../jit/expr/dtype.ts';
import {
  add, and, binary, cast, constant, div, floordiv, floormod, ge, load, lt, max, mul, ref, select, sub, unary, variable,
} from '../jit/expr/expr.ts';
import { evaluate } from '../jit/expr/visit.ts';
import { type Body, type Kernel, makeKernel } from '../jit/kernel.ts';
import { candidates, scheduleText } from '../jit/space.ts';

export interface Options {
  /** Candidates of each conformance case that are checked. */
  readonly first: number;
  readonly filter: string;
  /** Also time schedules that only pay on hardware, when the adapter is software. */
  readonly all: boolean;
}

export interface Checked {
  readonly kernels: number;
  readonly candidates: number;
  readonly failures: readonly string[];
}

export interface Timed {
  readonly name: string;
  readonly schedule: string;
  /** Place in the space's own order, 0 the fallback. */
  readonly rank: number;
  readonly microseconds: number;
  readonly gflops: number;
  readonly gbytes: number;
}

export interface Report {
  readonly adapter: string;
  readonly features: readonly string[];
  readonly checked: Checked;
  readonly timed: readonly Timed[];
}

export async function run(gpu: GPU | undefined, options: Options, say: (line: string) => void): Promise<Report> {
  const device = await createWebGpuDevice(gpu === undefined ? {} : { gpu });
  try {
    const checked = await checkAll(device, options, say);
    const timed: Timed[] = [];
    for (const work of works) {
      if (work.name.includes(options.filter)) timed.push(...await timeAll(device, work, options, say));
    }
    return { adapter: device.profile.fingerprint, features: device.profile.features, checked, timed };
  } finally {
    await device.dispose();
  }
}

async function checkAll(device: Device, { first, filter }: Options, say: (line: string) => void): Promise<Checked> {
  const failures: string[] = [];
  let [kernels, count] = [0, 0];
  for (const c of allCases) {
    if (c.without === device.kind || !c.name.includes(filter) || first === 0) continue;
    kernels++;
    for (const prepared of prepare(c, device)) {
      const space = device.space(prepared.kernel);
      if ('why' in space) { failures.push(`${c.name}: ${space.why}`); continue; }
      for (const schedule of candidates(space).slice(0, first)) {
        count++;
        const wrong = await runOnce(device, prepared, schedule).then((outputs) => judge(prepared, outputs), String);
        if (wrong === undefined) continue;
        failures.push(`${c.name}, ${scheduleText(schedule)}: ${wrong}`);
        say(`wrong: ${c.name}, ${scheduleText(schedule)}: ${wrong}`);
      }
    }
  }
  say(`${kernels} kernels, ${count} candidates checked, ${failures.length} wrong`);
  return { kernels, candidates: count, failures };
}

interface Work {
  readonly name: string;
  readonly kernel: Kernel;
  readonly flops: number;
}

const zero = constant(0, 'float32');
const acc = ref('acc', 'float32');
const numeric = { fma: true, precision: 'exact' } as const;
const work = (name: string, flops: number, body: Body, args: Parameters<typeof makeKernel>[1]): Work =>
  ({ name, flops, kernel: makeKernel(body, args, numeric).kernel });

function gemm(rows: number, cols: number, depth: number, transposed = false): Work {
  const [m, n, k] = [variable('m', rows), variable('n', cols), variable('k', depth)];
  return work(`gemm ${rows}x${cols}x${depth}${transposed ? ' transposed' : ''}`, 2 * rows * cols * depth, {
    kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]), rhs: load(1, 'float32', [k, n]),
    store: { tensor: 2, index: [m, n], value: max(add(acc, load(3, 'float32', [n])), zero) },
  }, [arg('float32', [rows, depth]), arg('float32', [depth, cols], 'read', transposed ? [1, 0] : undefined), out('float32', [rows, cols]), arg('float32', [cols])]);
}

/** 4-bit weights in blocks of 32 with a scale each, as in decoders. */
function nibbles(rows: number, cols: number, depth: number): Work {
  const [m, n, k] = [variable('m', rows), variable('n', cols), variable('k', depth)];
  const byte = cast(load(1, 'uint8', [n, floordiv(k, 2)]), 'uint32');
  const bits = binary('and', binary('shr', byte, cast(mul(floormod(k, 2), 4), 'uint32')), constant(15, 'uint32'));
  return work(`gemm of 4-bit weights ${rows}x${cols}x${depth}`, 2 * rows * cols * depth, {
    kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]),
    rhs: mul(sub(cast(bits, 'float32'), constant(8, 'float32')), load(3, 'float32', [n, floordiv(k, 32)])),
    store: { tensor: 2, index: [m, n], value: acc },
  }, [arg('float32', [rows, depth]), arg('uint8', [cols, depth / 2]), out('float32', [rows, cols]), arg('float32', [cols, depth / 32])]);
}

/** A 3x3 convolution of channels-last memory, padded by a copy of the planner's or by guards. */
function conv(size: number, inputs: number, outputs: number): Work {
  const [y, x, ky, kx, c, o] = [variable('y', size), variable('x', size), variable('ky', 3), variable('kx', 3), variable('c', inputs), variable('o', outputs)];
  const [yy, xx] = [sub(add(y, ky), 1), sub(add(x, kx), 1)];
  const inside = and(ge(yy, 0), lt(yy, size), ge(xx, 0), lt(xx, size));
  return work(`conv 3x3 ${size}x${size}x${inputs} to ${outputs}`, 2 * 9 * size * size * inputs * outputs, {
    kind: 'contraction', batch: [], rows: [y, x], cols: [o], depth: [ky, kx, c],
    lhs: select(inside, load(0, 'float32', [yy, xx, c]), zero), rhs: load(1, 'float32', [ky, kx, c, o]), store: { tensor: 2, index: [y, x, o], value: acc },
  }, [arg('float32', [size, size, inputs]), arg('float32', [3, 3, inputs, outputs]), out('float32', [size, size, outputs])]);
}

function softmax(rows: number, cols: number): Work {
  const [r, c] = [variable('r', rows), variable('c', cols)];
  const x = load(0, 'float32', [r, c]);
  const e = unary('exp', sub(x, ref('m', 'float32')));
  return work(`softmax ${rows}x${cols}`, 5 * rows * cols, {
    kind: 'rows', axes: [r], inner: [c], each: true, scans: [{ name: 'm', op: 'max', value: x }, { name: 's', op: 'sum', value: e }],
    store: { tensor: 1, index: [r, c], value: div(e, ref('s', 'float32')) },
  }, [arg('float32', [rows, cols]), out('float32', [rows, cols])]);
}

function gelu(count: number): Work {
  const i = variable('i', count);
  const x = load(0, 'float32', [i]);
  return work(`gelu ${count}`, 30 * count, {
    kind: 'map', axes: [i],
    store: { tensor: 1, index: [i], value: mul(mul(x, 0.5), add(unary('erf', mul(x, Math.SQRT1_2)), constant(1, 'float32'))) },
  }, [arg('float32', [count]), out('float32', [count])]);
}

const works: readonly Work[] = [
  gemm(256, 256, 256), gemm(384, 384, 384), gemm(512, 512, 512), gemm(1024, 1024, 1024), gemm(128, 768, 3072), gemm(128, 768, 768),
  gemm(128, 3072, 768), gemm(512, 512, 512, true), gemm(1, 4096, 4096), gemm(1, 4096, 4096, true), nibbles(1, 8192, 2048), nibbles(128, 2048, 2048),
  conv(56, 64, 64), conv(14, 256, 256), softmax(1024, 1024), softmax(8, 32768), gelu(1 << 22),
];

/** The least of some rounds: other load on a machine only ever adds. */
const rounds = 5;

async function timeAll(device: Device, { name, kernel, flops }: Work, { all }: Options, say: (line: string) => void): Promise<Timed[]> {
  const space = device.space(kernel);
  if ('why' in space) { say(`${name}: ${space.why}`); return []; }
  const sizes = kernel.args.map((a) => a.shape.reduce((n, d) => n * evaluate(d, new Map()), 1));
  const bytes = kernel.args.reduce((sum, a, i) => sum + (sizes[i] ?? 0) * bytesOf(a.dtype), 0);
  const views = kernel.args.map((a, i): View => {
    const size = (sizes[i] ?? 0) * device.storageBytes(a.dtype);
    const view: View = { region: device.allocate(size), offset: 0, bytes: size };
    // Small numbers of every kind: denormals and NaN would slow some units down.
    device.write(view, a.dtype, a.dtype === 'float32' ? new Uint8Array(new Float32Array(sizes[i] ?? 0).fill(0.01).buffer) : new Uint8Array(size).fill(0x53));
    return view;
  });
  const rows: Timed[] = [];
  const software = device.profile.features.includes('fallback-adapter');
  for (const [rank, schedule] of candidates(space).entries()) {
    if (software && !all && schedule['shared'] === 1) continue;
    const step = { compiled: await device.compile(device.emit(kernel, schedule)), args: views, dims: [] };
    const once = await device.time(step, 1);
    // Enough repeats to fill 2 ms, above the clock's tick of 100 us; long ones once.
    const repeats = Math.max(1, Math.min(1000, Math.round(2e6 / Math.max(once, 1e3))));
    let best = once;
    for (let i = 0; i < rounds; i++) best = Math.min(best, (await device.time(step, repeats)) / repeats);
    rows.push({ name, schedule: scheduleText(schedule), rank, microseconds: best / 1e3, gflops: flops / best, gbytes: bytes / best });
  }
  for (const { region } of views) device.release(region);
  const best = rows.reduce((a, b) => (b.microseconds < a.microseconds ? b : a));
  const fallback = rows[0] ?? best;
  say(`${name}: best ${best.gflops.toFixed(1)} GFLOP/s, ${best.gbytes.toFixed(1)} GB/s (#${best.rank} of ${rows.length}: ${best.schedule}); fallback ${fallback.gflops.toFixed(1)}`);
  return rows;
}
