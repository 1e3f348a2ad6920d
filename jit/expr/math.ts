/**
 * Scalar arithmetic where JavaScript has none or another one: erf, fused multiply-add with one rounding, power with
 * C's special cases, conversions that round once. Everything takes and gives doubles that hold values of the named type.
 */
import { roundEven } from './dtype.ts';

const scratch = new DataView(new ArrayBuffer(8));

/**
 * The double next to `value` towards `toward` if the last bit of `value` is even, else `value`: rounding to odd. A sum that is rounded
 * to odd in 53 bits can be rounded again to 24 without double rounding (Boldo and Melquiond 2008). `toward` is the sign of the error.
 */
function toOdd(value: number, toward: number): number {
  if (toward === 0 || !Number.isFinite(value)) return value;
  scratch.setFloat64(0, value);
  const bits = scratch.getBigInt64(0);
  if ((bits & 1n) === 1n) return value;
  if (value === 0) return toward > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE;
  scratch.setBigInt64(0, value > 0 === toward > 0 ? bits + 1n : bits - 1n);
  return scratch.getFloat64(0);
}

/** What a + b lost when it was rounded to `sum` (Knuth's TwoSum): exact. */
function lost(a: number, b: number, sum: number): number {
  const back = sum - a;
  return (a - (sum - back)) + (b - back);
}

/** a*b + c rounded once to float32. The product of two float32 is exact in a double. */
export function fma32(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  return Math.fround(toOdd(sum, Number.isFinite(sum) ? lost(product, c, sum) : 0));
}

/** a*b + c with one rounding to float64, by Dekker's exact product; beyond 2^996 it falls back to two roundings. */
export function fma64(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  if (!(Math.abs(a) < 2 ** 996 && Math.abs(b) < 2 ** 996 && Number.isFinite(product) && Number.isFinite(sum))) return sum;
  const [ah, bh] = [high(a), high(b)];
  const [al, bl] = [a - ah, b - bh];
  const low = ((ah * bh - product) + ah * bl + al * bh) + al * bl;
  return sum + (lost(product, c, sum) + low);
}
const high = (x: number): number => {
  const t = 134217729 * x;
  return t - (t - x);
};

/** A 64-bit integer as the nearest float32: by way of a double rounded to odd, so that it rounds once. */
export function bigToFloat32(value: bigint): number {
  const near = Number(value);
  const rest = value - BigInt(near);
  return Math.fround(toOdd(near, rest === 0n ? 0 : rest > 0n ? 1 : -1));
}

/** Ties to even, with the sign of the operand kept on zeros. */
export function round(value: number): number {
  const whole = roundEven(value);
  return whole === 0 && (value < 0 || Object.is(value, -0)) ? -0 : whole;
}

/** C's pow: 1 to any power and anything to the power 0 is 1, where JavaScript answers NaN for 1 ** NaN and (-1) ** Infinity. */
export function power(a: number, b: number): number {
  if (a === 1) return 1;
  if (a === -1 && (b === Infinity || b === -Infinity)) return 1;
  return a ** b;
}

/** Integer power, exact; a negative exponent gives the truncated reciprocal: 0 except for 1 and -1. */
export function bigPower(a: bigint, b: bigint, wrap: (x: bigint) => bigint): bigint {
  if (b < 0n) return a === 1n ? 1n : a === -1n ? (b % 2n === 0n ? 1n : -1n) : 0n;
  let [result, base, left] = [1n, a, b];
  while (left > 0n) {
    if (left & 1n) result = wrap(result * base);
    base = wrap(base * base);
    left >>= 1n;
  }
  return result;
}

/** Logistic function without overflow. */
export const sigmoid = (x: number): number => {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
};

// Coefficients of W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969).
const small = {
  top: [1.85777706184603153e-1, 3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3],
  bottom: [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
};
const middle = {
  top: [2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
    8.8195222124176909e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3],
  bottom: [1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
    4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3],
};
const large = {
  top: [1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2,
    6.58749161529837803e-4],
  bottom: [1, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3],
};

const horner = (coefs: readonly number[], x: number): number => coefs.reduce((acc, c) => acc * x + c, 0);
const ratio = (p: { readonly top: readonly number[]; readonly bottom: readonly number[] }, x: number): number =>
  horner(p.top, x) / horner(p.bottom, x);

/** exp(-y*y) without the error of the rounded square: y is split into a multiple of 1/16 and a rest. */
const gauss = (y: number): number => {
  const coarse = Math.trunc(y * 16) / 16;
  return Math.exp(-coarse * coarse) * Math.exp(-(y - coarse) * (y + coarse));
};

/** The error function, to about 2 units in the last place of a double. */
export function erf(x: number): number {
  const y = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (y <= 0.46875) return x * ratio(small, y * y);
  let complement = 0;
  if (y <= 4) complement = gauss(y) * ratio(middle, y);
  else if (y < 6) {
    const square = 1 / (y * y);
    complement = (gauss(y) / y) * (1 / Math.sqrt(Math.PI) - square * ratio(large, square));
  }
  return x < 0 ? complement - 1 : 1 - complement;
}
