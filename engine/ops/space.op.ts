/**
 * Operators on spatial dims that are neither convolution nor pool: blocks to channels and back, sampling grids, regions of interest,
 * deformable convolution. Samples outside the input are guarded or clamped as the padding mode says.
 */
import {
  type Expr, add, and, cast, constant, div, eq, floordiv, floormod, ge, int, le, lt, max, min, mul, ref, select, sub,
} from '../../jit/expr/expr.ts';
import { shapeText } from '../../jit/expr/text.ts';
import { ceil, clamp, floor, lastRow, round, toIndex, zeroOf } from './math.ts';
import { computeType } from './module.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { axesOf, ceildiv, flatten, freshAxes, numel, shaped, sized } from './shape.ts';
import { extentOf, inside, perPlace } from './window.ts';

const depthFirst = (build: Lowering): boolean => build.attributes.string('mode', ['DCR', 'CRD'], 'DCR') === 'DCR';

const depthToSpace: Operator = {
  op: 'DepthToSpace', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const block = build.attributes.count('blocksize');
    const [n = int(1), c = int(1), h = int(1), w = int(1)] = x.shape;
    const depth = floordiv(c, block * block);
    sized(build, mul(depth, block * block), c, 'the blocks do not divide the channels');
    const columnFirst = depthFirst(build);
    return build.map(x.dtype, [n, depth, mul(h, block), mul(w, block)], ([i = int(0), d = int(0), y = int(0), z = int(0)]) => {
      const inBlock = add(mul(floormod(y, block), block), floormod(z, block));
      const channel = columnFirst ? add(mul(inBlock, depth), d) : add(mul(d, block * block), inBlock);
      return x.at([i, channel, floordiv(y, block), floordiv(z, block)]);
    });
  },
};

const spaceToDepth: Operator = {
  op: 'SpaceToDepth', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const block = build.attributes.count('blocksize');
    const [n = int(1), c = int(1), h = int(1), w = int(1)] = x.shape;
    const first = depthFirst(build);
    const shape = [n, mul(c, block * block), floordiv(h, block), floordiv(w, block)];
    for (const dim of [h, w]) sized(build, mul(floordiv(dim, block), block), dim, 'the blocks do not divide the plane');
    return build.map(x.dtype, shape, ([i = int(0), d = int(0), y = int(0), z = int(0)]) => {
      const [inBlock, channel] = first ? [floordiv(d, c), floormod(d, c)] : [floormod(d, block * block), floordiv(d, block * block)];
      return x.at([i, channel, add(mul(y, block), floordiv(inBlock, block)), add(mul(z, block), floormod(inBlock, block))]);
    });
  },
};

type PaddingMode = 'zeros' | 'border' | 'reflection';

/** A coordinate brought back inside by mirrors at both ends: between pixel centres, or between outer edges. */
function reflected(x: Expr, dim: Expr, aligned: boolean): Expr {
  const size = cast(dim, x.dtype);
  const [low, span] = aligned ? [constant(0, x.dtype), sub(size, 1)] : [constant(-0.5, x.dtype), size];
  const period = mul(max(span, constant(1e-6, x.dtype)), 2);
  const shifted = sub(x, low);
  const wrapped = sub(shifted, mul(floor(div(shifted, period)), period));
  return add(min(wrapped, sub(period, wrapped)), low);
}

interface Sampling { readonly mode: 'linear' | 'nearest' | 'cubic'; readonly padding: PaddingMode; readonly aligned: boolean }

/** One element at whole positions, as the padding mode says. */
function padded(x: Tensor, lead: readonly Expr[], position: readonly Expr[], { padding, aligned }: Sampling): Expr {
  const spatial = x.shape.slice(lead.length);
  const limit = (p: Expr, dim: Expr): Expr => clamp(p, 0, sub(dim, 1));
  if (padding === 'zeros') return select(inside(position, spatial), x.at([...lead, ...position]), zeroOf(x.dtype));
  if (padding === 'border') return x.at([...lead, ...position.map((p, d) => limit(p, spatial[d] ?? int(1)))]);
  return x.at([...lead, ...position.map((p, d) => {
    const dim = spatial[d] ?? int(1);
    return limit(toIndex(round(reflected(cast(p, 'float32'), dim, aligned))), dim);
  })]);
}

/** Keys' cubic kernel with a = -0.75 at the four taps around. */
function cubicWeights(t: Expr): Expr[] {
  const a = -0.75;
  const near = (s: Expr): Expr => add(mul(mul(sub(mul(s, a + 2), a + 3), s), s), 1);
  const far = (s: Expr): Expr => mul(sub(mul(add(mul(sub(s, 5), s), 8), s), 4), a);
  return [far(add(t, 1)), near(t), near(sub(1, t)), far(sub(2, t))];
}

function sampled(x: Tensor, lead: readonly Expr[], at: readonly Expr[], sampling: Sampling): Expr {
  if (sampling.mode === 'nearest') return padded(x, lead, at.map((p) => toIndex(round(p))), sampling);
  const offsets = sampling.mode === 'linear' ? [0, 1] : [-1, 0, 1, 2];
  const position: Expr[] = [];
  const go = (d: number): Expr => {
    const p = at[d];
    if (p === undefined) return padded(x, lead, [...position], sampling);
    const base = floor(p);
    const t = sub(p, base);
    const weights = sampling.mode === 'linear' ? [sub(1, t), t] : cubicWeights(t);
    return offsets.map((offset, k) => {
      position[d] = add(toIndex(base), offset);
      return mul(weights[k] ?? t, go(d + 1));
    }).reduce((a, b) => add(a, b));
  };
  return go(0);
}

const gridSample: Operator = {
  op: 'GridSample', domain: '', since: 16, arity: [2, 2],
  lower: (build) => {
    const [x, grid] = [build.input(0), build.input(1)];
    const { attributes } = build;
    const mode = attributes.string('mode', ['linear', 'nearest', 'cubic', 'bilinear', 'bicubic'], 'linear');
    const sampling: Sampling = {
      mode: mode === 'nearest' ? mode : mode === 'cubic' || mode === 'bicubic' ? 'cubic' : 'linear',
      padding: attributes.string('padding_mode', ['zeros', 'border', 'reflection'], 'zeros'),
      aligned: attributes.int('align_corners', 0) !== 0,
    };
    const spatial = x.shape.slice(2);
    sized(build, grid.shape[0], x.shape[0] ?? int(1), 'grid and input differ in the batch');
    sized(build, grid.shape.at(-1), spatial.length, 'the grid has not one coordinate for each spatial dim');
    const shape = [x.shape[0] ?? int(1), x.shape[1] ?? int(1), ...grid.shape.slice(1, -1)];
    return build.map(x.dtype, shape, ([n = int(0), c = int(0), ...out]) => {
      const at = spatial.map((dim, d) => {
        const g = cast(grid.at([n, ...out, int(spatial.length - 1 - d)]), computeType(x.dtype));
        const size = cast(dim, g.dtype);
        const raw = sampling.aligned ? mul(mul(add(g, 1), 0.5), sub(size, 1)) : mul(sub(mul(add(g, 1), size), 1), 0.5);
        // A point outside is brought to the border; cubic taps are, each for itself.
        if (sampling.padding === 'border' && sampling.mode !== 'cubic') return clamp(raw, 0, sub(size, 1));
        return sampling.padding === 'reflection' ? reflected(raw, dim, sampling.aligned) : raw;
      });
      return cast(sampled(x, [n, c], at, sampling), computeType(x.dtype));
    });
  },
};

const affineGrid: Operator = {
  op: 'AffineGrid', domain: '', since: 20, arity: [2, 2],
  lower: (build) => {
    const theta = build.input(0);
    const [n = int(1), , ...spatial] = build.dims(build.input(1));
    const aligned = build.attributes.int('align_corners', 0) !== 0;
    const rank = spatial.length;
    shaped(build, theta.shape, [n, rank, rank + 1], 'the matrices do not fit the size of the grid');
    const type = computeType(theta.dtype);
    return build.map(theta.dtype, [n, ...spatial, int(rank)], (index) => {
      const [image = int(0)] = index;
      const row = index[rank + 1] ?? int(0);
      // Coordinates from the last dim (x) to the first, each in -1..1.
      const coordinates = spatial.map((dim, d) => {
        const [i, size] = [cast(index[d + 1] ?? int(0), type), cast(dim, type)];
        return aligned ? sub(div(mul(i, 2), max(sub(size, 1), 1)), 1) : sub(div(add(mul(i, 2), 1), size), 1);
      }).reverse();
      return coordinates.reduce((total, c, k) => add(total, mul(theta.at([image, row, int(k)]), c)), theta.at([image, row, int(rank)]));
    });
  },
};

const roiAlign: Operator = {
  op: 'RoiAlign', domain: '', since: 10, arity: [3, 3],
  lower: (build) => {
    const [x, rois, owners] = [build.input(0), build.input(1), build.input(2)];
    const { attributes } = build;
    const [height, width] = [attributes.count('output_height', 1), attributes.count('output_width', 1)];
    const [ratio, scale] = [attributes.int('sampling_ratio', 0), attributes.float('spatial_scale', 1)];
    const usual = build.opset < 16 ? 'output_half_pixel' : 'half_pixel';
    const half = attributes.string('coordinate_transformation_mode', ['half_pixel', 'output_half_pixel'], usual) === 'half_pixel';
    const average = attributes.string('mode', ['avg', 'max'], 'avg') === 'avg';
    const [, channels = int(1), ...plane] = x.shape;
    const shape = [rois.shape[0] ?? int(1), channels, int(height), int(width)];
    const { axes, index } = freshAxes(build, shape);
    const [roi = int(0), channel = int(0), y = int(0), z = int(0)] = index;
    const side = (low: number, bins: number, bin: Expr): { start: Expr; bin: Expr; count: Expr } => {
      const start = sub(mul(rois.at([roi, int(low)]), scale), half ? 0.5 : 0);
      const end = sub(mul(rois.at([roi, int(low + 2)]), scale), half ? 0.5 : 0);
      const length = half ? sub(end, start) : max(sub(end, start), 1);
      const size = div(length, bins);
      return { start: add(start, mul(cast(bin, start.dtype), size)), bin: size, count: ratio > 0 ? int(ratio) : max(toIndex(ceil(size)), 1) };
    };
    const sides = [side(1, height, y), side(0, width, z)];
    // A fixed number of samples is a row; a number that follows the region's size is bounded by the input's.
    const taps = sides.map((_, d) => build.axis(ratio > 0 ? int(ratio) : max(plane[d] ?? int(1), 1)));
    const at = sides.map((s, d) => add(s.start, div(mul(s.bin, add(cast(taps[d] ?? int(0), s.bin.dtype), 0.5)), cast(s.count, s.bin.dtype))));
    const used = and(...sides.map((s, d) => lt(taps[d] ?? int(0), s.count)));
    build.within(owners, int(0), lastRow(x));
    sized(build, owners.shape[0], rois.shape[0] ?? int(1), 'not one batch index for each region');
    const owner = clamp(toIndex(owners.at([roi])), 0, lastRow(x));
    const taken = and(...at.map((p, d) => and(ge(p, -1), le(p, cast(plane[d] ?? int(1), p.dtype)))));
    const corners = bilinearTerms(x, [owner, channel], at, plane);
    const [name, type] = [build.name('total'), computeType(x.dtype)];
    const blank = constant(average ? 0 : -Infinity, type);
    const value = average ? corners.reduce((a, b) => add(a, b)) : corners.reduce((a, b) => max(a, b));
    const total = ref(name, type);
    return build.rows({
      dtype: x.dtype, shape, axes, inner: taps, each: false, index,
      scans: [{ name, op: average ? 'sum' : 'max', value: select(used, select(taken, value, constant(0, type)), blank) }],
      value: average ? div(total, cast(mul(sides[0]?.count ?? int(1), sides[1]?.count ?? int(1)), type)) : total,
    });
  },
};

/** The greatest element of each bin of a region; regions are [batch, x1, y1, x2, y2] in whole steps of the input. */
const maxRoiPool: Operator = {
  op: 'MaxRoiPool', domain: '', since: 1, arity: [2, 2],
  lower: (build) => {
    const [x, rois] = [build.input(0), build.input(1)];
    const pooled = build.attributes.ints('pooled_shape');
    const scale = build.attributes.float('spatial_scale', 1);
    const shape = [rois.shape[0] ?? int(1), x.shape[1] ?? int(1), ...pooled.map(int)];
    build.within(build.map('float32', shape.slice(0, 1), ([i = int(0)]) => rois.at([i, int(0)])), int(0), lastRow(x));
    const { axes, index: [roi = int(0), channel = int(0), ...bins] } = freshAxes(build, shape);
    const plane = x.shape.slice(2);
    const taps = freshAxes(build, plane);
    const corner = (k: number): Expr => toIndex(floor(add(mul(rois.at([roi, int(k)]), scale), 0.5)));
    const inside = and(...plane.flatMap((dim, d) => {
      const start = corner(2 - d);
      const size = max(add(sub(corner(4 - d), start), 1), 1);
      const [bin, count, tap] = [bins[d] ?? int(0), pooled[d] ?? 1, taps.index[d] ?? int(0)];
      const edge = (i: Expr): Expr => clamp(add(i, start), 0, dim);
      return [ge(tap, edge(floordiv(mul(bin, size), count))), lt(tap, edge(ceildiv(mul(add(bin, 1), size), count)))];
    }));
    const name = build.name('top');
    const type = computeType(x.dtype);
    const top = ref(name, type);
    const element = x.at([clamp(toIndex(rois.at([roi, int(0)])), 0, lastRow(x)), channel, ...taps.index]);
    return build.rows({
      dtype: x.dtype, shape, axes, inner: taps.axes, each: false, index: [roi, channel, ...bins],
      scans: [{ name, op: 'max', value: select(inside, element, constant(-Infinity, type)) }],
      value: select(eq(top, -Infinity), constant(0, type), top),
    });
  },
};

/** The four weighted corners of a point, which is first brought inside. */
function bilinearTerms(x: Tensor, lead: readonly Expr[], at: readonly Expr[], plane: readonly Expr[]): Expr[] {
  const parts = at.map((p, d) => {
    const last = sub(plane[d] ?? int(1), 1);
    const inner = clamp(p, 0, cast(last, p.dtype));
    const low = toIndex(floor(inner));
    const t = sub(inner, floor(inner));
    return [{ i: low, w: sub(1, t) }, { i: min(add(low, 1), last), w: t }];
  });
  const [rows = [], columns = []] = parts;
  return rows.flatMap((r) => columns.map((c) => mul(mul(r.w, c.w), x.at([...lead, r.i, c.i]))));
}

const centerCropPad: Operator = {
  op: 'CenterCropPad', domain: '', since: 18, arity: [2, 2], parts: [0],
  lower: (build) => {
    const x = build.input(0);
    const target = build.dims(build.input(1));
    const axes = axesOf(build, build.attributes.ints('axes', x.shape.map((_, d) => d)), x.rank);
    sized(build, int(target.length), axes.length, 'there is not one size for each axis');
    const shape = x.shape.map((dim, d) => (axes.includes(d) ? target[axes.indexOf(d)] ?? dim : dim));
    return build.map(x.dtype, shape, (index) => {
      const at = index.map((i, d) => {
        const [from, to] = [x.shape[d] ?? int(1), shape[d] ?? int(1)];
        // Cropping starts half the surplus in; padding puts the odd element at the end.
        return sub(add(i, floordiv(max(sub(from, to), 0), 2)), floordiv(max(sub(to, from), 0), 2));
      });
      return select(inside(at, x.shape), x.at(at), zeroOf(x.dtype));
    });
  },
};

/** Sums blocks back into an image: each pixel gathers the taps that reach it. */
const col2Im: Operator = {
  op: 'Col2Im', domain: '', since: 18, arity: [3, 3],
  lower: (build) => {
    const [x, imageShape, blockShape] = [build.input(0), build.dims(build.input(1)), build.dims(build.input(2))];
    const rank = imageShape.length;
    const [strides, dilations] = [perPlace(build, 'strides', rank, 1), perPlace(build, 'dilations', rank, 1)];
    const pads = perPlace(build, 'pads', 2 * rank, 0, 0);
    const channels = floordiv(x.shape[1] ?? int(1), blockShape.reduce((a, b) => mul(a, b), int(1)));
    const steps = imageShape.map((dim, d) => add(floordiv(
      sub(add(dim, (pads[d] ?? 0) + (pads[d + rank] ?? 0)), extentOf(blockShape[d] ?? int(1), dilations[d] ?? 1)), strides[d] ?? 1), 1));
    const want = [mul(channels, numel(blockShape)), numel(steps)];
    build.require(and(...want.map((dim, d) => eq(x.shape[d + 1] ?? int(1), dim))), 'the columns do not come from such an image', {
      expected: shapeText(want), got: shapeText(x.shape.slice(1)),
    });
    const shape = [x.shape[0] ?? int(1), channels, ...imageShape];
    const { axes, index } = freshAxes(build, shape);
    const taps = freshAxes(build, blockShape);
    const reach = imageShape.map((_, d) => sub(add(index[d + 2] ?? int(0), pads[d] ?? 0), mul(taps.index[d] ?? int(0), dilations[d] ?? 1)));
    const step = reach.map((r, d) => floordiv(r, strides[d] ?? 1));
    const hit = and(...reach.map((r, d) => eq(floormod(r, strides[d] ?? 1), 0)), inside(step, steps));
    // Straight from the columns: as a tensor of their own, blocks of a shape that is fed had strides of hundreds of terms (8 s to emit).
    const [n = int(0), c = int(0)] = index;
    const column = x.at([n, flatten([c, ...taps.index], [channels, ...blockShape]), flatten(step, steps)]);
    const name = build.name('total');
    return build.rows({
      dtype: x.dtype, shape, axes, inner: taps.axes, each: false, index,
      scans: [{ name, op: 'sum', value: select(hit, column, zeroOf(x.dtype)) }],
      value: ref(name, computeType(x.dtype)),
    });
  },
};

/** Convolution whose taps are moved by offsets and weighted by a mask: a contraction over sampled elements. */
const deformConv: Operator = {
  op: 'DeformConv', domain: '', since: 19, arity: [3, 5], parts: [0],
  lower: (build) => {
    const [x, w, offset, bias, mask] = [build.input(0), build.input(1), build.input(2), build.optional(3), build.optional(4)];
    const rank = x.rank - 2;
    const { attributes } = build;
    const [strides, dilations] = [perPlace(build, 'strides', rank, 1), perPlace(build, 'dilations', rank, 1)];
    const pads = perPlace(build, 'pads', 2 * rank, 0, 0);
    const [groups, offsetGroups] = [attributes.count('group', 1), attributes.count('offset_group', 1)];
    const [n = int(1), channels = int(1), ...spatial] = x.shape;
    const [outChannels = int(1), inOfGroup = int(1), ...kernel] = w.shape;
    const out = offset.shape.slice(2);
    const outOfGroup = floordiv(outChannels, groups);
    const taps = kernel.reduce((a, b) => mul(a, b), int(1));
    const batch = freshAxes(build, [int(groups)]);
    const rows = freshAxes(build, [n, ...out]);
    const [column, into] = [build.axis(outOfGroup), build.axis(inOfGroup)];
    const depth = kernel.map((k) => build.axis(k));
    const [image = int(0), ...position] = rows.index;
    const group = batch.index[0] ?? int(0);
    const channel = add(mul(group, inOfGroup), into);
    const owner = floordiv(channel, floordiv(channels, offsetGroups));
    const tap = depth.reduce<Expr>((flat, t, d) => add(mul(flat, kernel[d] ?? int(1)), t), int(0));
    const at = spatial.map((_, d) => {
      const plain = sub(add(mul(position[d] ?? int(0), strides[d] ?? 1), mul(depth[d] ?? int(0), dilations[d] ?? 1)), pads[d] ?? 0);
      const moved = offset.at([image, add(mul(add(mul(owner, taps), tap), rank), d), ...position]);
      return add(cast(plain, moved.dtype), moved);
    });
    const element = sampled(x, [image, channel], at, { mode: 'linear', padding: 'zeros', aligned: true });
    const weighted = mask === undefined ? element : mul(element, mask.at([image, add(mul(owner, taps), tap), ...position]));
    const outChannel = add(mul(group, outOfGroup), column);
    return build.contraction({
      dtype: x.dtype, shape: [n, outChannels, ...out],
      batch: batch.axes, rows: rows.axes.length > 0 ? rows.axes : [build.axis(1)], cols: [column], depth: [...depth, into],
      lhs: weighted, rhs: w.at([outChannel, into, ...depth]), index: [image, outChannel, ...position],
      value: (acc) => (bias === undefined ? acc : add(acc, bias.at([outChannel]))),
    });
  },
};

export const operators: readonly Operator[] = [
  depthToSpace, spaceToDepth, gridSample, affineGrid, roiAlign, maxRoiPool, centerCropPad, col2Im, deformConv,
];
