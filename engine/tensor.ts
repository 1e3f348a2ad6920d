/**
 * Tensors as users of the API see them: on the page, as a typed array, or on the device, as a handle of the worker that can be read,
 * fed back and let go.
 */
import { viewAs, type DType } from '../jit/expr/dtype.ts';
import { QuernError } from './errors.ts';

type PlainData =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array
  | BigInt64Array | BigUint64Array;

/** With Float16Array where the page's libraries know one (ES2025). */
export type TensorData = typeof globalThis extends { Float16Array: { prototype: infer T } } ? PlainData | T : PlainData;

/** What `run` takes: a typed array alone (its dims then come from the model), or with dims; or a tensor an earlier run returned. */
export interface TensorInput {
  readonly dtype?: DType;
  readonly dims?: readonly number[];
  readonly data: TensorData;
}

export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly location: 'cpu' | 'device';
  /**
   * Row-major elements: int64 as BigInt64Array, bool as Uint8Array of 0 and 1, float16 as Float16Array where the browser has one, else as
   * a Uint16Array of its bits. Throws for a device tensor (use `read`) and for a disposed one.
   */
  readonly data: TensorData;
  /** The elements, wherever they are. Rejects with `disposed` once the tensor or its session is. */
  read(): Promise<TensorData>;
  /** Lets the memory go; safe to call again. */
  dispose(): void;
}

type Float16Constructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => TensorData;

const float16Array = (globalThis as { readonly Float16Array?: Float16Constructor }).Float16Array;

/** A view of bytes as users see elements of `dtype`. Unlike inside the engine, float16 is numbers where the platform has such an array. */
export function dataOf(dtype: DType, bytes: Uint8Array): TensorData {
  const view = viewAs(dtype, bytes);
  return dtype === 'float16' && float16Array !== undefined ? new float16Array(view.buffer, view.byteOffset, view.length) : view;
}

/** The dtypes that a typed array may hold, the likeliest first; empty for what is no typed array of elements. */
export function dtypesOf(data: unknown): readonly DType[] {
  if (data instanceof Float32Array) return ['float32'];
  if (data instanceof Float64Array) return ['float64'];
  if (data instanceof Int8Array) return ['int8'];
  if (data instanceof Uint8Array) return ['uint8', 'bool'];
  if (data instanceof Int16Array) return ['int16'];
  if (data instanceof Uint16Array) return ['uint16', 'float16'];
  if (data instanceof Int32Array) return ['int32'];
  if (data instanceof Uint32Array) return ['uint32'];
  if (data instanceof BigInt64Array) return ['int64'];
  if (data instanceof BigUint64Array) return ['uint64'];
  if (float16Array !== undefined && data instanceof float16Array) return ['float16'];
  return [];
}

/** A tensor whose elements are on the page. */
export class PageTensor implements Tensor {
  readonly location = 'cpu';
  readonly dtype: DType;
  readonly dims: readonly number[];
  #data: TensorData | undefined;

  constructor(dtype: DType, dims: readonly number[], data: TensorData) {
    this.dtype = dtype;
    this.dims = dims;
    this.#data = data;
  }

  get data(): TensorData {
    if (this.#data === undefined) throw new QuernError('disposed', 'the tensor was disposed');
    return this.#data;
  }

  read(): Promise<TensorData> {
    // In a promise, so that a disposed tensor rejects, as a device tensor does.
    return Promise.resolve().then(() => this.data);
  }

  dispose(): void {
    this.#data = undefined;
  }
}

/** What a device tensor needs of its session. */
export interface TensorHome {
  read(handle: number): Promise<Uint8Array>;
  release(handle: number): void;
}

/** A tensor that stays in the worker. `gone` says why it cannot be used any more. */
export class DeviceTensor implements Tensor {
  readonly location = 'device';
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly handle: number;
  readonly home: TensorHome;
  gone: string | undefined;

  constructor(dtype: DType, dims: readonly number[], handle: number, home: TensorHome) {
    this.dtype = dtype;
    this.dims = dims;
    this.handle = handle;
    this.home = home;
  }

  get data(): TensorData {
    throw new QuernError('invalid-input', 'the tensor is on the device', { hint: 'await tensor.read() copies its elements to the page' });
  }

  async read(): Promise<TensorData> {
    if (this.gone !== undefined) throw new QuernError('disposed', this.gone);
    return dataOf(this.dtype, await this.home.read(this.handle));
  }

  dispose(): void {
    if (this.gone !== undefined) return;
    this.gone = 'the tensor was disposed';
    this.home.release(this.handle);
  }
}
