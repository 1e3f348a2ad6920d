/**
 * What a backend is to the rest: memory, code for kernels, programs of kernels, a stopwatch. The engine and the tuner know devices
 * only through this; every backend passes one conformance suite (jit/backends/conformance.ts).
 *
 * Memory is handed out as regions; kernels see views of them. A program is a fixed list of steps over views: making one is where
 * bind groups, parameter blocks and dependency counters are built, so that running it is one call.
 */
import type { DType } from './expr/dtype.ts';
import type { Kernel } from './kernel.ts';
import type { Schedule, Space } from './space.ts';

export type DeviceKind = 'wasm' | 'webgpu' | 'reference';

/** Facts that spaces and keys may depend on. */
export interface DeviceProfile {
  readonly kind: DeviceKind;
  /** What tuning records are filed under: browser engine and major version, feature bits, adapter, threads. Nothing measured. */
  readonly fingerprint: string;
  readonly threads: number;
  readonly fma: boolean;
  /** Elements per panel in which right-hand sides of contractions are packed; 0: not packed. */
  readonly panel: number;
  /** 4 x f32 SIMD registers that a micro-kernel can count on (16 on x86-64 before AVX-512, 32 on Arm). A hint, never a prune. */
  readonly vectorRegisters: number;
  /** Measured: 32-bit lanes that one instruction computes; 8 where the engine joins pairs of vectors. 4 where nothing is said. */
  readonly lanes?: number;
  /** What a load that fills all lanes with one element costs beside a load of a vector. 1 where nothing is said. */
  readonly splat?: number;
  readonly features: readonly string[];
  /** GPU limits by their WebGPU names; empty elsewhere. */
  readonly limits: Readonly<Record<string, number>>;
  /** Measured: multiply-adds per second of one core or the GPU, bytes per second of memory; 0 where unknown. */
  readonly peakFlops: number;
  readonly peakBytes: number;
}

/** A piece of device memory. Contents of a new region are undefined. */
export interface Region {
  readonly bytes: number;
  /** Set by `release`; using a released region is an error. */
  readonly released: boolean;
}

export interface View {
  readonly region: Region;
  /** Bytes from the start of the region; a multiple of `alignment` for kernels, of 4 for copies. */
  readonly offset: number;
  readonly bytes: number;
}

export const whole = (region: Region): View => ({ region, offset: 0, bytes: region.bytes });

/** A kernel's code for one schedule: deterministic and byte-stable, so that it can be keyed and compared. */
export interface Code {
  readonly kernel: Kernel;
  readonly schedule: Schedule;
  /** Hash of what runs; two codes with one key are interchangeable. */
  readonly key: string;
  /** WGSL, or a readable WASM listing. */
  readonly source: () => string;
}

/** Code made ready to run on its device. */
export interface Compiled {
  readonly code: Code;
}

/** One call of a kernel: a view for each argument, a value for each dim. */
export interface Step {
  readonly compiled: Compiled;
  readonly args: readonly View[];
  readonly dims: readonly number[];
}

export interface RunOptions {
  /** Polled between chunks of work; rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Collect the time of each step (slower). */
  readonly profile?: boolean;
}

export interface RunResult {
  /** Nanoseconds per step, with `profile`. */
  readonly times?: readonly number[];
}

/** A program in shared memory, as it can be posted to another thread. */
export interface SharedProgram {
  readonly memory: WebAssembly.Memory;
  readonly walker: WebAssembly.Module;
  /** Addresses of the control block, of the count of guests' runs, of memory for intermediate sums, and of the program; its steps. */
  readonly control: number;
  readonly count: number;
  readonly scratch: number;
  readonly program: number;
  readonly steps: number;
  /** Each with its table slot. */
  readonly kernels: readonly (readonly [slot: number, module: WebAssembly.Module])[];
}

export interface Program {
  run(options?: RunOptions): Promise<RunResult>;
  /** Puts other code under a step, between runs. Same kernel, other schedule. */
  swap(step: number, compiled: Compiled): void;
  /**
   * Puts other memory and dims under a step, between runs; present where `Device.moves` says so. Views are no longer than those that the
   * program was made of, and steps that shared memory then share it still, as do no others.
   */
  move?(step: number, args: readonly View[], dims: readonly number[]): void;
  /** The program for a guest (backends/wasm/guest.ts), as long as it `holds`; present where memory can be shared. */
  share?(): { readonly program: SharedProgram; readonly holds: () => boolean };
  dispose(): void;
}

/** An axis of two tensors: how many steps, and the bytes that one of them is in either. */
export interface StridedAxis {
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

export interface Device {
  readonly kind: DeviceKind;
  /** Another one once it has been measured. */
  readonly profile: DeviceProfile;
  /** Views start at multiples of this many bytes. */
  readonly alignment: number;
  /** Whether values that live at the same time may be parts of one region ('offsets'), or writes need a region of their own ('regions'). */
  readonly sharing: 'offsets' | 'regions';
  /** Whether programs can `move`. */
  readonly moves?: boolean;

  /** Throws `out-of-memory` or `model-too-large`. */
  allocate(bytes: number): Region;
  release(region: Region): void;
  /**
   * Bytes that one element takes in this device's memory: `bytesOf` where nothing is converted, 4 for 64-bit integers on a GPU. A view
   * of n elements has `n * storageBytes(dtype)` bytes.
   */
  storageBytes(dtype: DType): number;
  /**
   * Copies elements in, from their plain little-endian form (`n * bytesOf(dtype)` bytes), converting where the device stores them otherwise;
   * takes effect before any later run. Throws `unsupported-dtype` if a value does not fit the device's form of the type.
   */
  write(view: View, dtype: DType, bytes: Uint8Array): void;
  /** The elements of a view in their plain form: `view.bytes / storageBytes(dtype) * bytesOf(dtype)` bytes. */
  read(view: View, dtype: DType): Promise<Uint8Array>;
  /** The bytes of a view in place, where this thread can address the device's memory: valid while the region is. Absent elsewhere. */
  map?(view: View): Uint8Array;
  /**
   * Copies 32-bit words one by one, from the start of `from` on to that of `to` on, which may not overlap. False, with nothing done, where it cannot:
   * too many axes, steps back, places outside of the views. Absent where a kernel is as good.
   */
  rearrange?(from: View, to: View, axes: readonly StridedAxis[]): boolean;
  /** Copies within the device. */
  copy(from: View, to: View): void;

  /** The legal schedules of a kernel here; undefined if this device cannot run it at all (`why` says so). */
  space(kernel: Kernel): Space | { readonly why: string };
  emit(kernel: Kernel, schedule: Schedule): Code;
  /** Compiles; the same key compiles once. Rejects with `wrong-kernel` if the platform's compiler refuses the code. */
  compile(code: Code): Promise<Compiled>;
  /** Lets compiled code go that no program holds: candidates that lost. It may still be used, and is then made ready again. */
  forget?(compiled: Compiled): void;
  program(steps: readonly Step[]): Program;

  /** Measures what the profile leaves open, some ms in each turn of the iteration; spaces that are asked for afterwards know it. */
  measure?(): Iterable<void>;
  /** Does what has waited for the first answer to be out. */
  settle?(): void;
  /** Runs that guests made. */
  readonly guestRuns?: number;
  /** Nanoseconds for `repeats` calls of a step, back to back. */
  time(step: Step, repeats: number): Promise<number>;

  /** Resolves when what was submitted has run. Absent where runs end only then. */
  idle?(): Promise<void>;
  /** Settles (never rejects) when the device is gone: lost GPU, dead worker. */
  readonly lost: Promise<{ readonly reason: string }>;
  /** Bytes in use, and the most that ever were. */
  memory(): { readonly used: number; readonly peak: number };
  dispose(): Promise<void>;
}
