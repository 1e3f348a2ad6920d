/**
 * Depthwise convolutions whose channels are neighbours in memory: lanes run over channels, a tile holds a few neighbouring positions, all
 * taps are unrolled, and a loop goes over the channels. Input: the analysed contraction (no columns) and a schedule. Output: a module
 * whose units are tiles of positions. A tile that lies inside reads through few pointers with known distances; at the border each
 * column of the window has a pointer of its own, to the zero page where the guard says so, found once for all channels.
 */
import { type Contraction, ceilDiv } from '../../contraction.ts';
import { invariant } from '../../error.ts';
import { bytesOf } from '../../expr/dtype.ts';
import { type Expr, type Var, add, asInt, floordiv, floormod, int, min, mul, product, ref, sub, truth, variable } from '../../expr/expr.ts';
import { stepAlong } from '../../expr/index-algebra.ts';
import type { ContractionBody, Kernel } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import { KernelModule, type Scene } from './contraction-frame.ts';
import { type Place, emitMulAdd, roundedBy, scratch } from './contraction-loop.ts';
import { addPoint, coordinates, unitRange } from './contraction-nest.ts';
import { storeVector } from './contraction-store.ts';
import { Pointers, type RowPlaces, guardTest, insideTest, offsetsAt, setPointers } from './contraction-tile.ts';
import { type WasmCode, finishCode } from './emitter.ts';
import type { FuncRef, Local } from './function-builder.ts';
import { prepare } from './prepare.ts';
import type { Scope } from './scope.ts';
import { Vector } from './vector.ts';
import { zeroBytes, zeroPage } from './zero-page.ts';

/** More taps are not unrolled. */
const mostTaps = 64;

export interface Depthwise {
  readonly c: Contraction;
  readonly lane: Var;
  readonly channels: number;
  /** The row axis along which a tile reaches. */
  readonly along: Var;
  /** The other axes of points, outermost first. */
  readonly outer: readonly Var[];
  /** What depth axes are at each tap, in the order of summation. */
  readonly taps: readonly ReadonlyMap<Expr, Expr>[];
}

/** The form that this emitter understands, or why a contraction without columns has it not. */
export function depthwiseOf(c: Contraction): Depthwise | { readonly why: string } {
  if (c.dtype !== 'float32' || c.lhs.dtype !== 'float32' || c.rhs.dtype !== 'float32') return { why: `sums of ${c.dtype} are not tiled` };
  if (bytesOf(c.out.dtype) === 8) return { why: `${c.out.dtype} has no lanes to store` };
  const lane = c.batch.find((v) => [c.lhs.offset, c.rhs.offset, c.out.offset].every((e) => stepAlong(e, v) === 1));
  if (lane === undefined) return { why: 'no batch axis has step 1 in both operands and the result' };
  const channels = asInt(lane.extent);
  if (channels === undefined || channels * 4 > zeroBytes) return { why: 'channels are not known, or too many for the zero page' };
  const extents = c.depth.map((v) => asInt(v.extent));
  const count = extents.reduce<number>((n, e) => n * (e ?? Infinity), 1);
  if (count > mostTaps) return { why: `more than ${mostTaps} taps` };
  const along = c.rows[c.rows.length - 1];
  invariant(along !== undefined, 'a contraction without row axes');
  const taps = Array.from({ length: count }, (_, t) => coordinates(c.depth, int(t)));
  return { c, lane, channels, along, outer: [...c.batch.filter((v) => v !== lane), ...c.rows.slice(0, -1)], taps };
}

interface Making {
  readonly d: Depthwise;
  readonly body: ContractionBody;
  readonly fma: boolean;
  /** Keep what neighbouring taps share in locals. */
  readonly reuse: boolean;
  readonly vectors: number;
  readonly point?: FuncRef;
}

export function emitDepthwise(kernel: Kernel, d: Depthwise, schedule: Schedule): WasmCode {
  const ready = prepare<ContractionBody>(kernel, d.c.body);
  const module = new KernelModule(kernel, ready.roots, ready.written);
  const length = asInt(d.along.extent);
  const { vectors = 1, reuse = 0 } = schedule;
  const rows = Math.min(schedule['rows'] ?? 1, length ?? Infinity);
  const making: Making = {
    d, body: ready.body, fma: kernel.numeric.fma, reuse: reuse === 1, vectors: Math.max(1, Math.min(vectors, Math.floor(d.channels / 4))),
    ...(d.channels % 4 === 0 ? {} : { point: addPoint(module, ready.body) }),
  };
  const whole = addTile(module, making, rows);
  // Where the length is not known: what is left over, one by one. Where it is, the last tile ends with it, and computes some positions again.
  const single = length !== undefined ? undefined : rows === 1 ? whole : addTile(module, making, 1);
  const blocks = ceilDiv(d.along.extent, rows);
  const units = mul(product(d.outer.map((v) => v.extent)), blocks);
  const [begin, end] = unitRange(units);
  module.func('run', [begin, end], (scene) => {
    const { f, scalar, root, params } = scene;
    const unit = variable('unit', units);
    scalar.loop(root, unit, (turn) => {
      const where = coordinates(d.outer, floordiv(unit, blocks));
      const start = mul(floormod(unit, blocks), rows);
      const first = length === undefined || length % rows === 0 ? start : min(start, int(length - rows));
      const x = f.local('i32', d.along.name);
      const call = (tile: FuncRef, scope: Scope): void => {
        f.get(params);
        for (const v of d.outer) scalar.push(where.get(v) ?? v, scope);
        f.get(x);
        f.call(tile);
      };
      scalar.push(first, turn);
      f.set(x);
      if (single === undefined) { call(whole, turn); return; }
      f.get(x);
      scalar.push(sub(d.along.extent, rows), turn);
      f.op('i32.le_s');
      f.if(() => { call(whole, scalar.branch(turn)); }, () => {
        f.loop((again) => {
          call(single, scalar.branch(turn));
          f.get(x);
          f.i32(1);
          f.op('i32.add');
          f.tee(x);
          scalar.push(d.along.extent, scalar.branch(turn));
          f.op('i32.lt_s');
          f.brIf(again);
        });
      });
    }, { from: begin, to: end });
  }, { exported: true });
  return finishCode(kernel, schedule, module.built, units, Math.max(1, Math.round(5e5 / (2 * rows * d.channels * d.taps.length))));
}

function addTile(module: KernelModule, making: Making, rows: number): FuncRef {
  const { d } = making;
  const { c, along } = d;
  const first = variable(`${along.name}0`, along.extent);
  return module.func(`tile${rows}`, [...d.outer, first], (scene) => {
    const { f, scalar, root } = scene;
    const places: RowPlaces = Array.from({ length: rows }, (_, r) => new Map<Expr, Expr>([[along, add(first, r)]]));
    const arm = (guarded: boolean): void => { emitChannels(scene, making, places, guarded, scalar.branch(root)); };
    // Of two tiles in a row each has a border.
    const border = (asInt(along.extent) ?? Infinity) <= 2 * rows;
    const inside = c.lhs.guard === undefined || border ? undefined : insideTest(c.lhs, places, c.depth);
    if (c.lhs.guard === undefined) arm(false);
    else if (inside === undefined) arm(true);
    else {
      scalar.push(inside, root);
      f.if(() => { arm(false); }, () => { arm(true); });
    }
    if (making.point !== undefined) emitLastChannels(scene, making, making.point, places);
  });
}

/** Loops over whole vectors of channels: as many at once as the schedule says, then the rest. */
function emitChannels(scene: Scene, making: Making, places: RowPlaces, guarded: boolean, scope: Scope): void {
  const { d, vectors } = making;
  const { f, scalar } = scene;
  const reads = window(scene, making, places, guarded, scope);
  const wide = Math.floor(d.channels / (4 * vectors)) * 4 * vectors;
  const all = Math.floor(d.channels / 4) * 4;
  for (const [from, to, count] of [[0, wide, vectors], [wide, all, 1]] as const) {
    if (from === to) continue;
    scalar.loop(scope, d.lane, (turn) => {
      emitTurn(scene, making, places, reads, count, turn);
      for (const pointer of reads.pointers) {
        f.get(pointer);
        f.i32(16 * count);
        f.op('i32.add');
        f.set(pointer);
      }
    }, { from: int(from), to: int(to), step: 4 * count });
  }
}

interface Window {
  /** [tap][position] of lhs, and [tap] of rhs, at the first channel. */
  readonly lhs: readonly (readonly Place[])[];
  readonly rhs: readonly Place[];
  readonly pointers: readonly Local[];
}

function window(scene: Scene, { d }: Making, places: RowPlaces, guarded: boolean, scope: Scope): Window {
  const { f, scalar } = scene;
  const { c, lane, taps } = d;
  const pointers = new Pointers(f, guarded ? 'border_' : '');
  const axes = [...c.depth, d.along, lane];
  const start = [lane, int(0)] as const;
  const rhs = setPointers(scene, c.rhs.slot, offsetsAt(c.rhs.offset, axes, taps.map((tap) => new Map([...tap, start]))), 'w', scope, pointers);
  const points = taps.map((tap) => places.map((place) => new Map([...tap, ...place, start])));
  const near = setPointers(scene, c.lhs.slot, offsetsAt(c.lhs.offset, axes, points.flat()), guarded ? 'near' : 'a', scope, pointers);
  const lhs = points.map((row, t) => row.map((_, r) => {
    const place = near[t * places.length + r];
    invariant(place !== undefined, 'a tap has no place');
    return place;
  }));
  if (guarded) {
    const guardAt = guardTest(c.lhs, axes);
    const guards = points.map((row) => row.map(guardAt));
    // Rows and columns of the window are tested once each: half the code of a border.
    scalar.prepare(guards.flat());
    const known = new Map<string, Place>();
    lhs.forEach((row, t) => row.forEach(({ pointer: from, offset }, r) => {
      const guard = guards[t]?.[r] ?? truth(true);
      const key = `${from.index}+${offset},${guard.id}`;
      let made = known.get(key);
      if (made === undefined) {
        const pointer = pointers.get(`a${known.size}`);
        f.get(from);
        f.i32(offset);
        f.op('i32.add');
        f.i32(zeroPage);
        scalar.push(guard, scope);
        f.op('select');
        f.set(pointer);
        made = { pointer, offset: 0 };
        known.set(key, made);
      }
      row[r] = made;
    }));
  }
  return { lhs, rhs, pointers: [...new Set([...lhs.flat(), ...rhs].map((p) => p.pointer))] };
}

/** One turn of the channel loop: `count` vectors of channels at every position of the tile. */
function emitTurn(scene: Scene, making: Making, places: RowPlaces, { lhs, rhs }: Window, count: number, scope: Scope): void {
  const { f, scalar, kernel } = scene;
  const { d, body, fma, reuse } = making;
  const sums = places.map((_, r) => Array.from({ length: count }, (_unused, v) => scratch(f, `acc${r}_${v}`)));
  for (const sum of sums.flat()) {
    f.v128(new Uint8Array(16));
    f.set(sum);
  }
  const held = new Map<string, Local>();
  const load = ({ pointer, offset }: Place, v: number, name: string, keep: boolean): Local => {
    const key = `${pointer.index}+${offset + 16 * v}`;
    const found = keep ? held.get(key) : undefined;
    if (found !== undefined) return found;
    const to = scratch(f, keep ? `held${held.size}` : name);
    if (keep) held.set(key, to);
    f.get(pointer);
    f.mem('v128.load', { offset: offset + 16 * v, align: 4 });
    f.set(to);
    return to;
  };
  lhs.forEach((row, t) => {
    for (let v = 0; v < count; v++) {
      const weight = rhs[t];
      invariant(weight !== undefined, 'a tap has no weight');
      const w = load(weight, v, 'weight', false);
      row.forEach((place, r) => {
        const sum = sums[r]?.[v];
        invariant(sum !== undefined, 'a tile has a hole');
        emitMulAdd(f, roundedBy(fma), load(place, v, 'input', reuse), w, sum);
      });
    }
  });
  const [offset] = body.store.index;
  invariant(offset !== undefined, 'a store without an index');
  storeVector(
    new Vector(scalar, d.lane, kernel.args, fma),
    { slot: body.store.tensor, dtype: d.c.out.dtype, offset, value: body.store.value, acc: ref('acc', 'float32'), along: d.lane },
    scope, sums.flatMap((row, r) => row.map((sum, v) => ({ row: places[r] ?? new Map<Expr, Expr>(), column: add(d.lane, 4 * v), sum, name: `sum${r}_${v}` }))),
  );
}

/** Channels that fill no vector, one by one. */
function emitLastChannels({ f, scalar, root, params }: Scene, { d, body }: Making, point: FuncRef, places: RowPlaces): void {
  for (let channel = d.channels - (d.channels % 4); channel < d.channels; channel++) {
    for (const place of places) {
      f.get(params);
      for (const v of [...body.batch, ...body.rows]) scalar.push(v === d.lane ? int(channel) : (place.get(v) ?? v), root);
      f.call(point);
    }
  }
}
