/** Finding tests on disk, and the figures of a benchmark. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { quantile, ratios, type BenchRow } from './bench.ts';
import { findFolders } from './folders.ts';

function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'quern-folders-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

describe('test folders', () => {
  it('are found at any depth, with their files by number', async () => {
    const root = tree({
      'node/b/model.onnx': '', 'node/b/test_data_set_0/input_10.pb': '', 'node/b/test_data_set_0/input_2.pb': '', 'node/b/test_data_set_0/output_0.pb': '',
      'node/a/model.onnx': '', 'node/a/test_data_set_1/output_0.pb': '', 'node/a/test_data_set_0/output_0.pb': '',
      'node/no-data/model.onnx': '', 'node/no-model/test_data_set_0/output_0.pb': '',
    });
    const found = await findFolders(root);
    expect(found.map((f) => relative(root, f.path))).toEqual(['node/a', 'node/b']);
    expect(found[0]?.sets.map((s) => relative(root, s.path))).toEqual(['node/a/test_data_set_0', 'node/a/test_data_set_1']);
    expect(found[1]?.sets[0]?.inputs.map((f) => relative(root, f))).toEqual(['node/b/test_data_set_0/input_2.pb', 'node/b/test_data_set_0/input_10.pb']);
  });

  it('may be the path itself', async () => {
    expect(await findFolders(tree({ 'model.onnx': '', 'test_data_set_0/output_0.pb': '' }))).toHaveLength(1);
  });

  it.each([
    ['{"relL2": 0.01}', { kind: 'relL2', limit: 0.01 }],
    ['{"maxAbs": 5}', { kind: 'maxAbs', limit: 5 }],
  ])('take their tolerance from %s', async (text, tolerance) => {
    const [folder] = await findFolders(tree({ 'model.onnx': '', 'test_data_set_0/output_0.pb': '', 'tolerance.json': text }));
    expect(folder?.tolerance).toEqual(tolerance);
  });

  it('refuse a tolerance that says nothing', async () => {
    await expect(findFolders(tree({ 'model.onnx': '', 'test_data_set_0/output_0.pb': '', 'tolerance.json': '{"rel": 1}' }))).rejects.toThrow('neither a relL2 nor a maxAbs');
  });

  it('refuse a path that is not there', async () => {
    await expect(findFolders('/nowhere/at/all')).rejects.toThrow("'/nowhere/at/all' cannot be read");
  });
});

describe('figures', () => {
  it('median and 95th percentile lie between neighbours', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([0, 10], 0.95)).toBe(9.5);
    expect(quantile([7], 0.95)).toBe(7);
  });

  it('a peer that takes twice the time makes Quern twice as fast', () => {
    const row = (engine: BenchRow['engine'], medianMs: number): BenchRow =>
      ({ model: 'm.onnx', engine, device: 'wasm', threads: 1, loadMs: 1, firstMs: 1, medianMs, p95Ms: 1, minMs: 1, loadPeakBytes: null, peakBytes: null, tuneMs: 0, runs: 1, relL2: null });
    expect(ratios([row('quern', 5), row('ort-web', 10)])).toContain('2.00 x as fast');
  });
});
