/** The short runs of graph and file fuzzing; scripts/fuzz.mjs runs more (docs/fuzzing.md). A failure names its seed. */
import { describe, expect, it } from 'vitest';
import { Choices } from '../../jit/fuzz/choices.ts';
import { cpu } from '../../jit/fuzz/devices.ts';
import { fuzzBytes } from './bytes.ts';
import { fuzzGraph } from './graphs.ts';

describe('random models', { timeout: 120_000 }, () => {
  it('compute the same with any set of passes, any panel and any schedules', async () => {
    const found: string[] = [];
    for (let seed = 1; seed <= 25; seed++) {
      const { failure } = await fuzzGraph(new Choices(seed), { cpu: (panel) => cpu({ fma: seed % 2 === 0, panel, maxBytes: 2 ** 26 }) });
      if (failure !== undefined) found.push(`seed ${seed}: ${failure.what}\n${failure.text}`);
    }
    expect(found).toEqual([]);
  });
  it('when damaged, end in a result or in an error that says what is wrong', async () => {
    const found: string[] = [];
    for (let seed = 1; seed <= 300; seed++) {
      const { failure } = await fuzzBytes(new Choices(seed));
      if (failure !== undefined) found.push(`seed ${seed}: ${failure.what}`);
    }
    expect(found).toEqual([]);
  });
});
