/**
 * Layers that carry a state from token to token: causal convolutions and linear attention (ONNX opset 27; in com.microsoft before). The
 * state comes in as `past`, goes out as `present`, and starts at zero.
 */
import { type Expr, add, cast, constant, floordiv, int, lt, mul, ref, select, sub } from '../../jit/expr/expr.ts';
import { scaleOf } from './attention.op.ts';
import { converted } from './generate.op.ts';
import { exp, local, loopFor, reciprocal, sigmoid, sqrt, storeTo, zeroOf } from './math.ts';
import { computeType } from './module.ts';
import type { Operator, Tensor } from './operator.ts';
import { freshAxes } from './shape.ts';

/** Each channel with a kernel of its own, over positions up to its own: [batch, channels, length]. */
const causalConv = (domain: string, since: number): Operator => ({
  op: 'CausalConvWithState', domain, since, arity: [2, 4],
  lower: (build) => {
    const [x, w, bias, past] = [build.input(0), build.input(1), build.optional(2), build.optional(3)];
    const { attributes } = build;
    if (x.rank !== 3 || attributes.int('channels_last', 0) !== 0) build.fail('unsupported-model', 'a causal convolution other than of [batch, channels, length]');
    const activation = attributes.string('activation', ['none', 'silu', 'swish', ''], 'none');
    const dilation = attributes.count('dilation', 1);
    const [batch = int(1), channels = int(1), length = int(1)] = x.shape;
    const taps = w.shape[2] ?? int(1);
    const before = mul(sub(taps, 1), dilation);
    const at = (n: Expr, c: Expr, t: Expr): Expr =>
      select(lt(t, before), past === undefined ? zeroOf(x.dtype) : past.at([n, c, t]), x.at([n, c, sub(t, before)]));
    const { axes, index } = freshAxes(build, x.shape);
    const [n = int(0), c = int(0), t = int(0)] = index;
    const tap = build.axis(taps);
    const name = build.name('total');
    const total = ref(name, computeType(x.dtype));
    const sum = bias === undefined ? total : add(total, bias.at([c]));
    const y = build.rows({
      dtype: x.dtype, shape: x.shape, axes, inner: [tap], each: false, index,
      scans: [{ name, op: 'sum', value: mul(at(n, c, add(t, mul(tap, dilation))), w.at([c, int(0), tap])) }],
      value: activation === 'silu' || activation === 'swish' ? mul(sum, sigmoid(sum)) : sum,
    });
    return [y, build.map(x.dtype, [batch, channels, before], ([i = int(0), j = int(0), k = int(0)]) => at(i, j, add(length, k)))];
  },
});

/**
 * Attention without softmax: the state of a head is [key features, value features]; a token lets it decay, adds its key times its value (or
 * times what the value is more than the state already says, times beta), and reads it with its query. Columns of the state do not meet.
 */
const linearAttention = (domain: string, since: number): Operator => ({
  op: 'LinearAttention', domain, since, arity: [3, 6],
  lower: (build) => {
    const [q, k, v, past, decay, beta] = [build.input(0), build.input(1), build.input(2), build.optional(3), build.optional(4), build.optional(5)];
    const { attributes } = build;
    const [heads, kvHeads] = [attributes.count('q_num_heads'), attributes.count('kv_num_heads')];
    const rule = attributes.string('update_rule', ['linear', 'gated', 'delta', 'gated_delta'], 'gated_delta');
    const [batch = int(1), length = int(1), width = int(1)] = q.shape;
    const [keySize, size] = [floordiv(width, heads), floordiv(v.shape[2] ?? int(1), kvHeads)];
    const type = 'float32';
    const scale = scaleOf(build) ?? reciprocal(sqrt(cast(keySize, type)));
    const { axes, index: [b = int(0), h = int(0), m = int(0)] } = freshAxes(build, [batch, int(kvHeads), size]);
    const [t, d, g] = [build.axis(length), build.axis(keySize), build.axis(heads / kvHeads)];
    const need = (x: Tensor | undefined, name: string): Tensor => x ?? build.fail('invalid-model', `update rule '${rule}' needs ${name}`);
    const at = (x: Tensor, feature: Expr): Expr => cast(x.at([b, t, feature]), type);
    const column = (head: Expr, of: Expr, i: Expr): Expr => add(mul(head, of), i);
    const fades = rule.startsWith('gated') ? need(decay, 'decay') : undefined;
    const corrects = rule.endsWith('delta') ? need(beta, 'beta') : undefined;
    const [said, written, total] = [local(build, 'said', type), local(build, 'written', type), local(build, 'total', type)];
    const key = at(k, column(h, keySize, d));
    const value = at(v, column(h, size, m));
    const reader = add(mul(h, heads / kvHeads), g);
    const [y, state] = build.loop({
      outputs: [
        { dtype: q.dtype, shape: [batch, length, mul(size, heads)] },
        { dtype: type, shape: [batch, int(kvHeads), keySize, size], initial: past === undefined ? 'zero' : converted(build, past, { dtype: type }) },
      ],
      axes,
      body: ([out, held]) => {
        if (out === undefined || held === undefined) return [];
        const cell = [b, h, d, m];
        return [loopFor(t, [
          ...(fades === undefined ? [] : [
            loopFor(d, [storeTo(held, cell, mul(held.at(cell), exp(at(fades, fades.shape[2] === int(kvHeads) ? h : column(h, keySize, d)))))]),
          ]),
          said.declare(constant(0, type)),
          ...(corrects === undefined ? [] : [loopFor(d, [said.set(add(said.value, mul(held.at(cell), key)))])]),
          written.declare(corrects === undefined ? value
            : mul(sub(value, said.value), at(corrects, corrects.shape[2] === int(1) ? int(0) : h))),
          loopFor(d, [storeTo(held, cell, add(held.at(cell), mul(key, written.value)))]),
          loopFor(g, [
            total.declare(constant(0, type)),
            loopFor(d, [total.set(add(total.value, mul(at(q, column(reader, keySize, d)), held.at(cell))))]),
            storeTo(out, [b, t, column(reader, size, m)], cast(mul(total.value, scale), computeType(q.dtype))),
          ]),
        ])];
      },
    });
    if (y === undefined || state === undefined) return build.fail('internal', 'a loop has no output');
    return [y, converted(build, state, past ?? q)];
  },
});

export const operators: readonly Operator[] = [
  causalConv('', 27), causalConv('com.microsoft', 1), linearAttention('', 27), linearAttention('com.microsoft', 1),
];
