/**
 * onnxruntime-node in a process of its own, so that its memory and its threads are its own. Talks over IPC: `load` answers with times,
 * `run` with the milliseconds of one run.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DType } from '../jit/expr/dtype.ts';
import { peakBytes } from './memory.ts';
import { fill } from './page/fill.ts';
import type { NodePeerAnswer, NodePeerRequest } from './engines.ts';

interface Session {
  readonly inputMetadata: readonly { readonly name: string; readonly type: string; readonly shape: readonly (number | string)[] }[];
  run(feeds: Record<string, unknown>): Promise<Record<string, unknown>>;
}

interface OrtNode {
  readonly Tensor: new (type: string, data: ArrayBufferView, dims: readonly number[]) => unknown;
  readonly InferenceSession: { create(path: string, options: object): Promise<Session> };
}

let session: Session | undefined;
let feeds: Record<string, unknown> = {};

async function once(): Promise<number> {
  const since = performance.now();
  await session?.run(feeds);
  return performance.now() - since;
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
      feeds = Object.fromEntries(session.inputMetadata.map(({ name, type, shape }) => {
        const { data, dims } = fill(name, type as DType, shape, request.dims);
        return [name, new ort.Tensor(type, data, dims)];
      }));
      return { kind: 'loaded', loadMs, firstMs: await once(), emptyBytes: empty ?? null };
    }
    case 'run': return { kind: 'ran', ms: await once() };
    case 'memory': return { kind: 'memory', bytes: (await peakBytes([process.pid])) ?? null };
    default: return request satisfies never;
  }
}

process.on('message', (request: NodePeerRequest) => {
  answer(request)
    .catch((error: unknown): NodePeerAnswer => ({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }))
    .then((message) => process.send?.(message), () => undefined);
});
