/** Setup steps that only put elements in another order: told from others, and done without a kernel as a kernel does them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWasmDevice } from '../../jit/backends/wasm/device.ts';
import type { Device, View } from '../../jit/device.ts';
import { type Expr, type Var, add, constant, int, load, mul, symbol, variable } from '../../jit/expr/expr.ts';
import { type Arg, type Kernel, makeKernel, stridesOf } from '../../jit/kernel.ts';
import { rearranging } from './rearranging.ts';

const numeric = { fma: false, precision: 'exact' } as const;
const arg = (shape: readonly Expr[], access: Arg['access'], strides = stridesOf(shape)): Arg => ({ dtype: 'float32', shape, strides, access });
const whole = (sizes: readonly number[]): Expr[] => sizes.map((n) => int(n));

/** Panels of `lanes` rows of a (rows x columns) matrix: what packing of right-hand sides is. */
function panels(rows: Expr, columns: Expr, lanes: number, value: (e: Expr) => Expr = (e) => e): ReturnType<typeof makeKernel> {
  const [panel, column, lane] = [variable('p', rows), variable('c', columns), variable('l', int(lanes))];
  return makeKernel({
    kind: 'map', axes: [panel, column, lane],
    store: { tensor: 1, index: [panel, column, lane], value: value(load(0, 'float32', [add(mul(panel, lanes), lane), column])) },
  }, [arg([mul(rows, lanes), columns], 'read'), arg([rows, columns, int(lanes)], 'write')], numeric);
}

/** The axes of a tensor in another order. */
function permuted(sizes: readonly number[], order: readonly number[]): Kernel {
  const axes: Var[] = sizes.map((n, i) => variable(`i${i}`, int(n)));
  const to = order.map((from) => axes[from] ?? int(0));
  return makeKernel({ kind: 'map', axes, store: { tensor: 1, index: to, value: load(0, 'float32', axes) } }, [
    arg(whole(sizes), 'read'), arg(whole(order.map((from) => sizes[from] ?? 0)), 'write'),
  ], numeric).kernel;
}

describe('a step that puts elements in another order', () => {
  it('is told by its axes, in bytes', () => {
    expect(rearranging(panels(int(3), int(5), 8).kernel, [])).toEqual({
      size: 4, axes: [{ count: 3, from: 160, to: 160 }, { count: 5, from: 4, to: 32 }, { count: 8, from: 20, to: 4 }],
    });
  });
  it('has the sizes that its dims say', () => {
    const rows = symbol('rows', 1);
    const general = panels(rows, symbol('columns', 1), 8);
    const { kernel, bind } = general;
    const dims = bind.map((s) => (s === rows ? 3 : 5));
    expect(rearranging(kernel, dims)).toEqual(rearranging(panels(int(3), int(5), 8).kernel, []));
  });
  it('computes nothing', () => {
    expect(rearranging(panels(int(3), int(5), 8, (e) => mul(e, constant(2, 'float32'))).kernel, [])).toBeUndefined();
  });
});

describe('on the CPU', () => {
  let device: Device;
  beforeAll(async () => { device = await createWasmDevice({ threads: 1, maxBytes: 2 ** 26, known: { peakFlops: 1e10, peakBytes: 1e10 } }); });
  afterAll(() => device.dispose());

  /** What a kernel and what moving words make of the same numbers. */
  async function both(kernel: Kernel, elements: number): Promise<Uint8Array[]> {
    const bytes = 4 * elements;
    const views = [0, 1, 2].map((): View => ({ region: device.allocate(bytes), offset: 0, bytes })) as [View, View, View];
    const [from, first, second] = views;
    device.write(from, 'float32', new Uint8Array(Int32Array.from({ length: elements }, (_, i) => Math.imul(i, 0x9e3779b1)).buffer));
    const space = device.space(kernel);
    if ('why' in space) throw new Error(space.why);
    const program = device.program([{ compiled: await device.compile(device.emit(kernel, space.fallback)), args: [from, first], dims: [] }]);
    await program.run();
    program.dispose();
    expect(device.rearrange?.(from, second, rearranging(kernel, [])?.axes ?? [])).toBe(true);
    const results = await Promise.all([first, second].map((view) => device.read(view, 'float32')));
    for (const { region } of views) device.release(region);
    return results;
  }

  it.each([[1, 1, 4], [3, 5, 8], [7, 1, 8], [1, 9, 16]])('%i panels of %i columns and %i lanes', async (rows, columns, lanes) => {
    const [expected, got] = await both(panels(int(rows), int(columns), lanes).kernel, rows * columns * lanes);
    expect(got).toEqual(expected);
  });
  it.each([[[6], [0]], [[3, 4], [1, 0]], [[2, 3, 5, 4], [3, 1, 2, 0]], [[3, 1, 2, 5, 2], [4, 2, 0, 1, 3]]])('axes of %o as %o', async (sizes, order) => {
    const [expected, got] = await both(permuted(sizes, order), sizes.reduce((a, b) => a * b, 1));
    expect(got).toEqual(expected);
  });

  it('what it cannot do, it leaves', () => {
    const view: View = { region: device.allocate(64), offset: 0, bytes: 64 };
    const axis = { count: 4, from: 4, to: 4 };
    expect(device.rearrange?.(view, view, Array.from({ length: 6 }, () => ({ ...axis, count: 1 })))).toBe(false);
    expect(device.rearrange?.(view, view, [{ ...axis, from: -4 }])).toBe(false);
    expect(device.rearrange?.(view, view, [{ ...axis, count: 17 }])).toBe(false);
    device.release(view.region);
  });
});
