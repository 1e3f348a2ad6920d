/**
 * Differential fuzzing of kernels: one seed is one kernel, made at random or by mutating a conformance case, run with every candidate of its
 * space, in pieces of units and for several sizes. The fallback is held to the reference inside the derived bound; on a CPU all
 * others are held to the fallback's bits, on a GPU to the reference. Input: choices and a device. Output: counts, and what differs.
 */
import { allCases } from '../backends/conformance-cases.ts';
import { type Case, type Prepared, judge, prepare, prepareKernel, runOnce, unlikeFirst } from '../backends/conformance-kit.ts';
import type { Device } from '../device.ts';
import { QuernError } from '../error.ts';
import { toHalf, viewAs } from '../expr/dtype.ts';
import type { Expr } from '../expr/expr.ts';
import { collect } from '../expr/visit.ts';
import { type Kernel, expressions, kernelText } from '../kernel.ts';
import { type Schedule, runnable, scheduleText } from '../space.ts';
import { classes, randomCase } from './bodies.ts';
import type { Choices } from './choices.ts';
import { mutate } from './mutate.ts';

export interface Outcome {
  /** Kernel x candidate x sizes. */
  readonly cases: number;
  /** Elements compared with the reference, and those of which it says nothing. */
  readonly elements: number;
  readonly open: number;
  /** Why the device does not take the kernel. */
  readonly refused?: string;
  readonly failure?: Failure;
}

export interface Failure {
  readonly what: string;
  readonly kernel: string;
}

export interface Options {
  /** Runs the units of a schedule in several calls, last first, and gives the outputs. */
  readonly pieces?: (prepared: Prepared, schedule: Schedule, cuts: number) => Map<number, Uint8Array>;
}

export function kernelCase(c: Choices): Case {
  const kind = c.below(classes.length + 2);
  const random = classes[kind];
  return random === undefined ? mutate(c, c.pick(allCases)) : randomCase(c, random);
}

export async function fuzzKernel(c: Choices, device: Device, options: Options = {}): Promise<Outcome> {
  const special = device.kind !== 'webgpu' && c.chance(12);
  const made = kernelCase(c);
  const none = { cases: 0, elements: 0, open: 0 };
  if (made.without === device.kind) return { ...none, refused: 'the case says so' };
  if (beyondDoubles(made)) return { ...none, refused: 'unsigned 64-bit integers beside floats' };
  let prepared: Prepared[];
  try {
    prepared = prepare(made, device);
  } catch (error) {
    // A generated kernel that has no data to run on is no case at all.
    if (error instanceof Error && /has no data/.test(error.message)) return { ...none, refused: 'no data' };
    throw error;
  }
  if (special && made.data === undefined) for (const p of prepared) spoil(p, c);
  return checkAll(c, prepared, device, options);
}

/** The reference carries integers beside floats as doubles, and what wraps below zero in 64 bits is none. */
function beyondDoubles({ args, body }: Case): boolean {
  const types = new Set<string>(args.map((a) => a.dtype));
  for (const e of collect(expressions(body), (x): x is Expr => x.dtype === 'uint64' || x.dtype.startsWith('float'))) types.add(e.dtype);
  return types.has('uint64') && [...types].some((t) => t.startsWith('float'));
}

/** A kernel as it stands, at given dims. */
export async function checkKernel(c: Choices, kernel: Kernel, dims: readonly number[], device: Device, options: Options = {}): Promise<Outcome> {
  const made = prepareKernel(kernel, dims, device.kind, 1);
  return 'why' in made ? { cases: 0, elements: 0, open: 0, refused: 'no data' } : checkAll(c, [made], device, options);
}

async function checkAll(c: Choices, prepared: readonly Prepared[], device: Device, options: Options): Promise<Outcome> {
  let [cases, elements, open] = [0, 0, 0];
  for (const p of prepared) {
    const failed = (what: string): Outcome =>
      ({ cases, elements, open, failure: { what: `${what}${p.label && ` (${p.label})`}`, kernel: kernelText(p.kernel) } });
    const space = device.space(p.kernel);
    if ('why' in space) return { cases, elements, open, refused: space.why };
    try {
      const expected = p.expected();
      elements += expected.length;
      open += expected.filter((e) => e.bound === Infinity).length;
    } catch (error) {
      if (error instanceof QuernError && error.code === 'index-out-of-range') return { cases, elements, open, refused: 'no data' };
      throw error;
    }
    let first: Map<number, Uint8Array> | undefined;
    const all = runnable(space);
    const cut = all[c.below(all.length)];
    for (const schedule of all) {
      cases++;
      const place = scheduleText(schedule) || 'fallback';
      const outputs = await runOnce(device, p, schedule).catch((error: unknown) => error instanceof Error ? error : new Error(String(error)));
      if (outputs instanceof Error) return failed(`${place}: ${outputs.message}`);
      const wrong = first === undefined || device.kind === 'webgpu' ? judge(p, outputs) : unlikeFirst(device, p.kernel, first, outputs);
      if (wrong !== undefined) return failed(`${place}: ${wrong}`);
      first ??= outputs;
      if (schedule === cut && options.pieces !== undefined) {
        cases++;
        const pieces = options.pieces(p, schedule, c.int(2, 5));
        const unlike = unlikeFirst(device, p.kernel, first, pieces);
        if (unlike !== undefined) return failed(`${place} in pieces: ${unlike}`);
      }
    }
  }
  return { cases, elements, open };
}

const numbers = [-0, 0, NaN, Infinity, -Infinity, 1e-40, -1e-40, 3e38, -3e38, 1e-30, 1e10, 65504, 2 ** 31, -(2 ** 31), 2 ** 24 + 1];

/** Puts what IEEE 754 says special things about into float arguments, here and there. */
function spoil(p: Prepared, c: Choices): void {
  p.kernel.args.forEach((a, i) => {
    if (a.access === 'write' || (a.dtype !== 'float32' && a.dtype !== 'float16' && a.dtype !== 'float64')) return;
    const view = viewAs(a.dtype, p.buffers[i] ?? new Uint8Array(0));
    const [every, from, step] = [7 - c.below(7), c.below(numbers.length), c.below(numbers.length)];
    for (let n = 0; n < view.length; n += every) {
      const value = numbers[(from + n * step) % numbers.length] ?? 0;
      view[n] = a.dtype === 'float16' ? toHalf(value) : value;
    }
  });
}
