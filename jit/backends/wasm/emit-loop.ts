/**
 * Loop nests: the imperative IR statement by statement. The points of `axes` are units of work; inside a unit everything runs in
 * program order, but loops whose turns do not see each other (loop-lanes.ts) take four turns at once: the recurrence of an LSTM of
 * 128 over 64 steps went from 1.10 to 0.32 ms. Values in locals and memory change here, so what was computed from them is forgotten at
 * every assignment and store, and never moved out of a loop.
 */
import { QuernError } from '../../error.ts';
import { type Var, asInt, int, product, ref } from '../../expr/expr.ts';
import type { Kernel, LoopBody, Stmt } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import { type Emitter, type Frame, type WasmCode, buildModule, finishCode } from './emitter.ts';
import { storePoint } from './emit-map.ts';
import { type LaneStmt, lanewise } from './loop-lanes.ts';
import { type Split, unitLoops, vectorLoop } from './nest.ts';
import { argOf, prepare } from './prepare.ts';
import { storedType, valTypeOf } from './scalar-ops.ts';
import { Scope } from './scope.ts';
import { Vector } from './vector.ts';

const name = 'loop';
const space: Space = { emitter: name, version: 1, knobs: [], constraints: [], fallback: {} };

function emit(kernel: Kernel, schedule: Schedule): WasmCode {
  const { body } = kernel;
  if (body.kind !== 'loop') throw new QuernError('internal', 'not a loop nest', { got: body.kind });
  const { body: plain, roots, written } = prepare<LoopBody>(kernel, body);
  const units = product(plain.axes.map((v) => v.extent));
  const built = buildModule({
    name, args: kernel.args.length, syms: kernel.syms, numeric: kernel.numeric, roots, written, changing: new Set(assigned(plain.body)),
  }, (frame) => {
    frame.scalar.prepare(roots);
    const axes: readonly Var[] = plain.axes;
    const last = axes[axes.length - 1];
    if (last === undefined) return block(frame, kernel, plain.body, frame.root);
    const one: Split = { at: axes.length - 1, block: int(1), blocks: last.extent, units };
    return unitLoops(frame, axes, one, (scope, run) =>
      frame.scalar.loop(scope, last, (inner) => block(frame, kernel, plain.body, inner), run));
  });
  return finishCode(kernel, schedule, built, units, 1);
}

function block(frame: Frame, kernel: Kernel, stmts: readonly Stmt[], scope: Scope): void {
  const { f, scalar } = frame;
  for (const s of stmts) {
    switch (s.do) {
      case 'let': {
        const local = f.local(valTypeOf(s.value.dtype), s.name);
        scalar.push(s.value, scope);
        f.set(local);
        scope.define(ref(s.name, s.value.dtype), local);
        break;
      }
      case 'set': {
        const local = scope.require(ref(s.name, s.value.dtype));
        scalar.push(s.value, scope);
        f.set(local);
        scalar.forgetUnstable(scope);
        break;
      }
      case 'for':
        scalar.forgetUnstable(scope);
        turns(frame, kernel, s.axis, s.body, scope);
        scalar.forgetUnstable(scope);
        break;
      case 'while': {
        scalar.forgetUnstable(scope);
        // Turned over: the test once before and then after each turn, so that what is moved before the loop runs only if the loop does.
        scalar.push(s.cond, scope);
        f.if(() => {
          const outer = scalar.branch(scope);
          scalar.forgetUnstable(outer);
          const before = f.hole();
          f.loop((again) => {
            const inner = new Scope('loop', outer, before);
            block(frame, kernel, s.body, inner);
            scalar.push(s.cond, inner);
            f.brIf(again);
          });
        });
        scalar.forgetUnstable(scope);
        break;
      }
      case 'if':
        scalar.push(s.cond, scope);
        f.if(
          () => block(frame, kernel, s.then, scalar.branch(scope)),
          s.else.length === 0 ? undefined : () => block(frame, kernel, s.else, scalar.branch(scope)),
        );
        scalar.forgetUnstable(scope);
        break;
      case 'store': {
        const [offset] = s.store.index;
        if (offset === undefined) throw new QuernError('internal', 'a store without an index');
        storePoint(frame, scope, s.store.tensor, argOf(kernel.args, s.store.tensor).dtype, offset, s.store.value);
        scalar.forgetUnstable(scope);
        break;
      }
      default: s satisfies never;
    }
  }
}

function turns(frame: Frame, kernel: Kernel, axis: Var, body: readonly Stmt[], scope: Scope): void {
  const { scalar } = frame;
  const one = (inner: Scope): void => block(frame, kernel, body, inner);
  const together = lanewise(axis, body, kernel.args);
  if (together === undefined) return scalar.loop(scope, axis, one);
  const lanes = new Vector(scalar, axis, kernel.args, kernel.numeric.fma);
  vectorLoop(frame, scope, axis, { from: int(0), to: axis.extent, multiple: asInt(axis.extent) ?? 1 }, 1, (inner) => {
    inLanes(frame, kernel, together, lanes, inner);
  }, one);
}

function inLanes(frame: Frame, kernel: Kernel, stmts: readonly LaneStmt[], lanes: Vector, scope: Scope): void {
  const { f, scalar } = frame;
  for (const s of stmts) {
    switch (s.do) {
      case 'let': {
        const local = f.local('v128', s.name);
        lanes.push(s.value, scope);
        f.set(local);
        lanes.define(ref(s.name, s.value.dtype), local, scope);
        break;
      }
      case 'store': {
        const { tensor, index: [offset = int(0)], value } = s.store;
        lanes.store(tensor, storedType(argOf(kernel.args, tensor).dtype), offset, scope, () => lanes.push(value, scope));
        scalar.forgetUnstable(scope);
        break;
      }
      case 'if':
        scalar.push(s.cond, scope);
        f.if(
          () => inLanes(frame, kernel, s.then, lanes, scalar.branch(scope)),
          s.else.length === 0 ? undefined : () => inLanes(frame, kernel, s.else, lanes, scalar.branch(scope)),
        );
        scalar.forgetUnstable(scope);
        break;
      default: s satisfies never;
    }
  }
}

/** Names that are assigned somewhere after their declaration. */
function assigned(stmts: readonly Stmt[]): string[] {
  return stmts.flatMap((s) => {
    switch (s.do) {
      case 'set': return [s.name];
      case 'for': case 'while': return assigned(s.body);
      case 'if': return [...assigned(s.then), ...assigned(s.else)];
      case 'let': case 'store': return [];
      default: return s satisfies never;
    }
  });
}

export const loopEmitter: Emitter = {
  name,
  space: (kernel) => (kernel.body.kind === 'loop' ? space : { why: 'not a loop nest' }),
  emit,
};
