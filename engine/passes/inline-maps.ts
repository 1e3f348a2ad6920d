/**
 * Fusion of producers: a map is computed where it is read instead of being stored, if that costs less than the trip through memory.
 * Pure movement (transpose, slice, reshape, broadcast) costs only index arithmetic and goes everywhere; arithmetic goes where each
 * element is read about once. Contractions take movement only, and only while their operands stay affine: the micro-kernel reads
 * operands many times. In: a program in order. Out: the same tensors (unused maps are left for `prune`).
 */
import { type Expr, type Load, cast, constant, int, sub } from '../../jit/expr/expr.ts';
import { affine, isNonNegative } from '../../jit/expr/index-algebra.ts';
import { collect, cost, isLoad, rewriter, substitute } from '../../jit/expr/visit.ts';
import { type Body, type ContractionBody, allAxes, loadedTensors, loadsOf, mapBody, pointAxes } from '../../jit/kernel.ts';
import { type Computation, type Program, type TensorDef, readsOf } from '../graph/program.ts';
import { elements } from './index-maps.ts';
import { fusable, isLarge, tensorOf, usesOf } from './program-edit.ts';

/** What may be computed again at each read: a few instructions, no transcendental. */
const cheap = 6;

/**
 * `operands`: whether contractions take movement into their operands; not after those have been packed. `narrow`: whether they take in what is
 * made of many weights of four bits.
 */
export function inlineMaps(program: Program, operands = true, narrow = false): Program {
  const uses = usesOf(program);
  const maps = new Map<number, Computation>();
  const fixed = new Set([...program.tensors.values()].filter((t) => t.source.kind === 'constant').map((t) => t.id));
  for (const c of program.computations) if (readsOf(c).every((t) => fixed.has(t))) for (const t of c.outputs) fixed.add(t);
  const readers = (t: number): number => uses.readers.get(t)?.length ?? 0;
  const isOfFourBits = ({ tensor }: Load): boolean => {
    const { source } = tensorOf(program, tensor);
    return source.kind === 'constant' && source.constant.narrow !== undefined;
  };
  /** With the value that a load reads in its place; undefined if that is not worth it. */
  const inlined = (c: Computation, l: Load): Computation | undefined => {
    if (c.outputs.includes(l.tensor)) return undefined;
    const uniform = uniformValue(tensorOf(program, l.tensor), l);
    const producer = maps.get(l.tensor);
    const value = uniform ?? (producer && valueAt(producer.body, l));
    if (value === undefined) return undefined;
    const whole = uniform !== undefined && c.body.kind !== 'contraction';
    // Looking up comes lane by lane: once a visit if it depends on constants only, once a run if several results take it.
    const alone = !fixed.has(l.tensor) && readers(l.tensor) <= 1;
    const kept = narrow && c.body.kind === 'contraction' && c.body.rhs === l && isLarge(c.body) && collect([value], isLoad).some(isOfFourBits);
    if (!whole && !kept && (producer === undefined || !pays(c.body, producer.body, l, value, operands, readers(l.tensor), alone))) return undefined;
    const replace = rewriter((e) => (e === l ? value : undefined));
    const body = mapBody(c.body, (e) => (e.op === 'var' ? e : replace(e)));
    if (whole) return { ...c, body };
    if (!kept && !fits(c.body, body, l)) return undefined;
    const origins = uniform === undefined && producer !== undefined ? producer.origins : [];
    return { ...c, body, origins: [...origins.filter((o) => !c.origins.includes(o)), ...c.origins] };
  };
  const computations = program.computations.map((original) => {
    let c = original;
    const refused = new Set<Load>();
    for (let guard = 0; guard < 64; guard++) {
      let next: Computation | undefined;
      for (const l of loadsOf(c.body)) {
        if (refused.has(l)) continue;
        next = inlined(c, l);
        if (next !== undefined) break;
        refused.add(l);
      }
      if (next === undefined) break;
      c = next;
    }
    if (c.body.kind === 'map') for (const t of c.outputs) maps.set(t, c);
    return c;
  });
  return { ...program, computations };
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

/** Whether the body is still one that is run well: looked at last, since it takes the body. */
function fits(before: Body, after: Body, l: Load): boolean {
  if (before.kind === 'loop') return true;
  if (!fusable(after, loadedTensors(before).length)) return false;
  return after.kind !== 'contraction' || before.kind !== 'contraction' || !inOperand(before, l) || stillAffine(after);
}

const inOperand = ({ lhs, rhs }: ContractionBody, l: Load): boolean => collect([lhs, rhs], isLoad).includes(l);

/** Whether computing a value where it is read costs less than storing it. */
function pays(
  before: Body, producer: Body, l: Load, value: Expr, operands: boolean, readers: number, alone: boolean,
): boolean {
  if (before.kind === 'loop') return value.op === 'const';
  const movement = value.op === 'load' && !collect(value.index, isLoad).length;
  if (before.kind === 'contraction') {
    const lookup = collect([value], (e): e is Load => e.op === 'load' && collect(e.index, isLoad).length > 0).length > 0;
    if (lookup && !alone) return false;
    if (inOperand(before, l)) return operands && value.op === 'load';
  }
  const price = cost(value);
  if (movement || price <= 1) return true;
  if (price > 3 && readers > 1) return false;
  const passes = before.kind === 'rows' ? before.scans.length + (before.each ? 1 : 0) : 1;
  if (price > cheap && loadsOf(before, l.tensor).length * passes > 1) return false;
  if (price <= 3) return true;
  // Reads of each element: no more points than the producer had, unless computing it again is next to free.
  const points = elements((before.kind === 'rows' ? allAxes(before) : pointAxes(before)).map((a) => a.extent));
  const produced = elements(pointAxes(producer).map((a) => a.extent));
  return points === produced || isNonNegative(sub(produced, points));
}

/** Both operands of a contraction are loads (under guards) at affine indices. */
function stillAffine(body: ContractionBody): boolean {
  const axes = allAxes(body);
  return collect([body.lhs, body.rhs], isLoad).every((l) => l.index.every((i) => affine(i, axes) !== undefined));
}
