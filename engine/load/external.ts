/**
 * External data: tensors whose bytes stand in other files (TensorProto.external_data: location, offset, length). Each file is read once,
 * front to back, each tensor going straight into memory of its own; gaps are passed over and the download ends with the last tensor.
 * Locations resolve to what the caller gave under that name, else, for a model that came from a URL, relative to it.
 */
import { QuernError } from '../../jit/error.ts';
import type { WireSource } from '../runtime/model.ts';
import { type Allocate, Reader } from './byte-stream.ts';
import type { GraphProto, ModelProto, NodeProto } from './proto.ts';
import type { Download } from './piece-stream.ts';
import { openSource } from './source.ts';
import type { ExternalRange, TensorProto } from './tensor-proto.ts';

/** Bytes by range; tensors that share a range share its bytes. */
export type ExternalBytes = ReadonlyMap<string, Uint8Array>;

export const rangeKey = ({ location, offset, length }: ExternalRange): string => `${offset}+${length} ${location}`;

/** Every external tensor of a model, with those in subgraphs and attributes. */
export function externalTensors(model: ModelProto): TensorProto[] {
  const found: TensorProto[] = [];
  const add = (tensor: TensorProto): void => { if (tensor.data.kind === 'external') found.push(tensor); };
  const inNode = (node: NodeProto): void => {
    for (const a of node.attributes) {
      if (a.kind === 'tensor') add(a.value);
      else if (a.kind === 'graph') inGraph(a.value);
      else if (a.kind === 'sparse') [a.value.values, a.value.indices].forEach(add);
    }
  };
  const inGraph = (graph: GraphProto): void => {
    graph.initializers.forEach(add);
    graph.sparse.forEach((s) => { [s.values, s.indices].forEach(add); });
    graph.nodes.forEach(inNode);
  };
  inGraph(model.graph);
  model.functions.forEach((f) => { f.nodes.forEach(inNode); });
  return found;
}

/** A range of another file, and the first tensor that lies there. */
export interface Wanted { readonly range: ExternalRange; readonly tensor: string }

/** The ranges of other files that a model names, each once, with the first tensor that lies there. */
export function externalRanges(model: ModelProto): Wanted[] {
  const ranges = new Map<string, Wanted>();
  for (const { name, data } of externalTensors(model)) {
    if (data.kind !== 'external') continue;
    const key = rangeKey(data.range);
    if (!ranges.has(key)) ranges.set(key, { range: data.range, tensor: name });
  }
  return [...ranges.values()];
}

export async function readExternal(
  ranges: readonly Wanted[],
  source: WireSource,
  given: Readonly<Record<string, WireSource>>,
  download: Download,
  memory?: Allocate,
): Promise<ExternalBytes> {
  // Where each file is to come from is settled before any of them is read.
  const sources = [...new Set(ranges.map(({ range }) => range.location))].map((location) => {
    const wanted = ranges.filter(({ range }) => range.location === location).sort((a, b) => a.range.offset - b.range.offset);
    return { location, wanted, from: locate(location, wanted[0]?.tensor ?? '', source, given) };
  });
  const bytes = new Map<string, Uint8Array>();
  for (const { location, wanted, from } of sources) {
    for (let pass = wanted; pass.length > 0;) pass = await readInOrder(location, pass, from, download, memory, bytes);
  }
  return bytes;
}

/** Reads ranges in ascending order; what overlaps an earlier one is returned, for another pass over the file. */
async function readInOrder(
  location: string,
  wanted: readonly Wanted[],
  from: WireSource,
  download: Download,
  memory: Allocate | undefined,
  into: Map<string, Uint8Array>,
): Promise<Wanted[]> {
  const later: Wanted[] = [];
  const stream = await openSource(from, download).catch((error: unknown) => { throw notThere(error, location, wanted[0]?.tensor ?? ''); });
  try {
    const reader = new Reader(stream, memory);
    for (const item of wanted) {
      const { range, tensor } = item;
      if (range.offset < reader.offset) {
        later.push(item);
        continue;
      }
      const fail = (): never => {
        throw new QuernError('invalid-model', `the external file '${location}' is too short for tensor '${tensor}'`, {
          expected: `${range.offset + range.length} bytes`, got: `${stream.exact ? (stream.size ?? reader.offset) : reader.offset} bytes`,
        });
      };
      if (stream.exact && stream.size !== undefined && range.offset + range.length > stream.size) fail();
      await reader.skip(range.offset - reader.offset, fail);
      into.set(rangeKey(range), await reader.take(range.length, fail));
    }
  } finally {
    await stream.close();
  }
  // A stream is gone once read; views into it cannot be read a second time.
  if (later.length > 0 && from.kind === 'stream') {
    throw new QuernError('unsupported-model', `tensors overlap in the external file '${location}', which came as a stream`, {
      got: `tensor '${later[0]?.tensor ?? ''}'`, hint: 'give the file as bytes, Blob or URL',
    });
  }
  return later;
}

/** A file that cannot be fetched is missing, whatever the server's reason. */
function notThere(error: unknown, location: string, tensor: string): unknown {
  if (!(error instanceof QuernError) || error.code !== 'fetch-failed') return error;
  return new QuernError('missing-external-data', `tensor '${tensor}' keeps its data in the file '${location}', which cannot be fetched`, {
    expected: `the file next to the model, or option externalData with an entry '${location}'`,
    got: error.message.split('\n').map((line) => line.trim()).join(', '),
    cause: error,
  });
}

function locate(location: string, tensor: string, source: WireSource, given: Readonly<Record<string, WireSource>>): WireSource {
  const plain = location.replace(/^\.\//, '');
  const base = plain.slice(plain.lastIndexOf('/') + 1);
  for (const name of [location, plain, base]) {
    const found = Object.hasOwn(given, name) ? given[name] : undefined;
    if (found !== undefined) return found;
  }
  const missing = (got: string): QuernError =>
    new QuernError('missing-external-data', `tensor '${tensor}' keeps its data in the file '${location}'`, {
      expected: `option externalData with an entry '${plain}'`, got,
    });
  const names = Object.keys(given).map((n) => `'${n}'`);
  if (source.kind !== 'url' || /^(data|blob):/.test(source.url)) throw missing(names.length === 0 ? 'no external data' : names.join(', '));
  // A model must not make the page fetch from elsewhere: ONNX allows paths below the model's folder alone.
  if (/^[a-z][a-z0-9+.-]*:|^[\\/]/i.test(plain) || plain.split(/[\\/]/).includes('..')) {
    throw missing('a location outside the folder of the model');
  }
  // Relative URLs of the model itself are the page's; there is no page in Node.
  const page = 'location' in globalThis ? globalThis.location.href : undefined;
  const path = plain.split('/').map(encodeURIComponent).join('/');
  return { ...source, url: new URL(path, new URL(source.url, page)).href };
}
