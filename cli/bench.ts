/**
 * `quern bench`: the engines take turns, run by run, so that whatever else the machine does meets them all alike. Prints medians, 95th
 * percentiles and ratios; every engine is warm before its first timed run, and Quern is tuned as it is for a returning visitor.
 */
import { resolve } from 'node:path';
import { startEngine, type BenchEngine, type EngineLoad, type EngineName } from './engines.ts';
import { kernelTable } from './inspect.ts';
import { number, text, type Arguments } from './options.ts';
import { loadRequest, megabytes, ms, table, writeJson, type Io } from './session.ts';
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
  readonly peakBytes: number | null;
  /** Time of Quern's tuning, not part of any other figure. */
  readonly tuneMs: number;
  readonly runs: number;
}

const defaultRuns = 20;
/** Without `--runs`, slow models stop here, after no fewer than five rounds. */
const enoughMs = 60_000;
/** V8 replaces baseline code by optimised code within a few calls; a third of a second covers the smallest models. */
const warmMs = 300;

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
  const request = await loadRequest(args, model, server);
  const ready: { readonly engine: BenchEngine; readonly load: EngineLoad; readonly times: number[] }[] = [];
  let failures = 0;
  try {
    for (const name of engines) {
      const engine = await startEngine(name, request, resolve(model), server, (line) => { io.error(line); });
      try {
        const load = await engine.load();
        ready.push({ engine, load, times: [] });
        const since = performance.now();
        for (let i = 0; i < 3 || (i < 50 && performance.now() - since < warmMs); i++) await engine.run();
      } catch (error) {
        failures += 1;
        io.error(`${name} cannot run ${model}: ${error instanceof Error ? error.message.replace(/\n\s+at [\s\S]*$/, '') : String(error)}`);
        if (!ready.some((r) => r.engine === engine)) await engine.close();
      }
    }
    const runs = number(args, 'runs');
    const since = performance.now();
    for (let round = 0; round < (runs ?? defaultRuns); round++) {
      // Every other round goes backwards, so that no engine always follows the same one.
      for (const { engine, times } of round % 2 === 0 ? ready : [...ready].reverse()) times.push(await engine.run());
      if (runs === undefined && round >= 4 && performance.now() - since > enoughMs) break;
    }
    const rows: BenchRow[] = [];
    for (const { engine, load, times } of ready) {
      const peak = await engine.peak();
      rows.push({
        model, engine: engine.name, device: load.device, threads: load.threads, loadMs: load.loadMs, firstMs: load.firstMs,
        medianMs: quantile(times, 0.5), p95Ms: quantile(times, 0.95), minMs: Math.min(...times),
        peakBytes: peak ?? null, tuneMs: load.tuneMs, runs: times.length,
      });
      if (!args.flags.has('profile')) continue;
      const report = await engine.report();
      if (report !== undefined) io.print(kernelTable([...report.kernels].sort((a, b) => (b.ms ?? 0) - (a.ms ?? 0))));
    }
    return { rows, failures };
  } finally {
    for (const { engine } of ready) await engine.close();
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
    [rows[0]?.model ?? '', 'device', 'threads', 'load ms', 'first ms', 'median ms', 'p95 ms', 'min ms', 'peak', 'quern is'],
    ...rows.map((row) => [
      `  ${row.engine}`, row.device, String(row.threads), ms(row.loadMs), ms(row.firstMs), ms(row.medianMs), ms(row.p95Ms), ms(row.minMs),
      row.peakBytes === null ? '-' : megabytes(row.peakBytes),
      own === undefined || row === own ? '' : `${(row.medianMs / own.medianMs).toFixed(2)} x as fast`,
    ]),
  ]);
}
