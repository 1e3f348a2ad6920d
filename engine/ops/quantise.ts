/**
 * Linear quantisation shared by the operators that have it built in: y = saturate(round(x / scale) + zero point), and back. Scales and
 * zero points belong to the whole tensor, to the slices of one axis, or to blocks along it.
 */
import { isFloat } from '../../jit/expr/dtype.ts';
import { type Expr, add, asInt, cast, constant, div, eq, floordiv, int, max, min, mul, or, ref, select, sub } from '../../jit/expr/expr.ts';
import { shapeText } from '../../jit/expr/text.ts';
import { clamp, round, scalarOf } from './math.ts';
import { computeType } from './module.ts';
import { type ElementType, rangeOf } from './onnx-types.ts';
import type { Lowering, Tensor } from './operator.ts';
import { ceildiv, freshAxes, numel, sized } from './shape.ts';
import { staticSize } from './values.ts';

/** Whether it is one number, for all of a tensor, whatever its rank. */
export const isOne = (t: Tensor | undefined): boolean => t === undefined || t.shape.every((d) => asInt(d) === 1);

/** A parameter's element for an index of the tensor that it belongs to. */
export function parameterAt(t: Tensor, index: readonly Expr[], axis: number, block: Expr | undefined): Expr {
  if (isOne(t)) return scalarOf(t);
  const at = index.map((i, d) => (d === axis && block !== undefined ? floordiv(i, block) : i));
  return t.at(t.rank === 1 ? at.slice(axis, axis + 1) : at);
}

/** Scales and zero points that belong to a whole tensor. */
export function lone<T extends Tensor | undefined>(build: Lowering, t: T): T {
  if (t !== undefined) sized(build, numel(t.shape), 1, 'a scale or zero point is not one number');
  return t;
}

/** Scales and zero points of which there is one, one for each index of an axis (of `shape`), or one for each element of `shape`. */
export function fitting(build: Lowering, t: Tensor | undefined, shape: readonly Expr[], axis: number): void {
  if (t === undefined || isOne(t)) return;
  const wanted = t.rank === 1 ? [shape.at(axis) ?? int(1)] : shape;
  const details = { expected: shapeText(wanted), got: shapeText(t.shape) };
  if (t.rank !== wanted.length) build.fail('shape-mismatch', 'scales or zero points have another rank than what they belong to', details);
  t.shape.forEach((dim, d) => {
    build.require(or(eq(dim, wanted[d] ?? int(1)), eq(dim, 1)), 'there is not one scale or zero point for each index', details);
  });
}

/** A zero point that is known to be 0 is as good as none, and leaves no trace in expressions. */
export const unlessZero = (build: Lowering, zero: Tensor | undefined): Tensor | undefined =>
  (zero !== undefined && build.values(zero)?.every((e) => e.op === 'const' && Number(e.value) === 0) === true ? undefined : zero);

/** round(x / scale) + zero, saturated to the type. The division, not a product with the inverse, is what the spec rounds. */
export function saturated(value: Expr, zero: Expr | undefined, to: ElementType): Expr {
  const whole = round(value);
  const moved = zero === undefined ? whole : add(whole, cast(zero, value.dtype));
  // The conversion itself saturates at the range of the type that holds a narrower one.
  return cast(to.narrow === undefined ? moved : clamp(moved, ...rangeOf(to)), to.dtype);
}

export interface QuantParameters {
  readonly scale: Tensor;
  readonly zero: Tensor | undefined;
  readonly axis?: number;
  readonly block?: Expr | undefined;
}

/** A float tensor, quantised. */
export function quantised(build: Lowering, x: Tensor, { scale, zero: given, axis = 0, block }: QuantParameters, to: ElementType = given ?? { dtype: 'uint8' }): Tensor {
  const zero = unlessZero(build, given);
  return build.map(to.dtype, x.shape, (index) => {
    const factor = cast(parameterAt(scale, index, axis, block), 'float32');
    return saturated(div(cast(x.at(index), 'float32'), factor), zero === undefined ? undefined : parameterAt(zero, index, axis, block), to);
  }, to.narrow);
}

/** The number that a quantised element stands for, less its scale: an exact 32-bit integer. */
export function centred(element: Expr, zero: Expr | undefined): Expr {
  const wide = isFloat(element.dtype) ? element : cast(element, 'int32');
  return zero === undefined ? wide : sub(wide, cast(zero, wide.dtype));
}

export function dequantised(build: Lowering, x: Tensor, { scale, zero: given, axis = 0, block }: QuantParameters, dtype: Tensor['dtype'] = scale.dtype): Tensor {
  const zero = unlessZero(build, given);
  return build.map(dtype, x.shape, (index) => {
    const whole = centred(x.at(index), zero === undefined ? undefined : parameterAt(zero, index, axis, block));
    const type = computeType(dtype);
    return mul(cast(whole, type), cast(parameterAt(scale, index, axis, block), type));
  });
}

/** The size of a block along an axis, from the attribute or from how many scales there are. */
export function blockOf(x: Tensor, scale: Tensor, axis: number, attribute: number): Expr | undefined {
  if (attribute > 0) return int(attribute);
  return scale.rank > 1 ? ceildiv(x.shape[axis] ?? int(1), scale.shape[axis] ?? int(1)) : undefined;
}

export interface Dynamic { readonly y: Tensor; readonly scale: Tensor; readonly zero: Tensor }

/** Elements from which on their range is found in two steps. */
const largeFrom = 4096;

/**
 * Quantises to 8 bits over the range of the values, which always holds 0. The range of many is that of the ranges of lines: lines are for all
 * threads, and nothing walks over all elements again but what quantises them (IS-Net's 119 times: 11 % of a run, in one thread, before).
 */
export function dynamicallyQuantised(build: Lowering, x: Tensor): Dynamic {
  const large = x.rank > 1 && (staticSize(x.shape) ?? largeFrom) >= largeFrom;
  const end = (op: 'min' | 'max'): Tensor => {
    // The last axis but one: neither channels before images nor after them are what lines are apart.
    const lines = x.shape.slice(-2, -1);
    const { axes, index } = freshAxes(build, x.shape);
    const apart = axes.slice(-2, -1);
    const name = build.name(op);
    return build.rows({
      dtype: 'float32', shape: lines, axes: apart, inner: axes.filter((a) => !apart.includes(a)), each: false, index: apart,
      scans: [{ name, op, value: cast(x.at(index), 'float32') }], value: ref(name, 'float32'),
    });
  };
  const [lows, highs] = large ? [end('min'), end('max')] : [x, x];
  const { axes, index } = freshAxes(build, lows.shape);
  const [low, high] = [build.name('low'), build.name('high')];
  const [least, most] = [min(ref(low, 'float32'), 0), max(ref(high, 'float32'), 0)];
  const step = select(eq(most, least), constant(1, 'float32'), div(sub(most, least), 255));
  const result = (dtype: 'float32' | 'uint8', of: Expr): Tensor => build.rows({
    dtype, shape: [], axes: [], inner: axes, each: false, index: [],
    scans: [{ name: low, op: 'min', value: cast(lows.at(index), 'float32') }, { name: high, op: 'max', value: cast(highs.at(index), 'float32') }],
    value: of,
  });
  const scale = result('float32', step);
  const zero = result('uint8', cast(round(clamp(div(sub(0, least), step), 0, 255)), 'uint8'));
  return { y: quantised(build, x, { scale, zero }, { dtype: 'uint8' }), scale, zero };
}
