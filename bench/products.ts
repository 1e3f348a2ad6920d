/** Models of one f32 MatMul with a constant right side, made here so that all that is compared is given the same file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uniform } from '../cli/page/fill.ts';
import { floats, model, node } from '../engine/load/testing/build-model.ts';

/** Where benchmarks leave what they make. */
export const folder = join(tmpdir(), 'quern-bench');

/** Writes the model of [m, k] times [k, n] and answers with its path. */
export function productFile(m: number, k: number, n: number): string {
  const random = uniform(1);
  const weights = Array.from({ length: k * n }, () => random() - 0.5);
  const path = join(folder, `matmul_${String(m)}x${String(k)}x${String(n)}.onnx`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, model({
    opset: 17,
    inputs: { a: `float32[${String(m)}, ${String(k)}]` },
    outputs: { y: `float32[${String(m)}, ${String(n)}]` },
    initializers: { b: floats([k, n], weights) },
    nodes: [node('MatMul', ['a', 'b'], 'y')],
  }));
  return path;
}
