// Made from workgroup.wgsl by shaders/plugin.ts.
import type { ShaderDeclaration, ShaderFile, ShaderFunction } from './shader.ts';

declare const file: ShaderFile<{
  readonly lanes_sum_f32: ShaderFunction<['f32', 'u32'], 'f32'>;
  readonly lanes_max_f32: ShaderFunction<['f32', 'u32'], 'f32'>;
  readonly lanes_min_f32: ShaderFunction<['f32', 'u32'], 'f32'>;
  readonly lanes_prod_f32: ShaderFunction<['f32', 'u32'], 'f32'>;
  readonly lanes_sum_i32: ShaderFunction<['i32', 'u32'], 'i32'>;
  readonly lanes_max_i32: ShaderFunction<['i32', 'u32'], 'i32'>;
  readonly lanes_min_i32: ShaderFunction<['i32', 'u32'], 'i32'>;
  readonly lanes_prod_i32: ShaderFunction<['i32', 'u32'], 'i32'>;
  readonly lanes_sum_u32: ShaderFunction<['u32', 'u32'], 'u32'>;
  readonly lanes_max_u32: ShaderFunction<['u32', 'u32'], 'u32'>;
  readonly lanes_min_u32: ShaderFunction<['u32', 'u32'], 'u32'>;
  readonly lanes_prod_u32: ShaderFunction<['u32', 'u32'], 'u32'>;
}, {
  readonly workgroup_lanes: ShaderDeclaration;
  readonly row_lanes: ShaderDeclaration;
  readonly partial_f32: ShaderDeclaration;
  readonly partial_i32: ShaderDeclaration;
  readonly partial_u32: ShaderDeclaration;
}>;
export default file;
