/**
 * Random numbers: a hash of a seed and of the place of an element, so the same on every device, at any number of threads and in every run.
 * The seed is the model's, else the node's name. The hash is Wellons' lowbias32.
 */
import type { DType } from '../../jit/expr/dtype.ts';
import { type Expr, add, binary, cast, constant, int, lt, max, min, mul, select, sub } from '../../jit/expr/expr.ts';
import { cos, exp, local, log, loopFor, sqrt, single, storeTo } from './math.ts';
import { computeType } from './module.ts';
import { typeAttribute } from './onnx-types.ts';
import type { Lowering, Operator } from './operator.ts';
import { flatten, freshAxes } from './shape.ts';

/** A number in [0, 1) for each element of a shape; `which` tells several for one element apart. */
function uniform(build: Lowering, index: readonly Expr[], shape: readonly Expr[], which = 0): Expr {
  let seed = which;
  for (const c of build.attributes.has('seed') ? String(build.attributes.float('seed')) : build.node.name) seed = Math.imul(seed + c.charCodeAt(0), 0x01000193);
  const word = (value: number): Expr => constant(value >>> 0, 'uint32');
  const mixed = (x: Expr, shift: number): Expr => binary('xor', x, binary('shr', x, word(shift)));
  const once = mul(mixed(binary('xor', cast(flatten(index, shape), 'uint32'), word(seed)), 16), word(0x7feb352d));
  const twice = mixed(mul(mixed(once, 15), word(0x846ca68b)), 16);
  return mul(cast(binary('shr', twice, word(8)), 'float32'), 2 ** -24);
}

/** `draw` for each element of the shape that the attribute gives or the input has. */
const random = (op: string, draw: (build: Lowering, index: readonly Expr[], shape: readonly Expr[]) => Expr): readonly Operator[] => ['', 'Like'].map((kind) => ({
  op: `${op}${kind}`, domain: '', since: 1, arity: kind === '' ? [0, 0] : [1, 1],
  lower: (build) => {
    const x = build.optional(0);
    const { dtype } = typeAttribute(build, 'dtype', x ?? { dtype: 'float32' });
    const shape = x?.shape ?? build.attributes.ints('shape').map(int);
    return build.map(dtype, shape, (index) => cast(draw(build, index, shape), computeType(dtype)));
  },
}));

const scaled = (build: Lowering, x: Expr, by: number, offset: string): Expr => add(mul(x, by), build.attributes.float(offset, 0));

const bernoulli: Operator = {
  op: 'Bernoulli', domain: '', since: 15, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const { dtype } = typeAttribute(build, 'dtype', x);
    return build.map(dtype, x.shape, (index) => cast(lt(uniform(build, index, x.shape), cast(x.at(index), 'float32')), computeType(dtype)));
  },
};

/** Classes by their unnormalised log-probabilities: the first whose running total passes a random part of the whole. */
const multinomial: Operator = {
  op: 'Multinomial', domain: '', since: 7, arity: [1, 1],
  lower: (build) => {
    const x = build.input(0);
    const dtype: DType = build.attributes.int('dtype', 6) === 7 ? 'int64' : 'int32';
    const [batch = int(1), classes = int(1)] = x.shape;
    const shape = [batch, int(build.attributes.count('sample_size', 1))];
    const { axes, index } = freshAxes(build, shape);
    const c = build.axis(classes);
    const [top, total, place] = [local(build, 'top', 'float32'), local(build, 'total', 'float32'), local(build, 'place', 'index')];
    const score = cast(x.at([index[0] ?? int(0), c]), 'float32');
    const weight = exp(sub(score, top.value));
    const left = local(build, 'left', 'float32');
    return single(build, { dtype, shape }, axes, (out) => [
      top.declare(constant(-Infinity, 'float32')), loopFor(c, [top.set(max(top.value, score))]),
      total.declare(constant(0, 'float32')), loopFor(c, [total.set(add(total.value, weight))]),
      left.declare(mul(uniform(build, index, shape), total.value)), place.declare(int(0)),
      loopFor(c, [left.set(sub(left.value, weight)), place.set(add(place.value, select(lt(left.value, 0), int(0), int(1))))]),
      storeTo(out, index, min(place.value, sub(classes, 1))),
    ]);
  },
};

export const operators: readonly Operator[] = [
  ...random('RandomUniform', (build, index, shape) =>
    scaled(build, uniform(build, index, shape), build.attributes.float('high', 1) - build.attributes.float('low', 0), 'low')),
  // Box and Muller's transform.
  ...random('RandomNormal', (build, index, shape) => {
    const radius = sqrt(mul(log(sub(1, uniform(build, index, shape))), -2));
    return scaled(build, mul(radius, cos(mul(uniform(build, index, shape, 1), 2 * Math.PI))), build.attributes.float('scale', 1), 'mean');
  }),
  bernoulli, multinomial,
];
