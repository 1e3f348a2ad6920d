/**
 * Whether 64-bit integers stay in the 32 bits that they have on the GPU. What is loaded fits: it was checked on upload, or a kernel made it.
 * So each 64-bit result in a kernel must fit whatever is loaded, by the ranges of its operands. Dims count: they are taken as up to 4096 when a
 * kernel is chosen for this device, and as what they are before each run of other sizes. In: a kernel, and the values of its dims if they
 * are known; out: undefined, or what may not fit.
 */
import { type ScalarType, bytesOf, isBig, isFloat, isSigned } from '../../expr/dtype.ts';
import type { BinaryOp, Expr, UnaryOp } from '../../expr/expr.ts';
import { text } from '../../expr/text.ts';
import { walk } from '../../expr/visit.ts';
import { type Kernel, mentions } from '../../kernel.ts';

/** What a dim may be, as far as the choice of a device goes. */
const usualDim = 4096;

/** 64-bit constants and results of a kernel. */
const longs = new WeakMap<Kernel, readonly Expr[]>();

function longsOf(kernel: Kernel): readonly Expr[] {
  const known = longs.get(kernel);
  if (known !== undefined) return known;
  const found: Expr[] = [];
  walk(mentions(kernel.body), (e) => {
    if ((isBig(e.dtype) && e.op !== 'load' && e.op !== 'ref') || (e.op === 'const' && !isFloat(e.dtype))) found.push(e);
  });
  longs.set(kernel, found);
  return found;
}

/** Why a kernel cannot run here, of the 64-bit integers in it. */
export function outside(kernel: Kernel, dims?: readonly number[]): string | undefined {
  const range = ranger(dims === undefined ? undefined : new Map(kernel.syms.map((s, i) => [s, dims[i] ?? 0])));
  const { body } = kernel;
  if (body.kind === 'rows') {
    // Points are counted in 32 bits: as many truths fit.
    const points = body.inner.reduce((n, v) => n * (range(v)[1] + 1), 1);
    const wide = body.scans.find(({ op, value }) => isBig(value.dtype)
      && (op === 'prod' || (op === 'sum' && !fits(value.dtype, range(value).map((v) => v * Math.min(points, Math.abs(v) <= 1 ? 2 ** 31 - 1 : Infinity))))));
    if (wide !== undefined) return `a ${wide.op} of ${wide.value.dtype} may leave 32 bits: ${text(wide.value)}`;
  }
  const wide = longsOf(kernel).find((e) => !(stays(e, range) && fits(e.dtype, range(e))));
  if (wide === undefined) return undefined;
  if (wide.op === 'const') return `the constant ${String(wide.value)} of ${wide.dtype} does not fit 32 bits`;
  return `${wide.op === 'cast' ? `a ${wide.a.dtype} as ${wide.dtype}` : `a result of ${wide.dtype}`} may leave 32 bits: ${text(wide)}`;
}

/** Whether 32 bits compute what 64 do, if the result fits. */
function stays(e: Expr, range: (e: Expr) => Range): boolean {
  if (e.op === 'unary') return !(e.fn === 'not' && e.dtype === 'uint64');
  if (e.op !== 'binary') return true;
  return e.fn !== 'pow' && e.fn !== 'shl' && (e.fn !== 'shr' || (range(e.b)[0] >= 0 && range(e.b)[1] < 32));
}

/** Least and greatest value. */
type Range = readonly [number, number];

/** What a type holds here, where 64-bit integers have 32 bits. */
function held(dtype: ScalarType): Range {
  if (isFloat(dtype)) return [-Infinity, Infinity];
  if (dtype === 'bool') return [0, 1];
  const values = 2 ** Math.min(32, 8 * bytesOf(dtype));
  return isSigned(dtype) ? [-values / 2, values / 2 - 1] : [0, values - 1];
}

const fits = (dtype: ScalarType, [low = 0, high = 0]: readonly number[]): boolean => low >= held(dtype)[0] && high <= held(dtype)[1];

/**
 * Between what values an expression lies, as far as it tells. Floats as if finite: what is not has no defined integer (ONNX, Cast), so that
 * a logarithm of 0 is no obstacle: buckets of relative positions, as in T5, are such integers. Integers of 64 bits may leave what they
 * have here (and then the kernel is not run here); others wrap.
 */
function ranger(dims: ReadonlyMap<Expr, number> | undefined): (e: Expr) => Range {
  const known = new Map<Expr, Range>();
  const range = (e: Expr): Range => {
    const before = known.get(e);
    if (before !== undefined) return before;
    const [low, high] = ends(e, range, dims);
    const lost = Number.isNaN(low) || Number.isNaN(high) || !(isBig(e.dtype) || e.op === 'const' || fits(e.dtype, [low, high]));
    const made = lost ? held(e.dtype) : [low, high] as const;
    known.set(e, made);
    return made;
  };
  return range;
}

const hull = (values: readonly number[]): Range => [Math.min(...values), Math.max(...values)];
const products = (a: Range, b: Range): Range => hull(a.flatMap((x) => b.map((y) => (x === 0 || y === 0 ? 0 : x * y))));

function ends(e: Expr, range: (e: Expr) => Range, dims: ReadonlyMap<Expr, number> | undefined): Range {
  switch (e.op) {
    case 'const': return [Number(e.value), Number(e.value)];
    case 'var': return [0, Math.max(0, range(e.extent)[1] - 1)];
    case 'sym': {
      const dim = dims?.get(e);
      return dim === undefined ? [e.min, Math.max(e.min, usualDim)] : [dim, dim];
    }
    case 'select': return hull([...range(e.a), ...range(e.b)]);
    case 'muladd': {
      const product = products(range(e.a), range(e.b));
      return [product[0] + range(e.c)[0], product[1] + range(e.c)[1]];
    }
    // Rounding takes the nearest of what there is.
    case 'cast': return e.dtype === 'bool' ? held('bool') : range(e.a);
    case 'unary': return unaryEnds(e.fn, range(e.a), e.dtype);
    case 'binary': return binaryEnds(e, range(e.a), range(e.b));
    case 'load': case 'ref': case 'bitcast': return held(e.dtype);
    default: return e satisfies never;
  }
}

function unaryEnds(fn: UnaryOp, [low, high]: Range, dtype: ScalarType): Range {
  switch (fn) {
    // Of the least subnormal -103.3, of the largest float 88.7.
    case 'log': return [-104, 89];
    case 'sin': case 'cos': case 'tanh': case 'erf': case 'sign': case 'sigmoid': return [-1, 1];
    case 'neg': return [-high, -low];
    case 'abs': return [0, Math.max(-low, high)];
    case 'floor': case 'ceil': case 'round': case 'trunc': return [low - 1, high + 1];
    default: return held(dtype);
  }
}

function binaryEnds({ fn, dtype }: { readonly fn: BinaryOp; readonly dtype: ScalarType }, a: Range, b: Range): Range {
  switch (fn) {
    case 'add': return [a[0] + b[0], a[1] + b[1]];
    case 'sub': return [a[0] - b[1], a[1] - b[0]];
    case 'mul': return products(a, b);
    case 'min': return [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
    case 'max': return [Math.max(a[0], b[0]), Math.max(a[1], b[1])];
    case 'div': case 'floordiv': {
      // Of a divisor that may be next to nothing, or 0.
      if (b[0] === b[1] && b[0] !== 0) return hull(a.flatMap((x) => (isFloat(dtype) ? [x / b[0]] : [Math.floor(x / b[0]), Math.ceil(x / b[0])])));
      return isFloat(dtype) ? held(dtype) : b[0] >= 0 ? [Math.min(a[0], 0), Math.max(a[1], 0)] : hull([...a, -a[0], -a[1]]);
    }
    default: return held(dtype);
  }
}
