/** Outputs of a run as pictures a person can judge: shape and range, the largest values, a heat strip of one slice, and the numbers. */
import type { Tensor } from '../engine/index.ts';
import { fromHalf } from '../jit/expr/dtype.ts';
import { h } from './dom.ts';
import { shape, value } from './format.ts';

/** Rows of the list of largest values, numbers in the text, and the longest side of the heat strip. */
const top = 5;
const shown = 256;
const side = 512;

export function outputView(name: string, tensor: Tensor): HTMLElement {
  const numbers = numbersOf(tensor);
  const finite = numbers.filter(Number.isFinite);
  const [low, high] = finite.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
  const range = finite.length === 0 ? 'no finite values' : `${value(low)} … ${value(high)}`;
  const odd = numbers.length - finite.length;
  return h('div', { class: 'tensor' },
    h('div', { class: 'tensor-name' }, h('strong', { text: name }), h('span', { class: 'mono muted', text: `${tensor.dtype} ${shape(tensor.dims)}` })),
    h('p', { class: 'small muted', text: `${range}${odd === 0 ? '' : `, ${String(odd)} not finite`}` }),
    largest(numbers, tensor.dims),
    heat(numbers, tensor.dims, low, high),
    h('details', {}, h('summary', { text: numbers.length > shown ? `first ${String(shown)} of ${numbers.length.toLocaleString()} values` : 'values' }),
      h('pre', { class: 'values', text: Array.from(tensor.data.subarray(0, shown) as ArrayLike<number | bigint>, (x, i) => value(tensor.dtype === 'float16' ? (numbers[i] ?? NaN) : x)).join('  ') })));
}

/** The elements as numbers, whatever their type. */
export function numbersOf(tensor: Tensor): Float64Array {
  if (tensor.dtype === 'float16' && tensor.data instanceof Uint16Array) return Float64Array.from(tensor.data, fromHalf);
  return Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** The largest values of the last axis' first row, where that is a list of scores and not a picture's line. */
function largest(numbers: Float64Array, dims: readonly number[]): HTMLElement | undefined {
  const classes = dims.at(-1) ?? 0;
  if (classes < 2 || dims.length > 3 || (dims.length > 1 && numbers.length / classes > 64)) return undefined;
  const row = [...numbers.subarray(0, classes)].map((score, index) => ({ score, index })).sort((a, b) => b.score - a.score).slice(0, top);
  const best = row[0]?.score ?? 0;
  const worst = Math.min(0, ...row.map((entry) => entry.score));
  return h('ol', { class: 'top-list', attr: { 'aria-label': `Largest ${String(row.length)} of ${String(classes)}` } },
    ...row.map(({ score, index }) => {
      const share = best > worst ? (score - worst) / (best - worst) : 0;
      return h('li', {}, h('span', { text: `#${String(index)}` }),
        h('span', { class: 'meter' }, h('span', { style: { width: `${(share * 100).toFixed(1)}%` } })), h('span', { text: value(score) }));
    }));
}

/** The last two axes of the first slice; a vector folded into lines, and a slice much longer than wide laid on its side. */
function heat(numbers: Float64Array, dims: readonly number[], low: number, high: number): HTMLElement | undefined {
  if (numbers.length < 8) return undefined;
  const [before, last] = [dims.at(-2) ?? 1, dims.at(-1) ?? 1];
  const flat = before === 1 || last === 1;
  const length = flat ? Math.max(last, before) : last * before;
  const folded = Math.min(length, 128);
  const [rows, columns] = flat ? [Math.ceil(length / folded), folded] : [before, last];
  const lying = !flat && rows > 4 * columns;
  const [tall, wide] = lying ? [columns, rows] : [rows, columns];
  // Large slices are sampled: the picture shows where values lie, not each of them.
  const [down, along] = [Math.ceil(tall / side), Math.ceil(wide / side)];
  const [width, height] = [Math.ceil(wide / along), Math.ceil(tall / down)];
  const canvas = h('canvas', { class: 'heat', attr: { width, height, role: 'img', 'aria-label': `Heat map, ${String(rows)} by ${String(columns)}` } });
  canvas.style.aspectRatio = `${String(width)} / ${String(height)}`;
  // A strip is stretched to be seen; a slice keeps its proportions.
  if (height * 8 < width) [canvas.style.height, canvas.style.objectFit] = ['2.5rem', 'fill'];
  const context = canvas.getContext('2d');
  if (context === null) return undefined;
  const image = context.createImageData(width, height);
  const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = lying ? x * along * columns + y * down : y * down * columns + x * along;
      const number = numbers[at] ?? NaN;
      if (at < length) image.data.set(colour(low < 0 ? number / reach : (number - low) / (high - low || 1)), (y * width + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Blue through grey to orange for -1..1; both ends differ in lightness as well as in hue. NaN is magenta. */
function colour(t: number): readonly number[] {
  if (Number.isNaN(t)) return [255, 0, 200, 255];
  const [low, mid, high] = [[38, 97, 156], [32, 30, 28], [250, 178, 110]] as const;
  const clamped = Math.max(-1, Math.min(1, t));
  const end = clamped < 0 ? low : high;
  const share = Math.abs(clamped);
  return [...mid.map((from, i) => from + share * ((end[i] ?? 0) - from)), 255];
}
