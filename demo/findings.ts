/**
 * What a model found in a photo: boxes on the photo with a list of them and a threshold to move, the five likeliest classes, or the picture that
 * came out. In: a run's outputs and the photo fed. Out: an element, empty where no reading fits. Class names come from a text file of the
 * visitor's own, a line each.
 */
import type { Tensor } from '../engine/index.ts';
import { h, replace } from './dom.ts';
import { percent } from './format.ts';
import type { Fed } from './inputs.ts';
import { numbersOf } from './outputs.ts';
import { toPhoto } from './picture.ts';
import { interpret, leastScore, suppressed, type Box, type Finding, type Picture } from './vision.ts';

/** Shown of a list. */
const top = 5;
const listed = 12;

/** Longest side of the photo as it is drawn: sharp on a phone, and quick. */
const longest = 1000;

/** Told apart on any photo, each with a dark edge around: from Okabe and Ito's palette for all kinds of sight. */
const colours = ['#e69f00', '#56b4e9', '#009e73', '#f0e442', '#d55e00', '#cc79a7', '#0072b2'];
const colourOf = (label: number): string => colours[label % colours.length] ?? '#e69f00';

export interface FindingsView {
  readonly element: HTMLElement;
  /** Whether there was something to show. */
  show(outputs: Readonly<Record<string, Tensor>>, fed: Fed | undefined): boolean;
}

export function findingsView(): FindingsView {
  const body = h('div', { class: 'finding', attr: { 'aria-live': 'polite' } });
  const element = h('section', { class: 'findings', attr: { hidden: true, 'aria-label': 'What the model found' } }, body);
  let names: readonly string[] = [];
  let threshold = 0.5;
  let last: { readonly finding: Finding; readonly fed: Fed } | undefined;
  const nameOf = (label: number): string => names[label] ?? `class ${String(label)}`;

  const namesField = h('label', { class: 'field' }, h('span', { text: 'class names, a line each' }), h('input', {
    attr: { type: 'file', accept: '.txt,.names,.csv,text/plain' },
    on: { change: (e) => { void (async () => {
      const [file] = (e.target as HTMLInputElement).files ?? [];
      names = file === undefined ? [] : (await file.text()).split(/\r?\n/).map((line) => line.trim());
      draw();
    })(); } },
  }));
  const value = h('output', { class: 'mono', text: percent(threshold) });
  const slider = h('input', {
    attr: { type: 'range', min: leastScore, max: 0.99, step: 0.01, value: threshold, 'aria-label': 'Least score of a box' },
    on: { input: (e) => {
      threshold = (e.target as HTMLInputElement).valueAsNumber;
      value.textContent = percent(threshold);
      draw();
    } },
  });
  const thresholdField = h('label', { class: 'field' }, h('span', {}, 'least score ', value), slider);
  const controls = h('div', { class: 'fields' });

  const draw = (): void => {
    if (last === undefined) return;
    const { finding, fed } = last;
    switch (finding.kind) {
      case 'boxes': {
        const boxes = suppressed(finding.boxes, threshold);
        const count = boxes.length === 1 ? '1 box' : `${String(boxes.length)} boxes`;
        replace(body, photoWith(boxes, fed, nameOf), boxList(boxes, nameOf), h('p', { class: 'small muted', text: `${count}; ${finding.reading}` }));
        break;
      }
      case 'classes':
        replace(
          body, photoWith([], fed, nameOf), classList(finding.probabilities, nameOf), h('p', { class: 'small muted', text: finding.reading }),
        );
        break;
      case 'picture':
        replace(body, pictureCanvas(finding.picture), h('p', { class: 'small muted', text: finding.reading }));
        break;
      default: finding satisfies never;
    }
  };

  return {
    element,
    show(outputs, fed) {
      const numbers = Object.entries(outputs).map(([name, tensor]) => ({ name, dims: tensor.dims, values: numbersOf(tensor) }));
      const finding = fed && interpret(numbers, fed.size);
      element.hidden = finding === undefined;
      last = fed === undefined || finding === undefined ? undefined : { finding, fed };
      replace(element, body, controls);
      replace(controls, ...(finding?.kind === 'boxes' ? [thresholdField] : []), ...(finding === undefined || finding.kind === 'picture' ? [] : [namesField]));
      draw();
      return finding !== undefined;
    },
  };
}

function photoWith(boxes: readonly Box[], { photo, place }: Fed, nameOf: (label: number) => string): HTMLElement {
  const scale = Math.min(1, longest / Math.max(photo.width, photo.height));
  const [width, height] = [Math.round(photo.width * scale), Math.round(photo.height * scale)];
  const several = new Set(boxes.map((b) => b.label)).size > 1;
  const found = boxes.slice(0, listed).map((b) => `${nameOf(b.label)} ${percent(b.score)}`);
  const summary = found.length === 0 ? 'The picture' : `The picture with ${found.join(', ')}`;
  const canvas = h('canvas', { class: 'photo', attr: { width, height, role: 'img', 'aria-label': summary } });
  const context = canvas.getContext('2d');
  if (context === null) return canvas;
  context.drawImage(photo, 0, 0, width, height);
  const line = Math.max(2, Math.round(Math.max(width, height) / 260));
  context.lineJoin = 'round';
  context.font = `600 ${String(6 * line + 2)}px system-ui, sans-serif`;
  context.textBaseline = 'top';
  // The surest last, on top.
  for (const { corners: [l, t, r, b], score, label } of [...boxes].reverse()) {
    const [[x, y], [right, bottom]] = [toPhoto(place, l, t), toPhoto(place, r, b)];
    const box = [x * width, y * height, (right - x) * width, (bottom - y) * height] as const;
    for (const [style, stroke] of [['rgb(0 0 0 / 60%)', line + 2], [colourOf(label), line]] as const) {
      context.strokeStyle = style;
      context.lineWidth = stroke;
      context.strokeRect(...box);
    }
    const text = several ? `${nameOf(label)} ${percent(score)}` : percent(score);
    const wide = context.measureText(text).width + 2 * line;
    const tall = 8 * line + 4;
    const above = box[1] >= tall ? box[1] - tall : box[1];
    context.fillStyle = colourOf(label);
    context.fillRect(box[0] - line / 2, above, wide, tall);
    context.fillStyle = '#000';
    context.fillText(text, box[0] + line / 2, above + line / 2);
  }
  return canvas;
}

function boxList(boxes: readonly Box[], nameOf: (label: number) => string): HTMLElement | undefined {
  if (boxes.length === 0) return undefined;
  const rest = boxes.length - listed;
  return h('ol', { class: 'top-list' }, ...boxes.slice(0, listed).map(({ label, score }) => row(nameOf(label), score, colourOf(label))),
    ...(rest > 0 ? [h('li', { class: 'muted', text: `and ${String(rest)} more` })] : []));
}

function classList(probabilities: readonly number[], nameOf: (label: number) => string): HTMLElement {
  const order = probabilities.map((probability, label) => ({ probability, label })).sort((a, b) => b.probability - a.probability).slice(0, top);
  return h('ol', { class: 'top-list', attr: { 'aria-label': `The ${String(order.length)} likeliest of ${String(probabilities.length)} classes` } },
    ...order.map(({ probability, label }) => row(nameOf(label), probability, undefined)));
}

const row = (name: string, share: number, colour: string | undefined): HTMLElement =>
  h('li', {}, h('span', { text: name }),
    h('span', { class: 'meter' }, h('span', { style: { width: `${(share * 100).toFixed(1)}%`, ...(colour === undefined ? {} : { background: colour }) } })),
    h('span', { text: percent(share) }));

function pictureCanvas({ width, height, channels, pixels }: Picture): HTMLElement {
  const canvas = h('canvas', { class: 'photo', attr: { width, height, role: 'img', 'aria-label': 'The picture that came out' } });
  const context = canvas.getContext('2d');
  if (context === null) return canvas;
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * (pixels[i * channels + (channels === 1 ? 0 : c)] ?? 0);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
