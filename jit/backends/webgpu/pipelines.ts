/**
 * Compute pipelines by code key: made asynchronously and in parallel, each text once. The layout is explicit, so that all schedules of a
 * kernel share it and a swap keeps bind groups. A text that the browser's compiler refuses is `wrong-kernel`, with its first message.
 */
import type { Compiled } from '../../device.ts';
import { QuernError } from '../../error.ts';
import type { WebGpuCode } from './code.ts';
import type { WgslModule } from './module.ts';

export interface WebGpuCompiled extends Compiled {
  readonly code: WebGpuCode;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export class Pipelines {
  readonly #made = new Map<string, Promise<WebGpuCompiled>>();
  readonly #texts = new Map<string, Promise<GPUComputePipeline>>();
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();

  constructor(private readonly device: GPUDevice) {}

  compile(code: WebGpuCode): Promise<WebGpuCompiled> {
    const known = this.#made.get(code.key);
    if (known !== undefined) return known;
    const layout = this.#layoutOf(code.module);
    const made = this.#pipelineOf(code.module.text, layout.pipeline).then((pipeline) => ({ code, pipeline, layout: layout.group }));
    this.#made.set(code.key, made);
    made.catch(() => { this.#made.delete(code.key); });
    return made;
  }

  #layoutOf({ access, dims }: WgslModule): { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    const signature = `${access.join()}${dims ? ',dims' : ''}`;
    const known = this.#layouts.get(signature);
    if (known !== undefined) return known;
    const entries: GPUBindGroupLayoutEntry[] = access.map((a, binding) => ({
      binding, visibility: GPUShaderStage.COMPUTE, buffer: { type: a === 'read' ? 'read-only-storage' : 'storage' },
    }));
    if (dims) entries.push({ binding: access.length, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'uniform' } });
    const group = this.device.createBindGroupLayout({ entries });
    const made = { group, pipeline: this.device.createPipelineLayout({ bindGroupLayouts: [group] }) };
    this.#layouts.set(signature, made);
    return made;
  }

  #pipelineOf(text: string, layout: GPUPipelineLayout): Promise<GPUComputePipeline> {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const made = this.#create(text, layout);
    this.#texts.set(text, made);
    made.catch(() => { this.#texts.delete(text); });
    return made;
  }

  async #create(code: string, layout: GPUPipelineLayout): Promise<GPUComputePipeline> {
    this.device.pushErrorScope('validation');
    const module = this.device.createShaderModule({ code });
    const scope = this.device.popErrorScope();
    try {
      return await this.device.createComputePipelineAsync({ layout, compute: { module, entryPoint: 'main' } });
    } catch (cause) {
      const info = await module.getCompilationInfo();
      const first = info.messages.find((m) => m.type === 'error');
      const line = first === undefined ? '' : code.split('\n')[first.lineNum - 1]?.trim() ?? '';
      throw new QuernError('wrong-kernel', 'the GPU\'s compiler refuses a kernel', {
        got: first === undefined ? String(cause) : `${first.message} in line ${first.lineNum}: ${line}`, cause,
      });
    } finally {
      await scope;
    }
  }
}
