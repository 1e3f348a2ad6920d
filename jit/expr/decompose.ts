/**
 * Takes apart what no instruction computes: exp, log, tanh, sigmoid, erf, sin, cos and powers of float32 as trees of multiplications,
 * additions and bit operations; float16 as its bits with conversions around. One spelling for scalar and vector code, so both give the
 * same bits. What is rare goes through float64, whose functions backends take from the host. Output expressions hold no float16 type.
 * Errors are in units in the last place of the exact result: the largest seen over 4 million arguments spread evenly over the patterns of
 * the range, rounded twice (mul+add) and fused (decompose.test.ts, by default with 40,000). Coefficients are written with as many digits as
 * tell their float32 apart: what a source gives beyond that is lost anyway.
 */
import { type DType, type ScalarType, fromHalf, isFloat, toHalf } from './dtype.ts';
import {
  type Expr, type UnaryOp, add, binary, bitcast, cast, constant, div, gt, le, load, lt, max, mul, muladd, ref, select, sub, unary,
} from './expr.ts';
import { rewriter } from './visit.ts';

const f32 = (x: number): Expr => constant(x, 'float32');
const i32 = (x: number): Expr => constant(x, 'int32');
const u32 = (x: number): Expr => constant(x, 'uint32');
const abs = (x: Expr): Expr => unary('abs', x);
const shl = (x: Expr, bits: number): Expr => binary('shl', x, constant(bits, x.dtype));
const shr = (x: Expr, bits: number): Expr => binary('shr', x, constant(bits, x.dtype));
const bitAnd = (x: Expr, mask: number): Expr => binary('and', x, constant(mask, x.dtype));
const bitOr = (x: Expr, y: Expr): Expr => binary('or', x, y);
const bits = (x: Expr): Expr => bitcast(x, 'int32');
const float = (x: Expr): Expr => bitcast(x, 'float32');

/** c[0] + c[1]*x + c[2]*x^2 ... by Horner's rule. */
const polynomial = (x: Expr, c: readonly number[]): Expr =>
  c.slice(0, -1).reduceRight<Expr>((acc, a) => muladd(acc, x, f32(a)), f32(c[c.length - 1] ?? 0));

/** x held between two numbers; NaN stays NaN. Comparisons, because vectors have these in one instruction, unlike min and max. */
function clamp(x: Expr, low: number, high: number): Expr {
  // The operand that is kept in doubt stands last.
  const above = select(gt(f32(low), x), f32(low), x);
  return select(lt(f32(high), above), f32(high), above);
}

/**
 * e^x = 2^n * e^r with r in [-ln2/2, ln2/2]; ln2 in two parts, the first short enough that n times it is exact (Cody and Waite 1980);
 * polynomial by Lawson's iteration (3e-9). One factor of two stands in the polynomial, so that n = 128 comes out. Below -86.98, where the
 * result is less than 1.7e-38, it is 0: a subnormal would take four operations more to make, and then 150 cycles wherever it is used
 * (swin_t, whose scores lie that far apart: 319 instead of 219 ms; softmax of stories260K 0.20 instead of 0.13 ms). Error 1.14 and 0.88 ulp.
 */
const exp = (x: Expr): Expr => expWithin(clamp(x, -87.6, 89), 1);

const expTail = [0.49999994, 0.16666521, 0.04166839, 0.008368745, 0.0013814538];

/**
 * e^x with so many of its factors of two in the polynomial (0 or 1): inf from 88.37 and 0 below -87.68 without one, inf where float32 has it and
 * 0 below -86.98 with one. `shifted` holds the exponent in its low bits, with the bias: adding 1.5 * 2^23 rounds to an integer.
 */
function expWithin(x: Expr, factors: 0 | 1): Expr {
  const shift = f32(1.5 * 2 ** 23 + 127 - factors);
  const shifted = muladd(x, f32(1.442695), shift);
  const n = sub(shifted, shift);
  const r = muladd(n, f32(2.12194440e-4), muladd(n, f32(-0.693359375), x));
  return mul(polynomial(r, [1, 1, ...expTail].map((c) => c * 2 ** factors)), float(shl(bits(shifted), 23)));
}

/**
 * log x = k*ln2 + log(1 + f) with 1 + f in [sqrt(1/2), sqrt 2); series in s = f / (2 + f) with the coefficients of FreeBSD's e_logf.c.
 * Subnormal arguments are scaled up first. Error 0.78 ulp in both.
 */
function log(x: Expr): Expr {
  const tiny = lt(x, f32(2 ** -126));
  const scaled = select(tiny, mul(x, f32(2 ** 23)), x);
  const above = sub(bits(scaled), i32(0x3f3504f3));
  const k = shr(above, 23);
  const m = float(sub(bits(scaled), shl(k, 23)));
  const f = sub(m, f32(1));
  const s = div(f, add(f, f32(2)));
  const z = mul(s, s);
  const r = mul(z, polynomial(z, [0.6666666, 0.40000972, 0.28498787, 0.24279079]));
  const halfSquare = mul(mul(f, f), f32(0.5));
  const exponent = cast(sub(k, select(tiny, i32(23), i32(0))), 'float32');
  const correction = muladd(exponent, f32(9.058001e-6), mul(s, add(halfSquare, r)));
  const value = muladd(exponent, f32(0.6931381), sub(f, sub(halfSquare, correction)));
  const special = select(lt(x, f32(0)), f32(NaN), select(le(x, f32(0)), f32(-Infinity), x));
  return select(gt(x, f32(0)), select(lt(x, f32(Infinity)), value, x), special);
}

/**
 * e^x / (1 + e^x): 16 operations, 19 as 1 / (1 + e^-x). Error 2.3 ulp in both; below -87.3, where the result is less than 1.2e-38, it is 0.
 */
function sigmoid(x: Expr): Expr {
  const e = expWithin(clamp(x, -88, 88), 0);
  return div(e, add(e, f32(1)));
}

/**
 * Odd rational function of degrees 13 and 6 on [-7.9, 7.9], the ends beyond (coefficients of Eigen's ptanh, which MLAS uses
 * as well). Error 5.8 and 4.6 ulp.
 */
function tanh(x: Expr): Expr {
  const limit = 7.905311;
  const c = clamp(x, -limit, limit);
  const s = mul(c, c);
  const top = polynomial(s, [
    0.0048935246, 0.00063726195, 1.48572235e-5, 5.1222973e-8, -8.604672e-11, 2.000188e-13,
    -2.7607684e-16,
  ]);
  const bottom = polynomial(s, [0.004893525, 0.0022684347, 0.00011853471, 1.1982584e-6]);
  return select(lt(abs(x), f32(4e-4)), x, div(mul(c, top), bottom));
}

/**
 * Odd rational function of degrees 11 and 10 on [-3.95, 3.95], -1 and 1 beyond; coefficients by Lawson's iteration on the relative error
 * (2e-8), of many common factors the one that rounds best. Error 6.6 and 6.4 ulp (all float32 from 0.5 to 4 were tried), and 1 where float32
 * has no more to say: 1 + erf is 0 at the far left. A polynomial near 0 and 1 - e^-p elsewhere (N. Juffa, 2019) has 1.1 ulp, 29
 * constants and a chain of 30 operations: GELU took 2.5 ns a point with it and takes 1.1 so (128x384x1536 with GELU 3.52 and 2.96 ms, 2.69
 * without).
 */
function erf(x: Expr): Expr {
  const c = clamp(x, -3.951193, 3.951193);
  const s = mul(c, c);
  const top = polynomial(s, [2.0307884, 0.34481367, 0.09516945, 0.0068562035, 0.0005123108, 3.64411403e-6]);
  const bottom = polynomial(s, [1.7997395, 0.9054951, 0.20620562, 0.027100364, 0.0021074042, 6.8063979e-5]);
  return clamp(div(mul(c, top), bottom), -1, 1);
}

/**
 * x = n * pi/2 + r, pi/2 in three parts (Cody and Waite); polynomials of Cephes sinf and cosf on [-pi/4, pi/4]. Error 1.48 and
 * 1.46 ulp up to 100, absolutely 7.7e-8 up to 8192. Beyond that the reduction loses bits: through float64.
 */
function sinOrCos(fn: 'sin' | 'cos', x: Expr): Expr {
  const n = unary('round', mul(x, f32(2 / Math.PI)));
  const r = muladd(n, f32(-7.54979e-8), muladd(n, f32(-0.0004837513), muladd(n, f32(-1.5703125), x)));
  const z = mul(r, r);
  const quadrant = add(cast(n, 'int32'), i32(fn === 'cos' ? 1 : 0));
  const sine = muladd(mul(polynomial(z, [-0.16666655, 0.008332161, -0.00019515296]), z), r, r);
  const quartic = polynomial(z, [0.041666646, -0.0013887316, 0.000024433157]);
  const cosine = add(muladd(quartic, mul(z, z), mul(z, f32(-0.5))), f32(1));
  const value = select(binary('eq', bitAnd(quadrant, 1), i32(0)), sine, cosine);
  const signed = float(binary('xor', bits(value), shl(bitAnd(quadrant, 2), 30)));
  return select(lt(abs(x), f32(8192)), signed, throughDouble(fn, x));
}

const throughDouble = (fn: UnaryOp, x: Expr): Expr => cast(unary(fn, cast(x, 'float64')), 'float32');

/** A power with a constant exponent that needs no logarithm. */
function knownPower(a: Expr, exponent: number): Expr | undefined {
  const k = (x: number): Expr => constant(x, a.dtype);
  switch (exponent) {
    case 0: return k(1);
    case 1: return a;
    case 2: return mul(a, a);
    case 3: return mul(mul(a, a), a);
    case 4: return mul(mul(a, a), mul(a, a));
    case -1: return div(k(1), a);
    case -2: return div(k(1), mul(a, a));
    // + 0 and the select: pow(-0, 0.5) is +0 and pow(-Infinity, 0.5) is Infinity, unlike the root.
    case 0.5: return select(binary('eq', a, k(-Infinity)), k(Infinity), unary('sqrt', add(a, k(0))));
    case -0.5: return select(binary('eq', a, k(-Infinity)), k(0), div(k(1), unary('sqrt', add(a, k(0)))));
    default: return undefined;
  }
}

/**
 * max or min of float32 with a number, as a comparison that keeps x in doubt: NaN stays NaN, and vectors have it in one instruction where
 * max proper takes eight on x86 (zeros of both signs, NaN on either side). A -0 stays -0.
 */
function extreme(fn: 'max' | 'min', a: Expr, b: Expr): Expr | undefined {
  const [c, x] = a.op === 'const' ? [a, b] : [b, a];
  if (c.op !== 'const' || c.dtype !== 'float32' || Number.isNaN(c.value)) return undefined;
  return select(fn === 'max' ? gt(c, x) : lt(c, x), c, x);
}

function sign(x: Expr): Expr {
  const zero = constant(0, x.dtype);
  const one = constant(1, x.dtype);
  if (x.dtype === 'uint64' || x.dtype.startsWith('uint')) return select(gt(x, zero), one, x);
  return select(lt(x, zero), constant(-1, x.dtype), select(gt(x, zero), one, x));
}

/** The float32 that the low 16 bits of an int32 stand for as a float16: exact, subnormals too. */
export function fromHalfBits(h: Expr): Expr {
  const magnitude = mul(float(shl(bitAnd(h, 0x7fff), 13)), f32(2 ** 112));
  const special = bitOr(bits(magnitude), i32(0x7f800000));
  const finite = lt(bitAnd(h, 0x7fff), i32(0x7c00));
  return float(bitOr(select(finite, bits(magnitude), special), shl(bitAnd(h, 0x8000), 16)));
}

/**
 * The float16 next to a float32, ties to even, as the low 16 bits of an int32. Adding the right power of two lets the float adder
 * round at bit 13; scaling up and down first turns what is too large into infinity.
 */
export function toHalfBits(x: Expr): Expr {
  const w = bitcast(x, 'uint32');
  const doubled = shl(w, 1);
  const bias = max(binary('and', doubled, u32(0xff000000)), u32(0x71000000));
  const base = mul(mul(abs(x), f32(2 ** 112)), f32(2 ** -110));
  const sum = bitcast(add(bitcast(add(shr(bias, 1), u32(0x07800000)), 'float32'), base), 'uint32');
  const finite = add(bitAnd(shr(sum, 13), 0x7c00), bitAnd(sum, 0x0fff));
  const magnitude = select(gt(doubled, u32(0xff000000)), u32(0x7e00), finite);
  return bitcast(bitOr(bitAnd(shr(w, 16), 0x8000), magnitude), 'int32');
}

export interface Decomposer {
  /** Rewrites an expression. What was float16 is then float32. */
  readonly value: (e: Expr) => Expr;
  /** The same for a value about to be stored in a tensor of a type: float16 becomes its bits, an int32. */
  readonly stored: (value: Expr, dtype: DType) => Expr;
}

const wide = (dtype: ScalarType): ScalarType => (dtype === 'float16' ? 'float32' : dtype);

/** `stored` takes values that have been through `value`. */
export function decomposer(): Decomposer {
  const value = rewriter((e, again) => {
    switch (e.op) {
      case 'const': return e.dtype === 'float16' ? f32(fromHalf(toHalf(Number(e.value)))) : undefined;
      case 'ref': return e.dtype === 'float16' ? ref(e.name, 'float32') : undefined;
      case 'load':
        return e.dtype === 'float16' ? fromHalfBits(cast(load(e.tensor, 'uint16', e.index.map(again)), 'int32')) : undefined;
      case 'unary': return unaryOf(e.fn, again(e.a));
      case 'binary': {
        if (e.fn === 'max' || e.fn === 'min') return extreme(e.fn, again(e.a), again(e.b));
        if (e.fn !== 'pow' || !isFloat(e.dtype) || e.b.op !== 'const') return undefined;
        return knownPower(again(e.a), Number(e.b.value));
      }
      case 'cast': {
        const a = again(e.a);
        if (e.dtype !== 'float16') return cast(a, e.dtype);
        return e.a.dtype === 'float16' ? a : roundToHalf(a);
      }
      case 'bitcast': {
        const a = again(e.a);
        if (e.dtype === 'float16') return fromHalfBits(cast(a, 'int32'));
        return e.a.dtype === 'float16' ? cast(toHalfBits(a), wide(e.dtype)) : undefined;
      }
      case 'var': case 'sym': case 'select': case 'muladd': return undefined;
      default: return e satisfies never;
    }
  });
  return { value, stored: (e, dtype) => (dtype === 'float16' ? toHalfBits(cast(e, 'float32')) : e) };
}

/** A float64 or an integer rounded to float16. Through float32: 24 bits are enough for the second rounding of 11 to be right except at ties. */
const roundToHalf = (a: Expr): Expr => fromHalfBits(toHalfBits(cast(a, 'float32')));

function unaryOf(fn: UnaryOp, x: Expr): Expr {
  if (fn === 'sign') return sign(x);
  if (x.dtype !== 'float32') return unary(fn, x);
  switch (fn) {
    case 'exp': return exp(x);
    case 'log': return log(x);
    case 'sigmoid': return sigmoid(x);
    case 'tanh': return tanh(x);
    case 'erf': return erf(x);
    case 'sin': case 'cos': return sinOrCos(fn, x);
    case 'tan': case 'asin': case 'acos': case 'atan': case 'sinh': case 'cosh': case 'asinh': case 'acosh': case 'atanh':
      return throughDouble(fn, x);
    case 'neg': case 'abs': case 'floor': case 'ceil': case 'round': case 'trunc': case 'sqrt': case 'reciprocal': case 'not': case 'isnan':
      return unary(fn, x);
    default: return fn satisfies never;
  }
}

