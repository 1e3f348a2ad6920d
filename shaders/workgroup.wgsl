// Reductions over lanes of a workgroup: `row_lanes` neighbouring invocations (a power of two) share a result, `workgroup_lanes` is the
// size of the workgroup. The emitter sets both constants. Every invocation must call these, in uniform control flow. A tree in workgroup
// memory: log2(row_lanes) steps, and one barrier before, so that a second reduction does not overwrite what a slow lane still reads.

const workgroup_lanes = 64u;
const row_lanes = 16u;
var<workgroup> partial_f32: array<f32, workgroup_lanes>;
var<workgroup> partial_i32: array<i32, workgroup_lanes>;
var<workgroup> partial_u32: array<u32, workgroup_lanes>;

fn lanes_sum_f32(value: f32, lid: u32) -> f32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_f32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_f32[lid] = partial_f32[lid] + partial_f32[lid + half]; }
    workgroupBarrier();
  }
  return partial_f32[lid - lane];
}

fn lanes_max_f32(value: f32, lid: u32) -> f32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_f32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_f32[lid] = max_nan(partial_f32[lid], partial_f32[lid + half]); }
    workgroupBarrier();
  }
  return partial_f32[lid - lane];
}

fn lanes_min_f32(value: f32, lid: u32) -> f32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_f32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_f32[lid] = min_nan(partial_f32[lid], partial_f32[lid + half]); }
    workgroupBarrier();
  }
  return partial_f32[lid - lane];
}

fn lanes_prod_f32(value: f32, lid: u32) -> f32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_f32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_f32[lid] = partial_f32[lid] * partial_f32[lid + half]; }
    workgroupBarrier();
  }
  return partial_f32[lid - lane];
}

fn lanes_sum_i32(value: i32, lid: u32) -> i32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_i32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_i32[lid] = partial_i32[lid] + partial_i32[lid + half]; }
    workgroupBarrier();
  }
  return partial_i32[lid - lane];
}

fn lanes_max_i32(value: i32, lid: u32) -> i32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_i32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_i32[lid] = max(partial_i32[lid], partial_i32[lid + half]); }
    workgroupBarrier();
  }
  return partial_i32[lid - lane];
}

fn lanes_min_i32(value: i32, lid: u32) -> i32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_i32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_i32[lid] = min(partial_i32[lid], partial_i32[lid + half]); }
    workgroupBarrier();
  }
  return partial_i32[lid - lane];
}

fn lanes_prod_i32(value: i32, lid: u32) -> i32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_i32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_i32[lid] = partial_i32[lid] * partial_i32[lid + half]; }
    workgroupBarrier();
  }
  return partial_i32[lid - lane];
}

fn lanes_sum_u32(value: u32, lid: u32) -> u32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_u32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_u32[lid] = partial_u32[lid] + partial_u32[lid + half]; }
    workgroupBarrier();
  }
  return partial_u32[lid - lane];
}

fn lanes_max_u32(value: u32, lid: u32) -> u32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_u32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_u32[lid] = max(partial_u32[lid], partial_u32[lid + half]); }
    workgroupBarrier();
  }
  return partial_u32[lid - lane];
}

fn lanes_min_u32(value: u32, lid: u32) -> u32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_u32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_u32[lid] = min(partial_u32[lid], partial_u32[lid + half]); }
    workgroupBarrier();
  }
  return partial_u32[lid - lane];
}

fn lanes_prod_u32(value: u32, lid: u32) -> u32 {
  let lane = lid & (row_lanes - 1u);
  workgroupBarrier();
  partial_u32[lid] = value;
  workgroupBarrier();
  for (var half = row_lanes >> 1u; half > 0u; half >>= 1u) {
    if (lane < half) { partial_u32[lid] = partial_u32[lid] * partial_u32[lid + half]; }
    workgroupBarrier();
  }
  return partial_u32[lid - lane];
}
