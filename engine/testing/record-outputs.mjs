/**
 * Records outputs.json: runs every case of every fixture in onnxruntime (CPU, one thread, no graph optimisations), which is not a
 * dependency of this package: `node engine/testing/record-outputs.mjs FOLDER [SOURCES OUTPUTS]`, where FOLDER/node_modules holds
 * onnxruntime-node and SOURCES is a module that exports `sources`. Needed only when a fixture changes; the result is checked in.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { createServer } from 'vite';

const [folder = '.', module = 'engine/testing/sources.ts', outputs = 'engine/testing/outputs.json'] = process.argv.slice(2);
const ort = createRequire(resolve(folder, 'package.json'))('onnxruntime-node');
const vite = await createServer({ configFile: false, server: { middlewareMode: true }, appType: 'custom', logLevel: 'error', optimizeDeps: { noDiscovery: true } });

const { sources } = await vite.ssrLoadModule(`/${module}`);
const all = {};
for (const { name, build, cases } of sources) {
  const session = await ort.InferenceSession.create(build(), { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
  all[name] = [];
  for (const { feeds } of cases) {
    const given = Object.fromEntries(Object.entries(feeds).map(([key, { dtype, dims, data }]) => [key, new ort.Tensor(dtype, data, dims)]));
    const results = await session.run(given);
    all[name].push(Object.fromEntries(session.outputNames.map((key) => {
      const { type, dims, data } = results[key];
      // The shortest decimal that reads back as the same float32.
      const shown = [...data].map((v) => (type === 'float32' ? Number(v.toPrecision(9)) : Number(v)));
      return [key, { dtype: type, dims, data: shown }];
    })));
  }
  await session.release?.();
}
const lines = Object.entries(all).map(([name, cases]) => `${JSON.stringify(name)}: [\n${cases.map((c) => JSON.stringify(c)).join(',\n')}\n]`);
writeFileSync(outputs, `{\n${lines.join(',\n')}\n}\n`);
await vite.close();
