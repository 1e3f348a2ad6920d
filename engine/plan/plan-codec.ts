/**
 * Plans as data: what a later visit needs instead of reading, lowering and fusing the model again. No code is in it: kernels are bodies of
 * expressions, and are emitted again. Each expression, kernel and constant is written once. What is read has the form of a plan, its
 * steps fit their kernels and name tensors that are there; that it belongs to the model at hand is its reader's affair.
 */
import { type DType, scalarTypes } from '../../jit/expr/dtype.ts';
import type { Expr, Sym, Var } from '../../jit/expr/expr.ts';
import { type Arg, type Body, type Kernel, type Numeric, type Scan, type Stmt, type Store, loadsOf, stores } from '../../jit/kernel.ts';
import { type Codec, anything, flag, list, number, oneOf, optional, record, require, table, text, variant } from '../cache/codec.ts';
import type { Json } from '../cache/entry.ts';
import type { Constant } from '../graph/graph.ts';
import type { Check, Guard, Origin, Range, Scalar } from '../graph/program.ts';
import { expressionTable } from './expr-codec.ts';
import {
  type Fallback, type Flow, type Plan, type PlanBlock, type PlanPart, type PlanStep, type PlanTensor, type Segment, blocksOf,
} from './plan.ts';
import type { Tile, TileAxis, TileSize } from './tiles.ts';

export interface PlanData {
  readonly expressions: readonly Json[];
  readonly kernels: readonly Json[];
  readonly constants: readonly Json[];
  readonly plan: Json;
}

const tables = record<PlanData>({ expressions: list(anything), kernels: list(anything), constants: list(anything), plan: anything });

export function writePlan(plan: Plan, constant: Codec<Constant>): Json {
  const known = codecs({ expressions: [], kernels: [], constants: [], plan: null }, constant);
  const written = known.plan.write(plan);
  return tables.write({ expressions: known.expression.rows, kernels: known.kernel.rows, constants: known.constant.rows, plan: written });
}

/** Throws `Malformed`. */
export function readPlan(data: Json, constant: Codec<Constant>): Plan {
  const read = tables.read(data);
  const plan = codecs(read, constant).plan.read(read.plan);
  const there = (id: number): boolean => plan.tensors.has(id);
  for (const step of [...plan.setup, ...plan.segments.flatMap((s) => s.steps)]) {
    const { kernel: { args, syms, body }, dims } = step;
    require(step.args.length === args.length && dims.length === syms.length);
    require(step.args.every(there) && step.clear.every((t) => step.args.includes(t)));
    for (const { tensor, index } of [...stores(body), ...loadsOf(body)]) require(args[tensor]?.shape.length === index.length);
  }
  const named = [...plan.inputs, ...plan.outputs, ...plan.checks ?? [], ...plan.segments.flatMap((s) => s.reads)];
  const blocks = blocksOf(plan.flow);
  for (const flow of [plan.flow, ...blocks.flatMap((b) => b.parts.map((part) => part.flow))]) {
    require(flow.every((f) => typeof f !== 'number' || plan.segments[f] !== undefined));
  }
  for (const b of blocks) {
    const read = b.kind === 'if' ? [b.cond] : [b.limit, b.start, ...b.initial];
    require([...b.outputs, ...b.parts.flatMap((part) => part.outputs), ...read].every((t) => typeof t !== 'number' || there(t)));
  }
  require(named.every(({ tensor }) => there(tensor)));
  return plan;
}

function codecs(rows: PlanData, constantAt: Codec<Constant>) {
  const expression = expressionTable([...rows.expressions]);
  const many = list(expression);
  const numbers = list(number);
  const dtype = oneOf(scalarTypes.filter((t): t is DType => t !== 'index'));
  const only = <T extends Expr>(op: T['op']): Codec<T> => ({
    write: (e) => expression.write(e),
    read: (data) => {
      const e = expression.read(data);
      require(e.op === op);
      return e as T;
    },
  });
  const symbol = only<Sym>('sym');
  const axis = only<Var>('var');
  const axes = list(axis);

  const store = record<Store>({ tensor: number, index: many, value: expression });
  const block: Codec<readonly Stmt[]> = { write: (all) => statements().write(all), read: (data) => statements().read(data) };
  const local = { name: text, value: expression };
  const statement = variant<'do', Stmt>('do', {
    let: local, set: local,
    for: { axis, body: block },
    while: { cond: expression, body: block },
    if: { cond: expression, then: block, else: block },
    store: { store },
  });
  const statements = (): Codec<readonly Stmt[]> => list(statement);
  const scan = record<Scan>({ name: text, op: oneOf(['sum', 'max', 'min', 'prod']), value: expression });
  const body = variant<'kind', Body>('kind', {
    map: { axes, store },
    rows: {
      axes, inner: axes, scans: list(scan), each: flag, store,
    },
    contraction: { batch: axes, rows: axes, cols: axes, depth: axes, lhs: expression, rhs: expression, panel: optional(number), store },
    loop: { axes, body: block },
  });
  const kernel = table<Kernel>(() => record<Kernel>({
    body,
    args: list(record<Arg>({ dtype, shape: many, strides: many, access: oneOf(['read', 'write', 'readwrite']) })),
    syms: list(symbol),
    numeric: record<Numeric>({ fma: flag, precision: oneOf(['exact', 'fast']) }),
  }), [...rows.kernels]);

  const constant = table<Constant>(() => constantAt, [...rows.constants]);
  const origin = record<Origin>({ node: text, op: text });
  const origins = list(origin);
  const tensor = record<PlanTensor>({
    id: number, dtype, shape: many, order: numbers,
    source: variant<'kind', PlanTensor['source']>('kind', {
      input: { name: text }, constant: { constant }, prepared: {}, computed: {}, alias: { of: number },
    }),
  });
  const tileAxis = record<TileAxis>({ start: expression, count: expression, extent: expression });
  const tile = record<Tile>({ axes: list(tileAxis), bytes: expression, size: record<TileSize>({ bytes: number, rows: number }) });
  const step = record<PlanStep>({
    kernel, dims: many, args: numbers, clear: numbers, origins, tile: optional(record<NonNullable<PlanStep['tile']>>({ of: tile, steps: number })),
  });
  const read = record<Segment['reads'][number]>({ symbol, tensor: number, element: number, origin });
  const named = list(record<Plan['inputs'][number]>({ name: text, tensor: number }));
  const guards = list(record<Guard>({
    holds: expression, what: text, origin, fault: optional(oneOf(['shape-mismatch', 'index-out-of-range'])),
  }));
  // A scalar is a tensor's number, or an expression in a list.
  const scalar: Codec<Scalar> = {
    write: (s) => (typeof s === 'number' ? s : many.write([s])),
    read: (data) => {
      if (typeof data === 'number') return data;
      const [s] = many.read(data);
      require(s !== undefined);
      return s;
    },
  };
  const flow: Codec<Flow> = {
    write: (all) => all.map((f) => (typeof f === 'number' ? f : planBlock.write(f))),
    read: (data) => list(anything).read(data).map((f) => (typeof f === 'number' ? f : planBlock.read(f))),
  };
  const parts = list(record<PlanPart>({ flow, outputs: numbers, guards, checks: flag }));
  const common = { origin, outputs: numbers, symbols: list(symbol), parts };
  const planBlock = variant<'kind', PlanBlock>('kind', {
    if: { ...common, cond: scalar },
    loop: { ...common, limit: optional(scalar), start: optional(scalar), initial: numbers, count: number, going: number, asks: flag },
  });
  const plan = record<Plan>({
    tensors: {
      write: (all) => list(tensor).write([...all.values()]),
      read: (data) => new Map(list(tensor).read(data).map((t) => [t.id, t])),
    },
    setup: list(step),
    segments: list(record<Segment>({
      place: oneOf(['main', 'cpu']), steps: list(step), reads: list(read),
    })),
    inputs: named, outputs: named,
    guards: optional(guards),
    flow, maxIterations: number,
    checks: optional(list(record<Check>({
      tensor: number, steps: optional(flag), range: record<Range>({ low: expression, high: expression }), origin,
    }))),
    fallbacks: list(record<Fallback>({ origins, why: text })),
  });
  return { expression, kernel, constant, plan };
}
