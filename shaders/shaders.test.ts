import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { detectRaces } from 'wgsl_reflect/wgsl_reflect.module.js';
import { nodeGpu } from './node-gpu.ts';
import { type FunctionName, functionNames, include } from './library.ts';
import { declarationOf, declarationPath, readShaders, reflectShaders } from './plugin.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const files = reflectShaders(readShaders(folder));

let device: GPUDevice;
beforeAll(async () => {
  const adapter = await (await nodeGpu()).requestAdapter();
  if (adapter === null) throw new Error('no WebGPU adapter: these tests need one');
  device = await adapter.requestDevice({ requiredFeatures: ['subgroups'] });
});

const isFunction = (name: string): name is FunctionName => functionNames.some((f) => f === name);

async function messages(code: string): Promise<string[]> {
  device.pushErrorScope('validation');
  const info = await device.createShaderModule({ code }).getCompilationInfo();
  await device.popErrorScope();
  return info.messages.map((m) => `${m.type} ${m.lineNum}: ${m.message}`);
}

describe('shader files', () => {
  for (const [name, file] of files) {
    it(`${name}.wgsl compiles, with what it uses`, async () => {
      const { enables, text } = include(Object.keys(file.functions).filter(isFunction));
      expect(await messages([...enables.map((e) => `enable ${e};`), text].join('\n'))).toEqual([]);
    });
    it(`the declarations of ${name}.wgsl are current`, () => {
      const path = declarationPath(folder, name);
      expect(existsSync(path) ? readFileSync(path, 'utf8') : '').toBe(declarationOf(name, file));
    });
  }

  it('a function comes with what it calls and no more', () => {
    const { text, enables } = include(['atan_wide']);
    expect([...text.matchAll(/^fn (\w+)/gm)].map((m) => m[1])).toEqual(['is_nan', 'atan_wide']);
    expect(enables).toEqual([]);
  });
  it('the order of requests does not matter', () => {
    expect(include(['erf', 'floordiv', 'part_u8']).text).toBe(include(['part_u8', 'floordiv', 'erf']).text);
  });
  it('constants take the values of the emitter', () => {
    expect(include(['lanes_sum_f32'], { workgroup_lanes: 128, row_lanes: 32 }).text).toContain('const row_lanes = 32u;');
  });
  it('subgroup reductions enable subgroups', () => expect(include(['subgroup_sum_f32']).enables).toEqual(['subgroups']));
});

describe('workgroup reductions', () => {
  const reductions = functionNames.filter((name) => name.startsWith('lanes_'));
  const harness = (name: FunctionName, text: string): string => {
    const type = name.slice(-3);
    return `${text}
@group(0) @binding(0) var<storage, read> source: array<${type}>;
@group(0) @binding(1) var<storage, read_write> target: array<${type}>;
@compute @workgroup_size(16)
fn main(@builtin(local_invocation_index) lid: u32) {
  let first = ${name}(source[lid], lid);
  target[lid] = ${name}(source[lid] + first, lid);
}`;
  };
  for (const name of reductions) {
    it(`${name} has no race`, () => {
      const { text } = include([name], { workgroup_lanes: 16, row_lanes: 8 });
      const code = harness(name, text).replaceAll('target', 'result');
      const data = name.endsWith('f32') ? new Float32Array(16).fill(1) : name.endsWith('i32') ? new Int32Array(16).fill(1) : new Uint32Array(16).fill(1);
      const found = detectRaces(code, 'main', [1, 1, 1], { 0: { 0: data, 1: data.slice() } });
      expect(found.errors).toEqual([]);
      expect(found.races).toEqual([]);
    });
  }
  it('a reduction without its barriers is found to race', () => {
    const { text } = include(['lanes_sum_f32'], { workgroup_lanes: 16, row_lanes: 8 });
    const code = harness('lanes_sum_f32', text.replaceAll('workgroupBarrier();', '')).replaceAll('target', 'result');
    const data = new Float32Array(16);
    expect(detectRaces(code, 'main', [1, 1, 1], { 0: { 0: data, 1: data.slice() } }).races).not.toEqual([]);
  });
});
