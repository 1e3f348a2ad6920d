/**
 * Differential fuzzing of the compiler: a random model, computed as lowered on the reference executor, against the same model through
 * random sets of passes, panels and fixed dims: on the reference device (equal bits, but where a pass is known to round otherwise) and
 * on the CPU with random schedules (equal bits among schedules; near the reference within what a small change of the feeds does).
 * Invariants on the way: the IR is verified after every pass, texts are stable, arenas share no living bytes, memory is given back.
 */
import { makeReferenceDevice } from '../../jit/backends/reference/index.ts';
import type { Device } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import { bytesUnder, viewAs } from '../../jit/expr/dtype.ts';
import type { Choices } from '../../jit/fuzz/choices.ts';
import { type Kernel, kernelText } from '../../jit/kernel.ts';
import { candidates } from '../../jit/space.ts';
import { firstDifference } from '../../jit/tune/compare.ts';
import type { Graph } from '../graph/graph.ts';
import { printProgram } from '../graph/print.ts';
import { loadGraph } from '../load/load-graph.ts';
import { model } from '../load/testing/build-model.ts';
import { lowerGraph } from '../ops/lower.ts';
import { numbersOf } from '../ops/testing/compare.ts';
import { type Feed, runProgram } from '../ops/testing/run-program.ts';
import { passNames } from '../passes/pipeline.ts';
import type { TileSize } from '../plan/tiles.ts';
import { compileModel } from '../runtime/compile-model.ts';
import type { Lookup } from '../runtime/kernel-store.ts';
import type { WireTensor } from '../runtime/model.ts';
import { overlapIn, recorded } from './arenas.ts';
import { GraphMaker, type RandomModel } from './graph-maker.ts';
import { grow } from './operators.ts';

export interface GraphOutcome {
  /** Model x set of passes x dims. */
  readonly cases: number;
  readonly nodes: number;
  /** Why Quern does not take the model. */
  readonly refused?: string;
  readonly failure?: { readonly what: string; readonly text: string };
}

type Results = ReadonlyMap<string, Feed>;

export interface GraphOptions {
  /** Devices with the given panel, made for this and disposed of by it. */
  readonly cpu: (panel: number) => Promise<Device>;
  /** Sees every kernel with dims that it ran with. */
  readonly onKernel?: (kernel: Kernel, dims: readonly number[]) => Promise<string | undefined>;
}

export async function fuzzGraph(c: Choices, options: GraphOptions): Promise<GraphOutcome> {
  const maker = new GraphMaker(c);
  grow(maker);
  const made = maker.finish();
  const bytes = model(made.literal);
  const nodes = made.literal.nodes.length;
  let cases = 0;
  const failed = (what: string): GraphOutcome => ({ cases, nodes, failure: { what, text: describe(made) } });
  try {
    // A session gives up the bytes of constants: each has a graph of its own.
    const graph = (): Promise<Graph> => loadGraph({ kind: 'bytes', bytes: bytes.slice() });
    const plain = await graph();
    const wanted = made.feeds.map((feeds) => runProgram(lowerGraph(plain), new Map(Object.entries(feeds))));
    for (let v = 0, variants = c.int(2, 3); v < variants; v++) {
      const skip = new Set(v === 0 && c.chance(60) ? [] : passNames.filter(() => c.chance(35)));
      const panel = c.pick([8, 0, 4, 16]);
      const names = Object.keys(made.symbols).filter((name) => Object.values(made.literal.inputs ?? {}).some((type) => new RegExp(`\\b${name}\\b`).test(type)));
      const fixed = names.length > 0 && c.chance(25) ? c.pick(names) : undefined;
      const tiles = c.chance(50) ? { bytes: c.pick([1, 100, 600]), rows: c.pick([1, 3]) } : undefined;
      const variant: Variant = {
        graph, skip, panel, tiles,
        dims: fixed === undefined ? {} : { [fixed]: made.symbols[fixed]?.[0] ?? 1 },
        feeds: fixed === undefined ? made.feeds : made.feeds.slice(0, 1),
      };
      const place = `without ${[...skip].join(', ') || 'nothing'}, panel ${panel}${tiles === undefined ? '' : `, tiles of ${tiles.bytes}`}${fixed === undefined ? '' : `, ${fixed} fixed`}`;
      const reference = await run(variant, makeReferenceDevice({ panel }));
      cases += variant.feeds.length;
      if (typeof reference === 'string') return failed(`${place}: ${reference}`);
      for (const [i, got] of reference.results.entries()) {
        const wrong = unlike(wanted[i] ?? new Map(), got, looseness(made, plain, i, wanted[i] ?? new Map(), false));
        if (wrong !== undefined) return failed(`reference, run ${i}, ${place}: ${wrong}`);
      }
      if (v > 0 && c.chance(50)) continue;
      const again = await run(variant, makeReferenceDevice({ panel }));
      if (typeof again === 'string' || again.texts.join('\n') !== reference.texts.join('\n')) return failed(`${place}: another text the second time`);
      const cpu = await run(variant, await options.cpu(panel), undefined, options.onKernel);
      cases += variant.feeds.length;
      if (typeof cpu === 'string') return failed(`cpu, ${place}: ${cpu}`);
      for (const [i, got] of cpu.results.entries()) {
        const wrong = unlike(wanted[i] ?? new Map(), got, looseness(made, plain, i, wanted[i] ?? new Map(), true));
        if (wrong !== undefined) return failed(`cpu, run ${i}, ${place}: ${wrong}`);
      }
      const seed = c.below(1000);
      const scheduled = await run(variant, await options.cpu(panel), anySchedule(seed));
      cases += variant.feeds.length;
      if (typeof scheduled === 'string') return failed(`cpu with other schedules, ${place}: ${scheduled}`);
      for (const [i, got] of scheduled.results.entries()) {
        const wrong = otherBits(cpu.results[i] ?? new Map(), got);
        if (wrong !== undefined) return failed(`cpu with other schedules, run ${i}, ${place}: ${wrong}`);
      }
    }
    return { cases, nodes };
  } catch (error) {
    if (error instanceof QuernError && ['unsupported-operator', 'unsupported-dtype', 'unsupported-model'].includes(error.code)) {
      return { cases, nodes, refused: error.message };
    }
    return failed(`thrown: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Variant {
  readonly graph: () => Promise<Graph>;
  readonly skip: ReadonlySet<string>;
  readonly panel: number;
  readonly tiles: TileSize | undefined;
  readonly dims: Readonly<Record<string, number>>;
  readonly feeds: RandomModel['feeds'];
}
interface Ran { readonly results: readonly Results[]; readonly texts: readonly string[] }

/** Compiles and runs a variant on a device of its own; or what does not hold of the plan. */
async function run(
  { graph, skip, tiles, dims, feeds }: Variant, given: Device, lookup?: () => Lookup, onKernel?: GraphOptions['onKernel'],
): Promise<Ran | string> {
  const { device, stepsOf } = recorded(given);
  try {
    const texts: string[] = [];
    const { executor } = compileModel(await graph(), { main: device }, {
      precision: 'exact', dims, skip, ...(tiles === undefined ? {} : { tiles }), ...(lookup === undefined ? {} : { lookup }),
      observe: (stage, ir) => { if ('program' in ir) texts.push(`${stage}\n${printProgram(ir.program)}`); },
    });
    await executor.residence.prepare(() => undefined);
    for (const step of executor.plan.segments.flatMap((s) => s.steps)) texts.push(kernelText(step.kernel));
    const results: Results[] = [];
    for (const one of feeds) {
      const wire = Object.fromEntries(Object.entries(one).map(([name, t]): [string, WireTensor] => (
        [name, { kind: 'bytes', dtype: t.dtype, dims: t.dims, bytes: bytesUnder(t.data) }])));
      const got = await executor.run({ feeds: wire });
      results.push(new Map(Object.entries(got).map(([name, t]): [string, Feed] => (
        [name, { dtype: t.dtype, dims: t.dims, data: viewAs(t.dtype, t.kind === 'bytes' ? t.bytes.slice() : new Uint8Array(0)) }]))));
    }
    for (const binding of executor.bindings) {
      for (const bound of binding.bound()) {
        const overlap = overlapIn(executor.plan, bound, stepsOf);
        if (overlap !== undefined) return overlap;
        for (const { step, dims: sizes } of bound.steps) {
          const wrong = await onKernel?.(step.kernel, sizes);
          if (wrong !== undefined) return wrong;
        }
      }
    }
    executor.dispose();
    // The CPU keeps a control block of its own.
    if (device.kind === 'reference' && device.memory().used !== 0) return `${device.memory().used} bytes were not given back`;
    return { results, texts };
  } finally {
    await device.dispose();
  }
}

/** Any legal schedule for each kernel, the same for the same seed. */
const anySchedule = (seed: number) => (): Lookup => {
  let count = seed;
  return (_, space) => {
    const all = candidates(space);
    const schedule = all[(count += 7) % all.length];
    return schedule === undefined ? undefined : { schedule, choice: 'measured' };
  };
};

interface Loose {
  /** How far results may be apart, relative to the largest element of the output. */
  by(name: string): number;
  /** The elements of an output that are further from themselves when every computation rounds otherwise: a step (Cast, Floor) close to a jump. */
  jumps(name: string): ReadonlySet<number>;
}

const least = 2 ** -126;
/** All up, all down, and neighbours apart, without what is below float32's normal numbers (equal values change their order). */
const roundings: readonly ((v: number, i: number) => number)[] = [
  (v) => v * (1 + 2 ** -21),
  (v) => v * (1 - 2 ** -21),
  (v, i) => (Math.abs(v) < least ? 0 : v * (1 + (i % 2 === 0 ? 1 : -1) * 2 ** -21)),
  (v, i) => (Math.abs(v) < least ? 0 : v * (1 - (i % 2 === 0 ? 1 : -1) * 2 ** -21)),
];

function looseness(made: RandomModel, graph: Graph, run: number, wanted: Results, device: boolean): Loose {
  const { half, reordered } = made.rounds;
  if (!device && !half && !reordered) return { by: () => 0, jumps: () => new Set() };
  // What a change of the feeds in their last digits does, bounds what other roundings do.
  let moved: Results | undefined;
  let others: readonly Results[] | undefined;
  const by = (name: string): number => {
    moved ??= runProgram(lowerGraph(graph), nudged(made, run, half ? 2 ** -9 : 2 ** -21));
    const [a, b] = [wanted.get(name), moved.get(name)];
    const scale = half ? 0.05 : reordered ? 1e-4 : 2e-5;
    return a === undefined || b === undefined ? scale : scale + 20 * apart(a, b);
  };
  return {
    by,
    jumps(name) {
      others ??= roundings.map((rounding) => runProgram(lowerGraph(graph), feedsOf(made, run), (dtype, bytes) => {
        const data = viewAs(dtype, bytes);
        if (data instanceof Float32Array) for (const [k, v] of data.entries()) data[k] = rounding(v, k);
      }));
      const [want, allowed] = [wanted.get(name), by(name)];
      return new Set(others.flatMap((other) => {
        const got = other.get(name);
        if (want === undefined || got === undefined) return [];
        const same = got.dims.join() === want.dims.join();
        return apartAt(want, got).flatMap((apart, i) => (same && apart <= allowed ? [] : [i]));
      }));
    },
  };
}

function nudged(made: RandomModel, run: number, by: number): Map<string, Feed> {
  return new Map([...feedsOf(made, run)].map(([name, t]) => {
    if (t.dtype === 'float16') return [name, { ...t, data: Uint16Array.from(t.data as Uint16Array, (bits, i) => (bits % 1024 === 0 ? bits : bits + (i % 2 === 0 ? 1 : -1))) }];
    if (t.dtype !== 'float32') return [name, t];
    return [name, { ...t, data: Float32Array.from(t.data as Float32Array, (v, i) => v * (1 + (i % 2 === 0 ? by : -by))) }];
  }));
}

const feedsOf = (made: RandomModel, run: number): Map<string, Feed> => new Map(Object.entries(made.feeds[run] ?? {}));

/** Differences of elements, relative to the largest element; infinite where one has no number and the other has. */
function apartAt(a: Feed, b: Feed): number[] {
  const [x, y] = [numbersOf(a), numbersOf(b)];
  const size = Math.max(1e-6, ...x.filter(Number.isFinite).map(Math.abs));
  return x.map((v, i) => {
    const w = y[i] ?? NaN;
    if (Object.is(v, w) || v === w) return 0;
    return Number.isFinite(v) && Number.isFinite(w) ? Math.abs(v - w) / size : Infinity;
  });
}

const apart = (a: Feed, b: Feed): number => Math.max(0, ...apartAt(a, b));

function unlike(wanted: Results, got: Results, loose: Loose): string | undefined {
  for (const [name, want] of wanted) {
    const result = got.get(name);
    if (result === undefined) return `no output '${name}'`;
    if (result.dtype !== want.dtype || result.dims.join() !== want.dims.join()) {
      return `output '${name}' is ${result.dtype}[${result.dims.join()}] instead of ${want.dtype}[${want.dims.join()}]`;
    }
    const off = apartAt(want, result);
    if (off.every((by) => by === 0)) continue;
    const allowed = loose.by(name);
    if (off.every((by) => by <= allowed)) continue;
    const jumps = loose.jumps(name);
    const wrong = off.find((by, i) => by > allowed && !jumps.has(i));
    if (wrong !== undefined) return `output '${name}' is off by ${wrong}, allowed ${allowed}`;
  }
  return undefined;
}

function otherBits(wanted: Results, got: Results): string | undefined {
  for (const [name, want] of wanted) {
    const result = got.get(name);
    if (result === undefined) return `no output '${name}'`;
    const at = firstDifference(want.dtype, bytesUnder(want.data), bytesUnder(result.data));
    if (at >= 0) return `element ${at} of output '${name}' has other bits`;
  }
  return undefined;
}

function describe({ literal, symbols }: RandomModel): string {
  const lines = [
    `opset ${JSON.stringify(literal.opset)} dims ${JSON.stringify(symbols)}`,
    ...Object.entries(literal.inputs ?? {}).map(([name, type]) => `input ${name}: ${type}`),
    ...Object.entries(literal.initializers ?? {}).map(([name, t]) => `const ${name}: ${t.dtype}[${t.dims.join()}]${t.data.length <= 8 ? ` = ${Array.from(t.data as ArrayLike<number | bigint>, String).join(' ')}` : ''}`),
    ...literal.nodes.map((n) => `${n.outputs.join(', ')} = ${n.op}(${n.inputs.join(', ')}) ${JSON.stringify(n.attributes ?? {})}`),
    `outputs ${Object.keys(literal.outputs).join(', ')}`,
  ];
  return lines.join('\n');
}
