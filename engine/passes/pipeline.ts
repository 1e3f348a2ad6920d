/** The only place where the order of passes lives. Both IRs are verified after every pass while `verify` is on (tests, `quern inspect`). */
import type { Graph } from '../graph/graph.ts';
import type { Program } from '../graph/program.ts';
import { cleanGraph } from './clean-graph.ts';
import { foldBatchNorm } from './fold-batch-norm.ts';
import { fuseEpilogues } from './fuse-epilogues.ts';
import { inlineMaps } from './inline-maps.ts';
import { mergeRows } from './merge-rows.ts';
import { packOperands } from './pack-operands.ts';
import { prune } from './program-edit.ts';

interface Pass<T> {
  readonly name: string;
  readonly run: (ir: T) => T;
}

export type Observer = (stage: string, ir: { readonly graph: Graph } | { readonly program: Program }) => void;

const graphPasses: readonly Pass<Graph>[] = [
  { name: 'clean-graph', run: cleanGraph },
  { name: 'fold-batch-norm', run: foldBatchNorm },
];

/** `panel`: elements per panel for the device at hand, 0 if it takes operands as they are. */
const programPasses = (panel: number): readonly Pass<Program>[] => [
  { name: 'prune', run: prune },
  { name: 'inline-maps', run: (p) => prune(inlineMaps(p)) },
  // Twice: a merged chain ends in a map that is an epilogue, an epilogue brings two row programs together.
  { name: 'fuse-epilogues', run: fuseEpilogues },
  { name: 'merge-rows', run: mergeRows },
  { name: 'fuse-epilogues-2', run: fuseEpilogues },
  { name: 'merge-rows-2', run: mergeRows },
  { name: 'pack-operands', run: (p) => packOperands(p, panel) },
  { name: 'inline-into-packing', run: (p) => prune(inlineMaps(p)) },
];

export function runGraphPasses(graph: Graph, observe?: Observer): Graph {
  return graphPasses.reduce((g, pass) => {
    const next = pass.run(g);
    observe?.(pass.name, { graph: next });
    return next;
  }, graph);
}

export function runProgramPasses(program: Program, panel: number, observe?: Observer): Program {
  return programPasses(panel).reduce((p, pass) => {
    const next = pass.run(p);
    observe?.(pass.name, { program: next });
    return next;
  }, program);
}
