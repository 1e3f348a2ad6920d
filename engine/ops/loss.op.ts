/** Losses: negative log-likelihood of class indices, and cross entropy, which is that of a log-softmax. */
import { type Expr, cast, constant, div, eq, int, mul, ref, select, sub } from '../../jit/expr/expr.ts';
import { clamp, neg, toIndex, zeroOf } from './math.ts';
import { computeType } from './module.ts';
import { softmax } from './norm.op.ts';
import type { Lowering, Operator, Tensor } from './operator.ts';
import { freshAxes } from './shape.ts';

/** Losses of [N, C, d..] log-probabilities for targets [N, d..]; the mean is weighted, and ignored targets count for nothing. */
function likelihood(build: Lowering, logs: Tensor, target: Tensor, weight: Tensor | undefined): Tensor {
  const reduction = build.attributes.string('reduction', ['none', 'mean', 'sum'], 'mean');
  const type = computeType(logs.dtype);
  const classes = logs.shape[1] ?? int(1);
  const ignored = build.attributes.has('ignore_index') ? build.attributes.int('ignore_index') : undefined;
  const labels = ignored === undefined ? target
    : build.map('int64', target.shape, (index) => select(eq(toIndex(target.at(index)), ignored), constant(0, 'int64'), cast(target.at(index), 'int64')));
  build.within(labels, int(0), sub(classes, 1));
  const weightAt = (index: readonly Expr[]): Expr => {
    const label = toIndex(target.at(index));
    const own = weight === undefined ? constant(1, type) : weight.at([clamp(label, 0, sub(classes, 1))]);
    return ignored === undefined ? own : select(eq(label, ignored), constant(0, type), own);
  };
  const lossAt = (index: readonly Expr[]): Expr => {
    const [n = int(0), ...rest] = index;
    const label = clamp(toIndex(target.at(index)), 0, sub(classes, 1));
    const plain = mul(neg(logs.at([n, label, ...rest])), weightAt(index));
    return ignored === undefined ? plain : select(eq(toIndex(target.at(index)), ignored), zeroOf(logs.dtype), plain);
  };
  if (reduction === 'none') return build.map(logs.dtype, target.shape, lossAt);
  const inner = freshAxes(build, target.shape);
  const [total, weights] = [build.name('total'), build.name('weights')];
  const mean = reduction === 'mean';
  return build.rows({
    dtype: logs.dtype, shape: [], axes: [], inner: inner.axes, each: false, index: [],
    scans: [{ name: total, op: 'sum', value: lossAt(inner.index) }, ...(mean ? [{ name: weights, op: 'sum', value: weightAt(inner.index) } as const] : [])],
    value: mean ? div(ref(total, type), ref(weights, type)) : ref(total, type),
  });
}

const negativeLogLikelihood: Operator = {
  op: 'NegativeLogLikelihoodLoss', domain: '', since: 12, arity: [2, 3],
  lower: (build) => likelihood(build, build.input(0), build.input(1), build.optional(2)),
};

const softmaxCrossEntropy: Operator = {
  op: 'SoftmaxCrossEntropyLoss', domain: '', since: 12, arity: [2, 3],
  lower: (build) => {
    const x = build.input(0);
    const logs = softmax(build, { x: (i) => x.at(i), dtype: x.dtype, shape: x.shape, over: [1], log: true });
    return [likelihood(build, logs, build.input(1), build.optional(2)), logs];
  },
};

export const operators: readonly Operator[] = [negativeLogLikelihood, softmaxCrossEntropy];
