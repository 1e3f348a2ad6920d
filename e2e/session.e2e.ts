/** Sessions as the API describes them: sources, feeds, tensors that stay on the device, progress, queues. */
import { expect, test } from './fixtures.ts';
import { layerAnswer, layerFeed } from './tiny-model.ts';

test('every kind of source', async ({ open }) => {
  const page = await open();
  const answers = await page.evaluate(async (feed) => {
    const url = '/files/layer.onnx';
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const inLarger = new Uint8Array(bytes.length + 20);
    inLarger.set(bytes, 10);
    const stream = (await fetch(url)).body;
    if (stream === null) throw new Error('no body');
    const sources = [
      url, new URL(url, location.href), new Request(url), new Blob([bytes]), bytes.slice().buffer, inLarger.subarray(10, 10 + bytes.length), stream,
    ];
    return Promise.all(sources.map(async (source) => {
      const session = await quern.load(source, { device: 'wasm', threads: 1 });
      const { y } = await session.run({ x: new Float32Array(feed) });
      await session.dispose();
      return Array.from(y?.data as Float32Array);
    }));
  }, layerFeed);
  expect(answers).toEqual(Array(7).fill(layerAnswer));
});

test('what a session says of itself', async ({ open }) => {
  const page = await open();
  const seen = await page.evaluate(async () => {
    const { inputs, outputs, device, threads } = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 });
    return { inputs, outputs, device, threads };
  });
  expect(seen).toEqual({
    inputs: [{ name: 'x', dtype: 'float32', dims: ['n', 3] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: ['n', 2] }, { name: 'twice', dtype: 'float32', dims: ['n', 2] }],
    device: 'wasm',
    threads: 1,
  });
});

test('feeds are copied: they can be changed at once', async ({ open }) => {
  const page = await open();
  const y = await page.evaluate(async (feed) => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 });
    const x = new Float32Array(feed);
    const running = session.run({ x });
    x.fill(0);
    return Array.from((await running)['y']?.data as Float32Array);
  }, layerFeed);
  expect(y).toEqual(layerAnswer);
});

test('only the outputs asked for', async ({ open }) => {
  const page = await open();
  const names = await page.evaluate(async (feed) => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 });
    return Object.keys(await session.run({ x: new Float32Array(feed) }, { outputs: ['twice'] }));
  }, layerFeed);
  expect(names).toEqual(['twice']);
});

for (const device of ['wasm', 'webgpu'] as const) {
  test(`a state that stays on the device is fed back, ${device}`, async ({ open }) => {
    const page = await open({ isolated: true });
    const seen = await page.evaluate(async (on) => {
      const session = await quern.load('/files/counter.onnx', { device: on });
      const x = new Float32Array([1, 10]);
      let { next } = await session.run({ x, state: new Float32Array(2) }, { keep: ['next'] });
      const locations = [next?.location];
      for (let step = 0; step < 3; step++) {
        if (next === undefined) throw new Error('no state');
        const before = next;
        ({ next } = await session.run({ x, state: before }, { keep: ['next'] }));
        before.dispose();
      }
      const values = Array.from((await next?.read()) as Float32Array);
      next?.dispose();
      const { memory } = await session.report();
      return { values, locations, kept: memory.kept };
    }, device);
    expect(seen).toEqual({ values: [4, 40], locations: ['device'], kept: 0 });
  });
}

test('a device tensor cannot be fed to another session, nor once disposed', async ({ open }) => {
  const page = await open();
  const codes = await page.evaluate(async () => {
    const [a, b] = await Promise.all([1, 2].map(() => quern.load('/files/counter.onnx', { device: 'wasm', threads: 1 })));
    if (a === undefined || b === undefined) throw new Error('no sessions');
    const x = new Float32Array(2);
    const { next } = await a.run({ x, state: x }, { keep: ['next'] });
    if (next === undefined) throw new Error('no state');
    const foreign = await failureOf(b.run({ x, state: next }));
    next.dispose();
    const disposed = await failureOf(a.run({ x, state: next }));
    return [foreign.code, disposed.code];
  });
  expect(codes).toEqual(['invalid-input', 'disposed']);
});

test('runs queue in order', async ({ open }) => {
  const page = await open();
  const order = await page.evaluate(async () => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1 });
    const order: number[] = [];
    await Promise.all([3, 1, 2].map(async (n) => {
      await session.run({ x: new Float32Array(3 * n) });
      order.push(n);
    }));
    return order;
  });
  expect(order).toEqual([3, 1, 2]);
});

test('runs in shared memory, among others of other sizes, other calls and aborted ones, each give their own results', async ({ open }) => {
  const page = await open({ isolated: true });
  const seen = await page.evaluate(async () => {
    const { waitAsync } = Atomics;
    let past = 0;
    Atomics.waitAsync = ((...how: Parameters<typeof waitAsync>) => {
      past++;
      return waitAsync.apply(Atomics, how);
    }) as typeof waitAsync;
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', tune: 'off' });
    const wrong: number[] = [];
    const once = async (k: number): Promise<void> => {
      const rows = k % 10 === 9 ? 2 : 1;
      const { y } = await session.run({ x: new Float32Array(3 * rows).fill(k) });
      if (y?.dims[0] !== rows || (y.data as Float32Array).some((v, i) => v !== (i % 2 === 0 ? 6 * k + 0.5 : Math.max(0, 0.5 - 6 * k)))) wrong.push(k);
    };
    for (let k = 1; k <= 100; k++) {
      await once(k);
      if (k % 17 === 0) await session.report();
      if (k % 13 === 0) await Promise.all([once(k + 1), once(k + 2), session.exportTuning(), once(k + 3)]);
      if (k % 11 === 0) {
        const stop = new AbortController();
        const aborted = failureOf(session.run({ x: new Float32Array(3) }, { signal: stop.signal }));
        stop.abort();
        if ((await aborted).code !== 'aborted') wrong.push(-k);
      }
      if (k % 50 === 0) await new Promise((done) => setTimeout(done, 100));
    }
    await session.dispose();
    return { wrong, past: past > 20 };
  });
  expect(seen).toEqual({ wrong: [], past: true });
});

test('a page runs a small model itself, with the same results, and its other work has turns', async ({ open }) => {
  const page = await open({ isolated: true });
  const seen = await page.evaluate(async () => {
    let [runs, wrong, asked, turns, kernels] = [0, 0, 0, 0, 0];
    const { waitAsync } = Atomics;
    Atomics.waitAsync = ((...how: Parameters<typeof waitAsync>) => {
      asked++;
      return waitAsync.apply(Atomics, how);
    }) as typeof waitAsync;
    WebAssembly.Instance = new Proxy(WebAssembly.Instance, { construct: (made, how: [WebAssembly.Module]) => {
      kernels++;
      return new made(...how);
    } });
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', tune: 'off' });
    const once = async (): Promise<void> => {
      const k = ++runs % 7;
      const { y } = await session.run({ x: new Float32Array(3).fill(k) });
      if ((y?.data as Float32Array).some((v, i) => v !== (i === 0 ? 6 * k + 0.5 : Math.max(0, 0.5 - 6 * k)))) wrong++;
    };
    // How to make them comes with the answer to a message, which the first run after a pause is.
    while (runs < 40) {
      await once();
      if (runs % 10 === 0) await new Promise((done) => setTimeout(done, 100));
    }
    const timer = setInterval(() => { turns++; }, 10);
    const before = runs;
    asked = 0;
    for (const began = performance.now(); performance.now() - began < 400;) await once();
    clearInterval(timer);
    const told = (await session.report()).runs;
    await session.dispose();
    return { wrong, here: kernels > 1 && asked < (runs - before) / 2, turns: turns > 3, told: told === runs };
  });
  expect(seen).toEqual({ wrong: 0, here: true, turns: true, told: true });
});

test('progress: phases arrive in order, none after the result', async ({ open }) => {
  const page = await open();
  const seen = await page.evaluate(async () => {
    const phases: string[] = [];
    await quern.load('/files/layer.onnx', { device: 'wasm', tune: 'off', onProgress: ({ phase }) => { phases.push(phase); } });
    const count = phases.length;
    await new Promise((done) => setTimeout(done, 50));
    return { first: phases[0], after: phases.length - count };
  });
  expect(seen).toEqual({ first: 'download', after: 0 });
});

test('tuning: improves nothing it does not check, and can be taken along', async ({ open }) => {
  const page = await open();
  const seen = await page.evaluate(async (feed) => {
    const session = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1, tune: 'off', cache: false });
    const report = await session.tune({ budgetMs: 2000 });
    const json = await session.exportTuning();
    const other = await quern.load('/files/layer.onnx', { device: 'wasm', threads: 1, tune: 'off', cache: false });
    await other.importTuning(json);
    const { y } = await other.run({ x: new Float32Array(feed) });
    return { wrong: report.wrong, y: Array.from(y?.data as Float32Array) };
  }, layerFeed);
  expect(seen).toEqual({ wrong: 0, y: layerAnswer });
});

test('support: what a model needs, from its head', async ({ open }) => {
  const page = await open();
  const report = await page.evaluate(() => quern.support('/files/layer.onnx'));
  expect(report).toMatchObject({ supported: true, missing: [], weightBytes: 32 });
});
