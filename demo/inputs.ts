/**
 * The form for a model's inputs: sizes of symbolic dims, and what each input is filled with (random values, one number, a picture). In: the
 * session's inputs. Out: `feeds()`, typed arrays with dims that agree across inputs, since a symbol has one field for all of them.
 */
import type { DType, TensorData, TensorInput, ValueInfo } from '../engine/index.ts';
import { bytesOf, isFloat, toHalf, viewAs } from '../jit/expr/dtype.ts';
import { h } from './dom.ts';
import { shape } from './format.ts';

type Fill = 'random' | 'number' | 'picture';

interface InputState {
  readonly info: ValueInfo;
  fill: Fill;
  number: string;
  range: Range;
  picture: ImageBitmap | undefined;
}

/** What a picture's 0..255 become: models want one of these. */
const ranges = {
  'unit': '0 to 1',
  'bytes': '0 to 255',
  'signed': '−1 to 1',
  'imagenet': 'ImageNet mean and deviation',
} as const;
type Range = keyof typeof ranges;

export interface InputForm {
  readonly element: HTMLElement;
  /** Throws an Error with a sentence for the user. */
  feeds(): Record<string, TensorInput>;
}

/** More elements than this in one input are a slip of the hand, not a wish: 2 ** 28 floats are a gigabyte. */
const mostElements = 2 ** 28;

export function inputForm(inputs: readonly ValueInfo[]): InputForm {
  const sizes = new Map<string, number>();
  for (const dim of inputs.flatMap((input) => input.dims)) if (typeof dim === 'string') sizes.set(dim, 1);
  const states = inputs.map((info): InputState => ({ info, fill: 'random', number: info.name.includes('mask') ? '1' : '0', range: 'unit', picture: undefined }));

  const symbols = [...sizes.keys()].map((symbol) =>
    h('label', { class: 'field' }, h('span', { class: 'mono', text: symbol }),
      h('input', {
        attr: { type: 'number', min: 0, step: 1, value: 1, inputmode: 'numeric' },
        on: { input: (event) => { sizes.set(symbol, (event.target as HTMLInputElement).valueAsNumber); } },
      })));

  const element = h('div', {},
    h('h3', { text: 'Inputs' }),
    symbols.length === 0 ? undefined : h('div', { class: 'fields', attr: { role: 'group', 'aria-label': 'Sizes of symbolic dims' }, style: { margin: '0.5rem 0' } }, ...symbols),
    ...states.map(inputRow));

  return {
    element,
    feeds() {
      return Object.fromEntries(states.map((state) => {
        const dims = state.info.dims.map((dim) => (typeof dim === 'number' ? dim : (sizes.get(dim) ?? NaN)));
        const bad = state.info.dims.find((_, i) => !Number.isInteger(dims[i]) || (dims[i] ?? -1) < 0);
        if (bad !== undefined) throw new Error(`'${String(bad)}' needs a whole number of 0 or more.`);
        const count = dims.reduce((a, b) => a * b, 1);
        if (count > mostElements) throw new Error(`'${state.info.name}' would have ${count.toLocaleString()} elements: too many for a page.`);
        return [state.info.name, { dtype: state.info.dtype, dims, data: dataFor(state, dims, count) }];
      }));
    },
  };
}

function inputRow(state: InputState): HTMLElement {
  const { info } = state;
  const extra = h('div', { class: 'fields' });
  const showExtra = (): void => {
    switch (state.fill) {
      case 'random':
        extra.replaceChildren();
        break;
      case 'number':
        extra.replaceChildren(h('label', { class: 'field' }, h('span', { text: 'value' }),
          h('input', { attr: { type: 'text', inputmode: 'decimal', value: state.number, size: 8 }, on: { input: (e) => { state.number = (e.target as HTMLInputElement).value; } } })));
        break;
      case 'picture':
        extra.replaceChildren(
          h('label', { class: 'field' }, h('span', { text: 'picture' }), h('input', {
            attr: { type: 'file', accept: 'image/*' },
            on: { change: (e) => { void (async () => {
              const file = (e.target as HTMLInputElement).files?.[0];
              state.picture = file === undefined ? undefined : await createImageBitmap(file);
            })(); } },
          })),
          h('label', { class: 'field' }, h('span', { text: 'values' }), h('select', { on: { change: (e) => { state.range = (e.target as HTMLSelectElement).value as Range; } } },
            ...Object.entries(ranges).map(([key, text]) => h('option', { text, attr: { value: key, selected: key === state.range } })))));
        break;
      default: state.fill satisfies never;
    }
  };
  const choices: readonly (readonly [Fill, string])[] = [['random', 'random'], ['number', 'one number'], ...(layoutOf(info.dims) === undefined ? [] : [['picture', 'a picture'] as const])];
  const select = h('select', {
    attr: { 'aria-label': `What '${info.name}' is filled with` },
    on: { change: (e) => { state.fill = (e.target as HTMLSelectElement).value as Fill; showExtra(); } },
  }, ...choices.map(([value, text]) => h('option', { text, attr: { value } })));
  showExtra();
  return h('div', { class: 'tensor' },
    h('div', { class: 'tensor-name' }, h('strong', { text: info.name }), h('span', { class: 'mono muted', text: `${info.dtype} ${shape(info.dims)}` })),
    h('div', { class: 'fields' }, h('label', { class: 'field' }, h('span', { text: 'fill with' }), select), extra));
}

interface Layout {
  readonly channels: number;
  readonly channelAxis: number;
  readonly heightAxis: number;
}

/** How dims hold a picture, if they can: batch, then channels first or last. */
function layoutOf(dims: readonly (number | string)[]): Layout | undefined {
  if (dims.length !== 4) return undefined;
  for (const [channelAxis, heightAxis] of [[1, 2], [3, 1]] as const) {
    const channels = dims[channelAxis];
    if (channels === 1 || channels === 3) return { channels, channelAxis, heightAxis };
  }
  return undefined;
}

function dataFor(state: InputState, dims: readonly number[], count: number): TensorData {
  const { dtype, name } = state.info;
  const data = viewAs(dtype, new Uint8Array(count * bytesOf(dtype)));
  switch (state.fill) {
    case 'random': {
      const random = generator(name);
      // Integers are mostly ids, positions and masks: 0 and 1 are in range for all of these.
      const draw = isFloat(dtype) ? () => normal(random) : () => (random() < 0.5 ? 0 : 1);
      put(data, dtype, draw);
      return data;
    }
    case 'number': {
      const number = Number(state.number);
      if (state.number.trim() === '' || Number.isNaN(number)) throw new Error(`'${name}': '${state.number}' is not a number.`);
      put(data, dtype, () => number);
      return data;
    }
    case 'picture': {
      const layout = layoutOf(state.info.dims);
      if (state.picture === undefined || layout === undefined) throw new Error(`'${name}' has no picture yet.`);
      const pixels = pictureValues(state.picture, layout, dims, state.range);
      put(data, dtype, (i) => pixels[i] ?? 0);
      return data;
    }
    default: return state.fill satisfies never;
  }
}

function put(data: TensorData, dtype: DType, valueAt: (i: number) => number): void {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < data.length; i++) data[i] = BigInt(Math.round(valueAt(i)));
  } else if (dtype === 'float16') {
    for (let i = 0; i < data.length; i++) data[i] = toHalf(valueAt(i));
  } else {
    for (let i = 0; i < data.length; i++) data[i] = valueAt(i);
  }
}

/** The picture fitted whole into the input's size, in every image of the batch. */
function pictureValues(picture: ImageBitmap, { channels, channelAxis, heightAxis }: Layout, dims: readonly number[], range: Range): Float32Array {
  const [height = 1, width = 1] = dims.slice(heightAxis, heightAxis + 2);
  const canvas = new OffscreenCanvas(Math.max(1, width), Math.max(1, height));
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser gives no canvas to read the picture with');
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, Math.max(1, width), Math.max(1, height));
  const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
  const perImage = channels * height * width;
  for (let i = 0; i < values.length; i++) {
    const within = i % perImage;
    const channel = channelAxis === 1 ? Math.floor(within / (height * width)) : within % channels;
    const pixel = channelAxis === 1 ? within % (height * width) : Math.floor(within / channels);
    const [r = 0, g = 0, b = 0] = data.subarray(pixel * 4, pixel * 4 + 3);
    // Grey as ITU-R BT.601 weighs it.
    const byte = channels === 1 ? 0.299 * r + 0.587 * g + 0.114 * b : ([r, g, b][channel] ?? 0);
    values[i] = scaled(byte, channel, range);
  }
  return values;
}

/** Means and deviations of the ImageNet training set, as torchvision documents them. */
const imagenet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

function scaled(byte: number, channel: number, range: Range): number {
  switch (range) {
    case 'unit': return byte / 255;
    case 'bytes': return byte;
    case 'signed': return byte / 127.5 - 1;
    case 'imagenet': return (byte / 255 - (imagenet.mean[channel] ?? 0)) / (imagenet.deviation[channel] ?? 1);
    default: return range satisfies never;
  }
}

/** Uniform numbers in [0, 1), the same for a name every time (a 32-bit xorshift, Marsaglia 2003). */
function generator(name: string): () => number {
  let state = new TextEncoder().encode(name).reduce((hash, byte) => Math.imul(hash ^ byte, 16777619), 0x811c9dc5) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
