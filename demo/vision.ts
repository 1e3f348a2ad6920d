/**
 * What a vision model's outputs mean, told by their shapes and values alone: boxes with scores, probabilities of classes, or a picture. In:
 * outputs as numbers with dims, and the size of the model's input. Out: a `Finding`; nothing where no reading fits. Boxes are in fractions of
 * the input, left, top, right, bottom. Readings known: boxes and scores apart (UltraFace, SSD, DETR, RetinaNet after its NMS), one
 * table of boxes with scores (YOLO v5 to v8, YOLOX with its grid undecoded), rows of box, score, class (end-to-end exports).
 */

export interface Output {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: ArrayLike<number>;
}

export interface Box {
  readonly corners: readonly [number, number, number, number];
  readonly score: number;
  readonly label: number;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** From 0 to 1, channels last. */
  readonly pixels: Float32Array;
}

export type Finding =
  | { readonly kind: 'boxes'; readonly boxes: readonly Box[]; readonly reading: string }
  | { readonly kind: 'classes'; readonly probabilities: readonly number[]; readonly reading: string }
  | { readonly kind: 'picture'; readonly picture: Picture; readonly reading: string };

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A table of rows; `at(row, column)`. */
interface Table {
  readonly rows: number;
  readonly columns: number;
  readonly at: (row: number, column: number) => number;
}

/** Below this a box is not worth keeping at all; the page's slider starts above it. */
export const leastScore = 0.05;
/** More boxes than this before suppression are noise. */
const mostBoxes = 1000;

export function interpret(outputs: readonly Output[], input: Size): Finding | undefined {
  return apart(outputs, input) ?? together(outputs, input) ?? classes(outputs) ?? image(outputs);
}

/** Without leading dims of 1. */
function squeezed(dims: readonly number[]): readonly number[] {
  const first = dims.findIndex((d) => d !== 1);
  return first === -1 ? [] : dims.slice(first);
}

function tableOf({ dims, values }: Output): Table | undefined {
  const [rows, columns, ...more] = squeezed(dims);
  if (rows === undefined || columns === undefined || more.length > 0) return undefined;
  return { rows, columns, at: (row, column) => values[row * columns + column] ?? NaN };
}

/** One output of boxes, another of scores, perhaps a third of labels. */
function apart(outputs: readonly Output[], input: Size): Finding | undefined {
  // A model that found one box, or none, has dims of 1 and 0 in front.
  const boxes = outputs.find(({ dims }) => dims.at(-1) === 4 && dims.length >= 2 && dims.slice(0, -2).every((d) => d === 1));
  if (boxes === undefined) return undefined;
  const rows = boxes.dims.at(-2) ?? 0;
  const others = outputs.filter((o) => o !== boxes);
  const flat = others.filter(({ dims, values }) => values.length === rows && dims.every((d) => d === 1 || d === rows));
  const labels = flat.find(({ values }) => Array.from(values).every(Number.isInteger));
  const scoreList = flat.find((o) => o !== labels) ?? (flat.length === 1 ? labels : undefined);
  const scoreTable = others.find(({ dims }) => dims.at(-2) === rows && (dims.at(-1) ?? 0) > 1 && dims.slice(0, -2).every((d) => d === 1));
  const at = (row: number, column: number): number => boxes.values[4 * row + column] ?? NaN;
  if (scoreTable === undefined && scoreList === undefined) return undefined;
  let score: (row: number) => readonly [number, number];
  let reading: string;
  if (scoreTable !== undefined) {
    const columns = scoreTable.dims.at(-1) ?? 0;
    const raw = (row: number, column: number): number => scoreTable.values[row * columns + column] ?? NaN;
    const probability = probabilitiesOf({ rows, columns, at: raw });
    const background = backgroundOf({ rows, columns, at: probability });
    score = (row) => best(columns, (c) => (c === background ? -1 : probability(row, c)));
    reading = `boxes from '${boxes.name}', scores from '${scoreTable.name}'${background === undefined ? '' : `, class ${String(background)} is background`}`;
  } else {
    score = (row) => [scoreList?.values[row] ?? NaN, labels !== scoreList ? (labels?.values[row] ?? 0) : 0];
    reading = `boxes from '${boxes.name}', scores from '${scoreList?.name ?? ''}'`;
  }
  return { kind: 'boxes', boxes: collect(rows, at, score, input, undefined), reading };
}

/** One output of rows: box, then scores. */
function together(outputs: readonly Output[], input: Size): Finding | undefined {
  const [output] = outputs;
  const found = output === undefined ? undefined : tableOf(output);
  if (output === undefined || found === undefined || Math.min(found.rows, found.columns) < 5) return undefined;
  // YOLO v8 and later lie on their side: a row for each coordinate and class.
  const lying = found.rows < found.columns && found.columns > 4 * found.rows;
  const table: Table = lying ? { rows: found.columns, columns: found.rows, at: (r, c) => found.at(c, r) } : found;
  const { rows, columns } = table;
  if (rows < 5 || columns > 512) return undefined;
  if (columns === 6 && every(rows, (r) => Number.isInteger(table.at(r, 5)) && inUnit(table.at(r, 4)))) {
    const boxes = collect(rows, table.at, (r) => [table.at(r, 4), table.at(r, 5)], input, 'corners');
    return { kind: 'boxes', boxes, reading: `'${output.name}': box, score and class in each row` };
  }
  const first = lying ? 4 : 5;
  if (!every(rows, (r) => inUnit(table.at(r, columns - 1)) && inUnit(table.at(r, 4)))) return undefined;
  const grid = gridOf(rows, input);
  const decoded = grid !== undefined && every(rows, (r) => Math.abs(table.at(r, 2)) < 20 && Math.abs(table.at(r, 0)) < 20)
    ? (r: number, c: number): number => {
      const { x, y, stride } = grid(r);
      const value = table.at(r, c);
      return c === 0 ? (value + x) * stride : c === 1 ? (value + y) * stride : Math.exp(value) * stride;
    }
    : table.at;
  const score = (r: number): readonly [number, number] => {
    const [value, label] = columns > first ? best(columns - first, (c) => table.at(r, first + c)) : [1, 0];
    return [lying ? value : value * table.at(r, 4), label];
  };
  const reading = `'${output.name}': centre and size${lying ? '' : ', certainty'}, then a score for each class${decoded === table.at ? '' : ', decoded on a grid'}`;
  return { kind: 'boxes', boxes: collect(rows, decoded, score, input, 'centre'), reading };
}

interface Cell {
  readonly x: number;
  readonly y: number;
  readonly stride: number;
}

/** The cells that rows stand for, where there are as many rows as cells at strides 8, 16 and 32 (YOLOX; Ge et al. 2021). */
function gridOf(rows: number, { width, height }: Size): ((row: number) => Cell) | undefined {
  const levels = [8, 16, 32].map((stride) => ({ stride, across: Math.floor(width / stride), down: Math.floor(height / stride) }));
  if (levels.reduce((n, { across, down }) => n + across * down, 0) !== rows) return undefined;
  return (row) => {
    let at = row;
    for (const { stride, across, down } of levels) {
      if (at < across * down) return { x: at % across, y: Math.floor(at / across), stride };
      at -= across * down;
    }
    return { x: 0, y: 0, stride: 1 };
  };
}

/** One list of scores. */
function classes(outputs: readonly Output[]): Finding | undefined {
  const output = outputs.find(({ dims, values }) => values.length >= 2 && dims.filter((d) => d !== 1).length === 1);
  if (output === undefined) return undefined;
  const columns = output.values.length;
  const at = (_: number, c: number): number => output.values[c] ?? NaN;
  const sum = Array.from({ length: columns }, (_, c) => at(0, c)).reduce((a, b) => a + b, 0);
  // Logits may all lie in 0 to 1 as well.
  const probability = probabilitiesOf({ rows: 1, columns, at }, Math.abs(sum - 1) > 0.02);
  return { kind: 'classes', probabilities: Array.from({ length: columns }, (_, c) => probability(0, c)), reading: `classes from '${output.name}'` };
}

/** One or three channels of a picture, channels first or last. */
function image(outputs: readonly Output[]): Finding | undefined {
  for (const output of outputs) {
    const dims = squeezed(output.dims);
    const [a = 0, b = 0, c = 1] = dims;
    const layout = dims.length === 2 ? { channels: 1, height: a, width: b, last: true }
      : dims.length !== 3 ? undefined
        : a === 3 ? { channels: 3, height: b, width: c, last: false }
          : c === 1 || c === 3 ? { channels: c, height: a, width: b, last: true } : undefined;
    if (layout === undefined || Math.min(layout.height, layout.width) < 16) continue;
    const { height, width, last } = layout;
    const channels = layout.channels === 3 ? 3 : 1;
    const [low, high] = extremes(output.values);
    // Bytes, fractions, or whatever else stretched over the range.
    const [from, to] = low >= 0 && high <= 1 ? [0, 1] : low >= -1 && high <= 256 && high > 2 ? [0, 255] : [low, high];
    const pixels = new Float32Array(channels * height * width);
    for (let i = 0; i < height * width; i++) {
      for (let k = 0; k < channels; k++) {
        const value = output.values[last ? i * channels + k : k * height * width + i] ?? 0;
        pixels[i * channels + k] = Math.min(1, Math.max(0, (value - from) / (to - from || 1)));
      }
    }
    return { kind: 'picture', picture: { width, height, channels, pixels }, reading: `a picture from '${output.name}'` };
  }
  return undefined;
}

function collect(
  rows: number, at: (row: number, column: number) => number, score: (row: number) => readonly [number, number], input: Size,
  shape: 'corners' | 'centre' | undefined,
): Box[] {
  const scored = Array.from({ length: rows }, (_, row) => {
    const [value, label] = score(row);
    return { row, value, label };
  }).filter(({ value }) => value >= leastScore).sort((a, b) => b.value - a.value).slice(0, mostBoxes);
  const raw = scored.map(({ row }) => [at(row, 0), at(row, 1), at(row, 2), at(row, 3)] as const);
  const ordered = raw.filter(([a, b, c, d]) => c >= a && d >= b).length;
  const corners = shape === undefined ? ordered >= 0.9 * raw.length : shape === 'corners';
  const fractions = raw.every((box) => box.every((v) => Math.abs(v) <= 2));
  const [across, down] = fractions ? [1, 1] : [input.width, input.height];
  return scored.map(({ value, label }, i) => {
    const [a, b, c, d] = raw[i] ?? [0, 0, 0, 0];
    const [left, top, right, bottom] = corners ? [a, b, c, d] : [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
    return { corners: [left / across, top / down, right / across, bottom / down], score: value, label } as const;
  });
}

/** Keeps the best of boxes of one class that overlap by more than `most` (intersection over union), greedily. Boxes come by falling score. */
export function suppressed(boxes: readonly Box[], threshold: number, most = 0.45): Box[] {
  const kept: Box[] = [];
  for (const box of boxes) {
    if (box.score >= threshold && kept.every((k) => k.label !== box.label || overlap(k.corners, box.corners) <= most)) kept.push(box);
  }
  return kept;
}

function overlap([al, at, ar, ab]: Box['corners'], [bl, bt, br, bb]: Box['corners']): number {
  const shared = Math.max(0, Math.min(ar, br) - Math.max(al, bl)) * Math.max(0, Math.min(ab, bb) - Math.max(at, bt));
  const both = (ar - al) * (ab - at) + (br - bl) * (bb - bt) - shared;
  return both > 0 ? shared / both : 0;
}

/** The scores themselves where they are probabilities, else their softmax along a row. */
function probabilitiesOf({ rows, columns, at }: Table, logits = false): (row: number, column: number) => number {
  if (!logits && every(rows, (r) => every(columns, (c) => inUnit(at(r, c))))) return at;
  const memo = new Map<number, { readonly top: number; readonly sum: number }>();
  return (row, column) => {
    let known = memo.get(row);
    if (known === undefined) {
      const top = best(columns, (c) => at(row, c))[0];
      let sum = 0;
      for (let c = 0; c < columns; c++) sum += Math.exp(at(row, c) - top);
      known = { top, sum };
      memo.set(row, known);
    }
    return Math.exp(at(row, column) - known.top) / known.sum;
  };
}

/** The first or last class, if rows are distributions and most of their weight lies there: most boxes hold nothing. */
function backgroundOf({ rows, columns, at }: Table): number | undefined {
  if (rows < 8) return undefined;
  const mean = (f: (row: number) => number): number => Array.from({ length: rows }, (_, r) => f(r)).reduce((a, b) => a + b, 0) / rows;
  const whole = mean((r) => Array.from({ length: columns }, (_, c) => at(r, c)).reduce((a, b) => a + b, 0));
  if (Math.abs(whole - 1) > 0.01) return undefined;
  return [0, columns - 1].find((c) => mean((r) => at(r, c)) > 0.5);
}

function best(count: number, value: (index: number) => number): readonly [number, number] {
  let [top, index] = [-Infinity, 0];
  for (let i = 0; i < count; i++) if (value(i) > top) [top, index] = [value(i), i];
  return [top, index];
}

function extremes(values: ArrayLike<number>): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

const inUnit = (x: number): boolean => x >= -1e-4 && x <= 1 + 1e-4;

function every(count: number, test: (index: number) => boolean): boolean {
  for (let i = 0; i < count; i++) if (!test(i)) return false;
  return true;
}
