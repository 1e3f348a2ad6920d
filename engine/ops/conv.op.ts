/**
 * Convolutions as contractions. Conv reads a guarded window of the input: rows [batch, spatial], cols [channel of the group], depth
 * [kernel, input channel]. A group of one channel (depthwise) has no depth over channels, and the channel becomes the batch axis.
 * ConvTranspose gathers: each output reads the inputs that reach it, its phases (position modulo stride) as batch axes where the
 * output divides into them, so that no product with a hole between inputs is computed.
 */
import {
  type Expr, type Var, add, and, asInt, constant, eq, floordiv, floormod, ge, int, lt, mul, select, sub,
} from '../../jit/expr/expr.ts';
import { shapeText, text } from '../../jit/expr/text.ts';
import { zeroOf } from './math.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { ceildiv, freshAxes } from './shape.ts';
import { extentOf, inside, perPlace, tapsAt, windowOf, type Window } from './window.ts';

/** The axes that a convolution of either direction shares. */
interface Channels {
  /** Group number, channel inside a group of the output, and of the input. */
  readonly group: Expr;
  readonly out: Expr;
  readonly into: Expr;
  readonly batch: readonly Var[];
  readonly cols: readonly Var[];
  readonly depth: readonly Var[];
}

function channelAxes(build: Lowering, groups: number, channels: Expr, outOfGroup: Expr, inOfGroup: Expr): Channels {
  build.require(eq(floormod(channels, groups), 0), 'the groups do not divide the channels', { expected: `a multiple of ${groups}`, got: text(channels) });
  const batch = freshAxes(build, [int(groups)]);
  // Depthwise convolutions with one output a group have no cols; all others have one, if of size 1.
  const lone = groups > 1 && asInt(outOfGroup) === 1 && asInt(inOfGroup) === 1;
  const out = lone ? undefined : build.axis(outOfGroup);
  const into = groups > 1 && asInt(inOfGroup) === 1 ? undefined : build.axis(inOfGroup);
  return {
    group: batch.index[0] ?? int(0), out: out ?? int(0), into: into ?? int(0),
    batch: batch.axes, cols: out === undefined ? [] : [out], depth: into === undefined ? [] : [into],
  };
}

const atLeastOne = (build: Lowering, axes: readonly Var[]): readonly Var[] => (axes.length > 0 ? axes : [build.axis(1)]);

/** Elements of operands, from which quantised kinds take their zero points. */
export interface ConvElements {
  readonly x: (index: readonly Expr[]) => Expr;
  readonly w: (index: readonly Expr[]) => Expr;
}

export interface ConvSpec {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly dtype: Tensor['dtype'];
  readonly elements?: ConvElements;
  /** The result from the sum, the channel, and the whole index of the element. */
  readonly value: (acc: Expr, channel: Expr, index: readonly Expr[]) => Expr;
}

export function convolution(build: Lowering, { x, w, dtype, elements, value }: ConvSpec): Tensor {
  const groups = build.attributes.count('group', 1);
  const [n, channels, ...spatial] = x.shape;
  const [outChannels, inOfGroup, ...kernel] = w.shape;
  if (n === undefined || channels === undefined || outChannels === undefined || inOfGroup === undefined || w.rank !== x.rank) {
    return build.fail('shape-mismatch', 'input and weights of a convolution differ in rank', { got: `${shapeText(x.shape)} and ${shapeText(w.shape)}` });
  }
  const want = mul(inOfGroup, groups);
  build.require(eq(channels, want), 'the input has another number of channels than the weights take', { expected: text(want), got: text(channels) });
  const window = windowOf(build, spatial, kernel);
  const outOfGroup = floordiv(outChannels, groups);
  const c = channelAxes(build, groups, outChannels, outOfGroup, inOfGroup);
  const rows = freshAxes(build, [n, ...window.out]);
  const taps = freshAxes(build, kernel);
  const [image, ...at] = rows.index;
  const position = tapsAt(window, at, taps.index);
  const channel = add(mul(c.group, outOfGroup), c.out);
  const readX = elements?.x ?? ((index) => x.at(index));
  const readW = elements?.w ?? ((index) => w.at(index));
  const element = readX([image ?? int(0), add(mul(c.group, inOfGroup), c.into), ...position]);
  const index = [image ?? int(0), channel, ...at];
  return build.contraction({
    dtype, shape: [n, outChannels, ...window.out],
    batch: c.batch, rows: atLeastOne(build, rows.axes), cols: c.cols, depth: atLeastOne(build, [...taps.axes, ...c.depth]),
    lhs: select(inside(position, spatial), element, constant(0, element.dtype)),
    rhs: readW([channel, c.into, ...taps.index]),
    index, value: (acc) => value(acc, channel, index),
  });
}

/** Adds the bias of the channel. */
type WithBias = (acc: Expr, channel: Expr) => Expr;

function biased(build: Lowering, bias: Tensor | undefined, channels: Expr = int(1)): WithBias {
  if (bias === undefined) return (acc) => acc;
  build.require(eq(bias.shape[0] ?? int(1), channels), 'there is not one bias for each channel', { expected: text(channels), got: shapeText(bias.shape) });
  return (acc, channel) => add(acc, bias.at([channel]));
}

const conv: Operator = {
  op: 'Conv', domain: '', since: 1, arity: [2, 3], parts: [0],
  lower: (build) => {
    const [x, w, bias] = [build.input(0), build.input(1), build.optional(2)];
    return convolution(build, { x, w, dtype: x.dtype, value: biased(build, bias, w.shape[0]) });
  },
};

/** Padding and result size of ConvTranspose; `output_shape` asks for a size and leaves the padding open. */
function transposedWindow(build: Lowering, spatial: readonly Expr[], kernel: readonly Expr[]): Window {
  const { attributes } = build;
  const rank = spatial.length;
  const [strides, dilations] = [perPlace(build, 'strides', rank, 1), perPlace(build, 'dilations', rank, 1)];
  const extra = perPlace(build, 'output_padding', rank, 0, 0);
  const auto = attributes.string('auto_pad', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID', ''], 'NOTSET');
  const [asked, pads] = [attributes.ints('output_shape', []), perPlace(build, 'pads', 2 * rank, 0, -Infinity)];
  const same = auto === 'SAME_UPPER' || auto === 'SAME_LOWER';
  const begin: Expr[] = [];
  const out = spatial.map((dim, d) => {
    const stride = strides[d] ?? 1;
    const full = add(add(mul(sub(dim, 1), stride), extentOf(kernel[d] ?? int(1), dilations[d] ?? 1)), extra[d] ?? 0);
    const wanted = asked.length > 0 ? asked[asked.length - rank + d] : undefined;
    if (wanted === undefined && !same) {
      const [before, after] = auto === 'VALID' ? [0, 0] : [pads[d] ?? 0, pads[d + rank] ?? 0];
      begin.push(int(before));
      return sub(full, before + after);
    }
    const result = wanted === undefined ? mul(dim, stride) : int(wanted);
    const total = sub(full, result);
    const half = floordiv(total, 2);
    begin.push(auto === 'SAME_UPPER' ? half : sub(total, half));
    return result;
  });
  return { kernel, strides, dilations, begin, end: begin, out };
}

const convTranspose: Operator = {
  op: 'ConvTranspose', domain: '', since: 1, arity: [2, 3], parts: [0],
  lower: (build) => {
    const [x, w, bias] = [build.input(0), build.input(1), build.optional(2)];
    const groups = build.attributes.count('group', 1);
    const [n, channels, ...spatial] = x.shape;
    const [inChannels, outOfGroup, ...kernel] = w.shape;
    if (n === undefined || channels === undefined || inChannels === undefined || outOfGroup === undefined || w.rank !== x.rank) {
      return build.fail('shape-mismatch', 'input and weights of ConvTranspose differ in rank', { got: `${shapeText(x.shape)} and ${shapeText(w.shape)}` });
    }
    build.require(eq(channels, inChannels), 'the input has another number of channels than the weights take', { expected: text(inChannels), got: text(channels) });
    const withBias = biased(build, bias, mul(outOfGroup, groups));
    const window = transposedWindow(build, spatial, kernel);
    const inOfGroup = floordiv(inChannels, groups);
    const c = channelAxes(build, groups, inChannels, outOfGroup, inOfGroup);
    const image = freshAxes(build, [n]);
    const parts = spatial.map((dim, d) => transposedAxis(build, window, d, dim));
    const [group, channel] = [add(mul(c.group, inOfGroup), c.into), add(mul(c.group, outOfGroup), c.out)];
    const fromX = and(...parts.map((p) => p.inside));
    const fromW = and(...parts.map((p) => p.tapInside));
    return build.contraction({
      dtype: x.dtype, shape: [n, mul(outOfGroup, groups), ...window.out],
      batch: [...c.batch, ...parts.flatMap((p) => p.phase)], rows: atLeastOne(build, [...image.axes, ...parts.flatMap((p) => p.rows)]), cols: c.cols,
      depth: atLeastOne(build, [...parts.flatMap((p) => p.taps), ...c.depth]),
      lhs: select(fromX, x.at([image.index[0] ?? int(0), group, ...parts.map((p) => p.source)]), zeroOf(x.dtype)),
      rhs: select(fromW, w.at([group, c.out, ...parts.map((p) => p.tap)]), zeroOf(w.dtype)),
      index: [image.index[0] ?? int(0), channel, ...parts.map((p) => p.out)],
      value: (acc) => withBias(acc, channel),
    });
  },
};

interface TransposedAxis {
  readonly phase: readonly Var[];
  readonly rows: readonly Var[];
  readonly taps: readonly Var[];
  /** Position in the output, position read in the input, and tap of the kernel. */
  readonly out: Expr;
  readonly source: Expr;
  readonly tap: Expr;
  readonly inside: Expr;
  readonly tapInside: Expr;
}

function transposedAxis(build: Lowering, { kernel, strides, dilations, begin, out: sizes }: Window, d: number, dim: Expr): TransposedAxis {
  const [size, taps, stride, dilation, pad] = [sizes[d] ?? int(1), kernel[d] ?? int(1), strides[d] ?? 1, dilations[d] ?? 1, begin[d] ?? int(0)];
  const within = (p: Expr): Expr => and(ge(p, 0), lt(p, dim));
  if (stride > 1 && dilation === 1 && asInt(floormod(size, stride)) === 0) {
    // out + pad = stride * (q + carry) + (phase + pad) mod stride; taps of one phase are `stride` apart.
    const phase = build.axis(stride);
    const row = freshAxes(build, [floordiv(size, stride)]);
    const tapAxis = freshAxes(build, [ceildiv(taps, stride)]);
    const [q, k] = [row.index[0] ?? int(0), tapAxis.index[0] ?? int(0)];
    const tap = add(mul(k, stride), floormod(add(phase, pad), stride));
    const source = sub(add(q, floordiv(add(phase, pad), stride)), k);
    return {
      phase: [phase], rows: row.axes, taps: tapAxis.axes, out: add(mul(q, stride), phase), source, tap,
      inside: within(source), tapInside: lt(tap, taps),
    };
  }
  const row = freshAxes(build, [size]);
  const tapAxis = freshAxes(build, [taps]);
  const [y, tap] = [row.index[0] ?? int(0), tapAxis.index[0] ?? int(0)];
  const reach = sub(add(y, pad), mul(tap, dilation));
  const source = floordiv(reach, stride);
  const hit = and(ge(reach, 0), eq(floormod(reach, stride), 0), lt(source, dim));
  return { phase: [], rows: row.axes, taps: tapAxis.axes, out: y, source, tap, inside: stride === 1 ? within(reach) : hit, tapInside: lt(tap, taps) };
}

export const operators: readonly Operator[] = [conv, convTranspose];
