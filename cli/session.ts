/** What the verbs share: the server and the page around an action, the request that loads a model, and how numbers are printed. */
import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openHarness, SetupError, type BrowserName, type HarnessPage } from './browser.ts';
import { number, pairs, text, type Arguments } from './options.ts';
import type { Device, LoadRequest } from './protocol.ts';
import { packageRoot, startServer, type FileServer } from './server.ts';

/** Where a command's words go; tests give their own. */
export interface Io {
  print(line: string): void;
  error(line: string): void;
}

export const browserOf = (args: Arguments): BrowserName => (text(args, 'browser') ?? 'chromium') as BrowserName;

export async function withHarness<T>(args: Arguments, act: (page: HarnessPage, server: FileServer) => Promise<T>): Promise<T> {
  const server = await startServer();
  try {
    const page = await openHarness(server, await distUrl(server), browserOf(args));
    try {
      return await act(page, server);
    } finally {
      await page.close();
    }
  } finally {
    await server.close();
  }
}

/** The URL of the built bundle's folder. Throws `SetupError` if it is not built. */
export async function distUrl(server: FileServer): Promise<string> {
  const dist = join(packageRoot(), 'dist');
  await access(join(dist, 'quern.js')).catch(() => {
    throw new SetupError(`'${dist}/quern.js' is missing: run 'npm run build' first`);
  });
  return server.folder(dist);
}

export const precisionOf = (args: Arguments): LoadRequest['precision'] => (text(args, 'precision') === 'fast' ? 'fast' : 'exact');

/** Throws `SetupError` for a model that is not there. */
export async function loadRequest(args: Arguments, model: string, server: FileServer): Promise<LoadRequest> {
  await access(model).catch(() => {
    throw new SetupError(`there is no file '${model}'`);
  });
  return {
    model: server.url(model),
    device: (text(args, 'device') ?? 'auto') as Device,
    threads: number(args, 'threads'),
    precision: precisionOf(args),
    dims: Object.fromEntries(Object.entries(pairs(args, 'dim')).map(([name, value]) => [name, Number(value)])),
  };
}

/** Writes `value` to the file `--json` names, if there is one. */
export async function writeJson(args: Arguments, value: unknown): Promise<void> {
  const file = text(args, 'json');
  if (file === undefined) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(value, null, 1)}\n`);
}

/** Columns, the first one to the left and the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ').trimEnd())
    .join('\n');
}

/** A clock that ticks every 5 µs reads 0 for what took less. */
export const ms = (value: number): string => (value === 0 ? '<0.005' : value < 10 ? value.toFixed(3) : value < 1000 ? value.toFixed(1) : value.toFixed(0));

export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export const shape = (dims: readonly (number | string)[]): string => `[${dims.join(', ')}]`;
