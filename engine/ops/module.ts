/**
 * A tensor program under construction: tensors, the computations that write them, and what is known of their elements. Knows no
 * operators and no nodes; lower.ts drives it. Tensor ids and the names of dims read at run time count up, so equal graphs give equal
 * programs.
 */
import { QuernError } from '../../jit/error.ts';
import { type DType, isFloat, isInteger, viewAs } from '../../jit/expr/dtype.ts';
import { type Expr, type Sym, add, cast, eq, int, le, load, or, select, symbol } from '../../jit/expr/expr.ts';
import { shapeText, text } from '../../jit/expr/text.ts';
import { collect, isSym } from '../../jit/expr/visit.ts';
import { type Body, type Stmt, allAxes, stores } from '../../jit/kernel.ts';
import type { Constant, Narrow } from '../graph/graph.ts';
import {
  type Block, type Check, type Computation, type DataDim, type Guard, type Origin, type Program, type Range, type Source, type TensorDef,
  blockNeeds, readsOf,
} from '../graph/program.ts';
import { plainAccesses } from './bounds.ts';
import type { Tensor } from './operator.ts';
import { type Known, ValueTable, staticSize } from './values.ts';

/** The type in which elements are computed: float16 is only a way to store. */
export const computeType = (dtype: DType): DType => (dtype === 'float16' ? 'float32' : dtype);

class ProgramTensor implements Tensor {
  readonly id: number;
  readonly dtype: DType;
  readonly shape: readonly Expr[];
  readonly narrow: Narrow | undefined;

  constructor(def: TensorDef, narrow?: Narrow) {
    this.narrow = narrow;
    this.id = def.id;
    this.dtype = def.dtype;
    this.shape = def.shape;
  }

  get rank(): number {
    return this.shape.length;
  }

  at(index: readonly Expr[]): Expr {
    if (index.length !== this.shape.length) {
      throw new QuernError('shape-mismatch', 'a tensor has another rank than what it is used for', {
        expected: `rank ${index.length}`, got: shapeText(this.shape),
      });
    }
    return cast(load(this.id, this.dtype, index), computeType(this.dtype));
  }
}

/** The value as it is stored: index to integers, float32 to float16 without a detour where a float16 is only moved. */
export function narrow(value: Expr, dtype: DType): Expr {
  if (value.dtype === dtype) return value;
  if (dtype === 'float16' && value.dtype === 'float32') {
    if (value.op === 'cast' && value.a.dtype === 'float16') return value.a;
    if (value.op === 'select') return select(value.cond, narrow(value.a, dtype), narrow(value.b, dtype));
    return cast(value, dtype);
  }
  if (value.dtype === 'index' && isInteger(dtype)) return cast(value, dtype);
  throw new QuernError('internal', 'a definition has another type than its tensor', { expected: dtype, got: value.dtype });
}

/** `branch`, `body`: becomes a part of its own, run sometimes or often. `trial`: joins what it stands in, or is dropped. */
type FrameKind = 'program' | 'branch' | 'body' | 'trial';

/** What has been added to a program, or to a part of it that is still apart. */
export interface Frame {
  readonly kind: FrameKind;
  /** Tensors from this id on were made in it. */
  readonly first: number;
  computations: Computation[];
  dataDims: DataDim[];
  readonly guards: Guard[];
  checks: Check[];
  readonly blocks: Block[];
  readonly checked: Set<string>;
  readonly dimOf: Map<string, Sym>;
}

/** Items of sequences that stand for one item a step of a loop, along their first dim; of rank 0 while the loop is not done. */
export const grown = new WeakSet<Tensor>();

export class ProgramBuilder {
  readonly #tensors = new Map<number, TensorDef>();
  readonly #bodies = new Map<number, Body>();
  /** Innermost last. */
  #frames: Frame[] = [];
  readonly #weights = new Map<Constant, Tensor>();
  readonly #symbols = new Set<string>();
  readonly #values = new ValueTable(this.#tensors, this.#bodies);
  /** What sequences hold. */
  readonly lists = new Map<Tensor, readonly Tensor[]>();
  readonly #leastRank = new Map<number, number>();
  #next = 0;
  #named = 0;

  /** Steps after which a loop that goes on fails. */
  readonly maxIterations: number;

  constructor(maxIterations: number) {
    this.maxIterations = maxIterations;
    this.#frames = [this.#frame('program')];
  }

  tensor(dtype: DType, shape: readonly Expr[], source: Source = { kind: 'computed' }, narrow?: Narrow): Tensor {
    const possible = (d: Expr): boolean => d.dtype === 'index' && (d.op !== 'const' || (Number.isSafeInteger(d.value) && Number(d.value) >= 0));
    if (!shape.every(possible)) throw new QuernError('shape-mismatch', 'a result would have an impossible shape', { got: shapeText(shape) });
    const def: TensorDef = { id: this.#next++, dtype, shape, source };
    this.#tensors.set(def.id, def);
    if (source.kind === 'input') for (const dim of collect(shape, isSym)) this.#symbols.add(dim.name);
    return new ProgramTensor(def, narrow);
  }

  weights(constant: Constant): Tensor {
    const known = this.#weights.get(constant);
    if (known !== undefined) return known;
    const made = this.tensor(constant.dtype, constant.dims.map(int), { kind: 'constant', constant }, constant.narrow);
    this.#weights.set(constant, made);
    return made;
  }

  isConstant(tensor: Tensor): boolean {
    return this.#tensors.get(tensor.id)?.source.kind === 'constant';
  }

  /** Adds a computation; its stores are brought to the types of the tensors they write. `whole`: tensors of which no part may be left out. */
  compute(body: Body, outputs: readonly Tensor[], origin: Origin, initial?: ReadonlyMap<number, number | 'zero'>, whole?: ReadonlySet<number>): void {
    const typed = this.#typed(body);
    this.#requireRoom(typed, origin, whole);
    for (const output of outputs) this.#bodies.set(output.id, typed);
    this.#top.computations.push({ body: typed, outputs: outputs.map((o) => o.id), origins: [origin], ...(initial === undefined ? {} : { initial }) });
  }

  /** Dims hold what is read at plain variables, or are it: `shape-mismatch` now where they are known not to, else when dims are bound. */
  #requireRoom(body: Body, origin: Origin, whole?: ReadonlySet<number>): void {
    for (const { tensor, index } of plainAccesses(body)) {
      const { shape } = this.tensorDef(tensor);
      shape.forEach((dim, d) => {
        const i = index[d];
        const extent = i?.op === 'var' ? i.extent : i?.op === 'const' && dim.op === 'const' ? add(i, 1) : dim;
        if (extent === dim || this.#top.guards.some((g) => g.holds === eq(extent, dim))) return;
        // Where an axis is empty, nothing is read.
        const exact = i?.op === 'var' && whole?.has(tensor) === true;
        const holds = or((exact ? eq : le)(extent, dim), ...allAxes(body).map((v) => eq(v.extent, 0)));
        const what = 'dims of inputs or attributes do not fit each other';
        if (holds.op === 'const' && holds.value === 0 && this.certain) {
          throw new QuernError('shape-mismatch', what, { expected: `${exact ? '' : 'at least '}${text(extent)} in dim ${d}`, got: shapeText(shape) });
        }
        this.guard({ holds, what, origin, fault: 'shape-mismatch' });
      });
    }
  }

  /** States the elements of a tensor whose computation does not show them. */
  state(tensor: Tensor, elements: Known): void {
    this.#values.set(tensor.id, elements);
  }

  /** Runs `make` and keeps what it adds out of the program; where it throws, nothing is left of it. */
  apart<T>(kind: FrameKind, make: () => T): { readonly result: T; readonly frame: Frame } {
    const frames = this.#frames;
    const frame = this.#frame(kind);
    this.#frames = [...frames, frame];
    try {
      return { result: make(), frame };
    } finally {
      this.#frames = frames;
    }
  }

  /** Adds what was made apart. */
  join(frame: Frame): void {
    const { computations, dataDims, guards, checks, blocks, checked, dimOf } = this.#top;
    computations.push(...frame.computations);
    dataDims.push(...frame.dataDims);
    guards.push(...frame.guards);
    checks.push(...frame.checks);
    blocks.push(...frame.blocks);
    for (const key of frame.checked) checked.add(key);
    for (const [key, dim] of frame.dimOf) dimOf.set(key, dim);
  }

  /** Forgets, when `make` is done, what became known of elements in it: dims that only a part has mean nothing outside. */
  forgetting<T>(make: () => T): T {
    const restore = this.#values.save();
    try {
      return make();
    } finally {
      restore();
    }
  }

  /** A frame as a program of its own; call it while what is known of its tensors is. */
  part(frame: Frame, outputs: readonly Tensor[]): Program {
    if (outputs.some((t) => this.lists.has(t))) throw new QuernError('unsupported-model', 'a sequence comes out of what only the data decide');
    const written = new Set([...frame.computations.flatMap((c) => c.outputs), ...frame.blocks.flatMap((b) => b.outputs)]);
    const used = [
      ...written, ...frame.computations.flatMap(readsOf), ...outputs.map((t) => t.id), ...[...frame.dataDims, ...frame.checks].map((d) => d.tensor),
      ...frame.blocks.flatMap((b) => blockNeeds(b).tensors),
    ];
    const defs = [...new Set(used)].map((id): readonly [number, TensorDef] => {
      const def = this.tensorDef(id);
      const outer = def.source.kind === 'input' || (def.source.kind === 'computed' && !written.has(id));
      return [id, this.#withValues(outer ? { ...def, source: { kind: 'given' } } : def)];
    });
    return this.#program(frame, new Map(defs), [], outputs.map((t) => ({ name: '', tensor: t.id })));
  }

  watch(check: Check): void {
    this.#top.checks.push(check);
  }

  list(items: readonly Tensor[]): Tensor {
    const unused = (): never => { throw new QuernError('unsupported-model', 'a sequence is used as a tensor'); };
    if (items.some((t) => this.lists.has(t))) throw new QuernError('unsupported-model', 'a sequence of sequences', { expected: 'a sequence of tensors' });
    const made: Tensor = { get id() { return unused(); }, dtype: 'bool', shape: [], rank: 0, at: unused };
    this.lists.set(made, items);
    return made;
  }

  leastRank(t: Tensor): number {
    return this.lists.has(t) ? t.rank : this.#leastRank.get(t.id) ?? t.rank;
  }

  loosen(t: Tensor, leastRank: number): void {
    this.#leastRank.set(t.id, leastRank);
  }

  addBlock(block: Block): void {
    this.#top.blocks.push(block);
  }

  /** A dim that becomes known while the model runs. */
  freshDim(): Sym {
    let n = this.#named;
    while (this.#symbols.has(`data${n}`)) n += 1;
    this.#named = n + 1;
    return symbol(`data${n}`);
  }

  /** Adds computations as they are: their stores have the types of the tensors. */
  append(computations: readonly Computation[]): void {
    for (const c of computations) for (const o of c.outputs) this.#bodies.set(o, c.body);
    this.#top.computations.push(...computations);
  }

  tensorDef(id: number): TensorDef {
    const def = this.#tensors.get(id);
    if (def === undefined) throw new QuernError('internal', `tensor ${id} is not defined`);
    return def;
  }

  guard(guard: Guard): void {
    const { holds, fault } = guard;
    const idle = (holds.op === 'const' && holds.value !== 0) || this.#top.guards.some((g) => g.holds === holds && g.fault === fault);
    if (!idle) this.#top.guards.push(guard);
  }

  /** Whether what is added now counts whatever the data are. */
  get certain(): boolean {
    return !this.#frames.some((f) => f.kind === 'branch');
  }

  /** Adds a check once for each range of a tensor; `status` makes its tensor. */
  check(indices: Tensor, range: Range, origin: Origin, status: () => Tensor): void {
    const key = `${indices.id} ${text(range.low)} ${text(range.high)}`;
    if (this.#frames.some((f) => f.checked.has(key))) return;
    this.#top.checked.add(key);
    this.#top.checks.push({ tensor: status().id, range, origin });
  }

  /** Elements of an integer tensor as far as it takes to see whether they lie in a range: of large constants the least and the greatest. */
  extremes(tensor: Tensor): readonly Expr[] | undefined {
    const known = this.tensorDef(tensor.id).source.kind === 'constant' ? undefined : this.#values.of(tensor.id);
    if (known?.every((e) => e !== undefined) === true && known.some((e) => e.op !== 'const')) return known;
    const fixed = this.fixed(tensor);
    if (fixed === undefined || fixed.length === 0) return fixed === undefined ? undefined : [];
    let [least, most] = [Infinity, -Infinity];
    for (const v of fixed) [least, most] = [Math.min(least, Number(v)), Math.max(most, Number(v))];
    return [int(least), int(most)];
  }

  /** Elements that are all constant, of tensors of any size. */
  fixed(tensor: Tensor): ArrayLike<number | bigint> & Iterable<number | bigint> | undefined {
    const { source } = this.tensorDef(tensor.id);
    if (source.kind === 'constant') return source.constant.released ? undefined : viewAs(tensor.dtype, source.constant.bytes);
    const known = this.#values.of(tensor.id)?.flatMap((e) => (e?.op === 'const' ? [Number(e.value)] : []));
    return known?.length === staticSize(tensor.shape) ? known : undefined;
  }

  elements(tensor: Tensor): Known | undefined {
    return this.#values.of(tensor.id);
  }

  evaluate(value: Expr): Expr | undefined {
    return this.#values.evaluate(value);
  }

  /** The dim that one element of an integer tensor is: its known value, or a symbol that is read at run time. */
  dataDim(tensor: Tensor, element: number, origin: Origin): Expr {
    const known = this.#values.at(tensor.id, element);
    if (known !== undefined) return known;
    const key = `${tensor.id}:${element}`;
    const before = this.#frames.map((f) => f.dimOf.get(key)).find((dim) => dim !== undefined);
    if (before !== undefined) return before;
    const made = this.freshDim();
    // What a loop only reads is read before it, not in each step.
    const home = this.#frames.findLast((f) => f.kind !== 'body' || tensor.id >= f.first) ?? this.#top;
    home.dimOf.set(key, made);
    home.dataDims.push({ symbol: made, tensor: tensor.id, element, origin });
    const size = staticSize(tensor.shape) ?? 0;
    const rest = this.#values.of(tensor.id) ?? new Array<undefined>(size).fill(undefined);
    this.#values.learn(tensor.id, rest.map((e, i) => (i === element ? made : e)));
    return made;
  }

  finish(inputs: Program['inputs'], outputs: Program['outputs']): Program {
    const tensors = new Map([...this.#tensors].map(([id, def]) => [id, this.#withValues(def)]));
    return this.#program(this.#top, tensors, inputs, outputs);
  }

  #program(frame: Frame, tensors: Program['tensors'], inputs: Program['inputs'], outputs: Program['outputs']): Program {
    const { computations, dataDims, guards, checks, blocks } = frame;
    return {
      tensors, computations, inputs, outputs, dataDims, ...(guards.length === 0 ? {} : { guards }), ...(checks.length === 0 ? {} : { checks }),
      ...(blocks.length === 0 ? {} : { blocks }),
    };
  }

  #withValues(def: TensorDef): TensorDef {
    const values = this.#shown(def);
    return values === undefined ? def : { ...def, values };
  }

  #frame(kind: FrameKind): Frame {
    return { kind, first: this.#next, computations: [], dataDims: [], guards: [], checks: [], blocks: [], checked: new Set(), dimOf: new Map() };
  }

  get #top(): Frame {
    const top = this.#frames.at(-1);
    if (top === undefined) throw new QuernError('internal', 'a program without a frame');
    return top;
  }

  /** Elements worth handing on: all known, and exact. 64 covers shapes, axes and scalars; longer lists are cheaper to load. */
  #shown(def: TensorDef): readonly Expr[] | undefined {
    const size = staticSize(def.shape);
    if (size === undefined || size > 64) return undefined;
    // Of constants, which are at hand anyway, only scalars and those that are one element over and over: making expressions of every
    // bias took half the time of lowering.
    if (def.source.kind === 'constant' && size > 4 && !isUniform(def.source.constant)) return undefined;
    // Of long lists of floats only those matter that are one element over and over.
    if (size > 4 && isFloat(def.dtype)) {
      const first = this.#values.at(def.id, 0);
      if (first === undefined || this.#values.at(def.id, 1) !== first) return undefined;
    }
    const known = this.#values.of(def.id);
    if (known === undefined || def.dtype === 'float16') return undefined;
    const exact = (e: Expr | undefined): e is Expr =>
      e !== undefined && (e.op !== 'const' || e.dtype !== 'index' || Number.isSafeInteger(Number(e.value)));
    return known.every(exact) ? known : undefined;
  }

  #typed(body: Body): Body {
    const typeOf = (tensor: number): DType => this.#tensors.get(tensor)?.dtype ?? 'float32';
    if (stores(body).every((s) => s.value.dtype === typeOf(s.tensor))) return body;
    const stmt = (s: Stmt): Stmt => {
      switch (s.do) {
        case 'let': case 'set': return s;
        case 'for': case 'while': return { ...s, body: s.body.map(stmt) };
        case 'if': return { ...s, then: s.then.map(stmt), else: s.else.map(stmt) };
        case 'store': return { ...s, store: { ...s.store, value: narrow(s.store.value, typeOf(s.store.tensor)) } };
        default: return s satisfies never;
      }
    };
    if (body.kind === 'loop') return { ...body, body: body.body.map(stmt) };
    return { ...body, store: { ...body.store, value: narrow(body.store.value, typeOf(body.store.tensor)) } };
  }
}

function isUniform(constant: Constant): boolean {
  if (constant.released) return false;
  const [first, ...rest] = viewAs(constant.dtype, constant.bytes);
  return rest.every((v) => v === first);
}
