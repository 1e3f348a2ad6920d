/**
 * Any contraction as a plain loop nest with one scalar accumulator: the fallback that is legal for every kernel of the class, and the
 * bits that every other schedule must reproduce. A unit of work is one point of batch and rows with all its columns.
 */
import { invariant } from '../../error.ts';
import { type Expr, type Var, add, constant, floordiv, floormod, muladd, product, ref, variable } from '../../expr/expr.ts';
import { substitute } from '../../expr/visit.ts';
import type { ContractionBody, Kernel } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import { KernelModule, type Scene } from './contraction-frame.ts';
import { type WasmCode, finishCode } from './emitter.ts';
import type { FuncRef } from './function-builder.ts';
import { prepare } from './prepare.ts';
import { pushConstant, storeOpcode, valTypeOf } from './scalar-ops.ts';
import type { Scope } from './scope.ts';

export function emitNest(kernel: Kernel, body: ContractionBody, schedule: Schedule): WasmCode {
  const ready = prepare(kernel, body);
  const module = new KernelModule(kernel, ready.roots, ready.written);
  const outer = [...body.batch, ...body.rows];
  const units = product(outer.map((v) => v.extent));
  const [begin, end] = unitRange(units);
  module.func('run', [begin, end], (scene) => {
    const unit = variable('unit', units);
    scene.scalar.loop(scene.root, unit, (turn) => {
      const there = at(ready.body, coordinates(outer, unit));
      nested(scene, turn, there.cols, (point) => { emitPoint(scene, point, there); });
    }, { from: begin, to: end });
  }, { exported: true, changing });
  return finishCode(kernel, schedule, module.built, units, 1);
}

/** The parameters of `run` as variables. */
export const unitRange = (units: Expr): readonly [Var, Var] => [variable('begin', add(units, 1)), variable('end', add(units, 1))];

/** What `emitPoint` sets again and again. */
export const changing = ['acc'];

/** Computes and stores one point of a prepared body, whose axes are defined in `scope`. */
export function emitPoint(scene: Scene, scope: Scope, { lhs, rhs, store, depth }: ContractionBody): void {
  const { f, scalar, kernel } = scene;
  const { dtype } = lhs;
  const acc = ref('acc', dtype);
  const sum = f.local(valTypeOf(dtype), 'acc');
  const step = muladd(lhs, rhs, acc);
  scalar.prepare([step, ...store.index, store.value]);
  scope.define(acc, sum);
  pushConstant(f, constant(0, dtype).value, dtype);
  f.set(sum);
  nested(scene, scope, depth, (inner) => {
    scalar.push(step, inner);
    f.set(sum);
    scalar.forgetUnstable(inner);
  });
  const arg = kernel.args[store.tensor];
  const [offset] = store.index;
  invariant(arg !== undefined && offset !== undefined, 'a store to no argument');
  const fixed = scalar.pushAddress(store.tensor, arg.dtype, offset, scope);
  scalar.push(store.value, scope);
  f.mem(storeOpcode(arg.dtype), { offset: fixed });
  scalar.forgetUnstable(scope);
}

/** A function of all point axes that computes and stores one point: what is left over at the ends of vectors. */
export const addPoint = (module: KernelModule, body: ContractionBody): FuncRef =>
  module.func('point', [...body.batch, ...body.rows, ...body.cols], (scene) => { emitPoint(scene, scene.root, body); }, { changing });

/** Loops over axes, outermost first. */
export function nested(scene: Scene, scope: Scope, axes: readonly Var[], body: (scope: Scope) => void): void {
  const [v, ...rest] = axes;
  if (v === undefined) body(scope);
  else scene.scalar.loop(scope, v, (turn) => { nested(scene, turn, rest, body); });
}

/** What axes are at a point of their row-major order. */
export function coordinates(axes: readonly Var[], point: Expr): Map<Expr, Expr> {
  const found = new Map<Expr, Expr>();
  let rest = point;
  [...axes].reverse().forEach((v, i) => {
    found.set(v, i === axes.length - 1 ? rest : floormod(rest, v.extent));
    rest = floordiv(rest, v.extent);
  });
  return found;
}

/** The body with axes replaced. */
export function at(body: ContractionBody, point: ReadonlyMap<Expr, Expr>): ContractionBody {
  const go = (e: Expr): Expr => substitute(e, point);
  const { store } = body;
  return { ...body, lhs: go(body.lhs), rhs: go(body.rhs), store: { ...store, index: store.index.map(go), value: go(store.value) } };
}
