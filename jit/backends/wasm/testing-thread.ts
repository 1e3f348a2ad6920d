/** For tests only: a worker script that is a helper thread and nothing else. */
import { serveThread } from './thread.ts';

serveThread(self);
