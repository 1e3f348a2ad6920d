/** Storage that may never answer: a database that is blocked, a folder of another process, a file handle that was collected (private-folder.ts). */

/** Milliseconds that storage may take to answer; nothing that is only a matter of speed may hold up a load. */
export const storagePatienceMs = 2000;

/** What `work` gives, or a rejection once it has taken too long. What comes later goes to `late`. */
export async function soon<T>(work: Promise<T>, patienceMs: number, late?: (value: T) => void): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const giveUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      if (late !== undefined) work.then(late, () => undefined);
      reject(new Error(`no answer within ${patienceMs} ms`));
    }, patienceMs);
  });
  try {
    return await Promise.race([work, giveUp]);
  } finally {
    clearTimeout(timer);
  }
}
