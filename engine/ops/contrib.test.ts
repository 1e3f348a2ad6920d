import { describe, expect, it } from 'vitest';
import { clearExpressions } from '../../jit/expr/expr.ts';
import { loadGraph } from '../load/load-graph.ts';
import { type RecordedTensor, fromRecord } from '../testing/fixture.ts';
import { lowerGraph } from './lower.ts';
import { difference } from './testing/compare.ts';
import { sources } from './testing/contrib-cases.ts';
import recorded from './testing/contrib-outputs.json';
import { runProgram } from './testing/run-program.ts';

const outputs: Readonly<Record<string, readonly Readonly<Record<string, RecordedTensor>>[]>> = recorded;

describe('com.microsoft operators give what onnxruntime gives', () => {
  it.each(sources)('$name', async ({ name, build, cases }) => {
    clearExpressions();
    const program = lowerGraph(await loadGraph({ kind: 'bytes', bytes: build() }));
    const got = runProgram(program, new Map(Object.entries(cases[0]?.feeds ?? {})));
    const want = outputs[name]?.[0];
    expect(Object.keys(want ?? {})).toEqual([...got.keys()]);
    for (const [output, tensor] of Object.entries(want ?? {})) {
      expect(difference(got.get(output), fromRecord(tensor), { rtol: 1e-5, atol: 2e-6 }), output).toBeUndefined();
    }
  });
});
