@group(0) @binding(0) var<storage, read> t0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> t1: array<vec4<f32>>;
struct Dims { s0: i32 }
@group(0) @binding(2) var<uniform> dims: Dims;
const workgroup_lanes = 64u;
const row_lanes = 16u;
var<workgroup> partial_f32: array<f32, workgroup_lanes>;
fn infinity() -> f32 {
  var bits = 0x7f800000u;
  return bitcast<f32>(bits);
}
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}
fn max_nan(a: f32, b: f32) -> f32 {
  return select(max(a, b), select(b, a, is_nan(a)), is_nan(a) || is_nan(b));
}
fn lanes_sum_f32(value: f32, lid: u32) -> f32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_f32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_f32[lid] = partial_f32[lid] + partial_f32[lid + half]; }
    workgroupBarrier();
  }
  return partial_f32[lid - lane];
}
fn lanes_max_f32(value: f32, lid: u32) -> f32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_f32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_f32[lid] = max_nan(partial_f32[lid], partial_f32[lid + half]); }
    workgroupBarrier();
  }
  return partial_f32[lid - lane];
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x + wid.y * 65535u);
  let lid = i32(lane);
  let i0 = group * 4 + lid / 16;
  let live = i0 < dims.s0;
  let lane1 = lid % 16;
  let i2 = lane1;
  var acc3 = -infinity();
  let v4 = (i0 * 16);
  let v5 = (v4 + i2);
  let w6 = t0[v5];
  acc3 = max_nan(acc3, max_nan(max_nan(max_nan(w6.x, w6.y), w6.z), w6.w));
  let r7 = lanes_max_f32(acc3, lane);
  var acc8 = 0f;
  let v9 = exp((w6.x - r7));
  let v10 = exp((w6.y - r7));
  let v11 = exp((w6.z - r7));
  let v12 = exp((w6.w - r7));
  acc8 = (acc8 + (((v9 + v10) + v11) + v12));
  let r13 = lanes_sum_f32(acc8, lane);
  if (live) {
    t1[v5] = vec4<f32>((v9 / r13), (v10 / r13), (v11 / r13), (v12 / r13));
  }
}
