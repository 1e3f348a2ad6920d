/** How much a visitor downloads before a model: each script of the build, and onnxruntime-web's smallest build with the wasm it needs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { peerFolder } from '../cli/peers.ts';
import { packageRoot } from '../cli/server.ts';
import { record } from './results.ts';

interface Size {
  readonly file: string;
  readonly bytes: number;
  readonly gzip: number;
}

function sizeOf(file: string, path: string): Size {
  const content = readFileSync(path);
  return { file, bytes: content.length, gzip: gzipSync(content, { level: 9 }).length };
}

export async function main(): Promise<void> {
  const dist = join(packageRoot(), 'dist');
  const own = ['quern.global.js', 'quern.js', 'ort.js', 'quern.worker.js'].map((name) => sizeOf(name, join(dist, name)));
  const folder = await peerFolder('ort-web', console.log);
  const peer = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm', 'ort.webgpu.min.mjs', 'ort-wasm-simd-threaded.asyncify.mjs', 'ort-wasm-simd-threaded.asyncify.wasm']
    .map((name) => sizeOf(name, join(folder, 'dist', name)));
  for (const { file, bytes, gzip } of [...own, ...peer]) console.log(`${file.padEnd(40)} ${String(bytes).padStart(10)}  gzip ${String(gzip).padStart(9)}`);
  await record('size', { budgetGzipBytes: 150 * 1024, quern: own, onnxruntimeWeb: peer });
}
