/**
 * Operators on four lanes at once. How types are held: float32 as f32x4, integers of up to 32 bits (and index) as i32x4 extended by their
 * sign, bool as a mask of 0 and -1. An operator is either here with the bits of its scalar twin (scalar-ops.ts), or it has no vector form
 * and is computed lane by lane.
 */
import type { ScalarType } from '../../expr/dtype.ts';
import { isSigned } from '../../expr/dtype.ts';
import type { BinaryOp, UnaryOp } from '../../expr/expr.ts';
import type { FunctionBuilder } from './function-builder.ts';
import type { Opcode } from './opcodes.ts';

export type LaneKind = 'float' | 'integer' | 'mask';

/** How a type is held in four lanes; undefined if it is not. */
export function lanesOf(dtype: ScalarType): LaneKind | undefined {
  switch (dtype) {
    case 'float32': return 'float';
    case 'index': case 'int8': case 'uint8': case 'int16': case 'uint16': case 'int32': case 'uint32': return 'integer';
    case 'bool': return 'mask';
    case 'float16': case 'float64': case 'int64': case 'uint64': return undefined;
    default: return dtype satisfies never;
  }
}

/** The same 32 bits in all lanes. */
export function splatBits(f: FunctionBuilder, word: number): void {
  f.v128(new Uint8Array(new Int32Array([word, word, word, word]).buffer));
}
export function splatFloat(f: FunctionBuilder, value: number): void {
  f.v128(new Uint8Array(new Float32Array([value, value, value, value]).buffer));
}
/** base, base + step, base + 2*step, base + 3*step. */
export function ramp(f: FunctionBuilder, step: number): void {
  f.v128(new Uint8Array(new Int32Array([0, step, 2 * step, 3 * step]).buffer));
}

/** Brings lanes that overflowed a narrow type back into it. */
export function wrapLanes(f: FunctionBuilder, dtype: ScalarType): void {
  switch (dtype) {
    case 'int8': case 'int16': {
      const bits = dtype === 'int8' ? 24 : 16;
      f.i32(bits);
      f.op('i32x4.shl');
      f.i32(bits);
      return f.op('i32x4.shr_s');
    }
    case 'uint8': splatBits(f, 255); return f.op('v128.and');
    case 'uint16': splatBits(f, 65535); return f.op('v128.and');
    case 'bool': case 'index': case 'int32': case 'uint32': case 'int64': case 'uint64': case 'float16': case 'float32': case 'float64':
      return undefined;
    default: return dtype satisfies never;
  }
}

const floatUnary: Partial<Record<UnaryOp, Opcode>> = {
  neg: 'f32x4.neg', abs: 'f32x4.abs', floor: 'f32x4.floor', ceil: 'f32x4.ceil', trunc: 'f32x4.trunc', round: 'f32x4.nearest',
  sqrt: 'f32x4.sqrt',
};

/** Emits a unary operator on the vector on the stack; undefined if it has no vector form. */
export function vectorUnary(fn: UnaryOp, dtype: ScalarType): ((f: FunctionBuilder) => void) | undefined {
  if (dtype === 'float32') {
    const op = floatUnary[fn];
    if (op !== undefined) return (f) => f.op(op);
    if (fn === 'reciprocal') {
      return (f) => {
        const x = f.local('v128', 'x');
        f.set(x);
        splatFloat(f, 1);
        f.get(x);
        f.op('f32x4.div');
      };
    }
    if (fn === 'isnan') {
      return (f) => {
        const x = f.local('v128', 'x');
        f.tee(x);
        f.get(x);
        f.op('f32x4.ne');
      };
    }
    return undefined;
  }
  if (dtype === 'bool') return fn === 'not' ? (f) => f.op('v128.not') : undefined;
  if (lanesOf(dtype) !== 'integer') return undefined;
  switch (fn) {
    case 'neg': return (f) => { f.op('i32x4.neg'); wrapLanes(f, dtype); };
    case 'abs': return isSigned(dtype) ? (f) => { f.op('i32x4.abs'); wrapLanes(f, dtype); } : () => undefined;
    case 'not': return (f) => { f.op('v128.not'); wrapLanes(f, dtype); };
    case 'floor': case 'ceil': case 'trunc': case 'round': return () => undefined;
    default: return undefined;
  }
}

const integerBinary: Partial<Record<BinaryOp, Opcode>> = {
  add: 'i32x4.add', sub: 'i32x4.sub', mul: 'i32x4.mul', and: 'v128.and', or: 'v128.or', xor: 'v128.xor', eq: 'i32x4.eq', ne: 'i32x4.ne',
};

/** The instruction of a binary operator whose operands are vectors; undefined if there is none. */
export function vectorBinary(fn: BinaryOp, dtype: ScalarType): Opcode | undefined {
  if (dtype === 'float32') {
    switch (fn) {
      case 'add': case 'sub': case 'mul': case 'div': case 'min': case 'max': case 'eq': case 'ne': case 'lt': case 'le': case 'gt': case 'ge':
        return `f32x4.${fn}`;
      default: return undefined;
    }
  }
  const kind = lanesOf(dtype);
  if (kind === undefined) return undefined;
  const plain = integerBinary[fn];
  if (kind === 'mask') return fn === 'and' || fn === 'or' || fn === 'xor' || fn === 'eq' || fn === 'ne' ? plain : undefined;
  if (plain !== undefined) return plain;
  switch (fn) {
    case 'min': case 'max': case 'lt': case 'le': case 'gt': case 'ge': return `i32x4.${fn}_${isSigned(dtype) ? 's' : 'u'}`;
    default: return undefined;
  }
}

const narrow: Partial<Record<ScalarType, readonly [number, number]>> = {
  int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767], uint16: [0, 65535],
};

/** Converts the lanes on the stack; undefined if there is no vector form. */
export function vectorCast(from: ScalarType, to: ScalarType): ((f: FunctionBuilder) => void) | undefined {
  const [source, target] = [lanesOf(from), lanesOf(to)];
  if (source === undefined || target === undefined) return undefined;
  if (target === 'mask') {
    if (source === 'mask') return () => undefined;
    return (f) => { splatBits(f, 0); f.op(source === 'float' ? 'f32x4.ne' : 'i32x4.ne'); };
  }
  if (source === 'mask') {
    const one = target === 'float' ? 0x3f800000 : 1;
    return (f) => { splatBits(f, one); f.op('v128.and'); };
  }
  if (source === 'float') {
    if (target === 'float') return () => undefined;
    const range = narrow[to];
    return (f) => {
      f.op(to === 'uint32' ? 'i32x4.trunc_sat_f32x4_u' : 'i32x4.trunc_sat_f32x4_s');
      if (range === undefined) return;
      splatBits(f, range[1]);
      f.op('i32x4.min_s');
      splatBits(f, range[0]);
      f.op('i32x4.max_s');
    };
  }
  if (target === 'float') return (f) => f.op(from === 'uint32' ? 'f32x4.convert_i32x4_u' : 'f32x4.convert_i32x4_s');
  return (f) => wrapLanes(f, to);
}
