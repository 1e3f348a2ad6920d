/**
 * The page side of bench/gemm.mjs: speed of contraction kernels, every candidate of the space or only the first few, against the bare
 * micro-kernel loop on operands that stay in the first cache. Everything runs alternately and the fastest of several runs counts, because the
 * machine is shared with others.
 */
import {
  type Conv, type Options, convolution, inputsOf, product, start, testProfile,
} from '../jit/backends/wasm/contraction-testing.ts';
import { bareDepth, bareLoop } from '../jit/backends/wasm/bare-loop.ts';
import { emitContraction } from '../jit/backends/wasm/emit-contraction.ts';
import { contractionSpace } from '../jit/backends/wasm/space-contraction.ts';
import { type Expr, add, asInt, binary, constant, mul, unary } from '../jit/expr/expr.ts';
import { type Kernel, allAxes } from '../jit/kernel.ts';
import { type Schedule, candidates, scheduleText } from '../jit/space.ts';

export interface Row {
  readonly name: string;
  readonly schedule: string;
  readonly gflops: number;
}

interface Racer extends Row {
  gflops: number;
  readonly flops: number;
  /** Runs one of so many parts. */
  readonly run: (part: number, parts: number) => void;
}

/**
 * Calls each racer in turn, in parts of half a millisecond: shorter than a time slice, so that some are not interrupted. The least times of all
 * parts together are its time.
 */
function race(racers: readonly Racer[], rounds: number): void {
  const least = racers.map((r) => Array.from({ length: Math.max(1, Math.round(r.flops / 2.5e7)) }, () => Infinity));
  for (const r of racers) for (let i = 0; i < 3; i++) r.run(0, 1);
  for (let round = 0; round < rounds; round++) {
    for (const [i, r] of racers.entries()) {
      const times = least[i] ?? [];
      const repeats = times.length > 1 ? 1 : Math.max(1, Math.round(2.5e7 / r.flops));
      for (let part = 0; part < times.length; part++) {
        const from = performance.now();
        for (let j = 0; j < repeats; j++) r.run(part, times.length);
        times[part] = Math.min(times[part] ?? Infinity, (performance.now() - from) / repeats);
      }
    }
  }
  for (const [i, r] of racers.entries()) r.gflops = r.flops / (least[i] ?? []).reduce((a, b) => a + b, 0) / 1e6;
}

/** The micro-kernel alone, both operands packed and warm. */
function peak(rows: number, columns: number, unroll: number, fma: boolean): Racer {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bareLoop(rows, 1, columns, fma, unroll)), { env: { memory } });
  const run = instance.exports['run'] as (base: number, times: number) => void;
  return { name: 'peak', schedule: `${rows}x${columns} unroll=${unroll}`, gflops: 0, flops: 2 * rows * columns * bareDepth * 100, run: () => { run(65536, 100); } };
}

const extentOf = (kernel: Kernel): number => allAxes(kernel.body).reduce((n, v) => n * (asInt(v.extent) ?? 1), 1);

function racersOf(name: string, kernel: Kernel, first: number, only: Schedule | undefined, lanes: number): Racer[] {
  const space = contractionSpace(kernel, { ...testProfile, lanes });
  if ('why' in space) throw new Error(space.why);
  const inputs = inputsOf(kernel, []);
  const all = only === undefined ? candidates(space).slice(0, first) : [{ ...space.fallback, ...only }];
  // One memory for all: V8 reserves 8 GiB of addresses for each, and a hundred are more than some machines give.
  let memory: WebAssembly.Memory | undefined;
  return all.map((schedule) => {
    const running = start(emitContraction(kernel, schedule), [], inputs, memory);
    ({ memory } = running);
    const at = (part: number, parts: number): number => Math.round((running.units * part) / parts);
    const run = (part: number, parts: number): void => { running.run(at(part, parts), at(part + 1, parts)); };
    return { name, schedule: scheduleText(schedule), gflops: 0, flops: 2 * extentOf(kernel), run };
  });
}

const products: Record<string, readonly [number, number, number]> = {
  '128x768x3072': [128, 768, 3072], '128x3072x768': [128, 3072, 768], '384x384x384': [384, 384, 384], '1024x1024x1024': [1024, 1024, 1024],
  '128x768x768': [128, 768, 768], '1x768x3072': [1, 768, 3072], '4x768x768': [4, 768, 768],
};

const conv = (size: number, channels: number, outputs: number, kernel: number, stride = 1): Conv =>
  ({ size: [size, size], channels, outputs, kernel, stride, pad: kernel >> 1 });
const convolutions: Record<string, Conv> = {
  'resnet50 7x7/2 3-64 @224': conv(224, 3, 64, 7, 2), 'stem 7x7/2 planes': { ...conv(224, 3, 64, 7, 2), inputOrder: [0, 3, 1, 2] },
  'stem 3x3/2 planes': { ...conv(224, 3, 64, 3, 2), pad: 0, inputOrder: [0, 3, 1, 2] },
  'stem 3x3/2 planes padded': { ...conv(224, 3, 32, 3, 2), inputOrder: [0, 3, 1, 2] }, 'resnet50 3x3 64 @56': conv(56, 64, 64, 3), 'resnet50 1x1 64-256 @56': conv(56, 64, 256, 1),
  'resnet50 3x3 128 @28': conv(28, 128, 128, 3), 'resnet50 3x3 256 @14': conv(14, 256, 256, 3), 'resnet50 1x1 1024-256 @14': conv(14, 1024, 256, 1),
  'resnet50 1x1 256-1024 @14': conv(14, 256, 1024, 1), 'resnet50 1x1 512-2048 @7': conv(7, 512, 2048, 1), 'resnet50 1x1 256-64 @56': conv(56, 256, 64, 1),
  'squeezenet 1x1 512-1000 @13': conv(13, 512, 1000, 1), 'resnet50 3x3 512 @7': conv(7, 512, 512, 3), 'resnet50 3x3/2 128 @56': conv(56, 128, 128, 3, 2),
  'yolox 3x3 12-16 @208': conv(208, 12, 16, 3), 'yolox 1x1 32-32 @104': conv(104, 32, 32, 1),
  'depthwise 3x3 96 @56': { ...conv(56, 96, 96, 3), depthwise: true }, 'depthwise 3x3/2 144 @56': { ...conv(56, 144, 144, 3, 2), depthwise: true },
  'depthwise 5x5 672 @14': { ...conv(14, 672, 672, 5), depthwise: true }, 'depthwise 3x3 960 @7': { ...conv(7, 960, 960, 3), depthwise: true },
};

export interface Request {
  /** Part of the names of cases to run. */
  readonly filter: string;
  /** How many candidates of each, in the order of their ranks. */
  readonly first: number;
  readonly rounds: number;
  readonly fma: boolean;
  readonly only?: Schedule;
  readonly panel: number;
  /** 8 where the engine joins vectors. */
  readonly lanes: number;
  /** What follows the sum. */
  readonly ending: Ending;
}

const endings = {
  none: (sum: Expr) => sum,
  bias: (sum: Expr, bias: Expr) => add(sum, bias),
  relu: (sum: Expr, bias: Expr) => binary('max', add(sum, bias), constant(0, 'float32')),
  silu: (sum: Expr, bias: Expr) => mul(add(sum, bias), unary('sigmoid', add(sum, bias))),
  gelu: (sum: Expr, bias: Expr) => mul(mul(add(sum, bias), add(unary('erf', mul(add(sum, bias), 0.70710678)), 1)), 0.5),
} as const;
type Ending = keyof typeof endings;

/** The best candidates of each case, with the rank they had, and the peaks. */
export function run({ filter, first, rounds, fma, only, panel, lanes, ending }: Request): Row[] {
  const options: Options = { fma, panel, value: endings[ending] };
  const rows: Row[] = [];
  // One and the same loop ran at 30 GFLOP/s in some pages and at 44 in others (6x8, Zen 3; by where code or memory lies?), so there are many.
  const peaks = ([[6, 8], [5, 8], [4, 8], [2, 24], [4, 16]] as const).flatMap(([r, c]) => [1, 2, 4, 8].map((unroll) => peak(r, c, unroll, fma)));
  rows.push(...peaks);
  const kernels = [
    ...Object.entries(products).map(([name, sizes]) => [name, () => product(sizes, options)] as const),
    ...Object.entries(convolutions).map(([name, spec]) => [name, () => convolution(spec, options)] as const),
  ];
  for (const [name, make] of kernels) {
    if (!name.includes(filter)) continue;
    const racers = racersOf(name, make(), first, only, lanes);
    race([...peaks, ...racers], rounds);
    rows.push(...racers);
  }
  // A filter that no case passes (`--filter peak`) asks for the bare loops alone.
  if (rows.length === peaks.length) race(peaks, rounds);
  return rows.map(({ name, schedule, gflops }) => ({ name, schedule, gflops }));
}
