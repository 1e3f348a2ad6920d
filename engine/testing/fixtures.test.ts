import { describe, expect, it } from 'vitest';
import { type Expr } from '../../jit/expr/expr.ts';
import { evaluate } from '../../jit/expr/visit.ts';
import { loadGraph } from '../load/load-graph.ts';
import { fixtures } from './fixtures.ts';

describe.each(fixtures)('$name', ({ build, cases }) => {
  it('is built from the same bytes every time', () => expect(build()).toEqual(build()));

  it('is fed what it declares', async () => {
    const graph = await loadGraph({ kind: 'bytes', bytes: build() });
    for (const { feeds, dims } of cases) {
      const size = (e: Expr): number => evaluate(e, (leaf) => (leaf.op === 'sym' ? (dims[leaf.name] ?? NaN) : NaN));
      expect(Object.fromEntries(graph.inputs.map((v) => [v.name, [v.type?.dtype, v.type?.shape.map(size)]]))).toEqual(
        Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, [t.dtype, t.dims]])),
      );
    }
  });

  it('has recorded outputs that are finite and as long as their dims', async () => {
    const graph = await loadGraph({ kind: 'bytes', bytes: build() });
    for (const { outputs } of cases) {
      expect(Object.keys(outputs)).toEqual(graph.outputs.map((v) => v.name));
      for (const { dims, data } of Object.values(outputs)) {
        expect(data.length).toBe(dims.reduce((a, b) => a * b, 1));
        expect([...data].every((v) => Number.isFinite(Number(v)))).toBe(true);
      }
    }
  });
});
