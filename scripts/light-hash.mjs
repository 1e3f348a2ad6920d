/**
 * `node scripts/light-hash.mjs [wasm|webgpu …]`: four classifiers of the ONNX model zoo (ResNet-50, ShuffleNet, SqueezeNet, Inception) whose weights are
 * made by rule instead of stored. In: the test material's light-hash folders, a graph whose weights are ConstantOfShape nodes, weights_rule.json
 * and the output that onnxruntime gave. Makes complete test folders of them in test-results/ and verifies these on each backend, to a relative L2
 * norm of 1e-4 (7e-6 was seen). Exit status 2 where the material is not there.
 */
import { existsSync, copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PbfReader, PbfWriter } from 'pbf';
import { findMaterial, verifyOn } from './conformance.mjs';

/**
 * Uniform numbers in [0, 1), one per index, as float64: a hash of index and seed by two multiplications (the finaliser of splitmix32) over 2^32. The
 * material does not spell it out; its stored inputs of seed 1 (those that meta.json calls "hash") are these numbers to the last bit.
 */
function uniform(seed, index) {
  let x = (index + Math.imul(seed, 0x9e3779b9)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
}

/** A TensorProto of float32. */
function tensor(name, dims, seed, lo, hi) {
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => lo + (hi - lo) * uniform(seed, i));
  const out = new PbfWriter();
  for (const d of dims) out.writeVarintField(1, d);
  out.writeVarintField(2, 1);
  out.writeStringField(8, name);
  out.writeBytesField(9, new Uint8Array(data.buffer));
  return out.finish();
}

/** The fields of a message: number and bytes of each, all of them length-delimited or varints in what is read here. */
function fieldsOf(bytes) {
  const reader = new PbfReader(bytes);
  const fields = [];
  while (reader.pos < bytes.length) {
    const key = reader.readVarint();
    const [number, type] = [key >> 3, key & 7];
    if (type === 2) fields.push({ number, bytes: reader.readBytes() });
    else if (type === 0) fields.push({ number, value: reader.readVarint(true) });
    else throw new Error(`a field of wire type ${type} in a model or graph`);
  }
  return fields;
}

function message(fields) {
  const out = new PbfWriter();
  for (const { number, bytes, value } of fields) {
    if (bytes === undefined) out.writeVarintField(number, value);
    else out.writeBytesField(number, bytes);
  }
  return out.finish();
}

const text = new TextDecoder();
/** NodeProto.output is field 2. */
const makes = (node) => fieldsOf(node).filter((f) => f.number === 2).map((f) => text.decode(f.bytes));

/** The model with initializers (GraphProto field 5) in place of the nodes (field 1) that made its weights. */
function withWeights(model, weights) {
  const names = new Set(weights.map((w) => w.name));
  return message(fieldsOf(model).map((field) => {
    if (field.number !== 7) return field;
    const kept = fieldsOf(field.bytes).filter((f) => f.number !== 1 || !makes(f.bytes).some((name) => names.has(name)));
    const made = weights.map(({ name, dims, seed, lo, hi }) => ({ number: 5, bytes: tensor(name, dims, seed, lo, hi) }));
    return { number: 7, bytes: message([...kept, ...made]) };
  }));
}

function complete(from, to) {
  const { input, weights } = JSON.parse(readFileSync(`${from}/weights_rule.json`, 'utf8'));
  const [, seed, lo, hi] = /^u\(seed=(\d+), (-?[\d.]+)\.\.(-?[\d.]+)\)$/.exec(input.rule)?.map(Number) ?? [];
  if (seed === undefined) throw new Error(`${from}: an unknown rule for the input: ${input.rule}`);
  mkdirSync(`${to}/test_data_set_0`, { recursive: true });
  writeFileSync(`${to}/model.onnx`, withWeights(readFileSync(`${from}/model.onnx`), weights));
  writeFileSync(`${to}/test_data_set_0/input_0.pb`, tensor(input.name, input.dims, seed, lo, hi));
  copyFileSync(`${from}/test_data_set_0/output_0.pb`, `${to}/test_data_set_0/output_0.pb`);
  writeFileSync(`${to}/tolerance.json`, '{"relL2": 1e-4}\n');
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const source = `${findMaterial() ?? '.material'}/light-hash`;
if (!existsSync(source)) {
  console.error('the test material is not here: ../shared/material');
  process.exit(2);
}
const made = 'test-results/light-hash';
rmSync(made, { recursive: true, force: true });
for (const name of readdirSync(source)) complete(`${source}/${name}`, `${made}/${name}`);
const devices = process.argv.length > 2 ? process.argv.slice(2) : ['wasm', 'webgpu'];
const good = devices.map((device) => {
  console.log(device);
  const { summary } = verifyOn(device, [made], `test-results/light-hash-${device}.json`);
  return summary.pass === summary.total;
});
process.exitCode = good.every(Boolean) ? 0 : 1;
