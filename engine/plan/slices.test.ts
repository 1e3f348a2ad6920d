/** Concatenations of which convolutions store their own part. */
import { expect, it } from 'vitest';
import { viewAs } from '../../jit/expr/dtype.ts';
import { cpu } from '../../jit/fuzz/devices.ts';
import { f32 } from '../testing/control-cases.ts';
import { noise } from '../testing/graphs.ts';
import { runOn } from '../testing/run-control.ts';

const shape = [2, 4, 5, 9];

/** 3, 7 and 2 channels beside the input's 4: elements of the outputs, and how many kernels write what is joined. */
async function run(outputs: readonly string[]): Promise<{ readonly values: Record<string, number[]>; readonly writers: number }> {
  const found = { values: {} as Record<string, number[]>, writers: 0 };
  await runOn({ main: await cpu({ fma: false, panel: 8, maxBytes: 2 ** 26 }) }, {
    inputs: { x: shape }, weights: { w3: [3, 4, 3, 3], w7: [7, 4, 1, 1], w2: [2, 4, 1, 1], w1: [5, 16, 1, 1] }, outputs: [...outputs],
    nodes: [
      ['Conv', 'x w3', 'a', { pads: [1, 1, 1, 1] }], ['Conv', 'x w7', 'b'], ['Relu', 'b', 'c'], ['Conv', 'x w2', 'd'],
      ['Neg', 'd', 'elsewhere'], ['Concat', 'a c x d', 'joined', { axis: 1 }], ['Conv', 'joined w1', 'y'],
    ],
  }, async (go, { plan }) => {
    const results = await go({ x: f32(shape, [...noise(shape, 'x')].map(Number)) });
    for (const [name, t] of Object.entries(results)) if (t.kind === 'bytes') found.values[name] = Array.from(viewAs(t.dtype, t.bytes), Number);
    const steps = plan.segments.flatMap((s) => s.steps);
    const joined = steps.find((s) => s.origins.some((o) => o.op === 'Concat'))?.args.at(-1);
    found.writers = steps.filter((s) => s.args.at(-1) === joined).length;
  });
  return found;
}

it('convolutions that only the concatenation reads store their channels in it; an input and what others read too are copied', async () => {
  const [whole, pieces] = [await run(['y', 'elsewhere']), await run(['a', 'c', 'd', 'joined', 'y', 'elsewhere'])];
  expect(whole.values['y']).toEqual(pieces.values['y']);
  expect(whole.values['elsewhere']).toEqual(pieces.values['elsewhere']);
  expect(whole.writers).toBe(4);
  expect(pieces.writers).toBe(1);
});

it('what a concatenation reads twice is copied', async () => {
  const weights = { w: [3, 4, 1, 1], v: [5, 6, 1, 1] };
  const results: Record<string, number[]> = {};
  for (const outputs of [['z'], ['z', 'a']]) {
    await runOn({ main: await cpu({ fma: false, panel: 8, maxBytes: 2 ** 26 }) }, {
      inputs: { x: shape }, weights, outputs, nodes: [['Conv', 'x w', 'a'], ['Concat', 'a a', 'twice', { axis: 1 }], ['Conv', 'twice v', 'z']],
    }, async (go) => {
      const { z } = await go({ x: f32(shape, [...noise(shape, 'x')].map(Number)) });
      results[outputs.join()] = z?.kind === 'bytes' ? Array.from(viewAs('float32', z.bytes), Number) : [];
    });
  }
  expect(results['z']).toEqual(results['z,a']);
});
