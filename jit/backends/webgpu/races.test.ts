import { describe, expect, it } from 'vitest';
import { detectRaces } from 'wgsl_reflect/wgsl_reflect.module.js';
import type { DeviceProfile } from '../../device.ts';
import { div, load, ref, sub, unary, variable } from '../../expr/expr.ts';
import { type Body, makeKernel } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import { arg, out } from '../conformance-kit.ts';
import { emitCode } from './index.ts';

const profile: DeviceProfile = {
  kind: 'webgpu', fingerprint: 'races', threads: 1, fma: true, panel: 0, vectorRegisters: 0, features: [],
  limits: { maxComputeWorkgroupStorageSize: 16384 }, peakFlops: 0, peakBytes: 0,
};

function races(body: Body, args: Parameters<typeof makeKernel>[1], schedule: Schedule, broken = false): string[] {
  const { kernel } = makeKernel(body, args, { fma: false, precision: 'exact' });
  const code = emitCode(kernel, schedule, profile).source();
  const buffers = Object.fromEntries(kernel.args.map((a, i) => [i, new Float32Array(a.shape.reduce((n, d) => n * (d.op === 'const' ? Number(d.value) : 1), 1)).fill(1)]));
  const found = detectRaces(broken ? code.replaceAll('workgroupBarrier();', '') : code, 'main', [1, 1, 1], { 0: buffers });
  return [...found.errors, ...found.races.map((r) => r.message)];
}

const [m, n, k] = [variable('m', 32), variable('n', 32), variable('k', 32)];
const product: Body = {
  kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]), rhs: load(1, 'float32', [k, n]),
  store: { tensor: 2, index: [m, n], value: ref('acc', 'float32') },
};
const productArgs = [arg('float32', [32, 32]), arg('float32', [32, 32]), out('float32', [32, 32])];
const [one, deep] = [variable('m', 1), variable('k', 128)];
const split: Body = {
  kind: 'contraction', batch: [], rows: [one], cols: [n], depth: [deep], lhs: load(0, 'float32', [one, deep]), rhs: load(1, 'float32', [deep, n]),
  store: { tensor: 2, index: [one, n], value: ref('acc', 'float32') },
};
const splitArgs = [arg('float32', [1, 128]), arg('float32', [128, 32]), out('float32', [1, 32])];
const [r, c] = [variable('r', 4), variable('c', 48)];
const x = load(0, 'float32', [r, c]);
const e = unary('exp', sub(x, ref('m', 'float32')));
const softmax: Body = {
  kind: 'rows', axes: [r], inner: [c], each: true, scans: [{ name: 'm', op: 'max', value: x }, { name: 's', op: 'sum', value: e }],
  store: { tensor: 1, index: [r, c], value: div(e, ref('s', 'float32')) },
};
const softmaxArgs = [arg('float32', [4, 48]), out('float32', [4, 48])];

describe('no two invocations race in', () => {
  it('a product through workgroup memory', () => expect(races(product, productArgs, { tile: 44, wx: 8, ks: 1, shared: 1 })).toEqual([]));
  it('a split sum', () => expect(races(split, splitArgs, { tile: 14, wx: 8, ks: 8, shared: 0 })).toEqual([]));
  it('softmax with shared rows', () => expect(races(softmax, softmaxArgs, { lanes: 16, vec: 1, sub: 0 })).toEqual([]));
});

describe('without barriers the detector finds races in', () => {
  it('a product through workgroup memory', () => expect(races(product, productArgs, { tile: 44, wx: 8, ks: 1, shared: 1 }, true)).not.toEqual([]));
  it('a split sum', () => expect(races(split, splitArgs, { tile: 14, wx: 8, ks: 8, shared: 0 }, true)).not.toEqual([]));
});
