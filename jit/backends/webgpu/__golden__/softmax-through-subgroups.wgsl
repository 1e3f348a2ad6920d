enable subgroups;
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read_write> t1: array<f32>;
struct Dims { s0: i32 }
@group(0) @binding(2) var<uniform> dims: Dims;
const workgroup_lanes = 64u;
var<workgroup> subgroup_f32: array<f32, workgroup_lanes>;
fn infinity() -> f32 {
  var bits = 0x7f800000u;
  return bitcast<f32>(bits);
}
fn nan() -> f32 {
  var bits = 0x7fc00000u;
  return bitcast<f32>(bits);
}
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}
fn max_nan(a: f32, b: f32) -> f32 {
  return select(max(a, b), select(b, a, is_nan(a)), is_nan(a) || is_nan(b));
}
fn subgroup_sum_f32(value: f32, subgroup: u32, subgroups: u32) -> f32 {
  let own = subgroupAdd(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_f32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_f32[0];
  for (var s = 1u; s < subgroups; s++) { result = result + subgroup_f32[s]; }
  return result;
}
fn subgroup_max_f32(value: f32, subgroup: u32, subgroups: u32) -> f32 {

  let own = select(subgroupMax(value), nan(), subgroupAny(is_nan(value)));
  workgroupBarrier();
  if (subgroupElect()) { subgroup_f32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_f32[0];
  for (var s = 1u; s < subgroups; s++) { result = max_nan(result, subgroup_f32[s]); }
  return result;
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32, @builtin(subgroup_id) subgroup: u32, @builtin(num_subgroups) subgroups: u32) {
  let group = i32(wid.x + wid.y * 65535u);
  let lid = i32(lane);
  let i0 = group;
  let live = i0 < dims.s0;
  let lane1 = lid;
  let i2 = lane1;
  var acc3 = -infinity();
  let v4 = ((i0 * 64) + i2);
  let v5 = t0[v4];
  acc3 = max_nan(acc3, v5);
  let r6 = subgroup_max_f32(acc3, subgroup, subgroups);
  var acc7 = 0f;
  let v8 = exp((v5 - r6));
  acc7 = (acc7 + v8);
  let r9 = subgroup_sum_f32(acc7, subgroup, subgroups);
  if (live) {
    t1[v4] = (v8 / r9);
  }
}
