/**
 * Shared by the conformance cases: short ways to write kernels down, and one run of a kernel on a device with every way in which it may go
 * wrong looked at: wrong elements, elements that no point stores, bytes before and after the output.
 */
import { packParts, packRhs, widenLhs } from '../packing.ts';
import type { Device, DeviceKind, View } from '../device.ts';
import { type DType, type TypedArray, bytesOf, viewAs } from '../expr/dtype.ts';
import { type Expr, int } from '../expr/expr.ts';
import { collect, isLoad } from '../expr/visit.ts';
import { type Access, type Arg, type Body, type ContractionBody, type Kernel, type Numeric, makeKernel, stridesOf } from '../kernel.ts';
import { type Schedule, runnable, scheduleText } from '../space.ts';
import { firstDifference, firstMiss } from '../tune/compare.ts';
import { fill, scratchFor } from '../tune/scratch.ts';
import { type Accuracy, type Expected, accuracyOf, expectedAt, pointCount } from './reference/index.ts';

export interface Case {
  readonly name: string;
  readonly body: Body;
  readonly args: readonly Arg[];
  /** Values for the dims, in order of the names' first appearance as symbols: one run each. Empty: no symbols, one run. */
  readonly runs?: readonly Readonly<Record<string, number>>[];
  /** Contents of some arguments, instead of random ones. */
  readonly data?: Readonly<Record<number, TypedArray>>;
  /** Devices of this kind are not held to it: what they lack (a type), or are free to do otherwise (NaN, subnormal numbers). */
  readonly without?: 'webgpu';
}

/** An argument; row-major, or with dims stored in `order`, outermost first. */
export function arg(dtype: DType, shape: readonly (number | Expr)[], access: Access = 'read', order?: readonly number[]): Arg {
  const dims = shape.map((d) => (typeof d === 'number' ? int(d) : d));
  return { dtype, shape: dims, strides: order === undefined ? stridesOf(dims) : stridesOf(dims, order), access };
}
export const out = (dtype: DType, shape: readonly (number | Expr)[], order?: readonly number[]): Arg => arg(dtype, shape, 'write', order);

/** The same with the operands as the planner packs them: the right-hand side in panels, bytes widened. */
export function packed(
  name: string, { body, args }: { readonly body: ContractionBody; readonly args: readonly Arg[] }, panel: number, more: Partial<Case> = {},
): Case {
  const wide = widenLhs(body, (slot) => args[slot]?.shape ?? [], 0);
  const made = packRhs(wide?.body ?? body, panel, 1, wide !== undefined);
  const repacked = args.map((a, i) => (i === 1 ? arg(made.dtype, made.shape) : i === 0 && wide !== undefined ? arg('int16', wide.shape) : a));
  return { name: `${name}, packed in panels of ${panel}`, ...more, body: made.body, args: repacked };
}

/** The same with what the right-hand side is made of in panels. */
export function inParts(name: string, { body, args }: { readonly body: ContractionBody; readonly args: readonly Arg[] }, panel: number): Case {
  const repacked = [...args];
  const made = packParts(body, panel, ({ value, shape }, dtype) => {
    const [slot = 0] = collect([value], isLoad).map((l) => l.tensor);
    repacked[slot] = arg(dtype, shape);
    return slot;
  });
  if (made === undefined) throw new Error(`case '${name}' has no parts`);
  return { name: `${name}, parts in panels of ${panel}`, body: made, args: repacked };
}

/** A case with everything that is needed to run it and to judge the result. */
export interface Prepared {
  readonly kernel: Kernel;
  readonly dims: readonly number[];
  readonly buffers: readonly Uint8Array[];
  /** Computed when it is asked for: the slowest part. */
  readonly expected: () => readonly Expected[];
  readonly accuracy: Accuracy;
  readonly label: string;
}

export function prepare(c: Case, device: Device): Prepared[] {
  const numeric: Numeric = { fma: device.profile.fma, precision: 'exact' };
  const { kernel, bind } = makeKernel(c.body, c.args, numeric);
  return (c.runs ?? [{}]).map((values, i) => {
    const dims = bind.map((s) => {
      const value = values[s.name];
      if (value === undefined) throw new Error(`case '${c.name}' gives no value for ${s.name}`);
      return value;
    });
    const made = prepareKernel(kernel, dims, device.kind, i + 1, c.data);
    if ('why' in made) throw new Error(`case '${c.name}' has no data: ${made.why}`);
    return { ...made, label: bind.map((s, at) => `${s.name}=${dims[at]}`).join(' ') };
  });
}

/** The same for a kernel as it stands; `data`: contents of some arguments. */
export function prepareKernel(
  kernel: Kernel, dims: readonly number[], kind: DeviceKind, seed: number, data: Case['data'] = {},
): Prepared | { readonly why: string } {
  const accuracy = accuracyOf(kind);
  const scratch = scratchFor(kernel, dims, seed);
  if ('why' in scratch) return scratch;
  const buffers = scratch.buffers.map((random, slot) => {
    const given = data[slot];
    return given === undefined ? random : new Uint8Array(given.buffer.slice(given.byteOffset, given.byteOffset + given.byteLength) as ArrayBuffer);
  });
  let expected: readonly Expected[] | undefined;
  const points = Array.from({ length: pointCount(kernel, dims) }, (_, n) => n);
  return {
    kernel, dims, buffers, accuracy, label: '',
    expected: () => (expected ??= expectedAt(kernel, dims, buffers, points, accuracy)),
  };
}

/** Views of a kernel's arguments on a device, with their contents written. Outputs stand between guard bytes where regions are shared. */
interface Placed {
  readonly views: readonly View[];
  readonly guards: readonly View[];
  free(): void;
}

const guardByte = 0xa5;

function place(device: Device, { kernel, buffers }: Prepared): Placed {
  const guard = device.sharing === 'offsets' ? device.alignment : 0;
  const guards: View[] = [];
  const views = kernel.args.map((a, i): View => {
    const contents = buffers[i] ?? new Uint8Array(0);
    const bytes = (contents.byteLength / bytesOf(a.dtype)) * device.storageBytes(a.dtype);
    const whole = Math.ceil(bytes / device.alignment) * device.alignment;
    const region = device.allocate(whole + 2 * guard);
    const view: View = { region, offset: guard, bytes };
    device.write(view, a.dtype, contents);
    if (guard > 0) {
      const after = { region, offset: guard + whole, bytes: guard };
      for (const g of [{ region, offset: 0, bytes: guard }, after]) {
        device.write(g, 'uint8', new Uint8Array(guard).fill(guardByte));
        guards.push(g);
      }
    }
    return view;
  });
  return { views, guards, free: () => { for (const { region } of views) device.release(region); } };
}

/** Runs one schedule of a kernel on fresh memory; the outputs in plain form by argument. Throws where guards were overwritten. */
export async function runOnce(device: Device, prepared: Prepared, schedule: Schedule): Promise<Map<number, Uint8Array>> {
  const { kernel, dims } = prepared;
  const placed = place(device, prepared);
  try {
    const compiled = await device.compile(device.emit(kernel, schedule));
    const program = device.program([{ compiled, args: placed.views, dims }]);
    await program.run();
    program.dispose();
    const outputs = new Map<number, Uint8Array>();
    for (const [i, a] of kernel.args.entries()) {
      const view = placed.views[i];
      if (a.access !== 'read' && view !== undefined) outputs.set(i, (await device.read(view, a.dtype)).slice());
    }
    for (const guard of placed.guards) {
      if ((await device.read(guard, 'uint8')).some((b) => b !== guardByte)) throw new Error('wrote outside of an argument');
    }
    return outputs;
  } finally {
    placed.free();
  }
}

/** What is wrong with the outputs of one run, in words; undefined if nothing is. */
export function judge({ kernel, buffers, expected, accuracy }: Prepared, outputs: ReadonlyMap<number, Uint8Array>): string | undefined {
  const views = new Map([...outputs].map(([i, bytes]) => {
    const dtype = kernel.args[i]?.dtype ?? 'uint8';
    return [i, { dtype, data: viewAs(dtype, bytes) }] as const;
  }));
  const miss = firstMiss(views, expected(), accuracy);
  if (miss !== undefined) return miss;
  // What no point stores must be as it was before.
  for (const [i, { dtype, data }] of views) {
    const stored = new Set(expected().filter((e) => e.tensor === i).map((e) => e.element));
    const before = viewAs(dtype, buffers[i] ?? new Uint8Array(0));
    for (let n = 0; n < before.length; n++) {
      if (!stored.has(n) && !Object.is(before[n], data[n])) return `element ${n} of argument ${i} was overwritten: ${String(data[n])}`;
    }
  }
  return undefined;
}

export interface Verdict {
  readonly candidates: number;
  readonly failures: readonly string[];
}

/** Every candidate of a device for every run of a case. On a CPU all must give the fallback's bits. */
export async function check(c: Case, device: Device): Promise<Verdict> {
  const failures: string[] = [];
  let count = 0;
  for (const prepared of prepare(c, device)) {
    const space = device.space(prepared.kernel);
    if (c.without === device.kind) continue;
    if ('why' in space) {
      return { candidates: 0, failures: [`refused: ${space.why}`] };
    }
    let first: Map<number, Uint8Array> | undefined;
    for (const schedule of runnable(space)) {
      count++;
      const place = `${scheduleText(schedule) || 'fallback'}${prepared.label && ` with ${prepared.label}`}`;
      const outputs = await runOnce(device, prepared, schedule).catch((error: unknown) => String(error));
      const wrong = typeof outputs === 'string' ? outputs : judge(prepared, outputs) ?? unlikeFirst(device, prepared.kernel, first, outputs);
      if (wrong !== undefined) failures.push(`${place}: ${wrong}`);
      if (typeof outputs !== 'string') first ??= outputs;
      if (failures.length >= 5) return { candidates: count, failures };
    }
  }
  return { candidates: count, failures };
}

/** On a CPU: the first element whose bits are not those of another run of the kernel. */
export function unlikeFirst(
  device: Device, kernel: Kernel, first: ReadonlyMap<number, Uint8Array> | undefined, outputs: ReadonlyMap<number, Uint8Array>,
): string | undefined {
  if (first === undefined || device.kind === 'webgpu') return undefined;
  for (const [i, bytes] of outputs) {
    const at = firstDifference(kernel.args[i]?.dtype ?? 'uint8', first.get(i) ?? new Uint8Array(0), bytes);
    if (at >= 0) return `element ${at} of argument ${i} has other bits than with the fallback`;
  }
  return undefined;
}

export { fill };
