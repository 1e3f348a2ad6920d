/**
 * A helper thread's whole life: take a device's memory and the walker, then sleep in WebAssembly until there is work or there are new kernels;
 * and again for the next device.
 * Imported by the worker script alone; it must not grow.
 */
import { mathFunctions } from './math.ts';
import type { FromThread, ToThread } from './threads.ts';
import type { WalkerExports } from './walker.ts';

/** The part of a worker's global scope that is used here. */
export interface ThreadScope {
  postMessage(message: FromThread): void;
  addEventListener(type: string, listener: (event: Event) => void, options?: { readonly once: boolean }): void;
}

/** Puts a kernel's `run` into the table, making room. `scratch`: the address of `scratchBytes` of this thread's own. */
export function installKernel(table: WebAssembly.Table, slot: number, module: WebAssembly.Module, memory: WebAssembly.Memory, scratch: number): void {
  const instance = new WebAssembly.Instance(module, { env: { memory, scratch }, math: mathFunctions });
  if (slot >= table.length) table.grow(slot + 64 - table.length);
  table.set(slot, instance.exports['run']);
}

/** Serves as a helper thread of the device that posts to this scope. */
export function serveThread(scope: ThreadScope): void {
  let serve: ((version: number) => void) | undefined;
  let install: ((slot: number, module: WebAssembly.Module) => void) | undefined;
  scope.addEventListener('message', (event) => {
    const { data } = event as MessageEvent<ToThread>;
    switch (data.kind) {
      case 'init': {
        const { memory, scratch } = data;
        const table = new WebAssembly.Table({ element: 'anyfunc', initial: 64 });
        const walker = new WebAssembly.Instance(data.walker, { env: { memory, kernels: table, now: () => performance.now() } });
        const exports = walker.exports as unknown as WalkerExports;
        serve = (version) => { exports.serve(data.control, version); };
        install = (slot, module) => { installKernel(table, slot, module, memory, scratch); };
        scope.postMessage({ kind: 'ready' });
        break;
      }
      case 'install':
        for (const { slot, module } of data.kernels) install?.(slot, module);
        // Comes back when the version has moved on: then the next message is on its way.
        serve?.(data.version);
        break;
      case 'leave':
        serve = install = undefined;
        break;
      default: data satisfies never;
    }
  });
}
