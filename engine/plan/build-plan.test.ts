/** Which device a plan puts a step on, and what the runtime then reads from which. */
import { expect, it } from 'vitest';
import { makeReferenceDevice } from '../../jit/backends/reference/index.ts';
import { cpu } from '../../jit/fuzz/devices.ts';
import { f32, i64 } from '../testing/control-cases.ts';
import { expectValues, runOn } from '../testing/run-control.ts';

it('sizes that follow from feeds alone are computed on the CPU: nothing but results is read from the main device', async () => {
  const main = makeReferenceDevice({ panel: 4 });
  const read = main.read.bind(main);
  let reads = 0;
  main.read = (view, dtype) => { reads++; return read(view, dtype); };
  await runOn({ main, cpu: await cpu({ fma: false, panel: 8, maxBytes: 2 ** 26 }) }, {
    inputs: { x: ['n'], rows: { dtype: 'int64', dims: [1] }, depth: { dtype: 'int64', dims: [] } }, outputs: ['y', 'z'], ints: { rest: [-1], two: [2] }, floats: { values: [0, 1] },
    nodes: [
      ['Mul', 'rows two', 'twice'], ['Concat', 'twice rest', 'shape', { axis: 0 }], ['Neg', 'x', 'negative'], ['Reshape', 'negative shape', 'y'],
      ['Cast', 'x', 'ids', { to: 7 }], ['OneHot', 'ids depth values', 'z'],
    ],
  }, async (run, { plan }) => {
    const got = await run({ x: f32([4], [1, 0, 2, 1]), rows: i64([1], [1]), depth: i64([], [3]) });
    expectValues(got['y'], f32([2, 2], [-1, 0, -2, -1]));
    expectValues(got['z'], f32([4, 3], [0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0]));
    expect([reads, plan.fallbacks]).toEqual([2, []]);
  });
});
