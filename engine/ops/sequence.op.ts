/**
 * Split, and sequences, as exporters write lists of tensors: their lengths and positions are known while compiling, so a sequence is a
 * list of tensors to the lowering and nothing to the program; what a loop adds to it step by step is one item, stacked. What else is not known
 * then is refused, as are sequences fed or handed out.
 */
import { type Expr, add, and, asInt, eq, ge, int, min, mul, sub, sum } from '../../jit/expr/expr.ts';
import { shapeText, text } from '../../jit/expr/text.ts';
import { concatenated, fromFirst, sliced, unsqueezed } from './movement.op.ts';
import { grown } from './module.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { axisOf, ceildiv, reshape } from './shape.ts';

const entry = (op: string, arity: readonly [number, number], lower: Operator['lower']): Operator =>
  ({ op, domain: '', since: 11, arity, lists: true, lower });

const split: Operator = {
  op: 'Split', domain: '', since: 2, arity: [1, 2], parts: [0],
  lower: (build) => {
    const x = build.input(0);
    const axis = axisOf(build, build.attributes.int('axis', 0), x.rank);
    const dim = x.shape[axis] ?? int(0);
    const count = build.attributes.count('num_outputs', build.node.outputs.length);
    // The last piece is the smaller one where the dim does not divide.
    const even = ceildiv(dim, count);
    const given = build.optional(1);
    const sizes = given !== undefined ? build.dims(given)
      : build.attributes.has('split') ? build.attributes.ints('split').map(int)
        : Array.from({ length: count }, (_, k) => (k < count - 1 ? even : sub(dim, mul(even, count - 1))));
    return pieces(build, x, axis, sizes);
  },
};

/** Pieces of a tensor along an axis, which make the whole of it. */
function pieces(build: Lowering, x: Tensor, axis: number, sizes: readonly Expr[]): Tensor[] {
  let start: Expr = int(0);
  const parts = sizes.map((size) => {
    const part = sliced(build, x, axis, start, size);
    start = add(start, size);
    return part;
  });
  const dim = x.shape[axis] ?? int(1);
  build.require(and(eq(start, dim), ...sizes.map((size) => ge(size, 0))), 'the pieces of a split are not the whole', {
    expected: `${text(dim)} in all`, got: shapeText(sizes),
  });
  return parts;
}

/** A position in a sequence; `most` is the last legal one, and what a missing one means. */
function position(build: Lowering, index: number, length: number, most: number, otherwise: number): number {
  const given = build.optional(index);
  const [at = 0] = given === undefined ? [otherwise] : build.constants(given, 'a position in a sequence');
  if (at < -length || at > most) {
    build.fail('index-out-of-range', 'a position in a sequence is out of range', { expected: `${-length} to ${most}`, got: String(at) });
  }
  return at < 0 ? at + length : at;
}

function splitToSequence(build: Lowering): Tensor {
  const x = build.input(0);
  const axis = axisOf(build, build.attributes.int('axis', 0), x.rank);
  const dim = x.shape[axis] ?? int(1);
  const given = build.optional(1);
  const even = (size: number): Expr[] => {
    const length = asInt(dim) ?? build.fail('unsupported-model', 'a sequence has a length that is not known while compiling');
    if (size < 1) build.fail('invalid-attribute', 'a tensor is split into pieces of no size', { got: String(size) });
    return Array.from({ length: Math.ceil(length / size) }, (_, k) => min(size, sub(dim, mul(int(k), size))));
  };
  const sizes = given === undefined ? even(1) : given.rank === 0 ? even(build.constants(given, 'the size of pieces')[0] ?? 0) : build.dims(given);
  const squeeze = given === undefined && build.attributes.int('keepdims', 1) === 0;
  const parts = pieces(build, x, axis, sizes);
  return build.list(squeeze ? parts.map((t) => reshape(build, t, x.shape.filter((_, d) => d !== axis))) : parts);
}

/** Items that are there one by one. */
function singleItems(build: Lowering): readonly Tensor[] {
  const items = build.items(0);
  if (items.some((t) => grown.has(t))) build.fail('unsupported-model', 'an item of a sequence that a loop makes longer');
  return items;
}

/** How many items an item of a sequence stands for. */
const countOf = (build: Lowering, t: Tensor): Expr =>
  (grown.has(t) ? t.shape[0] ?? build.fail('unsupported-model', 'a sequence is read in the loop that makes it longer') : int(1));

function joined(build: Lowering): Tensor {
  const items = build.items(0);
  const fresh = build.attributes.int('new_axis', 0) !== 0;
  const [first] = items;
  const axis = axisOf(build, build.attributes.int('axis'), (first?.rank ?? 0) + Number(fresh) - Number(first !== undefined && grown.has(first)));
  return concatenated(build, items.map((t) => {
    if (!grown.has(t)) return fresh ? unsqueezed(build, t, [axis]) : t;
    const [count, inner, moved] = [countOf(build, t), t.shape.slice(1), fromFirst(build, t, axis)];
    return fresh ? moved : reshape(build, moved, inner.map((d, k) => (k === axis ? mul(d, count) : d)));
  }), axis);
}

export const operators: readonly Operator[] = [
  split,
  entry('SequenceConstruct', [1, Infinity], (build) => build.list(build.inputs.map((_, k) => build.input(k)))),
  entry('SequenceEmpty', [0, 0], (build) => build.list([])),
  entry('SequenceAt', [2, 2], (build) => {
    const items = singleItems(build);
    return items[position(build, 1, items.length, items.length - 1, 0)] ?? build.fail('internal', 'a sequence has a hole');
  }),
  entry('SequenceInsert', [2, 3], (build) => {
    const items = build.optional(2) === undefined ? build.items(0) : singleItems(build);
    return build.list(items.toSpliced(position(build, 2, items.length, items.length, items.length), 0, build.input(1)));
  }),
  entry('SequenceErase', [1, 2], (build) => {
    const items = singleItems(build);
    return build.list(items.toSpliced(position(build, 1, items.length, items.length - 1, items.length - 1), 1));
  }),
  entry('SequenceLength', [1, 1], (build) => build.known('int64', [], [sum(build.items(0).map((t) => countOf(build, t)))])),
  { ...entry('SplitToSequence', [1, 2], splitToSequence), parts: [0] },
  entry('ConcatFromSequence', [1, 1], joined),
];
