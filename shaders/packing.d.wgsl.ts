// Made from packing.wgsl by shaders/plugin.ts.
import type { ShaderDeclaration, ShaderFile, ShaderFunction } from './shader.ts';

declare const file: ShaderFile<{
  readonly part_u8: ShaderFunction<['u32', 'i32'], 'u32'>;
  readonly part_i8: ShaderFunction<['u32', 'i32'], 'i32'>;
  readonly part_u16: ShaderFunction<['u32', 'i32'], 'u32'>;
  readonly part_i16: ShaderFunction<['u32', 'i32'], 'i32'>;
  readonly pack_4x8: ShaderFunction<['u32', 'u32', 'u32', 'u32'], 'u32'>;
  readonly pack_2x16: ShaderFunction<['u32', 'u32'], 'u32'>;
  readonly half_to_real: ShaderFunction<['u32'], 'f32'>;
  readonly real_to_half: ShaderFunction<['f32'], 'u32'>;
  readonly round_to_half: ShaderFunction<['f32'], 'f32'>;
}, {
}>;
export default file;
