/**
 * A contraction that brings both operands through workgroup memory: a workgroup loads a block of the left-hand side (stored by depth, so
 * that a row tile reads neighbours) and of the right-hand side, waits, multiplies from there, waits. Depth axes are one flat
 * number here, so convolutions work too; beyond the end of the sum the left block holds zeros.
 */
import { type Expr, add, asInt, mul, variable } from '../../expr/expr.ts';
import { rewriter } from '../../expr/visit.ts';
import type { ContractionBody, Kernel } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import { accumulate, declareSums, gridOf, makeTile, operandText, place, sharedDepth, storeTile, sumType, tileOf, vectorType } from './contraction-tile.ts';
import { type Emitter, isFolded } from './module.ts';
import { ceilDiv, divides, extentsOf, unflatten } from './points.ts';
import { type Writer, packed } from './writer.ts';

export const emitShared = (kernel: Kernel, body: ContractionBody, schedule: Schedule, workgroup: number): Emitter => (writer) => {
  const { wx = 8 } = schedule;
  const { tm, tn } = tileOf(schedule);
  const wy = workgroup / wx;
  const tile = makeTile(body, tm, tn);
  const grid = gridOf(body, tile, wy, wx);
  place(writer, body, tile, grid, { rows: wy, cols: wx, tx: `lid % ${wx}`, ty: `lid / ${wx}` });
  const type = sumType(body);
  const [rows, groups, width] = [tm * wy, tile.vectors * wx, tile.width];
  writer.globals.push(`var<workgroup> left: array<${type}, ${sharedDepth * rows}>;`);
  writer.globals.push(`var<workgroup> right: array<${vectorType(type, width)}, ${sharedDepth * groups}>;`);
  const sums = declareSums(writer, body, tile);
  const total = extentsOf(body.depth);
  const block = variable('block', ceilDiv(total, sharedDepth));
  const batch = unflatten(body.batch, tile.batch);
  const first = { row: `${writer.value(tile.rowTile)} - lid / ${wx}`, col: `${writer.value(tile.colGroups[0] ?? tile.rowTile)} - lid % ${wx}` };
  const [row0, col0] = [writer.name('row'), writer.name('col')];
  writer.line(`let ${row0} = (${first.row}) * ${tm};`);
  writer.line(`let ${col0} = ${first.col};`);
  const index = writer.name('block');
  writer.block(`for (var ${index} = 0; ${index} < ${writer.value(block.extent)}; ${index}++)`, 'loop', () => {
    writer.bind(block, index);
    fill(writer, workgroup, (sharedDepth / 4) * rows, (e) => {
      // Four neighbours along depth of one row.
      const [r, kq] = [writer.name('r'), writer.name('kq')];
      writer.line(`let ${r} = ${e} / ${sharedDepth / 4};`);
      writer.line(`let ${kq} = ${e} % ${sharedDepth / 4};`);
      const [m, q] = [variable('m', tile.m), variable('q', sharedDepth / 4)];
      writer.define(m, `${row0} + ${r}`);
      writer.bind(q, kq);
      for (let u = 0; u < 4; u++) {
        const k = add(mul(block, sharedDepth), add(mul(q, 4), u));
        const go = rewriter((x) => all.get(x));
        const all = new Map<Expr, Expr>([...batch, ...unflatten(body.rows, m), ...unflatten(body.depth, k)]);
        const value = operandText(writer, go(body.lhs));
        const zero = type === 'f32' ? '0f' : type === 'u32' ? '0u' : '0';
        const inside = divides(total, sharedDepth) ? value : `select(${zero}, ${value}, ${writer.value(k)} < ${writer.value(total)})`;
        writer.line(`left[(${kq} * 4 + ${u}) * ${rows} + ${r}] = ${inside};`);
      }
    });
    fill(writer, workgroup, sharedDepth * groups, (e) => {
      const [k, c] = [variable('kk', sharedDepth), variable('c', tile.colGroups[0]?.extent ?? tile.n)];
      writer.define(k, `${e} / ${groups}`);
      writer.define(c, `${col0} + ${e} % ${groups}`);
      const depth = unflatten(body.depth, add(mul(block, sharedDepth), k));
      const values = Array.from({ length: width }, (_, lane) => {
        const n = width === 1 ? c : add(mul(c, width), lane);
        const by = new Map<Expr, Expr>([...batch, ...unflatten(body.cols, n), ...depth]);
        return operandText(writer, rewriter((x) => by.get(x))(body.rhs));
      });
      // A product with what lies beyond the end must be 0, which takes a finite right side too.
      const vector = packed(values, type);
      const zero = `${vectorType(type, width)}()`;
      const end = `${writer.value(add(mul(block, sharedDepth), k))} < ${writer.value(total)}`;
      writer.line(`right[${e}] = ${divides(total, sharedDepth) ? vector : `select(${zero}, ${vector}, ${end})`};`);
    });
    writer.line('workgroupBarrier();');
    const k = writer.name('k');
    writer.block(`for (var ${k} = 0; ${k} < ${sharedDepth}; ${k}++)`, 'loop', () => {
      const right = Array.from({ length: tile.vectors }, (_, v) => {
        const name = writer.name('b');
        writer.line(`let ${name} = right[${k} * ${groups} + ${v * wx} + lid % ${wx}];`);
        return name;
      });
      for (let i = 0; i < tm; i++) {
        const a = writer.name('a');
        writer.line(`let ${a} = left[${k} * ${rows} + lid / ${wx} * ${tm} + ${i}];`);
        right.forEach((b, v) => { writer.line(accumulate(kernel, type, width, sums(i, v), a, b)); });
      }
    });
    writer.line('workgroupBarrier();');
  });
  const whole = divides(tile.m, rows) && divides(tile.n, groups * width) && asInt(grid.groups) !== undefined;
  storeTile(writer, kernel, body, tile, sums, whole && !isFolded(grid.groups));
  return { workgroup, groups: grid.groups };
};

/** Numbers 0 to `count` dealt out to the invocations of a workgroup. */
function fill(writer: Writer, workgroup: number, count: number, one: (e: string) => void): void {
  const e = writer.name('e');
  writer.block(`for (var ${e} = lid; ${e} < ${count}; ${e} += ${workgroup})`, 'loop', () => { one(e); });
}
