/** What the browser tests stand on: without these facts of the browser they would test something else, so their absence fails the run. */
import { expect, test } from 'vitest';

test('the page is cross-origin isolated', () => {
  expect(crossOriginIsolated).toBe(true);
});

test('the page has a WebGPU adapter', async () => {
  expect(await navigator.gpu.requestAdapter()).not.toBeNull();
});

test('a Blob worker is isolated too and has a WebGPU adapter', async () => {
  const script = `navigator.gpu.requestAdapter().then((adapter) => postMessage({ adapter: adapter !== null, isolated: crossOriginIsolated }))`;
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const worker = new Worker(url);
  try {
    const facts = await new Promise((resolve, reject) => {
      worker.onmessage = (event: MessageEvent<unknown>) => { resolve(event.data); };
      worker.onerror = () => { reject(new Error('the worker did not start')); };
    });
    expect(facts).toEqual({ adapter: true, isolated: true });
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
});
