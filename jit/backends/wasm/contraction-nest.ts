/**
 * Any contraction as a plain loop nest with one scalar accumulator: the fallback that is legal for every kernel of the class, and the
 * bits that every other schedule must reproduce. A unit of work is one point of batch and rows with all its columns.
 */
import { type Expr, type Var, add, constant, floordiv, floormod, muladd, product, ref, variable } from '../../expr/expr.ts';
import { substitute } from '../../expr/visit.ts';
import type { ContractionBody, Kernel } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import { KernelModule, type Scene } from './contraction-frame.ts';
import { type WasmCode, finishCode } from './emitter.ts';
import { prepare } from './prepare.ts';
import { pushConstant, storeOpcode, valTypeOf } from './scalar-ops.ts';
import type { Scope } from './scope.ts';
import { invariant } from '../../error.ts';

export function emitNest(kernel: Kernel, body: ContractionBody, schedule: Schedule): WasmCode {
  const ready = prepare(kernel, body);
  const module = new KernelModule(kernel, ready.roots, ready.written);
  const outer = [...body.batch, ...body.rows];
  const units = product(outer.map((v) => v.extent));
  const [begin, end] = [variable('begin', add(units, 1)), variable('end', add(units, 1))];
  module.func('run', [begin, end], (scene) => {
    const unit = variable('unit', units);
    scene.scalar.loop(scene.root, unit, (turn) => {
      const { lhs, rhs, store, cols, depth } = at(ready.body, coordinates(outer, unit));
      const dtype = lhs.dtype;
      const type = valTypeOf(dtype);
      const acc = ref('acc', dtype);
      const sum = scene.f.local(type, 'acc');
      const step = muladd(lhs, rhs, acc);
      scene.scalar.prepare([step, ...store.index, store.value]);
      nested(scene, turn, cols, (point) => {
        point.define(acc, sum);
        pushConstant(scene.f, constant(0, dtype).value, dtype);
        scene.f.set(sum);
        nested(scene, point, depth, (inner) => {
          scene.scalar.push(step, inner);
          scene.f.set(sum);
          scene.scalar.forgetUnstable(inner);
        });
        const arg = kernel.args[store.tensor];
        const [offset] = store.index;
        invariant(arg !== undefined && offset !== undefined, 'a store to no argument');
        const fixed = scene.scalar.pushAddress(store.tensor, arg.dtype, offset, point);
        scene.scalar.push(store.value, point);
        scene.f.mem(storeOpcode(arg.dtype), { offset: fixed });
        scene.scalar.forgetUnstable(point);
      });
    }, { from: begin, to: end });
  }, { exported: true, changing: ['acc'] });
  return finishCode(kernel, schedule, module.built, units, 1);
}

function nested(scene: Scene, scope: Scope, axes: readonly Var[], body: (scope: Scope) => void): void {
  const [v, ...rest] = axes;
  if (v === undefined) body(scope);
  else scene.scalar.loop(scope, v, (turn) => { nested(scene, turn, rest, body); });
}

/** What axes are at a point of their row-major order. */
function coordinates(axes: readonly Var[], point: Expr): Map<Expr, Expr> {
  const found = new Map<Expr, Expr>();
  let rest = point;
  [...axes].reverse().forEach((v, i) => {
    found.set(v, i === axes.length - 1 ? rest : floormod(rest, v.extent));
    rest = floordiv(rest, v.extent);
  });
  return found;
}

function at(body: ContractionBody, point: ReadonlyMap<Expr, Expr>): ContractionBody {
  const go = (e: Expr): Expr => substitute(e, point);
  const { store } = body;
  return { ...body, lhs: go(body.lhs), rhs: go(body.rhs), store: { ...store, index: store.index.map(go), value: go(store.value) } };
}
