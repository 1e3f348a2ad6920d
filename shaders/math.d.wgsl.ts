// Made from math.wgsl by shaders/plugin.ts.
import type { ShaderDeclaration, ShaderFile, ShaderFunction } from './shader.ts';

declare const file: ShaderFile<{
  readonly infinity: ShaderFunction<[], 'f32'>;
  readonly nan: ShaderFunction<[], 'f32'>;
  readonly is_nan: ShaderFunction<['f32'], 'bool'>;
  readonly max_nan: ShaderFunction<['f32', 'f32'], 'f32'>;
  readonly min_nan: ShaderFunction<['f32', 'f32'], 'f32'>;
  readonly sign_nan: ShaderFunction<['f32'], 'f32'>;
  readonly erf: ShaderFunction<['f32'], 'f32'>;
  readonly tanh_safe: ShaderFunction<['f32'], 'f32'>;
  readonly sigmoid: ShaderFunction<['f32'], 'f32'>;
  readonly pow_real: ShaderFunction<['f32', 'f32'], 'f32'>;
  readonly quarter_turns: ShaderFunction<['f32'], 'vec2f'>;
  readonly sin_near: ShaderFunction<['f32'], 'f32'>;
  readonly cos_near: ShaderFunction<['f32'], 'f32'>;
  readonly sin_wide: ShaderFunction<['f32'], 'f32'>;
  readonly cos_wide: ShaderFunction<['f32'], 'f32'>;
  readonly tan_wide: ShaderFunction<['f32'], 'f32'>;
  readonly atan_wide: ShaderFunction<['f32'], 'f32'>;
  readonly asin_wide: ShaderFunction<['f32'], 'f32'>;
  readonly acos_wide: ShaderFunction<['f32'], 'f32'>;
  readonly sinh_wide: ShaderFunction<['f32'], 'f32'>;
  readonly cosh_wide: ShaderFunction<['f32'], 'f32'>;
  readonly atanh_near: ShaderFunction<['f32'], 'f32'>;
  readonly log_above_one: ShaderFunction<['f32'], 'f32'>;
  readonly asinh_wide: ShaderFunction<['f32'], 'f32'>;
  readonly acosh_wide: ShaderFunction<['f32'], 'f32'>;
  readonly atanh_wide: ShaderFunction<['f32'], 'f32'>;
  readonly log_safe: ShaderFunction<['f32'], 'f32'>;
  readonly sqrt_safe: ShaderFunction<['f32'], 'f32'>;
  readonly rem_real: ShaderFunction<['f32', 'f32'], 'f32'>;
}, {
}>;
export default file;
