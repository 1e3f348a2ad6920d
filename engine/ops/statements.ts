/**
 * Computations as statements of one loop body: how the body of a Loop whose steps only the data count becomes a single kernel. In:
 * computations in order; out: statements that run them one after another, point by point, with names of their own.
 */
import { bytesOf, isFloat, isSigned, type ScalarType } from '../../jit/expr/dtype.ts';
import { type Expr, type Var, add, binary, constant, load, mul, ref, variable } from '../../jit/expr/expr.ts';
import { rewriter } from '../../jit/expr/visit.ts';
import { type Body, type ReduceOp, type Stmt, mapBody } from '../../jit/kernel.ts';
import type { Computation, TensorDef } from '../graph/program.ts';

/** The statements of one computation; `prefix` keeps its axes and locals apart from those of others. */
export function statementsOf({ body, outputs, initial }: Computation, tensorOf: (id: number) => TensorDef, prefix: string): Stmt[] {
  const renamed = mapBody(body, rewriter((e, again) => {
    if (e.op === 'var') return variable(`${prefix}${e.name}`, again(e.extent));
    return e.op === 'ref' ? ref(`${prefix}${e.name}`, e.dtype) : undefined;
  }));
  const fills = outputs.flatMap((id) => {
    const from = initial?.get(id);
    return from === undefined ? [] : fill(tensorOf(id), from, tensorOf, `${prefix}f${id}`);
  });
  return [...fills, ...bodyStatements(withNames(renamed, prefix), prefix)];
}

/** Locals and scans are named beside their values, where the rewriter does not see them. */
function withNames(body: Body, prefix: string): Body {
  if (body.kind === 'rows') return { ...body, scans: body.scans.map((s) => ({ ...s, name: `${prefix}${s.name}` })) };
  if (body.kind !== 'loop') return body;
  const stmt = (s: Stmt): Stmt => {
    switch (s.do) {
      case 'let': case 'set': return { ...s, name: `${prefix}${s.name}` };
      case 'for': case 'while': return { ...s, body: s.body.map(stmt) };
      case 'if': return { ...s, then: s.then.map(stmt), else: s.else.map(stmt) };
      case 'store': return s;
      default: return s satisfies never;
    }
  };
  return { ...body, body: body.body.map(stmt) };
}

const nest = (axes: readonly Var[], inner: readonly Stmt[]): readonly Stmt[] =>
  axes.reduceRight<readonly Stmt[]>((body, axis) => [{ do: 'for', axis, body }], inner);

function bodyStatements(body: Body, prefix: string): readonly Stmt[] {
  switch (body.kind) {
    case 'map': return nest(body.axes, [{ do: 'store', store: body.store }]);
    case 'loop': return nest(body.axes, body.body);
    case 'rows': {
      const passes = body.scans.flatMap((s): Stmt[] => [
        { do: 'let', name: s.name, value: startOf(s.op, s.value.dtype) },
        ...nest(body.inner, [{ do: 'set', name: s.name, value: binary(joins[s.op], ref(s.name, s.value.dtype), s.value) }]),
      ]);
      const store: Stmt = { do: 'store', store: body.store };
      return nest(body.axes, [...passes, ...(body.each ? nest(body.inner, [store]) : [store])]);
    }
    case 'contraction': {
      const name = `${prefix}acc`;
      const acc = ref(name, body.lhs.dtype);
      return nest([...body.batch, ...body.rows, ...body.cols], [
        { do: 'let', name, value: constant(0, body.lhs.dtype) },
        ...nest(body.depth, [{ do: 'set', name, value: add(acc, mul(body.lhs, body.rhs)) }]),
        { do: 'store', store: body.store },
      ]);
    }
    default: return body satisfies never;
  }
}

const joins = { sum: 'add', prod: 'mul', max: 'max', min: 'min' } as const satisfies Record<ReduceOp, string>;

/** What a reduction of nothing is. */
function startOf(op: ReduceOp, dtype: ScalarType): Expr {
  if (op === 'sum') return constant(0, dtype);
  if (op === 'prod') return constant(1, dtype);
  if (isFloat(dtype)) return constant(op === 'max' ? -Infinity : Infinity, dtype);
  const bits = BigInt(bytesOf(dtype) * 8);
  const [least, most] = isSigned(dtype) ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
  return constant(op === 'max' ? least : most, dtype);
}

/** Every element of a tensor (or, with `entry`, of that entry along its first dim) from another tensor, or zero. */
export function fill(to: TensorDef, from: number | 'zero', tensorOf: (id: number) => TensorDef, prefix: string, entry?: Expr): readonly Stmt[] {
  const shape = entry === undefined ? to.shape : to.shape.slice(1);
  const axes = shape.map((dim, d) => variable(`${prefix}_${d}`, dim));
  const value = from === 'zero' ? constant(0, to.dtype) : load(from, tensorOf(from).dtype, axes);
  return nest(axes, [{ do: 'store', store: { tensor: to.id, index: entry === undefined ? axes : [entry, ...axes], value } }]);
}
