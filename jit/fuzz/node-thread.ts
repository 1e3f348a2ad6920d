/** A helper thread in a worker of Node, for fuzzing: thread.ts behind Node's message port. */
import { parentPort } from 'node:worker_threads';
import { serveThread } from '../backends/wasm/thread.ts';

const port = parentPort;
if (port === null) throw new Error('a helper thread runs in a worker');
serveThread({
  postMessage: (message) => { port.postMessage(message); },
  addEventListener: (_, listener) => { port.on('message', (data: unknown) => { listener({ data } as unknown as Event); }); },
});
