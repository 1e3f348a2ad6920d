/**
 * The first IR: what a model file says, in the operators it says it in. Immutable; passes make new graphs. Values are names (each
 * produced once); types are not stored here but inferred by lowering (ops/), so that no pass can leave a stale one behind.
 */
import { QuernError } from '../../jit/error.ts';
import { type DType, bytesOf } from '../../jit/expr/dtype.ts';
import type { Expr } from '../../jit/expr/expr.ts';

/** The true range of 4-bit integers, which are held in 8 bits. */
export type Narrow = 'int4' | 'uint4';

export interface TensorType {
  readonly dtype: DType;
  /** Set where `dtype` is the 8-bit holder of a narrower type: what quantises or casts to it saturates or wraps at its range. */
  readonly narrow?: Narrow;
  /** One index expression per dim: a constant, a symbol, or arithmetic on symbols. */
  readonly shape: readonly Expr[];
}

/** Weights and other constants. The bytes (row-major, little-endian) can be given up once they are on the device. */
export class Constant {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** As in TensorType. */
  readonly narrow: Narrow | undefined;
  #bytes: Uint8Array | undefined;
  #looked = false;

  constructor(dtype: DType, dims: readonly number[], bytes: Uint8Array, narrow?: Narrow) {
    this.dtype = dtype;
    this.dims = dims;
    this.narrow = narrow;
    this.#bytes = bytes;
  }

  get size(): number {
    return this.dims.reduce((a, b) => a * b, 1);
  }

  /** Bytes that the elements take, whether they are still here or not. */
  get byteLength(): number {
    return this.size * bytesOf(this.dtype);
  }

  /** Whether anybody has asked for the bytes: what follows from a constant may then follow from its elements. */
  get looked(): boolean {
    return this.#looked;
  }

  /** Notes that something follows from the elements. */
  look(): void {
    this.#looked = true;
  }

  /** The bytes, for who only hands them on, asks for their length, or calls `look` if anything comes of them. */
  get held(): Uint8Array | undefined {
    return this.#bytes;
  }

  get bytes(): Uint8Array {
    this.look();
    if (this.#bytes === undefined) throw new QuernError('internal', 'a constant is read after its release');
    return this.#bytes;
  }

  /** Whether the bytes were given up, or (in a model of which only the head was read) never there. */
  get released(): boolean {
    return this.#bytes === undefined;
  }

  release(): void {
    this.#bytes = undefined;
  }
}

export type Attribute =
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: Constant }
  | { readonly type: 'graph'; readonly value: Graph }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] };

export interface Node {
  /** Unique in its graph; made from operator and output where the file has none. */
  readonly name: string;
  readonly op: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  /** The opset version of `domain` for this node, where it came from a function that imports another one than the graph. */
  readonly opset?: number;
  /** Value names; '' is an optional input (or output) left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface GraphInput {
  readonly name: string;
  /** Absent only for inputs of subgraphs, whose types come from where they are called. */
  readonly type?: TensorType;
}

export interface Graph {
  readonly name: string;
  /** The exporter and its version, as the file says. */
  readonly producer?: string;
  /** Opset version by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  /** What a caller must feed; initializers that old files also list as inputs are constants here. */
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly { readonly name: string; readonly type?: TensorType }[];
  /** In an order in which every value is produced before it is used. */
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
}

/** Nodes of a graph, those of its branches and loop bodies included. */
export function nodeCount({ nodes }: Graph): number {
  const inner = nodes.flatMap((n) => [...n.attributes.values()].map((a) => (a.type === 'graph' ? nodeCount(a.value) : 0)));
  return inner.reduce((a, b) => a + b, nodes.length);
}
