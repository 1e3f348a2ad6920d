/**
 * What each operator does to one value of each type: functions from doubles (or bigints, for 64-bit integers) to the same, already
 * rounded or wrapped to the type. The meaning that all backends are held to. Where languages leave a result open it is fixed here:
 * integer division by zero is 0, shift counts are taken modulo the width of the word (32 or 64), float16 computes in float32 and
 * rounds when it is stored or explicitly cast.
 */
import { QuernError } from '../../error.ts';
import { type ScalarType, fromHalf, isBig, isFloat, toHalf } from '../../expr/dtype.ts';
import type { BinaryOp, UnaryOp } from '../../expr/expr.ts';
import type { ReduceOp } from '../../kernel.ts';
import { bigPower, bigToFloat32, erf, power, round, sigmoid } from './math.ts';

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

export const bigWrapper = (dtype: ScalarType): BigFn1 =>
  dtype === 'uint64' ? (x) => BigInt.asUintN(64, x) : (x) => BigInt.asIntN(64, x);

const widths: Partial<Record<ScalarType, readonly [number, number]>> = {
  int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767], uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1], index: [-(2 ** 31), 2 ** 31 - 1], uint32: [0, 2 ** 32 - 1],
};

/** Least and greatest value of an integer type that fits a number; bool is 0 to 1. */
export const rangeOf = (dtype: ScalarType): readonly [number, number] => widths[dtype] ?? [0, 1];
export const bigRangeOf = (dtype: ScalarType): readonly [bigint, bigint] =>
  dtype === 'uint64' ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n];

export const operatorOf = (op: ReduceOp): 'add' | 'mul' | 'max' | 'min' =>
  ({ sum: 'add', prod: 'mul', max: 'max', min: 'min' } as const)[op];

/** What a reduction of nothing gives. */
export function startOf(op: ReduceOp, dtype: ScalarType): number {
  const [low, high] = isBig(dtype) ? bigRangeOf(dtype).map(Number) as [number, number] : rangeOf(dtype);
  switch (op) {
    case 'sum': return 0;
    case 'prod': return 1;
    case 'max': return isFloat(dtype) ? -Infinity : low;
    case 'min': return isFloat(dtype) ? Infinity : high;
    default: return op satisfies never;
  }
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
    case 'abs': return Math.abs;
    case 'sign': return Math.sign;
    case 'floor': return Math.floor;
    case 'ceil': return Math.ceil;
    case 'trunc': return Math.trunc;
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

export function bigUnaryFn(fn: UnaryOp, dtype: ScalarType): BigFn1 {
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

export function bigBinaryFn(fn: Arithmetic, dtype: ScalarType): BigFn2 {
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

export const bigComparison = (fn: BinaryOp): ((a: bigint, b: bigint) => number) | undefined =>
  fn in compare ? compare[fn as keyof typeof compare] : undefined;
export const isArithmetic = (fn: BinaryOp): fn is Arithmetic => !(fn in compare);

/** Conversion between types held in numbers. */
export function castFn(from: ScalarType, to: ScalarType): NumFn1 {
  if (to === 'bool') return (a) => (a !== 0 ? 1 : 0);
  if (to === 'float16') return half;
  if (isFloat(to) || !isFloat(from)) return to === 'index' ? (a) => a | 0 : wrapper(to);
  const [low, high] = rangeOf(to);
  return (a) => (Number.isNaN(a) ? 0 : Math.min(high, Math.max(low, Math.trunc(a))) + 0);
}

export function castToBig(from: ScalarType, to: ScalarType): (a: number) => bigint {
  if (!isFloat(from)) return to === 'uint64' ? (a) => BigInt.asUintN(64, BigInt(a)) : BigInt;
  const [low, high] = bigRangeOf(to);
  return (a) => {
    if (Number.isNaN(a)) return 0n;
    if (a <= Number(low)) return low;
    return a >= Number(high) ? high : BigInt(Math.trunc(a));
  };
}

export function castFromBig(to: ScalarType): (a: bigint) => number {
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

const scratch = new DataView(new ArrayBuffer(8));

/** Writes the bits of a value of type `from` and reads them as `to`. */
export function bitcastFn(from: ScalarType, to: ScalarType): (a: number | bigint) => number | bigint {
  const put = putter(from);
  const take = taker(to);
  return (a) => { put(a); return take(); };
}

function putter(dtype: ScalarType): (a: number | bigint) => void {
  switch (dtype) {
    case 'float32': return (a) => { scratch.setFloat32(0, Number(a)); };
    case 'float64': return (a) => { scratch.setFloat64(0, Number(a)); };
    case 'float16': return (a) => { scratch.setUint16(0, toHalf(Number(a))); };
    case 'int64': case 'uint64': return (a) => { scratch.setBigUint64(0, BigInt.asUintN(64, BigInt(a))); };
    case 'int32': case 'uint32': case 'index': return (a) => { scratch.setInt32(0, Number(a)); };
    case 'int16': case 'uint16': return (a) => { scratch.setInt16(0, Number(a)); };
    case 'int8': case 'uint8': case 'bool': return (a) => { scratch.setInt8(0, Number(a)); };
    default: return dtype satisfies never;
  }
}

function taker(dtype: ScalarType): () => number | bigint {
  switch (dtype) {
    case 'float32': return () => scratch.getFloat32(0);
    case 'float64': return () => scratch.getFloat64(0);
    case 'float16': return () => fromHalf(scratch.getUint16(0));
    case 'int64': return () => scratch.getBigInt64(0);
    case 'uint64': return () => scratch.getBigUint64(0);
    case 'int32': case 'index': return () => scratch.getInt32(0);
    case 'uint32': return () => scratch.getUint32(0);
    case 'int16': return () => scratch.getInt16(0);
    case 'uint16': return () => scratch.getUint16(0);
    case 'int8': return () => scratch.getInt8(0);
    case 'uint8': case 'bool': return () => scratch.getUint8(0);
    default: return dtype satisfies never;
  }
}
