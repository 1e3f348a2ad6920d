/**
 * Whole numbers that stand for real ones: real = (whole - zero point) * scale. What the operators share that quantise, dequantise or
 * multiply whole numbers: which scale belongs to an element, and the conversions. Differences from the zero point are int32, real
 * numbers float32; a zero point that is known to be 0 leaves no trace in an expression.
 */
import { type Expr, add, asInt, cast, constant, div, eq, floordiv, int, max, min, mul, ref, select, sub } from '../../jit/expr/expr.ts';
import { shapeText } from '../../jit/expr/text.ts';
import { clamp, round, scalarOf } from './math.ts';
import { type ElementType, rangeOf } from './onnx-types.ts';
import type { Lowering, Tensor } from './operator.ts';
import { axisOf, freshAxes } from './shape.ts';

type AtIndex = (index: readonly Expr[]) => Expr;

/** What makes real numbers of whole ones: float32 scale and int32 zero point (if it is not 0) at an index of the tensor they belong to. */
export interface Quantisation {
  readonly scale: AtIndex;
  readonly zero: AtIndex | undefined;
}

/** What parameters belong to: a shape, the axis along which they change, and how many indices share one (0: each has its own). */
export interface Place {
  readonly shape: readonly Expr[];
  readonly axis: number;
  readonly block?: number;
}

/**
 * Where the parameter of an element stands in `t`: a single one belongs to all, a list to the indices of the axis, and a tensor of the same
 * rank to the same index (blocks of it along the axis).
 */
function placed(build: Lowering, t: Tensor, { shape, axis, block = 0 }: Place): (index: readonly Expr[]) => readonly Expr[] {
  if (t.shape.every((d) => asInt(d) === 1)) return () => t.shape.map(() => int(0));
  const along = axisOf(build, axis, shape.length);
  const list = t.rank === 1 && block === 0;
  const skip = list ? along : shape.length - t.rank;
  for (const [d, have] of t.shape.entries()) {
    const [got, dim] = [asInt(have), asInt(shape[d + skip] ?? int(1))];
    const want = dim !== undefined && block > 0 && d + skip === along ? Math.ceil(dim / block) : dim;
    if (got === undefined || want === undefined || got === want || (got === 1 && !list)) continue;
    build.fail('shape-mismatch', 'scales or zero points do not fit what they belong to', { expected: shapeText(shape), got: shapeText(t.shape) });
  }
  return (index) => t.shape.map((dim, d) => {
    const i = index[d + skip] ?? int(0);
    if (asInt(dim) === 1) return int(0);
    return block > 0 && d + skip === along ? floordiv(i, block) : i;
  });
}

/** The zero point as an int32; undefined where there is none, or it is known to be 0. */
export function zeroPoint(build: Lowering, t: Tensor | undefined, place: Place): AtIndex | undefined {
  if (t === undefined || build.values(t)?.every((e) => e.op === 'const' && Number(e.value) === 0) === true) return undefined;
  const at = placed(build, t, place);
  return (index) => cast(t.at(at(index)), 'int32');
}

export function quantisation(build: Lowering, scale: Tensor, zero: Tensor | undefined, place: Place): Quantisation {
  const at = placed(build, scale, place);
  return { scale: (index) => cast(scale.at(at(index)), 'float32'), zero: zeroPoint(build, zero, place) };
}

/** The distance of an element from its zero point. */
export const whole = (x: Tensor, zero: AtIndex | undefined): AtIndex => (index) => {
  const element = cast(x.at(index), 'int32');
  return zero === undefined ? element : sub(element, zero(index));
};

/** The real number that an element stands for. */
export const real = (x: Tensor, { scale, zero }: Quantisation): AtIndex => (index) => mul(cast(whole(x, zero)(index), 'float32'), scale(index));

/** The nearest whole number (ties to even) of an already scaled one, moved by the zero point and kept in the range of its type. */
export function saturated(scaled: Expr, zero: Expr | undefined, type: ElementType): Expr {
  const nearest = round(scaled);
  const moved = zero === undefined ? nearest : add(nearest, cast(zero, 'float32'));
  // The conversion itself saturates at the range of the holding type.
  return cast(type.narrow === undefined ? moved : clamp(moved, ...rangeOf(type)), type.dtype);
}

export const quantised = (value: Expr, { scale, zero }: Quantisation, index: readonly Expr[], type: ElementType): Expr =>
  saturated(div(value, scale(index)), zero?.(index), type);

/** The parameters of a tensor that has one scale and one zero point. */
export const perTensor = (build: Lowering, scale: Tensor, zero: Tensor | undefined): Quantisation =>
  quantisation(build, scale, zero, { shape: [], axis: 0 });

/** A tensor of the real numbers behind a quantised one. */
export function dequantised(build: Lowering, x: Tensor, q: Quantisation): Tensor {
  const value = real(x, q);
  return build.map('float32', x.shape, (index) => value(index));
}

/** The one input that tells in which type a result is quantised. */
export const typeOf = ({ dtype, narrow }: Tensor): ElementType => ({ dtype, narrow });

export interface Dynamic {
  readonly y: Tensor;
  readonly scale: Tensor;
  readonly zero: Tensor;
}

/** Quantises to uint8 with the range of the elements themselves, which is made to hold 0 (as DynamicQuantizeLinear says). */
export function quantisedDynamically(build: Lowering, x: Tensor): Dynamic {
  const extreme = (op: 'min' | 'max'): Tensor => {
    const { axes, index } = freshAxes(build, x.shape);
    const name = build.name(op);
    return build.rows({
      dtype: 'float32', shape: [], axes: [], inner: axes.length > 0 ? axes : [build.axis(1)], each: false, index: [],
      scans: [{ name, op, value: x.at(index) }], value: (op === 'min' ? min : max)(ref(name, 'float32'), 0),
    });
  };
  const [low, high] = [scalarOf(extreme('min')), scalarOf(extreme('max'))];
  const scale = build.map('float32', [], () => select(eq(low, high), constant(1, 'float32'), div(sub(high, low), 255)));
  const zero = build.map('uint8', [], () => cast(round(clamp(div(sub(constant(0, 'float32'), low), scalarOf(scale)), 0, 255)), 'uint8'));
  const q: Quantisation = { scale: () => scalarOf(scale), zero: () => cast(scalarOf(zero), 'int32') };
  const y = build.map('uint8', x.shape, (index) => quantised(x.at(index), q, index, { dtype: 'uint8' }));
  return { y, scale, zero };
}
