/**
 * How good are 5 seconds of tuning? For each model, in one browser from nothing: the tuner with its budget; then, each in a fresh browser, every
 * candidate to the end, twice. The choices of the tuner and those of the first exhaustive search are both priced with the times of the second:
 * the least of a hundred measurements is some 4 % less than that schedule takes. Beside them what the fallbacks would cost, and the best
 * fixed schedule of each emitter. Flags of Chromium go in QUERN_CHROMIUM_FLAGS. All times are
 * left in .cache/tuning/NAME/ for `tuning-engines`, which compares engines.
 *   node bench/run.mjs tuning [--name NAME] [--browser B] [--budget MS] MODEL.onnx[,NAME=N]…   (symbolic dims: bert.onnx,batch=1,seq=128)
 */
import { openHarness, type BrowserName, type HarnessPage } from '../cli/browser.ts';
import type { TuneAnswer } from '../cli/protocol.ts';
import { startServer, type FileServer } from '../cli/server.ts';
import { distUrl } from '../cli/session.ts';
import type { KernelReport, Report } from '../engine/index.ts';
import { scheduleText } from '../jit/space.ts';
import { record } from './results.ts';
import { keepTimes } from './tuning-times.ts';

type Schedule = KernelReport['schedule'];

interface Row {
  readonly model: string;
  readonly kernels: number;
  /** Candidates of all kernels, and how many of them the budget measured. */
  readonly candidates: number;
  readonly measured: number;
  readonly tuneMs: number;
  readonly exhaustiveMs: number;
  /** One run of the model in milliseconds of its kernels, by the exhaustive times: with the best schedules, the tuner's, the fallbacks, one fixed. */
  readonly bestMs: number;
  readonly tunedMs: number;
  readonly fallbackMs: number;
  readonly fixedMs: number;
  readonly overBest: number;
  readonly choices: readonly Choice[];
}

interface Choice {
  readonly ops: string;
  readonly calls: number;
  readonly flops: number;
  readonly tuned: string;
  readonly best: string;
  readonly tunedMs: number;
  readonly bestMs: number;
}

const nameOf = (s: Schedule): string => scheduleText(s) || 'fallback';
/** Equal kernels at equal sizes; a report names no keys. */
const keyOf = (k: KernelReport): string => `${k.text}\n${String(k.flops)} ${String(k.bytes)}`;
const timeOf = (k: KernelReport, schedule: Schedule): number | undefined => k.tried.find((t) => nameOf(t.schedule) === nameOf(schedule))?.ms;
const fastest = (k: KernelReport): KernelReport['tried'][number] | undefined =>
  k.tried.filter((t) => t.ms !== undefined).sort((a, b) => (a.ms ?? 0) - (b.ms ?? 0))[0];

const labelOf = (model: string): string => model.split('/').slice(-2).join('/');

/** In a browser of its own, with nothing in its storage. */
async function inBrowser<T>(browser: BrowserName, server: FileServer, act: (page: HarnessPage) => Promise<T>): Promise<T> {
  const page = await openHarness(server, await distUrl(server), browser);
  try {
    return await act(page);
  } finally {
    await page.close();
  }
}

/** The cheapest way to run all kernels with one schedule for each kind, their fallback where it is not legal. */
function fixed(kernels: readonly KernelReport[], fallback: (k: KernelReport) => number): number {
  let total = 0;
  for (const kind of new Set(kernels.map((k) => k.kind))) {
    const group = kernels.filter((k) => k.kind === kind);
    const names = new Set(group.flatMap((k) => k.tried.map((t) => nameOf(t.schedule))));
    const cost = (name: string): number =>
      group.reduce((sum, k) => sum + k.calls * (k.tried.find((t) => nameOf(t.schedule) === name)?.ms ?? fallback(k)), 0);
    total += Math.min(...[...names].map(cost));
  }
  return total;
}

function compare(model: string, quick: TuneAnswer, full: TuneAnswer, judge: TuneAnswer): Row {
  const schedules = (report: Report): Map<string, Schedule> => new Map(report.kernels.map((k) => [keyOf(k), k.schedule]));
  const [chosen, ideal] = [schedules(quick.report), schedules(full.report)];
  // What has one schedule only is not measured, and costs the same in every column.
  const kernels = judge.report.kernels.filter((k) => fastest(k) !== undefined);
  const alike = kernels.filter((k) => chosen.has(keyOf(k)) && ideal.has(keyOf(k))).length;
  if (alike < kernels.length) throw new Error(`only ${String(alike)} of ${String(kernels.length)} kernels are the same in all searches`);
  const fallbackOf = (k: KernelReport): number => timeOf(k, k.fallback) ?? 0;
  const choices = kernels.map((k): Choice => {
    const best = ideal.get(keyOf(k)) ?? {};
    const mine = chosen.get(keyOf(k)) ?? {};
    return {
      ops: k.nodes[0]?.op ?? k.kind, calls: k.calls, flops: k.flops, tuned: nameOf(mine), best: nameOf(best),
      tunedMs: k.calls * (timeOf(k, mine) ?? fallbackOf(k)), bestMs: k.calls * (timeOf(k, best) ?? fallbackOf(k)),
    };
  });
  const sum = (of: (c: Choice) => number): number => choices.reduce((n, c) => n + of(c), 0);
  const [tunedMs, bestMs] = [sum((c) => c.tunedMs), sum((c) => c.bestMs)];
  return {
    model: labelOf(model), kernels: full.report.kernels.length,
    candidates: full.report.kernels.reduce((n, k) => n + k.candidates, 0), measured: quick.tune.measured,
    tuneMs: quick.tune.ms, exhaustiveMs: full.tune.ms, bestMs, tunedMs,
    fallbackMs: kernels.reduce((n, k) => n + k.calls * fallbackOf(k), 0), fixedMs: fixed(kernels, fallbackOf),
    overBest: tunedMs / bestMs - 1, choices: choices.sort((a, b) => b.bestMs - a.bestMs),
  };
}

export async function main(args: readonly string[]): Promise<void> {
  const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const browser = (option('--browser') ?? 'chromium') as BrowserName;
  const budgetMs = Number(option('--budget') ?? 5000);
  const models = args.filter((a, i) => !a.startsWith('--') && args[i - 1]?.startsWith('--') !== true);
  if (models.length === 0) throw new Error('name a model: node bench/run.mjs tuning MODEL.onnx…');
  const server = await startServer();
  const rows: Row[] = [];
  try {
    for (const operand of models) {
      const [model = '', ...pairs] = operand.split(',');
      const dims = Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), Number(pair.slice(pair.indexOf('=') + 1))]));
      const request = { model: server.url(model), device: 'wasm' as const, precision: 'exact' as const, threads: 1, dims };
      const tune = (exhaustive: boolean): Promise<TuneAnswer> =>
        inBrowser(browser, server, (page) => page.call('tune', [{ ...request, exhaustive, budgetMs }], 60 * 60_000));
      const [quick, full, judge] = [await tune(false), await tune(true), await tune(true)];
      keepTimes(option('--name') ?? 'tuning', labelOf(model), full.report);
      const row = compare(model, quick, full, judge);
      rows.push(row);
      const { choices, ...summary } = row;
      console.log(summary);
      console.table(choices.slice(0, 12));
    }
  } finally {
    await server.close();
  }
  await record(`tuning${option('--name') === undefined ? '' : `-${option('--name') ?? ''}`}`, { browser, budgetMs, flags: process.env['QUERN_CHROMIUM_FLAGS'] ?? '', rows });
}
