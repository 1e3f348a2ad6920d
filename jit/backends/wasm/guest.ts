/**
 * A guest runs a device's program on a thread of its own, while the device's threads wait: for a page, whose calls of a small model take
 * longer to wake a worker and to be woken by it than the kernels take. In: what `Program.share` gives, posted. Same kernels, same memory, same bits.
 * Invariants, the caller's to keep: nobody else runs on the device meanwhile, and the program still `holds`.
 */
import type { SharedProgram } from '../../device.ts';
import { join } from './thread.ts';

/** Makes ready to run a program here; feeds and results are where they were for the device. Throws where a policy forbids WebAssembly. */
export function guest({ memory, walker: module, control, count, scratch, program, steps, kernels }: SharedProgram): () => void {
  const { walker, install } = join(module, memory, scratch);
  for (const [slot, kernel] of kernels) install(slot, kernel);
  const counter = new Int32Array(memory.buffer, count, 1);
  return () => {
    walker.reset(program, steps);
    walker.walk(program, control, Infinity, 0);
    Atomics.add(counter, 0, 1);
  };
}
