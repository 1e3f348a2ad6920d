@group(0) @binding(0) var<storage, read> t0: array<vec4<f32>, 256>;
@group(0) @binding(1) var<storage, read> t1: array<vec4<f32>, 288>;
@group(0) @binding(2) var<storage, read_write> t2: array<vec4<f32>, 128>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x);
  let lid = i32(lane);
  let i0 = 0;
  let i1 = 0;
  let i2 = i0 * 16 + lid / 4;
  let i3 = i1 * 4 + 0 + lid % 4;
  var acc4: vec4<f32>;
  var acc5: vec4<f32>;
  var acc6: vec4<f32>;
  var acc7: vec4<f32>;
  let v19 = (i2 * 16);
  let v26 = (i2 >> 1u);
  let v29 = ((i2 & 1) * 4);
  for (var i8 = 0; i8 < 3; i8 += 1) {
    let v11 = (i8 * 96);
    let v18 = (i8 * 32);
    let v20 = (v18 + v19);
    let v27 = ((i8 + v26) + (-1));
    let v28 = ((0 <= v27) && (v27 < 8));
    for (var i9 = 0; i9 < 3; i9 += 1) {
      let v12 = (i9 * 32);
      let v13 = (v11 + v12);
      let v21 = (i9 * 4);
      let v22 = (v20 + v21);
      let v30 = (v29 + i9);
      let v31 = (v28 && (0 <= (v30 + (-1))));
      let v38 = (v28 && ((v30 + 2) < 8));
      for (var i10 = 0; i10 < 4; i10 += 1) {
        let v14 = (i10 * 8);
        let v15 = (v13 + v14);
        let v16 = (v15 + i3);
        let w17 = t1[v16];
        let v23 = (v22 + i10);
        let v24 = (v23 + (-36));
        let w25 = t0[v24];
        acc4 = fma(vec4<f32>(select(0f, w25.x, v31)), w17, acc4);
        let v32 = (v23 + (-32));
        let w33 = t0[v32];
        acc5 = fma(vec4<f32>(select(0f, w33.x, v28)), w17, acc5);
        let v34 = (v23 + (-28));
        let w35 = t0[v34];
        acc6 = fma(vec4<f32>(select(0f, w35.x, v28)), w17, acc6);
        let v36 = (v23 + (-24));
        let w37 = t0[v36];
        acc7 = fma(vec4<f32>(select(0f, w37.x, v38)), w17, acc7);
        let v39 = (v16 + 2);
        let w40 = t1[v39];
        acc4 = fma(vec4<f32>(select(0f, w25.y, v31)), w40, acc4);
        acc5 = fma(vec4<f32>(select(0f, w33.y, v28)), w40, acc5);
        acc6 = fma(vec4<f32>(select(0f, w35.y, v28)), w40, acc6);
        acc7 = fma(vec4<f32>(select(0f, w37.y, v38)), w40, acc7);
        let v41 = (v16 + 4);
        let w42 = t1[v41];
        acc4 = fma(vec4<f32>(select(0f, w25.z, v31)), w42, acc4);
        acc5 = fma(vec4<f32>(select(0f, w33.z, v28)), w42, acc5);
        acc6 = fma(vec4<f32>(select(0f, w35.z, v28)), w42, acc6);
        acc7 = fma(vec4<f32>(select(0f, w37.z, v38)), w42, acc7);
        let v43 = (v16 + 6);
        let w44 = t1[v43];
        acc4 = fma(vec4<f32>(select(0f, w25.w, v31)), w44, acc4);
        acc5 = fma(vec4<f32>(select(0f, w33.w, v28)), w44, acc5);
        acc6 = fma(vec4<f32>(select(0f, w35.w, v28)), w44, acc6);
        acc7 = fma(vec4<f32>(select(0f, w37.w, v38)), w44, acc7);
      }
    }
  }
  let v45 = (i2 * 4);
  let v46 = (i3 * 4);
  let v47 = (i2 * 8);
  let v48 = (v47 + i3);
  if (v45 < 64 && v46 < 8) {
    t2[v48] = acc4;
  }
  let v49 = (v48 + 2);
  if ((v45 + 1) < 64 && v46 < 8) {
    t2[v49] = acc5;
  }
  let v50 = (v48 + 4);
  if ((v45 + 2) < 64 && v46 < 8) {
    t2[v50] = acc6;
  }
  let v51 = (v48 + 6);
  if ((v45 + 3) < 64 && v46 < 8) {
    t2[v51] = acc7;
  }
}
