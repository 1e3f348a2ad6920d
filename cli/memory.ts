/** Resident sizes of processes from /proc: what Linux has recorded as each one's peak (VmHWM). Elsewhere there are none. */
import { readFile } from 'node:fs/promises';

/** Bytes; undefined where /proc does not tell, or nothing says which processes they are. */
export async function peakBytes(pids: readonly number[]): Promise<number | undefined> {
  if (pids.length === 0) return undefined;
  let total = 0;
  for (const pid of pids) {
    const status = await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '');
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    if (kib === undefined) return undefined;
    total += Number(kib) * 1024;
  }
  return total;
}
