/** What `report()`, `tune()` and `support()` answer. Times in milliseconds, sizes in bytes, rates per second. */

export interface KernelReport {
  /** Nodes of the model that this kernel computes. */
  readonly nodes: readonly { readonly node: string; readonly op: string }[];
  /** map, rows, contraction or loop. */
  readonly kind: string;
  /** 'cpu' for what a session on the GPU computes on the CPU. */
  readonly place: 'main' | 'cpu';
  /** Calls of this kernel, at these sizes, in one run. */
  readonly calls: number;
  /** Time of one call, once measured. */
  readonly ms?: number;
  /** Share of the model's time, 0 to 1. */
  readonly share?: number;
  /** Multiply-adds count twice. */
  readonly flops: number;
  /** Read and written by one call, each element once. */
  readonly bytes: number;
  /** What `flops` and `bytes` come to in that time, in 1e9 a second. */
  readonly gflops?: number;
  readonly gbytes?: number;
  /** Fraction of the roofline reached, 0 to 1. */
  readonly roofline?: number;
  readonly schedule: Readonly<Record<string, number>>;
  /** The schedule to start from, which is legal everywhere. */
  readonly fallback: Readonly<Record<string, number>>;
  /** Where the schedule came from. */
  readonly choice: 'fallback' | 'measured' | 'cached' | 'imported' | 'shipped';
  /** Schedules in the space of this kernel, and those of them that were measured on this device, now or at an earlier visit. */
  readonly candidates: number;
  readonly tried: readonly { readonly schedule: Readonly<Record<string, number>>; readonly ms?: number; readonly verdict: 'winner' | 'slower' | 'wrong' | 'refused' }[];
  /** The kernel in its canonical text, before any device. */
  readonly text: string;
  /** What runs: WGSL, or a WebAssembly listing. */
  readonly source: string;
}

/** What a session is and did. Kernels are those of the sizes that ran last. */
export interface Report {
  readonly device: 'wasm' | 'webgpu';
  /** Why this device. */
  readonly why: string;
  readonly threads: number;
  /** Whether the page is cross-origin isolated, without which there is one thread. */
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
  /** Nodes that a session on the GPU computes on the CPU. */
  readonly fallbacks: readonly { readonly node: string; readonly op: string; readonly why: string }[];
  /** Bytes: of packed weights, of everything in between, of kept tensors, and the most that was held at once. */
  readonly memory: { readonly weights: number; readonly arena: number; readonly kept: number; readonly peak: number };
  /** Kernels compiled since the session was made. */
  readonly compiled: number;
  readonly runs: number;
  /** Whether the model was planned now, or an earlier visit's plan was used. */
  readonly plan: 'made' | 'kept';
  /** Schedules that gave wrong results here and are used no more. */
  readonly demoted: readonly { readonly kernel: string; readonly schedule: Readonly<Record<string, number>>; readonly why: string }[];
  /** Sentences about what did not go as well as it could. */
  readonly notes: readonly string[];
}

export interface TuneReport {
  readonly ms: number;
  /** Distinct kernels of the model at the sizes that ran. */
  readonly kernels: number;
  /** Measurements made now. */
  readonly measured: number;
  /** Kernels whose best schedule was known already. */
  readonly fromCache: number;
  /** Kernels for which another schedule than the fallback won. */
  readonly improved: number;
  /** Candidates dropped for wrong results. */
  readonly wrong: number;
  /** False where the budget ended first. */
  readonly finished: boolean;
}

export interface SupportReport {
  /** Whether `load` would take it. */
  readonly supported: boolean;
  /** Operators that would not run here, with the nodes that use them. */
  readonly missing: readonly { readonly op: string; readonly domain: string; readonly nodes: readonly string[]; readonly why: string }[];
  readonly weightBytes: number;
  /** Weights and activations together, with symbolic dims as given or 1; undefined where it cannot be told from the head. */
  readonly memoryBytes: number | undefined;
  /** Versions of operator sets that the model asks for, by domain. */
  readonly opsets: Readonly<Record<string, number>>;
}
