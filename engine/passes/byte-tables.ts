/**
 * Functions of one byte from tables: what is computed of a quantised value alone (sigmoid and the product with it of a quantised SiLU, a GELU between
 * quantisations) has 256 results, which are computed once. Where exponentials are in it, looking four of them up takes half of the time or
 * less. For CPUs, in what kernels store. In: a program. Out: the same with a map for each table, which runs while loading if its scales are weights.
 */
import { type Expr, asInt, cast, int, load, product, variable } from '../../jit/expr/expr.ts';
import { collect, cost, operands, rewriter, substitute } from '../../jit/expr/visit.ts';
import { mapStores, pointAxes, stores } from '../../jit/kernel.ts';
import type { Computation, Program, TensorDef } from '../graph/program.ts';

/** The other functions of one number take many instructions. */
const cheap = new Set<string>(['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'sqrt', 'reciprocal', 'not', 'isnan']);
const isDear = (e: Expr): e is Expr => e.op === 'unary' && !cheap.has(e.fn);
const isSingle = (e: Expr): boolean => e.op === 'load' && e.index.every((i) => i.op === 'const');
const isByte = (e: Expr): e is Expr => (e.dtype === 'uint8' || e.dtype === 'int8') && (e.op === 'cast' || e.op === 'load') && !isSingle(e);
/** Points from which on a table, which scales that are no weights have made in each run, is worth its 256. */
const leastPoints = 1024;
/** What a table of 32-bit elements can hold. */
const holdable = new Set<string>(['float32', 'int32', 'int16', 'uint16', 'int8', 'uint8']);

export function byteTables(program: Program, fresh: () => number): Program {
  const tensors = new Map(program.tensors);
  const computations: Computation[] = [];
  const known = new Map<Expr, number>();
  for (const c of program.computations) {
    const { origins, body } = c;
    // As it is, or what is known of its body would be looked for again.
    if (!stores(body).some(({ value }) => collect([value], isDear).length > 0 && collect([value], isByte).length > 0)) {
      computations.push(c);
      continue;
    }
    const few = (asInt(product(pointAxes(body).map((v) => v.extent))) ?? leastPoints) < leastPoints;
    const tableOf = (byte: Expr, of: Expr): Expr => {
      const axis = variable('byte', 256);
      const dtype = of.dtype === 'float32' ? 'float32' : 'int32';
      const value = cast(substitute(of, new Map([[byte, cast(cast(axis, 'uint8'), byte.dtype)]])), dtype);
      const id = known.get(value) ?? fresh();
      if (!known.has(value)) {
        known.set(value, id);
        const def: TensorDef = { id, dtype, shape: [int(256)], source: { kind: 'computed' } };
        tensors.set(id, def);
        computations.push({ body: { kind: 'map', axes: [axis], store: { tensor: id, index: [axis], value } }, outputs: [id], origins });
      }
      return cast(load(id, dtype, [cast(cast(byte, 'uint8'), 'index')]), of.dtype);
    };
    const value = (e: Expr): Expr => {
      if (few) return e;
      // What is computed of the innermost byte is computed of all that are made of it.
      return collect([e], isByte).sort((a, b) => cost(a) - cost(b)).reduce((now, byte) => lookUp(now, byte, tableOf), e);
    };
    computations.push({ ...c, body: mapStores(body, (s) => ({ ...s, value: value(s.value) })) });
  }
  return { ...program, tensors, computations };
}

/** The expression with the greatest functions of `byte` alone looked up, if they are dear. */
function lookUp(e: Expr, byte: Expr, tableOf: (byte: Expr, of: Expr) => Expr): Expr {
  const alone = new Map<Expr, boolean>();
  /** Whether it is made of the byte, constants and single numbers. */
  const isAlone = (x: Expr): boolean => {
    const said = alone.get(x);
    if (said !== undefined) return said;
    const is = x === byte || x.op === 'const' || isSingle(x) || (x.op !== 'load' && operands(x).length > 0 && operands(x).every(isAlone));
    alone.set(x, is);
    return is;
  };
  return rewriter((x) => {
    if (x === byte || !holdable.has(x.dtype) || !isAlone(x)) return undefined;
    return collect([x], (y): y is Expr => y === byte).length > 0 && collect([x], isDear).length > 0 ? tableOf(byte, x) : x;
  })(e);
}
