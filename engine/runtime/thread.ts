/** The entry of the script of helper threads. The first message says what every worker is told, its role; the rest is `serveThread`'s. */
import { type ThreadScope, serveThread } from '../../jit/backends/wasm/thread.ts';

const scope = self as unknown as ThreadScope;
scope.addEventListener('message', () => { serveThread(scope); }, { once: true });
