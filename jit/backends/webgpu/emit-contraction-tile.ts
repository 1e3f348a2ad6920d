/**
 * A contraction with sums in registers and operands straight from buffers. The innermost depth axis is unrolled by four (or wholly, if it is
 * short), so that a left-hand side that is contiguous along it loads as vectors. With `ks` > 1 that many invocations share
 * one tile: each takes every ks-th group of the innermost axis, and they add up in workgroup memory.
 */
import { type Expr, type Load, type Var, add, asInt, floordiv, floormod, int, mul, sub, variable } from '../../expr/expr.ts';
import { affine } from '../../expr/index-algebra.ts';
import { collect, isLoad } from '../../expr/visit.ts';
import { type ContractionBody, type Kernel, offsetOf } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import {
  type Tile, accumulate, at, declareSums, gridOf, makeTile, operandText, place, rhsVector, storeTile, sumType, tileOf, vectorType,
} from './contraction-tile.ts';
import { type Emitter, isFolded } from './module.ts';
import { perWord } from './storage.ts';
import type { Writer } from './writer.ts';

/** An innermost axis of at most this many steps is written out. */
const mostWritten = 8;

export const emitTiles = (kernel: Kernel, body: ContractionBody, schedule: Schedule, workgroup: number): Emitter => (writer) => {
  const { wx = 8, ks = 1 } = schedule;
  const { tm, tn } = tileOf(schedule);
  const wy = workgroup / (wx * ks);
  const tile = makeTile(body, tm, tn);
  const grid = gridOf(body, tile, wy, wx);
  // Neighbouring invocations read neighbours: columns, or where the right side is contiguous along depth, slices of the sum.
  const deep = ks > 1 && contiguousInDepth(kernel, body);
  const slice = ks === 1 ? undefined : writer.name('slice');
  const thread = ks === 1 ? 'lid' : writer.name('thread');
  if (slice !== undefined) {
    writer.line(`let ${slice} = lid ${deep ? '%' : '/'} ${deep ? ks : wx * wy};`);
    writer.line(`let ${thread} = lid ${deep ? '/' : '%'} ${deep ? ks : wx * wy};`);
  }
  place(writer, body, tile, grid, { rows: wy, cols: wx, tx: `${thread} % ${wx}`, ty: wy === 1 ? '0' : `${thread} / ${wx}` });
  const sums = declareSums(writer, body, tile);
  const step = (depth: ReadonlyMap<Expr, Expr>): void => { multiply(writer, kernel, body, tile, sums, depth); };
  loops(writer, body.depth, { ks, slice, unroll: unrolled(kernel, body) }, step);
  if (slice !== undefined) join(writer, body, tile, sums, { workgroup, ks, slice, part: (s) => (deep ? `${thread} * ${ks} + ${s}` : `${s} * ${wx * wy} + ${thread}`) });
  const whole = divisible(tile, wx, wy);
  storeTile(writer, kernel, body, tile, sums, whole && !isFolded(grid.groups), slice === undefined ? undefined : `${slice} == 0`);
  return { workgroup, groups: grid.groups };
};

/** How far an operand's address moves with the innermost depth axis. Undefined for what is packed more narrowly: two 4-bit weights in a byte. */
function strideInDepth(kernel: Kernel, body: ContractionBody, l: Load): Expr | undefined {
  const inner = body.depth[body.depth.length - 1];
  const arg = kernel.args[l.tensor];
  if (inner === undefined || arg === undefined) return int(0);
  const form = affine(offsetOf(arg, l.index), [inner]);
  return form === undefined ? undefined : form.coefs[0] ?? int(0);
}

/** Is a step along the innermost depth axis a step to the next element of the right-hand side? */
function contiguousInDepth(kernel: Kernel, body: ContractionBody): boolean {
  const found = collect([body.rhs], isLoad)[0];
  return found !== undefined && asInt(strideInDepth(kernel, body, found) ?? int(1)) === 1;
}

/** Steps that are written out together: a vector, or a word of packed elements. */
const unrolled = (kernel: Kernel, body: ContractionBody): number =>
  (collect([body.lhs, body.rhs], isLoad).some((l) => perWord(l.dtype) > 1 && strideInDepth(kernel, body, l) === undefined) ? 8 : 4);

/** Do workgroups cover the output exactly? */
function divisible(tile: Tile, wx: number, wy: number): boolean {
  const rows = asInt(floormod(tile.m, tile.tm * wy));
  const cols = asInt(floormod(tile.n, tile.width * tile.vectors * wx));
  return rows === 0 && cols === 0;
}

/** One step of the sum for the whole tile. */
export function multiply(
  writer: Writer, kernel: Kernel, body: ContractionBody, tile: Tile, sums: (row: number, vector: number) => string, depth: ReadonlyMap<Expr, Expr>,
): void {
  // Once per step, whatever it costs: of bytes, taking operands apart for each sum made half of a kernel's text and of its compilation.
  const named = (prefix: string, text: string): string => {
    if (/^\w+(\.[xyzw])?$/.test(text)) return text;
    const name = writer.name(prefix);
    writer.line(`let ${name} = ${text};`);
    return name;
  };
  const right = Array.from({ length: tile.vectors }, (_, v) => named('b', rhsVector(writer, body, tile, v, depth)));
  for (let i = 0; i < tile.tm; i++) {
    const text = operandText(writer, at(body, tile, { row: i, depth })(body.lhs));
    const left = right.length > 1 ? named('a', text) : text;
    right.forEach((b, v) => { writer.line(accumulate(kernel, sumType(body), tile.width, sums(i, v), left, b)); });
  }
}

/** The loop nest over depth; `step` is written for each step of the innermost group. */
function loops(
  writer: Writer, depth: readonly Var[], { ks, slice, unroll }: { ks: number; slice: string | undefined; unroll: number },
  step: (depth: ReadonlyMap<Expr, Expr>) => void,
): void {
  const nest = (d: number, by: ReadonlyMap<Expr, Expr>): void => {
    const axis = depth[d];
    if (axis === undefined) { step(by); return; }
    if (d < depth.length - 1) {
      counted(writer, axis, { from: '0', by: 1 }, () => { nest(d + 1, by); });
      return;
    }
    const size = asInt(axis.extent);
    if (slice === undefined && size !== undefined && size <= mostWritten) {
      for (let k = 0; k < size; k++) writer.section(() => { step(new Map([...by, [axis, int(k)]])); });
      return;
    }
    const group = variable('kq', floordiv(axis.extent, unroll));
    counted(writer, group, { from: slice ?? '0', by: ks }, () => {
      for (let u = 0; u < unroll; u++) step(new Map([...by, [axis, add(mul(group, unroll), u)]]));
    });
    const rest = floormod(axis.extent, unroll);
    const left = asInt(rest);
    if (left === 0) return;
    // What is left over belongs to the first slice.
    const one = variable('kr', rest);
    const tail = (): void => {
      if (left !== undefined) {
        for (let k = 0; k < left; k++) step(new Map([...by, [axis, add(sub(axis.extent, rest), k)]]));
        return;
      }
      counted(writer, one, { from: '0', by: 1 }, () => { step(new Map([...by, [axis, add(sub(axis.extent, rest), one)]])); });
    };
    if (slice === undefined) tail();
    else writer.block(`if (${slice} == 0)`, 'conditional', tail);
  };
  nest(0, new Map());
}

function counted(writer: Writer, axis: Var, { from, by }: { from: string; by: number }, body: () => void): void {
  const name = writer.name('i');
  const end = writer.value(axis.extent);
  writer.block(`for (var ${name} = ${from}; ${name} < ${end}; ${name} += ${by})`, 'loop', () => {
    writer.bind(axis, name);
    body();
  });
}

/** Adds the sums of the slices in workgroup memory, one vector at a time, into slice 0. */
function join(
  writer: Writer, body: ContractionBody, tile: Tile, sums: (row: number, vector: number) => string,
  { workgroup, ks, slice, part }: { workgroup: number; ks: number; slice: string; part: (s: string) => string },
): void {
  writer.globals.push(`var<workgroup> slices: array<${vectorType(sumType(body), tile.width)}, ${workgroup}>;`);
  for (let i = 0; i < tile.tm; i++) {
    for (let v = 0; v < tile.vectors; v++) {
      const acc = sums(i, v);
      if (i + v > 0) writer.line('workgroupBarrier();');
      writer.line(`slices[${part(slice)}] = ${acc};`);
      writer.line('workgroupBarrier();');
      writer.block(`if (${slice} == 0)`, 'conditional', () => {
        writer.block(`for (var s = 1; s < ${ks}; s++)`, 'loop', () => { writer.line(`${acc} = ${acc} + slices[${part('s')}];`); });
      });
    }
  }
}
