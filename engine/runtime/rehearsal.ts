/**
 * Plans and emits a small network of the usual operators, and throws the kernels away. A browser reads and compiles our functions as they are first
 * called, some 100 ms of a first visit: better done while the model is on its way. In: the device for which kernels would be emitted. Out: an
 * iterator; each turn is a stage of planning or a kernel, at most some 30 ms.
 */
import type { DeviceProfile } from '../../jit/device.ts';
import { emitKernel, spaceOf } from '../../jit/backends/wasm/registry.ts';
import { int } from '../../jit/expr/expr.ts';
import { type Attribute, Constant, type Graph, type Node } from '../graph/graph.ts';
import { planning } from './compile-model.ts';

/** More of them leave a model as fast. */
const rounds = 3;
/** Begun, by all sessions of a worker together. */
let begun = 0;

/** A line a node: operator, inputs, output, attributes. Inputs are values (a letter) or weights of dims (`w16,3,3,3`). */
const network = `
Conv x w16,3,3,3 w16 a pads=1,1,1,1 strides=2,2
Relu a b
Conv b w16,1,3,3 w16 c group=16 pads=1,1,1,1
Sigmoid c d
Conv d w16,16,1,1 w16 e
Add e b f
Conv f w16,1,3,3 w16 g group=16 pads=1,1,1,1 strides=2,2
Conv g w8,16,3,3 w8 i pads=1,1,1,1
Concat i i k axis=1
Transpose k l perm=0,2,3,1
ReduceMean l m axes=1,2
Flatten m n axis=1
LayerNormalization n w16 w16 o axis=-1
Gemm o w16,32 w32 p
Softmax p y axis=-1`;

export function* rehearsal(profile: DeviceProfile, emit = emitKernel): Generator<void> {
  const main = { profile, space: (kernel: Parameters<typeof spaceOf>[0]) => spaceOf(kernel, profile) };
  while (begun < rounds) {
    // Of other sizes each time, or there would be little to do: expressions and what is proved of them are remembered.
    const size = 16 + 4 * begun++;
    const plan = yield* planning(graphOf(network, size), { main }, { precision: 'exact', dims: {} });
    const kernels = [...plan.setup, ...plan.segments.flatMap((s) => s.steps)].map((step) => step.kernel);
    for (const kernel of new Set(kernels)) {
      yield;
      const space = main.space(kernel);
      if ('fallback' in space) emit(kernel, space.fallback, profile);
    }
  }
}

function graphOf(lines: string, size: number): Graph {
  const constants = new Map<string, Constant>();
  const numbers = (words: string): number[] => words.split(',').filter(Boolean).map(Number);
  const value = (word: string): string => {
    const dims = numbers(word.slice(1));
    if (dims.length > 0) constants.set(word, weight(dims));
    return word;
  };
  const nodes = lines.trim().split('\n').map((line): Node => {
    const words = line.split(' ');
    const attributes = new Map<string, Attribute>();
    const [op = '', ...values] = words.filter((word) => {
      const [name = '', list] = word.split('=');
      if (list !== undefined) attributes.set(name, /axis|group/.test(name) ? { type: 'int', value: Number(list) } : { type: 'ints', value: numbers(list) });
      return list === undefined;
    });
    const output = values.pop() ?? '';
    return { name: output, op, domain: '', inputs: values.map(value), outputs: [output], attributes };
  });
  return {
    name: '', opsets: new Map([['', 17]]), nodes, constants, outputs: [{ name: 'y' }],
    inputs: [{ name: 'x', type: { dtype: 'float32', shape: [1, 3, size, size].map(int) } }],
  };
}

/** Of any elements, but different ones: what is the same everywhere is folded. */
const weight = (dims: readonly number[]): Constant =>
  new Constant('float32', dims, new Uint8Array(4 * dims.reduce((a, b) => a * b, 1)).map((_, i) => i));
