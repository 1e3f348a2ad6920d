/**
 * Calls of a segment's steps, in the order in which they run: once each, or for one tile after the other (engine/plan/tiles.ts), with the values
 * that dims have there.
 */
import type { Expr } from '../../jit/expr/expr.ts';
import type { PlanStep } from '../plan/plan.ts';
import { type Tile, tileValues } from '../plan/tiles.ts';

export type Env = ReadonlyMap<Expr, number>;

export interface Call {
  readonly step: PlanStep;
  /** Which of the tiles. */
  readonly tile?: { readonly of: Tile; readonly at: number };
}

/** Values of dims, with those of each tile; `room`: sizes that memory is made for, which decide on the number of tiles. */
export class Environments {
  readonly #known = new Map<string, readonly Env[]>();

  constructor(private readonly env: Env, private readonly room: Env) {}

  /** Of all tiles of one form; equal layers have equal ones, which are evaluated once. */
  all(tile: Tile): readonly Env[] {
    const key = tile.axes.map(({ start, extent }) => `${start.id} ${extent.id}`).join();
    const made = this.#known.get(key) ?? tileValues(tile, this.env, this.room);
    this.#known.set(key, made);
    return made;
  }

  of(tile: Call['tile']): Env {
    return tile === undefined ? this.env : this.all(tile.of)[tile.at] ?? this.env;
  }
}

export function callsOf(steps: readonly PlanStep[], envs: Environments): Call[] {
  const calls: Call[] = [];
  for (let i = 0; i < steps.length;) {
    const tile = steps[i]?.tile;
    const together = steps.slice(i, i + (tile?.steps ?? 1));
    if (tile === undefined) calls.push(...together.map((step) => ({ step })));
    else envs.all(tile.of).forEach((_, at) => { calls.push(...together.map((step) => ({ step, tile: { of: tile.of, at } }))); });
    i += together.length;
  }
  return calls;
}

/** A call's dims if its tile were the first. */
export const firstDims = (step: PlanStep, dims: readonly number[], tile: Call['tile']): readonly number[] =>
  (tile === undefined ? dims : dims.map((n, i) => (tile.of.axes.some(({ start }) => start === step.dims[i]) ? 0 : n)));

/** Sizes with those of the largest tile, which is the first. */
export function withTiles(steps: readonly PlanStep[], envs: Environments): Env {
  const made = new Map(envs.of(undefined));
  for (const { tile } of steps) {
    if (tile === undefined) continue;
    const [largest] = envs.all(tile.of);
    for (const { count } of tile.of.axes) made.set(count, largest?.get(count) ?? 0);
  }
  return made;
}
