/**
 * A contraction by points of the output: each invocation sums `vec` neighbours, along whichever axis the output is contiguous in. Made for
 * depthwise convolutions, whose two operands share all their axes but the window, so that no tile would reuse anything.
 */
import { type Expr, type Var, asInt, int, ref } from '../../expr/expr.ts';
import { rewriter } from '../../expr/visit.ts';
import type { ContractionBody, Kernel } from '../../kernel.ts';
import type { Schedule } from '../../space.ts';
import { accOf, accumulate, finish, operandText, sumType } from './contraction-tile.ts';
import type { Emitter } from './module.ts';
import { ceilDiv, extentsOf, grouped, offsetIn, replacing, storeOrder, stored, unflatten } from './points.ts';

/** Windows of at most this many steps are written out. */
const mostWritten = 9;

export const emitPoints = (kernel: Kernel, body: ContractionBody, { wg = 64, vec = 1 }: Schedule): Emitter => (writer) => {
  const axes = storeOrder([...body.batch, ...body.rows], body.store, kernel.args);
  const total = extentsOf(axes);
  const count = ceilDiv(total, vec);
  const { at, point } = grouped('q', total, vec);
  const type = sumType(body);
  writer.define(at, `group * ${wg} + lid`);
  writer.block(`if (${writer.value(at)} < ${writer.value(count)})`, 'conditional', () => {
    const lanes = Array.from({ length: vec }, (_, lane) => {
      const acc = writer.name('acc');
      writer.line(`var ${acc}: ${type};`);
      return { acc, by: unflatten(axes, point(lane)) };
    });
    const step = (depth: ReadonlyMap<Expr, Expr>): void => {
      const texts = lanes.map(({ acc, by }) => {
        const all = new Map([...by, ...depth]);
        const go = rewriter((e) => all.get(e));
        return { acc, a: operandText(writer, go(body.lhs)), b: operandText(writer, go(body.rhs)) };
      });
      for (const { acc, a, b } of texts) writer.line(accumulate(kernel, type, 1, acc, a, b));
    };
    const nest = (d: number, written: number, by: ReadonlyMap<Expr, Expr>): void => {
      const axis: Var | undefined = body.depth[d];
      if (axis === undefined) { step(by); return; }
      const size = asInt(axis.extent);
      if (size !== undefined && written * size <= mostWritten) {
        for (let k = 0; k < size; k++) writer.section(() => { nest(d + 1, written * size, new Map([...by, [axis, int(k)]])); });
        return;
      }
      const name = writer.name('i');
      const end = writer.value(axis.extent);
      writer.block(`for (var ${name} = 0; ${name} < ${end}; ${name}++)`, 'loop', () => {
        writer.bind(axis, name);
        nest(d + 1, written, by);
      });
    };
    nest(0, 1, new Map());
    const acc = accOf(body);
    writer.store(body.store.tensor, lanes.map(({ acc: name, by }) => {
      const mine = ref(name, acc.dtype);
      writer.bind(mine, finish(writer, name, acc.dtype));
      const go = replacing(new Map<Expr, Expr>([...by, [acc, mine]]));
      return {
        value: writer.value(stored(go(body.store.value), kernel, body.store.tensor)),
        offset: offsetIn(kernel, body.store.tensor, body.store.index.map(go)),
      };
    }));
  });
  return { workgroup: wg, groups: ceilDiv(total, vec * wg) };
};
