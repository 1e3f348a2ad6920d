/**
 * Runs a tensor program on the reference executor, one kernel a computation, straight from lowering: what operators mean, without
 * fusion, planning or a device in between. For tests; dims of the inputs are taken from the feeds.
 */
import { QuernError } from '../../../jit/error.ts';
import { runKernel } from '../../../jit/backends/reference/index.ts';
import { type DType, bytesOf, bytesUnder, type TypedArray, viewAs } from '../../../jit/expr/dtype.ts';
import { type Expr, product } from '../../../jit/expr/expr.ts';
import { collect, evaluate, isSym } from '../../../jit/expr/visit.ts';
import { type Arg, loadedTensors, makeKernel, mapBody, renumber, stores, stridesOf } from '../../../jit/kernel.ts';
import { type Computation, type Program, type TensorDef, enforce, readOutside } from '../../graph/program.ts';

export interface Feed {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

const numeric = { fma: false, precision: 'exact' } as const;

export function runProgram(program: Program, feeds: ReadonlyMap<string, Feed>): Map<string, Feed> {
  const env = new Map<Expr, number>();
  const memory = new Map<number, Uint8Array>();
  for (const { name, tensor } of program.inputs) {
    const feed = feeds.get(name);
    const def = defOf(program, tensor);
    if (feed === undefined) throw new QuernError('invalid-input', `input '${name}' is not fed`);
    def.shape.forEach((dim, d) => { if (dim.op === 'sym') env.set(dim, feed.dims[d] ?? 0); });
    memory.set(tensor, bytesUnder(feed.data));
  }
  const sizeOf = (def: TensorDef): number => evaluate(product(def.shape), env) * bytesOf(def.dtype);
  const bytes = (id: number): Uint8Array => {
    const known = memory.get(id);
    if (known !== undefined) return known;
    const def = defOf(program, id);
    const made = def.source.kind === 'constant' ? def.source.constant.bytes : new Uint8Array(sizeOf(def));
    memory.set(id, made);
    return made;
  };
  const readDims = (tensors: readonly number[]): void => {
    for (const { symbol, tensor, element } of program.dataDims) {
      if (tensors.includes(tensor)) env.set(symbol, Number(viewAs(defOf(program, tensor).dtype, bytes(tensor))[element]));
    }
    for (const { holds, what, fault, origin } of program.guards ?? []) {
      if (!collect([holds], isSym).every((s) => env.has(s)) || evaluate(holds, env) !== 0) continue;
      throw new QuernError(fault ?? 'unsupported-model', `the program was made for inputs where ${what}`, origin);
    }
  };
  readDims(program.inputs.map((i) => i.tensor));
  const needed = live(program);
  for (const computation of program.computations) {
    if (!needed.has(computation)) continue;
    for (const [output, from] of computation.initial ?? []) if (from !== 'zero') memory.set(output, bytes(from).slice(0, sizeOf(defOf(program, output))));
    runComputation(program, computation, env, bytes);
    readDims(computation.outputs);
  }
  for (const check of program.checks ?? []) enforce(check, new BigInt64Array(bytes(check.tensor).buffer)[0] ?? 0n, env);
  return new Map(program.outputs.map(({ name, tensor }) => {
    const def = defOf(program, tensor);
    const dims = def.shape.map((d) => evaluate(d, env));
    return [name, { dtype: def.dtype, dims, data: viewAs(def.dtype, bytes(tensor).slice(0, sizeOf(def))) }];
  }));
}

function runComputation(program: Program, { body }: Computation, env: ReadonlyMap<Expr, number>, bytes: (id: number) => Uint8Array): void {
  const written = new Set(stores(body).map((s) => s.tensor));
  const read = new Set(loadedTensors(body));
  const tensors = [...new Set([...written, ...read])];
  const args = tensors.map((id): Arg => {
    const { dtype, shape } = defOf(program, id);
    return { dtype, shape, strides: stridesOf(shape), access: !written.has(id) ? 'read' : read.has(id) ? 'readwrite' : 'write' };
  });
  const slot = (id: number): number => tensors.indexOf(id);
  const { kernel, bind } = makeKernel(mapBody(body, renumber(slot), slot), args, numeric);
  runKernel(kernel, bind.map((s) => evaluate(s, env)), tensors.map(bytes));
}

/** The computations that outputs and dims need. */
function live(program: Program): Set<Computation> {
  const wanted = readOutside(program);
  const needed = new Set<Computation>();
  for (const computation of [...program.computations].reverse()) {
    if (!computation.outputs.some((o) => wanted.has(o))) continue;
    needed.add(computation);
    for (const id of loadedTensors(computation.body)) wanted.add(id);
    for (const from of computation.initial?.values() ?? []) if (from !== 'zero') wanted.add(from);
  }
  return needed;
}

function defOf(program: Program, id: number): TensorDef {
  const def = program.tensors.get(id);
  if (def === undefined) throw new QuernError('internal', `tensor ${id} is not defined`);
  return def;
}

