/**
 * Whole models with expected outputs, through loader, lowering and reference executor, where a copy of them is at hand (QUERN_MODELS,
 * else .material/models); skipped with a message where there is none. The reference is slow: QUERN_MODELS_ONLY picks by name, and
 * without it only the smallest are run.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { QuernError } from '../../jit/error.ts';
import { clearExpressions } from '../../jit/expr/expr.ts';
import { loadGraph } from '../load/load-graph.ts';
import { decodeTensor } from '../load/tensor-proto.ts';
import { lowerGraph } from './lower.ts';
import { difference, relL2 } from './testing/compare.ts';
import { type Feed, runProgram } from './testing/run-program.ts';

const root = [process.env['QUERN_MODELS'], '.material/models'].find((path) => path !== undefined && existsSync(path));
const only = new RegExp(process.env['QUERN_MODELS_ONLY'] ?? '^(mnist_cntk_op8|bert_tiny_ts_op14|stories260k_kv_ts_op16)$');
const reportFile = process.env['QUERN_MODELS_REPORT'];
const lowerOnly = process.env['QUERN_MODELS_LOWER_ONLY'] !== undefined;

const folders = root === undefined ? [] : readdirSync(root).flatMap((kind) =>
  readdirSync(join(root, kind)).filter((name) => only.test(name)).map((name) => join(root, kind, name)));
const results: Record<string, unknown>[] = [];

async function check(folder: string, report: Record<string, unknown>): Promise<void> {
  clearExpressions();
  const external: Record<string, { readonly kind: 'bytes'; readonly bytes: Uint8Array }> = {};
  for (const file of readdirSync(folder).filter((name) => /\.(data|bin|weights)$/.test(name))) {
    external[file] = { kind: 'bytes', bytes: new Uint8Array(readFileSync(join(folder, file))) };
  }
  const graph = await loadGraph({ kind: 'bytes', bytes: new Uint8Array(readFileSync(join(folder, 'model.onnx'))) }, external);
  const started = performance.now();
  const program = lowerGraph(graph);
  const lowerMs = Math.round(performance.now() - started);
  Object.assign(report, { nodes: graph.nodes.length, lowerMs, computations: program.computations.length, dataDims: program.dataDims.length });
  if (lowerOnly) return;
  const limits = JSON.parse(readFileSync(join(folder, 'tolerance.json'), 'utf8')) as { readonly relL2?: number; readonly maxAbs?: number };
  for (const set of readdirSync(folder).filter((f) => f.startsWith('test_data_set_'))) {
    const tensors = (stem: string, names: readonly string[]): Map<string, Feed> => new Map(
      readdirSync(join(folder, set)).filter((f) => f.startsWith(`${stem}_`)).map((file) => {
        const tensor = decodeTensor(new Uint8Array(readFileSync(join(folder, set, file))));
        return [names.includes(tensor.name) ? tensor.name : names[Number(file.slice(stem.length + 1, -3))] ?? tensor.name, tensor];
      }));
    const got = runProgram(program, tensors('input', graph.inputs.map((i) => i.name)));
    for (const [name, want] of tensors('output', graph.outputs.map((o) => o.name))) {
      const found = got.get(name);
      expect(difference(found, want, { rtol: 0, atol: Infinity }), `${set} ${name}`).toBeUndefined();
      if (found === undefined) continue;
      const error = relL2(found, want);
      report['relL2'] = Math.max(error, Number(report['relL2'] ?? 0));
      report['limit'] = limits.relL2 ?? limits.maxAbs;
      if (limits.relL2 !== undefined) expect(error, `${set} ${name}`).toBeLessThanOrEqual(limits.relL2);
      if (limits.maxAbs !== undefined) expect(difference(found, want, { rtol: 0, atol: limits.maxAbs }), `${set} ${name}`).toBeUndefined();
    }
  }
}

describe.skipIf(folders.length === 0)('whole models', () => {
  it.each(folders)('%s', { timeout: 600_000 }, async (folder) => {
    const report: Record<string, unknown> = { model: folder };
    results.push(report);
    const started = performance.now();
    try {
      await check(folder, report);
      report['status'] = 'pass';
    } catch (error) {
      const unsupported = error instanceof QuernError && error.code.startsWith('unsupported');
      report['status'] = unsupported ? 'unsupported' : 'fail';
      report['message'] = error instanceof Error ? error.message : String(error);
      if (!unsupported) throw error;
    } finally {
      report['ms'] = Math.round(performance.now() - started);
      if (reportFile !== undefined) writeFileSync(reportFile, JSON.stringify(results, undefined, 1));
    }
  });
});

describe.skipIf(folders.length > 0)('whole models', () => {
  it('are not at hand (set QUERN_MODELS to their folder)', () => { expect(folders).toEqual([]); });
});

