@group(0) @binding(0) var<storage, read> t0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> t1: array<vec4<f32>>;
struct Dims { s0: i32 }
@group(0) @binding(2) var<uniform> dims: Dims;
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
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x + wid.y * 65535u);
  let lid = i32(lane);
  let i0 = group * 64 + lid;
  let v4 = (i0 * 16);
  if (i0 < dims.s0) {
    let lane1 = 0;
    var acc2 = -infinity();
    for (var j3 = lane1; j3 < 16; j3 += 1) {
      let v5 = (v4 + j3);
      let w6 = t0[v5];
      acc2 = max_nan(acc2, max_nan(max_nan(max_nan(w6.x, w6.y), w6.z), w6.w));
    }
    let r7 = acc2;
    var acc8 = 0f;
    for (var j9 = lane1; j9 < 16; j9 += 1) {
      let v10 = (v4 + j9);
      let w11 = t0[v10];
      let v12 = (w11.x - r7);
      let v13 = exp(v12);
      let v14 = (w11.y - r7);
      let v15 = exp(v14);
      let v16 = (w11.z - r7);
      let v17 = exp(v16);
      let v18 = (w11.w - r7);
      let v19 = exp(v18);
      acc8 = (acc8 + (((v13 + v15) + v17) + v19));
    }
    let r20 = acc8;
    for (var j21 = lane1; j21 < 16; j21 += 1) {
      let v22 = (v4 + j21);
      let w23 = t0[v22];
      let v24 = (w23.x - r7);
      let v25 = exp(v24);
      let v26 = (w23.y - r7);
      let v27 = exp(v26);
      let v28 = (w23.z - r7);
      let v29 = exp(v28);
      let v30 = (w23.w - r7);
      let v31 = exp(v30);
      t1[v22] = vec4<f32>((v25 / r20), (v27 / r20), (v29 / r20), (v31 / r20));
    }
  }
}
