/** The emitters of this backend, one per kernel class: the only place that knows them all. */
import type { DeviceProfile } from '../../device.ts';
import type { Kernel } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import { watched } from './code-watch.ts';
import { contractionEmitter } from './emit-contraction.ts';
import { loopEmitter } from './emit-loop.ts';
import { mapEmitter } from './emit-map.ts';
import { rowsEmitter } from './emit-rows.ts';
import type { Emitter, WasmCode } from './emitter.ts';

const emitters: Readonly<Record<Kernel['body']['kind'], Emitter>> = {
  map: mapEmitter, rows: rowsEmitter, contraction: contractionEmitter, loop: loopEmitter,
};

export const spaceOf = (kernel: Kernel, profile: DeviceProfile): Space | { readonly why: string } =>
  emitters[kernel.body.kind].space(kernel, profile);

/** Sources are emitted again when somebody asks: what they are made of is an object an instruction. */
export function emitKernel(kernel: Kernel, schedule: Schedule, profile: DeviceProfile): WasmCode {
  const emit = (): WasmCode => emitters[kernel.body.kind].emit(kernel, schedule, profile);
  return { ...emit(), source: () => watched(emit).source() };
}
