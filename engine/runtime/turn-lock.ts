/**
 * Whose turn it is on a device: holders follow each other in the order in which they asked. The tuner asks anew between measurements, so
 * that a run that arrives meanwhile goes before its next one.
 */
export class TurnLock {
  #tail: Promise<unknown> = Promise.resolve();
  /** Turns that were asked for and have not ended. */
  #open = 0;

  /** Whether nobody has a turn or waits for one. */
  get free(): boolean {
    return this.#open === 0;
  }

  async hold<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.acquire();
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Resolves, when it is this caller's turn, with what ends it. */
  async acquire(): Promise<() => void> {
    let release: () => void = () => undefined;
    const before = this.#tail;
    this.#tail = new Promise<void>((done) => { release = done; });
    this.#open++;
    await before;
    return () => {
      this.#open--;
      release();
    };
  }
}
