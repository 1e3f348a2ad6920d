/**
 * The third panel: what the engine wrote for this device. One row for each kernel with its time, its share, how near it is to the roofline and who
 * chose its schedule; opened, a row shows the kernel's text, its WGSL or WASM and every candidate that was measured.
 */
import { QuernError, type KernelReport, type Report, type Session } from '../engine/index.ts';
import { byId, h, replace } from './dom.ts';
import { bytes, milliseconds, operators, percent, plural, rate } from './format.ts';
import { knobs, tuningPlot, type Measured } from './tuning-plot.ts';

interface Entry {
  readonly name: string;
  readonly session: Session;
}

/** Milliseconds of tuning that the button starts, and that a model gets unasked once it runs. */
const [asked, unasked] = [10_000, 5000];

export interface KernelPanel {
  /** Adds, replaces or (without a session) takes away what is shown under a key. */
  set(key: 'digits' | 'own', name: string, session: Session | undefined): void;
  /** Times may be new: reads the report again, not more often than once in a while. */
  refresh(): void;
  /** Tunes what is shown for a few seconds, unless that goes on already. */
  tune(): void;
}

export function kernelPanel(onReport: (report: Report) => void): KernelPanel {
  const entries = new Map<string, Entry>();
  const tune = byId('tune', HTMLButtonElement);
  const plot = tuningPlot(byId('tuning-plot', SVGSVGElement));
  const status = byId('tuning', HTMLParagraphElement);
  const table = byId('table', HTMLTableElement);
  const summary = byId('kernel-summary', HTMLParagraphElement);
  const opened = new Set<number>();
  let active = 'digits';
  let pending = false;
  /** Another session is shown than before. */
  let fresh = true;
  let stop: AbortController | undefined;

  const show = async (): Promise<void> => {
    const entry = entries.get(active);
    tune.disabled = entry === undefined;
    if (entry === undefined) {
      replace(table);
      return;
    }
    try {
      const report = await entry.session.report();
      if (entries.get(active) !== entry) return;
      summary.textContent = summaryOf(report);
      replace(table, head(), ...report.kernels.map((kernel, i) => rows(kernel, report.device, i, opened)));
      replace(byId('notes', HTMLDivElement), ...notes(report));
      // A tuning under way draws for itself, and what it drew stays.
      if (fresh && stop === undefined) plot.showReport(report.kernels);
      fresh = false;
      onReport(report);
    } catch (error) {
      summary.textContent = error instanceof Error ? error.message : String(error);
    }
  };

  const choose = (key: string): void => {
    active = key;
    opened.clear();
    fresh = true;
    status.textContent = '';
    replace(byId('which', HTMLDivElement), ...[...entries].map(([id, { name }]) =>
      h('button', { text: name, attr: { type: 'button', 'aria-pressed': String(id === active) }, on: { click: () => { choose(id); } } })));
    void show();
  };

  /** What a tuning found, or why it ended. */
  const tuned = async ({ session }: Entry, budgetMs: number, signal: AbortSignal): Promise<string> => {
    let first = true;
    try {
      const result = await session.tune({
        budgetMs, signal,
        onProgress: ({ loaded, total = 0, detail }) => {
          const one = detail === undefined ? undefined : candidate(detail);
          if (one === undefined) return;
          if (first) plot.clear(total);
          first = false;
          plot.add(one);
          status.textContent = `${String(loaded + 1)}/${String(total)} ${one.kind}: ${knobs(one.schedule)}${one.ns === undefined ? '' : `  ${milliseconds(one.ns / 1e6)}`}`;
        },
      });
      const known = result.fromCache === 0 ? '' : `${plural(result.fromCache, 'kernel')} known from before${result.measured === 0 ? ', nothing left to measure' : '; '}`;
      if (result.measured === 0) {
        // It drew nothing: what is known is drawn, also where a report came while it looked.
        fresh = true;
        return known;
      }
      const counted = `${plural(result.measured, 'candidate')} of ${plural(result.kernels - result.fromCache, 'kernel')} in ${milliseconds(result.ms)}`;
      return `${known}${counted}; ${String(result.improved)} faster than at first${result.wrong === 0 ? '' : `, ${String(result.wrong)} wrong and dropped`}`;
    } catch (error) {
      return error instanceof QuernError && error.code === 'aborted' ? 'stopped' : error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    }
  };

  const start = async (budgetMs: number): Promise<void> => {
    const entry = entries.get(active);
    if (entry === undefined || stop !== undefined) return;
    const mine = new AbortController();
    stop = mine;
    tune.textContent = 'Stop';
    status.classList.add('live');
    const words = await tuned(entry, budgetMs, mine.signal);
    stop = undefined;
    tune.textContent = 'Tune';
    status.classList.remove('live');
    if (entries.get(active) !== entry) return;
    status.textContent = words;
    await show();
  };

  tune.addEventListener('click', () => {
    if (stop === undefined) void start(asked);
    else stop.abort();
  });

  return {
    tune: () => void start(unasked),
    set(key, name, session) {
      // What is tuned now is no longer what is shown.
      stop?.abort();
      if (session === undefined) entries.delete(key);
      else entries.set(key, { name, session });
      choose(session !== undefined ? key : 'digits');
    },
    refresh() {
      if (pending || stop !== undefined) return;
      pending = true;
      // While somebody draws there are hundreds of runs a second; the table needs one look at them.
      setTimeout(() => {
        pending = false;
        void show();
      }, 600);
    },
  };
}

function summaryOf({ kernels, compiled, memory, threads, device }: Report): string {
  const measured = kernels.filter((k) => k.choice !== 'fallback').length;
  const total = kernels.reduce((sum, k) => sum + (k.ms ?? 0), 0);
  const time = total > 0 ? `, ${milliseconds(total)} in all` : '';
  const where = device === 'webgpu' ? 'WGSL on the GPU' : `WebAssembly SIMD on ${plural(threads, 'thread')}`;
  return `${plural(kernels.length, 'kernel')} as ${where}${time}; ${String(measured)} chosen by measuring, ${String(compiled)} compiled so far. Memory: ${bytes(memory.weights)} of weights, ${bytes(memory.arena)} for everything in between.`;
}

function head(): HTMLElement {
  const cell = (text: string, kind = ''): HTMLElement => h('th', { text, class: kind, attr: { scope: 'col' } });
  return h('thead', {}, h('tr', {},
    cell('computes, and how'), cell('time', 'number'), cell('share'), cell('speed', 'number wide'), cell('of roofline', 'number wide'), cell('chosen', 'wide'),
    cell('tried', 'number wide')));
}

function rows(kernel: KernelReport, device: Report['device'], index: number, opened: Set<number>): HTMLElement {
  const ops = operators(kernel.nodes.map((n) => n.op)) || 'data movement';
  const body = h('tbody');
  const inside = h('div', { class: 'detail-body' });
  const detail = h('tr', { class: 'detail', attr: { id: `kernel-${String(index)}` } }, h('td', { attr: { colspan: 7 } }, inside));
  const expander = h('button', { class: 'expander', text: ops, attr: { type: 'button', 'aria-expanded': 'false', 'aria-controls': `kernel-${String(index)}` } });
  const setOpen = (open: boolean): void => {
    expander.setAttribute('aria-expanded', String(open));
    detail.hidden = !open;
    if (open) opened.add(index);
    else opened.delete(index);
    // Sources are long; they enter the document only when somebody looks.
    if (open && inside.childElementCount === 0) void details(kernel, device).then((parts) => { replace(inside, ...parts); });
  };
  expander.addEventListener('click', () => { setOpen(expander.getAttribute('aria-expanded') !== 'true'); });
  const number = (text: string, wide = false): HTMLElement => h('td', { class: wide ? 'number wide' : 'number', text });
  body.append(
    h('tr', {},
      h('td', { class: 'what' }, expander, h('span', { class: 'knobs', text: `${kernel.kind}${kernel.calls > 1 ? ` × ${String(kernel.calls)}` : ''} · ${knobs(kernel.schedule)}` })),
      number(timeOf(kernel)),
      h('td', {}, ...(kernel.share === undefined ? [] : [h('span', { class: 'meter' }, h('span', { style: { width: `${(kernel.share * 100).toFixed(1)}%` } })), percent(kernel.share)])),
      number(kernel.ms === undefined || kernel.ms === 0 || kernel.flops === 0 ? '–' : rate(kernel.flops, kernel.ms), true),
      number(kernel.roofline === undefined ? '–' : percent(kernel.roofline), true),
      h('td', { class: 'wide' }, h('span', { class: 'badge', text: kernel.choice, attr: { 'data-choice': kernel.choice } })),
      number(`${String(kernel.tried.length)} / ${String(kernel.candidates)}`, true)),
    detail);
  setOpen(opened.has(index));
  return body;
}

async function details(kernel: KernelReport, device: Report['device']): Promise<HTMLElement[]> {
  const { highlighted } = await import('./highlight.ts');
  const tried = [...kernel.tried].sort((a, b) => (a.ms ?? Infinity) - (b.ms ?? Infinity));
  const wgsl = device === 'webgpu' && kernel.place === 'main';
  return [
    h('p', { class: 'small muted', text: kernel.nodes.map((n) => `${n.op} '${n.node}'`).join(', ') }),
    ...(tried.length === 0 ? [] : [
      h('h3', { text: 'Candidates' }),
      h('ul', { class: 'tried', attr: { tabindex: 0 } }, ...tried.map(({ schedule, ms, verdict }) =>
        h('li', { attr: { 'data-verdict': verdict } },
          h('span', { text: knobs(schedule) }), h('span', { text: ms === undefined ? verdict : `${milliseconds(ms)}${verdict === 'slower' ? '' : ` ${verdict}`}` })))),
    ]),
    h('h3', { text: 'The kernel, before any device' }), highlighted(kernel.text, 'kernel'),
    h('h3', { text: `What this device runs: ${wgsl ? 'WGSL' : 'WebAssembly'}` }), highlighted(kernel.source, wgsl ? 'wgsl' : 'wasm'),
  ];
}

/** One measurement, which the tuner tells as JSON. */
function candidate(detail: string): (Measured & { readonly kind: string }) | undefined {
  try {
    return JSON.parse(detail) as Measured & { readonly kind: string };
  } catch {
    return undefined;
  }
}

const timeOf = ({ ms }: KernelReport): string => (ms === undefined ? '–' : ms === 0 ? '< 5 µs' : milliseconds(ms));

function notes({ fallbacks, demoted, notes: lines }: Report): HTMLElement[] {
  const items = [
    ...fallbacks.map(({ op, node, why }) => `${op} '${node}' runs on the CPU: ${why}`),
    ...demoted.map(({ kernel, why }) => `a schedule of ${kernel.slice(0, 12)} was dropped: ${why}`),
    ...lines,
  ];
  return items.length === 0 ? [] : [h('ul', {}, ...items.map((text) => h('li', { text })))];
}
