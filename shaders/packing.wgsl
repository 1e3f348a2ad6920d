// Narrow elements in 32-bit words: 8-bit integers in fours, float16 and 16-bit integers in pairs, the first in the low bits.

fn part_u8(word: u32, part: i32) -> u32 {
  return extractBits(word, u32(part) * 8u, 8u);
}

fn part_i8(word: u32, part: i32) -> i32 {
  return extractBits(bitcast<i32>(word), u32(part) * 8u, 8u);
}

fn part_u16(word: u32, part: i32) -> u32 {
  return extractBits(word, u32(part) * 16u, 16u);
}

fn part_i16(word: u32, part: i32) -> i32 {
  return extractBits(bitcast<i32>(word), u32(part) * 16u, 16u);
}

fn pack_4x8(a: u32, b: u32, c: u32, d: u32) -> u32 {
  return (a & 255u) | ((b & 255u) << 8u) | ((c & 255u) << 16u) | (d << 24u);
}

fn pack_2x16(a: u32, b: u32) -> u32 {
  return (a & 65535u) | (b << 16u);
}

// The value of float16 bits. unpack2x16float may flush subnormals and leaves infinities and NaN open; this does neither.
fn half_to_real(bits: u32) -> f32 {
  let sign = (bits & 0x8000u) << 16u;
  let exponent = extractBits(bits, 10u, 5u);
  let fraction = bits & 1023u;
  let subnormal = bitcast<u32>(f32(fraction) * 5.9604645e-08f);
  let normal = ((exponent + 112u) << 23u) | (fraction << 13u);
  let special = 0x7f800000u | (fraction << 13u);
  return bitcast<f32>(sign | select(select(normal, special, exponent == 31u), subnormal, exponent == 0u));
}

// The nearest float16, ties to even, as bits; too large is infinite. pack2x16float leaves rounding and overflow open.
fn real_to_half(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  // Adding 0.5 makes the last bits of the mantissa steps of 2^-24, float16's smallest.
  let subnormal = bitcast<u32>(bitcast<f32>(size) + 0.5f) - 0x3f000000u;
  let normal = (size + 0xfffu + ((size >> 13u) & 1u) - 0x38000000u) >> 13u;
  let special = select(0x7c00u, 0x7e00u, size > 0x7f800000u);
  return sign | select(select(normal, special, size >= 0x477ff000u), subnormal, size < 0x38800000u);
}

fn round_to_half(x: f32) -> f32 {
  return half_to_real(real_to_half(x));
}
