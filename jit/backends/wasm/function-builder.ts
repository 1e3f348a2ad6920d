/**
 * Builds the code of one WebAssembly function and type-checks the operand stack while it is built, so that a mistake in an emitter is an
 * error at its own line ("i32.add: expected i32 on the stack, got i64") and not a refused module. Code is a tree: a hole is a place
 * left open in it, filled later; that is how emitters hoist what they find to be invariant only while they emit the loop inside.
 */
import { QuernError } from '../../error.ts';
import { type Immediate, type Instruction, type Opcode, type OpcodeWith, type ValType, instructions } from './opcodes.ts';

/** A local variable or parameter; the type stops one from being used as another. */
export interface Local {
  readonly type: ValType;
  readonly index: number;
  readonly name: string;
}

/** A place to branch to: the end of a block or the start of a loop. */
export interface Label {
  readonly kind: 'block' | 'loop' | 'if';
  readonly results: readonly ValType[];
  readonly name: string;
}

export interface Signature {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

/** A function, of this module or imported. */
export interface FuncRef {
  readonly index: number;
  readonly name: string;
  readonly signature: Signature;
}
export interface TableRef {
  readonly index: number;
  readonly name: string;
}
export interface GlobalRef {
  readonly index: number;
  readonly name: string;
  readonly type: ValType;
}
export interface MemArg {
  /** Bytes added to the address, without wrapping. */
  readonly offset?: number;
  /** Bytes of which the address is known to be a multiple; the natural alignment if not given. */
  readonly align?: number;
}

/** What leaves the operand stack as it was at the start of its block `rests`: a statement ends there. */
export type Item = Structure | Resting;
type Resting = Step & { rests?: boolean };
type Step =
  | { readonly kind: 'op'; readonly op: Opcode; readonly found: Instruction; readonly immediate: Immediates }
  | { readonly kind: 'local'; readonly op: 'local.get' | 'local.set' | 'local.tee'; readonly local: Local }
  | { readonly kind: 'global'; readonly op: 'global.get'; readonly global: GlobalRef }
  | { readonly kind: 'call'; readonly func: FuncRef }
  | { readonly kind: 'call_indirect'; readonly signature: Signature; readonly table: TableRef }
  | { readonly kind: 'branch'; readonly op: 'br' | 'br_if'; readonly depth: number; readonly label: Label }
  | { readonly kind: 'return' }
  | { readonly kind: 'end' };
type Structure =
  | { readonly kind: 'open'; readonly op: Label['kind']; readonly label: Label }
  | { readonly kind: 'else' }
  | { readonly kind: 'hole'; readonly hole: Hole };
export type Immediates = readonly number[] | bigint | number | undefined;

/** A place in the code that can still be written; what goes there leaves the operand stack as it was. */
export interface Hole {
  readonly items: Item[];
  /** The frames around the hole, so that branches inside find their way. */
  readonly frames: readonly Frame[];
}

interface Frame {
  readonly label: Label;
  readonly height: number;
  /** Code after an unconditional branch: the stack then holds whatever is asked for. */
  dead: boolean;
}

export class FunctionBuilder {
  readonly locals: Local[] = [];
  readonly items: Item[] = [];
  private out: Item[] = this.items;
  private stack: ValType[] = [];
  private frames: Frame[];
  readonly #names = new Set<string>();
  #labels = 0;

  constructor(
    readonly name: string,
    readonly params: readonly { readonly name: string; readonly type: ValType }[],
    readonly results: readonly ValType[],
  ) {
    for (const p of params) this.local(p.type, p.name);
    this.frames = [{ label: { kind: 'block', results, name: name }, height: 0, dead: false }];
  }

  get signature(): Signature {
    return { params: this.params.map((p) => p.type), results: this.results };
  }

  /** A new local, zero at the start of the function. Names are for readers; equal ones are numbered. */
  local(type: ValType, name = 't'): Local {
    const index = this.locals.length;
    const made = { type, index, name: this.#names.has(name) ? `${name}.${index}` : name };
    this.#names.add(made.name);
    this.locals.push(made);
    return made;
  }

  param(position: number): Local {
    const local = this.locals[position];
    if (local === undefined || position >= this.params.length) throw this.#error(`no parameter ${position}`);
    return local;
  }

  // Instructions ------------------------------------------------------------------------------------------------------------------

  /** An instruction without immediate. */
  op(name: Opcode): void {
    const found = this.#find(name, 'none');
    if (name === 'drop') {
      this.#popAny(name);
      this.#emit({ kind: 'op', op: name, found, immediate: undefined });
    } else if (name === 'select') {
      this.#pop('i32', name);
      const b = this.#popAny(name);
      const a = this.#popAny(name) ?? b;
      if (b !== undefined && a !== b) throw this.#error(`select: operands differ in type: ${a} and ${b}`);
      this.stack.push(a ?? 'i32');
      this.#emit({ kind: 'op', op: name, found, immediate: undefined });
    } else {
      this.#applyTo(name, found, undefined);
      if (name === 'unreachable') this.#die();
    }
  }

  ops(...names: Opcode[]): void {
    for (const name of names) this.op(name);
  }

  /** A memory access. */
  mem(name: OpcodeWith<'memory'>, at: MemArg = {}): void {
    const found = this.#find(name, 'memory');
    this.#applyTo(name, found, this.#address(name, found.align, at));
  }

  /** A memory access of one lane. */
  memLane(name: OpcodeWith<'memory-lane'>, lane: number, at: MemArg = {}): void {
    const found = this.#find(name, 'memory-lane');
    this.#applyTo(name, found, [...this.#address(name, found.align, at), this.#lane(name, lane, found.lanes)]);
  }

  /** extract_lane or replace_lane. */
  laneOp(name: Opcode, lane: number): void {
    const found = this.#find(name, 'lane');
    this.#applyTo(name, found, [this.#lane(name, lane, found.lanes)]);
  }

  /** Picks 16 bytes: 0..15 from the first operand, 16..31 from the second. */
  shuffle(picks: readonly number[]): void {
    if (picks.length !== 16 || picks.some((p) => !(p >= 0 && p < 32))) throw this.#error(`i8x16.shuffle: expected 16 picks below 32, got [${picks.join()}]`);
    this.#apply('i8x16.shuffle', picks);
  }

  i32(value: number): void { this.#apply('i32.const', value | 0); }
  i64(value: bigint | number): void { this.#apply('i64.const', BigInt.asIntN(64, BigInt(value))); }
  f32(value: number): void { this.#apply('f32.const', Math.fround(value)); }
  f64(value: number): void { this.#apply('f64.const', value); }
  /** A v128 constant of 16 bytes. */
  v128(bytes: ArrayLike<number>): void {
    if (bytes.length !== 16) throw this.#error(`v128.const: expected 16 bytes, got ${bytes.length}`);
    this.#apply('v128.const', Array.from(bytes));
  }

  get(local: Local): void {
    this.#local('local.get', local, false, true);
  }

  set(local: Local): void {
    this.#local('local.set', local, true, false);
  }

  tee(local: Local): void {
    this.#local('local.tee', local, true, true);
  }

  globalGet(global: GlobalRef): void {
    this.stack.push(global.type);
    this.#emit({ kind: 'global', op: 'global.get', global });
  }

  call(func: FuncRef): void {
    this.#popAll(func.signature.params, `call $${func.name}`);
    this.stack.push(...func.signature.results);
    this.#emit({ kind: 'call', func });
  }

  /** Calls the function at the index on top of the stack. */
  callIndirect(table: TableRef, signature: Signature): void {
    this.#pop('i32', 'call_indirect');
    this.#popAll(signature.params, 'call_indirect');
    this.stack.push(...signature.results);
    this.#emit({ kind: 'call_indirect', signature, table });
  }

  return(): void {
    this.#popAll(this.results, 'return');
    this.#die();
    this.#emit({ kind: 'return' });
  }

  // Control -----------------------------------------------------------------------------------------------------------------------

  /** A block; a branch to its label goes to its end. */
  block(body: (label: Label) => void, results: readonly ValType[] = []): void {
    this.#structure('block', results, body);
  }

  /** A loop; a branch to its label goes to its start. It ends when its body runs to the end. */
  loop(body: (label: Label) => void): void {
    this.#structure('loop', [], body);
  }

  /** Takes an i32 from the stack. With results both arms are needed. */
  if(then: (label: Label) => void, otherwise?: (label: Label) => void, results: readonly ValType[] = []): void {
    this.#pop('i32', 'if');
    if (results.length > 0 && otherwise === undefined) throw this.#error('if: an if with results needs an else');
    this.#structure('if', results, then, otherwise);
  }

  br(label: Label): void {
    this.#popAll(label.kind === 'loop' ? [] : label.results, 'br');
    const depth = this.#depth(label, 'br');
    this.#die();
    this.#emit({ kind: 'branch', op: 'br', depth, label });
  }

  brIf(label: Label): void {
    this.#pop('i32', 'br_if');
    const kept = label.kind === 'loop' ? [] : label.results;
    this.#popAll(kept, 'br_if');
    this.stack.push(...kept);
    this.#emit({ kind: 'branch', op: 'br_if', depth: this.#depth(label, 'br_if'), label });
  }

  // Holes -------------------------------------------------------------------------------------------------------------------------

  /** Leaves a place open here. */
  hole(): Hole {
    const hole: Hole = { items: [], frames: [...this.frames] };
    this.out.push({ kind: 'hole', hole });
    return hole;
  }

  /** Appends code to a hole; it must leave the operand stack as it found it. */
  into(hole: Hole, fill: () => void): void {
    const { out, stack, frames } = this;
    this.out = hole.items;
    this.stack = [];
    this.frames = hole.frames.map((f) => ({ ...f, height: 0, dead: false }));
    fill();
    if (this.stack.length > 0) throw this.#error(`code in a hole leaves ${this.stack.join(', ')} on the stack`);
    this.out = out;
    this.stack = stack;
    this.frames = frames;
  }

  /** Checks the end of the function. */
  finish(): void {
    this.#popAll(this.results, 'end of function');
    if (this.stack.length > 0) throw this.#error(`end of function: ${this.stack.join(', ')} left on the stack`);
  }

  // Checking ----------------------------------------------------------------------------------------------------------------------

  #structure(
    op: 'block' | 'loop' | 'if', results: readonly ValType[], body: (label: Label) => void, otherwise?: (label: Label) => void,
  ): void {
    const label: Label = { kind: op, results, name: `${op}${++this.#labels}` };
    const frame: Frame = { label, height: this.stack.length, dead: false };
    this.out.push({ kind: 'open', op, label });
    this.frames.push(frame);
    body(label);
    this.#close(frame, `end of ${label.name}`);
    if (otherwise !== undefined) {
      this.out.push({ kind: 'else' });
      frame.dead = false;
      otherwise(label);
      this.#close(frame, `end of else of ${label.name}`);
    }
    this.frames.pop();
    this.stack.push(...results);
    this.#emit({ kind: 'end' });
  }

  #close(frame: Frame, where: string): void {
    this.#popAll(frame.label.results, where);
    if (this.stack.length > frame.height) throw this.#error(`${where}: ${this.stack.slice(frame.height).join(', ')} left on the stack`);
  }

  #apply(name: Opcode, immediate: Immediates): void {
    this.#applyTo(name, this.#find(name), immediate);
  }

  #applyTo(name: Opcode, found: Instruction, immediate: Immediates): void {
    this.#popAll(found.params, name);
    this.stack.push(...found.results);
    this.#emit({ kind: 'op', op: name, found, immediate });
  }

  #local(op: 'local.get' | 'local.set' | 'local.tee', local: Local, takes: boolean, gives: boolean): void {
    if (this.locals[local.index] !== local) throw this.#error(`$${local.name} is a local of another function`);
    if (takes) this.#pop(local.type, op, local);
    if (gives) this.stack.push(local.type);
    this.#emit({ kind: 'local', op, local });
  }

  /** Takes the item as its own: copying it was a fifth of emitting a kernel. */
  #emit(item: Resting): void {
    item.rests = this.stack.length === this.#top().height;
    this.out.push(item);
  }

  #top(): Frame {
    const frame = this.frames[this.frames.length - 1];
    if (frame === undefined) throw this.#error('no open block');
    return frame;
  }

  #die(): void {
    const frame = this.#top();
    this.stack.length = frame.height;
    frame.dead = true;
  }

  /** Nothing is known of what comes off the stack after an unconditional branch. */
  #popAny(by: string, wanted = 'a value'): ValType | undefined {
    const frame = this.#top();
    if (this.stack.length > frame.height) return this.stack.pop();
    if (frame.dead) return undefined;
    throw this.#error(`${by}: expected ${wanted} on the stack, got nothing`);
  }

  #pop(expected: ValType, by: string, of?: Local): void {
    const frame = this.#top();
    if (this.stack.length > frame.height && this.stack[this.stack.length - 1] === expected) {
      this.stack.pop(); // setting the length is a call: 14 of 400 ms of emitting a small model's kernels
      return;
    }
    const what = of === undefined ? by : `${by} $${of.name}`;
    const got = this.#popAny(what, expected);
    if (got !== undefined) throw this.#error(`${what}: expected ${expected} on the stack, got ${got}`);
  }

  #popAll(expected: readonly ValType[], by: string): void {
    for (let i = expected.length - 1; i >= 0; i--) this.#pop(expected[i] ?? 'i32', by);
  }

  #depth(label: Label, by: string): number {
    const place = this.frames.findIndex((f) => f.label === label);
    if (place < 0) throw this.#error(`${by}: $${label.name} is not around this place`);
    return this.frames.length - 1 - place;
  }

  #find(name: Opcode, immediate?: Immediate): Instruction {
    const found = instructions.get(name);
    if (found === undefined) throw this.#error(`no instruction ${name}`);
    if (immediate !== undefined && found.immediate !== immediate) throw this.#error(`${name}: its immediate is ${found.immediate}, not ${immediate}`);
    return found;
  }

  #address(name: string, natural: number, { offset = 0, align = 2 ** natural }: MemArg): [align: number, offset: number] {
    const log = Math.log2(align);
    if (!Number.isInteger(log) || log > natural) throw this.#error(`${name}: alignment ${align} is not a power of two up to ${2 ** natural}`);
    if (!Number.isInteger(offset) || offset < 0 || offset > 0xffffffff) throw this.#error(`${name}: offset ${offset} is not an unsigned 32-bit integer`);
    return [log, offset];
  }

  #lane(name: string, lane: number, lanes: number): number {
    if (!(lane >= 0 && lane < lanes)) throw this.#error(`${name}: lane ${lane} of ${lanes}`);
    return lane;
  }

  #error(message: string): QuernError {
    return new QuernError('internal', `in function $${this.name}: ${message}`);
  }
}
