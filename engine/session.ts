/**
 * Sessions on the page: `load`, `support` and the object that `load` gives. The model itself lives in the worker; here feeds are checked and
 * copied, results wrapped, and the loss of the worker or the GPU is mended where the source can be opened again: the call that meets it
 * rejects, the next one loads the model anew.
 */
import { proxy, transfer } from 'comlink';
import { QuernError } from './errors.ts';
import { checkOutputNames, wireFeeds, type Feed } from './feeds.ts';
import { checkOptions, resolveOptions, type LoadOptions, type RunOptions, type SupportOptions, type TuneOptions } from './options.ts';
import type { Report, SupportReport, TuneReport } from './report.ts';
import { leaseEngine, type Invoke, type Lease } from './runtime/client.ts';
import type { Progress, ValueInfo, WireTensor } from './runtime/model.ts';
import { copied, type LoadRequest, type ProgressSink, type SessionInfo } from './runtime/protocol.ts';
import { startWorker } from './runtime/start-worker.ts';
import { canReopen, resolveUrl, toWireSource, transferOf, type Source } from './source.ts';
import { dataOf, DeviceTensor, PageTensor, type Tensor, type TensorHome } from './tensor.ts';

/**
 * Every method rejects with `disposed` after `dispose`, and with `worker-died` or `device-lost` if that happens under it; the next call then
 * loads the model again if its source was an address or a Blob. Kept tensors are gone in that case.
 */
export interface Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly device: 'webgpu' | 'wasm';
  /** Of the CPU; 1 without cross-origin isolation. */
  readonly threads: number;
  /** Runs the model. Runs of a session queue in order. Rejects with `invalid-input` for feeds that do not fit. */
  run(feeds: Readonly<Record<string, Feed>>, options?: RunOptions): Promise<Record<string, Tensor>>;
  /** Looks for better kernels now; they take effect before it resolves. */
  tune(options?: TuneOptions): Promise<TuneReport>;
  /** What runs where and how fast. Takes a profiled run of the model. */
  report(): Promise<Report>;
  /** What was measured, as JSON without code, for `importTuning` on a like device. */
  exportTuning(): Promise<string>;
  /** Takes what `exportTuning` gave, here or elsewhere; choices are checked again before they are used. */
  importTuning(json: string): Promise<void>;
  /** Frees everything the session holds, kept tensors included; open calls reject with `disposed`. Safe to call again. */
  dispose(): Promise<void>;
}

/**
 * Loads a model: an address, a Request without a body, a Blob or File, bytes, or a stream of them. Bytes are copied. Rejects with a
 * QuernError: see ErrorCode for what can go wrong.
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Session> {
  const resolved = resolveOptions(options);
  const { signal, onProgress, workerUrl, externalData = {} } = options;
  const request: LoadRequest = {
    source: await toWireSource(source),
    externalData: Object.fromEntries(await Promise.all(Object.entries(externalData).map(
      async ([name, data]) => [name, await toWireSource(data, `externalData['${name}']`)] as const,
    ))),
    options: resolved,
  };
  const script = workerUrl === undefined ? undefined : resolveUrl(workerUrl, 'workerUrl');
  if (resolved.cache && request.source.kind === 'url') void persist().catch(() => undefined);
  return new ModelSession(await connect(request, script, signal, onProgress), request, script);
}

/** What of a model would not run here, and how much memory it needs, from its head: weights are not downloaded. */
export async function support(source: Source, options: SupportOptions = {}): Promise<SupportReport> {
  checkOptions('support', options);
  const { dims = {}, workerUrl, signal } = options;
  const wire = await toWireSource(source);
  const request = { source: wire, dims };
  const lease = await leaseEngine(workerUrl === undefined ? undefined : resolveUrl(workerUrl, 'workerUrl'), startWorker);
  try {
    return await lease.client.call((api, call) => api.support(call, transfer(request, transferOf(wire))), { signals: [signal] });
  } finally {
    lease.end();
  }
}

/** Asks the browser not to clear kept models when space is short. Not in Firefox, which would put the question to its user. */
async function persist(): Promise<void> {
  const { storage, userAgent = '' } = navigator as Partial<Navigator>;
  if (storage === undefined || userAgent.includes('Firefox/') || (await storage.persisted())) return;
  await storage.persist();
}

interface Link {
  readonly lease: Lease;
  readonly info: SessionInfo;
}

async function connect(
  request: LoadRequest,
  script: string | undefined,
  signal: AbortSignal | undefined,
  onProgress: ((p: Progress) => void) | undefined,
): Promise<Link> {
  const lease = await leaseEngine(script, startWorker);
  try {
    const transfers = [request.source, ...Object.values(request.externalData)].flatMap(transferOf);
    const info = await lease.client.call((api, call) => api.load(call, transfer(request, transfers), progressSink(onProgress)), {
      signals: [signal],
      late: ({ id }) => void lease.client.call((api, call) => api.dispose(call, id)).catch(() => undefined),
    });
    return { lease, info };
  } catch (error) {
    lease.end();
    throw error;
  }
}

/** A callback as the worker can call it. What it throws is reported as any uncaught error of the page, not swallowed. */
function progressSink(callback: ((p: Progress) => void) | undefined): ProgressSink | undefined {
  if (callback === undefined) return undefined;
  return proxy((progress: Progress) => {
    try {
      callback(progress);
    } catch (error) {
      reportError(error);
    }
    return Promise.resolve();
  });
}

class ModelSession implements Session {
  #link: Link;
  readonly #request: LoadRequest;
  readonly #script: string | undefined;
  readonly #ended = new AbortController();
  readonly #kept = new Map<number, DeviceTensor>();
  #reconnecting: Promise<Link> | undefined;
  #disposed: Promise<void> | undefined;
  /** Why the model in the worker is of no use any more, though the worker lives. */
  #lost: QuernError | undefined;
  #letGo = (): void => undefined;
  #home: TensorHome;

  constructor(link: Link, request: LoadRequest, script: string | undefined) {
    this.#link = link;
    this.#request = request;
    this.#script = script;
    this.#home = this.#makeHome(link);
  }

  get inputs(): readonly ValueInfo[] { return this.#link.info.inputs; }
  get outputs(): readonly ValueInfo[] { return this.#link.info.outputs; }
  get device(): 'webgpu' | 'wasm' { return this.#link.info.device; }
  get threads(): number { return this.#link.info.threads; }

  async run(feeds: Readonly<Record<string, Feed>>, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    this.#assertOpen();
    checkOptions('run', options);
    const { outputs, keep, signal } = options;
    // Kept tensors are gone with worker or device: feeding one must say so.
    const broken = this.#broken() !== undefined;
    if (broken) this.#drop('the device that held the tensor was lost');
    checkOutputNames(this.outputs, outputs, keep);
    const wire = wireFeeds(this.inputs, feeds, this.#home);
    // They may change while the model is loaded again.
    const request = { feeds: broken ? copied(wire) : wire, outputs, keep };
    const results = await this.#call((_, call, id) => this.#link.lease.client.run(call, id, request), signal, (late) => {
      for (const tensor of Object.values(late)) if (tensor.kind === 'handle') this.#home.release(tensor.handle);
    });
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, this.#wrap(tensor)]));
  }

  async tune(options: TuneOptions = {}): Promise<TuneReport> {
    checkOptions('tune', options);
    const { budgetMs, exhaustive, signal, onProgress } = options;
    return this.#call((api, call, id) => api.tune(call, id, { budgetMs, exhaustive }, progressSink(onProgress)), signal);
  }

  report(): Promise<Report> {
    return this.#call((api, call, id) => api.report(call, id));
  }

  exportTuning(): Promise<string> {
    return this.#call((api, call, id) => api.exportTuning(call, id));
  }

  importTuning(json: string): Promise<void> {
    return this.#call((api, call, id) => api.importTuning(call, id, json));
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#end();
    return this.#disposed;
  }

  async #end(): Promise<void> {
    this.#ended.abort(new QuernError('disposed', 'the session was disposed'));
    this.#drop('the session of the tensor was disposed');
    const link = await this.#reconnecting?.catch(() => undefined) ?? this.#link;
    await this.#leave(link);
  }

  async #leave({ lease, info }: Link): Promise<void> {
    try {
      await lease.client.call((api, call) => api.dispose(call, info.id));
    } catch (error) {
      // A worker that is dead holds nothing any more, and a lost device nothing that could be freed.
      if (lease.client.ended === undefined && this.#lost === undefined) throw error;
    } finally {
      lease.end();
    }
  }

  #assertOpen(): void {
    if (this.#disposed !== undefined) throw new QuernError('disposed', 'the session was disposed');
  }

  #broken(): QuernError | undefined {
    return this.#link.lease.client.ended ?? this.#lost;
  }

  /** Calls the worker for this session; after a loss, loads the model again first where its source allows. */
  async #call<T>(
    invoke: (...args: [...Parameters<Invoke<T>>, session: number]) => ReturnType<Invoke<T>>,
    signal?: AbortSignal,
    late?: (value: T) => void,
  ): Promise<T> {
    this.#assertOpen();
    const broken = this.#broken();
    // Not awaited while all is well: calls must reach the worker in the order in which they were made.
    if (broken !== undefined) await this.#reconnect(broken);
    this.#assertOpen();
    const { lease, info } = this.#link;
    this.#letGo();
    try {
      return await lease.client.call((api, call) => invoke(api, call, info.id), { signals: [this.#ended.signal, signal], late });
    } catch (error) {
      if (error instanceof QuernError && error.code === 'device-lost' && this.#link.info === info) this.#lost = error;
      throw error;
    }
  }

  async #reconnect(broken: QuernError): Promise<void> {
    const { source, externalData } = this.#request;
    if (![source, ...Object.values(externalData)].every(canReopen)) throw broken;
    if (this.#reconnecting === undefined) {
      this.#drop('the device that held the tensor was lost');
      // Left first: a GPU must not hold the weights twice.
      this.#reconnecting = this.#leave(this.#link).then(() => connect(this.#request, this.#script, this.#ended.signal, undefined));
      this.#reconnecting.then((link) => {
        this.#link = link;
        this.#lost = undefined;
        this.#home = this.#makeHome(link);
      }, () => undefined).finally(() => { this.#reconnecting = undefined; });
    }
    await this.#reconnecting;
  }

  #makeHome({ lease, info }: Link): TensorHome {
    // A cache of many tensors is let go of in one message, before whatever is asked for next.
    const released: number[] = [];
    this.#letGo = () => {
      if (released.length > 0) lease.client.call((api, call) => api.release(call, info.id, released.splice(0))).catch(() => undefined);
    };
    return {
      read: (handle) => {
        this.#assertOpen();
        return lease.client.call((api, call) => api.read(call, info.id, handle), { signals: [this.#ended.signal] });
      },
      release: (handle) => {
        this.#kept.delete(handle);
        if (lease.client.ended !== undefined || this.#disposed !== undefined) return;
        if (released.push(handle) === 1) queueMicrotask(this.#letGo);
      },
    };
  }

  #wrap(tensor: WireTensor): Tensor {
    if (tensor.kind === 'bytes') return new PageTensor(tensor.dtype, tensor.dims, dataOf(tensor.dtype, tensor.bytes));
    // Updated in place: the memory of a tensor that was fed is now that of this result.
    const before = this.#kept.get(tensor.handle);
    if (before !== undefined) before.gone = 'the tensor was fed to a run that updated it in place; use its result';
    const made = new DeviceTensor(tensor.dtype, tensor.dims, tensor.handle, this.#home);
    this.#kept.set(tensor.handle, made);
    return made;
  }

  /** Marks every kept tensor as gone. */
  #drop(why: string): void {
    for (const tensor of this.#kept.values()) tensor.gone ??= why;
    this.#kept.clear();
  }
}
