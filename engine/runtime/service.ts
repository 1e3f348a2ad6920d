/**
 * The worker's side of the protocol: holds the sessions, queues their runs, hands abort signals on. In: what loads a model and what
 * reads its head. Out: an `EngineApi` to expose. Invariants: runs of a session start in the order in which they arrived, one at a
 * time; a call that was aborted leaves nothing behind (no model, no kept tensors); every method answers, also for a session
 * that is gone.
 */
import { transfer } from 'comlink';
import { QuernError } from '../../jit/error.ts';
import { nextTask } from '../../jit/next-task.ts';
import type { SupportReport } from '../report.ts';
import type { SharedRun } from './guest-run.ts';
import type { LoadModel, Model, Progress, RunRequest, WireTensor } from './model.ts';
import {
  type EngineApi, type Guest, type Outcome, type ProgressSink, type RanMessage, type RunMessage, type SupportRequest, buffersOf, outcomeOf,
} from './protocol.ts';
import { type ShortWayEnd, patienceMs } from './short-way.ts';

export interface ServiceParts {
  readonly loadModel: LoadModel;
  readonly support: (request: SupportRequest, signal: AbortSignal) => Promise<SupportReport>;
}

interface Held {
  readonly model: Model;
  /** Settles when the last queued run has; never rejects. */
  tail: Promise<unknown>;
}

export interface Service extends EngineApi {
  /** A session's model needs no event loop while it is at rest. */
  mayPark(session: number): boolean;
  /** `Model.share` of a session's. */
  share(session: number, request: RunRequest): SharedRun | undefined;
}

export function createService({ loadModel, support }: ServiceParts): Service {
  const sessions = new Map<number, Held>();
  const calls = new Map<number, AbortController>();
  let lastSession = 0;

  const held = (session: number): Held => {
    const found = sessions.get(session);
    if (found === undefined) throw new QuernError('disposed', 'the session was disposed');
    return found;
  };

  const abortable = async <T>(call: number, work: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> => {
    const controller = new AbortController();
    calls.set(call, controller);
    const outcome = await outcomeOf(() => work(controller.signal));
    calls.delete(call);
    return outcome;
  };

  return {
    load: (call, { source, externalData, options }, onProgress) => abortable(call, async (signal) => {
      const progress = progressSender(onProgress);
      const model = await loadModel(source, externalData, options, progress.send, signal);
      if (signal.aborted) {
        await model.dispose();
        throw aborted();
      }
      await progress.flush();
      const id = ++lastSession;
      sessions.set(id, { model, tail: Promise.resolve() });
      const { inputs, outputs, device, threads } = model;
      return { id, inputs, outputs, device, threads };
    }),

    support: (call, request) => abortable(call, (signal) => support(request, signal)),

    async run(call, session, request) {
      const outcome = await abortable(call, (signal) => {
        const holder = held(session);
        const { model } = holder;
        const turn = holder.tail.then(async () => {
          if (signal.aborted) throw aborted();
          if (!sessions.has(session)) throw new QuernError('disposed', 'the session was disposed before the run began');
          const results = await model.run(request, signal);
          if (!isAborted(signal)) return results;
          for (const result of Object.values(results)) if (result.kind === 'handle') model.release(result.handle);
          throw aborted();
        });
        holder.tail = turn.catch(() => undefined);
        return turn;
      });
      return outcome.ok ? { ok: true, value: detachable(outcome.value) } : outcome;
    },

    tune: (call, session, request, onProgress) => abortable(call, async (signal) => {
      const progress = progressSender(onProgress);
      const report = await held(session).model.tune(request, signal, progress.send);
      await progress.flush();
      return report;
    }),

    report: (call, session) => abortable(call, () => held(session).model.report()),
    exportTuning: (call, session) => abortable(call, () => held(session).model.exportTuning()),
    importTuning: (call, session, json) => abortable(call, async () => {
      await held(session).model.importTuning(json);
      return undefined;
    }),

    async read(call, session, handle) {
      // After the runs that were asked for before: one of them may be writing this very tensor in place.
      const outcome = await abortable(call, async () => {
        const { model, tail } = held(session);
        await tail;
        return model.read(handle);
      });
      if (!outcome.ok) return outcome;
      const bytes = ownBytes(outcome.value);
      return transfer({ ok: true, value: bytes }, [bytes.buffer]);
    },

    release: (call, session, handles) => abortable(call, async () => {
      const { model, tail } = held(session);
      await tail;
      for (const handle of handles) model.release(handle);
      return undefined;
    }),

    dispose: (call, session) => abortable(call, async () => {
      const { model, tail } = held(session);
      sessions.delete(session);
      await tail;
      await model.dispose();
      return undefined;
    }),

    abort(call) {
      calls.get(call)?.abort();
    },

    mayPark: (session) => sessions.get(session)?.model.device === 'wasm',
    share: (session, request) => sessions.get(session)?.model.share?.(request),
  };
}

/** Asked again: between two looks at a signal it may have fired, which flow analysis cannot know. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;
const aborted = (): QuernError => new QuernError('aborted', 'the call was aborted');

/** Bytes in a buffer of their own, so that it can be transferred: results may be views of memory that lives on. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength ? new Uint8Array(buffer) : new Uint8Array(bytes);
}

function detachable(results: Readonly<Record<string, WireTensor>>): Readonly<Record<string, WireTensor>> {
  const own = ([name, tensor]: readonly [string, WireTensor]): [string, WireTensor] => [
    name,
    tensor.kind === 'handle' ? tensor : { ...tensor, bytes: ownBytes(tensor.bytes) },
  ];
  return Object.fromEntries(Object.entries(results).map(own));
}

/** The part of a worker's scope (or a port) that runs need. */
interface RunScope {
  addEventListener(type: 'message', listener: (event: MessageEvent<Partial<RunMessage> | null>) => void): void;
  postMessage(message: RanMessage, transfer: Transferable[]): void;
}

/** Milliseconds of runs, one after the other, after which the next comes as a message: storage and timers need the event loop. */
const turnMs = 30;

/** Answers the runs that come past comlink. With `short`, this thread waits in shared memory for the next small run after each. */
export function serveRuns(api: Service, scope: RunScope, short?: ShortWayEnd): void {
  if (short !== undefined) {
    const post = scope.postMessage.bind(scope);
    scope.postMessage = (...message) => {
      short.sent++;
      post(...message);
    };
  }
  const tell = (call: number, outcome: RanMessage['outcome'], spent: readonly ArrayBuffer[] = [], guest?: Guest): void => {
    scope.postMessage({ ran: call, outcome, spent, guest }, [...(outcome.ok ? buffersOf(outcome.value) : []), ...spent]);
  };
  let parks = false;
  const park = async (end: ShortWayEnd): Promise<void> => {
    parks = true;
    let lastRun = performance.now();
    let lastTurn = lastRun;
    let offered = true;
    while (offered) {
      const asked = end.take();
      if (asked === undefined) {
        await nextTask();
        lastTurn = performance.now();
        if (end.guestRan()) lastRun = lastTurn;
        offered = lastTurn - lastRun < patienceMs && end.offer();
        continue;
      }
      const { call, form, session, request } = asked;
      const outcome = await api.run(call, session, request);
      lastRun = performance.now();
      offered = lastRun - lastTurn < turnMs && end.offer();
      if (outcome.ok && end.answer(call, form, outcome.value)) continue;
      end.remember(form, session, request, outcome);
      tell(call, outcome);
      // It answered no message.
      end.sent--;
    }
    parks = false;
  };
  scope.addEventListener('message', ({ data }) => {
    if (short !== undefined) short.received++;
    if (data?.run === undefined || data.session === undefined || data.request === undefined) {
      short?.unshare();
      return;
    }
    const { run: call, session, request, form } = data;
    void api.run(call, session, request).then((outcome) => {
      // Before the buffers leave.
      short?.remember(form, session, request, outcome);
      const end = !parks && api.mayPark(session) ? short : undefined;
      const guest = short?.share(form, () => api.share(session, request));
      end?.offer(1);
      tell(call, outcome, buffersOf(request.feeds), guest);
      if (end !== undefined) void park(end);
    });
  });
}

export interface ProgressSender {
  readonly send: (progress: Progress) => void;
  readonly flush: () => Promise<void>;
}

/**
 * Sends progress to the page, at most one message under way: of what happens in between only the newest of each phase is kept, so
 * that a fast download does not flood the page. What tuning measured is kept one by one. `flush` waits until the page has seen the last, so
 * that none comes after the result.
 */
export function progressSender(sink: ProgressSink | undefined): ProgressSender {
  const waiting = new Map<Progress | Progress['phase'], Progress>();
  let pump: Promise<void> | undefined;
  const drain = async (to: ProgressSink): Promise<void> => {
    for (const [phase, progress] of waiting) {
      waiting.delete(phase);
      // A callback that throws is the page's affair (the client reports it there); a load does not fail for it.
      await to(progress).catch(() => undefined);
    }
    pump = undefined;
  };
  return {
    send(progress) {
      if (sink === undefined) return;
      waiting.set(progress.phase === 'tune' && progress.detail !== undefined ? progress : progress.phase, progress);
      pump ??= Promise.resolve().then(() => drain(sink));
    },
    async flush() {
      while (pump !== undefined) await pump;
    },
  };
}
