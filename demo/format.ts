/** Numbers as text, the same way everywhere on the page. */

export function milliseconds(ms: number): string {
  if (ms < 0.001) return `${(ms * 1e6).toFixed(0)} ns`;
  if (ms < 1) return `${(ms * 1000).toPrecision(3)} µs`;
  return ms < 1000 ? `${ms.toPrecision(3)} ms` : `${(ms / 1000).toPrecision(3)} s`;
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const step = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** step;
  return `${step === 0 ? String(value) : value.toPrecision(3)} ${units[step] ?? ''}`;
}

/** What a kernel computes, where several layers share it: `Conv + Relu, 4 times` instead of its operators four times over. */
export function operators(ops: readonly string[]): string {
  let period = 1;
  while (period < ops.length && (ops.length % period !== 0 || ops.some((op, i) => op !== ops[i % period]))) period += 1;
  const once = ops.slice(0, period).join(' + ');
  const times = ops.length / Math.max(1, period);
  return times > 1 ? `${once}, ${String(times)} times` : once;
}

export const percent = (fraction: number): string => `${(fraction * 100).toFixed(fraction < 0.1 ? 1 : 0)} %`;

/** Operations per second over one call. */
export function rate(flops: number, ms: number): string {
  const perSecond = (flops / ms) * 1000;
  return perSecond >= 1e9 ? `${(perSecond / 1e9).toPrecision(3)} GFLOP/s` : `${(perSecond / 1e6).toPrecision(3)} MFLOP/s`;
}

export const shape = (dims: readonly (number | string)[]): string => (dims.length === 0 ? 'scalar' : dims.join(' × '));

/** Short enough for a cell, exact for integers. */
export function value(x: number | bigint): string {
  if (typeof x === 'bigint' || Number.isInteger(x)) return String(x);
  if (!Number.isFinite(x)) return String(x);
  const magnitude = Math.abs(x);
  return magnitude >= 1e-3 && magnitude < 1e5 ? x.toPrecision(5) : x.toExponential(3);
}

export const plural = (count: number, noun: string): string => `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
