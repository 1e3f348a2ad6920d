/**
 * What the ways of writing a contraction share: the tile of one invocation as expressions, its sums as vectors, and the epilogue that
 * stores them. Rows of a tile are neighbours; columns come in groups of up to four neighbours, and the groups of one invocation lie a
 * workgroup's width apart, so that neighbouring invocations read neighbouring vectors.
 */
import { QuernError } from '../../error.ts';
import type { ScalarType } from '../../expr/dtype.ts';
import { type Expr, type Ref, type Var, asInt, mul, ref, variable } from '../../expr/expr.ts';
import { collect, isRef, rewriter } from '../../expr/visit.ts';
import type { ContractionBody, Kernel } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import { ceilDiv, divides, extentsOf, grouped, offsetIn, stored, unflatten } from './points.ts';
import { wgslType } from './storage.ts';
import { type Writer, packed } from './writer.ts';

/** Depth that is brought through workgroup memory at a time. */
export const sharedDepth = 16;

/** Tiles of one invocation, rows * 10 + columns. */
export const tiles = [11, 14, 18, 24, 44, 48, 84, 88];
export const tileOf = ({ tile = 11 }: Schedule): { readonly tm: number; readonly tn: number } => ({ tm: Math.floor(tile / 10), tn: tile % 10 });

export interface Tile {
  readonly tm: number;
  /** Vectors of sums per row, and their width. */
  readonly vectors: number;
  readonly width: number;
  /** The batch point, the row tile, the column groups: bound by the emitter. */
  readonly batch: Var;
  readonly rowTile: Var;
  readonly colGroups: readonly Var[];
  readonly row: (i: number) => Expr;
  readonly col: (vector: number, lane: number) => Expr;
  readonly m: Expr;
  readonly n: Expr;
}

export function makeTile(body: ContractionBody, tm: number, tn: number): Tile {
  const width = Math.min(tn, 4);
  const vectors = tn / width;
  const [m, n] = [extentsOf(body.rows), extentsOf(body.cols)];
  const rows = grouped('rt', m, tm);
  const cols = Array.from({ length: vectors }, (_, v) => grouped(`c${v}`, n, width));
  return {
    tm, vectors, width, m, n,
    batch: variable('b', extentsOf(body.batch)), rowTile: rows.at, colGroups: cols.map((c) => c.at),
    row: rows.point,
    col: (v, lane) => cols[v]?.point(lane) ?? n,
  };
}

/** Substitutions at one place of the tile and of the sum. */
export const at = (
  body: ContractionBody, tile: Tile, place: { row?: number; col?: readonly [number, number]; depth?: ReadonlyMap<Expr, Expr> },
): ((e: Expr) => Expr) => {
  const by = new Map<Expr, Expr>(unflatten(body.batch, tile.batch));
  if (place.row !== undefined) unflatten(body.rows, tile.row(place.row)).forEach((to, from) => { by.set(from, to); });
  if (place.col !== undefined) unflatten(body.cols, tile.col(...place.col)).forEach((to, from) => { by.set(from, to); });
  place.depth?.forEach((to, from) => { by.set(from, to); });
  return rewriter((e) => by.get(e));
};

export const sumType = (body: ContractionBody): 'f32' | 'i32' | 'u32' => {
  const type = wgslType(body.lhs.dtype);
  return type === 'bool' ? 'u32' : type;
};

export const vectorType = (type: string, width: number): string => (width === 1 ? type : `vec${width}<${type}>`);

/** acc = acc + a * b with a scalar `a`. */
export function accumulate(kernel: Kernel, type: string, width: number, acc: string, a: string, b: string): string {
  const wide = width === 1 ? a : `${vectorType(type, width)}(${a})`;
  return type === 'f32' && kernel.numeric.fma ? `${acc} = fma(${wide}, ${b}, ${acc});` : `${acc} = ${acc} + ${a} * ${b};`;
}

/** An operand's value in the type of the sum. */
export function operandText(writer: Writer, e: Expr): string {
  const value = writer.value(e);
  return e.dtype === 'bool' ? `u32(${value})` : value;
}

/** Neighbouring columns of the right-hand side as one vector. */
export const rhsVector = (writer: Writer, body: ContractionBody, tile: Tile, v: number, depth: ReadonlyMap<Expr, Expr>): string =>
  packed(
    Array.from({ length: tile.width }, (_, lane) => operandText(writer, at(body, tile, { col: [v, lane], depth })(body.rhs))), sumType(body),
  );

/** Declares the sums; the names are `acc(row, vector)`. */
export function declareSums(writer: Writer, body: ContractionBody, tile: Tile): (row: number, vector: number) => string {
  const type = vectorType(sumType(body), tile.width);
  const names = Array.from({ length: tile.tm }, () => Array.from({ length: tile.vectors }, () => {
    const name = writer.name('acc');
    writer.line(`var ${name}: ${type};`);
    return name;
  }));
  return (row, vector) => names[row]?.[vector] ?? '';
}

/** Stores a tile, with guards where it may reach beyond the output. */
export function storeTile(
  writer: Writer, kernel: Kernel, body: ContractionBody, tile: Tile, sums: (row: number, vector: number) => string,
  always: boolean, condition?: string,
): void {
  const { store } = body;
  const acc = accOf(body);
  const exactRows = always && divides(tile.m, tile.tm);
  const exactCols = always && divides(tile.n, tile.width);
  const lanes = Array.from({ length: tile.width }, (_, lane) => lane);
  for (let i = 0; i < tile.tm; i++) {
    for (let v = 0; v < tile.vectors; v++) {
      const sum = sums(i, v);
      const one = (lane: number): { offset: Expr; value: string } => {
        const mine = ref(`${sum}.${lane}`, acc.dtype);
        writer.bind(mine, finish(writer, tile.width === 1 ? sum : `${sum}.${'xyzw'[lane] ?? 'x'}`, acc.dtype));
        const place = at(body, tile, { row: i, col: [v, lane] });
        const own = rewriter((e) => (e === acc ? mine : undefined));
        return {
          value: writer.value(stored(place(own(store.value)), kernel, store.tensor)),
          offset: offsetIn(kernel, store.tensor, store.index.map(place)),
        };
      };
      const guards = [
        ...(condition === undefined ? [] : [condition]),
        ...(exactRows ? [] : [`${writer.value(tile.row(i))} < ${writer.value(tile.m)}`]),
      ];
      if (exactCols || divides(tile.n, tile.width)) {
        if (!exactCols) guards.push(`${writer.value(tile.col(v, 0))} < ${writer.value(tile.n)}`);
        guard(writer, guards, () => { writer.store(store.tensor, lanes.map(one)); });
      } else {
        for (const lane of lanes) {
          guard(writer, [...guards, `${writer.value(tile.col(v, lane))} < ${writer.value(tile.n)}`], () => { writer.store(store.tensor, [one(lane)]); });
        }
      }
    }
  }
}

function guard(writer: Writer, conditions: readonly string[], body: () => void): void {
  if (conditions.length === 0) body();
  else writer.block(`if (${conditions.join(' && ')})`, 'conditional', body);
}

/** The name of the sum as the store's value reads it, with its type. */
export function accOf(body: ContractionBody): Ref {
  const found = collect([body.store.value], isRef).find((r) => r.name === 'acc');
  return found ?? ref('acc', body.lhs.dtype);
}

/** Narrow sums wrap once, at the end; that is the same as after every step. */
export function finish(writer: Writer, text: string, dtype: ScalarType): string {
  switch (dtype) {
    case 'bool': return `(${text} != 0u)`;
    case 'int8': return writer.call('wrap_i8', text);
    case 'int16': return writer.call('wrap_i16', text);
    case 'uint8': return `(${text} & 255u)`;
    case 'uint16': return `(${text} & 65535u)`;
    default: return text;
  }
}

export interface Grid {
  readonly groups: Expr;
  readonly rowGroups: Expr;
  readonly colGroups: Expr;
}

/** Workgroups: columns fastest, then rows, then batch. */
export function gridOf(body: ContractionBody, tile: Tile, threadRows: number, threadCols: number): Grid {
  const rowGroups = ceilDiv(tile.m, tile.tm * threadRows);
  const colGroups = ceilDiv(tile.n, tile.width * tile.vectors * threadCols);
  return { rowGroups, colGroups, groups: mul(extentsOf(body.batch), mul(rowGroups, colGroups)) };
}

/** Binds batch, row tile and column groups of an invocation at (`tx`, `ty`) of its workgroup. */
export function place(
  writer: Writer, body: ContractionBody, tile: Tile, grid: Grid, threads: { rows: number; cols: number; tx: string; ty: string },
): void {
  const g = variable('g', grid.groups);
  writer.bind(g, 'group');
  const [colGroup, rowGroup, batch] = [variable('cg', grid.colGroups), variable('rg', grid.rowGroups), tile.batch];
  const by = unflatten([batch, rowGroup, colGroup], g);
  const of = (v: Var): string => writer.value(by.get(v) ?? g);
  if (body.batch.length > 0) writer.define(batch, of(batch));
  else if (asInt(batch.extent) !== 1) throw new QuernError('internal', 'a batch without an axis');
  writer.define(rowGroup, of(rowGroup));
  writer.define(colGroup, of(colGroup));
  writer.define(tile.rowTile, `${writer.value(rowGroup)} * ${threads.rows} + ${threads.ty}`);
  tile.colGroups.forEach((c, v) => {
    writer.define(c, `${writer.value(colGroup)} * ${tile.vectors * threads.cols} + ${v * threads.cols} + ${threads.tx}`);
  });
}
