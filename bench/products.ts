/** Models of one f32 MatMul with a constant right side, made here so that all that is compared is given the same file. */
import { uniform } from '../cli/page/fill.ts';
import { floats, model, node } from '../engine/load/testing/build-model.ts';

export function productModel(m: number, k: number, n: number): Uint8Array {
  const random = uniform(1);
  const weights = Array.from({ length: k * n }, () => random() - 0.5);
  return model({
    opset: 17,
    inputs: { a: `float32[${String(m)}, ${String(k)}]` },
    outputs: { y: `float32[${String(m)}, ${String(n)}]` },
    initializers: { b: floats([k, n], weights) },
    nodes: [node('MatMul', ['a', 'b'], 'y')],
  });
}
