/**
 * The entry of the worker script. One script, two roles: the engine (loads and runs models for the page) and its helper threads.
 * The first message tells which; an engine answers Ready once it can take calls.
 */
import { expose } from 'comlink';
import { version } from '../../package.json';
import { serveThread } from '../../jit/backends/wasm/thread.ts';
import { support } from '../load/support.ts';
import { mostThreads } from './choose-device.ts';
import { loadModel } from './load-model.ts';
import type { Hello, Ready } from './protocol.ts';
import { requireWasm } from './require-wasm.ts';
import { createService, serveRuns } from './service.ts';
import { ShortWayEnd } from './short-way.ts';
import { startThreads } from './spawn-thread.ts';

// The types of worker scopes and of pages cannot be loaded together; what is used here looks the same from both ends.
const scope = self as unknown as Worker;

function serveEngine({ lock, short, helpersFirst }: Extract<Hello, { role: 'engine' }>): void {
  if (helpersFirst) startThreads(mostThreads() - 1);
  const post = scope.postMessage.bind(scope);
  const ready = (): void => { post({ ready: true, version } satisfies Ready); };
  const service = createService({
    loadModel(...request) {
      requireWasm();
      return loadModel(...request);
    },
    support: ({ source, dims }, signal) => support(source, { dims, signal }),
  });
  // The page does not wait for Ready with its first call.
  expose(service, scope);
  serveRuns(service, scope, short && new ShortWayEnd(short));
  // A message that cannot be read here would leave its call open; an uncaught error ends the engine, and with it every call.
  scope.addEventListener('messageerror', () => {
    throw new Error('a message from the page could not be read');
  });
  if (lock === undefined) {
    ready();
    return;
  }
  void navigator.locks.request(lock, () => {
    ready();
    return new Promise<never>(() => undefined);
  });
}

scope.addEventListener('message', (event: MessageEvent<Hello>) => {
  const hello = event.data;
  switch (hello.role) {
    case 'engine': serveEngine(hello); break;
    case 'thread': serveThread(scope); break;
    default: hello satisfies never;
  }
}, { once: true });
