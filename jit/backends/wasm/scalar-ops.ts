/**
 * Operators on scalars as WebAssembly instructions: operands are on the stack, the result replaces them. How types are held: index, bool
 * and integers of up to 32 bits in an i32 (narrow ones extended by their sign), 64-bit integers in an i64, float32 in an f32, float64 in an
 * f64. No operator traps: integer division by zero gives 0, conversions saturate. The meaning is that of the reference backend.
 */
import { QuernError } from '../../error.ts';
import { type DType, type ScalarType, isBig, isFloat, isSigned } from '../../expr/dtype.ts';
import { type BinaryOp, type UnaryOp, isComparison } from '../../expr/expr.ts';
import { narrowRanges } from '../../expr/scalar.ts';
import type { FunctionBuilder } from './function-builder.ts';
import type { Opcode, ValType } from './opcodes.ts';

export type ScalarValType = 'i32' | 'i64' | 'f32' | 'f64';

export function valTypeOf(dtype: ScalarType): ScalarValType {
  switch (dtype) {
    case 'float32': return 'f32';
    case 'float64': return 'f64';
    case 'int64': case 'uint64': return 'i64';
    case 'index': case 'bool': case 'int8': case 'uint8': case 'int16': case 'uint16': case 'int32': case 'uint32': return 'i32';
    case 'float16': throw new QuernError('internal', 'float16 is decomposed before emission');
    default: return dtype satisfies never;
  }
}

/** Functions that kernels import from JavaScript for operators that are rare and have no instruction. */
export const mathImports = {
  exp: 'd:d', log: 'd:d', sin: 'd:d', cos: 'd:d', tan: 'd:d', asin: 'd:d', acos: 'd:d', atan: 'd:d', sinh: 'd:d', cosh: 'd:d', tanh: 'd:d',
  asinh: 'd:d', acosh: 'd:d', atanh: 'd:d', erf: 'd:d', sigmoid: 'd:d', pow: 'dd:d', rem: 'dd:d', floormod: 'dd:d', ipow: 'll:l',
} as const;
export type MathImport = keyof typeof mathImports;

export interface OpContext {
  readonly f: FunctionBuilder;
  /** Calls an imported function. */
  readonly callMath: (name: MathImport) => void;
  /** Whether muladd rounds once. */
  readonly fma: boolean;
}

/** Brings an i32 that overflowed a narrow type back into it. */
export function wrapNarrow(f: FunctionBuilder, dtype: ScalarType): void {
  switch (dtype) {
    case 'int8': return f.op('i32.extend8_s');
    case 'int16': return f.op('i32.extend16_s');
    case 'uint8': f.i32(255); return f.op('i32.and');
    case 'uint16': f.i32(65535); return f.op('i32.and');
    case 'bool': f.i32(0); return f.op('i32.ne');
    case 'index': case 'int32': case 'uint32': case 'int64': case 'uint64': case 'float16': case 'float32': case 'float64': return undefined;
    default: return dtype satisfies never;
  }
}

export function pushConstant(f: FunctionBuilder, value: number | bigint, dtype: ScalarType): void {
  switch (valTypeOf(dtype)) {
    case 'i32': return f.i32(Number(BigInt.asIntN(32, BigInt(Math.trunc(Number(value))))));
    case 'i64': return f.i64(BigInt(value));
    case 'f32': return f.f32(Number(value));
    case 'f64': return f.f64(Number(value));
    default: return undefined;
  }
}

export function emitUnary({ f, callMath }: OpContext, fn: UnaryOp, dtype: ScalarType): void {
  const type = valTypeOf(dtype);
  const float = isFloat(dtype);
  switch (fn) {
    case 'neg':
      if (float) return f.op(`${type}.neg` as Opcode);
      pushConstant(f, -1n, isBig(dtype) ? 'int64' : 'int32');
      f.op(`${type}.mul` as Opcode);
      return wrapNarrow(f, dtype);
    case 'abs': {
      if (float) return f.op(`${type}.abs` as Opcode);
      if (!isSigned(dtype)) return undefined;
      // (x ^ s) - s with s = x >> (width - 1)
      const x = f.local(type, 'x');
      const s = f.local(type, 's');
      f.tee(x);
      f.get(x);
      if (type === 'i64') f.i64(63);
      else f.i32(31);
      f.ops(`${type}.shr_s` as Opcode);
      f.tee(s);
      f.op(`${type}.xor` as Opcode);
      f.get(s);
      f.op(`${type}.sub` as Opcode);
      return wrapNarrow(f, dtype);
    }
    case 'floor': case 'ceil': case 'trunc':
      if (float) f.op(`${type}.${fn}` as Opcode);
      return undefined;
    case 'round':
      if (float) f.op(`${type}.nearest` as Opcode);
      return undefined;
    case 'sqrt': return f.op(`${type}.sqrt` as Opcode);
    case 'reciprocal': {
      const x = f.local(type, 'x');
      f.set(x);
      pushConstant(f, 1, dtype);
      f.get(x);
      return f.op(`${type}.div` as Opcode);
    }
    case 'not':
      if (dtype === 'bool') return f.op('i32.eqz');
      if (type === 'i64') f.i64(-1);
      else f.i32(-1);
      f.op(`${type}.xor` as Opcode);
      return wrapNarrow(f, dtype);
    case 'isnan': {
      if (!float) { f.op('drop'); return f.i32(0); }
      const x = f.local(type, 'x');
      f.tee(x);
      f.get(x);
      return f.op(`${type}.ne` as Opcode);
    }
    case 'exp': case 'log': case 'sin': case 'cos': case 'tan': case 'asin': case 'acos': case 'atan': case 'sinh': case 'cosh': case 'tanh':
    case 'asinh': case 'acosh': case 'atanh': case 'erf': case 'sigmoid':
      if (dtype !== 'float64') throw new QuernError('internal', `${fn} of ${dtype} is decomposed before emission`);
      return callMath(fn);
    case 'sign': throw new QuernError('internal', 'sign is decomposed before emission');
    default: return fn satisfies never;
  }
}

/** What is known of the right operand of a division, so that checks can be left out. */
export interface DivisorFacts {
  /** Its value, if it is a constant: it is then not on the stack. */
  readonly constant?: number | bigint | undefined;
  /** Both operands are proved to be at least 0, and the divisor at least 1. */
  readonly natural?: boolean;
}

export function emitBinary(context: OpContext, fn: BinaryOp, dtype: ScalarType, facts: DivisorFacts = {}): void {
  const { f, callMath } = context;
  const type = valTypeOf(dtype);
  if (isComparison(fn)) return f.op(comparison(fn, dtype));
  if (isFloat(dtype)) {
    switch (fn) {
      case 'add': case 'sub': case 'mul': case 'div': case 'min': case 'max': return f.op(`${type}.${fn}` as Opcode);
      case 'pow': case 'rem': case 'floormod': return throughDouble(f, type, () => callMath(fn));
      default: throw new QuernError('internal', `${fn} is not defined on ${dtype}`);
    }
  }
  const sign = isSigned(dtype) ? 's' : 'u';
  switch (fn) {
    case 'add': case 'sub': case 'mul':
      f.op(`${type}.${fn}` as Opcode);
      return wrapNarrow(f, dtype);
    case 'and': case 'or': case 'xor': return f.op(`${type}.${fn}` as Opcode);
    case 'shl':
      f.op(`${type}.shl` as Opcode);
      return wrapNarrow(f, dtype);
    case 'shr': return f.op(`${type}.shr_${sign}` as Opcode);
    case 'min': case 'max': {
      const a = f.local(type, 'a');
      const b = f.local(type, 'b');
      f.set(b);
      f.tee(a);
      f.get(b);
      f.get(a);
      f.get(b);
      f.op(`${type}.${fn === 'min' ? 'lt' : 'gt'}_${sign}` as Opcode);
      return f.op('select');
    }
    case 'eq': case 'ne': case 'lt': case 'le': case 'gt': case 'ge': return undefined; // above
    case 'div': case 'rem': case 'floordiv': case 'floormod': return emitDivision(f, fn, dtype, facts);
    case 'pow': {
      if (type === 'i64') return callMath('ipow');
      const b = f.local('i32', 'b');
      f.set(b);
      f.op(dtype === 'uint32' ? 'i64.extend_i32_u' : 'i64.extend_i32_s');
      f.get(b);
      f.op(dtype === 'uint32' ? 'i64.extend_i32_u' : 'i64.extend_i32_s');
      callMath('ipow');
      f.op('i32.wrap_i64');
      return wrapNarrow(f, dtype);
    }
    default: return fn satisfies never;
  }
}

/** Two floats on the stack through a function of doubles. float32 operands are exact in a double; the result is rounded once more. */
function throughDouble(f: FunctionBuilder, type: ValType, call: () => void): void {
  if (type === 'f64') return call();
  const b = f.local('f32', 'b');
  f.set(b);
  f.op('f64.promote_f32');
  f.get(b);
  f.op('f64.promote_f32');
  call();
  return f.op('f32.demote_f64');
}

export function comparison(fn: BinaryOp, dtype: ScalarType): Opcode {
  const type = valTypeOf(dtype);
  if (isFloat(dtype) || fn === 'eq' || fn === 'ne') return `${type}.${fn}` as Opcode;
  return `${type}.${fn}_${isSigned(dtype) ? 's' : 'u'}` as Opcode;
}

function emitDivision(f: FunctionBuilder, fn: 'div' | 'rem' | 'floordiv' | 'floormod', dtype: ScalarType, facts: DivisorFacts): void {
  const type = valTypeOf(dtype);
  const quotient = fn === 'div' || fn === 'floordiv';
  const signed = isSigned(dtype);
  const known = facts.constant === undefined ? undefined : BigInt(facts.constant);
  const floors = signed && facts.natural !== true && (fn === 'floordiv' || fn === 'floormod');
  if (known !== undefined && known > 0n && (known & (known - 1n)) === 0n && (floors || !signed || facts.natural === true)) {
    // A power of two: an arithmetic shift and a mask round towards minus infinity.
    const log = known.toString(2).length - 1;
    if (type === 'i64') f.i64(quotient ? log : known - 1n);
    else f.i32(quotient ? log : Number(known - 1n));
    return f.op(`${type}.${quotient ? (signed ? 'shr_s' : 'shr_u') : 'and'}` as Opcode);
  }
  if (facts.constant !== undefined) pushConstant(f, facts.constant, dtype);
  const unsigned = !signed || facts.natural === true;
  const op = `${type}.${quotient ? 'div' : 'rem'}_${unsigned ? 'u' : 's'}` as Opcode;
  if (facts.natural === true || (known !== undefined && known > 0n && !floors)) return f.op(op);

  const a = f.local(type, 'a');
  const b = f.local(type, 'b');
  const zero = (): void => { if (type === 'i64') f.i64(0); else f.i32(0); };
  f.set(b);
  f.set(a);
  f.get(b);
  f.op(`${type}.eqz` as Opcode);
  f.if(zero, () => {
    if (unsigned) {
      f.get(a);
      f.get(b);
      f.op(op);
      return;
    }
    // b = -1 apart: the least integer divided by it overflows, which traps.
    f.get(b);
    if (type === 'i64') f.i64(-1);
    else f.i32(-1);
    f.op(`${type}.eq` as Opcode);
    f.if(() => {
      zero();
      if (quotient) { f.get(a); f.op(`${type}.sub` as Opcode); }
    }, () => {
      f.get(a);
      f.get(b);
      f.op(op);
      if (floors) floorFix(f, type, quotient, a, b);
    }, [type]);
  }, [type]);
  wrapNarrow(f, dtype);
}

/** Turns a truncated quotient (or remainder) on the stack into the floored one. */
function floorFix(f: FunctionBuilder, type: ScalarValType, quotient: boolean, a: ReturnType<FunctionBuilder['local']>, b: typeof a): void {
  const r = f.local(type, 'r');
  const zero = (): void => { if (type === 'i64') f.i64(0); else f.i32(0); };
  const result = f.local(type, 'q');
  f.set(result);
  if (quotient) {
    f.get(a);
    f.get(result);
    f.get(b);
    f.op(`${type}.mul` as Opcode);
    f.op(`${type}.sub` as Opcode);
  } else {
    f.get(result);
  }
  f.set(r);
  f.get(result);
  if (quotient) {
    if (type === 'i64') f.i64(1);
    else f.i32(1);
    f.op(`${type}.sub` as Opcode);
  } else {
    f.get(b);
    f.op(`${type}.add` as Opcode);
  }
  f.get(result);
  f.get(r);
  zero();
  f.op(`${type}.ne` as Opcode);
  f.get(r);
  f.get(b);
  f.op(`${type}.xor` as Opcode);
  zero();
  f.op(`${type}.lt_s` as Opcode);
  f.op('i32.and');
  f.op('select');
}

export function emitCast(f: FunctionBuilder, from: ScalarType, to: ScalarType): void {
  if (from === to) return undefined;
  const source = valTypeOf(from);
  const target = valTypeOf(to);
  if (to === 'bool') {
    pushConstant(f, isBig(from) ? 0n : 0, from);
    return f.op(`${source}.ne` as Opcode);
  }
  if (isFloat(from)) {
    if (isFloat(to)) return f.op(target === 'f64' ? 'f64.promote_f32' : 'f32.demote_f64');
    if (target === 'i64') return f.op(`i64.trunc_sat_${source}_${isSigned(to) ? 's' : 'u'}` as Opcode);
    if (to === 'uint32') return f.op(`i32.trunc_sat_${source}_u` as Opcode);
    f.op(`i32.trunc_sat_${source}_s` as Opcode);
    const range = narrowRanges[to];
    if (range === undefined) return undefined;
    const x = f.local('i32', 'x');
    for (const [bound, op] of [[range[1], 'i32.lt_s'], [range[0], 'i32.gt_s']] as const) {
      f.tee(x);
      f.i32(bound);
      f.get(x);
      f.i32(bound);
      f.op(op);
      f.op('select');
    }
    return undefined;
  }
  if (isFloat(to)) {
    const unsigned = from === 'uint32' || from === 'uint64';
    return f.op(`${target}.convert_${source}_${unsigned ? 'u' : 's'}` as Opcode);
  }
  if (source === 'i32' && target === 'i64') return f.op(from === 'uint32' ? 'i64.extend_i32_u' : 'i64.extend_i32_s');
  if (source === 'i64' && target === 'i32') f.op('i32.wrap_i64');
  return wrapNarrow(f, to);
}

/** Reinterprets bits; equally wide types only. */
export function emitBitcast(f: FunctionBuilder, from: ScalarType, to: ScalarType): void {
  const source = valTypeOf(from);
  const target = valTypeOf(to);
  if (source === target) return wrapNarrow(f, to);
  const pair = `${target}.reinterpret_${source}`;
  if (pair === 'i32.reinterpret_f32' || pair === 'f32.reinterpret_i32' || pair === 'i64.reinterpret_f64' || pair === 'f64.reinterpret_i64') {
    return f.op(pair);
  }
  throw new QuernError('internal', `no bitcast from ${from} to ${to}`);
}

/** a, b, c on the stack; a*b + c rounded once where the numeric class is fused, in lane 0 of the instruction that vectors use. */
export function emitMulAdd({ f, fma }: OpContext, dtype: ScalarType): void {
  const type = valTypeOf(dtype);
  const c = f.local(type, 'c');
  f.set(c);
  if (fma && (type === 'f32' || type === 'f64')) {
    const shape = type === 'f32' ? 'f32x4' : 'f64x2';
    const b = f.local(type, 'b');
    f.set(b);
    f.op(`${shape}.splat`);
    f.get(b);
    f.op(`${shape}.splat`);
    f.get(c);
    f.op(`${shape}.splat`);
    f.op(`${shape}.relaxed_madd`);
    return f.laneOp(`${shape}.extract_lane`, 0);
  }
  f.op(`${type}.mul` as Opcode);
  f.get(c);
  f.op(`${type}.add` as Opcode);
  return wrapNarrow(f, dtype);
}

export function loadOpcode(dtype: ScalarType): Extract<Opcode, `${string}load${string}`> {
  switch (dtype) {
    case 'float32': return 'f32.load';
    case 'float64': return 'f64.load';
    case 'int64': case 'uint64': return 'i64.load';
    case 'int8': return 'i32.load8_s';
    case 'uint8': case 'bool': return 'i32.load8_u';
    case 'int16': return 'i32.load16_s';
    case 'uint16': case 'float16': return 'i32.load16_u';
    case 'int32': case 'uint32': case 'index': return 'i32.load';
    default: return dtype satisfies never;
  }
}

/** float16 is stored as its bits, which `prepare` has made of the value. */
export const storedType = (dtype: DType): DType => (dtype === 'float16' ? 'uint16' : dtype);

export function storeOpcode(dtype: ScalarType): Extract<Opcode, `${string}store${string}`> {
  switch (dtype) {
    case 'float32': return 'f32.store';
    case 'float64': return 'f64.store';
    case 'int64': case 'uint64': return 'i64.store';
    case 'int8': case 'uint8': case 'bool': return 'i32.store8';
    case 'int16': case 'uint16': case 'float16': return 'i32.store16';
    case 'int32': case 'uint32': case 'index': return 'i32.store';
    default: return dtype satisfies never;
  }
}
