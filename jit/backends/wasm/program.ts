/**
 * Programs in memory: the records that the walker reads, the parameter blocks that kernels read, and which step must wait for which.
 * A step waits for the last earlier one whose memory it reads after it was written, or writes after it was read or written; the walker
 * takes that as "and all before it", which programs in order make nearly free.
 */
import type { Step } from '../../device.ts';
import { invariant } from '../../error.ts';
import { evaluate } from '../../expr/visit.ts';
import type { WasmCode } from './emitter.ts';
import { type LinearMemory, type WasmRegion } from './memory.ts';
import { head, headBytes, step as field, stepBytes } from './walker.ts';

interface Span {
  readonly from: number;
  readonly to: number;
  readonly writes: boolean;
}

/** The code of a step's kernel. */
export function wasmCode(step: Step): WasmCode {
  const { code } = step.compiled;
  invariant('bytes' in code && 'units' in code, 'a step holds code of another device');
  return code as WasmCode;
}

export function unitsOf(code: WasmCode, dims: readonly number[]): number {
  return evaluate(code.units, new Map(code.kernel.syms.map((s, i) => [s, dims[i] ?? 0])));
}

/** Less memory than this is one claim of a map or rows: each claim costs 0.05 us, and mostly a look at the clock of 0.25. */
const claimBytes = 16 * 1024;

/**
 * Units a claim: enough chunks that threads end together, and that a single thread looks up often enough to see an abort. `unitBytes`: what a unit
 * reads and writes; 0 if nothing is known.
 */
export function chunkOf(code: Pick<WasmCode, 'grain' | 'kernel'>, units: number, threads: number, unitBytes: number): number {
  const pieces = threads === 1 ? 32 : threads * 8;
  return Math.max(1, leastClaim(code, unitBytes), Math.ceil(units / pieces));
}

function leastClaim({ grain, kernel: { body } }: Pick<WasmCode, 'grain' | 'kernel'>, unitBytes: number): number {
  return (body.kind === 'map' || body.kind === 'rows') && unitBytes > 0 ? Math.ceil(claimBytes / unitBytes) : grain;
}

/** After how many claims the clock is looked at, less 1, a mask: each where one may take long, every eighth of those of some 10 us. */
const lookAfter = (code: WasmCode, chunk: number, unitBytes: number): number =>
  (code.kernel.body.kind !== 'loop' && chunk <= 8 * leastClaim(code, unitBytes) ? 7 : 0);

/** For each step the last earlier one that it must wait for, or -1. */
export function dependencies(steps: readonly (readonly Span[])[]): number[] {
  return steps.map((mine, at) => {
    for (let before = at - 1; before >= 0; before--) {
      const theirs = steps[before] ?? [];
      const clash = mine.some((m) => theirs.some((t) => (m.writes || t.writes) && m.from < t.to && t.from < m.to));
      if (clash) return before;
    }
    return -1;
  });
}

/** Milliseconds above which a program always gets all threads, and after how many runs the slower way is tried again below that. */
const surelyMs = 4;
const retryAfter = 64;

/** Whether waking the helpers pays for a program: measured, since it costs 5 to 100 us and some programs take no longer. */
export class Pace {
  /** Running means: alone, together. */
  readonly #ms: [number, number] = [Infinity, Infinity];
  #runs = 0;

  /** Whether the next run is with helpers. */
  next(): boolean {
    const [alone, together] = this.#ms;
    const run = this.#runs++;
    // The first runs are in code that is not optimised yet.
    if (run < 16) return run % 2 === 0 || together > surelyMs;
    return together > surelyMs || (together < alone) === (run % retryAfter !== 0);
  }

  /** What a run took. One that was disturbed counts for no more than twice the mean. */
  took(ms: number, together: boolean): void {
    const which = together ? 1 : 0;
    const mean = this.#ms[which];
    this.#ms[which] = mean === Infinity ? ms : mean + (Math.min(ms, 2 * mean + 0.01) - mean) / 4;
  }
}

/** A program's block: header, records, parameter blocks. */
export class ProgramBlock {
  readonly pace = new Pace();
  readonly region: WasmRegion;
  readonly #params: number[] = [];
  readonly #dims: (readonly number[])[];
  readonly #codes: WasmCode[] = [];
  readonly #bytes: number[];

  constructor(private readonly memory: LinearMemory, readonly steps: readonly Step[], private readonly threads: number) {
    const words = steps.reduce((n, s) => n + s.args.length + s.dims.length, 0);
    this.region = memory.allocate(headBytes + stepBytes * steps.length + 4 * words);
    const view = this.#view();
    this.#dims = steps.map((s) => s.dims);
    this.#bytes = steps.map((s) => s.args.reduce((n, arg) => n + arg.bytes, 0));
    const spans = steps.map((s) => s.args.map((arg, i): Span => {
      const from = memory.address(arg);
      return { from, to: from + arg.bytes, writes: s.compiled.code.kernel.args[i]?.access !== 'read' };
    }));
    const after = dependencies(spans);
    let at = headBytes + stepBytes * steps.length;
    steps.forEach((s, i) => {
      this.#params.push(this.region.start + at);
      for (const word of [...(spans[i] ?? []).map((span) => span.from), ...s.dims]) {
        view.setUint32(at, word, true);
        at += 4;
      }
      view.setInt32(this.#record(i) + field.params, this.#params[i] ?? 0, true);
      view.setInt32(this.#record(i) + field.after, after[i] ?? -1, true);
    });
  }

  #view(): DataView {
    return new DataView(this.memory.memory.buffer, this.region.start, this.region.bytes);
  }

  #record(at: number): number {
    return headBytes + stepBytes * at;
  }

  /** Puts code at a table slot under a step. */
  set(at: number, code: WasmCode, slot: number): void {
    this.#codes[at] = code;
    this.#view().setInt32(this.#record(at) + field.table, slot, true);
    this.#setUnits(at, code);
  }

  /** Other addresses and dims for a step. */
  move(at: number, addresses: readonly number[], dims: readonly number[]): void {
    const words = new Int32Array(this.memory.memory.buffer, this.#params[at], addresses.length + dims.length);
    words.set(addresses);
    if (this.#dims[at] === dims) return;
    words.set(dims, addresses.length);
    this.#dims[at] = dims;
    this.#bytes[at] = 0;
    const code = this.#codes[at];
    if (code !== undefined) this.#setUnits(at, code);
  }

  #setUnits(at: number, code: WasmCode): void {
    const units = unitsOf(code, this.#dims[at] ?? []);
    const view = this.#view();
    view.setInt32(this.#record(at) + field.units, units, true);
    const unitBytes = (this.#bytes[at] ?? 0) / Math.max(1, units);
    const chunk = chunkOf(code, units, this.threads, unitBytes);
    view.setInt32(this.#record(at) + field.chunk, chunk, true);
    view.setInt32(this.#record(at) + field.look, lookAfter(code, chunk, unitBytes), true);
  }

  /** The next walk does the steps from `first` up to `limit`, not included. */
  range(first: number, limit: number): void {
    const view = this.#view();
    for (const [offset, value] of [[head.first, first], [head.limit, limit], [head.cursor, first], [head.checked, first]] as const) {
      view.setInt32(offset, value, true);
    }
  }
}

