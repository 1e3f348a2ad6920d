/** A graph of a test on a device, with feeds as numbers; what came out against what should have. */
import { expect } from 'vitest';
import { bytesUnder, viewAs } from '../../jit/expr/dtype.ts';
import type { Json } from '../cache/entry.ts';
import { Constant } from '../graph/graph.ts';
import { readPlan, writePlan } from '../plan/plan-codec.ts';
import { tensor } from '../ops/testing/run-op.ts';
import { type CompileOptions, type Devices, executable, planModel } from '../runtime/compile-model.ts';
import type { Executor } from '../runtime/executor.ts';
import type { WireTensor } from '../runtime/model.ts';
import type { Value } from './control-cases.ts';
import { type GraphSpec, graph } from './graphs.ts';

export type Runner = (feeds: Readonly<Record<string, Value>>, signal?: AbortSignal) => Promise<Record<string, WireTensor>>;

export async function runOn(
  devices: Devices, spec: GraphSpec, use: (run: Runner, executor: Executor) => Promise<void>, options: Partial<CompileOptions> = {},
): Promise<void> {
  // As a second visit has it: the plan is written down and read again.
  const constants: Constant[] = [];
  const constant = {
    write: (c: Constant) => constants.push(c) - 1,
    read: (at: unknown) => constants[Number(at)] ?? new Constant('bool', [0], new Uint8Array(0)),
  };
  const made = planModel(graph(spec), devices, { precision: 'exact', dims: {}, ...options });
  const { executor } = executable(readPlan(JSON.parse(JSON.stringify(writePlan(made, constant))) as Json, constant), devices);
  await executor.residence.prepare(() => undefined);
  await executor.warm();
  try {
    const wire = ({ dtype, dims, elements }: Value): WireTensor =>
      ({ kind: 'bytes', dtype, dims, bytes: bytesUnder(tensor(dtype, dims, elements).data) });
    const run: Runner = (feeds, signal) =>
      executor.run({ feeds: Object.fromEntries(Object.entries(feeds).map(([name, v]) => [name, wire(v)])) }, signal);
    await use(run, executor);
  } finally {
    executor.dispose();
  }
}

export function expectValues(got: WireTensor | undefined, { dtype, dims, elements }: Value): void {
  if (got?.kind !== 'bytes') throw new Error('an output is missing');
  expect([got.dtype, got.dims]).toEqual([dtype, dims]);
  const values = Array.from(viewAs(got.dtype, got.bytes), Number);
  expect(values.length).toBe(elements.length);
  expect(elements.filter((e, i) => !(Math.abs((values[i] ?? NaN) - e) <= 1e-4 * (1 + Math.abs(e))))).toEqual([]);
}
