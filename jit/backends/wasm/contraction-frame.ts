/**
 * Modules of contractions have several functions: `run`, which walks over units of work, and one for each shape of tile, so that the
 * browser's compiler makes only those that are called and replaces slow code by fast between two tiles (V8's first tier cannot leave
 * a running loop). Each function reads arguments and dims from the parameter block itself.
 */
import type { Expr, Ref, Sym, Var } from '../../expr/expr.ts';
import type { Kernel } from '../../kernel.ts';
import { type BuiltModule, mathNeeded, signatureOf } from './emitter.ts';
import type { FuncRef, FunctionBuilder, GlobalRef, Local } from './function-builder.ts';
import { ModuleBuilder } from './module-builder.ts';
import type { ValType } from './opcodes.ts';
import { type MathImport, type OpContext, valTypeOf } from './scalar-ops.ts';
import { Scalar, argBase } from './scalar.ts';
import { Scope } from './scope.ts';

/** A parameter: a variable or named value, under which it is then defined, or just a number. */
export type Parameter = Var | Ref | { readonly name: string; readonly type: ValType };

/** An open function. */
export interface Scene {
  readonly f: FunctionBuilder;
  readonly scalar: Scalar;
  readonly root: Scope;
  readonly context: OpContext;
  readonly kernel: Kernel;
  /** The address of the parameter block. */
  readonly params: Local;
  readonly given: (parameter: Parameter) => Local;
}

interface FuncOptions {
  readonly exported?: boolean;
  /** Named values that the function sets again and again. */
  readonly changing?: readonly string[];
}

export class KernelModule {
  readonly module = new ModuleBuilder();
  readonly #math: readonly MathImport[];
  #scratch: GlobalRef | undefined;
  private readonly functions: ReadonlyMap<MathImport, FuncRef>;

  constructor(private readonly kernel: Kernel, roots: readonly Expr[], private readonly written: ReadonlySet<number>) {
    this.module.importMemory('env', 'memory', { min: 1, max: 65536, shared: true });
    this.#math = mathNeeded(roots);
    this.functions = new Map(this.#math.map((name) => [name, this.module.importFunction('math', name, signatureOf(name))]));
  }

  /** The address of memory that is this thread's own (memory.ts). */
  scratch(): GlobalRef {
    this.#scratch ??= this.module.importGlobal('env', 'scratch');
    return this.#scratch;
  }

  get built(): BuiltModule {
    return { module: this.module, math: this.#math };
  }

  /** A function of the parameter block's address and `parameters`. */
  func(
    name: string, parameters: readonly Parameter[], build: (scene: Scene) => void, { exported = false, changing = [] }: FuncOptions = {},
  ): FuncRef {
    const typed = parameters.map((p): [string, ValType] => [p.name, 'op' in p ? valTypeOf(p.dtype) : p.type]);
    const { kernel, functions, written } = this;
    return this.module.func(name, Object.fromEntries<ValType>([['params', 'i32'], ...typed]), [], (f) => {
      const start = f.hole();
      const root = new Scope('function', undefined, undefined);
      const context: OpContext = {
        f,
        fma: kernel.numeric.fma,
        callMath: (which) => {
          const found = functions.get(which);
          if (found === undefined) throw new Error(`math.${which} was not imported`);
          f.call(found);
        },
      };
      const place = leafPlaces(kernel.args.length, kernel.syms);
      const scalar = new Scalar({
        ...context, start, root, params: f.param(0), parameter: (leaf) => place.get(leaf), written, changing: new Set(changing),
      });
      const given = (p: Parameter): Local => f.param(1 + parameters.indexOf(p));
      parameters.forEach((p) => { if ('op' in p) root.define(p, given(p)); });
      build({ f, scalar, root, context, kernel, params: f.param(0), given });
    }, exported);
  }
}

/** Where base addresses and dims stand in the parameter block (see emitter.ts). */
function leafPlaces(args: number, syms: readonly Sym[]): ReadonlyMap<Expr, number> {
  const places = new Map<Expr, number>();
  for (let slot = 0; slot < args; slot++) places.set(argBase(slot), 4 * slot);
  syms.forEach((sym, i) => places.set(sym, 4 * (args + i)));
  return places;
}
