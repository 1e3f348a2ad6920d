/**
 * One operation as WGSL text. Input: an expression node and the texts of its operands (through `Operations`); output: an expression of
 * the type `wgslType(dtype)`. Narrow integers are kept in range after every operation. What WGSL leaves open or computes badly goes
 * through the shader library. Invariant: no constant expression is written, since those may neither overflow nor divide by zero.
 */
import type { ArgumentsOf, FunctionName } from '../../../shaders/library.ts';
import { QuernError } from '../../error.ts';
import { type ScalarType, isFloat } from '../../expr/dtype.ts';
import { type BinaryOp, type Const, type Expr, asInt } from '../../expr/expr.ts';
import { isNonNegative } from '../../expr/index-algebra.ts';
import { narrowRanges } from '../../expr/scalar.ts';
import { text } from '../../expr/text.ts';
import { wgslType } from './storage.ts';

export interface Operations {
  /** Whether muladd rounds once. */
  readonly fma: () => boolean;
  readonly value: (e: Expr) => string;
  readonly call: <Name extends FunctionName>(name: Name, ...args: ArgumentsOf<Name>) => string;
  readonly runtime: (text: string) => string;
}

/** Nodes that compute something. */
export type Operation = Exclude<Expr, { op: 'const' } | { op: 'var' } | { op: 'sym' } | { op: 'ref' }>;
type Computed = Exclude<Operation, { op: 'load' }>;

export function literal(e: Const, { call }: Pick<Operations, 'call'>): string {
  const v = Number(e.value);
  switch (wgslType(e.dtype)) {
    case 'bool': return v !== 0 ? 'true' : 'false';
    case 'u32': return `${v}u`;
    case 'i32': return v < 0 ? `(${v})` : String(v);
    case 'f32':
      if (Number.isNaN(v)) return call('nan');
      if (!Number.isFinite(Math.fround(v))) return v > 0 ? call('infinity') : `(-${call('infinity')})`;
      return v < 0 || Object.is(v, -0) ? `(-${Math.abs(Math.fround(v))}f)` : `${Math.fround(v)}f`;
  }
}

export function compute(e: Computed, ops: Operations): string {
  switch (e.op) {
    case 'unary': return wrapped(unary(e, ops), e.dtype, e.fn === 'neg' || e.fn === 'abs' || e.fn === 'not', ops);
    case 'binary': return e.a.dtype === 'bool' ? logical(e.fn, ops.value(e.a), ops.value(e.b)) : arithmetic(e, ops);
    case 'select': return `select(${ops.value(e.b)}, ${ops.value(e.a)}, ${ops.value(e.cond)})`;
    case 'cast': return cast(operand(e.a, ops), e.a.dtype, e.dtype, ops);
    case 'bitcast': return bitcast(operand(e.a, ops), e.a.dtype, e.dtype, ops);
    case 'muladd': {
      const [a, b, c] = [operand(e.a, ops), ops.value(e.b), ops.value(e.c)];
      if (isFloat(e.dtype)) return ops.fma() ? `fma(${a}, ${b}, ${c})` : `(${a} * ${b} + ${c})`;
      return wrapped(`(${a} * ${b} + ${c})`, e.dtype, true, ops);
    }
    default: return e satisfies never;
  }
}

/** An operand that is no constant expression. */
const operand = (e: Expr, ops: Operations): string => (e.op === 'const' ? ops.runtime(ops.value(e)) : ops.value(e));

/** A text that may be used twice. */
const named = (value: string, ops: Operations): string => (/^[\w.]+$/.test(value) ? value : ops.runtime(value));

/** Brings an i32 or u32 back into the range of a narrower type. */
function wrapped(value: string, dtype: ScalarType, may: boolean, { call }: Operations): string {
  if (!may) return value;
  switch (dtype) {
    case 'int8': return call('wrap_i8', value);
    case 'int16': return call('wrap_i16', value);
    case 'uint8': return `(${value} & 255u)`;
    case 'uint16': return `(${value} & 65535u)`;
    default: return value;
  }
}

function unary(e: Extract<Expr, { op: 'unary' }>, ops: Operations): string {
  const { call } = ops;
  const x = operand(e.a, ops);
  const type = wgslType(e.a.dtype);
  if (type !== 'f32') {
    switch (e.fn) {
      case 'neg': return type === 'u32' ? `(~${x} + 1u)` : `(-${x})`;
      case 'abs': return `abs(${x})`;
      case 'sign': return type === 'i32' ? `sign(${x})` : `min(${x}, 1u)`;
      case 'not': return type === 'bool' ? `(!${x})` : `(~${x})`;
      case 'floor': case 'ceil': case 'round': case 'trunc': return x;
      case 'isnan': return '(false && true)';
      default: throw new QuernError('internal', `${e.fn} is defined on floats`, { got: text(e) });
    }
  }
  switch (e.fn) {
    case 'neg': return `(-${x})`;
    case 'abs': case 'floor': case 'ceil': case 'round': case 'trunc': case 'exp': return `${e.fn}(${x})`;
    case 'reciprocal': return `(1f / ${x})`;
    case 'sign': return call('sign_nan', x);
    case 'sqrt': return call('sqrt_safe', x);
    case 'log': return call('log_safe', x);
    case 'sin': return call('sin_wide', x);
    case 'cos': return call('cos_wide', x);
    case 'tan': return call('tan_wide', x);
    case 'asin': return call('asin_wide', x);
    case 'acos': return call('acos_wide', x);
    case 'atan': return call('atan_wide', x);
    case 'sinh': return call('sinh_wide', x);
    case 'cosh': return call('cosh_wide', x);
    case 'tanh': return call('tanh_safe', x);
    case 'asinh': return call('asinh_wide', x);
    case 'acosh': return call('acosh_wide', x);
    case 'atanh': return call('atanh_wide', x);
    case 'erf': return call('erf', x);
    case 'sigmoid': return call('sigmoid', x);
    case 'isnan': return call('is_nan', x);
    case 'not': throw new QuernError('internal', 'not is defined on bool and integers', { got: text(e) });
    default: return e.fn satisfies never;
  }
}

const signs: Partial<Record<BinaryOp, string>> = {
  add: '+', sub: '-', mul: '*', div: '/', and: '&', or: '|', xor: '^', eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=',
};

function logical(fn: BinaryOp, a: string, b: string): string {
  switch (fn) {
    case 'and': case 'min': case 'mul': return `(${a} && ${b})`;
    case 'or': case 'max': case 'add': return `(${a} || ${b})`;
    case 'eq': case 'ne': return `(${a} ${signs[fn] ?? ''} ${b})`;
    case 'xor': return `(${a} != ${b})`;
    case 'lt': case 'le': case 'gt': case 'ge': return `(u32(${a}) ${signs[fn] ?? ''} u32(${b}))`;
    default: throw new QuernError('internal', `${fn} is not defined on bool`);
  }
}

function arithmetic(e: Extract<Expr, { op: 'binary' }>, ops: Operations): string {
  const type = wgslType(e.a.dtype);
  const a = e.b.op === 'const' ? operand(e.a, ops) : ops.value(e.a);
  const b = ops.value(e.b);
  const sign = signs[e.fn];
  const plain = (): string => `(${a} ${sign ?? ''} ${b})`;
  switch (e.fn) {
    case 'add': case 'sub': case 'mul': return wrapped(plain(), e.dtype, true, ops);
    case 'and': case 'or': case 'xor': case 'eq': case 'ne': case 'lt': case 'le': case 'gt': case 'ge': return plain();
    case 'min': case 'max': return least(e.fn, e, a, b, ops);
    case 'div': {
      if (type === 'f32') return plain();
      const by = asInt(e.b);
      const text = by !== undefined && by > 0 ? plain() : type === 'i32' ? ops.call('div_i32', a, b) : ops.call('div_u32', a, b);
      return wrapped(text, e.dtype, e.dtype === 'int8' || e.dtype === 'int16', ops);
    }
    case 'rem':
      if (type === 'f32') return ops.call('rem_real', a, b);
      return type === 'i32' ? ops.call('rem_i32', a, b) : ops.call('rem_u32', a, b);
    case 'floordiv': return floored(e, a, b, ops);
    case 'floormod': return modulo(e, a, b, ops);
    case 'pow':
      if (type === 'f32') return ops.call('pow_real', a, b);
      return wrapped(type === 'i32' ? ops.call('pow_i32', a, b) : ops.call('pow_u32', a, b), e.dtype, true, ops);
    case 'shl': case 'shr': {
      const count = e.b.op === 'const' ? `${Number(e.b.value) & 31}u` : `(u32(${b}) & 31u)`;
      return wrapped(`(${a} ${e.fn === 'shl' ? '<<' : '>>'} ${count})`, e.dtype, true, ops);
    }
    default: return e.fn satisfies never;
  }
}

function least(fn: 'min' | 'max', e: Extract<Expr, { op: 'binary' }>, a: string, b: string, ops: Operations): string {
  const { call } = ops;
  if (wgslType(e.a.dtype) !== 'f32') return `${fn}(${a}, ${b})`;
  // Beside a constant one comparison hands a NaN on: it is false for a NaN.
  const sign = fn === 'min' ? '>' : '<';
  const beside = (text: string, limit: string): string => {
    const x = named(text, ops);
    return `select(${x}, ${limit}, ${x} ${sign} ${limit})`;
  };
  if (e.b.op === 'const') return beside(a, b);
  if (e.a.op === 'const') return beside(b, a);
  return call(fn === 'min' ? 'min_nan' : 'max_nan', a, b);
}

const isPowerOfTwo = (n: number): boolean => n > 0 && n < 2 ** 31 && (n & (n - 1)) === 0;

/** Do the directions of rounding agree? A dim that is 0 leaves no points, so what a division by it gives does not matter. */
const isPlain = (e: Extract<Expr, { op: 'binary' }>): boolean =>
  e.dtype === 'index' && asInt(e.b) !== 0 && isNonNegative(e.a) && isNonNegative(e.b);

function floored(e: Extract<Expr, { op: 'binary' }>, a: string, b: string, ops: Operations): string {
  const type = wgslType(e.a.dtype);
  if (type === 'f32') return `floor(${a} / ${b})`;
  if (type === 'u32') return ops.call('div_u32', a, b);
  const by = asInt(e.b);
  // An arithmetic shift rounds towards minus infinity whatever the sign.
  if (by !== undefined && isPowerOfTwo(by)) return `(${a} >> ${Math.log2(by)}u)`;
  if (isPlain(e)) return `(${a} / ${b})`;
  return wrapped(ops.call('floordiv', a, b), e.dtype, true, ops);
}

function modulo(e: Extract<Expr, { op: 'binary' }>, a: string, b: string, ops: Operations): string {
  const type = wgslType(e.a.dtype);
  if (type === 'f32') {
    const [x, y] = [named(a, ops), named(b, ops)];
    return `(${x} - floor(${x} / ${y}) * ${y})`;
  }
  if (type === 'u32') return ops.call('rem_u32', a, b);
  const by = asInt(e.b);
  if (by !== undefined && isPowerOfTwo(by)) return `(${a} & ${by - 1})`;
  if (isPlain(e)) return `(${a} % ${b})`;
  return ops.call('floormod', a, b);
}

function cast(a: string, from: ScalarType, to: ScalarType, ops: Operations): string {
  const [source, target] = [wgslType(from), wgslType(to)];
  if (target === 'bool') return source === 'bool' ? a : `(${a} != ${source === 'f32' ? '0f' : source === 'u32' ? '0u' : '0'})`;
  if (to === 'float16') return ops.call('round_to_half', source === 'f32' ? a : `f32(${a})`);
  if (target === 'f32') return source === 'f32' ? a : `f32(${a})`;
  const range = narrowRanges[to];
  if (source === 'f32') {
    const whole = target === 'i32' ? ops.call('real_to_i32', a) : ops.call('real_to_u32', a);
    if (range === undefined) return whole;
    const suffix = target === 'u32' ? 'u' : '';
    return `clamp(${whole}, ${range[0]}${suffix}, ${range[1]}${suffix})`;
  }
  const same = source === target ? a : source === 'bool' ? `${target}(${a})` : `bitcast<${target}>(${a})`;
  if (range === undefined || source === 'bool') return same;
  const inner = narrowRanges[from];
  const fits = inner !== undefined && inner[0] >= range[0] && inner[1] <= range[1];
  return wrapped(same, to, !fits, ops);
}

function bitcast(a: string, from: ScalarType, to: ScalarType, ops: Operations): string {
  const [source, target] = [wgslType(from), wgslType(to)];
  if (from === 'float16') {
    const bits = ops.call('real_to_half', a);
    return target === 'u32' ? bits : ops.call('wrap_i16', `bitcast<i32>(${bits})`);
  }
  if (to === 'float16') return ops.call('half_to_real', source === 'u32' ? a : `(bitcast<u32>(${a}) & 65535u)`);
  if (from === 'bool' || to === 'bool') return cast(a, from, to, ops);
  return wrapped(source === target ? a : `bitcast<${target}>(${a})`, to, true, ops);
}
