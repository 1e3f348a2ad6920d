/**
 * A loaded model as the worker holds it: what the protocol exposes and the executor implements. Tensors cross here as plain bytes
 * with a dtype; device tensors as handles.
 */
import type { DType } from '../../jit/expr/dtype.ts';
import type { Report, TuneReport } from '../report.ts';
import type { SharedRun } from './guest-run.ts';
import type { ResolvedOptions } from '../options.ts';

export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  /** A number, a symbol's name, or the text of an expression over symbols. */
  readonly dims: readonly (number | string)[];
}

export type WireTensor =
  | { readonly kind: 'bytes'; readonly dtype: DType; readonly dims: readonly number[]; readonly bytes: Uint8Array }
  | { readonly kind: 'handle'; readonly dtype: DType; readonly dims: readonly number[]; readonly handle: number };

export interface RunRequest {
  readonly feeds: Readonly<Record<string, WireTensor>>;
  /** Names to return; all if absent. */
  readonly outputs?: readonly string[] | undefined;
  /** Names (with * as a wildcard) that stay on the device. */
  readonly keep?: readonly string[] | undefined;
}

export interface TuneRequest {
  readonly budgetMs?: number | undefined;
  readonly exhaustive?: boolean | undefined;
}

export interface Model {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly device: 'wasm' | 'webgpu';
  readonly threads: number;
  run(request: RunRequest, signal?: AbortSignal): Promise<Record<string, WireTensor>>;
  /** A run like the last one as a guest's; undefined where that cannot be or would not pay. */
  share?(request: RunRequest): SharedRun | undefined;
  read(handle: number): Promise<Uint8Array>;
  release(handle: number): void;
  tune(request: TuneRequest, signal?: AbortSignal, onProgress?: (p: Progress) => void): Promise<TuneReport>;
  report(): Promise<Report>;
  exportTuning(): Promise<string>;
  importTuning(json: string): Promise<void>;
  dispose(): Promise<void>;
}

export interface Progress {
  readonly phase: 'download' | 'parse' | 'compile' | 'upload' | 'tune';
  /** Bytes of a download or upload, steps of the rest. */
  readonly loaded: number;
  /** Left out where it is not known. */
  readonly total?: number;
  readonly detail?: string;
}

/** Where model bytes come from, in a form that can be posted to the worker. */
export type WireSource =
  | { readonly kind: 'url'; readonly url: string; readonly init?: { readonly method?: string; readonly headers?: readonly (readonly [string, string])[]; readonly credentials?: RequestCredentials } }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: Blob }
  | { readonly kind: 'stream'; readonly stream: ReadableStream<Uint8Array> };

/** The function the worker calls; engine/runtime/load-model.ts implements it. */
export type LoadModel = (
  source: WireSource,
  externalData: Readonly<Record<string, WireSource>>,
  options: ResolvedOptions,
  onProgress: (p: Progress) => void,
  signal: AbortSignal,
) => Promise<Model>;
