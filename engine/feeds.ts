/**
 * Checks feeds against a session's inputs on the page, before anything is posted, and gives them their form for the wire. In:
 * input declarations and what the user fed. Out: a WireTensor for each input, whose bytes are the user's own; or `invalid-input` that names the
 * input, what was expected and what came. Sizes that symbols stand for must agree across inputs; dims that are expressions over
 * symbols are left to the engine.
 */
import { bytesOf, type DType } from '../jit/expr/dtype.ts';
import { QuernError } from './errors.ts';
import type { ValueInfo, WireTensor } from './runtime/model.ts';
import { DeviceTensor, dtypesOf, type Tensor, type TensorData, type TensorHome, type TensorInput } from './tensor.ts';

export type Feed = TensorData | TensorInput | Tensor;

/** A feed whose dtype is known, and its dims where they were given. */
interface Parsed {
  readonly info: ValueInfo;
  readonly dtype: DType;
  readonly dims: readonly number[] | undefined;
  readonly content: DeviceTensor | TensorData;
}

type Bindings = Map<string, { readonly size: number; readonly input: string }>;

/** Every input must be fed, nothing else may be. Device tensors must be of `home`. */
export function wireFeeds(inputs: readonly ValueInfo[], feeds: Readonly<Record<string, Feed>>, home: TensorHome): Record<string, WireTensor> {
  const names = inputs.map((i) => i.name);
  const quoted = (list: readonly string[]): string => (list.length === 0 ? 'no inputs' : list.map((n) => `'${n}'`).join(', '));
  for (const name of Object.keys(feeds)) {
    if (!names.includes(name)) throw new QuernError('invalid-input', `there is no input '${name}'`, { expected: quoted(names), got: `'${name}'` });
  }
  const parsed = inputs.map((info) => {
    const feed = feeds[info.name];
    if (feed === undefined) {
      throw new QuernError('invalid-input', `input '${info.name}' was not fed`, { expected: quoted(names), got: quoted(Object.keys(feeds)) });
    }
    return parse(info, feed, home);
  });
  const bindings: Bindings = new Map();
  for (const { info, dims } of parsed) if (dims !== undefined) bind(info, dims, bindings);
  return Object.fromEntries(parsed.map((p) => [p.info.name, toWireTensor(p, bindings)]));
}

function parse(info: ValueInfo, feed: Feed, home: TensorHome): Parsed {
  if (feed instanceof DeviceTensor) {
    if (feed.gone !== undefined) throw new QuernError('disposed', `input '${info.name}': ${feed.gone}`);
    if (feed.home !== home) {
      throw new QuernError('invalid-input', `input '${info.name}' was fed a device tensor of another session`, { hint: 'feed what its read() gives' });
    }
    if (feed.dtype !== info.dtype) throw wrongDtype(info, feed.dtype);
    return { info, dtype: feed.dtype, dims: feed.dims, content: feed };
  }
  const bare = ArrayBuffer.isView(feed);
  const data: unknown = !bare && typeof feed === 'object' && 'data' in feed ? feed.data : feed;
  const dtypes = dtypesOf(data);
  if (dtypes.length === 0) {
    throw new QuernError('invalid-input', `input '${info.name}' was fed no typed array`, {
      expected: `elements of ${info.dtype} in a typed array`,
      got: kindOf(data),
    });
  }
  const dtype = dtypes.find((d) => d === info.dtype);
  if (dtype === undefined) throw wrongDtype(info, dtypes.join(' or '));
  const named = bare ? undefined : feed.dtype;
  if (named !== undefined && named !== info.dtype) throw wrongDtype(info, named);
  const dims = bare ? undefined : feed.dims;
  if (dims?.some((d) => !Number.isInteger(d) || d < 0)) {
    throw new QuernError('invalid-input', `input '${info.name}' has dims that are no sizes`, { expected: 'whole numbers from 0', got: listed(dims) });
  }
  return { info, dtype, dims, content: data as TensorData };
}

/** What to call a value in a message. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return value !== null && typeof value === 'object' ? value.constructor.name : value === null ? 'null' : typeof value;
}

const wrongDtype = (info: ValueInfo, got: string): QuernError =>
  new QuernError('invalid-input', `input '${info.name}' has another dtype`, { expected: info.dtype, got });

const listed = (dims: readonly (number | string)[]): string => `[${dims.join(', ')}]`;

const isSymbol = (dim: number | string): dim is string => typeof dim === 'string' && /^[\p{L}_][\p{L}\p{N}_.:/-]*$/u.test(dim);

/** Checks rank and fixed dims; symbols take the size they meet first and must meet it again. */
function bind(info: ValueInfo, dims: readonly number[], bindings: Bindings): void {
  const wrong = (expected: string): QuernError =>
    new QuernError('invalid-input', `input '${info.name}' has another shape`, { expected, got: listed(dims) });
  if (dims.length !== info.dims.length) throw wrong(`${listed(info.dims)}, ${info.dims.length} dims`);
  for (const [d, declared] of info.dims.entries()) {
    const size = dims[d] ?? 0;
    if (typeof declared === 'number') {
      if (declared !== size) throw wrong(listed(info.dims));
    } else if (isSymbol(declared)) {
      const bound = bindings.get(declared);
      if (bound === undefined) bindings.set(declared, { size, input: info.name });
      else if (bound.size !== size) throw wrong(`${listed(info.dims)}, where ${declared} is ${bound.size} in input '${bound.input}'`);
    }
  }
}

function toWireTensor({ info, dtype, dims, content }: Parsed, bindings: Bindings): WireTensor {
  if (content instanceof DeviceTensor) return { kind: 'handle', dtype, dims: content.dims, handle: content.handle };
  const shape = dims ?? inferDims(info, content.length, bindings);
  const elements = shape.reduce((a, b) => a * b, 1);
  if (elements !== content.length) {
    throw new QuernError('invalid-input', `input '${info.name}' has not as many elements as its shape`, {
      expected: `${elements} for ${listed(shape)}`,
      got: String(content.length),
    });
  }
  return { kind: 'bytes', dtype, dims: shape, bytes: new Uint8Array(content.buffer, content.byteOffset, content.length * bytesOf(dtype)) };
}

/** The dims of a bare array: those of the model, with at most one symbol solved for. */
function inferDims(info: ValueInfo, elements: number, bindings: Bindings): readonly number[] {
  const known = info.dims.map((dim) => (typeof dim === 'number' ? dim : bindings.get(dim)?.size));
  const open = new Set(info.dims.filter((_, d) => known[d] === undefined));
  const [symbol] = open;
  if (symbol === undefined) return known.map((size) => size ?? 0);
  const times = info.dims.filter((dim) => dim === symbol).length;
  const rest = known.reduce<number>((a, b) => a * (b ?? 1), 1);
  if (open.size > 1 || times > 1 || rest === 0 || elements % rest !== 0) {
    throw new QuernError('invalid-input', `input '${info.name}' was fed without dims, which do not follow from its ${elements} elements`, {
      expected: listed(info.dims),
      hint: '{ data, dims } says how they lie',
    });
  }
  const size = elements / rest;
  if (typeof symbol === 'string' && isSymbol(symbol)) bindings.set(symbol, { size, input: info.name });
  return known.map((fixed) => fixed ?? size);
}

/** Names of `kept` and `outputs` that stand for nothing are errors. `*` in `kept` stands for any text. */
export function checkOutputNames(outputs: readonly ValueInfo[], wanted: readonly string[] | undefined, kept: readonly string[] | undefined): void {
  const names = outputs.map((o) => o.name);
  const unknown = wanted?.find((name) => !names.includes(name)) ?? kept?.find((pattern) => !names.some((name) => matches(pattern, name)));
  if (unknown === undefined) return;
  throw new QuernError('invalid-input', `there is no output '${unknown}'`, { expected: names.map((n) => `'${n}'`).join(', '), got: `'${unknown}'` });
}

/** Whether a name is meant by a pattern in which `*` stands for any text. */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
}
