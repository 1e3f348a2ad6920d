/** Activation functions that operators name in an attribute (recurrences, fused products), with the parameters that may come with them. */
import { type Expr, add, constant, div, lt, max, mul, select, sub } from '../../jit/expr/expr.ts';
import { gelu, softplus } from './elementwise.op.ts';
import { abs, clamp, exp, sigmoid, tanh } from './math.ts';
import type { Lowering } from './operator.ts';

export type Activation = (x: Expr) => Expr;

interface Kind {
  /** How many parameters (alpha, then beta) it takes. */
  readonly takes: 0 | 1 | 2;
  readonly make: (alpha: number | undefined, beta: number | undefined) => Activation;
}

const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['Sigmoid', { takes: 0, make: () => sigmoid }],
  ['Tanh', { takes: 0, make: () => tanh }],
  ['Relu', { takes: 0, make: () => (x) => max(x, 0) }],
  ['Softsign', { takes: 0, make: () => (x) => div(x, add(abs(x), 1)) }],
  ['Softplus', { takes: 0, make: () => softplus }],
  ['Gelu', { takes: 0, make: () => (x) => gelu(x, false) }],
  ['HardSwish', { takes: 0, make: () => (x) => mul(x, clamp(add(mul(x, 1 / 6), 0.5), 0, 1)) }],
  ['LeakyRelu', { takes: 1, make: (alpha = 0.01) => (x) => select(lt(x, 0), mul(x, alpha), x) }],
  ['ThresholdedRelu', { takes: 1, make: (alpha = 1) => (x) => select(lt(x, alpha), constant(0, x.dtype), x) }],
  ['Elu', { takes: 1, make: (alpha = 1) => (x) => select(lt(x, 0), mul(sub(exp(x), 1), alpha), x) }],
  ['ScaledTanh', { takes: 2, make: (alpha = 1, beta = 1) => (x) => mul(tanh(mul(x, beta)), alpha) }],
  ['HardSigmoid', { takes: 2, make: (alpha = 0.2, beta = 0.5) => (x) => clamp(add(mul(x, alpha), beta), 0, 1) }],
  ['Affine', { takes: 2, make: (alpha = 1, beta = 0) => (x) => add(mul(x, alpha), beta) }],
  ['Clip', { takes: 2, make: (low = -Infinity, high = Infinity) => (x) => clamp(x, low, high) }],
]);

/** Functions by name; each takes its parameters from the fronts of the lists, those without parameters none. */
export function activationsOf(build: Lowering, names: readonly string[], alphas: readonly number[], betas: readonly number[]): Activation[] {
  const [alpha, beta] = [[...alphas], [...betas]];
  return names.map((name) => {
    const kind = kinds.get(name) ?? build.fail('unsupported-model', `activation '${name}'`, { expected: [...kinds.keys()].join(', ') });
    return kind.make(kind.takes > 0 ? alpha.shift() : undefined, kind.takes > 1 ? beta.shift() : undefined);
  });
}
