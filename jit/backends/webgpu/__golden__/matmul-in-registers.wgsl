@group(0) @binding(0) var<storage, read> t0: array<vec4<f32>, 768>;
@group(0) @binding(1) var<storage, read> t1: array<vec4<f32>, 384>;
@group(0) @binding(2) var<storage, read_write> t2: array<vec4<f32>, 512>;
@group(0) @binding(3) var<storage, read> t3: array<vec4<f32>, 8>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x);
  let lid = i32(lane);
  let i0 = group;
  let i1 = 0;
  let i2 = i0 * 8 + lid / 8;
  let i3 = i1 * 16 + 0 + lid % 8;
  let i4 = i1 * 16 + 8 + lid % 8;
  var acc5: vec4<f32>;
  var acc6: vec4<f32>;
  var acc7: vec4<f32>;
  var acc8: vec4<f32>;
  var acc9: vec4<f32>;
  var acc10: vec4<f32>;
  var acc11: vec4<f32>;
  var acc12: vec4<f32>;
  let v19 = (i2 * 48);
  for (var i13 = 0; i13 < 12; i13 += 1) {
    let v14 = (i13 * 32);
    let v15 = (v14 + i3);
    let w16 = t1[v15];
    let v17 = (v14 + i4);
    let w18 = t1[v17];
    let v20 = (v19 + i13);
    let w21 = t0[v20];
    acc5 = fma(vec4<f32>(w21.x), w16, acc5);
    acc6 = fma(vec4<f32>(w21.x), w18, acc6);
    let v22 = (v20 + 12);
    let w23 = t0[v22];
    acc7 = fma(vec4<f32>(w23.x), w16, acc7);
    acc8 = fma(vec4<f32>(w23.x), w18, acc8);
    let v24 = (v20 + 24);
    let w25 = t0[v24];
    acc9 = fma(vec4<f32>(w25.x), w16, acc9);
    acc10 = fma(vec4<f32>(w25.x), w18, acc10);
    let v26 = (v20 + 36);
    let w27 = t0[v26];
    acc11 = fma(vec4<f32>(w27.x), w16, acc11);
    acc12 = fma(vec4<f32>(w27.x), w18, acc12);
    let v28 = (v15 + 8);
    let w29 = t1[v28];
    let v30 = (v17 + 8);
    let w31 = t1[v30];
    acc5 = fma(vec4<f32>(w21.y), w29, acc5);
    acc6 = fma(vec4<f32>(w21.y), w31, acc6);
    acc7 = fma(vec4<f32>(w23.y), w29, acc7);
    acc8 = fma(vec4<f32>(w23.y), w31, acc8);
    acc9 = fma(vec4<f32>(w25.y), w29, acc9);
    acc10 = fma(vec4<f32>(w25.y), w31, acc10);
    acc11 = fma(vec4<f32>(w27.y), w29, acc11);
    acc12 = fma(vec4<f32>(w27.y), w31, acc12);
    let v32 = (v15 + 16);
    let w33 = t1[v32];
    let v34 = (v17 + 16);
    let w35 = t1[v34];
    acc5 = fma(vec4<f32>(w21.z), w33, acc5);
    acc6 = fma(vec4<f32>(w21.z), w35, acc6);
    acc7 = fma(vec4<f32>(w23.z), w33, acc7);
    acc8 = fma(vec4<f32>(w23.z), w35, acc8);
    acc9 = fma(vec4<f32>(w25.z), w33, acc9);
    acc10 = fma(vec4<f32>(w25.z), w35, acc10);
    acc11 = fma(vec4<f32>(w27.z), w33, acc11);
    acc12 = fma(vec4<f32>(w27.z), w35, acc12);
    let v36 = (v15 + 24);
    let w37 = t1[v36];
    let v38 = (v17 + 24);
    let w39 = t1[v38];
    acc5 = fma(vec4<f32>(w21.w), w37, acc5);
    acc6 = fma(vec4<f32>(w21.w), w39, acc6);
    acc7 = fma(vec4<f32>(w23.w), w37, acc7);
    acc8 = fma(vec4<f32>(w23.w), w39, acc8);
    acc9 = fma(vec4<f32>(w25.w), w37, acc9);
    acc10 = fma(vec4<f32>(w25.w), w39, acc10);
    acc11 = fma(vec4<f32>(w27.w), w37, acc11);
    acc12 = fma(vec4<f32>(w27.w), w39, acc12);
  }
  let v40 = (i2 * 4);
  let v41 = (i3 * 4);
  let v47 = (i2 * 32);
  let v48 = (v47 + i3);
  if (v40 < 64 && v41 < 32) {
    let w42 = t3[i3];
    let k43 = (acc5.x + w42.x);
    let k44 = (acc5.y + w42.y);
    let k45 = (acc5.z + w42.z);
    let k46 = (acc5.w + w42.w);
    t2[v48] = vec4<f32>(select(k43, 0f, k43 < 0f), select(k44, 0f, k44 < 0f), select(k45, 0f, k45 < 0f), select(k46, 0f, k46 < 0f));
  }
  let v49 = (i4 * 4);
  let v55 = (v47 + i4);
  if (v40 < 64 && v49 < 32) {
    let w50 = t3[i4];
    let k51 = (acc6.x + w50.x);
    let k52 = (acc6.y + w50.y);
    let k53 = (acc6.z + w50.z);
    let k54 = (acc6.w + w50.w);
    t2[v55] = vec4<f32>(select(k51, 0f, k51 < 0f), select(k52, 0f, k52 < 0f), select(k53, 0f, k53 < 0f), select(k54, 0f, k54 < 0f));
  }
  let v56 = (v40 + 1);
  let v62 = (v48 + 8);
  if (v56 < 64 && v41 < 32) {
    let w57 = t3[i3];
    let k58 = (acc7.x + w57.x);
    let k59 = (acc7.y + w57.y);
    let k60 = (acc7.z + w57.z);
    let k61 = (acc7.w + w57.w);
    t2[v62] = vec4<f32>(select(k58, 0f, k58 < 0f), select(k59, 0f, k59 < 0f), select(k60, 0f, k60 < 0f), select(k61, 0f, k61 < 0f));
  }
  let v68 = (v55 + 8);
  if (v56 < 64 && v49 < 32) {
    let w63 = t3[i4];
    let k64 = (acc8.x + w63.x);
    let k65 = (acc8.y + w63.y);
    let k66 = (acc8.z + w63.z);
    let k67 = (acc8.w + w63.w);
    t2[v68] = vec4<f32>(select(k64, 0f, k64 < 0f), select(k65, 0f, k65 < 0f), select(k66, 0f, k66 < 0f), select(k67, 0f, k67 < 0f));
  }
  let v69 = (v40 + 2);
  let v75 = (v48 + 16);
  if (v69 < 64 && v41 < 32) {
    let w70 = t3[i3];
    let k71 = (acc9.x + w70.x);
    let k72 = (acc9.y + w70.y);
    let k73 = (acc9.z + w70.z);
    let k74 = (acc9.w + w70.w);
    t2[v75] = vec4<f32>(select(k71, 0f, k71 < 0f), select(k72, 0f, k72 < 0f), select(k73, 0f, k73 < 0f), select(k74, 0f, k74 < 0f));
  }
  let v81 = (v55 + 16);
  if (v69 < 64 && v49 < 32) {
    let w76 = t3[i4];
    let k77 = (acc10.x + w76.x);
    let k78 = (acc10.y + w76.y);
    let k79 = (acc10.z + w76.z);
    let k80 = (acc10.w + w76.w);
    t2[v81] = vec4<f32>(select(k77, 0f, k77 < 0f), select(k78, 0f, k78 < 0f), select(k79, 0f, k79 < 0f), select(k80, 0f, k80 < 0f));
  }
  let v82 = (v40 + 3);
  let v88 = (v48 + 24);
  if (v82 < 64 && v41 < 32) {
    let w83 = t3[i3];
    let k84 = (acc11.x + w83.x);
    let k85 = (acc11.y + w83.y);
    let k86 = (acc11.z + w83.z);
    let k87 = (acc11.w + w83.w);
    t2[v88] = vec4<f32>(select(k84, 0f, k84 < 0f), select(k85, 0f, k85 < 0f), select(k86, 0f, k86 < 0f), select(k87, 0f, k87 < 0f));
  }
  let v94 = (v55 + 24);
  if (v82 < 64 && v49 < 32) {
    let w89 = t3[i4];
    let k90 = (acc12.x + w89.x);
    let k91 = (acc12.y + w89.y);
    let k92 = (acc12.z + w89.z);
    let k93 = (acc12.w + w89.w);
    t2[v94] = vec4<f32>(select(k90, 0f, k90 < 0f), select(k91, 0f, k91 < 0f), select(k92, 0f, k92 < 0f), select(k93, 0f, k93 < 0f));
  }
}
