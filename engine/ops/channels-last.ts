/** Views between [batch, channel, space..] and [batch, space.., channel]; maps that only move, which fusion and layouts remove. */
import { int } from '../../jit/expr/expr.ts';
import type { Lowering, Tensor } from './operator.ts';

export function channelsFirst(build: Lowering, x: Tensor): Tensor {
  const [n = int(1), ...rest] = x.shape;
  const channels = rest.pop() ?? int(1);
  return build.map(x.dtype, [n, channels, ...rest], ([i = int(0), c = int(0), ...at]) => x.at([i, ...at, c]), x.narrow);
}

export function channelsLast(build: Lowering, x: Tensor): Tensor {
  const [n = int(1), channels = int(1), ...spatial] = x.shape;
  return build.map(x.dtype, [n, ...spatial, channels], (index) => {
    const [i = int(0), ...at] = index;
    const c = at.pop() ?? int(0);
    return x.at([i, c, ...at]);
  }, x.narrow);
}

/** What an operator of channels-first tensors makes of tensors whose attribute says that channels come last. */
export function inChannelsFirst(build: Lowering, last: boolean, x: Tensor, operator: (x: Tensor) => Tensor): Tensor {
  return last ? channelsLast(build, operator(channelsFirst(build, x))) : operator(x);
}
