/**
 * Runs a tensor program on the reference executor, one kernel a computation, straight from lowering: what operators mean, without
 * fusion, planning or a device in between. For tests; dims of the inputs are taken from the feeds.
 */
import { QuernError } from '../../../jit/error.ts';
import { runKernel } from '../../../jit/backends/reference/index.ts';
import { type DType, bytesOf, bytesUnder, type TypedArray, viewAs } from '../../../jit/expr/dtype.ts';
import type { Expr } from '../../../jit/expr/expr.ts';
import { collect, evaluate, isSym } from '../../../jit/expr/visit.ts';
import { type Arg, loadedTensors, makeKernel, mapBody, renumber, stores, stridesOf } from '../../../jit/kernel.ts';
import { type Block, type Computation, type Program, type Scalar, type TensorDef, enforce } from '../../graph/program.ts';

export interface Feed {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

const numeric = { fma: false, precision: 'exact' } as const;

/** Sees, and may change, what a computation wrote before anything reads it. */
export type Written = (dtype: DType, bytes: Uint8Array) => void;

export function runProgram(program: Program, feeds: ReadonlyMap<string, Feed>, written?: Written): Map<string, Feed> {
  const run = new Run(program, new Map(), new Map(), undefined, written);
  for (const { name, tensor } of program.inputs) {
    const feed = feeds.get(name);
    if (feed === undefined) throw new QuernError('invalid-input', `input '${name}' is not fed`);
    defOf(program, tensor).shape.forEach((dim, d) => { if (dim.op === 'sym') run.env.set(dim, feed.dims[d] ?? 0); });
    run.memory.set(tensor, bytesUnder(feed.data));
  }
  run.finish();
  return new Map(program.outputs.map(({ name, tensor }) => [name, run.value(tensor)]));
}

/** A program, or a part of one: what is asked for is computed, once, with what it needs. */
class Run {
  readonly #writers = new Map<number | Expr, Computation | Block>();

  constructor(
    readonly program: Program, readonly env: Map<Expr, number>, readonly memory: Map<number, Uint8Array>, readonly outer?: Run,
    readonly written: Written | undefined = outer?.written,
  ) {
    for (const c of program.computations) for (const t of c.outputs) this.#writers.set(t, c);
    for (const b of program.blocks ?? []) for (const made of [...b.outputs, ...b.symbols]) this.#writers.set(made, b);
  }

  /** Everything that the program promises, and what it checks. */
  finish(): void {
    for (const { symbol } of this.program.dataDims) this.dim(symbol);
    this.guard();
    for (const { tensor } of this.program.outputs) this.value(tensor);
    this.guard();
    for (const check of this.program.checks ?? []) enforce(check, new BigInt64Array(this.value(check.tensor).data.buffer)[0] ?? 0n, this.env);
  }

  guard(): void {
    for (const { holds, what, fault, origin } of this.program.guards ?? []) {
      if (!collect([holds], isSym).every((s) => this.env.has(s)) || evaluate(holds, this.env) !== 0) continue;
      throw new QuernError(fault ?? 'unsupported-model', `the program was made for inputs where ${what}`, origin);
    }
  }

  dim(e: Expr): number {
    for (const s of collect([e], isSym)) {
      if (this.env.has(s)) continue;
      const read = this.program.dataDims.find((d) => d.symbol === s);
      if (read !== undefined) {
        this.env.set(s, Number(this.value(read.tensor).data[read.element]));
        this.guard();
      } else if (this.#writers.has(s)) this.#write(this.#writers.get(s));
      else this.env.set(s, this.outer?.dim(s) ?? NaN);
    }
    return evaluate(e, this.env);
  }

  value(id: number): Feed {
    const def = defOf(this.program, id);
    if (!this.memory.has(id) && this.#writers.has(id)) this.#write(this.#writers.get(id));
    if (def.source.kind === 'constant') this.memory.set(id, def.source.constant.bytes);
    const known = this.memory.get(id);
    if (known === undefined) return this.outer?.value(id) ?? { dtype: def.dtype, dims: [], data: viewAs(def.dtype, new Uint8Array(0)) };
    const dims = def.shape.map((d) => this.dim(d));
    return { dtype: def.dtype, dims, data: viewAs(def.dtype, known.slice(0, dims.reduce((a, b) => a * b, bytesOf(def.dtype)))) };
  }

  scalar(of: Scalar): number {
    return typeof of === 'number' ? Number(this.value(of).data[0]) : this.dim(of);
  }

  #write(by: Computation | Block | undefined): void {
    if (by === undefined) return;
    if ('body' in by) this.#compute(by);
    else if (by.kind === 'if') {
      const part = by.parts[this.scalar(by.cond) === 0 ? 1 : 0];
      if (part === undefined) return;
      const run = new Run(part, new Map(), new Map(), this);
      run.finish();
      part.outputs.forEach(({ tensor }, k) => { this.#set(by, by.outputs[k] ?? 0, run.value(tensor)); });
    } else this.#loop(by);
  }

  #loop(block: Extract<Block, { kind: 'loop' }>): void {
    const [part] = block.parts;
    if (part === undefined) return;
    let states = block.initial.map((id) => this.value(id));
    const rooms = block.outputs.slice(states.length).map((): Feed[] => []);
    const limit = block.limit === undefined ? Infinity : this.scalar(block.limit);
    let going = block.start === undefined || this.scalar(block.start) !== 0;
    let step = 0;
    for (; going && step < limit; step++) {
      const given = new Map([[block.count, bytesUnder(BigInt64Array.of(BigInt(step)))], [block.going, Uint8Array.of(1)]]);
      const run = new Run(part, new Map(), given, this);
      states.forEach((state, k) => { run.#set(block, block.outputs[k] ?? 0, state, this.program); });
      run.finish();
      const [next, ...rest] = part.outputs.map(({ tensor }) => run.value(tensor));
      const made = block.asks || next === undefined ? rest : [next, ...rest];
      going = !block.asks || Number(next?.data[0]) !== 0;
      states = made.slice(0, states.length);
      made.slice(states.length).forEach((value, k) => rooms[k]?.push(value));
    }
    for (const s of block.symbols) this.env.set(s, 0);
    if (block.symbols[0] !== undefined) this.env.set(block.symbols[0], step);
    states.forEach((state, k) => { this.#set(block, block.outputs[k] ?? 0, state); });
    rooms.forEach((parts, k) => {
      const id = block.outputs[states.length + k] ?? 0;
      const bytes = parts.flatMap(({ data }) => [...bytesUnder(data)]);
      this.#set(block, id, { dtype: 'uint8', dims: [step, ...parts[0]?.dims ?? []], data: Uint8Array.from(bytes) });
    });
  }

  #set({ symbols }: Block, id: number, value: Feed, program = this.program): void {
    defOf(program, id).shape.forEach((d, i) => {
      if (d.op === 'sym' && symbols.includes(d) && value.dims[i] !== undefined) this.env.set(d, value.dims[i]);
    });
    this.memory.set(id, bytesUnder(value.data));
  }

  #compute(c: Computation): void {
    const sized = (id: number): Uint8Array => {
      const { shape, dtype } = defOf(this.program, id);
      const dims = shape.map((d) => this.dim(d));
      // As devices are bound.
      if (dims.some((d) => d < 0)) throw new QuernError('shape-mismatch', 'a tensor would have an impossible shape', { ...c.origins[0], got: `[${dims.join(', ')}]` });
      return new Uint8Array(dims.reduce((a, b) => a * b, bytesOf(dtype)));
    };
    for (const id of c.outputs) {
      const from = c.initial?.get(id);
      const start = sized(id);
      if (typeof from === 'number') start.set(bytesUnder(this.value(from).data).subarray(0, start.length));
      this.memory.set(id, start);
    }
    const bytes = (id: number): Uint8Array => (c.outputs.includes(id) ? this.memory.get(id) ?? sized(id) : bytesUnder(this.value(id).data));
    runComputation(this.program, c, (e) => this.dim(e), bytes);
    if (this.written !== undefined) for (const id of c.outputs) this.written(defOf(this.program, id).dtype, bytes(id));
  }
}

function runComputation(program: Program, { body }: Computation, dim: (e: Expr) => number, bytes: (id: number) => Uint8Array): void {
  const written = new Set(stores(body).map((s) => s.tensor));
  const read = new Set(loadedTensors(body));
  const tensors = [...new Set([...written, ...read])];
  const args = tensors.map((id): Arg => {
    const { dtype, shape } = defOf(program, id);
    return { dtype, shape, strides: stridesOf(shape), access: !written.has(id) ? 'read' : read.has(id) ? 'readwrite' : 'write' };
  });
  const slot = (id: number): number => tensors.indexOf(id);
  const { kernel, bind } = makeKernel(mapBody(body, renumber(slot), slot), args, numeric);
  runKernel(kernel, bind.map(dim), tensors.map(bytes));
}

function defOf(program: Program, id: number): TensorDef {
  const def = program.tensors.get(id);
  if (def === undefined) throw new QuernError('internal', `tensor ${id} is not defined`);
  return def;
}

