/**
 * The ONNX project's own operator tests, through loader, lowering and reference executor, where a copy of them is at hand
 * (QUERN_ONNX_TESTS, else .material/onnx-tests or ../shared/material/onnx-tests); skipped with a message where there is none. An
 * operator that Quern refuses with an `unsupported-*` error is skipped too, and counted.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { clearExpressions } from '../../jit/expr/expr.ts';
import { QuernError } from '../../jit/error.ts';
import { loadGraph } from '../load/load-graph.ts';
import { decodeTensor } from '../load/tensor-proto.ts';
import { lowerGraph } from './lower.ts';
import { difference } from './testing/compare.ts';
import { type Feed, runProgram } from './testing/run-program.ts';

const root = [process.env['QUERN_ONNX_TESTS'], '.material/onnx-tests', '../shared/material/onnx-tests']
  .find((path) => path !== undefined && existsSync(path));
const only = process.env['QUERN_ONNX_ONLY'];
const reportFile = process.env['QUERN_ONNX_REPORT'];

const folders = root === undefined ? [] : readdirSync(root).flatMap((set) => {
  const here = join(root, set);
  return existsSync(here) && !set.includes('.') ? readdirSync(here).map((test) => join(here, test)) : [];
}).filter((f) => existsSync(join(f, 'model.onnx')) && (only === undefined || new RegExp(only).test(f)));

const results: { test: string; status: string; message?: string }[] = [];

async function check(folder: string): Promise<void> {
  clearExpressions();
  const graph = await loadGraph({ kind: 'bytes', bytes: new Uint8Array(readFileSync(join(folder, 'model.onnx'))) });
  const program = lowerGraph(graph);
  for (const set of readdirSync(folder).filter((f) => f.startsWith('test_data_set_'))) {
    const tensors = (stem: string, names: readonly string[]): Map<string, Feed> => new Map(
      readdirSync(join(folder, set)).filter((f) => f.startsWith(`${stem}_`)).map((file) => {
        const tensor = decodeTensor(new Uint8Array(readFileSync(join(folder, set, file))));
        const position = Number(file.slice(stem.length + 1, -3));
        return [names.includes(tensor.name) ? tensor.name : names[position] ?? tensor.name, tensor];
      }));
    const got = runProgram(program, tensors('input', graph.inputs.map((i) => i.name)));
    for (const [name, want] of tensors('output', graph.outputs.map((o) => o.name))) {
      const tolerance = want.dtype === 'float16' ? { rtol: 1e-2, atol: 1e-3 } : { rtol: 1e-3, atol: 1e-5 };
      expect(difference(got.get(name), want, tolerance), name).toBeUndefined();
    }
  }
}

describe.skipIf(folders.length === 0)('ONNX operator tests', () => {
  it.each(folders)('%s', { timeout: 60_000 }, async (folder) => {
    const record = (status: string, error?: unknown): void => {
      results.push({ test: folder, status, ...(error instanceof Error ? { message: error.message } : {}) });
    };
    try {
      await check(folder);
      record('pass');
    } catch (error) {
      const unsupported = error instanceof QuernError && error.code.startsWith('unsupported');
      record(unsupported ? 'unsupported' : 'fail', error);
      if (!unsupported) throw error;
    }
  });
});

describe.skipIf(folders.length > 0)('ONNX operator tests', () => {
  it('are not at hand (set QUERN_ONNX_TESTS to their folder)', () => { expect(root).toBeUndefined(); });
});

afterAll(() => {
  if (reportFile !== undefined) writeFileSync(reportFile, JSON.stringify(results));
});
