/**
 * From a graph to something that runs on given devices: passes, lowering, fusion, plan, executor. No files, caches or tuning here; tests run
 * it on any device. `dims` fixes symbolic dims by name before anything is compiled.
 */
import { type Expr, int, type Sym } from '../../jit/expr/expr.ts';
import { collect, isSym, rewriter } from '../../jit/expr/visit.ts';
import { text } from '../../jit/expr/text.ts';
import type { Device } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import type { Graph } from '../graph/graph.ts';
import { defaultIterations, lowerGraph } from '../ops/lower.ts';
import { type PassOptions, runGraphPasses, runProgramPasses } from '../passes/pipeline.ts';
import { buildPlan } from '../plan/build-plan.ts';
import type { Place, Plan } from '../plan/plan.ts';
import type { TileSize } from '../plan/tiles.ts';
import { Executor } from './executor.ts';
import { KernelStore, type Lookup } from './kernel-store.ts';
import type { ValueInfo } from './model.ts';

export interface Devices {
  readonly main: Device;
  /** Runs what `main` cannot; undefined where `main` is the CPU. */
  readonly cpu?: Device;
}

/** Half of a second level of cache; fewer rows than that, and a product reads its right-hand side too often. */
const tiles: TileSize = { bytes: 2 ** 20, rows: 32 };

export interface CompileOptions extends PassOptions {
  readonly precision: 'exact' | 'fast';
  readonly dims: Readonly<Record<string, number>>;
  /** Steps after which a loop fails. */
  readonly maxIterations?: number;
  /** On the CPU. */
  readonly tiles?: TileSize;
  readonly lookup?: (place: Place) => Lookup;
}

export interface CompiledModel {
  readonly executor: Executor;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

export const compileModel = (graph: Graph, devices: Devices, options: CompileOptions): CompiledModel =>
  executable(planModel(graph, devices, options), devices, options.lookup);

/** Throws `unsupported-model` for what can run nowhere, `invalid-option` for dims that the model has not, and what lowering throws. */
export function planModel(graph: Graph, devices: Devices, options: CompileOptions): Plan {
  const stages = planning(graph, devices, options);
  let stage = stages.next();
  while (stage.done !== true) stage = stages.next();
  return stage.value;
}

/** What planning asks of devices. */
export interface Planned {
  readonly main: Pick<Device, 'profile' | 'space'>;
  readonly cpu?: Pick<Device, 'space'>;
}

/** `planModel`, a stage at a time. */
export function* planning(graph: Graph, devices: Planned, options: CompileOptions): Generator<void, Plan> {
  const fixed = fixDims(graph, options.dims);
  const { profile } = devices.main;
  const onGpu = profile.kind === 'webgpu';
  const cleaned = runGraphPasses(fixed, options);
  yield;
  const { maxIterations = defaultIterations } = options;
  const lowered = lowerGraph(cleaned, maxIterations);
  options.observe?.('lower', { program: lowered });
  yield;
  const program = runProgramPasses(lowered, profile.panel, options);
  yield;
  const plan = buildPlan(program, {
    maxIterations, cpu: devices.cpu !== undefined, slices: !onGpu,
    tiles: onGpu ? undefined : options.tiles ?? tiles,
    numeric: { fma: profile.fma, precision: options.precision },
    // The CPU runs everything; to make its spaces here as well as later was 3 % of a first visit.
    refuses: (kernel) => {
      if (!onGpu) return undefined;
      const space = devices.main.space(kernel);
      return 'why' in space ? space.why : undefined;
    },
  });
  requireCpu(plan, devices);
  return plan;
}

/** A plan made for these devices, ready to be filled with weights. */
export function executable(plan: Plan, devices: Devices, lookup: CompileOptions['lookup'] = () => () => undefined): CompiledModel {
  const stores = new Map<Place, KernelStore>([['main', new KernelStore(devices.main, lookup('main'))]]);
  if (devices.cpu !== undefined) stores.set('cpu', new KernelStore(devices.cpu, lookup('cpu')));
  return { executor: new Executor(plan, stores), ...interfaceOf(plan) };
}

/** Fails early, naming the node, if something can run nowhere. */
function requireCpu(plan: Plan, devices: Planned): void {
  const [first] = plan.fallbacks;
  if (first === undefined) return;
  const origin = first.origins.at(-1);
  const place = origin === undefined ? {} : { node: origin.node, op: origin.op };
  if (devices.cpu === undefined) throw new QuernError('unsupported-model', first.why, place);
  for (const { steps, place: where } of plan.segments) {
    if (where !== 'cpu') continue;
    for (const step of steps) {
      const space = devices.cpu.space(step.kernel);
      const at = step.origins.at(-1);
      if ('why' in space) throw new QuernError('unsupported-model', space.why, at === undefined ? {} : { node: at.node, op: at.op });
    }
  }
}

function interfaceOf(plan: Plan): { readonly inputs: ValueInfo[]; readonly outputs: ValueInfo[] } {
  const info = ({ name, tensor }: { readonly name: string; readonly tensor: number }): ValueInfo => {
    const def = plan.tensors.get(tensor);
    if (def === undefined) throw new QuernError('internal', `'${name}' has no tensor`);
    return { name, dtype: def.dtype, dims: def.shape.map((d) => (d.op === 'const' ? Number(d.value) : text(d))) };
  };
  return { inputs: plan.inputs.map(info), outputs: plan.outputs.map(info) };
}

/** Replaces symbols by the numbers given for them; unknown names are errors. */
function fixDims(graph: Graph, dims: Readonly<Record<string, number>>): Graph {
  const names = Object.keys(dims);
  if (names.length === 0) return graph;
  const symbols = new Map<string, Sym>();
  for (const input of graph.inputs) for (const s of collect(input.type?.shape ?? [], isSym)) symbols.set(s.name, s);
  for (const name of names) {
    if (!symbols.has(name)) {
      throw new QuernError('invalid-option', `the model has no dim '${name}'`, { expected: [...symbols.keys()].join(', ') || 'no symbolic dims', got: name });
    }
  }
  const go = rewriter((e: Expr) => (e.op === 'sym' && dims[e.name] !== undefined ? int(dims[e.name] ?? 0) : undefined));
  const inputs = graph.inputs.map((i) => (i.type === undefined ? i : { ...i, type: { ...i.type, shape: i.type.shape.map(go) } }));
  return { ...graph, inputs };
}
