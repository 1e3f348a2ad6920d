/** Lint: strict typed rules, and the house rules that a linter can hold (import direction, names, sizes, no ONNX in jit/, no WGSL in engine/). */
import { defineConfig, globalIgnores } from 'eslint/config';
import imports from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { fileName, headerComment, words } from './scripts/lint-rules.mjs';

/** Folders that each folder may not import from; the way is demo, react, cli, e2e, bench → engine → jit → shaders; bench drives cli. */
const outer = ['demo', 'react', 'cli', 'e2e', 'bench'];
const stages = ['graph', 'ops', 'passes', 'plan', 'runtime'];
const zones = [
  ...outer.map((folder) => ({
    target: `./${folder}`,
    from: outer.filter((other) => other !== folder && !(folder === 'bench' && other === 'cli')).map((other) => `./${other}`),
  })),
  { target: './engine', from: outer.map((folder) => `./${folder}`) },
  { target: './jit', from: [...outer, 'engine'].map((folder) => `./${folder}`) },
  { target: './shaders', from: [...outer, 'engine', 'jit'].map((folder) => `./${folder}`) },
  // Inside engine: each stage knows those before it.
  ...stages.map((stage, i) => ({ target: `./engine/${stage}`, from: stages.slice(i + 1).map((later) => `./engine/${later}`) })),
].filter((zone) => zone.from.length > 0);

const tests = ['**/*.test.ts', '**/*.test.tsx', '**/testing/**', '**/fuzz/**', '**/conformance*.ts', 'e2e/**'];

export default defineConfig(
  globalIgnores([
    'dist/',
    'node_modules/',
    '.material/',
    '.zoo/',
    '.cache/',
    '.peers/',
    'test-results/',
    'demo/train/',
    'examples/',
    '**/*.d.wgsl.ts',
  ]),
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': imports, quern: { rules: { 'file-name': fileName, 'header-comment': headerComment, words } } },
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
    settings: { 'import-x/resolver': { node: { extensions: ['.ts', '.tsx', '.mjs', '.js'] } } },
    rules: {
      'max-lines': ['error', 420],
      'max-len': ['error', { code: 150, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      eqeqeq: 'error',
      'no-restricted-globals': ['error', { name: 'name', message: "the window's name is never what is meant" }],
      'import-x/no-restricted-paths': ['error', { zones, basePath: import.meta.dirname }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-duplicates': ['error', { considerQueryString: true }],
      'quern/file-name': 'error',
      'quern/header-comment': 'error',
      // Numbers in messages are what they are for.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `return fail(...)` and `(f) => f.end()` say it in the shortest way; what is void is checked where it is used.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A constant condition on a closed union is checked by `satisfies never`.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Code of one kind for many dtypes indexes with numbers it has just made; `!` is for those alone.
      '@typescript-eslint/no-non-null-assertion': 'error',
      // `Record<string, T>` says that keys are data; deleting one is what a map would do.
      '@typescript-eslint/no-dynamic-delete': 'off',
    },
  },
  {
    files: ['jit/**/*.ts'],
    rules: { 'quern/words': ['error', { words: ['onnx'], why: 'jit/ knows kernels, not models' }] },
  },
  {
    files: ['engine/**/*.ts'],
    ignores: tests,
    rules: { 'quern/words': ['error', { words: ['wgsl', 'opcode'], why: 'engine/ knows devices, not their code' }] },
  },
  {
    files: tests,
    rules: {
      'max-lines': 'off',
      'quern/header-comment': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    plugins: { quern: { rules: { 'file-name': fileName } } },
    rules: { 'quern/file-name': 'error', eqeqeq: 'error', 'no-unused-vars': 'error' },
  },
);
