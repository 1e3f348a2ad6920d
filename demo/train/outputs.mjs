// Puts onnxruntime's answers into demo/models/digits.fixture.json, in place of torch's:
//   npm i --ignore-scripts --prefix .peers onnxruntime-node && node demo/train/outputs.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const root = new URL('../../', import.meta.url);
const ort = createRequire(new URL('.peers/', root))('onnxruntime-node');
const file = new URL('demo/models/digits.fixture.json', root);
const fixture = JSON.parse(readFileSync(file, 'utf8'));
const session = await ort.InferenceSession.create(new URL('demo/models/digits.onnx', root).pathname, { graphOptimizationLevel: 'disabled' });
let drift = 0;
for (const entry of fixture.cases) {
  const image = new ort.Tensor('float32', Float32Array.from(entry.image), [1, 1, 28, 28]);
  const { probabilities } = await session.run({ image });
  const answer = [...probabilities.data].map((v) => Number(v.toPrecision(7)));
  drift = Math.max(drift, ...answer.map((v, i) => Math.abs(v - entry.probabilities[i])));
  entry.probabilities = answer;
}
fixture.source = 'onnxruntime 1.30 CPU, optimisations off';
writeFileSync(file, `${JSON.stringify(fixture)}\n`);
console.log('largest difference from what was there', drift);
