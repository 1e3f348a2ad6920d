/**
 * Fusion of consumers: a map over the result of a contraction or a row program (bias, activation, residual, mask, transpose, reshape)
 * becomes part of its store, so that the result is written once, where and as it is wanted. Applies if the map is the only
 * reader, reads the result at one index, and that index maps points one to one. In: a program in order. Out: the anchor takes
 * over the map's output.
 */
import { type Expr, int } from '../../jit/expr/expr.ts';
import { collect, isLoad, rewriter, substitute } from '../../jit/expr/visit.ts';
import { type Body, type MapBody, loadsOf } from '../../jit/kernel.ts';
import type { Computation, Program } from '../graph/program.ts';
import { invert } from './index-maps.ts';
import { fusable, tensorOf, usesOf } from './program-edit.ts';

export function fuseEpilogues(program: Program): Program {
  let current = program;
  for (let guard = 0; guard < 32; guard++) {
    const next = fuseRound(current);
    if (next === undefined) return current;
    current = next;
  }
  return current;
}

/** One sweep: each anchor takes at most one map. */
function fuseRound(program: Program): Program | undefined {
  const { readers, kept } = usesOf(program);
  const replaced = new Map<Computation, Computation>();
  const gone = new Set<Computation>();
  for (const anchor of program.computations) {
    const [output] = anchor.outputs;
    if (output === undefined || anchor.outputs.length !== 1 || kept.has(output) || gone.has(anchor)) continue;
    if (anchor.body.kind !== 'contraction' && anchor.body.kind !== 'rows') continue;
    const [reader, ...others] = readers.get(output) ?? [];
    if (reader === undefined || others.length > 0 || reader.body.kind !== 'map' || gone.has(reader) || replaced.has(reader)) continue;
    const body = fused(program, anchor.body, output, reader.body);
    if (body === undefined) continue;
    const made = { body, outputs: reader.outputs, origins: [...anchor.origins, ...reader.origins] };
    // The anchor moves to where the map stood: everything the map reads is written by then.
    replaced.set(reader, made);
    gone.add(anchor);
  }
  if (gone.size === 0) return undefined;
  return { ...program, computations: program.computations.filter((c) => !gone.has(c)).map((c) => replaced.get(c) ?? c) };
}

function fused(
  program: Program,
  anchor: Extract<Body, { kind: 'contraction' | 'rows' }>,
  output: number,
  map: MapBody,
): Body | undefined {
  const [read, ...more] = loadsOf(map, output);
  if (read === undefined || more.length > 0) return undefined;
  const { shape } = tensorOf(program, output);
  const at = invert(read.index, map.axes, shape, anchor.store.index);
  if (at === undefined) return undefined;
  const points = new Map(map.axes.map((a, d) => [a as Expr, at[d] ?? int(0)]));
  const inPlace = substitute(map.store.value, points);
  const wanted = substitute(read, points);
  // The anchor's own value stands where its result was read.
  const value = rewriter((e) => (e === wanted ? anchor.store.value : undefined))(inPlace);
  if (collect([value], isLoad).some((l) => l.tensor === output)) return undefined;
  const store = { tensor: map.store.tensor, index: map.store.index.map((i) => substitute(i, points)), value };
  const body: Body = { ...anchor, store };
  return fusable(body) ? body : undefined;
}

