/**
 * Products of products tile by tile: where a product's result goes through row programs and maps into the next product (scores, mask and softmax of
 * an attention), all of them run for some rows at a time, so that what lies between them is as large as a tile and stays in the cache. MiniLM on
 * eight texts of 512 tokens has 36 MiB of activations instead of 198 and takes 0.93 of the time; a single text takes as long. Kernels stay what
 * they are, with the first row and the number of rows as dims; which rows a tile has is known when dims are bound. In: a program in order. Out: the
 * same computations over tiles, those of a chain one behind the other.
 */
import { QuernError } from '../../jit/error.ts';
import { type Expr, type Var, add, asInt, int, load, mul, product, symbol, variable } from '../../jit/expr/expr.ts';
import { collect, evaluate, isLoad, rewriter } from '../../jit/expr/visit.ts';
import { bytesOf } from '../../jit/expr/dtype.ts';
import { type Body, type Store, loadsOf } from '../../jit/kernel.ts';
import { type Computation, type Program, type TensorDef, readsOf } from '../graph/program.ts';
import { type Uses, tensorOf, usesOf } from '../passes/program-edit.ts';

/** Symbols or numbers; `start` and `count` are those of the tile at hand. */
export interface TileAxis {
  readonly start: Expr;
  readonly count: Expr;
  readonly extent: Expr;
}

/** The most bytes that a tile of a tensor between products takes, unless it is of fewer rows than `rows`. */
export interface TileSize {
  readonly bytes: number;
  readonly rows: number;
}

/** What steps run over a part of at a time. */
export interface Tile {
  /** Outermost first. */
  readonly axes: readonly TileAxis[];
  /** What one point of the axes takes of the largest tensor between the steps. */
  readonly bytes: Expr;
  readonly size: TileSize;
}

/** Points along each axis, outermost first, of which a tile has no more than there is room for; all tiles are about as large. */
export function tileCounts(extents: readonly number[], bytes: number, size: TileSize): number[] {
  let left = Math.max(size.rows, size.bytes / Math.max(1, bytes));
  return extents.toReversed().map((extent) => {
    const tiles = Math.ceil(extent / Math.min(extent, Math.floor(left)));
    left = tiles > 1 ? 1 : left / Math.max(1, extent);
    return extent === 0 ? 0 : Math.ceil(extent / tiles);
  }).reverse();
}

/** A computation of a chain, its variable along each axis of the tile, and in which dims of what the one before it made these are. */
interface Link {
  readonly computation: Computation;
  readonly axes: readonly (Var | undefined)[];
  readonly from?: number;
  readonly dims: readonly number[];
}

export interface Tiled {
  readonly program: Program;
  /** Of the computations of chains, which are neighbours in the program. */
  readonly tiles: ReadonlyMap<Computation, Tile>;
}

/**
 * `fixed`: tensors that must exist as a whole; `prepared`: those that are computed once. `shared`: tiles of the same form have the same symbols
 * in all of a plan, so that equal layers have equal kernels.
 */
export function tileProducts(
  program: Program, size: TileSize | undefined, fixed: ReadonlySet<number>, prepared: ReadonlySet<number>, shared: Map<string, readonly TileAxis[]>,
): Tiled {
  const tiles = new Map<Computation, Tile>();
  if (size === undefined) return { program, tiles };
  const uses = usesOf(program);
  const tensors = new Map(program.tensors);
  const instead = new Map<Computation, readonly Computation[]>();
  for (const last of program.computations) {
    const chain = chainTo(program, last, uses, fixed, prepared);
    if (chain === undefined || chain.some(({ computation }) => instead.has(computation))) continue;
    const between = new Map(chain.flatMap(({ from, dims }) => (from === undefined ? [] : [[from, dims] as const])));
    const bytes = [...between].map(([id, dims]) => restBytes(tensorOf(program, id), dims))
      .reduce((a, b) => ((asInt(b) ?? Infinity) > (asInt(a) ?? Infinity) ? b : a));
    const axes = axesOf((chain[0]?.axes ?? []).flatMap((v) => v?.extent ?? []), bytes, size, shared);
    if (axes.every(({ count, extent }) => count === extent)) continue;
    for (const [id, dims] of between) {
      const def = tensorOf(program, id);
      tensors.set(id, { ...def, shape: def.shape.map((extent, d) => axes[dims.indexOf(d)]?.count ?? extent) });
    }
    const made = chain.map(({ computation, axes: mine }) => ({ ...computation, body: overTile(computation.body, mine, axes, between) }));
    for (const { computation } of chain) instead.set(computation, computation === last ? made : []);
    const tile = { axes, bytes, size };
    for (const c of made) tiles.set(c, tile);
  }
  return { program: { ...program, tensors, computations: program.computations.flatMap((c) => instead.get(c) ?? [c]) }, tiles };
}

/** Bytes of a tensor for one index of the given dims. */
const restBytes = ({ shape, dtype }: TensorDef, dims: readonly number[]): Expr =>
  mul(product(shape.filter((_, d) => !dims.includes(d))), bytesOf(dtype));

/** What is known while compiling is a number: kernels know their sizes, and what fits a tile is left whole. */
function axesOf(extents: readonly Expr[], bytes: Expr, size: TileSize, shared: Map<string, readonly TileAxis[]>): readonly TileAxis[] {
  const numbers = extents.map(asInt);
  const each = asInt(bytes);
  const known = numbers.every((n) => n !== undefined) && each !== undefined ? tileCounts(numbers, each, size) : undefined;
  const key = [...extents, bytes].map((e) => e.id).join();
  const name = `#tile${shared.size}`;
  const made = shared.get(key) ?? extents.map((extent, k): TileAxis => {
    const count = known?.[k];
    const whole = count !== undefined && (asInt(extent) ?? 0) % count === 0;
    return {
      extent, start: whole && int(count) === extent ? int(0) : symbol(`${name}.${k}.start`), count: whole ? int(count) : symbol(`${name}.${k}.count`, 1),
    };
  });
  shared.set(key, made);
  return made;
}

/** The axes of a body whose points do not see each other, but for columns: a product wants all of those. */
function outerAxes(body: Body): readonly Var[] {
  switch (body.kind) {
    case 'map': case 'rows': return body.axes;
    case 'contraction': return [...body.batch, ...body.rows];
    case 'loop': return [];
    default: return body satisfies never;
  }
}

/** The chain that ends in a product, from the product that it began with; undefined if there is none. */
function chainTo(
  program: Program, last: Computation, { writer, readers }: Uses, fixed: ReadonlySet<number>, prepared: ReadonlySet<number>,
): readonly Link[] | undefined {
  const { body: end } = last;
  // Weights would be read again for each tile.
  const moves = (body: Body): boolean => body.kind === 'contraction'
    && collect([body.rhs], isLoad).some((l) => !prepared.has(l.tensor) && tensorOf(program, l.tensor).source.kind !== 'constant');
  if (end.kind !== 'contraction' || !moves(end)) return undefined;
  const back = (c: Computation, axes: Link['axes']): readonly Link[] | undefined => {
    const read = c === last ? collect([end.lhs], isLoad).map((l) => l.tensor) : readsOf(c);
    for (const id of new Set(read)) {
      const maker = writer.get(id);
      if (maker === undefined || maker.body.kind === 'loop' || fixed.has(id) || prepared.has(id) || readers.get(id)?.length !== 1) continue;
      const { body } = maker;
      const { shape } = tensorOf(program, id);
      // In the dim where all loads have it, and what is stored too.
      const loads = loadsOf(c.body, id);
      const dims = axes.map((v) => shape.findIndex((extent, d) => extent === v?.extent && loads.every((l) => l.index[d] === v)));
      const theirs = dims.map((d) => outerAxes(body).find((v) => v === body.store.index[d] && v.extent === shape[d]));
      if (theirs.every((v) => v === undefined)) continue;
      const first = body.kind === 'contraction';
      const before = !first ? back(maker, theirs) : moves(body) ? [{ computation: maker, axes: theirs, dims: [] }] : undefined;
      if (before !== undefined) return [...before, { computation: c, axes, from: id, dims }];
    }
    return undefined;
  };
  const links = back(last, outerAxes(end).filter((v) => asInt(v.extent) !== 1));
  if (links === undefined) return undefined;
  // What the first of them has, all have.
  const had = <T>(list: readonly T[]): readonly T[] => list.filter((_, k) => links[0]?.axes[k] !== undefined);
  return links.map((link) => ({ ...link, axes: had(link.axes), dims: had(link.dims) }));
}

/** A body over the tile's part of its axes: all that it reads or writes stands where it did, but for what lies between the steps. */
function overTile(body: Body, mine: Link['axes'], axes: readonly TileAxis[], between: ReadonlyMap<number, readonly number[]>): Body {
  const own = new Map<Expr, Var>();
  const at = new Map<Expr, Expr>();
  mine.forEach((v, k) => {
    const axis = axes[k];
    if (v === undefined || axis === undefined) return;
    const part = variable(v.name, axis.count);
    own.set(v, part);
    at.set(v, add(part, axis.start));
  });
  const local = (id: number, index: readonly Expr[]): Expr[] =>
    index.map((e, d) => (between.get(id)?.includes(d) === true ? own.get(e) ?? go(e) : go(e)));
  const go = rewriter((e) => at.get(e) ?? (e.op === 'load' && between.has(e.tensor) ? load(e.tensor, e.dtype, local(e.tensor, e.index)) : undefined));
  const axis = (v: Var): Var => own.get(v) ?? v;
  const store = (s: Store): Store => ({ tensor: s.tensor, index: local(s.tensor, s.index), value: go(s.value) });
  switch (body.kind) {
    case 'map': return { ...body, axes: body.axes.map(axis), store: store(body.store) };
    case 'rows': return { ...body, axes: body.axes.map(axis), scans: body.scans.map((s) => ({ ...s, value: go(s.value) })), store: store(body.store) };
    case 'contraction': return {
      ...body, batch: body.batch.map(axis), rows: body.rows.map(axis), lhs: go(body.lhs), rhs: go(body.rhs), store: store(body.store),
    };
    case 'loop': throw new QuernError('internal', 'a loop in a chain of products');
    default: return body satisfies never;
  }
}

/** Values of dims for every tile. `room`: sizes that memory is made for, which may be more than there are and decide on the number of tiles. */
export function tileValues({ axes, bytes, size }: Tile, env: ReadonlyMap<Expr, number>, room: ReadonlyMap<Expr, number>): Map<Expr, number>[] {
  const largest = axes.map(({ extent }) => evaluate(extent, room));
  const counts = tileCounts(largest, evaluate(bytes, room), size);
  let values: Map<Expr, number>[] = [new Map(env)];
  axes.forEach(({ start, count, extent }, k) => {
    const each = Math.max(1, counts[k] ?? 1);
    const end = evaluate(extent, env);
    const tiles = Math.max(1, Math.ceil((largest[k] ?? 1) / each));
    values = values.flatMap((of) => Array.from({ length: tiles }, (_, i) => new Map(of)
      .set(start, i * each).set(count, Math.max(0, Math.min(each, end - i * each)))));
  });
  return values;
}
