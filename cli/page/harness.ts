/**
 * The page's side of the command line: loads the built engine (dist/quern.js, beside this file's folder) and does with it what Node asks
 * for by name. Input: requests of ../protocol.ts; output: small JSON answers. Tensors come and go over HTTP.
 */
import type { Tensor } from '../../engine/index.ts';
import { loadEngine, loadModel, onPage, runSession, type Feeds, type Session } from './engine.ts';
import { compare, elementTolerance, valueAt, type Comparison, type HostTensor } from './compare.ts';
import { fill } from './fill.ts';
import { comparedSteps, nextFeeds } from './loop.ts';
import { fetchTensor, postTensors } from './tensors.ts';
import { loadPeer, type PeerModel } from './peer.ts';
import type {
  BenchLoadAnswer, BenchLoadRequest, InspectAnswer, LoadRequest, PageApi, PeerLoadRequest, RunAnswer, RunRequestJson, TensorSummary, TuneAnswer,
  TuneRequest, VerifyRequest, VerifyResult,
} from '../protocol.ts';

/** The session of the folder before. It is let go only when the next one is there: a page's last session takes the engine's worker with it. */
let held: Session | undefined;

export async function verify(request: VerifyRequest): Promise<VerifyResult[]> {
  const begun = performance.now();
  const results: VerifyResult[] = [];
  const add = (path: string, status: VerifyResult['status'], since: number, message: string, comparisons: readonly Comparison[], fallbacks: number): void => {
    const worst = (key: 'maxAbs' | 'maxRel' | 'relL2'): number | null => {
      const values = comparisons.map((c) => c[key]).filter((v) => !Number.isNaN(v));
      return values.length === 0 ? null : Math.max(...values);
    };
    const ms = Math.round((performance.now() - since) * 10) / 10;
    const dtypes = [...new Set([...session?.inputs ?? [], ...session?.outputs ?? []].map((v) => v.dtype))];
    results.push({ path, status, maxAbs: worst('maxAbs'), maxRel: worst('maxRel'), relL2: worst('relL2'), message, ms, fallbacks, dtypes });
  };
  let session: Session | undefined;
  try {
    session = await loadModel(request, { tune: 'off' });
  } catch (error) {
    for (const { path } of request.sets) add(path, statusOf(error), begun, textOf(error), [], 0);
    return results;
  }
  await held?.dispose();
  held = session;
  let since = begun;
  for (const set of request.sets) {
    try {
      const comparisons = await compareSet(session, set, request);
      const wrong = comparisons.filter((c) => !c.ok);
      // The CPU has nothing to fall back to, and a report spells out every kernel.
      const fallbacks = session.device === 'wasm' ? 0 : (await session.report()).fallbacks.length;
      add(set.path, wrong.length === 0 ? 'pass' : 'fail', since, wrong.map((c) => c.message).join('\n'), comparisons, fallbacks);
    } catch (error) {
      add(set.path, statusOf(error), since, textOf(error), [], 0);
    }
    since = performance.now();
  }
  return results;
}

async function compareSet(session: Session, set: VerifyRequest['sets'][number], request: VerifyRequest): Promise<Comparison[]> {
  const actual = await runSession(session, await feedsOf(session, set.inputs));
  const comparisons: Comparison[] = [];
  for (const [k, url] of set.outputs.entries()) {
    const stored = await fetchTensor(url);
    const name = session.outputs.some((o) => o.name === stored.name) ? stored.name : session.outputs[k]?.name;
    const tensor = name === undefined ? undefined : actual[name];
    if (name === undefined || tensor === undefined) throw new Error(`there is no output ${String(k)} ('${stored.name}')`);
    const tolerance = request.tolerance ?? elementTolerance(stored.tensor.dtype, request.rtol, request.atol);
    comparisons.push(compare(name, tensor, stored.tensor, tolerance));
  }
  return comparisons;
}

/** The K-th file is the graph input its TensorProto names, else the K-th. */
async function feedsOf(session: Session, urls: readonly string[]): Promise<Feeds> {
  const feeds: Record<string, HostTensor> = {};
  for (const [k, url] of urls.entries()) {
    const { name, tensor } = await fetchTensor(url);
    const target = session.inputs.some((input) => input.name === name) ? name : session.inputs[k]?.name;
    if (target === undefined) throw new Error(`there is no input ${String(k)} ('${name}')`);
    feeds[target] = tensor;
  }
  return feeds;
}

/** Every input filled from its seed. */
function filledFeeds(session: Session, { dims }: LoadRequest): Feeds {
  return Object.fromEntries(session.inputs.map((input) => [input.name, fill(input.name, input.dtype, input.dims, dims)]));
}

function statusOf(error: unknown): 'unsupported' | 'error' {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return code.startsWith('unsupported-') ? 'unsupported' : 'error';
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export async function run(request: RunRequestJson): Promise<RunAnswer> {
  const begun = performance.now();
  const session = await loadModel(request, { tune: 'off' });
  const loadMs = performance.now() - begun;
  try {
    const feeds: Record<string, HostTensor> = {};
    const filled: string[] = [];
    for (const name of Object.keys(request.inputs)) {
      if (!session.inputs.some((input) => input.name === name)) {
        throw new Error(`the model has no input '${name}'; it has ${session.inputs.map((input) => input.name).join(', ')}`);
      }
    }
    for (const input of session.inputs) {
      const url = request.inputs[input.name];
      if (url === undefined) filled.push(input.name);
      feeds[input.name] = url === undefined ? fill(input.name, input.dtype, input.dims, request.dims) : (await fetchTensor(url)).tensor;
    }
    const since = performance.now();
    const outputs = await runSession(session, feeds);
    const runMs = performance.now() - since;
    if (request.outputs !== undefined) await postTensors(request.outputs, outputs);
    return {
      device: session.device, threads: session.threads, loadMs, runMs, filled,
      inputs: Object.entries(feeds).map(([name, tensor]) => summary(name, tensor)),
      outputs: Object.entries(outputs).map(([name, tensor]) => summary(name, tensor)),
    };
  } finally {
    await session.dispose();
  }
}

function summary(name: string, tensor: HostTensor): TensorSummary {
  let [min, max, sum, nonFinite] = [Infinity, -Infinity, 0, 0];
  const count = tensor.data.length;
  for (let i = 0; i < count; i++) {
    const value = valueAt(tensor, i);
    if (!Number.isFinite(value)) nonFinite += 1;
    else {
      min = Math.min(min, value);
      max = Math.max(max, value);
      sum += value;
    }
  }
  const head = Array.from({ length: Math.min(8, count) }, (_, i) => {
    const value = valueAt(tensor, i);
    return Number.isInteger(value) ? String(tensor.dtype === 'float16' ? value : tensor.data[i]) : value.toPrecision(6);
  });
  return { name, dtype: tensor.dtype, dims: tensor.dims, min, max, mean: sum / Math.max(1, count - nonFinite), nonFinite, head };
}

interface Loaded {
  readonly session: Session;
  readonly request: BenchLoadRequest;
  /** Filled inputs, and with a loop what the runs so far have left on the device. */
  feeds: Readonly<Record<string, HostTensor | Tensor>>;
}

let loaded: Loaded | undefined;
let peer: PeerModel | undefined;

/** Loads and runs once. */
export async function benchLoad(request: BenchLoadRequest): Promise<BenchLoadAnswer> {
  await loaded?.session.dispose();
  const begun = performance.now();
  // A loop's sizes grow, so none is fixed: one session serves prefill and decoding, as an application's does.
  const session = await loadModel(request.loop === undefined ? request : { ...request, dims: {} }, { tune: 'off' });
  const ready = performance.now();
  const model: Loaded = { session, request, feeds: filledFeeds(session, request) };
  const since = performance.now();
  await step(model);
  loaded = model;
  return { device: session.device, threads: session.threads, loadMs: ready - begun, firstMs: performance.now() - since };
}

/** Tunes, so that the timed runs are of the engine as a returning visitor has it; in milliseconds. */
export async function benchTune(): Promise<number> {
  const since = performance.now();
  await loaded?.session.tune({ budgetMs: 10_000 });
  return performance.now() - since;
}

/** Runs in succession, each in milliseconds; what an application sees, its copies included. */
export async function benchRun(count: number): Promise<number[]> {
  if (loaded === undefined) throw new Error('no model is loaded');
  const times: number[] = [];
  while (times.length < count) {
    const since = performance.now();
    await step(loaded);
    times.push(performance.now() - since);
  }
  return times;
}

/** One run; with a loop its outputs stay on the device and become the next one's inputs. */
async function step(model: Loaded): Promise<Record<string, Tensor>> {
  const { session, request: { loop }, feeds } = model;
  const outputs = await session.run(feeds, loop === undefined ? {} : { keep: [`${loop.from}*`] });
  model.feeds = nextFeeds(feeds, outputs, loop);
  for (const [name, tensor] of Object.entries(feeds)) if (model.feeds[name] !== tensor && 'dispose' in tensor) tensor.dispose();
  return outputs;
}

export async function benchOutputs(sink: string): Promise<string[]> {
  if (loaded === undefined) throw new Error('no model is loaded');
  const { session, request } = loaded;
  loaded.feeds = filledFeeds(session, request);
  let outputs = await step(loaded);
  for (let i = 1; request.loop !== undefined && i < comparedSteps; i++) outputs = await step(loaded);
  return postTensors(sink, await onPage(outputs));
}

export async function benchReport(): ReturnType<PageApi['benchReport']> {
  if (loaded === undefined) throw new Error('no model is loaded');
  return loaded.session.report();
}

export async function peerLoad(request: PeerLoadRequest): Promise<BenchLoadAnswer> {
  await peer?.dispose();
  const answer = await loadPeer(request);
  peer = answer.model;
  return answer.times;
}

export async function peerRun(count: number): Promise<number[]> {
  if (peer === undefined) throw new Error('no model is loaded');
  const times: number[] = [];
  while (times.length < count) times.push(await peer.run());
  return times;
}

export async function peerOutputs(sink: string): Promise<string[]> {
  if (peer === undefined) throw new Error('no model is loaded');
  return postTensors(sink, await peer.outputs());
}

export async function tune(request: TuneRequest): Promise<TuneAnswer> {
  const session = await loadModel(request, { tune: 'off' });
  try {
    // One run binds the symbolic dims: without it there are no shapes to measure.
    await runSession(session, filledFeeds(session, request));
    const tuned = await session.tune(request.exhaustive ? { exhaustive: true } : { budgetMs: request.budgetMs });
    return { tune: tuned, records: await session.exportTuning(), report: await session.report() };
  } finally {
    await session.dispose();
  }
}

export async function inspect(request: LoadRequest): Promise<InspectAnswer> {
  const engine = await loadEngine();
  const support = await engine.support(new URL(request.model, location.href));
  const session = await loadModel(request, { tune: 'off' });
  try {
    const notes: string[] = [];
    try {
      await runSession(session, filledFeeds(session, request));
    } catch (error) {
      notes.push(`a run with filled inputs failed, so nothing here has been run: ${textOf(error)}`);
    }
    const report = await session.report();
    return { support, inputs: session.inputs, outputs: session.outputs, report: { ...report, notes: [...report.notes, ...notes] } };
  } finally {
    await session.dispose();
  }
}

// What Node calls by name is exactly what the protocol lists.
({ verify, run, benchLoad, benchTune, benchRun, benchReport, benchOutputs, peerLoad, peerRun, peerOutputs, tune, inspect }) satisfies PageApi;
