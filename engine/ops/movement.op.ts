/**
 * Operators that only move elements: each is a map whose value is one load at a computed index. Reshape and its kin keep addresses
 * simple enough that the index algebra makes most of them vanish.
 */
import {
  type Expr, add, and, asInt, cast, constant, eq, floordiv, floormod, ge, int, lt, max, min, mul, ne, product, select, sub,
} from '../../jit/expr/expr.ts';
import { isNonNegative } from '../../jit/expr/index-algebra.ts';
import { shapeText } from '../../jit/expr/text.ts';
import { dropAxes, insertAxes, lateAxes, sliceLate } from './late-axes.ts';
import { clamp, fromEnd, toIndex } from './math.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { type Line, linesOf, onLine } from './regular.ts';
import { axesOf, axisOf, broadcastAt, broadcastShapes, ceildiv, numel, reshape, sized, withDim } from './shape.ts';

function reshapeTarget(build: Lowering, x: Tensor, target: Tensor, allowZero: boolean): readonly Expr[] {
  const known = build.values(target);
  if (known === undefined) return dataReshape(build, x, target, allowZero);
  const copied = (k: number): Expr => x.shape[k] ?? build.fail('shape-mismatch', 'Reshape copies a dim that the input lacks');
  const kept = known.map((d, k) => (asInt(d) === 0 && !allowZero ? copied(k) : d));
  const open = kept.findIndex((d) => asInt(d) === -1);
  if (open < 0) return kept;
  const rest = kept.filter((_, k) => k !== open);
  if (rest.some((d) => asInt(d) === -1)) build.fail('shape-mismatch', 'Reshape leaves more than one dim open', { got: shapeText(known) });
  // Zero elements leave the open dim undetermined; with the zeros cancelled it is what the other dims leave.
  return withDim(kept, open, asInt(product(rest)) === 0 ? int(0) : floordiv(numel(x.shape), product(rest)));
}

/** A target that is computed while the model runs: each dim is worked out there, with 0 and -1 resolved. */
function dataReshape(build: Lowering, x: Tensor, target: Tensor, allowZero: boolean): readonly Expr[] {
  const rank = asInt(target.shape[0] ?? int(0)) ?? build.fail('unsupported-model', 'Reshape to a rank that is not known while compiling');
  const asked = Array.from({ length: rank }, (_, k) => cast(target.at([int(k)]), 'int64'));
  const kept = asked.map((d, k) => {
    const dim = x.shape[k];
    return allowZero || dim === undefined ? d : select(eq(d, 0), cast(dim, 'int64'), d);
  });
  const total = cast(numel(x.shape), 'int64');
  const others = kept.reduce((a, b) => mul(a, b), constant(-1, 'int64'));
  return kept.map((d) => build.dim(select(lt(d, 0), floordiv(total, max(others, 1)), d)));
}

function checkedReshape(build: Lowering, x: Tensor, shape: readonly Expr[]): Tensor {
  build.require(eq(numel(x.shape), numel(shape)), 'the new shape has another number of elements', { expected: shapeText(x.shape), got: shapeText(shape) });
  return reshape(build, x, shape);
}

const reshapeOp: Operator = {
  op: 'Reshape', domain: '', since: 5, arity: [2, 2],
  lower: (build) => {
    const x = build.input(0);
    return checkedReshape(build, x, reshapeTarget(build, x, build.input(1), build.attributes.int('allowzero', 0) !== 0));
  },
};

const flattenOp: Operator = {
  op: 'Flatten', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const axis = build.attributes.int('axis', 1);
    const at = axis === x.rank ? axis : axisOf(build, axis, x.rank);
    return reshape(build, x, [numel(x.shape.slice(0, at)), numel(x.shape.slice(at))]);
  },
};

/** Axes as an attribute up to opset 12, as an input from 13 on. */
export function axesArgument(build: Lowering, input: number): readonly number[] | undefined {
  const given = build.optional(input);
  if (given !== undefined) return build.constants(given, 'the axes');
  return build.attributes.has('axes') ? build.attributes.ints('axes') : undefined;
}

const squeeze: Operator = {
  op: 'Squeeze', domain: '', since: 1, arity: [1, 2],
  lower: (build) => {
    const x = build.input(0);
    const late = build.optional(1);
    if (late !== undefined && build.values(late) === undefined) return dropAxes(build, x, late);
    const given = axesArgument(build, 1);
    const gone = new Set(given === undefined ? x.shape.flatMap((d, k) => (asInt(d) === 1 ? [k] : [])) : axesOf(build, given, x.rank));
    // Without axes every 1 goes: what is not known now must turn out to be another number.
    if (given === undefined) for (const d of x.shape) if (asInt(d) === undefined) build.assume(ne(d, 1), 'no open dim that Squeeze without axes meets is 1');
    for (const k of gone) {
      const dim = asInt(x.shape[k] ?? int(1));
      if (dim !== undefined && dim !== 1) build.fail('shape-mismatch', `dim ${k} cannot be squeezed`, { expected: '1', got: String(dim) });
    }
    return reshape(build, x, x.shape.filter((_, k) => !gone.has(k)));
  },
};

export function unsqueezed(build: Lowering, x: Tensor, axes: readonly number[]): Tensor {
  const rank = x.rank + axes.length;
  const added = new Set(axesOf(build, axes, rank));
  let next = 0;
  return reshape(build, x, Array.from({ length: rank }, (_, k) => (added.has(k) ? int(1) : x.shape[next++] ?? int(1))));
}

const unsqueeze: Operator = {
  op: 'Unsqueeze', domain: '', since: 1, arity: [1, 2],
  lower: (build) => {
    const late = build.optional(1);
    if (late !== undefined && build.values(late) === undefined) return insertAxes(build, build.input(0), late);
    return unsqueezed(build, build.input(0), axesArgument(build, 1) ?? build.fail('invalid-attribute', 'Unsqueeze has no axes'));
  },
};

export function transposed(build: Lowering, x: Tensor, perm: readonly number[]): Tensor {
  if (perm.every((p, k) => p === k)) return x;
  const shape = perm.map((p) => x.shape[p] ?? int(1));
  return build.map(x.dtype, shape, (index) => x.at(x.shape.map((_, d) => index[perm.indexOf(d)] ?? int(0))));
}

const transpose: Operator = {
  op: 'Transpose', domain: '', since: 1, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const perm = axesOf(build, build.attributes.ints('perm', x.shape.map((_, k) => x.rank - 1 - k)), x.rank);
    if (perm.length !== x.rank) {
      build.fail('invalid-attribute', 'perm has another length than the rank', { expected: String(x.rank), got: String(perm.length) });
    }
    return transposed(build, x, perm);
  },
};

const expand: Operator = {
  op: 'Expand', domain: '', since: 8, arity: [2, 2],
  lower: (build) => {
    const x = build.input(0);
    const shape = broadcastShapes(build, x.shape, build.dims(build.input(1)));
    return build.map(x.dtype, shape, (index) => broadcastAt(x, index, shape));
  },
};

const tile: Operator = {
  op: 'Tile', domain: '', since: 6, arity: [2, 2],
  lower: (build) => {
    const x = build.input(0);
    const repeats = build.dims(build.input(1));
    sized(build, int(repeats.length), x.rank, 'Tile has not one repeat for each dim');
    const shape = x.shape.map((d, k) => mul(d, repeats[k] ?? int(1)));
    return build.map(x.dtype, shape, (index) => x.at(index.map((i, k) => floormod(i, x.shape[k] ?? int(1)))));
  },
};

/** Tensors side by side along an axis; which one an element comes from is a search over the offsets. */
export function concatenated(build: Lowering, tensors: readonly Tensor[], axis: number): Tensor {
  // An empty list is nothing, whatever the rank of the others.
  const parts = tensors.filter((t) => asInt(t.shape[axis] ?? t.shape[0] ?? int(1)) !== 0);
  const [first] = parts.length > 0 ? parts : tensors;
  if (first === undefined) return build.fail('invalid-model', 'Concat has no inputs');
  if (parts.length <= 1) return first;
  const ends: Expr[] = [];
  for (const t of parts) ends.push(add(ends.at(-1) ?? int(0), t.shape[axis] ?? int(0)));
  const shape = first.shape.map((dim, d) => (d === axis ? ends.at(-1) ?? dim : sameDim(build, parts.map((t) => t.shape[d] ?? int(1)))));
  return build.map(first.dtype, shape, (index) => {
    const at = index[axis] ?? int(0);
    const pick = (from: number, to: number): Expr => {
      if (to - from === 1) {
        const start = from === 0 ? int(0) : ends[from - 1] ?? int(0);
        return (parts[from] ?? first).at(index.map((i, d) => (d === axis ? sub(at, start) : i)));
      }
      const middle = (from + to) >> 1;
      return select(lt(at, ends[middle - 1] ?? int(0)), pick(from, middle), pick(middle, to));
    };
    return pick(0, parts.length);
  });
}

function sameDim(build: Lowering, dims: readonly Expr[]): Expr {
  const fixed = dims.filter((d) => d.op === 'const');
  const [first] = fixed;
  const all = first ?? dims[0] ?? int(1);
  for (const d of dims) build.require(eq(d, all), 'the inputs differ in a dim that is not joined', { got: shapeText(dims) });
  return all;
}

const concat: Operator = {
  op: 'Concat', domain: '', since: 4, arity: [1, Infinity],
  lower: (build) => {
    const tensors = build.inputs.map((_, k) => build.input(k));
    return concatenated(build, tensors, axisOf(build, build.attributes.int('axis'), build.input(0).rank));
  },
};

/** The first axis moved to another place, `back` from its end on. */
export function fromFirst(build: Lowering, x: Tensor, axis: number, back = false): Tensor {
  const [length = int(1), ...inner] = x.shape;
  return build.map(x.dtype, inner.toSpliced(axis, 0, length), (index) => {
    const at = index[axis] ?? int(0);
    return x.at([back ? sub(sub(length, 1), at) : at, ...index.toSpliced(axis, 1)]);
  }, x.narrow);
}

/** `size` elements along an axis from `start` on, `step` apart. */
export function sliced(build: Lowering, x: Tensor, axis: number, start: Expr, size: Expr, step = 1): Tensor {
  if (size === x.shape[axis] && asInt(start) === 0 && step === 1) return x;
  return build.map(x.dtype, withDim(x.shape, axis, size), (index) => x.at(index.map((i, d) => (d === axis ? add(start, mul(i, step)) : i))));
}

interface Range { readonly start: Expr; readonly size: Expr; readonly step: number }

/** One axis of Slice: ends clamped as in Python. */
function sliceRange(build: Lowering, dim: Expr, start: Expr, end: Expr, step: number): Range {
  if (step === 0) build.fail('invalid-attribute', 'a slice has step 0');
  const [low, high] = step > 0 ? [int(0), dim] : [int(-1), sub(dim, 1)];
  // Far ends stand for "until the end" (or the start): no dim reaches 10^9, and kernels count in 32 bits, where INT64_MIN plus a dim would
  // wrap. What is only known at run time is clamped in 64 bits, before it becomes an index.
  const bound = (at: Expr, least: Expr): Expr => {
    const fixed = asInt(at);
    if (fixed !== undefined && Math.abs(fixed) >= 1e9) return add(fixed > 0 ? high : least, 1);
    const wide = (e: Expr): Expr => cast(e, at.dtype);
    return build.dim(add(clamp(fromEnd(at, dim), wide(least), wide(high)), at.dtype === 'index' ? int(1) : constant(1, at.dtype)));
  };
  // Bounds are one too large until here, so that -1 survives as a dim read at run time.
  const from = sub(bound(start, int(0)), 1);
  const to = sub(bound(end, low), 1);
  const span = step > 0 ? sub(to, from) : sub(from, to);
  return { start: from, size: ceildiv(max(span, 0), Math.abs(step)), step };
}

function sliceAll(build: Lowering, x: Tensor, ranges: ReadonlyMap<number, Range>): Tensor {
  const shape = x.shape.map((dim, d) => ranges.get(d)?.size ?? dim);
  if ([...ranges.values()].every((r) => asInt(r.start) === 0 && r.step === 1) && shape.every((d, k) => d === x.shape[k])) return x;
  return build.map(x.dtype, shape, (index) => x.at(index.map((i, d) => {
    const range = ranges.get(d);
    return range === undefined ? i : add(range.start, mul(i, range.step));
  })));
}

const sliceAttributes: Operator = {
  op: 'Slice', domain: '', since: 1, arity: [1, 1], parts: [0],
  lower: (build) => {
    const x = build.input(0);
    const [starts, ends] = [build.attributes.ints('starts'), build.attributes.ints('ends')];
    const axes = axesOf(build, build.attributes.ints('axes', starts.map((_, k) => k)), x.rank);
    return sliceAll(build, x, new Map(axes.map((axis, k) =>
      [axis, sliceRange(build, x.shape[axis] ?? int(0), int(starts[k] ?? 0), int(ends[k] ?? 0), 1)])));
  },
};

const slice: Operator = {
  op: 'Slice', domain: '', since: 10, arity: [3, 5], parts: [0],
  lower: (build) => {
    const x = build.input(0);
    const [starts, ends] = [build.input(1), build.input(2)];
    const count = asInt(starts.shape[0] ?? int(0)) ?? build.fail('unsupported-model', 'Slice of a number of axes that is not known while compiling');
    const [axesInput, stepsInput] = [build.optional(3), build.optional(4)];
    if ([axesInput, stepsInput].some((t) => t !== undefined && build.values(t) === undefined)) {
      const named = axesInput ?? build.constant('int64', [count], Array.from({ length: count }, (_, k) => k));
      return sliceLate(build, x, { starts, ends, axes: named, steps: stepsInput });
    }
    const given = axesInput === undefined ? Array.from({ length: count }, (_, k) => k) : build.constants(axesInput, 'the axes of Slice');
    const axes = axesOf(build, given, x.rank);
    const steps = stepsInput === undefined ? [] : build.constants(stepsInput, 'the steps of Slice');
    const element = (t: Tensor, k: number): Expr => build.values(t)?.[k] ?? cast(t.at([int(k)]), 'int64');
    return sliceAll(build, x, new Map(axes.map((axis, k) =>
      [axis, sliceRange(build, x.shape[axis] ?? int(0), element(starts, k), element(ends, k), steps[k] ?? 1)])));
  },
};

type PadMode = 'constant' | 'reflect' | 'edge' | 'wrap';

interface PadSpec { readonly begin: readonly Expr[]; readonly end: readonly Expr[]; readonly mode: PadMode; readonly value: Expr }

export function padded(build: Lowering, x: Tensor, { begin, end, mode, value }: PadSpec): Tensor {
  const shape = x.shape.map((dim, d) => build.dim(add(add(dim, begin[d] ?? int(0)), end[d] ?? int(0))));
  return build.map(x.dtype, shape, (index) => {
    const inside: Expr[] = [];
    const at = index.map((i, d) => {
      const dim = x.shape[d] ?? int(1);
      const from = sub(i, begin[d] ?? int(0));
      if (asInt(begin[d] ?? int(0)) === 0 && asInt(end[d] ?? int(0)) === 0) return i;
      switch (mode) {
        case 'constant': inside.push(ge(from, 0), lt(from, dim)); return from;
        case 'edge': return clamp(from, 0, sub(dim, 1));
        case 'wrap': return floormod(from, dim);
        case 'reflect': {
          // A mirror at both ends repeats every 2(n - 1) elements; a single element is its own mirror.
          const period = max(sub(mul(dim, 2), 2), 1);
          const k = floormod(from, period);
          return min(k, sub(period, k));
        }
        default: return mode satisfies never;
      }
    });
    return select(and(...inside), x.at(at), value);
  });
}

const padModes = ['constant', 'reflect', 'edge', 'wrap'] as const;

const padAttributes: Operator = {
  op: 'Pad', domain: '', since: 2, arity: [1, 1], parts: [0],
  lower: (build) => {
    const x = build.input(0);
    const pads = build.attributes.ints('pads').map(int);
    const value = constant(build.attributes.float('value', 0), x.at(x.shape.map(() => int(0))).dtype);
    return padded(build, x, { begin: pads.slice(0, x.rank), end: pads.slice(x.rank), mode: build.attributes.string('mode', padModes, 'constant'), value });
  },
};

const pad: Operator = {
  op: 'Pad', domain: '', since: 11, arity: [2, 4], parts: [0],
  lower: (build) => {
    const x = build.input(0);
    const pads = build.input(1);
    const axesInput = build.optional(3);
    const count = axesInput === undefined ? x.rank : asInt(numel(axesInput.shape))
      ?? build.fail('unsupported-model', 'Pad of a number of axes that is not known while compiling');
    const axes = axesInput === undefined ? undefined : build.values(axesInput);
    const known = axes === undefined ? x.shape.map((_, d) => d) : axesOf(build, axes.map((a) => asInt(a) ?? 0), x.rank);
    const element = (k: number): Expr => build.values(pads)?.[k] ?? toIndex(pads.at([int(k)]));
    const late = axesInput !== undefined && axes === undefined ? lateAxes(build, axesInput, x.rank) : undefined;
    const side = (offset: number): Expr[] => x.shape.map((_, d) => (late !== undefined ? late.pick(int(d), (k) => element(offset + k), int(0))
      : known.includes(d) ? element(offset + known.indexOf(d)) : int(0)));
    const fill = build.optional(2);
    const value = fill === undefined ? constant(0, x.at(x.shape.map(() => int(0))).dtype) : fill.at(fill.shape.map(() => int(0)));
    return padded(build, x, { begin: side(0), end: side(count), mode: build.attributes.string('mode', padModes, 'constant'), value });
  },
};

/** Tests that an index tensor stays inside a dim, from its end where negative. */
export const checkIndices = (build: Lowering, indices: Tensor, dim: Expr): void => {
  build.within(indices, sub(0, dim), sub(dim, 1));
};

/** What an index tensor says about where to read along a dim: from the end where negative, and never outside. */
export function safeIndex(build: Lowering, indices: Tensor, at: readonly Expr[], dim: Expr): Expr {
  const known = build.values(indices);
  if (known?.length === 1 && known[0] !== undefined) return clampKnown(fromEnd(known[0], dim), dim);
  const [line] = linesOf(build, indices) ?? [];
  if (line !== undefined) return clampKnown(onLine(line, at), dim);
  const i = toIndex(indices.at(at));
  const positive = known?.every(isNonNegative) === true ? i : fromEnd(i, dim);
  const small = known?.every((k) => ge(k, dim) === ge(int(0), int(1))) === true;
  return small && positive === i ? i : clamp(positive, 0, sub(dim, 1));
}

const clampKnown = (i: Expr, dim: Expr): Expr => clamp(i, 0, sub(dim, 1));

const gather: Operator = {
  op: 'Gather', domain: '', since: 1, arity: [2, 2], parts: [0],
  lower: (build) => {
    const [x, indices] = [build.input(0), build.input(1)];
    const axis = axisOf(build, build.attributes.int('axis', 0), x.rank);
    const dim = x.shape[axis] ?? int(1);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    checkIndices(build, indices, dim);
    return build.map(x.dtype, shape, (index) => {
      const at = safeIndex(build, indices, index.slice(axis, axis + indices.rank), dim);
      return x.at([...index.slice(0, axis), at, ...index.slice(axis + indices.rank)]);
    });
  },
};

const gatherElements: Operator = {
  op: 'GatherElements', domain: '', since: 11, arity: [2, 2], parts: [0],
  lower: (build) => {
    const [x, indices] = [build.input(0), build.input(1)];
    const axis = axisOf(build, build.attributes.int('axis', 0), x.rank);
    if (indices.rank !== x.rank) build.fail('shape-mismatch', 'the indices have another rank than the data', { expected: String(x.rank), got: String(indices.rank) });
    checkIndices(build, indices, x.shape[axis] ?? int(1));
    return build.map(x.dtype, indices.shape, (index) =>
      x.at(index.map((i, d) => (d === axis ? safeIndex(build, indices, index, x.shape[d] ?? int(1)) : i))));
  },
};

/** Tests each coordinate of index tuples, which stand along the last dim, against its dim. Out: the lines that they are, if they are lines. */
export function checkCoordinates(build: Lowering, indices: Tensor, dims: readonly Expr[]): readonly Line[] | undefined {
  const lines = linesOf(build, indices, dims.length);
  for (const [k, dim] of dims.entries()) {
    const line = lines?.[k];
    if (line !== undefined) { checkIndices(build, build.constant('int64', [1], [line.most]), dim); continue; }
    checkIndices(build, dims.length === 1 ? indices : sliced(build, indices, indices.rank - 1, int(k), int(1)), dim);
  }
  return lines;
}

const gatherNd: Operator = {
  op: 'GatherND', domain: '', since: 11, arity: [2, 2],
  lower: (build) => {
    const [x, indices] = [build.input(0), build.input(1)];
    const batch = build.attributes.int('batch_dims', 0);
    const depth = asInt(indices.shape.at(-1) ?? int(0)) ?? build.fail('unsupported-model', 'GatherND with indices of unknown depth');
    const outer = indices.rank - 1;
    if (batch + depth > x.rank) {
      build.fail('shape-mismatch', 'the indices have more coordinates than the data have dims', { expected: `at most ${x.rank - batch}`, got: String(depth) });
    }
    const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(batch + depth)];
    const lines = checkCoordinates(build, indices, x.shape.slice(batch, batch + depth));
    return build.map(x.dtype, shape, (index) => {
      const at = Array.from({ length: depth }, (_, k) => {
        const dim = x.shape[batch + k] ?? int(1);
        const line = lines?.[k];
        const tuple = (): Expr => fromEnd(toIndex(indices.at([...index.slice(0, outer), int(k)])), dim);
        return clampKnown(line === undefined ? tuple() : onLine(line, index.slice(0, outer)), dim);
      });
      return x.at([...index.slice(0, batch), ...at, ...index.slice(outer)]);
    });
  },
};

export const operators: readonly Operator[] = [
  reshapeOp, flattenOp, squeeze, unsqueeze, transpose, expand, tile, concat, sliceAttributes, slice, padAttributes, pad,
  gather, gatherElements, gatherNd,
];
