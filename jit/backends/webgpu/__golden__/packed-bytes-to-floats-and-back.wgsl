@group(0) @binding(0) var<storage, read> t0: array<u32, 16>;
@group(0) @binding(1) var<storage, read_write> t1: array<u32, 16>;
fn real_to_u32(x: f32) -> u32 {
  let inside = u32(clamp(x, 0f, 4294967040f));
  let whole = select(inside, 4294967295u, x >= 4294967296f);
  return select(whole, 0u, (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u);
}
fn part_u8(word: u32, part: i32) -> u32 {
  return extractBits(word, u32(part) * 8u, 8u);
}
fn pack_4x8(a: u32, b: u32, c: u32, d: u32) -> u32 {
  return (a & 255u) | ((b & 255u) << 8u) | ((c & 255u) << 16u) | (d << 24u);
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x);
  let lid = i32(lane);
  let i0 = group * 64 + lid;
  if (i0 < 16) {
    let w1 = t0[i0];
    t1[i0] = pack_4x8(clamp(real_to_u32((f32(part_u8(w1, 0)) * 0.5f)), 0u, 255u), clamp(real_to_u32((f32(part_u8(w1, 1)) * 0.5f)), 0u, 255u), clamp(real_to_u32((f32(part_u8(w1, 2)) * 0.5f)), 0u, 255u), clamp(real_to_u32((f32(part_u8(w1, 3)) * 0.5f)), 0u, 255u));
  }
}
