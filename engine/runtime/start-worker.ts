/**
 * Starts the engine worker and watches over it. In: nothing (the script is inlined and started from a Blob) or the address of a
 * hosted script. Out: a `Connection`, before the worker has answered. A worker can fail in three mute ways, each told apart here:
 * a policy blocks it (an `error` event without a message; the document hears of it as `securitypolicyviolation`), its script cannot be
 * fetched, or it dies later (`self.close()` fires nothing at all: a Web Lock that the worker holds is set free then).
 */
import script from 'virtual:quern-worker';
import { version } from '../../package.json';
import { QuernError } from '../../jit/error.ts';
import type { Connection } from './client.ts';
import type { Hello, RanMessage, Ready } from './protocol.ts';
import { shortWayMemory } from './short-way.ts';

/** The worker's script parses in milliseconds; a hosted script that is none of ours never answers. */
const answerMs = 60_000;
/** How long a worker may take to start its helpers and answer: usually a fifth of a second. */
const helpersMs = 3000;
/** How long to wait for the document's violation report after the worker's mute error; both are queued at once. */
const violationMs = 100;

const workerUrlHint = "host dist/quern.worker.js on the page's own origin and name it in the option workerUrl";

/** Rejects with `worker-blocked` where no worker can be made; one that is made may still be blocked, and dies of it then. */
export async function startWorker(workerUrl: string | undefined): Promise<Connection> {
  const violations = watchViolations();
  const url = workerUrl ?? URL.createObjectURL(new Blob([...script], { type: 'text/javascript' }));
  const release = (): void => {
    if (workerUrl === undefined) URL.revokeObjectURL(url);
  };
  const failure = async (error: unknown): Promise<QuernError> => {
    release();
    const found = error instanceof QuernError && error.code !== 'worker-blocked' ? error : blocked(workerUrl, await violations.first(), error);
    violations.stop();
    return found;
  };
  let started: Started;
  try {
    started = start(url);
    // What a worker answers, or fails with, is heard below.
    for (let left = 3; started.hello.helpersFirst && left > 0 && !await settles(started.answered, helpersMs); left--) {
      started.closing.abort();
      started.worker.terminate();
      started = start(url, left > 1);
    }
  } catch (error) {
    throw await failure(error);
  }
  const { worker, hello: { lock, short }, closing, answered } = started;
  const watching = answered.then(() => {
    violations.stop();
    return watch(worker, lock, closing.signal);
  });
  const died = watching.catch(failure);
  const close = (): void => {
    closing.abort();
    worker.terminate();
    violations.stop();
    release();
  };
  return {
    endpoint: worker, short, close,
    died: died.then((error) => {
      close();
      return error;
    }),
  };
}

interface Started {
  readonly worker: Worker;
  readonly hello: Extract<Hello, { role: 'engine' }>;
  readonly closing: AbortController;
  /** Rejects with what the worker says instead of Ready. */
  readonly answered: Promise<void>;
}

/**
 * In Firefox 153 `new Worker` in a worker does not return in some 3 of 100 sessions. Its engines make their helpers before they answer; one that
 * does not answer is given up for another, and the last has to do without helpers until it needs them.
 */
function start(url: string, helpersFirst = crossOriginIsolated && navigator.userAgent.includes('Firefox/')): Started {
  const worker = construct(url);
  const hello = { role: 'engine', version, lock: lockName(), short: shortWayMemory(), helpersFirst } as const;
  const closing = new AbortController();
  const answered = answer(worker, hello, closing.signal);
  answered.catch(() => undefined);
  return { worker, hello, closing, answered };
}

/** Whether a promise settles in time, in whatever way. */
const settles = (promise: Promise<void>, ms: number): Promise<boolean> =>
  Promise.race([promise.then(() => true, () => true), new Promise<boolean>((resolve) => { setTimeout(resolve, ms, false); })]);

function construct(url: string): Worker {
  // Under `require-trusted-types-for 'script'` a plain string is refused; a page that allows the policy 'quern' lets us in.
  const factory = (globalThis as { readonly trustedTypes?: TrustedTypesFactory }).trustedTypes;
  const trusted = factory?.createPolicy('quern', { createScriptURL: (same) => same }).createScriptURL(url);
  return new Worker((trusted ?? url) as string, { name: 'quern' });
}

interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown };
}

function lockName(): string | undefined {
  // Absent on insecure origins, refused on opaque ones (a sandboxed frame).
  return isSecureContext && self.origin !== 'null' && 'locks' in navigator ? `quern-engine-${crypto.randomUUID()}` : undefined;
}

/** Says Hello and waits for Ready; for ever, if the signal fires. Calls may go out, and be answered, before. */
function answer(worker: Worker, hello: Hello, closed: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    const settle = (error?: QuernError): void => {
      clearTimeout(timer);
      done.abort();
      if (error === undefined) resolve();
      else reject(error);
    };
    const timer = setTimeout(() => { settle(new QuernError('worker-blocked', 'the worker script does not answer')); }, answerMs);
    closed.addEventListener('abort', () => { clearTimeout(timer); }, { signal: done.signal });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      settle(new QuernError('worker-blocked', describe(event)));
    }, { signal: done.signal });
    worker.addEventListener('message', ({ data }: MessageEvent<Partial<Ready & RanMessage & { readonly id: string }> | null>) => {
      // The answer to a call, by comlink or past it: the engine's lock may be granted after a small model has been loaded and run.
      if (data?.id !== undefined || data?.ran !== undefined) return;
      settle(data?.ready === true && data.version === version ? undefined : new QuernError('worker-blocked', 'the worker script is of another version', {
        expected: version,
        got: data?.version ?? 'a script that is not of Quern',
      }));
    }, { signal: done.signal });
    worker.postMessage(hello);
  });
}

/** Resolves when the worker dies; never, once the signal has fired. */
function watch(worker: Worker, lock: string | undefined, closed: AbortSignal): Promise<QuernError> {
  return new Promise((resolve) => {
    const die = (reason: string): void => { resolve(new QuernError('worker-died', `the engine's worker died: ${reason}`)); };
    // An uncaught error leaves the engine in no known state (a helper thread's arrives here too): end it, so that every call settles.
    worker.addEventListener('error', (event) => { die(describe(event)); }, { signal: closed });
    worker.addEventListener('messageerror', () => { die('an answer could not be read'); }, { signal: closed });
    if (lock !== undefined) {
      navigator.locks.request(lock, { signal: closed }, () => { if (!closed.aborted) die('it ended without a word'); }).catch(() => undefined);
    }
  });
}

function describe(event: Event): string {
  const message = event instanceof ErrorEvent ? event.message : '';
  return message || 'it fired an error without a message';
}

interface Violations {
  /** The first violation that concerns a worker, if one arrives in time. */
  first(): Promise<SecurityPolicyViolationEvent | undefined>;
  stop(): void;
}

function watchViolations(): Violations {
  const found: SecurityPolicyViolationEvent[] = [];
  const directives = ['worker-src', 'child-src', 'script-src', 'script-src-elem', 'default-src', 'require-trusted-types-for', 'trusted-types'];
  const listen = (event: SecurityPolicyViolationEvent): void => {
    if (directives.includes(event.effectiveDirective)) found.push(event);
  };
  document.addEventListener('securitypolicyviolation', listen);
  return {
    async first() {
      const until = performance.now() + violationMs;
      while (found.length === 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
      return found[0];
    },
    stop() {
      document.removeEventListener('securitypolicyviolation', listen);
    },
  };
}

function blocked(workerUrl: string | undefined, violation: SecurityPolicyViolationEvent | undefined, cause: unknown): QuernError {
  const what = workerUrl === undefined ? "the engine's worker could not be started from a Blob" : `no worker could be started from ${workerUrl}`;
  const because = cause instanceof Error ? cause.message.split('\n')[0] ?? '' : String(cause);
  if (violation === undefined) {
    const hint = workerUrl === undefined
      ? workerUrlHint
      : 'the script must be quern.worker.js of this version, on the page\'s own origin, and sent with Cross-Origin-Embedder-Policy where the page is isolated';
    const details = cause instanceof QuernError && cause.expected !== undefined ? { expected: cause.expected, got: cause.got ?? '' } : {};
    return new QuernError('worker-blocked', `${what}: ${because}`, { ...details, hint, cause });
  }
  const { effectiveDirective, originalPolicy } = violation;
  return new QuernError('worker-blocked', `${what}: the page's Content-Security-Policy forbids it by ${effectiveDirective}`, {
    expected: workerUrl === undefined ? `a policy with "${effectiveDirective} blob:"` : `a policy whose ${effectiveDirective} allows ${workerUrl}`,
    got: governing(originalPolicy, effectiveDirective),
    hint: workerUrl === undefined ? workerUrlHint : `allow ${workerUrl} in ${effectiveDirective}`,
    cause,
  });
}

/** The directive that decides about workers in a policy that may not spell `worker-src` out (CSP 3, fallback list of worker-src). */
export function governing(policy: string, effective: string): string {
  const directives = policy.split(';').map((d) => d.trim()).filter(Boolean);
  const chain = effective === 'worker-src' ? ['worker-src', 'child-src', 'script-src', 'default-src'] : [effective, 'default-src'];
  const named = chain.map((name) => directives.find((d) => d.split(/\s+/)[0]?.toLowerCase() === name));
  return named.find((d) => d !== undefined) ?? policy;
}
