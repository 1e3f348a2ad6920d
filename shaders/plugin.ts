/**
 * Vite plugin: makes `import file from './x.wgsl'` a typed module. Input: the `.wgsl` files of one folder, parsed together with
 * wgsl_reflect, so that calls between files are seen. Output: a ShaderFile value per import, and on the way the declarations
 * `x.d.wgsl.ts` beside the files, so that emitters can only name functions that exist, with the right number of arguments.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Plugin } from 'vite';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import type { ShaderDeclaration, ShaderFile, ShaderFunction } from './shader.ts';

const extension = '.wgsl';
/** `const name = value;` or `var<workgroup> name: type;`, each on one line. */
const declarationLine = /^(const|var<workgroup>)\s+(\w+)(?:\s*:\s*([^=;]+?))?\s*(?:=\s*([^;]+))?;/;
const enableLine = /^enable\s+(\w+);/;

/** Reflects all `.wgsl` texts of a folder at once; keys are file names without extension. */
export function reflectShaders(texts: ReadonlyMap<string, string>): Map<string, ShaderFile> {
  const files = [...texts].map(([name, text]) => ({ name, lines: withoutComments(text).split('\n') }));
  const all = files.flatMap((f) => f.lines.map((line) => (enableLine.test(line) ? '' : line)));
  const reflection = new WgslReflect(all.join('\n'));
  const declared = new Set(reflection.functions.map((f) => f.name));
  for (const line of all) {
    const name = declarationLine.exec(line)?.[2];
    if (name !== undefined) declared.add(name);
  }
  const mentions = (source: string, self: string): string[] =>
    [...new Set(source.match(/\b[A-Za-z_]\w*\b/g))].filter((word) => word !== self && declared.has(word)).sort();

  const made = new Map<string, ShaderFile>();
  let start = 0;
  for (const { name, lines } of files) {
    const [first, end] = [start, start + lines.length];
    start = end;
    const functions: Record<string, ShaderFunction> = {};
    for (const f of reflection.functions.filter((g) => g.startLine > first && g.startLine <= end)) {
      const source = all.slice(f.startLine - 1, f.endLine).join('\n');
      functions[f.name] = {
        parameters: f.arguments.map((a) => a.type.getTypeName()),
        result: f.returnType?.getTypeName() ?? 'void',
        uses: mentions(source, f.name),
        source,
      };
    }
    const declarations: Record<string, ShaderDeclaration> = {};
    for (const line of lines) {
      const [source, kind, id, type, value] = declarationLine.exec(line) ?? [];
      if (source === undefined || id === undefined) continue;
      declarations[id] = {
        kind: kind === 'const' ? 'const' : 'workgroup', type: type ?? (value?.endsWith('u') ? 'u32' : 'i32'), uses: mentions(source, id), source,
      };
    }
    const enables = lines.flatMap((line) => enableLine.exec(line)?.[1] ?? []);
    made.set(name, { enables, functions, declarations });
  }
  return made;
}

const withoutComments = (text: string): string => text.replace(/[ \t]*\/\/[^\n]*/g, '');

/** The TypeScript declaration of a shader file. */
export function declarationOf(name: string, file: ShaderFile): string {
  const tuple = (types: readonly string[]): string => `[${types.map((t) => `'${t}'`).join(', ')}]`;
  return [
    `// Made from ${name}${extension} by shaders/plugin.ts.`,
    "import type { ShaderDeclaration, ShaderFile, ShaderFunction } from './shader.ts';",
    '',
    'declare const file: ShaderFile<{',
    ...Object.entries(file.functions).map(([id, f]) => `  readonly ${id}: ShaderFunction<${tuple(f.parameters)}, '${f.result}'>;`),
    '}, {',
    ...Object.keys(file.declarations).map((id) => `  readonly ${id}: ShaderDeclaration;`),
    '}>;',
    'export default file;',
    '',
  ].join('\n');
}

export const declarationPath = (folder: string, name: string): string => join(folder, `${name}.d${extension}.ts`);

/** All `.wgsl` files of a folder by name, in alphabetical order. */
export function readShaders(folder: string): Map<string, string> {
  const names = readdirSync(folder).filter((f) => f.endsWith(extension)).sort();
  return new Map(names.map((f) => [basename(f, extension), readFileSync(join(folder, f), 'utf8')]));
}

export function shaderPlugin(): Plugin {
  return {
    name: 'quern-shaders',
    load(id) {
      if (!id.endsWith(extension)) return undefined;
      const folder = dirname(id);
      const texts = readShaders(folder);
      for (const name of texts.keys()) this.addWatchFile(join(folder, `${name}${extension}`));
      const files = reflectShaders(texts);
      for (const [name, file] of files) {
        const [path, text] = [declarationPath(folder, name), declarationOf(name, file)];
        if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
      }
      return `export default ${JSON.stringify(files.get(basename(id, extension)))};`;
    },
  };
}
