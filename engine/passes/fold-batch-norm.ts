/**
 * BatchNormalization after a convolution goes into its weights: w' = w * s, b' = (b - mean) * s + beta, with s = scale / sqrt(var +
 * epsilon), per output channel. The new weights are written as nodes over constants; planning computes them once, while loading. Applies
 * where all parameters are constants, BatchNormalization has one output and is the convolution's only reader.
 */
import { bytesUnder } from '../../jit/expr/dtype.ts';
import { type Attribute, Constant, type Graph, type Node } from '../graph/graph.ts';
import { isOutput, producers, replaceNodes, users } from '../graph/rewrite.ts';

export function foldBatchNorm(graph: Graph): Graph {
  const readers = users(graph);
  const producer = producers(graph);
  const constants = new Map(graph.constants);
  const replaced = new Map<Node, readonly Node[]>();
  for (const bn of graph.nodes) {
    if (bn.op !== 'BatchNormalization' || bn.domain !== '' || bn.outputs.filter((o) => o !== '').length !== 1) continue;
    const training = bn.attributes.get('training_mode');
    if (training?.type === 'int' && training.value !== 0) continue;
    const [data = '', scale = '', beta = '', mean = '', variance = ''] = bn.inputs;
    const conv = producer.get(data);
    if (conv?.op !== 'Conv' || conv.domain !== '' || readers.get(data)?.length !== 1 || isOutput(graph, data) || replaced.has(conv)) continue;
    const [input = '', weight = '', bias = ''] = conv.inputs;
    const w = constants.get(weight);
    if (w === undefined || w.dtype !== 'float32') continue;
    if (![scale, beta, mean, variance].every((n) => constants.get(n)?.dtype === 'float32')) continue;
    if (bias !== '' && !constants.has(bias)) continue;
    const channels = w.dims[0] ?? 0;
    const names = (part: string): string => `${bn.name}/folded/${part}`;
    const node = (op: string, part: string, inputs: readonly string[]): Node =>
      ({ name: names(part), op, domain: '', inputs, outputs: [names(part)], attributes: new Map<string, Attribute>() });
    const epsilon = bn.attributes.get('epsilon');
    constants.set(names('epsilon'), new Constant('float32', [], bytesUnder(new Float32Array([epsilon?.type === 'float' ? epsilon.value : 1e-5]))));
    const shape = new BigInt64Array([BigInt(channels), ...w.dims.slice(1).map(() => 1n)]);
    constants.set(names('shape'), new Constant('int64', [w.dims.length], bytesUnder(shape)));
    const output = bn.outputs[0] ?? '';
    replaced.set(bn, [
      node('Add', 'var+eps', [variance, names('epsilon')]),
      node('Sqrt', 'deviation', [names('var+eps')]),
      node('Div', 'factor', [scale, names('deviation')]),
      node('Reshape', 'factor-per-channel', [names('factor'), names('shape')]),
      node('Mul', 'weight', [weight, names('factor-per-channel')]),
      ...(bias === '' ? [node('Neg', 'centred', [mean])] : [node('Sub', 'centred', [bias, mean])]),
      node('Mul', 'scaled', [names('centred'), names('factor')]),
      node('Add', 'bias', [names('scaled'), beta]),
      { ...conv, inputs: [input, names('weight'), names('bias')], outputs: [output] },
    ]);
    replaced.set(conv, []);
  }
  if (replaced.size === 0) return graph;
  return replaceNodes({ ...graph, constants }, (n) => replaced.get(n));
}
