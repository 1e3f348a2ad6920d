/**
 * Puts 32-bit words in another order: what packing of weights comes to. One small module serves all of it, where a kernel for each form takes some
 * 8 ms to write and compile with cold code. In: views, and the axes along which words stand in them. Out: the words where they belong.
 */
import type { Device } from '../../device.ts';
import type { Local } from './function-builder.ts';
import type { LinearMemory } from './memory.ts';
import { ModuleBuilder } from './module-builder.ts';

export type Mover = NonNullable<Device['rearrange']>;

/** As many as packing a convolution's weights takes. */
const moverAxes = 5;

let built: WebAssembly.Module | undefined;

export function mover(own: LinearMemory): Mover {
  built ??= new WebAssembly.Module(buildMover().encode());
  const { move } = new WebAssembly.Instance(built, { env: { memory: own.memory } }).exports as { readonly move: (...numbers: number[]) => void };
  return (from, to, axes) => {
    const fits = (bytes: number, step: 'from' | 'to'): boolean =>
      axes.every((axis) => axis[step] >= 0) && axes.reduce((n, axis) => n + (axis.count - 1) * axis[step], 4) <= bytes;
    if (axes.length > moverAxes || !fits(from.bytes, 'from') || !fits(to.bytes, 'to')) return false;
    const padding = Array.from({ length: moverAxes - axes.length }, () => [1, 0, 0]);
    move(own.address(from), own.address(to), ...padding.flat(), ...axes.flatMap((axis) => [axis.count, axis.from, axis.to]));
    return true;
  };
}

function buildMover(): ModuleBuilder {
  const m = new ModuleBuilder();
  m.importMemory('env', 'memory', { min: 1, max: 65536, shared: true });
  m.func('move', Object.fromEntries(Array.from({ length: 2 + 3 * moverAxes }, (_, i) => [`p${i}`, 'i32'])), [], (f) => {
    const walk = (axis: number, from: Local, to: Local): void => {
      if (axis === moverAxes) {
        f.get(to);
        f.get(from);
        f.mem('i32.load');
        f.mem('i32.store');
        return;
      }
      const [source, target, left] = [f.local('i32'), f.local('i32'), f.local('i32')];
      for (const [local, value] of [[source, from], [target, to], [left, f.param(2 + 3 * axis)]] as const) {
        f.get(value);
        f.set(local);
      }
      f.loop((again) => {
        walk(axis + 1, source, target);
        for (const [local, step] of [[source, 3], [target, 4]] as const) {
          f.get(local);
          f.get(f.param(step + 3 * axis));
          f.op('i32.add');
          f.set(local);
        }
        f.get(left);
        f.i32(1);
        f.op('i32.sub');
        f.tee(left);
        f.brIf(again);
      });
    };
    walk(0, f.param(0), f.param(1));
  }, true);
  return m;
}
