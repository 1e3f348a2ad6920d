/** The command line as somebody in a terminal meets it: words in; text, files and exit codes out. */
import { expect, test } from '@playwright/test';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeTensor } from '../engine/load/tensor-proto.ts';
import { layer, layerAnswer, layerFeed, tinyModel, unknownOperator } from './tiny-model.ts';

const command = fileURLToPath(new URL('../cli/quern.mjs', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function quern(...words: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [command, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text) => { out += String(text); });
    child.stderr.on('data', (text) => { err += String(text); });
    child.on('close', (code) => { done({ code, out, err }); });
  });
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'quern-cli-'));
const floats = (name: string, dims: readonly number[], values: readonly number[]): Uint8Array => encodeTensor({ name, dtype: 'float32', dims, data: new Float32Array(values) });

/** A folder in the ONNX test layout: `layer`, with what it gives or something else. */
function testFolder(root: string, name: string, answer: readonly number[]): void {
  const set = join(root, name, 'test_data_set_0');
  mkdirSync(set, { recursive: true });
  writeFileSync(join(root, name, 'model.onnx'), tinyModel(layer));
  writeFileSync(join(set, 'input_0.pb'), floats('', [2, 3], layerFeed));
  writeFileSync(join(set, 'output_0.pb'), floats('', [2, 2], answer));
  // Named, so its number does not matter.
  writeFileSync(join(set, 'output_5.pb'), floats('twice', [2, 2], answer.map((v) => 2 * v)));
}

test('verify tells right from wrong and from unsupported, and says so in its exit code', async () => {
  const root = folder();
  testFolder(root, 'a-right', layerAnswer);
  testFolder(root, 'b-wrong', [14.5, 0, 1, 1.5]);
  testFolder(root, 'c-unsupported', layerAnswer);
  writeFileSync(join(root, 'c-unsupported', 'model.onnx'), tinyModel(unknownOperator));
  const json = join(root, 'results.json');
  const { code, out } = await quern('verify', root, '--device', 'wasm', '--json', json);
  expect(code).toBe(1);
  expect(out).toContain('1 of 3 pass, 1 fail, 1 unsupported, 0 errors');
  expect(out).toContain('y: 1 of 4 elements out of tolerance; worst at [1, 0]: expected 1, got 0');
  const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: { status: string; message: string }[] };
  expect(results.map((r) => r.status)).toEqual(['pass', 'fail', 'unsupported']);
  expect(results[2]?.message).toContain('Frobnicate');
});

test('verify ends with 0 where all is right', async () => {
  const root = folder();
  testFolder(root, 'layer', layerAnswer);
  expect((await quern('verify', root, '--device', 'webgpu')).code).toBe(0);
});

test('run takes .pb and .npy, writes .npy that run takes again', async () => {
  const root = folder();
  const model = join(root, 'layer.onnx');
  writeFileSync(model, tinyModel(layer));
  writeFileSync(join(root, 'x.pb'), floats('x', [2, 3], layerFeed));
  const first = await quern('run', model, '--input', `x=${join(root, 'x.pb')}`, '--device', 'wasm', '--out', join(root, 'out'));
  expect(first.err).toBe('');
  const written = readFileSync(join(root, 'out', 'y.npy'));
  expect(written.subarray(1, 6).toString('latin1')).toBe('NUMPY');
  expect([...new Float32Array(new Uint8Array(written.subarray(written.length - 16)).buffer)]).toEqual(layerAnswer);
  // [2, 2] is no [n, 3]: the engine's own sentence comes through.
  const second = await quern('run', model, '--input', `x=${join(root, 'out', 'y.npy')}`, '--device', 'wasm');
  expect(second.code).toBe(1);
  expect(second.err).toContain('input \'x\'');
});

test('run fills what is not given, the same way every time', async () => {
  const model = join(folder(), 'layer.onnx');
  writeFileSync(model, tinyModel(layer));
  const outputs = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('  '));
  const [a, b] = [await quern('run', model, '--dim', 'n=4', '--device', 'wasm'), await quern('run', model, '--dim', 'n=4', '--device', 'wasm')];
  expect(a.out).toContain('x float32[4, 3]');
  expect(outputs(a.out)).toEqual(outputs(b.out));
});

test('bench, tune and inspect report on a model', async () => {
  const root = folder();
  const model = join(root, 'layer.onnx');
  writeFileSync(model, tinyModel(layer));
  const json = join(root, 'bench.json');
  expect((await quern('bench', model, '--device', 'wasm', '--threads', '1', '--runs', '3', '--profile', '--json', json)).code).toBe(0);
  const { rows } = JSON.parse(readFileSync(json, 'utf8')) as { rows: Record<string, unknown>[] };
  expect(rows).toEqual([expect.objectContaining({ engine: 'quern', device: 'wasm', threads: 1 })]);
  // Three turns of a small model are up to ten runs each.
  expect(rows[0]?.['runs']).toBeGreaterThanOrEqual(3);
  expect(rows[0]?.['medianMs']).toBeGreaterThan(0);
  expect((await quern('tune', model, '--out', join(root, 'records.json'), '--device', 'wasm')).code).toBe(0);
  JSON.parse(readFileSync(join(root, 'records.json'), 'utf8'));
  const inspected = await quern('inspect', model, '--kernels', '--device', 'wasm');
  expect(inspected.out).toContain('MatMul');
  expect(inspected.out).toContain('--- kernel 0');
});

test('inspect shows what each pass leaves, and the program before and after one', async () => {
  const model = join(folder(), 'layer.onnx');
  writeFileSync(model, tinyModel(layer));
  const { out } = await quern('inspect', model, '--passes');
  // Two Adds and the Relu stand alone before fusion; after it the MatMul does the first two.
  const counts = (pass: string): string[] => (out.split('\n').find((l) => l.startsWith(`${pass} `)) ?? '').split(/\s+/).slice(1);
  expect(counts('lower').slice(0, 3)).toEqual(['3', '0', '1']);
  expect(counts('fuse-epilogues').slice(0, 3)).toEqual(['1', '0', '1']);
  const one = await quern('inspect', model, '--pass', 'fuse-epilogues');
  expect(one.out).toMatch(/--- before fuse-epilogues[\s\S]*--- after fuse-epilogues/);
  expect(await quern('inspect', model, '--pass', 'no-such')).toMatchObject({ code: 2 });
});

test('wrong words end with 2 and the help', async () => {
  const { code, err } = await quern('bench', 'x.onnx', '--speed');
  expect(code).toBe(2);
  expect(err).toContain('\'bench\' has no option \'--speed\'');
  expect(err).toContain('--against');
  expect((await quern('run', '/nowhere.onnx')).err).toContain('there is no file \'/nowhere.onnx\'');
});
