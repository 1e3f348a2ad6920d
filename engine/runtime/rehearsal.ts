/**
 * Plans and emits small networks of the usual operators, and throws the kernels away. A browser reads and compiles our functions as they are first
 * called, some 100 ms of a first visit: better done while the model is on its way. In: the device for which kernels would be emitted. Out: an
 * iterator; each turn is a stage of planning or a kernel, at most some 30 ms.
 */
import type { DeviceProfile } from '../../jit/device.ts';
import { emitKernel, spaceOf } from '../../jit/backends/wasm/registry.ts';
import { int } from '../../jit/expr/expr.ts';
import { type Attribute, Constant, type Graph, type Node } from '../graph/graph.ts';
import { planning } from './compile-model.ts';

/** The first takes some 300 ms on a slow machine, the third 150; later ones leave a model as fast. */
const rounds = 3;

/** A line a node: operator, inputs, output, attributes. Inputs are values (a letter), weights of dims (`w16,3,3,3`), integers (`i0,-1`). */
const picture = `
Conv x w16,3,3,3 w16 a pads=1,1,1,1 strides=2,2
Relu a b
Conv b w16,1,3,3 w16 c group=16 pads=1,1,1,1
HardSwish c d
Conv d w16,16,1,1 w16 e
Add e b f
Conv f w16,1,3,3 w16 g group=16 pads=1,1,1,1 strides=2,2
Relu g h
MaxPool h i kernel_shape=2,2 strides=2,2
Conv i w8,16,3,3 w8 j pads=1,1,1,1
Sigmoid j k
Concat j k l axis=1
Transpose l m perm=0,2,3,1
Reshape m i1,-1,2 n
Softmax n y axis=-1`;

const text = `
Reshape x i1,-1,32 a
MatMul a w32,32 b
Add b w32 c
Reshape c i0,0,4,8 d
Transpose d e perm=0,2,1,3
Transpose d f perm=0,2,3,1
MatMul e f g
Softmax g h axis=-1
MatMul h e i
Transpose i j perm=0,2,1,3
Reshape j i0,0,32 k
Add k a l
LayerNormalization l w32 w32 m axis=-1
Erf m n
ReduceMean n o axes=1
Reshape o i1,32 p
Gemm p w32,16 w16 y`;

export function* rehearsal(profile: DeviceProfile, emit = emitKernel): Generator<void> {
  const main = { profile, space: (kernel: Parameters<typeof spaceOf>[0]) => spaceOf(kernel, profile) };
  for (let round = 0; round < rounds; round++) {
    // Of other sizes each time, or there would be little to do: expressions and what is proved of them are remembered.
    const size = 16 + 4 * round;
    for (const graph of [graphOf(picture, [1, 3, size, size]), graphOf(text, [size * 2, 48])]) {
      const plan = yield* planning(graph, { main }, { precision: 'exact', dims: {} });
      const kernels = [...plan.setup, ...plan.segments.flatMap((s) => s.steps)].map((step) => step.kernel);
      for (const kernel of new Set(kernels)) {
        yield;
        const space = main.space(kernel);
        if ('fallback' in space) emit(kernel, space.fallback, profile);
      }
    }
  }
}

function graphOf(lines: string, input: readonly number[]): Graph {
  const constants = new Map<string, Constant>();
  const numbers = (words: string): number[] => words.split(',').filter(Boolean).map(Number);
  const value = (word: string): string => {
    const dims = numbers(word.slice(1));
    if (dims.length > 0) constants.set(word, word.startsWith('w') ? weight(dims) : integers(dims));
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
    inputs: [{ name: 'x', type: { dtype: 'float32', shape: input.map((d) => int(d)) } }],
  };
}

const integers = (list: readonly number[]): Constant =>
  new Constant('int64', [list.length], new Uint8Array(BigInt64Array.from(list, BigInt).buffer));

/** Of any elements, but different ones: what is the same everywhere is folded. */
const weight = (dims: readonly number[]): Constant =>
  new Constant('float32', dims, new Uint8Array(4 * dims.reduce((a, b) => a * b, 1)).map((_, i) => i));
