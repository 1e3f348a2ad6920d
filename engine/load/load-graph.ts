/**
 * The way from a source to a Graph: scan (skeleton.ts), read (proto.ts), inline (functions.ts), fetch external data (external.ts), build
 * (build-graph.ts). `loadGraph` gives a graph with all its weights; `loadHead` one whose large constants have no bytes, read without
 * transferring them where the source allows.
 */
import type { WireSource } from '../runtime/model.ts';
import type { Graph } from '../graph/graph.ts';
import { buildGraph } from './build-graph.ts';
import { type Allocate, type ByteStream, allocate } from './byte-stream.ts';
import { type ExternalBytes, type Wanted, externalRanges, readExternal } from './external.ts';
import { inlineFunctions } from './functions.ts';
import { type ModelProto, readModel } from './proto.ts';
import { readSkeleton } from './skeleton.ts';
import { Download, type SourceOptions } from './piece-stream.ts';
import { openSource } from './source.ts';
import type { Skeleton } from './wire.ts';

export interface LoadOptions extends SourceOptions {
  /** Memory for large weights, asked for once their size is announced: that of the file, and again with that of its external data. */
  readonly memory?: ((expected: number | undefined) => Allocate) | undefined;
}

/** A model of which the source has answered: what it says of it is known, the bytes are still on their way. */
export interface Opened {
  readonly source: WireSource;
  readonly stream: ByteStream;
  readonly download: Download;
}

/** A model whose bytes are all here. */
export interface Fetched {
  readonly skeleton: Skeleton;
  readonly ranges: readonly Wanted[];
  readonly external: ExternalBytes;
  /** Reads them. */
  graph(): Graph;
}

/** Throws QuernErrors: `fetch-failed`, `model-too-large`, `aborted`. */
export async function openModel(source: WireSource, options: SourceOptions = {}): Promise<Opened> {
  const download = new Download(options);
  return { source, download, stream: await openSource(source, download) };
}

/**
 * Brings in a model with its weights, and closes its stream. `known`: gives the ranges of external data of a skeleton that need not be read for
 * them. Throws QuernErrors, as the graph does: `fetch-failed`, `missing-external-data`, `invalid-model`, `unsupported-model`,
 * `unsupported-dtype`, `model-too-large`, `out-of-memory`, `aborted`.
 */
export async function fetchModel(
  { source, stream, download }: Opened,
  externalData: Readonly<Record<string, WireSource>> = {},
  options: LoadOptions = {},
  known?: (skeleton: Skeleton) => Promise<readonly Wanted[] | undefined>,
): Promise<Fetched> {
  const skeleton = await scan(stream, options.memory ?? (() => allocate));
  let read: ModelProto | undefined;
  const model = (): ModelProto => (read ??= inlineFunctions(readModel(skeleton)));
  const ranges = (await known?.(skeleton)) ?? externalRanges(model());
  const whole = [stream.size, ...ranges.map(({ range }) => range.length)].reduce((a, b) => (a === undefined || b === undefined ? undefined : a + b));
  const external = await readExternal(ranges, source, externalData, download, options.memory?.(whole));
  download.report('weights');
  return {
    skeleton, ranges, external,
    graph() {
      options.onProgress?.({ phase: 'parse', loaded: 0, total: 1 });
      const graph = buildGraph(model(), external);
      options.onProgress?.({ phase: 'parse', loaded: 1, total: 1 });
      return graph;
    },
  };
}

export async function loadGraph(
  source: WireSource, externalData: Readonly<Record<string, WireSource>> = {}, options: LoadOptions = {},
): Promise<Graph> {
  return (await fetchModel(await openModel(source, options), externalData, options)).graph();
}

/** As `loadGraph`, but constants of 16 KiB and more, and external ones, are `released`: dims and dtype without bytes. */
export async function loadHead(source: WireSource, options: SourceOptions = {}): Promise<Graph> {
  return buildGraph(await readHead(source, options), undefined);
}

/** The messages of a model, with functions inlined and without large payloads. */
export async function readHead(source: WireSource, options: SourceOptions = {}): Promise<ModelProto> {
  return inlineFunctions(readModel(await scan((await openModel(source, options)).stream, undefined)));
}

/** Bytes of all tensors that the model holds, those of external files included, in the form in which the engine keeps them. */
export function weightBytes(graph: Graph): number {
  let sum = 0;
  const seen = new Set<unknown>();
  const add = (g: Graph): void => {
    for (const constant of g.constants.values()) {
      if (seen.has(constant)) continue;
      seen.add(constant);
      sum += constant.byteLength;
    }
    for (const node of g.nodes) {
      for (const a of node.attributes.values()) {
        if (a.type === 'tensor') sum += a.value.byteLength;
        if (a.type === 'graph') add(a.value);
      }
    }
  };
  add(graph);
  return sum;
}

/** `memory`: undefined passes over large weights. */
async function scan(stream: ByteStream, memory: ((size: number | undefined) => Allocate) | undefined): Promise<Skeleton> {
  try {
    return await readSkeleton(stream, memory !== undefined, memory?.(stream.size));
  } finally {
    await stream.close();
  }
}
