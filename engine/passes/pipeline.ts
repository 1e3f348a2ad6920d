/**
 * The only place where the order of passes lives. In tests and fuzzing both IRs are verified after every pass, so that a wrong rewrite ends here,
 * with the pass and the node named, not in a wrong answer; what ships leaves that out: 2 % of the time of loading, 1 KB of the bundle.
 */
import type { Numeric } from '../../jit/kernel.ts';
import type { Graph } from '../graph/graph.ts';
import type { Program } from '../graph/program.ts';
import { blaming, verify } from '../graph/verify.ts';
import { verifyProgram } from '../graph/verify-program.ts';
import { byteTables } from './byte-tables.ts';
import { cleanGraph } from './clean-graph.ts';
import { foldBatchNorm } from './fold-batch-norm.ts';
import { fuseEpilogues } from './fuse-epilogues.ts';
import { inlineMaps } from './inline-maps.ts';
import { mergeRows } from './merge-rows.ts';
import { packOperands } from './pack-operands.ts';
import { prune } from './program-edit.ts';
import { shareTransposed } from './share-transposed.ts';
import { splitSums } from './split-sums.ts';
import { widenHalf } from './widen-half.ts';
import { winograd } from './winograd.ts';

interface Pass<T> {
  readonly name: string;
  readonly run: (ir: T) => T;
}

export type Observer = (stage: string, ir: { readonly graph: Graph } | { readonly program: Program }) => void;

const graphPasses: readonly Pass<Graph>[] = [
  { name: 'clean-graph', run: cleanGraph },
  { name: 'share-transposed', run: shareTransposed },
  { name: 'fold-batch-norm', run: foldBatchNorm },
];

/** `panel`: elements per panel for the device at hand, 0 if it takes operands as they are. `fast`: of precision. `fresh`: ids for new tensors. */
const programPasses = (panel: number, fast: boolean, fresh: () => number): readonly Pass<Program>[] => [
  { name: 'prune', run: prune },
  { name: 'widen-half', run: widenHalf },
  // Epilogues first: scale and mask belong to the MatMul, which computes them once, and not to the softmax, which would three times.
  { name: 'fuse-epilogues', run: fuseEpilogues },
  { name: 'inline-maps', run: (p) => prune(inlineMaps(p, true, panel > 0)) },
  // Again: inlining brings several readers of a result together, a merged chain ends in a map, an epilogue joins two row programs.
  { name: 'fuse-epilogues-2', run: fuseEpilogues },
  { name: 'merge-rows', run: mergeRows },
  { name: 'fuse-epilogues-3', run: fuseEpilogues },
  { name: 'merge-rows-2', run: mergeRows },
  // Measured on CPUs alone.
  { name: 'winograd', run: (p) => (fast && panel > 0 ? winograd(p, fresh) : p) },
  // Where columns are lanes; a GPU's threads need none.
  { name: 'split-sums', run: (p) => (panel === 0 ? p : splitSums(p, fresh)) },
  { name: 'pack-operands', run: (p) => packOperands(p, panel, fresh) },
  { name: 'inline-into-packing', run: (p) => prune(inlineMaps(p, false)) },
  // A packing that fills its panels is where the producer stores.
  { name: 'fuse-packing', run: fuseEpilogues },
  // Last: nothing has to look into a table.
  { name: 'byte-tables', run: (p) => (panel === 0 ? p : byteTables(p, fresh)) },
];

export interface PassOptions {
  readonly observe?: Observer | undefined;
  /** Passes to leave out, by name: every one is optional for a right answer, and fuzzing holds them to it. */
  readonly skip?: ReadonlySet<string> | undefined;
  /** Default 'exact'. */
  readonly precision?: Numeric['precision'];
}

export const passNames: readonly string[] = [...graphPasses, ...programPasses(0, false, () => 0)].map((p) => p.name);

function run<T>(passes: readonly Pass<T>[], ir: T, skip: ReadonlySet<string> | undefined, observe: (stage: string, ir: T) => void): T {
  return passes.filter((p) => skip?.has(p.name) !== true).reduce((before, pass) => {
    const after = pass.run(before);
    observe(pass.name, after);
    return after;
  }, ir);
}

export const runGraphPasses = (graph: Graph, { observe, skip }: PassOptions = {}): Graph =>
  run(graphPasses, graph, skip, (stage, g) => {
    if (import.meta.env.DEV) verify(g, blaming(stage));
    observe?.(stage, { graph: g });
  });

/** Parts of blocks come before the program around them, which then sees what they still read. */
export function runProgramPasses(program: Program, panel: number, { observe, skip, precision }: PassOptions = {}): Program {
  let next = highest(program);
  const passes = programPasses(panel, precision === 'fast', () => ++next);
  const go = (whole: Program, look: Observer | undefined): Program => {
    const blocks = whole.blocks?.map((b) => ({ ...b, parts: b.parts.map((part) => go(part, undefined)) }));
    return run(passes, blocks === undefined ? whole : { ...whole, blocks }, skip, (stage, p) => {
      if (import.meta.env.DEV) verifyProgram(p, stage);
      look?.(stage, { program: p });
    });
  };
  return go(program, observe);
}

/** The greatest tensor id of a program and its parts. */
export function highest({ tensors, blocks = [] }: Program): number {
  return [...tensors.keys(), ...blocks.flatMap((b) => b.parts.map(highest))].reduce((a, b) => Math.max(a, b), -1);
}
