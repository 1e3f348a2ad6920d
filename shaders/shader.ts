/**
 * What a `.wgsl` file of this folder is as a module: its functions with their types and texts, its module-scope declarations. The
 * Vite plugin (plugin.ts) makes these values by reflection and the declarations `*.d.wgsl.ts` beside the files.
 */

export interface ShaderFunction<Parameters extends readonly string[] = readonly string[], Result extends string = string> {
  /** WGSL types of the parameters, in order. */
  readonly parameters: Parameters;
  readonly result: Result;
  /** Functions and declarations that the text mentions, of this file or another. */
  readonly uses: readonly string[];
  /** The function without comments. */
  readonly source: string;
}

/** A constant, which an emitter may give another value, or a variable in workgroup memory. */
export interface ShaderDeclaration {
  readonly kind: 'const' | 'workgroup';
  readonly type: string;
  readonly uses: readonly string[];
  readonly source: string;
}

export interface ShaderFile<
  Functions extends Readonly<Record<string, ShaderFunction>> = Readonly<Record<string, ShaderFunction>>,
  Declarations extends Readonly<Record<string, ShaderDeclaration>> = Readonly<Record<string, ShaderDeclaration>>,
> {
  /** WGSL extensions that the file enables, such as subgroups. */
  readonly enables: readonly string[];
  readonly functions: Functions;
  readonly declarations: Declarations;
}
