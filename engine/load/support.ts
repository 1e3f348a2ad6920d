/**
 * What of a model would not run here, and how much memory it needs, told from its head: weights are passed over, and not transferred
 * where the source can do without (Blob, server with range requests). Operators are looked up in the registry of ops/; shapes of
 * activations are those that the exporter wrote into the file, or else those of the fused program.
 */
import { QuernError } from '../../jit/error.ts';
import { bytesOf } from '../../jit/expr/dtype.ts';
import type { Expr } from '../../jit/expr/expr.ts';
import { evaluate } from '../../jit/expr/visit.ts';
import type { Graph } from '../graph/graph.ts';
import { type Program, readsOf } from '../graph/program.ts';
import { opsetOf, reads } from '../graph/rewrite.ts';
import { lowerGraph } from '../ops/lower.ts';
import { allOperators, findOperator } from '../ops/registry.ts';
import { runGraphPasses, runProgramPasses } from '../passes/pipeline.ts';
import { tensorOf } from '../passes/program-edit.ts';
import { packOffsets } from '../plan/arena.ts';
import type { SupportReport } from '../report.ts';
import type { WireSource } from '../runtime/model.ts';
import { buildGraph } from './build-graph.ts';
import { readHead, weightBytes } from './load-graph.ts';
import { onnxType, rawBytes } from './onnx-types.ts';
import type { GraphProto, ModelProto } from './proto.ts';
import type { SourceOptions } from './piece-stream.ts';
import { sizeOf } from './tensor-proto.ts';

export interface SupportOptions extends SourceOptions {
  /** Sizes of symbolic dims, for the memory that activations take; 1 where not given. */
  readonly dims?: Readonly<Record<string, number>>;
}

type Missing = SupportReport['missing'][number];

/** Throws QuernErrors as `load` does, for bytes that are no model and sources that cannot be read. */
export async function support(source: WireSource, options: SupportOptions = {}): Promise<SupportReport> {
  const model = await readHead(source, options);
  const missing = missingOperators(model);
  let graph: Graph | undefined;
  try {
    graph = buildGraph(model, undefined);
  } catch (error) {
    if (!(error instanceof QuernError) || !error.code.startsWith('unsupported')) throw error;
    const nodes = error.node === undefined ? [] : [error.node];
    missing.push({ op: error.op ?? '', domain: '', nodes, why: error.message.split('\n')[0] ?? error.code });
  }
  const inFile = (): number => model.graph.initializers.reduce((sum, t) => sum + rawBytes(t.type, sizeOf(t.dims)), 0);
  const weights = graph === undefined ? inFile() : weightBytes(graph);
  const dims = options.dims ?? {};
  const activations = graph === undefined ? undefined : (activationBytes(graph, valueBytes(model.graph, dims)) ?? compiledBytes(graph, dims));
  return {
    supported: missing.length === 0,
    missing,
    weightBytes: weights,
    memoryBytes: activations === undefined ? undefined : weights + activations,
    opsets: Object.fromEntries([...model.opsets].map(([domain, version]) => [domain === '' ? 'ai.onnx' : domain, version])),
  };
}

function missingOperators(model: ModelProto): Missing[] {
  const found = new Map<string, Missing & { readonly nodes: string[] }>();
  const visit = (graph: GraphProto): void => {
    for (const node of graph.nodes) {
      const opset = opsetOf(model, { domain: node.domain, ...(node.opset === undefined ? {} : { opset: node.opset }) });
      // Constant nodes are taken apart while loading.
      if (node.op !== 'Constant' && findOperator(node.domain, node.op, opset) === undefined) {
        const key = `${node.domain}:${node.op}`;
        const entry = found.get(key) ?? { op: node.op, domain: node.domain, nodes: [], why: whyMissing(node.domain, node.op, opset) };
        entry.nodes.push(node.name === '' ? `${node.op}_${node.outputs[0] ?? ''}` : node.name);
        found.set(key, entry);
      }
      for (const a of node.attributes) if (a.kind === 'graph') visit(a.value);
    }
  };
  visit(model.graph);
  return [...found.values()];
}

function whyMissing(domain: string, op: string, opset: number): string {
  const first = allOperators().find((entry) => entry.domain === domain && entry.op === op);
  if (first !== undefined) return `the model uses opset ${opset}; Quern has ${op} from opset ${first.since} on`;
  return domain === '' ? `Quern has no operator ${op}` : `Quern has no operator ${op} of domain '${domain}'`;
}

/** Bytes of each value whose type the file states. */
function valueBytes(graph: GraphProto, sizes: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const { name, type } of [...graph.inputs, ...graph.outputs, ...graph.values]) {
    if (type?.kind !== 'tensor' || type.dims === undefined) continue;
    const dtype = onnxType(type.code)?.dtype;
    if (dtype === undefined) continue;
    const dims = type.dims.map((d) => (typeof d === 'string' ? (Object.hasOwn(sizes, d) ? (sizes[d] ?? 1) : 1) : Math.max(d, 0)));
    bytes.set(name, sizeOf(dims) * bytesOf(dtype));
  }
  return bytes;
}

/** The most bytes that are live at once when each value is dropped after its last reader; undefined if a value's size is not known. */
function activationBytes(graph: Graph, bytes: ReadonlyMap<string, number>): number | undefined {
  const last = new Map<string, number>();
  graph.nodes.forEach((node, i) => { reads(node).forEach((name) => last.set(name, i)); });
  graph.outputs.forEach(({ name }) => last.set(name, Infinity));
  const live = new Map<string, number>();
  let total = 0;
  const add = (name: string): boolean => {
    const size = bytes.get(name);
    if (size === undefined) return false;
    live.set(name, size);
    total += size;
    return true;
  };
  if (!graph.inputs.every(({ name }) => add(name))) return undefined;
  let most = total;
  for (const [i, node] of graph.nodes.entries()) {
    if (!node.outputs.filter((name) => name !== '').every(add)) return undefined;
    most = Math.max(most, total);
    for (const name of [...node.outputs, ...reads(node)]) {
      if ((last.get(name) ?? i) > i) continue;
      total -= live.get(name) ?? 0;
      live.delete(name);
    }
  }
  return most;
}

/** The same of the kernels that would run, for files that state no types; undefined where sizes depend on data, or something cannot be lowered. */
function compiledBytes(graph: Graph, sizes: Readonly<Record<string, number>>): number | undefined {
  let program: Program;
  try {
    program = runProgramPasses(lowerGraph(runGraphPasses(graph)), 0);
  } catch (error) {
    if (error instanceof QuernError) return undefined;
    throw error;
  }
  if (program.dataDims.length > 0 || program.blocks !== undefined) return undefined;
  const size = (leaf: Expr): number => (leaf.op === 'sym' ? (sizes[leaf.name] ?? 1) : 1);
  const prepared = new Set([...program.tensors.values()].filter((t) => t.source.kind === 'constant').map((t) => t.id));
  const spans = new Map<number, { first: number; last: number }>();
  program.inputs.forEach((i) => spans.set(i.tensor, { first: 0, last: Infinity }));
  program.computations.forEach((c, at) => {
    const reads = readsOf(c);
    if (reads.every((t) => prepared.has(t))) c.outputs.forEach((t) => prepared.add(t));
    for (const t of [...c.outputs, ...reads]) {
      if (!prepared.has(t)) spans.set(t, { first: spans.get(t)?.first ?? at, last: Math.max(at, spans.get(t)?.last ?? 0) });
    }
  });
  program.outputs.forEach((o) => spans.set(o.tensor, { first: spans.get(o.tensor)?.first ?? 0, last: Infinity }));
  return packOffsets([...spans].map(([id, span]) => {
    const { dtype, shape } = tensorOf(program, id);
    return { id, bytes: shape.reduce((n, d) => n * evaluate(d, size), bytesOf(dtype)), ...span };
  }), 64).total;
}
