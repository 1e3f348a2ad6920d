/**
 * Operators whose result is made from shapes, attributes and scalars: constants, ranges, one-hot rows, masks; and conversions of type.
 * Shapes come out as known elements, so what is computed from them is computed while compiling.
 */
import { bytesOf, isFloat, isInteger, isSigned } from '../../jit/expr/dtype.ts';
import {
  type Expr, add, and, asInt, binary, bitcast, cast, constant, div, eq, floordiv, ge, int, le, load, lt, max, mul, ne, or, select, sub, truth,
} from '../../jit/expr/expr.ts';
import type { Stmt } from '../../jit/kernel.ts';
import { type SplitDims, lateAxes, splitDims } from './late-axes.ts';
import { ceil, clamp, cos as cosine, local, loopFor, neg, scalarValue, single, storeTo, toIndex, trunc, zeroOf } from './math.ts';
import { computeType } from './module.ts';
import { type ElementType, rangeOf, typeAttribute } from './onnx-types.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { axisOf, dimOf, freshAxes, numel, sized, withDim } from './shape.ts';

const constantOp: Operator = {
  op: 'Constant', domain: '', since: 1, arity: [0, 0],
  lower: (build) => {
    const { attributes } = build;
    if (attributes.has('value')) return build.weights(attributes.tensor('value'));
    if (attributes.has('value_int')) return build.constant('int64', [], [attributes.int('value_int')]);
    if (attributes.has('value_float')) return build.constant('float32', [], [attributes.float('value_float')]);
    const [ints, floats] = [attributes.ints('value_ints', []), attributes.floats('value_floats', [])];
    if (attributes.has('value_ints')) return build.constant('int64', [ints.length], ints);
    if (attributes.has('value_floats')) return build.constant('float32', [floats.length], floats);
    return build.fail('unsupported-model', 'only dense numeric constants are supported', { got: [...build.node.attributes.keys()].join(', ') });
  },
};

const constantOfShape: Operator = {
  op: 'ConstantOfShape', domain: '', since: 9, arity: [1, 1],
  lower: (build) => {
    const fill = build.attributes.has('value') ? build.weights(build.attributes.tensor('value')) : build.constant('float32', [1], [0]);
    return build.map(fill.dtype, build.dims(build.input(0)), () => scalarValue(build, fill));
  },
};

const shapeOp: Operator = {
  op: 'Shape', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const { shape } = build.input(0);
    const part = shape.slice(build.attributes.int('start', 0), build.attributes.int('end', shape.length));
    return build.known('int64', [int(part.length)], part);
  },
};

const size: Operator = {
  op: 'Size', domain: '', since: 1, arity: [1, 1],
  lower: (build) => build.known('int64', [], [numel(build.input(0).shape)]),
};

const range: Operator = {
  op: 'Range', domain: '', since: 11, arity: [3, 3],
  lower: (build) => {
    const [start, limit, delta] = [0, 1, 2].map((k) => scalarValue(build, build.input(k)));
    if (start === undefined || limit === undefined || delta === undefined) return build.fail('internal', 'Range lost an input');
    const { dtype } = build.input(0);
    const span = sub(limit, start);
    // ceil(span / delta), at least 0.
    const count = isInteger(dtype) ? neg(floordiv(neg(span), delta)) : cast(ceil(div(span, delta)), 'int64');
    const size = select(eq(delta, 0), int(-1), cast(max(count, 0), 'index'));
    return build.map(dtype, [dimOf(build, size, 'Range with a delta of 0')], ([i]) => add(start, mul(cast(i ?? int(0), start.dtype), delta)));
  },
};

/** The tensor itself; only the name changes. */
const same = (op: string, since: number, arity: readonly [number, number] = [1, 1]): Operator => ({
  op, domain: '', since, arity, lists: true,
  lower: (build) => build.optional(0) ?? build.fail('unsupported-model', 'an optional that holds nothing', { expected: 'a tensor or a sequence' }),
});

/** Every tensor is there; only an input that is left out is not. Optionals that are fed are refused with the model. */
const optionalHasElement: Operator = {
  op: 'OptionalHasElement', domain: '', since: 15, arity: [0, 1], lists: true, lower: (build) => build.constant('bool', [], [Number(build.inputs.length > 0)]),
};

const dropout: Operator = {
  op: 'Dropout', domain: '', since: 7, arity: [1, 3],
  lower: (build) => {
    const x = build.input(0);
    const [ratio, training] = [build.optional(1), build.optional(2)];
    if (training !== undefined) {
      // Nothing is dropped in inference, nor with a ratio of 0; anything else draws random numbers.
      const drops = ratio === undefined ? int(1) : build.dim(cast(ne(scalarValue(build, ratio), 0), 'int64'));
      const inert = or(eq(build.dim(cast(scalarValue(build, training), 'int64')), 0), eq(drops, 0));
      if (inert.op === 'const' && inert.value === 0) build.fail('unsupported-model', 'Dropout in training mode draws random numbers');
      if (inert.op !== 'const') build.assume(inert, 'Dropout is not training');
    }
    if (!build.wants(1)) return [x];
    return [x, build.opset < 10 ? build.map(x.dtype, x.shape, () => constant(1, computeType(x.dtype))) : build.map('bool', x.shape, () => truth(true))];
  },
};

export function converted(build: Lowering, x: Tensor, to: ElementType): Tensor {
  const { dtype, narrow } = to;
  if (x.dtype === dtype && x.narrow === narrow) return x;
  const type = computeType(dtype);
  return build.map(dtype, x.shape, (index) => {
    const element = x.at(index);
    if (narrow === undefined) return cast(element, type);
    // The low bits are kept, of floats those of the whole part.
    const [low] = rangeOf(to);
    const bits = binary('and', cast(element, 'int32'), constant(15, 'int32'));
    return cast(low < 0 ? sub(binary('xor', bits, constant(8, 'int32')), 8) : bits, type);
  }, narrow);
}

const castOp: Operator = {
  op: 'Cast', domain: '', since: 6, arity: [1, 1],
  lower: (build) => converted(build, build.input(0), typeAttribute(build, 'to')),
};

const bitCast: Operator = {
  op: 'BitCast', domain: '', since: 26, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const { dtype } = typeAttribute(build, 'to');
    if (bytesOf(dtype) !== bytesOf(x.dtype)) build.fail('invalid-attribute', 'BitCast between types of different widths', { expected: x.dtype, got: dtype });
    return build.map(dtype, x.shape, (index) => bitcast(load(x.id, x.dtype, index), dtype));
  },
};

const castLike: Operator = {
  op: 'CastLike', domain: '', since: 15, arity: [2, 2],
  lower: (build) => converted(build, build.input(0), build.input(1)),
};

const oneHot: Operator = {
  op: 'OneHot', domain: '', since: 9, arity: [3, 3],
  lower: (build) => {
    const [indices, depthInput, values] = [build.input(0), build.input(1), build.input(2)];
    const axis = axisOf(build, build.attributes.int('axis', -1), indices.rank + 1);
    const depth = build.dim(cast(scalarValue(build, depthInput), 'int64'));
    sized(build, numel(values.shape), 2, 'OneHot has not two values');
    return build.map(values.dtype, [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)], (index) => {
      const at = indices.at(index.filter((_, d) => d !== axis));
      // Compared in a type that holds both: what is far out of range is no index.
      const hot = isFloat(at.dtype) ? trunc(at) : bytesOf(at.dtype) < 4 ? toIndex(at) : at;
      const place = index[axis] ?? int(0);
      const is = (p: Expr): Expr => eq(hot, cast(p, hot.dtype));
      return select(isSigned(hot.dtype) ? or(is(place), is(sub(place, depth))) : is(place), values.at([int(1)]), values.at([int(0)]));
    });
  },
};

const trilu: Operator = {
  op: 'Trilu', domain: '', since: 14, arity: [1, 2],
  lower: (build) => {
    const x = build.input(0);
    const shift = build.optional(1);
    const far = 2 ** 30;
    const k = shift === undefined ? int(0) : toIndex(clamp(scalarValue(build, shift), -far, far));
    const upper = build.attributes.int('upper', 1) !== 0;
    return build.map(x.dtype, x.shape, (index) => {
      const diagonal = add(index.at(-2) ?? int(0), k);
      const column = index.at(-1) ?? int(0);
      return select(upper ? ge(column, diagonal) : le(column, diagonal), x.at(index), zeroOf(x.dtype));
    });
  },
};

const eyeLike: Operator = {
  op: 'EyeLike', domain: '', since: 9, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const { dtype } = typeAttribute(build, 'dtype', x);
    sized(build, int(x.rank), 2, 'EyeLike of another rank than 2');
    return build.map(dtype, x.shape, ([i, j]) =>
      select(eq(add(i ?? int(0), build.attributes.int('k', 0)), j ?? int(0)), constant(1, computeType(dtype)), zeroOf(dtype)));
  },
};

interface Lines extends SplitDims {
  /** Whether dim `d` is the axis. */
  readonly isAxis: (d: number) => Expr;
}

/** The dims of a tensor split into those of lines along one axis and the rest; the axis may be named while the model runs. */
export function lineDims(build: Lowering, x: Tensor, axisInput: Tensor): Lines {
  sized(build, numel(axisInput.shape), 1, 'there is not one axis');
  const known = build.values(axisInput)?.[0];
  if (known === undefined) {
    const late = lateAxes(build, axisInput, x.rank);
    return { ...splitDims(build, x.shape, late), isAxis: (d) => late.has(int(d)) };
  }
  const axis = axisOf(build, asInt(known) ?? 0, x.rank);
  return { named: x.shape.map((dim, d) => (d === axis ? dim : int(1))), others: withDim(x.shape, axis, int(1)), isAxis: (d) => truth(d === axis) };
}

/** Running totals along an axis, in one pass per line. */
const cumulative = (op: string, since: number, join: (total: Expr, next: Expr) => Expr, start: number): Operator => ({
  op, domain: '', since, arity: [2, 2],
  lower: (build) => {
    const x = build.input(0);
    const [exclusive, reverse] = [build.attributes.int('exclusive', 0) !== 0, build.attributes.int('reverse', 0) !== 0];
    const { named, others } = lineDims(build, x, build.input(1));
    const [outer, along] = [freshAxes(build, others), freshAxes(build, named)];
    const at = outer.index.map((i, d) => {
      const step = along.index[d] ?? int(0);
      return add(i, reverse ? sub(sub(named[d] ?? int(1), 1), step) : step);
    });
    const total = local(build, 'total', computeType(x.dtype));
    const next = total.set(join(total.value, x.at(at)));
    return single(build, { dtype: x.dtype, shape: x.shape }, outer.axes, (out) => {
      const store = storeTo(out, at, total.value);
      const line = exclusive ? [store, next] : [next, store];
      const lines = along.axes.reduceRight<readonly Stmt[]>((inner, axis) => [loopFor(axis, inner)], line);
      return [total.declare(constant(start, computeType(x.dtype))), ...lines];
    });
  },
});

/** Cosine windows: sum of terms a_k cos(2 pi k n / N). */
const window = (op: string, terms: readonly number[]): Operator => ({
  op, domain: '', since: 17, arity: [1, 1],
  lower: (build) => {
    const { dtype } = typeAttribute(build, 'output_datatype', { dtype: 'float32' });
    const length = build.dim(cast(scalarValue(build, build.input(0)), 'int64'));
    const type = computeType(dtype);
    const period = build.attributes.int('periodic', 1) !== 0 ? length : sub(length, 1);
    return build.map(dtype, [length], ([i]) => {
      const angle = div(mul(cast(i ?? int(0), type), 2 * Math.PI), cast(period, type));
      return terms.reduce<Expr>((total, a, k) => add(total, k === 0 ? constant(a, type) : mul(cosine(mul(angle, k)), a)), constant(0, type));
    });
  },
});

/** Whether indices lie inside a shape. */
export const insideShape = (index: readonly Expr[], shape: readonly Expr[]): Expr =>
  and(...index.flatMap((i, d) => [ge(i, 0), lt(i, shape[d] ?? int(1))]));

export const operators: readonly Operator[] = [
  constantOp, constantOfShape, shapeOp, size, range, same('Identity', 1), same('Optional', 15, [0, 1]), same('OptionalGetElement', 15), optionalHasElement,
  dropout, castOp, castLike, bitCast, oneHot, trilu, eyeLike,
  cumulative('CumSum', 11, add, 0), cumulative('CumProd', 26, mul, 1),
  window('HannWindow', [0.5, -0.5]), window('HammingWindow', [25 / 46, -21 / 46]), window('BlackmanWindow', [0.42, -0.5, 0.08]),
];
