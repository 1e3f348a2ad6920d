/**
 * What each operator does to one value of each type: functions from doubles (or bigints, for 64-bit integers) to the same, already
 * rounded or wrapped to the type. The meaning that all backends are held to. Where languages leave a result open it is fixed here:
 * integer division by zero is 0, shift counts are taken modulo the width of the word (32 or 64), float16 computes in float32 and
 * rounds when it is stored or explicitly cast.
 */
import { QuernError } from '../error.ts';
import { type ScalarType, fromHalf, isBig, isFloat, toHalf, viewAs } from './dtype.ts';
import type { BinaryOp, UnaryOp } from './expr.ts';
import type { ReduceOp } from '../kernel.ts';
import { bigPower, bigToFloat32, erf, power, round, sigmoid } from './math.ts';

/** 64-bit integers are bigints, everything else doubles. */
export type Value = number | bigint;
type Fn1 = (a: Value) => Value;
type Fn2 = (a: Value, b: Value) => Value;
export type NumFn1 = (a: number) => number;
export type NumFn2 = (a: number, b: number) => number;
export type BigFn1 = (a: bigint) => bigint;
export type BigFn2 = (a: bigint, b: bigint) => bigint;

/** Brings a number into the range of an integer type (two's complement), or rounds it to a float type. */
export function wrapper(dtype: ScalarType): NumFn1 {
  switch (dtype) {
    case 'float32': case 'float16': return Math.fround;
    case 'float64': case 'index': return (x) => x;
    case 'int8': return (x) => (x << 24) >> 24;
    case 'uint8': return (x) => x & 255;
    case 'int16': return (x) => (x << 16) >> 16;
    case 'uint16': return (x) => x & 65535;
    case 'int32': return (x) => x | 0;
    case 'uint32': return (x) => x >>> 0;
    case 'bool': return (x) => (x === 0 ? 0 : 1);
    case 'int64': case 'uint64': throw new QuernError('internal', `${dtype} is not held in a number`);
    default: return dtype satisfies never;
  }
}

const bigWrapper = (dtype: ScalarType): BigFn1 =>
  dtype === 'uint64' ? (x) => BigInt.asUintN(64, x) : (x) => BigInt.asIntN(64, x);

/** Types narrower than a word. */
export const narrowRanges: Partial<Record<ScalarType, readonly [number, number]>> = {
  int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767], uint16: [0, 65535],
};
const widths: typeof narrowRanges = {
  ...narrowRanges,
  int32: [-(2 ** 31), 2 ** 31 - 1], index: [-(2 ** 31), 2 ** 31 - 1], uint32: [0, 2 ** 32 - 1],
};

/** Least and greatest value of an integer type that fits a number; bool is 0 to 1. */
export const rangeOf = (dtype: ScalarType): readonly [number, number] => widths[dtype] ?? [0, 1];
export const bigRangeOf = (dtype: ScalarType): readonly [bigint, bigint] =>
  dtype === 'uint64' ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n];

export const operatorOf = (op: ReduceOp): 'add' | 'mul' | 'max' | 'min' =>
  ({ sum: 'add', prod: 'mul', max: 'max', min: 'min' } as const)[op];

/** What a reduction of nothing gives. */
export function startOf(op: ReduceOp, dtype: ScalarType): Value {
  const [low, high] = isBig(dtype) ? bigRangeOf(dtype) : isFloat(dtype) ? [-Infinity, Infinity] as const : rangeOf(dtype);
  const [zero, one] = isBig(dtype) ? [0n, 1n] : [0, 1];
  return { sum: zero, prod: one, max: low, min: high }[op];
}

/** Functions of values of any type, held as `Value` says; `dtype` is that of the operands. */
export const roundTo = (dtype: ScalarType): Fn1 => (isBig(dtype) ? bigWrapper(dtype) : wrapper(dtype)) as Fn1;
export const unaryOf = (fn: UnaryOp, dtype: ScalarType): Fn1 =>
  fn === 'isnan' && isBig(dtype) ? () => 0 : (isBig(dtype) ? bigUnaryFn : unaryFn)(fn, dtype) as Fn1;
export function binaryOf(fn: BinaryOp, dtype: ScalarType): Fn2 {
  if (!isBig(dtype)) return binaryFn(fn, dtype) as Fn2;
  return (compares(fn) ? compare[fn] : bigBinaryFn(fn, dtype)) as Fn2;
}
export function castOf(from: ScalarType, to: ScalarType): Fn1 {
  if (isBig(from)) return (isBig(to) ? bigWrapper(to) : castFromBig(to)) as Fn1;
  return (isBig(to) ? castToBig(from, to) : castFn(from, to)) as Fn1;
}

/** Rounds to float16, the value staying a double. */
export const half = (x: number): number => fromHalf(toHalf(x));

export function unaryFn(fn: UnaryOp, dtype: ScalarType): NumFn1 {
  const wrap = wrapper(dtype);
  if (!isFloat(dtype)) {
    switch (fn) {
      case 'neg': return (a) => wrap(-a);
      case 'abs': return (a) => wrap(Math.abs(a));
      case 'sign': return Math.sign;
      case 'not': return dtype === 'bool' ? (a) => (a === 0 ? 1 : 0) : (a) => wrap(~a);
      case 'floor': case 'ceil': case 'round': case 'trunc': return (a) => a;
      case 'isnan': return () => 0;
      case 'sqrt': case 'reciprocal': case 'exp': case 'log': case 'sin': case 'cos': case 'tan': case 'asin': case 'acos': case 'atan':
      case 'sinh': case 'cosh': case 'tanh': case 'asinh': case 'acosh': case 'atanh': case 'erf': case 'sigmoid':
        throw new QuernError('internal', `${fn} is defined on floats`, { got: dtype });
      default: return fn satisfies never;
    }
  }
  switch (fn) {
    case 'neg': return (a) => -a;
    case 'abs': case 'sign': case 'floor': case 'ceil': case 'trunc': return (a) => Math[fn](a);
    case 'round': return round;
    case 'isnan': return (a) => (Number.isNaN(a) ? 1 : 0);
    case 'reciprocal': return (a) => wrap(1 / a);
    case 'erf': return (a) => wrap(erf(a));
    case 'sigmoid': return (a) => wrap(sigmoid(a));
    case 'sqrt': case 'exp': case 'log': case 'sin': case 'cos': case 'tan': case 'asin': case 'acos': case 'atan': case 'sinh': case 'cosh':
    case 'tanh': case 'asinh': case 'acosh': case 'atanh': {
      return (a) => wrap(Math[fn](a));
    }
    case 'not': throw new QuernError('internal', 'not is defined on bool and integers', { got: dtype });
    default: return fn satisfies never;
  }
}

const compare: Readonly<Record<'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', <T extends number | bigint>(a: T, b: T) => number>> = {
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0),
};

const compares = (fn: BinaryOp): fn is keyof typeof compare => fn in compare;

/** `dtype` is that of the operands. */
export function binaryFn(fn: BinaryOp, dtype: ScalarType): NumFn2 {
  const wrap = wrapper(dtype);
  const float = isFloat(dtype);
  const wide = dtype === 'index' || float;
  switch (fn) {
    case 'add': return (a, b) => wrap(a + b);
    case 'sub': return (a, b) => wrap(a - b);
    case 'mul': return wide ? (a, b) => wrap(a * b) : (a, b) => wrap(Math.imul(a, b));
    case 'div': return float ? (a, b) => wrap(a / b) : (a, b) => (b === 0 ? 0 : wrap(Math.trunc(a / b)));
    // + 0 turns the -0 that % gives for negative dividends into an integer's one zero.
    case 'rem': return float ? (a, b) => a % b : (a, b) => (b === 0 ? 0 : (a % b) + 0);
    case 'floordiv': return (a, b) => (b === 0 ? 0 : wrap(Math.floor(a / b)));
    case 'floormod': return float
      ? (a, b) => { const r = a % b; return wrap(r !== 0 && r < 0 !== b < 0 ? r + b : r); }
      : (a, b) => (b === 0 ? 0 : a - Math.floor(a / b) * b);
    case 'pow': {
      if (float) return (a, b) => wrap(power(a, b));
      const bits = (x: bigint): bigint => BigInt.asIntN(64, x);
      return (a, b) => wrap(Number(BigInt.asIntN(32, bigPower(BigInt(a), BigInt(b), bits))));
    }
    case 'min': return Math.min;
    case 'max': return Math.max;
    case 'and': return (a, b) => wrap(a & b);
    case 'or': return (a, b) => wrap(a | b);
    case 'xor': return (a, b) => wrap(a ^ b);
    case 'shl': return (a, b) => wrap(a << b);
    case 'shr': return dtype === 'uint32' ? (a, b) => a >>> b : (a, b) => wrap(a >> b);
    case 'eq': case 'ne': case 'lt': case 'le': case 'gt': case 'ge': return compare[fn];
    default: return fn satisfies never;
  }
}

function bigUnaryFn(fn: UnaryOp, dtype: ScalarType): BigFn1 {
  const wrap = bigWrapper(dtype);
  switch (fn) {
    case 'neg': return (a) => wrap(-a);
    case 'abs': return (a) => wrap(a < 0n ? -a : a);
    case 'sign': return (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n);
    case 'not': return (a) => wrap(~a);
    case 'floor': case 'ceil': case 'round': case 'trunc': return (a) => a;
    case 'isnan': case 'sqrt': case 'reciprocal': case 'exp': case 'log': case 'sin': case 'cos': case 'tan': case 'asin': case 'acos':
    case 'atan': case 'sinh': case 'cosh': case 'tanh': case 'asinh': case 'acosh': case 'atanh': case 'erf': case 'sigmoid':
      throw new QuernError('internal', `${fn} is defined on floats`, { got: dtype });
    default: return fn satisfies never;
  }
}

type Arithmetic = Exclude<BinaryOp, keyof typeof compare>;

function bigBinaryFn(fn: Arithmetic, dtype: ScalarType): BigFn2 {
  const wrap = bigWrapper(dtype);
  const floor = (a: bigint, b: bigint): bigint => (a % b !== 0n && a < 0n !== b < 0n ? a / b - 1n : a / b);
  switch (fn) {
    case 'add': return (a, b) => wrap(a + b);
    case 'sub': return (a, b) => wrap(a - b);
    case 'mul': return (a, b) => wrap(a * b);
    case 'div': return (a, b) => (b === 0n ? 0n : wrap(a / b));
    case 'rem': return (a, b) => (b === 0n ? 0n : a % b);
    case 'floordiv': return (a, b) => (b === 0n ? 0n : wrap(floor(a, b)));
    case 'floormod': return (a, b) => (b === 0n ? 0n : a - floor(a, b) * b);
    case 'pow': return (a, b) => bigPower(a, b, wrap);
    case 'min': return (a, b) => (a < b ? a : b);
    case 'max': return (a, b) => (a > b ? a : b);
    case 'and': return (a, b) => a & b;
    case 'or': return (a, b) => a | b;
    case 'xor': return (a, b) => a ^ b;
    case 'shl': return (a, b) => wrap(a << (b & 63n));
    case 'shr': return (a, b) => a >> (b & 63n);
    default: return fn satisfies never;
  }
}

/** Conversion between types held in numbers. */
function castFn(from: ScalarType, to: ScalarType): NumFn1 {
  if (to === 'bool') return (a) => (a !== 0 ? 1 : 0);
  if (to === 'float16') return half;
  if (isFloat(to) || !isFloat(from)) return to === 'index' ? (a) => a | 0 : wrapper(to);
  const [low, high] = rangeOf(to);
  return (a) => (Number.isNaN(a) ? 0 : Math.min(high, Math.max(low, Math.trunc(a))) + 0);
}

function castToBig(from: ScalarType, to: ScalarType): (a: number) => bigint {
  if (!isFloat(from)) return to === 'uint64' ? (a) => BigInt.asUintN(64, BigInt(a)) : BigInt;
  const [low, high] = bigRangeOf(to);
  return (a) => {
    if (Number.isNaN(a)) return 0n;
    if (a <= Number(low)) return low;
    return a >= Number(high) ? high : BigInt(Math.trunc(a));
  };
}

function castFromBig(to: ScalarType): (a: bigint) => number {
  switch (to) {
    case 'bool': return (a) => (a !== 0n ? 1 : 0);
    case 'float16': return (a) => half(Number(a));
    case 'float32': return bigToFloat32;
    case 'float64': return Number;
    default: {
      const wrap = to === 'index' ? (x: number): number => x | 0 : wrapper(to);
      return (a) => wrap(Number(BigInt.asIntN(32, a)));
    }
  }
}

const scratch = new Uint8Array(8);

/** Writes the bits of a value of type `from` and reads them as `to`. */
export function bitcastFn(from: ScalarType, to: ScalarType): Fn1 {
  const [put, take] = [viewAs(from === 'index' ? 'int32' : from, scratch), viewAs(to === 'index' ? 'int32' : to, scratch)];
  return (a) => {
    put[0] = from === 'float16' ? toHalf(Number(a)) : a;
    const bits = take[0] ?? 0;
    return to === 'float16' ? fromHalf(Number(bits)) : bits;
  };
}
