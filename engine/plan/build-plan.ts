/**
 * From a fused program to a plan: layouts, kernels, what is computed once while loading, which reshapes are only names, and the
 * segments. Segments are cut where a dim must be read from a tensor first, or where the device cannot run a kernel; among what is
 * ready, steps of the current place go first, so that islands stay few. In: a program in order. Out: a plan for one device.
 */
import { QuernError } from '../../jit/error.ts';
import { type Expr, asInt, cast, int, load, product, variable } from '../../jit/expr/expr.ts';
import { collect, isSym } from '../../jit/expr/visit.ts';
import { type Kernel, type Numeric, kernelText } from '../../jit/kernel.ts';
import { type Check, type Computation, type Origin, type Program, type TensorDef, blockNeeds, readOutside, readsOf, scalarsOf } from '../graph/program.ts';
import { Constant } from '../graph/graph.ts';
import { highest } from '../passes/pipeline.ts';
import { elements, flatten } from '../passes/index-maps.ts';
import { findPrepared, tensorOf } from '../passes/program-edit.ts';
import { generalise } from './generalise.ts';
import { type KernelCall, kernelOf } from './kernels.ts';
import { type Order, chooseLayouts, rowMajor } from './layouts.ts';
import { numbersAt, shareForms } from './literals.ts';
import { storeIntoSlices } from './slices.ts';
import { type Tile, type TileAxis, type TileSize, tileProducts } from './tiles.ts';
import { type Fallback, type Flow, type Place, type Plan, type PlanBlock, type PlanPart, type PlanStep, type PlanTensor, type Segment, rootOf } from './plan.ts';

export interface Target {
  readonly numeric: Numeric;
  readonly maxIterations: number;
  /** Whether there is a CPU beside it. */
  readonly cpu: boolean;
  /** Whether several kernels may write one tensor: a GPU wants what a dispatch reads and writes in different buffers. */
  readonly slices: boolean;
  /** Of tiles of what lies between two products; undefined where those run as a whole. */
  readonly tiles?: TileSize | undefined;
  /** Why the main device cannot run a kernel; undefined if it can. */
  readonly refuses: (kernel: Kernel) => string | undefined;
}

interface Run {
  readonly steps: readonly PlanStep[];
  readonly place: Place;
}

interface Item {
  /** Tensors, and symbols that blocks set or that are read while the model runs. */
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly symbols: readonly Expr[];
  readonly origins: readonly Origin[];
  /** Why the main device cannot run it. */
  readonly why?: string | undefined;
  readonly todo: Run | { readonly block: PlanBlock };
}

export function buildPlan(original: Program, target: Target): Plan {
  const { inputs, guards } = original;
  const tensors = new Map<number, PlanTensor>();
  const segments: Segment[] = [];
  const setup: PlanStep[] = [];
  const fallbacks: Fallback[] = [];
  const checks: Check[] = [];
  // Equal layers share one kernel object.
  const kernels = new Map<string, Kernel>();
  const shared = (call: KernelCall): KernelCall => {
    const key = kernelText(call.kernel);
    const kernel = kernels.get(key) ?? call.kernel;
    kernels.set(key, kernel);
    return { ...call, kernel };
  };
  const tileAxes = new Map<string, readonly TileAxis[]>();
  let next = highest(original);
  /** A program, or a part of one; `ready`: what is prepared around it. */
  const level = (part: Program, ready: ReadonlySet<number>): { readonly flow: Flow; readonly outputs: Program['outputs'] } => {
    const separate = separateOutputs(part, () => ++next);
    const fixed = readOutside(separate);
    const layouts = chooseLayouts(separate, fixed);
    // What follows takes nothing away from them.
    const prepared = findPrepared(separate, ready);
    const whole = !target.slices ? separate : storeIntoSlices(separate, layouts, prepared, fixed);
    const { program, tiles } = tileProducts(whole, target.tiles, fixed, prepared, tileAxes);
    const aliases = findAliases(program, layouts, fixed);
    const items: Item[] = [];
    for (const c of program.computations) {
      if (c.outputs.every((t) => aliases.has(t))) continue;
      const once = c.outputs.every((t) => prepared.has(t));
      const parts = [...copiesOf(program, c), c].map((part): Item & { readonly todo: Run } => {
        const made = kernelOf(part, (id) => tensorOf(program, id), (id) => layouts.get(id), target.numeric);
        const call = shared(once ? generalise(made) : made);
        const clear = [...(part.initial ?? [])].filter(([, from]) => from === 'zero').map(([id]) => id);
        const why = target.refuses(call.kernel);
        const step = { ...call, clear, origins: part.origins };
        const symbols = collect([...step.dims, ...step.args.flatMap((t) => tensorOf(program, t).shape)], isSym);
        return {
          reads: readsOf(part), writes: part.outputs, symbols, origins: part.origins, why, todo: { steps: [step], place: why === undefined ? 'main' : 'cpu' },
        };
      });
      const known = (t: number): boolean => prepared.has(aliased(t, aliases)) || tensorOf(program, aliased(t, aliases)).source.kind === 'constant';
      // What the main device cannot prepare is computed in each run, as is what depends on it.
      if (once && readsOf(c).every(known) && parts.every((p) => p.todo.place === 'main')) setup.push(...parts.flatMap((p) => p.todo.steps));
      else {
        for (const t of c.outputs) prepared.delete(t);
        const tile = tiles.get(c);
        items.push(...parts.map((part) => (tile === undefined ? part : inTile(items, part, tile, (t) => aliased(t, aliases)))));
      }
    }
    for (const def of program.tensors.values()) {
      const { id, dtype, shape } = def;
      // What a part is given, the program around has said all about; constants are the same everywhere.
      if (tensors.has(id)) continue;
      tensors.set(id, { id, dtype, shape, order: layouts.get(id) ?? rowMajor(shape.length), source: sourceOf(def, aliases, prepared) });
    }
    for (const block of program.blocks ?? []) {
      const parts = block.parts.map((part): PlanPart => {
        const made = level(part, prepared);
        return { flow: made.flow, outputs: made.outputs.map((o) => o.tensor), guards: part.guards ?? [], checks: checking(part) };
      });
      const { tensors: reads, symbols } = blockNeeds(block);
      items.push({ reads, writes: block.outputs, symbols, origins: [block.origin], todo: { block: { ...block, parts } } });
    }
    checks.push(...program.checks ?? []);
    if (target.cpu) sizesOnCpu(items, program, (id) => aliased(id, aliases));
    for (const { origins, why } of items) if (why !== undefined) fallbacks.push({ origins, why });
    return { flow: cut(items, program, (id) => aliased(id, aliases), prepared, segments), outputs: program.outputs };
  };
  const { flow, outputs } = level(original, new Set());
  const all = [...setup, ...segments.flatMap((s) => s.steps)];
  const lifted = shareForms(all.map((step) => step.kernel), (kernel) => target.refuses(kernel) === undefined);
  const tables = new Map<string, number>();
  const inForm = (step: PlanStep): PlanStep => {
    const form = lifted.get(step.kernel);
    if (form === undefined) return step;
    const { kernel, numbers } = form;
    const key = numbers.join();
    const id = tables.get(key) ?? ++next;
    if (!tables.has(key)) {
      const constant = new Constant('float32', [numbers.length], new Uint8Array(Float32Array.from(numbers).buffer));
      tables.set(key, id);
      tensors.set(id, { id, dtype: 'float32', shape: [int(numbers.length)], order: [0], source: { kind: 'constant', constant } });
    }
    return { ...step, kernel, args: step.args.toSpliced(numbersAt(step.kernel), 0, id) };
  };
  return {
    tensors, setup: sharedSetup(setup.map(inForm), tensors), segments: segments.map((s) => ({ ...s, steps: s.steps.map(inForm) })),
    flow, inputs, outputs, fallbacks, maxIterations: target.maxIterations,
    ...(guards === undefined ? {} : { guards }), ...(checks.length === 0 ? {} : { checks }),
  };
}

/** An item of a tile, with what is there of that tile: their steps run together, for one tile after the other. */
function inTile(items: Item[], { todo: { steps, place }, ...next }: Item & { readonly todo: Run }, of: Tile, root: (t: number) => number): Item {
  const last = items.at(-1);
  const before = last !== undefined && 'steps' in last.todo && last.todo.steps[0]?.tile?.of === of ? last.todo.steps : [];
  const known = before.length > 0 ? items.pop() : undefined;
  const [first, ...more] = [...before, ...steps];
  const writes = [...known?.writes ?? [], ...next.writes];
  return {
    reads: [...known?.reads ?? [], ...next.reads].filter((t) => !writes.includes(root(t))), writes,
    symbols: [...known?.symbols ?? [], ...next.symbols], origins: [...known?.origins ?? [], ...next.origins], why: known?.why ?? next.why,
    todo: { steps: first === undefined ? [] : [{ ...first, tile: { of, steps: more.length + 1 } }, ...more], place: known?.why === undefined ? place : 'cpu' },
  };
}

/** Setup steps without those that make what another one makes: branches that share weights pack them once. */
function sharedSetup(setup: readonly PlanStep[], tensors: Map<number, PlanTensor>): PlanStep[] {
  const written = ({ args, kernel }: PlanStep): number[] => args.filter((_, i) => kernel.args[i]?.access !== 'read');
  const writers = new Map<number, number>();
  for (const t of setup.flatMap(written)) writers.set(t, (writers.get(t) ?? 0) + 1);
  const made = new Map<Kernel, Map<string, number>>();
  return setup.filter((step) => {
    const [out, ...more] = written(step);
    const tensor = out === undefined ? undefined : tensors.get(out);
    if (tensor === undefined || more.length > 0 || writers.get(tensor.id) !== 1) return true;
    const known = made.get(step.kernel) ?? new Map<string, number>();
    made.set(step.kernel, known);
    const key = [...step.args.map((t) => (t === out ? '' : rootOf({ tensors }, t))), ...step.dims.map((d) => d.id)].join();
    const same = known.get(key);
    if (same === undefined) known.set(key, tensor.id);
    else tensors.set(tensor.id, { ...tensor, source: { kind: 'alias', of: same } });
    return same === undefined;
  });
}

const checking = ({ checks = [], blocks = [] }: Program): boolean =>
  checks.length > 0 || blocks.some((b) => b.kind === 'if' && b.parts.some(checking));

const originOf = (origins: readonly Origin[]): Partial<Origin> => origins.at(-1) ?? {};

function sourceOf(def: TensorDef, aliases: ReadonlyMap<number, number>, prepared: ReadonlySet<number>): PlanTensor['source'] {
  const of = aliases.get(def.id);
  if (of !== undefined) return { kind: 'alias', of };
  if (prepared.has(def.id)) return { kind: 'prepared' };
  return def.source.kind === 'given' ? { kind: 'computed' } : def.source;
}

function aliased(id: number, aliases: ReadonlyMap<number, number>): number {
  let at = id;
  for (let of = aliases.get(at); of !== undefined; of = aliases.get(at)) at = of;
  return at;
}

/** Outputs that are inputs, constants, or another output too get a tensor of their own. */
function separateOutputs(program: Program, fresh: () => number): Program {
  const made = new Set(program.blocks?.flatMap((b) => b.outputs));
  const tensors = new Map(program.tensors);
  const computations = [...program.computations];
  const taken = new Set<number>();
  const outputs = program.outputs.map((o) => {
    const def = tensorOf(program, o.tensor);
    if ((def.source.kind === 'computed' || made.has(o.tensor)) && !taken.has(o.tensor)) {
      taken.add(o.tensor);
      return o;
    }
    const id = fresh();
    tensors.set(id, { id, dtype: def.dtype, shape: def.shape, source: { kind: 'computed' } });
    computations.push({ ...copy(def, { id, dtype: def.dtype }), origins: [{ node: o.name, op: 'Identity' }] });
    return { ...o, tensor: id };
  });
  return { ...program, tensors, computations, outputs };
}

function copy(from: TensorDef, to: Pick<TensorDef, 'id' | 'dtype'>): Omit<Computation, 'origins'> {
  const axes = from.shape.map((extent, d) => variable(`c${d}`, extent));
  const value = cast(load(from.id, from.dtype, axes), to.dtype);
  return { body: { kind: 'map', axes, store: { tensor: to.id, index: axes, value } }, outputs: [to.id] };
}

/** Loop bodies that start from another tensor's contents: a copy before them. */
function copiesOf(program: Program, c: Computation): Computation[] {
  return [...(c.initial ?? [])].flatMap(([to, from]) =>
    typeof from === 'number' ? [{ ...copy(tensorOf(program, from), tensorOf(program, to)), origins: c.origins }] : []);
}

/** Maps that only rename: one load, the same position on both sides, both row-major. */
function findAliases(program: Program, layouts: ReadonlyMap<number, Order>, fixed: ReadonlySet<number>): Map<number, number> {
  const aliases = new Map<number, number>();
  const plain = (id: number): boolean => layouts.get(id)?.every((d, i) => d === i) ?? true;
  for (const { body, outputs } of program.computations) {
    const [output] = outputs;
    if (body.kind !== 'map' || output === undefined || fixed.has(output)) continue;
    const { value } = body.store;
    if (value.op !== 'load' || !plain(output) || !plain(value.tensor)) continue;
    const source = tensorOf(program, value.tensor);
    const target = tensorOf(program, output);
    if (source.dtype !== target.dtype) continue;
    if (elements(source.shape) !== elements(target.shape)) continue;
    if (flatten(value.index, source.shape) === flatten(body.store.index, target.shape)) aliases.set(output, value.tensor);
  }
  return aliases;
}

/** Elements of constants that are worth having on the CPU too. */
const fewElements = 4096;

/** What makes only sizes and conditions, of feeds alone, is for the CPU, where the feeds are: from a GPU they would have to be read back. */
function sizesOnCpu(items: Item[], program: Program, root: (id: number) => number): void {
  const read = new Set([...program.dataDims.map((d) => d.tensor), ...(program.blocks ?? []).flatMap(scalarsOf).filter((t) => typeof t === 'number')].map(root));
  const [wanted, others] = [new Set(read), new Set(program.outputs.map((o) => root(o.tensor)))];
  for (const { tensor } of program.checks ?? []) others.add(root(tensor));
  const sizes = ({ writes, todo }: Item): boolean => 'steps' in todo && writes.every((t) => wanted.has(root(t)) && !others.has(root(t)));
  for (const item of items.toReversed()) {
    for (const t of item.reads.map(root)) {
      if (sizes(item)) wanted.add(t);
      else if ('steps' in item.todo || !read.has(t)) others.add(t);
    }
  }
  const fed = new Set([...program.tensors.values()].filter(({ source, shape }) =>
    source.kind === 'input' || (source.kind === 'constant' && (asInt(product(shape)) ?? 0) <= fewElements)).map((def) => def.id));
  for (const [k, item] of items.entries()) {
    if (!('steps' in item.todo) || !sizes(item) || !item.reads.every((t) => fed.has(root(t)) || item.writes.includes(t))) continue;
    for (const t of item.writes) fed.add(t);
    items[k] = { ...item, why: undefined, todo: { ...item.todo, place: 'cpu' } };
  }
}

/** List scheduling into segments: what is ready here, then what is ready elsewhere, then blocks, then the dims that wait for a read. */
function cut(
  items: readonly Item[],
  { dataDims, blocks = [] }: Program,
  root: (id: number) => number,
  prepared: ReadonlySet<number>,
  segments: Segment[],
): Flow {
  const late = new Set<Expr>([...dataDims.map((d) => d.symbol), ...blocks.flatMap((b) => b.symbols)]);
  const unwritten = new Map<number, number>();
  const before = new Map<Item, Item>();
  const lastWriter = new Map<number, Item>();
  for (const item of items) {
    for (const t of item.writes) {
      unwritten.set(t, (unwritten.get(t) ?? 0) + 1);
      const earlier = lastWriter.get(t);
      if (earlier !== undefined) before.set(item, earlier);
      lastWriter.set(t, item);
    }
  }
  const made = (t: number): boolean => prepared.has(t) || (unwritten.get(root(t)) ?? 0) === 0;
  const known = new Set<Expr>();
  const done = new Set<Item>();
  const needs = new Map(items.map((item) => [item, item.symbols.filter((s) => late.has(s))]));
  const ready = (item: Item): boolean => {
    const earlier = before.get(item);
    if (earlier !== undefined && !done.has(earlier)) return false;
    return item.reads.every((t) => made(t) || item.writes.includes(t)) && (needs.get(item) ?? []).every((s) => known.has(s) || own(item, s));
  };
  const own = ({ todo }: Item, s: Expr): boolean => 'block' in todo && todo.block.symbols.some((mine) => mine === s);
  const finish = (item: Item): void => {
    done.add(item);
    for (const t of item.writes) unwritten.set(t, (unwritten.get(t) ?? 1) - 1);
  };
  const flow: (number | PlanBlock)[] = [];
  let waiting = [...items];
  for (;;) {
    const readable = dataDims.filter((d) => !known.has(d.symbol) && made(d.tensor));
    if (waiting.length === 0 && readable.length === 0) return flow;
    // What the CPU makes of feeds alone goes first: nothing is read back for it.
    const next = waiting.find((item) => 'steps' in item.todo && ready(item) && (flow.length > 0 || item.todo.place === 'cpu'))
      ?? waiting.find((item) => 'steps' in item.todo && ready(item));
    const place = next !== undefined && 'steps' in next.todo ? next.todo.place : 'main';
    const steps: PlanStep[] = [];
    // Items are in topological order: one sweep takes everything that becomes ready here.
    waiting = waiting.filter((item) => {
      const { todo } = item;
      if (!('steps' in todo) || todo.place !== place || !ready(item)) return true;
      steps.push(...todo.steps);
      finish(item);
      return false;
    });
    const block = steps.length > 0 ? undefined : waiting.find(ready);
    if (block !== undefined && 'block' in block.todo) {
      waiting = waiting.filter((item) => item !== block);
      finish(block);
      for (const s of block.todo.block.symbols) known.add(s);
      flow.push(block.todo.block);
      continue;
    }
    // A read waits for the device: only when nothing else can go on.
    const reads = waiting.some(ready) ? [] : dataDims.filter((d) => !known.has(d.symbol) && made(d.tensor));
    for (const d of reads) known.add(d.symbol);
    if (steps.length === 0 && reads.length === 0) {
      throw new QuernError('internal', 'steps wait for each other', originOf(waiting[0]?.origins ?? []));
    }
    flow.push(segments.length);
    segments.push({ place, steps, reads });
  }
}
