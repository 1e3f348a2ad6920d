import { describe, expect, it } from 'vitest';
import { nextTask } from '../../jit/next-task.ts';
import { IdleTime } from './idle-time.ts';

function* counting(turns: number, count: () => void): Generator<void> {
  for (let i = 0; i < turns; i++) {
    count();
    if (i < turns - 1) yield;
  }
}

describe('idle time', () => {
  it('is filled with chores, one after the other', async () => {
    const idle = new IdleTime();
    const done: string[] = [];
    idle.add(counting(2, () => done.push('a')));
    idle.add(counting(1, () => done.push('b')));
    expect(await idle.during(new Promise((resolve) => { setTimeout(resolve, 100, 'answer'); }))).toBe('answer');
    expect(done).toEqual(['a', 'a', 'b']);
  });

  it('ends with the answer, whatever is left', async () => {
    const idle = new IdleTime();
    let [turns, answer] = [0, (): void => undefined];
    const asked = new Promise<void>((resolve) => { answer = resolve; });
    idle.add(counting(Infinity, () => { if (++turns === 3) answer(); }));
    await idle.during(asked);
    await nextTask();
    expect(turns).toBe(3);
  });

  it('is left alone where answers come soon', async () => {
    const idle = new IdleTime();
    let turns = 0;
    idle.add(counting(1, () => { turns++; }), 50);
    for (let i = 0; i < 3; i++) await idle.during(nextTask());
    expect(turns).toBe(0);
    await idle.during(new Promise((resolve) => { setTimeout(resolve, 200); }));
    expect(turns).toBe(1);
  });

  it('goes on in the next wait', async () => {
    const idle = new IdleTime();
    let turns = 0;
    idle.add(counting(4, () => { turns++; }));
    await idle.during(nextTask());
    const before = turns;
    await idle.during(new Promise((resolve) => { setTimeout(resolve, 100); }));
    expect([before < 4, turns]).toEqual([true, 4]);
  });

  it('hands on what it waits for, failures too', async () => {
    const idle = new IdleTime();
    idle.add(counting(1, () => { throw new Error('a chore fails'); }));
    let turns = 0;
    idle.add(counting(1, () => { turns++; }));
    const late = new Promise((_, reject) => { setTimeout(reject, 100, new Error('no answer')); });
    await expect(idle.during(late)).rejects.toThrow('no answer');
    expect(turns).toBe(1);
  });

  it('does all at once where nobody waits', () => {
    const idle = new IdleTime();
    let turns = 0;
    idle.add(counting(3, () => { turns++; }));
    idle.end();
    expect(turns).toBe(3);
  });
});
