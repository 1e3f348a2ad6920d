/**
 * The functions that kernels import from `math` for operators that are rare and have no instruction: on doubles, and an integer power.
 * Every thread makes its own.
 */
import { bigPower, erf, power, sigmoid } from '../../expr/math.ts';
import type { MathImport } from './scalar-ops.ts';

const wrap = (x: bigint): bigint => BigInt.asIntN(64, x);

export const mathFunctions: Readonly<Record<MathImport, (...args: never[]) => number | bigint>> = {
  exp: Math.exp, log: Math.log, sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos, atan: Math.atan,
  sinh: Math.sinh, cosh: Math.cosh, tanh: Math.tanh, asinh: Math.asinh, acosh: Math.acosh, atanh: Math.atanh,
  erf,
  sigmoid,
  pow: power,
  rem: (a: number, b: number) => a % b,
  floormod: (a: number, b: number) => {
    const r = a % b;
    return r !== 0 && r < 0 !== b < 0 ? r + b : r;
  },
  ipow: (a: bigint, b: bigint) => bigPower(a, b, wrap),
};
