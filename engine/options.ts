/**
 * Options of `load`, `run`, `tune` and `support`: what a caller may say, what each value must be, and what it means when left out. Unknown
 * options are errors, not typos that do nothing.
 */
import { QuernError } from './errors.ts';
import type { Progress } from './runtime/model.ts';
import type { Source } from './source.ts';

/** What `load` takes besides the model. Unknown names and impossible values reject with `invalid-option`. */
export interface LoadOptions {
  /** Where the model runs. 'auto' (the default) measures and chooses; `report()` says why. */
  readonly device?: 'auto' | 'webgpu' | 'wasm';
  /** Threads of the CPU. 'auto' (the default) takes as many as help; more than one needs a cross-origin isolated page. */
  readonly threads?: number | 'auto';
  /**
   * 'fast' lets kernels round more coarsely where the device gains by it: on the CPU, convolutions of 3x3 taps over 16 channels and more, of sizes
   * known while compiling (passes/winograd.ts). Errors stay within some 3 times those of 'exact'. Default 'exact'.
   */
  readonly precision?: 'exact' | 'fast';
  /** When kernels are measured: between runs (the default), before `load` resolves, or not at all unless `tune()` is called. */
  readonly tune?: 'background' | 'blocking' | 'off';
  /** Milliseconds that tuning may take in all. Default 5000. */
  readonly tuneBudgetMs?: number;
  /**
   * Whether things are kept for the next visit: measurements in IndexedDB, model files that come over HTTP (with an ETag or Last-Modified, and
   * without no-store) in the origin's private file system. Default true.
   */
  readonly cache?: boolean;
  /** Values for symbolic dims, fixed at load: the model is compiled for them alone. */
  readonly dims?: Readonly<Record<string, number>>;
  /** Files that the model names, by the name it uses; those that are not given are looked for next to the model. */
  readonly externalData?: Readonly<Record<string, Source>>;
  /** A hosted dist/quern.worker.js, for pages whose policy forbids Blob workers. Same origin. */
  readonly workerUrl?: string | URL;
  /** The most memory in bytes that the model may need; more is `model-too-large`, before the download where the size is known. */
  readonly maxBytes?: number;
  /** The most steps of a loop in the model; a run in which one goes on fails with `too-many-iterations`. Default 1,000,000. */
  readonly maxIterations?: number;
  /** Ends loading with `aborted`. */
  readonly signal?: AbortSignal;
  /** Called as loading goes on; phases overlap. What it throws is reported as an uncaught error of the page. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface SupportOptions {
  /** Values for symbolic dims, for the estimate of memory; 1 where not given. */
  readonly dims?: Readonly<Record<string, number>>;
  /** As for `load`. */
  readonly workerUrl?: string | URL;
  readonly signal?: AbortSignal;
}

export interface RunOptions {
  /** Outputs to compute; all if left out. */
  readonly outputs?: readonly string[];
  /** Outputs that stay on the device, as names in which `*` stands for any text. */
  readonly keep?: readonly string[];
  /** Ends the run with `aborted`; the session stays usable. */
  readonly signal?: AbortSignal;
}

export interface TuneOptions {
  /** Milliseconds it may take; if left out, as long as there is something to measure. */
  readonly budgetMs?: number;
  /** Measures every candidate to the end: a reference for the tuner, not for use. */
  readonly exhaustive?: boolean;
  /** Stops early with `aborted`; what was measured is kept. */
  readonly signal?: AbortSignal;
  /** One call for each candidate; `detail` is JSON: its kernel, schedule, verdict, nanoseconds, whether it is the fallback. */
  readonly onProgress?: (progress: Progress) => void;
}

/** The options that travel to the worker, filled in. */
export type ResolvedOptions =
  & Required<Pick<LoadOptions, 'device' | 'threads' | 'precision' | 'tune' | 'tuneBudgetMs' | 'cache' | 'dims' | 'maxIterations'>>
  & { readonly maxBytes: number | undefined };

interface Rule {
  readonly fits: (value: unknown) => boolean;
  readonly expected: string;
}

const oneOf = (...values: readonly unknown[]): Rule => ({ fits: (v) => values.includes(v), expected: values.join(', ') });
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const whole = (value: unknown, least: number): boolean => Number.isInteger(value) && (value as number) >= least;
const positive: Rule = { fits: (v) => typeof v === 'number' && v > 0, expected: 'a number above 0' };
const flag = oneOf(true, false);
const names: Rule = { fits: Array.isArray, expected: 'an array of names' };
const sizes: Rule = { fits: (v) => isObject(v) && Object.values(v).every((size) => whole(size, 0)), expected: 'whole numbers from 0, by symbol' };
const address: Rule = { fits: (v) => typeof v === 'string' || v instanceof URL, expected: 'a URL' };
const ending = { signal: { fits: (v: unknown) => v instanceof AbortSignal, expected: 'an AbortSignal' } };
const reporting = { ...ending, onProgress: { fits: (v: unknown) => typeof v === 'function', expected: 'a function' } };

const rules = {
  load: {
    device: oneOf('auto', 'webgpu', 'wasm'),
    threads: { fits: (v) => v === 'auto' || whole(v, 1), expected: "'auto' or a whole number above 0" },
    precision: oneOf('exact', 'fast'),
    tune: oneOf('background', 'blocking', 'off'),
    tuneBudgetMs: positive,
    cache: flag,
    dims: sizes,
    externalData: { fits: isObject, expected: 'sources by the name that the model uses' },
    workerUrl: address,
    maxBytes: positive,
    maxIterations: { fits: (v) => whole(v, 1), expected: 'a whole number above 0' },
    ...reporting,
  },
  support: { dims: sizes, workerUrl: address, ...ending },
  run: { outputs: names, keep: names, ...ending },
  tune: { budgetMs: positive, exhaustive: flag, ...reporting },
} satisfies Record<string, Record<string, Rule>>;

/** Throws `invalid-option`. Options that are undefined count as left out. */
export function checkOptions(of: keyof typeof rules, given: object): void {
  const known: Readonly<Record<string, Rule>> = rules[of];
  const list = Object.keys(known).join(', ');
  if (!isObject(given)) throw new QuernError('invalid-option', `${of} takes its options as an object`, { expected: list, got: shown(given) });
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(known, name) ? known[name] : undefined;
    if (rule === undefined) throw new QuernError('invalid-option', `${of} has no option '${name}'`, { expected: list, got: name });
    if (value !== undefined && !rule.fits(value)) {
      throw new QuernError('invalid-option', `option '${name}' has no such value`, { expected: rule.expected, got: shown(value) });
    }
  }
}

/** Fills in defaults. */
export function resolveOptions(given: LoadOptions): ResolvedOptions {
  checkOptions('load', given);
  const { device = 'auto', threads = 'auto', precision = 'exact', tune = 'background', tuneBudgetMs = 5000, cache = true, dims = {}, maxIterations = 1e6, maxBytes } = given;
  return { device, threads, precision, tune, tuneBudgetMs, cache, dims, maxIterations, maxBytes };
}

const shown = (value: unknown): string =>
  isObject(value) ? `{ ${Object.entries(value).map(([name, entry]) => `${name}: ${String(entry)}`).join(', ')} }` : String(value);
