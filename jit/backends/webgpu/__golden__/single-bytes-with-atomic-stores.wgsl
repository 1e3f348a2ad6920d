@group(0) @binding(0) var<storage, read> t0: array<u32, 32>;
@group(0) @binding(1) var<storage, read_write> t1: array<atomic<u32>, 16>;
fn part_u16(word: u32, part: i32) -> u32 {
  return extractBits(word, u32(part) * 16u, 16u);
}
fn half_to_real(bits: u32) -> f32 {
  let sign = (bits & 0x8000u) << 16u;
  let exponent = extractBits(bits, 10u, 5u);
  let fraction = bits & 1023u;
  let subnormal = bitcast<u32>(f32(fraction) * 5.9604645e-08f);
  let normal = ((exponent + 112u) << 23u) | (fraction << 13u);
  let special = 0x7f800000u | (fraction << 13u);
  return bitcast<f32>(sign | select(select(normal, special, exponent == 31u), subnormal, exponent == 0u));
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x);
  let lid = i32(lane);
  let i0 = group * 64 + lid;
  if (i0 < 63) {
    let w1 = t0[(i0 >> 1u)];
    let s2 = u32((i0 & 3)) * 8u;
    atomicAnd(&t1[(i0 >> 2u)], ~(255u << s2));
    atomicOr(&t1[(i0 >> 2u)], (u32((half_to_real(part_u16(w1, (i0 & 1))) < 0f)) & 255u) << s2);
  }
}
