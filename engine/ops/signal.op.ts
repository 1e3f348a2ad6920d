/**
 * Signal processing and the odd ones: Fourier transforms as products with a table of rotations, mel filters, determinants, reversed
 * sequences, n-gram counts.
 */
import {
  type Expr, add, and, binary, cast, constant, div, eq, floordiv, floormod, ge, gt, int, le, lt, max, mul, or, ref, select, sub,
} from '../../jit/expr/expr.ts';
import { text } from '../../jit/expr/text.ts';
import { lineDims } from './generate.op.ts';
import { abs, clamp, cos, floor, local, log, loopFor, neg, scalarValue, sin, storeTo, toIndex, when, zeroOf } from './math.ts';
import { computeType } from './module.ts';
import { typeAttribute } from './onnx-types.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { axisOf, freshAxes, numel } from './shape.ts';

/**
 * The table [n, part of the input, k, part of the result] of what input n adds to frequency k: turned by 2 pi n k / size, backwards for
 * the inverse.
 */
function rotations(build: Lowering, x: Tensor, rows: Expr, parts: Expr, bins: Expr, size: Expr, inverse: boolean): Tensor {
  const type = computeType(x.dtype);
  return build.map(x.dtype, [rows, parts, bins, int(2)], ([n = int(0), part = int(0), k = int(0), result = int(0)]) => {
    // Quarter turns are taken off in whole numbers: what is left of the angle, at most pi / 4, is exact to its last bit.
    const quarters = mul(floormod(mul(n, k), size), 4);
    const turn = floordiv(add(quarters, floordiv(size, 2)), size);
    const angle = mul(div(cast(sub(quarters, mul(turn, size)), type), cast(size, type)), Math.PI / 2);
    const [near, far] = [cos(angle), sin(angle)];
    const quadrant = floormod(turn, 4);
    const pick = (values: readonly [Expr, Expr, Expr, Expr]): Expr =>
      select(lt(quadrant, 2), select(eq(quadrant, 0), values[0], values[1]), select(eq(quadrant, 2), values[2], values[3]));
    const [c, right] = [pick([near, neg(far), neg(near), far]), pick([far, near, neg(far), neg(near)])];
    const s = inverse ? neg(right) : right;
    // (a + ib)(cos - i sin): a gives (cos, -sin), b gives (sin, cos).
    return select(eq(part, result), c, select(eq(part, 0), neg(s), s));
  });
}

const dft: Operator = {
  op: 'DFT', domain: '', since: 17, arity: [1, 3], parts: [0],
  lower: (build) => {
    const [x, lengthInput, axisInput] = [build.input(0), build.optional(1), build.optional(2)];
    const [inverse, onesided] = [build.attributes.int('inverse', 0) !== 0, build.attributes.int('onesided', 0) !== 0];
    const axis = axisInput ?? build.constant('int64', [], [build.attributes.int('axis', build.opset < 20 ? 1 : -2)]);
    const type = computeType(x.dtype);
    const parts = x.shape.at(-1) ?? int(1);
    // The axis splits into inputs n and frequencies k; all other dims are rows, the last one the parts of complex numbers.
    const { named, others, isAxis } = lineDims(build, x, axis);
    const given = numel(named);
    // From one side, as many values as the other side makes of it.
    const whole = inverse && onesided ? mul(sub(given, 1), 2) : given;
    const size = lengthInput === undefined ? whole : build.dim(cast(scalarValue(build, lengthInput), 'int64'));
    const half = add(floordiv(size, 2), 1);
    const [used, bins] = [onesided && inverse ? half : size, onesided && !inverse ? half : size];
    const lead = x.rank - 1;
    const spread = (extent: Expr): Expr[] => named.slice(0, lead).map((_, d) => {
      const here = select(isAxis(d), extent, int(1));
      return here.op === 'select' ? build.dim(here) : here;
    });
    const rows = freshAxes(build, others.slice(0, lead));
    const [line, frequency] = [freshAxes(build, spread(used)), freshAxes(build, spread(bins))];
    const outs = int(onesided && inverse ? 1 : 2);
    const [part, result] = [build.axis(parts), build.axis(outs)];
    const total = (index: readonly Expr[]): Expr => index.reduce((a, b) => add(a, b), int(0));
    const at = rows.index.map((i, d) => add(i, line.index[d] ?? int(0)));
    const inside = and(...at.map((i, d) => lt(i, x.shape[d] ?? int(1))));
    const table = rotations(build, x, used, parts, bins, size, inverse);
    const shape = [...others.slice(0, lead).map((dim, d) => mul(dim, spread(bins)[d] ?? int(1))), outs];
    // A value of one side stands for its mirror image too, unless it is its own.
    const k = total(line.index);
    const mirrored = (e: Expr): Expr => (used === size ? e : select(or(eq(k, 0), eq(mul(k, 2), size)), e, mul(e, 2)));
    const index = [...rows.index.map((i, d) => add(i, frequency.index[d] ?? int(0))), result];
    return build.contraction({
      dtype: x.dtype, shape, batch: [], rows: rows.axes.length > 0 ? rows.axes : [build.axis(1)],
      cols: [...frequency.axes, result], depth: [...line.axes, part],
      lhs: mirrored(select(inside, x.at([...at, part]), zeroOf(x.dtype))), rhs: table.at([k, part, total(frequency.index), result]), index,
      value: (acc) => (inverse ? div(acc, cast(size, type)) : acc),
    });
  },
};

const stft: Operator = {
  op: 'STFT', domain: '', since: 17, arity: [2, 4], parts: [0],
  lower: (build) => {
    const [signal, stepInput, window, lengthInput] = [build.input(0), build.input(1), build.optional(2), build.optional(3)];
    const step = build.dim(cast(scalarValue(build, stepInput), 'int64'));
    build.require(ge(step, 1), 'the frames do not move on', { expected: 'a step of 1 or more', got: text(step) });
    const [batch = int(1), samples = int(1), parts = int(1)] = signal.shape;
    const size = lengthInput !== undefined ? build.dim(cast(scalarValue(build, lengthInput), 'int64')) : window?.shape[0] ?? samples;
    const bins = build.attributes.int('onesided', 1) !== 0 ? add(floordiv(size, 2), 1) : size;
    const frames = add(floordiv(sub(samples, size), step), 1);
    const [b, frame, k, result] = [build.axis(batch), build.axis(frames), build.axis(bins), build.axis(2)];
    const [n, part] = [build.axis(size), build.axis(parts)];
    const element = signal.at([b, add(mul(frame, step), n), part]);
    return build.contraction({
      dtype: signal.dtype, shape: [batch, frames, bins, int(2)], batch: [], rows: [b, frame], cols: [k, result], depth: [n, part],
      lhs: window === undefined ? element : mul(element, window.at([n])),
      rhs: rotations(build, signal, size, parts, bins, size, false).at([n, part, k, result]), index: [b, frame, k, result],
    });
  },
};

/** Triangles on the mel scale; their corners are whole bins of the transform. */
const melWeightMatrix: Operator = {
  op: 'MelWeightMatrix', domain: '', since: 17, arity: [5, 5],
  lower: (build) => {
    const { dtype } = typeAttribute(build, 'output_datatype', { dtype: 'float32' });
    const type = computeType(dtype);
    const [bands, length, rate] = [0, 1, 2].map((k) => build.dim(cast(scalarValue(build, build.input(k)), 'int64')));
    if (bands === undefined || length === undefined || rate === undefined) return build.fail('internal', 'MelWeightMatrix lost an input');
    const mel = (hertz: Expr): Expr => mul(log(add(div(cast(hertz, 'float32'), 700), 1)), 2595 / Math.LN10);
    const [low, high] = [mel(scalarValue(build, build.input(3))), mel(scalarValue(build, build.input(4)))];
    const corner = (i: Expr): Expr => {
      const at = add(mul(cast(i, 'float32'), div(sub(high, low), cast(add(bands, 2), 'float32'))), low);
      const hertz = mul(sub(binary('pow', constant(10, 'float32'), div(at, 2595)), 1), 700);
      return toIndex(floor(div(mul(hertz, cast(add(length, 1), 'float32')), cast(rate, 'float32'))));
    };
    return build.map(dtype, [add(floordiv(length, 2), 1), bands], ([j = int(0), i = int(0)]) => {
      const [left, middle, right] = [corner(i), corner(add(i, 1)), corner(add(i, 2))];
      const [one, zero] = [constant(1, type), constant(0, type)];
      const ratio = (a: Expr, b: Expr): Expr => div(cast(a, type), cast(max(b, 1), type));
      const slope = select(and(ge(j, left), le(j, middle)), ratio(sub(j, left), sub(middle, left)), zero);
      const rising = select(eq(left, middle), select(eq(j, middle), one, zero), slope);
      return select(and(ge(j, middle), lt(j, right)), ratio(sub(right, j), sub(right, middle)), rising);
    });
  },
};

const reverseSequence: Operator = {
  op: 'ReverseSequence', domain: '', since: 10, arity: [2, 2],
  lower: (build) => {
    const [x, lengths] = [build.input(0), build.input(1)];
    const [batch, time] = [axisOf(build, build.attributes.int('batch_axis', 1), x.rank), axisOf(build, build.attributes.int('time_axis', 0), x.rank)];
    build.within(lengths, int(1), x.shape[time] ?? int(1));
    return build.map(x.dtype, x.shape, (index) => {
      const [t, length] = [index[time] ?? int(0), clamp(toIndex(lengths.at([index[batch] ?? int(0)])), 1, x.shape[time] ?? int(1))];
      return x.at(index.map((i, d) => (d === time ? select(lt(t, length), sub(sub(length, 1), t), t) : i)));
    });
  },
};

/** Elimination with row pivots in a copy of each matrix. */
const det: Operator = {
  op: 'Det', domain: '', since: 11, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const size = x.shape.at(-1) ?? int(1);
    const { axes, index } = freshAxes(build, x.shape.slice(0, -2));
    const [k, i, j] = [build.axis(size), build.axis(size), build.axis(size)];
    const type = computeType(x.dtype);
    const [result, best, held] = [local(build, 'det', type), local(build, 'best', type), local(build, 'held', type)];
    const pivot = local(build, 'pivot', 'index');
    const [made] = build.loop({
      outputs: [{ dtype: x.dtype, shape: x.shape.slice(0, -2) }, { dtype: x.dtype, shape: x.shape, initial: x }],
      axes,
      body: ([out, work]) => {
        if (out === undefined || work === undefined) return [];
        const at = (row: Expr, column: Expr): Expr => work.at([...index, row, column]);
        const put = (row: Expr, column: Expr, value: Expr): ReturnType<typeof storeTo> => storeTo(work, [...index, row, column], value);
        return [
          result.declare(constant(1, type)),
          loopFor(k, [
            best.declare(constant(-1, type)), pivot.declare(k),
            loopFor(i, [when(and(ge(i, k), gt(abs(at(i, k)), best.value)), [best.set(abs(at(i, k))), pivot.set(i)])]),
            when(gt(pivot.value, k), [
              result.set(neg(result.value)),
              loopFor(j, [held.declare(at(k, j)), put(k, j, at(pivot.value, j)), put(pivot.value, j, held.value)]),
            ]),
            result.set(mul(result.value, at(k, k))),
            loopFor(i, [when(and(gt(i, k), gt(best.value, 0)), [
              held.declare(div(at(i, k), at(k, k))),
              loopFor(j, [put(i, j, sub(at(i, j), mul(held.value, at(k, j))))]),
            ])]),
          ]),
          storeTo(out, index, result.value),
        ];
      },
    });
    return made ?? build.fail('internal', 'a loop has no output');
  },
};

/** Counts of listed n-grams, whose words may stand up to a number of places apart. */
const tfIdf: Operator = {
  op: 'TfIdfVectorizer', domain: '', since: 9, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const { attributes } = build;
    const [least, most, skips] = [attributes.int('min_gram_length'), attributes.int('max_gram_length'), attributes.int('max_skip_count')];
    const [counts, places, pool] = [attributes.ints('ngram_counts'), attributes.ints('ngram_indexes'), attributes.ints('pool_int64s')];
    const mode = attributes.string('mode', ['TF', 'IDF', 'TFIDF']);
    const width = Math.max(-1, ...places) + 1;
    const [words, lengths, weights] = [new Array<number>(width * most).fill(0), new Array<number>(width).fill(0), new Array<number>(width).fill(1)];
    let entry = 0;
    for (const [k, start] of counts.entries()) {
      const end = counts[k + 1] ?? pool.length;
      for (let at = start; at + k < end; at += k + 1, entry++) {
        const place = places[entry] ?? 0;
        weights[place] = attributes.floats('weights', [])[entry] ?? 1;
        if (k + 1 < least || k + 1 > most) continue;
        lengths[place] = k + 1;
        for (let w = 0; w <= k; w++) words[place * most + w] = pool[at + w] ?? 0;
      }
    }
    const [wordTable, lengthTable] = [build.constant('int64', [width, most], words), build.constant('int32', [width], lengths)];
    const weightTable = build.constant('float32', [width], weights);
    const outer = freshAxes(build, x.shape.slice(0, -1));
    const size = x.shape.at(-1) ?? int(1);
    const [place, start, skip] = [build.axis(width), build.axis(size), build.axis(skips + 1)];
    const length = toIndex(lengthTable.at([place]));
    const hits = Array.from({ length: most }, (_, w) => {
      const at = add(start, mul(add(skip, 1), w));
      const same = eq(cast(x.at([...outer.index, at]), 'int64'), wordTable.at([place, int(w)]));
      return select(lt(int(w), length), select(lt(at, size), same, lt(size, 0)), gt(length, 0));
    });
    // A single word is not counted once for each distance.
    const counted = and(...hits, binary('or', eq(skip, 0), gt(length, 1)));
    const name = build.name('count');
    const [count, weight] = [ref(name, 'float32'), weightTable.at([place])];
    const value = mode === 'TF' ? count : mode === 'TFIDF' ? mul(count, weight) : select(gt(count, 0), weight, constant(0, 'float32'));
    return build.rows({
      dtype: 'float32', shape: [...x.shape.slice(0, -1), int(width)], axes: [...outer.axes, place], inner: [start, skip], each: false,
      index: [...outer.index, place],
      scans: [{ name, op: 'sum', value: select(counted, constant(1, 'float32'), constant(0, 'float32')) }], value,
    });
  },
};

export const operators: readonly Operator[] = [dft, stft, melWeightMatrix, reverseSequence, det, tfIdf];
