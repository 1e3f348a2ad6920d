/**
 * `quern verify`: every test folder through the engine in one browser, each in a session of its own. A test that hangs or kills its page is
 * an `error` of its own; the next one gets a new page.
 */
import { findFolders, type TestFolder } from './folders.ts';
import { PageLost, type HarnessPage } from './browser.ts';
import { number, text, type Arguments } from './options.ts';
import type { Device, VerifyRequest, VerifyResult } from './protocol.ts';
import { precisionOf, withHarness, writeJson, type Io } from './session.ts';
import type { FileServer } from './server.ts';

/** Far above what the largest model of a test takes to load and run, also in WebGPU on a CPU. */
const limitMs = 300_000;

const marks = { pass: 'ok', fail: 'FAIL', unsupported: 'unsupported', error: 'ERROR' } as const;

export async function verify(args: Arguments, io: Io): Promise<number> {
  const folders = (await Promise.all(args.operands.map(findFolders))).flat();
  if (folders.length === 0) {
    io.error(`no folder in the ONNX test layout at or below ${args.operands.join(', ')}`);
    return 2;
  }
  const device = (text(args, 'device') ?? 'auto') as Device;
  const begun = performance.now();
  const results = await withHarness(args, async (page, server) => {
    const all: VerifyResult[] = [];
    for (const folder of folders) {
      const request = requestFor(folder, server, args, device);
      for (const result of await verifyFolder(page, request, folder)) {
        all.push(result);
        if (result.status !== 'pass' || folders.length < 100) io.print(line(result));
      }
    }
    return all;
  });
  const count = (status: VerifyResult['status']): number => results.filter((r) => r.status === status).length;
  const summary = {
    total: results.length, pass: count('pass'), fail: count('fail'), unsupported: count('unsupported'), error: count('error'),
    ms: Math.round(performance.now() - begun),
  };
  await writeJson(args, { device, results, summary });
  io.print(
    `${String(summary.pass)} of ${String(summary.total)} pass, ${String(summary.fail)} fail, ${String(summary.unsupported)} unsupported, ` +
      `${String(summary.error)} errors, ${(summary.ms / 1000).toFixed(1)} s`,
  );
  return summary.pass === summary.total ? 0 : 1;
}

function requestFor(folder: TestFolder, server: FileServer, args: Arguments, device: Device): VerifyRequest {
  const root = server.folder(folder.path);
  const url = (file: string): string => root + file.slice(folder.path.length).split('/').map(encodeURIComponent).join('/');
  return {
    model: url(folder.model),
    sets: folder.sets.map(({ path, inputs, outputs }) => ({ path, inputs: inputs.map(url), outputs: outputs.map(url) })),
    tolerance: folder.tolerance, rtol: number(args, 'rtol'), atol: number(args, 'atol'),
    device, threads: number(args, 'threads'), precision: precisionOf(args), dims: {},
  };
}

async function verifyFolder(page: HarnessPage, request: VerifyRequest, folder: TestFolder): Promise<readonly VerifyResult[]> {
  const begun = performance.now();
  try {
    return await page.call('verify', [request], limitMs);
  } catch (error) {
    const message = error instanceof PageLost ? error.message : error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    const ms = Math.round(performance.now() - begun);
    return folder.sets.map(({ path }) => ({ path, status: 'error', maxAbs: null, maxRel: null, relL2: null, message, ms, fallbacks: 0, dtypes: [] }));
  }
}

function line({ path, status, message, ms, relL2, fallbacks }: VerifyResult): string {
  const notes = [`${String(ms)} ms`, relL2 === null ? '' : `relL2 ${relL2.toExponential(1)}`, fallbacks === 0 ? '' : `${String(fallbacks)} fallbacks`];
  const detail = message === '' ? '' : `\n    ${message.replaceAll('\n', '\n    ')}`;
  return `${marks[status].padEnd(11)} ${path}  (${notes.filter((n) => n !== '').join(', ')})${detail}`;
}
