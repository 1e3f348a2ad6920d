/**
 * Loop nests on the GPU: one invocation runs the statements for one point of the axes. What statements may change (locals, and
 * buffers that are written) is read again by every statement; everything else is computed once, outside the loops.
 */
import type { DeviceProfile } from '../../device.ts';
import { type Expr, type Ref, ref, variable } from '../../expr/expr.ts';
import type { Kernel, LoopBody, Stmt } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import { type Emitter, workgroupLimit } from './module.ts';
import { ceilDiv, extentsOf, offsetIn, replacing, stored, unflatten } from './points.ts';
import { wgslType } from './storage.ts';
import type { Writer } from './writer.ts';

export function loopSpace(body: LoopBody, profile: DeviceProfile): Space {
  return {
    emitter: 'webgpu-loop', version: 1,
    knobs: [{ name: 'wg', values: body.axes.length === 0 ? [1] : [32, 64, 128] }],
    constraints: [{ name: 'the workgroup is within the limit', holds: (s) => (s['wg'] ?? 0) <= workgroupLimit(profile) }],
    fallback: { wg: body.axes.length === 0 ? 1 : 64 },
  };
}

export const emitLoop = (kernel: Kernel, body: LoopBody, { wg = 64 }: Schedule): Emitter => (writer) => {
  const total = extentsOf(body.axes);
  const at = variable('p', total);
  writer.define(at, `group * ${wg} + lid`);
  const go = replacing(unflatten(body.axes, at));
  const run = (): void => { new Statements(kernel, writer, go).all(body.body); };
  writer.block(`if (${writer.value(at)} < ${writer.value(total)})`, 'conditional', run);
  return { workgroup: wg, groups: ceilDiv(total, wg) };
};

class Statements {
  readonly #names = new Map<string, string>();

  constructor(private readonly kernel: Kernel, private readonly writer: Writer, private readonly go: (e: Expr) => Expr) {}

  all(stmts: readonly Stmt[]): void { stmts.forEach((s) => { this.#one(s); }); }

  #one(s: Stmt): void {
    const { writer, go } = this;
    switch (s.do) {
      case 'let': {
        const value = go(s.value);
        const name = writer.name('l');
        writer.line(`var ${name}: ${wgslType(value.dtype)};`);
        writer.section(() => { writer.line(`${name} = ${writer.value(value)};`); });
        this.#names.set(s.name, name);
        writer.bindMutable(this.#local(s.name, value), name);
        return;
      }
      case 'set':
        writer.section(() => { writer.line(`${this.#names.get(s.name) ?? s.name} = ${writer.value(go(s.value))};`); });
        return;
      case 'for': {
        const axis = go(s.axis);
        if (axis.op !== 'var') return;
        const name = writer.name('i');
        const bound = writer.name('n');
        writer.section(() => {
          writer.line(`let ${bound} = ${writer.value(axis.extent)};`);
          writer.block(`for (var ${name} = 0; ${name} < ${bound}; ${name}++)`, 'loop', () => {
            writer.bind(axis, name);
            this.all(s.body);
          });
        });
        return;
      }
      case 'while':
        writer.block('loop', 'loop', () => {
          writer.section(() => { writer.line(`if (!(${writer.value(go(s.cond))})) { break; }`); });
          this.all(s.body);
        });
        return;
      case 'if':
        writer.section(() => {
          const cond = writer.value(go(s.cond));
          writer.block(`if (${cond})`, 'conditional', () => { this.all(s.then); });
          if (s.else.length > 0) writer.block('else', 'conditional', () => { this.all(s.else); });
        });
        return;
      case 'store':
        writer.section(() => {
          const { tensor, index, value } = s.store;
          const text = writer.value(stored(go(value), this.kernel, tensor));
          writer.store(tensor, [{ offset: offsetIn(this.kernel, tensor, index.map(go)), value: text }]);
        });
        return;
      default: return s satisfies never;
    }
  }

  #local(name: string, value: Expr): Ref { return ref(name, value.dtype); }
}
