/**
 * Resize (and Upsample) in all modes: along each resized axis an output position is mapped to a coordinate of the input, and the result
 * is a weighted sum of taps around it. Nearest neighbour with a whole factor is index arithmetic alone. Source: ONNX Resize-19.
 */
import { isFloat } from '../../jit/expr/dtype.ts';
import {
  type Expr, add, and, asInt, cast, constant, div, eq, floordiv, ge, gt, int, le, lt, max, min, mul, or, ref, select, sub,
} from '../../jit/expr/expr.ts';
import { abs, ceil, clamp, floor, round, toIndex } from './math.ts';
import { computeType } from './module.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { axesOf, dimOf, freshAxes, withDim } from './shape.ts';

const coordinateModes = [
  'half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel', 'align_corners', 'asymmetric', 'tf_crop_and_resize', 'tf_half_pixel_for_nn',
] as const;
/** The last is what opset 10 does: away from the start where the image shrinks. */
const nearestModes = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil', 'simple'] as const;
const policies = ['stretch', 'not_larger', 'not_smaller'] as const;

/** One axis that changes size. */
interface Axis {
  readonly axis: number;
  readonly from: Expr;
  readonly to: Expr;
  /** Output size over input size, float32; as a fraction of dims where sizes were given. */
  readonly scale: Expr;
  readonly bySize: boolean;
  /** Region of interest for tf_crop_and_resize: where it starts and ends, as parts of the axis. */
  readonly crop?: readonly [Expr, Expr];
}

interface Settings {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly coordinates: (typeof coordinateModes)[number];
  readonly nearest: (typeof nearestModes)[number];
  readonly antialias: boolean;
  readonly excludeOutside: boolean;
  readonly cubic: number;
  readonly outside: number;
}

const f32 = (e: Expr): Expr => cast(e, 'float32');

/** Where output element i lies in the input. Sizes keep the fraction whole until one division, so that exact hits stay exact. */
function coordinate({ from, to, scale, bySize, crop }: Axis, mode: Settings['coordinates'], i: Expr): Expr {
  const zero = constant(0, 'float32');
  const shifted = (): Expr => sub(bySize ? div(f32(mul(add(mul(i, 2), 1), from)), f32(mul(to, 2))) : div(add(f32(i), 0.5), scale), 0.5);
  switch (mode) {
    case 'half_pixel': return shifted();
    case 'pytorch_half_pixel': return select(gt(to, 1), shifted(), zero);
    case 'asymmetric': return bySize ? div(f32(mul(i, from)), f32(to)) : div(f32(i), scale);
    case 'align_corners': {
      // The size asked for, which a scale need not make whole.
      const size = bySize ? f32(to) : mul(scale, f32(from));
      return select(gt(size, 1), div(f32(mul(i, sub(from, 1))), sub(size, 1)), zero);
    }
    // An axis that keeps its size stays as it is.
    case 'tf_half_pixel_for_nn': return select(eq(from, to), f32(i), div(add(f32(i), 0.5), scale));
    case 'half_pixel_symmetric': {
      const adjustment = div(f32(to), mul(scale, f32(from)));
      return add(mul(mul(f32(from), 0.5), sub(1, adjustment)), sub(div(add(f32(i), 0.5), scale), 0.5));
    }
    case 'tf_crop_and_resize': {
      const [start, end] = crop ?? [zero, constant(1, 'float32')];
      const last = f32(sub(from, 1));
      const step = div(mul(sub(end, start), last), f32(max(sub(to, 1), 1)));
      return select(gt(to, 1), add(mul(start, last), mul(f32(i), step)), mul(mul(add(start, end), 0.5), last));
    }
    default: return mode satisfies never;
  }
}

function nearestIndex(x: Expr, mode: Settings['nearest'], scale: Expr): Expr {
  switch (mode) {
    case 'floor': return floor(x);
    case 'ceil': return ceil(x);
    case 'simple': return select(lt(scale, 1), ceil(x), floor(x));
    case 'round_prefer_ceil': return floor(add(x, 0.5));
    case 'round_prefer_floor': return ceil(sub(x, 0.5));
    default: return mode satisfies never;
  }
}

/** The whole factor by which nearest neighbour repeats elements, where that is all it does. */
function repeats({ from, to, scale, bySize }: Axis, { coordinates, nearest }: Settings): number | undefined {
  const factor = bySize ? asInt(floordiv(to, from)) : scale.op === 'const' ? Number(scale.value) : undefined;
  if (factor === undefined || !Number.isInteger(factor) || factor < 1 || to !== mul(from, factor)) return undefined;
  const centred = coordinates === 'half_pixel' || coordinates === 'pytorch_half_pixel' || coordinates === 'half_pixel_symmetric';
  const plain = (coordinates === 'asymmetric' || coordinates === 'tf_half_pixel_for_nn') && (nearest === 'floor' || nearest === 'simple');
  return plain || (centred && nearest.startsWith('round')) ? factor : undefined;
}

/** Weight of a tap at a distance from the coordinate. */
function weight(distance: Expr, { mode, cubic: a }: Settings): Expr {
  const x = abs(distance);
  if (mode === 'linear') return max(sub(1, x), 0);
  const square = mul(x, x);
  const cube = mul(square, x);
  const near = add(sub(mul(cube, a + 2), mul(square, a + 3)), 1);
  const far = add(sub(mul(cube, a), mul(square, 5 * a)), sub(mul(x, 8 * a), 4 * a));
  return select(le(x, 1), near, select(lt(x, 2), far, constant(0, 'float32')));
}

/** A table of coordinates: made while compiling where the sizes are static. */
function coordinates(build: Lowering, axis: Axis, settings: Settings): (i: Expr) => Expr {
  const table = build.map('float32', [axis.to], ([i]) => coordinate(axis, settings.coordinates, i ?? int(0)));
  const known = build.values(table);
  const size = asInt(axis.to);
  const fixed = known?.every((v) => v.op === 'const') === true && size !== undefined
    ? build.constant('float32', [size], known.map((v) => v.value)) : table;
  return (i) => fixed.at([i]);
}

function nearestResize(build: Lowering, x: Tensor, axes: readonly Axis[], settings: Settings, shape: readonly Expr[]): Tensor {
  const lookups = axes.map((axis) => {
    const factor = repeats(axis, settings);
    if (factor !== undefined) return (i: Expr): Expr => floordiv(i, factor);
    const at = coordinates(build, axis, settings);
    return (i: Expr): Expr => clamp(toIndex(nearestIndex(at(i), settings.nearest, axis.scale)), 0, sub(axis.from, 1));
  });
  return build.map(x.dtype, shape, (index) => {
    const source = [...index];
    for (const [k, { axis }] of axes.entries()) source[axis] = lookups[k]?.(index[axis] ?? int(0)) ?? int(0);
    return outsideOr(build, axes, settings, index, x.at(source));
  });
}

/** The extrapolation value where tf_crop_and_resize leaves the input. */
function outsideOr(build: Lowering, axes: readonly Axis[], settings: Settings, index: readonly Expr[], value: Expr): Expr {
  if (settings.coordinates !== 'tf_crop_and_resize') return value;
  const out = axes.map((axis) => {
    const x = coordinates(build, axis, settings)(index[axis.axis] ?? int(0));
    return or(lt(x, 0), gt(x, f32(sub(axis.from, 1))));
  });
  return select(or(...out), constant(settings.outside, value.dtype), value);
}

/**
 * Whole numbers are cut off, where antialiasing is asked for rounded. What float32 makes of 255 between 255 and 255 must not come out as
 * 254: sums are rounded to steps of 2^-9 first, more than they are off by.
 */
const stored = (sum: Expr, { dtype }: Tensor, { antialias }: Settings): Expr =>
  cast(isFloat(dtype) ? sum : antialias ? round(sum) : mul(round(mul(sum, 2 ** 9)), 2 ** -9), computeType(dtype));

/**
 * Weighted sums of 2 or 4 taps along each axis, all in one map. Linear ones to the bit as onnxruntime has them where coordinates are the same, each
 * corner with the product of its weights: any sum is as good, but quantising makes steps of differences (119 in a row: 6 % of IS-Net's result).
 */
function interpolated(build: Lowering, x: Tensor, axes: readonly Axis[], settings: Settings, shape: readonly Expr[]): Tensor {
  const linear = settings.mode === 'linear';
  const at = axes.map((axis) => coordinates(build, axis, settings));
  const offsets = linear ? [0, 1] : [-1, 0, 1, 2];
  return build.map(x.dtype, shape, (index) => {
    const source = [...index];
    const found = (k: number, axis: Axis): Expr => at[k]?.(index[axis.axis] ?? int(0)) ?? constant(0, 'float32');
    const corners = (k: number, weights: readonly Expr[]): Expr[] => {
      const axis = axes[k];
      if (axis === undefined) return [mul(weights.reduceRight((a, b) => mul(a, b)), f32(x.at(source)))];
      const last = sub(axis.from, 1);
      const where = clamp(found(k, axis), 0, f32(last));
      const low = toIndex(floor(where));
      const above = select(lt(low, last), sub(where, floor(where)), constant(0.5, 'float32'));
      return [sub(1, above), above].flatMap((w, offset) => {
        source[axis.axis] = min(add(low, offset), last);
        return corners(k + 1, [...weights, w]);
      });
    };
    const sumFrom = (k: number): Expr => {
      const axis = axes[k];
      if (axis === undefined) return f32(x.at(source));
      const where = found(k, axis);
      const base = floor(where);
      const terms = offsets.map((offset) => {
        const position = add(toIndex(base), offset);
        source[axis.axis] = clamp(position, 0, sub(axis.from, 1));
        const plain = weight(sub(add(base, offset), where), settings);
        const inside = and(ge(position, 0), lt(position, axis.from));
        return { weight: settings.excludeOutside ? select(inside, plain, constant(0, 'float32')) : plain, value: sumFrom(k + 1) };
      });
      const total = terms.map((t) => mul(t.weight, t.value)).reduce((a, b) => add(a, b));
      return settings.excludeOutside ? div(total, terms.map((t) => t.weight).reduce((a, b) => add(a, b))) : total;
    };
    const sum = linear && !settings.excludeOutside ? corners(0, []).reduce((a, b) => add(a, b)) : sumFrom(0);
    return outsideOr(build, axes, settings, index, stored(sum, x, settings));
  });
}

/** Antialiasing widens the taps by the factor of shrinking: one pass an axis, each a weighted mean over its taps. */
function antialiased(build: Lowering, x: Tensor, axis: Axis, settings: Settings): Tensor {
  const scale = min(axis.scale, 1);
  const reach = build.dim(cast(ceil(div(settings.mode === 'linear' ? 1 : 2, scale)), 'int64'));
  const shape = withDim(x.shape, axis.axis, axis.to);
  const { axes, index } = freshAxes(build, shape);
  const tap = build.axis(mul(reach, 2));
  const where = coordinates(build, axis, settings)(index[axis.axis] ?? int(0));
  const offset = sub(add(tap, 1), reach);
  const position = add(toIndex(floor(where)), offset);
  const raw = weight(mul(sub(add(floor(where), f32(offset)), where), scale), settings);
  const inside = and(ge(position, 0), lt(position, axis.from));
  const used = settings.excludeOutside ? select(inside, raw, constant(0, 'float32')) : raw;
  const [sum, weights] = [build.name('sum'), build.name('weights')];
  const element = f32(x.at(withDim(index, axis.axis, clamp(position, 0, sub(axis.from, 1)))));
  const mean = div(ref(sum, 'float32'), ref(weights, 'float32'));
  return build.rows({
    dtype: x.dtype, shape, axes, inner: [tap], each: false, index,
    scans: [{ name: sum, op: 'sum', value: mul(used, element) }, { name: weights, op: 'sum', value: used }],
    value: stored(mean, x, settings),
  });
}

function resized(build: Lowering, x: Tensor, all: readonly Axis[], settings: Settings): Tensor {
  const cropping = settings.coordinates === 'tf_crop_and_resize';
  const axes = all.filter(({ from, to, scale, bySize }) => cropping || from !== to || (!bySize && !(scale.op === 'const' && scale.value === 1)));
  const shape = x.shape.map((dim, d) => axes.find((a) => a.axis === d)?.to ?? dim);
  if (axes.length === 0) return x;
  if (settings.mode === 'nearest') return nearestResize(build, x, axes, settings, shape);
  // Widening without shrinking is plain interpolation.
  const wide = settings.antialias ? axes.filter((a) => !(a.scale.op === 'const' && Number(a.scale.value) >= 1)) : [];
  const narrowed = wide.reduce((t, axis) => antialiased(build, t, axis, settings), x);
  const rest = axes.filter((a) => !wide.includes(a));
  return rest.length === 0 ? narrowed : interpolated(build, narrowed, rest, settings, shape);
}

/** A float32 element, written into the expression where it is known while compiling. */
const floatElement = (build: Lowering, t: Tensor, k: number): Expr => build.values(t)?.[k] ?? t.at([int(k)]);

type Crops = readonly (readonly [Expr, Expr] | undefined)[];

function axesByScale(build: Lowering, x: Tensor, axes: readonly number[], scales: readonly Expr[], crops: Crops): Axis[] {
  return axes.map((axis, k) => {
    const from = x.shape[axis] ?? int(1);
    const scale = scales[k] ?? constant(1, 'float32');
    const to = dimOf(build, select(gt(scale, 0), cast(floor(mul(f32(from), scale)), 'index'), int(-1)), 'a scale is not above 0');
    const crop = crops[k];
    return { axis, from, to, scale, bySize: false, ...(crop === undefined ? {} : { crop }) };
  });
}

function axesBySize(build: Lowering, x: Tensor, axes: readonly number[], sizes: readonly Expr[], crops: Crops): Axis[] {
  const policy = build.attributes.string('keep_aspect_ratio_policy', policies, 'stretch');
  const ratios = axes.map((axis, k) => {
    const [to, from] = [sizes[k] ?? int(1), x.shape[axis] ?? int(1)];
    const [a, b] = [asInt(to), asInt(from)];
    return a !== undefined && b !== undefined ? constant(a / b, 'float32') : div(f32(to), f32(from));
  });
  const common = policy === 'stretch' ? undefined
    : ratios.reduce((a, b) => select(policy === 'not_larger' ? lt(a, b) : gt(a, b), a, b));
  return axes.map((axis, k) => {
    const from = x.shape[axis] ?? int(1);
    const crop = crops[k];
    const extra = crop === undefined ? {} : { crop };
    if (common === undefined) return { axis, from, to: sizes[k] ?? from, scale: ratios[k] ?? constant(1, 'float32'), bySize: true, ...extra };
    const to = build.dim(cast(floor(add(mul(f32(from), common), 0.5)), 'int64'));
    return { axis, from, to, scale: common, bySize: false, ...extra };
  });
}

const resize: Operator = {
  op: 'Resize', domain: '', since: 11, arity: [1, 4],
  lower: (build) => {
    const x = build.input(0);
    const { attributes } = build;
    const axes = axesOf(build, attributes.ints('axes', x.shape.map((_, d) => d)), x.rank);
    const [roi, scales, sizes] = [build.optional(1), build.optional(2), build.optional(3)];
    const settings: Settings = {
      mode: attributes.string('mode', ['nearest', 'linear', 'cubic'], 'nearest'),
      coordinates: attributes.string('coordinate_transformation_mode', coordinateModes, 'half_pixel'),
      nearest: attributes.string('nearest_mode', nearestModes.slice(0, 4), 'round_prefer_floor'),
      antialias: attributes.int('antialias', 0) !== 0,
      excludeOutside: attributes.int('exclude_outside', 0) !== 0,
      cubic: attributes.float('cubic_coeff_a', -0.75),
      outside: attributes.float('extrapolation_value', 0),
    };
    const crops = axes.map((_, k) => (roi !== undefined && settings.coordinates === 'tf_crop_and_resize'
      ? [floatElement(build, roi, k), floatElement(build, roi, k + axes.length)] as const : undefined));
    // An input of no elements stands for one left out.
    if (sizes !== undefined && asInt(sizes.shape[0] ?? int(0)) !== 0) {
      return resized(build, x, axesBySize(build, x, axes, build.dims(sizes), crops), settings);
    }
    if (scales === undefined) return build.fail('invalid-model', 'Resize has neither scales nor sizes');
    return resized(build, x, axesByScale(build, x, axes, axes.map((_, k) => floatElement(build, scales, k)), crops), settings);
  },
};

/** Before opset 11 coordinates are asymmetric, and scales come as an attribute (Upsample-7) or the second input. */
const asymmetric = (op: string, since: number, arity: readonly [number, number]): Operator => ({
  op, domain: '', since, arity,
  lower: (build) => {
    const x = build.input(0);
    const given = build.optional(1);
    const scales = given === undefined ? build.attributes.floats('scales').map((s) => constant(s, 'float32'))
      : x.shape.map((_, k) => floatElement(build, given, k));
    const mode = build.attributes.string('mode', ['nearest', 'linear', 'bilinear'], 'nearest');
    const settings: Settings = {
      mode: mode === 'nearest' ? mode : 'linear', coordinates: 'asymmetric', nearest: 'simple',
      antialias: false, excludeOutside: false, cubic: -0.75, outside: 0,
    };
    return resized(build, x, axesByScale(build, x, x.shape.map((_, d) => d), scales, []), settings);
  },
});

export const operators: readonly Operator[] = [resize, asymmetric('Resize', 10, [2, 2]), asymmetric('Upsample', 7, [1, 2])];
