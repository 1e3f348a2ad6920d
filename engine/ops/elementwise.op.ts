/**
 * Operators that compute each element from the elements at the same place: one table of unary and one of binary functions, and the few
 * with more operands. Operands broadcast as in numpy. float16 is computed in float32 (see Tensor.at).
 */
import { type DType, bytesOf, isFloat, isInteger, isSigned } from '../../jit/expr/dtype.ts';
import {
  type Expr, add, and, binary, cast, constant, div, eq, floordiv, floormod, ge, gt, le, lt, max, min, mul, ne, not, or, select, sub, unary,
} from '../../jit/expr/expr.ts';
import {
  abs, clamp, erf, exp, floor, isnan, local, log, loopWhile, neg, reciprocal, scalarValue, sigmoid, sign, single, sqrt, storeTo, tanh, when,
} from './math.ts';
import { computeType } from './module.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { broadcastAt, broadcastShapes, freshAxes } from './shape.ts';

type Unary = (x: Expr, build: Lowering) => Expr;

function unaryOp(op: string, since: number, f: Unary, result?: DType): Operator {
  return {
    op, domain: '', since, arity: [1, 1],
    lower: (build) => {
      const x = build.input(0);
      return build.map(result ?? x.dtype, x.shape, (index) => f(x.at(index), build));
    },
  };
}

const attr = (build: Lowering, name: string, otherwise: number, x: Expr): Expr => constant(build.attributes.float(name, otherwise), x.dtype);
const zero = (x: Expr): Expr => constant(0, x.dtype);
const relu = (x: Expr): Expr => max(x, 0);
const swish: Unary = (x, build) => mul(x, sigmoid(mul(x, attr(build, 'alpha', 1, x))));
/** log(1 + e^x) without overflow. */
export const softplus = (x: Expr): Expr => add(relu(x), log(add(exp(neg(abs(x))), 1)));

export const gelu = (x: Expr, approximate: boolean): Expr => {
  const inner = approximate
    ? tanh(mul(mul(add(mul(mul(x, x), 0.044715), 1), x), Math.sqrt(2 / Math.PI)))
    : erf(mul(x, Math.SQRT1_2));
  return mul(mul(x, 0.5), add(inner, 1));
};

const unaries: readonly Operator[] = [
  unaryOp('Abs', 6, (x) => (isSigned(x.dtype) ? abs(x) : x)),
  unaryOp('Neg', 6, neg),
  unaryOp('Sign', 9, (x) => (isSigned(x.dtype) ? sign(x) : cast(cast(x, 'bool'), x.dtype))),
  unaryOp('Floor', 6, floor),
  unaryOp('Ceil', 6, (x) => unary('ceil', x)),
  unaryOp('Round', 11, (x) => unary('round', x)),
  unaryOp('Sqrt', 6, sqrt),
  unaryOp('Reciprocal', 6, reciprocal),
  unaryOp('Exp', 6, exp),
  unaryOp('Log', 6, log),
  ...(['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'erf', 'sigmoid'] as const).map((fn) =>
    unaryOp(`${fn.charAt(0).toUpperCase()}${fn.slice(1)}`, 6, (x) => unary(fn, x))),
  unaryOp('Not', 1, not),
  unaryOp('BitwiseNot', 18, (x) => unary('not', x)),
  unaryOp('IsNaN', 9, isnan, 'bool'),
  unaryOp('IsInf', 10, (x, build) => {
    const [down, up] = [build.attributes.int('detect_negative', 1) !== 0, build.attributes.int('detect_positive', 1) !== 0];
    return or(...(up ? [eq(x, Infinity)] : []), ...(down ? [eq(x, -Infinity)] : []));
  }, 'bool'),
  unaryOp('Relu', 6, relu),
  unaryOp('LeakyRelu', 6, (x, build) => select(lt(x, 0), mul(x, attr(build, 'alpha', 0.01, x)), x)),
  unaryOp('ThresholdedRelu', 10, (x, build) => select(gt(x, attr(build, 'alpha', 1, x)), x, zero(x))),
  unaryOp('Elu', 6, (x, build) => select(lt(x, 0), mul(sub(exp(x), 1), attr(build, 'alpha', 1, x)), x)),
  unaryOp('Celu', 12, (x, build) => {
    const alpha = attr(build, 'alpha', 1, x);
    return select(lt(x, 0), mul(sub(exp(div(x, alpha)), 1), alpha), x);
  }),
  unaryOp('Selu', 6, (x, build) => {
    const alpha = attr(build, 'alpha', 1.67326319217681884765625, x);
    return mul(select(le(x, 0), mul(sub(exp(x), 1), alpha), x), attr(build, 'gamma', 1.05070102214813232421875, x));
  }),
  unaryOp('HardSigmoid', 6, (x, build) => clamp(add(mul(x, attr(build, 'alpha', 0.2, x)), attr(build, 'beta', 0.5, x)), 0, 1)),
  unaryOp('HardSwish', 14, (x) => mul(x, clamp(add(mul(x, 1 / 6), 0.5), 0, 1))),
  unaryOp('Softplus', 1, softplus),
  unaryOp('Softsign', 1, (x) => div(x, add(abs(x), 1))),
  unaryOp('Mish', 18, (x) => mul(x, tanh(softplus(x)))),
  unaryOp('Swish', 24, swish),
  unaryOp('Gelu', 20, (x, build) => gelu(x, build.attributes.string('approximate', ['none', 'tanh'], 'none') === 'tanh')),
  unaryOp('Shrink', 9, (given, build) => {
    // The bounds of whole numbers need not be whole.
    const x = isFloat(given.dtype) ? given : cast(given, 'float32');
    const [bias, lambd] = [attr(build, 'bias', 0, x), attr(build, 'lambd', 0.5, x)];
    return cast(select(lt(x, neg(lambd)), add(x, bias), select(gt(x, lambd), sub(x, bias), zero(x))), given.dtype);
  }),
];

/** A map over broadcast operands. */
export function broadcastMap(build: Lowering, tensors: readonly Tensor[], result: DType, f: (elements: readonly Expr[]) => Expr): Tensor {
  const shape = broadcastShapes(build, ...tensors.map((t) => t.shape));
  return build.map(result, shape, (index) => f(tensors.map((t) => broadcastAt(t, index, shape))));
}

function binaryOp(op: string, since: number, f: (a: Expr, b: Expr, build: Lowering) => Expr, result?: DType): Operator {
  return {
    op, domain: '', since, arity: [2, 2],
    lower: (build) => {
      const [a, b] = [build.input(0), build.input(1)];
      sameType(build, [a, b]);
      return broadcastMap(build, [a, b], result ?? a.dtype, ([x, y]) => f(some(x), some(y), build));
    },
  };
}

function sameType(build: Lowering, tensors: readonly Tensor[]): void {
  const [first] = tensors;
  const other = tensors.find((t) => t.dtype !== first?.dtype);
  if (first !== undefined && other !== undefined) {
    build.fail('invalid-model', 'operands differ in element type', { expected: first.dtype, got: other.dtype });
  }
}

function some(e: Expr | undefined): Expr {
  return e ?? constant(0, 'float32');
}

const binaries: readonly Operator[] = [
  binaryOp('Add', 7, add),
  binaryOp('Sub', 7, sub),
  binaryOp('Mul', 7, mul),
  binaryOp('Div', 7, div),
  binaryOp('Mod', 10, (a, b, build) => {
    const rest = binary('rem', a, b);
    if (build.attributes.int('fmod', 0) !== 0) return rest;
    // With the sign of the divisor.
    return isFloat(a.dtype) ? select(lt(mul(rest, b), 0), add(rest, b), rest) : binary('floormod', a, b);
  }),
  binaryOp('And', 7, (a, b) => and(a, b)),
  binaryOp('Or', 7, (a, b) => or(a, b)),
  binaryOp('Xor', 7, (a, b) => binary('xor', a, b)),
  binaryOp('BitwiseAnd', 18, (a, b) => binary('and', a, b)),
  binaryOp('BitwiseOr', 18, (a, b) => binary('or', a, b)),
  binaryOp('BitwiseXor', 18, (a, b) => binary('xor', a, b)),
  binaryOp('BitShift', 11, (a, b, build) => {
    const left = build.attributes.string('direction', ['LEFT', 'RIGHT']) === 'LEFT';
    const last = constant(bytesOf(a.dtype) * 8 - 1, b.dtype);
    // Too many bits, or a negative number of them, leave what the sign bit leaves.
    const far = isSigned(a.dtype) ? or(lt(b, 0), gt(b, last)) : gt(b, last);
    return select(far, left || !isSigned(a.dtype) ? zero(a) : binary('shr', a, last), binary(left ? 'shl' : 'shr', a, b));
  }),
  binaryOp('SwiGLU', 28, (a, b, build) => mul(swish(a, build), b)),
  binaryOp('Equal', 7, eq, 'bool'),
  binaryOp('Less', 7, lt, 'bool'),
  binaryOp('LessOrEqual', 12, le, 'bool'),
  binaryOp('Greater', 7, gt, 'bool'),
  binaryOp('GreaterOrEqual', 12, ge, 'bool'),
  binaryOp('PRelu', 7, (x, slope) => select(lt(x, 0), mul(x, slope), x)),
];

function variadicOp(op: string, f: (a: Expr, b: Expr) => Expr, end: (total: Expr, count: number) => Expr = (total) => total): Operator {
  return {
    op, domain: '', since: 6, arity: [1, Infinity],
    lower: (build) => {
      const tensors = build.inputs.map((_, k) => build.input(k));
      sameType(build, tensors);
      return broadcastMap(build, tensors, build.input(0).dtype, (all) => end(all.reduce(f), all.length));
    },
  };
}

/** Whole powers up to this one are products: exact for integers, and cheaper than exp and log. */
const productPowers = 8;

const pow: Operator = {
  op: 'Pow', domain: '', since: 7, arity: [2, 2],
  lower: (build) => {
    const [base, exponent] = [build.input(0), build.input(1)];
    const known = build.values(exponent);
    const fixed = known?.length === 1 && known[0]?.op === 'const' ? Number(known[0].value) : undefined;
    if (fixed !== undefined) {
      const shape = broadcastShapes(build, base.shape, exponent.shape);
      const special = powerOf(fixed, isFloat(base.dtype));
      if (special !== undefined) return build.map(base.dtype, shape, (index) => special(broadcastAt(base, index, shape)));
    }
    if (isInteger(base.dtype) && isInteger(exponent.dtype)) return integerPower(build, base, exponent);
    const float = isFloat(base.dtype) ? computeType(base.dtype) : 'float32';
    return broadcastMap(build, [base, exponent], base.dtype, ([x, y]) =>
      cast(binary('pow', cast(some(x), float), cast(some(y), float)), computeType(base.dtype)));
  },
};

function powerOf(exponent: number, float: boolean): ((x: Expr) => Expr) | undefined {
  if (float && exponent === 0.5) return sqrt;
  if (float && exponent === -0.5) return (x) => reciprocal(sqrt(x));
  if (float && exponent === -1) return reciprocal;
  if (!Number.isInteger(exponent) || exponent < 0 || exponent > productPowers) return undefined;
  const times = (x: Expr, n: number): Expr => {
    if (n === 0) return constant(1, x.dtype);
    const half = times(x, n >> 1);
    const whole = n === 1 ? x : mul(half, half);
    return n > 1 && n % 2 === 1 ? mul(whole, x) : whole;
  };
  return (x) => times(x, exponent);
}

/** By squaring, which wraps as integers do; negative exponents give 0, or a power of 1 or -1. */
function integerPower(build: Lowering, base: Tensor, exponent: Tensor): Tensor {
  const shape = broadcastShapes(build, base.shape, exponent.shape);
  const { axes, index } = freshAxes(build, shape);
  const total = local(build, 'power', base.dtype);
  const square = local(build, 'square', base.dtype);
  const left = local(build, 'left', exponent.dtype);
  const one = constant(1, base.dtype);
  return single(build, { dtype: base.dtype, shape }, axes, (out) => [
    total.declare(one),
    square.declare(broadcastAt(base, index, shape)),
    left.declare(broadcastAt(exponent, index, shape)),
    when(lt(left.value, 0), [total.set(div(one, square.value))]),
    loopWhile(gt(left.value, 0), [
      when(ne(floormod(left.value, 2), 0), [total.set(mul(total.value, square.value))]),
      square.set(mul(square.value, square.value)), left.set(floordiv(left.value, 2)),
    ]),
    storeTo(out, index, total.value),
  ]);
}

const clipAttributes: Operator = {
  op: 'Clip', domain: '', since: 6, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const { attributes } = build;
    return build.map(x.dtype, x.shape, (index) => {
      const low = attributes.has('min') ? max(x.at(index), attr(build, 'min', 0, x.at(index))) : x.at(index);
      return attributes.has('max') ? min(low, attr(build, 'max', 0, low)) : low;
    });
  },
};

const clip: Operator = {
  op: 'Clip', domain: '', since: 11, arity: [1, 3],
  lower: (build) => {
    const x = build.input(0);
    const [low, high] = [build.optional(1), build.optional(2)];
    return build.map(x.dtype, x.shape, (index) => {
      const raised = low === undefined ? x.at(index) : max(x.at(index), scalarValue(build, low));
      return high === undefined ? raised : min(raised, scalarValue(build, high));
    });
  },
};

const where: Operator = {
  op: 'Where', domain: '', since: 9, arity: [3, 3],
  lower: (build) => {
    const [cond, a, b] = [build.input(0), build.input(1), build.input(2)];
    sameType(build, [a, b]);
    return broadcastMap(build, [cond, a, b], a.dtype, ([c, x, y]) => select(some(c), some(x), some(y)));
  },
};

export const operators: readonly Operator[] = [
  ...unaries, ...binaries, pow, clipAttributes, clip, where,
  variadicOp('Sum', add), variadicOp('Max', max), variadicOp('Min', min),
  variadicOp('Mean', add, (total, count) => div(total, count)),
];
