/**
 * From the graph of a model to a tensor program: each node, in order, is handed to its operator's `lower`, which defines the outputs
 * from the inputs. Types of all values fall out of it. Axis and local names count up inside one node only, so that equal layers give
 * equal kernels.
 */
import { QuernError, at, type ErrorCode, type ErrorDetails, invariant } from '../../jit/error.ts';
import { type DType, isFloat } from '../../jit/expr/dtype.ts';
import { type Expr, type Var, add, and, cast, constant, eq, ge, gt, int, le, lt, max, mul, ref, select, variable } from '../../jit/expr/expr.ts';
import { shapeText, text } from '../../jit/expr/text.ts';
import type { Body } from '../../jit/kernel.ts';
import { Constant, type Graph, type Narrow, type Node, type TensorType } from '../graph/graph.ts';
import type { Guard, Origin, Program } from '../graph/program.ts';
import { NodeAttributes } from './attributes.ts';
import { either } from './blocks.ts';
import { ProgramBuilder, computeType } from './module.ts';
import type { Attributes, ContractionSpec, LoopSpec, Lowering, RepeatResult, RepeatSpec, RowsSpec, Tensor } from './operator.ts';
import { findOperator } from './registry.ts';
import { repeat } from './repeat.ts';
import { freshAxes, reshape } from './shape.ts';
import { encode, staticSize } from './values.ts';

/** Steps after which a loop is taken never to end: some minutes on a slow machine, and far more than decoders take. */
export const defaultIterations = 1_000_000;

/** The tensor program of a graph. Throws a QuernError that names the node where a graph cannot be lowered. */
export function lowerGraph(graph: Graph, maxIterations = defaultIterations): Program {
  return lower(graph, maxIterations).program;
}

/** Element type and shape of every value of a graph, by name. */
export function inferTypes(graph: Graph): Map<string, TensorType> {
  const { values } = lower(graph, defaultIterations);
  return new Map([...values].map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
}

/** Values by name, with those of the graphs around. */
class Scope {
  readonly values = new Map<string, Tensor>();
  readonly used: ReadonlySet<string>;
  readonly #graph: Graph;
  readonly #outer: Scope | undefined;
  readonly #builder: ProgramBuilder;

  constructor(graph: Graph, builder: ProgramBuilder, outer?: Scope) {
    this.#graph = graph;
    this.#builder = builder;
    this.#outer = outer;
    this.used = usedNames(graph);
  }

  find(name: string): Tensor | undefined {
    const known = this.values.get(name);
    if (known !== undefined) return known;
    const constant = this.#graph.constants.get(name);
    if (constant === undefined) return this.#outer?.find(name);
    const made = this.#builder.weights(constant);
    this.values.set(name, made);
    return made;
  }

  get(name: string): Tensor {
    const found = this.find(name);
    if (found === undefined) throw new QuernError('invalid-model', `value '${name}' is used before anything produces it`);
    return found;
  }

  /** Subgraphs carry no opsets of their own. */
  opset(domain: string): number | undefined {
    return this.#graph.opsets.get(domain) ?? this.#outer?.opset(domain);
  }
}

function lower(graph: Graph, maxIterations: number): { readonly program: Program; readonly values: ReadonlyMap<string, Tensor> } {
  const builder = new ProgramBuilder(maxIterations);
  const scope = new Scope(graph, builder);
  const inputs = graph.inputs.map(({ name, type }) => {
    if (type === undefined) throw new QuernError('invalid-model', `input '${name}' of the model has no type`);
    const tensor = builder.tensor(type.dtype, type.shape, { kind: 'input', name }, type.narrow);
    scope.values.set(name, tensor);
    return { name, tensor: tensor.id };
  });
  lowerNodes(graph, scope, builder);
  const taken = new Set<number>(inputs.map((i) => i.tensor));
  const outputs = graph.outputs.map(({ name }) => {
    const tensor = scope.get(name);
    if (builder.lists.has(tensor)) {
      const details = { expected: 'a tensor', hint: 'hand out its tensors, by SequenceAt or ConcatFromSequence' };
      throw new QuernError('unsupported-model', `the output '${name}' is a sequence`, details);
    }
    if (builder.leastRank(tensor) < tensor.rank) throw new QuernError('unsupported-model', `the rank of output '${name}' depends on the data`);
    // An output is a tensor of its own, which a run may hand out: not an input, a weight, or another output.
    const own = taken.has(tensor.id) || builder.isConstant(tensor) ? copy(builder, tensor, name) : tensor;
    taken.add(own.id);
    return { name, tensor: own.id };
  });
  for (const name of graph.constants.keys()) scope.find(name);
  return { program: builder.finish(inputs, outputs), values: scope.values };
}

function copy(builder: ProgramBuilder, tensor: Tensor, name: string): Tensor {
  const made = builder.tensor(tensor.dtype, tensor.shape);
  const axes = tensor.shape.map((dim, d) => variable(`i${d}`, dim));
  const store = { tensor: made.id, index: axes, value: tensor.at(axes) };
  builder.compute({ kind: 'map', axes, store }, [made], { node: name, op: 'Identity' });
  return made;
}

function lowerNodes(graph: Graph, scope: Scope, builder: ProgramBuilder): void {
  for (const node of graph.nodes) {
    try {
      lowerNode(node, scope, builder);
    } catch (error) {
      throw at(misfit(error, node, scope), { node: node.name, op: node.op });
    }
  }
}

/** Types and ranks that an operator is not made for break some invariant while it is lowered: the model is wrong then, and said to be. */
function misfit(error: unknown, node: Node, scope: Scope): unknown {
  if (error instanceof QuernError && error.code !== 'internal') return error;
  const [why = '', ...details] = (error instanceof Error ? error.message : String(error)).split('\n');
  const types = node.inputs.map((name) => {
    const value = scope.find(name);
    return value === undefined ? `'${name}'` : `${value.dtype}${shapeText(value.shape)}`;
  });
  // What no check of ours threw can only be a bug of ours.
  return new QuernError(error instanceof QuernError ? 'invalid-model' : 'internal', `its inputs or attributes do not fit the operator: ${[why, ...details.map((d) => d.trim())].join(', ')}`, {
    got: types.join(', '), hint: 'if it runs in other engines, the fault is Quern\'s: please report it', cause: error,
  });
}

function lowerNode(node: Node, scope: Scope, builder: ProgramBuilder): void {
  const opset = node.opset ?? scope.opset(node.domain) ?? (node.domain === '' ? 1 : undefined);
  const entry = opset === undefined ? undefined : findOperator(node.domain, node.op, opset);
  if (opset === undefined || entry === undefined) {
    const domain = node.domain === '' ? 'ai.onnx' : node.domain;
    throw new QuernError('unsupported-operator', `Quern has no operator '${node.op}' of ${domain}, opset ${opset ?? 'not imported'}`);
  }
  const given = trailing(node.inputs);
  const [fewest, most] = entry.arity;
  if (given < fewest || given > most) {
    throw new QuernError('invalid-model', 'the number of inputs is wrong', {
      expected: fewest === most ? String(fewest) : `${fewest} to ${most === Infinity ? 'any number' : most}`, got: String(given),
    });
  }
  const list = entry.lists === true ? undefined : node.inputs.find((name) => name !== '' && builder.lists.has(scope.get(name)));
  if (list !== undefined) throw new QuernError('unsupported-model', `the input '${list}' is a sequence`, { expected: 'a tensor' });
  const lowered = (tight: boolean): readonly Tensor[] => {
    const result = entry.lower(new NodeLowering(node, opset, scope, builder, entry.parts ?? [], tight));
    return 'id' in result ? [result] : result;
  };
  const outputs = lowered(false);
  if (node.inputs.some((name) => rankOpen(scope, builder, name))) settleRanks(node, builder, outputs, lowered);
  for (const [k, name] of node.outputs.entries()) {
    if (name === '') continue;
    const output = outputs[k];
    if (output !== undefined) scope.values.set(name, output);
    else if (scope.used.has(name)) throw new QuernError('unsupported-model', `output ${k} ('${name}') is not computed by Quern`);
  }
}

const rankOpen = (scope: Scope, builder: ProgramBuilder, name: string): boolean => {
  const value = name === '' ? undefined : scope.find(name);
  return value !== undefined && builder.leastRank(value) < value.rank;
};

/** A node with inputs whose rank depends on data is right if it makes the same of the least and the greatest rank, up to first dims of 1. */
function settleRanks(node: Node, builder: ProgramBuilder, outputs: readonly Tensor[], lowered: (tight: boolean) => readonly Tensor[]): void {
  const open = (why: unknown): never => {
    throw new QuernError('unsupported-model', 'the rank of an input depends on the data', why instanceof QuernError ? { cause: why } : {});
  };
  if (node.op === 'If') return;
  if ([...node.attributes.values()].some((a) => a.type === 'graph')) open(undefined);
  let tight: readonly Tensor[] = [];
  try {
    tight = builder.forgetting(() => builder.apart('trial', () => lowered(true)).result);
  } catch (error) {
    open(error);
  }
  for (const [k, t] of outputs.entries()) {
    const extra = t.rank - (tight[k]?.rank ?? 0);
    const same = extra >= 0 && t.shape.every((d, i) => d === (i < extra ? int(1) : tight[k]?.shape[i - extra]));
    if (!same) open(undefined);
    builder.loosen(t, t.rank - extra);
  }
}

/** Inputs without the empty ones at the end. */
function trailing(inputs: readonly string[]): number {
  let count = inputs.length;
  while (count > 0 && inputs[count - 1] === '') count -= 1;
  return count;
}

function usedNames(graph: Graph): Set<string> {
  const used = new Set(graph.outputs.map((o) => o.name));
  for (const node of graph.nodes) {
    for (const input of node.inputs) used.add(input);
    for (const attribute of node.attributes.values()) {
      if (attribute.type === 'graph') for (const name of usedNames(attribute.value)) used.add(name);
    }
  }
  return used;
}

class NodeLowering implements Lowering {
  readonly node: Node;
  readonly opset: number;
  readonly attributes: Attributes;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly #scope: Scope;
  readonly #builder: ProgramBuilder;
  readonly #origin: Origin;
  #axes = 0;
  #names = 0;
  readonly #whole: ReadonlySet<number>;

  /** `tight`: inputs whose rank depends on data have the least that it can be. */
  constructor(node: Node, opset: number, scope: Scope, builder: ProgramBuilder, parts: readonly number[], tight: boolean) {
    this.node = node;
    this.opset = opset;
    this.attributes = new NodeAttributes(node);
    this.#scope = scope;
    this.#builder = builder;
    this.#origin = { node: node.name, op: node.op };
    this.inputs = node.inputs.slice(0, trailing(node.inputs)).map((name) => {
      const value = name === '' ? undefined : scope.get(name);
      const extra = value === undefined || !tight ? 0 : value.rank - builder.leastRank(value);
      return value === undefined || extra === 0 ? value : reshape(this, value, value.shape.slice(extra));
    });
    // As long as what is read of them.
    this.#whole = new Set(this.inputs.flatMap((t, k) => (t === undefined || parts.includes(k) || builder.lists.has(t) ? [] : t.id)));
  }

  input(index: number): Tensor {
    return this.inputs[index] ?? this.fail('invalid-model', `input ${index} is missing`);
  }

  optional(index: number): Tensor | undefined {
    return this.inputs[index];
  }

  wants(output: number): boolean {
    const name = this.node.outputs[output];
    return name !== undefined && name !== '' && this.#scope.used.has(name);
  }

  values(tensor: Tensor): readonly Expr[] | undefined {
    const known = this.#builder.elements(tensor);
    return known?.every((e) => e !== undefined) === true ? known : undefined;
  }

  dims(tensor: Tensor): readonly Expr[] {
    invariant(!isFloat(tensor.dtype), 'dims are not of integers');
    const size = staticSize(tensor.shape);
    if (size === undefined) {
      return this.fail('unsupported-model', 'a list of dims has a length that is not known while compiling', { got: shapeText(tensor.shape) });
    }
    return Array.from({ length: size }, (_, k) => this.#builder.dataDim(tensor, k, this.#origin));
  }

  dim(value: Expr): Expr {
    const known = this.#builder.evaluate(value);
    if (known !== undefined) return known;
    const scalar = this.map('int64', [], () => cast(value, 'int64'));
    return this.#builder.dataDim(scalar, 0, this.#origin);
  }

  assume(holds: Expr, what: string, fault?: Guard['fault']): void {
    this.#builder.guard({ holds, what, origin: this.#origin, ...(fault === undefined ? {} : { fault }) });
  }

  require(holds: Expr, what: string, details: ErrorDetails): void {
    if (holds.op === 'const' && holds.value === 0 && this.#builder.certain) this.fail('shape-mismatch', what, details);
    this.assume(holds, what, 'shape-mismatch');
  }

  within(indices: Tensor, low: Expr, high: Expr): void {
    for (const e of this.#builder.extremes(indices) ?? []) {
      const holds = and(ge(e, low), le(e, high));
      if (holds.op === 'const' && holds.value === 0 && this.#builder.certain) {
        this.fail('index-out-of-range', 'an index is out of range', { expected: `${text(low)} to ${text(high)}`, got: text(e) });
      }
      this.assume(holds, 'an index is out of range', 'index-out-of-range');
    }
    if (this.#builder.extremes(indices) !== undefined) return;
    this.#builder.check(indices, { low, high }, this.#origin, () => {
      const { axes, index } = freshAxes(this, indices.shape);
      const element = cast(indices.at(index), 'int64');
      const status = (least: Expr, most: Expr): Expr =>
        select(lt(least, cast(low, 'int64')), least, select(gt(most, cast(high, 'int64')), max(most, 1), constant(0, 'int64')));
      if (axes.length === 0) return this.map('int64', [], () => status(element, element));
      const [least, most] = [ref(this.name('least'), 'int64'), ref(this.name('most'), 'int64')];
      return this.rows({
        dtype: 'int64', shape: [], axes: [], inner: axes, each: false, index: [], value: status(least, most),
        scans: [{ name: least.name, op: 'min', value: element }, { name: most.name, op: 'max', value: element }],
      });
    });
  }

  fixed = (tensor: Tensor): ArrayLike<number | bigint> | undefined => this.#builder.fixed(tensor);

  constants(tensor: Tensor, what: string): readonly number[] {
    const known = this.#builder.elements(tensor) ?? (staticSize(tensor.shape) === 0 ? [] : [undefined]);
    const details = { expected: 'a constant', got: 'what only feeds say', hint: 'make it an initializer of the model' };
    const open = (): never => this.fail('unsupported-model', `${what} must be known while the model is compiled`, details);
    return known.map((e) => (e?.op === 'const' ? Number(e.value) : open()));
  }

  weights(constant: Constant): Tensor {
    return this.#builder.weights(constant);
  }

  constant(dtype: DType, dims: readonly number[], elements: readonly (number | bigint)[]): Tensor {
    return this.#builder.weights(new Constant(dtype, dims, encode(dtype, elements)));
  }

  known(dtype: DType, shape: readonly Expr[], elements: readonly Expr[]): Tensor {
    const fixed = elements.every((e) => e.op === 'const') && shape.every((d) => d.op === 'const');
    if (fixed) return this.constant(dtype, shape.map((d) => Number(d.value)), elements.map((e) => e.value));
    const made = this.map(dtype, shape, (index) => {
      const flat = index.reduce<Expr>((sum, i, d) => add(mul(sum, shape[d] ?? int(1)), i), int(0));
      const of = (from: number, to: number): Expr => {
        if (to - from <= 1) return elements[from] ?? int(0);
        return select(eq(flat, int(from)), elements[from] ?? int(0), of(from + 1, to));
      };
      return of(0, elements.length);
    });
    this.#builder.state(made, elements);
    return made;
  }

  map(dtype: DType, shape: readonly Expr[], value: (index: readonly Expr[]) => Expr, narrow?: Narrow): Tensor {
    const index = shape.map((dim, d) => (dim.op === 'const' && dim.value === 1 ? int(0) : variable(`i${d}`, dim)));
    const axes = index.filter((i): i is Var => i.op === 'var');
    const made = this.#builder.tensor(dtype, shape, { kind: 'computed' }, narrow);
    this.#compute({ kind: 'map', axes, store: { tensor: made.id, index, value: value(index) } }, [made]);
    return made;
  }

  rows({ dtype, shape, axes, inner, scans, each, index, value }: RowsSpec): Tensor {
    const made = this.#builder.tensor(dtype, shape);
    this.#compute({ kind: 'rows', axes, inner, scans, each, store: { tensor: made.id, index, value } }, [made]);
    return made;
  }

  contraction({ dtype, shape, batch, rows, cols, depth, lhs, rhs, index, value: of }: ContractionSpec): Tensor {
    const made = this.#builder.tensor(dtype, shape);
    invariant(lhs.dtype === rhs.dtype, 'the operands of a product differ in type', { expected: lhs.dtype, got: rhs.dtype });
    const acc = ref('acc', computeType(lhs.dtype === 'index' ? 'int32' : lhs.dtype));
    const value = of?.(acc) ?? acc;
    this.#compute({ kind: 'contraction', batch, rows, cols, depth, lhs, rhs, store: { tensor: made.id, index, value } }, [made]);
    return made;
  }

  loop(spec: LoopSpec): readonly Tensor[] {
    const outputs = spec.outputs.map((o) => this.#builder.tensor(o.dtype, o.shape));
    const initial = new Map<number, number | 'zero'>();
    for (const [k, { initial: from }] of spec.outputs.entries()) {
      const output = outputs[k];
      if (output !== undefined && from !== undefined) initial.set(output.id, from === 'zero' ? from : from.id);
    }
    this.#compute({ kind: 'loop', axes: spec.axes, body: spec.body(outputs) }, outputs, initial.size > 0 ? initial : undefined);
    return outputs;
  }

  readonly #compute = (body: Body, outputs: readonly Tensor[], initial?: ReadonlyMap<number, number | 'zero'>): void =>
    this.#builder.compute(body, outputs, this.#origin, initial, this.#whole);

  repeat(spec: RepeatSpec): RepeatResult {
    return repeat(this, this.#builder, this.#origin, spec);
  }

  either(cond: Tensor, make: readonly (() => readonly Tensor[])[]): readonly Tensor[] {
    return either(this, this.#builder, this.#origin, cond, make);
  }

  list(items: readonly Tensor[]): Tensor {
    return this.#builder.list(items);
  }

  items(input: number): readonly Tensor[] {
    return this.#builder.lists.get(this.input(input)) ?? this.fail('invalid-model', `input ${input} is no sequence`);
  }

  attempt<T>(make: () => T | undefined): T | undefined {
    const { result, frame } = this.#builder.apart('trial', make);
    if (result !== undefined) this.#builder.join(frame);
    return result;
  }

  inline(graph: Graph, inputs: readonly Tensor[]): readonly Tensor[] {
    const scope = new Scope(graph, this.#builder, this.#scope);
    for (const [k, { name }] of graph.inputs.entries()) {
      const given = inputs[k];
      if (given !== undefined) scope.values.set(name, given);
    }
    lowerNodes(graph, scope, this.#builder);
    return graph.outputs.map(({ name }) => scope.get(name));
  }

  axis(extent: Expr | number): Var {
    return variable(`a${this.#axes++}`, extent);
  }

  name(stem: string): string {
    return `${stem}${this.#names++}`;
  }

  fail(code: ErrorCode, message: string, details?: ErrorDetails): never {
    throw new QuernError(code, message, details);
  }
}
