// Real functions where WGSL has none, or where what it promises is too little: tanh and the inverse functions may overflow or be
// 4096 ULP off, sin and cos are only bounded within [-pi, pi], pow is undefined for negative bases. Polynomials are Chebyshev fits in the
// squared argument; the relative errors quoted are of the fit with its coefficients rounded to f32, before the rounding of the evaluation.

// Constant expressions may not be infinite or NaN in WGSL; values of variables may.
fn infinity() -> f32 {
  var bits = 0x7f800000u;
  return bitcast<f32>(bits);
}

fn nan() -> f32 {
  var bits = 0x7fc00000u;
  return bitcast<f32>(bits);
}

// By bits: compilers may assume that x == x.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn max_nan(a: f32, b: f32) -> f32 {
  return select(max(a, b), select(b, a, is_nan(a)), is_nan(a) || is_nan(b));
}

fn min_nan(a: f32, b: f32) -> f32 {
  return select(min(a, b), select(b, a, is_nan(a)), is_nan(a) || is_nan(b));
}

fn sign_nan(x: f32) -> f32 {
  return select(sign(x), x, is_nan(x));
}

// |error| < 4e-7 (fits: 6e-8 below 1, 1.6e-8 of erfc above). erfc(4) is below half an ULP of 1.
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

// Relative error < 3e-7; no overflow for large |x|.
fn tanh_safe(x: f32) -> f32 {
  let a = abs(x);
  let u = x * x;
  let p = fma(fma(fma(fma(fma(-0.0056076888f, u, 0.0205449052f), u, -0.0537070669f), u, 0.133309573f), u, -0.333332539f), u, 1f);
  let far = 1f - 2f / (exp(2f * min(a, 10f)) + 1f);
  return select(select(x * p, select(far, -far, x < 0f), a >= 0.625f), x, is_nan(x));
}

// 1 / (1 + exp(-x)) without an infinite intermediate value; below -87 the result is subnormal and flushed.
fn sigmoid(x: f32) -> f32 {
  return select(1f / (1f + exp(-clamp(x, -88f, 88f))), x, is_nan(x));
}

// IEEE 754 pow for finite arguments: WGSL's is exp2(y * log2(x)) and undefined for x < 0.
fn pow_real(x: f32, y: f32) -> f32 {
  if (y == 0f || x == 1f) { return 1f; }
  if (is_nan(x) || is_nan(y)) { return nan(); }
  if (y == 1f) { return x; }
  if (y == 2f) { return x * x; }
  if (y == 0.5f && x >= 0f) { return sqrt(x); }
  if (y == -1f) { return 1f / x; }
  let whole = trunc(y) == y;
  if (x == 0f) { return select(infinity(), 0f, y > 0f); }
  if (x < 0f && !whole) { return nan(); }
  let odd = whole && abs(y) < 16777216f && (i32(clamp(y, -16777216f, 16777216f)) & 1) != 0;
  var size: f32;
  if (whole && abs(y) <= 64f) {
    // By repeated squaring: exp2(y * log2(x)) loses log2(y * log2(x)) bits.
    var n = u32(abs(y));
    var base = abs(x);
    size = 1f;
    while (n > 0u) {
      if ((n & 1u) != 0u) { size *= base; }
      base *= base;
      n >>= 1u;
    }
    if (y < 0f) { size = 1f / size; }
  } else {
    size = pow(abs(x), y);
  }
  return select(size, -size, odd && x < 0f);
}

// The multiple of pi/2 nearest to x, and x less that multiple, by three parts of pi/2 (Cody and Waite); exact enough for |x| < 1e4.
fn quarter_turns(x: f32) -> vec2<f32> {
  let n = round(x * 0.636619747f);
  let r = fma(-n, 7.54978942e-08f, fma(-n, 0.0004837512969970703f, fma(-n, 1.5703125f, x)));
  return vec2<f32>(n, r);
}

fn sin_near(x: f32) -> f32 {
  let u = x * x;
  return x * fma(fma(fma(fma(2.71734029e-06f, u, -0.000198392023f), u, 0.00833332911f), u, -0.166666672f), u, 1f);
}

fn cos_near(x: f32) -> f32 {
  let u = x * x;
  return fma(fma(fma(fma(2.43797786e-05f, u, -0.0013886618f), u, 0.0416666158f), u, -0.5f), u, 1f);
}

// |error| < 2e-7 for |x| < 1e4.
fn sin_wide(x: f32) -> f32 {
  let turn = quarter_turns(x);
  let n = i32(turn.x);
  let y = select(sin_near(turn.y), cos_near(turn.y), (n & 1) != 0);
  return select(y, -y, (n & 2) != 0);
}

fn cos_wide(x: f32) -> f32 {
  let turn = quarter_turns(x);
  let n = i32(turn.x);
  let y = select(cos_near(turn.y), sin_near(turn.y), (n & 1) != 0);
  return select(y, -y, ((n + 1) & 2) != 0);
}

fn tan_wide(x: f32) -> f32 {
  let turn = quarter_turns(x);
  let s = sin_near(turn.y);
  let c = cos_near(turn.y);
  return select(s / c, -c / s, (i32(turn.x) & 1) != 0);
}

// Relative error < 3e-7; reduced to [0, tan(pi/8)].
fn atan_wide(x: f32) -> f32 {
  let a = abs(x);
  let steep = a > 1f;
  let b = select(a, 1f / a, steep);
  let upper = b > 0.414213568f;
  let t = select(b, (b - 1f) / (b + 1f), upper);
  let u = t * t;
  let p = fma(fma(fma(fma(fma(-0.0603314489f, u, 0.105727769f), u, -0.142399773f), u, 0.199982107f), u, -0.333333075f), u, 1f);
  let low = fma(t, p, select(0f, 0.785398185f, upper));
  let angle = select(low, 1.57079637f - low, steep);
  return select(select(angle, -angle, x < 0f), x, is_nan(x));
}

fn asin_wide(x: f32) -> f32 {
  let a = abs(x);
  if (a > 1f || is_nan(x)) { return nan(); }
  if (a <= 0.5f) { return atan_wide(x / sqrt(fma(-x, x, 1f))); }
  let half = sqrt(0.5f * (1f - a));
  let y = 1.57079637f - 2f * atan_wide(half / sqrt(fma(-half, half, 1f)));
  return select(y, -y, x < 0f);
}

fn acos_wide(x: f32) -> f32 {
  let a = abs(x);
  if (a > 1f || is_nan(x)) { return nan(); }
  if (a <= 0.5f) { return 1.57079637f - asin_wide(x); }
  let half = sqrt(0.5f * (1f - a));
  let y = 2f * atan_wide(half / sqrt(fma(-half, half, 1f)));
  return select(y, 3.14159274f - y, x < 0f);
}

// exp in two halves, so that the result and not its double is what overflows.
fn sinh_wide(x: f32) -> f32 {
  let a = abs(x);
  let u = x * x;
  let p = fma(fma(fma(fma(2.81902908e-06f, u, 0.000198357113f), u, 0.00833335333f), u, 0.166666657f), u, 1f);
  let e = exp(0.5f * a);
  let far = 0.5f * e * e - 0.5f * exp(-a);
  return select(select(x * p, select(far, -far, x < 0f), a >= 1f), x, is_nan(x));
}

fn cosh_wide(x: f32) -> f32 {
  let a = abs(x);
  let e = exp(0.5f * a);
  return 0.5f * e * e + 0.5f * exp(-a);
}

// atanh below 0.5 in size.
fn atanh_near(x: f32) -> f32 {
  let u = x * x;
  let p = fma(fma(fma(fma(fma(fma(fma(0.177394837f, u, 0.0231527202f), u, 0.10334333f), u, 0.109572634f), u, 0.142958716f), u, 0.19999674f), u,
    0.333333373f), u, 1f);
  return x * p;
}

// log(1 + t) for t >= 0: WGSL's log is 2^-21 off near 1, which is much of a small result.
fn log_above_one(t: f32) -> f32 {
  return select(log(1f + t), 2f * atanh_near(t / (2f + t)), t < 2f);
}

fn asinh_wide(x: f32) -> f32 {
  let a = abs(x);
  let u = x * x;
  let p = fma(fma(fma(fma(fma(-0.0130999144f, u, 0.0280762073f), u, -0.0443618447f), u, 0.0749841258f), u, -0.166666329f), u, 1f);
  let s = sqrt(fma(a, a, 1f));
  let far = select(log_above_one(a + a * a / (1f + s)), log(a) + 0.693147182f, a > 1e18f);
  return select(select(x * p, select(far, -far, x < 0f), a >= 0.5f), x, is_nan(x));
}

fn acosh_wide(x: f32) -> f32 {
  if (x < 1f || is_nan(x)) { return nan(); }
  if (x > 1e18f) { return log(x) + 0.693147182f; }
  let t = x - 1f;
  return log_above_one(t + sqrt(t * (x + 1f)));
}

fn atanh_wide(x: f32) -> f32 {
  let a = abs(x);
  if (a > 1f || is_nan(x)) { return nan(); }
  if (a == 1f) { return select(infinity(), -infinity(), x < 0f); }
  let far = 0.5f * log((1f + a) / (1f - a));
  return select(atanh_near(x), select(far, -far, x < 0f), a >= 0.5f);
}

// log of what is not positive: implementations differ.
fn log_safe(x: f32) -> f32 {
  if (x > 0f) { return log(x); }
  return select(nan(), -infinity(), x == 0f);
}

fn sqrt_safe(x: f32) -> f32 {
  return select(nan(), sqrt(max(x, 0f)), x >= 0f);
}

// C's fmod for quotients below 2^24: the sign of the dividend. What is infinite is told by bits, as NaN is.
fn rem_real(a: f32, b: f32) -> f32 {
  let by = bitcast<u32>(b) & 0x7fffffffu;
  let rest = select(a - b * trunc(a / b), a, by == 0x7f800000u);
  return select(rest, nan(), b == 0f || by > 0x7f800000u || (bitcast<u32>(a) & 0x7fffffffu) >= 0x7f800000u);
}
