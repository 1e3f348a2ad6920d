/**
 * A drop-in for the part of onnxruntime-web's API that pages use: `InferenceSession.create`, `run`, `Tensor`, `env`. Written over
 * `load` and Session. Options of onnxruntime that tune its own machinery are accepted without effect; what would change results and
 * cannot be honoured (strings, sequences, GPU buffers of the page's own) is refused.
 */
import type { DType } from '../jit/expr/dtype.ts';
import { toHalf } from '../jit/expr/dtype.ts';
import { load, QuernError } from './index.ts';
import type { LoadOptions, Session, Source, Tensor as QuernTensor, TensorData, TensorInput, ValueInfo } from './index.ts';
import { dtypesOf } from './tensor.ts';

type Elements = TensorData | readonly number[] | readonly bigint[] | readonly boolean[];

/** `location` 'gpu-buffer' means: kept on the device, whichever that is; `getData` reads it. */
export class Tensor {
  readonly type: DType;
  readonly dims: readonly number[];
  /** The number of elements. */
  readonly size: number;
  /** The elements, or a result that knows where they are; undefined once disposed. */
  #held: TensorData | QuernTensor | undefined;

  /** Elements with a type and dims (row-major; one dim if left out). Throws `invalid-input` or `unsupported-dtype`. */
  constructor(type: DType, data: Elements, dims?: readonly number[]);
  constructor(data: Elements, dims?: readonly number[]);
  /** A result of a Quern session. */
  constructor(tensor: QuernTensor);
  constructor(first: DType | Elements | QuernTensor, second?: Elements, third?: readonly number[]) {
    if (typeof first === 'object' && 'location' in first) {
      this.type = first.dtype;
      this.dims = first.dims;
      this.size = product(first.dims);
      this.#held = first;
      return;
    }
    const named = typeof first === 'string';
    const data = named ? second : first;
    if (data === undefined) throw new QuernError('invalid-input', 'a tensor was made without data');
    this.type = named ? first : guessType(data);
    const held = elements(this.type, data);
    this.dims = (named ? third : (second as readonly number[] | undefined)) ?? [held.length];
    this.size = product(this.dims);
    this.#held = held;
    if (held.length !== this.size) {
      throw new QuernError('invalid-input', 'a tensor has not as many elements as its dims', {
        expected: `${this.size} for [${this.dims.join(', ')}]`,
        got: String(held.length),
      });
    }
  }

  get location(): 'cpu' | 'gpu-buffer' | 'none' {
    if (this.#held === undefined) return 'none';
    return 'location' in this.#held && this.#held.location === 'device' ? 'gpu-buffer' : 'cpu';
  }

  /** The elements; throws for a tensor on the device and for a disposed one. */
  get data(): TensorData {
    const held = this.#live();
    return 'location' in held ? held.data : held;
  }

  async getData(): Promise<TensorData> {
    const held = this.#live();
    return 'location' in held ? held.read() : held;
  }

  reshape(dims: readonly number[]): Tensor {
    return new Tensor(this.type, this.data, dims);
  }

  dispose(): void {
    if (this.#held !== undefined && 'location' in this.#held) this.#held.dispose();
    this.#held = undefined;
  }

  /** The tensor as `Session.run` takes it. */
  get feed(): TensorInput | QuernTensor {
    const held = this.#live();
    return 'location' in held ? held : { dtype: this.type, dims: this.dims, data: held };
  }

  #live(): TensorData | QuernTensor {
    if (this.#held === undefined) throw new QuernError('disposed', 'the tensor was disposed');
    return this.#held;
  }
}

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

function guessType(data: Elements): DType {
  if (ArrayBuffer.isView(data)) {
    const [type] = dtypesOf(data);
    if (type !== undefined) return type;
  } else if (typeof data[0] === 'number') {
    return 'float32';
  } else if (typeof data[0] === 'boolean') {
    return 'bool';
  }
  throw new QuernError('invalid-input', 'the type of a tensor does not follow from its data', { hint: 'new Tensor(type, data, dims) names it' });
}

function elements(type: DType, data: Elements): TensorData {
  if (ArrayBuffer.isView(data)) {
    if (dtypesOf(data).includes(type)) return data;
    throw new QuernError('invalid-input', 'the data of a tensor is of another type', { expected: type, got: dtypesOf(data).join(' or ') });
  }
  const numbers = (): number[] => Array.from(data, Number);
  const bigs = (): bigint[] => Array.from(data, BigInt);
  switch (type) {
    case 'float32': return new Float32Array(numbers());
    case 'float64': return new Float64Array(numbers());
    case 'float16': return new Uint16Array(numbers().map(toHalf));
    case 'int8': return new Int8Array(numbers());
    case 'uint8': case 'bool': return new Uint8Array(numbers());
    case 'int16': return new Int16Array(numbers());
    case 'uint16': return new Uint16Array(numbers());
    case 'int32': return new Int32Array(numbers());
    case 'uint32': return new Uint32Array(numbers());
    case 'int64': return new BigInt64Array(bigs());
    case 'uint64': return new BigUint64Array(bigs());
    default:
      throw new QuernError('unsupported-dtype', 'a tensor was made of a type that Quern does not compute with', { got: String(type satisfies never) });
  }
}

export interface SessionOptions {
  /** 'webgpu' alone or 'wasm' alone decides; both, or nothing, leave the choice to Quern. */
  readonly executionProviders?: readonly (string | { readonly name: string })[];
  readonly externalData?: readonly (string | { readonly path: string; readonly data: Source })[];
  readonly freeDimensionOverrides?: Readonly<Record<string, number>>;
  /** 'gpu-buffer' keeps outputs on the device: all, or those named. */
  readonly preferredOutputLocation?: OutputLocation | Readonly<Record<string, OutputLocation>>;
  // Accepted without effect.
  readonly graphOptimizationLevel?: string;
  readonly enableCpuMemArena?: boolean;
  readonly enableMemPattern?: boolean;
  readonly executionMode?: string;
  readonly logId?: string;
  readonly logSeverityLevel?: number;
  readonly logVerbosityLevel?: number;
  readonly enableGraphCapture?: boolean;
  readonly extra?: Readonly<Record<string, unknown>>;
}

type OutputLocation = 'cpu' | 'cpu-pinned' | 'gpu-buffer' | 'ml-tensor' | 'texture';

export interface ValueMetadata {
  readonly name: string;
  readonly isTensor: true;
  readonly type: DType;
  readonly shape: readonly (number | string)[];
}

type Feeds = Readonly<Record<string, Tensor>>;
type Fetches = readonly string[] | Readonly<Record<string, Tensor | null>>;

export class InferenceSession {
  readonly #session: Session;
  readonly #keep: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];

  private constructor(session: Session, keep: readonly string[]) {
    this.#session = session;
    this.#keep = keep;
    this.inputMetadata = session.inputs.map(metadata);
    this.outputMetadata = session.outputs.map(metadata);
  }

  /** Loads a model from an address or from bytes; of an ArrayBuffer, a part. Rejects with a QuernError. */
  static async create(model: string | ArrayBuffer | Uint8Array, options?: SessionOptions): Promise<InferenceSession>;
  static async create(model: ArrayBuffer, byteOffset: number, byteLength?: number, options?: SessionOptions): Promise<InferenceSession>;
  static async create(
    model: string | ArrayBuffer | Uint8Array,
    second?: number | SessionOptions,
    byteLength?: number,
    last?: SessionOptions,
  ): Promise<InferenceSession> {
    const part = typeof second === 'number' && model instanceof ArrayBuffer;
    const source = part ? new Uint8Array(model, second, byteLength) : model;
    const options = (typeof second === 'number' ? last : second) ?? {};
    const session = await load(source, loadOptions(options));
    const { preferredOutputLocation: location = 'cpu' } = options;
    const locationOf = (name: string): OutputLocation => (typeof location === 'string' ? location : location[name] ?? 'cpu');
    return new InferenceSession(session, session.outputs.map((o) => o.name).filter((name) => !locationOf(name).startsWith('cpu')));
  }

  get inputNames(): readonly string[] {
    return this.#session.inputs.map((i) => i.name);
  }

  get outputNames(): readonly string[] {
    return this.#session.outputs.map((o) => o.name);
  }

  /** Runs the model; `fetches` names the outputs wanted (all if left out). Rejects with `invalid-input` for feeds that do not fit. */
  async run(feeds: Feeds, fetches?: Fetches): Promise<Record<string, Tensor>> {
    const names = fetches === undefined ? this.outputNames : Array.isArray(fetches) ? (fetches as readonly string[]) : Object.keys(fetches);
    const given = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensor.feed]));
    const keep = this.#keep.filter((name) => names.includes(name));
    const results = await this.#session.run(given, { outputs: names, ...(keep.length === 0 ? {} : { keep }) });
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, new Tensor(tensor)]));
  }

  async release(): Promise<void> {
    await this.#session.dispose();
  }

  /** The session underneath: tuning, reports, abort signals. */
  get quern(): Session {
    return this.#session;
  }
}

const metadata = ({ name, dtype, dims }: ValueInfo): ValueMetadata => ({ name, isTensor: true, type: dtype, shape: dims });

function loadOptions({ executionProviders = [], externalData = [], freeDimensionOverrides }: SessionOptions): LoadOptions {
  const providers = executionProviders.map((p) => (typeof p === 'string' ? p : p.name)).map((p) => (p === 'cpu' ? 'wasm' : p));
  const [first] = providers;
  const device = providers.length === 1 && (first === 'wasm' || first === 'webgpu') ? first : 'auto';
  const files = externalData.map((file) => (typeof file === 'string' ? [file, file] as const : [file.path, file.data] as const));
  const { numThreads } = env.wasm;
  return {
    device,
    // 0 is onnxruntime's way to leave the choice to the engine.
    ...(numThreads === undefined || numThreads === 0 ? {} : { threads: numThreads }),
    ...(freeDimensionOverrides === undefined ? {} : { dims: freeDimensionOverrides }),
    externalData: Object.fromEntries(files),
  };
}

/** onnxruntime's global settings. `wasm.numThreads` is heeded by sessions made later; Quern has no use for the rest. */
export const env: {
  wasm: { numThreads?: number; simd?: boolean; proxy?: boolean; wasmPaths?: unknown; initTimeout?: number };
  webgpu: Record<string, unknown>;
  logLevel?: string;
  debug?: boolean;
} = { wasm: {}, webgpu: {} };
