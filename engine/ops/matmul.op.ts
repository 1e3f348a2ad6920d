/**
 * Matrix products as contractions: MatMul, Gemm and Einsum. Batch dims that the right-hand side lacks become rows, so that a linear
 * layer on [batch, sequence, features] is one product with batch * sequence rows.
 */
import type { DType } from '../../jit/expr/dtype.ts';
import { type Expr, type Var, add, asInt, cast, eq, int, mul, ref } from '../../jit/expr/expr.ts';
import { shapeText } from '../../jit/expr/text.ts';
import { computeType } from './module.ts';
import type { ContractionSpec, Lowering, Operator, Tensor } from './operator.ts';
import { broadcastAt, broadcastIndex, broadcastShapes } from './shape.ts';

/** An element of an operand, from which quantised kinds take their zero points. */
export type OperandElement = (t: Tensor, index: readonly Expr[]) => Expr;

export interface MatmulOptions {
  /** The result from the accumulator and the index of the element. */
  readonly value?: ((acc: Expr, index: readonly Expr[]) => Expr) | undefined;
  readonly transposeB?: boolean;
  readonly dtype?: DType;
  readonly a?: OperandElement;
  readonly b?: OperandElement;
}

const plain: OperandElement = (t, index) => t.at(index);

/** a[.., M, K] times b[.., K, N] (or b[.., N, K] transposed) with broadcast batch dims. */
export function matmul(build: Lowering, a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { value, transposeB = false, dtype = a.dtype, a: left = plain, b: right = plain } = options;
  const [m, k] = [a.shape.at(-2) ?? int(1), a.shape.at(-1) ?? int(1)];
  const [kb, n] = transposeB ? [b.shape.at(-1) ?? int(1), b.shape.at(-2) ?? int(1)] : [b.shape.at(-2) ?? int(1), b.shape.at(-1) ?? int(1)];
  checkDepth(build, k, kb, a, b);
  const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const outer = broadcastShapes(build, aBatch, bBatch);
  const batch: Var[] = [];
  const rows: Var[] = [];
  const skip = outer.length - bBatch.length;
  const at = outer.map((dim, d) => {
    if (asInt(dim) === 1) return int(0);
    const axis = build.axis(dim);
    const shared = asInt(bBatch[d - skip] ?? int(1)) === 1;
    (shared ? rows : batch).push(axis);
    return axis;
  });
  const [i, j, l] = [asInt(m) === 1 && rows.length > 0 ? int(0) : build.axis(m), build.axis(n), build.axis(k)];
  if (i.op === 'var') rows.push(i);
  const index = [...at, i, j];
  return build.contraction({
    dtype, shape: [...outer, m, n], batch, rows, cols: [j], depth: [l],
    lhs: left(a, [...broadcastIndex(aBatch, at, outer), i, l]),
    rhs: right(b, [...broadcastIndex(bBatch, at, outer), ...(transposeB ? [j, l] : [l, j])]),
    index,
    value: value && ((acc) => value(acc, index)),
  });
}

function checkDepth(build: Lowering, k: Expr, kb: Expr, a: Tensor, b: Tensor): void {
  build.require(eq(k, kb), 'inner dims of the product differ', { got: `${shapeText(a.shape)} x ${shapeText(b.shape)}` });
}

/** The view of a tensor in which a dim of size 1 was put in or left out; made by a map, which fusion removes. */
function asMatrix(build: Lowering, t: Tensor, shape: readonly Expr[], axis: number): Tensor {
  return build.map(t.dtype, shape, (index) => t.at([index[axis] ?? int(0)]));
}

/** As numpy.matmul: a list on either side is a matrix whose extra dim the result loses. */
export function numpyMatmul(build: Lowering, a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  if (a.rank === 0 || b.rank === 0) build.fail('shape-mismatch', 'a matrix product with a scalar', { got: `${shapeText(a.shape)} x ${shapeText(b.shape)}` });
  const left = a.rank === 1 ? asMatrix(build, a, [int(1), ...a.shape], 1) : a;
  const right = b.rank === 1 ? asMatrix(build, b, [...b.shape, int(1)], 0) : b;
  const product = matmul(build, left, right, options);
  if (a.rank > 1 && b.rank > 1) return product;
  // Drop the dims that were put in.
  const drop = [...(a.rank === 1 ? [product.rank - 2] : []), ...(b.rank === 1 ? [product.rank - 1] : [])];
  return build.map(product.dtype, product.shape.filter((_, d) => !drop.includes(d)), (index) => {
    let next = 0;
    return product.at(product.shape.map((_, d) => (drop.includes(d) ? int(0) : index[next++] ?? int(0))));
  }, product.narrow);
}

const matMul: Operator = {
  op: 'MatMul', domain: '', since: 1, arity: [2, 2],
  lower: (build) => numpyMatmul(build, build.input(0), build.input(1)),
};

const scaled = (e: Expr, by: number): Expr => (by === 1 ? e : cast(mul(cast(e, 'float32'), by), e.dtype));

/** The product of two matrices, each transposed if its attribute says so. */
export function gemmProduct(build: Lowering, a: Tensor, b: Tensor, options: MatmulOptions): Tensor {
  const { value, dtype = a.dtype, a: left = plain, b: right = plain } = options;
  const { attributes } = build;
  const [ta, tb] = [attributes.int('transA', 0) !== 0, attributes.int('transB', 0) !== 0];
  const [m, k] = ta ? [a.shape[1] ?? int(1), a.shape[0] ?? int(1)] : [a.shape[0] ?? int(1), a.shape[1] ?? int(1)];
  const [kb, n] = tb ? [b.shape[1] ?? int(1), b.shape[0] ?? int(1)] : [b.shape[0] ?? int(1), b.shape[1] ?? int(1)];
  checkDepth(build, k, kb, a, b);
  const [i, j, l] = [build.axis(m), build.axis(n), build.axis(k)];
  return build.contraction({
    dtype, shape: [m, n], batch: [], rows: [i], cols: [j], depth: [l],
    lhs: left(a, ta ? [l, i] : [i, l]), rhs: right(b, tb ? [j, l] : [l, j]), index: [i, j],
    value: value && ((acc) => value(acc, [i, j])),
  });
}

/** alpha * A * B + beta * C, and what `finish` makes of it. */
export function gemmOf(build: Lowering, finish: (y: Expr) => Expr = (y) => y): Tensor {
  const [a, b, c] = [build.input(0), build.input(1), build.optional(2)];
  const [alpha, beta] = [build.attributes.float('alpha', 1), build.attributes.float('beta', 1)];
  const [ta, tb] = [build.attributes.int('transA', 0) !== 0, build.attributes.int('transB', 0) !== 0];
  const shape = [a.shape[ta ? 1 : 0] ?? int(1), b.shape[tb ? 0 : 1] ?? int(1)];
  return gemmProduct(build, a, b, {
    value: (acc, index) => finish(c === undefined || beta === 0 ? scaled(acc, alpha)
      : add(scaled(acc, alpha), scaled(broadcastAt(c, index, shape), beta))),
  });
}

const gemm: Operator = { op: 'Gemm', domain: '', since: 7, arity: [2, 3], lower: (build) => gemmOf(build) };

/** Terms of an Einsum equation, with '...' spelled out as labels that nobody else uses. */
function parseEquation(build: Lowering, equation: string, tensors: readonly Tensor[]): { readonly terms: string[][]; readonly result: string[] } {
  const [left = '', right] = equation.replaceAll(' ', '').split('->');
  const sources = left.split(',');
  if (sources.length !== tensors.length) {
    build.fail('invalid-attribute', 'the equation has another number of operands', { expected: String(tensors.length), got: equation });
  }
  const dots = Math.max(0, ...sources.map((s, k) => (s.includes('...') ? (tensors[k]?.rank ?? 0) - (s.length - 3) : 0)));
  const labels = (term: string, rank?: number): string[] => {
    const [before = '', after] = term.split('...');
    if (after === undefined) return before.split('');
    const hidden = rank === undefined ? dots : rank - before.length - after.length;
    return [...before.split(''), ...Array.from({ length: hidden }, (_, d) => `.${dots - hidden + d}`), ...after.split('')];
  };
  const terms = sources.map((s, k) => labels(s, tensors[k]?.rank ?? 0));
  for (const [k, term] of terms.entries()) {
    if (term.length !== tensors[k]?.rank) build.fail('invalid-attribute', `operand ${k} has another rank than the equation`, { expected: String(term.length), got: String(tensors[k]?.rank) });
  }
  const all = terms.flat();
  const implicit = [...new Set(all)].filter((l) => l.startsWith('.') || all.filter((x) => x === l).length === 1).sort();
  return { terms, result: right === undefined ? implicit : labels(right) };
}

const einsum: Operator = {
  op: 'Einsum', domain: '', since: 12, arity: [1, Infinity],
  lower: (build) => {
    const equation = [...build.node.attributes].find(([name]) => name === 'equation')?.[1];
    if (equation?.type !== 'string') return build.fail('invalid-attribute', "attribute 'equation' is missing", { expected: 'string' });
    const tensors = build.inputs.map((_, k) => build.input(k));
    const { terms, result } = parseEquation(build, equation.value, tensors);
    const [first] = tensors;
    if (first === undefined) return build.fail('invalid-model', 'Einsum has no operands');
    let total: Tensor = first;
    let totalTerm: readonly string[] = terms[0] ?? [];
    if (tensors.length === 1) return summed(build, total, totalTerm, result);
    for (const [k, next] of tensors.slice(1).entries()) {
      const nextTerm = terms[k + 1] ?? [];
      const later = new Set([...terms.slice(k + 2).flat(), ...result]);
      const last = k === tensors.length - 2;
      const keep: readonly string[] = last ? result : [...new Set([...totalTerm, ...nextTerm])].filter((l) => later.has(l));
      total = product2(build, [total, totalTerm], [next, nextTerm], keep);
      totalTerm = keep;
    }
    return total;
  },
};

type Labelled = readonly [Tensor, readonly string[]];

function sizes(build: Lowering, operands: readonly Labelled[]): Map<string, Expr> {
  const found = new Map<string, Expr>();
  for (const [t, term] of operands) {
    for (const [d, label] of term.entries()) {
      const dim = t.shape[d] ?? int(1);
      const before = found.get(label);
      found.set(label, before === undefined ? dim : broadcastShapes(build, [before], [dim])[0] ?? dim);
    }
  }
  return found;
}

function labelAxes(build: Lowering, size: ReadonlyMap<string, Expr>): Map<string, Var> {
  return new Map([...size].map(([label, dim]) => [label, build.axis(dim)]));
}

/** The sum over the labels that the result lacks (and diagonals, where a label stands twice). */
function summed(build: Lowering, x: Tensor, term: readonly string[], result: readonly string[]): Tensor {
  const size = sizes(build, [[x, term]]);
  const axes = labelAxes(build, size);
  const element = x.at(term.map((l) => axes.get(l) ?? int(0)));
  const shape = result.map((l) => size.get(l) ?? int(1));
  const inner = [...axes].filter(([l]) => !result.includes(l)).map(([, v]) => v);
  const outer = result.flatMap((l) => axes.get(l) ?? []);
  const name = build.name('total');
  if (inner.length === 0) {
    return build.map(x.dtype, shape, (index) => x.at(term.map((l) => index[result.indexOf(l)] ?? int(0))));
  }
  return build.rows({
    dtype: x.dtype, shape, axes: outer, inner, each: false, index: outer,
    scans: [{ name, op: 'sum', value: element }], value: ref(name, computeType(x.dtype)),
  });
}

function product2(build: Lowering, [a, aTerm]: Labelled, [b, bTerm]: Labelled, result: readonly string[]): Tensor {
  const size = sizes(build, [[a, aTerm], [b, bTerm]]);
  const axes = labelAxes(build, size);
  const at = (t: Tensor, term: readonly string[]): Expr =>
    t.at(term.map((l, d) => (asInt(t.shape[d] ?? int(1)) === 1 ? int(0) : axes.get(l) ?? int(0))));
  const where = (inA: boolean, inB: boolean): Var[] =>
    result.flatMap((l) => (aTerm.includes(l) === inA && bTerm.includes(l) === inB ? axes.get(l) ?? [] : []));
  const depth = [...axes].filter(([l]) => !result.includes(l)).map(([, v]) => v);
  const atLeast = (found: Var[]): Var[] => (found.length > 0 ? found : [build.axis(1)]);
  const spec: ContractionSpec = {
    dtype: a.dtype, shape: result.map((l) => size.get(l) ?? int(1)),
    batch: where(true, true), rows: atLeast(where(true, false)), cols: atLeast(where(false, true)), depth: atLeast(depth),
    lhs: at(a, aTerm), rhs: at(b, bTerm), index: result.map((l) => axes.get(l) ?? int(0)),
  };
  return build.contraction(spec);
}

export const operators: readonly Operator[] = [matMul, gemm, einsum];
