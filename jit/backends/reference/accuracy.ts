/**
 * How far one operation of a device may be from the true result, given exact operands: the figures that error bounds are built
 * from. For WGSL they are those of its specification (section "Floating Point Accuracy"); for the CPU, those the WASM emitters
 * promise: correctly rounded basic arithmetic, elementary functions to a few units in the last place.
 */
import type { DeviceKind } from '../../device.ts';
import type { ScalarType } from '../../expr/dtype.ts';
import type { UnaryOp } from '../../expr/expr.ts';

export type Elementary = Exclude<UnaryOp, 'neg' | 'abs' | 'sign' | 'floor' | 'ceil' | 'round' | 'trunc' | 'not' | 'isnan'>;

export interface Accuracy {
  /** Largest relative error of +, -, * in a type; 0 for integers. */
  readonly unit: (dtype: ScalarType) => number;
  /** The same for a division. */
  readonly divide: (dtype: ScalarType) => number;
  /** Absolute error of f(x) = y computed in float32; other types scale it by their unit. */
  readonly elementary: (fn: Elementary, x: number, y: number) => number;
  /** Absolute error of a ** b = y in float32, a > 0. */
  readonly power: (a: number, b: number, y: number) => number;
  /** Sums may be taken in another order: each addition is charged for its operands, not for its result. */
  readonly reassociates: boolean;
  /** Results below this may be flushed to zero. */
  readonly tiny: number;
  /** Whether infinities and NaN come out as IEEE 754 has them; WGSL lets an implementation assume that there are none. */
  readonly special: boolean;
}

const single = 2 ** -24;
const unit = (scale: number) => (dtype: ScalarType): number => {
  switch (dtype) {
    // float16 computes in float32 everywhere; casts and stores round it.
    case 'float16': case 'float32': return single * scale;
    // The reference computes in float64 itself, so its own rounding counts as well.
    case 'float64': return 2 ** -52 * scale;
    default: return 0;
  }
};

/** Within 4 units in the last place; near a zero of the function that is relative to it still. */
const cpu: Accuracy = {
  unit: unit(1),
  divide: unit(1),
  elementary: (fn, x, y) => {
    if (fn === 'sqrt' || fn === 'reciprocal') return single * Math.abs(y);
    // Reduction of large angles by a three-part pi leaves an absolute error that grows with them.
    if (fn === 'sin' || fn === 'cos') return 4 * single + Math.abs(x) * 2 ** -34;
    if (fn === 'tan') return (4 * single + Math.abs(x) * 2 ** -34) * (1 + y * y) + 4 * single * Math.abs(y);
    // Below 2^-125.5 it is 0.
    return 8 * single * Math.abs(y) + (fn === 'exp' ? 2 ** -126 : 0);
  },
  power: (a, b, y) => (8 + 2 * Math.abs(b * Math.log(a))) * single * Math.abs(y),
  reassociates: false,
  tiny: 2 ** -126,
  special: true,
};

const ulp = 2 ** -23;

/** Rounding may go to either neighbour, so the unit is a whole unit in the last place. */
const gpu: Accuracy = {
  unit: unit(2),
  divide: unit(5),
  elementary: (fn, x, y) => {
    const [ax, ay] = [Math.abs(x), Math.abs(y)];
    const exp = (3 + 2 * ax) * ulp;
    switch (fn) {
      case 'exp': return exp * ay;
      case 'log': return x >= 0.5 && x <= 2 ? 2 ** -21 : 3 * ulp * ay;
      case 'sqrt': return 5 * ulp * ay;
      case 'reciprocal': return 2.5 * ulp * ay;
      // From here on shaders/math.wgsl, which is better than WGSL's own: its fits' errors, and the reduction of large angles.
      case 'sin': case 'cos': return 4e-7 + ax * 2 ** -33;
      case 'tan': return (4e-7 + ax * 2 ** -33) * (1 + y * y) * 2;
      case 'asin': case 'acos': case 'atan': case 'asinh': case 'acosh': case 'atanh': case 'tanh': return 1e-6 * ay;
      case 'sinh': return (exp + 2 * ulp) * (ax < 1 ? ay : Math.cosh(x));
      case 'cosh': return (exp + 2 * ulp) * ay;
      // exp(-x), one addition, one division.
      case 'sigmoid': return ((3 + 2 * ax) + 4) * ulp * ay;
      case 'erf': return 1e-6;
      default: return fn satisfies never;
    }
  },
  power: (a, b, y) => {
    const t = Math.abs(b * Math.log2(a));
    const log = a >= 0.5 && a <= 2 ? 2 ** -21 * Math.abs(b) : 3 * ulp * t;
    return (log + (4 + 2 * t) * ulp) * Math.abs(y);
  },
  reassociates: true,
  tiny: 2 ** -125,
  special: false,
};

export function accuracyOf(kind: DeviceKind): Accuracy {
  switch (kind) {
    case 'wasm': case 'reference': return cpu;
    case 'webgpu': return gpu;
    default: return kind satisfies never;
  }
}

/** gamma_n = n*u / (1 - n*u): n roundings of unit u, in any order (Higham, Accuracy and Stability, lemma 3.1). Infinite from n*u = 1. */
export const gamma = (n: number, u: number): number => (n * u < 1 ? (n * u) / (1 - n * u) : Infinity);

/**
 * Bound of a dot product of n terms against the true sum, whatever the order and whether fused or not: gamma_n * sum |a||b|.
 * `absolutes` is that sum.
 */
export const contractionBound = (n: number, absolutes: number, u: number = single): number => gamma(n, u) * absolutes;

/** Sums whose terms add up to more may overflow on the way, whatever comes out in the end. */
export const most = (dtype: ScalarType): number => (dtype === 'float64' ? Number.MAX_VALUE : 2 ** 127);
