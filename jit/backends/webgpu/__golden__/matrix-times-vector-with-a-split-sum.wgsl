@group(0) @binding(0) var<storage, read> t0: array<vec4<f32>, 64>;
@group(0) @binding(1) var<storage, read> t1: array<vec4<f32>, 2048>;
@group(0) @binding(2) var<storage, read_write> t2: array<vec4<f32>, 8>;
var<workgroup> slices: array<vec4<f32>, 64>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x);
  let lid = i32(lane);
  let slice0 = lid / 8;
  let thread1 = lid % 8;
  let i2 = 0;
  let i3 = 0;
  let i4 = i2 * 1 + 0;
  let i5 = i3 * 8 + 0 + thread1 % 8;
  var acc6: vec4<f32>;
  for (var i7 = slice0; i7 < 64; i7 += 8) {
    let v8 = (i7 * 32);
    let v9 = (v8 + i5);
    let w10 = t1[v9];
    let w11 = t0[i7];
    acc6 = fma(vec4<f32>(w11.x), w10, acc6);
    let v12 = (v9 + 8);
    let w13 = t1[v12];
    acc6 = fma(vec4<f32>(w11.y), w13, acc6);
    let v14 = (v9 + 16);
    let w15 = t1[v14];
    acc6 = fma(vec4<f32>(w11.z), w15, acc6);
    let v16 = (v9 + 24);
    let w17 = t1[v16];
    acc6 = fma(vec4<f32>(w11.w), w17, acc6);
  }
  slices[slice0 * 8 + thread1] = acc6;
  workgroupBarrier();
  if (slice0 == 0) {
    for (var s = 1; s < 8; s++) {
      acc6 = acc6 + slices[s * 8 + thread1];
    }
  }
  if (slice0 == 0) {
    t2[i5] = acc6;
  }
}
