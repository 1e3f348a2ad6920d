/** Random kernels of the four classes, as conformance cases. Input: choices. Output: a body over arguments, and dims for some runs. */
import type { Case } from '../backends/conformance-kit.ts';
import { packRhs } from '../packing.ts';
import { type DType, isBig, isFloat } from '../expr/dtype.ts';
import {
  type Expr, type Var, add, and, asInt, cast, constant, floordiv, ge, int, load, lt, mul, product, ref, select, sub, variable,
} from '../expr/expr.ts';
import type { Body, ContractionBody, ReduceOp, Scan, Stmt } from '../kernel.ts';
import type { Choices } from './choices.ts';
import { type Env, Maker } from './maker.ts';

/** Points of a map, and steps of a sum times its points: the reference does about a million operations a second. */
const [mostPoints, mostSteps] = [600, 12000];

export type Class = 'map' | 'rows' | 'contraction' | 'convolution' | 'loop';
export const classes: readonly Class[] = ['map', 'rows', 'contraction', 'convolution', 'loop'];

export function randomCase(c: Choices, kind: Class): Case {
  const m = new Maker(c);
  const body = makers[kind](m);
  const used = m.runs.filter((run, i) => m.runs.findIndex((other) => JSON.stringify(other) === JSON.stringify(run)) === i);
  return { name: kind, body, args: m.args, runs: used };
}

const makers: Readonly<Record<Class, (m: Maker) => Body>> = { map, rows, contraction, convolution, loop };

function map(m: Maker): Body {
  const axes = m.axes('i', m.c.below(5), mostPoints);
  const dtype = m.dtype();
  const value = m.value(dtype, m.c.int(1, 4), { axes, refs: [] });
  return { kind: 'map', axes, store: { ...m.output(dtype, axes), value } };
}

function rows(m: Maker): Body {
  const { c } = m;
  const axes = m.axes('r', c.below(4), 60);
  const inner = m.axes('j', c.int(1, 3), 130);
  const refs: Expr[] = [];
  const scans = Array.from({ length: c.int(1, 3) }, (_, i): Scan => {
    const dtype = m.dtype();
    // Products of 64 bits, and extremes of no elements, leave what the reference carries exactly beside floats.
    const small = isBig(dtype) && m.floating;
    const ops: readonly ReduceOp[] = dtype === 'bool' ? ['max', 'min'] : small ? ['sum'] : ['sum', 'max', 'min', 'sum', 'prod'];
    const op = c.pick(ops);
    const value = m.value(dtype, c.int(0, 3), { axes: [...axes, ...inner], refs: [...refs] });
    refs.push(ref(`s${i}`, dtype));
    return { name: `s${i}`, op, value };
  });
  const each = c.chance(50);
  const points = each ? [...axes, ...inner] : axes;
  const dtype = c.chance(60) ? refs.at(-1)?.dtype as DType : m.dtype();
  // Softmax: what was summed is computed again, over its sum.
  const last = scans.at(-1);
  const value = each && last !== undefined && c.chance(25) ? cast(last.value, dtype) : m.value(dtype, c.int(1, 3), { axes: points, refs });
  return { kind: 'rows', axes, inner, scans, each, store: { ...m.output(dtype, points), value } };
}

const products: readonly DType[] = ['float32', 'float32', 'float32', 'float32', 'float32', 'float32', 'int32', 'int32', 'float64', 'int64', 'uint8', 'float16'];

function contraction(m: Maker): Body {
  const { c } = m;
  const flat = c.chance(15);
  const batch = m.axes('b', c.chance(40) ? c.int(1, 2) : 0, 6);
  const rowAxes = m.axes('m', c.chance(90) ? c.chance(20) ? 2 : 1 : 0, 40);
  const cols = flat ? [] : m.axes('n', c.chance(15) ? 2 : 1, 70);
  const outer = m.most(product([...batch, ...rowAxes, ...cols].map((v) => v.extent)));
  const depth = m.axes('k', c.chance(25) ? c.int(2, 3) : 1, Math.max(1, Math.min(130, Math.floor(mostSteps / Math.max(1, outer)))));
  const dtype = !m.floating ? c.pick(['int32', 'int64', 'uint8', 'uint32', 'int16'] as const) : c.pick(products);
  const lhs = operand(m, dtype, [...batch, ...rowAxes], depth);
  const rhs = operand(m, dtype, flat ? [...batch, ...rowAxes.slice(0, 0)] : [...batch, ...cols], depth);
  return finish(m, { batch, rows: rowAxes, cols, depth, lhs, rhs }, dtype);
}

/** What one side of a product reads: as it is, widened, guarded, or computed. */
function operand(m: Maker, dtype: DType, outer: readonly Var[], depth: readonly Var[]): Expr {
  const { c } = m;
  const axes = [...outer, ...depth];
  const env: Env = { axes, refs: [] };
  switch (c.below(10)) {
    case 0: case 1: case 2: case 3: case 4: return m.fresh(dtype, (c.chance(50) ? c.shuffle(axes) : axes).map((v) => ({ e: v, extent: v.extent })));
    case 5: {
      const narrow = dtype === 'float32' ? 'float16' : c.pick(['int8', 'uint8'] as const);
      const wide = cast(m.fresh(narrow, axes.map((v) => ({ e: v, extent: v.extent }))), dtype);
      return isFloat(dtype) ? wide : sub(wide, c.pick([0, 3, 127]));
    }
    case 6: return m.guarded(dtype, axes);
    case 7: return m.value(dtype, c.int(1, 2), env);
    case 8: return m.plain(dtype, axes);
    case 9: return m.fresh(dtype, Array.from({ length: c.int(1, 3) }, () => m.coord(axes)));
    default: throw new Error('no such operand');
  }
}

/** Packs the right-hand side or not, and adds the store. */
function finish(m: Maker, parts: Pick<ContractionBody, 'batch' | 'rows' | 'cols' | 'depth' | 'lhs' | 'rhs'>, dtype: DType): ContractionBody {
  const { c } = m;
  const points = [...parts.batch, ...parts.rows, ...parts.cols];
  let body: ContractionBody = { kind: 'contraction', ...parts, store: { tensor: 0, index: [], value: int(0) } };
  if (parts.cols.length > 0 && c.chance(45)) {
    const packed = packRhs(body, c.pick([8, 4, 16]), m.args.length);
    m.push(m.argument(packed.dtype, packed.shape));
    const last = m.args.at(-1);
    // Packed weights lie as packing writes them.
    if (last !== undefined) m.args[m.args.length - 1] = { ...last, strides: dense(packed.shape) };
    body = packed.body;
  }
  const acc = ref('acc', dtype);
  const out = c.chance(70) ? dtype : m.dtype();
  const value = c.chance(30) ? cast(acc, out) : m.value(out, c.int(1, 3), { axes: points, refs: [acc] });
  return { ...body, store: { ...m.output(out, points), value } };
}

function dense(shape: readonly Expr[]): Expr[] {
  const strides: Expr[] = [];
  let step: Expr = int(1);
  for (const d of [...shape].reverse()) {
    strides.unshift(step);
    step = mul(step, d);
  }
  return strides;
}

/** A convolution of one or two spatial dims: strided, dilated, padded, grouped, in any layout. */
function convolution(m: Maker): Body {
  const { c } = m;
  m.floating = true;
  const rank = c.int(1, 2);
  const images = m.axes('b', c.below(2), 3);
  const group = c.chance(40) ? variable('g', c.pick([2, 3, 4, 5, 8, 9])) : undefined;
  const channels = variable('c', c.pick([1, 1, 2, 3, 4, 5, 8]));
  const outputs = variable('o', c.pick([1, 1, 3, 4, 5, 8, 9, 16]));
  const depthwise = group !== undefined && c.chance(60);
  const [taps, conditions, where, outer]: [Var[], Expr[], Expr[], Var[]] = [[], [], [], []];
  const shape: Expr[] = [];
  for (let d = 0; d < rank; d++) {
    const size = m.dim(rank === 1 ? 33 : 12);
    const [kernel, stride, dilation, pad] = [c.int(1, c.chance(20) ? 7 : 3), c.int(1, 3), c.int(1, 2), c.below(4)];
    const reach = dilation * (kernel - 1) + 1;
    // Padded so far that there is at least one output, also of an empty image.
    const most = add(floordiv(sub(add(size, 2 * pad + reach), reach), stride), 1);
    const tap = variable(`k${d}`, kernel);
    const v = variable(`y${d}`, most);
    const at = sub(add(mul(v, stride), mul(tap, dilation)), pad);
    conditions.push(ge(at, 0), lt(at, size));
    taps.push(tap);
    outer.push(v);
    where.push(at);
    shape.push(size);
  }
  const source = [...images, ...(group === undefined ? [] : [group]), ...(depthwise ? [] : [channels])];
  const slot = m.push(m.argument('float32', [...source.map((v) => v.extent), ...shape]));
  const lhs = select(and(...conditions), load(slot, 'float32', [...source, ...where]), constant(0, 'float32'));
  const cols = depthwise ? [] : [outputs];
  const last = depthwise ? [] : [channels];
  const depth = c.chance(30) ? [...last, ...taps] : [...taps, ...last];
  const batch = group === undefined ? [] : [group];
  const weights = [...batch, ...cols, ...depth];
  const rhs = m.fresh('float32', (c.chance(50) ? c.shuffle(weights) : weights).map((v) => ({ e: v, extent: v.extent })));
  return finish(m, { batch, rows: [...images, ...outer], cols, depth, lhs, rhs }, 'float32');
}

/** Statements over each point's own part of an output, which they may read again. */
function loop(m: Maker): Body {
  const { c } = m;
  const axes = m.axes('p', c.below(3), 40);
  const inner = m.axes('q', c.int(1, 2), 24);
  const dtype = m.dtype();
  const points = [...axes, ...inner];
  const coords = m.target(points);
  const again = c.chance(40);
  const tensor = m.push(m.argument(dtype, coords.map((x) => x.extent), again ? 'readwrite' : 'write'));
  const index = coords.map((x) => x.e);
  const locals: Expr[] = [];
  const body: Stmt[] = [];
  for (let i = 0, n = c.below(3); i < n; i++) {
    const type = m.dtype();
    body.push({ do: 'let', name: `v${i}`, value: m.value(type, c.below(3), { axes, refs: [...locals] }) });
    locals.push(ref(`v${i}`, type));
  }
  const refs = again ? [...locals, load(tensor, dtype, index)] : locals;
  const env: Env = { axes: points, refs };
  const put: Stmt = { do: 'store', store: { tensor, index, value: m.value(dtype, c.int(1, 3), env) } };
  let steps: Stmt[] = c.chance(25) ? [{ do: 'if', cond: m.value('bool', 2, env), then: [put], else: [] }] : [put];
  for (const l of locals) {
    if (l.op !== 'ref' || !c.chance(60)) continue;
    const set: Stmt = { do: 'set', name: l.name, value: m.value(l.dtype, c.int(1, 2), env) };
    const step: Stmt = c.chance(25) ? { do: 'if', cond: m.value('bool', 1, env), then: [set], else: c.chance(30) ? [set] : [] } : set;
    steps = c.chance(50) ? [...steps, step] : [step, ...steps];
  }
  for (const v of [...inner].reverse()) {
    if (c.chance(20) && asInt(v.extent) !== undefined && v === inner.at(-1)) {
      // The same by a counter: what sorting and NonMaxSuppression do.
      const at = ref('at', 'int32');
      steps = [
        { do: 'let', name: 'at', value: constant(0, 'int32') },
        { do: 'while', cond: lt(at, asInt(v.extent) ?? 0), body: [{ do: 'for', axis: v, body: steps }, { do: 'set', name: 'at', value: add(at, c.int(1, 9)) }] },
      ];
    } else steps = [{ do: 'for', axis: v, body: steps }];
  }
  return { kind: 'loop', axes, body: [...body, ...steps] };
}
