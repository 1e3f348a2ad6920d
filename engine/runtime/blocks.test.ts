/** Control flow through plan and executor on the CPU and the reference device, and against the reference evaluation of the lowered program. */
import { describe, expect, it } from 'vitest';
import { makeReferenceDevice } from '../../jit/backends/reference/index.ts';
import { QuernError } from '../../jit/error.ts';
import { bytesUnder } from '../../jit/expr/dtype.ts';
import { cpu } from '../../jit/fuzz/devices.ts';
import { lowerGraph } from '../ops/lower.ts';
import { tensor } from '../ops/testing/run-op.ts';
import { runProgram } from '../ops/testing/run-program.ts';
import { type Value, controlCases, f32, i64, openRank } from '../testing/control-cases.ts';
import { blocksOf } from '../plan/plan.ts';
import { randomControl } from '../testing/random-control.ts';
import { expectValues, runOn } from '../testing/run-control.ts';
import { type GraphSpec, graph } from '../testing/graphs.ts';

const devices = { reference: () => makeReferenceDevice({ panel: 4 }), wasm: () => cpu({ fma: false, panel: 8, maxBytes: 2 ** 26 }) };

describe.each(controlCases)('$name', ({ spec, runs }) => {
  it('as lowered', () => {
    for (const { feeds, outputs } of runs) {
      const made = runProgram(lowerGraph(graph(spec)), new Map(Object.entries(feeds).map(([name, v]) =>
        [name, tensor(v.dtype, v.dims, v.elements)])));
      for (const [name, value] of Object.entries(outputs)) {
        const got = made.get(name);
        expectValues(got === undefined ? undefined : { kind: 'bytes', dtype: got.dtype, dims: got.dims, bytes: bytesUnder(got.data) }, value);
      }
    }
  });
  for (const [name, make] of Object.entries(devices)) {
    it(`on ${name}`, async () => {
      const device = await make();
      const { used } = device.memory();
      await runOn({ main: device }, spec, async (run) => {
        for (const { feeds, outputs } of runs) {
          const got = await run(feeds);
          for (const [output, value] of Object.entries(outputs)) expectValues(got[output], value);
        }
      });
      expect(device.memory().used).toBe(used);
    });
  }
});

/** Counts up for as long as the data let it, in one kernel, or (with the list) as a block. */
const counting = (list: boolean): GraphSpec => ({
  inputs: { x: [1], end: [1] }, outputs: ['y'], floats: { one: [1] },
  nodes: [['Loop', list ? '_ _ x x' : '_ _ x', list ? 'y all' : 'y', { body: {
    inputs: list ? 'i go v l' : 'i go v', outputs: list ? 'again w l2' : 'again w',
    nodes: [['Add', 'v one', 'w'], ['Less', 'w end', 'again'], ...(list ? [['Concat', 'l w', 'l2', { axis: 0 }] as const] : [])],
  } }], ...(list ? [['Identity', 'all', 'z'] as const] : [])],
  ...(list ? { outputs: ['y', 'z'] } : {}),
});
const upTo = (end: number): Record<string, Value> => ({ x: f32([1], [0]), end: f32([1], [end]) });

describe.each([false, true])('a loop (as a block: %s)', (list) => {
  it('ends in between when its run is aborted, and the next run is right', async () => {
    await runOn({ main: await devices.wasm() }, counting(list), async (run) => {
      const stop = new AbortController();
      setTimeout(() => { stop.abort(); }, 5);
      expect((await failed(run(upTo(1e9), stop.signal))).code).toBe('aborted');
      expectValues((await run(upTo(3)))['y'], f32([1], [3]));
    }, { maxIterations: 1e9 });
  });
  it('may take as many steps as the option says, and no more', async () => {
    await runOn({ main: await devices.wasm() }, counting(list), async (run) => {
      expectValues((await run(upTo(20)))['y'], f32([1], [20]));
      const { code, node, expected, hint } = await failed(run(upTo(21)));
      expect({ code, node, expected, hint }).toEqual({
        code: 'too-many-iterations', node: 'Loop_0', expected: 'at most 20 iterations (option maxIterations)',
        hint: 'if it would end, load with a larger maxIterations',
      });
      expectValues((await run(upTo(5)))['y'], f32([1], [5]));
    }, { maxIterations: 20 });
  });
});

describe('branches', () => {
  it.each([
    ['an output', { ...openRank, outputs: ['back'] }, "the rank of output 'back' depends on the data"],
    ['what looks at it', { ...openRank, nodes: [...openRank.nodes.slice(0, 3), ['Shape', 'step', 'y']] as const }, 'the rank of an input depends on the data'],
    ['other dims', { ...openRank, nodes: [...openRank.nodes.slice(0, 2), ['If', 'flat', 'y', {
      then_branch: { outputs: 'a', nodes: [['Identity', 'none', 'a']] }, else_branch: { outputs: 'b', nodes: [['Identity', 'x', 'b']] },
    }]] as const }, 'the branches of If differ in rank or type, and only the data decide between them'],
  ] satisfies [string, GraphSpec, string][])('of different rank are refused where it matters: %s', (_, spec, why) => {
    expect(() => lowerGraph(graph(spec))).toThrow(why);
  });
  it('that share weights pack them once', async () => {
    const merged = controlCases.find((c) => c.name.startsWith('a decoder'));
    await runOn({ main: await devices.wasm() }, merged?.spec ?? counting(true), (_, { plan }) => {
      expect(plan.flow.map((f) => (typeof f === 'number' ? 'segment' : f.kind))).toEqual(['if']);
      expect(plan.setup).toHaveLength(1);
      return Promise.resolve();
    });
  });
});

describe('a loop as a block', () => {
  it('compiles nothing after its second step', async () => {
    const device = await devices.wasm();
    let compiled = 0;
    const compile = device.compile.bind(device);
    device.compile = (code) => { compiled++; return compile(code); };
    await runOn({ main: device }, counting(true), async (run) => {
      await run(upTo(2));
      const before = compiled;
      await run(upTo(60));
      expect(compiled).toBe(before);
    });
  });
  it('finds an index out of range in the step that has it', async () => {
    const spec: GraphSpec = {
      inputs: { x: [3], n: { dtype: 'int64', dims: [] } }, outputs: ['y'], floats: { zero: [0] }, ints: { axes: [0] },
      nodes: [['Loop', 'n _ x zero', 'y s', { body: {
        inputs: 'i go v a', outputs: 'go2 w b',
        nodes: [['Identity', 'go', 'go2'], ['Gather', 'x i', 'e', { axis: 0 }], ['Unsqueeze', 'e axes', 'e1'], ['Add', 'a e1', 'b'], ['Concat', 'v e1', 'w', { axis: 0 }]],
      } }]],
    };
    await runOn({ main: await devices.wasm() }, spec, async (run) => {
      const x = f32([3], [1, 2, 3]);
      expectValues((await run({ x, n: i64([], [3]) }))['y'], f32([6], [1, 2, 3, 1, 2, 3]));
      const { code, op, expected, got } = await failed(run({ x, n: i64([], [5]) }));
      expect({ code, op, expected, got }).toEqual({ code: 'index-out-of-range', op: 'Gather', expected: '-3 to 2', got: '3' });
    });
  });
});

async function failed(run: Promise<unknown>): Promise<QuernError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof QuernError) return error;
    throw error;
  }
  throw new Error('the run went well');
}

describe('random loops and branches', { timeout: 240_000 }, () => {
  const inputs = [{ x: [1, 2, 3], n: 2 }, { x: [-2], n: 0 }, { x: [0, 5, -1, 4], n: 4 }];
  it('compute what plain loops over lists do', async () => {
    let blocks = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const { spec, expected } = randomControl(seed);
      const device = seed % 2 === 0 ? await devices.wasm() : devices.reference();
      try {
        await runOn({ main: device }, spec, async (run, { plan }) => {
          blocks += blocksOf(plan.flow).length;
          for (const { x, n } of inputs) {
            const got = await run({ x: f32([x.length], x), n: i64([], [n]) });
            for (const [k, list] of expected(x, n).entries()) expectValues(got[spec.outputs[k] ?? ''], f32([list.length], list));
          }
        });
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      }
    }
    expect(blocks).toBeGreaterThan(40);
  });
});
