/**
 * Which kernels this backend can run without changing what they mean. Input: a kernel and the device's profile; output: undefined, or the
 * reason that `report()` shows. 64-bit integers have 32 bits here: what is loaded was checked on upload and sums of such values are taken
 * to fit, but operations that leave 32 bits with ordinary operands (products of two loaded values, powers, shifts, conversions of
 * floats) send the kernel to the CPU.
 */
import type { DeviceProfile } from '../../device.ts';
import { type ScalarType, isBig, isFloat } from '../../expr/dtype.ts';
import type { Expr } from '../../expr/expr.ts';
import { asInt } from '../../expr/expr.ts';
import { text } from '../../expr/text.ts';
import { walk } from '../../expr/visit.ts';
import { type Kernel, allAxes, expressions } from '../../kernel.ts';
import { storageBytes } from './storage.ts';

export function whyNot(kernel: Kernel, profile: DeviceProfile): string | undefined {
  const limit = (name: string, otherwise: number): number => profile.limits[name] ?? otherwise;
  const buffers = limit('maxStorageBuffersPerShaderStage', 8);
  if (kernel.args.length > buffers) return `${kernel.args.length} buffers, where the GPU binds ${buffers} to a kernel`;
  for (const [i, arg] of kernel.args.entries()) {
    if (arg.dtype === 'float64') return `argument ${i} is float64, which the GPU does not have`;
    const elements = arg.shape.reduce((n, d) => n * (asInt(d) ?? 1), 1);
    const most = limit('maxStorageBufferBindingSize', 128 * 2 ** 20);
    if (elements * storageBytes(arg.dtype) > most) return `argument ${i} has ${elements * storageBytes(arg.dtype)} bytes, where the GPU binds ${most}`;
    if (elements >= 2 ** 31) return `argument ${i} has ${elements} elements, beyond 32-bit indices`;
  }
  let why: string | undefined;
  walk([...expressions(kernel.body), ...allAxes(kernel.body).map((v) => v.extent)], (e) => { why ??= whyNotExpression(e); });
  if (why === undefined && kernel.body.kind === 'rows') {
    const prod = kernel.body.scans.find((s) => s.op === 'prod' && isBig(s.value.dtype));
    if (prod !== undefined) return `a product of ${prod.value.dtype} may leave 32 bits`;
  }
  if (why === undefined && kernel.body.kind === 'contraction' && isBig(kernel.body.lhs.dtype)) return `products of ${kernel.body.lhs.dtype} may leave 32 bits`;
  return why;
}

function whyNotExpression(e: Expr): string | undefined {
  if (e.dtype === 'float64') return `float64 arithmetic: ${text(e)}`;
  if (e.op === 'const') return fits(e.dtype, e.value) ? undefined : `the constant ${String(e.value)} of ${e.dtype} does not fit 32 bits`;
  if (e.op === 'bitcast' && (isBig(e.dtype) || isBig(e.a.dtype))) return `the bits of a 64-bit integer: ${text(e)}`;
  if (!isBig(e.dtype)) return undefined;
  if (e.op === 'cast') {
    const fit = contained(e.a.dtype, e.dtype === 'int64') || (e.dtype === 'int64' && isFloat(e.a.dtype) && magnitude(e.a) < 2 ** 31);
    return fit ? undefined : `a ${e.a.dtype} as ${e.dtype} may leave 32 bits`;
  }
  if (e.op === 'muladd') return `a product of ${e.dtype} may leave 32 bits`;
  if (e.op === 'unary' && (e.fn === 'not' || e.fn === 'neg') && e.dtype === 'uint64') return `${e.fn} of a uint64 leaves 32 bits`;
  if (e.op === 'binary') {
    if (e.fn === 'pow' || e.fn === 'shl') return `${e.fn} of ${e.dtype} may leave 32 bits`;
    if (e.fn === 'mul' && !small(e.a) && !small(e.b)) return `a product of ${e.dtype} may leave 32 bits`;
    if (e.fn === 'sub' && e.dtype === 'uint64') return 'a difference of uint64 may leave 32 bits';
  }
  return undefined;
}

/** Does every value of a type fit an i32 (or a u32), so that widening it to 64 bits changes nothing here? */
function contained(dtype: ScalarType, signed: boolean): boolean {
  switch (dtype) {
    case 'bool': case 'uint8': case 'uint16': return true;
    case 'int8': case 'int16': case 'int32': case 'int64': case 'index': return signed;
    case 'uint32': case 'uint64': return !signed;
    case 'float32': case 'float16': case 'float64': return false;
    default: return dtype satisfies never;
  }
}

/**
 * The largest magnitude that a finite value of a float expression can have, as far as the expression tells. What is not finite has no defined
 * integer (ONNX, Cast), so that a logarithm of 0 is no obstacle: buckets of relative positions, as in T5, are such integers.
 */
function magnitude(e: Expr): number {
  if (e.op === 'const') return Math.abs(Number(e.value));
  if (e.op === 'select') return Math.max(magnitude(e.a), magnitude(e.b));
  if (e.op === 'muladd') return magnitude(e.a) * magnitude(e.b) + magnitude(e.c);
  // Integers have 32 bits here, whatever their type.
  if (e.op === 'cast') return isFloat(e.a.dtype) ? magnitude(e.a) : e.a.dtype === 'bool' ? 1 : 2 ** 31;
  if (e.op === 'unary') {
    switch (e.fn) {
      // Of the least subnormal -103.3, of the largest float 88.7.
      case 'log': return 104;
      case 'sin': case 'cos': case 'tanh': case 'erf': return 1;
      case 'neg': case 'abs': return magnitude(e.a);
      case 'floor': case 'ceil': case 'round': case 'trunc': return magnitude(e.a) + 1;
      default: return Infinity;
    }
  }
  if (e.op === 'binary') {
    const [a, b] = [magnitude(e.a), magnitude(e.b)];
    switch (e.fn) {
      case 'add': case 'sub': return a + b;
      case 'mul': return a * b;
      case 'div': return e.b.op === 'const' ? a / b : Infinity;
      case 'min': case 'max': return Math.max(a, b);
      default: return Infinity;
    }
  }
  return Infinity;
}

/** Factors that come from the shape of things, or from the model's own text: a product with one of them is a scaled index. */
const small = (e: Expr): boolean =>
  (e.op === 'const' && Math.abs(Number(e.value)) < 65536) || (e.op === 'cast' && (e.a.dtype === 'index' || e.a.dtype === 'bool'));

function fits(dtype: ScalarType, value: number | bigint): boolean {
  if (isFloat(dtype) || dtype === 'bool') return true;
  const v = Number(value);
  return dtype === 'uint32' || dtype === 'uint64' ? v >= 0 && v < 2 ** 32 : v >= -(2 ** 31) && v < 2 ** 31;
}
