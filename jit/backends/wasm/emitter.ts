/**
 * What all WebAssembly emitters share: the interface they implement and the calling convention of kernels. A kernel is a module that
 * imports `env.memory` (always declared shared, so that bytes do not depend on threads) and exports `run(params, begin, end)`: `params`
 * points at the base addresses of the arguments, 4 bytes each, then the dims, 4 bytes each; [begin, end) are units of work, which any
 * thread may run in any order. It may import `env.scratch`, the address of a little memory that is the thread's own.
 */
import type { Code, DeviceProfile } from '../../device.ts';
import { isFloat } from '../../expr/dtype.ts';
import type { Expr, Sym } from '../../expr/expr.ts';
import { text } from '../../expr/text.ts';
import { walk } from '../../expr/visit.ts';
import { hashBytes, hashText } from '../../hash.ts';
import type { Kernel, Numeric } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import type { FuncRef, FunctionBuilder, Local } from './function-builder.ts';
import { ModuleBuilder } from './module-builder.ts';
import { type MathImport, type OpContext, mathImports } from './scalar-ops.ts';
import { Scalar, argBase } from './scalar.ts';
import { Scope } from './scope.ts';

export interface WasmCode extends Code {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Number of units of work, over the kernel's syms. */
  readonly units: Expr;
  /** The least number of units that is worth handing to a thread. */
  readonly grain: number;
  /** Functions that the module imports from `math`. */
  readonly math: readonly MathImport[];
}

export interface Emitter {
  readonly name: string;
  /** The schedules of a kernel; `why` if this emitter cannot do it. */
  space(kernel: Kernel, profile: DeviceProfile): Space | { readonly why: string };
  emit(kernel: Kernel, schedule: Schedule, profile: DeviceProfile): WasmCode;
}

/** An open `run` function: where it stands, and what to emit expressions with. */
export interface Frame {
  readonly f: FunctionBuilder;
  readonly scalar: Scalar;
  readonly root: Scope;
  readonly begin: Local;
  readonly end: Local;
  readonly context: OpContext;
}

export interface FrameOptions {
  readonly name: string;
  readonly args: number;
  readonly syms: readonly Sym[];
  readonly numeric: Numeric;
  /** Everything that will be emitted; only to find the functions to import. */
  readonly roots: readonly Expr[];
  readonly written: ReadonlySet<number>;
  readonly changing?: ReadonlySet<string>;
}

export interface BuiltModule {
  readonly module: ModuleBuilder;
  readonly math: readonly MathImport[];
}

/** Builds a kernel's module; `body` emits the code of `run`. */
export function buildModule(options: FrameOptions, body: (frame: Frame) => void): BuiltModule {
  const module = new ModuleBuilder();
  module.importMemory('env', 'memory', { min: 1, max: 65536, shared: true });
  const math = mathNeeded(options.roots);
  const functions = new Map<MathImport, FuncRef>(math.map((name) => [name, module.importFunction('math', name, signatureOf(name))]));
  module.func('run', { params: 'i32', begin: 'i32', end: 'i32' }, [], (f) => {
    const start = f.hole();
    const root = new Scope('function', undefined, undefined);
    const leaves = new Map<Expr, number>();
    for (let slot = 0; slot < options.args; slot++) leaves.set(argBase(slot), 4 * slot);
    options.syms.forEach((sym, i) => leaves.set(sym, 4 * (options.args + i)));
    const context: OpContext = {
      f,
      fma: options.numeric.fma,
      callMath: (name) => {
        const found = functions.get(name);
        if (found === undefined) throw new Error(`math.${name} was not imported`);
        f.call(found);
      },
    };
    const scalar = new Scalar({
      ...context, start, root, params: f.param(0), parameter: (leaf) => leaves.get(leaf), written: options.written,
      changing: options.changing ?? new Set(),
    });
    body({ f, scalar, root, begin: f.param(1), end: f.param(2), context });
  }, true);
  return { module, math };
}

/** The code of a finished module. */
export function finishCode(
  kernel: Kernel, schedule: Schedule, { module, math }: BuiltModule, units: Expr, grain: number,
): WasmCode {
  const bytes = module.encode();
  // The units too: rows of another number may well have the same code.
  return { kernel, schedule, key: hashText(`${hashBytes(bytes)} ${text(units)} ${grain}`), source: () => module.listing(), bytes, units, grain, math };
}

export function signatureOf(name: MathImport): { params: ('f64' | 'i64')[]; results: ('f64' | 'i64')[] } {
  const [params = '', results = ''] = mathImports[name].split(':');
  const types = (word: string): ('f64' | 'i64')[] => Array.from(word, (letter) => (letter === 'd' ? 'f64' : 'i64'));
  return { params: types(params), results: types(results) };
}

/** The imported functions that expressions call (those of float32 are decomposed before emission and need none). */
export function mathNeeded(roots: readonly Expr[]): MathImport[] {
  const names = new Set<MathImport>();
  const isMath = (name: string): name is MathImport => name in mathImports;
  walk(roots, (e) => {
    if (e.op === 'unary' && isMath(e.fn)) names.add(e.fn);
    if (e.op === 'binary' && e.fn === 'pow') names.add(isFloat(e.dtype) ? 'pow' : 'ipow');
    if (e.op === 'binary' && (e.fn === 'rem' || e.fn === 'floormod') && isFloat(e.dtype)) names.add(e.fn);
  });
  return [...names].sort();
}
