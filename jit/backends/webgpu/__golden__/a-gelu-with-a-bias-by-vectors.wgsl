@group(0) @binding(0) var<storage, read> t0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> t1: array<vec4<f32>, 16>;
@group(0) @binding(2) var<storage, read_write> t2: array<vec4<f32>>;
struct Dims { s0: i32 }
@group(0) @binding(3) var<uniform> dims: Dims;
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}
fn erf(x: f32) -> f32 {
  let a = abs(x);
  let u = x * x;
  let p = fma(fma(fma(fma(fma(fma(7.88249745e-05f, u, -0.000801885501f), u, 0.00518931216f), u, -0.0268543288f), u, 0.112835974f), u,
    -0.37612626f), u, 1.12837911f);
  let t = 1f / (min(a, 4f) + 2f);
  let q = fma(fma(fma(fma(fma(fma(fma(15.3935499f, t, -30.3653126f), t, 18.1821213f), t, -1.72309089f), t, 2.79846096f), t, 1.03641784f), t,
    0.570011079f), t, -0.000160457625f);
  let tail = 1f - q * exp(-min(u, 16f));
  let far = select(tail, 1f, a >= 4f);
  return select(select(x * p, select(far, -far, x < 0f), a >= 1f), x, is_nan(x));
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x + wid.y * 65535u);
  let lid = i32(lane);
  let i0 = group * 64 + lid;
  if (i0 < (dims.s0 * 16)) {
    let w1 = t0[i0];
    let w2 = t1[(i0 & 15)];
    let v3 = (w1.x + w2.x);
    let v4 = (w1.y + w2.y);
    let v5 = (w1.z + w2.z);
    let v6 = (w1.w + w2.w);
    t2[i0] = vec4<f32>(((v3 * 0.5f) * (erf((v3 * 0.7071067690849304f)) + 1f)), ((v4 * 0.5f) * (erf((v4 * 0.7071067690849304f)) + 1f)), ((v5 * 0.5f) * (erf((v5 * 0.7071067690849304f)) + 1f)), ((v6 * 0.5f) * (erf((v6 * 0.7071067690849304f)) + 1f)));
  }
}
