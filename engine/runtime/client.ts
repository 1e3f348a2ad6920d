/**
 * The page's side of the protocol: one client per worker, shared by the sessions of a page. Invariant: every promise it hands out
 * settles. comlink alone leaves calls open when the worker dies; here each call also ends with the worker's death and with its signals.
 */
import { wrap, type Endpoint, type Remote } from 'comlink';
import { fromWire, QuernError } from '../../jit/error.ts';
import type { RunRequest } from './model.ts';
import { type EngineApi, type Outcome, type RanMessage, type RunMessage, buffersOf, copied } from './protocol.ts';
import { type PageForm, ShortWay } from './short-way.ts';
import { SpareBuffers } from './spare-buffers.ts';

/** A worker that was started; see start-worker.ts. */
export interface Connection {
  readonly endpoint: Endpoint;
  /** Memory that the worker was given for small runs. */
  readonly short?: SharedArrayBuffer | undefined;
  /** Resolves when the worker is gone without `close` having been called; never rejects. */
  readonly died: Promise<QuernError>;
  close(): void;
}

export interface CallOptions<T> {
  /** Each ends the call: with its reason where that is a QuernError, else with `aborted`. */
  readonly signals?: readonly (AbortSignal | undefined)[];
  /** Gets a result that arrives after the call has ended, so that what it holds in the worker can be let go. */
  readonly late?: ((value: T) => void) | undefined;
}

export type Invoke<T> = (api: Remote<EngineApi>, call: number) => Promise<Outcome<T>>;

export class EngineClient {
  readonly #connection: Connection;
  readonly #api: Remote<EngineApi>;
  readonly #pending = new Set<(error: QuernError) => void>();
  readonly #short: ShortWay | undefined;
  readonly #spare = new SpareBuffers();
  readonly #runs = new Map<number, { readonly form: PageForm | undefined; readonly resolve: (outcome: RanMessage['outcome']) => void }>();
  #ended: QuernError | undefined;
  #lastCall = 0;

  constructor(connection: Connection) {
    const { endpoint, short } = connection;
    this.#connection = connection;
    if (short !== undefined) {
      const own = this.#short = new ShortWay(short);
      const post = endpoint.postMessage.bind(endpoint);
      endpoint.postMessage = (message: object, ...rest) => {
        own.posting('run' in message);
        post(message, ...rest);
      };
    }
    this.#api = wrap<EngineApi>(endpoint);
    endpoint.addEventListener('message', (event) => {
      const { ran, outcome, spent = [], guest } = ((event as MessageEvent<Partial<RanMessage> | null>).data ?? {});
      if (ran === undefined || outcome === undefined) return;
      this.#spare.keep(spent);
      const form = this.#runs.get(ran)?.form;
      if (form !== undefined) this.#short?.told(ran, form, outcome.ok ? outcome.value : undefined, guest);
      this.#ran(ran, outcome);
    });
    void connection.died.then((error) => { this.#end(error); });
  }

  /** Why calls fail from now on; undefined while the worker lives. */
  get ended(): QuernError | undefined {
    return this.#ended;
  }

  call<T>(invoke: Invoke<T>, { signals = [], late }: CallOptions<T> = {}): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const given = signals.filter((s) => s !== undefined);
    const already = given.find((s) => s.aborted);
    if (already !== undefined) return Promise.reject(abortError(already));
    const call = ++this.#lastCall;
    return new Promise<T>((resolve, reject) => {
      let open = true;
      const onAbort = (): void => {
        const signal = given.find((s) => s.aborted);
        if (!open || signal === undefined) return;
        fail(abortError(signal));
        void this.#api.abort(call);
      };
      const close = (): boolean => {
        if (!open) return false;
        open = false;
        this.#pending.delete(fail);
        for (const signal of given) signal.removeEventListener('abort', onAbort);
        return true;
      };
      const fail = (error: QuernError): void => {
        if (close()) reject(error);
      };
      this.#pending.add(fail);
      let answer: Promise<Outcome<T>>;
      try {
        answer = invoke(this.#api, call);
      } catch (error) {
        fail(unsendable(error));
        return;
      }
      // Arguments that cannot be cloned make it reject.
      answer.then((outcome) => {
        // A small run has its answer before the caller can abort it; nobody has seen the answer yet.
        onAbort();
        if (!outcome.ok) fail(fromWire(outcome.error));
        else if (close()) resolve(outcome.value);
        else late?.(outcome.value);
      }, (error: unknown) => { fail(unsendable(error)); });
      // After the answer had its turn: a small run has often got it by now, and listeners cost as much as all else here.
      queueMicrotask(() => {
        onAbort();
        if (open) for (const signal of given) signal.addEventListener('abort', onAbort);
      });
    });
  }

  /** Runs a session's model; for use as what `call` invokes. Feeds are read before it returns. */
  run(call: number, session: number, request: RunRequest): Promise<RanMessage['outcome']> {
    return new Promise((resolve) => {
      const form = this.#short?.form(session, request);
      this.#runs.set(call, { form, resolve });
      if (form && this.#short?.ask(call, form, request.feeds, (value) => { this.#ran(call, { ok: true, value }); }) === true) return;
      const feeds = copied(request.feeds, (bytes) => this.#spare.copy(bytes));
      const message: RunMessage = { run: call, session, request: { ...request, feeds }, form: form?.id };
      this.#connection.endpoint.postMessage(message, buffersOf(feeds));
    });
  }

  #ran(call: number, outcome: RanMessage['outcome']): void {
    this.#runs.get(call)?.resolve(outcome);
    this.#runs.delete(call);
  }

  /** Ends the worker; calls that are open reject with `disposed`. */
  close(): void {
    this.#connection.close();
    this.#end(new QuernError('disposed', 'the engine was disposed'));
  }

  #end(error: QuernError): void {
    this.#ended ??= error;
    for (const fail of [...this.#pending]) fail(error);
  }
}

function abortError(signal: AbortSignal): QuernError {
  const reason: unknown = signal.reason;
  return reason instanceof QuernError ? reason : new QuernError('aborted', 'the call was aborted', { cause: reason });
}

function unsendable(error: unknown): QuernError {
  if (error instanceof QuernError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof DOMException && error.name === 'DataCloneError') {
    return new QuernError('invalid-input', `an argument cannot be sent to the worker: ${text}`, { cause: error });
  }
  return new QuernError('internal', text, { cause: error });
}

interface Shared {
  readonly client: Promise<EngineClient>;
  users: number;
}

const engines = new Map<string, Shared>();

/** A share in the page's engine worker of this script; the worker starts with the first and ends with the last. */
export interface Lease {
  readonly client: EngineClient;
  /** Gives the share back; safe to call again. */
  end(): void;
}

/** In: address of a hosted worker script, or undefined for the inlined one. Rejects with `worker-blocked`. */
export async function leaseEngine(
  workerUrl: string | undefined,
  start: (url: string | undefined) => Promise<Connection>,
): Promise<Lease> {
  const key = workerUrl ?? '';
  const shared = engines.get(key) ?? { client: start(workerUrl).then((c) => new EngineClient(c)), users: 0 };
  engines.set(key, shared);
  shared.users++;
  const forget = (): void => {
    if (engines.get(key) === shared) engines.delete(key);
  };
  let client: EngineClient;
  try {
    client = await shared.client;
  } catch (error) {
    forget();
    throw error;
  }
  if (client.ended !== undefined) {
    // The worker died while others used it: they will notice, this one starts afresh.
    forget();
    return leaseEngine(workerUrl, start);
  }
  let given = false;
  return {
    client,
    end() {
      if (given) return;
      given = true;
      if (--shared.users > 0) return;
      forget();
      client.close();
    },
  };
}
