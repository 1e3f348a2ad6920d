/**
 * Modules of contractions have several functions: `run`, which walks over units of work, and one for each shape of tile, so that the
 * browser's compiler makes only those that are called and replaces slow code by fast between two tiles (V8's first tier cannot leave
 * a running loop). Each function reads arguments and dims from the parameter block itself.
 */
import type { Expr, Sym, Var } from '../../expr/expr.ts';
import type { Kernel } from '../../kernel.ts';
import { type BuiltModule, mathNeeded, signatureOf } from './emitter.ts';
import type { FuncRef, FunctionBuilder, Local } from './function-builder.ts';
import { ModuleBuilder } from './module-builder.ts';
import type { MathImport, OpContext } from './scalar-ops.ts';
import { Scalar, argBase } from './scalar.ts';
import { Scope } from './scope.ts';

/** An open function. */
export interface Scene {
  readonly f: FunctionBuilder;
  readonly scalar: Scalar;
  readonly root: Scope;
  readonly context: OpContext;
  /** The address of the parameter block. */
  readonly params: Local;
  /** The parameter that carries a variable, or any other. */
  readonly given: (parameter: Var | string) => Local;
}

export class KernelModule {
  readonly module = new ModuleBuilder();
  private readonly math: readonly MathImport[];
  private readonly functions: ReadonlyMap<MathImport, FuncRef>;

  constructor(private readonly kernel: Kernel, roots: readonly Expr[], private readonly written: ReadonlySet<number>) {
    this.module.importMemory('env', 'memory', { min: 1, max: 65536, shared: true });
    this.math = mathNeeded(roots);
    this.functions = new Map(this.math.map((name) => [name, this.module.importFunction('math', name, signatureOf(name))]));
  }

  get built(): BuiltModule {
    return { module: this.module, math: this.math };
  }

  /** A function of the parameter block and some i32; those that stand for variables are defined under them. */
  func(
    name: string, parameters: readonly (Var | string)[], build: (scene: Scene) => void,
    { exported = false, changing = [] }: { readonly exported?: boolean; readonly changing?: readonly string[] } = {},
  ): FuncRef {
    const nameOf = (p: Var | string): string => (typeof p === 'string' ? p : p.name);
    const { kernel, functions, written } = this;
    return this.module.func(name, Object.fromEntries([['params', 'i32'], ...parameters.map((p) => [nameOf(p), 'i32'])]), [], (f) => {
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
      const given = (p: Var | string): Local => f.param(1 + parameters.indexOf(p));
      parameters.forEach((p) => { if (typeof p !== 'string') root.define(p, given(p)); });
      build({ f, scalar, root, context, params: f.param(0), given });
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
