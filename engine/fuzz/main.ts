/**
 * One batch of fuzzing in a process of its own (scripts/fuzz.mjs starts it): seeds from `first`, `count` of them, on one device. Prints a
 * line of JSON for each failure, shrunk to the smallest case that still fails, and one with the counts at the end.
 */
import { readFileSync } from 'node:fs';
import type { Device } from '../../jit/device.ts';
import { Choices } from '../../jit/fuzz/choices.ts';
import { cpu, piecesOn } from '../../jit/fuzz/devices.ts';
import { checkKernel, fuzzKernel } from '../../jit/fuzz/kernels.ts';
import { shrink } from '../../jit/fuzz/shrink.ts';
import { nodeGpu } from '../../shaders/node-gpu.ts';
import { createWebGpuDevice } from '../../jit/backends/webgpu/index.ts';
import { kernelText } from '../../jit/kernel.ts';
import { fuzzBytes } from './bytes.ts';
import { fuzzGraph } from './graphs.ts';

export interface Batch {
  readonly what: 'kernels' | 'graphs' | 'bytes';
  readonly first: number;
  readonly count: number;
  readonly device: 'wasm' | 'wasm-fma' | 'webgpu';
  /** Path of the bundled helper thread: two threads. */
  readonly threads?: string;
  /** Choices of one case instead of seeds. */
  readonly replay?: readonly number[];
  readonly tries?: number;
}

type Counts = Record<string, number>;
interface Tried {
  readonly counts: Counts;
  readonly failure?: { readonly what: string; readonly text: string };
}
type Try = (choices: Choices) => Promise<Tried>;

const say = (line: object): void => { process.stdout.write(`${JSON.stringify(line)}\n`); };

export async function main(batch: Batch): Promise<void> {
  const totals: Counts = { seeds: 0, failures: 0 };
  const { attempt, dispose } = await attempts(batch);
  const one = async (source: number | readonly number[]): Promise<void> => {
    const choices = new Choices(source);
    const tried = await guarded(attempt, choices);
    totals['seeds'] = (totals['seeds'] ?? 0) + 1;
    for (const [name, n] of Object.entries(tried.counts)) totals[name] = (totals[name] ?? 0) + n;
    if (tried.failure === undefined) return;
    totals['failures'] = (totals['failures'] ?? 0) + 1;
    const kind = kindOf(tried.failure.what);
    let smallest = tried.failure;
    const small = await shrink(choices.taken, async (list) => {
      const again = (await guarded(attempt, new Choices(list))).failure;
      if (again === undefined || kindOf(again.what) !== kind) return false;
      smallest = again;
      return true;
    }, batch.tries ?? 300);
    say({ failure: source, device: batch.device, what: smallest.what, text: smallest.text, choices: small.join(',') });
  };
  if (batch.replay !== undefined) await one(batch.replay);
  else {
    for (let seed = batch.first; seed < batch.first + batch.count; seed++) {
      say({ at: seed });
      await one(seed);
    }
  }
  await dispose();
  say({ totals });
}

/** Failures that differ in numbers only are one failure to the shrinker. */
const kindOf = (what: string): string => (/[a-z]{4,}[^0-9:]*/i.exec(what.replace(/^[^:]*: /, ''))?.[0] ?? what).slice(0, 24);

async function guarded(attempt: Try, choices: Choices): Promise<Tried> {
  try {
    return await attempt(choices);
  } catch (error) {
    const stack = error instanceof Error ? error.stack ?? error.message : String(error);
    return { counts: {}, failure: { what: `thrown: ${stack.split('\n')[0] ?? ''}`, text: stack } };
  }
}

/** Kernels out of random graphs go the way of random kernels: every candidate against the reference. */
const kernelsSeen = new Set<string>();

async function graphs(batch: Batch): Promise<{ readonly attempt: Try; readonly dispose: () => Promise<void> }> {
  const checker = await makeDevice(batch);
  const attempt: Try = async (choices) => {
    let kernels = 0;
    let kernelCases = 0;
    const outcome = await fuzzGraph(choices, {
      cpu: (panel) => cpu({ fma: batch.device === 'wasm-fma', panel, maxBytes: 2 ** 27, threadScript: threadOf(batch) }),
      onKernel: async (kernel, dims) => {
        const key = `${kernelText(kernel)} ${dims.join()}`;
        if (kernelsSeen.has(key) || kernel.numeric.fma !== checker.profile.fma) return undefined;
        if (batch.replay === undefined) kernelsSeen.add(key);
        const made = await checkKernel(choices, kernel, dims, checker, { pieces: piecesOn(checker) });
        kernels++;
        kernelCases += made.cases;
        return made.failure === undefined ? undefined : `kernel ${dims.join()}: ${made.failure.what}\n${made.failure.kernel}`;
      },
    });
    const refused = outcome.refused === undefined ? 0 : 1;
    const counts = { graphs: 1 - refused, 'graph cases': outcome.cases, nodes: outcome.nodes, refused, kernels, cases: kernelCases };
    return outcome.failure === undefined ? { counts } : { counts, failure: outcome.failure };
  };
  return { attempt, dispose: () => checker.dispose() };
}

const threadOf = ({ threads }: Batch): string | undefined => (threads === undefined ? undefined : readFileSync(threads, 'utf8'));

async function attempts(batch: Batch): Promise<{ readonly attempt: Try; readonly dispose: () => Promise<void> }> {
  if (batch.what === 'graphs') return graphs(batch);
  if (batch.what === 'bytes') {
    const attempt: Try = async (choices) => {
      const { ended, failure } = await fuzzBytes(choices);
      return { counts: { files: 1, [ended]: 1 }, ...(failure === undefined ? {} : { failure }) };
    };
    return { attempt, dispose: () => Promise.resolve() };
  }
  const make = (): Promise<Device> => makeDevice(batch);
  let device = await make();
  let used = 0;
  /** Devices keep every kernel they compiled. */
  const fresh = async (): Promise<Device> => {
    if (++used % 150 !== 0) return device;
    await device.dispose();
    device = await make();
    return device;
  };
  const attempt: Try = async (choices) => {
    const on = await fresh();
    const outcome = await fuzzKernel(choices, on, on.kind === 'wasm' ? { pieces: piecesOn(on) } : {});
    const counts = {
      cases: outcome.cases, elements: outcome.elements, open: outcome.open, kernels: outcome.refused === undefined ? 1 : 0,
      [`refused${outcome.refused === 'no data' ? ' for want of data' : ''}`]: outcome.refused === undefined ? 0 : 1,
    };
    return outcome.failure === undefined ? { counts } : { counts, failure: { what: outcome.failure.what, text: outcome.failure.kernel } };
  };
  return { attempt, dispose: () => device.dispose() };
}

async function makeDevice(batch: Batch): Promise<Device> {
  const { device } = batch;
  if (device === 'webgpu') return createWebGpuDevice({ gpu: await nodeGpu() });
  return cpu({ fma: device === 'wasm-fma', threadScript: threadOf(batch) });
}
