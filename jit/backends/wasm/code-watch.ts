/**
 * Watches the code of one WebAssembly function while it is built. The operand stack is type-checked, so that a mistake in an emitter is an error
 * at its own line ("i32.add: expected i32 on the stack, got i64") and not a refused module; and every instruction is kept as an item, for listings.
 * That costs an object an instruction (45,000 in a small model), and texts: tests and fuzzing have all of it, what ships keeps items while a listing
 * is wanted, and checks nothing.
 */
import { QuernError } from '../../error.ts';
import type { FuncRef, GlobalRef, Label, Local, Signature, TableRef } from './function-builder.ts';
import type { Immediate, Instruction, Opcode, ValType } from './opcodes.ts';

/** What leaves the operand stack as it was at the start of its block `rests`: a statement ends there. */
export type Item = Structure | Resting;
type Resting = Step & { rests?: boolean };
type Step =
  | { readonly kind: 'op'; readonly op: Opcode; readonly immediate: Immediates }
  | { readonly kind: 'local'; readonly op: 'local.get' | 'local.set' | 'local.tee'; readonly local: Local }
  | { readonly kind: 'global'; readonly op: 'global.get'; readonly global: GlobalRef }
  | { readonly kind: 'call'; readonly func: FuncRef }
  | { readonly kind: 'call_indirect'; readonly signature: Signature; readonly table: TableRef }
  | { readonly kind: 'branch'; readonly op: 'br' | 'br_if'; readonly label: Label }
  | { readonly kind: 'return' }
  | { readonly kind: 'end' };
type Structure =
  | { readonly kind: 'open'; readonly op: Label['kind']; readonly label: Label }
  | { readonly kind: 'else' }
  | { readonly kind: 'hole'; readonly hole: WatchedHole };
type Immediates = readonly number[] | bigint | number | undefined;

export interface WatchedHole {
  readonly items: Item[];
  readonly frames: readonly Frame[];
}

interface Frame {
  readonly label: Label;
  readonly height: number;
  /** Code after an unconditional branch: the stack then holds whatever is asked for. */
  dead: boolean;
  /** What comes next of it, for error texts. */
  where: string;
}

const checks = import.meta.env.DEV;
let watching = checks;

const frameOf = (label: Label, height: number): Frame => ({ label, height, dead: false, where: checks ? `end of ${label.name}` : '' });

export const isWatching = (): boolean => watching;

/** Has what is built meanwhile watched. */
export function watched<T>(build: () => T): T {
  const before = watching;
  watching = true;
  try {
    return build();
  } finally {
    watching = before;
  }
}

export class CodeWatch {
  readonly items: Item[] = [];
  readonly #function: Label;
  readonly #locals: readonly Local[];
  #out = this.items;
  #stack: ValType[] = [];
  #frames: Frame[];

  constructor(label: Label, locals: readonly Local[]) {
    this.#function = label;
    this.#locals = locals;
    this.#frames = [frameOf(label, 0)];
  }

  op(op: Opcode, found: Instruction, kind: Immediate, given?: ArrayLike<number> | bigint | number): void {
    if (checks && found.immediate !== kind) throw this.#error(`${op}: its immediate is ${found.immediate}, not ${kind}`);
    const immediate = typeof given === 'object' ? Array.from(given) : given;
    if (checks) {
      const wrong = typeof immediate === 'object' ? wrongIn(op, found, immediate) : undefined;
      if (wrong !== undefined) throw this.#error(wrong);
    }
    if (op === 'drop') this.#popAny(op);
    else if (op === 'select') {
      this.#pop('i32', op);
      const b = this.#popAny(op);
      const a = this.#popAny(op) ?? b;
      if (checks && b !== undefined && a !== b) throw this.#error(`select: operands differ in type: ${a} and ${b}`);
      this.#stack.push(a ?? 'i32');
    } else {
      this.#popAll(found.params, op);
      this.#stack.push(...found.results);
      if (op === 'unreachable') this.#die();
    }
    this.#add({ kind: 'op', op, immediate });
  }

  local(op: 'local.get' | 'local.set' | 'local.tee', local: Local, takes: boolean, gives: boolean): void {
    if (checks && this.#locals[local.index] !== local) throw this.#error(`$${local.name} is a local of another function`);
    if (takes) this.#pop(local.type, checks ? `${op} $${local.name}` : op);
    if (gives) this.#stack.push(local.type);
    this.#add({ kind: 'local', op, local });
  }

  global(global: GlobalRef): void {
    this.#stack.push(global.type);
    this.#add({ kind: 'global', op: 'global.get', global });
  }

  call(func: FuncRef): void {
    this.#popAll(func.signature.params, checks ? `call $${func.name}` : '');
    this.#stack.push(...func.signature.results);
    this.#add({ kind: 'call', func });
  }

  callIndirect(table: TableRef, signature: Signature): void {
    this.#pop('i32', 'call_indirect');
    this.#popAll(signature.params, 'call_indirect');
    this.#stack.push(...signature.results);
    this.#add({ kind: 'call_indirect', signature, table });
  }

  return(): void {
    this.#popAll(this.#function.results, 'return');
    this.#die();
    this.#add({ kind: 'return' });
  }

  /** `half`: there should be an else, and is none. */
  if(half: boolean): void {
    this.#pop('i32', 'if');
    if (checks && half) throw this.#error('if: an if with results needs an else');
  }

  br(label: Label): void {
    this.#popAll(label.kind === 'loop' ? [] : label.results, 'br');
    this.#die();
    this.#add({ kind: 'branch', op: 'br', label });
  }

  brIf(label: Label): void {
    this.#pop('i32', 'br_if');
    const kept = label.kind === 'loop' ? [] : label.results;
    this.#popAll(kept, 'br_if');
    this.#stack.push(...kept);
    this.#add({ kind: 'branch', op: 'br_if', label });
  }

  open(label: Label): void {
    this.#out.push({ kind: 'open', op: label.kind, label });
    this.#frames.push(frameOf(label, this.#stack.length));
  }

  else({ name, results }: Label): void {
    this.#close(results);
    const frame = this.#top();
    frame.dead = false;
    if (checks) frame.where = `end of else of ${name}`;
    this.#out.push({ kind: 'else' });
  }

  end({ results }: Label): void {
    this.#close(results);
    this.#frames.pop();
    this.#stack.push(...results);
    this.#add({ kind: 'end' });
  }

  hole(): WatchedHole {
    const hole: WatchedHole = { items: [], frames: [...this.#frames] };
    this.#out.push({ kind: 'hole', hole });
    return hole;
  }

  into(hole: WatchedHole, fill: () => void): void {
    const [out, stack, frames] = [this.#out, this.#stack, this.#frames];
    this.#out = hole.items;
    this.#stack = [];
    this.#frames = hole.frames.map((f) => ({ ...f, height: 0, dead: false }));
    fill();
    if (checks && this.#stack.length > 0) throw this.#error(`code in a hole leaves ${this.#stack.join(', ')} on the stack`);
    [this.#out, this.#stack, this.#frames] = [out, stack, frames];
  }

  finish(): void {
    if (checks) this.#top().where = 'end of function';
    this.#close(this.#function.results);
  }

  #add(item: Resting): void {
    item.rests = this.#stack.length === this.#top().height;
    this.#out.push(item);
  }

  #top(): Frame {
    const frame = this.#frames[this.#frames.length - 1];
    if (frame === undefined) throw this.#error('no open block');
    return frame;
  }

  #close(results: readonly ValType[]): void {
    const { where, height } = this.#top();
    this.#popAll(results, where);
    if (checks && this.#stack.length > height) throw this.#error(`${where}: ${this.#stack.slice(height).join(', ')} left on the stack`);
  }

  #die(): void {
    const frame = this.#top();
    this.#stack.length = frame.height;
    frame.dead = true;
  }

  /** Nothing is known of what comes off the stack after an unconditional branch. */
  #popAny(by: string, wanted = 'a value'): ValType | undefined {
    const frame = this.#top();
    if (this.#stack.length > frame.height) return this.#stack.pop();
    if (frame.dead || !checks) return undefined;
    throw this.#error(`${by}: expected ${wanted} on the stack, got nothing`);
  }

  #pop(expected: ValType, by: string): void {
    const got = this.#popAny(by, expected);
    if (checks && got !== undefined && got !== expected) throw this.#error(`${by}: expected ${expected} on the stack, got ${got}`);
  }

  #popAll(expected: readonly ValType[], by: string): void {
    for (let i = expected.length - 1; i >= 0; i--) this.#pop(expected[i] ?? 'i32', by);
  }

  #error(message: string): QuernError {
    return new QuernError('internal', `in function $${this.#function.name}: ${message}`);
  }
}

/** What is wrong with the numbers behind an instruction. */
function wrongIn(op: Opcode, { immediate: kind, align: natural, lanes }: Instruction, given: readonly number[]): string | undefined {
  const [align = 0, offset = 0] = given;
  const lane = kind === 'lane' ? given[0] : given[2];
  const count = given.length;
  if (kind === 'shuffle' && (count !== 16 || given.some((p) => !(p >= 0 && p < 32)))) return `${op}: expected 16 picks below 32, got [${given.join()}]`;
  if (kind === 'v128' && count !== 16) return `${op}: expected 16 bytes, got ${count}`;
  if (kind.includes('lane') && !(lane !== undefined && lane >= 0 && lane < lanes)) return `${op}: lane ${lane} of ${lanes}`;
  if (!kind.startsWith('memory')) return undefined;
  if (!Number.isInteger(align) || align > natural) return `${op}: alignment ${2 ** align} is not a power of two up to ${2 ** natural}`;
  return Number.isInteger(offset) && offset >= 0 && offset <= 0xffffffff ? undefined : `${op}: offset ${offset} is not an unsigned 32-bit integer`;
}
