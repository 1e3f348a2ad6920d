/**
 * The second panel: a model of the visitor's own, from a file or an address. Shows each phase of loading, why a device was chosen, a form for the
 * inputs, and the outputs of a run. Out: the session, to whoever shows kernels.
 */
import { load, QuernError, type LoadOptions, type Progress, type Session, type Source } from '../engine/index.ts';
import { byId, h, replace } from './dom.ts';
import { findingsView } from './findings.ts';
import { bytes, milliseconds, plural } from './format.ts';
import { inputForm } from './inputs.ts';
import { outputView } from './outputs.ts';

const phaseNames = { download: 'Read', parse: 'Parse', compile: 'Write kernels', upload: 'Place weights' } as const;
type Phase = keyof typeof phaseNames;

/** How many timed runs the second button makes. */
const manyRuns = 20;

export function ownPanel(onSession: (session: Session | undefined, name: string) => void, onRun: (session: Session) => void): void {
  const form = byId('source', HTMLFormElement);
  const file = byId('file', HTMLInputElement);
  const url = byId('url', HTMLInputElement);
  const device = byId('device', HTMLSelectElement);
  const drop = byId('drop', HTMLLabelElement);
  const problem = byId('problem', HTMLDivElement);
  const bench = byId('bench', HTMLDivElement);
  let session: Session | undefined;
  let loading: AbortController | undefined;
  let takePhoto: ((file: File) => Promise<boolean>) | undefined;

  const complain = (error: unknown): void => {
    problem.hidden = error === undefined;
    problem.textContent = error === undefined ? '' : sentence(error);
  };

  const open = async (source: Source, name: string, externalData: Readonly<Record<string, Source>>): Promise<void> => {
    loading?.abort();
    const mine = new AbortController();
    loading = mine;
    complain(undefined);
    replace(bench);
    onSession(undefined, '');
    await session?.dispose();
    session = takePhoto = undefined;
    const phases = phaseList();
    const begun = performance.now();
    try {
      const options: LoadOptions = {
        device: device.value as 'auto' | 'webgpu' | 'wasm', tune: 'off', externalData, signal: mine.signal,
        onProgress: (p) => { if (loading === mine) phases.show(p); },
      };
      const opened = await load(source, options);
      if (loading !== mine) {
        await opened.dispose();
        return;
      }
      session = opened;
      phases.loaded();
      const { why, memory, kernels } = await opened.report();
      const area = runArea(opened, complain, onRun);
      takePhoto = area.takePhoto;
      replace(bench, facts([
        ['model', name], ['ready in', milliseconds(performance.now() - begun)],
        ['runs on', `${opened.device === 'webgpu' ? 'GPU' : `CPU, ${plural(opened.threads, 'thread')}`}: ${why}`],
        ['weights', bytes(memory.weights)], ['kernels', String(kernels.length)],
      ]), area.element);
      onSession(opened, name);
    } catch (error) {
      if (loading === mine) {
        phases.stop();
        complain(error);
      }
    }
  };

  const openFiles = (files: readonly File[]): void => {
    const model = files.find((f) => f.name.endsWith('.onnx')) ?? files[0];
    if (model === undefined) return;
    if (files.every((f) => f.type.startsWith('image/'))) {
      void (async () => {
        if (await takePhoto?.(model) !== true) complain(new Error(`There is no model yet that takes a picture such as '${model.name}': load one first.`));
      })();
      return;
    }
    const rest = files.filter((f) => f !== model).map((f) => [f.name, f] as const);
    void open(model, model.name, Object.fromEntries(rest));
  };

  file.addEventListener('change', () => { openFiles([...(file.files ?? [])]); });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const address = url.value.trim();
    if (address !== '') void open(address, address.split('/').at(-1) ?? address, {});
    else if ((file.files?.length ?? 0) > 0) openFiles([...(file.files ?? [])]);
    else complain(new Error('Choose a file or give the address of one.'));
  });
  for (const name of ['dragenter', 'dragover'] as const) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
  }
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) drop.classList.remove('over');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    openFiles([...(event.dataTransfer?.files ?? [])]);
  });
}

/** One line for each phase, filled as progress comes. A phase is done when a later one starts. */
function phaseList(): { show(p: Progress): void; loaded(): void; stop(): void } {
  const list = byId('phases', HTMLOListElement);
  const order = Object.keys(phaseNames) as Phase[];
  const rows = new Map(order.map((phase) => {
    const bar = h('span');
    const note = h('small', { text: '' });
    return [phase, { bar, note, row: h('li', {}, h('span', { text: phaseNames[phase] }), h('span', { class: 'meter' }, bar), note) }];
  }));
  replace(list, ...[...rows.values()].map(({ row }) => row));
  list.hidden = false;
  const started = new Set<Phase>();
  return {
    show({ phase, loaded, total, detail }) {
      const row = phase === 'tune' ? undefined : rows.get(phase);
      if (row === undefined || phase === 'tune') return;
      started.add(phase);
      // Phases overlap: weights arrive while kernels are written. Done is what has reached its total.
      const share = total === undefined || total === 0 ? 0.5 : Math.min(1, loaded / total);
      row.bar.style.width = `${(share * 100).toFixed(1)}%`;
      if (share === 1) row.row.dataset['state'] = 'done';
      const amount = phase === 'download' || phase === 'upload' ? bytes(loaded) : total === undefined ? String(loaded) : `${String(loaded)} of ${String(total)}`;
      row.note.textContent = detail ?? amount;
    },
    loaded() {
      for (const { row } of rows.values()) row.dataset['state'] = 'done';
    },
    stop() {
      if (started.size === 0) list.hidden = true;
    },
  };
}

function facts(entries: readonly (readonly [string, string])[]): HTMLElement {
  return h('dl', { class: 'facts' }, ...entries.map(([term, text]) => h('div', {}, h('dt', { text: term }), h('dd', { text }))));
}

interface RunArea {
  readonly element: HTMLElement;
  /** Feeds a photo and runs; false if no input can hold one. */
  readonly takePhoto: (file: File) => Promise<boolean>;
}

function runArea(session: Session, complain: (error: unknown) => void, onRun: (session: Session) => void): RunArea {
  const findings = findingsView();
  const outputs = h('div', {}, h('p', { class: 'small muted', text: session.outputs.map((o) => o.name).join(', ') }));
  // Where a picture tells it, the numbers can wait.
  const raw = h('details', { attr: { open: true } }, h('summary', {}, h('h3', { text: 'Outputs' })), outputs);
  const timing = h('span', { class: 'mono muted', attr: { role: 'status' } });
  const once = h('button', { class: 'primary', text: 'Run', attr: { type: 'button' } });
  const many = h('button', { text: `Run ${String(manyRuns)} times`, attr: { type: 'button' } });
  const act = async (runs: number): Promise<void> => {
    complain(undefined);
    once.disabled = many.disabled = true;
    try {
      const [feeds, fed] = [inputs.feeds(), inputs.fed()];
      const times: number[] = [];
      for (let i = 0; i < runs; i++) {
        const since = performance.now();
        const results = await session.run(feeds);
        times.push(performance.now() - since);
        timing.textContent = runs === 1 ? milliseconds(times[0] ?? 0) : `${String(i + 1)} of ${String(runs)}`;
        if (i < runs - 1) continue;
        raw.open = !findings.show(results, fed);
        replace(outputs, ...Object.entries(results).map(([name, tensor]) => outputView(name, tensor)));
      }
      const sorted = times.sort((a, b) => a - b);
      if (runs > 1) timing.textContent = `median ${milliseconds(sorted[runs >> 1] ?? 0)}, fastest ${milliseconds(sorted[0] ?? 0)}`;
      onRun(session);
    } catch (error) {
      complain(error);
    } finally {
      once.disabled = many.disabled = false;
    }
  };
  const inputs = inputForm(session.inputs, () => void act(1));
  once.addEventListener('click', () => void act(1));
  many.addEventListener('click', () => void act(manyRuns));
  const element = h('div', { class: 'io' },
    h('div', {}, inputs.element, h('div', { class: 'row run' }, once, many, timing)),
    h('div', {}, findings.element, raw));
  return { element, takePhoto: (file) => inputs.offer(file) };
}

/** What went wrong, with the place, as the engine tells it. */
function sentence(error: unknown): string {
  if (error instanceof QuernError) return `${error.message}\n(${error.code})`;
  return error instanceof Error ? error.message : String(error);
}
