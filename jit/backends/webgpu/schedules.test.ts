/** Kernels that reach schedules which the conformance suite's small ones do not: split sums, wide tiles, packed words, in-place stores. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeGpu } from '../../../shaders/node-gpu.ts';
import type { Device } from '../../device.ts';
import { add, binary, cast, constant, floordiv, floormod, load, max, mul, ref, sub, symbol, unary, variable } from '../../expr/expr.ts';
import { type Kernel, makeKernel } from '../../kernel.ts';
import { candidates } from '../../space.ts';
import { type Case, arg, check, out, prepare } from '../conformance-kit.ts';
import { createWebGpuDevice } from './index.ts';

let device: Device;
beforeAll(async () => { device = await createWebGpuDevice({ gpu: await nodeGpu() }); });
afterAll(() => device.dispose());

const acc = ref('acc', 'float32');

function vectorTimesMatrix(name: string, rows: number, depth: number, cols: number, order?: readonly number[]): Case {
  const [m, n, k] = [variable('m', rows), variable('n', cols), variable('k', depth)];
  return {
    name, args: [arg('float32', [rows, depth]), arg('float32', [depth, cols], 'read', order), out('float32', [rows, cols]), arg('float32', [cols])],
    body: {
      kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]), rhs: load(1, 'float32', [k, n]),
      store: { tensor: 2, index: [m, n], value: max(add(acc, load(3, 'float32', [n])), constant(0, 'float32')) },
    },
  };
}

function decoder(): Case {
  const [m, n, k] = [variable('m', 1), variable('n', 24), variable('k', 256)];
  const byte = cast(load(1, 'uint8', [n, floordiv(k, 2)]), 'uint32');
  const bits = binary('and', binary('shr', byte, cast(mul(floormod(k, 2), 4), 'uint32')), constant(15, 'uint32'));
  return {
    name: '4-bit weights, sum split', args: [arg('float32', [1, 256]), arg('uint8', [24, 128]), out('float32', [1, 24]), arg('float32', [24, 8])],
    body: {
      kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]),
      rhs: mul(sub(cast(bits, 'float32'), constant(8, 'float32')), load(3, 'float32', [n, floordiv(k, 32)])),
      store: { tensor: 2, index: [m, n], value: acc },
    },
  };
}

const i = variable('i', 96);
const n = symbol('N', 1);
const j = variable('j', n);
const cases: readonly Case[] = [
  vectorTimesMatrix('a split sum', 1, 300, 40),
  vectorTimesMatrix('a split sum, contiguous along depth', 1, 300, 40, [1, 0]),
  vectorTimesMatrix('a split sum of a few rows', 3, 131, 9),
  vectorTimesMatrix('tiles through workgroup memory that do not divide', 45, 37, 50),
  decoder(),
  { name: 'doubles in place', body: { kind: 'map', axes: [i], store: { tensor: 0, index: [i], value: mul(load(0, 'float32', [i]), 2) } },
    args: [arg('float32', [96], 'readwrite')] },
  { name: 'bytes in place, one by one', body: { kind: 'map', axes: [j], store: { tensor: 0, index: [j], value: add(load(0, 'uint8', [j]), 3) } },
    args: [arg('uint8', [n], 'readwrite')], runs: [{ N: 1 }, { N: 5 }, { N: 130 }] },
  { name: 'halves in place, by words', body: { kind: 'map', axes: [i], store: { tensor: 0, index: [i], value: unary('neg', load(0, 'float16', [i])) } },
    args: [arg('float16', [96], 'readwrite')] },
  { name: 'rows of bytes, summed and written back', body: { kind: 'rows', axes: [variable('r', 5)], inner: [variable('c', 64)], each: true,
    scans: [{ name: 's', op: 'max', value: load(0, 'int8', [variable('r', 5), variable('c', 64)]) }],
    store: { tensor: 0, index: [variable('r', 5), variable('c', 64)], value: binary('sub', load(0, 'int8', [variable('r', 5), variable('c', 64)]), ref('s', 'int8')) } },
  args: [arg('int8', [5, 64], 'readwrite')] },
];

describe('every schedule agrees with the reference on', () => {
  for (const c of cases) it(c.name, async () => { expect((await check(c, device)).failures).toEqual([]); }, 300_000);
});

const kernelOf = (c: Case): Kernel => makeKernel(c.body, c.args, { fma: true, precision: 'exact' }).kernel;
function spaceOf(c: Case): ReturnType<typeof candidates> {
  const space = device.space(kernelOf(c));
  if ('why' in space) throw new Error(space.why);
  return candidates(space);
}

describe('spaces', () => {
  it('split a long sum of one row', () => expect(spaceOf(vectorTimesMatrix('', 1, 4096, 4096)).some((s) => s['ks'] === 16)).toBe(true));
  it('do not split a short one', () => expect(spaceOf(vectorTimesMatrix('', 1, 64, 4096)).every((s) => s['ks'] === 1)).toBe(true));
  it('have workgroup memory for large products', () => expect(spaceOf(vectorTimesMatrix('', 512, 512, 512)).some((s) => s['shared'] === 1)).toBe(true));
  it('have no tile larger than the output', () => expect(spaceOf(vectorTimesMatrix('', 3, 64, 64)).every((s) => (s['tile'] ?? 0) < 40)).toBe(true));
  it('measure no more than some dozens for any number of rows', () => {
    const m = symbol('M', 1);
    const [row, col, k] = [variable('m', m), variable('n', 768), variable('k', 768)];
    const space = spaceOf({
      name: '', args: [arg('float32', [m, 768]), arg('float32', [768, 768]), out('float32', [m, 768])],
      body: { kind: 'contraction', batch: [], rows: [row], cols: [col], depth: [k], lhs: load(0, 'float32', [row, k]), rhs: load(1, 'float32', [k, col]),
        store: { tensor: 2, index: [row, col], value: acc } },
    });
    expect(space.length).toBeLessThanOrEqual(32);
    expect(space.some((s) => s['ks'] !== 1) && space.some((s) => s['tile'] === 84)).toBe(true);
  });
});

describe('a kernel text', () => {
  const sample = vectorTimesMatrix('', 64, 32, 48);
  it('does not depend on what was emitted before', () => {
    const [prepared] = prepare(sample, device);
    if (prepared === undefined) throw new Error('no run');
    const space = device.space(prepared.kernel);
    if ('why' in space) throw new Error(space.why);
    const before = device.emit(prepared.kernel, space.fallback).source();
    const other = vectorTimesMatrix('', 5, 16, 7);
    device.emit(kernelOf(other), spaceOf(other)[0] ?? {});
    expect(device.emit(prepared.kernel, space.fallback).source()).toBe(before);
  });
});
