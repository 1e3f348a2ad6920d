/**
 * From kernel and schedule to WGSL: picks the emitter of the kernel's class. Input: kernel, schedule, device profile; output: the space, or
 * why there is none, and code with its text, grid and binding signature. Deterministic; nothing here talks to a GPU.
 */
import type { Code, DeviceProfile } from '../../device.ts';
import { QuernError } from '../../error.ts';
import { type Kernel, kernelText } from '../../kernel.ts';
import { type Schedule, type Space, scheduleText, violated } from '../../space.ts';
import { hashText } from '../../hash.ts';
import { contractionSpace, emitContraction } from './emit-contraction.ts';
import { emitLoop, loopSpace } from './emit-loop.ts';
import { emitMap, mapSpace } from './emit-map.ts';
import { emitRows, rowsSpace } from './emit-rows.ts';
import { type Emitter, type WgslModule, makeModule } from './module.ts';
import { whyNot } from './supported.ts';

export interface WebGpuCode extends Code {
  readonly module: WgslModule;
}

export function spaceOf(kernel: Kernel, profile: DeviceProfile): Space | { readonly why: string } {
  const why = whyNot(kernel, profile);
  if (why !== undefined) return { why };
  const { body } = kernel;
  switch (body.kind) {
    case 'map': return mapSpace(kernel, body, profile);
    case 'rows': return rowsSpace(kernel, body, profile);
    case 'contraction': return contractionSpace(kernel, body, profile);
    case 'loop': return loopSpace(body, profile);
    default: return body satisfies never;
  }
}

function emitterOf(kernel: Kernel, schedule: Schedule): Emitter {
  const { body } = kernel;
  switch (body.kind) {
    case 'map': return emitMap(kernel, body, schedule);
    case 'rows': return emitRows(kernel, body, schedule);
    case 'contraction': return emitContraction(kernel, body, schedule);
    case 'loop': return emitLoop(kernel, body, schedule);
    default: return body satisfies never;
  }
}

export function emitCode(kernel: Kernel, schedule: Schedule, profile: DeviceProfile): WebGpuCode {
  const space = spaceOf(kernel, profile);
  if ('why' in space) throw new QuernError('internal', 'the device cannot run a kernel', { got: space.why });
  const broken = violated(space, schedule);
  if (broken !== undefined) {
    throw new QuernError('internal', 'a schedule is not in the space of its kernel', { expected: broken, got: scheduleText(schedule) });
  }
  const module = makeModule(kernel, emitterOf(kernel, schedule));
  // The grid and the bindings follow from the kernel, of which equal WGSL may stand for several.
  const key = hashText(`${module.text}\n${kernelText(kernel)}\n${scheduleText(schedule)}`);
  return { kernel, schedule, key, source: () => module.text, module };
}
