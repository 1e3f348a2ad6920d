/** Runs cases of operators on the reference executor as lowered, and on the WASM device as compiled, against recorded outputs. */
import { describe, expect, it } from 'vitest';
import { createWasmDevice } from '../../../jit/backends/wasm/device.ts';
import { bytesUnder, viewAs } from '../../../jit/expr/dtype.ts';
import { clearExpressions } from '../../../jit/expr/expr.ts';
import type { Graph } from '../../graph/graph.ts';
import { loadGraph } from '../../load/load-graph.ts';
import { compileModel } from '../../runtime/compile-model.ts';
import type { WireTensor } from '../../runtime/model.ts';
import { type FixtureSource, type RecordedTensor, fromRecord } from '../fixture.ts';
import { lowerGraph } from '../../ops/lower.ts';
import { type Tolerance, difference } from '../../ops/testing/compare.ts';
import { type Feed, runProgram } from '../../ops/testing/run-program.ts';

type Recorded = Readonly<Record<string, readonly Readonly<Record<string, RecordedTensor>>[]>>;
type Feeds = Readonly<Record<string, Feed>>;

async function compiled(graph: Graph, feeds: Feeds): Promise<ReadonlyMap<string, Feed>> {
  const main = await createWasmDevice({ threads: 1, maxBytes: 2 ** 26 });
  const { executor } = compileModel(graph, { main }, { precision: 'exact', dims: {} });
  await executor.residence.prepare(() => undefined);
  const wire = ([name, { dtype, dims, data }]: [string, Feed]): [string, WireTensor] => [name, { kind: 'bytes', dtype, dims, bytes: bytesUnder(data) }];
  const results = await executor.run({ feeds: Object.fromEntries(Object.entries(feeds).map(wire)) });
  executor.dispose();
  return new Map(Object.entries(results).flatMap(([name, t]) =>
    (t.kind === 'bytes' ? [[name, { dtype: t.dtype, dims: t.dims, data: viewAs(t.dtype, t.bytes) }] as const] : [])));
}

const executors: readonly (readonly [string, (graph: Graph, feeds: Feeds) => Promise<ReadonlyMap<string, Feed>>])[] = [
  ['the reference executor', (graph, feeds) => Promise.resolve(runProgram(lowerGraph(graph), new Map(Object.entries(feeds))))],
  ['WASM', compiled],
];

const usual: Tolerance = { rtol: 1e-5, atol: 2e-6 };

export function describeRecorded(what: string, sources: readonly FixtureSource[], recorded: Recorded, tolerance = usual): void {
  describe.each(executors)(`${what} on %s`, (_, run) => {
    it.each(sources)('$name', async ({ name, build, cases }) => {
      clearExpressions();
      const got = await run(await loadGraph({ kind: 'bytes', bytes: build() }), cases[0]?.feeds ?? {});
      const want = recorded[name]?.[0] ?? {};
      expect([...got.keys()]).toEqual(Object.keys(want));
      for (const [output, tensor] of Object.entries(want)) {
        expect(difference(got.get(output), fromRecord(tensor), tolerance), output).toBeUndefined();
      }
    });
  });
}
