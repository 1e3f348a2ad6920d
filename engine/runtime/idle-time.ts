/**
 * What a load does while it waits for a server or a disk: chores that it would have to do later anyway, one a turn of the event loop, so that an
 * answer waits for one of them at most. In: chores, as iterators that do a part of theirs each turn. One that fails is left to who needs what it
 * would have made.
 */
import { nextTask } from '../../jit/next-task.ts';

export class IdleTime {
  readonly #chores: { readonly chore: Iterator<unknown>; readonly after: number }[] = [];

  /** For after what was added before. `after`: milliseconds without an answer before each of its turns. */
  add(chore: Iterator<unknown>, after = 0): void {
    this.#chores.push({ chore, after });
  }

  /** Waits for a promise. */
  async during<T>(asked: Promise<T>): Promise<T> {
    let waits = true;
    const answered = (): void => { waits = false; };
    const answer = asked.then(answered, answered);
    for (let [next] = this.#chores; next !== undefined; [next] = this.#chores) {
      const { after } = next;
      await (after > 0 ? Promise.race([answer, new Promise((done) => setTimeout(done, after))]) : nextTask());
      // The promise's callback changes it, which flow analysis cannot see.
      if (!(waits as boolean)) break;
      this.#turn();
    }
    return asked;
  }

  /** Does all that there is. */
  end(): void {
    while (this.#chores.length > 0) this.#turn();
  }

  #turn(): void {
    try {
      if (this.#chores[0]?.chore.next().done === false) return;
    } catch {
      // See above.
    }
    this.#chores.shift();
  }
}
