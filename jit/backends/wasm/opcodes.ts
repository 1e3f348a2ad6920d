/**
 * The WebAssembly instruction set as data: core, 128-bit SIMD, relaxed SIMD, threads, tables and bulk memory. A row is a run of
 * consecutive codes with one owner, one signature and one kind of immediate; the builder, the encoder and the listing all read this
 * table, so an instruction is spelled once. Codes and types from the WebAssembly core specification 3.0 and the threads proposal.
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

interface Row<P extends string, N extends string> {
  /** What the names start with, before a dot: a type, a shape of lanes or nothing. */
  readonly owner: P;
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
  <const P extends string, const N extends string>(
    start: number, signature: string, owner: P, names: N, immediate: Immediate = 'none', ...detail: number[]
  ): Row<P, N> => ({ owner, names, prefix, start, signature, immediate, detail });
const core = of(0);
const bulk = of(0xfc);
const simd = of(0xfd);
const atomic = of(0xfe);

const compareIntegers = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const compareFloats = 'eq ne lt gt le ge';

const coreRows = [
  core(0x00, ':', '', 'unreachable nop'),
  core(0x1a, '', '', 'drop select'), // typed by the builder
  core(0x25, 'i:r', 'table', 'get', 'table'),
  core(0x26, 'ir:', 'table', 'set', 'table'),
  core(0x28, 'i:i', 'i32', 'load', 'memory', 2),
  core(0x29, 'i:l', 'i64', 'load', 'memory', 3),
  core(0x2a, 'i:f', 'f32', 'load', 'memory', 2),
  core(0x2b, 'i:d', 'f64', 'load', 'memory', 3),
  core(0x2c, 'i:i', 'i32', 'load8_s load8_u load16_s load16_u', 'memory', 0, 0, 1, 1),
  core(0x30, 'i:l', 'i64', 'load8_s load8_u load16_s load16_u load32_s load32_u', 'memory', 0, 0, 1, 1, 2, 2),
  core(0x36, 'ii:', 'i32', 'store', 'memory', 2),
  core(0x37, 'il:', 'i64', 'store', 'memory', 3),
  core(0x38, 'if:', 'f32', 'store', 'memory', 2),
  core(0x39, 'id:', 'f64', 'store', 'memory', 3),
  core(0x3a, 'ii:', 'i32', 'store8 store16', 'memory', 0, 1),
  core(0x3c, 'il:', 'i64', 'store8 store16 store32', 'memory', 0, 1, 2),
  core(0x3f, ':i', 'memory', 'size', 'zero'),
  core(0x40, 'i:i', 'memory', 'grow', 'zero'),
  core(0x41, ':i', 'i32', 'const', 'i32'),
  core(0x42, ':l', 'i64', 'const', 'i64'),
  core(0x43, ':f', 'f32', 'const', 'f32'),
  core(0x44, ':d', 'f64', 'const', 'f64'),
  core(0x45, 'i:i', 'i32', 'eqz'),
  core(0x46, 'ii:i', 'i32', compareIntegers),
  core(0x50, 'l:i', 'i64', 'eqz'),
  core(0x51, 'll:i', 'i64', compareIntegers),
  core(0x5b, 'ff:i', 'f32', compareFloats),
  core(0x61, 'dd:i', 'f64', compareFloats),
  core(0x67, 'i:i', 'i32', 'clz ctz popcnt'),
  core(0x6a, 'ii:i', 'i32', 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u'),
  core(0x77, 'ii:i', 'i32', 'rotl rotr'),
  core(0x79, 'l:l', 'i64', 'clz ctz popcnt'),
  core(0x7c, 'll:l', 'i64', 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u'),
  core(0x89, 'll:l', 'i64', 'rotl rotr'),
  core(0x8b, 'f:f', 'f32', 'abs neg ceil floor trunc nearest sqrt'),
  core(0x92, 'ff:f', 'f32', 'add sub mul div min max copysign'),
  core(0x99, 'd:d', 'f64', 'abs neg ceil floor trunc nearest sqrt'),
  core(0xa0, 'dd:d', 'f64', 'add sub mul div min max copysign'),
  core(0xa7, 'l:i', 'i32', 'wrap_i64'),
  core(0xa8, 'f:i', 'i32', 'trunc_f32_s trunc_f32_u'),
  core(0xaa, 'd:i', 'i32', 'trunc_f64_s trunc_f64_u'),
  core(0xac, 'i:l', 'i64', 'extend_i32_s extend_i32_u'),
  core(0xae, 'f:l', 'i64', 'trunc_f32_s trunc_f32_u'),
  core(0xb0, 'd:l', 'i64', 'trunc_f64_s trunc_f64_u'),
  core(0xb2, 'i:f', 'f32', 'convert_i32_s convert_i32_u'),
  core(0xb4, 'l:f', 'f32', 'convert_i64_s convert_i64_u'),
  core(0xb6, 'd:f', 'f32', 'demote_f64'),
  core(0xb7, 'i:d', 'f64', 'convert_i32_s convert_i32_u'),
  core(0xb9, 'l:d', 'f64', 'convert_i64_s convert_i64_u'),
  core(0xbb, 'f:d', 'f64', 'promote_f32'),
  core(0xbc, 'f:i', 'i32', 'reinterpret_f32'),
  core(0xbd, 'd:l', 'i64', 'reinterpret_f64'),
  core(0xbe, 'i:f', 'f32', 'reinterpret_i32'),
  core(0xbf, 'l:d', 'f64', 'reinterpret_i64'),
  core(0xc0, 'i:i', 'i32', 'extend8_s extend16_s'),
  core(0xc2, 'l:l', 'i64', 'extend8_s extend16_s extend32_s'),
  bulk(0, 'f:i', 'i32', 'trunc_sat_f32_s trunc_sat_f32_u'),
  bulk(2, 'd:i', 'i32', 'trunc_sat_f64_s trunc_sat_f64_u'),
  bulk(4, 'f:l', 'i64', 'trunc_sat_f32_s trunc_sat_f32_u'),
  bulk(6, 'd:l', 'i64', 'trunc_sat_f64_s trunc_sat_f64_u'),
  bulk(10, 'iii:', 'memory', 'copy', 'zero-zero'),
  bulk(11, 'iii:', 'memory', 'fill', 'zero'),
  bulk(15, 'ri:i', 'table', 'grow', 'table'),
  bulk(16, ':i', 'table', 'size', 'table'),
  bulk(17, 'iri:', 'table', 'fill', 'table'),
] as const;

const simdRows = [
  simd(0, 'i:v', 'v128', 'load', 'memory', 4),
  simd(1, 'i:v', 'v128', 'load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u', 'memory', 3),
  simd(7, 'i:v', 'v128', 'load8_splat load16_splat load32_splat load64_splat', 'memory', 0, 1, 2, 3),
  simd(11, 'iv:', 'v128', 'store', 'memory', 4),
  simd(12, ':v', 'v128', 'const', 'v128'),
  simd(13, 'vv:v', 'i8x16', 'shuffle', 'shuffle'),
  simd(14, 'vv:v', 'i8x16', 'swizzle'),
  simd(15, 'i:v', 'i8x16', 'splat'),
  simd(16, 'i:v', 'i16x8', 'splat'),
  simd(17, 'i:v', 'i32x4', 'splat'),
  simd(18, 'l:v', 'i64x2', 'splat'),
  simd(19, 'f:v', 'f32x4', 'splat'),
  simd(20, 'd:v', 'f64x2', 'splat'),
  simd(21, 'v:i', 'i8x16', 'extract_lane_s extract_lane_u', 'lane', 16),
  simd(23, 'vi:v', 'i8x16', 'replace_lane', 'lane', 16),
  simd(24, 'v:i', 'i16x8', 'extract_lane_s extract_lane_u', 'lane', 8),
  simd(26, 'vi:v', 'i16x8', 'replace_lane', 'lane', 8),
  simd(27, 'v:i', 'i32x4', 'extract_lane', 'lane', 4),
  simd(28, 'vi:v', 'i32x4', 'replace_lane', 'lane', 4),
  simd(29, 'v:l', 'i64x2', 'extract_lane', 'lane', 2),
  simd(30, 'vl:v', 'i64x2', 'replace_lane', 'lane', 2),
  simd(31, 'v:f', 'f32x4', 'extract_lane', 'lane', 4),
  simd(32, 'vf:v', 'f32x4', 'replace_lane', 'lane', 4),
  simd(33, 'v:d', 'f64x2', 'extract_lane', 'lane', 2),
  simd(34, 'vd:v', 'f64x2', 'replace_lane', 'lane', 2),
  simd(35, 'vv:v', 'i8x16', compareIntegers),
  simd(45, 'vv:v', 'i16x8', compareIntegers),
  simd(55, 'vv:v', 'i32x4', compareIntegers),
  simd(65, 'vv:v', 'f32x4', compareFloats),
  simd(71, 'vv:v', 'f64x2', compareFloats),
  simd(77, 'v:v', 'v128', 'not'),
  simd(78, 'vv:v', 'v128', 'and andnot or xor'),
  simd(82, 'vvv:v', 'v128', 'bitselect'),
  simd(83, 'v:i', 'v128', 'any_true'),
  simd(84, 'iv:v', 'v128', 'load8_lane load16_lane load32_lane load64_lane', 'memory-lane', 0, 1, 2, 3),
  simd(88, 'iv:', 'v128', 'store8_lane store16_lane store32_lane store64_lane', 'memory-lane', 0, 1, 2, 3),
  simd(92, 'i:v', 'v128', 'load32_zero load64_zero', 'memory', 2, 3),
  simd(94, 'v:v', 'f32x4', 'demote_f64x2_zero'),
  simd(95, 'v:v', 'f64x2', 'promote_low_f32x4'),
  simd(96, 'v:v', 'i8x16', 'abs neg popcnt'),
  simd(99, 'v:i', 'i8x16', 'all_true bitmask'),
  simd(101, 'vv:v', 'i8x16', 'narrow_i16x8_s narrow_i16x8_u'),
  simd(103, 'v:v', 'f32x4', 'ceil floor trunc nearest'),
  simd(107, 'vi:v', 'i8x16', 'shl shr_s shr_u'),
  simd(110, 'vv:v', 'i8x16', 'add add_sat_s add_sat_u sub sub_sat_s sub_sat_u'),
  simd(116, 'v:v', 'f64x2', 'ceil floor'),
  simd(118, 'vv:v', 'i8x16', 'min_s min_u max_s max_u'),
  simd(122, 'v:v', 'f64x2', 'trunc'),
  simd(123, 'vv:v', 'i8x16', 'avgr_u'),
  simd(124, 'v:v', 'i16x8', 'extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u'),
  simd(126, 'v:v', 'i32x4', 'extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u'),
  simd(128, 'v:v', 'i16x8', 'abs neg'),
  simd(130, 'vv:v', 'i16x8', 'q15mulr_sat_s'),
  simd(131, 'v:i', 'i16x8', 'all_true bitmask'),
  simd(133, 'vv:v', 'i16x8', 'narrow_i32x4_s narrow_i32x4_u'),
  simd(135, 'v:v', 'i16x8', 'extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u'),
  simd(139, 'vi:v', 'i16x8', 'shl shr_s shr_u'),
  simd(142, 'vv:v', 'i16x8', 'add add_sat_s add_sat_u sub sub_sat_s sub_sat_u'),
  simd(148, 'v:v', 'f64x2', 'nearest'),
  simd(149, 'vv:v', 'i16x8', 'mul min_s min_u max_s max_u'),
  simd(155, 'vv:v', 'i16x8', 'avgr_u extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u extmul_high_i8x16_u'),
  simd(160, 'v:v', 'i32x4', 'abs neg'),
  simd(163, 'v:i', 'i32x4', 'all_true bitmask'),
  simd(167, 'v:v', 'i32x4', 'extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u'),
  simd(171, 'vi:v', 'i32x4', 'shl shr_s shr_u'),
  simd(174, 'vv:v', 'i32x4', 'add'),
  simd(177, 'vv:v', 'i32x4', 'sub'),
  simd(181, 'vv:v', 'i32x4', 'mul min_s min_u max_s max_u dot_i16x8_s'),
  simd(188, 'vv:v', 'i32x4', 'extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u'),
  simd(192, 'v:v', 'i64x2', 'abs neg'),
  simd(195, 'v:i', 'i64x2', 'all_true bitmask'),
  simd(199, 'v:v', 'i64x2', 'extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u'),
  simd(203, 'vi:v', 'i64x2', 'shl shr_s shr_u'),
  simd(206, 'vv:v', 'i64x2', 'add'),
  simd(209, 'vv:v', 'i64x2', 'sub'),
  simd(213, 'vv:v', 'i64x2', 'mul eq ne lt_s gt_s le_s ge_s'),
  simd(220, 'vv:v', 'i64x2', 'extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u extmul_high_i32x4_u'),
  simd(224, 'v:v', 'f32x4', 'abs neg'),
  simd(227, 'v:v', 'f32x4', 'sqrt'),
  simd(228, 'vv:v', 'f32x4', 'add sub mul div min max pmin pmax'),
  simd(236, 'v:v', 'f64x2', 'abs neg'),
  simd(239, 'v:v', 'f64x2', 'sqrt'),
  simd(240, 'vv:v', 'f64x2', 'add sub mul div min max pmin pmax'),
  simd(248, 'v:v', 'i32x4', 'trunc_sat_f32x4_s trunc_sat_f32x4_u'),
  simd(250, 'v:v', 'f32x4', 'convert_i32x4_s convert_i32x4_u'),
  simd(252, 'v:v', 'i32x4', 'trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero'),
  simd(254, 'v:v', 'f64x2', 'convert_low_i32x4_s convert_low_i32x4_u'),
] as const;

const relaxedRows = [
  simd(0x100, 'vv:v', 'i8x16', 'relaxed_swizzle'),
  simd(0x101, 'v:v', 'i32x4', 'relaxed_trunc_f32x4_s relaxed_trunc_f32x4_u'),
  simd(0x103, 'v:v', 'i32x4', 'relaxed_trunc_f64x2_s_zero relaxed_trunc_f64x2_u_zero'),
  simd(0x105, 'vvv:v', 'f32x4', 'relaxed_madd relaxed_nmadd'),
  simd(0x107, 'vvv:v', 'f64x2', 'relaxed_madd relaxed_nmadd'),
  simd(0x109, 'vvv:v', 'i8x16', 'relaxed_laneselect'),
  simd(0x10a, 'vvv:v', 'i16x8', 'relaxed_laneselect'),
  simd(0x10b, 'vvv:v', 'i32x4', 'relaxed_laneselect'),
  simd(0x10c, 'vvv:v', 'i64x2', 'relaxed_laneselect'),
  simd(0x10d, 'vv:v', 'f32x4', 'relaxed_min relaxed_max'),
  simd(0x10f, 'vv:v', 'f64x2', 'relaxed_min relaxed_max'),
  simd(0x111, 'vv:v', 'i16x8', 'relaxed_q15mulr_s relaxed_dot_i8x16_i7x16_s'),
  simd(0x113, 'vvv:v', 'i32x4', 'relaxed_dot_i8x16_i7x16_add_s'),
] as const;

const atomicRows = [
  atomic(0x00, 'ii:i', 'memory', 'atomic.notify', 'memory', 2),
  atomic(0x01, 'iil:i', 'memory', 'atomic.wait32', 'memory', 2),
  atomic(0x02, 'ill:i', 'memory', 'atomic.wait64', 'memory', 3),
  atomic(0x03, ':', 'atomic', 'fence', 'zero'),
  atomic(0x10, 'i:i', 'i32', 'atomic.load', 'memory', 2),
  atomic(0x11, 'i:l', 'i64', 'atomic.load', 'memory', 3),
  atomic(0x12, 'i:i', 'i32', 'atomic.load8_u atomic.load16_u', 'memory', 0, 1),
  atomic(0x14, 'i:l', 'i64', 'atomic.load8_u atomic.load16_u atomic.load32_u', 'memory', 0, 1, 2),
  atomic(0x17, 'ii:', 'i32', 'atomic.store', 'memory', 2),
  atomic(0x18, 'il:', 'i64', 'atomic.store', 'memory', 3),
  atomic(0x19, 'ii:', 'i32', 'atomic.store8 atomic.store16', 'memory', 0, 1),
  atomic(0x1b, 'il:', 'i64', 'atomic.store8 atomic.store16 atomic.store32', 'memory', 0, 1, 2),
  atomic(0x1e, 'ii:i', 'i32', 'atomic.rmw.add', 'memory', 2),
  atomic(0x1f, 'il:l', 'i64', 'atomic.rmw.add', 'memory', 3),
  atomic(0x25, 'ii:i', 'i32', 'atomic.rmw.sub', 'memory', 2),
  atomic(0x26, 'il:l', 'i64', 'atomic.rmw.sub', 'memory', 3),
  atomic(0x2c, 'ii:i', 'i32', 'atomic.rmw.and', 'memory', 2),
  atomic(0x2d, 'il:l', 'i64', 'atomic.rmw.and', 'memory', 3),
  atomic(0x33, 'ii:i', 'i32', 'atomic.rmw.or', 'memory', 2),
  atomic(0x34, 'il:l', 'i64', 'atomic.rmw.or', 'memory', 3),
  atomic(0x3a, 'ii:i', 'i32', 'atomic.rmw.xor', 'memory', 2),
  atomic(0x3b, 'il:l', 'i64', 'atomic.rmw.xor', 'memory', 3),
  atomic(0x41, 'ii:i', 'i32', 'atomic.rmw.xchg', 'memory', 2),
  atomic(0x42, 'il:l', 'i64', 'atomic.rmw.xchg', 'memory', 3),
  atomic(0x48, 'iii:i', 'i32', 'atomic.rmw.cmpxchg', 'memory', 2),
  atomic(0x49, 'ill:l', 'i64', 'atomic.rmw.cmpxchg', 'memory', 3),
] as const;

const rows = [...coreRows, ...simdRows, ...relaxedRows, ...atomicRows];

type Named<R> = R extends Row<infer P, infer N> ? (P extends '' ? Words<N> : `${P}.${Words<N>}`) : never;
export type Opcode = Named<(typeof rows)[number]>;
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
    return [row.owner === '' ? name : `${row.owner}.${name}`, {
      prefix: row.prefix, code: row.start + i, params: typesOf(params), results: typesOf(results), immediate: row.immediate,
      align: memory ? detail : 0,
      lanes: row.immediate === 'lane' ? detail : row.immediate === 'memory-lane' ? 16 >> detail : 0,
    }];
  });
}));
