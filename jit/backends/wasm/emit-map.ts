/**
 * Maps: one value for each point, points independent. The axis along which the result is contiguous runs innermost, four lanes at a
 * time; neighbouring axes become one where addresses allow it; the outer axes, cut into blocks, are the units of work. Only the number of
 * vectors a turn is tuned: more hide latency, fewer waste less on short rows. None at all is half the code.
 */
import type { DType } from '../../expr/dtype.ts';
import { type Expr, type Var, add, asInt } from '../../expr/expr.ts';
import { affine } from '../../expr/index-algebra.ts';
import { cost, substitute } from '../../expr/visit.ts';
import type { Kernel, MapBody } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import { type Emitter, type Frame, buildModule, finishCode } from './emitter.ts';
import { collapse, splitWork, unitLoops, vectorLoop } from './nest.ts';
import { argOf, prepare } from './prepare.ts';
import { storeOpcode, storedType } from './scalar-ops.ts';
import type { Scope } from './scope.ts';
import { lanesOf } from './vector-ops.ts';
import { Vector } from './vector.ts';

const name = 'map';

function spaceOf(kernel: Kernel): Space {
  const { body } = kernel;
  const scalar = body.kind !== 'map' || body.axes.length === 0 || !vectorises(kernel, body);
  return {
    emitter: name,
    version: 1,
    knobs: [{ name: 'vectors', values: scalar ? [1] : [1, 2, 4] }],
    constraints: [{
      name: 'a turn is no longer than the row',
      holds: (s) => body.kind !== 'map' || (s['vectors'] ?? 1) === 1 || rowLength(body) === undefined || (rowLength(body) ?? 0) >= 4 * (s['vectors'] ?? 1),
    }],
    fallback: { vectors: 1 },
    once: { vectors: 0 },
  };
}

/** The number of points, if it is known: no row is longer. */
function rowLength(body: MapBody): number | undefined {
  const extents = body.axes.map((v) => asInt(v.extent));
  return extents.some((n) => n === undefined) ? undefined : extents.reduce<number>((a, n) => a * (n ?? 1), 1);
}

const vectorises = (kernel: Kernel, body: MapBody): boolean => lanesOf(storedType(argOf(kernel.args, body.store.tensor).dtype)) !== undefined;

/** Axes with the one along which `offset` moves by single elements last. */
export function contiguousLast(axes: readonly Var[], offset: Expr): readonly Var[] {
  const form = affine(offset, axes);
  if (form === undefined) return axes;
  const unit = axes.findLast((v, i) => asInt(v.extent) !== 1 && asInt(form.coefs[i] ?? v) === 1);
  return unit === undefined ? axes : [...axes.filter((v) => v !== unit), unit];
}

function emit(kernel: Kernel, schedule: Schedule): ReturnType<Emitter['emit']> {
  const { body } = kernel;
  if (body.kind !== 'map') throw new Error('not a map');
  const { body: plain, roots, written } = prepare(kernel, body);
  const [offset] = plain.store.index;
  if (offset === undefined) throw new Error('a store without an index');
  const dtype = storedType(argOf(kernel.args, plain.store.tensor).dtype);
  const { axes, by } = collapse(contiguousLast(plain.axes, offset), [offset, plain.store.value]);
  const at = substitute(offset, by);
  const value = substitute(plain.store.value, by);
  const vectors = schedule['vectors'] ?? 1;
  const wide = vectors > 0 && axes.length > 0 && vectorises(kernel, body);
  const each = Math.max(1, Math.round(cost(value) / 4));
  const split = splitWork(axes, 4096, each, wide ? 4 * vectors : 1);

  const built = buildModule({
    name, args: kernel.args.length, syms: kernel.syms, numeric: kernel.numeric, roots: [...roots, value], written,
  }, (frame) => {
    const point = (scope: Scope): void => storePoint(frame, scope, plain.store.tensor, dtype, at, value);
    const last = axes[axes.length - 1];
    if (last === undefined) return point(frame.root);
    unitLoops(frame, axes, split, (scope, run) => {
      if (!wide) return frame.scalar.loop(scope, last, point, run);
      const lanes = new Vector(frame.scalar, last, kernel.args, kernel.numeric.fma);
      return vectorLoop(frame, scope, last, run, vectors, (inner, copies) => {
        const all = Array.from({ length: copies }, (_, c) => {
          const shift = new Map<Expr, Expr>([[last, add(last, 4 * c)]]);
          return { value: substitute(value, shift), offset: substitute(at, shift) };
        });
        frame.scalar.prepare(all.map((copy) => copy.value));
        for (const copy of all) frame.scalar.prepareStore(plain.store.tensor, dtype, copy.offset);
        lanes.storeAll(plain.store.tensor, dtype, all, inner);
      }, point);
    });
  });
  return finishCode(kernel, schedule, built, split.units, 1);
}

/** One element, computed as a scalar. */
export function storePoint({ f, scalar }: Frame, scope: Scope, slot: number, dtype: DType, offset: Expr, value: Expr): void {
  scalar.prepare([value]);
  scalar.prepareStore(slot, dtype, offset);
  const folded = scalar.pushAddress(slot, dtype, offset, scope);
  scalar.push(value, scope);
  f.mem(storeOpcode(dtype), { offset: folded });
}

export const mapEmitter: Emitter = {
  name,
  space: (kernel) => (kernel.body.kind === 'map' ? spaceOf(kernel) : { why: 'not a map' }),
  emit: (kernel, schedule) => emit(kernel, schedule),
};
