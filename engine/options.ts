/** Options of `load`: what a caller may say, and what it means when left out. Unknown options are errors, not typos that do nothing. */
import { QuernError } from './errors.ts';

export interface ResolvedOptions {
  readonly device: 'auto' | 'webgpu' | 'wasm';
  readonly threads: number | 'auto';
  readonly precision: 'exact' | 'fast';
  readonly tune: 'background' | 'blocking' | 'off';
  /** Milliseconds that tuning may take in all. */
  readonly tuneBudgetMs: number;
  readonly cache: boolean;
  /** Values for symbolic dims, fixed at load: the model is compiled for them alone. */
  readonly dims: Readonly<Record<string, number>>;
  /** The most memory the model may need; more is `model-too-large`, before the download where the size is known. */
  readonly maxBytes: number | undefined;
}


const defaults: ResolvedOptions = {
  device: 'auto',
  threads: 'auto',
  precision: 'exact',
  tune: 'background',
  tuneBudgetMs: 5000,
  cache: true,
  dims: {},
  maxBytes: undefined,
};

/** Fills in defaults and checks each option; throws `invalid-option`. */
export function resolveOptions(given: Readonly<Record<string, unknown>>): ResolvedOptions {
  const fail = (name: string, expected: string): never => {
    throw new QuernError('invalid-option', `option '${name}' has no such value`, { expected, got: String(given[name]) });
  };
  for (const name of Object.keys(given)) {
    if (!(name in defaults)) {
      throw new QuernError('invalid-option', `there is no option '${name}'`, { expected: Object.keys(defaults).join(', '), got: name });
    }
  }
  const oneOf = <T extends string>(name: keyof ResolvedOptions, values: readonly T[], otherwise: T): T => {
    const value = given[name];
    if (value === undefined) return otherwise;
    return values.find((v) => v === value) ?? fail(name, values.join(', '));
  };
  const positive = <T>(name: keyof ResolvedOptions, otherwise: T): number | T => {
    const value = given[name];
    if (value === undefined) return otherwise;
    return typeof value === 'number' && value > 0 ? value : fail(name, 'a number above 0');
  };
  const { dims = {}, cache = defaults.cache, threads } = given;
  if (typeof cache !== 'boolean') fail('cache', 'true or false');
  if (typeof dims !== 'object' || dims === null) fail('dims', 'an object of numbers by symbol');
  for (const value of Object.values(dims as object)) {
    if (!Number.isInteger(value) || (value as number) < 0) fail('dims', 'whole numbers from 0');
  }
  if (threads !== undefined && threads !== 'auto' && !(Number.isInteger(threads) && (threads as number) > 0)) {
    fail('threads', "'auto' or a whole number above 0");
  }
  return {
    device: oneOf('device', ['auto', 'webgpu', 'wasm'], defaults.device),
    threads: (threads ?? 'auto') as number | 'auto',
    precision: oneOf('precision', ['exact', 'fast'], defaults.precision),
    tune: oneOf('tune', ['background', 'blocking', 'off'], defaults.tune),
    tuneBudgetMs: positive('tuneBudgetMs', defaults.tuneBudgetMs),
    cache: cache as boolean,
    dims: dims as Record<string, number>,
    maxBytes: positive('maxBytes', undefined),
  };
}
