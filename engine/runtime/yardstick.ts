/**
 * What a GPU is worth beside the CPU, from some 20 ms of measuring: a product that is bound by arithmetic, and a tiny one whose time is the round
 * trip of a run. Input: the device, through the interface that models use; what is known from an earlier visit. Output: multiply-adds and
 * seconds, and from them and the size of a model's weights the better device, with the reason in words. Both products run with the
 * fallback, as a first run does.
 */
import { type Device, type DeviceProfile, whole } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import { int, load, ref, variable } from '../../jit/expr/expr.ts';
import { type Arg, type ContractionBody, makeKernel, stridesOf } from '../../jit/kernel.ts';
import type { Cache } from '../cache/cache.ts';

export interface Yardstick {
  /** Multiply-adds per second. */
  readonly peak: number;
  /** Seconds of a run that computes next to nothing, its result read. */
  readonly trip: number;
}

/** Multiply-adds for each weight: 128 tokens of a transformer; convolutions have some 50 (EfficientNet) to 160 (ResNet-50). */
const reuse = 100;

/** [m, k] x [k, n] of the two products. */
const sizes = [[1024, 512, 1024], [64, 16, 64]] as const;

/** Measured on this device, or at an earlier visit. */
export async function yardstickOf(device: Device, cache: Cache): Promise<Yardstick> {
  const key = `yardstick ${device.profile.fingerprint}`;
  const known = await cache.getChoice(key);
  if (isYardstick(known)) return known;
  const [large, trip] = [await seconds(device, sizes[0]), await seconds(device, sizes[1])];
  // A large product that is no slower than a tiny one says only that it is fast.
  const made = { peak: (1024 * 512 * 1024) / Math.max(large - trip, trip / 10), trip };
  await cache.putChoice(key, made);
  return made;
}

const isYardstick = (value: unknown): value is Yardstick =>
  typeof value === 'object' && value !== null && 'peak' in value && 'trip' in value && Number(value.peak) > 0 && Number(value.trip) > 0;

async function seconds(device: Device, [M, K, N]: readonly [number, number, number]): Promise<number> {
  const [m, n, k] = [variable('m', M), variable('n', N), variable('k', K)];
  const body: ContractionBody = {
    kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]), rhs: load(1, 'float32', [k, n]),
    store: { tensor: 2, index: [m, n], value: ref('acc', 'float32') },
  };
  const args = ([[M, K], [K, N], [M, N]] as const).map((dims, i): Arg => {
    const shape = dims.map(int);
    return { dtype: 'float32', shape, strides: stridesOf(shape), access: i === 2 ? 'write' : 'read' };
  });
  const { kernel } = makeKernel(body, args, { fma: device.profile.fma, precision: 'exact' });
  const space = device.space(kernel);
  if ('why' in space) throw new QuernError('internal', 'a device cannot multiply matrices', { got: space.why });
  const regions = [M * K, K * N, M * N].map((count) => device.allocate(4 * count));
  const views = regions.map(whole);
  const program = device.program([{ compiled: await device.compile(device.emit(kernel, space.fallback)), args: views, dims: [] }]);
  try {
    let least = Infinity;
    for (let i = 0; i < 5; i++) {
      const from = performance.now();
      await program.run();
      await device.read({ ...(views[2] as (typeof views)[number]), bytes: 256 }, 'float32');
      least = Math.min(least, performance.now() - from);
    }
    return Math.max(least, 0.01) / 1000;
  } finally {
    program.dispose();
    for (const region of regions) device.release(region);
  }
}

/** Whether a model with so many bytes of weights runs sooner on the GPU (unknown: Infinity), and why. */
export function preferGpu(
  weightBytes: number, gpu: Yardstick, cpu: Pick<DeviceProfile, 'peakFlops' | 'threads'>,
): { readonly gpu: boolean; readonly why: string } {
  const onCpu = cpu.peakFlops * cpu.threads;
  const work = (weightBytes / 4) * reuse;
  const [gpuTime, cpuTime] = [gpu.trip + work / gpu.peak, work / onCpu];
  const rate = (madds: number): string => `${Math.round((2 * madds) / 1e9)} GFLOP/s`;
  const time = (s: number): string => `${(s * 1000).toPrecision(2)} ms`;
  const guess = Number.isFinite(work) ? `; ${time(gpuTime)} and ${time(cpuTime)} a run, guessed from ${weightBytes} bytes of weights` : '';
  return {
    gpu: Number.isFinite(work) ? gpuTime < cpuTime : gpu.peak > onCpu,
    why: `measured: the GPU ${rate(gpu.peak)} and ${time(gpu.trip)} for a round trip, the CPU ${rate(onCpu)}${guess}`,
  };
}
