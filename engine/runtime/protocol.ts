/**
 * What page and worker say to each other. The first message gives the worker its role; an engine answers `Ready` and from then on
 * speaks comlink (`EngineApi`). Every answer is an `Outcome`, so that errors arrive with all their fields (comlink keeps only name,
 * message and stack), and every call carries a number by which it can be aborted (an AbortSignal cannot be cloned).
 */
import { toWire, type WireError } from '../../jit/error.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Report, SupportReport, TuneReport } from '../report.ts';
import type { GuestRun } from './guest-run.ts';
import type { Progress, RunRequest, TuneRequest, ValueInfo, WireSource, WireTensor } from './model.ts';

/**
 * The first message to a worker. `lock`: a Web Lock that the engine holds for as long as it lives, so that its death is noticed. `short`: memory
 * through which small runs go past messages. `helpersFirst`: the engine starts helper threads before it answers.
 */
export type Hello =
  | {
    readonly role: 'engine'; readonly version: string; readonly lock: string | undefined; readonly short: SharedArrayBuffer | undefined;
    readonly helpersFirst: boolean;
  }
  | { readonly role: 'thread' };

/** An engine's answer to its Hello. Versions differ when a hosted worker script is older than the page's. */
export interface Ready {
  readonly ready: true;
  readonly version: string;
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: WireError };

export interface LoadRequest {
  readonly source: WireSource;
  readonly externalData: Readonly<Record<string, WireSource>>;
  readonly options: ResolvedOptions;
}

export interface SupportRequest {
  readonly source: WireSource;
  readonly dims: Readonly<Record<string, number>>;
}

export interface SessionInfo {
  readonly id: number;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly device: 'wasm' | 'webgpu';
  readonly threads: number;
}

/** Where progress goes; on the worker's side a comlink proxy of the page's callback. Resolves when the page has seen it. */
export type ProgressSink = (progress: Progress) => Promise<void>;

/** `call` numbers are the page's and unique per worker; `session` is the `id` of a SessionInfo. */
export interface EngineApi {
  load(call: number, request: LoadRequest, onProgress?: ProgressSink): Promise<Outcome<SessionInfo>>;
  support(call: number, request: SupportRequest): Promise<Outcome<SupportReport>>;
  run(call: number, session: number, request: RunRequest): Promise<Outcome<Readonly<Record<string, WireTensor>>>>;
  tune(call: number, session: number, request: TuneRequest, onProgress?: ProgressSink): Promise<Outcome<TuneReport>>;
  report(call: number, session: number): Promise<Outcome<Report>>;
  exportTuning(call: number, session: number): Promise<Outcome<string>>;
  importTuning(call: number, session: number, json: string): Promise<Outcome<undefined>>;
  read(call: number, session: number, handle: number): Promise<Outcome<Uint8Array>>;
  release(call: number, session: number, handles: readonly number[]): Promise<Outcome<undefined>>;
  dispose(call: number, session: number): Promise<Outcome<undefined>>;
  abort(call: number): void;
}

/**
 * Runs go past comlink, as plain messages beside its own, on the same port and so in order with them: its part of a call takes 0.08 ms of
 * the 0.3 that a run of a small model takes, of which the messages themselves take 0.07.
 */
export interface RunMessage {
  readonly run: number;
  readonly session: number;
  readonly request: RunRequest;
  /** Under which number runs like this one may be asked for in shared memory from now on. */
  readonly form: number | undefined;
}

/** How the page makes runs of a form, until the worker counts another epoch. */
export interface Guest {
  readonly run: GuestRun;
  readonly epoch: number;
}

/** The answer to the run of that call number. */
export interface RanMessage {
  readonly ran: number;
  readonly outcome: Outcome<Readonly<Record<string, WireTensor>>>;
  /** The buffers that the feeds came in; see spare-buffers.ts. */
  readonly spent?: readonly ArrayBuffer[];
  /** With it the page makes runs of this form itself; see short-way.ts. */
  readonly guest?: Guest | undefined;
}

/** Bytes from which on a buffer is transferred: for less a copy is faster. */
export const transferFrom = 16 * 1024;

/** The buffers to transfer with tensors. Each once: a buffer that is listed twice cannot be sent, and two outputs may be one tensor. */
export function buffersOf(tensors: Readonly<Record<string, WireTensor>>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const tensor of Object.values(tensors)) {
    if (tensor.kind === 'bytes' && tensor.bytes.byteLength >= transferFrom) buffers.add(tensor.bytes.buffer as ArrayBuffer);
  }
  return [...buffers];
}

/** With bytes in buffers of their own: views travel with all of the buffer under them. */
export function copied(
  tensors: Readonly<Record<string, WireTensor>>, copy = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes),
): Record<string, WireTensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, t.kind === 'handle' ? t : { ...t, bytes: copy(t.bytes) }]));
}

export async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: toWire(error) };
  }
}
