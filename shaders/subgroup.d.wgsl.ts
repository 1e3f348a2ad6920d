// Made from subgroup.wgsl by shaders/plugin.ts.
import type { ShaderDeclaration, ShaderFile, ShaderFunction } from './shader.ts';

declare const file: ShaderFile<{
  readonly subgroup_sum_f32: ShaderFunction<['f32', 'u32', 'u32'], 'f32'>;
  readonly subgroup_max_f32: ShaderFunction<['f32', 'u32', 'u32'], 'f32'>;
  readonly subgroup_min_f32: ShaderFunction<['f32', 'u32', 'u32'], 'f32'>;
  readonly subgroup_prod_f32: ShaderFunction<['f32', 'u32', 'u32'], 'f32'>;
  readonly subgroup_sum_i32: ShaderFunction<['i32', 'u32', 'u32'], 'i32'>;
  readonly subgroup_max_i32: ShaderFunction<['i32', 'u32', 'u32'], 'i32'>;
  readonly subgroup_min_i32: ShaderFunction<['i32', 'u32', 'u32'], 'i32'>;
  readonly subgroup_prod_i32: ShaderFunction<['i32', 'u32', 'u32'], 'i32'>;
  readonly subgroup_sum_u32: ShaderFunction<['u32', 'u32', 'u32'], 'u32'>;
  readonly subgroup_max_u32: ShaderFunction<['u32', 'u32', 'u32'], 'u32'>;
  readonly subgroup_min_u32: ShaderFunction<['u32', 'u32', 'u32'], 'u32'>;
  readonly subgroup_prod_u32: ShaderFunction<['u32', 'u32', 'u32'], 'u32'>;
}, {
  readonly workgroup_lanes: ShaderDeclaration;
  readonly subgroup_f32: ShaderDeclaration;
  readonly subgroup_i32: ShaderDeclaration;
  readonly subgroup_u32: ShaderDeclaration;
}>;
export default file;
