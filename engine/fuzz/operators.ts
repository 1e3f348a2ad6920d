/** The operators that random graphs are made of. Each takes what fits from the values so far and adds nodes; nothing fits, nothing happens. */
import type { DType } from '../../jit/expr/dtype.ts';
import { tensor } from '../load/testing/build-model.ts';
import { type Dim, type GraphMaker, type Value, isStatic, sizeOf } from './graph-maker.ts';
import { productOfBytes, quantise } from './quantised.ts';

type Add = (g: GraphMaker) => void;

const unaries = [
  'Relu', 'Sigmoid', 'Tanh', 'Neg', 'Abs', 'Erf', 'LeakyRelu', 'HardSigmoid', 'HardSwish', 'Elu', 'Softsign', 'Sin', 'Cos', 'Identity',
  'Softplus', 'Floor', 'Ceil', 'Round', 'Sign', 'Celu', 'Selu', 'ThresholdedRelu', 'Atan', 'Asinh',
];

const unary: Add = (g) => {
  const x = g.float();
  if (x === undefined) return;
  const op = g.c.pick(unaries);
  if (op === 'Celu' && x.dtype !== 'float32') return;
  g.emit(op, [x], x.dims, x.dtype, op === 'LeakyRelu' ? { alpha: 0.1 } : {});
};

const safe: Add = (g) => {
  const x = g.float();
  if (x === undefined) return;
  const abs = g.emit('Abs', [x], x.dims, x.dtype);
  const up = abs && g.emit('Add', [abs, g.scalar(0.5, x.dtype)], x.dims, x.dtype);
  if (up !== undefined) g.emit(g.c.pick(['Sqrt', 'Log', 'Reciprocal']), [up], x.dims, x.dtype);
};

const gelu: Add = (g) => {
  const x = g.float((v) => v.dtype === 'float32');
  if (x === undefined) return;
  const d = g.emit('Mul', [x, g.scalar(Math.SQRT1_2, 'float32')], x.dims, x.dtype);
  const e = d && g.emit('Erf', [d], x.dims, x.dtype);
  const f = e && g.emit('Add', [e, g.scalar(1, 'float32')], x.dims, x.dtype);
  const h = f && g.emit('Mul', [x, f], x.dims, x.dtype);
  if (h !== undefined) g.emit('Mul', [h, g.scalar(0.5, 'float32')], x.dims, x.dtype);
};

/** Dims of two broadcast shapes; undefined if they do not fit in every run for the same reason. */
function broadcast(a: readonly Dim[], b: readonly Dim[]): Dim[] | undefined {
  const made: Dim[] = [];
  for (let i = 1; i <= Math.max(a.length, b.length); i++) {
    const [x, y] = [a[a.length - i], b[b.length - i]];
    if (x === undefined || y === undefined) made.unshift((x ?? y) as Dim);
    else if (x.key === y.key || y.key === '=1') made.unshift(x);
    else if (x.key === '=1') made.unshift(y);
    else return undefined;
  }
  return made;
}

/** A constant that broadcasts against a value. */
function constantFor(g: GraphMaker, x: Value): Value {
  const skipped = g.c.chance(40) ? g.c.below(x.dims.length + 1) : 0;
  const dims = x.dims.slice(skipped).map((d) => (isStatic(d) && g.c.chance(70) ? d : g.fixed(1)));
  return { name: g.weight(dims.map(sizeOf), 1, 0, x.dtype), dtype: x.dtype, dims };
}

const binary: Add = (g) => {
  const x = g.float();
  if (x === undefined) return;
  const y = g.c.chance(60) ? g.float((v) => v.dtype === x.dtype && broadcast(x.dims, v.dims) !== undefined) : undefined;
  const other = y ?? constantFor(g, x);
  const dims = broadcast(x.dims, other.dims);
  if (dims === undefined) return;
  const [a, b] = g.c.chance(30) ? [other, x] : [x, other];
  g.emit(g.c.pick(['Add', 'Mul', 'Sub', 'Max', 'Min']), [a, b], dims, x.dtype);
};

const where: Add = (g) => {
  const x = g.float();
  if (x === undefined) return;
  const y = g.float((v) => v.dtype === x.dtype && broadcast(x.dims, v.dims) !== undefined) ?? x;
  const dims = broadcast(x.dims, y.dims);
  const cond = g.emit(g.c.pick(['Greater', 'Less', 'LessOrEqual']), [x, g.scalar(g.c.pick([0, 0.3]), x.dtype)], x.dims, 'bool');
  if (dims !== undefined && cond !== undefined) g.emit('Where', [cond, x, y], dims, x.dtype);
};

const clip: Add = (g) => {
  const x = g.float();
  if (x !== undefined) g.emit('Clip', [x, g.scalar(-0.5, x.dtype), g.scalar(2, x.dtype)], x.dims, x.dtype);
};

/** Products of one column are summed up in two steps. */
const noteColumns = (g: GraphMaker, { sizes }: Dim): void => { g.reordered ||= sizes.includes(1); };

const matmul: Add = (g) => {
  const x = g.float((v) => v.dims.length >= 2);
  const k = x?.dims.at(-1);
  if (x === undefined || k === undefined) return;
  const two = g.float((v) => v.dtype === x.dtype && v.dims.length >= 2 && v.dims.at(-2)?.key === k.key
    && broadcast(x.dims.slice(0, -2), v.dims.slice(0, -2)) !== undefined);
  if (two !== undefined && g.c.chance(40)) {
    const batch = broadcast(x.dims.slice(0, -2), two.dims.slice(0, -2)) ?? [];
    noteColumns(g, two.dims.at(-1) as Dim);
    g.emit('MatMul', [x, two], [...batch, x.dims.at(-2) as Dim, two.dims.at(-1) as Dim], x.dtype);
    return;
  }
  if (!isStatic(k)) return;
  const n = g.fixed(g.c.pick([4, 1, 3, 5, 8, 9, 16, 17, 24]));
  noteColumns(g, n);
  const scale = 1 / Math.sqrt(sizeOf(k));
  if (x.dims.length === 2 && g.c.chance(40)) {
    const [transA, transB] = [0, g.c.below(2)];
    const w = g.weight(transB ? [sizeOf(n), sizeOf(k)] : [sizeOf(k), sizeOf(n)], scale, 0, x.dtype);
    const bias = g.c.chance(60) ? [g.weight(g.c.chance(30) ? [1] : [sizeOf(n)], 1, 0, x.dtype)] : [];
    g.emit('Gemm', [x, w, ...bias], [x.dims[0] as Dim, n], x.dtype, { transA, transB, alpha: { float: g.c.pick([1, 0.5]) } });
    return;
  }
  if (x.dtype === 'float32' && g.c.chance(15)) return productOfBytes(g, 'MatMulInteger', x, [sizeOf(k), sizeOf(n)], [...x.dims.slice(0, -1), n]);
  const y = g.emit('MatMul', [x, g.weight([sizeOf(k), sizeOf(n)], scale, 0, x.dtype)], [...x.dims.slice(0, -1), n], x.dtype);
  if (y !== undefined && g.c.chance(50)) g.emit('Add', [y, g.weight([sizeOf(n)], 1, 0, x.dtype)], y.dims, y.dtype);
};

/** Values [n, c, spatial..] with a static channel. */
const image = (g: GraphMaker, ranks: readonly number[] = [3, 4]): Value | undefined =>
  g.float((v) => ranks.includes(v.dims.length) && isStatic(v.dims[1] as Dim));

const conv: Add = (g) => {
  const { c } = g;
  const x = image(g);
  if (x === undefined) return;
  const [n, channels, ...spatial] = x.dims as readonly [Dim, Dim, ...Dim[]];
  const ci = sizeOf(channels);
  const kernel = spatial.map((d) => (Math.min(...d.sizes) >= 3 && c.chance(70) ? c.pick([3, 1, 2]) : 1));
  const strides = spatial.map(() => c.pick([1, 1, 2]));
  const pads = kernel.map((k) => c.below(k));
  const ofBytes = x.dtype === 'float32' && c.chance(15);
  const group = c.chance(35) ? (ofBytes && ci % 4 === 0 ? c.pick([2, ci]) : ci) : 1;
  const co = group === 1 ? c.pick([4, 1, 3, 6, 8, 9]) : ci;
  const dims = spatial.map((d, i) => g.derived([d], (s) => Math.floor((s + 2 * (pads[i] ?? 0) - (kernel[i] ?? 1)) / (strides[i] ?? 1)) + 1));
  const filters = g.fixed(co);
  const attributes = { pads: { ints: [...pads, ...pads] }, strides: { ints: strides }, group, kernel_shape: { ints: kernel } };
  if (ofBytes) return productOfBytes(g, 'ConvInteger', x, [co, ci / group, ...kernel], [n, filters, ...dims], attributes);
  const w = g.weight([co, ci / group, ...kernel], 1 / Math.sqrt((ci / group) * kernel.reduce((a, b) => a * b, 1)), 0, x.dtype);
  noteColumns(g, filters);
  const y = g.emit('Conv', [x, w, ...(c.chance(60) ? [g.weight([co], 1, 0, x.dtype)] : [])], [n, filters, ...dims], x.dtype, attributes);
  if (y === undefined || !c.chance(30) || y.dtype !== 'float32') return;
  g.reordered = true;
  const stats = [g.weight([co], 0.3, 1), g.weight([co]), g.weight([co]), g.weight([co], 0.4, 1)];
  g.emit('BatchNormalization', [y, ...stats], y.dims, y.dtype, { epsilon: 1e-3 });
};

const pool: Add = (g) => {
  const { c } = g;
  const x = image(g);
  if (x === undefined) return;
  const [n, channels, ...spatial] = x.dims as readonly [Dim, Dim, ...Dim[]];
  if (c.chance(30)) {
    g.emit(c.pick(['GlobalAveragePool', 'GlobalMaxPool']), [x], [n, channels, ...spatial.map(() => g.fixed(1))], x.dtype);
    return;
  }
  const kernel = spatial.map((d) => (Math.min(...d.sizes) >= 2 ? c.pick([2, 3, 1]) : 1)).map((k, i) => Math.min(k, ...(spatial[i] as Dim).sizes));
  const strides = spatial.map(() => c.pick([1, 2]));
  const dims = spatial.map((d, i) => g.derived([d], (s) => Math.floor((s - (kernel[i] ?? 1)) / (strides[i] ?? 1)) + 1));
  g.emit(c.pick(['MaxPool', 'AveragePool']), [x], [n, channels, ...dims], x.dtype, { kernel_shape: { ints: kernel }, strides: { ints: strides } });
};

const norm: Add = (g) => {
  const { c } = g;
  const x = g.float((v) => v.dims.length >= 2 && isStatic(v.dims.at(-1) as Dim) && v.dtype === 'float32');
  if (x === undefined) return;
  const width = sizeOf(x.dims.at(-1) as Dim);
  if (c.chance(60)) {
    g.emit('LayerNormalization', [x, g.weight([width], 0.3, 1), ...(c.chance(70) ? [g.weight([width])] : [])], x.dims, x.dtype, { axis: -1, epsilon: 1e-2 });
    return;
  }
  const y = image(g);
  if (y === undefined || y.dtype !== 'float32') return;
  const channels = sizeOf(y.dims[1] as Dim);
  g.emit('InstanceNormalization', [y, g.weight([channels], 0.3, 1), g.weight([channels])], y.dims, y.dtype, { epsilon: 1e-2 });
};

const softmax: Add = (g) => {
  const x = g.float((v) => v.dims.length >= 1);
  if (x !== undefined) g.emit(g.c.pick(['Softmax', 'LogSoftmax']), [x], x.dims, x.dtype, { axis: g.c.pick([-1, ...x.dims.map((_, d) => d)]) });
};

const reduce: Add = (g) => {
  const { c } = g;
  const x = g.float((v) => v.dims.length >= 1);
  if (x === undefined) return;
  const axes = x.dims.map((_, d) => d).filter(() => c.chance(50));
  if (axes.length === 0) axes.push(x.dims.length - 1);
  const keepdims = c.below(2);
  const dims = x.dims.flatMap((d, i) => (axes.includes(i) ? keepdims ? [g.fixed(1)] : [] : [d]));
  const op = c.pick(['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL2', 'ReduceL1', 'ReduceSumSquare']);
  const asInput = g.opset >= 18 || op === 'ReduceSum';
  g.emit(op, [x, ...(asInput ? [g.ints(axes)] : [])], dims, x.dtype, { keepdims, ...(asInput ? {} : { axes: { ints: axes } }) });
};

const transpose: Add = (g) => {
  const x = g.find((v) => v.dims.length >= 2);
  if (x === undefined) return;
  const perm = g.c.shuffle(x.dims.map((_, d) => d).reverse());
  g.emit('Transpose', [x], perm.map((d) => x.dims[d] as Dim), x.dtype, { perm: { ints: perm } });
};

const reshape: Add = (g) => {
  const { c } = g;
  const x = g.find((v) => v.dims.length >= 1);
  if (x === undefined) return;
  const at = c.below(x.dims.length);
  const [d, next] = [x.dims[at] as Dim, x.dims[at + 1]];
  const target = x.dims.map((dim, i): number => (isStatic(dim) && c.chance(60) ? sizeOf(dim) : i < 99 ? 0 : 0));
  if (next !== undefined && c.chance(50)) {
    // Two neighbours become one.
    const dims = [...x.dims.slice(0, at), g.derived([d, next], (a, b) => a * b), ...x.dims.slice(at + 2)];
    const after = x.dims.slice(at + 2);
    if (!after.every((dim) => isStatic(dim))) return;
    g.emit('Reshape', [x, g.ints([...target.slice(0, at), -1, ...after.map(sizeOf)])], dims, x.dtype);
    return;
  }
  const factor = [2, 3, 4].find((f) => sizeOf(d) % f === 0 && isStatic(d));
  if (factor === undefined || !x.dims.slice(at).every((dim) => isStatic(dim))) return;
  const parts = c.chance(50) ? [factor, sizeOf(d) / factor] : [sizeOf(d) / factor, factor];
  const dims = [...x.dims.slice(0, at), ...parts.map((n) => g.fixed(n)), ...x.dims.slice(at + 1)];
  if (dims.length > 5) return;
  g.emit('Reshape', [x, g.ints([...target.slice(0, at), ...parts, ...x.dims.slice(at + 1).map(sizeOf)])], dims, x.dtype);
};

const ranks: Add = (g) => {
  const { c } = g;
  const x = g.find((v) => v.dims.length <= 4);
  if (x === undefined) return;
  const unit = x.dims.findIndex((d) => d.key === '=1');
  if (unit >= 0 && c.chance(50)) {
    g.emit('Squeeze', [x, g.ints([unit])], x.dims.filter((_, i) => i !== unit), x.dtype);
    return;
  }
  const at = c.below(x.dims.length + 1);
  g.emit('Unsqueeze', [x, g.ints([at])], [...x.dims.slice(0, at), g.fixed(1), ...x.dims.slice(at)], x.dtype);
};

const concat: Add = (g) => {
  const x = g.find((v) => v.dims.length >= 1);
  if (x === undefined) return;
  const axis = g.c.below(x.dims.length);
  const alike = (v: Value): boolean => v.dims.length === x.dims.length && v.dims.every((d, i) => i === axis || d.key === x.dims[i]?.key);
  const y = g.find((v) => v.dtype === x.dtype && alike(v)) ?? x;
  const dims = x.dims.map((d, i) => (i === axis ? g.derived([d, y.dims[i] as Dim], (a, b) => a + b) : d));
  g.emit('Concat', [x, y], dims, x.dtype, { axis });
};

const split: Add = (g) => {
  const x = g.find((v) => v.dims.some((d) => isStatic(d) && sizeOf(d) >= 2));
  const axis = x?.dims.findIndex((d) => isStatic(d) && sizeOf(d) >= 2) ?? -1;
  if (x === undefined || axis < 0) return;
  const whole = sizeOf(x.dims[axis] as Dim);
  const first = g.c.int(1, whole - 1);
  const dims = (n: number): Dim[] => x.dims.map((d, i) => (i === axis ? g.fixed(n) : d));
  const parts = [first, whole - first].map((n): Value => ({ name: g.name(), dtype: x.dtype, dims: dims(n) }));
  g.several('Split', [x.name, g.ints([first, whole - first])], parts, { axis });
};

const slice: Add = (g) => {
  const { c } = g;
  const x = g.find((v) => v.dims.some((d) => Math.min(...d.sizes) >= 1) && v.dims.length > 0);
  if (x === undefined) return;
  const axis = c.below(x.dims.length);
  const d = x.dims[axis] as Dim;
  if (Math.min(...d.sizes) < 1) return;
  const backwards = c.chance(25);
  const step = c.pick([1, 1, 2, 3]);
  const start = c.below(Math.min(...d.sizes));
  const length = g.derived([d], (s) => Math.ceil((backwards ? s : s - start) / step));
  const dims = x.dims.map((dim, i) => (i === axis ? length : dim));
  const [from, to, by] = backwards ? [-1, -1000, -step] : [start, 2 ** 31 - 1, step];
  g.emit('Slice', [x, g.ints([from]), g.ints([to]), g.ints([axis]), g.ints([by])], dims, x.dtype);
};

const pad: Add = (g) => {
  const { c } = g;
  const x = g.float((v) => v.dims.length >= 1 && v.dims.every((d) => Math.min(...d.sizes) >= 2));
  if (x === undefined) return;
  const mode = c.pick(['constant', 'reflect', 'edge']);
  const [before, after] = [x.dims.map(() => c.below(2)), x.dims.map(() => c.below(2))];
  const dims = x.dims.map((d, i) => ((before[i] ?? 0) + (after[i] ?? 0) === 0 ? d : g.derived([d], (s) => s + (before[i] ?? 0) + (after[i] ?? 0))));
  g.emit('Pad', [x, g.ints([...before, ...after])], dims, x.dtype, { mode });
};

const gather: Add = (g) => {
  const { c } = g;
  const x = g.find((v) => v.dims.length >= 1);
  if (x === undefined) return;
  const axis = c.below(x.dims.length);
  const least = Math.min(...(x.dims[axis] as Dim).sizes);
  if (least < 1) return;
  const fed = g.find((v) => v.dtype === 'int64' && g.inputs.includes(v) && v.dims.length <= 2);
  const index = fed !== undefined && least >= 4 && c.chance(50) ? fed
    : { name: g.ints(Array.from({ length: c.int(1, 4) }, () => c.int(-least, least - 1))), dtype: 'int64' as const, dims: [] as Dim[] };
  const rows = index === fed ? index.dims : [g.fixed(g.initializers[index.name]?.dims[0] ?? 1)];
  g.emit('Gather', [x, index], [...x.dims.slice(0, axis), ...rows, ...x.dims.slice(axis + 1)], x.dtype, { axis });
};

const casts: readonly (readonly [DType, number])[] = [['float32', 1], ['float16', 10], ['int32', 6], ['int64', 7], ['bool', 9], ['uint8', 2], ['float64', 11]];
const cast: Add = (g) => {
  const x = g.find(() => true);
  const [dtype, to] = g.c.pick(casts);
  if (x === undefined || x.dtype === dtype || (dtype === 'uint8' && x.dtype.startsWith('float'))) return;
  if (dtype === 'float16' || x.dtype === 'float16') g.half = true;
  const y = g.emit('Cast', [x], x.dims, dtype, { to });
  if (y !== undefined && dtype !== 'float32' && g.c.chance(60)) g.emit('Cast', [y], y.dims, 'float32', { to: 1 });
};

const argmax: Add = (g) => {
  const x = g.float((v) => v.dims.length >= 1 && v.dims.every((d) => Math.min(...d.sizes) >= 1));
  if (x === undefined) return;
  const axis = g.c.below(x.dims.length);
  g.emit(g.c.pick(['ArgMax', 'ArgMin']), [x], x.dims.filter((_, i) => i !== axis), 'int64', { axis, keepdims: 0 });
};

const integers: Add = (g) => {
  const x = g.find((v) => v.dtype === 'int64' || v.dtype === 'int32');
  if (x === undefined) return;
  const k = g.name();
  g.initializers[k] = tensor(x.dtype, [], [g.c.int(1, 7)]);
  g.emit(g.c.pick(['Add', 'Mul', 'Sub', 'Div', 'Mod']), [x, k], x.dims, x.dtype);
};

const cumsum: Add = (g) => {
  const x = g.float((v) => v.dims.length >= 1 && v.dtype === 'float32');
  if (x !== undefined) g.emit('CumSum', [x, g.ints([g.c.below(x.dims.length)], true)], x.dims, x.dtype, { exclusive: g.c.below(2), reverse: g.c.below(2) });
};

const resize: Add = (g) => {
  const x = g.float((v) => v.dims.length === 4 && v.dtype === 'float32');
  if (x === undefined) return;
  const scales = g.name();
  g.initializers[scales] = tensor('float32', [4], [1, 1, 2, 2]);
  const [n, ch, h, w] = x.dims as readonly [Dim, Dim, Dim, Dim];
  const doubled = [h, w].map((d) => g.derived([d], (s) => 2 * s));
  g.emit('Resize', [x, '', scales], [n, ch, ...doubled], x.dtype, { mode: g.c.pick(['nearest', 'linear', 'cubic']) });
};

const space: Add = (g) => {
  const x = g.float((v) => v.dims.length === 4 && isStatic(v.dims[1] as Dim) && sizeOf(v.dims[1] as Dim) % 4 === 0);
  if (x === undefined) return;
  const [n, ch, h, w] = x.dims as readonly [Dim, Dim, Dim, Dim];
  g.emit('DepthToSpace', [x], [n, g.fixed(sizeOf(ch) / 4), g.derived([h], (s) => 2 * s), g.derived([w], (s) => 2 * s)], x.dtype, { blocksize: 2, mode: g.c.pick(['DCR', 'CRD']) });
};

/** Reshape by what Shape says: [0, .., -1] from the sizes themselves. */
const dynamic: Add = (g) => {
  const x = g.find((v) => v.dims.length >= 2 && v.dims.every((d) => Math.min(...d.sizes) >= 1));
  if (x === undefined) return;
  const shape = g.emit('Shape', [x], [g.fixed(x.dims.length)], 'int64');
  const first = shape && g.emit('Gather', [shape, g.ints([0])], [g.fixed(1)], 'int64');
  const target = first && g.emit('Concat', [first, g.ints([-1])], [g.fixed(2)], 'int64', { axis: 0 });
  if (target === undefined) return;
  g.emit('Reshape', [x, target], [x.dims[0] as Dim, x.dims.slice(1).reduce((a, b) => (b.key === '=1' ? a : a.key === '=1' ? b : g.derived([a, b], (p, q) => p * q)))], x.dtype);
};

const expand: Add = (g) => {
  const x = g.find((v) => v.dims.length <= 3);
  if (x === undefined) return;
  const n = g.c.int(1, 3);
  const dims = x.dims.map((d) => (d.key === '=1' ? g.fixed(n) : d));
  g.emit('Expand', [x, g.ints([n, ...x.dims.map((d) => (d.key === '=1' ? n : 1))])], [g.fixed(n), ...dims], x.dtype);
};

const topk: Add = (g) => {
  const x = g.float((v) => v.dims.length >= 1 && v.dtype === 'float32' && Math.min(...(v.dims.at(-1) as Dim).sizes) >= 1);
  if (x === undefined) return;
  const k = g.c.int(1, Math.min(3, ...(x.dims.at(-1) as Dim).sizes));
  const dims = [...x.dims.slice(0, -1), g.fixed(k)];
  const parts = (['float32', 'int64'] as const).map((dtype): Value => ({ name: g.name(), dtype, dims }));
  g.several('TopK', [x.name, g.ints([k])], parts, { axis: -1 });
};

const attention: Add = (g) => {
  const x = g.float((v) => v.dims.length === 3 && isStatic(v.dims[2] as Dim) && sizeOf(v.dims[2] as Dim) % 4 === 0 && v.dtype === 'float32');
  if (x === undefined) return;
  const [b, s, e] = x.dims as readonly [Dim, Dim, Dim];
  const [heads, width] = [2, sizeOf(e) / 2];
  const project = (perm: readonly number[]): Value | undefined => {
    const m = g.emit('MatMul', [x, g.weight([sizeOf(e), sizeOf(e)], 1 / Math.sqrt(sizeOf(e)))], x.dims, x.dtype);
    const dims = [b, s, g.fixed(heads), g.fixed(width)];
    const r = m && g.emit('Reshape', [m, g.ints([0, 0, heads, width])], dims, x.dtype);
    return r && g.emit('Transpose', [r], perm.map((d) => dims[d] as Dim), x.dtype, { perm: { ints: perm } });
  };
  const [q, k, v] = [project([0, 2, 1, 3]), project([0, 2, 3, 1]), project([0, 2, 1, 3])];
  if (q === undefined || k === undefined || v === undefined) return;
  const scores = g.emit('MatMul', [q, k], [b, g.fixed(heads), s, s], x.dtype);
  const scaled = scores && g.emit('Mul', [scores, g.scalar(0.5, 'float32')], scores.dims, x.dtype);
  const p = scaled && g.emit('Softmax', [scaled], scaled.dims, x.dtype, { axis: -1 });
  const c = p && g.emit('MatMul', [p, v], q.dims, x.dtype);
  const back = c && g.emit('Transpose', [c], [b, s, g.fixed(heads), g.fixed(width)], x.dtype, { perm: { ints: [0, 2, 1, 3] } });
  if (back !== undefined) g.emit('Reshape', [back, g.ints([0, 0, sizeOf(e)])], x.dims, x.dtype);
};

/** The more typical, the more often. */
const operators: readonly Add[] = [
  unary, binary, matmul, transpose, reshape, conv, softmax, reduce, concat, slice, unary, binary, matmul, conv, reshape, transpose,
  norm, pool, where, clip, gelu, safe, ranks, split, pad, gather, cast, argmax, integers, cumsum, resize, space, quantise, dynamic, expand, topk,
  attention,
];

export function grow(g: GraphMaker): void {
  const count = g.c.int(1, 14);
  for (let i = 0; i < count; i++) g.c.pick(operators)(g);
}
