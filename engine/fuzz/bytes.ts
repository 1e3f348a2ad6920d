/**
 * Fuzzing of the loader and of what follows it with damaged model files: cut off, bits flipped, numbers made huge, pieces moved. Whatever
 * the bytes are, loading, compiling and running them ends in a result or in a QuernError that is not `internal`; memory stays below
 * a limit. Input: choices. Output: how it ended, and what is wrong with that.
 */
import { makeReferenceDevice } from '../../jit/backends/reference/index.ts';
import type { Device } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import { type DType, bytesOf } from '../../jit/expr/dtype.ts';
import { type Expr, asInt, product } from '../../jit/expr/expr.ts';
import { evaluate } from '../../jit/expr/visit.ts';
import type { Choices } from '../../jit/fuzz/choices.ts';
import { loadGraph } from '../load/load-graph.ts';
import { type AttributeLiteral, type ModelLiteral, type NodeLiteral, model, tensor } from '../load/testing/build-model.ts';
import { allOperators } from '../ops/registry.ts';
import { compileModel } from '../runtime/compile-model.ts';
import type { WireSource, WireTensor } from '../runtime/model.ts';
import { sources } from '../testing/sources.ts';
import { GraphMaker } from './graph-maker.ts';
import { grow } from './operators.ts';

export interface BytesOutcome {
  readonly ended: 'ran' | 'compiled' | 'refused';
  readonly failure?: { readonly what: string; readonly text: string };
}

/** What a damaged model may take: its dims are whatever the bytes say. */
const mostBytes = 2 ** 26;

export async function fuzzBytes(c: Choices): Promise<BytesOutcome> {
  const bytes = c.chance(50) ? damage(c, someModel(c)) : model(distorted(c));
  const source: WireSource = c.chance(20)
    ? { kind: 'stream', stream: new Blob([bytes as Uint8Array<ArrayBuffer>]).stream() } : { kind: 'bytes', bytes };
  let ended: BytesOutcome['ended'] = 'refused';
  let stage = 'load';
  const device = limited(makeReferenceDevice({ panel: c.pick([0, 8]) }));
  try {
    const graph = await loadGraph(source, {}, { maxBytes: mostBytes });
    stage = 'compile';
    const { executor } = compileModel(graph, { main: device }, { precision: 'exact', dims: {} });
    ended = 'compiled';
    stage = 'run';
    const steps = [...executor.plan.setup, ...executor.plan.segments.flatMap((s) => s.steps)];
    const env = (leaf: Expr): number => (leaf.op === 'sym' ? 1 : 0);
    // What would take minutes is not run: the reference is slow on purpose.
    const work = steps.map((s) => s.args.reduce((n, id) => n + elements(executor.plan.tensors.get(id)?.shape ?? [], env), 0));
    const feeds: Record<string, WireTensor> = {};
    for (const { name, tensor } of executor.plan.inputs) {
      const def = executor.plan.tensors.get(tensor);
      if (def === undefined) continue;
      const dims = def.shape.map((d) => asInt(d) ?? evaluate(d, env));
      const size = dims.reduce((a, b) => a * b, 1) * bytesOf(def.dtype);
      if (!(size <= 2 ** 20)) return { ended };
      feeds[name] = { kind: 'bytes', dtype: def.dtype, dims, bytes: new Uint8Array(size) };
    }
    if (work.some((n) => !(n <= 20_000)) || steps.some((s) => s.kernel.body.kind === 'loop')) return { ended };
    await executor.residence.prepare(() => undefined);
    await executor.run({ feeds });
    executor.dispose();
    return { ended: 'ran' };
  } catch (error) {
    if (error instanceof QuernError && error.code !== 'internal') return { ended };
    const what = error instanceof Error ? `${error.name} while it was to ${stage}: ${error.message}` : String(error);
    return { ended, failure: { what, text: `${error instanceof Error ? error.stack ?? '' : ''}\nbase64 ${Buffer.from(bytes).toString('base64')}` } };
  } finally {
    await device.dispose();
  }
}

const elements = (shape: readonly Expr[], env: (leaf: Expr) => number): number => evaluate(product(shape), env);

/** Refuses more memory than a limit, as a real device does. */
function limited(device: Device): Device {
  return {
    ...device,
    allocate: (bytes) => {
      if (!(device.memory().used + bytes <= mostBytes)) throw new QuernError('out-of-memory', 'the limit of fuzzing');
      return device.allocate(bytes);
    },
  };
}

function someModel(c: Choices): Uint8Array {
  if (c.chance(50)) return c.pick(sources).build();
  const maker = new GraphMaker(c);
  grow(maker);
  return model(maker.finish().literal);
}

/** A model that is well written and makes no sense: attributes, shapes, operators and names that do not belong together. */
function distorted(c: Choices): ModelLiteral {
  const maker = new GraphMaker(c);
  grow(maker);
  let { literal } = maker.finish();
  const count = c.int(1, 3);
  for (let i = 0; i < count; i++) literal = distort(c, literal);
  return literal;
}

const odd = [0, -1, 1, 2, 3, 7, -2, 100, 2 ** 31 - 1, -(2 ** 31), 2 ** 40, 2 ** 53 - 1];

function distort(c: Choices, literal: ModelLiteral): ModelLiteral {
  const at = c.below(Math.max(1, literal.nodes.length));
  const n = literal.nodes[at];
  if (n === undefined) return literal;
  const replaced = (made: NodeLiteral): ModelLiteral => ({ ...literal, nodes: literal.nodes.map((old) => (old === n ? made : old)) });
  const names = [...literal.nodes.flatMap((x) => [...x.inputs, ...x.outputs]), ...Object.keys(literal.inputs ?? {})];
  const weights = Object.keys(literal.initializers ?? {});
  switch (c.below(10)) {
    case 0: return replaced({ ...n, inputs: n.inputs.map((x) => (c.chance(50) ? c.pick(names) : x)) });
    case 1: return replaced({ ...n, op: c.pick(operatorNames) });
    case 2: return replaced({ ...n, inputs: n.inputs.slice(0, c.below(n.inputs.length + 1)) });
    case 3: return replaced({ ...n, inputs: [...n.inputs, c.pick(['', ...names])] });
    case 4: case 5: {
      const attributes = Object.entries(n.attributes ?? {}).map(([name, value]) => [name, c.chance(60) ? oddAttribute(c, value) : value] as const);
      return replaced({ ...n, attributes: Object.fromEntries(attributes) });
    }
    case 6: return replaced({ ...n, attributes: { ...n.attributes, [c.pick(attributeNames)]: oddAttribute(c, 1) } });
    case 7: {
      // An initializer of other contents: axes, targets, pads, repeats.
      if (weights.length === 0) return literal;
      const name = c.pick(weights);
      const old = literal.initializers?.[name];
      if (old === undefined) return literal;
      const data = Array.from(old.data as ArrayLike<number | bigint>, (v) => (c.chance(50) && old.dtype === 'int64' ? c.pick(odd) : Number(v)));
      return { ...literal, initializers: { ...literal.initializers, [name]: tensor(old.dtype, old.dims, data) } };
    }
    case 8: {
      if (weights.length === 0) return literal;
      const name = c.pick(weights);
      const dims = Array.from({ length: c.below(4) }, () => c.below(4));
      const size = dims.reduce((a, b) => a * b, 1);
      const made = tensor(c.pick(dtypes), dims, Array.from({ length: size }, () => c.below(3)));
      return { ...literal, initializers: { ...literal.initializers, [name]: made } };
    }
    case 9: {
      const inputs = Object.entries(literal.inputs ?? {}).map(([name, type]) => [name, c.chance(60)
        ? `${c.pick(dtypes)}[${Array.from({ length: c.below(5) }, () => String(c.pick<string | number>([1, 2, 3, 'N', 0, '?', 2 ** 33]))).join(', ')}]` : type] as const);
      return { ...literal, inputs: Object.fromEntries(inputs) };
    }
    default: throw new Error('no such distortion');
  }
}

const dtypes: readonly DType[] = ['float32', 'int64', 'float16', 'bool', 'uint8', 'int32', 'float64', 'int8'];
const operatorNames = allOperators().filter((o) => o.domain === '').map((o) => o.op);
const attributeNames = ['axis', 'axes', 'keepdims', 'perm', 'pads', 'strides', 'dilations', 'group', 'kernel_shape', 'mode', 'to', 'blocksize', 'epsilon', 'auto_pad', 'alpha'];

function oddAttribute(c: Choices, value: AttributeLiteral): AttributeLiteral {
  if (typeof value === 'object' && 'ints' in value && c.chance(60)) {
    const list = value.ints.map((v) => (c.chance(50) ? c.pick(odd) : v));
    return { ints: c.chance(30) ? list.slice(1) : list };
  }
  switch (c.below(5)) {
    case 0: case 1: return c.pick(odd);
    case 2: return { ints: Array.from({ length: c.below(5) }, () => c.pick(odd)) };
    case 3: return c.pick(['SAME_UPPER', 'reflect', 'nonsense', '']);
    case 4: return { float: c.pick([0, -1, NaN, Infinity, 1e30]) };
    default: throw new Error('no such attribute');
  }
}

function damage(c: Choices, original: Uint8Array): Uint8Array {
  let bytes = original.slice();
  const count = c.int(1, 4);
  for (let i = 0; i < count && bytes.length > 0; i++) {
    const at = c.below(bytes.length);
    switch (c.below(9)) {
      case 0: bytes[at] = (bytes[at] ?? 0) ^ (1 << c.below(8)); break;
      case 1: bytes[at] = c.below(256); break;
      case 2: bytes = bytes.slice(0, at); break;
      // The greatest varints: sizes, dims and counts beyond all measure.
      case 3: bytes.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f].slice(0, bytes.length - at), at); break;
      case 4: bytes = join(bytes.subarray(0, at), bytes.subarray(at + c.int(1, 8))); break;
      case 5: bytes = join(bytes.subarray(0, at), bytes.subarray(at, at + c.int(1, 64)), bytes.subarray(at)); break;
      case 6: bytes = join(bytes.subarray(0, at), Uint8Array.from({ length: c.int(1, 8) }, () => c.below(256)), bytes.subarray(at)); break;
      case 7: bytes[at] = 0; break;
      // A small number becomes another small one: ranks, axes, types, lengths.
      case 8: bytes[at] = Math.max(0, (bytes[at] ?? 0) + c.int(-2, 2)) & 127; break;
      default: throw new Error('no such damage');
    }
  }
  return bytes;
}

const join = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const made = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    made.set(p, at);
    at += p.length;
  }
  return made;
};
