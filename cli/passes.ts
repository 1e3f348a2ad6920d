/**
 * `quern inspect MODEL --passes`: what each pass makes of the model, from its head alone, without a browser. One line a pass: nodes of the
 * graph, later computations by kernel class and the bytes that they hand on; with `--pass NAME` the whole IR before and after it.
 */
import { openAsBlob } from 'node:fs';
import { nodeCount } from '../engine/graph/graph.ts';
import { printGraph, printProgram } from '../engine/graph/print.ts';
import type { Computation, Program } from '../engine/graph/program.ts';
import { loadHead } from '../engine/load/load-graph.ts';
import { lowerGraph } from '../engine/ops/lower.ts';
import { type Observer, passNames, runGraphPasses, runProgramPasses } from '../engine/passes/pipeline.ts';
import { findPrepared } from '../engine/passes/program-edit.ts';
import { bytesOf } from '../jit/expr/dtype.ts';
import type { Numeric } from '../jit/kernel.ts';
import { megabytes, table, type Io } from './session.ts';

interface Stage {
  readonly name: string;
  readonly ir: Parameters<Observer>[1];
}

/** Panels as on most CPUs; a GPU takes operands as they are. */
const panel = 8;

/** Exit code 2 if there is no such pass. */
export async function passes(model: string, only: string | undefined, precision: Numeric['precision'], io: Io): Promise<number> {
  if (only !== undefined && only !== 'lower' && !passNames.includes(only)) {
    io.error(`there is no pass '${only}'; passes are ${['lower', ...passNames].join(', ')}`);
    return 2;
  }
  const graph = await loadHead({ kind: 'blob', blob: await openAsBlob(model) });
  const stages: Stage[] = [{ name: 'load', ir: { graph } }];
  const observe: Observer = (name, ir) => { stages.push({ name, ir }); };
  const lowered = lowerGraph(runGraphPasses(graph, { observe }));
  observe('lower', { program: lowered });
  runProgramPasses(lowered, panel, { observe, precision });
  if (only === undefined) {
    io.print(table([['after', 'nodes', 'map', 'rows', 'contraction', 'loop', 'at load', 'handed on'], ...stages.map(line)]));
    return 0;
  }
  const at = stages.findIndex((s) => s.name === only);
  for (const [word, stage] of [['before', stages[at - 1]], ['after', stages[at]]] as const) {
    if (stage !== undefined) io.print(`--- ${word} ${only}\n${'graph' in stage.ir ? printGraph(stage.ir.graph) : printProgram(stage.ir.program)}\n`);
  }
  return 0;
}

function line({ name, ir }: Stage): string[] {
  if ('graph' in ir) return [name, String(nodeCount(ir.graph)), '', '', '', '', '', ''];
  const prepared = findPrepared(ir.program);
  const eachRun = ir.program.computations.filter((c) => !c.outputs.every((id) => prepared.has(id)));
  const once = ir.program.computations.length - eachRun.length;
  const count = (kind: string): string => String(eachRun.filter((c) => c.body.kind === kind).length);
  return [name, '', count('map'), count('rows'), count('contraction'), count('loop'), String(once), megabytes(handedOn(ir.program, eachRun))];
}

/** Bytes of the tensors that computations write in a run, symbolic dims taken as 1: the traffic that fusion saves. */
function handedOn({ tensors }: Program, eachRun: readonly Computation[]): number {
  const written = new Set(eachRun.flatMap((c) => c.outputs));
  let bytes = 0;
  for (const id of written) {
    const def = tensors.get(id);
    if (def !== undefined) bytes += def.shape.reduce((n, d) => n * (d.op === 'const' ? Number(d.value) : 1), bytesOf(def.dtype));
  }
  return bytes;
}
