/**
 * The WebGPU device: adapter, limits, faults, and the parts in one `Device`. Input: a GPU object (the browser's, or Dawn's in Node);
 * output: a device whose buffers, pipelines and programs follow jit/device.ts. All limits that matter to kernels are raised to the
 * adapter's. A lost device settles `lost`, fails every later call with `device-lost`, and is not revived: that needs a new adapter as well.
 */
import type { Device, DeviceProfile, Region } from '../../device.ts';
import { QuernError } from '../../error.ts';
import { hashText } from '../../hash.ts';
import { type WebGpuCode, emitCode, spaceOf } from './code.ts';
import { Memory } from './memory.ts';
import { software } from './module.ts';
import { Pipelines } from './pipelines.ts';
import { asWebGpu, dimsBuffer, encode, makeProgram, prepare, timed } from './program.ts';
import { storageBytes } from './storage.ts';

export interface WebGpuOptions {
  /** The browser's `navigator.gpu` if not given. */
  readonly gpu?: GPU | undefined;
  /** An adapter that has not made a device yet: each can make one. */
  readonly adapter?: GPUAdapter | undefined;
  readonly powerPreference?: GPUPowerPreference | undefined;
}

/** Limits that are asked for at the adapter's values; kernels and spaces see them in the profile. */
const wantedLimits = [
  'maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX', 'maxComputeWorkgroupsPerDimension', 'minStorageBufferOffsetAlignment',
] as const;
const wantedFeatures: readonly GPUFeatureName[] = ['timestamp-query', 'subgroups'];

/** Opens a GPU. Rejects with `no-webgpu` where there is none, and says why. */
export async function createWebGpuDevice(options: WebGpuOptions = {}): Promise<Device> {
  const gpu = options.gpu ?? (typeof navigator === 'undefined' ? undefined : (navigator as Partial<Navigator>).gpu);
  if (gpu === undefined) {
    throw new QuernError('no-webgpu', 'this browser has no WebGPU', { hint: "use device: 'auto' or 'wasm'; WebGPU also needs a secure context (https)" });
  }
  const preference = options.powerPreference;
  const adapter = options.adapter ?? await gpu.requestAdapter(preference === undefined ? {} : { powerPreference: preference });
  if (adapter === null) {
    throw new QuernError('no-webgpu', 'WebGPU has no adapter here', { hint: "the GPU or its driver is blocked; use device: 'auto' or 'wasm'" });
  }
  const { limits } = adapter;
  const requiredLimits: Record<string, number> = {};
  for (const name of wantedLimits) requiredLimits[name] = limits[name];
  const requiredFeatures = wantedFeatures.filter((f) => adapter.features.has(f));
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  } catch (cause) {
    throw new QuernError('no-webgpu', 'the GPU gives no device', { got: cause instanceof Error ? cause.message : String(cause), cause });
  }
  return assemble(device, profileOf(gpu, adapter, device));
}

function profileOf(gpu: GPU, adapter: GPUAdapter, device: GPUDevice): DeviceProfile {
  const { info } = adapter;
  const limits: Record<string, number> = {};
  for (const name of wantedLimits) limits[name] = device.limits[name];
  const features = [
    ...wantedFeatures.filter((f) => device.features.has(f)),
    ...(gpu.wgslLanguageFeatures.has('subgroup_id') ? ['subgroup_id'] : []),
    ...(info.isFallbackAdapter ? [software] : []),
  ];
  const who = [info.vendor, info.architecture, info.device, info.description].filter((part) => part !== '').join(' ');
  const facts = [...features, ...Object.entries(limits).map(([name, value]) => `${name}=${value}`)].join();
  return {
    kind: 'webgpu', fingerprint: `webgpu ${engine()} ${who || 'unnamed'} ${hashText(facts)}`,
    threads: 1, fma: true, panel: 0, vectorRegisters: 0, features, limits, peakFlops: 0, peakBytes: 0,
  };
}

/** Browser engine and its major version: its shader compiler is part of what was measured. */
function engine(): string {
  const agent = typeof navigator === 'undefined' ? '' : (navigator as Partial<Navigator>).userAgent ?? '';
  const found = /(Chrome|Firefox|Version)\/(\d+)/.exec(agent);
  if (found !== null) return `${found[1] === 'Version' ? 'Safari' : found[1] ?? ''} ${found[2] ?? ''}`;
  return agent === '' ? 'no browser' : agent.slice(0, 32);
}

function assemble(device: GPUDevice, profile: DeviceProfile): Device {
  const memory = new Memory(device);
  const pipelines = new Pipelines(device);
  let fault: QuernError | undefined;
  const lost = device.lost.then((info) => {
    fault ??= info.reason === 'destroyed'
      ? new QuernError('disposed', 'the device is disposed')
      : new QuernError('device-lost', 'the GPU is gone', { got: info.message, hint: 'load the model again: a new adapter is needed' });
    return { reason: info.message === '' ? info.reason : info.message };
  });
  device.onuncapturederror = (event): void => {
    const { error } = event;
    const out = typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError;
    fault ??= new QuernError(out ? 'out-of-memory' : 'internal', out ? 'the GPU has no memory left' : 'the GPU reports an error', { got: error.message });
  };
  const check = (): void => { if (fault !== undefined) throw fault; };
  const timestamps = device.features.has('timestamp-query');
  const host = { device, memory, timestamps, check };

  return {
    kind: 'webgpu', profile, alignment: 256, sharing: 'regions',
    allocate(bytes): Region { check(); return memory.allocate(bytes); },
    release(region) { memory.release(region); },
    storageBytes,
    write(view, dtype, bytes) { check(); memory.write(view, dtype, bytes); },
    async read(view, dtype) {
      check();
      await memory.settled();
      try {
        const bytes = await memory.read(view, dtype);
        check();
        return bytes;
      } catch (error) {
        check();
        throw error;
      }
    },
    copy(from, to) { check(); memory.copy(from, to); },
    space: (kernel) => spaceOf(kernel, profile),
    emit: (kernel, schedule): WebGpuCode => emitCode(kernel, schedule, profile),
    async compile(code) {
      check();
      if (!('module' in code)) throw new QuernError('internal', 'code is for another device');
      return pipelines.compile(code as WebGpuCode);
    },
    program(steps) { check(); return makeProgram(host, steps); },
    async time(step, repeats) {
      check();
      await memory.settled();
      const dims = dimsBuffer(device, [step]);
      const ready = prepare(device, memory, step, asWebGpu(step.compiled), dims, 0);
      const [ns = 0] = await timed(device, timestamps, [(pass): void => { for (let i = 0; i < repeats; i++) encode(pass, ready); }]);
      dims?.destroy();
      check();
      return ns;
    },
    idle: () => device.queue.onSubmittedWorkDone(),
    lost,
    memory: () => memory.usage(),
    dispose() {
      memory.dispose();
      device.destroy();
      return lost.then(() => undefined);
    },
  };
}
