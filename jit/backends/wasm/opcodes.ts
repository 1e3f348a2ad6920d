/**
 * The WebAssembly instruction set as data: core, 128-bit SIMD, relaxed SIMD, threads, tables and bulk memory. A row is a run of
 * consecutive codes with one signature and one kind of immediate; the builder, the encoder and the listing all read this table, so an
 * instruction is spelled once. Codes and types from the WebAssembly core specification 3.0 and the threads proposal.
 */

export type ValType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref';

/** What follows the opcode in the code section. */
export type Immediate =
  | 'none' | 'memory' | 'lane' | 'memory-lane' | 'shuffle' | 'i32' | 'i64' | 'f32' | 'f64' | 'v128'
  | 'table' | 'zero' | 'zero-zero';

export interface Instruction {
  /** 0, or the byte before the code: 0xfc, 0xfd, 0xfe. */
  readonly prefix: number;
  readonly code: number;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly immediate: Immediate;
  /** log2 of the bytes that a memory instruction touches: its natural alignment. */
  readonly align: number;
  /** How many lanes a lane immediate may name. */
  readonly lanes: number;
}

type Words<S extends string> = S extends `${infer Head} ${infer Tail}` ? Head | Words<Tail> : S;

interface Row<N extends string> {
  readonly names: N;
  readonly prefix: number;
  readonly start: number;
  /** Letters of parameter types, a colon, letters of result types: i l f d v r. */
  readonly signature: string;
  readonly immediate: Immediate;
  /** Alignment of memory instructions, number of lanes of lane instructions; one for all names or one each. */
  readonly detail: readonly number[];
}

const of = (prefix: number) =>
  <const N extends string>(start: number, signature: string, names: N, immediate: Immediate = 'none', ...detail: number[]): Row<N> =>
    ({ names, prefix, start, signature, immediate, detail });
const core = of(0);
const bulk = of(0xfc);
const simd = of(0xfd);
const atomic = of(0xfe);

const coreRows = [
  core(0x00, ':', 'unreachable nop'),
  core(0x1a, '', 'drop select'), // typed by the builder
  core(0x25, 'i:r', 'table.get', 'table'),
  core(0x26, 'ir:', 'table.set', 'table'),
  core(0x28, 'i:i', 'i32.load', 'memory', 2),
  core(0x29, 'i:l', 'i64.load', 'memory', 3),
  core(0x2a, 'i:f', 'f32.load', 'memory', 2),
  core(0x2b, 'i:d', 'f64.load', 'memory', 3),
  core(0x2c, 'i:i', 'i32.load8_s i32.load8_u i32.load16_s i32.load16_u', 'memory', 0, 0, 1, 1),
  core(0x30, 'i:l', 'i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u', 'memory', 0, 0, 1, 1, 2, 2),
  core(0x36, 'ii:', 'i32.store', 'memory', 2),
  core(0x37, 'il:', 'i64.store', 'memory', 3),
  core(0x38, 'if:', 'f32.store', 'memory', 2),
  core(0x39, 'id:', 'f64.store', 'memory', 3),
  core(0x3a, 'ii:', 'i32.store8 i32.store16', 'memory', 0, 1),
  core(0x3c, 'il:', 'i64.store8 i64.store16 i64.store32', 'memory', 0, 1, 2),
  core(0x3f, ':i', 'memory.size', 'zero'),
  core(0x40, 'i:i', 'memory.grow', 'zero'),
  core(0x41, ':i', 'i32.const', 'i32'),
  core(0x42, ':l', 'i64.const', 'i64'),
  core(0x43, ':f', 'f32.const', 'f32'),
  core(0x44, ':d', 'f64.const', 'f64'),
  core(0x45, 'i:i', 'i32.eqz'),
  core(0x46, 'ii:i', 'i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u'),
  core(0x50, 'l:i', 'i64.eqz'),
  core(0x51, 'll:i', 'i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u'),
  core(0x5b, 'ff:i', 'f32.eq f32.ne f32.lt f32.gt f32.le f32.ge'),
  core(0x61, 'dd:i', 'f64.eq f64.ne f64.lt f64.gt f64.le f64.ge'),
  core(0x67, 'i:i', 'i32.clz i32.ctz i32.popcnt'),
  core(0x6a, 'ii:i', 'i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u'),
  core(0x77, 'ii:i', 'i32.rotl i32.rotr'),
  core(0x79, 'l:l', 'i64.clz i64.ctz i64.popcnt'),
  core(0x7c, 'll:l', 'i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u'),
  core(0x89, 'll:l', 'i64.rotl i64.rotr'),
  core(0x8b, 'f:f', 'f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt'),
  core(0x92, 'ff:f', 'f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign'),
  core(0x99, 'd:d', 'f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt'),
  core(0xa0, 'dd:d', 'f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign'),
  core(0xa7, 'l:i', 'i32.wrap_i64'),
  core(0xa8, 'f:i', 'i32.trunc_f32_s i32.trunc_f32_u'),
  core(0xaa, 'd:i', 'i32.trunc_f64_s i32.trunc_f64_u'),
  core(0xac, 'i:l', 'i64.extend_i32_s i64.extend_i32_u'),
  core(0xae, 'f:l', 'i64.trunc_f32_s i64.trunc_f32_u'),
  core(0xb0, 'd:l', 'i64.trunc_f64_s i64.trunc_f64_u'),
  core(0xb2, 'i:f', 'f32.convert_i32_s f32.convert_i32_u'),
  core(0xb4, 'l:f', 'f32.convert_i64_s f32.convert_i64_u'),
  core(0xb6, 'd:f', 'f32.demote_f64'),
  core(0xb7, 'i:d', 'f64.convert_i32_s f64.convert_i32_u'),
  core(0xb9, 'l:d', 'f64.convert_i64_s f64.convert_i64_u'),
  core(0xbb, 'f:d', 'f64.promote_f32'),
  core(0xbc, 'f:i', 'i32.reinterpret_f32'),
  core(0xbd, 'd:l', 'i64.reinterpret_f64'),
  core(0xbe, 'i:f', 'f32.reinterpret_i32'),
  core(0xbf, 'l:d', 'f64.reinterpret_i64'),
  core(0xc0, 'i:i', 'i32.extend8_s i32.extend16_s'),
  core(0xc2, 'l:l', 'i64.extend8_s i64.extend16_s i64.extend32_s'),
  bulk(0, 'f:i', 'i32.trunc_sat_f32_s i32.trunc_sat_f32_u'),
  bulk(2, 'd:i', 'i32.trunc_sat_f64_s i32.trunc_sat_f64_u'),
  bulk(4, 'f:l', 'i64.trunc_sat_f32_s i64.trunc_sat_f32_u'),
  bulk(6, 'd:l', 'i64.trunc_sat_f64_s i64.trunc_sat_f64_u'),
  bulk(10, 'iii:', 'memory.copy', 'zero-zero'),
  bulk(11, 'iii:', 'memory.fill', 'zero'),
  bulk(15, 'ri:i', 'table.grow', 'table'),
  bulk(16, ':i', 'table.size', 'table'),
  bulk(17, 'iri:', 'table.fill', 'table'),
] as const;

const simdRows = [
  simd(0, 'i:v', 'v128.load', 'memory', 4),
  simd(1, 'i:v', 'v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u', 'memory', 3),
  simd(7, 'i:v', 'v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat', 'memory', 0, 1, 2, 3),
  simd(11, 'iv:', 'v128.store', 'memory', 4),
  simd(12, ':v', 'v128.const', 'v128'),
  simd(13, 'vv:v', 'i8x16.shuffle', 'shuffle'),
  simd(14, 'vv:v', 'i8x16.swizzle'),
  simd(15, 'i:v', 'i8x16.splat i16x8.splat i32x4.splat'),
  simd(18, 'l:v', 'i64x2.splat'),
  simd(19, 'f:v', 'f32x4.splat'),
  simd(20, 'd:v', 'f64x2.splat'),
  simd(21, 'v:i', 'i8x16.extract_lane_s i8x16.extract_lane_u', 'lane', 16),
  simd(23, 'vi:v', 'i8x16.replace_lane', 'lane', 16),
  simd(24, 'v:i', 'i16x8.extract_lane_s i16x8.extract_lane_u', 'lane', 8),
  simd(26, 'vi:v', 'i16x8.replace_lane', 'lane', 8),
  simd(27, 'v:i', 'i32x4.extract_lane', 'lane', 4),
  simd(28, 'vi:v', 'i32x4.replace_lane', 'lane', 4),
  simd(29, 'v:l', 'i64x2.extract_lane', 'lane', 2),
  simd(30, 'vl:v', 'i64x2.replace_lane', 'lane', 2),
  simd(31, 'v:f', 'f32x4.extract_lane', 'lane', 4),
  simd(32, 'vf:v', 'f32x4.replace_lane', 'lane', 4),
  simd(33, 'v:d', 'f64x2.extract_lane', 'lane', 2),
  simd(34, 'vd:v', 'f64x2.replace_lane', 'lane', 2),
  simd(35, 'vv:v', 'i8x16.eq i8x16.ne i8x16.lt_s i8x16.lt_u i8x16.gt_s i8x16.gt_u i8x16.le_s i8x16.le_u i8x16.ge_s i8x16.ge_u'),
  simd(45, 'vv:v', 'i16x8.eq i16x8.ne i16x8.lt_s i16x8.lt_u i16x8.gt_s i16x8.gt_u i16x8.le_s i16x8.le_u i16x8.ge_s i16x8.ge_u'),
  simd(55, 'vv:v', 'i32x4.eq i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s i32x4.gt_u i32x4.le_s i32x4.le_u i32x4.ge_s i32x4.ge_u'),
  simd(65, 'vv:v', 'f32x4.eq f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge'),
  simd(71, 'vv:v', 'f64x2.eq f64x2.ne f64x2.lt f64x2.gt f64x2.le f64x2.ge'),
  simd(77, 'v:v', 'v128.not'),
  simd(78, 'vv:v', 'v128.and v128.andnot v128.or v128.xor'),
  simd(82, 'vvv:v', 'v128.bitselect'),
  simd(83, 'v:i', 'v128.any_true'),
  simd(84, 'iv:v', 'v128.load8_lane v128.load16_lane v128.load32_lane v128.load64_lane', 'memory-lane', 0, 1, 2, 3),
  simd(88, 'iv:', 'v128.store8_lane v128.store16_lane v128.store32_lane v128.store64_lane', 'memory-lane', 0, 1, 2, 3),
  simd(92, 'i:v', 'v128.load32_zero v128.load64_zero', 'memory', 2, 3),
  simd(94, 'v:v', 'f32x4.demote_f64x2_zero f64x2.promote_low_f32x4 i8x16.abs i8x16.neg i8x16.popcnt'),
  simd(99, 'v:i', 'i8x16.all_true i8x16.bitmask'),
  simd(101, 'vv:v', 'i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u'),
  simd(103, 'v:v', 'f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest'),
  simd(107, 'vi:v', 'i8x16.shl i8x16.shr_s i8x16.shr_u'),
  simd(110, 'vv:v', 'i8x16.add i8x16.add_sat_s i8x16.add_sat_u i8x16.sub i8x16.sub_sat_s i8x16.sub_sat_u'),
  simd(116, 'v:v', 'f64x2.ceil f64x2.floor'),
  simd(118, 'vv:v', 'i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u'),
  simd(122, 'v:v', 'f64x2.trunc'),
  simd(123, 'vv:v', 'i8x16.avgr_u'),
  simd(124, 'v:v', 'i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u'),
  simd(128, 'v:v', 'i16x8.abs i16x8.neg'),
  simd(130, 'vv:v', 'i16x8.q15mulr_sat_s'),
  simd(131, 'v:i', 'i16x8.all_true i16x8.bitmask'),
  simd(133, 'vv:v', 'i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u'),
  simd(135, 'v:v', 'i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u'),
  simd(139, 'vi:v', 'i16x8.shl i16x8.shr_s i16x8.shr_u'),
  simd(142, 'vv:v', 'i16x8.add i16x8.add_sat_s i16x8.add_sat_u i16x8.sub i16x8.sub_sat_s i16x8.sub_sat_u'),
  simd(148, 'v:v', 'f64x2.nearest'),
  simd(149, 'vv:v', 'i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u'),
  simd(155, 'vv:v', 'i16x8.avgr_u i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s i16x8.extmul_low_i8x16_u i16x8.extmul_high_i8x16_u'),
  simd(160, 'v:v', 'i32x4.abs i32x4.neg'),
  simd(163, 'v:i', 'i32x4.all_true i32x4.bitmask'),
  simd(167, 'v:v', 'i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_s i32x4.extend_low_i16x8_u i32x4.extend_high_i16x8_u'),
  simd(171, 'vi:v', 'i32x4.shl i32x4.shr_s i32x4.shr_u'),
  simd(174, 'vv:v', 'i32x4.add'),
  simd(177, 'vv:v', 'i32x4.sub'),
  simd(181, 'vv:v', 'i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s'),
  simd(188, 'vv:v', 'i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_u'),
  simd(192, 'v:v', 'i64x2.abs i64x2.neg'),
  simd(195, 'v:i', 'i64x2.all_true i64x2.bitmask'),
  simd(199, 'v:v', 'i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s i64x2.extend_low_i32x4_u i64x2.extend_high_i32x4_u'),
  simd(203, 'vi:v', 'i64x2.shl i64x2.shr_s i64x2.shr_u'),
  simd(206, 'vv:v', 'i64x2.add'),
  simd(209, 'vv:v', 'i64x2.sub'),
  simd(213, 'vv:v', 'i64x2.mul i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s'),
  simd(220, 'vv:v', 'i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u'),
  simd(224, 'v:v', 'f32x4.abs f32x4.neg'),
  simd(227, 'v:v', 'f32x4.sqrt'),
  simd(228, 'vv:v', 'f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax'),
  simd(236, 'v:v', 'f64x2.abs f64x2.neg'),
  simd(239, 'v:v', 'f64x2.sqrt'),
  simd(240, 'vv:v', 'f64x2.add f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax'),
  simd(248, 'v:v', 'i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u'),
  simd(252, 'v:v', 'i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u'),
] as const;

const relaxedRows = [
  simd(0x100, 'vv:v', 'i8x16.relaxed_swizzle'),
  simd(0x101, 'v:v', 'i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u'),
  simd(0x103, 'v:v', 'i32x4.relaxed_trunc_f64x2_s_zero i32x4.relaxed_trunc_f64x2_u_zero'),
  simd(0x105, 'vvv:v', 'f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd'),
  simd(0x109, 'vvv:v', 'i8x16.relaxed_laneselect i16x8.relaxed_laneselect i32x4.relaxed_laneselect i64x2.relaxed_laneselect'),
  simd(0x10d, 'vv:v', 'f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max'),
  simd(0x111, 'vv:v', 'i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s'),
  simd(0x113, 'vvv:v', 'i32x4.relaxed_dot_i8x16_i7x16_add_s'),
] as const;

const atomicRows = [
  atomic(0x00, 'ii:i', 'memory.atomic.notify', 'memory', 2),
  atomic(0x01, 'iil:i', 'memory.atomic.wait32', 'memory', 2),
  atomic(0x02, 'ill:i', 'memory.atomic.wait64', 'memory', 3),
  atomic(0x03, ':', 'atomic.fence', 'zero'),
  atomic(0x10, 'i:i', 'i32.atomic.load', 'memory', 2),
  atomic(0x11, 'i:l', 'i64.atomic.load', 'memory', 3),
  atomic(0x12, 'i:i', 'i32.atomic.load8_u i32.atomic.load16_u', 'memory', 0, 1),
  atomic(0x14, 'i:l', 'i64.atomic.load8_u i64.atomic.load16_u i64.atomic.load32_u', 'memory', 0, 1, 2),
  atomic(0x17, 'ii:', 'i32.atomic.store', 'memory', 2),
  atomic(0x18, 'il:', 'i64.atomic.store', 'memory', 3),
  atomic(0x19, 'ii:', 'i32.atomic.store8 i32.atomic.store16', 'memory', 0, 1),
  atomic(0x1b, 'il:', 'i64.atomic.store8 i64.atomic.store16 i64.atomic.store32', 'memory', 0, 1, 2),
  atomic(0x1e, 'ii:i', 'i32.atomic.rmw.add', 'memory', 2),
  atomic(0x1f, 'il:l', 'i64.atomic.rmw.add', 'memory', 3),
  atomic(0x25, 'ii:i', 'i32.atomic.rmw.sub', 'memory', 2),
  atomic(0x26, 'il:l', 'i64.atomic.rmw.sub', 'memory', 3),
  atomic(0x2c, 'ii:i', 'i32.atomic.rmw.and', 'memory', 2),
  atomic(0x2d, 'il:l', 'i64.atomic.rmw.and', 'memory', 3),
  atomic(0x33, 'ii:i', 'i32.atomic.rmw.or', 'memory', 2),
  atomic(0x34, 'il:l', 'i64.atomic.rmw.or', 'memory', 3),
  atomic(0x3a, 'ii:i', 'i32.atomic.rmw.xor', 'memory', 2),
  atomic(0x3b, 'il:l', 'i64.atomic.rmw.xor', 'memory', 3),
  atomic(0x41, 'ii:i', 'i32.atomic.rmw.xchg', 'memory', 2),
  atomic(0x42, 'il:l', 'i64.atomic.rmw.xchg', 'memory', 3),
  atomic(0x48, 'iii:i', 'i32.atomic.rmw.cmpxchg', 'memory', 2),
  atomic(0x49, 'ill:l', 'i64.atomic.rmw.cmpxchg', 'memory', 3),
] as const;

const rows = [...coreRows, ...simdRows, ...relaxedRows, ...atomicRows];

export type Opcode = Words<(typeof rows)[number]['names']>;
/** The instructions that take a kind of immediate. */
export type OpcodeWith<I extends Immediate> = I extends 'memory' ? MemoryOpcode : I extends 'memory-lane' ? MemoryLaneOpcode : Opcode;
type MemoryOpcode = Extract<Opcode, `${string}load${string}` | `${string}store${string}` | `${string}.atomic.${string}`>;
type MemoryLaneOpcode = Extract<Opcode, `v128.load${string}_lane` | `v128.store${string}_lane`>;

const letters: Readonly<Record<string, ValType>> = { i: 'i32', l: 'i64', f: 'f32', d: 'f64', v: 'v128', r: 'funcref' };
const typesOf = (word: string): ValType[] => Array.from(word, (letter) => letters[letter] ?? 'i32');

/** Every instruction by its name in the text format. */
export const instructions: ReadonlyMap<string, Instruction> = new Map(rows.flatMap((row) => {
  const [params = '', results = ''] = row.signature.split(':');
  return row.names.split(' ').map((name, i): [string, Instruction] => {
    const detail = row.detail[i] ?? row.detail[0] ?? 0;
    const memory = row.immediate === 'memory' || row.immediate === 'memory-lane';
    return [name, {
      prefix: row.prefix, code: row.start + i, params: typesOf(params), results: typesOf(results), immediate: row.immediate,
      align: memory ? detail : 0,
      lanes: row.immediate === 'lane' ? detail : row.immediate === 'memory-lane' ? 16 >> detail : 0,
    }];
  });
}));
