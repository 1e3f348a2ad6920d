/**
 * The driver of programs, in WebAssembly: every thread walks the same list of steps, claims chunks of units by an atomic counter and
 * waits only where a step depends on an earlier one that others have not finished. No JavaScript runs between kernels. This file holds the
 * layout of a program in memory, the code that walks it, and the loop in which helper threads wait for work.
 *
 * A step's record is 32 bytes: table index, parameter block, units, units a chunk, next unit to claim, units done, the last
 * earlier step that it must wait for (-1: none), with all before that one, and a mask: the clock is looked at after claims whose number has none
 * of its bits. The control block is 32 bytes: signal, command,
 * program, helpers at work, version of the installed kernels, abort flag, runs of guests (guest.ts).
 */
import type { FunctionBuilder, Label, Local } from './function-builder.ts';
import { ModuleBuilder } from './module-builder.ts';

export const stepBytes = 32;
export const step = { table: 0, params: 4, units: 8, chunk: 12, next: 16, done: 20, after: 24, look: 28 } as const;

export const headBytes = 32;
/** Steps [first, limit) are walked; `cursor` and `checked` are where the main thread stands between two slices. */
export const head = { first: 0, limit: 4, cursor: 8, checked: 12 } as const;

export const controlBytes = 64;
export const control = { signal: 0, command: 4, program: 8, active: 12, version: 16, abort: 20, guests: 24 } as const;
export const command = { idle: 0, run: 1 } as const;

/** What `walk` returns. */
export const walked = { complete: 0, sliced: 1, aborted: 2 } as const;

/**
 * Turns of reading a counter before a thread sleeps: some 200 us. With a tenth of that, waits for a neighbour's last chunk often end in sleep,
 * and waking makes the next wait longer: on two threads MobileNet v2 took 9.9 instead of 9.1 ms, FastestDet 5.9 instead of 5.3; five times as
 * many gain nothing.
 */
const spins = 40_000;

export interface WalkerExports {
  /** The main thread: walks until done, aborted or `deadline` (ms, the clock of `env.now`). `sleeps`: it may sleep (not on a page's thread). */
  readonly walk: (program: number, control: number, deadline: number, sleeps: number) => number;
  /** A helper: works when told to, until the version of installed kernels is another than `version`. */
  readonly serve: (control: number, version: number) => void;
  /** Runs all units of one step `repeats` times. */
  readonly repeat: (table: number, params: number, units: number, repeats: number) => void;
  /** Sets the counters of a program's steps back, and it to its beginning: the next walk does all of it. */
  readonly reset: (program: number, steps: number) => void;
}

const kernel = { params: ['i32', 'i32', 'i32'], results: [] } as const;

export function buildWalker(): ModuleBuilder {
  const m = new ModuleBuilder();
  m.importMemory('env', 'memory', { min: 1, max: 65536, shared: true });
  const now = m.importFunction('env', 'now', { params: [], results: ['f64'] });
  const table = m.importTable('env', 'kernels', 1);

  /** Waits until all units of a step are done: `complete`, or why not. The main thread leaves at its deadline, in case a helper died. */
  const awaitStep = m.func(
    'await_step', { record: 'i32', control: 'i32', deadline: 'f64', sleeps: 'i32', main: 'i32' }, ['i32'],
    (f) => {
      const [record, ctl, deadline, sleeps, main] = [0, 1, 2, 3, 4].map((i) => f.param(i)) as [Local, Local, Local, Local, Local];
      const done = f.local('i32', 'done');
      const left = f.local('i32', 'left');
      f.i32(spins);
      f.set(left);
      f.loop((again) => {
        f.get(record);
        f.mem('i32.atomic.load', { offset: step.done });
        f.tee(done);
        f.get(record);
        f.mem('i32.load', { offset: step.units });
        f.op('i32.ge_s');
        f.if(() => { f.i32(walked.complete); f.return(); });
        f.get(ctl);
        f.mem('i32.atomic.load', { offset: control.abort });
        f.if(() => { f.i32(walked.aborted); f.return(); });
        f.get(left);
        f.i32(1);
        f.op('i32.sub');
        f.tee(left);
        f.i32(0);
        f.op('i32.gt_s');
        f.brIf(again);
        f.get(main);
        f.if(() => {
          f.call(now);
          f.get(deadline);
          f.op('f64.gt');
          f.if(() => { f.i32(walked.sliced); f.return(); });
        });
        f.get(sleeps);
        f.if(() => {
          // Whoever does the last unit wakes us. A millisecond at most, so that an abort is seen.
          f.get(record);
          f.get(done);
          f.i64(1_000_000);
          f.mem('memory.atomic.wait32', { offset: step.done });
          f.op('drop');
        });
        f.br(again);
      });
      f.op('unreachable');
    },
  );

  const work = m.func(
    'work', { program: 'i32', control: 'i32', deadline: 'f64', sleeps: 'i32', cursor: 'i32', checked: 'i32', main: 'i32' }, ['i32'],
    (f) => {
      const [program, ctl, deadline, sleeps, cursor, checked, main] = [0, 1, 2, 3, 4, 5, 6].map((i) => f.param(i)) as
        [Local, Local, Local, Local, Local, Local, Local];
      const record = f.local('i32', 'record');
      const begin = f.local('i32', 'begin');
      const end = f.local('i32', 'end');
      const limit = f.local('i32', 'limit');
      const outcome = f.local('i32', 'outcome');
      const claims = f.local('i32', 'claims');
      const recordOf = (index: Local): void => {
        f.get(program);
        f.get(index);
        f.i32(Math.log2(stepBytes));
        f.ops('i32.shl', 'i32.add');
        f.i32(headBytes);
        f.op('i32.add');
      };
      /** Waits for all steps up to the one on the stack. */
      const waitUpTo = (target: Local): void => {
        f.block((ready) => f.loop((again) => {
          f.get(checked);
          f.get(target);
          f.op('i32.gt_s');
          f.brIf(ready);
          recordOf(checked);
          f.get(ctl);
          f.get(deadline);
          f.get(sleeps);
          f.get(main);
          f.call(awaitStep);
          f.tee(outcome);
          f.if(() => {
            saveInt(f, program, head.cursor, cursor, main);
            saveInt(f, program, head.checked, checked, main);
            f.get(outcome);
            f.return();
          });
          increment(f, checked);
          f.br(again);
        }));
      };
      const target = f.local('i32', 'target');
      f.get(program);
      f.mem('i32.load', { offset: head.limit });
      f.set(limit);
      f.block((finished) => f.loop((nextStep) => {
        f.get(cursor);
        f.get(limit);
        f.op('i32.ge_s');
        f.brIf(finished);
        recordOf(cursor);
        f.tee(record);
        f.mem('i32.load', { offset: step.after });
        f.set(target);
        waitUpTo(target);
        f.block((taken) => f.loop((claim) => {
          f.get(ctl);
          f.mem('i32.atomic.load', { offset: control.abort });
          f.if(() => { f.i32(walked.aborted); f.return(); });
          f.get(record);
          f.get(record);
          f.mem('i32.load', { offset: step.chunk });
          f.mem('i32.atomic.rmw.add', { offset: step.next });
          f.tee(begin);
          f.get(record);
          f.mem('i32.load', { offset: step.units });
          f.tee(end);
          f.op('i32.ge_s');
          f.brIf(taken);
          // end = min(units, begin + chunk)
          f.get(begin);
          f.get(record);
          f.mem('i32.load', { offset: step.chunk });
          f.op('i32.add');
          f.get(end);
          f.get(begin);
          f.get(record);
          f.mem('i32.load', { offset: step.chunk });
          f.op('i32.add');
          f.get(end);
          f.ops('i32.lt_s', 'select');
          f.set(end);
          f.get(record);
          f.mem('i32.load', { offset: step.params });
          f.get(begin);
          f.get(end);
          f.get(record);
          f.mem('i32.load', { offset: step.table });
          f.callIndirect(table, kernel);
          finishUnits(f, record, begin, end);
          increment(f, claims);
          f.get(claims);
          f.get(record);
          f.mem('i32.load', { offset: step.look });
          f.ops('i32.and', 'i32.eqz');
          f.get(main);
          f.op('i32.and');
          f.if(() => {
            f.call(now);
            f.get(deadline);
            f.op('f64.gt');
            f.if(() => {
              saveInt(f, program, head.cursor, cursor, main);
              saveInt(f, program, head.checked, checked, main);
              f.i32(walked.sliced);
              f.return();
            });
          });
          f.br(claim);
        }));
        increment(f, cursor);
        f.br(nextStep);
      }));
      f.get(main);
      f.if(() => {
        f.get(limit);
        f.i32(1);
        f.op('i32.sub');
        f.set(target);
        waitUpTo(target);
      });
      f.i32(walked.complete);
    },
  );

  m.func('walk', { program: 'i32', control: 'i32', deadline: 'f64', sleeps: 'i32' }, ['i32'], (f) => {
    f.get(f.param(0));
    f.get(f.param(1));
    f.get(f.param(2));
    f.get(f.param(3));
    f.get(f.param(0));
    f.mem('i32.load', { offset: head.cursor });
    f.get(f.param(0));
    f.mem('i32.load', { offset: head.checked });
    f.i32(1);
    f.call(work);
  }, true);

  m.func('serve', { control: 'i32', version: 'i32' }, [], (f) => {
    const [ctl, version] = [f.param(0), f.param(1)];
    const signal = f.local('i32', 'signal');
    const program = f.local('i32', 'program');
    const word = (offset: number): void => { f.get(ctl); f.mem('i32.atomic.load', { offset }); };
    f.loop((again) => {
      word(control.signal);
      f.set(signal);
      word(control.version);
      f.get(version);
      f.op('i32.ne');
      f.if(() => f.return());
      word(control.command);
      f.i32(command.run);
      f.op('i32.eq');
      f.if(() => {
        // Only after it is counted does a helper look whether there still is something to do; the main thread looks in the other order.
        f.get(ctl);
        f.i32(1);
        f.mem('i32.atomic.rmw.add', { offset: control.active });
        f.op('drop');
        word(control.command);
        f.i32(command.run);
        f.op('i32.eq');
        word(control.version);
        f.get(version);
        f.op('i32.eq');
        f.op('i32.and');
        f.if(() => {
          word(control.program);
          f.tee(program);
          f.get(ctl);
          f.f64(0);
          f.i32(1);
          f.get(program);
          f.mem('i32.load', { offset: head.first });
          f.get(program);
          f.mem('i32.load', { offset: head.first });
          f.i32(0);
          f.call(work);
          f.op('drop');
        });
        f.get(ctl);
        f.i32(1);
        f.mem('i32.atomic.rmw.sub', { offset: control.active });
        f.op('drop');
        f.get(ctl);
        f.i32(-1);
        f.mem('memory.atomic.notify', { offset: control.active });
        f.op('drop');
      });
      f.get(ctl);
      f.get(signal);
      f.i64(-1);
      f.mem('memory.atomic.wait32', { offset: control.signal });
      f.op('drop');
      f.br(again);
    });
    f.op('unreachable');
  }, true);

  m.func('repeat', { index: 'i32', params: 'i32', units: 'i32', repeats: 'i32' }, [], (f) => {
    const [index, params, units, repeats] = [f.param(0), f.param(1), f.param(2), f.param(3)];
    f.loop((again) => {
      f.get(params);
      f.i32(0);
      f.get(units);
      f.get(index);
      f.callIndirect(table, kernel);
      f.get(repeats);
      f.i32(1);
      f.op('i32.sub');
      f.tee(repeats);
      f.i32(0);
      f.op('i32.gt_s');
      f.brIf(again);
    });
  }, true);

  m.func('reset', { program: 'i32', steps: 'i32' }, [], (f) => {
    const [record, left] = [f.param(0), f.param(1)];
    for (const field of [head.first, head.cursor, head.checked]) {
      f.get(record);
      f.i32(0);
      f.mem('i32.store', { offset: field });
    }
    f.get(record);
    f.get(left);
    f.mem('i32.store', { offset: head.limit });
    f.block((done: Label) => f.loop((again) => {
      f.get(left);
      f.op('i32.eqz');
      f.brIf(done);
      for (const field of [step.next, step.done]) {
        f.get(record);
        f.i32(0);
        f.mem('i32.atomic.store', { offset: headBytes + field });
      }
      f.get(record);
      f.i32(stepBytes);
      f.op('i32.add');
      f.set(record);
      f.get(left);
      f.i32(1);
      f.op('i32.sub');
      f.set(left);
      f.br(again);
    }));
  }, true);
  return m;
}

function increment(f: FunctionBuilder, local: Local): void {
  f.get(local);
  f.i32(1);
  f.op('i32.add');
  f.set(local);
}

/** Stores an i32 if `on` is not 0. */
function saveInt(f: FunctionBuilder, base: Local, offset: number, value: Local, on: Local): void {
  f.get(on);
  f.if(() => {
    f.get(base);
    f.get(value);
    f.mem('i32.store', { offset });
  });
}

/** done += end - begin; the last one wakes those who wait. */
function finishUnits(f: FunctionBuilder, record: Local, begin: Local, end: Local): void {
  f.get(record);
  f.get(end);
  f.get(begin);
  f.op('i32.sub');
  f.mem('i32.atomic.rmw.add', { offset: step.done });
  f.get(end);
  f.get(begin);
  f.ops('i32.sub', 'i32.add');
  f.get(record);
  f.mem('i32.load', { offset: step.units });
  f.op('i32.eq');
  f.if(() => {
    f.get(record);
    f.i32(-1);
    f.mem('memory.atomic.notify', { offset: step.done });
    f.op('drop');
  });
}
