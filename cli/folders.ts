/**
 * The ONNX test layout on disk: a folder with model.onnx and test_data_set_N/{input,output}_K.pb, and perhaps tolerance.json. Finds all of
 * them at or below a path, in a stable order.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupError } from './browser.ts';
import type { Tolerance } from './protocol.ts';

export interface TestFolder {
  readonly path: string;
  readonly model: string;
  readonly sets: readonly { readonly path: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
  readonly tolerance: Tolerance | undefined;
}

const byNumber = new Intl.Collator('en', { numeric: true }).compare;

/** Throws `SetupError` for a path that cannot be read. */
export async function findFolders(path: string): Promise<TestFolder[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw new SetupError(`'${path}' cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  const folders = entries.filter((e) => e.isDirectory()).map((e) => e.name).sort(byNumber);
  const sets = folders.filter((name) => /^test_data_set_\d+$/.test(name));
  const found: TestFolder[] = [];
  if (entries.some((e) => e.isFile() && e.name === 'model.onnx') && sets.length > 0) {
    found.push({
      path,
      model: join(path, 'model.onnx'),
      sets: await Promise.all(sets.map((set) => readSet(join(path, set)))),
      tolerance: await readTolerance(join(path, 'tolerance.json')),
    });
  }
  for (const name of folders) if (!sets.includes(name)) found.push(...(await findFolders(join(path, name))));
  return found;
}

async function readSet(path: string): Promise<TestFolder['sets'][number]> {
  const names = (await readdir(path)).sort(byNumber);
  const files = (kind: string): string[] => names.filter((n) => n.startsWith(`${kind}_`) && n.endsWith('.pb')).map((n) => join(path, n));
  return { path, inputs: files('input'), outputs: files('output') };
}

/** `{"relL2": x}` or `{"maxAbs": x}`; undefined where there is no file. */
async function readTolerance(file: string): Promise<Tolerance | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { relL2, maxAbs } = JSON.parse(text) as { readonly relL2?: unknown; readonly maxAbs?: unknown };
  if (typeof relL2 === 'number') return { kind: 'relL2', limit: relL2 };
  if (typeof maxAbs === 'number') return { kind: 'maxAbs', limit: maxAbs };
  throw new SetupError(`'${file}' has neither a relL2 nor a maxAbs number`);
}
