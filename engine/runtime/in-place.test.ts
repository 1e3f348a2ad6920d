/** Packing of weights in their own memory. */
import { describe, expect, it } from 'vitest';
import { createWasmDevice } from '../../jit/backends/wasm/device.ts';
import { floats, model, node } from '../load/testing/build-model.ts';
import { loadGraph } from '../load/load-graph.ts';
import { compileModel } from './compile-model.ts';
import { transposeBlocks } from './in-place.ts';
import { Landing } from './landing.ts';

const known = { peakFlops: 1e10, peakBytes: 1e10 };

describe('packing in place', () => {
  it.each([[1, 1, 4], [3, 5, 8], [7, 2, 64], [12, 30, 16], [96, 40, 64]])('turns %i x %i blocks of %i bytes into their transpose', (rows, columns, size) => {
    const bytes = Uint8Array.from({ length: rows * columns * size }, (_, i) => (i * 31) % 251);
    const expected = new Uint8Array(bytes.length);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) expected.set(bytes.subarray((r * columns + c) * size, (r * columns + c + 1) * size), (c * rows + r) * size);
    }
    transposeBlocks(bytes, { rows, columns, size });
    expect(bytes).toEqual(expected);
  });

  it('holds a weight that is most of the model once, also while it is packed', async () => {
    const main = await createWasmDevice({ threads: 1, maxBytes: 64 * 2 ** 20, known });
    const landing = new Landing(() => Promise.resolve({ devices: { main }, why: 'asked for', isolated: false }));
    const weights = Float32Array.from({ length: 64 * 1024 }, (_, i) => (i % 7) - 3);
    const bytes = model({
      inputs: { x: 'float32[1, 64]' }, outputs: { y: 'float32[1, 1024]' },
      initializers: { w: floats([64, 1024], [...weights]) }, nodes: [node('MatMul', ['x', 'w'], 'y')],
    });
    const before = main.memory().used;
    const graph = await loadGraph({ kind: 'blob', blob: new Blob([bytes as Uint8Array<ArrayBuffer>]) }, {}, { memory: (expected) => landing.expect(expected) });
    const { executor } = compileModel(graph, { main }, { precision: 'exact', dims: {} });
    await executor.residence.prepare(() => undefined, undefined, landing);
    expect(main.memory().peak - before).toBe(weights.byteLength);
    const x = Float32Array.from({ length: 64 }, (_, i) => i % 5);
    const { y } = await executor.run({ feeds: { x: { kind: 'bytes', dtype: 'float32', dims: [1, 64], bytes: new Uint8Array(x.buffer) } } });
    const result = y?.kind === 'bytes' ? new Float32Array(y.bytes.slice().buffer) : [];
    expect([...result]).toEqual(Array.from({ length: 1024 }, (_, n) => x.reduce((sum, v, k) => sum + v * (weights[k * 1024 + n] ?? 0), 0)));
  });
});
