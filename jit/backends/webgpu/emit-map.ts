/**
 * Maps on the GPU: every invocation computes `per` groups of `vec` neighbouring elements. Neighbours are written out one by one; the
 * writer joins their loads and stores into vectors and packed words where addresses allow it, so no element type needs its own code.
 */
import type { DeviceProfile } from '../../device.ts';
import { type Expr, asInt } from '../../expr/expr.ts';
import type { Kernel, MapBody } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import { type Emitter, isFolded, workgroupLimit } from './module.ts';
import { ceilDiv, divides, extentsOf, grouped, offsetIn, replacing, storeOrder, stored, unflatten } from './points.ts';
import { perWord } from './storage.ts';

export function mapSpace(kernel: Kernel, body: MapBody, profile: DeviceProfile): Space {
  const total = extentsOf(body.axes);
  const out = kernel.args[body.store.tensor];
  // Stores of part of a word cost two atomic operations each.
  const packed = out !== undefined && perWord(out.dtype) > 1;
  const vectors = divides(total, 4);
  const elements = asInt(total) ?? 2 ** 16;
  return {
    emitter: 'webgpu-map', version: 1,
    knobs: [{ name: 'wg', values: [64, 128, 256] }, { name: 'per', values: [1, 2, 4] }, { name: 'vec', values: [1, 4] }],
    constraints: [
      { name: 'the workgroup is within the limit', holds: (s) => (s['wg'] ?? 0) <= workgroupLimit(profile) },
      { name: 'the elements divide into vectors', holds: (s) => s['vec'] === 1 || vectors },
      { name: 'there is work for every invocation', holds: (s) => (s['per'] ?? 1) * (s['vec'] ?? 1) * (s['wg'] ?? 64) <= Math.max(elements, 64) },
    ],
    fallback: { wg: 64, per: 1, vec: vectors && (packed || elements >= 256) ? 4 : 1 },
    rank: (s) => (s['vec'] === 4 ? 0 : packed ? 10 : 2) + (s['per'] ?? 1) / 4 + (s['wg'] ?? 64) / 1024,
  };
}

export const emitMap = (kernel: Kernel, body: MapBody, schedule: Schedule): Emitter => (writer) => {
  const { wg = 64, per = 1, vec = 1 } = schedule;
  const axes = storeOrder(body.axes, body.store, kernel.args);
  const total = extentsOf(axes);
  const count = ceilDiv(total, vec);
  const groups = ceilDiv(count, wg * per);
  const { at, point } = grouped('q', total, vec);
  const elements = Array.from({ length: vec }, (_, lane) => replacing(unflatten(axes, point(lane))));
  const storeAll = (): void => {
    writer.store(body.store.tensor, elements.map((go) => ({
      offset: offset(go), value: writer.value(stored(go(body.store.value), kernel, body.store.tensor)),
    })));
  };
  const offset = (go: (e: Expr) => Expr): Expr => offsetIn(kernel, body.store.tensor, body.store.index.map(go));
  const guarded = (): void => {
    if (divides(count, wg * per) && !isFolded(groups)) storeAll();
    else writer.block(`if (${writer.value(at)} < ${writer.value(count)})`, 'conditional', storeAll);
  };
  if (per === 1) {
    writer.define(at, `group * ${wg} + lid`);
    guarded();
  } else {
    writer.block(`for (var e = 0; e < ${per}; e++)`, 'loop', () => {
      writer.define(at, `(group * ${per} + e) * ${wg} + lid`);
      guarded();
    });
  }
  return { workgroup: wg, groups };
};
