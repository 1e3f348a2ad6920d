import { expect, it } from 'vitest';
import { loadGraph } from '../load/load-graph.ts';
import { floats, model, node } from '../load/testing/build-model.ts';
import { shareTransposed } from './share-transposed.ts';

const [rows, columns] = [700, 500];
const matrix = Array.from({ length: rows * columns }, (_, i) => i);
const transposed = Array.from({ length: rows * columns }, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)] ?? 0);

async function shared(head: readonly number[]) {
  const graph = await loadGraph({ kind: 'bytes', bytes: model({
    inputs: { ids: 'int64[2]' }, outputs: { y: '' },
    initializers: { table: floats([rows, columns], matrix), head: floats([columns, rows], [...head]) },
    nodes: [node('Gather', ['table', 'ids'], 'h'), node('MatMul', ['h', 'head'], 'y')],
  }) });
  const { constants, nodes } = shareTransposed(graph);
  const looked = [...graph.constants].filter(([, constant]) => constant.looked).map(([name]) => name);
  return { looked, constants: [...constants.keys()], nodes: nodes.map((n) => `${n.op}(${n.inputs.join()}) -> ${n.outputs.join()}`) };
}

it('a matrix that is another one transposed is computed from it', async () =>
  expect(await shared(transposed)).toEqual({
    looked: ['table', 'head'], constants: ['table'], nodes: ['Transpose(table) -> head', 'Gather(table,ids) -> h', 'MatMul(h,head) -> y'],
  }));

it('one that differs in a single element, which no sample meets, is not', async () =>
  expect((await shared(transposed.map((v, i) => (i === rows + 3 ? -1 : v)))).constants).toEqual(['table', 'head']));

it('one of the same numbers in another order is not', async () => expect((await shared(matrix)).constants).toEqual(['table', 'head']));

it('a plan does not follow from matrices that are not tied', async () => expect((await shared(matrix)).looked).toEqual([]));
