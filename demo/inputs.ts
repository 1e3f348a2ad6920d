/**
 * The form for a model's inputs: sizes of symbolic dims, and what each input is filled with (random values, one number, a picture). In: the
 * session's inputs. Out: `feeds()`, typed arrays with dims that agree across inputs, since a symbol has one field for all of them.
 */
import type { DType, TensorData, TensorInput, ValueInfo } from '../engine/index.ts';
import { bytesOf, isFloat, toHalf, viewAs } from '../jit/expr/dtype.ts';
import { h } from './dom.ts';
import { shape } from './format.ts';
import { fits, layoutOf, orders, pictureValues, placeOf, ranges, type PictureOptions } from './picture.ts';

type Fill = 'random' | 'number' | 'picture';

interface InputState {
  readonly info: ValueInfo;
  fill: Fill;
  number: string;
  readonly options: PictureOptions;
  photo: ImageBitmap | undefined;
}

/** The photo that an input was fed, and how it lies in it. */
export interface Fed {
  readonly photo: ImageBitmap;
  readonly size: { readonly width: number; readonly height: number };
  readonly place: ReturnType<typeof placeOf>;
}

export interface InputForm {
  readonly element: HTMLElement;
  /** Throws an Error with a sentence for the user. */
  feeds(): Record<string, TensorInput>;
  /** The photo among the inputs, if one is fed. */
  fed(): Fed | undefined;
  /** Puts a photo into the first input that can hold one; false if none can. */
  offer(file: File): Promise<boolean>;
}

/** More elements than this in one input are a slip of the hand, not a wish: 2 ** 28 floats are a gigabyte. */
const mostElements = 2 ** 28;

/** What most picture models were trained on, where the model itself leaves the size open. */
const pictureSide = 224;

/** `onPhoto`: a photo was chosen, or is to be read in another way. */
export function inputForm(inputs: readonly ValueInfo[], onPhoto: () => void): InputForm {
  const sizes = new Map<string, number>();
  for (const { dims } of inputs) {
    const spatial = layoutOf(dims)?.heightAxis ?? Infinity;
    dims.forEach((dim, axis) => { if (typeof dim === 'string' && !sizes.has(dim)) sizes.set(dim, axis === spatial || axis === spatial + 1 ? pictureSide : 1); });
  }
  const states = inputs.map((info): InputState => ({
    info, fill: 'random', number: info.name.includes('mask') ? '1' : '0',
    options: { range: info.dtype === 'uint8' ? 'bytes' : 'unit', order: 'rgb', fit: 'stretch' }, photo: undefined,
  }));
  const dimsOf = ({ info }: InputState): number[] => info.dims.map((dim) => (typeof dim === 'number' ? dim : (sizes.get(dim) ?? NaN)));
  const rows = states.map((state) => inputRow(state, onPhoto));

  const symbols = [...sizes.keys()].map((symbol) =>
    h('label', { class: 'field' }, h('span', { class: 'mono', text: symbol }),
      h('input', {
        attr: { type: 'number', min: 0, step: 1, value: sizes.get(symbol) ?? 1, inputmode: 'numeric' },
        on: { input: (event) => { sizes.set(symbol, (event.target as HTMLInputElement).valueAsNumber); } },
      })));

  const element = h('div', {},
    h('h3', { text: 'Inputs' }),
    symbols.length === 0 ? undefined : h('div', { class: 'fields', attr: { role: 'group', 'aria-label': 'Sizes of symbolic dims' }, style: { margin: '0.5rem 0' } }, ...symbols),
    ...rows.map(({ row }) => row));

  return {
    element,
    feeds() {
      return Object.fromEntries(states.map((state) => {
        const dims = dimsOf(state);
        const bad = state.info.dims.find((_, i) => !Number.isInteger(dims[i]) || (dims[i] ?? -1) < 0);
        if (bad !== undefined) throw new Error(`'${String(bad)}' needs a whole number of 0 or more.`);
        const count = dims.reduce((a, b) => a * b, 1);
        if (count > mostElements) throw new Error(`'${state.info.name}' would have ${count.toLocaleString()} elements: too many for a page.`);
        return [state.info.name, { dtype: state.info.dtype, dims, data: dataFor(state, dims, count) }];
      }));
    },
    fed() {
      const state = states.find(({ fill, photo }) => fill === 'picture' && photo !== undefined);
      const layout = state && layoutOf(state.info.dims);
      if (state?.photo === undefined || layout === undefined) return undefined;
      const [height = 1, width = 1] = dimsOf(state).slice(layout.heightAxis);
      return { photo: state.photo, size: { width, height }, place: placeOf(state.photo, { width, height }, state.options.fit) };
    },
    async offer(file) {
      const at = inputs.findIndex(({ dims }) => layoutOf(dims) !== undefined);
      await rows[at]?.take(file);
      return at !== -1;
    },
  };
}

function inputRow(state: InputState, onPhoto: () => void): { readonly row: HTMLElement; readonly take: (file: File) => Promise<void> } {
  const { info, options } = state;
  const layout = layoutOf(info.dims);
  const preview = h('canvas', { class: 'preview', attr: { width: 96, height: 72, role: 'img', 'aria-label': 'The picture' } });
  const choose = <K extends keyof PictureOptions>(label: string, key: K, texts: Readonly<Record<PictureOptions[K], string>>): HTMLElement =>
    h('label', { class: 'field' }, h('span', { text: label }), h('select', {
      on: { change: (e) => {
        options[key] = (e.target as HTMLSelectElement).value as PictureOptions[K];
        if (state.photo !== undefined) onPhoto();
      } },
    }, ...Object.entries<string>(texts).map(([value, text]) => h('option', { text, attr: { value, selected: value === options[key] } }))));
  const take = async (file: File): Promise<void> => {
    state.photo = await createImageBitmap(file);
    state.fill = select.value = 'picture';
    showExtra();
    show(preview, state.photo);
    onPhoto();
  };
  const picture = (): HTMLElement[] => [
    h('div', { class: 'row' }, preview, h('label', { class: 'field' }, h('span', { text: 'picture, or drop one on the page' }), h('input', {
      attr: { type: 'file', accept: 'image/*' },
      on: { change: (e) => {
        const [file] = (e.target as HTMLInputElement).files ?? [];
        if (file !== undefined) void take(file);
      } },
    }))),
    choose('values', 'range', ranges),
    ...(layout?.channels === 3 ? [choose('channels', 'order', orders)] : []),
    choose('fitted in', 'fit', fits),
  ];
  const extra = h('div', { class: 'fields' });
  let shown: Fill | undefined;
  const showExtra = (): void => {
    if (shown === state.fill) return;
    shown = state.fill;
    switch (state.fill) {
      case 'random':
        extra.replaceChildren();
        break;
      case 'number':
        extra.replaceChildren(h('label', { class: 'field' }, h('span', { text: 'value' }),
          h('input', {
            attr: { type: 'text', inputmode: 'decimal', value: state.number, size: 8 },
            on: { input: (e) => { state.number = (e.target as HTMLInputElement).value; } },
          })));
        break;
      case 'picture':
        extra.replaceChildren(...picture());
        break;
      default: state.fill satisfies never;
    }
  };
  const choices: readonly (readonly [Fill, string])[] = [['random', 'random'], ['number', 'one number'], ...(layout === undefined ? [] : [['picture', 'a picture'] as const])];
  const select = h('select', {
    attr: { 'aria-label': `What '${info.name}' is filled with` },
    on: { change: (e) => { state.fill = (e.target as HTMLSelectElement).value as Fill; showExtra(); } },
  }, ...choices.map(([value, text]) => h('option', { text, attr: { value } })));
  const row = h('div', { class: 'tensor' },
    h('div', { class: 'tensor-name' }, h('strong', { text: info.name }), h('span', { class: 'mono muted', text: `${info.dtype} ${shape(info.dims)}` })),
    h('div', { class: 'fields' }, h('label', { class: 'field' }, h('span', { text: 'fill with' }), select), extra));
  return { row, take };
}

/** The photo, whole and in the middle. */
function show(canvas: HTMLCanvasElement, photo: ImageBitmap): void {
  const { width, height } = canvas;
  const place = placeOf(photo, { width, height }, 'whole');
  const context = canvas.getContext('2d');
  context?.clearRect(0, 0, width, height);
  context?.drawImage(photo, place.left * width, place.top * height, place.width * width, place.height * height);
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
      if (state.photo === undefined || layout === undefined) throw new Error(`'${name}' has no picture yet.`);
      const pixels = pictureValues(state.photo, layout, dims, state.options);
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
