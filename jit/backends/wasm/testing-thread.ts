/** For tests only: a worker script that is a helper thread and nothing else. */
import { type ThreadScope, serveThread } from './thread.ts';

serveThread(self as unknown as ThreadScope);
