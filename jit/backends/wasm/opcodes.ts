/**
 * The WebAssembly instructions that emitters use, as data: core, 128-bit SIMD, relaxed SIMD and threads. A row is a run of consecutive codes
 * with one owner, one signature and one kind of immediate; the builder, the encoder and the listing all read this table, so an instruction
 * is spelled once. One that nobody emits is not here (all 464 took 1 KB of the bundle). Codes and types from the WebAssembly core
 * specification 3.0 and the threads proposal.
 */

export type ValType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** What follows the opcode in the code section. */
export type Immediate =
  | 'none' | 'memory' | 'lane' | 'memory-lane' | 'shuffle' | 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

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
  /** Letters of parameter types, a colon, letters of result types: i l f d v. */
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
const saturating = of(0xfc);
const simd = of(0xfd);
const atomic = of(0xfe);

const compareIntegers = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const compareFloats = 'eq ne lt gt le ge';
const integers = 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u';
const floats = 'abs neg ceil floor trunc nearest sqrt';
const floatPairs = 'add sub mul div min max';

const coreRows = [
  core(0x00, ':', '', 'unreachable'),
  core(0x1a, '', '', 'drop select'), // typed by the builder
  core(0x28, 'i:i', 'i32', 'load', 'memory', 2),
  core(0x29, 'i:l', 'i64', 'load', 'memory', 3),
  core(0x2a, 'i:f', 'f32', 'load', 'memory', 2),
  core(0x2b, 'i:d', 'f64', 'load', 'memory', 3),
  core(0x2c, 'i:i', 'i32', 'load8_s load8_u load16_s load16_u', 'memory', 0, 0, 1, 1),
  core(0x36, 'ii:', 'i32', 'store', 'memory', 2),
  core(0x37, 'il:', 'i64', 'store', 'memory', 3),
  core(0x38, 'if:', 'f32', 'store', 'memory', 2),
  core(0x39, 'id:', 'f64', 'store', 'memory', 3),
  core(0x3a, 'ii:', 'i32', 'store8 store16', 'memory', 0, 1),
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
  core(0x6a, 'ii:i', 'i32', integers),
  core(0x7c, 'll:l', 'i64', integers),
  core(0x8b, 'f:f', 'f32', floats),
  core(0x92, 'ff:f', 'f32', floatPairs),
  core(0x99, 'd:d', 'f64', floats),
  core(0xa0, 'dd:d', 'f64', floatPairs),
  core(0xa7, 'l:i', 'i32', 'wrap_i64'),
  core(0xac, 'i:l', 'i64', 'extend_i32_s extend_i32_u'),
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
  saturating(0, 'f:i', 'i32', 'trunc_sat_f32_s trunc_sat_f32_u'),
  saturating(2, 'd:i', 'i32', 'trunc_sat_f64_s trunc_sat_f64_u'),
  saturating(4, 'f:l', 'i64', 'trunc_sat_f32_s trunc_sat_f32_u'),
  saturating(6, 'd:l', 'i64', 'trunc_sat_f64_s trunc_sat_f64_u'),
] as const;

const simdRows = [
  simd(0, 'i:v', 'v128', 'load', 'memory', 4),
  simd(8, 'i:v', 'v128', 'load16_splat load32_splat', 'memory', 1, 2),
  simd(11, 'iv:', 'v128', 'store', 'memory', 4),
  simd(12, ':v', 'v128', 'const', 'v128'),
  simd(13, 'vv:v', 'i8x16', 'shuffle', 'shuffle'),
  simd(15, 'i:v', 'i8x16', 'splat'),
  simd(17, 'i:v', 'i32x4', 'splat'),
  simd(19, 'f:v', 'f32x4', 'splat'),
  simd(20, 'd:v', 'f64x2', 'splat'),
  simd(27, 'v:i', 'i32x4', 'extract_lane', 'lane', 4),
  simd(28, 'vi:v', 'i32x4', 'replace_lane', 'lane', 4),
  simd(31, 'v:f', 'f32x4', 'extract_lane', 'lane', 4),
  simd(32, 'vf:v', 'f32x4', 'replace_lane', 'lane', 4),
  simd(33, 'v:d', 'f64x2', 'extract_lane', 'lane', 2),
  simd(55, 'vv:v', 'i32x4', compareIntegers),
  simd(65, 'vv:v', 'f32x4', compareFloats),
  simd(77, 'v:v', 'v128', 'not'),
  simd(78, 'vv:v', 'v128', 'and andnot or xor'),
  simd(82, 'vvv:v', 'v128', 'bitselect'),
  simd(83, 'v:i', 'v128', 'any_true'),
  simd(86, 'iv:v', 'v128', 'load32_lane', 'memory-lane', 2),
  simd(88, 'iv:', 'v128', 'store8_lane store16_lane store32_lane store64_lane', 'memory-lane', 0, 1, 2, 3),
  simd(92, 'i:v', 'v128', 'load32_zero load64_zero', 'memory', 2, 3),
  simd(103, 'v:v', 'f32x4', 'ceil floor trunc nearest'),
  simd(135, 'v:v', 'i16x8', 'extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u'),
  simd(160, 'v:v', 'i32x4', 'abs neg'),
  simd(167, 'v:v', 'i32x4', 'extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u'),
  simd(171, 'vi:v', 'i32x4', 'shl shr_s shr_u'),
  simd(174, 'vv:v', 'i32x4', 'add'),
  simd(177, 'vv:v', 'i32x4', 'sub'),
  simd(145, 'vv:v', 'i16x8', 'sub'),
  simd(181, 'vv:v', 'i32x4', 'mul min_s min_u max_s max_u dot_i16x8_s'),
  simd(224, 'v:v', 'f32x4', 'abs neg'),
  simd(227, 'v:v', 'f32x4', 'sqrt'),
  simd(228, 'vv:v', 'f32x4', 'add sub mul div min max pmin pmax'),
  simd(248, 'v:v', 'i32x4', 'trunc_sat_f32x4_s trunc_sat_f32x4_u'),
  simd(250, 'v:v', 'f32x4', 'convert_i32x4_s convert_i32x4_u'),
  simd(0x105, 'vvv:v', 'f32x4', 'relaxed_madd'),
  simd(0x107, 'vvv:v', 'f64x2', 'relaxed_madd'),
] as const;

const atomicRows = [
  atomic(0x00, 'ii:i', 'memory', 'atomic.notify', 'memory', 2),
  atomic(0x01, 'iil:i', 'memory', 'atomic.wait32', 'memory', 2),
  atomic(0x10, 'i:i', 'i32', 'atomic.load', 'memory', 2),
  atomic(0x17, 'ii:', 'i32', 'atomic.store', 'memory', 2),
  atomic(0x1e, 'ii:i', 'i32', 'atomic.rmw.add', 'memory', 2),
  atomic(0x25, 'ii:i', 'i32', 'atomic.rmw.sub', 'memory', 2),
] as const;

const rows = [...coreRows, ...simdRows, ...atomicRows];

type Named<R> = R extends Row<infer P, infer N> ? (P extends '' ? Words<N> : `${P}.${Words<N>}`) : never;
export type Opcode = Named<(typeof rows)[number]>;
/** The instructions that take a kind of immediate. */
export type OpcodeWith<I extends Immediate> = I extends 'memory' ? MemoryOpcode : I extends 'memory-lane' ? MemoryLaneOpcode : Opcode;
type MemoryOpcode = Extract<Opcode, `${string}load${string}` | `${string}store${string}` | `${string}.atomic.${string}`>;
type MemoryLaneOpcode = Extract<Opcode, `v128.load${string}_lane` | `v128.store${string}_lane`>;

const letters: Readonly<Record<string, ValType>> = { i: 'i32', l: 'i64', f: 'f32', d: 'f64', v: 'v128' };
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
