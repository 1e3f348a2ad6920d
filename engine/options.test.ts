import { describe, expect, it } from 'vitest';
import { checkOptions, resolveOptions } from './options.ts';

const complaint = (of: Parameters<typeof checkOptions>[0], given: unknown): string => {
  try {
    checkOptions(of, given as object);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('options', () => {
  it('are filled in', () => {
    expect(resolveOptions({ device: 'wasm', workerUrl: '/w.js' })).toEqual({
      device: 'wasm', threads: 'auto', precision: 'exact', tune: 'background', tuneBudgetMs: 5000, cache: true, dims: {}, maxIterations: 1_000_000, maxBytes: undefined,
    });
  });

  it('that are undefined count as left out', () => {
    expect(complaint('load', { threads: undefined, signal: undefined })).toBe('');
  });

  it.each([
    ['load', { worker: '/w.js' }, "load has no option 'worker'"],
    ['load', { toString: 1 }, "load has no option 'toString'"],
    ['run', { output: ['y'] }, "run has no option 'output'\n  expected: outputs, keep, signal\n  got: output"],
    ['run', { outputs: 'y' }, "option 'outputs' has no such value\n  expected: an array of names\n  got: y"],
    ['run', { signal: new AbortController() }, "option 'signal' has no such value\n  expected: an AbortSignal\n  got: {  }"],
    ['tune', { budget: 5 }, "tune has no option 'budget'"],
    ['tune', { budgetMs: NaN }, "option 'budgetMs' has no such value\n  expected: a number above 0\n  got: NaN"],
    ['support', { device: 'wasm' }, "support has no option 'device'"],
    ['load', { dims: { n: 1.5 } }, "option 'dims' has no such value\n  expected: whole numbers from 0, by symbol\n  got: { n: 1.5 }"],
    ['load', { device: 'gpu' }, "option 'device' has no such value\n  expected: auto, webgpu, wasm\n  got: gpu"],
    ['load', 'wasm', 'load takes its options as an object'],
    ['load', null, 'load takes its options as an object'],
  ] as const)('%s of %j: %s', (of, given, message) => {
    expect(complaint(of, given)).toContain(message);
  });
});
