@group(0) @binding(0) var<storage, read> t0: array<vec4<f32>, 768>;
@group(0) @binding(1) var<storage, read> t1: array<vec4<f32>, 384>;
@group(0) @binding(2) var<storage, read_write> t2: array<vec4<f32>, 512>;
@group(0) @binding(3) var<storage, read> t3: array<vec4<f32>, 8>;
var<workgroup> left: array<f32, 512>;
var<workgroup> right: array<vec4<f32>, 128>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let group = i32(wid.x);
  let lid = i32(lane);
  let i0 = group;
  let i1 = 0;
  let i2 = i0 * 8 + lid / 8;
  let i3 = i1 * 8 + 0 + lid % 8;
  var acc4: vec4<f32>;
  var acc5: vec4<f32>;
  var acc6: vec4<f32>;
  var acc7: vec4<f32>;
  let row8 = (i2 - lid / 8) * 4;
  let col9 = i3 - lid % 8;
  for (var block10 = 0; block10 < 3; block10++) {
    let v16 = (block10 * 4);
    for (var e11 = lid; e11 < 128; e11 += 64) {
      let r12 = e11 / 4;
      let kq13 = e11 % 4;
      let i14 = row8 + r12;
      let v15 = (i14 * 12);
      let v17 = (v15 + v16);
      let v18 = (v17 + kq13);
      let w19 = t0[v18];
      left[(kq13 * 4 + 0) * 32 + r12] = w19.x;
      left[(kq13 * 4 + 1) * 32 + r12] = w19.y;
      left[(kq13 * 4 + 2) * 32 + r12] = w19.z;
      left[(kq13 * 4 + 3) * 32 + r12] = w19.w;
    }
    let v23 = (block10 * 128);
    let v28 = (block10 * 16);
    for (var e20 = lid; e20 < 128; e20 += 64) {
      let i21 = e20 / 8;
      let i22 = col9 + e20 % 8;
      let v24 = (i21 * 8);
      let v25 = (v23 + v24);
      let v26 = (v25 + i22);
      let w27 = t1[v26];
      right[e20] = w27;
    }
    workgroupBarrier();
    for (var k29 = 0; k29 < 16; k29++) {
      let b30 = right[k29 * 8 + 0 + lid % 8];
      let a31 = left[k29 * 32 + lid / 8 * 4 + 0];
      acc4 = fma(vec4<f32>(a31), b30, acc4);
      let a32 = left[k29 * 32 + lid / 8 * 4 + 1];
      acc5 = fma(vec4<f32>(a32), b30, acc5);
      let a33 = left[k29 * 32 + lid / 8 * 4 + 2];
      acc6 = fma(vec4<f32>(a33), b30, acc6);
      let a34 = left[k29 * 32 + lid / 8 * 4 + 3];
      acc7 = fma(vec4<f32>(a34), b30, acc7);
    }
    workgroupBarrier();
  }
  let w35 = t3[i3];
  let k36 = (acc4.x + w35.x);
  let k37 = (acc4.y + w35.y);
  let k38 = (acc4.z + w35.z);
  let k39 = (acc4.w + w35.w);
  let v40 = (i2 * 32);
  let v41 = (v40 + i3);
  t2[v41] = vec4<f32>(select(k36, 0f, k36 < 0f), select(k37, 0f, k37 < 0f), select(k38, 0f, k38 < 0f), select(k39, 0f, k39 < 0f));
  let k42 = (acc5.x + w35.x);
  let k43 = (acc5.y + w35.y);
  let k44 = (acc5.z + w35.z);
  let k45 = (acc5.w + w35.w);
  let v46 = (v41 + 8);
  t2[v46] = vec4<f32>(select(k42, 0f, k42 < 0f), select(k43, 0f, k43 < 0f), select(k44, 0f, k44 < 0f), select(k45, 0f, k45 < 0f));
  let k47 = (acc6.x + w35.x);
  let k48 = (acc6.y + w35.y);
  let k49 = (acc6.z + w35.z);
  let k50 = (acc6.w + w35.w);
  let v51 = (v41 + 16);
  t2[v51] = vec4<f32>(select(k47, 0f, k47 < 0f), select(k48, 0f, k48 < 0f), select(k49, 0f, k49 < 0f), select(k50, 0f, k50 < 0f));
  let k52 = (acc7.x + w35.x);
  let k53 = (acc7.y + w35.y);
  let k54 = (acc7.z + w35.z);
  let k55 = (acc7.w + w35.w);
  let v56 = (v41 + 24);
  t2[v56] = vec4<f32>(select(k52, 0f, k52 < 0f), select(k53, 0f, k53 < 0f), select(k54, 0f, k54 < 0f), select(k55, 0f, k55 < 0f));
}
