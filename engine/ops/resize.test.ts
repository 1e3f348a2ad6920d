import { expect, it } from 'vitest';
import { cpu } from '../../jit/fuzz/devices.ts';
import { viewAs } from '../../jit/expr/dtype.ts';
import { f32 } from '../testing/control-cases.ts';
import { runOn } from '../testing/run-control.ts';

const r = Math.fround;

/** What onnxruntime's bilinear interpolation to twice the size gives, each step rounded to float32. */
function twice(x: readonly number[], [height, width]: readonly [number, number]): number[] {
  const axis = (size: number) => Array.from({ length: 2 * size }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) / 2 - 0.5, 0), size - 1);
    const low = Math.floor(at);
    return low === size - 1 ? { low, high: low, before: 0.5, after: 0.5 } : { low, high: low + 1, before: 1 - (at - low), after: at - low };
  });
  const value = (row: number, column: number): number => x[row * width + column] ?? NaN;
  return axis(height).flatMap((y) => axis(width).map((p) => {
    const corners: [number, number][] = [
      [r(p.before * y.before), value(y.low, p.low)], [r(p.after * y.before), value(y.low, p.high)],
      [r(p.before * y.after), value(y.high, p.low)], [r(p.after * y.after), value(y.high, p.high)],
    ];
    return corners.map(([w, v]) => r(w * v)).reduce((a, b) => r(a + b));
  }));
}

it('linear Resize rounds as onnxruntime does, borders included', async () => {
  const x = Array.from({ length: 35 }, (_, i) => r(Math.sin(37 * i) * 3));
  await runOn({ main: await cpu({ fma: false, maxBytes: 2 ** 26 }) }, {
    inputs: { x: [1, 1, 5, 7] }, outputs: ['y'], floats: { scales: [1, 1, 2, 2] }, nodes: [['Resize', 'x _ scales', 'y', { mode: 'linear' }]],
  }, async (run) => {
    const { y } = await run({ x: f32([1, 1, 5, 7], x) });
    expect(y?.kind === 'bytes' ? [...viewAs('float32', y.bytes) as Float32Array] : []).toEqual(twice(x, [5, 7]));
  });
});
