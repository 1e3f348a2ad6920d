/**
 * Fusion of producers: a map is computed where it is read instead of being stored, if that costs less than the trip through memory.
 * Pure movement (transpose, slice, reshape, broadcast) costs only index arithmetic and goes everywhere; arithmetic goes where each
 * element is read about once. Contractions take movement only, and only while their operands stay affine: the micro-kernel reads
 * operands many times. In: a program in order. Out: the same tensors (unused maps are left for `prune`).
 */
import { type Expr, type Load, cast, constant, int, sub } from '../../jit/expr/expr.ts';
import { affine, isNonNegative } from '../../jit/expr/index-algebra.ts';
import { collect, cost, isLoad, rewriter, substitute } from '../../jit/expr/visit.ts';
import { type Body, allAxes, loadedTensors, loadsOf, mapBody, pointAxes } from '../../jit/kernel.ts';
import { type Computation, type Program, type TensorDef, readsOf } from '../graph/program.ts';
import { elements } from './index-maps.ts';
import { fusable, tensorOf, usesOf } from './program-edit.ts';

/** What may be computed again at each read: a few instructions, no transcendental. */
const cheap = 6;

/** `operands`: whether contractions take movement into their operands; not after those have been packed. */
export function inlineMaps(program: Program, operands = true): Program {
  const uses = usesOf(program);
  const bodies = new Map<number, Computation>();
  const fixed = new Set([...program.tensors.values()].filter((t) => t.source.kind === 'constant').map((t) => t.id));
  for (const c of program.computations) if (readsOf(c).every((t) => fixed.has(t))) for (const t of c.outputs) fixed.add(t);
  // Looking up comes lane by lane: once a visit if it depends on constants only, once a run if several results take it.
  const alone = (t: number): boolean => !fixed.has(t) && (uses.readers.get(t)?.length ?? 0) <= 1;
  const computations = program.computations.map((original) => {
    let c = original;
    const refused = new Set<Load>();
    for (let guard = 0; guard < 64; guard++) {
      const next = inlineOne(program, c, bodies, refused, operands, (t) => uses.readers.get(t)?.length ?? 0, alone);
      if (next === undefined) break;
      c = next;
    }
    if (c.body.kind === 'map') for (const t of c.outputs) bodies.set(t, c);
    return c;
  });
  return { ...program, computations };
}

/** Replaces one load of a map by the map's value; undefined when no load is worth it. */
function inlineOne(
  program: Program,
  c: Computation,
  maps: ReadonlyMap<number, Computation>,
  refused: Set<Load>,
  operands: boolean,
  readers: (tensor: number) => number,
  alone: (tensor: number) => boolean,
): Computation | undefined {
  for (const l of loadsOf(c.body)) {
    if (refused.has(l) || c.outputs.includes(l.tensor)) continue;
    const uniform = uniformValue(tensorOf(program, l.tensor), l);
    const producer = maps.get(l.tensor);
    const value = uniform ?? (producer === undefined ? undefined : valueAt(producer.body, l));
    if (value === undefined) { refused.add(l); continue; }
    const replace = rewriter((e) => (e === l ? value : undefined));
    const body = mapBody(c.body, (e) => (e.op === 'var' ? e : replace(e)));
    const origins = producer === undefined || uniform !== undefined ? [] : producer.origins;
    if (uniform !== undefined && c.body.kind !== 'contraction') return { ...c, body };
    const lookup = collect([value], (e): e is Load => e.op === 'load' && collect(e.index, isLoad).length > 0).length > 0;
    if (lookup && c.body.kind === 'contraction' && !alone(l.tensor)) { refused.add(l); continue; }
    if (producer === undefined || !worth(c.body, body, producer.body, l, value, operands, readers(l.tensor))) { refused.add(l); continue; }
    return { ...c, body, origins: [...origins.filter((o) => !c.origins.includes(o)), ...c.origins] };
  }
  return undefined;
}

/** The value of a tensor whose elements are known and all the same. */
function uniformValue(def: TensorDef, l: Load): Expr | undefined {
  const first = def.values?.[0];
  if (first === undefined || def.values?.some((v) => v !== first) === true) return undefined;
  if (first.op === 'const') return constant(first.value, l.dtype);
  return first.dtype === 'index' ? cast(first, l.dtype) : undefined;
}

/** A map's value at the index of a load. */
function valueAt(body: Body, l: Load): Expr | undefined {
  if (body.kind !== 'map') return undefined;
  // Maps store at their axes, one a dim, with 0 in dims of one element.
  const at = new Map<Expr, Expr>();
  for (const [d, e] of body.store.index.entries()) {
    if (e.op === 'var') at.set(e, l.index[d] ?? e);
    else if (e !== int(0)) return undefined;
  }
  return body.axes.every((a) => at.has(a)) ? substitute(body.store.value, at) : undefined;
}

function worth(before: Body, after: Body, producer: Body, l: Load, value: Expr, operands: boolean, readers: number): boolean {
  if (before.kind === 'loop') return value.op === 'const';
  if (!fusable(after, loadedTensors(before).length)) return false;
  const movement = value.op === 'load' && !collect(value.index, isLoad).length;
  if (before.kind === 'contraction') {
    if (after.kind !== 'contraction') return false;
    const inOperand = collect([before.lhs, before.rhs], isLoad).includes(l);
    if (inOperand) return operands && value.op === 'load' && stillAffine(after);
  }
  const price = cost(value);
  if (movement || price <= 1) return true;
  const copies = loadsOf(before, l.tensor).length;
  const passes = before.kind === 'rows' ? before.scans.length + (before.each ? 1 : 0) : 1;
  const light = price <= cheap;
  if (readers > 1 && price > 3) return false;
  if (copies * passes > 1 && !light) return false;
  // Reads of each element: no more points than the producer had, unless computing it again is next to free.
  const points = elements((before.kind === 'rows' ? allAxes(before) : pointAxes(before)).map((a) => a.extent));
  const produced = elements(pointAxes(producer).map((a) => a.extent));
  const once = points === produced || isNonNegative(sub(produced, points));
  return once || price <= 3;
}

/** Both operands of a contraction are single loads (under guards) at affine indices. */
function stillAffine(body: Extract<Body, { kind: 'contraction' }>): boolean {
  const axes = allAxes(body);
  return [body.lhs, body.rhs].every((operand) => {
    const loads = collect([operand], isLoad);
    return loads.every((l) => l.index.every((i) => affine(i, axes) !== undefined));
  });
}
