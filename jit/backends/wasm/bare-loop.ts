/**
 * The multiply-add loop of a tile and nothing else, on operands that stay in the first cache: what a core can do at most with these rows and
 * columns. The device's probe tells engines by it, benchmarks hold kernels against it.
 */
import { emitSteps, roundedBy, streamOf } from './contraction-loop.ts';
import { ModuleBuilder } from './module-builder.ts';

/** Steps of depth in one round. */
export const bareDepth = 256;
/** Bytes from the base on that a loop of up to 8 rows and 32 columns uses. */
export const bareBytes = 2 ** 16;

/** Code whose `run(base, times)` goes so many rounds; multiply-adds of a round: rows * panels * width * bareDepth. Right-hand sides lie in panels. */
export function bareLoop(rows: number, panels: number, width: number, fma: boolean, unroll = 4): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory('env', 'memory', { min: 1, max: 65536, shared: true });
  module.func('run', { base: 'i32', times: 'i32' }, [], (f) => {
    const vectors = width / 4;
    const acc = Array.from({ length: rows }, (_, r) => Array.from({ length: panels * vectors }, (_unused, v) => f.local('v128', `acc${r}_${v}`)));
    const [a, b] = [f.local('i32', 'a'), f.local('i32', 'b')];
    f.loop((again) => {
      f.get(f.param(0));
      f.set(a);
      f.get(f.param(0));
      f.set(b);
      const lhs = streamOf(acc.map((_, r) => ({ pointer: a, offset: r * bareDepth * 4 })), 4);
      const start = 8 * bareDepth * 4;
      const rhs = streamOf((acc[0] ?? []).map((_, v) => (
        { pointer: b, offset: start + Math.floor(v / vectors) * bareDepth * width * 4 + (v % vectors) * 16 }
      )), width * 4);
      emitSteps(f, { acc, by: roundedBy(fma) }, lhs, rhs, bareDepth, unroll);
      f.get(f.param(1));
      f.i32(1);
      f.op('i32.sub');
      f.tee(f.param(1));
      f.brIf(again);
    });
    acc.flat().forEach((sum, i) => {
      f.get(f.param(0));
      f.get(sum);
      f.mem('v128.store', { offset: bareBytes - 4096 + i * 16 });
    });
  }, true);
  return module.encode();
}
