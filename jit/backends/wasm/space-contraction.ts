/**
 * The space of tiles for contractions. Knobs: rows and panels of a tile of accumulators, how often the depth loop is unrolled, and how many tile
 * rows are walked down before the next column (block; 0: all, 1: columns first). Fixed, because always right on the web: accumulators in
 * locals, lhs read in place, rhs by whole vectors, order of summation. Candidates that one device cannot hold in registers stay in: V8's
 * revectorizer, where it is on, runs 4x16 at twice the speed of anything that fits 16 registers.
 */
import type { Contraction, Outline } from '../../contraction.ts';
import type { DeviceProfile } from '../../device.ts';
import { asInt, product } from '../../expr/expr.ts';
import type { Kernel } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import type { Depthwise } from './contraction-depthwise.ts';
import { methodOf } from './emit-contraction.ts';

const version = 1;

export function contractionSpace(kernel: Kernel, profile: DeviceProfile): Space | { readonly why: string } {
  if (kernel.body.kind !== 'contraction') return { why: 'not a contraction' };
  const method = methodOf(kernel);
  switch (method.by) {
    case 'tiles': return tileSpace(method.c, profile);
    case 'general': return generalSpace(method.c);
    case 'depthwise': return depthwiseSpace(method.d, profile);
    case 'nest': return { emitter: 'contraction', version, knobs: [], constraints: [], fallback: {} };
    default: return method satisfies never;
  }
}

/** Operands that are computed on the way: what they cost is shared by the rows and columns of a tile. */
function generalSpace(c: Outline): Space {
  const m = asInt(product(c.rows.map((v) => v.extent)));
  const width = c.cols?.width ?? 4;
  const panels = width === 4 ? [1, 2, 4] : width === 8 ? [1, 2] : [1];
  const few = Math.min(4, m ?? 4);
  return {
    emitter: 'contraction',
    version,
    knobs: [{ name: 'rows', values: [1, 2, 4, 8] }, { name: 'panels', values: panels }, { name: 'block', values: [0, 1] }],
    constraints: [
      { name: 'a tile is not taller than the matrix', holds: (s) => m === undefined || (s['rows'] ?? 1) <= m },
      { name: 'at most 16 accumulators', holds: (s) => ((s['rows'] ?? 1) * (s['panels'] ?? 1) * width) / 4 <= 16 },
      { name: 'one tile row has one order', holds: (s) => s['block'] === 1 || m === undefined || m > (s['rows'] ?? 1) },
    ],
    fallback: { rows: few === 3 ? 2 : few, panels: 1, block: 0 },
    rank: (s) => Math.abs(((s['rows'] ?? 1) * (s['panels'] ?? 1) * width) / 4 - 8) + (s['block'] ?? 0) * 0.5,
  };
}

/** rows: positions of a tile; vectors of channels at once; reuse: whether inputs that taps share wait in locals. */
function depthwiseSpace({ along, channels, taps }: Depthwise, profile: DeviceProfile): Space {
  const length = asInt(along.extent);
  const [rows, vectors] = [(s: Schedule): number => s['rows'] ?? 1, (s: Schedule): number => s['vectors'] ?? 1];
  return {
    emitter: 'contraction',
    version,
    knobs: [
      { name: 'rows', values: [1, 2, 4, 7, 8] },
      { name: 'vectors', values: [1, 2, 4] },
      { name: 'reuse', values: [0, 1] },
    ],
    constraints: [
      { name: 'a tile is not longer than a row', holds: (s) => length === undefined || rows(s) <= length },
      { name: 'a turn takes no more channels than there are', holds: (s) => vectors(s) === 1 || vectors(s) * 4 <= channels },
      { name: 'at most 8 accumulators', holds: (s) => rows(s) * vectors(s) <= 8 },
      { name: 'at most 400 loads are unrolled', holds: (s) => rows(s) * vectors(s) * taps.length <= 400 },
    ],
    fallback: { rows: Math.min(4, length ?? 4), vectors: 1, reuse: 0 },
    rank: (s) => {
      const sums = rows(s) * vectors(s);
      const live = sums + (s['reuse'] === 1 ? sums + 2 : 1) + 1;
      const waste = length === undefined ? 1 : (Math.ceil(length / rows(s)) * rows(s)) / length;
      const loads = s['reuse'] === 1 ? 0.6 : (rows(s) + 1) / rows(s);
      return (Math.max(1, 8 / sums) * 0.5 + loads) * waste * (1 + Math.max(0, live - profile.vectorRegisters + 1) * 0.1);
    },
  };
}

function tileSpace(c: Contraction, profile: DeviceProfile): Space {
  const width = c.cols?.width ?? 4;
  const m = asInt(product(c.rows.map((v) => v.extent)));
  const n = asInt(c.cols?.n.extent ?? product([]));
  const k = asInt((c.inside?.depth ?? c.depth).at(-1)?.extent ?? product([]));
  const vectors = (s: Schedule): number => ((s['panels'] ?? 1) * width) / 4;
  const rows = (s: Schedule): number => s['rows'] ?? 1;
  const least = Math.min(m ?? 8, 6);
  const fallback: Schedule = {
    rows: Math.min(4, m ?? 4), panels: Math.max(1, Math.floor((m === 1 ? 32 : 8) / width)), unroll: unrolls(k).at(-1) ?? 1, block: m === 1 ? 1 : 0,
  };
  return {
    emitter: 'contraction',
    version,
    knobs: [
      { name: 'rows', values: [1, 2, 3, 4, 5, 6, 8] },
      { name: 'panels', values: width === 4 ? [1, 2, 3, 4, 6, 8] : width === 8 ? [1, 2, 3, 4] : [1, 2] },
      { name: 'unroll', values: unrolls(k) },
      { name: 'block', values: [0, 1, 16] },
    ],
    constraints: [
      { name: 'a tile is not taller than the matrix', holds: (s) => m === undefined || rows(s) <= m },
      { name: 'a tile is not wider than the matrix', holds: (s) => n === undefined || (s['panels'] ?? 1) <= Math.max(1, Math.ceil(n / width)) },
      { name: 'at most 16 accumulators', holds: (s) => rows(s) * vectors(s) <= 16 },
      { name: 'enough chains of sums to fill the pipeline', holds: (s) => rows(s) * vectors(s) >= Math.min(8, least * (n === undefined ? 2 : Math.min(2, n / 4))) },
      { name: 'a block is smaller than the matrix', holds: (s) => s['block'] !== 16 || m === undefined || m > 16 * rows(s) },
      { name: 'one tile row has one order', holds: (s) => s['block'] === 1 || m === undefined || m > rows(s) },
    ],
    fallback,
    rank: (s) => cost(s, { width, m, registers: profile.vectorRegisters }),
  };
}

/** Loops of a known short length are not unrolled beyond it. */
const unrolls = (k: number | undefined): number[] => [1, 4].filter((u) => k === undefined || u === 1 || u <= k);

interface Facts { readonly width: number; readonly m: number | undefined; readonly registers: number }

/** Expected cycles per multiply-add of 4 lanes: two such or two loads in a cycle, more where accumulators do not fit, rows left over. */
function cost(s: Schedule, { width, m, registers }: Facts): number {
  const rows = s['rows'] ?? 1;
  const vectors = ((s['panels'] ?? 1) * width) / 4;
  const sums = rows * vectors;
  const live = sums + Math.min(rows, vectors) + 1;
  const spilled = Math.max(0, live - (registers - 1));
  const chains = Math.max(1, 8 / sums);
  const loads = (rows + vectors) / sums;
  const waste = m === undefined ? 1 : (Math.ceil(m / rows) * rows) / m;
  const order = s['block'] === 0 ? 1 : s['block'] === 1 ? 1.01 : 1.02;
  return Math.max(chains, loads) * (1 + spilled * 0.2) * waste * order * (s['unroll'] === 1 ? 1.03 : 1) + loads * 0.05;
}
