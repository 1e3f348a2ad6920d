/**
 * float16 tensors between kernels become float32: no CPU computes in float16, rounding after each operator only loses digits, and other
 * engines keep float32 between operators too (their outputs are what models are checked against). Inputs, weights and outputs stay as they are.
 * A GPU that computes in float16 may want them narrow again: that is a decision for its backend.
 */
import { type Expr, cast, constant, load, select } from '../../jit/expr/expr.ts';
import { rewriter } from '../../jit/expr/visit.ts';
import { type Body, type Store, mapBody, mapStores } from '../../jit/kernel.ts';
import { type Program, type TensorDef, readOutside } from '../graph/program.ts';

export function widenHalf(program: Program): Program {
  const kept = readOutside(program);
  const wide = new Set<number>();
  for (const def of program.tensors.values()) {
    if (def.dtype === 'float16' && def.source.kind === 'computed' && !kept.has(def.id)) wide.add(def.id);
  }
  if (wide.size === 0) return program;
  const tensors = new Map([...program.tensors].map(([id, def]): [number, TensorDef] => [id, wide.has(id) ? { ...def, dtype: 'float32' } : def]));
  return { ...program, tensors, computations: program.computations.map((c) => ({ ...c, body: widenBody(c.body, wide) })) };
}

function widenBody(body: Body, wide: ReadonlySet<number>): Body {
  const go = rewriter((e, again) => {
    if (e.op === 'cast' && e.dtype === 'float32' && e.a.dtype === 'float16') return widen(e.a, again);
    if (e.op === 'load' && wide.has(e.tensor)) return cast(widen(e, again), 'float16');
    return undefined;
  });
  const widen = (e: Expr, again: (inner: Expr) => Expr): Expr => {
    switch (e.op) {
      case 'load': return wide.has(e.tensor) ? load(e.tensor, 'float32', e.index.map(again)) : cast(load(e.tensor, e.dtype, e.index.map(again)), 'float32');
      case 'cast': return e.a.dtype === 'float32' ? again(e.a) : cast(again(e), 'float32');
      case 'select': return select(again(e.cond), widen(e.a, again), widen(e.b, again));
      case 'const': return constant(e.value, 'float32');
      case 'var': case 'sym': case 'ref': case 'unary': case 'binary': case 'bitcast': case 'muladd': return cast(again(e), 'float32');
      default: return e satisfies never;
    }
  };
  const store = (s: Store): Store => (wide.has(s.tensor) && s.value.dtype === 'float16' ? { ...s, value: cast(s.value, 'float32') } : s);
  // First the stores' types, then everything below them.
  return mapBody(mapStores(body, store), go);
}
