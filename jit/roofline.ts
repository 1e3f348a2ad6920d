/**
 * Lower bounds of a kernel's time from the work that no schedule can avoid: arithmetic at the device's peak, and every argument moved
 * once. Input: a kernel, dims, a device profile. Output: counts and nanoseconds. They rank what to tune first, stop a search that has
 * nothing left to win, and tell reports how far from the roof a kernel runs (Williams, Waterman and Patterson, "Roofline", CACM 2009).
 */
import { dimsOf, extentOf } from './backends/reference/points.ts';
import type { DeviceProfile } from './device.ts';
import { bytesOf } from './expr/dtype.ts';
import type { Expr, Load, Var } from './expr/expr.ts';
import { collect, evaluate, isLoad, isVar, walk } from './expr/visit.ts';
import { type Kernel, type Stmt, loadsOf, pointAxes } from './kernel.ts';

export interface Work {
  /** Arithmetic operations; a multiply-add counts twice, an elementary function once. */
  readonly flops: number;
  /** Bytes read and written if each element that is touched moves once. */
  readonly bytes: number;
}

type Env = ReadonlyMap<Expr, number>;

export function workOf(kernel: Kernel, dims: readonly number[]): Work {
  const env = dimsOf(kernel, dims);
  return { flops: flopsOf(kernel, env), bytes: bytesMoved(kernel, env) };
}

/** Nanoseconds that no schedule can beat; 0 where the device's peaks are unknown. */
export function lowerBound(kernel: Kernel, dims: readonly number[], profile: DeviceProfile): number {
  const { flops, bytes } = workOf(kernel, dims);
  const cores = profile.kind === 'wasm' ? profile.threads : 1;
  const compute = profile.peakFlops > 0 ? flops / (2 * profile.peakFlops * cores * packing(kernel)) : 0;
  // What fits in a cache moves faster than memory: some 4 times (105 GB/s from L2 against 28 GB/s on the reference machine).
  const moved = profile.peakBytes > 0 ? bytes / (profile.peakBytes * (bytes < 2 ** 20 ? 4 : 1)) : 0;
  return Math.max(compute, moved) * 1e9;
}

/** Narrow integers have instructions with several products each: 4 per 32-bit lane in a dot product of bytes. */
function packing(kernel: Kernel): number {
  const { body } = kernel;
  if (body.kind !== 'contraction') return 1;
  return body.lhs.dtype === 'float32' && collect([body.lhs, body.rhs], isLoad).every((l) => l.dtype === 'float32') ? 1 : 4;
}

/** Arithmetic of one evaluation: operations on values, not on indices. */
function operations(roots: readonly Expr[]): number {
  let total = 0;
  walk(roots, (e) => {
    if (e.dtype === 'index' || e.dtype === 'bool') return;
    if (e.op === 'muladd') total += 2;
    else if (e.op === 'unary' || e.op === 'binary') total += 1;
  });
  return total;
}

const size = (axes: readonly Var[], env: Env): number => axes.reduce((n, v) => n * evaluate(v.extent, env), 1);

function flopsOf(kernel: Kernel, env: Env): number {
  const { body } = kernel;
  switch (body.kind) {
    case 'map': return size(body.axes, env) * operations([body.store.value]);
    case 'rows': {
      const row = size(body.inner, env);
      const scans = body.scans.reduce((n, s) => n + operations([s.value]) + 1, 0) * row;
      return size(body.axes, env) * (scans + operations([body.store.value]) * (body.each ? row : 1));
    }
    case 'contraction': {
      const points = size([...body.batch, ...body.rows, ...body.cols], env);
      return points * (2 * size(body.depth, env) + operations([body.store.value]));
    }
    case 'loop': return size(body.axes, env) * inBlock(body.body, env);
    default: return body satisfies never;
  }
}

/** A while counts as one turn and an if as nothing: a lower bound. Extents that depend on loop variables count as 0 turns. */
function inBlock(stmts: readonly Stmt[], env: Env): number {
  return stmts.reduce((total, s) => {
    switch (s.do) {
      case 'let': case 'set': return total + operations([s.value]);
      case 'store': return total + operations([s.store.value]);
      case 'for': return total + turns(s.axis, env) * inBlock(s.body, env);
      case 'while': return total + inBlock(s.body, env);
      case 'if': return total;
      default: return s satisfies never;
    }
  }, 0);
}

function turns(axis: Var, env: Env): number {
  const inner = collect([axis.extent], (e): e is Expr => e.op === 'var' || e.op === 'ref' || e.op === 'load');
  return inner.length > 0 ? 0 : evaluate(axis.extent, env);
}

/** Steps that a point of a kernel takes: what the reference pays for it. */
export function stepsPerPoint(kernel: Kernel, dims: readonly number[]): number {
  const { body } = kernel;
  const env = dimsOf(kernel, dims);
  switch (body.kind) {
    case 'map': return 1;
    case 'rows': return size(body.inner, env) * (body.scans.length + 1);
    case 'contraction': return size(body.depth, env);
    case 'loop': return 1 + steps(body.body, env);
    default: return body satisfies never;
  }
}

function steps(stmts: readonly Stmt[], env: Env): number {
  return stmts.reduce((total, s) => {
    switch (s.do) {
      case 'let': case 'set': case 'store': return total + 1;
      case 'for': return total + (turns(s.axis, env) || 16) * steps(s.body, env);
      // Searches halve, insertions shift: a few turns stand for either.
      case 'while': return total + 16 * steps(s.body, env);
      case 'if': return total + steps(s.then, env) + steps(s.else, env);
      default: return s satisfies never;
    }
  }, 0);
}

/** Each argument once, and no more of it than is accessed: a gather of 3 rows does not read the whole table. */
function bytesMoved(kernel: Kernel, env: Env): number {
  const { body } = kernel;
  // As many elements as the axes in its index have points: a tile of an attention reads no more than its part of the queries.
  const elements = (l: Load): number => (body.kind === 'loop' ? Infinity : size(collect(l.index, isVar), env));
  const results = body.kind === 'loop' ? Infinity : size(pointAxes(body), env);
  const loads = loadsOf(body);
  return kernel.args.reduce((total, arg, slot) => {
    const whole = extentOf(arg.shape.map((d) => evaluate(d, env)), arg.strides.map((d) => evaluate(d, env)));
    const reads = loads.filter((l) => l.tensor === slot);
    const read = arg.access === 'write' ? 0 : Math.min(whole, reads.reduce((n, l) => n + elements(l), 0));
    const written = arg.access === 'read' ? 0 : Math.min(whole, results);
    return total + (read + written) * bytesOf(arg.dtype);
  }, 0);
}
