/**
 * Builds the code of one WebAssembly function: every instruction is written down at once, as bytes. A hole is a place left open in the code, filled
 * later; that is how emitters hoist what they find to be invariant only while they emit the loop inside. Bytes stand in the order in which
 * they were written, and parts say where in the code they belong. Mistakes of emitters are found by a watch (code-watch.ts), where there is one.
 */
import { Bytes } from '../../bytes.ts';
import { invariant } from '../../error.ts';
import { CodeWatch, type WatchedHole, isWatching } from './code-watch.ts';
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

/** A place in the code that can still be written; what goes there leaves the operand stack as it was. */
export interface Hole {
  readonly parts: Part[];
  /** What is around the hole, so that branches inside find their way. */
  readonly around: readonly Label[];
  readonly watched: WatchedHole | undefined;
}

/** A run of bytes, or a hole. */
type Part = { readonly from: number; readonly to: number } | Hole;

export const typeBytes: Readonly<Record<ValType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

export class FunctionBuilder {
  readonly locals: Local[] = [];
  readonly watch: CodeWatch | undefined;
  readonly #code = new Bytes();
  readonly #body: Part[] = [];
  /** Where what is written now belongs, and from where on it has not been put there. */
  #parts = this.#body;
  #from = 0;
  #around: Label[];
  readonly #names = new Set<string>();
  readonly #typeIndex: (signature: Signature) => number;
  #labels = 0;

  /** `typeIndex`: of a signature in the module. */
  constructor(
    readonly name: string,
    readonly params: readonly { readonly name: string; readonly type: ValType }[],
    readonly results: readonly ValType[],
    typeIndex: (signature: Signature) => number,
  ) {
    const label: Label = { kind: 'block', results, name };
    this.#around = [label];
    this.#typeIndex = typeIndex;
    this.watch = isWatching() ? new CodeWatch(label, this.locals) : undefined;
    for (const p of params) this.local(p.type, p.name);
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
    invariant(local !== undefined && position < this.params.length, 'no such parameter');
    return local;
  }

  // Instructions ------------------------------------------------------------------------------------------------------------------

  /** An instruction without immediate. */
  op(name: Opcode): void {
    const found = this.#find(name);
    this.watch?.op(name, found, 'none');
    this.#write(found);
  }

  ops(...names: Opcode[]): void {
    for (const name of names) this.op(name);
  }

  /** A memory access. */
  mem(name: OpcodeWith<'memory'>, at: MemArg = {}): void {
    this.#memory(name, 'memory', at);
  }

  /** A memory access of one lane. */
  memLane(name: OpcodeWith<'memory-lane'>, lane: number, at: MemArg = {}): void {
    this.#memory(name, 'memory-lane', at, lane);
    this.#code.byte(lane);
  }

  /** extract_lane or replace_lane. */
  laneOp(name: Opcode, lane: number): void {
    const found = this.#find(name);
    this.watch?.op(name, found, 'lane', [lane]);
    this.#write(found);
    this.#code.byte(lane);
  }

  /** Picks 16 bytes: 0..15 from the first operand, 16..31 from the second. */
  shuffle(picks: readonly number[]): void {
    this.#apply('i8x16.shuffle', picks).all(picks);
  }

  i32(value: number): void { this.#apply('i32.const', value | 0).signed(value | 0); }
  i64(value: bigint | number): void {
    const exact = BigInt.asIntN(64, BigInt(value));
    this.#apply('i64.const', exact).signed(exact);
  }

  f32(value: number): void { this.#apply('f32.const', Math.fround(value)).f32(value); }
  f64(value: number): void { this.#apply('f64.const', value).f64(value); }
  /** A v128 constant of 16 bytes. */
  v128(bytes: ArrayLike<number>): void { this.#apply('v128.const', bytes).all(bytes); }

  get(local: Local): void {
    this.watch?.local('local.get', local, false, true);
    this.#indexed(0x20, local.index);
  }

  set(local: Local): void {
    this.watch?.local('local.set', local, true, false);
    this.#indexed(0x21, local.index);
  }

  tee(local: Local): void {
    this.watch?.local('local.tee', local, true, true);
    this.#indexed(0x22, local.index);
  }

  globalGet(global: GlobalRef): void {
    this.watch?.global(global);
    this.#indexed(0x23, global.index);
  }

  call(func: FuncRef): void {
    this.watch?.call(func);
    this.#indexed(0x10, func.index);
  }

  /** Calls the function at the index on top of the stack. */
  callIndirect(table: TableRef, signature: Signature): void {
    this.watch?.callIndirect(table, signature);
    this.#indexed(0x11, this.#typeIndex(signature));
    this.#code.u32(table.index);
  }

  return(): void {
    this.watch?.return();
    this.#code.byte(0x0f);
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
    this.watch?.if(results.length > 0 && otherwise === undefined);
    this.#structure('if', results, then, otherwise);
  }

  br(label: Label): void {
    this.watch?.br(label);
    this.#indexed(0x0c, this.#depth(label));
  }

  brIf(label: Label): void {
    this.watch?.brIf(label);
    this.#indexed(0x0d, this.#depth(label));
  }

  // Holes -------------------------------------------------------------------------------------------------------------------------

  /** Leaves a place open here. */
  hole(): Hole {
    const hole: Hole = { parts: [], around: [...this.#around], watched: this.watch?.hole() };
    this.#cut();
    this.#parts.push(hole);
    return hole;
  }

  /** Appends code to a hole; it must leave the operand stack as it found it. */
  into(hole: Hole, fill: () => void): void {
    const [parts, around] = [this.#parts, this.#around];
    this.#cut();
    this.#parts = hole.parts;
    this.#around = [...hole.around];
    if (this.watch !== undefined && hole.watched !== undefined) this.watch.into(hole.watched, fill);
    else fill();
    this.#cut();
    this.#parts = parts;
    this.#around = around;
  }

  /** Puts what was written since the last cut where it belongs. */
  #cut(): void {
    const to = this.#code.length;
    if (to > this.#from) this.#parts.push({ from: this.#from, to });
    this.#from = to;
  }

  /** Checks the end of the function. */
  finish(): void {
    this.watch?.finish();
    this.#cut();
  }

  /** Locals and code as they stand in a module. */
  encode(out: Bytes): void {
    const runs: { type: ValType; count: number }[] = [];
    for (const { type } of this.locals.slice(this.params.length)) {
      const last = runs[runs.length - 1];
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    out.u32(runs.length);
    for (const { type, count } of runs) {
      out.u32(count);
      out.byte(typeBytes[type]);
    }
    const code = this.#code.done();
    const write = (parts: readonly Part[]): void => {
      for (const part of parts) {
        if ('parts' in part) write(part.parts);
        else out.all(code.subarray(part.from, part.to));
      }
    };
    write(this.#body);
    out.byte(0x0b);
  }

  #structure(
    op: 'block' | 'loop' | 'if', results: readonly ValType[], body: (label: Label) => void, otherwise?: (label: Label) => void,
  ): void {
    const label: Label = { kind: op, results, name: `${op}${++this.#labels}` };
    this.watch?.open(label);
    const [first, ...more] = results;
    this.#code.byte(op === 'block' ? 0x02 : op === 'loop' ? 0x03 : 0x04);
    if (first === undefined) this.#code.byte(0x40);
    else if (more.length === 0) this.#code.byte(typeBytes[first]);
    else this.#code.signed(this.#typeIndex({ params: [], results }));
    this.#around.push(label);
    body(label);
    if (otherwise !== undefined) {
      this.watch?.else(label);
      this.#code.byte(0x05);
      otherwise(label);
    }
    this.#around.pop();
    this.watch?.end(label);
    this.#code.byte(0x0b);
  }

  #memory(name: Opcode, kind: Immediate, { offset = 0, align }: MemArg, ...lane: readonly number[]): void {
    const found = this.#find(name);
    const log = align === undefined ? found.align : Math.log2(align);
    this.watch?.op(name, found, kind, [log, offset, ...lane]);
    this.#write(found);
    this.#code.byte(log);
    this.#code.u32(offset);
  }

  #apply(name: Opcode, immediate: ArrayLike<number> | bigint | number): Bytes {
    const found = this.#find(name);
    this.watch?.op(name, found, found.immediate, immediate);
    this.#write(found);
    return this.#code;
  }

  #write({ prefix, code }: Instruction): void {
    if (prefix !== 0) {
      this.#code.byte(prefix);
      this.#code.u32(code);
    } else this.#code.byte(code);
  }

  #indexed(code: number, index: number): void {
    this.#code.byte(code);
    this.#code.u32(index);
  }

  #depth(label: Label): number {
    const place = this.#around.lastIndexOf(label);
    invariant(place >= 0, 'no such label around a branch');
    return this.#around.length - 1 - place;
  }

  #find(name: Opcode): Instruction {
    const found = instructions.get(name);
    invariant(found !== undefined, 'no such instruction');
    return found;
  }
}
