/**
 * A helper thread's whole life: take a device's memory and the walker, then sleep in WebAssembly until there is work or there are new kernels;
 * and again for the next device.
 * The whole of a helper's script is this and what it imports; it must not grow.
 */
import { mathFunctions } from './math.ts';
import type { FromThread, ToThread } from './threads.ts';
import type { WalkerExports } from './walker.ts';

/** The part of a worker's global scope that is used here. */
export interface ThreadScope {
  postMessage(message: FromThread): void;
  addEventListener(type: string, listener: (event: Event) => void, options?: { readonly once: boolean }): void;
}

/** What a thread has of a device: the walker, and a table of kernels for it. */
export interface Joined {
  readonly walker: WalkerExports;
  readonly table: WebAssembly.Table;
  /** Puts a kernel's `run` into the table, making room. */
  readonly install: (slot: number, module: WebAssembly.Module) => void;
}

/** Makes this thread's part of a device. `scratch`: the address of `scratchBytes` that nobody else uses meanwhile. */
export function join(module: WebAssembly.Module, memory: WebAssembly.Memory, scratch: number): Joined {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 64 });
  const walker = new WebAssembly.Instance(module, { env: { memory, kernels: table, now: () => performance.now() } });
  return {
    walker: walker.exports as unknown as WalkerExports,
    table,
    install(slot, kernel) {
      const instance = new WebAssembly.Instance(kernel, { env: { memory, scratch }, math: mathFunctions });
      if (slot >= table.length) table.grow(slot + 64 - table.length);
      table.set(slot, instance.exports['run']);
    },
  };
}

/** Serves as a helper thread of the device that posts to this scope. */
export function serveThread(scope: ThreadScope): void {
  let joined: Joined | undefined;
  let control = 0;
  scope.addEventListener('message', (event) => {
    const { data } = event as MessageEvent<ToThread>;
    switch (data.kind) {
      case 'init':
        joined = join(data.walker, data.memory, data.scratch);
        ({ control } = data);
        scope.postMessage({ kind: 'ready' });
        break;
      case 'install':
        for (const { slot, module } of data.kernels) joined?.install(slot, module);
        // Comes back when the version has moved on: then the next message is on its way.
        joined?.walker.serve(control, data.version);
        break;
      case 'leave':
        joined = undefined;
        break;
      default: data satisfies never;
    }
  });
}
