/**
 * The innermost loop of a contraction: a run of depth steps over a tile of accumulators. Input: where each row of lhs and each panel of
 * rhs is read (pointers in locals, what is constant folded into the `offset=` of the load) and how far a step goes. Output:
 * code that leaves the pointers behind the last step. Each accumulator takes its products in the order of depth, one at a time, so
 * the bits do not depend on tile, unrolling or who computes which tile.
 */
import { invariant } from '../../error.ts';
import type { FunctionBuilder, Local } from './function-builder.ts';

/** A place in memory: what `pointer` holds plus `offset` bytes. */
export interface Place {
  readonly pointer: Local;
  readonly offset: number;
}

/** Bytes from one depth step to the next: known, or in a local (of the stream, or of each pointer). */
export type Step = number | Local | readonly Local[];

/** One operand along depth: a place for each row of the tile, or for each vector of columns. */
export interface Stream {
  readonly places: readonly Place[];
  /** The distinct pointers of `places`, which a step moves. */
  readonly pointers: readonly Local[];
  readonly step: Step;
  /** Bytes from the pointers to each step of a run that is one round, where its steps are not evenly spaced; pointers then stand still. */
  readonly taps?: readonly number[];
}

/** How a product is added: rounded once, rounded twice, or of pairs of 16-bit integers. */
export type MulAdd = 'fma' | 'mul+add' | 'dot';

export const roundedBy = (fma: boolean): MulAdd => (fma ? 'fma' : 'mul+add');

export interface Tile {
  /** acc[row][vector] of 4 lanes. */
  readonly acc: readonly (readonly Local[])[];
  readonly by: MulAdd;
}

export const streamOf = (places: readonly Place[], step: Step): Stream =>
  ({ places, pointers: [...new Set(places.map((p) => p.pointer))], step });

/** How many steps: known, or in a local (which the loop leaves unchanged). */
export type Count = number | Local;

/** Emits `count` steps, `unroll` of them per iteration. */
export function emitSteps(f: FunctionBuilder, tile: Tile, lhs: Stream, rhs: Stream, count: Count, unroll: number): void {
  if (typeof count === 'number') {
    const rounds = Math.floor(count / unroll);
    if (rounds > 0) counted(f, rounds, () => { emitRound(f, tile, lhs, rhs, unroll); });
    if (count % unroll > 0) emitRound(f, tile, lhs, rhs, count % unroll);
    return;
  }
  const left = f.local('i32', 'left');
  if (unroll > 1) {
    invariant((unroll & (unroll - 1)) === 0, 'unrolling of a loop of unknown length is a power of two', { got: String(unroll) });
    f.get(count);
    f.i32(Math.log2(unroll));
    f.op('i32.shr_u');
    f.set(left);
    whileLeft(f, left, () => { emitRound(f, tile, lhs, rhs, unroll); });
    f.get(count);
    f.i32(unroll - 1);
    f.op('i32.and');
    f.set(left);
  } else {
    f.get(count);
    f.set(left);
  }
  whileLeft(f, left, () => { emitRound(f, tile, lhs, rhs, 1); });
}

/** A loop of a known number of rounds; one round needs no loop. */
export function counted(f: FunctionBuilder, rounds: number, body: () => void): void {
  if (rounds === 1) { body(); return; }
  const left = f.local('i32', 'left');
  f.i32(rounds);
  f.set(left);
  downward(f, left, body);
}

/** Runs `body` as often as `left` says, possibly never. */
export function whileLeft(f: FunctionBuilder, left: Local, body: () => void): void {
  f.get(left);
  f.if(() => { downward(f, left, body); });
}

function downward(f: FunctionBuilder, left: Local, body: () => void): void {
  f.loop((again) => {
    body();
    f.get(left);
    f.i32(1);
    f.op('i32.sub');
    f.tee(left);
    f.brIf(again);
  });
}

function emitRound(f: FunctionBuilder, tile: Tile, lhs: Stream, rhs: Stream, steps: number): void {
  for (let u = 0; u < steps; u++) {
    emitStep(f, tile, lhs, rhs, u);
    if (lhs.taps !== undefined) continue;
    if (typeof lhs.step !== 'number') move(f, lhs, 1);
    if (typeof rhs.step !== 'number') move(f, rhs, 1);
  }
  if (lhs.taps !== undefined) return;
  if (typeof lhs.step === 'number') move(f, lhs, steps);
  if (typeof rhs.step === 'number') move(f, rhs, steps);
}

/**
 * One step: each vector of rhs and each scalar of lhs is loaded once. The side that is fewer waits in locals, the other is loaded as it
 * is used: of 16 registers V8 gives out 15, and a 1x32 tile that loads all of rhs first spills (17 GFLOP/s instead of 47).
 */
function emitStep(f: FunctionBuilder, { acc, by }: Tile, lhs: Stream, rhs: Stream, u: number): void {
  const loaded = (s: Stream, i: number, name: string): Local => {
    const place = s.places[i];
    invariant(place !== undefined, 'an operand of the tile has no place');
    const offset = place.offset + (s.taps?.[u] ?? (typeof s.step === 'number' ? u * s.step : 0));
    const local = scratch(f, name);
    f.get(place.pointer);
    if (s === lhs) f.mem('v128.load32_splat', { offset });
    else f.mem('v128.load', { offset, align: 4 });
    f.set(local);
    return local;
  };
  const vectors = acc[0]?.length ?? 0;
  const sum = (r: number, v: number): Local => {
    const local = acc[r]?.[v];
    invariant(local !== undefined, 'a tile has a hole');
    return local;
  };
  if (acc.length < vectors) {
    const a = acc.map((_, r) => loaded(lhs, r, `x${r}`));
    for (let v = 0; v < vectors; v++) {
      const b = loaded(rhs, v, 'y');
      a.forEach((scalar, r) => { emitMulAdd(f, by, scalar, b, sum(r, v)); });
    }
  } else {
    const b = Array.from({ length: vectors }, (_, v) => loaded(rhs, v, `y${v}`));
    acc.forEach((_, r) => {
      const a = loaded(lhs, r, 'x');
      b.forEach((vector, v) => { emitMulAdd(f, by, a, vector, sum(r, v)); });
    });
  }
}

/** sum += a * b. */
export function emitMulAdd(f: FunctionBuilder, by: MulAdd, a: Local, b: Local, sum: Local): void {
  f.get(a);
  f.get(b);
  if (by === 'fma') {
    f.get(sum);
    f.op('f32x4.relaxed_madd');
  } else {
    f.op(by === 'dot' ? 'i32x4.dot_i16x8_s' : 'f32x4.mul');
    f.get(sum);
    f.op(by === 'dot' ? 'i32x4.add' : 'f32x4.add');
  }
  f.set(sum);
}

function move(f: FunctionBuilder, stream: Stream, steps: number): void {
  const { step } = stream;
  stream.pointers.forEach((pointer, i) => {
    f.get(pointer);
    if (typeof step === 'number') {
      if (step * steps === 0) { f.op('drop'); return; }
      f.i32(step * steps);
    } else {
      const own = 'index' in step ? step : step[i];
      invariant(own !== undefined, 'a pointer has no step');
      f.get(own);
    }
    f.op('i32.add');
    f.set(pointer);
  });
}

/** A v128 local for a value that lives within one step: reused by every step of the function. */
export function scratch(f: FunctionBuilder, name: string): Local {
  return f.locals.find((l) => l.name === name && l.type === 'v128') ?? f.local('v128', name);
}
