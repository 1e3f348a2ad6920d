/** Tensors as users of the API see them. */
import type { DType } from '../jit/expr/dtype.ts';

export type TensorData =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array
  | BigInt64Array | BigUint64Array;

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
  /** Row-major elements (int64 as BigInt64Array, bool as Uint8Array, float16 as bits). Throws for a device tensor: use `read`. */
  readonly data: TensorData;
  read(): Promise<TensorData>;
  dispose(): void;
}
