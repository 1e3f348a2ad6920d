/** What `report()`, `tune()` and `support()` answer. Times in milliseconds, sizes in bytes, rates per second. */

export interface KernelReport {
  /** Nodes of the model that this kernel computes. */
  readonly nodes: readonly { readonly node: string; readonly op: string }[];
  /** map, rows, contraction or loop. */
  readonly kind: string;
  readonly place: 'main' | 'cpu';
  /** Calls of this kernel, at these sizes, in one run. */
  readonly calls: number;
  /** Time of one call, once measured. */
  readonly ms?: number;
  /** Share of the model's time, 0 to 1. */
  readonly share?: number;
  /** Multiply-adds count twice. */
  readonly flops: number;
  readonly bytes: number;
  /** Fraction of the roofline reached, 0 to 1. */
  readonly roofline?: number;
  readonly schedule: Readonly<Record<string, number>>;
  /** The schedule to start from, which is legal everywhere. */
  readonly fallback: Readonly<Record<string, number>>;
  /** Where the schedule came from. */
  readonly choice: 'fallback' | 'measured' | 'cached' | 'imported' | 'shipped';
  readonly candidates: number;
  readonly tried: readonly { readonly schedule: Readonly<Record<string, number>>; readonly ms?: number; readonly verdict: 'winner' | 'slower' | 'wrong' | 'refused' }[];
  /** The kernel in its canonical text, and as WGSL or a WASM listing. */
  readonly text: string;
  readonly source: string;
}

export interface Report {
  readonly device: 'wasm' | 'webgpu';
  readonly why: string;
  readonly threads: number;
  readonly isolated: boolean;
  /** What tuning records are filed under. */
  readonly fingerprint: string;
  /** What the device can do, by its own account and by the probe: multiply-adds count twice; 0 where a peak is unknown. */
  readonly hardware: {
    readonly features: readonly string[];
    readonly limits: Readonly<Record<string, number>>;
    readonly peakFlops: number;
    readonly peakBytes: number;
    /** Elements per panel of packed right-hand sides; 0: not packed. */
    readonly panel: number;
  };
  readonly kernels: readonly KernelReport[];
  readonly fallbacks: readonly { readonly node: string; readonly op: string; readonly why: string }[];
  readonly memory: { readonly weights: number; readonly arena: number; readonly kept: number; readonly peak: number };
  /** Kernels compiled since the session was made. */
  readonly compiled: number;
  readonly runs: number;
  readonly demoted: readonly { readonly kernel: string; readonly schedule: Readonly<Record<string, number>>; readonly why: string }[];
  readonly notes: readonly string[];
}

export interface TuneReport {
  readonly ms: number;
  readonly kernels: number;
  readonly measured: number;
  readonly fromCache: number;
  readonly improved: number;
  readonly wrong: number;
  readonly finished: boolean;
}

export interface SupportReport {
  readonly supported: boolean;
  /** Operators that would not run here, with the nodes that use them. */
  readonly missing: readonly { readonly op: string; readonly domain: string; readonly nodes: readonly string[]; readonly why: string }[];
  readonly weightBytes: number;
  /** Weights and activations together, with symbolic dims as given or 1; undefined where it cannot be told from the head. */
  readonly memoryBytes: number | undefined;
  readonly opsets: Readonly<Record<string, number>>;
}
