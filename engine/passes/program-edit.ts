/**
 * What program passes share: who writes and reads each tensor, and a program rebuilt from changed computations. Passes take a program
 * and return a new one.
 */
import { type Expr, asInt, product } from '../../jit/expr/expr.ts';
import { type Body, type ContractionBody, expressions, loadedTensors, mentions } from '../../jit/kernel.ts';
import { collect, isSym, walk } from '../../jit/expr/visit.ts';
import { type Block, type Computation, type Program, type TensorDef, blockNeeds, readOutside, readsOf } from '../graph/program.ts';
import { QuernError } from '../../jit/error.ts';

export interface Uses {
  /** The computation that writes a tensor. */
  readonly writer: ReadonlyMap<number, Computation>;
  /** The computations that read it, each once. */
  readonly readers: ReadonlyMap<number, readonly Computation[]>;
  /** Tensors that must exist when the program ends, or between segments. */
  readonly kept: ReadonlySet<number>;
}

export function usesOf(program: Program): Uses {
  const writer = new Map<number, Computation>();
  const readers = new Map<number, Computation[]>();
  for (const c of program.computations) {
    for (const t of c.outputs) writer.set(t, c);
    readsOf(c).forEach((t) => {
      const known = readers.get(t);
      if (known === undefined) readers.set(t, [c]);
      else known.push(c);
    });
  }
  return { writer, readers, kept: readOutside(program) };
}

export function tensorOf(program: Pick<Program, 'tensors'>, id: number): TensorDef {
  const def = program.tensors.get(id);
  if (def === undefined) throw new QuernError('internal', `tensor t${id} is not defined`);
  return def;
}

/** WebGPU's default is 8 storage buffers a stage; one is the output, one carries dims. */
export const mostReads = 6;
/** Beyond this an expression's index arithmetic costs more than a stored tensor. */
const mostNodes = 240;

/** Whether a fused body stays within the bounds of fusion; what already read more tensors than most may go on doing so. */
export function fusable(body: Body, readsBefore = 0): boolean {
  if (loadedTensors(body).length > Math.max(mostReads, readsBefore)) return false;
  let nodes = 0;
  walk(expressions(body), () => { nodes++; });
  return nodes <= mostNodes;
}

/**
 * From here on the CPU keeps weights of few bits as they are, in a quarter to an eighth of the memory of float32: a row takes as long, 64
 * rows 1.4 to 1.8 times.
 */
export const isLarge = ({ cols, depth }: ContractionBody): boolean => (asInt(product([...cols, ...depth].map((v) => v.extent))) ?? 0) >= 2 ** 20;

/** Tensors that depend on constants (and on what is `ready`) alone, and are computed once. */
export function findPrepared(program: Program, ready: ReadonlySet<number> = new Set()): Set<number> {
  const prepared = new Set(ready);
  const symbolic = (roots: readonly Expr[]): boolean => collect(roots, isSym).length > 0;
  // Blocks read what is prepared as they read constants.
  const outputs = readOutside({ ...program, blocks: [] });
  const constant = (id: number): boolean => prepared.has(id) || tensorOf(program, id).source.kind === 'constant';
  for (const c of program.computations) {
    if (!readsOf(c).every(constant)) continue;
    if (symbolic(mentions(c.body))) continue;
    if (c.outputs.some((t) => outputs.has(t) || symbolic(tensorOf(program, t).shape))) continue;
    for (const t of c.outputs) prepared.add(t);
  }
  return prepared;
}

/** The same program without what nobody needs. */
export function prune(program: Program): Program {
  const needed = new Set<number>([...program.outputs, ...program.checks ?? []].map(({ tensor }) => tensor));
  const symbols = new Map(program.dataDims.map((d) => [d.symbol as Expr, d]));
  const pending = [...needed];
  const makers = new Map<number | Expr, Block>((program.blocks ?? []).flatMap((b) => [...b.outputs, ...b.symbols].map((made) => [made, b] as const)));
  const blocks = new Set<Block>();
  const writer = new Map<number, Computation>();
  for (const c of program.computations) for (const t of c.outputs) writer.set(t, c);
  const kept = new Set<Computation>();
  const need = (t: number): void => {
    if (needed.has(t)) return;
    needed.add(t);
    pending.push(t);
  };
  const needSymbols = (roots: readonly Expr[]): void => {
    for (const s of collect(roots, isSym)) {
      const dim = symbols.get(s);
      if (dim !== undefined) need(dim.tensor);
      needBlock(makers.get(s));
    }
  };
  const needBlock = (block: Block | undefined): void => {
    if (block === undefined || blocks.has(block)) return;
    blocks.add(block);
    const { tensors, symbols: mentioned } = blockNeeds(block);
    for (const t of [...tensors, ...block.outputs]) need(t);
    needSymbols(mentioned);
  };
  needSymbols([...(program.guards ?? []).map((g) => g.holds), ...(program.checks ?? []).flatMap(({ range }) => [range.low, range.high])]);
  while (pending.length > 0) {
    const t = pending.pop();
    if (t === undefined) break;
    needSymbols(tensorOf(program, t).shape);
    needBlock(makers.get(t));
    const c = writer.get(t);
    if (c === undefined || kept.has(c)) continue;
    kept.add(c);
    for (const r of readsOf(c)) need(r);
    for (const o of c.outputs) {
      needed.add(o);
      needSymbols(tensorOf(program, o).shape);
    }
    needSymbols(mentions(c.body));
  }
  const inputs = new Set(program.inputs.map((i) => i.tensor));
  return {
    ...program,
    tensors: new Map([...program.tensors].filter(([id]) => needed.has(id) || inputs.has(id))),
    computations: program.computations.filter((c) => kept.has(c)),
    dataDims: program.dataDims.filter((d) => needed.has(d.tensor)),
    ...(program.blocks === undefined ? {} : { blocks: program.blocks.filter((b) => blocks.has(b)) }),
  };
}
