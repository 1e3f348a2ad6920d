enable subgroups;

// Reductions over a whole workgroup through subgroups: one barrier pair whatever the size, then every invocation adds up the partial
// results. `subgroup` and `subgroups` are the builtins subgroup_id and num_subgroups. Call these in uniform control flow.

const workgroup_lanes = 64u;
var<workgroup> subgroup_f32: array<f32, workgroup_lanes>;
var<workgroup> subgroup_i32: array<i32, workgroup_lanes>;
var<workgroup> subgroup_u32: array<u32, workgroup_lanes>;

fn subgroup_sum_f32(value: f32, subgroup: u32, subgroups: u32) -> f32 {
  let own = subgroupAdd(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_f32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_f32[0];
  for (var s = 1u; s < subgroups; s++) { result = result + subgroup_f32[s]; }
  return result;
}

fn subgroup_max_f32(value: f32, subgroup: u32, subgroups: u32) -> f32 {
  // subgroupMax may lose a NaN.
  let own = select(subgroupMax(value), nan(), subgroupAny(is_nan(value)));
  workgroupBarrier();
  if (subgroupElect()) { subgroup_f32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_f32[0];
  for (var s = 1u; s < subgroups; s++) { result = max_nan(result, subgroup_f32[s]); }
  return result;
}

fn subgroup_min_f32(value: f32, subgroup: u32, subgroups: u32) -> f32 {
  // subgroupMin may lose a NaN.
  let own = select(subgroupMin(value), nan(), subgroupAny(is_nan(value)));
  workgroupBarrier();
  if (subgroupElect()) { subgroup_f32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_f32[0];
  for (var s = 1u; s < subgroups; s++) { result = min_nan(result, subgroup_f32[s]); }
  return result;
}

fn subgroup_prod_f32(value: f32, subgroup: u32, subgroups: u32) -> f32 {
  let own = subgroupMul(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_f32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_f32[0];
  for (var s = 1u; s < subgroups; s++) { result = result * subgroup_f32[s]; }
  return result;
}

fn subgroup_sum_i32(value: i32, subgroup: u32, subgroups: u32) -> i32 {
  let own = subgroupAdd(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_i32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_i32[0];
  for (var s = 1u; s < subgroups; s++) { result = result + subgroup_i32[s]; }
  return result;
}

fn subgroup_max_i32(value: i32, subgroup: u32, subgroups: u32) -> i32 {
  let own = subgroupMax(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_i32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_i32[0];
  for (var s = 1u; s < subgroups; s++) { result = max(result, subgroup_i32[s]); }
  return result;
}

fn subgroup_min_i32(value: i32, subgroup: u32, subgroups: u32) -> i32 {
  let own = subgroupMin(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_i32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_i32[0];
  for (var s = 1u; s < subgroups; s++) { result = min(result, subgroup_i32[s]); }
  return result;
}

fn subgroup_prod_i32(value: i32, subgroup: u32, subgroups: u32) -> i32 {
  let own = subgroupMul(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_i32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_i32[0];
  for (var s = 1u; s < subgroups; s++) { result = result * subgroup_i32[s]; }
  return result;
}

fn subgroup_sum_u32(value: u32, subgroup: u32, subgroups: u32) -> u32 {
  let own = subgroupAdd(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_u32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_u32[0];
  for (var s = 1u; s < subgroups; s++) { result = result + subgroup_u32[s]; }
  return result;
}

fn subgroup_max_u32(value: u32, subgroup: u32, subgroups: u32) -> u32 {
  let own = subgroupMax(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_u32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_u32[0];
  for (var s = 1u; s < subgroups; s++) { result = max(result, subgroup_u32[s]); }
  return result;
}

fn subgroup_min_u32(value: u32, subgroup: u32, subgroups: u32) -> u32 {
  let own = subgroupMin(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_u32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_u32[0];
  for (var s = 1u; s < subgroups; s++) { result = min(result, subgroup_u32[s]); }
  return result;
}

fn subgroup_prod_u32(value: u32, subgroup: u32, subgroups: u32) -> u32 {
  let own = subgroupMul(value);
  workgroupBarrier();
  if (subgroupElect()) { subgroup_u32[subgroup] = own; }
  workgroupBarrier();
  var result = subgroup_u32[0];
  for (var s = 1u; s < subgroups; s++) { result = result * subgroup_u32[s]; }
  return result;
}
