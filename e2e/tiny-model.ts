/** The models of the end-to-end tests: small enough to compute by hand. */
import { floats, model, node, tensor, type ModelLiteral } from '../engine/load/testing/build-model.ts';

/** y[n, 2] = relu(x[n, 3] w + b), and that doubled as `twice`. */
export const layer: ModelLiteral = {
  inputs: { x: 'float32[n, 3]' },
  outputs: { y: 'float32[n, 2]', twice: 'float32[n, 2]' },
  initializers: { w: floats([3, 2], [1, -1, 2, -2, 3, -3]), b: floats([2], [0.5, 0.5]) },
  nodes: [
    node('MatMul', ['x', 'w'], 'product'),
    node('Add', ['product', 'b'], 'sum'),
    node('Relu', ['sum'], 'y'),
    node('Add', ['y', 'y'], 'twice'),
  ],
};

/** What `layer` gives for x = [[1, 2, 3], [-1, 0, 0]]. */
export const layerFeed = [1, 2, 3, -1, 0, 0];
export const layerAnswer = [14.5, 0, 0, 1.5];

/** `layer` with w in a file of its own. */
export const externalLayer: ModelLiteral = {
  ...layer,
  initializers: { ...layer.initializers, w: { ...floats([3, 2], [1, -1, 2, -2, 3, -3]), external: { location: 'layer.weights', offset: 0, length: 24 } } },
};

/** A state that a loop carries: next = state + x, y = next. */
export const counter: ModelLiteral = {
  inputs: { x: 'float32[2]', state: 'float32[2]' },
  outputs: { y: 'float32[2]', next: 'float32[2]' },
  nodes: [node('Add', ['state', 'x'], 'next'), node('Identity', ['next'], 'y')],
};

/** y = x + 1 + 1 ..., 2^31 times, or one step less than forever. */
export const endless: ModelLiteral = {
  inputs: { x: 'float32[1]' },
  outputs: { y: 'float32[1]' },
  initializers: { most: tensor('int64', [], [2 ** 31]), one: floats([1], [1]) },
  nodes: [node('Loop', ['most', '', 'x'], 'y', {
    body: { graph: {
      inputs: { i: 'int64[]', go: 'bool[]', v: 'float32[1]' }, outputs: { on: 'bool[]', w: 'float32[1]' },
      nodes: [node('Identity', ['go'], 'on'), node('Add', ['v', 'one'], 'w')],
    } },
  }, { name: 'forever' })],
};

/** An operator of nobody's. */
export const unknownOperator: ModelLiteral = {
  inputs: { x: 'float32[1]' },
  outputs: { y: 'float32[1]' },
  nodes: [node('Frobnicate', ['x'], 'y', {}, { name: 'frob', domain: 'com.example' })],
  opset: { '': 17, 'com.example': 1 },
};

/** A cast to strings (TensorProto.DataType 8). */
export const toStrings: ModelLiteral = {
  inputs: { x: 'float32[1]' },
  outputs: { y: '' },
  nodes: [node('Cast', ['x'], 'y', { to: 8 }, { name: 'cast' })],
};

export { model as tinyModel };
