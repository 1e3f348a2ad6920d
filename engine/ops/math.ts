/** Short names for what lowerings write all the time: functions of one operand, and locals and statements of loop bodies. */
import type { DType, ScalarType } from '../../jit/expr/dtype.ts';
import { type Expr, type UnaryOp, type Var, add, cast, constant, int, lt, max, min, ref, select, sub, unary } from '../../jit/expr/expr.ts';
import type { Stmt } from '../../jit/kernel.ts';
import { computeType } from './module.ts';
import type { LoopSpec, Lowering, Tensor } from './operator.ts';
import { numel, sized } from './shape.ts';
import { rough } from './values.ts';

const one = (fn: UnaryOp) => (x: Expr): Expr => unary(fn, x);
export const abs = one('abs');
export const ceil = one('ceil');
export const cos = one('cos');
export const erf = one('erf');
export const exp = one('exp');
export const floor = one('floor');
export const isnan = one('isnan');
export const log = one('log');
export const neg = one('neg');
export const reciprocal = one('reciprocal');
export const round = one('round');
export const sigmoid = one('sigmoid');
export const sign = one('sign');
export const sin = one('sin');
export const sqrt = one('sqrt');
export const tanh = one('tanh');
export const trunc = one('trunc');

export const clamp = (x: Expr, low: Expr | number, high: Expr | number): Expr => min(max(x, low), high);

/** An integer element as an index. */
export const toIndex = (e: Expr): Expr => cast(e, 'index');

/** A local variable of a loop body. */
export interface Local {
  readonly value: Expr;
  declare(value: Expr): Stmt;
  set(value: Expr): Stmt;
}

export function local(build: Lowering, stem: string, dtype: ScalarType): Local {
  const name = build.name(stem);
  return {
    value: ref(name, dtype),
    declare: (value) => ({ do: 'let', name, value }),
    set: (value) => ({ do: 'set', name, value }),
  };
}

export const loopFor = (axis: Var, body: readonly Stmt[]): Stmt => ({ do: 'for', axis, body });
export const loopWhile = (cond: Expr, body: readonly Stmt[]): Stmt => ({ do: 'while', cond, body });
export const when = (cond: Expr, then: readonly Stmt[], otherwise: readonly Stmt[] = []): Stmt => ({ do: 'if', cond, then, else: otherwise });
export const storeTo = (t: Tensor, index: readonly Expr[], value: Expr): Stmt => ({ do: 'store', store: { tensor: t.id, index, value } });

/** A loop with one output. */
export function single(build: Lowering, output: LoopSpec['outputs'][number], axes: readonly Var[], body: (out: Tensor) => readonly Stmt[]): Tensor {
  const [made] = build.loop({ outputs: [output], axes, body: ([out]) => (out === undefined ? [] : body(out)) });
  return made ?? build.fail('internal', 'a loop has no output');
}

/** The last index along a tensor's first dim. */
export const lastRow = (table: Tensor): Expr => sub(table.shape[0] ?? int(1), 1);

/** The element of a tensor of one element, whatever its rank. */
export const scalarOf = (t: Tensor): Expr => t.at(t.shape.map(() => int(0)));

/** Negative indices count from the end. */
export const fromEnd = (i: Expr, size: Expr): Expr => select(lt(i, 0), add(i, cast(size, i.dtype)), i);

export const zeroOf = (dtype: DType): Expr => constant(0, computeType(dtype));

/** The element of what must be a one-element tensor: written into the expression where it is known while compiling. */
export function scalarValue(build: Lowering, t: Tensor): Expr {
  sized(build, numel(t.shape), 1, 'an input that is one number has another size');
  const [known] = build.values(t) ?? [];
  return known === undefined || rough(known) ? scalarOf(t) : cast(known, computeType(t.dtype));
}
