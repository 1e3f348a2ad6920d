/** Pieces of quantised models for the graph fuzzer: a value through 8 bits and back, and products of bytes in the place of products of floats. */
import type { AttributeLiteral } from '../load/testing/build-model.ts';
import type { Dim, GraphMaker, Value } from './graph-maker.ts';

const scale = 0.03125;

export function quantise(g: GraphMaker): void {
  const x = g.float((v) => v.dtype === 'float32');
  if (x === undefined) return;
  const [step, zero] = [g.scalar(scale, 'float32'), g.scalar(128, 'uint8')];
  const q = g.emit('QuantizeLinear', [x, step, zero], x.dims, 'uint8');
  if (q !== undefined) g.emit('DequantizeLinear', [q, step, zero], x.dims, 'float32');
}

/** `shape`: of the weights; `dims`: of the result, which is made real again by a small factor. */
export function productOfBytes(
  g: GraphMaker, op: 'ConvInteger' | 'MatMulInteger', x: Value, shape: readonly number[], dims: readonly Dim[],
  attributes: Readonly<Record<string, AttributeLiteral>> = {},
): void {
  const zero = g.c.pick([128, 0, 3]);
  const [point, weights] = [g.scalar(zero, 'uint8'), g.name()];
  g.initializers[weights] = g.seeded.integers('int8', shape, -128, 128);
  const q = g.emit('QuantizeLinear', [x, g.scalar(scale, 'float32'), g.scalar(128, 'uint8')], x.dims, 'uint8');
  const sum = q && g.emit(op, [q, weights, ...(g.c.chance(70) ? [point] : [])], dims, 'int32', attributes);
  const real = sum && g.emit('Cast', [sum], dims, 'float32', { to: 1 });
  if (real !== undefined) g.emit('Mul', [real, g.scalar(2 ** -14, 'float32')], dims, 'float32');
}
