/**
 * Engines side by side: from the times that `tuning` left for each, which tile each engine wants, what each engine's own choice gains over the
 * best schedules that are the same in all of them, and the schedules that pay most in each. Input: names of runs (chromium firefox …), all of
 * the same models. Output: tables in Markdown, for docs/tuning.md.
 *   node bench/run.mjs tuning-engines chromium revectorize firefox webkit
 */
import { type KernelTimes, type ModelTimes, readTimes } from './tuning-times.ts';

interface Engine {
  readonly name: string;
  readonly models: readonly ModelTimes[];
}

/** A schedule with its tile in rows x columns, so that panels of 8 and of 16 compare. */
function tileOf(schedule: string, panel: number): string {
  const panels = /panels=(\d+)/.exec(schedule)?.[1];
  if (panels === undefined || !schedule.includes('unroll')) return schedule;
  const rows = /rows=(\d+)/.exec(schedule)?.[1] ?? '?';
  return `${rows}x${String(Number(panels) * panel)} ${schedule.replace(/panels=\d+ rows=\d+ /, '')}`;
}

/** Times of one kernel by tile. */
const byTile = (k: KernelTimes, panel: number): Map<string, number> => new Map(Object.entries(k.times).map(([s, ms]) => [tileOf(s, panel), ms]));

const least = (values: Iterable<number>): number => Math.min(...values);

/** Milliseconds of one run with what `pick` chooses for each kernel; the fallback where it has no time. */
function total(model: ModelTimes, pick: (k: KernelTimes, times: ReadonlyMap<string, number>) => number | undefined): number {
  return model.kernels.reduce((sum, k) => {
    const times = byTile(k, model.panel);
    if (times.size === 0) return sum;
    return sum + k.calls * (pick(k, times) ?? times.get(tileOf(k.fallback, model.panel)) ?? least(times.values()));
  }, 0);
}

/** For each kernel the tile whose times, each over that engine's best, have the least product over all engines. */
function shared(engines: readonly Engine[], at: number): Map<string, string> {
  const chosen = new Map<string, string>();
  for (const { id } of engines[0]?.models[at]?.kernels ?? []) {
    const tables = engines.flatMap(({ models }) => {
      const model = models[at];
      const kernel = model?.kernels.find((k) => k.id === id);
      return kernel === undefined || model === undefined ? [] : [byTile(kernel, model.panel)];
    });
    const common = [...(tables[0]?.keys() ?? [])].filter((tile) => tables.every((t) => t.has(tile)));
    const loss = (tile: string): number => tables.reduce((sum, t) => sum + Math.log((t.get(tile) ?? Infinity) / least(t.values())), 0);
    const [first] = common.sort((a, b) => loss(a) - loss(b));
    if (first !== undefined) chosen.set(id, first);
  }
  return chosen;
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const head = (cells: readonly string[]): string => `${row(cells)}\n${row(cells.map(() => '---'))}`;

export function main(names: readonly string[]): Promise<void> {
  const engines = names.map((name): Engine => ({ name, models: readTimes(name) }));
  const [first] = engines;
  if (first === undefined || engines.length < 2) throw new Error('name at least two runs of `tuning`');
  for (const [at, { model }] of first.models.entries()) {
    const models = engines.map(({ models: all }) => all[at]).filter((m) => m !== undefined);
    console.log(`\n### ${model}\n\n${head(['kernel (time of all calls, best)', ...names])}`);
    const heavy = [...(first.models[at]?.kernels ?? [])].filter((k) => Object.keys(k.times).length > 0)
      .sort((a, b) => b.calls * least(Object.values(b.times)) - a.calls * least(Object.values(a.times))).slice(0, 10);
    for (const { id, op, flops, calls } of heavy) {
      console.log(row([`${String(calls)} × ${op}, ${(flops / 1e6).toFixed(1)} MFLOP`, ...models.map((m) => {
        const kernel = m.kernels.find((k) => k.id === id);
        if (kernel === undefined) return '';
        const [best] = [...byTile(kernel, m.panel)].sort((a, b) => a[1] - b[1]);
        return best === undefined ? '' : `${best[0]}: ${(best[1] * calls).toFixed(2)} ms`;
      })]));
    }
    const one = shared(engines, at);
    const own = models.map((m) => total(m, (_, times) => least(times.values())));
    const fixed = models.map((m) => total(m, (k, times) => times.get(one.get(k.id) ?? '')));
    const fallback = models.map((m) => total(m, () => undefined));
    const ratio = (over: readonly number[]): string[] => over.map((ms, i) => `${ms.toFixed(2)} (+${((ms / (own[i] ?? NaN) - 1) * 100).toFixed(1)} %)`);
    console.log(`\n${head(['ms of kernels in one run', ...names])}`);
    console.log(row(['each engine\'s own choices', ...own.map((ms) => ms.toFixed(2))]));
    console.log(row(['the best schedule of each kernel that is one for all', ...ratio(fixed)]));
    console.log(row(['fallbacks', ...ratio(fallback)]));
    // What another engine's choices cost here.
    for (const [i, engine] of engines.entries()) {
      const source = models[i];
      if (source === undefined) continue;
      const choice = new Map(source.kernels.map((k) => [k.id, [...byTile(k, source.panel)].sort((a, b) => a[1] - b[1])[0]?.[0] ?? '']));
      console.log(row([`choices of ${engine.name}`, ...ratio(models.map((m) => total(m, (k, times) => times.get(choice.get(k.id) ?? ''))))]));
    }
  }
  return Promise.resolve();
}
