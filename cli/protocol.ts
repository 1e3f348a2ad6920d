/**
 * What Node and the page tell each other, all of it JSON. Tensors never travel this way: the page fetches inputs and posts outputs over
 * HTTP, because page.evaluate would spell every element out as text.
 */
import type { Report, SupportReport, TuneReport } from '../engine/report.ts';

export type Device = 'auto' | 'webgpu' | 'wasm';

export type Tolerance =
  | { readonly kind: 'elements'; readonly rtol: number; readonly atol: number }
  | { readonly kind: 'relL2'; readonly limit: number }
  | { readonly kind: 'maxAbs'; readonly limit: number };

/** What every call that loads a model says. URLs are those of the harness's server. */
export interface LoadRequest {
  readonly model: string;
  readonly device: Device;
  readonly threads: number | undefined;
  readonly precision: 'exact' | 'fast';
  readonly dims: Readonly<Record<string, number>>;
}

/** Outputs whose names begin with `from` are fed to the inputs that begin with `to`, run after run: a key/value cache. */
export interface Loop {
  readonly from: string;
  readonly to: string;
}

export interface BenchLoadRequest extends LoadRequest {
  readonly loop: Loop | undefined;
}

export interface VerifyRequest extends LoadRequest {
  readonly sets: readonly { readonly path: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
  /** A model's own tolerance for all outputs; without one each output has that of its dtype. */
  readonly tolerance: Tolerance | undefined;
  readonly rtol: number | undefined;
  readonly atol: number | undefined;
}

export type Status = 'pass' | 'fail' | 'unsupported' | 'error';

export interface VerifyResult {
  readonly path: string;
  readonly status: Status;
  readonly maxAbs: number | null;
  readonly maxRel: number | null;
  readonly relL2: number | null;
  readonly message: string;
  /** Loading (for a folder's first set) and running, milliseconds. */
  readonly ms: number;
  /** Nodes that did not run on the session's device. */
  readonly fallbacks: number;
  /** Types of the model's inputs and outputs, each once; none where it did not load. */
  readonly dtypes: readonly string[];
}

export interface RunRequestJson extends LoadRequest {
  readonly inputs: Readonly<Record<string, string>>;
  /** Where an output's .npy is posted to; absent if nobody wants it. */
  readonly outputs: string | undefined;
}

export interface TensorSummary {
  readonly name: string;
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly nonFinite: number;
  /** The first elements, as text. */
  readonly head: readonly string[];
}

export interface RunAnswer {
  readonly device: string;
  readonly threads: number;
  readonly loadMs: number;
  readonly runMs: number;
  readonly filled: readonly string[];
  readonly inputs: readonly TensorSummary[];
  readonly outputs: readonly TensorSummary[];
}

/** One engine's model in a page, loaded; times from before the engine's own files are fetched. */
export interface BenchLoadAnswer {
  readonly device: string;
  readonly threads: number;
  readonly loadMs: number;
  readonly firstMs: number;
}

export interface PeerLoadRequest extends BenchLoadRequest {
  /** Folder URL of onnxruntime-web's dist. */
  readonly peer: string;
}

export interface InspectAnswer {
  readonly support: SupportReport;
  readonly inputs: readonly ValueText[];
  readonly outputs: readonly ValueText[];
  readonly report: Report;
}

export interface ValueText {
  readonly name: string;
  readonly dtype: string;
  readonly dims: readonly (number | string)[];
}

export interface TuneRequest extends LoadRequest {
  readonly exhaustive: boolean;
  /** Milliseconds of measuring; where it is exhaustive there is no limit. */
  readonly budgetMs: number;
}

export interface TuneAnswer {
  readonly tune: TuneReport;
  readonly records: string;
  readonly report: Report;
}

/** What the page's module offers; Node calls these by name. */
export interface PageApi {
  verify(request: VerifyRequest): Promise<VerifyResult[]>;
  run(request: RunRequestJson): Promise<RunAnswer>;
  benchLoad(request: BenchLoadRequest): Promise<BenchLoadAnswer>;
  benchTune(): Promise<number>;
  /** Runs in succession, each in milliseconds. */
  benchRun(count: number): Promise<number[]>;
  benchReport(): Promise<Report>;
  /** Runs from the filled inputs (with a loop, a few steps) and posts the last outputs to `sink`/NAME.npy; answers with their names. */
  benchOutputs(sink: string): Promise<string[]>;
  peerLoad(request: PeerLoadRequest): Promise<BenchLoadAnswer>;
  peerRun(count: number): Promise<number[]>;
  peerOutputs(sink: string): Promise<string[]>;
  tune(request: TuneRequest): Promise<TuneAnswer>;
  inspect(request: LoadRequest): Promise<InspectAnswer>;
}
