/**
 * Products of one column (a convolution to one channel) in two steps. Vectors run along columns, so one column fills a lane of a panel:
 * such a convolution ran at a seventh of the speed. Here lanes run along the innermost depth axis instead: a product without columns, as
 * a depthwise convolution is, sums each residue of that axis by itself, and a row program adds these sums up and takes over what was to be
 * stored. The order of summation is another one, so this is decided before there are schedules. In: a program. Out: the same, with
 * two computations for each such product.
 */
import { type Expr, type Var, add, asInt, floordiv, int, load, mul, product, ref, sub, variable } from '../../jit/expr/expr.ts';
import { collect, contains, isLoad, substitute } from '../../jit/expr/visit.ts';
import type { Body, ContractionBody } from '../../jit/kernel.ts';
import type { Computation, Program } from '../graph/program.ts';

/** Rows from which on a second computation is worth it. */
const leastRows = 256;
/** As many lanes at least, and as many taps at most, as the kernel for depthwise convolutions unrolls. */
const [leastLanes, mostLanes, mostTaps] = [8, 32, 64];

export function splitSums(program: Program, fresh: () => number): Program {
  const tensors = new Map(program.tensors);
  const computations = program.computations.flatMap((c): Computation[] => {
    const split = c.body.kind === 'contraction' ? splitBody(c.body, fresh) : undefined;
    if (split === undefined) return [c];
    const { parts, whole, id, shape } = split;
    tensors.set(id, { id, dtype: 'float32', shape, source: { kind: 'computed' } });
    return [{ body: parts, outputs: [id], origins: c.origins }, { ...c, body: whole }];
  });
  return { ...program, tensors, computations };
}

interface Split {
  readonly parts: Body;
  readonly whole: Body;
  /** The tensor of sums in between. */
  readonly id: number;
  readonly shape: readonly Expr[];
}

function splitBody(body: ContractionBody, fresh: () => number): Split | undefined {
  const { batch, rows, cols, depth, lhs, rhs, store } = body;
  if (cols.length === 0 || asInt(product(cols.map((v) => v.extent))) !== 1 || lhs.dtype !== 'float32' || rhs.op !== 'load') return undefined;
  // A dim that is not known may be 1.
  const points = [...batch, ...rows].reduce((n, v) => n * (asInt(v.extent) ?? 1), 1);
  const axis = depth.findLast((v) => asInt(v.extent) !== 1);
  if (points < leastRows || axis === undefined) return undefined;
  const lanes = lanesOf(axis, depth);
  if (lanes === undefined || !stepsThrough(lhs, axis) || !stepsThrough(rhs, axis)) return undefined;
  const lane = variable('part', lanes);
  const turn = variable(axis.name, floordiv(axis.extent, lanes));
  const by = new Map<Expr, Expr>([[axis, add(mul(turn, lanes), lane)], ...cols.map((v): [Expr, Expr] => [v, int(0)])]);
  const left = depth.map((v) => (v === axis ? turn : v));
  const outer = [...batch, ...rows];
  const id = fresh();
  const axes = outer.map((v) => variable(v.name, v.extent));
  const inner = variable('part', lanes);
  const sum = ref('sum', 'float32');
  const rename = new Map<Expr, Expr>([...outer.map((v, i): [Expr, Expr] => [v, axes[i] ?? v]), ...cols.map((v): [Expr, Expr] => [v, int(0)]), [ref('acc', 'float32'), sum]]);
  return {
    id,
    shape: [...outer.map((v) => v.extent), int(lanes)],
    parts: {
      kind: 'contraction', batch: [...batch, lane], rows, cols: [], depth: left, lhs: substitute(lhs, by), rhs: substitute(rhs, by),
      store: { tensor: id, index: [...outer, lane], value: ref('acc', 'float32') },
    },
    whole: {
      kind: 'rows', axes, inner: [inner], scans: [{ name: 'sum', op: 'sum', value: load(id, 'float32', [...axes, inner]) }], each: false,
      store: { tensor: store.tensor, index: store.index.map((e) => substitute(e, rename)), value: substitute(store.value, rename) },
    },
  };
}

/** How many sums there are side by side: the least divisor of the axis that leaves no more taps than are unrolled, or all of an odd one. */
function lanesOf(axis: Var, depth: readonly Var[]): number | undefined {
  const extent = asInt(axis.extent);
  const all = asInt(product(depth.map((v) => v.extent)));
  if (extent === undefined || all === undefined) return undefined;
  const whole = Array.from({ length: mostLanes / 4 }, (_, i) => 4 * (i + 1)).filter((n) => n >= leastLanes && extent % n === 0);
  return [...whole, extent].find((n) => n >= leastLanes && n <= 2 * mostLanes && all / n <= mostTaps);
}

/** A load, or a guarded one whose guard leaves the axis alone, with neighbours along the axis in one dim. */
function stepsThrough(e: Expr, axis: Var): boolean {
  const loads = collect([e], isLoad);
  const [one] = loads;
  if (one === undefined || loads.length > 1 || (e.op !== 'load' && (e.op !== 'select' || contains(e.cond, axis)))) return false;
  const along = one.index.filter((i) => contains(i, axis));
  const [at] = along;
  return at !== undefined && along.length === 1 && asInt(sub(substitute(at, new Map<Expr, Expr>([[axis, add(axis, 1)]])), at)) === 1;
}
