import { describe, expect, it } from 'vitest';
import type { DeviceProfile } from '../../device.ts';
import type { DType } from '../../expr/dtype.ts';
import { type Expr, add, and, cast, constant, div, ge, int, load, lt, max, mul, ref, select, sub, symbol, unary, variable } from '../../expr/expr.ts';
import { type Arg, type Body, type ContractionBody, makeKernel, stridesOf } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import { emitCode } from './index.ts';

const profile: DeviceProfile = {
  kind: 'webgpu', fingerprint: 'golden', threads: 1, fma: true, panel: 0, vectorRegisters: 0, features: ['subgroups', 'subgroup_id'],
  limits: {
    maxStorageBuffersPerShaderStage: 8, maxStorageBufferBindingSize: 2 ** 27, maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupStorageSize: 16384,
  },
  peakFlops: 0, peakBytes: 0,
};

const arg = (dtype: DType, shape: readonly (number | Expr)[], access: Arg['access'] = 'read', order?: readonly number[]): Arg => {
  const dims = shape.map((d) => (typeof d === 'number' ? int(d) : d));
  return { dtype, shape: dims, strides: stridesOf(dims, order), access };
};

function golden(name: string, body: Body, args: readonly Arg[], schedule: Schedule): void {
  it(name, async () => {
    const { kernel } = makeKernel(body, args, { fma: true, precision: 'exact' });
    const text = emitCode(kernel, schedule, profile).source();
    expect(emitCode(kernel, schedule, profile).source()).toBe(text);
    await expect(text).toMatchFileSnapshot(`__golden__/${name.replaceAll(' ', '-')}.wgsl`);
  });
}

const [S, zero] = [symbol('S', 1), constant(0, 'float32')];
const [r, c] = [variable('r', S), variable('c', 64)];
const x = load(0, 'float32', [r, c]);

describe('WGSL of', () => {
  golden('a gelu with a bias by vectors', {
    kind: 'map', axes: [r, c], store: { tensor: 2, index: [r, c], value: (() => {
      const y = add(x, load(1, 'float32', [c]));
      return mul(mul(y, constant(0.5, 'float32')), add(unary('erf', mul(y, constant(Math.SQRT1_2, 'float32'))), constant(1, 'float32')));
    })() },
  }, [arg('float32', [S, 64]), arg('float32', [64]), arg('float32', [S, 64], 'write')], { wg: 64, per: 1, vec: 4 });

  golden('a transposition by elements', {
    kind: 'map', axes: [c, r], store: { tensor: 1, index: [c, r], value: x },
  }, [arg('float32', [S, 64]), arg('float32', [64, S], 'write')], { wg: 64, per: 2, vec: 1 });

  golden('packed bytes to floats and back', {
    kind: 'map', axes: [c], store: { tensor: 1, index: [c], value: cast(mul(cast(load(0, 'uint8', [c]), 'float32'), 0.5), 'uint8') },
  }, [arg('uint8', [64]), arg('uint8', [64], 'write')], { wg: 64, per: 1, vec: 4 });

  golden('single bytes with atomic stores', {
    kind: 'map', axes: [variable('i', 63)], store: { tensor: 1, index: [variable('i', 63)], value: lt(load(0, 'float16', [variable('i', 63)]), constant(0, 'float16')) },
  }, [arg('float16', [63]), arg('bool', [63], 'write')], { wg: 64, per: 1, vec: 1 });

  const e = unary('exp', sub(x, ref('m', 'float32')));
  const softmax: Body = {
    kind: 'rows', axes: [r], inner: [c], each: true,
    scans: [{ name: 'm', op: 'max', value: x }, { name: 's', op: 'sum', value: e }], store: { tensor: 1, index: [r, c], value: div(e, ref('s', 'float32')) },
  };
  const softmaxArgs = [arg('float32', [S, 64]), arg('float32', [S, 64], 'write')];
  golden('softmax with 16 lanes a row', softmax, softmaxArgs, { lanes: 16, vec: 4, sub: 0 });
  golden('softmax with one lane a row', softmax, softmaxArgs, { lanes: 1, vec: 4, sub: 0 });
  golden('softmax through subgroups', softmax, softmaxArgs, { lanes: 64, vec: 1, sub: 1 });

  const [m, n, k] = [variable('m', 64), variable('n', 32), variable('k', 48)];
  const matmul: ContractionBody = {
    kind: 'contraction', batch: [], rows: [m], cols: [n], depth: [k], lhs: load(0, 'float32', [m, k]), rhs: load(1, 'float32', [k, n]),
    store: { tensor: 2, index: [m, n], value: max(add(ref('acc', 'float32'), load(3, 'float32', [n])), zero) },
  };
  const matmulArgs = [arg('float32', [64, 48]), arg('float32', [48, 32]), arg('float32', [64, 32], 'write'), arg('float32', [32])];
  golden('matmul in registers', matmul, matmulArgs, { tile: 48, wx: 8, ks: 1, shared: 0 });
  golden('matmul through workgroup memory', matmul, matmulArgs, { tile: 44, wx: 8, ks: 1, shared: 1 });

  const [one, w] = [variable('m', 1), variable('k', 256)];
  golden('matrix times vector with a split sum', {
    kind: 'contraction', batch: [], rows: [one], cols: [n], depth: [w], lhs: load(0, 'float32', [one, w]), rhs: load(1, 'float32', [w, n]),
    store: { tensor: 2, index: [one, n], value: ref('acc', 'float32') },
  }, [arg('float32', [1, 256]), arg('float32', [256, 32]), arg('float32', [1, 32], 'write')], { tile: 14, wx: 8, ks: 8, shared: 0 });

  const [y, z, ky, kx, ch, o] = [variable('y', 8), variable('x', 8), variable('ky', 3), variable('kx', 3), variable('c', 16), variable('o', 8)];
  const [yy, xx] = [sub(add(y, ky), 1), sub(add(z, kx), 1)];
  const inside = and(ge(yy, 0), lt(yy, 8), ge(xx, 0), lt(xx, 8));
  golden('convolution of channels-last memory', {
    kind: 'contraction', batch: [], rows: [y, z], cols: [o], depth: [ky, kx, ch],
    lhs: select(inside, load(0, 'float32', [yy, xx, ch]), zero), rhs: load(1, 'float32', [ky, kx, ch, o]),
    store: { tensor: 2, index: [y, z, o], value: ref('acc', 'float32') },
  }, [arg('float32', [8, 8, 16]), arg('float32', [3, 3, 16, 8]), arg('float32', [8, 8, 8], 'write')], { tile: 44, wx: 4, ks: 1, shared: 0 });
  // What dims alone decide is computed once, before the loops, and makes no load worth a branch: with branches, SwiftShader compiled for minutes.
  const scaled = cast(unary('floor', mul(cast(S, 'float32'), constant(1.5, 'float32'))), 'index');
  const [sy, sx] = [variable('y', scaled), variable('x', scaled)];
  const [ty, tx] = [sub(add(sy, ky), 1), sub(add(sx, kx), 1)];
  golden('convolution of an image whose size is computed', {
    kind: 'contraction', batch: [], rows: [sy, sx], cols: [o], depth: [ky, kx, ch],
    lhs: select(and(ge(ty, 0), lt(ty, scaled), ge(tx, 0), lt(tx, scaled)), load(0, 'float32', [ty, tx, ch]), zero), rhs: load(1, 'float32', [ky, kx, ch, o]),
    store: { tensor: 2, index: [sy, sx, o], value: ref('acc', 'float32') },
  }, [arg('float32', [scaled, scaled, 16]), arg('float32', [3, 3, 16, 8]), arg('float32', [scaled, scaled, 8], 'write')], { tile: 24, wx: 4, ks: 1, shared: 0 });
  golden('depthwise convolution by points', {
    kind: 'contraction', batch: [ch], rows: [y, z], cols: [], depth: [ky, kx],
    lhs: select(inside, load(0, 'float32', [yy, xx, ch]), zero), rhs: load(1, 'float32', [ky, kx, ch]),
    store: { tensor: 2, index: [y, z, ch], value: ref('acc', 'float32') },
  }, [arg('float32', [8, 8, 16]), arg('float32', [3, 3, 16]), arg('float32', [8, 8, 16], 'write')], { wg: 64, vec: 4 });

  const total = ref('total', 'float32');
  golden('a running sum', {
    kind: 'loop', axes: [r], body: [
      { do: 'let', name: 'total', value: zero },
      { do: 'for', axis: c, body: [
        { do: 'set', name: 'total', value: add(total, x) },
        { do: 'store', store: { tensor: 1, index: [r, c], value: total } },
      ] },
    ],
  }, [arg('float32', [S, 64]), arg('float32', [S, 64], 'write')], { wg: 64 });
});
