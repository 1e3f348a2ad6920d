/** The devices that fuzzing runs on in plain Node: the CPU in both numeric classes, on one thread or more, and a GPU where Dawn finds one. */
import { setFlagsFromString } from 'node:v8';
import { Worker as NodeWorker } from 'node:worker_threads';
import type { Prepared } from '../backends/conformance-kit.ts';
import { createWasmDevice } from '../backends/wasm/device.ts';
import { emitKernel } from '../backends/wasm/registry.ts';
import { runCode } from '../backends/wasm/testing.ts';
import type { Device } from '../device.ts';
import type { Schedule } from '../space.ts';

// Node's V8 has relaxed SIMD behind this flag; browsers have it.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const known = { panel: 8, peakFlops: 0, peakBytes: 0 };

export interface CpuOptions {
  readonly fma: boolean;
  /** Width of panels; 8 if left out. */
  readonly panel?: number;
  readonly maxBytes?: number;
  /** The bundled text of thread.ts: then two threads walk every program. */
  readonly threadScript?: string | undefined;
}

export const cpu = ({ fma, panel = 8, maxBytes = 2 ** 28, threadScript }: CpuOptions): Promise<Device> => createWasmDevice({
  threads: threadScript === undefined ? 1 : 2, maxBytes, fma, panel, known,
  ...(threadScript === undefined ? {} : { spawnThread: () => spawn(threadScript) }),
});

/** A worker of Node in the shape of a browser's, as far as Threads looks at it. */
function spawn(script: string): Worker {
  const worker = new NodeWorker(script, { eval: true });
  worker.unref();
  const listen = (type: string, listener: (event: unknown) => void): void => {
    if (type === 'message') worker.on('message', (data: unknown) => { listener({ data }); });
    else if (type === 'error') worker.on('error', (error) => { listener({ type, message: String(error) }); });
  };
  const shape = {
    postMessage: (message: unknown) => { worker.postMessage(message); },
    addEventListener: listen,
    terminate: () => { void worker.terminate(); },
  };
  return shape as unknown as Worker;
}

/** The units of a schedule in several calls, last first: what threads do at worst. */
export const piecesOn = (device: Device) => ({ kernel, dims, buffers }: Prepared, schedule: Schedule, cuts: number): Map<number, Uint8Array> => {
  const { outputs } = runCode(emitKernel(kernel, schedule, device.profile), dims, buffers, cuts);
  return new Map(outputs.flatMap((bytes, i) => (kernel.args[i]?.access === 'read' ? [] : [[i, bytes] as const])));
};
