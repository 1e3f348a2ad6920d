/**
 * Answers `report()`: per kernel its time, share, distance from the roofline, choice and sources; fallbacks; memory. Runs the bound
 * model once, profiled.
 */
import { lowerBound, workOf } from '../../jit/roofline.ts';
import { candidates } from '../../jit/space.ts';
import type { KernelReport, Report } from '../report.ts';
import type { Chosen } from './choose-device.ts';
import { type Executor, callKey } from './executor.ts';
import type { Tuning } from './tuning.ts';

export async function describe(executor: Executor, chosen: Chosen, tuning: Tuning, counts: Pick<Report, 'runs' | 'plan'>): Promise<Report> {
  const { main } = chosen.devices;
  await executor.warm();
  const times = await executor.profile();
  const kernels: KernelReport[] = [];
  const seen = new Map<string, number>();
  const binding = executor.bindings.at(-1);
  for (const { segment, steps } of binding?.bound() ?? []) {
    const store = executor.stores.get(segment.place);
    if (store === undefined) continue;
    for (const { step, dims, served } of steps) {
      const { kernel } = step;
      const nodes = step.origins.map(({ node, op }) => ({ node, op }));
      const key = callKey(store, kernel, dims);
      const at = seen.get(key);
      const known = at === undefined ? undefined : kernels[at];
      if (at !== undefined && known !== undefined) {
        kernels[at] = { ...known, nodes: [...known.nodes, ...nodes], calls: known.calls + 1 };
        continue;
      }
      seen.set(key, kernels.length);
      const space = store.space(kernel);
      const record = tuning.record(segment.place, kernel, space, dims);
      const { flops, bytes } = workOf(kernel, dims);
      const total = times.get(key);
      kernels.push({
        nodes, kind: kernel.body.kind, place: segment.place, calls: 1, flops, bytes, schedule: served.schedule, fallback: space.fallback,
        choice: served.choice, candidates: candidates(space).length,
        tried: (record?.tried ?? []).map((m) => ({ schedule: m.schedule, verdict: m.verdict, ...(m.ns === undefined ? {} : { ms: m.ns / 1e6 }) })),
        text: store.text(kernel), source: store.code(kernel, served.schedule).source(),
        ...(total === undefined ? {} : { ms: total / 1e6, roofline: lowerBound(kernel, dims, store.device.profile) / 1e6 }),
      });
    }
  }
  const whole = kernels.reduce((n, k) => n + (k.ms ?? 0), 0);
  const memory = main.memory();
  const { features, limits, peakFlops, peakBytes, panel } = main.profile;
  return {
    device: main.kind === 'webgpu' ? 'webgpu' : 'wasm', why: chosen.why, threads: main.profile.threads, isolated: chosen.isolated,
    fingerprint: main.profile.fingerprint,
    // A profile counts multiply-adds once.
    hardware: { features, limits, peakFlops: 2 * peakFlops, peakBytes, panel },
    kernels: kernels.map((k) => ({
      ...k,
      // `ms` was of all calls together until here, `roofline` a time of one.
      ...(k.ms === undefined ? {} : {
        ms: k.ms / k.calls, share: whole > 0 ? k.ms / whole : 0,
        // A kernel below the clock's tick takes 0 ms: nothing is said of its speed.
        ...(k.ms === 0 ? {} : {
          gflops: (k.flops * k.calls) / k.ms / 1e6, gbytes: (k.bytes * k.calls) / k.ms / 1e6,
          roofline: Math.min(1, ((k.roofline ?? 0) * k.calls) / k.ms),
        }),
      }),
    })),
    fallbacks: executor.plan.fallbacks.flatMap(({ origins, why }) => origins.map(({ node, op }) => ({ node, op, why }))),
    memory: {
      weights: executor.residence.bytes, arena: executor.bindings.reduce((n, b) => n + b.bytes, 0), kept: executor.keptBytes, peak: memory.peak,
    },
    compiled: [...executor.stores.values()].reduce((n, s) => n + s.compiled, 0),
    ...counts,
    demoted: [...executor.stores.values()].flatMap((s) => s.demoted),
    notes: [...tuning.notes, ...(chosen.single === undefined ? [] : [chosen.single])],
  };
}
