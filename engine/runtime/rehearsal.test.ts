import { expect, it } from 'vitest';
import { probe } from '../../jit/backends/wasm/probe.ts';
import { emitKernel } from '../../jit/backends/wasm/registry.ts';
import { rehearsal } from './rehearsal.ts';

it('emits kernels of every class but loops, of other sizes each round', () => {
  const codes: ReturnType<typeof emitKernel>[] = [];
  const emit: typeof emitKernel = (...kernel) => {
    const code = emitKernel(...kernel);
    codes.push(code);
    return code;
  };
  const turns = [...rehearsal(probe({}, 1), emit)];
  expect(turns.length).toBeGreaterThan(codes.length);
  expect(new Set(codes.map((c) => c.kernel.body.kind))).toEqual(new Set(['map', 'rows', 'contraction']));
  expect(new Set(codes.map((c) => c.key)).size).toBeGreaterThan(codes.length / 2);
});

it('is over once it was done', () => {
  const turns = (): unknown[] => [...rehearsal(probe({}, 1))];
  turns();
  expect(turns()).toEqual([]);
});
