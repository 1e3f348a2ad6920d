/**
 * One kernel on a device with data to run on: makes steps of compiled code, runs them on fresh outputs, and judges what they wrote. The
 * fallback is held to the reference on sampled points; on a CPU every other schedule must give the fallback's bits, on a GPU it must stay
 * inside the error bound at the samples and wherever it differs most from the fallback.
 */
import { accuracyOf } from '../backends/reference/accuracy.ts';
import { type Expected, expectedAt, hasFloats, pointsStoring } from '../backends/reference/bounds.ts';
import { pointCount, samplePoints } from '../backends/reference/points.ts';
import type { Compiled, Device, Region, Step, View } from '../device.ts';
import { QuernError } from '../error.ts';
import { bytesOf, viewAs } from '../expr/dtype.ts';
import type { Kernel } from '../kernel.ts';
import { stepsPerPoint } from '../roofline.ts';
import { firstDifference, firstMiss, suspects } from './compare.ts';
import { scratchFor } from './scratch.ts';

export type Outputs = ReadonlyMap<number, Uint8Array>;

/** Outputs that outlive the next run. */
export const copied = (outputs: Outputs): Outputs => new Map([...outputs].map(([slot, bytes]) => [slot, bytes.slice()]));

/** Steps of the reference that the check of a fallback may take: some 5 to 10 ms. */
const sampleSteps = 8000;
/** A point of a loop that takes more than this is not sampled: its schedules are compared with each other only. */
const longestPoint = 200_000;

/** Every byte of an output before a run: what is not stored to is the same for all schedules. */
const blank = 0x55;

export class Bench {
  readonly #device: Device;
  readonly #kernel: Kernel;
  readonly #dims: readonly number[];
  readonly #buffers: readonly Uint8Array[];
  readonly #views: readonly View[];
  readonly #own: readonly Region[];
  #expected: readonly Expected[] | undefined;

  /**
   * `weights`: regions that hold arguments which are only read, by slot: used in place where the device can show their bytes, as all that is
   * only read or only written is made in place there, since copies on both sides of the largest would be the peak of a session's memory. Throws
   * `out-of-memory`, or `internal` where no data can be found on which the kernel runs.
   */
  constructor(device: Device, kernel: Kernel, dims: readonly number[], seed: number, weights: readonly (Region | undefined)[] = []) {
    const views: View[] = [];
    const own: Region[] = [];
    const allocate = (slot: number, bytes: number): View => {
      const known = views[slot];
      if (known !== undefined) return known;
      const region = device.allocate(Math.max(bytes, device.alignment));
      own.push(region);
      return (views[slot] = { region, offset: 0, bytes });
    };
    this.#device = device;
    this.#kernel = kernel;
    this.#dims = dims;
    this.#views = views;
    this.#own = own;
    try {
      const scratch = scratchFor(kernel, dims, seed, (slot, bytes, any) => {
        const access = kernel.args[slot]?.access;
        if (device.map === undefined || access === 'readwrite') return undefined;
        // Before each run it is blank (`run`), and nothing reads what it held.
        if (access === 'write') return { bytes: device.map(allocate(slot, bytes)), filled: true };
        const region = weights[slot];
        const filled = any && region !== undefined && region.bytes >= bytes;
        if (filled) views[slot] = { region, offset: 0, bytes };
        return { bytes: device.map(allocate(slot, bytes)), filled };
      });
      if ('why' in scratch) throw new QuernError('internal', 'there is no data for a kernel', { got: scratch.why });
      this.#buffers = scratch.buffers;
      kernel.args.forEach((arg, slot) => {
        if (views[slot] !== undefined) return;
        const count = (scratch.buffers[slot]?.byteLength ?? 0) / bytesOf(arg.dtype);
        this.#fill(slot, allocate(slot, count * device.storageBytes(arg.dtype)));
      });
    } catch (error) {
      this.free();
      throw error;
    }
  }

  #fill(slot: number, view: View | undefined): void {
    const [arg, bytes] = [this.#kernel.args[slot], this.#buffers[slot]];
    if (arg !== undefined && bytes !== undefined && view !== undefined) this.#device.write(view, arg.dtype, bytes);
  }

  step(compiled: Compiled): Step {
    return { compiled, args: this.#views, dims: this.#dims };
  }

  /** Runs once on outputs that hold the same before each run, and reads them: in place where the device allows it, until the next run. */
  async run(compiled: Compiled): Promise<Outputs> {
    const { args } = this.#kernel;
    args.forEach(({ access }, i) => {
      if (access === 'write' && this.#device.map !== undefined) this.#buffers[i]?.fill(blank);
      else if (access !== 'read') this.#fill(i, this.#views[i]);
    });
    const program = this.#device.program([this.step(compiled)]);
    try {
      await program.run();
    } finally {
      program.dispose();
    }
    const outputs = new Map<number, Uint8Array>();
    for (const [i, arg] of args.entries()) {
      const view = this.#views[i];
      if (arg.access === 'read' || view === undefined) continue;
      outputs.set(i, this.#device.map?.(view) ?? (await this.#device.read(view, arg.dtype)).slice());
    }
    return outputs;
  }

  /** What is wrong at the sampled points by the reference; undefined if nothing is. */
  againstReference(outputs: Outputs): string | undefined {
    this.#expected ??= this.#sample();
    return this.#miss(outputs, this.#expected);
  }

  #sample(): readonly Expected[] {
    const [kernel, dims] = [this.#kernel, this.#dims];
    const cost = stepsPerPoint(kernel, dims);
    if (cost > longestPoint) return [];
    const count = Math.max(2, Math.min(32, Math.floor(sampleSteps / cost)));
    return this.#expectedAt(samplePoints(pointCount(kernel, dims), count));
  }

  #expectedAt(points: readonly number[]): readonly Expected[] {
    return expectedAt(this.#kernel, this.#dims, this.#buffers, points, accuracyOf(this.#device.kind));
  }

  #miss(outputs: Outputs, expected: readonly Expected[]): string | undefined {
    const typed = new Map([...outputs].map(([i, bytes]) => {
      const dtype = this.#kernel.args[i]?.dtype ?? 'uint8';
      return [i, { dtype, data: viewAs(dtype, bytes) }] as const;
    }));
    return firstMiss(typed, expected, accuracyOf(this.#device.kind));
  }

  /** What is wrong with a schedule's outputs, given those of a schedule that is right; undefined if nothing is. */
  againstFallback(outputs: Outputs, right: Outputs): string | undefined {
    for (const [slot, bytes] of outputs) {
      const dtype = this.#kernel.args[slot]?.dtype ?? 'uint8';
      const base = right.get(slot) ?? new Uint8Array(0);
      const at = firstDifference(dtype, bytes, base);
      if (at < 0) continue;
      if (this.#device.kind !== 'webgpu' || !hasFloats(this.#kernel)) {
        const [got, want] = [viewAs(dtype, bytes)[at], viewAs(dtype, base)[at]];
        return `element ${at} of argument ${slot} is ${String(got)} where the fallback has ${String(want)}`;
      }
      const why = this.againstReference(outputs) ?? this.#suspect(slot, outputs, bytes, base);
      if (why !== undefined) return why;
    }
    return undefined;
  }

  /** The elements that differ most, judged by the reference itself. */
  #suspect(slot: number, outputs: Outputs, bytes: Uint8Array, base: Uint8Array): string | undefined {
    const dtype = this.#kernel.args[slot]?.dtype ?? 'uint8';
    const elements = suspects(dtype, bytes, base, 4);
    const points = [...pointsStoring(this.#kernel, this.#dims, this.#buffers, elements).values()];
    return this.#miss(outputs, this.#expectedAt(points));
  }

  free(): void {
    for (const region of this.#own) this.#device.release(region);
  }
}
