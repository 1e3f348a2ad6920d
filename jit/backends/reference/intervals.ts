/**
 * How errors travel through one operation: given operands with their absolute errors and the operation's value, the error of the
 * value on a device of a given accuracy, against the reference (whose own rounding counts too). Infinity where nothing can be said.
 */
import { type ScalarType, isFloat } from '../../expr/dtype.ts';
import type { BinaryOp, UnaryOp } from '../../expr/expr.ts';
import { type Accuracy, type Elementary } from './accuracy.ts';
import { binaryFn, unaryFn } from '../../expr/scalar.ts';

/** The reference's own unit roundoff; it computes float16 in float32. */
const own = (dtype: ScalarType): number => (dtype === 'float64' ? 2 ** -53 : isFloat(dtype) ? 2 ** -24 : 0);

/** A result that is not finite is exact or hopeless; an error that is not a number is no bound. */
const settled = (value: number, error: number, inputs: number): number => {
  if (Number.isFinite(value)) return Number.isNaN(error) ? Infinity : error;
  return inputs < Infinity ? 0 : Infinity;
};

export function unaryError(fn: UnaryOp, dtype: ScalarType, x: number, ex: number, value: number, acc: Accuracy): number {
  // It may be no number at all, which functions with a bounded range hand on as well.
  if (ex === Infinity) return Infinity;
  switch (fn) {
    case 'neg': case 'abs': return ex;
    case 'isnan': case 'not': return ex > 0 && fn === 'not' && dtype !== 'bool' ? Infinity : ex;
    case 'sign': return ex > 0 && Math.abs(x) <= ex ? 2 : 0;
    case 'floor': case 'ceil': case 'trunc': case 'round': return ex === 0 ? 0 : settled(value, spread(unaryFn(fn, 'float64'), x, ex, value), ex);
    case 'sqrt': case 'reciprocal': case 'exp': case 'log': case 'sin': case 'cos': case 'tan': case 'asin': case 'acos': case 'atan':
    case 'sinh': case 'cosh': case 'tanh': case 'asinh': case 'acosh': case 'atanh': case 'erf': case 'sigmoid': {
      if (fn === 'reciprocal' && ex > 0 && Math.abs(x) <= ex) return Infinity;
      // The table is for float32; other types have the same number of units in their own last place.
      const scale = acc.unit(dtype) / acc.unit('float32');
      const made = acc.elementary(fn, x, value) * scale + own(dtype) * Math.abs(value) + acc.tiny;
      return settled(value, (ex === 0 ? 0 : carried(fn, x, ex, value)) + made, ex);
    }
    default: return fn satisfies never;
  }
}

const spread = (f: (x: number) => number, x: number, ex: number, value: number): number =>
  Math.max(Math.abs(f(x + ex) - value), Math.abs(f(x - ex) - value));

/** How far f moves when x moves by ex. */
function carried(fn: Elementary, x: number, ex: number, value: number): number {
  const f = unaryFn(fn, 'float64');
  switch (fn) {
    case 'sin': case 'cos': return ex;
    case 'tan': return ex * (1 + value * value) > 0.5 ? Infinity : spread(f, x, ex, value);
    case 'sqrt': return Math.max(f(x + ex) - value, value - f(Math.max(0, x - ex)));
    // The rest are monotone, or convex as cosh is: the ends of the interval are the worst.
    case 'reciprocal': case 'exp': case 'log': case 'asin': case 'acos': case 'atan': case 'sinh': case 'cosh': case 'tanh': case 'asinh': case 'acosh':
    case 'atanh': case 'erf': case 'sigmoid': return spread(f, x, ex, value);
    default: return fn satisfies never;
  }
}

export function binaryError(
  fn: BinaryOp, dtype: ScalarType, x: number, ex: number, y: number, ey: number, value: number, acc: Accuracy,
): number {
  const both = ex + ey;
  switch (fn) {
    case 'eq': case 'ne': case 'lt': case 'le': case 'gt': case 'ge':
      return both > 0 && (Math.abs(x - y) <= both || both === Infinity) ? 1 : 0;
    // Which zero max(-0, 0) is, is up to the device: what divides by it may have either infinity.
    case 'min': case 'max': return Math.max(ex, ey, x === y && !Object.is(x, y) ? acc.tiny : 0);
    case 'and': case 'or': case 'xor':
      if (dtype === 'bool') return both > 0 ? 1 : 0;
      return both > 0 ? Infinity : 0;
    case 'shl': case 'shr': case 'floordiv': return both > 0 ? Infinity : 0;
    case 'add': case 'sub': case 'mul': case 'div': case 'rem': case 'floormod': case 'pow': break;
    default: return fn satisfies never;
  }
  if (!isFloat(dtype)) {
    if (both === 0) return 0;
    if (fn === 'add' || fn === 'sub') return both;
    return fn === 'mul' ? product(x, ex, y, ey) : Infinity;
  }
  const unit = acc.unit(dtype) + own(dtype);
  const size = Math.abs(value);
  switch (fn) {
    case 'add': case 'sub': return settled(value, both + unit * (acc.reassociates ? Math.abs(x) + Math.abs(y) : size), both);
    case 'mul': return settled(value, product(x, ex, y, ey) + unit * size + acc.tiny, factors(x, ex, y, ey));
    case 'div': {
      if (ey > 0 && Math.abs(y) <= ey) return Infinity;
      return settled(value, (ex + size * ey) / (Math.abs(y) - ey) + (acc.divide(dtype) + own(dtype)) * size + acc.tiny, both);
    }
    case 'rem': case 'floormod': {
      // Computed as x - y * trunc(x / y): near a multiple of y the quotient may be one off.
      const quotient = x / y;
      // Rounded down, a quotient just below 0 is -1: all of y comes in.
      const error = ex + (Math.abs(quotient) + 1) * ey + 4 * unit * (Math.abs(x) + size);
      const near = Math.abs(quotient - Math.round(quotient)) * Math.abs(y) <= error;
      return settled(value, error + (near && error > 0 ? Math.abs(y) : 0), both);
    }
    case 'pow': {
      const scale = acc.unit(dtype) / acc.unit('float32');
      const made = x === 0 ? 0 : acc.power(Math.abs(x), y, value) * scale + own(dtype) * size + acc.tiny;
      return settled(value, corners(x, ex, y, ey, value) + made, both);
    }
    default: return fn satisfies never;
  }
}

const product = (x: number, ex: number, y: number, ey: number): number => {
  if (ex === 0 && ey === 0) return 0;
  return (ex === 0 ? 0 : Math.abs(y) * ex) + (ey === 0 ? 0 : Math.abs(x) * ey) + (ex === 0 || ey === 0 ? 0 : ex * ey);
};

/** The errors of two factors together: of infinity times what a device may round to 0 nothing can be said, for that is NaN. */
export const factors = (x: number, ex: number, y: number, ey: number): number =>
  ((Math.abs(x) === Infinity && ey > 0 && Math.abs(y) <= ey) || (Math.abs(y) === Infinity && ex > 0 && Math.abs(x) <= ex) ? Infinity : ex + ey);

function corners(x: number, ex: number, y: number, ey: number, value: number): number {
  if (ex === 0 && ey === 0) return 0;
  const f = binaryFn('pow', 'float64');
  return Math.max(...[x - ex, x + ex].flatMap((a) => [y - ey, y + ey].map((b) => Math.abs(f(a, b) - value))));
}

/** a*b + c, fused or not. */
export function muladdError(
  dtype: ScalarType, a: number, ea: number, b: number, eb: number, c: number, ec: number, value: number, acc: Accuracy,
): number {
  const unit = acc.unit(dtype) + own(dtype);
  const inner = Math.abs(a * b);
  return settled(value, product(a, ea, b, eb) + ec + unit * (inner + (acc.reassociates ? inner + Math.abs(c) : Math.abs(value))) + acc.tiny,
    factors(a, ea, b, eb) + ec);
}

export function castError(from: ScalarType, to: ScalarType, x: number, ex: number, value: number, acc: Accuracy): number {
  if (to === 'bool') return ex > 0 && Math.abs(x) <= ex ? 1 : 0;
  if (!isFloat(to)) {
    if (!isFloat(from) || ex === 0) return ex;
    return ex === Infinity ? Infinity : spread(Math.trunc, x, ex, Math.trunc(x));
  }
  const exact = x === value && !(isFloat(from) && ex > 0);
  if (exact) return ex;
  if (to === 'float16') return settled(value, ex + 2 ** -10 * Math.abs(value) + 2 ** -24, ex);
  return settled(value, ex + (acc.unit(to) + own(to)) * Math.abs(value) + acc.tiny, ex);
}

/** Storing rounds float16, here and on the device; what is exact rounds alike. */
export const storeError = (dtype: ScalarType, error: number, value: number): number =>
  dtype === 'float16' && error > 0 ? error + 2 ** -10 * Math.abs(value) + 2 ** -24 : error;
