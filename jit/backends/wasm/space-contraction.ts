/**
 * The space of tiles for contractions. Knobs: rows and panels of a tile of accumulators, how often the depth loop is unrolled, and how many tile
 * rows are walked down before the next column (block; 0: all, 1: columns first). Fixed, because always right on the web: accumulators in
 * locals, lhs read in place, rhs by whole vectors, order of summation. Candidates that one device cannot hold in registers stay in. What the
 * probe saw of the device ranks them, and the fallback is what ranks first.
 */
import type { Contraction, Outline } from '../../contraction.ts';
import type { DeviceProfile } from '../../device.ts';
import { asInt, product } from '../../expr/expr.ts';
import type { Kernel } from '../../kernel.ts';
import type { Constraint, Schedule, Space } from '../../space.ts';
import type { Depthwise } from './contraction-depthwise.ts';
import { tapAxes } from './contraction-tile.ts';
import { methodOf } from './contraction-method.ts';
import { lastPanels } from './emit-contraction.ts';

const version = 3;

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
    // Two vectors at once: 35 instead of 23 GFLOP/s in Chromium (3x3, 96 channels at 56x56), 29 instead of 27 in Firefox.
    fallback: { rows: Math.min(4, length ?? 4), vectors: channels >= 8 && taps.length <= 50 ? 2 : 1, reuse: 0 },
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
  const nest = c.inside ?? c;
  const taps = c.lhs.guard !== undefined && c.inside === undefined ? [] : tapAxes(nest);
  const k = taps.length > 0 ? asInt(product(taps.map((v) => v.extent))) : asInt(nest.depth.at(-1)?.extent ?? product([]));
  const most = 4 * (profile.lanes ?? 4);
  const vectors = (s: Schedule): number => ((s['panels'] ?? 1) * width) / 4;
  const rows = (s: Schedule): number => s['rows'] ?? 1;
  const least = Math.min(m ?? 8, 6);
  const unroll = taps.length > 0 ? [1] : unrolls(k);
  const knobs = [
    { name: 'rows', values: [1, 2, 3, 4, 5, 6, 8] },
    { name: 'panels', values: width === 4 ? [1, 2, 3, 4, 6, 8] : width === 8 ? [1, 2, 3, 4] : [1, 2] },
    { name: 'unroll', values: unroll },
    { name: 'block', values: [0, 1, 16] },
  ] as const;
  const constraints: readonly Constraint[] = [
    { name: 'a tile is not taller than the matrix', holds: (s) => m === undefined || rows(s) <= m },
    { name: 'a tile is not wider than the matrix', holds: (s) => n === undefined || (s['panels'] ?? 1) <= Math.max(1, Math.ceil(n / width)) },
    { name: `at most ${most} accumulators`, holds: (s) => rows(s) * vectors(s) <= most },
    { name: 'enough chains of sums to fill the pipeline', holds: (s) => rows(s) * vectors(s) >= Math.min(8, least * (n === undefined ? 2 : Math.min(2, n / 4))) },
    { name: 'a block is smaller than the matrix', holds: (s) => s['block'] !== 16 || m === undefined || m > 16 * rows(s) },
    { name: 'one tile row has one order', holds: (s) => s['block'] === 1 || m === undefined || m > rows(s) },
  ];
  const depth = asInt(product(c.depth.map((v) => v.extent)));
  const cost = costOf({ width, m, k, depth, panels: n === undefined ? undefined : Math.ceil(n / width), profile });
  const tile = (r: number, p: number): Schedule => ({ rows: r, panels: p, unroll: unroll.at(-1) ?? 1, block: m !== undefined && m <= r ? 1 : 0 });
  const tiles = knobs[0].values.flatMap((r) => knobs[1].values.map((p) => tile(r, p)))
    .filter((s) => constraints.every(({ holds }) => holds(s)));
  // The first of the best: a sort of all candidates would cost a fifth of a millisecond for each kernel of a first visit.
  const fallback = tiles.reduce<Schedule>((a, b) => (cost(b) < cost(a) ? b : a), tiles[0] ?? tile(1, 1));
  return { emitter: 'contraction', version, knobs, constraints, fallback, rank: cost };
}

/** Loops of a known short length are not unrolled beyond it. */
const unrolls = (k: number | undefined): number[] => [1, 4].filter((u) => k === undefined || u === 1 || u <= k);

interface Facts {
  readonly width: number;
  /** Rows and panels of the matrix, where they are known. */
  readonly m: number | undefined;
  readonly panels: number | undefined;
  /** Length of the innermost loop, and of all together. */
  readonly k: number | undefined;
  readonly depth: number | undefined;
  readonly profile: DeviceProfile;
}

/**
 * Expected cycles per multiply-add of 4 lanes: two such or two loads in a cycle, more where accumulators do not fit; rows that are computed again
 * count, and columns that are left over run in smaller tiles, which may have too few sums to fill the pipeline. Before each short run the pointer
 * of every row moves: 3 channels of a picture under 3x3 take 0.92 ms in 6x8, 0.57 in 2x16. And every row is placed and tested: 3 channels under
 * 7x7 run at 47 GFLOP/s in 6x8, at 55 in 2x24. Each sum short of 12 costs 1 or 2 %: 128x768x3072 runs at 55 in 2x24 and 51 in 2x16, with joined
 * vectors at 100 in 6x16, 94 in 5x16 and 3x24.
 */
function costOf({ width, m, panels, k = 8, depth = 256, profile: { vectorRegisters, lanes = 4, splat = 1 } }: Facts): (s: Schedule) => number {
  const moves = k < 8 ? 4 / k : 0;
  const tile = (rows: number, wide: number): number => {
    const all = (wide * width) / 4;
    const joined = lanes === 8 && all % 2 === 0 ? 2 : 1;
    const vectors = all / joined;
    const sums = rows * vectors;
    const spilled = Math.max(0, sums + Math.min(rows, vectors) + 1 - (vectorRegisters - 1));
    const loads = (splat * rows + vectors) / sums;
    const few = Math.max(0, 12 - sums) * 0.01 * joined;
    return ((Math.max(1, 8 / sums, loads) + few) * (1 + spilled * 0.2) + loads * 0.05 + moves / all + 5.5 / (all * depth)) / joined;
  };
  return (s) => {
    const [rows, wide] = [s['rows'] ?? 1, s['panels'] ?? 1];
    const { few, least } = lastPanels(panels, wide);
    const beside = panels === undefined ? 0 : (panels % wide + (least === wide ? 0 : wide)) / panels;
    const again = m === undefined ? 1 : (Math.ceil(m / rows) * rows) / m;
    const sum = again * ((1 - beside) * tile(rows, wide) + (beside > 0 ? beside * tile(rows, few) : 0));
    return sum * (s['block'] === 0 ? 1 : s['block'] === 1 ? 1.01 : 1.02) * (s['unroll'] === 1 ? 1.03 : 1);
  };
}
