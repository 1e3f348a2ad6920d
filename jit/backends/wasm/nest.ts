/**
 * Loop nests over points that are independent of each other: which axes become one, which run across threads as units of work, which
 * inside a unit, and the vector loop at the bottom. Input: axes and the expressions over them. Everything here keeps the set of points; the
 * order in which they run is free.
 */
import { invariant } from '../../error.ts';
import { type Expr, type Var, add, asInt, floordiv, floormod, int, min, mul, product, ref, sub, variable } from '../../expr/expr.ts';
import { collect, isVar, substitute, walk } from '../../expr/visit.ts';
import type { Frame } from './emitter.ts';
import type { Scope } from './scope.ts';

/** Axes and a substitution of the old axes by expressions over the new. */
export interface Collapsed {
  readonly axes: readonly Var[];
  readonly by: ReadonlyMap<Expr, Expr>;
}

/**
 * Merges neighbouring axes (outermost first) where every expression then uses the merged axis as a whole: i*J + j stays one variable and no
 * division is left. Axes of extent 1 go. `roots` are flat element offsets and values.
 */
export function collapse(axes: readonly Var[], roots: readonly Expr[], fixed: readonly Var[] = []): Collapsed {
  let by = new Map<Expr, Expr>(axes.filter((v) => asInt(v.extent) === 1).map((v) => [v, int(0)]));
  let left: readonly Var[] = axes.filter((v) => asInt(v.extent) !== 1);
  let current = roots.map((r) => substitute(r, by));
  for (let i = left.length - 2; i >= 0; i--) {
    const [outer, inner] = [left[i], left[i + 1]];
    if (outer === undefined || inner === undefined || fixed.includes(outer) || fixed.includes(inner)) continue;
    const whole = variable(`${outer.name}${inner.name}`, mul(outer.extent, inner.extent));
    const step = new Map<Expr, Expr>([[outer, floordiv(whole, inner.extent)], [inner, floormod(whole, inner.extent)]]);
    const tried = current.map((r) => substitute(r, step));
    if (tried.some((r) => divides(r, whole))) continue;
    current = tried;
    by = new Map([...[...by].map(([v, e]): [Expr, Expr] => [v, substitute(e, step)]), ...step]);
    left = [...left.slice(0, i), whole, ...left.slice(i + 2)];
  }
  return { axes: left, by };
}

function divides(e: Expr, v: Var): boolean {
  let found = false;
  walk([e], (x) => {
    if (x.op !== 'binary' || (x.fn !== 'floordiv' && x.fn !== 'floormod') || found) return;
    found = collect([x], isVar).includes(v);
  });
  return found;
}

/** How points are divided into units: the axes before `at` and blocks of the axis at `at` make units, the rest runs inside. */
export interface Split {
  readonly at: number;
  readonly block: Expr;
  readonly blocks: Expr;
  readonly units: Expr;
}

/** Units of up to about `target` points (each worth `each`); an axis of unknown extent is always cut. `multiple`: of blocks of the last axis. */
export function splitWork(axes: readonly Var[], target: number, each = 1, multiple = 1): Split {
  let work = each;
  let at = axes.length - 1;
  for (; at >= 0; at--) {
    const extent = asInt(axes[at]?.extent ?? int(1));
    if (extent === undefined || work * extent > target) break;
    work *= extent;
  }
  const axis = axes[at];
  if (axis === undefined) return { at: -1, block: int(1), blocks: int(1), units: int(1) };
  const step = at === axes.length - 1 ? multiple : 1;
  const block = int(Math.max(1, Math.round(target / work / step)) * step);
  const blocks = floordiv(add(axis.extent, sub(block, int(1))), block);
  return { at, block, blocks, units: mul(product(axes.slice(0, at).map((v) => v.extent)), blocks) };
}

/** A run of the innermost axis. */
export interface Run {
  readonly from: Expr;
  readonly to: Expr;
  /** A number that divides the length of the run. */
  readonly multiple?: number;
}

const begin = ref('@begin', 'index');
const end = ref('@end', 'index');

/**
 * Emits the loops over units and over the axes inside a unit; `body` gets the scope and, for the last axis, the range to run over (it is
 * not looped over here).
 */
export function unitLoops(frame: Frame, axes: readonly Var[], split: Split, body: (scope: Scope, last: Run) => void): void {
  const { scalar, root, f } = frame;
  root.define(begin, frame.begin);
  root.define(end, frame.end);
  const whole = (v: Var | undefined): Run => ({ from: int(0), to: v?.extent ?? int(1) });
  const inside = (scope: Scope, from: number, run: Run): void => {
    if (from >= axes.length - 1) return body(scope, run);
    const v = axes[from];
    invariant(v !== undefined, 'an axis is missing');
    scalar.loop(scope, v, (inner) => inside(inner, from + 1, whole(axes[from + 1])), run);
  };
  if (split.at < 0) return inside(root, 0, whole(axes[0]));
  const unit = variable('unit', split.units);
  scalar.loop(root, unit, (scope) => {
    let rest: Expr = floordiv(unit, split.blocks);
    for (let i = split.at - 1; i >= 0; i--) {
      const v = axes[i];
      invariant(v !== undefined, 'an axis is missing');
      const local = f.local('i32', v.name);
      scalar.push(i === 0 ? rest : floormod(rest, v.extent), scope);
      f.set(local);
      scope.define(v, local);
      rest = floordiv(rest, v.extent);
    }
    const v = axes[split.at];
    invariant(v !== undefined, 'an axis is missing');
    const single = asInt(split.blocks) === 1;
    const from = mul(floormod(unit, split.blocks), split.block);
    const run = single ? whole(v) : {
      from: keep(frame, scope, 'from', from),
      to: keep(frame, scope, 'to', min(add(from, split.block), v.extent)),
      multiple: commonDivisor(asInt(v.extent) ?? 1, asInt(split.block) ?? 1),
    };
    inside(scope, split.at, run);
  }, { from: begin, to: end });
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** Names a value, so that expressions over it stay small and it is computed once. */
export function keep(frame: Frame, scope: Scope, name: string, e: Expr): Expr {
  if (e.op === 'const' || e.op === 'sym' || e.op === 'var' || e.op === 'ref') return e;
  const local = frame.f.local('i32', name);
  frame.scalar.push(e, scope);
  frame.f.set(local);
  const leaf = ref(`@${name}${local.index}`, 'index');
  scope.define(leaf, local);
  return leaf;
}

/**
 * The loop over the lane axis: `vectors` vectors of four points a turn, then single vectors, then single points. `vector` emits copies at
 * v, v + 4, ...; `point` one point at v.
 */
export function vectorLoop(
  frame: Frame, scope: Scope, v: Var, run: Run, vectors: number, vector: (scope: Scope, copies: number) => void, point: (scope: Scope) => void,
): void {
  const { scalar } = frame;
  const whole = (from: Expr, step: number): Expr =>
    ((run.multiple ?? 1) % step === 0 ? run.to : add(from, mul(floordiv(sub(run.to, from), int(step)), int(step))));
  let from = run.from;
  if (vectors > 1) {
    const to = keep(frame, scope, 'wide', whole(from, 4 * vectors));
    scalar.loop(scope, v, (inner) => vector(inner, vectors), { from, to, step: 4 * vectors });
    from = to;
  }
  const to = keep(frame, scope, 'vectors', whole(from, 4));
  if (from !== to) scalar.loop(scope, v, (inner) => vector(inner, 1), { from, to, step: 4 });
  if (to !== run.to) scalar.loop(scope, v, (inner) => point(inner), { from: to, to: run.to });
}
