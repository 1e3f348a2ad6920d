@group(0) @binding(0) var<storage, read> t0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> t1: array<vec4<f32>, 288>;
@group(0) @binding(2) var<storage, read_write> t2: array<vec4<f32>>;
struct Dims { s0: i32 }
@group(0) @binding(3) var<uniform> dims: Dims;
fn floordiv(a: i32, b: i32) -> i32 {
  let q = a / b;
  return select(select(q, q - 1, (a % b != 0) && ((a < 0) != (b < 0))), 0, b == 0);
}
fn floormod(a: i32, b: i32) -> i32 {
  let r = a % b;
  return select(select(r, r + b, r != 0 && ((r < 0) != (b < 0))), 0, b == 0);
}
fn real_to_i32(x: f32) -> i32 {
  let inside = i32(clamp(x, -2147483648f, 2147483520f));
  let whole = select(inside, 2147483647, x >= 2147483648f);
  return select(whole, 0, (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u);
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x + wid.y * 65535u);
  let lid = i32(lane);
  let v0 = real_to_i32(floor((f32(dims.s0) * 1.5f)));
  let v1 = (v0 * v0);
  let i2 = floormod(group, ((v1 + 31) >> 5u));
  let i3 = 0;
  let i4 = i2 * 16 + lid / 4;
  let i5 = i3 * 4 + 0 + lid % 4;
  var acc6: vec4<f32>;
  var acc7: vec4<f32>;
  let v19 = (i4 * 8);
  let v23 = (v0 * (-4));
  let v28 = (i4 * 2);
  let v29 = floordiv(v28, v0);
  let v32 = floormod(v28, v0);
  let v36 = (v28 + 1);
  let v37 = floordiv(v36, v0);
  let v40 = floormod(v36, v0);
  for (var i8 = 0; i8 < 3; i8 += 1) {
    let v11 = (i8 * 96);
    let v18 = ((i8 * v0) * 4);
    let v20 = (v18 + v19);
    let v30 = ((i8 + v29) + (-1));
    let v31 = ((0 <= v30) && (v30 < v0));
    let v38 = ((i8 + v37) + (-1));
    let v39 = ((0 <= v38) && (v38 < v0));
    for (var i9 = 0; i9 < 3; i9 += 1) {
      let v12 = (i9 * 32);
      let v13 = (v11 + v12);
      let v21 = (i9 * 4);
      let v22 = (v20 + v21);
      let v24 = (v22 + v23);
      let v33 = ((i9 + v32) + (-1));
      let v34 = ((v31 && (0 <= v33)) && (v33 < v0));
      let v41 = ((i9 + v40) + (-1));
      let v42 = ((v39 && (0 <= v41)) && (v41 < v0));
      for (var i10 = 0; i10 < 4; i10 += 1) {
        let v14 = (i10 * 8);
        let v15 = (v13 + v14);
        let v16 = (v15 + i5);
        let w17 = t1[v16];
        let v25 = (v24 + i10);
        let v26 = (v25 + (-4));
        let w27 = t0[v26];
        acc6 = fma(vec4<f32>(select(0f, w27.x, v34)), w17, acc6);
        let w35 = t0[v25];
        acc7 = fma(vec4<f32>(select(0f, w35.x, v42)), w17, acc7);
        let v43 = (v16 + 2);
        let w44 = t1[v43];
        acc6 = fma(vec4<f32>(select(0f, w27.y, v34)), w44, acc6);
        acc7 = fma(vec4<f32>(select(0f, w35.y, v42)), w44, acc7);
        let v45 = (v16 + 4);
        let w46 = t1[v45];
        acc6 = fma(vec4<f32>(select(0f, w27.z, v34)), w46, acc6);
        acc7 = fma(vec4<f32>(select(0f, w35.z, v42)), w46, acc7);
        let v47 = (v16 + 6);
        let w48 = t1[v47];
        acc6 = fma(vec4<f32>(select(0f, w27.w, v34)), w48, acc6);
        acc7 = fma(vec4<f32>(select(0f, w35.w, v42)), w48, acc7);
      }
    }
  }
  let v49 = (i5 * 4);
  let v50 = (i4 * 4);
  let v51 = (v50 + i5);
  if (v28 < v1 && v49 < 8) {
    t2[v51] = acc6;
  }
  let v52 = (v51 + 2);
  if (v36 < v1 && v49 < 8) {
    t2[v52] = acc7;
  }
}
