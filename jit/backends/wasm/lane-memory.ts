/** Four neighbouring elements of any type that has lanes, from memory to a vector and back; how types are held is vector-ops.ts' business. */
import { invariant } from '../../error.ts';
import { type DType, bytesOf } from '../../expr/dtype.ts';
import type { FunctionBuilder } from './function-builder.ts';
import { splatBits } from './vector-ops.ts';

/** Loads from the address on the stack. */
export function loadLanes(f: FunctionBuilder, dtype: DType, offset: number): void {
  switch (dtype) {
    case 'float32': case 'int32': case 'uint32': return f.mem('v128.load', { offset, align: 4 });
    case 'int8': case 'uint8': case 'bool': {
      const s = dtype === 'int8' ? 's' : 'u';
      f.mem('v128.load32_zero', { offset, align: 1 });
      f.ops(`i16x8.extend_low_i8x16_${s}`, `i32x4.extend_low_i16x8_${s}`);
      return dtype === 'bool' ? f.op('i32x4.neg') : undefined;
    }
    case 'int16': case 'uint16': {
      f.mem('v128.load64_zero', { offset, align: 2 });
      return f.op(dtype === 'int16' ? 'i32x4.extend_low_i16x8_s' : 'i32x4.extend_low_i16x8_u');
    }
    case 'float16': case 'float64': case 'int64': case 'uint64': return invariant(false, `no lanes of ${dtype}`);
    default: return dtype satisfies never;
  }
}

/** Stores the vector on the stack at the address below it. */
export function storeLanes(f: FunctionBuilder, dtype: DType, offset: number): void {
  switch (bytesOf(dtype)) {
    case 4: return f.mem('v128.store', { offset, align: 4 });
    case 2:
      gatherBytes(f, [0, 1, 4, 5, 8, 9, 12, 13]);
      return f.memLane('v128.store64_lane', 0, { offset, align: 2 });
    default:
      if (dtype === 'bool') { splatBits(f, 1); f.op('v128.and'); }
      gatherBytes(f, [0, 4, 8, 12]);
      return f.memLane('v128.store32_lane', 0, { offset, align: 1 });
  }
}

/** Stores one lane of the vector on the stack at the address below it; bools are 0 and 1 by now. */
export function storeLane(f: FunctionBuilder, dtype: DType, lane: number, offset: number): void {
  switch (bytesOf(dtype)) {
    case 4: return f.memLane('v128.store32_lane', lane, { offset });
    case 2: return f.memLane('v128.store16_lane', 2 * lane, { offset });
    default: return f.memLane('v128.store8_lane', 4 * lane, { offset });
  }
}

/** Brings bytes of the vector on the stack to its start. */
function gatherBytes(f: FunctionBuilder, picks: readonly number[]): void {
  const v = f.local('v128', 'packed');
  f.tee(v);
  f.get(v);
  f.shuffle(Array.from({ length: 16 }, (_, i) => picks[i % picks.length] ?? 0));
}
