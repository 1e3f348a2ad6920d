/**
 * onnxruntime-web in the page, for comparison: the same model, the same inputs and the same clock as Quern's side. Types cover only what
 * is used here; the package is installed for benchmarks alone and never a dependency.
 */
import type { DType, TypedArray } from '../../jit/expr/dtype.ts';
import type { HostTensor } from './compare.ts';
import { fill } from './fill.ts';
import { comparedSteps, nextFeeds } from './loop.ts';
import type { BenchLoadAnswer, PeerLoadRequest } from '../protocol.ts';

interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: TypedArray;
  dispose(): void;
}

interface OrtSession {
  readonly inputMetadata: readonly { readonly name: string; readonly type: string; readonly shape: readonly (number | string)[] }[];
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

interface Ort {
  readonly env: { readonly wasm: { numThreads: number; wasmPaths: string }; logLevel: string };
  readonly Tensor: new (type: string, data: ArrayBufferView, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: { create(url: string, options: object): Promise<OrtSession> };
}

export interface PeerModel {
  /** One run, in milliseconds. */
  run(): Promise<number>;
  /** Outputs of a run on the filled inputs; with a loop, of the last of a few steps. */
  outputs(): Promise<Record<string, HostTensor>>;
  dispose(): Promise<void>;
}

/** The clock starts before the engine's script is fetched; `create` fetches its wasm. */
export async function loadPeer(request: PeerLoadRequest): Promise<{ readonly model: PeerModel; readonly times: BenchLoadAnswer }> {
  const gpu = request.device === 'webgpu';
  const begun = performance.now();
  const ort = (await import(/* @vite-ignore */ `${request.peer}/${gpu ? 'ort.webgpu.min.mjs' : 'ort.wasm.min.mjs'}`)) as Ort;
  const threads = request.threads ?? navigator.hardwareConcurrency;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = new URL(`${request.peer}/`, location.href).href;
  const session = await ort.InferenceSession.create(request.model, {
    executionProviders: [gpu ? 'webgpu' : 'wasm'],
    graphOptimizationLevel: 'all',
  });
  const ready = performance.now();
  const filled = (): Record<string, OrtTensor> => Object.fromEntries(
    session.inputMetadata.map(({ name, type, shape }) => {
      // What the file leaves unnamed comes as 2^64 - 1; Quern names it so.
      const named = shape.map((d, i) => (typeof d === 'number' && d > Number.MAX_SAFE_INTEGER ? `${name}_${i}` : d));
      const { data, dims } = fill(name, type as DType, named, request.dims);
      // A Float16Array is wanted where the browser has one; elsewhere the bits.
      const half = (globalThis as { Float16Array?: new (buffer: ArrayBufferLike, offset: number, length: number) => ArrayBufferView }).Float16Array;
      const wanted = type === 'float16' && half !== undefined ? new half(data.buffer, data.byteOffset, data.length) : data;
      return [name, new ort.Tensor(type, wanted, dims)];
    }),
  );
  let feeds = filled();
  const step = async (): Promise<Record<string, OrtTensor>> => {
    const outputs = await session.run(feeds);
    const next = nextFeeds(feeds, outputs, request.loop);
    for (const [name, tensor] of Object.entries(feeds)) if (next[name] !== tensor) tensor.dispose();
    feeds = next;
    return outputs;
  };
  const once = async (): Promise<number> => {
    const since = performance.now();
    const outputs = await step();
    const ms = performance.now() - since;
    const fed = new Set(Object.values(feeds));
    for (const tensor of Object.values(outputs)) if (!fed.has(tensor)) tensor.dispose();
    return ms;
  };
  const outputs = async (): Promise<Record<string, HostTensor>> => {
    feeds = filled();
    let last = await step();
    for (let i = 1; request.loop !== undefined && i < comparedSteps; i++) last = await step();
    return Object.fromEntries(Object.entries(last).map(([name, { type, dims, data }]) => [name, { dtype: type as DType, dims, data }]));
  };
  const firstMs = await once();
  return {
    model: { run: once, outputs, dispose: () => session.release() },
    times: { device: request.device === 'webgpu' ? 'webgpu' : 'wasm', threads, loadMs: ready - begun, firstMs },
  };
}
