/**
 * The reference as a device: every kernel has one schedule, code is the kernel itself, memory is plain bytes. Slow on purpose. Engine
 * tests run on it without WebAssembly or a GPU, and conformance checks it like any other backend.
 */
import type {
  Code, Compiled, Device, DeviceProfile, Program, Region, RunOptions, Step, View,
} from '../../device.ts';
import { QuernError } from '../../error.ts';
import { bytesOf } from '../../expr/dtype.ts';
import { kernelText } from '../../kernel.ts';
import type { Space } from '../../space.ts';
import { hashText } from '../../hash.ts';
import { runKernel } from './run.ts';

interface Memory extends Region {
  readonly data: Uint8Array;
  released: boolean;
}

const space: Space = { emitter: 'reference', version: 1, knobs: [], constraints: [], fallback: {} };

/** A device that runs kernels in plain TypeScript. `profile` overrides facts, such as the panel that weights are packed in. */
export function makeReferenceDevice(profile: Partial<DeviceProfile> = {}): Device {
  let [used, peak] = [0, 0];
  let disposed = false;
  const facts: DeviceProfile = {
    kind: 'reference', fingerprint: 'reference', threads: 1, fma: false, panel: 0, vectorRegisters: 16, features: [], limits: {},
    peakFlops: 0, peakBytes: 0, ...profile,
  };

  const memoryOf = (region: Region): Memory => {
    if (disposed) throw new QuernError('disposed', 'the device is disposed');
    if (region.released || !('data' in region)) throw new QuernError('internal', 'a region is used after its release');
    return region as Memory;
  };
  const bytesIn = ({ region, offset, bytes }: View): Uint8Array => {
    const { data } = memoryOf(region);
    if (offset % 4 !== 0 || offset + bytes > data.byteLength) {
      throw new QuernError('internal', 'a view does not fit its region', {
        expected: `at most ${data.byteLength} bytes from a multiple of 4`, got: `${bytes} bytes at ${offset}`,
      });
    }
    return data.subarray(offset, offset + bytes);
  };
  const call = ({ compiled, args, dims }: Step): void => { runKernel(compiled.code.kernel, dims, args.map(bytesIn)); };

  return {
    kind: 'reference', profile: facts, alignment, sharing: 'offsets',
    allocate(bytes) {
      used += bytes;
      peak = Math.max(peak, used);
      const region: Memory = { bytes, data: new Uint8Array(bytes), released: false };
      return region;
    },
    release(region) {
      memoryOf(region).released = true;
      used -= region.bytes;
    },
    storageBytes: bytesOf,
    write(view, dtype, bytes) {
      if (bytes.byteLength !== view.bytes) {
        throw new QuernError('internal', 'a write does not fit its view', {
          expected: `${view.bytes} bytes of ${dtype}`, got: `${bytes.byteLength}`,
        });
      }
      bytesIn(view).set(bytes);
    },
    read: (view) => Promise.resolve().then(() => bytesIn(view).slice()),
    copy(from, to) { bytesIn(to).set(bytesIn(from)); },
    space: () => space,
    emit: (kernel, schedule): Code => {
      const source = (): string => kernelText(kernel);
      return { kernel, schedule, key: hashText(source()), source };
    },
    compile: (code): Promise<Compiled> => Promise.resolve({ code }),
    program: (steps) => program(steps, call),
    time(step, repeats) {
      const start = performance.now();
      for (let i = 0; i < repeats; i++) call(step);
      return Promise.resolve((performance.now() - start) * 1e6);
    },
    lost: new Promise(() => undefined),
    memory: () => ({ used, peak }),
    dispose() {
      disposed = true;
      return Promise.resolve();
    },
  };
}

const alignment = 16;

function program(given: readonly Step[], call: (step: Step) => void): Program {
  const steps = [...given];
  let live = true;
  return {
    // Between steps the event loop gets its turn now and then, so that an abort can be seen.
    async run({ signal, profile = false }: RunOptions = {}) {
      if (!live) throw new QuernError('disposed', 'the program is disposed');
      const times: number[] = [];
      let last = performance.now();
      for (const step of steps) {
        if (performance.now() - last > 50) {
          await new Promise((done) => { setTimeout(done, 0); });
          last = performance.now();
        }
        if (signal?.aborted === true) throw new QuernError('aborted', 'the run was aborted');
        const start = performance.now();
        call(step);
        times.push((performance.now() - start) * 1e6);
      }
      return profile ? { times } : {};
    },
    swap(at, compiled) {
      const step = steps[at];
      if (step === undefined) throw new QuernError('internal', 'a program has no such step', { got: String(at) });
      steps[at] = { ...step, compiled };
    },
    dispose() { live = false; },
  };
}
