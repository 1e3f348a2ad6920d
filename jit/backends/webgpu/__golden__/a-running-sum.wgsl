@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read_write> t1: array<f32>;
struct Dims { s0: i32 }
@group(0) @binding(2) var<uniform> dims: Dims;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x + wid.y * 65535u);
  let lid = i32(lane);
  let i0 = group * 64 + lid;
  let v4 = (i0 * 64);
  if (i0 < dims.s0) {
    var l1: f32;
    l1 = 0f;
    let n3 = 64;
    for (var i2 = 0; i2 < n3; i2++) {
      let v5 = (v4 + i2);
      l1 = (l1 + t0[v5]);
      t1[v5] = l1;
    }
  }
}
