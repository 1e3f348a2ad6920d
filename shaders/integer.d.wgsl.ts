// Made from integer.wgsl by shaders/plugin.ts.
import type { ShaderDeclaration, ShaderFile, ShaderFunction } from './shader.ts';

declare const file: ShaderFile<{
  readonly floordiv: ShaderFunction<['i32', 'i32'], 'i32'>;
  readonly floormod: ShaderFunction<['i32', 'i32'], 'i32'>;
  readonly div_i32: ShaderFunction<['i32', 'i32'], 'i32'>;
  readonly rem_i32: ShaderFunction<['i32', 'i32'], 'i32'>;
  readonly div_u32: ShaderFunction<['u32', 'u32'], 'u32'>;
  readonly rem_u32: ShaderFunction<['u32', 'u32'], 'u32'>;
  readonly pow_i32: ShaderFunction<['i32', 'i32'], 'i32'>;
  readonly pow_u32: ShaderFunction<['u32', 'u32'], 'u32'>;
  readonly wrap_i8: ShaderFunction<['i32'], 'i32'>;
  readonly wrap_i16: ShaderFunction<['i32'], 'i32'>;
  readonly real_to_i32: ShaderFunction<['f32'], 'i32'>;
  readonly real_to_u32: ShaderFunction<['f32'], 'u32'>;
}, {
}>;
export default file;
