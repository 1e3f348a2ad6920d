/**
 * Contractions as WebAssembly. Input: a kernel and a schedule (space-contraction.ts). Output: a module whose units of work are tiles:
 * for each point of batch, blocks of tile rows; in a block, for each tile column, the tiles of the block from top to bottom, so
 * that a column's panels stay in the first cache while the block's rows stay in the second. What has no form that the tiles understand is
 * a loop nest with one scalar accumulator: slower, with the same bits.
 */
import { type Columns, type Contraction, type Outline, ceilDiv } from '../../contraction.ts';
import { QuernError, invariant } from '../../error.ts';
import { type Expr, type Var, add, asInt, floordiv, floormod, int, min, mul, product, ref, sub, variable } from '../../expr/expr.ts';
import type { ContractionBody, Kernel } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import { emitDepthwise } from './contraction-depthwise.ts';
import { KernelModule, type Scene } from './contraction-frame.ts';
import { addFinish } from './contraction-store.ts';
import { roundedBy } from './contraction-loop.ts';
import { type Gemm, emitTile, rowCount, tileParameters } from './contraction-tile.ts';
import { methodOf } from './contraction-method.ts';
import { emitNest } from './contraction-nest.ts';
import { type Emitter, type WasmCode, finishCode } from './emitter.ts';
import type { FuncRef, Local } from './function-builder.ts';
import { prepare } from './prepare.ts';
import { storedType } from './scalar-ops.ts';
import { contractionSpace } from './space-contraction.ts';

export const contractionEmitter: Emitter = {
  name: 'contraction',
  space: (kernel, profile) => contractionSpace(kernel, profile),
  emit: (kernel, schedule) => emitContraction(kernel, schedule),
};

export function emitContraction(kernel: Kernel, schedule: Schedule): WasmCode {
  const { body } = kernel;
  if (body.kind !== 'contraction') throw new QuernError('internal', 'not a contraction', { got: body.kind });
  if (Object.keys(schedule).length === 0) return emitNest(kernel, body, schedule);
  const method = methodOf(kernel);
  switch (method.by) {
    case 'tiles': return emitGemm(kernel, method.c, schedule, method.c, method.kernel);
    case 'general': return emitGemm(kernel, method.c, schedule, undefined);
    case 'depthwise': return emitDepthwise(kernel, method.d, schedule);
    case 'nest': return emitNest(kernel, body, schedule);
    default: return method satisfies never;
  }
}

const knob = (schedule: Schedule, name: string): number => {
  const value = schedule[name];
  invariant(value !== undefined, `a schedule without ${name}`);
  return value;
};

/** Sizes of a grid of tiles. */
interface Grid {
  /** Rows and panels of a whole tile. */
  readonly rows: number;
  readonly panels: number;
  readonly m: Expr;
  readonly allPanels: Expr;
  /** Tiles from top to bottom, and from left to right. */
  readonly down: Expr;
  readonly across: Expr;
}

function emitGemm(kernel: Kernel, c: Outline, schedule: Schedule, plain: Contraction | undefined, words?: Kernel): WasmCode {
  const { cols } = c;
  invariant(cols !== undefined, 'a product without columns');
  const read = words ?? kernel;
  const ready = prepare<ContractionBody>(read, c.body);
  const [offset] = ready.body.store.index;
  invariant(offset !== undefined, 'a store without an index');
  const module = new KernelModule(read, ready.roots, ready.written);
  const m = rowCount(c);
  const first = variable('first', m);
  const finish = addFinish(module, c, cols, first, {
    slot: c.out.slot, dtype: storedType(c.out.dtype), offset, value: ready.body.store.value, acc: ref('acc', ready.body.lhs.dtype), along: cols.n,
  });
  const rows = knob(schedule, 'rows');
  const panels = knob(schedule, 'panels');
  const allPanels = ceilDiv(cols.n.extent, cols.width);
  const g: Gemm = {
    c, plain, body: ready.body, cols, first, unroll: schedule['unroll'] ?? 1, by: words === undefined ? roundedBy(kernel.numeric.fma) : 'dot', finish,
  };
  const grid: Grid = { rows, panels, m, allPanels, down: ceilDiv(m, rows), across: ceilDiv(allPanels, panels) };
  const tiles = addTiles(module, g, grid);
  const units = mul(product(c.batch.map((v) => v.extent)), mul(grid.down, grid.across));
  module.func('run', [begin, end], (scene) => { emitWalk(scene, g, grid, tiles, units, knob(schedule, 'block')); }, { exported: true });
  return finishCode(kernel, schedule, module.built, units, grainOf(c, cols, rows, panels));
}

const begin = { name: 'begin', type: 'i32' } as const;
const end = { name: 'end', type: 'i32' } as const;

/** Tiles for about 20 microseconds of work: a claim of a thread costs well below one. */
function grainOf(c: Outline, cols: Columns, rows: number, panels: number): number {
  const depth = asInt(product(c.depth.map((v) => v.extent))) ?? 256;
  const flops = 2 * depth * rows * panels * cols.width;
  return Math.max(1, Math.min(64, Math.round(1e6 / flops)));
}

/** The functions for whole tiles and for what is left below and at the right, and one that picks among them. */
interface Tiles {
  readonly whole: FuncRef;
  /** (.., rows) for any number of rows of up to all panels; undefined where nothing is ever left. */
  readonly edge?: FuncRef;
}

const some = { name: 'rows', type: 'i32' } as const;

function addTiles(module: KernelModule, g: Gemm, { rows, panels, m, allPanels }: Grid): Tiles {
  const whole = emitTile(module, g, { rows, panels });
  const leftRows = asInt(m);
  const leftPanels = asInt(allPanels);
  const narrower = leftPanels === undefined ? panels > 1 : leftPanels % panels !== 0;
  const { few, least } = lastPanels(leftPanels, panels);
  const shorter = shorterTiles(leftRows, rows);
  if (shorter.length === 0 && !narrower) return { whole };
  const heights = leftRows !== undefined && leftRows < rows ? shorter : [rows, ...shorter];
  const parts = heights.map((height) => ({
    height,
    wide: height === rows ? whole : emitTile(module, g, { rows: height, panels }),
    narrow: narrower && panels > 1 ? emitTile(module, g, { rows: height, panels: few }) : undefined,
  }));
  const edge = module.func('edge', [...tileParameters(g), some], (scene) => {
    const { f, scalar, root, params, given } = scene;
    const { panel } = g.cols;
    const at = f.local('i32', 'at');
    for (const { height, wide, narrow } of parts) {
      f.block((done) => {
        f.loop((again) => {
          f.get(given(some));
          f.i32(height);
          f.op('i32.lt_s');
          f.brIf(done);
          const scope = scalar.branch(root);
          const call = (tile: FuncRef, column: Local): void => {
            f.get(params);
            for (const p of tileParameters(g)) f.get(p === panel ? column : given(p));
            f.call(tile);
          };
          if (narrow === undefined) call(wide, given(panel));
          else {
            scalar.push(sub(allPanels, panel), scope);
            f.i32(least);
            f.op('i32.ge_s');
            f.if(() => { call(wide, given(panel)); }, () => {
              f.get(given(panel));
              f.set(at);
              f.loop((next) => {
                // Of a last panel on its own, the column before has taken care.
                scalar.push(sub(allPanels, few), scope);
                f.get(at);
                f.op('i32.ge_s');
                f.if(() => {
                  call(narrow, at);
                  f.get(at);
                  f.i32(few);
                  f.op('i32.add');
                  f.set(at);
                  f.br(next);
                });
              });
            });
          }
          f.get(given(g.first));
          f.i32(height);
          f.op('i32.add');
          f.set(given(g.first));
          f.get(given(some));
          f.i32(height);
          f.op('i32.sub');
          f.set(given(some));
          f.br(again);
        });
      });
    }
  });
  return { whole, edge };
}

/**
 * How many panels narrow tiles take at once, and how many must be left for a whole one: all that are left, since with 8 sums a tile still fills the
 * pipeline and with 4 it takes twice the time (256 columns in 2x24: 53 instead of 50 GFLOP/s); so 4 are 2 and 2 and not 3 and 1.
 */
export function lastPanels(all: number | undefined, panels: number): { readonly few: number; readonly least: number } {
  const few = all === undefined ? 1 : all % panels;
  return few === 1 && panels === 3 && all !== undefined && all > 3 ? { few: 2, least: 5 } : { few, least: panels };
}

/**
 * Heights for the rows that are left below whole tiles: powers of two that make up any number. Where there are known to be enough rows, the last
 * tile ends with them, and computes some again (`lastTop`): a shorter one would take a third of the kernel's code, and of the time to write it.
 */
function shorterTiles(m: number | undefined, rows: number): number[] {
  if (m === undefined) return [8, 4, 2, 1].filter((h) => h < rows);
  return m < rows ? [m] : [];
}

/** The first row of the last tile, where that is known and not a multiple of a tile's rows. */
function lastTop({ m, rows }: Grid): number | undefined {
  const all = asInt(m);
  return all === undefined || all < rows || all % rows === 0 ? undefined : all - rows;
}

/** Walks over units [begin, end): places the first by division, then goes down a column of its block without any. */
function emitWalk(scene: Scene, g: Gemm, grid: Grid, tiles: Tiles, units: Expr, block: number): void {
  const { f, scalar, root, given } = scene;
  const unit = variable('unit', units);
  const local = (name: string): Local => f.local('i32', name);
  const at = given(begin);
  root.define(unit, at);
  const { down, across } = grid;
  // block 0: all tile rows are one block; 1: the columns of one tile row after another.
  const tall = block === 0 ? down : min(int(block), down);
  const perPoint = mul(down, across);
  f.block((done) => {
    f.loop((again) => {
      f.get(at);
      f.get(given(end));
      f.op('i32.ge_s');
      f.brIf(done);
      const scope = scalar.branch(root);
      const set = (name: string, e: Expr): Var => {
        const v = variable(name, units);
        const to = local(name);
        scalar.push(e, scope);
        f.set(to);
        scope.define(v, to);
        return v;
      };
      const inPoint = set('inPoint', floormod(unit, perPoint));
      let point: Expr = set('point', floordiv(unit, perPoint));
      for (const v of [...g.c.batch].reverse()) {
        const to = local(v.name);
        const outermost = v === g.c.batch[0];
        scalar.push(outermost ? point : floormod(point, v.extent), scope);
        f.set(to);
        point = outermost ? point : set(`${v.name}.out`, floordiv(point, v.extent));
        scope.define(v, to);
      }
      const top = set('top', mul(floordiv(inPoint, mul(tall, across)), tall));
      const inBlock = set('inBlock', sub(inPoint, mul(top, across)));
      const height = set('height', min(tall, sub(down, top)));
      const column = set('column', floordiv(inBlock, height));
      const row = set('row', add(top, floormod(inBlock, height)));
      emitRuns(scene, g, grid, tiles, scope, { at, top, height, column, row, acrossFirst: block === 1 });
      f.br(again);
    });
  });
}

interface Cursor {
  readonly at: Local;
  readonly top: Var;
  readonly height: Var;
  readonly column: Var;
  readonly row: Var;
  readonly acrossFirst: boolean;
}

/** The tiles from the cursor to the end of its column in the block (or of its row). */
function emitRuns(scene: Scene, g: Gemm, grid: Grid, tiles: Tiles, scope: Parameters<Scene['scalar']['push']>[1], cursor: Cursor): void {
  const { f, scalar, params, given } = scene;
  const local = (name: string): Local => f.local('i32', name);
  const [first, panel, stop, count, room, rowsLeft] = [local('first'), local('panel'), local('stop'), local('count'), local('room'), local('rowsLeft')];
  scalar.push(mul(cursor.row, grid.rows), scope);
  f.set(first);
  scalar.push(mul(cursor.column, grid.panels), scope);
  f.set(panel);
  const moving = cursor.acrossFirst ? panel : first;
  const step = cursor.acrossFirst ? grid.panels : grid.rows;
  // Where the run ends: at the end of the column (or row), or of the units.
  const left = cursor.acrossFirst ? sub(grid.across, cursor.column) : sub(add(cursor.top, cursor.height), cursor.row);
  scalar.push(left, scope);
  f.set(count);
  f.get(given(end));
  f.get(cursor.at);
  f.op('i32.sub');
  f.set(room);
  f.get(count);
  f.get(room);
  f.get(count);
  f.get(room);
  f.op('i32.lt_s');
  f.op('select');
  f.tee(count);
  f.get(cursor.at);
  f.op('i32.add');
  f.set(cursor.at);
  f.get(moving);
  f.get(count);
  f.i32(step);
  f.op('i32.mul');
  f.op('i32.add');
  f.set(stop);
  const last = lastTop(grid);
  const from = last === undefined ? first : local('from');
  f.loop((again) => {
    if (last !== undefined) {
      f.get(first);
      f.i32(last);
      f.get(first);
      f.i32(last);
      f.op('i32.lt_s');
      f.op('select');
      f.set(from);
    }
    const call = (tile: FuncRef, ...more: Local[]): void => {
      f.get(params);
      f.get(from);
      f.get(panel);
      for (const v of g.c.batch) scalar.push(v, scope);
      more.forEach((l) => { f.get(l); });
      f.call(tile);
    };
    const { edge, whole } = tiles;
    if (edge === undefined) call(whole);
    else {
      scalar.push(grid.m, scope);
      f.get(from);
      f.op('i32.sub');
      f.tee(rowsLeft);
      f.i32(grid.rows);
      f.op('i32.ge_s');
      scalar.push(grid.allPanels, scope);
      f.get(panel);
      f.op('i32.sub');
      f.i32(lastPanels(asInt(grid.allPanels), grid.panels).least);
      f.op('i32.ge_s');
      f.op('i32.and');
      f.if(() => { call(whole); }, () => {
        f.get(rowsLeft);
        f.i32(grid.rows);
        f.get(rowsLeft);
        f.i32(grid.rows);
        f.op('i32.lt_s');
        f.op('select');
        f.set(rowsLeft);
        call(edge, rowsLeft);
      });
    }
    f.get(moving);
    f.i32(step);
    f.op('i32.add');
    f.tee(moving);
    f.get(stop);
    f.op('i32.lt_s');
    f.brIf(again);
  });
}
