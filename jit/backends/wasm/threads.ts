/**
 * Helper threads as the engine's thread sees them: sending them kernels, telling them to work and to stop. Helpers sleep inside
 * WebAssembly (walker.ts); they come back to their event loop only to receive kernels. Invariant: a helper joins a run only if it has every
 * kernel that was sent before the run began (the version in the control block says so).
 */
import { QuernError } from '../../error.ts';
import { command, control } from './walker.ts';

/** What a thread needs to know first. */
export interface InitMessage {
  readonly kind: 'init';
  readonly memory: WebAssembly.Memory;
  readonly walker: WebAssembly.Module;
  readonly control: number;
  readonly scratch: number;
}
export interface InstallMessage {
  readonly kind: 'install';
  readonly version: number;
  readonly kernels: readonly { readonly slot: number; readonly module: WebAssembly.Module }[];
}
/** The device is gone: nothing of it is kept. */
export interface LeaveMessage {
  readonly kind: 'leave';
}
export type ToThread = InitMessage | InstallMessage | LeaveMessage;
export interface FromThread {
  readonly kind: 'ready';
}

/** The part of a Worker that is used here. */
export interface Helper {
  postMessage(message: ToThread): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<FromThread>) => void, during: { readonly signal: AbortSignal }): void;
  addEventListener(type: 'error' | 'messageerror', listener: (event: Event) => void, during: { readonly signal: AbortSignal }): void;
  terminate(): void;
}

/**
 * Helpers at work. Firefox collects a worker that nothing live refers to, although a listener waits for its first message: only the helper
 * itself refers to those who wait.
 */
const working = new Set<Helper>();

export class Threads {
  #version = 0;
  #dead: string | undefined;
  /** All have answered. */
  #whole = false;
  readonly #leaving = new AbortController();
  readonly lost: Promise<string>;
  /** Rejects with `worker-blocked` if a helper cannot be started. Their start takes 100 ms, in which kernels are made. */
  readonly ready: Promise<void>;

  constructor(
    private readonly helpers: readonly Helper[], private readonly memory: WebAssembly.Memory, walker: WebAssembly.Module, private readonly at: number,
    scratch: (helper: number) => number, private readonly giveBack: ((helper: number) => void) | undefined,
  ) {
    const during = this.#leaving;
    this.lost = new Promise((resolve) => {
      for (const helper of helpers) {
        working.add(helper);
        helper.addEventListener('error', (event) => {
          this.#dead = event instanceof ErrorEvent && event.message ? event.message : 'a helper thread failed';
          resolve(this.#dead);
        }, during);
      }
    });
    const ready = helpers.map((helper, i) => new Promise<void>((resolve, reject) => {
      const fail = (event: Event): void => {
        const why = 'message' in event && typeof event.message === 'string' ? event.message : event.type;
        reject(new QuernError('worker-blocked', 'a helper thread could not be started', { got: why, hint: 'threads: 1 needs none' }));
      };
      helper.addEventListener('error', fail, during);
      helper.addEventListener('messageerror', fail, during);
      helper.addEventListener('message', () => { resolve(); }, during);
      helper.postMessage({ kind: 'init', memory, walker, control: at, scratch: scratch(i) });
    }));
    this.ready = Promise.all(ready).then(() => undefined);
    // Heard of by the first run.
    this.ready.then(() => { this.#whole = true; }, () => { this.stop(); });
  }

  /** Why there is no relying on the helpers any more. */
  get failure(): string | undefined {
    return this.#dead;
  }

  private get words(): Int32Array {
    return new Int32Array(this.memory.buffer, this.at, 16);
  }

  /** Sends kernels for table slots; they are there before any later run that a helper joins. */
  install(kernels: InstallMessage['kernels']): void {
    if (kernels.length === 0) return;
    this.#version += 1;
    Atomics.store(this.words, control.version / 4, this.#version);
    this.#signal();
    for (const helper of this.helpers) helper.postMessage({ kind: 'install', version: this.#version, kernels });
  }

  begin(program: number): void {
    const { words } = this;
    Atomics.store(words, control.program / 4, program);
    Atomics.store(words, control.command / 4, command.run);
    this.#signal();
  }

  /** No helper starts on the program any more; true when none is at work in it. */
  end(): boolean {
    const { words } = this;
    if (Atomics.load(words, control.command / 4) !== command.idle) Atomics.store(words, control.command / 4, command.idle);
    // One that has just found nothing left is out in a microsecond, and a turn of the event loop takes 50.
    for (let left = 2000; left > 0; left--) if (Atomics.load(words, control.active / 4) === 0) return true;
    return false;
  }

  #signal(): void {
    Atomics.add(this.words, control.signal / 4, 1);
    Atomics.notify(this.words, control.signal / 4);
  }

  /** Helpers that are idle may serve another device; others end. Both let go of the memory. */
  stop(): void {
    this.#leaving.abort();
    const { giveBack } = this;
    const reusable = this.end() && this.#whole && this.#dead === undefined;
    // Back to their event loops, where the next message is.
    Atomics.add(this.words, control.version / 4, 1);
    this.#signal();
    for (const [i, helper] of this.helpers.entries()) {
      working.delete(helper);
      if (reusable && giveBack !== undefined) {
        helper.postMessage({ kind: 'leave' });
        giveBack(i);
      } else helper.terminate();
    }
  }
}
