/**
 * The CPU as a device: one linear memory, kernels of WebAssembly in a table, programs that threads walk together. Input: kernels and
 * schedules; output: results in memory. Must not run on a page's own thread if it has helpers (it would have to spin while it waits).
 */
import type { Code, Compiled, Device, DeviceProfile, Program, RunOptions, RunResult, Step, StridedAxis, View } from '../../device.ts';
import { QuernError, invariant } from '../../error.ts';
import { bytesOf } from '../../expr/dtype.ts';
import { nextTask } from '../../next-task.ts';
import type { WasmCode } from './emitter.ts';
import { LinearMemory, type WasmRegion, alignment, scratchBytes } from './memory.ts';
import { type Mover, mover } from './mover.ts';
import { type ProbeOptions, measure, probe, relaxedSimd } from './probe.ts';
import { ProgramBlock, unitsOf, wasmCode } from './program.ts';
import { emitKernel, spaceOf } from './registry.ts';
import { type Joined, join } from './thread.ts';
import { type InstallMessage, Threads } from './threads.ts';
import { buildWalker, control, controlBytes, headBytes, stepBytes, walked } from './walker.ts';

export interface WasmDeviceOptions extends ProbeOptions {
  /** Threads in all, the calling one included. More than 1 needs `spawnThread` and cross-origin isolation. */
  readonly threads: number;
  /** A new worker that calls `serveThread` (thread.ts). */
  readonly spawnThread?: () => Worker;
  /** Takes workers that the device, when it is disposed, no longer needs; `spawnThread` may give them to another one. They end otherwise. */
  readonly returnThread?: (worker: Worker) => void;
  /** Whether helpers start with the device; else when a run takes long, or with `settle`. */
  readonly early?: boolean;
  /** The most that the memory may grow to; only address space is set aside. */
  readonly maxBytes: number;
}

interface Ready extends Compiled {
  readonly code: WasmCode;
  readonly module: WebAssembly.Module;
}

type Installed = InstallMessage['kernels'][number];

/** Milliseconds after which a run lets the event loop have a turn, so that aborts and messages are seen: one frame. */
const slice = 16;
/** Milliseconds for which a run waits for helpers that have not started: in Firefox 153 one in some hundred never does. */
const patienceMs = 2000;
/** Milliseconds of a run alone after which helpers are worth their start, which takes 40 to 100 of another core. */
const lateMs = 100;

let walkerModule: WebAssembly.Module | undefined;

/** Makes what devices of this thread share, once: in time that is free before the first of them, or with it. Throws `no-wasm` without SIMD. */
export function warmWasm(): WebAssembly.Module {
  relaxedSimd();
  return (walkerModule ??= new WebAssembly.Module(buildWalker().encode()));
}

/** Makes the CPU device. Rejects with `no-wasm` without SIMD, `out-of-memory` without address space; runs with `worker-blocked`. */
export function createWasmDevice(options: WasmDeviceOptions): Promise<Device> {
  return Promise.resolve().then(() => {
    const memory = new LinearMemory(options.maxBytes);
    const threads = Math.max(1, options.threads);
    invariant(threads === 1 || options.spawnThread !== undefined, 'threads need a way to start them');
    return WasmDevice.start(memory, probe(options, threads), options);
  });
}

class WasmDevice implements Device {
  readonly kind = 'wasm';
  readonly alignment = alignment;
  readonly sharing = 'offsets';
  readonly moves = true;
  #lose: (why: { readonly reason: string }) => void = () => undefined;
  readonly lost = new Promise<{ readonly reason: string }>((resolve) => { this.#lose = resolve; });
  readonly #joined: Joined;
  readonly #compiled = new Map<string, Ready>();
  /** By code key. */
  readonly #slots = new Map<string, Installed>();
  /** Slots of forgotten code, and how many there are in all. */
  readonly #vacant: number[] = [];
  #slotCount = 0;
  /** Steps of live programs by code key. */
  readonly #held = new Map<string, number>();
  #disposed = false;
  #running = false;
  /** Helpers start while kernels are made: the first run waits for them. Undefined when they are there, so that runs wait for nothing. */
  #ready: Promise<void> | undefined;
  /** Why helpers that were started late could not be. */
  #refused: QuernError | undefined;
  #threads: Threads | undefined;
  #mover: Mover | undefined;
  readonly #sleeps: number;

  static start(memory: LinearMemory, profile: DeviceProfile, options: WasmDeviceOptions): WasmDevice {
    const walker = warmWasm();
    const at = memory.allocate(controlBytes + scratchBytes * profile.threads);
    memory.bytes.fill(0, at.start, at.start + controlBytes);
    const device = new WasmDevice(memory, profile, walker, at, options);
    if (options.early !== false) {
      device.#ready = device.#startThreads()?.ready.then(() => { device.#ready = undefined; });
      device.#ready?.catch(() => undefined);
    }
    return device;
  }

  private constructor(
    private readonly own: LinearMemory, public profile: DeviceProfile, private readonly walker: WebAssembly.Module,
    private readonly controlBlock: WasmRegion, private readonly options: WasmDeviceOptions,
  ) {
    this.#joined = join(walker, own.memory, scratchOf(controlBlock, 0));
    this.#sleeps = maySleep(own.memory) ? 1 : 0;
  }

  #startThreads(): Threads | undefined {
    const { own, controlBlock: at, options: { spawnThread, returnThread } } = this;
    if (spawnThread === undefined || this.profile.threads === 1) return undefined;
    const helpers = Array.from({ length: this.profile.threads - 1 }, () => spawnThread());
    const giveBack = returnThread && ((i: number): void => { if (helpers[i] !== undefined) returnThread(helpers[i]); });
    this.#threads = new Threads(helpers, own.memory, this.walker, at.start, (i) => scratchOf(at, i + 1), giveBack);
    this.#threads.install([...this.#slots.values()]);
    void this.#threads.lost.then((reason) => { this.#lose({ reason }); });
    return this.#threads;
  }

  settle(): void {
    if (this.#threads !== undefined || this.#disposed) return;
    this.#startThreads()?.ready.catch((error: unknown) => { this.#refused = error as QuernError; });
  }

  allocate(bytes: number): WasmRegion {
    this.#alive();
    return this.own.allocate(bytes);
  }

  release(region: WasmRegion): void {
    this.own.release(region);
  }

  storageBytes = bytesOf;

  write(view: Parameters<Device['write']>[0], _dtype: unknown, bytes: Uint8Array): void {
    this.#alive();
    if (bytes.byteLength !== view.bytes) {
      throw new QuernError('internal', 'a write does not fit its view', { expected: `${view.bytes} bytes`, got: `${bytes.byteLength}` });
    }
    this.own.bytesOf(view).set(bytes);
  }

  read(view: Parameters<Device['read']>[0]): Promise<Uint8Array> {
    return Promise.resolve().then(() => {
      this.#alive();
      // A copy constructor is one memcpy; `Uint8Array.from` walks elements (1 ms for 600 KB).
      return new Uint8Array(this.own.bytesOf(view));
    });
  }

  map(view: Parameters<Device['write']>[0]): Uint8Array {
    this.#alive();
    return this.own.bytesOf(view);
  }

  copy(from: Parameters<Device['copy']>[0], to: Parameters<Device['copy']>[1]): void {
    const [source, target] = [this.own.address(from), this.own.address(to)];
    invariant(from.bytes <= to.bytes, 'a copy does not fit');
    this.own.bytes.copyWithin(target, source, source + from.bytes);
  }

  rearrange(from: View, to: View, axes: readonly StridedAxis[]): boolean {
    return (this.#mover ??= mover(this.own))(from, to, axes);
  }

  space(kernel: Parameters<Device['space']>[0]): ReturnType<Device['space']> {
    return spaceOf(kernel, this.profile);
  }

  emit(kernel: Parameters<Device['emit']>[0], schedule: Parameters<Device['emit']>[1]): WasmCode {
    return emitKernel(kernel, schedule, this.profile);
  }

  compile(code: Code): Promise<Compiled> {
    return Promise.resolve().then(() => {
      this.#alive();
      const known = this.#compiled.get(code.key);
      if (known !== undefined) return known;
      const wasm = code as WasmCode;
      try {
        const ready: Ready = { code: wasm, module: new WebAssembly.Module(wasm.bytes) };
        this.#compiled.set(code.key, ready);
        return ready;
      } catch (cause) {
        throw new QuernError('wrong-kernel', 'WebAssembly refuses a kernel', { got: String(cause), cause });
      }
    });
  }

  /** The table slot of a step's kernel on this thread; `fresh` collects what helpers have not got yet. */
  #slot(step: Step, fresh: Installed[]): number {
    const code = wasmCode(step);
    const known = this.#slots.get(code.key);
    if (known !== undefined) return known.slot;
    invariant('module' in step.compiled, 'a step holds a kernel that this device has not compiled');
    const { module } = step.compiled as Ready;
    const slot = this.#vacant.pop() ?? this.#slotCount++;
    this.#slots.set(code.key, { slot, module });
    this.#joined.install(slot, module);
    fresh.push({ slot, module });
    return slot;
  }

  forget({ code }: Compiled): void {
    if ((this.#held.get(code.key) ?? 0) > 0) return;
    this.#compiled.delete(code.key);
    const installed = this.#slots.get(code.key);
    if (installed === undefined) return;
    this.#slots.delete(code.key);
    this.#joined.table.set(installed.slot, null);
    this.#vacant.push(installed.slot);
  }

  #hold(step: Step | undefined, by: 1 | -1): void {
    if (step !== undefined) this.#held.set(step.compiled.code.key, (this.#held.get(step.compiled.code.key) ?? 0) + by);
  }

  program(steps: readonly Step[]): Program {
    this.#alive();
    const current = [...steps];
    const fresh: Installed[] = [];
    const block = new ProgramBlock(this.own, steps, this.profile.threads);
    const place = (at: number): void => {
      const step = current[at];
      invariant(step !== undefined, `a program has no step ${at}`);
      block.set(at, wasmCode(step), this.#slot(step, fresh));
      this.#hold(step, 1);
    };
    current.forEach((_, at) => { place(at); });
    this.#threads?.install(fresh);
    let live = true;
    // Of code, addresses and dims.
    let version = 0;
    return {
      run: async (run: RunOptions = {}) => {
        if (!live) throw new QuernError('disposed', 'the program is disposed');
        return this.#run(block, run);
      },
      swap: (at, compiled) => {
        const step = current[at];
        invariant(step !== undefined, `a program has no step ${at}`);
        current[at] = { ...step, compiled };
        this.#hold(step, -1);
        fresh.length = 0;
        place(at);
        this.#threads?.install(fresh);
        version++;
      },
      move: (at, args, dims) => {
        block.move(at, args.map((view) => this.own.address(view)), dims);
        version++;
      },
      share: () => {
        const shared = version;
        const kernels = new Map(current.map((step) => [this.#slots.get(step.compiled.code.key)?.slot ?? NaN, (step.compiled as Ready).module]));
        return {
          program: {
            memory: this.own.memory, walker: this.walker, control: this.controlBlock.start, count: this.controlBlock.start + control.guests,
            scratch: scratchOf(this.controlBlock, 0), program: block.region.start, steps: steps.length, kernels: [...kernels],
          },
          holds: () => live && !this.#disposed && version === shared,
        };
      },
      dispose: () => {
        if (live && !this.#disposed) {
          this.own.release(block.region);
          for (const step of current) this.#hold(step, -1);
        }
        live = false;
      },
    };
  }

  /** Waits for helpers, but not for ever: one that comes later joins then. */
  async #helpers(ready: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await Promise.race([ready, new Promise<void>((go) => { timer = setTimeout(go, patienceMs); })]);
      this.#ready = undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(block: ProgramBlock, { signal, profile = false }: RunOptions): Promise<RunResult> {
    this.#alive();
    invariant(!this.#running, 'runs of one device follow each other');
    if (signal?.aborted === true) throw new QuernError('aborted', 'the run was aborted');
    this.#running = true;
    try {
      if (this.#ready !== undefined) await this.#helpers(this.#ready);
      if (this.#refused !== undefined) throw this.#refused;
      const count = block.steps.length;
      this.#joined.walker.reset(block.region.start, count);
      if (!profile) {
        await this.#walk(block, 0, count, signal);
        return {};
      }
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        block.range(i, i + 1);
        await this.#walk(block, i, i + 1, signal);
        times.push((performance.now() - start) * 1e6);
      }
      return { times };
    } finally {
      this.#running = false;
    }
  }

  /** Steps [first, limit) on all threads, with turns for the event loop between slices. */
  async #walk(block: ProgramBlock, first: number, limit: number, signal: AbortSignal | undefined): Promise<void> {
    const { start } = block.region;
    const ctl = this.controlBlock.start;
    const whole = this.#threads !== undefined && limit - first === block.steps.length;
    const together = !whole || block.pace.next();
    const began = performance.now();
    if (together) this.#begin(start);
    try {
      for (;;) {
        const outcome = this.#joined.walker.walk(start, ctl, performance.now() + slice, this.#sleeps);
        if (outcome === walked.complete) {
          if (whole) block.pace.took(performance.now() - began, together);
          return;
        }
        await nextTask();
        this.#alive();
        if (this.#threads === undefined && performance.now() - began > lateMs) {
          this.settle();
          this.#begin(start);
        }
        if (signal?.aborted === true) throw new QuernError('aborted', 'the run was aborted');
        if (this.#threads?.failure !== undefined) throw new QuernError('worker-died', 'a helper thread died', { got: this.#threads.failure });
      }
    } catch (error) {
      this.#abortFlag(1);
      throw error;
    } finally {
      // A helper that is still in the program must be out of it before its counters are set back.
      while (this.#threads?.end() === false && this.#threads.failure === undefined) await nextTask();
      this.#abortFlag(0);
    }
  }

  #begin(program: number): void {
    this.#threads?.begin(program);
  }

  get #control(): Int32Array {
    return new Int32Array(this.own.memory.buffer, this.controlBlock.start, 16);
  }

  #abortFlag(value: number): void {
    if (!this.#disposed) Atomics.store(this.#control, control.abort / 4, value);
  }

  get guestRuns(): number {
    return Atomics.load(this.#control, control.guests / 4);
  }

  *measure(): Generator<void> {
    const found = yield* measure(this.own, this.profile.fma);
    this.profile = { ...this.profile, ...found };
  }

  time(step: Step, repeats: number): Promise<number> {
    return Promise.resolve().then(() => {
      this.#alive();
      const fresh: Installed[] = [];
      const slot = this.#slot(step, fresh);
      this.#threads?.install(fresh);
      const block = new ProgramBlock(this.own, [step], 1);
      const units = unitsOf(wasmCode(step), step.dims);
      const params = block.region.start + headBytes + stepBytes;
      const start = performance.now();
      if (repeats > 0) this.#joined.walker.repeat(slot, params, units, repeats);
      const elapsed = performance.now() - start;
      this.own.release(block.region);
      return elapsed * 1e6;
    });
  }

  memory(): { readonly used: number; readonly peak: number } {
    return { used: this.own.used, peak: this.own.peak };
  }

  dispose(): Promise<void> {
    this.#disposed = true;
    this.#threads?.stop();
    this.#compiled.clear();
    return Promise.resolve();
  }

  #alive(): void {
    if (this.#disposed) throw new QuernError('disposed', 'the device is disposed');
  }
}

/** A thread's own memory, behind the control block. */
const scratchOf = (controlBlock: WasmRegion, thread: number): number => controlBlock.start + controlBytes + scratchBytes * thread;

/** Whether this thread may wait in memory: not a page's own. */
function maySleep(memory: WebAssembly.Memory): boolean {
  try {
    // The first word of the zero page is 0, so this answers "not equal" at once.
    Atomics.wait(new Int32Array(memory.buffer), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
