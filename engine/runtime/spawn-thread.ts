/** Starts helper threads of the engine worker: the very script that runs here, told by its first message to serve as a thread. */
import type { Hello } from './protocol.ts';

/** A new worker that has been told to call `serveThread`. For use inside the engine worker only. */
export function spawnThread(): Worker {
  const worker = new Worker(self.location.href, { name: 'quern-thread' });
  worker.postMessage({ role: 'thread' } satisfies Hello);
  return worker;
}
