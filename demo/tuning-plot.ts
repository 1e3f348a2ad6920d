/**
 * The tuner at work: a column for each kernel, a dot for each schedule that was measured, the higher the faster, in multiples of the schedule
 * that the kernel starts with. The best of a column is joined to the line it started from; what was wrong or refused is a cross below.
 * In: measurements, one by one as they are made or all at once from a report. Out: an SVG that keeps up with them, a frame at a time.
 */
import type { KernelReport } from '../engine/index.ts';

export interface Measured {
  /** Tells kernels apart. */
  readonly kernel: string;
  readonly schedule: Readonly<Record<string, number>>;
  readonly verdict: string;
  readonly ns?: number;
  /** Measured on a part of the kernel: to be compared with parts alone. */
  readonly part?: boolean;
  readonly fallback: boolean;
}

export interface TuningPlot {
  /** Empties it, with room for so many kernels. */
  clear(kernels: number): void;
  add(measured: Measured): void;
  /** All that a session knows. */
  showReport(kernels: readonly KernelReport[]): void;
}

type Point = Measured & { readonly text: string };

interface Column {
  readonly points: Map<string, Point>;
  /** Nanoseconds of the schedule at first, of the whole kernel and of a part. */
  readonly base: { whole?: number; part?: number };
  readonly group: SVGGElement;
}

const [height, top, bottom, left, right] = [190, 14, 26, 74, 10];
/** Powers of two that the scale spans: from a quarter of the speed to four times. */
const span = 2;

export function tuningPlot(svg: SVGSVGElement): TuningPlot {
  const columns = new Map<string, Column>();
  const stale = new Set<Column>();
  let [width, expected, waiting] = [0, 1, false];

  const y = (log: number): number => top + ((span - Math.max(-span, Math.min(span, log))) / (2 * span)) * (height - top - bottom);
  const x = (index: number): number => left + ((index + 0.5) * (width - left - right)) / Math.max(expected, columns.size, 1);

  const clear = (kernels: number): void => {
    columns.clear();
    expected = kernels;
    width = svg.clientWidth || 640;
    svg.setAttribute('viewBox', `0 0 ${String(width)} ${String(height)}`);
    svg.replaceChildren(...([[2, '4× faster'], [1, '2×'], [0, 'at first'], [-1, 'half'], [-2, 'a quarter']] as const).flatMap(([log, text]) => [
      make('line', { x1: left, x2: width - right, y1: y(log), y2: y(log), class: log === 0 ? 'axis' : 'rule' }),
      make('text', { x: left - 8, y: y(log) + 4, class: 'scale' }, text),
    ]));
  };

  const columnOf = (kernel: string): Column => {
    let column = columns.get(kernel);
    if (column === undefined) {
      column = { points: new Map(), base: {}, group: make('g', {}) };
      svg.append(column.group);
      columns.set(kernel, column);
      // More kernels than were announced: all columns move closer.
      if (columns.size > expected) for (const each of columns.values()) stale.add(each);
    }
    return column;
  };

  const draw = (): void => {
    waiting = false;
    const order = [...columns.values()];
    for (const column of stale) drawColumn(column, x(order.indexOf(column)), y);
    stale.clear();
  };

  const add = (measured: Measured): void => {
    const column = columnOf(measured.kernel);
    const text = knobs(measured.schedule);
    column.points.set(text, { ...measured, text });
    if (measured.fallback && measured.ns !== undefined) column.base[measured.part === true ? 'part' : 'whole'] = measured.ns;
    stale.add(column);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(draw);
  };

  new ResizeObserver(() => {
    if (svg.clientWidth === 0 || svg.clientWidth === width) return;
    const kept = [...columns.values()].map(({ points, base }) => ({ points: [...points.values()], base }));
    clear(expected);
    for (const { points, base } of kept) {
      points.forEach(add);
      const [first] = points;
      if (first !== undefined) Object.assign(columnOf(first.kernel).base, base);
    }
  }).observe(svg);

  return {
    clear,
    add,
    showReport(kernels) {
      const tried = kernels.filter((k) => k.tried.length > 0);
      clear(tried.length);
      tried.forEach((kernel, index) => {
        const start = textOf(kernel.fallback);
        for (const { schedule, ms, verdict } of kernel.tried) {
          add({ kernel: String(index), schedule, verdict, fallback: textOf(schedule) === start, ...(ms === undefined ? {} : { ns: ms * 1e6 }) });
        }
      });
    },
  };
}

/** A schedule for people. */
export const knobs = (schedule: Readonly<Record<string, number>>): string => Object.entries(schedule).map(([name, value]) => `${name} ${String(value)}`).join(', ') || 'one way';
const textOf = (schedule: Readonly<Record<string, number>>): string => JSON.stringify(Object.entries(schedule).sort());

function drawColumn({ points, base, group }: Column, at: number, y: (log: number) => number): void {
  const all = [...points.values()];
  const gain = ({ ns, part }: Point): number | undefined => {
    const start = part === true ? base.part : base.whole;
    return ns === undefined || ns === 0 || start === undefined ? undefined : Math.log2(start / ns);
  };
  const timed = all.flatMap((p) => {
    const log = p.verdict === 'wrong' || p.verdict === 'refused' ? undefined : gain(p);
    return log === undefined ? [] : [{ p, log }];
  }).sort((a, b) => a.log - b.log);
  const best = timed.filter(({ p }) => p.part !== true).at(-1) ?? timed.at(-1);
  const winner = timed.find(({ p }) => p.verdict === 'winner') ?? best;
  const said = ({ p, log }: { readonly p: Point; readonly log: number }): string => `${(2 ** log).toFixed(2)}× the speed at first: ${p.text}`;
  group.replaceChildren(
    ...(winner === undefined ? [] : [make('line', { x1: at, x2: at, y1: y(0), y2: y(winner.log), class: 'gain' })]),
    ...timed.filter((one) => one !== winner).map((one) => dot(at, y(one.log), one.p.fallback ? 'first' : 'tried', said(one))),
    ...all.filter((p) => p.verdict === 'wrong' || p.verdict === 'refused').map((p) => {
      const bottomY = height - 8;
      const cross = make('path', { d: `M${String(at - 3)} ${String(bottomY - 3)}l6 6m0 -6l-6 6`, class: 'wrong' });
      cross.append(make('title', {}, `${p.verdict}: ${p.text}`));
      return cross;
    }),
    ...(winner === undefined ? [] : [dot(at, y(winner.log), 'best', said(winner))]),
  );
}

function dot(cx: number, cy: number, kind: 'tried' | 'first' | 'best', title: string): SVGElement {
  const circle = make('circle', { cx, cy, r: kind === 'best' ? 4 : kind === 'first' ? 3 : 2.2, class: kind });
  circle.append(make('title', {}, title));
  return circle;
}

function make<K extends keyof SVGElementTagNameMap>(
  tag: K, attributes: Readonly<Record<string, string | number>>, text?: string,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, typeof value === 'number' ? value.toFixed(1) : value);
  if (text !== undefined) element.textContent = text;
  return element;
}
