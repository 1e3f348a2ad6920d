/**
 * Steps ready to run: bind groups and the dims of all steps are made once; a run encodes one pass and submits it. Input: compiled steps with
 * views; output: submissions, and with `profile` the time of every step by timestamp queries. A step whose grid is empty is skipped.
 * Invariant: no buffer is bound both for reading and for writing in one step, which WebGPU forbids even for disjoint ranges.
 */
import type { Compiled, Program, RunOptions, RunResult, Step } from '../../device.ts';
import { QuernError } from '../../error.ts';
import { evaluateDims } from './dims.ts';
import type { Memory } from './memory.ts';
import { mostWorkgroups } from './module.ts';
import type { WebGpuCompiled } from './pipelines.ts';
import { outside } from './ranges.ts';

/** Offsets of uniform bindings are multiples of this on every device. */
const uniformAlignment = 256;

export interface Prepared {
  readonly compiled: WebGpuCompiled;
  /** Undefined: nothing to do. */
  readonly group: GPUBindGroup | undefined;
  readonly grid: readonly [number, number];
}

export function asWebGpu(compiled: Compiled): WebGpuCompiled {
  if (!('pipeline' in compiled)) throw new QuernError('internal', 'code is for another device');
  return compiled as WebGpuCompiled;
}

/** The dims of many steps in one uniform buffer. */
export function dimsBuffer(device: GPUDevice, steps: readonly Step[]): GPUBuffer | undefined {
  const slots = steps.map((s) => Math.ceil((s.dims.length * 4) / uniformAlignment) * uniformAlignment);
  const size = slots.reduce((a, b) => a + b, 0);
  if (size === 0) return undefined;
  const words = new Int32Array(size / 4);
  let offset = 0;
  steps.forEach((s, i) => {
    words.set(s.dims, offset / 4);
    offset += slots[i] ?? 0;
  });
  const buffer = device.createBuffer({ size, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, words);
  return buffer;
}

const dimsBytes = (step: Step): number => Math.ceil((step.dims.length * 4) / uniformAlignment) * uniformAlignment;

export function prepare(
  device: GPUDevice, memory: Memory, step: Step, compiled: WebGpuCompiled, dims: GPUBuffer | undefined, offset: number,
): Prepared {
  const { module, kernel } = compiled.code;
  if (step.args.length !== kernel.args.length || step.dims.length !== kernel.syms.length) {
    throw new QuernError('internal', 'a step has other arguments or dims', {
      expected: `${kernel.args.length} and ${kernel.syms.length}`, got: `${step.args.length} and ${step.dims.length}`,
    });
  }
  const wide = step.dims.length === 0 ? undefined : outside(kernel, step.dims);
  if (wide !== undefined) {
    throw new QuernError('unsupported-dtype', 'with these dims a value may not fit the 32 bits that it has on the GPU', {
      got: wide, hint: "load the model with device: 'wasm'",
    });
  }
  const total = evaluateDims(module.groups, kernel, step.dims);
  if (total === 0) return { compiled, group: undefined, grid: [0, 0] };
  const bindings = step.args.map((view) => memory.binding(view));
  const written = new Set(bindings.filter((_, i) => module.access[i] === 'write').map((b) => b.buffer));
  const clash = bindings.findIndex((b, i) => module.access[i] === 'read' && written.has(b.buffer));
  if (clash >= 0 || written.size < module.access.filter((a) => a === 'write').length) {
    throw new QuernError('internal', 'a step reads and writes one region, which WebGPU forbids', {
      expected: 'regions of their own for what a step writes', got: clash >= 0 ? `argument ${clash} shares one` : 'two outputs share one',
    });
  }
  const entries: GPUBindGroupEntry[] = bindings.map((resource, binding) => ({ binding, resource }));
  if (module.dims) {
    if (dims === undefined) throw new QuernError('internal', 'a step with dims has no buffer for them');
    entries.push({ binding: bindings.length, resource: { buffer: dims, offset, size: Math.ceil(step.dims.length / 4) * 16 } });
  }
  const group = device.createBindGroup({ layout: compiled.layout, entries });
  const grid: readonly [number, number] = total <= mostWorkgroups ? [total, 1] : [mostWorkgroups, Math.ceil(total / mostWorkgroups)];
  return { compiled, group, grid };
}

export function encode(pass: GPUComputePassEncoder, { compiled, group, grid }: Prepared): void {
  if (group === undefined) return;
  pass.setPipeline(compiled.pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(grid[0], grid[1]);
}

export interface ProgramHost {
  readonly device: GPUDevice;
  readonly memory: Memory;
  readonly timestamps: boolean;
  /** Throws what has gone wrong since the last call. */
  readonly check: () => void;
}

export function makeProgram(host: ProgramHost, given: readonly Step[]): Program {
  const { device, memory } = host;
  const dims = dimsBuffer(device, given);
  const offsets: number[] = [];
  given.reduce((at, s) => { offsets.push(at); return at + dimsBytes(s); }, 0);
  const prepared = given.map((s, i) => prepare(device, memory, s, asWebGpu(s.compiled), dims, offsets[i] ?? 0));
  let live = true;
  return {
    async run({ signal, profile = false }: RunOptions = {}): Promise<RunResult> {
      if (!live) throw new QuernError('disposed', 'the program is disposed');
      await memory.settled();
      host.check();
      stopIfAborted(signal);
      if (profile) return { times: await profiled(host, prepared) };
      // An abort is seen between submissions of a bounded number of steps; without a signal there is one submission.
      const chunk = signal === undefined ? prepared.length : 128;
      for (let first = 0; first < prepared.length; first += Math.max(1, chunk)) {
        if (first > 0) await device.queue.onSubmittedWorkDone();
        stopIfAborted(signal);
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        for (const step of prepared.slice(first, first + chunk)) encode(pass, step);
        pass.end();
        device.queue.submit([encoder.finish()]);
      }
      host.check();
      return {};
    },
    swap(at, compiled) {
      const [step, old] = [given[at], prepared[at]];
      if (step === undefined || old === undefined) throw new QuernError('internal', 'a program has no such step', { got: String(at) });
      const next = asWebGpu(compiled);
      const made = prepare(device, memory, { ...step, compiled }, next, dims, offsets[at] ?? 0);
      prepared[at] = made;
    },
    dispose() {
      live = false;
      dims?.destroy();
    },
  };
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new QuernError('aborted', 'the run was aborted');
}

/** One pass per step, timed by queries where there are any, else by waiting for each. */
async function profiled({ device, timestamps }: ProgramHost, steps: readonly Prepared[]): Promise<number[]> {
  const times: number[] = [];
  /** Queries of one set. */
  const most = 2048;
  for (let first = 0; first < steps.length; first += most) {
    const part = steps.slice(first, first + most);
    times.push(...await timed(device, timestamps, part.map((step) => (pass: GPUComputePassEncoder): void => { encode(pass, step); })));
  }
  return times;
}

/** Nanoseconds of each pass, run one after the other in one submission. */
export async function timed(device: GPUDevice, timestamps: boolean, passes: readonly ((pass: GPUComputePassEncoder) => void)[]): Promise<number[]> {
  if (!timestamps) {
    const times: number[] = [];
    await device.queue.onSubmittedWorkDone();
    for (const fill of passes) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      fill(pass);
      pass.end();
      const start = performance.now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      times.push((performance.now() - start) * 1e6);
    }
    return times;
  }
  const count = passes.length * 2;
  const querySet = device.createQuerySet({ type: 'timestamp', count });
  const resolved = device.createBuffer({ size: count * 8, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const staging = device.createBuffer({ size: count * 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  try {
    const encoder = device.createCommandEncoder();
    passes.forEach((fill, i) => {
      const pass = encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 } });
      fill(pass);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const stamps = new BigUint64Array(staging.getMappedRange());
    return passes.map((_, i) => Math.max(0, Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n))));
  } finally {
    querySet.destroy();
    resolved.destroy();
    staging.destroy();
  }
}
