// Integer helpers: division with x / 0 = 0, narrow types in 32-bit words, conversions that saturate.

fn floordiv(a: i32, b: i32) -> i32 {
  let q = a / b;
  return select(select(q, q - 1, (a % b != 0) && ((a < 0) != (b < 0))), 0, b == 0);
}

fn floormod(a: i32, b: i32) -> i32 {
  let r = a % b;
  return select(select(r, r + b, r != 0 && ((r < 0) != (b < 0))), 0, b == 0);
}

// WGSL has x / 0 = x and x % 0 = 0, and refuses a literal 0; here both are 0.
fn div_i32(a: i32, b: i32) -> i32 {
  return select(a / b, 0, b == 0);
}

fn rem_i32(a: i32, b: i32) -> i32 {
  return select(a % b, 0, b == 0);
}

fn div_u32(a: u32, b: u32) -> u32 {
  return select(a / b, 0u, b == 0u);
}

fn rem_u32(a: u32, b: u32) -> u32 {
  return select(a % b, 0u, b == 0u);
}

fn pow_i32(x: i32, y: i32) -> i32 {
  if (y < 0) {
    if (x == 1) { return 1; }
    if (x == -1) { return select(1, -1, (y & 1) != 0); }
    return 0;
  }
  var n = y;
  var base = x;
  var result = 1;
  while (n > 0) {
    if ((n & 1) != 0) { result *= base; }
    base *= base;
    n >>= 1u;
  }
  return result;
}

fn pow_u32(x: u32, y: u32) -> u32 {
  var n = y;
  var base = x;
  var result = 1u;
  while (n > 0u) {
    if ((n & 1u) != 0u) { result *= base; }
    base *= base;
    n >>= 1u;
  }
  return result;
}

// The low bits of a word, as the value of a narrower type.
fn wrap_i8(x: i32) -> i32 {
  return extractBits(x, 0u, 8u);
}

fn wrap_i16(x: i32) -> i32 {
  return extractBits(x, 0u, 16u);
}

// Truncates, saturates, and makes NaN 0. 2147483520 is the largest f32 below 2^31.
fn real_to_i32(x: f32) -> i32 {
  let inside = i32(clamp(x, -2147483648f, 2147483520f));
  let whole = select(inside, 2147483647, x >= 2147483648f);
  return select(whole, 0, (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u);
}

fn real_to_u32(x: f32) -> u32 {
  let inside = u32(clamp(x, 0f, 4294967040f));
  let whole = select(inside, 4294967295u, x >= 4294967296f);
  return select(whole, 0u, (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u);
}
