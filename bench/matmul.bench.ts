/**
 * One f32 MatMul with a constant right side, on one thread, beside onnxruntime-web and onnxruntime-node: the kernel that decides most models. The
 * model is made here, so that all engines are given the same file. Flags of Chromium go in QUERN_CHROMIUM_FLAGS.
 *   node bench/run.mjs matmul [NAME of the results]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { main as quern } from '../cli/main.ts';
import type { BenchRow } from '../cli/bench.ts';
import { folder, productFile } from './products.ts';
import { record } from './results.ts';

const shapes = [[128, 768, 3072], [384, 384, 384], [1024, 1024, 1024], [1, 768, 3072]] as const;

export async function main([name = 'matmul']: readonly string[]): Promise<void> {
  const rows = [];
  for (const [m, k, n] of shapes) {
    const file = productFile(m, k, n);
    const json = join(folder, 'matmul.json');
    const code = await quern(['bench', file, '--device', 'wasm', '--threads', '1', '--against', 'ort-web,ort-node', '--runs', '40', '--json', json]);
    if (code !== 0) throw new Error(`bench ended with ${String(code)}`);
    const flops = 2 * m * k * n;
    for (const row of (JSON.parse(readFileSync(json, 'utf8')) as { rows: BenchRow[] }).rows) {
      rows.push({ m, k, n, ...row, model: `matmul ${String(m)}x${String(k)}x${String(n)}`, gflops: flops / row.medianMs / 1e6, bestGflops: flops / row.minMs / 1e6 });
      console.log(`  ${row.engine.padEnd(9)} ${(flops / row.medianMs / 1e6).toFixed(1)} GFLOP/s, at best ${(flops / row.minMs / 1e6).toFixed(1)}`);
    }
  }
  await record(name, { flags: process.env['QUERN_CHROMIUM_FLAGS'] ?? '', what: 'f32 MatMul, constant right side, one thread; medians of whole runs as an application sees them', rows });
}
