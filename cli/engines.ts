/**
 * The engines of a benchmark behind one interface, each in processes of its own: load a model, run it once, say the peak of memory. Quern and
 * onnxruntime-web run in the same kind of page of the same browser and are timed by the same clock.
 */
import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { openHarness, type BrowserName, type HarnessPage } from './browser.ts';
import { peakBytes } from './memory.ts';
import { peerFolder, type Peer } from './peers.ts';
import type { BenchLoadRequest, Loop } from './protocol.ts';
import { distUrl } from './session.ts';
import { packageRoot, type FileServer } from './server.ts';
import type { Report } from '../engine/report.ts';

export type EngineName = 'quern' | Peer;

export interface EngineLoad {
  readonly device: string;
  readonly threads: number;
  readonly loadMs: number;
  readonly firstMs: number;
}

export interface BenchEngine {
  readonly name: EngineName;
  load(): Promise<EngineLoad>;
  /** Milliseconds that it took; engines that have nothing to tune take 0. */
  tune(): Promise<number>;
  /** Runs in succession, each in milliseconds. */
  run(count: number): Promise<readonly number[]>;
  /** Peak resident bytes above those of an empty page (or an idle Node); undefined where the system does not tell. */
  peak(): Promise<number | undefined>;
  report(): Promise<Report | undefined>;
  /** Runs from the filled inputs again (with a loop, a few steps) and writes the last outputs into a folder as NAME.npy; answers with their names. */
  outputs(folder: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export type NodePeerRequest =
  | { readonly kind: 'load'; readonly folder: string; readonly model: string; readonly threads: number; readonly dims: Readonly<Record<string, number>>; readonly loop: Loop | undefined }
  | { readonly kind: 'run'; readonly count: number }
  | { readonly kind: 'outputs'; readonly folder: string }
  | { readonly kind: 'memory' };

export type NodePeerAnswer =
  | { readonly kind: 'loaded'; readonly loadMs: number; readonly firstMs: number; readonly emptyBytes: number | null }
  | { readonly kind: 'ran'; readonly ms: readonly number[] }
  | { readonly kind: 'outputs'; readonly names: readonly string[] }
  | { readonly kind: 'memory'; readonly bytes: number | null }
  | { readonly kind: 'failed'; readonly message: string };

/** Long enough for the slowest engine on the slowest device; a run past it is an error, not a wait for ever. */
const limitMs = 10 * 60_000;

export async function startEngine(
  name: EngineName, request: BenchLoadRequest, file: string, browser: BrowserName, server: FileServer, say: (line: string) => void,
): Promise<BenchEngine> {
  switch (name) {
    case 'quern': return startQuern(request, browser, server);
    case 'ort-web': return startOrtWeb(request, browser, server, await peerFolder(name, say));
    case 'ort-node': return startOrtNode(request, file, await peerFolder(name, say));
    default: return name satisfies never;
  }
}

/** A peak once it has stood still for a second: the browser goes on starting when the page is there, by some 30 MB. */
async function settled(read: () => Promise<number | undefined>): Promise<number | undefined> {
  let last = await read();
  for (let i = 0; i < 10; i++) {
    await new Promise((done) => setTimeout(done, 1000));
    const now = await read();
    if (now === last) break;
    last = now;
  }
  return last;
}

async function emptyPage(browser: BrowserName, server: FileServer): Promise<{ page: HarnessPage; peak: () => Promise<number | undefined> }> {
  const page = await openHarness(server, await distUrl(server), browser);
  const before = await settled(async () => peakBytes(await page.processes()));
  const peak = async (): Promise<number | undefined> => {
    const after = await peakBytes(await page.processes());
    return after === undefined || before === undefined ? undefined : Math.max(0, after - before);
  };
  return { page, peak };
}

async function startQuern(request: BenchLoadRequest, browser: BrowserName, server: FileServer): Promise<BenchEngine> {
  const { page, peak } = await emptyPage(browser, server);
  return {
    name: 'quern', peak,
    load: () => page.call('benchLoad', [request], limitMs),
    tune: () => page.call('benchTune', [], limitMs),
    run: (count) => page.call('benchRun', [count], limitMs),
    report: () => page.call('benchReport', [], limitMs),
    outputs: (folder) => page.call('benchOutputs', [server.sink(folder)], limitMs),
    close: () => page.close(),
  };
}

async function startOrtWeb(request: BenchLoadRequest, browser: BrowserName, server: FileServer, folder: string): Promise<BenchEngine> {
  const { page, peak } = await emptyPage(browser, server);
  return {
    name: 'ort-web', peak,
    load: () => page.call('peerLoad', [{ ...request, peer: server.folder(`${folder}/dist`) }], limitMs),
    tune: () => Promise.resolve(0),
    run: (count) => page.call('peerRun', [count], limitMs),
    outputs: (folder) => page.call('peerOutputs', [server.sink(folder)], limitMs),
    report: () => Promise.resolve(undefined),
    close: () => page.close(),
  };
}

function startOrtNode(request: BenchLoadRequest, file: string, folder: string): BenchEngine {
  const child = fork(join(packageRoot(), 'dist/cli/node-peer.mjs'), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  let empty = 0;
  const ask = (message: NodePeerRequest): Promise<NodePeerAnswer> =>
    new Promise((done, fail) => {
      const ended = (): void => { fail(new Error('onnxruntime-node ended')); };
      child.once('exit', ended);
      child.once('message', (answer) => {
        child.off('exit', ended);
        const told = answer as NodePeerAnswer;
        if (told.kind === 'failed') fail(new Error(told.message));
        else done(told);
      });
      child.send(message);
    });
  const threads = request.threads ?? cpus().length;
  return {
    name: 'ort-node',
    async load() {
      const answer = await ask({ kind: 'load', folder, model: file, threads, dims: request.dims, loop: request.loop });
      if (answer.kind !== 'loaded') throw new Error(`onnxruntime-node answered ${answer.kind}`);
      empty = answer.emptyBytes ?? 0;
      return { device: 'cpu', threads, loadMs: answer.loadMs, firstMs: answer.firstMs };
    },
    async run(count) {
      const answer = await ask({ kind: 'run', count });
      return answer.kind === 'ran' ? answer.ms : [];
    },
    tune: () => Promise.resolve(0),
    async peak() {
      const answer = await ask({ kind: 'memory' });
      return answer.kind === 'memory' && answer.bytes !== null ? answer.bytes - empty : undefined;
    },
    report: () => Promise.resolve(undefined),
    async outputs(folder) {
      const answer = await ask({ kind: 'outputs', folder });
      return answer.kind === 'outputs' ? answer.names : [];
    },
    close() {
      child.removeAllListeners('exit');
      child.kill();
      return Promise.resolve();
    },
  };
}
