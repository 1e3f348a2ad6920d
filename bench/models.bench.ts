/**
 * Whole models beside onnxruntime-web, single-threaded and with all threads: node bench/run.mjs models DIR… takes every .onnx file at or below
 * the folders, or files. Symbolic dims: batch 1, sequences 128, pasts 127, so that transformers do the work of a short text.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchRow } from '../cli/bench.ts';
import { main as quern } from '../cli/main.ts';
import { record } from './results.ts';

const dims = { batch: 1, seq: 128, sequence: 128, past: 127 } as const;

function modelsAt(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path).sort().flatMap((name) => {
    const inner = join(path, name);
    return statSync(inner).isDirectory() || name.endsWith('.onnx') ? modelsAt(inner) : [];
  });
}

/** `--dim` words for the symbols the model has. */
async function dimWords(model: string): Promise<string[]> {
  const json = join(tmpdir(), 'quern-inspect.json');
  const silent = { print: () => undefined, error: console.error };
  if ((await quern(['inspect', model, '--device', 'wasm', '--json', json], silent)) !== 0) return [];
  const { inputs } = JSON.parse(readFileSync(json, 'utf8')) as { inputs: { dims: (number | string)[] }[] };
  const symbols = new Set(inputs.flatMap((input) => input.dims));
  return Object.entries(dims).filter(([name]) => symbols.has(name)).flatMap(([name, size]) => ['--dim', `${name}=${String(size)}`]);
}

export async function main(paths: readonly string[]): Promise<void> {
  const json = join(tmpdir(), 'quern-models.json');
  const rows: BenchRow[] = [];
  for (const model of paths.flatMap(modelsAt)) {
    const sizes = await dimWords(model);
    for (const threads of new Set([1, cpus().length])) {
      const words = ['bench', model, '--device', 'wasm', '--threads', String(threads), '--against', 'ort-web', '--json', json, ...sizes];
      // A model that one engine refuses still has the other's figures; the command says which.
      await quern(words);
      const answer = JSON.parse(readFileSync(json, 'utf8')) as { rows: BenchRow[] };
      rows.push(...answer.rows.map((row) => ({ ...row, model: model.split('/').slice(-2).join('/') })));
    }
  }
  await record('models', { dims, rows });
}
