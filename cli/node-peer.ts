/**
 * onnxruntime-node in a process of its own, so that its memory and its threads are its own. Talks over IPC: `load` answers with times,
 * `run` with the milliseconds of some runs.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DType, TypedArray } from '../jit/expr/dtype.ts';
import { peakBytes } from './memory.ts';
import { fill } from './page/fill.ts';
import { comparedSteps, nextFeeds } from './page/loop.ts';
import { encodeNpy, fileName } from './page/npy.ts';
import type { NodePeerAnswer, NodePeerRequest } from './engines.ts';
import type { Loop } from './protocol.ts';

interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

interface Session {
  readonly inputMetadata: readonly { readonly name: string; readonly type: string; readonly shape: readonly (number | string)[] }[];
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
}

interface OrtNode {
  readonly Tensor: new (type: string, data: ArrayBufferView, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: { create(path: string, options: object): Promise<Session> };
}

let session: Session | undefined;
let filled: Record<string, OrtTensor> = {};
let feeds: Record<string, OrtTensor> = {};
let loop: Loop | undefined;

async function step(): Promise<Record<string, OrtTensor>> {
  const outputs = (await session?.run(feeds)) ?? {};
  feeds = nextFeeds(feeds, outputs, loop);
  return outputs;
}

async function once(): Promise<number> {
  const since = performance.now();
  await step();
  return performance.now() - since;
}

async function writeOutputs(folder: string): Promise<string[]> {
  feeds = filled;
  let outputs = await step();
  for (let i = 1; loop !== undefined && i < comparedSteps; i++) outputs = await step();
  await mkdir(folder, { recursive: true });
  for (const [name, { type, dims, data }] of Object.entries(outputs)) {
    await writeFile(join(folder, `${fileName(name)}.npy`), encodeNpy({ dtype: type as DType, dims, data }));
  }
  return Object.keys(outputs);
}

async function answer(request: NodePeerRequest): Promise<NodePeerAnswer> {
  switch (request.kind) {
    case 'load': {
      const empty = await peakBytes([process.pid]);
      const begun = performance.now();
      const ort = createRequire(join(request.folder, 'package.json'))('onnxruntime-node') as OrtNode;
      session = await ort.InferenceSession.create(request.model, {
        intraOpNumThreads: request.threads, interOpNumThreads: 1, graphOptimizationLevel: 'all', executionProviders: ['cpu'],
      });
      const loadMs = performance.now() - begun;
      loop = request.loop;
      filled = Object.fromEntries(session.inputMetadata.map(({ name, type, shape }) => {
        const { data, dims } = fill(name, type as DType, shape, request.dims);
        return [name, new ort.Tensor(type, data, dims)];
      }));
      feeds = filled;
      return { kind: 'loaded', loadMs, firstMs: await once(), emptyBytes: empty ?? null };
    }
    case 'run': {
      const ms: number[] = [];
      while (ms.length < request.count) ms.push(await once());
      return { kind: 'ran', ms };
    }
    case 'outputs': return { kind: 'outputs', names: await writeOutputs(request.folder) };
    case 'memory': return { kind: 'memory', bytes: (await peakBytes([process.pid])) ?? null };
    default: return request satisfies never;
  }
}

process.on('message', (request: NodePeerRequest) => {
  answer(request)
    .catch((error: unknown): NodePeerAnswer => ({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }))
    .then((message) => process.send?.(message), () => undefined);
});
