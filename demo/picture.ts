/**
 * A photo as a model's input, and the way back: `layoutOf` says whether dims hold a picture, `pictureValues` fits the photo into them, and
 * `toPhoto` maps what the model says of its input (fractions) onto the photo. Channels first or last, with or without a batch.
 */

/** What a byte of 0..255 becomes: models want one of these. */
export const ranges = {
  'unit': '0 to 1',
  'bytes': '0 to 255',
  'signed': '−1 to 1',
  'imagenet': 'ImageNet mean and deviation',
} as const;
export const orders = { rgb: 'red, green, blue', bgr: 'blue, green, red' } as const;
/** How a photo of another shape is fitted in. */
export const fits = { stretch: 'stretched', whole: 'whole, with margins', cut: 'filled, edges cut' } as const;

export interface PictureOptions {
  range: keyof typeof ranges;
  order: keyof typeof orders;
  fit: keyof typeof fits;
}

export interface Layout {
  readonly channels: number;
  readonly channelAxis: number;
  readonly heightAxis: number;
}

/** How dims hold a picture, if they can: a batch or none, then channels first or last. */
export function layoutOf(dims: readonly (number | string)[]): Layout | undefined {
  const batch = dims.length - 3;
  if (batch !== 0 && batch !== 1) return undefined;
  for (const [channelAxis, heightAxis] of [[batch, batch + 1], [batch + 2, batch]] as const) {
    const channels = dims[channelAxis];
    if (channels === 1 || channels === 3) return { channels, channelAxis, heightAxis };
  }
  return undefined;
}

/** The part of the input that the photo covers, in fractions of the input; beyond 0..1 where edges are cut. */
interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

export function placeOf(photo: Size, input: Size, fit: PictureOptions['fit']): Place {
  if (fit === 'stretch') return { left: 0, top: 0, width: 1, height: 1 };
  const [x, y] = [input.width / photo.width, input.height / photo.height];
  const scale = fit === 'whole' ? Math.min(x, y) : Math.max(x, y);
  const [width, height] = [scale / x, scale / y];
  return { left: (1 - width) / 2, top: (1 - height) / 2, width, height };
}

/** A point of the input, in fractions, as fractions of the photo. */
export const toPhoto = ({ left, top, width, height }: Place, x: number, y: number): readonly [number, number] =>
  [(x - left) / width, (y - top) / height];

/** The photo in every image of the batch. */
export function pictureValues(
  photo: ImageBitmap, { channels, channelAxis, heightAxis }: Layout, dims: readonly number[], { range, order, fit }: PictureOptions,
): Float32Array {
  const [height = 1, width = 1] = dims.slice(heightAxis, heightAxis + 2);
  const canvas = new OffscreenCanvas(Math.max(1, width), Math.max(1, height));
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser gives no canvas to read the picture with');
  const place = placeOf(photo, { width, height }, fit);
  // The grey that trained detectors know as margin.
  context.fillStyle = 'rgb(114 114 114)';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(photo, place.left * width, place.top * height, place.width * width, place.height * height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
  const first = channelAxis < heightAxis;
  const plane = height * width;
  for (let i = 0; i < values.length; i++) {
    const within = i % (channels * plane);
    const [channel, pixel] = first ? [Math.floor(within / plane), within % plane] : [within % channels, Math.floor(within / channels)];
    const colour = order === 'rgb' ? channel : 2 - channel;
    // Grey as ITU-R BT.601 weighs it.
    const byte = channels === 1
      ? 0.299 * (data[4 * pixel] ?? 0) + 0.587 * (data[4 * pixel + 1] ?? 0) + 0.114 * (data[4 * pixel + 2] ?? 0)
      : (data[4 * pixel + colour] ?? 0);
    values[i] = scaled(byte, colour, range);
  }
  return values;
}

/** Means and deviations of the ImageNet training set, as torchvision documents them. */
const imagenet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

function scaled(byte: number, colour: number, range: PictureOptions['range']): number {
  switch (range) {
    case 'unit': return byte / 255;
    case 'bytes': return byte;
    case 'signed': return byte / 127.5 - 1;
    case 'imagenet': return (byte / 255 - (imagenet.mean[colour] ?? 0)) / (imagenet.deviation[colour] ?? 1);
    default: return range satisfies never;
  }
}
