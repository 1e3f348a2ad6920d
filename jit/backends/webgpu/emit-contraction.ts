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
import { sharedDepth } from './contraction-tile.ts';
import { emitPoints } from './emit-contraction-point.ts';
import { emitShared } from './emit-contraction-shared.ts';
import { emitTiles } from './emit-contraction-tile.ts';
import { type Emitter, workgroupLimit } from './module.ts';
import { divides, extentsOf } from './points.ts';

/** Invocations of a workgroup in every schedule of contractions: two or more subgroups on all GPUs. */
const workgroup = 64;

export function contractionSpace(kernel: Kernel, original: ContractionBody, profile: DeviceProfile): Space {
  const body = merge(original, kernel.args);
  if (body.cols.length === 0) return pointSpace(body, profile);
  const [m, n, k] = [extentsOf(body.rows), extentsOf(body.cols), body.depth[body.depth.length - 1]?.extent];
  const [rows, cols, depth] = [asInt(m), asInt(n), k === undefined ? undefined : asInt(k)];
  const least = Math.min(...kernel.syms.map((s) => s.min), 1);
  const rowsMost = rows ?? Infinity;
  const fits = (size: number, most: number): boolean => size === 1 || size < most * 2;
  const memory = profile.limits['maxComputeWorkgroupStorageSize'] ?? 16384;
  const tn = divides(n, 8) ? 8 : divides(n, 4) || (cols ?? 64) >= 16 ? 4 : 1;
  const tm = rowsMost >= 4 && (rows !== undefined || least > 0) ? 4 : rowsMost >= 2 ? 2 : 1;
  // Few outputs and a long sum: invocations of a workgroup share it.
  const few = rows !== undefined && cols !== undefined && rows * cols < 4096 && (depth ?? 0) >= 256;
  return {
    emitter: 'webgpu-contraction', version: 1,
    knobs: [
      { name: 'tm', values: [1, 2, 4, 8] }, { name: 'tn', values: [1, 4, 8] }, { name: 'wx', values: [4, 8, 16, 64] },
      { name: 'ks', values: [1, 4, 16] }, { name: 'shared', values: [0, 1] },
    ],
    constraints: [
      { name: 'the workgroup is within the limit', holds: () => workgroup <= workgroupLimit(profile) },
      { name: 'the tile is not much larger than the output', holds: (s) => fits(s['tm'] ?? 1, rowsMost) && fits(s['tn'] ?? 1, cols ?? Infinity) },
      { name: 'sums fit in registers', holds: (s) => (s['tm'] ?? 1) * (s['tn'] ?? 1) <= 32 },
      { name: 'tiles are square enough', holds: (s) => s['shared'] === 1 || rowsMost < 4 || (s['tm'] ?? 1) * 4 >= (s['tn'] ?? 1) },
      { name: 'lanes divide the workgroup', holds: (s) => workgroup % ((s['wx'] ?? 1) * (s['ks'] ?? 1)) === 0 },
      { name: 'rows fill the workgroup', holds: (s) => (workgroup / ((s['wx'] ?? 1) * (s['ks'] ?? 1))) * (s['tm'] ?? 1) < Math.max(2 * rowsMost, 2) },
      { name: 'the sum is split only where outputs are few', holds: (s) => s['ks'] === 1 || (rowsMost === Infinity ? (s['tm'] ?? 1) <= 2 : rowsMost <= 16 || few) },
      { name: 'the sum is long enough to split', holds: (s) => s['ks'] === 1 || depth === undefined || depth >= 16 * (s['ks'] ?? 1) },
      { name: 'workgroup memory pays with square tiles', holds: (s) => s['shared'] === 0 || (s['ks'] === 1 && s['wx'] === 8 && (s['tm'] ?? 1) >= 4 && (s['tn'] ?? 1) >= 4) },
      { name: 'tiles fit workgroup memory', holds: (s) => s['shared'] === 0 || sharedBytes(s) <= memory },
    ],
    fallback: few ? { tm: 1, tn: Math.min(tn, 4), wx: 4, ks: 16, shared: 0 } : { tm, tn, wx: rowsMost < 16 ? 64 : 8, ks: 1, shared: 0 },
    rank: (s) => rank(s, rowsMost, profile),
  };
}

const sharedBytes = ({ tm = 4, tn = 4, wx = 8 }: Schedule): number => 4 * sharedDepth * (tm * (workgroup / wx) + tn * wx);

/** Loads per multiply-add, and what a wrong shape costs. */
function rank({ tm = 1, tn = 1, ks = 1, wx = 8, shared = 0 }: Schedule, rows: number, profile: DeviceProfile): number {
  const software = profile.features.includes('fallback-adapter');
  const loads = 1 / tm + 1 / tn;
  return loads + (shared === 1 ? (software ? 1 : -0.3) : 0) + (rows <= 4 && ks === 1 ? 0.5 : 0) + (wx === 4 ? 0.05 : 0);
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
