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

/** Maps that an anchor could not take: it is asked again in later passes. */
const refused = new WeakMap<Body, Body>();

/** In rounds: each anchor takes at most one map in one, and those that took one may take another in the next. */
export function fuseEpilogues(program: Program): Program {
  const { readers, kept } = usesOf(program);
  const places = new Map(program.computations.map((c, place) => [c, place]));
  const placeOf = (c: Computation): number => places.get(c) ?? 0;
  const computations: (Computation | undefined)[] = [...program.computations];
  let anchors = program.computations;
  while (anchors.length > 0) {
    const grown: Computation[] = [];
    for (const anchor of anchors) {
      const { body, outputs: [output, ...more] } = anchor;
      if (output === undefined || more.length > 0 || kept.has(output) || (body.kind !== 'contraction' && body.kind !== 'rows')) continue;
      const [reader, ...others] = readers.get(output) ?? [];
      if (reader?.body.kind !== 'map' || others.length > 0 || computations[placeOf(reader)] !== reader || refused.get(body) === reader.body) continue;
      const joined = fused(program, body, output, reader.body);
      if (joined === undefined) {
        refused.set(body, reader.body);
        continue;
      }
      const made = { body: joined, outputs: reader.outputs, origins: [...anchor.origins, ...reader.origins] };
      // The anchor moves to where the map stood: everything the map reads is written by then.
      computations[placeOf(anchor)] = undefined;
      computations[placeOf(reader)] = made;
      places.set(made, placeOf(reader));
      grown.push(made);
    }
    anchors = grown.sort((a, b) => placeOf(a) - placeOf(b));
  }
  return { ...program, computations: computations.filter((c) => c !== undefined) };
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

