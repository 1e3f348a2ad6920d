@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read_write> t1: array<f32>;
struct Dims { s0: i32 }
@group(0) @binding(2) var<uniform> dims: Dims;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x + wid.y * 65535u);
  let lid = i32(lane);
  let v1 = (dims.s0 * 64);
  for (var e = 0; e < 2; e++) {
    let i0 = (group * 2 + e) * 64 + lid;
    if (i0 < v1) {
      t1[i0] = t0[(((i0 % dims.s0) * 64) + (i0 / dims.s0))];
    }
  }
}
