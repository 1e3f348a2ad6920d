import { act, Component, StrictMode, Suspense, version, type ReactNode } from 'react';
import { createRoot, hydrateRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { floats, model, node } from '../engine/load/testing/build-model.ts';
import { QuernError, type Session, type Source } from '../engine/index.ts';
import { useInference, usePooledModel, usePooledSuspenseModel, type InferenceOptions } from './hooks.ts';
import { useModel, useSuspenseModel } from './entry.ts';
import { ModelPool, type ModelState } from './model-pool.ts';
import { FakeSession, fakeLoad, valuesOf } from './testing/fake-session.ts';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let root: Root;
let page: HTMLElement;
beforeEach(() => {
  page = document.createElement('div');
  root = createRoot(page);
});
afterEach(async () => {
  await acting(() => { root.unmount(); });
  vi.useRealTimers();
});

/** All that follows from it, effects and promises included: `act` waits for those only where its callback is async. */
const acting = <T,>(work: () => T | Promise<T>): Promise<T> => act(async () => work());
const render = (tree: ReactNode): Promise<void> => acting(() => { root.render(tree); });
const text = (): string | null => page.textContent;

/** Error boundary that shows the code. */
class Boundary extends Component<{ readonly children: ReactNode }, { readonly error?: QuernError }> {
  static getDerivedStateFromError = (error: QuernError) => ({ error });
  override state: { readonly error?: QuernError } = {};
  override render(): ReactNode {
    return this.state.error === undefined ? this.props.children : `caught ${this.state.error.code}`;
  }
}

it('tests the React that the project of the test runner names', () => {
  expect(version).toMatch(new RegExp(`^${String(import.meta.env['REACT'])}\\.`));
});

describe('useModel', () => {
  function setUp() {
    const { load, loads } = fakeLoad();
    const pool = new ModelPool(load);
    const Model = ({ source }: { readonly source: Source | undefined }): ReactNode => {
      const { status, progress, error, retry } = usePooledModel(pool, source, { device: 'wasm' });
      return <p onClick={retry}>{[status, progress?.phase, error?.code].filter((part) => part !== undefined).join(' ')}</p>;
    };
    return { loads, pool, Model };
  }

  it('shows progress, then the session', async () => {
    const { loads, Model } = setUp();
    await render(<Model source="/m.onnx" />);
    expect(text()).toBe('loading');
    await acting(() => { loads[0]!.options.onProgress!({ phase: 'download', loaded: 1 }); });
    expect(text()).toBe('loading download');
    await acting(() => loads[0]!.finish());
    expect(text()).toBe('ready');
    expect(loads[0]!.options.device).toBe('wasm');
  });

  it('is idle without a source', async () => {
    const { loads, Model } = setUp();
    await render(<Model source={undefined} />);
    expect(text()).toBe('idle');
    await render(<Model source="/m.onnx" />);
    expect([text(), loads.length]).toEqual(['loading', 1]);
  });

  it('shows an error, and retries', async () => {
    const { loads, Model } = setUp();
    await render(<Model source="/m.onnx" />);
    await acting(() => loads[0]!.fail(new QuernError('fetch-failed', 'no')));
    expect(text()).toBe('error fetch-failed');
    await acting(() => { page.querySelector('p')!.click(); });
    expect([text(), loads.length]).toEqual(['loading', 2]);
  });

  it('loads once in StrictMode and for two components', async () => {
    vi.useFakeTimers();
    const { loads, Model } = setUp();
    await render(<StrictMode><Model source="/m.onnx" /><Model source="/m.onnx" /></StrictMode>);
    const session = await acting(() => loads[0]!.finish());
    vi.advanceTimersByTime(60_000);
    expect([text(), loads.length, session.disposed]).toEqual(['readyready', 1, 0]);
    await render(<StrictMode><Model source="/m.onnx" /></StrictMode>);
    vi.advanceTimersByTime(60_000);
    expect(session.disposed).toBe(0);
    await render(null);
    vi.advanceTimersByTime(60_000);
    expect(session.disposed).toBe(1);
  });

  it('another source gives up the load of the one before', async () => {
    vi.useFakeTimers();
    const { loads, Model } = setUp();
    await render(<Model source="/a.onnx" />);
    await render(<Model source="/b.onnx" />);
    vi.advanceTimersByTime(1000);
    expect(loads.map((l) => [l.source, l.options.signal?.aborted])).toEqual([['/a.onnx', true], ['/b.onnx', false]]);
  });

  it('takes over what a server rendered', async () => {
    const { loads, Model } = setUp();
    const sent = document.createElement('div');
    sent.innerHTML = renderToString(<Model source="/m.onnx" />);
    expect([sent.textContent, loads.length]).toEqual(['loading', 0]);
    const problems: unknown[] = [];
    const hydrated = await acting(() => hydrateRoot(sent, <Model source="/m.onnx" />, { onRecoverableError: (e) => problems.push(e) }));
    await acting(() => loads[0]!.finish());
    expect([sent.textContent, problems]).toEqual(['ready', []]);
    await acting(() => { hydrated.unmount(); });
  });
});

describe('useSuspenseModel', () => {
  function setUp() {
    const { load, loads } = fakeLoad();
    const pool = new ModelPool(load);
    const Model = ({ source = '/m.onnx' }: { readonly source?: string }): ReactNode => `on ${usePooledSuspenseModel(pool, source, {}).device}`;
    const tree = (children: ReactNode): ReactNode => <StrictMode><Boundary><Suspense fallback="wait">{children}</Suspense></Boundary></StrictMode>;
    return { loads, Model, tree };
  }

  it('shows the fallback while it loads, and loads once', async () => {
    vi.useFakeTimers();
    const { loads, Model, tree } = setUp();
    await render(tree([<Model key="a" />, <Model key="b" />]));
    expect(text()).toBe('wait');
    const session = await acting(() => loads[0]!.finish());
    await acting(() => vi.advanceTimersByTimeAsync(60_000));
    expect([text(), loads.length, session.disposed]).toEqual(['on wasmon wasm', 1, 0]);
    await render(null);
    vi.advanceTimersByTime(1000);
    expect(session.disposed).toBe(1);
  });

  it('throws a failure to the error boundary', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { loads, Model, tree } = setUp();
    await render(tree(<Model />));
    await acting(() => loads[0]!.fail(new QuernError('invalid-model', 'no model')));
    expect(text()).toBe('caught invalid-model');
    vi.restoreAllMocks();
  });

  it('a component that never came to be leaves no session behind', async () => {
    vi.useFakeTimers();
    const { loads, Model, tree } = setUp();
    await render(tree(<Model />));
    await render(null);
    const session = await acting(() => loads[0]!.finish());
    vi.advanceTimersByTime(30_000);
    expect(session.disposed).toBe(1);
  });
});

describe('useInference', () => {
  const states: string[] = [];
  interface ResultProps extends Partial<InferenceOptions> {
    readonly model: Session | ModelState | undefined;
    readonly x: number | undefined;
  }
  function Result({ model: given, x, ...options }: ResultProps): ReactNode {
    const { status, outputs } = useInference(given, x === undefined ? undefined : { x: new Float32Array([x]) }, { key: x, ...options });
    const line = `${status} ${valuesOf(outputs)?.join() ?? '-'}`;
    states.push(line);
    return line;
  }
  beforeEach(() => { states.length = 0; });

  it('runs when the key changes, not when feeds are another object', async () => {
    const session = new FakeSession();
    await render(<Result model={session} x={1} />);
    await acting(() => session.runs[0]!.finish(10));
    await render(<Result model={session} x={1} />);
    expect([text(), session.runs.length]).toEqual(['done 10', 1]);
    await render(<Result model={session} x={2} />);
    expect([text(), session.runs.length]).toEqual(['running 10', 2]);
  });

  it('never calls an old result done for a new key', async () => {
    const session = new FakeSession();
    await render(<Result model={session} x={1} />);
    await acting(() => session.runs[0]!.finish(10));
    states.length = 0;
    await render(<Result model={session} x={2} />);
    await acting(() => session.runs[1]!.finish(20));
    expect(new Set(states)).toEqual(new Set(['running 10', 'done 20']));
  });

  it('other outputs are another run, the same names are not', async () => {
    const session = new FakeSession();
    await render(<Result model={session} x={1} outputs={['y']} />);
    await render(<Result model={session} x={1} outputs={['y']} />);
    expect(session.runs).toHaveLength(1);
    await render(<Result model={session} x={1} outputs={['y', 'z']} />);
    expect(session.runs.map((r) => [r.options.outputs, r.options.signal?.aborted])).toEqual([[['y'], true], [['y', 'z'], false]]);
  });

  it('a stale run is aborted, the latest wins', async () => {
    const session = new FakeSession();
    for (const x of [1, 2, 3]) await render(<Result model={session} x={x} />);
    expect(session.runs.map((r) => r.options.signal?.aborted)).toEqual([true, true, false]);
    await acting(() => session.runs[2]!.finish(30));
    await acting(() => session.runs[0]!.finish(10));
    expect(text()).toBe('done 30');
  });

  it("overlap 'finish' leaves out what came between", async () => {
    const session = new FakeSession();
    for (const x of [1, 2, 3]) await render(<Result model={session} x={x} overlap="finish" />);
    expect(session.runs).toHaveLength(1);
    await acting(() => session.runs[0]!.finish(10));
    expect(text()).toBe('running 10');
    await acting(() => session.runs[1]!.finish(30));
    expect([text(), session.runs[1]!.feeds['x']]).toEqual(['done 30', new Float32Array([3])]);
  });

  it('unmounting aborts', async () => {
    const session = new FakeSession();
    await render(<Result model={session} x={1} />);
    await render(null);
    expect(session.runs[0]!.options.signal?.aborted).toBe(true);
  });

  it('runs in StrictMode, where the first of two runs is aborted', async () => {
    const session = new FakeSession();
    await render(<StrictMode><Result model={session} x={1} /></StrictMode>);
    expect(session.runs.map((r) => r.options.signal?.aborted)).toEqual([true, false]);
    await acting(() => session.runs[1]!.finish(10));
    expect(text()).toBe('done 10');
  });

  it('waits for model and feeds', async () => {
    const session = new FakeSession();
    await render(<Result model={{ status: 'loading' }} x={1} />);
    expect(text()).toBe('idle -');
    await render(<Result model={{ status: 'ready', session }} x={undefined} />);
    expect(text()).toBe('idle -');
    await render(<Result model={{ status: 'ready', session }} x={1} />);
    await acting(() => session.runs[0]!.finish(10));
    expect(text()).toBe('done 10');
    await render(<Result model={{ status: 'ready', session }} x={undefined} />);
    expect(text()).toBe('idle -');
  });
});

describe(`the engine, under React ${version}`, () => {
  const bytes = model({
    inputs: { x: 'float32[n]' },
    outputs: { y: 'float32[n]' },
    initializers: { two: floats([1], [2]) },
    nodes: [node('Mul', ['x', 'two'], 'y')],
  });
  const options = { device: 'wasm', threads: 1, tune: 'off', cache: false } as const;
  /** Outside act, as on a page. */
  const shows = (wanted: string): Promise<void> => vi.waitFor(() => { expect(text()).toBe(wanted); }, { timeout: 30_000, interval: 20 });
  beforeEach(() => { Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false }); });
  afterEach(() => { Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true }); });

  function Double({ x }: { readonly x: number }): ReactNode {
    const { status, outputs, error } = useInference(useModel(bytes, options), { x: new Float32Array([x, x + 1]) }, { key: x });
    return status === 'error' ? error.message : `${status} ${valuesOf(outputs)?.join() ?? '-'}`;
  }

  it('loads and runs a model', async () => {
    root.render(<StrictMode><Double x={1} /></StrictMode>);
    await shows('done 2,4');
    root.render(<StrictMode><Double x={5} /></StrictMode>);
    await shows('done 10,12');
  });

  it('says what is wrong with a feed', async () => {
    const Wrong = (): ReactNode => useInference(useSuspenseModel(bytes, options), { z: new Float32Array(1) }, { key: 0 }).error?.code;
    root.render(<Suspense><Wrong /></Suspense>);
    await shows('invalid-input');
  });

  it('says what is wrong with a model', async () => {
    const rubbish = new Uint8Array([1, 2, 3]);
    const Wrong = (): ReactNode => useModel(rubbish, options).error?.code;
    root.render(<Wrong />);
    await shows('invalid-model');
  });
});
