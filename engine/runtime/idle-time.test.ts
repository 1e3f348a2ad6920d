import { afterEach, describe, expect, it, vi } from 'vitest';
import { nextTask } from '../../jit/next-task.ts';
import { IdleTime } from './idle-time.ts';

function* counting(turns: number, count: () => void): Generator<void> {
  for (let i = 0; i < turns; i++) {
    count();
    if (i < turns - 1) yield;
  }
}

/** A promise, and what settles it. */
function question(): { readonly asked: Promise<string>; readonly answer: () => void; readonly fail: () => void } {
  let [answer, fail] = [(): void => undefined, (): void => undefined];
  const asked = new Promise<string>((resolve, reject) => {
    answer = () => { resolve('answer'); };
    fail = () => { reject(new Error('no answer')); };
  });
  return { asked, answer, fail };
}

describe('idle time', () => {
  afterEach(() => { vi.useRealTimers(); });

  it('is filled with chores, one after the other', async () => {
    const idle = new IdleTime();
    const { asked, answer } = question();
    const done: string[] = [];
    idle.add(counting(2, () => done.push('a')));
    idle.add(counting(1, () => {
      done.push('b');
      answer();
    }));
    expect(await idle.during(asked)).toBe('answer');
    expect(done).toEqual(['a', 'a', 'b']);
  });

  it('ends with the answer, and goes on in the next wait', async () => {
    const idle = new IdleTime();
    const [first, second] = [question(), question()];
    let turns = 0;
    idle.add(counting(Infinity, () => {
      turns++;
      if (turns === 3) first.answer();
      if (turns === 5) second.answer();
    }));
    await idle.during(first.asked);
    await nextTask();
    expect(turns).toBe(3);
    await idle.during(second.asked);
    expect(turns).toBe(5);
  });

  it('is left alone until there was no answer for some time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const idle = new IdleTime();
    const { asked, answer } = question();
    let turns = 0;
    idle.add(counting(2, () => { turns++; }), 3);
    const waiting = idle.during(asked);
    await vi.advanceTimersByTimeAsync(2);
    expect(turns).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(turns).toBe(1);
    answer();
    await waiting;
    expect(turns).toBe(1);
  });

  it('hands on failures of what it waits for, not those of chores', async () => {
    const idle = new IdleTime();
    const { asked, fail } = question();
    idle.add(counting(1, () => { throw new Error('a chore fails'); }));
    idle.add(counting(1, fail));
    await expect(idle.during(asked)).rejects.toThrow('no answer');
  });

  it('does all at once where nobody waits', () => {
    const idle = new IdleTime();
    let turns = 0;
    idle.add(counting(3, () => { turns++; }));
    idle.end();
    expect(turns).toBe(3);
  });
});
