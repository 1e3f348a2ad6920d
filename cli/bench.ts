/**
 * `quern bench`: the engines take turns, run by run (small models a few runs in succession, each timed, as an application runs them on frames
 * or chunks of sound), so that whatever else the machine does meets them all alike. Prints medians, 95th
 * percentiles and ratios; every engine is warm before its first timed run, and Quern is tuned as it is for a returning visitor. Outputs on the
 * same inputs are compared with the first peer's: the command fails where they differ by more than 1e-3 in relative L2.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startEngine, type BenchEngine, type EngineLoad, type EngineName } from './engines.ts';
import { kernelTable } from './inspect.ts';
import { number, pairs, text, type Arguments } from './options.ts';
import { compare, type Comparison } from './page/compare.ts';
import { decodeNpy, fileName } from './page/npy.ts';
import { browserOf, loadRequest, megabytes, ms, table, writeJson, type Io } from './session.ts';
import { startServer, type FileServer } from './server.ts';

export interface BenchRow {
  readonly model: string;
  readonly engine: EngineName;
  readonly device: string;
  readonly threads: number;
  readonly loadMs: number;
  readonly firstMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  /** The fastest run: on a busy machine the figure that tells most of the engine and least of the machine. */
  readonly minMs: number;
  /** Null where the system does not tell. */
  /** After loading and a first run. */
  readonly loadPeakBytes: number | null;
  readonly peakBytes: number | null;
  /** Time of Quern's tuning, not part of any other figure. */
  readonly tuneMs: number;
  readonly runs: number;
  /** The largest ||a - b|| / ||b|| of an output against the first peer's; null for that peer, and without one. */
  readonly relL2: number | null;
}

/** Float32 networks of some hundred layers stay two orders below, whatever the order of summation; a wrong kernel is far above. */
const mostRelL2 = 1e-3;
const defaultRuns = 20;
/** Without `--runs`, slow models stop here, after no fewer than five rounds. */
const enoughMs = 60_000;
/** V8 replaces baseline code by optimised code within a few calls; a third of a second covers the smallest models. */
const warmMs = 300;
/** A turn of a small model takes about as long, or this many runs: after a pause of some ms, caches and sleeping cores are half of what is timed. */
const turnMs = 10;
const mostOfTurn = 10;

export async function bench(args: Arguments, io: Io): Promise<number> {
  const peers = (text(args, 'against')?.split(',') ?? []) as EngineName[];
  const engines: EngineName[] = ['quern', ...new Set(peers)];
  const rows: BenchRow[] = [];
  let failed = false;
  const server = await startServer();
  try {
    for (const model of args.operands) {
      const { rows: added, failures } = await benchModel(model, engines, args, server, io);
      rows.push(...added);
      failed ||= failures > 0;
      io.print(ratios(added));
    }
  } finally {
    await server.close();
  }
  await writeJson(args, { rows });
  return failed ? 1 : 0;
}

interface ModelResult {
  readonly rows: BenchRow[];
  readonly failures: number;
}

async function benchModel(model: string, engines: readonly EngineName[], args: Arguments, server: FileServer, io: Io): Promise<ModelResult> {
  const [loop] = Object.entries(pairs(args, 'loop'));
  const request = { ...(await loadRequest(args, model, server)), loop: loop === undefined ? undefined : { from: loop[0], to: loop[1] } };
  const ready: {
    readonly engine: BenchEngine; readonly load: EngineLoad; readonly loadPeakBytes: number | null; readonly tuneMs: number; readonly times: number[];
    warmRunMs: number;
  }[] = [];
  let failures = 0;
  try {
    for (const name of engines) {
      const engine = await startEngine(name, request, resolve(model), browserOf(args), server, (line) => { io.error(line); });
      try {
        const load = await engine.load();
        const loadPeakBytes = (await engine.peak()) ?? null;
        const held = { engine, load, loadPeakBytes, tuneMs: await engine.tune(), times: [], warmRunMs: Infinity };
        ready.push(held);
        const since = performance.now();
        for (let i = 0; i < 3 || (i < 50 && performance.now() - since < warmMs); i++) {
          held.warmRunMs = Math.min(held.warmRunMs, ...await engine.run(1));
        }
      } catch (error) {
        failures += 1;
        io.error(`${name} cannot run ${model}: ${error instanceof Error ? error.message.replace(/\n\s+at [\s\S]*$/, '') : String(error)}`);
        if (!ready.some((r) => r.engine === engine)) await engine.close();
      }
    }
    const runs = number(args, 'runs');
    // The same for all engines.
    const ofTurn = Math.max(1, Math.min(mostOfTurn, Math.floor(turnMs / Math.max(...ready.map(({ warmRunMs }) => warmRunMs)))));
    const since = performance.now();
    for (let round = 0; round < (runs ?? defaultRuns); round++) {
      // Every other round goes backwards, so that no engine always follows the same one.
      for (const { engine, times } of round % 2 === 0 ? ready : [...ready].reverse()) times.push(...await engine.run(ofTurn));
      if (runs === undefined && round >= 4 && performance.now() - since > enoughMs) break;
    }
    const rows: BenchRow[] = [];
    for (const { engine, load, loadPeakBytes, tuneMs, times } of ready) {
      const peak = await engine.peak();
      rows.push({
        model, engine: engine.name, device: load.device, threads: load.threads, loadMs: load.loadMs, firstMs: load.firstMs,
        medianMs: quantile(times, 0.5), p95Ms: quantile(times, 0.95), minMs: Math.min(...times),
        loadPeakBytes, peakBytes: peak ?? null, tuneMs, runs: times.length, relL2: null,
      });
      if (!args.flags.has('profile')) continue;
      const report = await engine.report();
      if (report !== undefined) io.print(kernelTable([...report.kernels].sort((a, b) => (b.ms ?? 0) - (a.ms ?? 0))));
    }
    const differ = await compareOutputs(ready.map(({ engine }) => engine), io);
    failures += [...differ.values()].filter(({ ok }) => !ok).length;
    return { rows: rows.map((row) => ({ ...row, relL2: differ.get(row.engine)?.relL2 ?? null })), failures };
  } finally {
    for (const { engine } of ready) await engine.close();
  }
}

interface Difference {
  readonly relL2: number;
  readonly ok: boolean;
}

/** How far each engine's outputs are from those of the first peer, at the worst of them. */
async function compareOutputs(engines: readonly BenchEngine[], io: Io): Promise<ReadonlyMap<EngineName, Difference>> {
  const differ = new Map<EngineName, Difference>();
  const [reference] = engines.filter(({ name }) => name !== 'quern');
  if (reference === undefined || engines.length < 2) return differ;
  const scratch = await mkdtemp(join(tmpdir(), 'quern-bench-'));
  try {
    const names = await reference.outputs(join(scratch, reference.name));
    for (const engine of engines) {
      if (engine === reference) continue;
      await engine.outputs(join(scratch, engine.name));
      const all: Comparison[] = [];
      for (const name of names) {
        const of = async (side: BenchEngine): Promise<ReturnType<typeof decodeNpy>> => decodeNpy(await readFile(join(scratch, side.name, `${fileName(name)}.npy`)));
        const compared = compare(name, await of(engine), await of(reference), { kind: 'relL2', limit: mostRelL2 });
        if (!compared.ok) io.error(`${engine.name} differs from ${reference.name}: ${compared.message}`);
        all.push(compared);
      }
      differ.set(engine.name, { relL2: Math.max(...all.map(({ relL2 }) => relL2)), ok: all.every(({ ok }) => ok) });
    }
    return differ;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Linear between neighbours. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
  return low + (high - low) * (place - Math.floor(place));
}

export function ratios(rows: readonly BenchRow[]): string {
  const own = rows.find((row) => row.engine === 'quern');
  return table([
    [rows[0]?.model ?? '', 'device', 'threads', 'load ms', 'first ms', 'median ms', 'p95 ms', 'min ms', 'load peak', 'peak', 'rel L2', 'quern is'],
    ...rows.map((row) => [
      `  ${row.engine}`, row.device, String(row.threads), ms(row.loadMs), ms(row.firstMs), ms(row.medianMs), ms(row.p95Ms), ms(row.minMs),
      ...[row.loadPeakBytes, row.peakBytes].map((bytes) => (bytes === null ? '-' : megabytes(bytes))),
      row.relL2 === null ? '-' : row.relL2.toExponential(1),
      own === undefined || row === own ? '' : `${(row.medianMs / own.medianMs).toFixed(2)} x as fast`,
    ]),
  ]);
}
