/**
 * Operators of the com.microsoft domain that onnxruntime's graph optimiser leaves behind: products and convolutions with an activation,
 * convolutions and norms of channels-last tensors, embeddings with a norm, and rows of a quantised table.
 */
import { type Expr, add, cast, constant, floordiv, floormod, int, le, mul, ref } from '../../jit/expr/expr.ts';
import { shapeText } from '../../jit/expr/text.ts';
import { type Activation, activationsOf } from './activations.ts';
import { channelsFirst, channelsLast, inChannelsFirst } from './channels-last.ts';
import { field } from './contrib.op.ts';
import { convolution } from './conv.op.ts';
import { gelu } from './elementwise.op.ts';
import { clamp, lastRow, sigmoid, toIndex } from './math.ts';
import { gemmOf, numpyMatmul } from './matmul.op.ts';
import { computeType } from './module.ts';
import { checkIndices, safeIndex } from './movement.op.ts';
import { normalise, normaliseGroups } from './norm.op.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { centred } from './quantise.ts';
import { axisOf, broadcastAt, ceildiv, freshAxes, shaped, withDim } from './shape.ts';

const domain = 'com.microsoft';

/** The one function that the attribute `activation` names, with parameters from the given lists; none if it is empty. */
function activationOf(build: Lowering, alphas: readonly number[], betas: readonly number[]): Activation {
  const attribute = build.node.attributes.get('activation');
  const name = attribute?.type === 'string' ? attribute.value : '';
  const [made = (x: Expr): Expr => x] = name === '' ? [] : activationsOf(build, [name], alphas, betas);
  return made;
}

/** Convolution, bias, a tensor that is added, and an activation, in this order. */
const fusedConv = (op: string, last: boolean): Operator => ({
  op, domain, since: 1, arity: [2, 4], parts: [0],
  lower: (build) => {
    const [given, w, bias, added] = [build.input(0), build.input(1), build.optional(2), build.optional(3)];
    const parameters = build.attributes.floats('activation_params', []);
    const activation = activationOf(build, parameters.slice(0, 1), parameters.slice(1, 2));
    const addend = added === undefined || !last ? added : channelsFirst(build, added);
    return inChannelsFirst(build, last, given, (x) => convolution(build, {
      x, w, dtype: x.dtype,
      value: (acc, channel, index) => {
        const sum = bias === undefined ? acc : add(acc, bias.at([channel]));
        return activation(addend === undefined ? sum : add(sum, addend.at(index)));
      },
    }));
  },
});

const fusedGemm: Operator = {
  op: 'FusedGemm', domain, since: 1, arity: [2, 3],
  lower: (build) => {
    const parameter = (name: string): readonly number[] => (build.attributes.has(name) ? [build.attributes.float(name)] : []);
    return gemmOf(build, activationOf(build, parameter('activation_alpha'), parameter('activation_beta')));
  },
};

/** The view of a factor that its attributes ask for: batch dims and rows, then rows and depth, change places. */
function transposed(build: Lowering, x: Tensor, batch: boolean, matrix: boolean): Tensor {
  if (x.rank < 2 || (!batch && !matrix)) return x;
  const axes = x.shape.map((_, d) => d);
  const moved = batch ? [...axes.slice(1, -1), 0, x.rank - 1] : axes;
  const order = matrix ? [...moved.slice(0, -2), ...moved.slice(-2).reverse()] : moved;
  return build.map(x.dtype, order.map((d) => x.shape[d] ?? int(1)), (index) => x.at(axes.map((d) => index[order.indexOf(d)] ?? int(0))));
}

const fusedMatMul = (op: string): Operator => ({
  op, domain, since: 1, arity: [2, 2],
  lower: (build) => {
    const flag = (name: string): boolean => build.attributes.int(name, 0) !== 0;
    const alpha = build.attributes.float('alpha', 1);
    return numpyMatmul(
      build, transposed(build, build.input(0), flag('transBatchA'), flag('transA')), transposed(build, build.input(1), flag('transBatchB'), flag('transB')),
      alpha === 1 ? {} : { value: (acc) => mul(acc, alpha) },
    );
  },
});

/** The first half of the features times the gelu of the second. */
const biasSplitGelu: Operator = {
  op: 'BiasSplitGelu', domain, since: 1, arity: [2, 2], parts: [0, 1],
  lower: (build) => {
    const [x, bias] = [build.input(0), build.input(1)];
    const half = floordiv(x.shape.at(-1) ?? int(1), 2);
    return build.map(x.dtype, [...x.shape.slice(0, -1), half], (index) => {
      const [outer, d] = [index.slice(0, -1), index.at(-1) ?? int(0)];
      const at = (feature: Expr): Expr => add(x.at([...outer, feature]), bias.at([feature]));
      return mul(at(d), gelu(at(add(d, half)), false));
    });
  },
};

/** Adds a bias of the channel and a residual: [N, S, C]. */
const biasAdd: Operator = {
  op: 'BiasAdd', domain, since: 1, arity: [3, 3],
  lower: (build) => {
    const [x, bias, skip] = [build.input(0), build.input(1), build.input(2)];
    return build.map(x.dtype, x.shape, (index) => add(add(x.at(index), bias.at([index.at(-1) ?? int(0)])), broadcastAt(skip, index, x.shape)));
  },
};

/** Group normalisation with SiLU as an option, of x or of x + skip + bias, which is then an output too. */
const groupNorm = (op: string, skips: boolean): Operator => ({
  op, domain, since: 1, arity: skips ? [4, 5] : [3, 3],
  lower: (build) => {
    const [given, gamma, beta] = [build.input(0), build.input(1), build.input(2)];
    const last = build.attributes.int('channels_last', 1) !== 0;
    const silu = build.attributes.int('activation') === 1;
    const x = last ? channelsFirst(build, given) : given;
    const sum = skips ? withSkip(build, x, build.input(3), build.optional(4), last) : x;
    const y = normaliseGroups(build, sum, build.attributes.count('groups'), build.attributes.float('epsilon', 1e-5), (normal, _, channel) => {
      const scaled = add(mul(normal, gamma.at([channel])), beta.at([channel]));
      return silu ? mul(scaled, sigmoid(scaled)) : scaled;
    });
    return [y, sum].map((t) => (last ? channelsLast(build, t) : t));
  },
});

/** x + skip + bias with channels first; the skip is as large as x, or has one element for each image and channel. */
function withSkip(build: Lowering, x: Tensor, given: Tensor, bias: Tensor | undefined, last: boolean): Tensor {
  const flat = given.rank === 2;
  const skip = !flat && last ? channelsFirst(build, given) : given;
  return build.map(x.dtype, x.shape, (index) => {
    const [n = int(0), c = int(0)] = index;
    const both = add(x.at(index), flat ? skip.at([n, c]) : broadcastAt(skip, index, x.shape));
    return bias === undefined ? both : add(both, bias.at([c]));
  });
}

/** Words, positions and segments by their ids, summed and normalised; the second output counts the words that a mask keeps. */
const embedLayerNormalization: Operator = {
  op: 'EmbedLayerNormalization', domain, since: 1, arity: [7, 9], parts: [3],
  lower: (build) => {
    const [ids, words, places, gamma, beta] = [build.input(0), build.input(2), build.input(3), build.input(5), build.input(6)];
    const [segments, kinds, mask, positions] = [build.optional(1), build.optional(4), build.optional(7), build.optional(8)];
    const [batch = int(1), length = int(1)] = ids.shape;
    const row = (table: Tensor, id: Expr, feature: Expr): Expr => table.at([clamp(id, 0, lastRow(table)), feature]);
    build.within(ids, int(0), lastRow(words));
    if (positions !== undefined) build.within(positions, int(0), lastRow(places));
    else build.require(le(length, places.shape[0] ?? int(1)), 'more tokens than the table has positions', { got: shapeText(ids.shape) });
    if (segments !== undefined && kinds !== undefined) build.within(segments, int(0), lastRow(kinds));
    const sum = build.map(words.dtype, [batch, length, words.shape[1] ?? int(1)], ([b = int(0), s = int(0), d = int(0)]) => {
      const place = positions === undefined ? s : toIndex(broadcastAt(positions, [b, s], ids.shape));
      const both = add(row(words, toIndex(ids.at([b, s])), d), row(places, place, d));
      return segments === undefined || kinds === undefined ? both : add(both, row(kinds, toIndex(segments.at([b, s])), d));
    });
    const { y } = normalise(build, {
      x: sum, over: [2], epsilon: build.attributes.float('epsilon', 1e-12), centred: true,
      value: (normal, [, , d = int(0)]) => add(mul(normal, gamma.at([d])), beta.at([d])),
    });
    return [y, wordCounts(build, mask, batch, length), sum];
  },
};

function wordCounts(build: Lowering, mask: Tensor | undefined, batch: Expr, length: Expr): Tensor {
  if (mask === undefined) return build.map('int32', [batch], () => constant(0, 'int32'));
  const [{ axes, index: [b = int(0)] }, s] = [freshAxes(build, [batch]), build.axis(length)];
  const name = build.name('count');
  return build.rows({
    dtype: 'int32', shape: [batch], axes, inner: [s], each: false, index: [b],
    scans: [{ name, op: 'sum', value: cast(mask.at([b, s]), 'int32') }], value: ref(name, 'int32'),
  });
}

/**
 * Rows of a table of whole numbers, as real ones; scales and zero points belong to blocks along one axis. Bytes hold 8 / bits elements,
 * packed along the last axis.
 */
const gatherBlockQuantized: Operator = {
  op: 'GatherBlockQuantized', domain, since: 1, arity: [3, 4],
  lower: (build) => {
    const [data, indices, scales, zeros] = [build.input(0), build.input(1), build.input(2), build.optional(3)];
    const { attributes } = build;
    const bits = attributes.int('bits', 4);
    if (bits !== 2 && bits !== 4 && bits !== 8) build.fail('invalid-attribute', 'GatherBlockQuantized of an odd width', { expected: '2, 4 or 8 bits', got: String(bits) });
    const each = data.dtype === 'uint8' && data.narrow === undefined ? 8 / bits : 1;
    const last = data.rank - 1;
    const shape = data.shape.map((dim, d) => (d === last ? mul(dim, each) : dim));
    const axis = axisOf(build, attributes.int('gather_axis', 0), data.rank);
    const along = axisOf(build, attributes.int('quantize_axis', 1), data.rank);
    const block = attributes.count('block_size', 128);
    /** The element of a tensor that is packed as the data are. */
    const whole = (t: Tensor, index: readonly Expr[]): Expr => {
      if (each === 1) return cast(t.at(index), 'int32');
      const i = index[last] ?? int(0);
      return field(t.at(index.map((at, d) => (d === last ? floordiv(at, each) : at))), floormod(i, each), bits);
    };
    const usual = each === 1 && data.narrow !== undefined ? undefined : constant(2 ** (bits - 1), 'int32');
    const type = computeType(scales.dtype);
    const dim = shape[axis] ?? int(1);
    checkIndices(build, indices, dim);
    const owners = withDim(shape, along, ceildiv(shape[along] ?? int(1), block));
    for (const [t, wanted] of [[scales, owners], [zeros, withDim(owners, last, ceildiv(owners[last] ?? int(1), each))]] as const) {
      if (t !== undefined) shaped(build, t.shape, wanted, 'there is not one scale or zero point for each block');
    }
    return build.map(scales.dtype, [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)], (index) => {
      const id = safeIndex(build, indices, index.slice(axis, axis + indices.rank), dim);
      const at = [...index.slice(0, axis), id, ...index.slice(axis + indices.rank)];
      const owner = at.map((i, d) => (d === along ? floordiv(i, block) : i));
      return mul(cast(centred(whole(data, at), zeros === undefined ? usual : whole(zeros, owner)), type), scales.at(owner));
    });
  },
};

export const operators: readonly Operator[] = [
  fusedConv('FusedConv', false), fusedConv('NhwcConv', true), fusedConv('NhwcFusedConv', true), fusedGemm,
  fusedMatMul('FusedMatMul'), fusedMatMul('TransposeMatMul'), biasSplitGelu, biasAdd, groupNorm('GroupNorm', false), groupNorm('SkipGroupNorm', true),
  embedLayerNormalization, gatherBlockQuantized,
];
