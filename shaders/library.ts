/**
 * The functions of this folder's `.wgsl` files for emitters. Input: the names a kernel calls, and values for constants. Output: their
 * texts with all they use, each once, in the order of the files; so equal requests give equal bytes.
 */
import integer from './integer.wgsl';
import math from './math.wgsl';
import packing from './packing.wgsl';
import type { ShaderFile, ShaderFunction } from './shader.ts';
import subgroup from './subgroup.wgsl';
import workgroup from './workgroup.wgsl';

type Functions =
  & typeof integer.functions & typeof math.functions & typeof packing.functions & typeof subgroup.functions & typeof workgroup.functions;
type Declarations = typeof subgroup.declarations & typeof workgroup.declarations;

export type FunctionName = keyof Functions;
/** One argument text for each parameter. */
export type ArgumentsOf<Name extends FunctionName> = Texts<Functions[Name]['parameters']>;
type Texts<Types extends readonly string[]> = { readonly [K in keyof Types]: string };
/** Values of module constants that replace those of the file. */
export type Constants = { readonly [Name in keyof Declarations]?: number };

const files: readonly ShaderFile[] = [math, integer, packing, workgroup, subgroup];

export const functionNames: readonly FunctionName[] =
  files.flatMap((f) => Object.keys(f.functions)).filter((name): name is FunctionName => lookup(name) !== undefined);

function lookup(name: string): ShaderFunction | undefined {
  for (const file of files) {
    const found = file.functions[name];
    if (found !== undefined) return found;
  }
  return undefined;
}

export interface Inclusion {
  readonly enables: readonly string[];
  readonly text: string;
}

/** The texts of these functions and of everything they use. */
export function include(names: Iterable<FunctionName>, constants: Constants = {}): Inclusion {
  const wanted = new Set<string>();
  const want = (name: string): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const file of files) (file.functions[name]?.uses ?? file.declarations[name]?.uses ?? []).forEach(want);
  };
  for (const name of names) want(name);
  const values: Readonly<Record<string, number | undefined>> = constants;
  const enables = new Set<string>();
  const declarations = new Map<string, string>();
  const functions: string[] = [];
  for (const file of files) {
    for (const [name, d] of Object.entries(file.declarations)) {
      if (!wanted.has(name)) continue;
      const value = values[name];
      declarations.set(name, d.kind === 'const' && value !== undefined ? `const ${name} = ${value}${d.type === 'u32' ? 'u' : ''};` : d.source);
    }
    for (const [name, f] of Object.entries(file.functions)) {
      if (!wanted.has(name)) continue;
      functions.push(f.source);
      file.enables.forEach((e) => enables.add(e));
    }
  }
  return { enables: [...enables].sort(), text: [...declarations.values(), ...functions].join('\n') };
}
