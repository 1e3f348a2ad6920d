/**
 * Which kernels this backend can run without changing what they mean. Input: a kernel and the device's profile; output: undefined, or the
 * reason that `report()` shows. What computes 64-bit integers that may leave the 32 bits that they have here (ranges.ts) is for the CPU.
 */
import type { DeviceProfile } from '../../device.ts';
import { isBig } from '../../expr/dtype.ts';
import { asInt } from '../../expr/expr.ts';
import { text } from '../../expr/text.ts';
import { walk } from '../../expr/visit.ts';
import { type Kernel, mentions } from '../../kernel.ts';
import { outside } from './ranges.ts';
import { storageBytes } from './storage.ts';

export function whyNot(kernel: Kernel, profile: DeviceProfile): string | undefined {
  const limit = (name: string, otherwise: number): number => profile.limits[name] ?? otherwise;
  const buffers = limit('maxStorageBuffersPerShaderStage', 8);
  if (kernel.args.length > buffers) return `${kernel.args.length} buffers, where the GPU binds ${buffers} to a kernel`;
  for (const [i, arg] of kernel.args.entries()) {
    if (arg.dtype === 'float64') return `argument ${i} is float64, which the GPU does not have`;
    const elements = arg.shape.reduce((n, d) => n * (asInt(d) ?? 1), 1);
    const most = limit('maxStorageBufferBindingSize', 128 * 2 ** 20);
    if (elements * storageBytes(arg.dtype) > most) return `argument ${i} has ${elements * storageBytes(arg.dtype)} bytes, where the GPU binds ${most}`;
    if (elements >= 2 ** 31) return `argument ${i} has ${elements} elements, beyond 32-bit indices`;
  }
  return whyNotTypes(kernel) ?? outside(kernel);
}

function whyNotTypes({ body }: Kernel): string | undefined {
  let why: string | undefined;
  walk(mentions(body), (e) => {
    if (e.dtype === 'float64') why ??= `float64 arithmetic: ${text(e)}`;
    if (e.op === 'bitcast' && (isBig(e.dtype) || isBig(e.a.dtype))) why ??= `the bits of a 64-bit integer: ${text(e)}`;
  });
  if (body.kind === 'contraction' && isBig(body.lhs.dtype)) why ??= `products of ${body.lhs.dtype} may leave 32 bits`;
  return why;
}
