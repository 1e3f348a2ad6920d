/**
 * Starts helper threads of the engine worker. Where the worker's script came from a Blob, so does that of its helpers, which holds what a helper
 * needs and no more: the engine's own script takes 45 ms to parse, on a core that is busy. Elsewhere it is the very script that runs here,
 * told by its first message to serve as a thread.
 */
import script from 'virtual:quern-thread';
import type { Hello } from './protocol.ts';

const spare: Worker[] = [];
const failed = new WeakSet<Worker>();
/**
 * A thread makes too little garbage to be collected, and holds the memories of the devices it served until it is: their address space is what
 * runs out, after some 125.
 */
const mostDevices = 16;
const served = new WeakMap<Worker, number>();
let url: string | undefined;

function start(): Worker {
  const here = self.location.href;
  url ??= here.startsWith('blob:') ? URL.createObjectURL(new Blob([...script], { type: 'text/javascript' })) : here;
  const worker = new Worker(url, { name: 'quern-thread' });
  worker.addEventListener('error', () => { failed.add(worker); });
  worker.postMessage({ role: 'thread' } satisfies Hello);
  return worker;
}

/**
 * Starts threads that `spawnThread` will be asked for: a worker's start takes turns of this worker's event loop, which has none to spare once
 * a model is being compiled.
 */
export function startThreads(count: number): void {
  while (spare.length < count) spare.push(start());
}

/** A new worker that has been told to call `serveThread`. For use inside the engine worker only. */
export function spawnThread(): Worker {
  const worker = spare.pop();
  // One that has failed already would not say so again.
  return worker === undefined || failed.has(worker) ? start() : worker;
}

/**
 * Keeps a thread whose device is gone for the next one: ending and starting costs Firefox 0.2 s a session, and one `new Worker` in some 40 does not
 * come back there (153; start-worker.ts).
 */
export function returnThread(worker: Worker): void {
  const devices = (served.get(worker) ?? 0) + 1;
  served.set(worker, devices);
  if (devices < mostDevices) spare.push(worker);
  else worker.terminate();
}

/** Ends the threads that nobody asked for. */
export function endSpareThreads(): void {
  for (const worker of spare.splice(0)) worker.terminate();
}
