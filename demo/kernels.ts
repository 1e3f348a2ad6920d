/**
 * The third panel: what the engine wrote for this device. One row for each kernel with its time, its share, how near it is to the roofline and who
 * chose its schedule; opened, a row shows the kernel's text, its WGSL or WASM and every candidate that was measured.
 */
import type { KernelReport, Report, Session } from '../engine/index.ts';
import { byId, h, replace } from './dom.ts';
import { bytes, milliseconds, operators, percent, plural, rate } from './format.ts';

interface Entry {
  readonly name: string;
  readonly session: Session;
}

/** Lines of the running list of candidates. */
const tuningLines = 6;

export interface KernelPanel {
  /** Adds, replaces or (without a session) takes away what is shown under a key. */
  set(key: 'digits' | 'own', name: string, session: Session | undefined): void;
  /** Times may be new: reads the report again, not more often than once in a while. */
  refresh(): void;
}

export function kernelPanel(onReport: (report: Report) => void): KernelPanel {
  const entries = new Map<string, Entry>();
  const tune = byId('tune', HTMLButtonElement);
  const log = byId('tuning', HTMLUListElement);
  const table = byId('table', HTMLTableElement);
  const summary = byId('kernel-summary', HTMLParagraphElement);
  const opened = new Set<number>();
  let active = 'digits';
  let pending = false;
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
      replace(table, head(), ...report.kernels.map((kernel, i) => rows(kernel, i, opened)));
      replace(byId('notes', HTMLDivElement), ...notes(report));
      onReport(report);
    } catch (error) {
      summary.textContent = error instanceof Error ? error.message : String(error);
    }
  };

  const choose = (key: string): void => {
    active = key;
    opened.clear();
    replace(byId('which', HTMLDivElement), ...[...entries].map(([id, { name }]) =>
      h('button', { text: name, attr: { type: 'button', 'aria-pressed': String(id === active) }, on: { click: () => { choose(id); } } })));
    void show();
  };

  tune.addEventListener('click', () => {
    const entry = entries.get(active);
    if (entry === undefined) return;
    if (stop !== undefined) {
      stop.abort();
      return;
    }
    void (async () => {
      stop = new AbortController();
      tune.textContent = 'Stop tuning';
      replace(log);
      log.hidden = false;
      const say = (text: string): void => {
        log.append(h('li', { text }));
        while (log.children.length > tuningLines) log.firstChild?.remove();
      };
      try {
        const result = await entry.session.tune({
          budgetMs: 10_000,
          signal: stop.signal,
          onProgress: ({ loaded, total, detail }) => { if (detail !== undefined) say(`${String(loaded)}${total === undefined ? '' : `/${String(total)}`}  ${candidate(detail)}`); },
        });
        say(`${plural(result.measured, 'candidate')} of ${plural(result.kernels, 'kernel')} in ${milliseconds(result.ms)}; ${String(result.improved)} faster than before${result.wrong === 0 ? '' : `, ${String(result.wrong)} wrong and dropped`}${result.fromCache === 0 ? '' : `, ${String(result.fromCache)} known from an earlier visit`}`);
      } catch (error) {
        say(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
      } finally {
        stop = undefined;
        tune.textContent = 'Tune';
        await show();
      }
    })();
  });

  return {
    set(key, name, session) {
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
  const cell = (text: string, numeric = false): HTMLElement => h('th', { text, ...(numeric ? { class: 'number' } : {}), attr: { scope: 'col' } });
  return h('thead', {}, h('tr', {},
    cell('computes'), cell('class'), cell('time', true), cell('share'), cell('speed', true), cell('of roofline', true), cell('chosen'), cell('tried', true), cell('schedule')));
}

function rows(kernel: KernelReport, index: number, opened: Set<number>): HTMLElement {
  const ops = operators(kernel.nodes.map((n) => n.op)) || 'data movement';
  const body = h('tbody');
  const detail = h('tr', { class: 'detail', attr: { id: `kernel-${String(index)}` } }, h('td', { attr: { colspan: 9 } }));
  const expander = h('button', { class: 'expander', text: ops, attr: { type: 'button', 'aria-expanded': 'false', 'aria-controls': `kernel-${String(index)}` } });
  const setOpen = (open: boolean): void => {
    expander.setAttribute('aria-expanded', String(open));
    detail.hidden = !open;
    if (open) {
      opened.add(index);
      // Sources are long; they enter the document only when somebody looks.
      if (detail.firstElementChild?.childElementCount === 0) detail.firstElementChild.append(...details(kernel));
    } else opened.delete(index);
  };
  expander.addEventListener('click', () => { setOpen(expander.getAttribute('aria-expanded') !== 'true'); });
  const number = (text: string): HTMLElement => h('td', { class: 'number', text });
  body.append(
    h('tr', {},
      h('td', {}, expander), h('td', { text: kernel.kind }), number(timeOf(kernel)),
      h('td', {}, ...(kernel.share === undefined ? [] : [h('span', { class: 'meter' }, h('span', { style: { width: `${(kernel.share * 100).toFixed(1)}%` } })), percent(kernel.share)])),
      number(kernel.ms === undefined || kernel.ms === 0 || kernel.flops === 0 ? '–' : rate(kernel.flops, kernel.ms)),
      number(kernel.roofline === undefined ? '–' : percent(kernel.roofline)),
      h('td', {}, h('span', { class: 'badge', text: kernel.choice, attr: { 'data-choice': kernel.choice } })),
      number(`${String(kernel.tried.length)} / ${String(kernel.candidates)}`),
      h('td', { class: 'knobs', text: knobs(kernel.schedule) })),
    detail);
  setOpen(opened.has(index));
  return body;
}

function details(kernel: KernelReport): HTMLElement[] {
  const tried = [...kernel.tried].sort((a, b) => (a.ms ?? Infinity) - (b.ms ?? Infinity));
  return [
    h('p', { class: 'small muted', text: kernel.nodes.map((n) => `${n.op} '${n.node}'`).join(', ') }),
    ...(tried.length === 0 ? [] : [
      h('h3', { text: 'Candidates' }),
      h('ul', { class: 'tried' }, ...tried.map(({ schedule, ms, verdict }) =>
        h('li', { attr: { 'data-verdict': verdict } }, h('span', { text: knobs(schedule) }), h('span', { text: ms === undefined ? verdict : `${milliseconds(ms)}${verdict === 'slower' ? '' : ` ${verdict}`}` })))),
    ]),
    h('h3', { text: 'The kernel, before any device' }), h('pre', { class: 'code', text: kernel.text, attr: { tabindex: 0 } }),
    h('h3', { text: 'What this device runs' }), h('pre', { class: 'code', text: kernel.source, attr: { tabindex: 0 } }),
  ];
}

interface Candidate {
  readonly kind: string;
  readonly schedule: Readonly<Record<string, number>>;
  readonly verdict: string;
  readonly ns: number;
}

/** One measurement, which the tuner tells as JSON, in a line for people. */
function candidate(detail: string): string {
  try {
    const { kind, schedule, verdict, ns } = JSON.parse(detail) as Partial<Candidate>;
    const time = ns === undefined ? '' : `  ${milliseconds(ns / 1e6)}`;
    return `${(kind ?? 'kernel').padEnd(11)} ${knobs(schedule ?? {})}${time}  ${verdict ?? ''}`;
  } catch {
    return detail;
  }
}

/** Browsers give isolated pages a clock that ticks every 5 µs; what took less than a tick reads 0. */
const timeOf = ({ ms }: KernelReport): string => (ms === undefined ? '–' : ms === 0 ? '< 5 µs' : milliseconds(ms));

const knobs = (schedule: Readonly<Record<string, number>>): string => Object.entries(schedule).map(([name, value]) => `${name} ${String(value)}`).join(', ') || 'one way';

function notes({ fallbacks, demoted, notes: lines }: Report): HTMLElement[] {
  const items = [
    ...fallbacks.map(({ op, node, why }) => `${op} '${node}' runs on the CPU: ${why}`),
    ...demoted.map(({ kernel, why }) => `a schedule of ${kernel.slice(0, 12)} was dropped: ${why}`),
    ...lines,
  ];
  return items.length === 0 ? [] : [h('ul', {}, ...items.map((text) => h('li', { text })))];
}
