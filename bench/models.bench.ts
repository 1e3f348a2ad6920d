/**
 * The models of README's table, listed with their sizes in bench/models.json (a dim that is not named is 1), beside onnxruntime-web and
 * onnxruntime-node, into bench/results/models-N-threads.json:
 *   node bench/run.mjs models [--threads N] [--runs N] [--against A,B]
 * A model whose file is not there is left out, by name.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchRow } from '../cli/bench.ts';
import { main as quern } from '../cli/main.ts';
import { number, parseArguments } from '../cli/options.ts';
import { packageRoot } from '../cli/server.ts';
import { record } from './results.ts';

interface Listed {
  readonly model: string;
  readonly dims?: Readonly<Record<string, number>>;
  readonly loop?: string;
}

/** The file, or the folder's name where all files are called alike. */
const nameOf = (path: string): string => path.replace(/^\.zoo\/|^\.material\/models\/|\/model\.onnx$/g, '');

export async function main(words: readonly string[]): Promise<void> {
  const listed = JSON.parse(readFileSync(join(packageRoot(), 'bench/models.json'), 'utf8')) as Listed[];
  const given = parseArguments(['bench', 'MODEL', ...words]);
  const threads = number(given, 'threads') ?? 1;
  const defaults = Object.entries({ threads: '1', against: 'ort-web,ort-node', runs: '15' }).filter(([name]) => !given.values.has(name));
  const options = [...words, ...defaults.flatMap(([name, value]) => [`--${name}`, value])];
  const scratch = await mkdtemp(join(tmpdir(), 'quern-models-'));
  const rows: BenchRow[] = [];
  for (const { model, dims = {}, loop } of listed) {
    const path = join(packageRoot(), model);
    if (!existsSync(path)) {
      console.log(`left out: there is no ${model}`);
      continue;
    }
    const sizes = Object.entries(dims).flatMap(([name, size]) => ['--dim', `${name}=${String(size)}`]);
    const json = join(scratch, `${nameOf(model).replaceAll('/', '-')}.json`);
    // A model that an engine refuses, or whose outputs differ, still has figures; the command says what is wrong.
    await quern(['bench', path, '--device', 'wasm', ...options, '--json', json, ...sizes, ...(loop === undefined ? [] : ['--loop', loop])]);
    if (!existsSync(json)) continue;
    const answer = JSON.parse(await readFile(json, 'utf8')) as { rows: BenchRow[] };
    rows.push(...answer.rows.map((row) => ({ ...row, model: nameOf(model) })));
  }
  await rm(scratch, { recursive: true });
  await record(`models-${String(threads)}-thread${threads === 1 ? '' : 's'}`, { rows });
}
