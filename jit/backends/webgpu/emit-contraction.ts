/**
 * Contractions on the GPU: the space, and the choice among three ways to write one. `tile`: each invocation keeps tm x tn sums in registers
 * and reads operands from buffers, vectors along depth and columns where addresses allow it; `shared`: a workgroup brings both operands
 * through workgroup memory; `point`: neighbours of the output, for depthwise convolutions. On SwiftShader, 512^3: 4 x 8 tiles
 * without workgroup memory reach 2.8 to 3.1 GFLOP/s, one output per invocation 0.8; a GPU with real workgroup memory wants `shared`.
 */
import { merge } from '../../contraction.ts';
import type { DeviceProfile } from '../../device.ts';
import { asInt } from '../../expr/expr.ts';
import type { ContractionBody, Kernel } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import { sharedDepth, tileOf, tiles } from './contraction-tile.ts';
import { emitPoints } from './emit-contraction-point.ts';
import { emitShared } from './emit-contraction-shared.ts';
import { emitTiles } from './emit-contraction-tile.ts';
import { type Emitter, software, workgroupLimit } from './module.ts';
import { divides, extentsOf } from './points.ts';

/** Invocations of a workgroup in every schedule of contractions: two or more subgroups on all GPUs. */
const workgroup = 64;

export function contractionSpace(kernel: Kernel, original: ContractionBody, profile: DeviceProfile): Space {
  const body = merge(original, kernel.args);
  if (body.cols.length === 0) return pointSpace(body, profile);
  const [rows, cols] = [asInt(extentsOf(body.rows)), asInt(extentsOf(body.cols))];
  const depth = body.depth[body.depth.length - 1]?.extent;
  const steps = depth === undefined ? undefined : asInt(depth);
  const memory = profile.limits['maxComputeWorkgroupStorageSize'] ?? 16384;
  // Few outputs and a long sum: invocations of a workgroup share it.
  const few = (rows === undefined || rows <= 8 || rows * (cols ?? 4096) < 4096) && (steps === undefined || steps >= 128);
  const tn = cols !== undefined && cols < 4 ? 1 : divides(extentsOf(body.cols), 8) ? 8 : 4;
  /** Outputs computed per output wanted; dims that are not known count as a multiple of everything. */
  const waste = (s: Schedule): number => {
    const [{ tm, tn: width }, wx, ks] = [tileOf(s), s['wx'] ?? 8, s['ks'] ?? 1];
    return padded(rows, (workgroup / (wx * ks)) * tm) * padded(cols, wx * width);
  };
  const shapes = [{ tile: 40 + tn }, { tile: 44 }, { tile: 20 + Math.min(tn, 4) }, { tile: 10 + Math.min(tn, 4) }]
    .filter(({ tile }) => tiles.includes(tile)).flatMap((t) => [8, 16, 4, 64].map((wx): Schedule => ({ ...t, wx, ks: 1, shared: 0 })));
  const least = Math.min(...shapes.map(waste));
  const fallback = few && rows !== undefined && !profile.features.includes(software)
    ? { tile: 10 + Math.min(tn, 4), wx: 8, ks: 8, shared: 0 }
    : shapes.find((s) => waste(s) <= Math.max(1.25, least)) ?? { tile: 11, wx: 8, ks: 1, shared: 0 };
  return {
    emitter: 'webgpu-contraction', version: 1,
    knobs: [
      { name: 'tile', values: tiles }, { name: 'wx', values: [4, 8, 16, 64] }, { name: 'ks', values: [1, 4, 8, 16] }, { name: 'shared', values: [0, 1] },
    ],
    constraints: [
      { name: 'the workgroup is within the limit', holds: () => workgroup <= workgroupLimit(profile) },
      { name: 'the tile is not larger than the output', holds: (s) => {
        const { tm, tn: width } = tileOf(s);
        return (tm === 1 || tm <= (rows ?? tm)) && (width === 1 ? (cols ?? 4) < 4 : width < 2 * (cols ?? width));
      } },
      { name: 'sums fit in registers', holds: (s) => s['tile'] !== 88 || s['shared'] === 1 },
      { name: 'workgroups cover little beyond the output', holds: (s) => waste(s) <= Math.max(2, least) },
      { name: 'narrow workgroups are for few columns', holds: (s) => s['wx'] !== 4 || s['ks'] !== 1 || (cols !== undefined && cols < 64) },
      { name: 'wide workgroups are for few rows', holds: (s) => s['wx'] !== 64 || (s['ks'] === 1 && tileOf(s).tm <= 2) },
      { name: 'the sum is split where outputs are few', holds: (s) => s['ks'] === 1 || (few && tileOf(s).tm <= 2) },
      { name: 'a split sum fills the workgroup', holds: (s) => s['ks'] === 1 || (s['ks'] ?? 1) * (s['wx'] ?? 1) === workgroup },
      { name: 'workgroup memory pays with square tiles', holds: (s) => s['shared'] === 0
        || (s['ks'] === 1 && s['wx'] === 8 && (rows ?? 32) >= 32 && (cols ?? 32) >= 32 && [44, 48, 88].includes(s['tile'] ?? 0)) },
      { name: 'tiles fit workgroup memory', holds: (s) => s['shared'] === 0 || sharedBytes(s) <= memory },
    ],
    fallback,
    rank: (s) => rank(s, rows ?? 16, profile),
  };
}

const sharedBytes = (s: Schedule): number => {
  const [{ tm, tn }, wx] = [tileOf(s), s['wx'] ?? 8];
  return 4 * sharedDepth * (tm * (workgroup / wx) + tn * wx);
};

/** How much larger a size gets when it is rounded up to whole blocks. */
const padded = (size: number | undefined, block: number): number =>
  (size === undefined ? 1 : Math.ceil(Math.max(1, size) / block) * block / Math.max(1, size));

/** Loads per multiply-add; on a software adapter workgroup memory is plain memory and barriers are slow. */
function rank(s: Schedule, rows: number, profile: DeviceProfile): number {
  const { tm, tn } = tileOf(s);
  const barriers = profile.features.includes(software) ? 2 : -0.2;
  return 1 / tm + 1 / tn + (s['shared'] === 1 || (s['ks'] !== 1 && rows <= 4) ? barriers : 0);
}

function pointSpace(body: ContractionBody, profile: DeviceProfile): Space {
  const total = extentsOf([...body.batch, ...body.rows]);
  const vectors = divides(total, 4);
  return {
    emitter: 'webgpu-depthwise', version: 1,
    knobs: [{ name: 'wg', values: [64, 128, 256] }, { name: 'vec', values: [1, 4] }],
    constraints: [
      { name: 'the workgroup is within the limit', holds: (s) => (s['wg'] ?? 0) <= workgroupLimit(profile) },
      { name: 'outputs divide into vectors', holds: (s) => s['vec'] === 1 || vectors },
    ],
    fallback: { wg: 64, vec: vectors ? 4 : 1 },
  };
}

export function emitContraction(kernel: Kernel, original: ContractionBody, schedule: Schedule): Emitter {
  const body = merge(original, kernel.args);
  if (body.cols.length === 0) return emitPoints(kernel, body, schedule);
  return schedule['shared'] === 1 ? emitShared(kernel, body, schedule, workgroup) : emitTiles(kernel, body, schedule, workgroup);
}
